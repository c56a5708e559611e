//! Commands that look closer at what was searched for last: traces by duration or failure, only what has a value, counts over
//! time, the order that a row names. They do what the keys of the screen do.

use super::commands::{Command, command};
use super::{moves, tell};
use crate::app::App;
use crate::client::Asker;
use crate::client::loki::{Histogram, Severity};
use crate::client::traceql::{self, is_trace_id};
use crate::text::escape;
use crate::time::clock;
use crate::views::logs::filter::with_filter;
use crate::views::logs::order;
use crate::views::traces::details;
use crate::views::traces::state::{Order, show_query};
use crate::views::{ViewId, logs, metrics, traces};

/// Stretches of time that counts are told in at most: a minute can be listened to.
const STRETCHES: usize = 15;

/// The view as it now is.
fn view(app: &App, _: &str) -> String {
    tell::view(app, Some(app.told_page))
}

pub const COMMANDS: &[Command] = &[
    command(
        &["slowest"],
        "[QUERY]",
        "the slowest traces of the range, of a query or of the last search",
        |a, q| sorted(a, q, Order::Duration),
        view,
    ),
    command(
        &["failed"],
        "[QUERY]",
        "the same, failed ones first",
        |a, q| sorted(a, q, Order::Error),
        view,
    ),
    command(
        &["only"],
        "FIELD=VALUE",
        "of the last search for log lines, traces or series, those with this value",
        |a, what| filtered(a, what, true),
        view,
    ),
    command(
        &["without"],
        "FIELD=VALUE",
        "of the last search for log lines, traces or series, those without this value",
        |a, what| filtered(a, what, false),
        view,
    ),
    command(
        &["counts"],
        "",
        "how many lines of the last search there are over time, by severity",
        |a, _| {
            // lines that were told keep their numbers
            if a.view != ViewId::Logs {
                a.open(ViewId::Logs);
            }
            String::new()
        },
        |a, _| counts(a),
    ),
    command(
        &["order"],
        "[N]",
        "logs of the order that row N names; order alone: its traces, and back",
        |a, which| match which {
            "" => followed(a),
            _ => match moves::select(a, which) {
                Ok(()) => followed(a),
                Err(why) => why,
            },
        },
        view,
    ),
];

fn followed(app: &mut App) -> String {
    order::follow(app);
    String::new()
}

/// Traces in an order; without words those of the last search.
fn sorted(app: &mut App, typed: &str, by: Order) -> String {
    let traces = &mut app.views.traces;
    (traces.order, traces.ascending) = (by, false);
    let ran = traces.query.ran.clone();
    // the id of one trace leaves nothing to sort
    let last = if is_trace_id(&ran) { "" } else { &ran };
    show_query(app, if typed.is_empty() { last } else { typed });
    app.refresh(Asker::Person);
    String::new()
}

fn filtered(app: &mut App, what: &str, keep: bool) -> String {
    let Some((field, value)) = what.split_once('=') else {
        return "which value? as in service=checkout; show N names those of a row\n".to_owned();
    };
    let (field, value) = (field.trim(), value.trim().trim_matches('"'));
    let of_traces = app.view == ViewId::Traces;
    // an attribute's name has its parts parted by dots, that of a log field has none
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || (of_traces && c == '.');
    if field.is_empty() || !field.chars().all(letters) {
        return format!("{field:?} is no name of a field\n");
    }
    match app.view {
        ViewId::Traces => {
            let key = match field {
                "service" => "resource.service.name",
                other => other,
            };
            let Some(condition) = details::condition(key, value, keep) else {
                return "an event cannot be filtered by; an attribute can\n".to_owned();
            };
            let query = traceql::and_also(&traces::state::base(app), &condition);
            show_query(app, &query);
        }
        ViewId::Metrics => {
            let good = &app.views.metrics.query.good;
            let Some(query) = metrics::filter::with_matcher(good, field, value, keep) else {
                return "the expression told last asks for no metric\n".to_owned();
            };
            app.views.metrics.query.set(&query);
            app.run_query();
            return String::new();
        }
        _ => {
            let query = with_filter(&app.views.logs.base(), field, value, keep);
            logs::state::show_query(app, &query);
        }
    }
    app.refresh(Asker::Person);
    String::new()
}

/// That a search found no trace, and how one is written.
pub fn no_trace(app: &App) -> String {
    let (range, ran) = (tell::range(app), &app.views.traces.query.ran);
    let (matches, typed) = match ran.is_empty() {
        true => (String::new(), false),
        false => (format!(" matches {}", escape(ran)), !ran.starts_with('{')),
    };
    let how = match typed {
        true => {
            "; words are looked for as service, name of a span, error or >500ms: TraceQL stands in braces"
        }
        false => "",
    };
    format!("no trace in range {range}{matches}{how}; since 15m looks further back\n")
}

/// Lines over time, one stretch a line; those without lines are told together.
fn counts(app: &App) -> String {
    // lines of another query are no counts of this one
    if let Some(failure) = &app.views.logs.query.failure {
        return tell::failed(&app.views.logs.query.ran, failure);
    }
    let Some(histogram) = &app.views.logs.histogram.value else {
        return "the lab has not counted these lines yet; counts asks again\n".to_owned();
    };
    let bins = histogram.counts.values().map(Vec::len).max().unwrap_or(0);
    let each = bins.div_ceil(STRETCHES).max(1);
    let mut out = String::new();
    for from in (0..bins).step_by(each) {
        let at = |bin: usize| {
            let ms = histogram
                .step_ms
                .saturating_mul(i64::try_from(bin).unwrap_or(i64::MAX));
            clock(histogram.start_ms.saturating_add(ms))
        };
        let until = (from + each).min(bins);
        let said = counted(histogram, from..until);
        out.push_str(&format!("{} to {}: {said}\n", at(from), at(until)));
    }
    match out.is_empty() {
        true => format!("no line in range {}\n", tell::range(app)),
        false => out,
    }
}

/// What there is within some bins, the worst first.
fn counted(histogram: &Histogram, bins: std::ops::Range<usize>) -> String {
    let of = |severity: Severity| {
        let counts = histogram.counts.get(&severity)?.get(bins.clone())?;
        let sum: f64 = counts.iter().filter(|c| c.is_finite()).sum();
        (sum > 0.0).then(|| format!("{sum:.0} {severity:?}"))
    };
    let all = [
        Severity::Error,
        Severity::Warn,
        Severity::Info,
        Severity::Debug,
    ];
    let said: Vec<String> = all.into_iter().filter_map(of).collect();
    match said.is_empty() {
        true => "none".to_owned(),
        false => said.join(", "),
    }
}
