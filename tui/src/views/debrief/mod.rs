//! 9 Debrief: finishing the drill, the score with its reasons, what really happened beside what was done, and what to learn.

pub(crate) mod charts;
mod draw;
mod keys;
pub mod page;
pub mod state;

use ratatui::layout::Rect;

use super::{View, ViewId};
use crate::app::App;
use crate::app::keymap::Row;
use crate::app::places::Subject;
use crate::ask::Ask;
use crate::client::Asker;
use crate::widgets::cursor::Motion;
use crate::widgets::surface::Surface;

/// The view.
pub struct DebriefView;

impl View for DebriefView {
    fn id(&self) -> ViewId {
        ViewId::Debrief
    }

    fn name(&self) -> &'static str {
        "debrief"
    }

    fn title(&self) -> &'static str {
        "Debrief"
    }

    fn keys(&self) -> &'static [Row] {
        keys::KEYS
    }

    fn draw(&self, app: &App, surface: &mut Surface<'_>, area: Rect) {
        draw::draw(app, surface, area);
    }

    fn refresh(&self, app: &mut App, asker: Asker) {
        if app.phase() == api::Phase::Ended
            && (app.known.debrief.value.is_none() || asker == Asker::Person)
        {
            app.ask(Ask::Debrief, Asker::Screen);
        }
    }

    fn motion(&self, app: &mut App, motion: Motion) {
        state::scroll(app, motion);
    }

    fn select(&self, app: &mut App, _pane: usize, index: usize) {
        state::select(app, index);
    }

    fn selected(&self, app: &App) -> (usize, usize) {
        (0, app.views.debrief.at.unwrap_or(usize::MAX))
    }

    fn about(&self, app: &App) -> Subject {
        state::about(app)
    }

    fn tab(&self, app: &mut App, forward: bool) {
        state::next_section(app, forward);
    }

    fn enter(&self, app: &mut App) {
        state::enter(app);
    }

    fn rows(&self, app: &App) -> (Vec<String>, usize) {
        let debrief = &app.views.debrief;
        (state::texts(app), debrief.at.unwrap_or(debrief.first))
    }

    fn record(&self, app: &App, _whole: bool) -> Option<String> {
        let repeat = || app.known.debrief.value.as_ref().map(|d| d.repeat.clone());
        let said = state::selected(app).map(|lead| lead.said);
        said.or_else(repeat)
    }

    fn readable(&self, app: &App) -> Option<String> {
        let debrief = app.known.debrief.value.as_ref()?;
        Some(state::report(debrief))
    }

    fn export(&self, app: &App) -> Option<(&'static str, String)> {
        let debrief = app.known.debrief.value.as_ref()?;
        serde_json::to_string_pretty(debrief)
            .ok()
            .map(|json| ("json", json))
    }
}
