//! 4 Metrics: a PromQL line, a chart of several series with a crosshair, ready expressions per service.

pub mod complete;
mod draw;
pub mod exemplars;
pub mod filter;
mod keys;
pub mod panels;
pub mod presets;
pub mod promql;
pub mod state;

use api::PinTarget;
use ratatui::layout::Rect;

use super::{View, ViewId};
use crate::app::App;
use crate::app::keymap::Row;
use crate::app::places::Subject;
use crate::client::Asker;
use crate::widgets::complete::Offer;
use crate::widgets::cursor::{Cursor, Motion};
use crate::widgets::query::QueryLine;
use crate::widgets::surface::Surface;

/// The pane of the single observations, for clicks.
const DOTS: usize = 1;

/// The pane of the panels, for clicks.
const PANELS: usize = 2;

/// The view.
pub struct Metrics;

impl View for Metrics {
    fn id(&self) -> ViewId {
        ViewId::Metrics
    }

    fn name(&self) -> &'static str {
        "metrics"
    }

    fn title(&self) -> &'static str {
        "Metrics"
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

    fn cursor<'a>(&self, app: &'a mut App) -> Option<&'a mut Cursor> {
        Some(&mut app.views.metrics.at)
    }

    fn enter(&self, app: &mut App) {
        exemplars::enter(app);
    }

    fn selected(&self, app: &App) -> (usize, usize) {
        let picked = exemplars::picked(app);
        let place = exemplars::shown(app)
            .iter()
            .position(|e| Some(*e) == picked);
        match place {
            Some(index) => (DOTS, index),
            None => (0, self.rows(app).1),
        }
    }

    fn tab(&self, app: &mut App, forward: bool) {
        panels::step(app, forward);
    }

    fn select(&self, app: &mut App, pane: usize, index: usize) {
        if pane == PANELS {
            return panels::show(app, index);
        }
        let dot = exemplars::shown(app).get(index).map(|e| (*e).clone());
        match dot.filter(|_| pane == DOTS) {
            Some(one) => exemplars::pick(app, one),
            None => app.views.metrics.at = Cursor::put(index),
        }
    }

    fn back(&self, app: &mut App) -> bool {
        app.views.metrics.crosshair_ms.take().is_some()
    }

    fn query<'a>(&self, app: &'a mut App) -> Option<&'a mut QueryLine> {
        Some(&mut app.views.metrics.query)
    }

    fn typing(&self, app: &App) -> bool {
        app.views.metrics.query.editing
    }

    fn run(&self, app: &mut App) {
        let typed = app.views.metrics.query.value().trim().to_owned();
        if presets::is_words(app, &typed) {
            app.views.metrics.query.leave();
            return presets::search(app, &typed);
        }
        app.run_query();
    }

    fn offer(&self, app: &mut App) -> Offer {
        complete::offer(app)
    }

    fn choosing(&self, app: &App) -> bool {
        app.views.metrics.query.choosing()
    }

    fn rows(&self, app: &App) -> (Vec<String>, usize) {
        let metrics = &app.views.metrics;
        (
            metrics
                .series
                .iter()
                .map(crate::client::prometheus::Series::name)
                .collect(),
            metrics.at.of(metrics.series.len()),
        )
    }

    fn reads_at(&self, app: &App) -> Option<i64> {
        Some(state::read_at(app))
    }

    fn read_at(&self, app: &mut App, at_ms: i64) {
        app.views.metrics.crosshair_ms = Some(at_ms);
    }

    fn pin(&self, app: &App) -> Option<PinTarget> {
        state::pin(app)
    }

    fn record(&self, app: &App, whole: bool) -> Option<String> {
        let metrics = &app.views.metrics;
        if whole {
            state::selected(app).map(|s| format!("{} {}", s.name(), s.last().unwrap_or(f64::NAN)))
        } else {
            Some(metrics.query.good.clone())
        }
    }

    fn about(&self, app: &App) -> Subject {
        state::about(app)
    }

    fn export(&self, app: &App) -> Option<(&'static str, String)> {
        Some(("csv", state::as_csv(app)))
    }
}
