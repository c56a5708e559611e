//! The commands of the plain mode. Name, description and handler stand in one row; help derives from it.

use api::HypothesisState;

use super::deeds::{act_on, answer, note, numbered, pin, settle, undo};
use super::{Session, kept, moves, narrowing, records, repairs, tell};
use crate::app::App;
use crate::ask::Ask;
use crate::client::Asker;
use crate::client::traceql::is_trace_id;
use crate::views::{ViewId, act, case, debrief, logs, overview, traces};

pub struct Command {
    names: &'static [&'static str],
    arguments: &'static str,
    about: &'static str,
    /// Does it; what it returns is told at once.
    run: fn(&mut App, &str) -> String,
    /// Tells what has arrived.
    after: fn(&App, &str) -> String,
}

pub const fn command(
    names: &'static [&'static str],
    arguments: &'static str,
    about: &'static str,
    run: fn(&mut App, &str) -> String,
    after: fn(&App, &str) -> String,
) -> Command {
    Command {
        names,
        arguments,
        about,
        run,
        after,
    }
}

fn nothing(_: &App, _: &str) -> String {
    String::new()
}

const LOOKS: &[Command] = &[
    command(
        &["overview", "1", "0"],
        "",
        "page, alerts, golden signals, recent changes",
        |a, _| open(a, ViewId::Overview),
        |a, _| tell::overview(a),
    ),
    command(
        &["objectives"],
        "",
        "what is promised, what is left of the error budgets, how fast they burn",
        |a, _| open(a, ViewId::Overview),
        |a, _| tell::objectives(a),
    ),
    command(
        &["brief"],
        "",
        "the situation, how the shop is built, what is normal",
        |a, _| tell::brief(a),
        nothing,
    ),
    command(
        &["logs", "2"],
        "[QUERY]",
        "log lines: bare words, or LogQL in braces",
        |a, q| query(a, ViewId::Logs, q),
        |a, _| tell::logs(a, Some(a.told_page)),
    ),
    command(
        &["logql"],
        "",
        "the LogQL that the last search for log lines became",
        |a, _| format!("{}\n", a.views.logs.logql()),
        nothing,
    ),
    command(
        &["patterns"],
        "[N]",
        "what those lines say, how often, what is new; with a number the lines of one",
        records::ask_patterns,
        records::patterns,
    ),
    command(
        &["traces", "3"],
        "[QUERY]",
        "traces: words, or TraceQL in braces",
        |a, q| query(a, ViewId::Traces, q),
        |a, _| tell::traces(a, Some(a.told_page)),
    ),
    command(
        &["trace"],
        "N or ID",
        "one trace as a tree",
        open_trace,
        |a, _| tell::trace(a),
    ),
    command(
        &["compare"],
        "A B",
        "how trace B differs from trace A, step by step",
        records::ask_compare,
        records::compare,
    ),
    command(
        &["differs"],
        "[failed|slow|query]",
        "what these traces have more often than the rest",
        records::ask_differs,
        records::differing,
    ),
    command(
        &["more"],
        "",
        "the next log lines or traces of those told last",
        |_, _| String::new(),
        more,
    ),
    command(
        &["metrics", "4"],
        "[PROMQL]",
        "series of an expression with first, last, least and greatest value",
        |a, q| query(a, ViewId::Metrics, q),
        |a, _| tell::metrics(a),
    ),
    command(
        &["names"],
        "[WORD]",
        "metric names that hold a word",
        |_, _| String::new(),
        tell::names,
    ),
    command(
        &["map", "5"],
        "",
        "calls between services, and rings among them",
        |a, _| open(a, ViewId::Map),
        |a, _| tell::map(a),
    ),
    command(
        &["changes", "6"],
        "",
        "deploys, configuration, flags, jobs",
        |a, _| open(a, ViewId::Changes),
        |a, _| tell::changes(a),
    ),
];

const KEEPS: &[Command] = &[
    command(
        &["case", "7"],
        "",
        "evidence, hypotheses, diagnoses, hints, notes",
        |a, _| open(a, ViewId::Case),
        |a, _| tell::case(a),
    ),
    command(
        &["pin"],
        "N",
        "pins row N of the view told last as evidence",
        pin,
        nothing,
    ),
    command(
        &["unpin"],
        "ID",
        "drops a pin",
        |a, id| numbered(a, id, |a, n| a.tell(Ask::Unpin(n))),
        nothing,
    ),
    command(
        &["hypothesis"],
        "",
        "opens a hypothesis",
        |a, _| does(a, case::forms::open_hypothesis),
        nothing,
    ),
    command(
        &["support"],
        "ID PINS",
        "supports a hypothesis with pins",
        |a, w| settle(a, w, HypothesisState::Supported),
        nothing,
    ),
    command(
        &["reject"],
        "ID PINS",
        "rejects a hypothesis with the pins that rule it out",
        |a, w| settle(a, w, HypothesisState::Rejected),
        nothing,
    ),
    command(
        &["diagnose"],
        "",
        "submits a diagnosis",
        |a, _| does(a, case::forms::open_diagnosis),
        nothing,
    ),
    command(
        &["hint"],
        "",
        "takes a hint, after saying what it costs",
        |a, _| does(a, case::state::hint),
        nothing,
    ),
    command(
        &["note"],
        "[TEXT]",
        "writes a note",
        |a, text| note(a, text, false),
        nothing,
    ),
    command(
        &["update"],
        "[TEXT]",
        "sends a status update",
        |a, text| note(a, text, true),
        nothing,
    ),
    command(
        &["whys"],
        "",
        "writes the five whys, after a right diagnosis",
        |a, _| does(a, case::forms::open_learning),
        nothing,
    ),
];

const DEEDS: &[Command] = &[
    command(
        &["ack"],
        "",
        "acknowledges the page",
        |a, _| does(a, overview::state::acknowledge),
        nothing,
    ),
    command(
        &["act", "8"],
        "[N]",
        "remedies; with a number carries one out",
        act_on,
        |a, n| {
            if n.is_empty() {
                repairs::remedies(a)
            } else {
                String::new()
            }
        },
    ),
    command(&["undo"], "N", "takes a remedy back", undo, nothing),
    command(
        &["request", "send"],
        "",
        "sends a request to a service of the shop",
        |a, _| does(a, act::probe::open),
        nothing,
    ),
    command(
        &["answer"],
        "",
        "what the service answered last",
        |_, _| String::new(),
        |a, _| answer(a),
    ),
    command(
        &["prove"],
        "",
        "runs the stress test",
        |a, _| does(a, act::state::prove),
        nothing,
    ),
    command(
        &["proof"],
        "",
        "state and result of the stress test",
        |a, _| {
            a.ask(Ask::Proof, Asker::Screen);
            String::new()
        },
        |a, _| repairs::proof(a),
    ),
    command(
        &["finish"],
        "",
        "ends the drill",
        |a, _| does(a, debrief::state::finish),
        nothing,
    ),
    command(
        &["debrief", "9"],
        "",
        "score and what really happened, after the end",
        |a, _| open(a, ViewId::Debrief),
        |a, _| tell::debrief_of(a),
    ),
    command(
        &["quit", "q", "exit"],
        "",
        "leaves",
        |a, _| {
            a.key(crossterm::event::KeyCode::Char('q').into());
            String::new()
        },
        nothing,
    ),
];

fn more(app: &App, _: &str) -> String {
    match app.view {
        ViewId::Logs => tell::logs(app, Some(app.told_page)),
        ViewId::Traces if app.views.traces.open.is_none() => tell::traces(app, Some(app.told_page)),
        _ => "everything of this view was told; more goes on with logs and traces\n".to_owned(),
    }
}

fn split(line: &str) -> (&str, &str) {
    let line = line.trim();
    line.split_once(char::is_whitespace)
        .map_or((line, ""), |(word, rest)| (word, rest.trim()))
}

/// What there is, by what it is for.
const SECTIONS: [(&str, &[Command]); 6] = [
    ("Look", LOOKS),
    ("Look closer", narrowing::COMMANDS),
    ("Time, rows and files", moves::COMMANDS),
    ("Keep what speaks", KEEPS),
    ("Panels and reasons", kept::COMMANDS),
    ("Repair and end", DEEDS),
];

fn all() -> impl Iterator<Item = &'static Command> {
    SECTIONS.iter().flat_map(|(_, commands)| commands.iter())
}

fn find(word: &str) -> Option<&'static Command> {
    all().find(|c| c.names.contains(&word))
}

/// Does what a line says.
pub fn run(session: &mut Session, line: &str) -> String {
    let (word, rest) = split(line);
    match (word, find(word)) {
        ("", _) => String::new(),
        ("help" | "?" | "h", _) => help(rest),
        (_, Some(command)) => {
            let goes_on = command.names.contains(&"more");
            session.app.told_page = if goes_on {
                session.app.told_page + 1
            } else {
                0
            };
            (command.run)(&mut session.app, rest)
        }
        (other, None) => format!("no command is called {other:?}; help lists them\n"),
    }
}

/// Tells what has arrived for a line.
pub fn after(session: &Session, line: &str) -> String {
    let (word, rest) = split(line);
    find(word)
        .map(|c| (c.after)(&session.app, rest))
        .unwrap_or_default()
}

/// The commands by what they are for, or those that a word is in.
fn help(word: &str) -> String {
    let row = |c: &Command| {
        let names = [c.names.join(" or "), c.arguments.to_owned()].join(" ");
        format!("{}: {}\n", names.trim_end(), c.about)
    };
    let wanted = word.to_lowercase();
    let mut out = String::new();
    for (title, commands) in SECTIONS {
        let rows = commands.iter().map(row);
        let rows: String = rows
            .filter(|row| row.to_lowercase().contains(&wanted))
            .collect();
        if !rows.is_empty() {
            out.push_str(&format!("{title}\n{rows}"));
        }
    }
    match (out.is_empty(), word) {
        (true, _) => format!("no command has {word:?} in it; help lists all\n"),
        (false, "") => out + "help WORD tells those with a word\n",
        (false, _) => out,
    }
}

fn open(app: &mut App, view: ViewId) -> String {
    app.open(view);
    String::new()
}

fn does(app: &mut App, what: fn(&mut App)) -> String {
    what(app);
    String::new()
}

/// Searches in a view; an id of a trace opens it.
pub fn search(app: &mut App, view: ViewId, text: &str) {
    let _ = match (view, is_trace_id(text)) {
        (ViewId::Traces, true) => open_trace(app, text),
        _ => query(app, view, text),
    };
}

fn query(app: &mut App, view: ViewId, text: &str) -> String {
    match view {
        ViewId::Logs => {
            let query = logs::filter::typed(app, text);
            logs::state::show_query(app, &query);
            // a typed search is a person's, from whatever view it was typed
            app.refresh(Asker::Person);
        }
        ViewId::Traces => {
            let list = &mut app.views.traces;
            (list.order, list.ascending) = (traces::state::Order::Time, false);
            traces::state::show_query(app, text);
            app.refresh(Asker::Person);
        }
        _ => {
            app.view = ViewId::Metrics;
            app.views.metrics.query.set(text);
            app.run_query();
        }
    }
    String::new()
}

/// The place of the row with a number, as `3` or `#3`.
pub fn row(text: &str) -> Option<usize> {
    text.trim_start_matches('#')
        .parse::<usize>()
        .ok()
        .and_then(|n| n.checked_sub(1))
}

/// The id of a trace that is named by its row in the list, or by itself.
pub fn trace_id(app: &App, which: &str) -> String {
    // an id may be digits alone
    let index = row(which).filter(|_| which.len() < 8);
    let hit = index.and_then(|i| app.views.traces.hits.get(i));
    hit.map_or_else(|| which.to_owned(), |h| h.trace_id.clone())
}

fn open_trace(app: &mut App, which: &str) -> String {
    let id = trace_id(app, which);
    if id.is_empty() {
        return "which trace? give its row or its id\n".to_owned();
    }
    traces::state::show_span(app, &id, None);
    String::new()
}
