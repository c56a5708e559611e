//! Jumps in the log view: to the next error or warning, or what comes nearest to it, and to the next record of a trace;
//! among the lines, or among the patterns where these are on screen.

use super::state::{State, select};
use super::{histogram, patterns};
use crate::app::App;
use crate::client::loki::{LogLine, Severity};
use crate::widgets::cursor::round;

/// To the next or previous line for which something holds, round the end.
fn line(app: &mut App, forward: bool, wanted: &str, holds: impl Fn(&LogLine) -> bool) {
    let logs = &app.views.logs;
    let (len, at) = (logs.lines().len(), logs.selected());
    let found = round(len, at, forward).find(|i| *i != at && holds(&logs.lines()[*i]));
    match found {
        Some(index) => select(app, index),
        None => app.say(format!("no other {wanted} among these lines")),
    }
}

/// `e`, `w`: to a line, or a pattern, of a severity. Where none is an error the worst there is stands in for it: in
/// a shop whose failures are warnings these are what is looked for.
pub fn severity(app: &mut App, forward: bool, severity: Severity) {
    let open = patterns::are_open(app);
    let worst = match open {
        true => patterns::worst(app),
        false => app.views.logs.lines().iter().map(|l| l.severity).max(),
    };
    let instead = worst.filter(|w| severity == Severity::Error && *w == Severity::Warn);
    let wanted = instead.unwrap_or(severity);
    let name = match wanted {
        Severity::Error => "error",
        _ => "warning",
    };
    app.toast = None;
    if open {
        patterns::jump(app, forward, name, |p| p.severity() == wanted);
    } else {
        line(app, forward, name, |l| l.severity == wanted);
        // what the list lacks the range may have
        let elsewhere = histogram::count(&app.views.logs, wanted);
        if let Some(said) = none_here(&app.views.logs, severity, wanted, elsewhere) {
            return app.say(said);
        }
    }
    if instead.is_some() && app.toast.is_none() {
        app.say("no error here; warnings are the worst there is, and e walks them");
    }
}

/// What is said where no line of the list has a severity.
fn none_here(logs: &State, asked: Severity, wanted: Severity, in_range: usize) -> Option<String> {
    if logs.lines().iter().any(|l| l.severity == wanted) {
        return None;
    }
    let (name, level) = match wanted {
        Severity::Error => ("error", "error"),
        _ => ("warning", "warn"),
    };
    let len = logs.lines().len();
    let warnings = histogram::count(logs, Severity::Warn);
    Some(match in_range {
        0 if asked == Severity::Error && warnings > 0 => format!(
            "no error in this range; its {warnings} warnings are the worst: / {{level=\"warn\"}}"
        ),
        0 => format!("no {name} in this range; t or Z widens it"),
        n => format!("none of these {len} lines, {n} in the range: / {{level=\"{level}\"}}"),
    })
}

/// `o`: to a line of the same trace.
pub fn trace(app: &mut App, forward: bool) {
    if patterns::are_open(app) {
        return app.say("a pattern belongs to no trace; Enter shows its lines");
    }
    match app
        .views
        .logs
        .line()
        .and_then(LogLine::trace_id)
        .map(str::to_owned)
    {
        Some(id) => line(app, forward, "record of this trace", |l| {
            l.trace_id() == Some(&id)
        }),
        None => app.say("this line belongs to no trace"),
    }
}
