//! Help in a trainee's words: what a view is for, what one does here first, a query to begin with, what the signs of the
//! header mean. Below stand the rows of the view with their keys. Deliberately knows nothing of how they are drawn.

use super::App;
use super::menu::{Choice, Item, Menu};
use super::overlay::Overlay;
use super::palette;
use crate::views::{self, ViewId, metrics::presets};

/// What is said of a view. A name in braces is that of a row, and stands for its key.
struct Words {
    /// What it is for.
    about: &'static str,
    /// What one does here first.
    first: &'static str,
}

/// A query to begin with.
pub struct Example {
    /// What it finds.
    pub finds: &'static str,
    /// The view that runs it.
    pub view: ViewId,
    /// The query.
    pub query: String,
}

/// What the signs of the header mean.
const SIGNS: &str = "● LIVE  the drill runs; ○ QUIET  the page has not come yet; ◌ PREPARING  history is being made; ■ ENDED  it is over

03:04:12  the time in the drill; +04:12  since the page; ! unacked  nobody has acknowledged it, {acknowledge} does

▲ 2  alerts that fire; △ 1  alerts that will fire if it goes on

15m ▶ follow  all views show the last 15 minutes and go on; ‖ held  they stand still, {follow} goes on again; {range} changes the span

⇄  the lab answers; ⚠ lost  it does not, and is asked again; ■ closed  it is gone

In the views: ✗ failed or broken, ! of concern, · well, ◆ on the critical path, ▸ selected, ▼ there is more below";

fn words(view: ViewId) -> Words {
    let (about, first) = match view {
        ViewId::Overview => (
            "What is broken and since when: the page, the alerts, each service's requests, errors and latency, what changed lately.",
            "Acknowledge the page ({acknowledge}) and read it. Then look for the service whose errors or p95 changed first; {its-logs} shows its logs.",
        ),
        ViewId::Logs => (
            "What the services wrote, all of them or those that a query finds.",
            "{patterns} tells what the lines have in common and what is new since the page. {search} and a word finds lines, Enter on one opens its trace, {pin} pins it as evidence.",
        ),
        ViewId::Traces => (
            "What single requests did, service by service, and where their time went.",
            "Sort by duration ({sort}), open the slowest with Enter, and follow the ◆ critical path: the longest ◆ span is where the time goes; {pin} pins it. {differs} tells what failed or slow ones have in common.",
        ),
        ViewId::Metrics => (
            "Figures over time, of any expression in PromQL.",
            "Take a ready expression and look when it changed: before the page something did. The crosshair (← →) reads values, {pin} pins one.",
        ),
        ViewId::Map => (
            "Who calls whom, how often, how slowly, and what fails.",
            "Find the call deepest down that is slow or fails: those above it only wait for it. Enter shows its traces.",
        ),
        ViewId::Changes => (
            "Deploys, configuration, flags and jobs of the last hours, and what you did.",
            "Ask of each change: was it before the symptoms, and could it cause them? Not every late change is the cause. {pin} pins it.",
        ),
        ViewId::Case => (
            "Your notebook: evidence, what you suspect, your diagnosis, hints, and the steps of an incident.",
            "Write down what you suspect before you look further, and reject what the evidence rules out. {diagnose} submits the diagnosis.",
        ),
        ViewId::Act => (
            "What you may do about it, and the stress test that proves the repair.",
            "Diagnose first: a wrong remedy costs time and may make it worse. Each says what it will do. Then run the stress test.",
        ),
        ViewId::Debrief => (
            "The end: your score with reasons, what really happened, and what guards against it.",
            "Finish only when the stress test has passed, or when you want to know. The five whys must be written before.",
        ),
    };
    Words { about, first }
}

/// A query to begin with in a view; views without queries send one to where it runs.
#[must_use]
pub fn example(app: &App, view: ViewId) -> Example {
    let ready = |place: usize| {
        let found = presets::presets(&app.known.metrics, None);
        found.into_iter().nth(place).map(|(_, query)| query)
    };
    let (finds, view, query) = match view {
        ViewId::Logs | ViewId::Changes | ViewId::Case => (
            "lines that warn or tell of errors",
            ViewId::Logs,
            Some("{level=~\"warn|error\"}".to_owned()),
        ),
        ViewId::Traces | ViewId::Map => (
            "requests that failed and took longer than 500 ms",
            ViewId::Traces,
            Some("error >500ms".to_owned()),
        ),
        ViewId::Overview | ViewId::Metrics | ViewId::Debrief => (
            "the share of requests that fail, of each service",
            ViewId::Metrics,
            ready(1),
        ),
        ViewId::Act => (
            "p95 of request duration: does it get better?",
            ViewId::Metrics,
            ready(3),
        ),
    };
    let query = query.unwrap_or_default();
    Example { finds, view, query }
}

/// Puts keys in the place of the names of rows in braces.
#[must_use]
pub fn filled(app: &App, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}').unwrap_or((behind, ""));
        out.push_str(before);
        out.push_str(app.key_of(name));
        rest = after;
    }
    out + rest
}

/// Help on the view on screen.
#[must_use]
pub fn menu(app: &App) -> Menu {
    let view = views::of(app.view);
    let words = words(app.view);
    let example = example(app, app.view);
    let run = Item {
        label: format!("try: {}", example.finds),
        about: example.query.clone(),
        choice: Choice::Query(example.view, example.query),
    };
    let signs = Item {
        label: "what the signs of the header mean".to_owned(),
        about: String::new(),
        choice: Choice::Read("Signs", filled(app, SIGNS)),
    };
    let mut items = vec![run, signs];
    items.extend(palette::rows_here(app));
    let title = format!("Help · {} · API {}", view.title(), app.lab);
    let first = format!("First: {}", filled(app, words.first));
    Menu::new(title, items).led([words.about.to_owned(), first])
}

/// Opens help on the view on screen.
pub fn open(app: &mut App) {
    app.overlay = Some(Overlay::Menu(menu(app)));
}
