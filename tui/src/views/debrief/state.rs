//! What the debrief holds on the screen: how far it is scrolled. The debrief itself is the drill's.

use api::Phase;

use super::page::{self, Lead, Told, Way};
use crate::app::App;
use crate::app::overlay::{Confirm, Overlay};
use crate::app::places::Subject;
use crate::ask::Ask;
use crate::theme::{Theme, ThemeName};
use crate::views::{ViewId, case, changes, logs, metrics, traces};
use crate::widgets::cursor::{Motion, beyond};

/// State of the view.
#[derive(Default)]
pub struct State {
    /// First line on screen.
    pub first: usize,
    /// The line that was gone to: one that leads somewhere, or that a search has found.
    pub at: Option<usize>,
}

/// Width of the page's lines on this screen.
#[must_use]
pub fn width(app: &App) -> usize {
    usize::from(app.size.0).saturating_sub(3).clamp(20, 120)
}

/// The page as it is on this screen; none before the end.
#[must_use]
pub fn told(app: &App) -> Option<Told> {
    let debrief = app.known.debrief.value.as_ref()?;
    Some(page::page(debrief, width(app), &app.theme))
}

fn lines(app: &App) -> Vec<ratatui::text::Line<'static>> {
    told(app).map(|told| told.lines).unwrap_or_default()
}

/// Whether there is a debrief to read.
#[must_use]
pub fn is_open(app: &App) -> bool {
    app.known.debrief.value.is_some()
}

/// Rows of the page on this screen: header, tabs, footer and a message take a row each.
fn rows(app: &App) -> usize {
    usize::from(app.size.1.saturating_sub(4))
}

/// The selected line, as far as it is on screen.
#[must_use]
pub fn selected(app: &App) -> Option<Lead> {
    let at = app.views.debrief.at?;
    let first = app.views.debrief.first;
    let seen = first..first + rows(app).max(1);
    let leads = told(app)?.leads;
    leads
        .into_iter()
        .find(|lead| lead.line == at && seen.contains(&at))
}

/// Moves: down and up go to the next line on screen that leads somewhere, and scroll where there is none.
pub fn scroll(app: &mut App, motion: Motion) {
    let Some(told) = told(app) else { return };
    let body = rows(app);
    let last = told.lines.len().saturating_sub(body);
    let first = app.views.debrief.first.min(last);
    let seen = first..first + body;
    let at = app.views.debrief.at.filter(|at| seen.contains(at));
    let mut places = told.leads.iter().map(|lead| lead.line);
    let next = match motion {
        Motion::Down => places.find(|line| seen.contains(line) && at.is_none_or(|at| *line > at)),
        Motion::Up => places.rfind(|line| seen.contains(line) && at.is_none_or(|at| *line < at)),
        _ => None,
    };
    if next.is_some() {
        app.views.debrief.at = next;
        return;
    }
    app.views.debrief.first = first.saturating_add_signed(motion.rows(body)).min(last);
    if !matches!(motion, Motion::Down | Motion::Up) {
        app.views.debrief.at = None;
    }
}

/// Selects a line, and brings it on screen.
pub fn select(app: &mut App, line: usize) {
    let first = app.views.debrief.first;
    if !(first..first + rows(app)).contains(&line) {
        app.views.debrief.first = line;
    }
    app.views.debrief.at = Some(line);
}

/// Enter: finishes the drill, or goes to where the selected line leads.
pub fn enter(app: &mut App) {
    if !is_open(app) {
        return finish(app);
    }
    let Some(lead) = selected(app) else {
        return app.say("↓ selects a moment, a query or a chart; Enter opens it");
    };
    let named = app.named(&lead.said);
    match lead.way {
        Way::Moment(at_ms) => {
            let to = match named.trace {
                Some(_) => ViewId::Traces,
                None => ViewId::Logs,
            };
            app.follow_at(to, &named, at_ms);
        }
        Way::Query(language, query) => match language.as_str() {
            "promql" => metrics::state::show(
                app,
                &Subject {
                    promql: Some(query),
                    ..Subject::default()
                },
            ),
            "traceql" => traces::state::show_query(app, &query),
            "change" => changes::state::show(app, &query),
            _ => logs::state::show_query(app, &query),
        },
    }
}

/// Where the links of the selected line lead: to what it names, at its time.
#[must_use]
pub fn about(app: &App) -> Subject {
    let Some(lead) = selected(app) else {
        return Subject::default();
    };
    let at_ms = match lead.way {
        Way::Moment(at_ms) => Some(at_ms),
        Way::Query(..) => None,
    };
    Subject {
        at_ms,
        ..app.named(&lead.said)
    }
}

/// `Tab`: to the next or previous heading.
pub fn next_section(app: &mut App, forward: bool) {
    let at = app.views.debrief.first;
    let lines = lines(app);
    let heads: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, l)| page::is_heading(l))
        .map(|(i, _)| i)
        .collect();
    if let Some(next) = beyond(&heads, at, forward) {
        app.views.debrief.first = next;
        app.views.debrief.at = None;
    }
}

/// Lines as text, for searching.
#[must_use]
pub fn texts(app: &App) -> Vec<String> {
    lines(app)
        .iter()
        .map(|l| l.spans.iter().map(|s| s.content.as_ref()).collect())
        .collect()
}

/// Columns of the report as a file.
const REPORT_COLUMNS: usize = 100;

/// The whole page as a text to be read, without colours.
#[must_use]
pub fn report(debrief: &api::Debrief) -> String {
    let told = page::page(debrief, REPORT_COLUMNS, &Theme::new(ThemeName::None));
    let rows = told
        .lines
        .iter()
        .map(|line| format!("{}\n", line.to_string().trim_end()));
    rows.collect()
}

/// `F`: ends the drill, asking first.
pub fn finish(app: &mut App) {
    if app.phase() == Phase::Ended {
        return app.say("the drill has ended; this is its debrief");
    }
    let undiagnosed = app.drill().is_some_and(|d| d.root_cause_ms.is_none());
    let proven = app.known.proof.value.as_ref().and_then(|p| p.passed) == Some(true);
    let mut body = String::from(
        "The drill ends, is scored, and tells what really happened. This cannot be taken back.",
    );
    if undiagnosed {
        let way = app.way("S", "diagnose");
        body.push_str(&format!(
            "\n\n! No right diagnosis has been submitted yet ({way})."
        ));
    }
    if !proven {
        let way = app.way("8 Act, P", "prove");
        body.push_str(&format!("\n\n! No stress test has passed yet ({way})."));
    }
    if case::state::may_learn(app) && !app.views.case.learned {
        let way = app.way("W", "whys");
        body.push_str(&format!(
            "\n\n! The five whys have not been handed in ({way}), and cannot be later."
        ));
    }
    app.overlay = Some(Overlay::Confirm(Confirm::tell(
        "Finish the drill?",
        body,
        Ask::Finish,
    )));
}
