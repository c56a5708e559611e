//! 5 Map: which service calls which, with rate, errors and slowness of each call, and the rings among them.

mod draw;
mod keys;
pub mod layout;
pub mod state;

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
pub struct Map;

impl View for Map {
    fn id(&self) -> ViewId {
        ViewId::Map
    }

    fn name(&self) -> &'static str {
        "map"
    }

    fn title(&self) -> &'static str {
        "Map"
    }

    fn keys(&self) -> &'static [Row] {
        keys::KEYS
    }

    fn draw(&self, app: &App, surface: &mut Surface<'_>, area: Rect) {
        draw::draw(app, surface, area);
    }

    fn refresh(&self, app: &mut App, asker: Asker) {
        app.ask(Ask::Graph(state::window(app)), asker);
    }

    fn cursor<'a>(&self, app: &'a mut App) -> Option<&'a mut Cursor> {
        Some(&mut app.views.map.at)
    }

    fn enter(&self, app: &mut App) {
        state::enter(app);
    }

    fn rows(&self, app: &App) -> (Vec<String>, usize) {
        let edges = state::edges(app);
        let at = app.views.map.at.of(edges.len());
        (
            edges
                .iter()
                .map(|e| format!("{} {}", e.from, e.to))
                .collect(),
            at,
        )
    }

    fn record(&self, app: &App, _whole: bool) -> Option<String> {
        state::selected(app).map(state::text_of)
    }

    fn about(&self, app: &App) -> Subject {
        Subject {
            service: state::selected(app).map(|e| e.to.clone()),
            ..Subject::default()
        }
    }

    fn export(&self, app: &App) -> Option<(&'static str, String)> {
        Some(("dot", state::as_dot(app)))
    }
}
