//! Chaos in a running drill, from the command line: a client of the drill's API like any other.

use std::{io::Write as _, process::ExitCode, sync::Arc, time::Duration};

use api::{ChaosPreview, InjectRequest, InjectionState, InjectionView};
use facilitator::drill::Handle;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    cli::{HealArgs, InjectArgs, StatusArgs, Target},
    command::{join, list::logs_folder, print},
    exit::{FAILED, Failure, INTERRUPTED, NO, OK},
    settings::Settings,
    signals,
};

/// How long the drill may take to answer: a release is rolled out meanwhile.
const PATIENCE: Duration = Duration::from_secs(90);
/// Lease of an attached injection: it is healed so long after this command was killed.
const LEASE: Duration = Duration::from_secs(5);
/// How often an attached injection's lease is renewed: several tries fit into a lease.
const RENEWAL: Duration = Duration::from_secs(1);

/// The instructor's side of a drill's API.
struct Instructor {
    agent: ureq::Agent,
    base: String,
    key: String,
    name: String,
}

impl Instructor {
    /// Of the drill that is meant.
    fn of(target: &Target, settings: &Settings) -> Result<Self, Failure> {
        let (url, key) = match (&target.url, &target.key) {
            (Some(url), Some(key)) => (join::base(url)?.to_owned(), key.clone()),
            _ => {
                let handle = found(target, settings)?;
                (
                    handle.url.clone(),
                    target.key.clone().unwrap_or_else(|| handle.key.clone()),
                )
            }
        };
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false);
        let name = target
            .name
            .clone()
            .or_else(|| std::env::var("USER").ok())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "the instructor".to_owned());
        if name.chars().any(char::is_control) || key.chars().any(char::is_control) {
            return Err(Failure::usage(
                "your name or the key has a line break or another control character in it",
                "--as NAME, --key KEY",
            ));
        }
        Ok(Self {
            agent: config.build().into(),
            base: format!("{url}/api/v1/drills/current/chaos"),
            key,
            name,
        })
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let request = self.agent.get(format!("{}{path}", self.base));
        self.answer(self.signed(request).call())
    }

    fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let request = self.agent.delete(format!("{}{path}", self.base));
        self.answer(self.signed(request).call())
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).map_err(Failure::failed)?;
        let request = self.agent.post(format!("{}{path}", self.base));
        self.answer(
            self.signed(request)
                .content_type("application/json")
                .send(&body),
        )
    }

    fn signed<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        request
            .header("authorization", format!("Bearer {}", self.key))
            .header("x-drill-instructor", &self.name)
    }

    fn answer<T: DeserializeOwned>(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<T, Failure> {
        let mut answer = answer.map_err(|error| {
            Failure::failed(format!(
                "the drill at {} does not answer: {error}",
                self.base
            ))
            .remedy("is it still running? `drill list` tells")
        })?;
        let body = answer.body_mut().read_to_vec().map_err(Failure::failed)?;
        if answer.status().is_success() {
            return serde_json::from_slice(&body).map_err(|error| {
                Failure::failed(format!("the answer is not that of a drill: {error}"))
                    .remedy(join::WHERE_URL)
            });
        }
        let refused = Failure {
            code: if answer.status().is_client_error() {
                NO
            } else {
                FAILED
            },
            message: format!("{} answered {}", self.base, answer.status()),
            remedy: Some(join::WHERE_URL.to_owned()),
        };
        Err(match serde_json::from_slice::<api::Problem>(&body) {
            Ok(problem) => Failure {
                message: problem.error,
                remedy: problem.remedy,
                ..refused
            },
            Err(_) => refused,
        })
    }
}

/// The drill on this machine that is meant.
fn found(target: &Target, settings: &Settings) -> Result<Handle, Failure> {
    let logs = logs_folder(target.logs.as_ref(), settings);
    let logs = std::path::absolute(&logs).unwrap_or(logs);
    let mut running = Handle::list(&logs);
    if let Some(id) = &target.drill {
        running.retain(|handle| handle.id == *id);
    }
    match running.len() {
        1 => Ok(running.remove(0)),
        0 => Err(Failure::failed(match &target.drill {
            Some(id) => format!("no drill {id} runs here (looked in {})", logs.display()),
            None => format!("no drill runs here (looked in {})", logs.display()),
        })
        .remedy("start one with `drill run`; for one elsewhere give --url and --key, which a headless drill prints")),
        several => {
            let ids: Vec<_> = running.iter().map(|handle| handle.id.as_str()).collect();
            Err(Failure::usage(
                format!("{several} drills run here"),
                format!("--drill with one of {}", ids.join(", ")),
            ))
        }
    }
}

/// `drill chaos inject`.
pub fn inject(args: &InjectArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let instructor = Instructor::of(&args.target, settings)?;
    let seconds = |span: Option<Duration>| span.map(|span| span.as_secs_f64());
    let request = InjectRequest {
        mechanism: args.mechanism.clone(),
        at: args.at.clone(),
        values: args
            .values
            .iter()
            .map(|(key, value)| (key.clone(), value.clone().into()))
            .collect(),
        duration_s: seconds(args.lasting),
        ramp_s: seconds(args.ramp),
        after_s: seconds(args.after),
        lease_s: args.attached.then(|| LEASE.as_secs_f64()),
        by: instructor.name.clone(),
        why: args.why.clone(),
    };
    if args.preview {
        let preview: ChaosPreview = instructor.post("/preview", &request)?;
        return tell(args.target.json, &preview, told_preview)
            .map(|()| ExitCode::from(if preview.refused.is_some() { NO } else { OK }));
    }
    let injection: InjectionView = instructor.post("", &request)?;
    tell(args.target.json, &injection, |one| {
        told(std::slice::from_ref(one))
    })?;
    if injection.state.is_over() || injection.state == InjectionState::Healing {
        return Ok(ExitCode::from(NO));
    }
    if args.attached {
        return hold(instructor, injection.id, args.target.json);
    }
    Ok(ExitCode::from(OK))
}

/// Stays with an injection until it is over or this command is to end, and heals it then.
fn hold(instructor: Instructor, id: u32, json: bool) -> Result<ExitCode, Failure> {
    if !json {
        eprintln!("attached: Ctrl-C heals it");
    }
    let instructor = Arc::new(instructor);
    let runtime = crate::command::runtime()?;
    let renewing = instructor.clone();
    let signal = runtime.block_on(async {
        // one listener for the whole time: a signal between two would be lost
        let mut ended = std::pin::pin!(signals::ended());
        tokio::select! {
            signal = &mut ended => Ok(Some(signal)),
            over = renew_until_over(renewing, id) => over.map(|()| None),
        }
    });
    // what is just being asked of the drill may hang with it
    runtime.shutdown_background();
    let signal = signal?;
    let healed: InjectionView = instructor.delete(&format!("/{id}"))?;
    tell(json, &healed, |one| told(std::slice::from_ref(one)))?;
    Ok(ExitCode::from(if signal.is_some() {
        INTERRUPTED
    } else {
        OK
    }))
}

/// Renews the lease of an injection until it is over.
async fn renew_until_over(instructor: Arc<Instructor>, id: u32) -> Result<(), Failure> {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let asked = instructor.clone();
        let still = tokio::task::spawn_blocking(move || -> Result<InjectionView, Failure> {
            let still: InjectionView = asked.get(&format!("/{id}"))?;
            if !still.state.is_over() {
                // it may have ended since
                let _: Result<InjectionView, Failure> = asked.post(&format!("/{id}/renew"), &());
            }
            Ok(still)
        });
        let still = still.await.map_err(Failure::failed)??;
        if still.state.is_over() {
            return Ok(());
        }
    }
}

/// `drill chaos status`.
pub fn status(args: &StatusArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let instructor = Instructor::of(&args.target, settings)?;
    let mut all: Vec<InjectionView> = instructor.get("")?;
    if !args.all {
        all.retain(|one| !one.state.is_over());
    }
    tell(args.target.json, &all, |all| {
        if all.is_empty() {
            "nothing is injected\n".to_owned()
        } else {
            told(all)
        }
    })?;
    Ok(ExitCode::from(OK))
}

/// `drill chaos heal`.
pub fn heal(args: &HealArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let instructor = Instructor::of(&args.target, settings)?;
    let healed: Result<Vec<InjectionView>, Failure> = args
        .ids
        .iter()
        .map(|id| instructor.delete(&format!("/{id}")))
        .collect();
    let healed = healed?;
    tell(args.target.json, &healed, |healed| told(healed))?;
    Ok(verdict(&healed))
}

/// `drill chaos stop-everything`.
pub fn stop_everything(target: &Target, settings: &Settings) -> Result<ExitCode, Failure> {
    let instructor = Instructor::of(target, settings)?;
    let healed: Vec<InjectionView> = instructor.post("/stop-everything", &())?;
    tell(target.json, &healed, |healed| {
        if healed.is_empty() {
            "nothing was injected\n".to_owned()
        } else {
            told(healed)
        }
    })?;
    Ok(verdict(&healed))
}

/// Whether all are gone.
fn verdict(healed: &[InjectionView]) -> ExitCode {
    let gone = healed.iter().all(|one| one.state.is_over());
    ExitCode::from(if gone { OK } else { NO })
}

fn tell<T: Serialize>(json: bool, what: &T, text: impl Fn(&T) -> String) -> Result<(), Failure> {
    if json {
        let json = serde_json::to_string(what).map_err(Failure::failed)?;
        print(&(json + "\n"));
    } else {
        print(&text(what));
    }
    // an attached command stays: what it said must be seen at once
    std::io::stdout().flush().map_err(Failure::failed)
}

fn told_preview(preview: &ChaosPreview) -> String {
    let mut text = format!(
        "{} at {}: {}\n",
        preview.mechanism, preview.at, preview.definition
    );
    for act in &preview.acts {
        text.push_str(&format!("  {:24} {}\n", act.at, act.does));
    }
    text.push_str(&format!("  hits     {}\n", preview.hits.join(", ")));
    text.push_str(&format!("  ends     {}\n", preview.ends));
    if let Some(refused) = &preview.refused {
        text.push_str(&format!("  refused  {refused}\n"));
    }
    text
}

fn told(all: &[InjectionView]) -> String {
    let mut text = String::new();
    for one in all {
        let state = match one.state {
            InjectionState::Scheduled => "scheduled".to_owned(),
            InjectionState::Starting => "starting".to_owned(),
            InjectionState::Ramping => format!("{:.0} %", one.share * 100.0),
            InjectionState::Active => "active".to_owned(),
            InjectionState::Healing => "healing".to_owned(),
            InjectionState::Healed => "healed".to_owned(),
            InjectionState::Failed => "failed".to_owned(),
        };
        text.push_str(&format!(
            "{:>3}  {:9}  {} at {}, by {}: {}\n",
            one.id, state, one.mechanism, one.at, one.by, one.why
        ));
        if let Some(how) = &one.how {
            text.push_str(&format!("     {how}\n"));
        }
        match (one.flows_again, &one.seen) {
            (Some(true), Some(seen)) => {
                text.push_str(&format!("     traffic flows again: {seen}\n"))
            }
            (Some(false), Some(seen)) => {
                text.push_str(&format!("     TRAFFIC DOES NOT FLOW AGAIN: {seen}\n"));
            }
            _ => {}
        }
    }
    text
}
