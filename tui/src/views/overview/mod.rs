//! 1 Overview: the page, alerts, golden signals of every service, the objectives, what changed lately, the brief.

mod draw;
mod keys;
pub mod objectives;
pub mod signals;
pub mod state;

use api::PinTarget;
use ratatui::layout::Rect;

use super::{View, ViewId};
use crate::app::App;
use crate::app::keymap::Row;
use crate::app::places::Subject;
use crate::ask::Ask;
use crate::client::Asker;
use crate::net::golden;
use crate::widgets::cursor::Cursor;
use crate::widgets::surface::Surface;
use state::Item;

/// The view.
pub struct Overview;

impl View for Overview {
    fn id(&self) -> ViewId {
        ViewId::Overview
    }

    fn name(&self) -> &'static str {
        "overview"
    }

    fn title(&self) -> &'static str {
        "Overview"
    }

    fn keys(&self) -> &'static [Row] {
        keys::KEYS
    }

    fn draw(&self, app: &App, surface: &mut Surface<'_>, area: Rect) {
        draw::draw(app, surface, area);
    }

    fn refresh(&self, app: &mut App, _asker: Asker) {
        if app.drill().is_some() {
            let window = app.range.passed();
            app.ask(Ask::Golden(window), Asker::Screen);
            app.ask(Ask::Objectives(window.end_ms), Asker::Screen);
        }
    }

    fn cursor<'a>(&self, app: &'a mut App) -> Option<&'a mut Cursor> {
        Some(&mut app.views.overview.at)
    }

    fn tab(&self, app: &mut App, forward: bool) {
        state::next_section(app, forward);
    }

    fn enter(&self, app: &mut App) {
        state::enter(app);
    }

    fn rows(&self, app: &App) -> (Vec<String>, usize) {
        let items = state::items(app);
        let at = app.views.overview.at.of(items.len());
        (
            items.iter().map(|item| state::text_of(app, item)).collect(),
            at,
        )
    }

    fn pin(&self, app: &App) -> Option<PinTarget> {
        match state::selected(app)? {
            Item::Change(id) => Some(PinTarget::Change { id }),
            Item::Page => app.drill()?.page.as_ref().map(|p| metric(&p.query, app)),
            Item::Alert(i) => app.drill()?.alerts.get(i).map(|a| metric(&a.query, app)),
            Item::Service(name) => Some(PinTarget::Metric {
                query: golden::P95.to_owned(),
                at_ms: app.range.passed().end_ms,
                labels: [("service".to_owned(), name)].into(),
            }),
        }
    }

    fn record(&self, app: &App, _whole: bool) -> Option<String> {
        state::selected(app).map(|item| state::text_of(app, &item))
    }

    fn about(&self, app: &App) -> Subject {
        state::about(app)
    }
}

fn metric(query: &str, app: &App) -> PinTarget {
    PinTarget::Metric {
        query: query.to_owned(),
        at_ms: app.range.passed().end_ms,
        labels: std::collections::BTreeMap::new(),
    }
}
