//! What the debrief holds on the screen: how far it is scrolled. The debrief itself is the drill's.

use api::Phase;

use super::page;
use crate::app::App;
use crate::app::overlay::{Confirm, Overlay};
use crate::ask::Ask;
use crate::theme::{Theme, ThemeName};
use crate::widgets::cursor::{Motion, beyond};

/// State of the view.
#[derive(Default)]
pub struct State {
    /// First line on screen.
    pub first: usize,
}

/// Width of the page's lines on this screen.
#[must_use]
pub fn width(app: &App) -> usize {
    usize::from(app.size.0).saturating_sub(3).clamp(20, 120)
}

fn lines(app: &App) -> Vec<ratatui::text::Line<'static>> {
    app.known
        .debrief
        .value
        .as_ref()
        .map(|d| page::page(d, width(app), &app.theme))
        .unwrap_or_default()
}

/// Whether there is a debrief to read.
#[must_use]
pub fn is_open(app: &App) -> bool {
    app.known.debrief.value.is_some()
}

/// Scrolls.
pub fn scroll(app: &mut App, motion: Motion) {
    let body = usize::from(app.size.1.saturating_sub(4));
    let last = lines(app).len().saturating_sub(body);
    app.views.debrief.first = app
        .views
        .debrief
        .first
        .saturating_add_signed(motion.rows(body))
        .min(last);
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
    let lines = page::page(debrief, REPORT_COLUMNS, &Theme::new(ThemeName::None));
    let rows = lines
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
    app.overlay = Some(Overlay::Confirm(Confirm::tell(
        "Finish the drill?",
        body,
        Ask::Finish,
    )));
}
