//! 3 Traces: search, a list with duration bars, and one trace as a waterfall with errors, critical path and repeated spans.

pub mod arrive;
mod draw;
mod keys;
mod selection;
pub mod state;
pub mod waterfall;

use api::PinTarget;
use ratatui::layout::Rect;

use super::{View, ViewId};
use crate::app::App;
use crate::app::keymap::Row;
use crate::app::places::Subject;
use crate::client::Asker;
use crate::widgets::cursor::{Cursor, Motion};
use crate::widgets::query::QueryLine;
use crate::widgets::surface::Surface;

/// The view.
pub struct Traces;

impl View for Traces {
    fn id(&self) -> ViewId {
        ViewId::Traces
    }

    fn name(&self) -> &'static str {
        "traces"
    }

    fn title(&self) -> &'static str {
        "Traces"
    }

    fn keys(&self) -> &'static [Row] {
        keys::KEYS
    }

    fn draw(&self, app: &App, surface: &mut Surface<'_>, area: Rect) {
        draw::draw(app, surface, area);
    }

    fn refresh(&self, app: &mut App, asker: Asker) {
        state::refresh(app, asker);
    }

    fn motion(&self, app: &mut App, motion: Motion) {
        state::motion(app, motion);
    }

    fn select(&self, app: &mut App, _pane: usize, index: usize) {
        let traces = &mut app.views.traces;
        if traces.open.is_some() {
            traces.row = Cursor::put(index);
        } else {
            traces.at = Cursor::put(index);
        }
    }

    fn enter(&self, app: &mut App) {
        state::enter(app);
    }

    fn back(&self, app: &mut App) -> bool {
        let was_open = app.views.traces.open.take().is_some();
        if was_open {
            state::refresh(app, Asker::Screen);
        }
        was_open
    }

    fn holds(&self, app: &App) -> bool {
        let traces = &app.views.traces;
        traces.open.is_none() && traces.held.is_some()
    }

    fn release(&self, app: &mut App) {
        if self.holds(app) {
            app.views.traces.release();
        }
    }

    fn query<'a>(&self, app: &'a mut App) -> Option<&'a mut QueryLine> {
        Some(&mut app.views.traces.query)
    }

    fn typing(&self, app: &App) -> bool {
        app.views.traces.query.editing
    }

    fn run(&self, app: &mut App) {
        app.views.traces.open = None;
        app.run_query();
    }

    fn choosing(&self, app: &App) -> bool {
        app.views.traces.query.choosing()
    }

    fn completions(&self, app: &App) -> Vec<String> {
        selection::completions(app)
    }

    fn rows(&self, app: &App) -> (Vec<String>, usize) {
        selection::texts(app)
    }

    fn pin(&self, app: &App) -> Option<PinTarget> {
        selection::pin(app)
    }

    fn record(&self, app: &App, whole: bool) -> Option<String> {
        selection::record(app, whole)
    }

    fn about(&self, app: &App) -> Subject {
        selection::about(app)
    }

    fn export(&self, app: &App) -> Option<(&'static str, String)> {
        selection::export(app)
    }
}
