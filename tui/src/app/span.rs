//! Selecting a span of time on a chart, which all views then look at: by the mouse, or from where `V` was pressed to where
//! values are read. The views say where that is; nothing here knows how they draw.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{App, Click};
use crate::client::Asker;
use crate::text;
use crate::time::{Window, clock};
use crate::views::{self, ViewId};
use crate::widgets::selection::{Drag, between};
use crate::widgets::surface::Hit;

/// A selection under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selecting {
    /// From a time to where the view reads values.
    From {
        /// The view in which it was begun; elsewhere it is not seen.
        view: ViewId,
        /// The time.
        at_ms: i64,
    },
    /// With the mouse.
    Drag(Drag),
}

impl App {
    /// The span that is being selected in the view on screen, for its charts to show.
    #[must_use]
    pub fn span(&self) -> Option<Window> {
        match self.selecting? {
            Selecting::From { view, at_ms } if view == self.view => {
                let read = views::of(view).reads_at(self)?;
                Some(between(at_ms, read))
            }
            Selecting::From { .. } => None,
            Selecting::Drag(drag) => drag.span(),
        }
    }

    /// What is said while a span is being selected.
    pub(super) fn span_said(&self) -> Option<String> {
        let span = self.span()?;
        let how = match self.selecting {
            Some(Selecting::Drag(_)) => "let go to look at it in all views",
            _ => "move to its other end; Enter looks at it in all views, Esc leaves",
        };
        let length = text::stretch(span.length_ms());
        let (from, to) = (clock(span.start_ms), clock(span.end_ms));
        Some(format!("{from} to {to}, {length}: {how}"))
    }

    /// `V`: begins to select a span where values are read; again begins anew.
    pub fn begin_span(&mut self) {
        let view = views::of(self.view);
        match view.reads_at(self) {
            Some(at_ms) => {
                view.read_at(self, at_ms);
                let view = self.view;
                self.selecting = Some(Selecting::From { view, at_ms });
            }
            None => self.say_bad(
                "there is no chart here on which a span of time could be selected; 4 has one",
            ),
        }
    }

    /// Takes the keys that end a selection; whether it did.
    pub(super) fn span_key(&mut self, name: &str) -> bool {
        let Some(span) = self.span() else {
            self.selecting = None;
            return false;
        };
        match name {
            "Enter" => self.look_at(span),
            "Esc" | "q" => self.selecting = None,
            _ => return false,
        }
        true
    }

    /// Looks at a span in all views; `[` goes back to what was looked at before.
    pub fn look_at(&mut self, span: Window) {
        self.selecting = None;
        self.remember();
        self.range.narrow(span);
        let window = self.range.window();
        let (from, to) = (clock(window.start_ms), clock(window.end_ms));
        self.refresh(Asker::Person);
        self.say(format!(
            "all views: {from} to {to}; [ goes back, Space follows again"
        ));
    }

    /// Takes the mouse where it is over a chart; whether it did.
    pub(super) fn span_mouse(&mut self, mouse: MouseEvent, hits: &[Hit]) -> bool {
        let drag = match self.selecting {
            Some(Selecting::Drag(drag)) => Some(drag),
            _ => None,
        };
        match (mouse.kind, drag) {
            (MouseEventKind::Down(MouseButton::Left), _) => {
                let here = Position::new(mouse.column, mouse.row);
                let hit = hits.iter().rev().find(|hit| hit.area.contains(here));
                let Some((area, Click::Time(window))) = hit.map(|h| (h.area, &h.click)) else {
                    return false;
                };
                let drag = Drag::begin(area, *window, mouse.column);
                // a span that was begun by a key ends where one clicks
                if self.span().is_none() {
                    self.selecting = Some(Selecting::Drag(drag));
                } else {
                    views::of(self.view).read_at(self, drag.at_ms());
                }
            }
            (MouseEventKind::Drag(MouseButton::Left), Some(mut drag)) => {
                drag.to(mouse.column);
                self.selecting = Some(Selecting::Drag(drag));
            }
            (MouseEventKind::Up(MouseButton::Left), Some(mut drag)) => {
                drag.to(mouse.column);
                self.selecting = None;
                match drag.span() {
                    Some(span) => self.look_at(span),
                    None => views::of(self.view).read_at(self, drag.at_ms()),
                }
            }
            _ => return false,
        }
        true
    }
}
