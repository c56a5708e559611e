//! A list to choose from, with a filter: help, palette, queries of before, ready expressions.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_input::Input;

use super::Click;
use super::bindings::Bound;
use super::opening::Worn;
use super::places::Subject;
use crate::text;
use crate::views::ViewId;
use crate::widgets::cursor::{Motion, first_row};
use crate::widgets::cut;
use crate::widgets::query::{edit, paste};
use crate::widgets::surface::{Hit, Surface};

/// A list to choose from, with a filter.
#[derive(Clone)]
pub struct Menu {
    title: String,
    lead: Vec<String>,
    items: Vec<Item>,
    filter: Input,
    at: usize,
}

/// A row of a menu.
#[derive(Clone)]
pub struct Item {
    /// What it says.
    pub label: String,
    /// What it means, or its keys.
    pub about: String,
    /// What choosing it does.
    pub choice: Choice,
}

/// What choosing a row of a menu does.
#[derive(Clone)]
pub enum Choice {
    /// Does what a key does, in the view that has it.
    Do(Bound),
    /// Runs a query in a view.
    Query(ViewId, String),
    /// Goes to the logs, traces or metrics of something.
    Follow(ViewId, Subject),
    /// Goes so many places back.
    Back(usize),
    /// Shows these colours.
    Wear(Worn),
    /// Reads a text under a title.
    Read(&'static str, String),
}

/// Whether all letters occur in order, ignoring case; and how far they are spread, where less is better.
fn fuzzy(text: &str, pattern: &str) -> Option<usize> {
    let text = text.to_lowercase();
    let pattern = pattern.to_lowercase();
    // what begins a word is meant before what stands within one
    let begins = |at: &usize| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | ':'))
    };
    let places: Vec<usize> = text.match_indices(&pattern).map(|(at, _)| at).collect();
    if let Some(at) = places.iter().copied().find(begins) {
        return Some(at);
    }
    if let Some(at) = places.first() {
        return Some(200 + at);
    }
    let mut from = 0;
    for c in pattern.chars().filter(|c| !c.is_whitespace()) {
        from += text[from..].find(c)? + c.len_utf8();
    }
    Some(1_000 + from)
}

impl Menu {
    /// A menu.
    #[must_use]
    pub fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        Self {
            title: title.into(),
            lead: Vec::new(),
            items,
            filter: Input::default(),
            at: 0,
        }
    }

    /// The menu, with paragraphs above the list that are there until one searches.
    #[must_use]
    pub fn led(mut self, lead: impl Into<Vec<String>>) -> Self {
        self.lead = lead.into();
        self
    }

    /// The menu, searched by some words already.
    #[must_use]
    pub fn searched(mut self, words: &str) -> Self {
        self.filter = Input::new(words.to_owned());
        self
    }

    /// Selects a row; true when it was selected already.
    pub fn point(&mut self, index: usize) -> bool {
        std::mem::replace(&mut self.at, index) == index
    }

    /// Searches by pasted text, too.
    pub fn paste(&mut self, pasted: &str) {
        paste(&mut self.filter, pasted);
        self.at = 0;
    }

    fn shown(&self) -> Vec<&Item> {
        let filter = self.filter.value().trim();
        let mut found: Vec<(usize, &Item)> = self
            .items
            .iter()
            .filter_map(|item| {
                let by_key = item.about.split(' ').any(|key| key == filter);
                let rank = if by_key {
                    Some(0)
                } else {
                    fuzzy(&item.label, filter)
                        .or_else(|| fuzzy(&item.about, filter).map(|r| r + 500))
                };
                rank.map(|rank| (rank, item))
            })
            .collect();
        if !filter.is_empty() {
            found.sort_by_key(|(rank, _)| *rank);
        }
        found.into_iter().map(|(_, item)| item).collect()
    }

    /// Handles a key; the choice that it made, if it made one.
    pub fn key(&mut self, key: KeyEvent) -> Option<Choice> {
        let len = self.shown().len();
        let page = 10;
        let motion = match key.code {
            KeyCode::Up => Some(Motion::Up),
            KeyCode::Down | KeyCode::Tab => Some(Motion::Down),
            KeyCode::PageUp => Some(Motion::PageUp),
            KeyCode::PageDown => Some(Motion::PageDown),
            KeyCode::Char('p') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Motion::Up),
            KeyCode::Char('n') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                Some(Motion::Down)
            }
            _ => None,
        };
        if let Some(motion) = motion {
            self.at = self
                .at
                .saturating_add_signed(motion.rows(page))
                .min(len.saturating_sub(1));
        } else if key.code == KeyCode::Enter {
            let shown = self.shown();
            return shown.get(self.at).map(|item| item.choice.clone());
        } else if let Some(request) = edit(key) {
            self.filter.handle(request);
            self.at = 0;
        }
        None
    }

    /// Draws it over the middle of an area.
    pub fn draw(&self, surface: &mut Surface<'_>, area: Rect) {
        let items = self.shown();
        let inner = surface.dialog(
            area,
            area.width.min(90),
            area.height.min(34),
            &self.title,
            "type to search  ↑↓ move  Enter do  Esc close",
        );
        if inner.is_empty() {
            return;
        }
        let theme = surface.theme;
        let x = surface.text(inner.x, inner.y, inner.width, "› ", theme.accent);
        let x = surface.text(
            x,
            inner.y,
            inner.right().saturating_sub(x),
            self.filter.value(),
            theme.text,
        );
        surface.cursor = Some((x.min(inner.right() - 1), inner.y).into());
        let (_, below) = cut::top(inner, 1);
        let list = self.draw_lead(surface, below);
        if items.is_empty() {
            surface.text(list.x, list.y, list.width, "nothing matches", theme.dim);
        }
        let height = usize::from(list.height);
        let first = first_row(self.at, items.len(), height);
        for (index, y) in (first..items.len()).zip(list.top()..list.bottom()) {
            let item = items[index];
            let width = usize::from(list.width);
            let right = text::width(&item.about).min(width / 2);
            let label = text::pad(&item.label, width.saturating_sub(right + 1));
            let about = text::pad_left(&item.about, right);
            if index == self.at {
                surface.text(
                    list.x,
                    y,
                    list.width,
                    &format!("{label} {about}"),
                    theme.selected,
                );
            } else {
                let line = Line::from(vec![
                    Span::styled(label, theme.text),
                    Span::styled(format!(" {about}"), theme.accent),
                ]);
                surface.line(list.x, y, list.width, &line);
            }
            surface.hits.push(Hit {
                area: Rect {
                    y,
                    height: 1,
                    ..list
                },
                click: Click::Row {
                    pane: usize::MAX,
                    index,
                },
            });
        }
    }

    /// Draws what stands above the list, and tells what is left for the list.
    fn draw_lead(&self, surface: &mut Surface<'_>, area: Rect) -> Rect {
        /// Rows of the list that no lead takes.
        const LEAST: u16 = 5;
        if self.lead.is_empty() || !self.filter.value().is_empty() {
            return area;
        }
        let width = usize::from(area.width);
        let lines: Vec<String> = self
            .lead
            .iter()
            .flat_map(|p| text::wrap(p, width))
            .collect();
        let (lead, list) = cut::top(area, cut::cells(lines.len()).saturating_add(1));
        if list.height < LEAST {
            return area;
        }
        let style = surface.theme.info;
        for (line, row) in lines.iter().zip(lead.rows()) {
            surface.text(row.x, row.y, row.width, line, style);
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(label: &str, about: &str) -> Item {
        Item {
            label: label.to_owned(),
            about: about.to_owned(),
            choice: Choice::Back(1),
        }
    }

    #[test]
    fn a_menu_is_searched_by_letters_and_by_key() {
        let items = vec![
            item("open Logs", "2"),
            item("submit a diagnosis", "S"),
            item("suspend", "Ctrl-z"),
            item("slo:burn_rate:ratio", ""),
            item("requests per second (rate, traffic)", ""),
        ];
        let mut menu = Menu::new("Commands", items);
        let mut first = |filter: &str| {
            menu.filter = Input::new(filter.to_owned());
            menu.shown().first().map(|item| item.label.clone())
        };
        assert_eq!(first("sbmt diag").as_deref(), Some("submit a diagnosis"));
        assert_eq!(first("Ctrl-z").as_deref(), Some("suspend"));
        assert_eq!(first("2").as_deref(), Some("open Logs"));
        assert_eq!(first("zzzzqqq"), None);
        // what begins a word comes before what stands within one
        let rate = Some("requests per second (rate, traffic)");
        assert_eq!(first("rate").as_deref(), rate);
        assert_eq!(first("_rate").as_deref(), Some("slo:burn_rate:ratio"));
    }
}
