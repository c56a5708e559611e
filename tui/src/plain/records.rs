//! What log lines have in common and how traces differ, in words, one fact a line: the same answers as in the views.

use crate::app::App;
use crate::app::receive::refusal;
use crate::client::derived::Cut;
use crate::client::difference::Group;
use crate::text::{self, escape};
use crate::views::ViewId;
use crate::views::logs::patterns as common;
use crate::views::traces::{compare as beside, differs};

use super::commands::{row, trace_id};
use super::tell;

fn numbered(rows: impl IntoIterator<Item = String>) -> String {
    tell::numbered(rows.into_iter().map(|row| escape(&row).into_owned()))
}

/// `patterns`: asks for the patterns of the last search for log lines, or for the lines of pattern N.
pub fn ask_patterns(app: &mut App, which: &str) -> String {
    if let Some(index) = row(which) {
        if index >= app.views.logs.patterns.list().len() {
            return "no pattern has that number; patterns lists them\n".to_owned();
        }
        app.view = ViewId::Logs;
        app.views.logs.patterns.at = crate::widgets::cursor::Cursor::put(index);
        common::narrow(app, true);
        return String::new();
    }
    app.open(ViewId::Logs);
    if !common::are_open(app) {
        common::toggle(app);
    }
    String::new()
}

/// The patterns, or the lines of the one that was chosen.
pub fn patterns(app: &App, which: &str) -> String {
    if row(which).is_some() {
        return tell::logs(app, Some(app.told_page));
    }
    let loaded = &app.views.logs.patterns.found;
    // what was found before is the answer of another query
    if let Some(failure) = &loaded.failure {
        return tell::failed(&app.views.logs.query.ran, failure);
    }
    let Some(found) = &loaded.value else {
        return String::new();
    };
    let said = |p: &crate::client::patterns::Pattern| {
        let words = [p.mark().to_owned(), p.trend().replace('×', "times ")];
        let words = words.iter().filter(|w| !w.is_empty());
        let words: String = words.map(|w| format!("{w}, ")).collect();
        format!(
            "{words}{:?} {}: {} ({} lines, {})",
            p.severity(),
            p.service,
            p.template,
            p.count,
            text::percent(p.share)
        )
    };
    format!(
        "{} of {} lines{}, {}; patterns N tells the lines of one\n{}",
        text::count(found.patterns.len(), "pattern", "patterns"),
        found.lines,
        escape(&Cut::said(&found.limits)),
        common::since(app, found),
        numbered(found.patterns.iter().map(said))
    )
}

/// `compare A B`: two traces by their rows or ids.
pub fn ask_compare(app: &mut App, which: &str) -> String {
    match which.split_whitespace().collect::<Vec<_>>().as_slice() {
        [a, b] => {
            let (a, b) = (trace_id(app, a), trace_id(app, b));
            app.open(ViewId::Traces);
            beside::ask(app, a, b);
            String::new()
        }
        _ => "which two? give their rows or ids, the one to compare with first\n".to_owned(),
    }
}

/// The comparison.
pub fn compare(app: &App, which: &str) -> String {
    if which.split_whitespace().count() != 2 {
        return String::new();
    }
    let loaded = &app.views.traces.compared;
    let Some(found) = loaded.value.as_ref().filter(|_| loaded.failure.is_none()) else {
        return refused(refusal(loaded));
    };
    let facts = beside::facts(found, None).join("\n");
    let steps = numbered(found.steps.iter().map(beside::said));
    format!("{}\n{steps}", text::escape_lines(&facts).trim_end())
}

/// `differs`: what failed, slow or found traces have more often than the rest.
pub fn ask_differs(app: &mut App, which: &str) -> String {
    let of = match which {
        "" | "failed" => Group::Failed,
        "slow" => Group::Slow,
        "query" => Group::Found,
        _ => return "failed, slow or query?\n".to_owned(),
    };
    app.open(ViewId::Traces);
    differs::show(app, of);
    String::new()
}

/// What differs.
pub fn differing(app: &App, which: &str) -> String {
    if !matches!(which, "" | "failed" | "slow" | "query") {
        return String::new();
    }
    let loaded = &app.views.traces.differs;
    let Some(found) = loaded.value.as_ref().filter(|_| loaded.failure.is_none()) else {
        return refused(refusal(loaded));
    };
    let nothing = differs::nothing(found);
    let facts = differs::facts(app, found);
    let values = numbered(found.found.values.iter().map(differs::said));
    match nothing.is_empty() {
        true => format!("{}\n{values}", escape(&facts)),
        false => format!("{}\n{}\n", escape(&facts), escape(&nothing)),
    }
}

fn refused(why: Option<String>) -> String {
    why.map(|why| format!("{}\n", escape(&why)))
        .unwrap_or_default()
}
