//! 3 Traces: search, a list with duration bars, and one trace as a waterfall with errors, critical path and repeated spans.

pub mod arrive;
pub mod aside;
pub mod compare;
pub mod details;
pub mod differs;
mod draw;
mod keys;
mod selection;
pub mod state;
pub mod waterfall;

pub(crate) use draw::held;

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

    fn tab(&self, app: &mut App, _forward: bool) {
        details::turn(app);
    }

    fn selected(&self, app: &App) -> (usize, usize) {
        let traces = &app.views.traces;
        match details::focused(traces) {
            true => (1, details::selected(traces)),
            false => (0, self.rows(app).1),
        }
    }

    fn select(&self, app: &mut App, pane: usize, index: usize) {
        let traces = &mut app.views.traces;
        if pane == 1 {
            return details::select(traces, index);
        }
        traces.in_details = false;
        if let Some(aside) = aside::shown(traces) {
            *aside::cursor(traces, aside) = Cursor::put(index);
        } else if traces.open.is_some() {
            state::to_row(traces, index);
        } else {
            traces.at = Cursor::put(index);
        }
    }

    fn enter(&self, app: &mut App) {
        state::enter(app);
    }

    fn back(&self, app: &mut App) -> bool {
        let traces = &mut app.views.traces;
        if details::focused(traces) {
            traces.in_details = false;
            return true;
        }
        if traces.open.take().is_none() && traces.aside.take().is_none() {
            return differs::back(app) || app.clear_query();
        }
        state::refresh(app, Asker::Screen);
        true
    }

    fn holds(&self, app: &App) -> bool {
        let traces = &app.views.traces;
        traces.open.is_none() && traces.aside.is_none() && traces.held.is_some()
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
        app.views.traces.aside = None;
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
