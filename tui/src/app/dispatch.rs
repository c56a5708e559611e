//! Keys, pasted text and the mouse, led to whom they are meant for: a box, a line being typed, the view, every view.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Position;

use super::keyname::{self, presses};
use super::menu::{Choice, Item};
use super::overlay::Overlay;
use super::{App, Click, Effect};
use crate::client::Asker;
use crate::views;
use crate::widgets::cursor::{Motion, round};
use crate::widgets::query::Typed;
use crate::widgets::surface::{Hit, Surface};

/// Rows that one turn of the wheel moves.
const WHEEL: usize = 3;

impl App {
    /// Handles an event of the terminal; `hits` are the places that the last drawing offered to the mouse.
    pub fn event(&mut self, event: &Event, hits: &[Hit]) {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(*key),
            Event::Paste(pasted) => self.paste(pasted),
            Event::Mouse(mouse) => self.mouse_event(*mouse, hits),
            Event::Resize(columns, rows) => self.size = (*columns, *rows),
            _ => {}
        }
    }

    /// Handles a key.
    pub fn key(&mut self, key: KeyEvent) {
        self.keys += 1;
        // a shell's own key means the same wherever one is, as it would without a screen
        if key.code == KeyCode::Char('z') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return self.effects.push(Effect::Suspend);
        }
        if self.overlay.is_some() {
            return self.overlay_key(key);
        }
        if self.find.editing {
            return self.find_key(key);
        }
        if views::of(self.view).query(self).is_some_and(|q| q.editing) {
            return self.query_key(key);
        }
        let Some(name) = keyname::name(key) else {
            return;
        };
        if self.prefix.is_none() && self.span_key(&name) {
            return;
        }
        let name = match self.prefix.take() {
            Some(_) if name == "Esc" => return,
            Some(prefix) if self.acts(&format!("{prefix}{name}")) => {
                format!("{prefix}{name}")
            }
            _ if !self.bindings.pairs(self.view, &name).is_empty() => {
                self.prefix = Some(name);
                return;
            }
            _ => name,
        };
        match self.bindings.find(self.view, &name) {
            Some(bound) => (bound.row.run)(self),
            None => self.say(self.not_here(&name)),
        }
    }

    fn acts(&self, name: &str) -> bool {
        self.bindings.find(self.view, name).is_some()
    }

    /// What a key means elsewhere that means nothing here.
    fn not_here(&self, name: &str) -> String {
        let help = self.key_of("help");
        let there: Vec<String> = self
            .bindings
            .neighbours(name)
            .filter_map(|bound| {
                let view = views::of(bound.of?).title();
                Some(format!("{} in {view}", bound.row.name))
            })
            .collect();
        match there.is_empty() {
            true => format!("{name} is no key; {help} shows those that are"),
            false => format!(
                "{name} is no key here, but {}; {help} helps",
                there.join(", ")
            ),
        }
    }

    /// The first key of a row of every view or of the one on screen, by its id or name; the palette's way where it has none.
    #[must_use]
    pub fn key_of(&self, id: &str) -> &'static str {
        let own = views::of(self.view).keys().iter();
        let own = own.map(|row| (Some(self.view), row));
        let rows = super::keymap::EVERYWHERE.iter().map(|row| (None, row));
        let mut named = rows.chain(own);
        let row = named.find(|(_, row)| row.id == id || row.name == id);
        row.and_then(|(view, row)| self.bindings.keys(view, row).first())
            .copied()
            .unwrap_or("the palette")
    }

    fn query_key(&mut self, key: KeyEvent) {
        if key.code == KeyCode::Char('r') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return self.pick_history();
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return self.escape_key();
        }
        let view = views::of(self.view);
        let Some(line) = view.query(self) else { return };
        match line.key(key) {
            Typed::Edited => {}
            Typed::Leave => line.leave(),
            Typed::Run => view.run(self),
            Typed::Complete => self.complete(),
            Typed::Refine => {
                let offer = view.offer(self);
                if let Some(line) = view.query(self) {
                    line.refine(offer);
                }
            }
        }
    }

    /// `Tab` in a query: what can stand at the cursor, and then what can follow what was taken.
    fn complete(&mut self) {
        let view = views::of(self.view);
        for _ in 0..2 {
            let offer = view.offer(self);
            let Some(line) = view.query(self) else { return };
            if line.complete(offer) != Typed::Complete {
                return;
            }
        }
    }

    fn find_key(&mut self, key: KeyEvent) {
        match self.find.key(key) {
            Typed::Edited | Typed::Complete | Typed::Refine => {}
            Typed::Leave => self.find.leave(),
            Typed::Run => {
                self.find.commit();
                self.next_match(true);
            }
        }
    }

    /// `/`: types a new query of the view, or a search in a view without queries.
    pub fn start_finding(&mut self) {
        match views::of(self.view).query(self) {
            Some(line) => line.begin(),
            None => self.find.begin(),
        }
    }

    /// `Ctrl-r`: chooses among the queries of before.
    pub(super) fn pick_history(&mut self) {
        let view = self.view;
        let Some(line) = views::of(view).query(self) else {
            self.say("this view has no queries");
            return;
        };
        let items: Vec<Item> = line
            .history
            .iter()
            .rev()
            .map(|q| Item {
                label: q.clone(),
                about: String::new(),
                choice: Choice::Query(view, q.clone()),
            })
            .collect();
        if items.is_empty() {
            self.say("no query was run here yet");
        } else {
            self.overlay = Some(Overlay::menu("Queries of before", items));
        }
    }

    /// `n`, `N`: to the next row that holds the searched words.
    pub(super) fn next_match(&mut self, forward: bool) {
        let view = views::of(self.view);
        let (typed, asked) = match view.query(self) {
            Some(line) => (line.ran.clone(), true),
            None => (self.find.ran.clone(), false),
        };
        // `!` before the words looks for rows without them, as it does in queries
        let (words, wanted) = match typed.trim().strip_prefix('!') {
            Some(words) => (words.trim(), false),
            None => (typed.trim(), true),
        };
        let folded = words.to_lowercase();
        let (rows, at) = view.rows(self);
        if words.is_empty() || rows.is_empty() {
            return self.say("/ searches, ! before the words inverts; n and N walk the matches");
        }
        let holds = |i: &usize| rows[*i].to_lowercase().contains(&folded) == wanted;
        match round(rows.len(), at, forward).find(holds) {
            Some(index) => view.select(self, 0, index),
            // a query in a language finds rows that need not hold its text
            None if wanted && asked => {
                self.say("these rows are what the query found: j and k walk them, / asks anew")
            }
            None if wanted => self.say(format!("no row holds {words:?}")),
            None => self.say(format!("every row holds {words:?}")),
        }
    }

    /// `Esc`: leaves the innermost thing; never the program.
    pub fn escape_key(&mut self) {
        self.toast = None;
        if let Some(line) = views::of(self.view).query(self)
            && line.editing
        {
            line.leave();
            return;
        }
        if !views::of(self.view).back(self) && self.full {
            self.full = false;
        }
    }

    fn paste(&mut self, pasted: &str) {
        self.keys += 1;
        if let Some(overlay) = &mut self.overlay {
            // what lies over the view takes it, as it takes the keys: nothing is written behind it
            overlay.paste(pasted);
        } else if self.find.editing {
            self.find.paste(pasted);
        } else if let Some(line) = views::of(self.view).query(self) {
            if !line.editing {
                line.begin();
            }
            line.paste(pasted);
        }
    }

    fn mouse_event(&mut self, mouse: MouseEvent, hits: &[Hit]) {
        if self.overlay.is_none() && self.span_mouse(mouse, hits) {
            return;
        }
        let key = |code| KeyEvent::from(code);
        match mouse.kind {
            MouseEventKind::ScrollUp if self.overlay.is_some() => {
                self.overlay_key(key(KeyCode::Up))
            }
            MouseEventKind::ScrollDown if self.overlay.is_some() => {
                self.overlay_key(key(KeyCode::Down))
            }
            MouseEventKind::ScrollUp => (0..WHEEL).for_each(|_| self.motion(Motion::Up)),
            MouseEventKind::ScrollDown => (0..WHEEL).for_each(|_| self.motion(Motion::Down)),
            MouseEventKind::Down(MouseButton::Left) => {
                if let Some(click) = Surface::at(
                    hits,
                    Position {
                        x: mouse.column,
                        y: mouse.row,
                    },
                ) {
                    self.click(&click.clone());
                }
            }
            _ => {}
        }
    }

    fn click(&mut self, click: &Click) {
        match click {
            Click::View(view) => self.open(*view),
            Click::Key(name) => presses(name).into_iter().for_each(|key| self.key(key)),
            Click::Row {
                pane: usize::MAX,
                index,
            } => self.overlay_row(*index),
            Click::Row { pane, index } => {
                let view = views::of(self.view);
                if view.selected(self) == (*pane, *index) {
                    view.enter(self);
                } else {
                    view.select(self, *pane, *index);
                }
            }
            Click::Outside => self.overlay_key(KeyEvent::from(KeyCode::Esc)),
            Click::Time(_) | Click::Nothing => {}
        }
    }

    /// Clears the view's query, when there is one; what it was stands in the history.
    pub fn clear_query(&mut self) -> bool {
        let asked = views::of(self.view).query(self);
        if asked.is_none_or(|line| line.ran.is_empty()) {
            return false;
        }
        self.remember();
        if let Some(line) = views::of(self.view).query(self) {
            line.set("");
            line.commit();
        }
        self.refresh(Asker::Person);
        self.say("the query is cleared; [ takes it back");
        true
    }

    /// Runs the view's query as a person's question, whatever is under way.
    pub fn run_query(&mut self) {
        let view = views::of(self.view);
        if let Some(line) = view.query(self) {
            line.commit();
        }
        view.refresh(self, Asker::Person);
    }
}
