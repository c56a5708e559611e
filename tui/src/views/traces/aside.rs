//! What can stand in the place of the list of traces: two of them compared, or what some have more often than the rest.
//! Leads keys, clicks and questions about the selection to the one on screen.

use ratatui::layout::Rect;

use super::state::State;
use super::{compare, differs};
use crate::app::App;
use crate::app::places::Subject;
use crate::widgets::cursor::Cursor;
use crate::widgets::surface::Surface;

/// What stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aside {
    /// Two traces side by side.
    Compare,
    /// What some have more often than the rest.
    Differs,
}

/// What is on screen: nothing of it while a trace stands open.
#[must_use]
pub fn shown(traces: &State) -> Option<Aside> {
    traces.aside.filter(|_| traces.open.is_none())
}

/// Texts of its rows, and which is selected.
#[must_use]
pub fn texts(traces: &State, aside: Aside) -> (Vec<String>, usize) {
    let texts = match aside {
        Aside::Compare => compare::texts(traces),
        Aside::Differs => differs::texts(traces),
    };
    let cursor = match aside {
        Aside::Compare => traces.step,
        Aside::Differs => traces.value,
    };
    let at = cursor.of(texts.len());
    (texts, at)
}

/// Its selection.
pub fn cursor(traces: &mut State, aside: Aside) -> &mut Cursor {
    match aside {
        Aside::Compare => &mut traces.step,
        Aside::Differs => &mut traces.value,
    }
}

/// Enter.
pub fn enter(app: &mut App, aside: Aside) {
    match aside {
        Aside::Compare => compare::enter(app),
        Aside::Differs => differs::narrow(app, true),
    }
}

/// The selected row as text, or the whole record.
#[must_use]
pub fn record(traces: &State, aside: Aside, whole: bool) -> Option<String> {
    match aside {
        Aside::Compare => compare::record(traces, whole),
        Aside::Differs => differs::record(traces, whole),
    }
}

/// Where the links of the selected row lead.
#[must_use]
pub fn about(traces: &State, aside: Aside) -> Subject {
    match aside {
        Aside::Compare => compare::about(traces),
        Aside::Differs => differs::about(traces),
    }
}

/// Draws it.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect, aside: Aside) {
    match aside {
        Aside::Compare => compare::draw(app, surface, area),
        Aside::Differs => differs::draw(app, surface, area),
    }
}
