//! A drill without a terminal: what happens, one line each, for people or (`--json`) for scripts.
//! Events that would give the answer away are told at the end.

use std::{process::ExitCode, sync::Arc, time::Duration};

use api::{Debrief, Phase};
use facilitator::drill::{Drill, DrillEvent, DrillOptions};
use scenarios::plan::Plan;
use serde_json::json;

use super::run::{not_started, repeat};
use crate::{
    cli::RunArgs,
    exit::{self, Failure},
    signals,
};

/// How often progress is told while history is made.
const PROGRESS: Duration = Duration::from_secs(1);

/// Runs until the duration is over, the drill is finished over its API, or a signal.
pub async fn run(options: DrillOptions, args: &RunArgs) -> Result<ExitCode, Failure> {
    let plan = Arc::clone(&options.plan);
    let out = Printer { json: args.json };
    let mut ended = std::pin::pin!(signals::ended());
    let drill = tokio::select! {
        started = Drill::start(options) => started.map_err(|error| not_started(&error))?,
        signal = &mut ended => return Err(Failure { code: exit::INTERRUPTED, message: format!("{} before the drill began", signal.unwrap_or("interrupted")), remedy: None }),
    };
    out.begin(&drill, &plan);
    let how = tokio::select! {
        how = follow(&drill, &out, args.duration) => how,
        signal = &mut ended => signal.unwrap_or("interrupted"),
    };
    let debrief = drill.finish(how).await;
    out.end(&debrief);
    drill.shutdown().await;
    Ok(ExitCode::from(if how == OVER || how == FINISHED {
        exit::OK
    } else {
        exit::INTERRUPTED
    }))
}

/// How a drill ended that ran its time.
const OVER: &str = "its duration was over";
/// How a drill ended that somebody finished over the API.
const FINISHED: &str = "it was finished";

/// Tells events until the drill ends or its time after the page is over.
async fn follow(drill: &Drill, out: &Printer, duration: Option<Duration>) -> &'static str {
    let mut events = drill.events();
    let mut progress = tokio::time::interval(PROGRESS);
    let mut deadline = None;
    let mut told = None;
    loop {
        let over = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => return OVER,
            _ = progress.tick() => {
                let view = drill.view();
                if view.phase == Phase::Preparing {
                    out.progress(&view);
                }
                if view.banner != told {
                    told.clone_from(&view.banner);
                    out.banner(&view);
                }
            }
            event = events.next() => match event {
                None | Some(DrillEvent::Scorecard { .. }) => return FINISHED,
                Some(event) => {
                    if matches!(event, DrillEvent::Page { .. }) {
                        deadline = duration.map(|duration| tokio::time::Instant::now() + duration);
                    }
                    out.event(&event);
                }
            },
        }
    }
}

struct Printer {
    json: bool,
}

impl Printer {
    fn line(&self, value: &serde_json::Value, text: impl FnOnce() -> String) {
        let line = if self.json { value.to_string() } else { text() };
        super::print(&format!("{line}\n"));
    }

    fn begin(&self, drill: &Drill, plan: &Plan) {
        let view = drill.view();
        let (api, otlp_grpc) = (drill.api_url(), drill.otlp_grpc_url());
        let forward = drill.forward_url();
        let ready_ms = drill.ready_after().as_secs_f64() * 1e3;
        self.line(
            &json!({ "kind": "drill", "drill": view.id, "seed": view.seed, "api": api, "otlp_grpc": otlp_grpc, "forward": forward, "instructor_key": drill.instructor_key(), "toxiproxy": drill.toxiproxy_url(), "level": view.level, "repeat": repeat(plan) }),
            || {
                let scripts = drill
                    .toxiproxy_url()
                    .map(|url| format!("\n  links   {url}, Toxiproxy's control API"));
                let forwarded = forward.map(|to| format!("\n  forward {to}"));
                format!(
                    "drill {}  level {}  seed {}\n  api     {api}\n  otlp    {api} over HTTP, {otlp_grpc} over gRPC{}\n  screens drill join {api}\n  chaos   drill chaos inject …, from elsewhere with --url {api} --key {}{}\n  repeat  {}",
                    view.id, view.level, view.seed, forwarded.unwrap_or_default(), drill.instructor_key(), scripts.unwrap_or_default(), repeat(plan)
                )
            },
        );
        self.line(
            &json!({ "kind": "ready", "services": view.services.len(), "after_ms": ready_ms }),
            || {
                format!(
                    "{} services ready after {ready_ms:.0} ms",
                    view.services.len()
                )
            },
        );
    }

    fn progress(&self, view: &api::DrillView) {
        self.line(
            &json!({ "kind": "progress", "progress": view.progress, "activity": view.activity, "at_ms": view.now_ms, "speed": view.speed }),
            || format!("{}  {:>3.0} %  {} ({:.0}x)", clock(view.now_ms), view.progress * 100.0, view.activity, view.speed),
        );
    }

    /// Tells what is wrong with the recording or the lab, or that nothing is any more.
    fn banner(&self, view: &api::DrillView) {
        let said = view.banner.as_deref();
        self.line(
            &json!({ "kind": "banner", "at_ms": view.now_ms, "text": said }),
            || {
                format!(
                    "{}  note    {}",
                    clock(view.now_ms),
                    said.unwrap_or("all is well again")
                )
            },
        );
    }

    /// Tells an event now, unless it is a spoiler.
    fn event(&self, event: &DrillEvent) {
        if matches!(event, DrillEvent::Timeline { .. }) {
            return;
        }
        self.line(
            &serde_json::to_value(event).expect("plain data serialises"),
            || said(event),
        );
    }

    fn end(&self, debrief: &Debrief) {
        if self.json {
            for entry in debrief
                .timeline
                .iter()
                .filter(|entry| entry.lane == "truth")
            {
                self.line(
                    &json!({ "kind": "timeline", "at_ms": entry.at_ms, "text": entry.text }),
                    String::new,
                );
            }
            self.line(&json!({ "kind": "scorecard", "slug": debrief.slug, "score": debrief.score, "folder": debrief.folder }), String::new);
            return;
        }
        let mut text = format!("\n{}: {}\n\ntimeline\n", debrief.slug, debrief.title);
        for entry in &debrief.timeline {
            text.push_str(&format!(
                "  {}  {:<8} {}\n",
                clock(entry.at_ms),
                entry.lane,
                entry.text
            ));
        }
        text.push_str("\nscore\n");
        for part in &debrief.score.parts {
            text.push_str(&format!(
                "  {:<18} {:>6} of {:>3}  {}\n",
                part.part,
                part.points,
                part.of,
                part.reasons.join("; ")
            ));
        }
        text.push_str(&format!(
            "  {:<18} {:>6} of 100\n",
            "total", debrief.score.total
        ));
        if let Some(folder) = &debrief.folder {
            text.push_str(&format!(
                "\nrecorded in {folder}\n  drill report {folder}\n"
            ));
        }
        super::print(&text);
    }
}

/// Drill time of day.
fn clock(at_ms: i64) -> String {
    let second = at_ms.div_euclid(1_000).rem_euclid(86_400);
    format!(
        "{:02}:{:02}:{:02}",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// What an event says to a person: its time, its kind, its words.
fn said(event: &DrillEvent) -> String {
    let (at_ms, kind, words) = words(event);
    format!("{}  {kind:<7} {words}", clock(at_ms))
}

#[allow(clippy::too_many_lines, reason = "one flat row an event")]
fn words(event: &DrillEvent) -> (i64, &'static str, String) {
    use DrillEvent as E;
    match event {
        E::Alert {
            at_ms,
            name,
            state,
            service,
            value,
        } => {
            let service = service.as_deref().unwrap_or("shop");
            (
                *at_ms,
                "alert",
                format!("{name} ({service}) {state}, value {value:.3}"),
            )
        }
        E::Page {
            at_ms,
            title,
            alert,
            value,
        } => (*at_ms, "PAGE", format!("{title}  [{alert} = {value:.3}]")),
        E::Change {
            at_ms, title, id, ..
        } => (*at_ms, "change", format!("{title}  ({id})")),
        E::Timeline { at_ms, says, .. } => (*at_ms, "truth", says.clone()),
        E::Acknowledged { at_ms } => (*at_ms, "page", "acknowledged".to_owned()),
        E::Action {
            at_ms,
            remedy,
            undo,
            message,
            ..
        } => (
            *at_ms,
            "action",
            format!("{}{remedy}: {message}", if *undo { "undo " } else { "" }),
        ),
        E::Verdict {
            at_ms,
            component,
            mechanism,
            confidence,
            right,
        } => {
            let verdict = if *right { "right" } else { "wrong" };
            (
                *at_ms,
                "verdict",
                format!(
                    "{component} / {mechanism} at {:.0} % is {verdict}",
                    confidence * 100.0
                ),
            )
        }
        E::Proof {
            at_ms,
            passed,
            held,
            of,
        } => {
            let verdict = if *passed { "passed" } else { "failed" };
            (
                *at_ms,
                "proof",
                format!("{verdict}, {held} of {of} invariants hold"),
            )
        }
        E::ServiceExit {
            at_ms,
            service,
            reason,
        } => (*at_ms, "exit", format!("{service}: {reason}")),
        E::Scorecard { at_ms, how, score } => {
            (*at_ms, "ended", format!("{how}: {} points", score.total))
        }
    }
}
