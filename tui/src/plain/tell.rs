//! The views in words, one fact a line, rows numbered as `pin` and `trace` take them. A line end within a foreign value
//! never begins a line at the margin: it is shown as a mark, or what follows it is indented.

use super::debrief;
use crate::app::App;
use crate::app::receive::refusal;
use crate::client::prometheus::{Series, stretches};
use crate::client::words;
use crate::net::golden;
use crate::text::{self, escape};
use crate::time::{clock, clock_millis};
use crate::views::logs::{held as held_lines, line::own_fields};
use crate::views::overview::signals;
use crate::views::traces::held as held_traces;
use crate::views::traces::waterfall::{Row, label};
use crate::views::{
    ViewId, act, case as notebook, changes as history, map as graph, overview as front,
};

/// Log lines and traces that are told at once: the newest; and cells of a line.
const TOLD: usize = 30;
const TOLD_CELLS: usize = 2_000;

fn numbered(rows: impl IntoIterator<Item = String>) -> String {
    rows.into_iter()
        .enumerate()
        .map(|(i, row)| format!("{}. {}\n", i + 1, indented(&row)))
        .collect()
}

/// A text whose further lines are indented below its first.
pub fn indented(text: &str) -> String {
    text.replace('\n', "\n   ")
}

/// The time range in words: its width where it follows now, else from when to when.
pub fn range(app: &App) -> String {
    let window = app.range.window();
    if app.range.follows() {
        text::stretch(window.length_ms())
    } else {
        format!("{} to {}", clock(window.start_ms), clock(window.end_ms))
    }
}

/// The view on screen: all of it, or a page of its lines or traces.
pub fn view(app: &App, page: Option<usize>) -> String {
    match app.view {
        ViewId::Overview => overview(app),
        ViewId::Logs => logs(app, page),
        ViewId::Traces if app.views.traces.open.is_some() => trace(app),
        ViewId::Traces => traces(app, page),
        ViewId::Metrics => metrics(app),
        ViewId::Map => map(app),
        ViewId::Changes => changes(app),
        ViewId::Case => case(app),
        ViewId::Act => remedies(app) + &proof(app),
        ViewId::Debrief => debrief_of(app),
    }
}

/// The brief.
pub fn brief(app: &App) -> String {
    let sections = front::state::brief(app).into_iter();
    sections
        .map(|(title, body)| format!("{title}: {}\n", indented(&body)))
        .collect()
}

/// How far the preparation is; nothing before the lab has answered.
pub fn preparing(app: &App) -> String {
    app.drill()
        .map(|d| {
            let done = text::percent(d.progress);
            format!(
                "preparing, {done}: {}; the page comes at 03:00\n",
                escape(&d.activity)
            )
        })
        .unwrap_or_default()
}

/// The page.
pub fn page(app: &App) -> String {
    format!(
        "PAGE\n{}\nack acknowledges it.\n",
        indented(&front::state::text_of(app, &front::state::Item::Page))
    )
}

/// The overview.
pub fn overview(app: &App) -> String {
    let Some(drill) = app.drill() else {
        let refused = refusal(&app.known.drill).unwrap_or_default();
        return escape(&refused).into_owned() + "\n";
    };
    let mut out = format!(
        "phase {:?}, time {}, range {}\n",
        drill.phase,
        clock(app.range.now_ms),
        range(app)
    );
    if drill.phase == api::Phase::Preparing {
        out.push_str(&preparing(app));
    }
    let over = stretches(golden::RATE);
    let golden = app.views.overview.golden.value.clone().unwrap_or_default();
    let last = |all: &[Series], service: &str| {
        all.iter()
            .find(|s| s.labels.get("service").map(String::as_str) == Some(service))
            .and_then(Series::last)
    };
    let describe = |item: &front::state::Item| {
        let told = front::state::text_of(app, item);
        let front::state::Item::Service(name) = item else {
            return told;
        };
        let figure = |all: &[Series], shown: fn(f64) -> String, bounds: signals::Bounds| {
            let last = last(all, name);
            last.map_or_else(|| "unknown".to_owned(), |v| signals::told(v, bounds, shown))
        };
        format!(
            "{told}\nover {over}: requests per second {}, errors {}, p95 {}, processor {}",
            figure(&golden.rate, text::number, signals::NONE),
            figure(&golden.errors, text::percent, signals::ERRORS),
            figure(&golden.p95, text::seconds, signals::SLOW),
            figure(&golden.cpu, text::percent, signals::BUSY)
        )
    };
    let items = numbered(front::state::items(app).iter().map(describe));
    out + &items + "objectives tells what is promised, and what is left of the error budgets\n"
}

/// The objectives in full.
pub fn objectives(app: &App) -> String {
    indented(&front::objectives::in_full(app)) + "\n"
}

/// Log lines, numbered as the view numbers them: all of them, or a page, the newest first.
pub fn logs(app: &App, page: Option<usize>) -> String {
    let lines = app.views.logs.lines();
    if let Some(failure) = &app.views.logs.query.failure {
        return failed(&app.views.logs.query.ran, failure);
    }
    if lines.is_empty() {
        let (ran, seen) = (&app.views.logs.query.ran, &app.views.logs.seen);
        let range = range(app);
        return match words::places(ran, seen) {
            Some(places) => format!("no line in range {range}: {}\n", escape(&places)),
            None if ran.is_empty() => format!("no line in range {range}\n"),
            None => format!("no line in range {range} matches {}\n", escape(ran)),
        };
    }
    let until = lines.len().saturating_sub(page.unwrap_or(0) * TOLD);
    let from = page.map_or(0, |_| until.saturating_sub(TOLD));
    let told = match (page.unwrap_or(0), from) {
        (_, 0) => "all of them told".to_owned(),
        (0, _) => format!("the newest {TOLD} told; more tells the ones before"),
        _ => format!("{} to {until} told; more tells the ones before", from + 1),
    };
    let mut out = format!(
        "{}, {told}; range {}\n",
        held_lines(&app.views.logs),
        range(app)
    );
    for (i, line) in lines.iter().enumerate().take(until).skip(from) {
        let trace = line
            .trace_id()
            .map(|t| format!(" trace {t}"))
            .unwrap_or_default();
        let said = format!(
            "{}. {} {:?} {}: {}{}{trace}",
            i + 1,
            clock_millis(line.at_ms()),
            line.severity,
            line.service,
            line.line,
            own_fields(line)
        );
        // show tells all of a line that would be listened to for minutes
        out.push_str(&text::fit(&escape(&said), TOLD_CELLS));
        out.push('\n');
    }
    out
}

fn failed(query: &str, failure: &crate::Failure) -> String {
    let place = failure
        .position
        .map(|p| format!("\n{}\n{}^ here", escape(query), " ".repeat(p)))
        .unwrap_or_default();
    let remedy = failure
        .remedy
        .as_ref()
        .map(|r| format!("\n{}", escape(r)))
        .unwrap_or_default();
    format!("problem: {}{place}{remedy}\n", escape(&failure.message))
}

/// Traces, numbered: all of them, or a page.
pub fn traces(app: &App, page: Option<usize>) -> String {
    let traces = &app.views.traces;
    if let Some(failure) = &traces.query.failure {
        return failed(&traces.query.ran, failure);
    }
    if traces.hits.is_empty() {
        return super::narrowing::no_trace(app);
    }
    let row = |h: &crate::client::tempo::TraceHit| {
        format!(
            "{} {} {} {}{} id {}",
            clock_millis(h.start_ns / 1_000_000),
            h.service,
            h.name,
            text::seconds(h.duration_ms / 1000.0),
            if h.error { " failed" } else { "" },
            h.trace_id
        )
    };
    let (len, page_n) = (traces.hits.len(), page.unwrap_or(0));
    let from = (page_n * TOLD).min(len);
    let until = page.map_or(len, |_| (from + TOLD).min(len));
    let told = match (page_n, until == len) {
        (_, true) => "all of them told".to_owned(),
        (0, false) => format!("the first {until} told; more tells the next"),
        _ => format!("{} to {until} told; more tells the next", from + 1),
    };
    let rows = traces.hits.iter().enumerate().take(until).skip(from);
    let rows: String = rows
        .map(|(i, hit)| format!("{}. {}\n", i + 1, escape(&row(hit))))
        .collect();
    format!("{}, {told}; trace N opens one\n{rows}", held_traces(traces))
}

/// The open trace as an indented tree.
pub fn trace(app: &App) -> String {
    let traces = &app.views.traces;
    let Some(waterfall) = traces.current() else {
        return traces
            .query
            .failure
            .as_ref()
            .map(|f| format!("problem: {}\n", escape(&f.message)))
            .unwrap_or_default();
    };
    let mut out = format!(
        "trace {}, {}, {}\n",
        escape(&waterfall.id),
        text::seconds(waterfall.seconds()),
        text::count(waterfall.spans.len(), "span", "spans")
    );
    for service in waterfall.revisited() {
        out.push_str(&format!(
            "{} is called again further down its own call\n",
            escape(&service)
        ));
    }
    let row = |row: &Row| match row {
        Row::Span { index, depth, .. } => {
            let span = &waterfall.spans[*index];
            let critical = if waterfall.critical.contains(index) {
                ", critical path"
            } else {
                ""
            };
            let error = if span.error {
                failed_with(span)
            } else {
                String::new()
            };
            format!(
                "level {depth}: {} {}, {}{critical}{error}",
                span.service,
                label(span),
                text::seconds(span.seconds())
            )
        }
        Row::Group {
            members,
            depth,
            share,
            ..
        } => {
            let span = &waterfall.spans[members[0]];
            let failed = failed_among(members.iter().map(|i| &waterfall.spans[*i]));
            format!(
                "level {depth}: {} times {} {}, {} of the time{failed}",
                members.len(),
                span.service,
                label(span),
                text::percent(*share)
            )
        }
    };
    out + &numbered(traces.rows().iter().map(|r| escape(&row(r)).into_owned()))
        + &format!(
            "{} carry this trace; logs {} tells them\n",
            text::count(traces.logs.len(), "log line", "log lines"),
            escape(&waterfall.id)
        )
}

/// How many of equal spans failed, with what the first of these says.
fn failed_among<'a>(spans: impl Iterator<Item = &'a crate::client::tempo::Span>) -> String {
    let failed: Vec<_> = spans.filter(|s| s.error).collect();
    failed.first().map_or_else(String::new, |first| {
        let said = failed_with(first).replacen(',', "", 1);
        format!(", {} of them{said}", failed.len())
    })
}

/// That a span failed, with what its status and its error attributes say.
fn failed_with(span: &crate::client::tempo::Span) -> String {
    const SAYS: [&str; 3] = [
        "http.response.status_code",
        "error.type",
        "event.exception.message",
    ];
    let said = SAYS.iter().filter_map(|key| span.attributes.get(*key));
    let said: Vec<&str> = std::iter::once(&span.message)
        .chain(said)
        .map(String::as_str)
        .filter(|s| !s.is_empty())
        .collect();
    match said.is_empty() {
        true => ", failed".to_owned(),
        false => format!(", failed: {}", said.join(", ")),
    }
}

/// Series, numbered.
pub fn metrics(app: &App) -> String {
    let metrics = &app.views.metrics;
    if let Some(failure) = &metrics.query.failure {
        return failed(&metrics.query.ran, failure);
    }
    let ran = &metrics.query.ran;
    let bare = ran
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
    if metrics.series.is_empty() && bare && app.known.metrics.iter().all(|m| m.name != *ran) {
        return format!(
            "no metric is called {ran}; names lists them, names WORD those with a word\n"
        );
    }
    let row = |s: &Series| {
        let finite = || s.points.iter().map(|p| p.1).filter(|v| v.is_finite());
        let number = |v: Option<f64>| v.map_or_else(|| "nothing".to_owned(), text::number);
        format!(
            "{}: first {}, last {}, least {}, greatest {}",
            escape(&s.name()),
            number(finite().next()),
            number(s.last()),
            number(finite().reduce(f64::min)),
            number(finite().reduce(f64::max))
        )
    };
    format!(
        "{}\n{}, range {}\n{}",
        escape(&metrics.query.ran),
        text::count(metrics.series.len(), "series", "series"),
        range(app),
        numbered(metrics.series.iter().map(row))
    ) + &super::chart::beside(app)
}

/// Metric names that hold a word.
pub fn names(app: &App, word: &str) -> String {
    let held = app.known.metrics.iter().filter(|m| m.name.contains(word));
    let told: String = held
        .map(|m| escape(&format!("{} {} {}", m.name, m.kind, m.help)).into_owned() + "\n")
        .collect();
    match told.is_empty() {
        true => format!("no metric has {word:?} in its name; names alone lists all\n"),
        false => told,
    }
}

/// Calls between services.
pub fn map(app: &App) -> String {
    let rings: String = app
        .views
        .map
        .graph
        .value
        .iter()
        .flat_map(|g| &g.cycles)
        .map(|c| {
            let round: Vec<&str> = c.iter().chain(c.first()).map(String::as_str).collect();
            format!("ring: {}\n", escape(&round.join(" to ")))
        })
        .collect();
    format!(
        "calls over the last {}\n{rings}",
        text::stretch(graph::state::window(app).length_ms())
    ) + &numbered(
        graph::state::items(app)
            .into_iter()
            .map(|item| graph::state::text_of(app, item)),
    )
}

/// Changes, newest first.
pub fn changes(app: &App) -> String {
    numbered(
        history::state::shown(app)
            .into_iter()
            .map(history::state::text_of),
    )
}

/// The notebook.
pub fn case(app: &App) -> String {
    let out = numbered(
        notebook::state::items(app)
            .into_iter()
            .map(|item| notebook::state::text_of(app, item)),
    );
    if out.is_empty() {
        "the notebook is empty\n".to_owned()
    } else {
        out
    }
}

/// Remedies, numbered.
pub fn remedies(app: &App) -> String {
    let row = |r: &api::Remedy| {
        format!(
            "{}{}{}: {}{}",
            r.title,
            if r.applied { ", applied" } else { "" },
            if r.dangerous { ", can hurt" } else { "" },
            r.description,
            r.rollout.as_ref().map_or_else(String::new, rollout)
        )
    };
    numbered(act::state::remedies(app).iter().map(row))
}

/// How far a rollout is, or how the last one went.
fn rollout(rollout: &api::Rollout) -> String {
    let steps = rollout.steps.iter().map(|step| {
        let figures = match step.figures.is_empty() {
            true => String::new(),
            false => format!(", {}", step.figures),
        };
        format!(
            "; {} {} {}{figures}",
            clock(step.at_ms),
            step.title,
            step.state
        )
    });
    let state = match rollout.running {
        true => format!("rolling out, {} % of connections are new", rollout.percent),
        false => match act::rollout::failed(rollout) {
            Some(said) => format!("last rollout {said}"),
            None => "last rollout".to_owned(),
        },
    };
    format!(
        " {state} ({}){}",
        rollout.strategy.name(),
        steps.collect::<String>()
    )
}

/// The stress test.
pub fn proof(app: &App) -> String {
    let Some(proof) = &app.known.proof.value else {
        return "nothing is known of the stress test yet\n".to_owned();
    };
    let state = match (proof.running, proof.passed) {
        (true, _) => format!("running, {}", text::percent(proof.progress)),
        (false, Some(true)) => "passed".to_owned(),
        (false, Some(false)) => "failed".to_owned(),
        (false, None) => "not run yet".to_owned(),
    };
    format!(
        "{}\nstress test: {state}\n{}",
        indented(&proof.description),
        numbered(proof.invariants.iter().map(debrief::invariant))
    )
}

/// The debrief.
pub fn debrief_of(app: &App) -> String {
    match &app.known.debrief.value {
        Some(told) => debrief::debrief(told),
        None => "the debrief opens when the drill has ended; finish ends it\n".to_owned(),
    }
}
