//! 5 Map: which service calls which, with rate, errors and slowness of each call, and the rings among them.

mod boxes;
mod draw;
mod keys;
pub mod layout;
pub mod order;
pub mod state;

use api::PinTarget;
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
        // the signals of the selected service
        app.ask(Ask::Golden(app.range.passed()), Asker::Screen);
    }

    fn cursor<'a>(&self, app: &'a mut App) -> Option<&'a mut Cursor> {
        Some(&mut app.views.map.at)
    }

    fn enter(&self, app: &mut App) {
        state::enter(app);
    }

    fn tab(&self, app: &mut App, forward: bool) {
        state::next_service(app, forward);
    }

    fn rows(&self, app: &App) -> (Vec<String>, usize) {
        let items = state::items(app);
        let at = app.views.map.at.of(items.len());
        let text = |item: &state::Item<'_>| match item {
            state::Item::Node(name) => (*name).to_owned(),
            state::Item::Edge(edge) => format!("{} {}", edge.from, edge.to),
        };
        (items.iter().map(text).collect(), at)
    }

    fn pin(&self, app: &App) -> Option<PinTarget> {
        state::pin(app)
    }

    fn pin_note(&self, app: &App) -> String {
        state::selected(app).map_or_else(String::new, |item| state::text_of(app, item))
    }

    fn record(&self, app: &App, _whole: bool) -> Option<String> {
        state::selected(app).map(|item| state::text_of(app, item))
    }

    fn about(&self, app: &App) -> Subject {
        Subject {
            service: state::selected(app).map(|item| item.service().to_owned()),
            ..Subject::default()
        }
    }

    fn export(&self, app: &App) -> Option<(&'static str, String)> {
        Some(("dot", state::as_dot(app)))
    }
}
