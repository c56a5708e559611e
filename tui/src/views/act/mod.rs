//! 8 Act: remedies with what they will do, their outcomes, undoing them, requests to the shop's services, and the stress test
//! that proves a repair.

pub(crate) mod draw;
pub mod forms;
mod keys;
pub mod probe;
pub mod rollout;
pub mod state;

use ratatui::layout::Rect;

use super::{View, ViewId};
use crate::app::App;
use crate::app::keymap::Row;
use crate::app::places::Subject;
use crate::ask::Ask;
use crate::client::Asker;
use crate::widgets::cursor::{Cursor, Motion};
use crate::widgets::surface::Surface;

/// The view.
pub struct Act;

impl View for Act {
    fn id(&self) -> ViewId {
        ViewId::Act
    }

    fn name(&self) -> &'static str {
        "act"
    }

    fn title(&self) -> &'static str {
        "Act"
    }

    fn keys(&self) -> &'static [Row] {
        keys::KEYS
    }

    fn draw(&self, app: &App, surface: &mut Surface<'_>, area: Rect) {
        draw::draw(app, surface, area);
    }

    fn refresh(&self, app: &mut App, _asker: Asker) {
        app.ask(Ask::Remedies, Asker::Screen);
        app.ask(Ask::Proof, Asker::Screen);
        if app.views.act.ready.value.is_none() {
            app.ask(Ask::ReadyRequests, Asker::Screen);
        }
    }

    fn cursor<'a>(&self, app: &'a mut App) -> Option<&'a mut Cursor> {
        Some(&mut app.views.act.at)
    }

    fn motion(&self, app: &mut App, motion: Motion) {
        state::go(app, motion);
    }

    fn tab(&self, app: &mut App, forward: bool) {
        state::next_pane(app, forward);
    }

    fn enter(&self, app: &mut App) {
        state::enter(app);
    }

    fn rows(&self, app: &App) -> (Vec<String>, usize) {
        let remedies = state::remedies(app);
        let at = app.views.act.at.of(remedies.len());
        (
            remedies
                .iter()
                .map(|r| format!("{} {}", r.title, r.description))
                .collect(),
            at,
        )
    }

    fn record(&self, app: &App, whole: bool) -> Option<String> {
        if let Some(answer) = state::answer(app) {
            return Some(probe::told(answer, whole));
        }
        state::selected(app).map(|r| {
            if whole {
                format!("{}\n{}", r.title, r.description)
            } else {
                r.title.clone()
            }
        })
    }

    fn about(&self, app: &App) -> Subject {
        if let Some(answer) = state::answer(app) {
            return Subject {
                service: Some(answer.request.service.clone()),
                trace: Some(answer.trace_id.clone()),
                at_ms: Some(answer.at_ms),
                ..Subject::default()
            };
        }
        Subject {
            service: state::selected(app).and_then(|r| r.service.clone()),
            ..Subject::default()
        }
    }
}
