//! 2 Logs: search and live tail, counts by severity, the fields of the selected line, filters by value, context, the trace.

mod draw;
pub mod filter;
mod histogram;
mod jump;
mod keys;
pub mod line;
pub mod order;
pub mod patterns;
pub mod state;
pub mod tail;

use api::PinTarget;
use ratatui::layout::Rect;

use super::case::pins;
use super::{View, ViewId};
use crate::app::App;
use crate::app::keymap::Row;
use crate::app::places::Subject;
use crate::client::Asker;
use crate::client::loki::LogLine;
use crate::widgets::cursor::{Cursor, Motion};
use crate::widgets::query::QueryLine;
use crate::widgets::surface::Surface;

pub(crate) use draw::{held, severity_style};

/// The pin of a line.
#[must_use]
pub fn pin_of(line: &LogLine) -> PinTarget {
    PinTarget::Log {
        ts_ns: line.ts_ns,
        service: line.service.clone(),
        line: line.line.clone(),
        span_id: line.span_id().map(str::to_owned),
    }
}

/// The view.
pub struct Logs;

impl View for Logs {
    fn id(&self) -> ViewId {
        ViewId::Logs
    }

    fn name(&self) -> &'static str {
        "logs"
    }

    fn title(&self) -> &'static str {
        "Logs"
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
        state::turn_to_fields(app, !app.views.logs.in_fields);
    }

    fn selected(&self, app: &App) -> (usize, usize) {
        let logs = &app.views.logs;
        if logs.patterns.open {
            (0, logs.patterns.at.of(logs.patterns.list().len()))
        } else if logs.in_fields {
            (1, logs.field.at)
        } else {
            (0, logs.selected())
        }
    }

    fn select(&self, app: &mut App, pane: usize, index: usize) {
        if patterns::are_open(app) {
            app.views.logs.patterns.at = Cursor::put(index);
            return;
        }
        state::turn_to_fields(app, pane == 1);
        if pane == 1 {
            app.views.logs.field = Cursor::put(index);
        } else {
            state::select(app, index);
        }
    }

    fn enter(&self, app: &mut App) {
        state::enter(app);
    }

    fn back(&self, app: &mut App) -> bool {
        state::back(app)
    }

    fn holds(&self, app: &App) -> bool {
        app.views.logs.held().is_some()
    }

    fn release(&self, app: &mut App) {
        app.views.logs.release();
    }

    fn query<'a>(&self, app: &'a mut App) -> Option<&'a mut QueryLine> {
        Some(&mut app.views.logs.query)
    }

    fn typing(&self, app: &App) -> bool {
        app.views.logs.query.editing
    }

    fn run(&self, app: &mut App) {
        app.views.logs.leave_context();
        let typed = app.views.logs.query.value().to_owned();
        let query = filter::typed(app, &typed);
        app.views.logs.query.set(&query);
        app.run_query();
    }

    fn choosing(&self, app: &App) -> bool {
        app.views.logs.query.choosing()
    }

    fn completions(&self, app: &App) -> Vec<String> {
        state::completions(app)
    }

    fn rows(&self, app: &App) -> (Vec<String>, usize) {
        let logs = &app.views.logs;
        if logs.patterns.open {
            let list = logs.patterns.list();
            let texts = list.iter().map(|p| p.template.clone()).collect();
            return (texts, logs.patterns.at.of(list.len()));
        }
        (
            logs.lines().iter().map(|l| l.line.clone()).collect(),
            logs.selected(),
        )
    }

    fn reads_at(&self, app: &App) -> Option<i64> {
        histogram::reads_at(app)
    }

    fn read_at(&self, app: &mut App, at_ms: i64) {
        histogram::read_at(app, at_ms);
    }

    fn pin(&self, app: &App) -> Option<PinTarget> {
        // what is pinned is a line that was written, not what some have in common
        if patterns::are_open(app) {
            return None;
        }
        app.views.logs.line().map(pin_of)
    }

    fn pin_note(&self, app: &App) -> String {
        let line = app.views.logs.line();
        line.map(|l| pins::fields(&l.fields)).unwrap_or_default()
    }

    fn record(&self, app: &App, whole: bool) -> Option<String> {
        if patterns::are_open(app) {
            let pattern = app.views.logs.patterns.selected()?;
            return Some(match whole {
                true => patterns::as_json(pattern),
                false => pattern.template.clone(),
            });
        }
        app.views.logs.line().map(|l| {
            if whole {
                line::as_json(l)
            } else {
                l.line.clone()
            }
        })
    }

    fn about(&self, app: &App) -> Subject {
        if patterns::are_open(app) {
            let pattern = app.views.logs.patterns.selected();
            return Subject {
                service: pattern.map(|p| p.service.clone()),
                ..Subject::default()
            };
        }
        app.views
            .logs
            .line()
            .map_or_else(Subject::default, |l| Subject {
                service: Some(l.service.clone()),
                trace: l.trace_id().map(str::to_owned),
                at_ms: Some(l.at_ms()),
                promql: None,
            })
    }

    fn export(&self, app: &App) -> Option<(&'static str, String)> {
        let logs = &app.views.logs;
        let lines: Vec<String> = if logs.patterns.open {
            let list = logs.patterns.list();
            list.iter().map(patterns::as_json).collect()
        } else {
            logs.lines().iter().map(line::as_json).collect()
        };
        Some(("jsonl", lines.join("\n") + "\n"))
    }
}
