//! 6 Changes: deploys, configuration, flags, scale, jobs and one's own actions on one time line, with their details.

pub mod draw;
mod keys;
mod signals;
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
pub struct Changes;

impl View for Changes {
    fn id(&self) -> ViewId {
        ViewId::Changes
    }

    fn name(&self) -> &'static str {
        "changes"
    }

    fn title(&self) -> &'static str {
        "Changes"
    }

    fn keys(&self) -> &'static [Row] {
        keys::KEYS
    }

    fn draw(&self, app: &App, surface: &mut Surface<'_>, area: Rect) {
        draw::draw(app, surface, area);
    }

    fn refresh(&self, app: &mut App, _asker: Asker) {
        app.ask(Ask::Changes, Asker::Screen);
        app.ask(Ask::Golden(app.range.passed()), Asker::Screen);
    }

    fn cursor<'a>(&self, app: &'a mut App) -> Option<&'a mut Cursor> {
        Some(&mut app.views.changes.at)
    }

    fn enter(&self, app: &mut App) {
        app.follow(ViewId::Logs);
    }

    fn rows(&self, app: &App) -> (Vec<String>, usize) {
        let shown = state::shown(app);
        let at = app.views.changes.at.of(shown.len());
        (shown.into_iter().map(state::text_of).collect(), at)
    }

    fn reads_at(&self, app: &App) -> Option<i64> {
        state::selected(app).map(|c| c.at_ms)
    }

    fn read_at(&self, app: &mut App, at_ms: i64) {
        state::nearest(app, at_ms);
    }

    fn pin(&self, app: &App) -> Option<PinTarget> {
        state::selected(app).map(|c| PinTarget::Change { id: c.id.clone() })
    }

    fn record(&self, app: &App, whole: bool) -> Option<String> {
        state::selected(app).map(|c| {
            if whole {
                state::text_of(c)
            } else {
                c.title.clone()
            }
        })
    }

    fn about(&self, app: &App) -> Subject {
        let change = state::selected(app);
        Subject {
            service: change.and_then(|c| c.service.clone()),
            at_ms: change.map(|c| c.at_ms),
            ..Subject::default()
        }
    }

    fn export(&self, app: &App) -> Option<(&'static str, String)> {
        serde_json::to_string_pretty(&state::shown(app))
            .ok()
            .map(|json| ("json", json))
    }
}
