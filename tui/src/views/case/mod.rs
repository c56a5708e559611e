//! 7 Case: the notebook. Evidence, hypotheses, diagnoses, hints, notes and the steps of an incident.

mod details;
mod draw;
pub mod forms;
mod keys;
pub mod pins;
pub mod state;
pub mod steps;

use ratatui::layout::Rect;

use super::{View, ViewId};
use crate::app::App;
use crate::app::keymap::Row;
use crate::app::places::Subject;
use crate::ask::Ask;
use crate::client::Asker;
use crate::widgets::cursor::Cursor;
use crate::widgets::surface::Surface;

/// The view.
pub struct CaseView;

impl View for CaseView {
    fn id(&self) -> ViewId {
        ViewId::Case
    }

    fn name(&self) -> &'static str {
        "case"
    }

    fn title(&self) -> &'static str {
        "Case"
    }

    fn keys(&self) -> &'static [Row] {
        keys::KEYS
    }

    fn draw(&self, app: &App, surface: &mut Surface<'_>, area: Rect) {
        draw::draw(app, surface, area);
    }

    fn refresh(&self, app: &mut App, _asker: Asker) {
        app.ask(Ask::Case, Asker::Screen);
        if app.known.learning.value.is_none() && state::may_learn(app) {
            app.ask(Ask::LearningChoices, Asker::Screen);
        }
    }

    fn cursor<'a>(&self, app: &'a mut App) -> Option<&'a mut Cursor> {
        Some(&mut app.views.case.at)
    }

    fn tab(&self, app: &mut App, forward: bool) {
        state::next_section(app, forward);
    }

    fn enter(&self, app: &mut App) {
        state::enter(app);
    }

    fn rows(&self, app: &App) -> (Vec<String>, usize) {
        let items = state::items(app);
        let at = app.views.case.at.of(items.len());
        (items.iter().map(|i| state::text_of(app, *i)).collect(), at)
    }

    fn record(&self, app: &App, _whole: bool) -> Option<String> {
        state::selected(app).map(|item| state::text_of(app, item))
    }

    fn about(&self, app: &App) -> Subject {
        state::about(app)
    }

    fn export(&self, app: &App) -> Option<(&'static str, String)> {
        let case = app.known.case.value.as_ref()?;
        serde_json::to_string_pretty(case)
            .ok()
            .map(|json| ("json", json))
    }
}
