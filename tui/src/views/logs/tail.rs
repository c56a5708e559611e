//! What answers of the lab do to the list of lines. What is selected is a record, not a place: when the list is read
//! again the selection goes where its record went, and when the record is no longer among what would be shown, the list
//! stands still and counts what has come. Knows no drawing and no keys.

use super::state::{HELD, PAGE, State};
use crate::app::App;
use crate::ask::Ask;
use crate::client::loki::LogLine;
use crate::time::{Range, Window};

/// What the lines on screen are the answer to.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    query: String,
    range: Range,
    /// Window of the lines that are held.
    pub window: Window,
}

/// What has come since the list stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Lines that are newer than the newest on screen, as many as one answer holds.
    pub newer: usize,
    /// Whether there are more than these.
    pub more: bool,
}

impl Held {
    /// As the list says it.
    #[must_use]
    pub fn said(self) -> String {
        let (newer, more) = (self.newer, if self.more { "+" } else { "" });
        let lines = if newer == 1 && !self.more {
            "line"
        } else {
            "lines"
        };
        format!("{newer}{more} new {lines}, Space follows")
    }
}

impl State {
    /// Place of the selection among the lines of the query, wherever the keys are.
    pub(super) fn place(&mut self) -> &mut Option<usize> {
        match self.around {
            Some(_) => &mut self.before_context,
            None => &mut self.chosen,
        }
    }

    fn replace(&mut self, lines: Vec<LogLine>) {
        self.at_the_beginning = lines.len() < PAGE;
        self.lines = lines;
        self.older_held = false;
        self.held = None;
    }
}

/// Lines have arrived.
pub fn arrived(app: &mut App, lines: Vec<LogLine>, ask: &Ask) {
    let Ask::Logs(asked) = ask else { return };
    let (range, window) = (app.range, asked.window());
    let logs = &mut app.views.logs;
    logs.query.answered();
    logs.loaded = true;
    logs.see(&lines);
    logs.window = Some(window);
    let query = logs.query.ran.clone();
    let same = logs
        .shown
        .as_ref()
        .is_some_and(|s| s.query == query && s.range.same_choice(range));
    let place = *logs.place();
    let chosen = place.and_then(|i| logs.lines.get(i)).cloned();
    let newest = logs.lines.last().map_or(i64::MIN, |l| l.ts_ns);
    let oldest = lines.first().map_or(i64::MIN, |l| l.ts_ns);
    logs.outruns = same && !logs.lines.is_empty() && lines.len() >= PAGE && oldest > newest;
    match chosen {
        None => {
            logs.replace(lines);
            *logs.place() = None;
        }
        Some(_) if same && logs.older_held => {
            if !continued(logs, lines) {
                return;
            }
        }
        Some(line) => match lines.iter().position(|l| *l == line) {
            Some(at) => {
                logs.replace(lines);
                *logs.place() = Some(at);
            }
            None if same => return hold(logs, &lines),
            None => other_list(app, lines, &line),
        },
    }
    app.views.logs.shown = Some(Shown {
        query,
        range,
        window,
    });
}

/// Lines newer than those that are held, in the order of an answer.
fn newer<'a>(held: &'a [LogLine], lines: &'a [LogLine]) -> impl Iterator<Item = &'a LogLine> {
    let newest = held.last().map_or(i64::MIN, |l| l.ts_ns);
    let last = held.partition_point(move |l| l.ts_ns < newest);
    lines
        .iter()
        .filter(move |l| l.ts_ns > newest || (l.ts_ns == newest && !held[last..].contains(l)))
}

fn hold(logs: &mut State, lines: &[LogLine]) {
    let count = newer(&logs.lines, lines).count();
    logs.held = Some(Held {
        newer: count,
        more: count == lines.len() && count >= PAGE,
    });
}

/// Takes newer lines up behind older ones that were asked for, if they follow on these without a gap and there is
/// room; otherwise the list stands still, and it is false.
fn continued(logs: &mut State, lines: Vec<LogLine>) -> bool {
    let fresh: Vec<LogLine> = newer(&logs.lines, &lines).cloned().collect();
    let gap = fresh.len() == lines.len() && lines.len() >= PAGE;
    if gap || logs.held.is_some() || logs.lines.len() + fresh.len() > HELD {
        hold(logs, &lines);
        return false;
    }
    logs.lines.extend(fresh);
    true
}

/// Another query or window whose lines do not hold the selected one: the nearest in time is selected, and that is said.
fn other_list(app: &mut App, lines: Vec<LogLine>, line: &LogLine) {
    let logs = &mut app.views.logs;
    let nearest = (0..lines.len()).min_by_key(|i| lines[*i].ts_ns.abs_diff(line.ts_ns));
    logs.replace(lines);
    *logs.place() = nearest;
    if nearest.is_some() {
        app.say("the line selected before is not among these: the nearest in time is; G follows");
    }
}

/// Older lines have arrived. Those of a query that was changed since are not taken.
pub fn older_arrived(app: &mut App, mut older: Vec<LogLine>, ask: &Ask) {
    let logs = &mut app.views.logs;
    logs.query.failure = None;
    let first = logs.lines.first().map_or(i64::MAX, |l| l.ts_ns);
    // the list was read again since, or the newest is followed
    let asked = matches!(ask, Ask::OlderLogs(asked) if asked.end_ns == first);
    let Some(at) = logs.place().filter(|_| asked) else {
        return;
    };
    logs.at_the_beginning = older.len() < PAGE;
    let same_time = logs.lines.partition_point(|l| l.ts_ns <= first);
    older.retain(|l| l.ts_ns < first || (l.ts_ns == first && !logs.lines[..same_time].contains(l)));
    let added = older.len();
    older.append(&mut logs.lines);
    logs.lines = older;
    // who still stands on the first line moves up one, as the key asked
    *logs.place() = Some(if at == 0 {
        added.saturating_sub(1)
    } else {
        at + added
    });
    logs.older_held = true;
    app.say(if added == 0 {
        "this is the first line of the window; Z widens it".to_owned()
    } else {
        format!("{added} older lines")
    });
}

/// The lines around a line have arrived.
pub fn context_arrived(app: &mut App, mut lines: Vec<LogLine>) {
    let logs = &mut app.views.logs;
    logs.query.failure = None;
    lines.dedup();
    let centre = logs.centre.take().or_else(|| logs.line().cloned());
    if logs.around.is_none() {
        logs.before_context = logs.chosen;
    }
    logs.chosen = centre.and_then(|c| {
        let itself = |l: &LogLine| l.ts_ns == c.ts_ns && l.service == c.service && l.line == c.line;
        let near = || (0..lines.len()).min_by_key(|i| lines[*i].ts_ns.abs_diff(c.ts_ns));
        lines.iter().position(itself).or_else(near)
    });
    logs.around = Some(lines);
}
