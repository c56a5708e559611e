//! Boxes over the view: help, palette, a menu, a text to read, a question, a form.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::menu::{Choice, Item, Menu};
use super::tour::Tour;
use super::{App, Click, Effect};
use crate::ask::Ask;
use crate::text;
use crate::views;
use crate::views::case::forms::{self, Purpose};
use crate::widgets::cursor::Motion;
use crate::widgets::cut;
use crate::widgets::form::{Form, Happened};
use crate::widgets::surface::Surface;

/// A box over the view.
#[derive(Clone)]
pub enum Overlay {
    /// Something to choose from.
    Menu(Menu),
    /// Something to read.
    Reader(Reader),
    /// Something to confirm.
    Confirm(Confirm),
    /// Something to fill in.
    Form(Box<Form>, Purpose),
    /// The tour of the first drill.
    Tour(Tour),
}

/// A text to read.
#[derive(Clone)]
pub struct Reader {
    title: String,
    body: String,
    first: usize,
}

/// A question before something happens.
#[derive(Clone)]
pub struct Confirm {
    title: String,
    body: String,
    first: usize,
    then: Then,
}

#[derive(Clone)]
enum Then {
    Tell(Box<Ask>),
    Quit,
}

impl Confirm {
    /// Asks before something is done to the drill.
    #[must_use]
    pub fn tell(title: impl Into<String>, body: impl Into<String>, ask: Ask) -> Self {
        Self {
            title: title.into(),
            body: body.into(),
            first: 0,
            then: Then::Tell(Box::new(ask)),
        }
    }

    /// Asks before the screen is left while a drill runs.
    #[must_use]
    pub fn quit(app: &App) -> Self {
        let way = app.way("finish it in 9 Debrief", "type finish");
        let (title, what) = match app.leaving_ends {
            true => (
                "End the drill?",
                "Leaving ends the drill: it is scored as it stands now, and cannot be gone on with.".to_owned(),
            ),
            false => (
                "Leave?",
                format!(
                    "The drill goes on without you, and so does its clock. `drill join {}` comes back.",
                    app.lab
                ),
            ),
        };
        let body =
            format!("{what}\n\nLeave? To read the score and what really happened, stay and {way}.");
        Self {
            title: title.to_owned(),
            body,
            first: 0,
            then: Then::Quit,
        }
    }
}

impl Overlay {
    /// A menu.
    #[must_use]
    pub fn menu(title: impl Into<String>, items: Vec<Item>) -> Self {
        Self::Menu(Menu::new(title, items))
    }

    /// A text to read.
    #[must_use]
    pub fn reader(title: impl Into<String>, body: impl Into<String>) -> Self {
        Self::Reader(Reader {
            title: title.into(),
            body: body.into(),
            first: 0,
        })
    }

    /// Takes pasted text where something can be typed.
    pub fn paste(&mut self, pasted: &str) {
        match self {
            Self::Menu(menu) => menu.paste(pasted),
            Self::Form(form, _) => form.paste(pasted),
            Self::Reader(_) | Self::Confirm(_) | Self::Tour(_) => {}
        }
    }

    /// Title and body of what is read or confirmed.
    #[must_use]
    pub fn words(&self) -> Option<(&str, &str)> {
        match self {
            Self::Reader(reader) => Some((&reader.title, &reader.body)),
            Self::Confirm(confirm) => Some((&confirm.title, &confirm.body)),
            Self::Menu(_) | Self::Form(..) | Self::Tour(_) => None,
        }
    }

    /// Whether it is the same text to read.
    fn reads(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Reader(one), Self::Reader(two)) => {
                (&one.title, &one.body) == (&two.title, &two.body)
            }
            _ => false,
        }
    }

    /// Opens a form, as it was left if it was left unfinished: then at what is still missing.
    pub fn open_form(app: &mut App, form: Form, purpose: Purpose) {
        let mut draft = app.draft(&form.title);
        if let Some(Self::Form(form, _)) = &mut draft {
            form.focus_first_empty();
        }
        app.overlay = Some(draft.unwrap_or_else(|| Self::Form(Box::new(form), purpose)));
    }
}

impl App {
    /// Gives a key to the box that is open.
    pub fn overlay_key(&mut self, key: KeyEvent) {
        let Some(mut overlay) = self.overlay.take() else {
            return;
        };
        let control_c =
            key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        let leaves =
            control_c || (key.code == KeyCode::Esc && !matches!(overlay, Overlay::Form(..)));
        if leaves
            && !matches!(&overlay, Overlay::Confirm(c) if control_c && matches!(c.then, Then::Quit))
        {
            self.keep(overlay);
            return;
        }
        match &mut overlay {
            Overlay::Menu(menu) => match menu.key(key) {
                Some(choice) => self.choose(choice),
                None => self.overlay = Some(overlay),
            },
            Overlay::Reader(reader) => match reader.key(key, self.size) {
                Read::On => self.overlay = Some(overlay),
                Read::Closed => {}
                Read::ClosedFor => {
                    self.key(key);
                    // the key that opened it closes it
                    if self.overlay.as_ref().is_some_and(|now| now.reads(&overlay)) {
                        self.overlay = None;
                    }
                }
            },
            Overlay::Confirm(confirm) => match key.code {
                KeyCode::Char('y' | 'Y') => self.confirmed(confirm.then.clone()),
                KeyCode::Char('c') if control_c => self.confirmed(confirm.then.clone()),
                KeyCode::Char('n' | 'N' | 'q') => {}
                _ => {
                    confirm.scroll(key, self.size);
                    self.overlay = Some(overlay);
                }
            },
            Overlay::Tour(tour) => {
                let tour = *tour;
                self.tour_key(tour, key);
            }
            Overlay::Form(form, purpose) => match form.key(key) {
                Happened::Nothing => self.overlay = Some(overlay),
                Happened::Left => self.keep(overlay),
                Happened::Submitted => match forms::submit(self, form, purpose) {
                    Ok(()) => {}
                    Err(missing) => {
                        form.error = Some(missing);
                        self.overlay = Some(overlay);
                    }
                },
            },
        }
    }

    fn confirmed(&mut self, then: Then) {
        match then {
            Then::Tell(ask) => self.tell(*ask),
            Then::Quit => {
                let exit = self.how_left();
                self.effects.push(Effect::Quit(exit));
            }
        }
    }

    fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::Do(bound) => {
                if let Some(view) = bound.of.filter(|view| *view != self.view) {
                    self.open(view);
                }
                (bound.row.run)(self);
            }
            Choice::Query(view, query) => {
                if view != self.view {
                    self.open(view);
                }
                if let Some(line) = views::of(view).query(self) {
                    line.set(&query);
                    views::of(view).run(self);
                }
            }
            Choice::Follow(view, subject) => self.follow_subject(view, &subject),
            Choice::Back(steps) => (0..steps).for_each(|_| self.step_place(true)),
            Choice::Wear(worn) => self.wear(worn),
            Choice::Read(title, body) => self.overlay = Some(Overlay::reader(title, body)),
        }
    }

    /// A click or a scroll within a box.
    pub(super) fn overlay_row(&mut self, index: usize) {
        if let Some(Overlay::Menu(menu)) = &mut self.overlay
            && menu.point(index)
        {
            self.overlay_key(KeyEvent::from(KeyCode::Enter));
        }
    }

    /// Draws the box that is open.
    pub(super) fn draw_overlay(&self, surface: &mut Surface<'_>, area: Rect) {
        match &self.overlay {
            None => {}
            Some(Overlay::Menu(menu)) => menu.draw(surface, area),
            Some(Overlay::Form(form, _)) => form.draw(surface, area),
            Some(Overlay::Reader(reader)) => reader.draw(surface, area),
            Some(Overlay::Tour(tour)) => self.draw_tour(*tour, surface, area),
            Some(Overlay::Confirm(confirm)) => confirm.draw(surface, area),
        }
    }
}

/// By how much a key of those that scroll a text moves in it.
fn scrolling(key: KeyEvent) -> Option<Motion> {
    Some(match key.code {
        KeyCode::Char('k') | KeyCode::Up => Motion::Up,
        KeyCode::Char('j') | KeyCode::Down => Motion::Down,
        KeyCode::PageUp => Motion::PageUp,
        KeyCode::PageDown | KeyCode::Char(' ') => Motion::PageDown,
        KeyCode::Home | KeyCode::Char('g') => Motion::Top,
        KeyCode::End | KeyCode::Char('G') => Motion::Bottom,
        _ => return None,
    })
}

impl Confirm {
    /// Cells of the box, where there is room.
    const WIDTH: u16 = 70;
    /// Rows of the screen that the text cannot have: the frame's, the box's, and the answers with a line of space.
    const AROUND: usize = 7;

    fn lines(&self, columns: u16) -> Vec<String> {
        let inside = columns.min(Self::WIDTH).saturating_sub(5);
        text::wrap(&self.body, usize::from(inside))
    }

    fn scroll(&mut self, key: KeyEvent, (columns, rows): (u16, u16)) {
        let page = usize::from(rows).saturating_sub(Self::AROUND).max(1);
        let last = self.lines(columns).len().saturating_sub(page);
        if let Some(motion) = scrolling(key) {
            let moved = self.first.saturating_add_signed(motion.rows(page));
            self.first = moved.min(last);
        }
    }

    fn draw(&self, surface: &mut Surface<'_>, area: Rect) {
        let theme = surface.theme;
        let lines = self.lines(area.width);
        let height = cut::cells(lines.len()).saturating_add(4);
        let foot = match height > area.height {
            true => "↑↓ scroll",
            false => "",
        };
        let inner = surface.dialog(area, Self::WIDTH, height, &self.title, foot);
        let (text, below) = cut::bottom(inner, 2.min(inner.height.saturating_sub(1)).max(1));
        let lines: Vec<Line<'_>> = lines
            .into_iter()
            .map(|l| Line::styled(l, theme.text))
            .collect();
        surface.scrolled(text, &lines, self.first);
        let y = below.bottom().saturating_sub(1);
        let yes = surface.text(inner.x, y, inner.width, "y", theme.accent);
        let end = surface.text(yes, y, 4, " yes", theme.text);
        surface.link(inner.x, end, y, Click::Key("y"));
        let from = end + 4;
        let no = surface.text(from, y, 1, "n", theme.accent);
        let end = surface.text(no, y, 9, " no (Esc)", theme.text);
        surface.link(from, end, y, Click::Key("n"));
    }
}

/// What a key led to while reading.
enum Read {
    /// It scrolled.
    On,
    /// It closed the box.
    Closed,
    /// It closed the box and means something to the view behind.
    ClosedFor,
}

impl Reader {
    /// Rows of the frame and of the box around the text, at the most.
    const AROUND: usize = 6;

    fn lines(&self, columns: u16) -> Vec<String> {
        text::wrap(&self.body, usize::from(columns.min(100).saturating_sub(5)))
    }

    fn key(&mut self, key: KeyEvent, (columns, rows): (u16, u16)) -> Read {
        if matches!(key.code, KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q')) {
            return Read::Closed;
        }
        let page = usize::from(rows).saturating_sub(Self::AROUND);
        let last = self.lines(columns).len().saturating_sub(page);
        // what is seen whole does not scroll
        let Some(motion) = scrolling(key).filter(|_| last > 0) else {
            return Read::ClosedFor;
        };
        self.first = self
            .first
            .saturating_add_signed(motion.rows(page))
            .min(last);
        Read::On
    }

    fn draw(&self, surface: &mut Surface<'_>, area: Rect) {
        let width = area.width.min(100);
        let lines = self.lines(width);
        let height = cut::cells(lines.len()).saturating_add(2);
        let foot = match height > area.height {
            true => "↑↓ scroll  Esc close",
            false => "Esc or any key closes",
        };
        let inner = surface.dialog(area, width, height.min(area.height), &self.title, foot);
        let style = surface.theme.text;
        let lines: Vec<Line<'_>> = lines.into_iter().map(|l| Line::styled(l, style)).collect();
        surface.scrolled(inner, &lines, self.first);
    }
}
