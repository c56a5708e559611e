//! A list to choose from, with a filter: help, palette, queries of before, ready expressions.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_input::Input;

use super::Click;
use super::keymap::{EVERYWHERE, Row};
use super::keyname::glyph;
use crate::text;
use crate::views::{self, ViewId};
use crate::widgets::cursor::{Motion, first_row};
use crate::widgets::query::edit;
use crate::widgets::surface::{Hit, Surface};

/// A list to choose from, with a filter.
#[derive(Clone)]
pub struct Menu {
    title: String,
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
    /// Does what a key does.
    Row(&'static Row),
    /// Runs a query in the view.
    Query(String),
}

fn row_items(view: ViewId) -> Vec<Item> {
    let item = |mark: &str, row: &'static Row, keys: Vec<&str>| Item {
        label: format!("{mark}{}", row.about),
        about: keys.join(" "),
        choice: Choice::Row(row),
    };
    let shown = |row: &Row| row.keys.iter().map(|key| glyph(key)).collect::<Vec<_>>();
    let own = views::of(view).keys();
    let taken: Vec<&str> = own.iter().flat_map(shown).collect();
    // a key that the view has for itself does nothing else here
    let elsewhere = EVERYWHERE.iter().filter_map(|row| {
        let mut keys = shown(row);
        keys.retain(|key| !taken.contains(key));
        (!keys.is_empty()).then(|| item("· ", row, keys))
    });
    let own = own.iter().map(|row| item("", row, shown(row)));
    own.chain(elsewhere).collect()
}

/// Whether all letters occur in order, ignoring case; and how far they are spread, where less is better.
fn fuzzy(text: &str, pattern: &str) -> Option<usize> {
    let text = text.to_lowercase();
    let pattern = pattern.to_lowercase();
    if let Some(at) = text.find(&pattern) {
        return Some(at);
    }
    let mut from = 0;
    for c in pattern.chars().filter(|c| !c.is_whitespace()) {
        from += text[from..].find(c)? + c.len_utf8();
    }
    Some(1_000 + from)
}

impl Menu {
    /// A menu; without items it offers what the keys of the view do.
    #[must_use]
    pub fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        Self {
            title: title.into(),
            items,
            filter: Input::default(),
            at: 0,
        }
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

    fn shown(&self, view: ViewId) -> Vec<Item> {
        let items = if self.items.is_empty() {
            row_items(view)
        } else {
            self.items.clone()
        };
        let filter = self.filter.value().trim();
        let mut found: Vec<(usize, Item)> = items
            .into_iter()
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
    pub fn key(&mut self, key: KeyEvent, view: ViewId) -> Option<Choice> {
        let len = self.shown(view).len();
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
            return self
                .shown(view)
                .into_iter()
                .nth(self.at)
                .map(|item| item.choice);
        } else if let Some(request) = edit(key) {
            self.filter.handle(request);
            self.at = 0;
        }
        None
    }

    /// Draws it over the middle of an area.
    pub fn draw(&self, surface: &mut Surface<'_>, area: Rect, view: ViewId) {
        let items = self.shown(view);
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
        let list = Rect {
            y: inner.y + 1,
            height: inner.height - 1,
            ..inner
        };
        if items.is_empty() {
            surface.text(list.x, list.y, list.width, "nothing matches", theme.dim);
        }
        let height = usize::from(list.height);
        let first = first_row(self.at, items.len(), height);
        for (index, y) in (first..items.len()).zip(list.top()..list.bottom()) {
            let item = &items[index];
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_palette_finds_by_letters_and_by_key() {
        let mut menu = Menu::new("Commands", Vec::new());
        menu.filter = Input::new("submit diag".to_owned());
        assert!(
            menu.shown(ViewId::Logs)[0]
                .label
                .contains("submit a diagnosis")
        );
        menu.filter = Input::new("Ctrl-z".to_owned());
        assert!(menu.shown(ViewId::Logs)[0].label.contains("suspend"));
        menu.filter = Input::new("zzzzqqq".to_owned());
        assert!(menu.shown(ViewId::Logs).is_empty());
    }
}
