//! What log lines have in common and how traces differ, in words, one fact a line: the same answers as in the views.

use crate::app::App;
use crate::app::receive::refusal;
use crate::client::derived::Cut;
use crate::client::difference::Group;
use crate::text::{self, escape};
use crate::views::ViewId;
use crate::views::logs::patterns as common;
use crate::views::traces::{compare as beside, differs};

use super::tell::indented;

fn numbered(rows: impl IntoIterator<Item = String>) -> String {
    let row = |(i, row): (usize, String)| format!("{}. {}\n", i + 1, indented(&escape(&row)));
    rows.into_iter().enumerate().map(row).collect()
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
        return super::tell::logs(app, Some(app.told_page));
    }
    let Some(found) = &app.views.logs.patterns.found.value else {
        return refused(refusal(&app.views.logs.patterns.found));
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
    let id = |word: &str| {
        let index = row(word).filter(|_| word.len() < 8);
        let hit = index.and_then(|i| app.views.traces.hits.get(i));
        hit.map_or_else(|| word.to_owned(), |h| h.trace_id.clone())
    };
    match which.split_whitespace().collect::<Vec<_>>().as_slice() {
        [a, b] => {
            let (a, b) = (id(a), id(b));
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
    let Some(found) = &app.views.traces.compared.value else {
        return refused(refusal(&app.views.traces.compared));
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
    let Some(found) = &app.views.traces.differs.value else {
        return refused(refusal(&app.views.traces.differs));
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

fn row(word: &str) -> Option<usize> {
    let number = word.trim_start_matches('#').parse::<usize>().ok()?;
    number.checked_sub(1)
}
