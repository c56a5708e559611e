//! A line to type into: with history, a list of what can stand at the cursor, and an error with its place under it. Knows
//! no query language.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Position, Rect};
use tui_input::{Input, InputRequest};

use super::complete::{Candidate, Offer, Popup};
use super::surface::Surface;
use crate::Failure;
use crate::text;

/// Queries kept for `Ctrl-r`; the oldest falls out.
const HISTORY: usize = 200;
/// Longest text that can be typed or pasted, characters; more is cut.
const LENGTH: usize = 4_000;

/// What typing led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    /// The text may have changed.
    Edited,
    /// Enter: use it.
    Run,
    /// Esc: leave it.
    Leave,
    /// Tab, or what was chosen is to be followed by something: what can stand at the cursor is asked for.
    Complete,
    /// The text has changed under the open list, which is to be made anew.
    Refine,
}

/// A line of text being edited.
#[derive(Debug, Clone, Default)]
pub struct QueryLine {
    /// Text and cursor.
    pub input: Input,
    /// Whether keys go into it.
    pub editing: bool,
    /// What was last run.
    pub ran: String,
    /// What the answer on the screen belongs to: what was last run, unless that is under way still or was refused.
    pub good: String,
    /// Queries of before, newest last.
    pub history: Vec<String>,
    at: Option<usize>,
    popup: Option<Popup>,
    /// Why the last run failed.
    pub failure: Option<Failure>,
}

impl QueryLine {
    /// The text.
    #[must_use]
    pub fn value(&self) -> &str {
        self.input.value()
    }

    /// Replaces the text.
    pub fn set(&mut self, value: &str) {
        self.input = Input::new(value.chars().take(LENGTH).collect());
        self.popup = None;
    }

    /// Begins a new text: the line is empty, and what was last run stands in it as a placeholder that `Up` takes back.
    pub fn begin(&mut self) {
        self.set("");
        self.at = None;
        self.editing = true;
    }

    /// Leaves without running: the line shows again what was last run, and the history keeps what was typed.
    pub fn leave(&mut self) {
        let typed = self.value().trim().to_owned();
        let ran = self.ran.clone();
        self.set(&ran);
        self.at = None;
        self.popup = None;
        self.editing = false;
        self.keep(typed);
        self.keep(ran);
    }

    /// Takes the text as the query to run and keeps it in the history.
    pub fn commit(&mut self) {
        self.editing = false;
        self.at = None;
        self.popup = None;
        self.failure = None;
        self.ran = self.value().trim().to_owned();
        self.keep(self.ran.clone());
    }

    /// What was last run has been answered.
    pub fn answered(&mut self) {
        self.failure = None;
        self.good.clone_from(&self.ran);
    }

    /// What a filter narrows: what was last run, or the last that was answered where that was refused.
    #[must_use]
    pub fn base(&self) -> &str {
        match self.failure {
            Some(_) => &self.good,
            None => &self.ran,
        }
    }

    /// Makes a text the newest of the history.
    fn keep(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        self.history.retain(|q| *q != text);
        self.history.push(text);
        let over = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..over);
    }

    /// Inserts pasted text at the cursor, line ends as spaces.
    pub fn paste(&mut self, pasted: &str) {
        paste(&mut self.input, pasted);
    }

    /// Handles a key while editing.
    pub fn key(&mut self, key: KeyEvent) -> Typed {
        if let Some(typed) = self.popup_key(key.code) {
            return typed;
        }
        match key.code {
            KeyCode::Enter => return Typed::Run,
            KeyCode::Esc => return Typed::Leave,
            KeyCode::Tab => return Typed::Complete,
            KeyCode::Up => self.recall(true),
            KeyCode::Down => self.recall(false),
            _ => {
                let full = self.value().chars().count() >= LENGTH;
                let more = |r: &InputRequest| matches!(r, InputRequest::InsertChar(_));
                if let Some(request) = edit(key).filter(|r| !full || !more(r)) {
                    self.input.handle(request);
                }
                if self.popup.is_some() {
                    return Typed::Refine;
                }
            }
        }
        Typed::Edited
    }

    /// The keys of the open list; none where it is not open or does not take the key.
    fn popup_key(&mut self, code: KeyCode) -> Option<Typed> {
        let popup = self.popup.as_mut()?;
        match code {
            KeyCode::Tab | KeyCode::Down => popup.step(true),
            KeyCode::BackTab | KeyCode::Up => popup.step(false),
            KeyCode::Esc => self.popup = None,
            KeyCode::Enter => {
                let popup = self.popup.take()?;
                return popup.chosen().map(|one| self.take(popup.word(), one));
            }
            _ => return None,
        }
        Some(Typed::Edited)
    }

    /// Whether the list of what can stand at the cursor is open.
    #[must_use]
    pub fn choosing(&self) -> bool {
        self.popup.is_some()
    }

    /// Whether the open list says that something is still being read.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.popup.as_ref().is_some_and(Popup::waits)
    }

    fn recall(&mut self, older: bool) {
        let last = self.history.len();
        let at = match (self.at, older) {
            (None, true) => last.checked_sub(1),
            (None, false) => None,
            (Some(i), true) => Some(i.saturating_sub(1)),
            (Some(i), false) => Some(i + 1).filter(|i| *i < last),
        };
        if let Some(text) = at.and_then(|i| self.history.get(i)).cloned() {
            self.set(&text);
        }
        self.at = at;
    }

    /// The beginning of the word before the cursor.
    #[must_use]
    pub fn word(&self) -> String {
        let before: Vec<char> = self.value().chars().take(self.input.cursor()).collect();
        before
            .iter()
            .rev()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':'))
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect()
    }

    /// `Tab`: takes what alone can stand at the cursor, or opens the list; the text changes when one of them is chosen.
    pub fn complete(&mut self, offer: Offer) -> Typed {
        let popup = Popup::new(offer);
        if let Some(one) = popup.only() {
            return self.take(popup.word(), one);
        }
        self.popup = Some(popup).filter(|popup| !popup.is_empty());
        Typed::Edited
    }

    /// Makes the open list anew after the text has changed, or more is known.
    pub fn refine(&mut self, offer: Offer) {
        if let Some(before) = self.popup.take() {
            let popup = Popup::new(offer).staying(&before);
            let done = popup.only().is_some_and(|one| one.text == popup.word());
            self.popup = Some(popup).filter(|popup| !popup.is_empty() && !done);
        }
    }

    /// Puts a candidate in the place of what was typed of it, with what belongs behind it.
    fn take(&mut self, word: &str, one: &Candidate) -> Typed {
        self.popup = None;
        let chars: Vec<char> = self.value().chars().collect();
        let cursor = self.input.cursor().min(chars.len());
        let from = cursor.saturating_sub(word.chars().count());
        let before: String = chars[..from].iter().collect();
        let after: String = chars[cursor..].iter().collect();
        let after = after.strip_prefix(one.behind).unwrap_or(&after);
        let put = format!("{before}{}{}", one.text, one.behind);
        let cursor = put.chars().count();
        let whole: String = format!("{put}{after}").chars().take(LENGTH).collect();
        self.input = Input::new(whole).with_cursor(cursor);
        // a quote that was opened wants a value
        match one.behind.ends_with("=\"") {
            true => Typed::Complete,
            false => Typed::Edited,
        }
    }

    /// Draws the line, and under it the error with its place or the completions; returns the rows used.
    pub fn draw(&self, surface: &mut Surface<'_>, area: Rect, prompt: &str, hint: &str) -> u16 {
        if area.is_empty() {
            return 0;
        }
        let theme = surface.theme;
        let style = if self.editing {
            theme.accent
        } else {
            theme.dim
        };
        let x = surface.text(area.x, area.y, area.width, prompt, style);
        let room = area.right().saturating_sub(x);
        let value = text::escape(self.value()).into_owned();
        let scroll = if self.editing {
            self.input.visual_scroll(usize::from(room.max(2)) - 1)
        } else {
            0
        };
        let shown: String = skip_cells(&value, scroll);
        if value.is_empty() && self.editing && !self.ran.is_empty() {
            surface.text(x, area.y, room, &self.placeholder(room), theme.dim);
        } else if value.is_empty() {
            surface.text(x, area.y, room, hint, theme.dim);
        } else {
            surface.text(x, area.y, room, &shown, theme.text);
        }
        if self.editing && room > 0 {
            let column = self.input.visual_cursor().saturating_sub(scroll);
            let column = u16::try_from(column).unwrap_or(u16::MAX).min(room - 1);
            surface.cursor = Some(Position {
                x: x + column,
                y: area.y,
            });
        }
        1 + self.draw_below(
            surface,
            Rect {
                x: area.x,
                y: area.y + 1,
                height: area.height - 1,
                ..area
            },
            x,
            scroll,
        )
    }

    /// What an empty list says: why, as far as it is known.
    #[must_use]
    pub fn nothing(&self, loaded: bool, follows: bool, what: &str) -> String {
        let now = if follows { "" } else { ", Space goes to now" };
        match (&self.failure, loaded) {
            (Some(_), _) => "the query above was not answered; / changes it".to_owned(),
            (None, true) if self.ran.is_empty() => {
                format!("no {what} in this time range: t or Z widens it{now}")
            }
            (None, true) => format!(
                "no {what} in this time range\nsearched: {}\nt or Z widens the time{now}; / then Enter alone clears the query, / then ↑ edits it",
                text::escape(&self.ran)
            ),
            (None, false) => "querying …".to_owned(),
        }
    }

    /// What was last run, in brackets so that it reads as a placeholder without colours, too.
    fn placeholder(&self, room: u16) -> String {
        const KEYS: &str = "  ↑ edits it, Enter alone clears it";
        let room = usize::from(room).saturating_sub(text::width(KEYS) + "(now )".len());
        let ran = text::fit(&text::escape(&self.ran), room.max(8));
        format!("(now {ran}){KEYS}")
    }

    fn draw_below(&self, surface: &mut Surface<'_>, area: Rect, start: u16, scroll: usize) -> u16 {
        let theme = surface.theme;
        if area.is_empty() {
            return 0;
        }
        if let Some(popup) = self.popup.as_ref().filter(|_| self.editing) {
            return popup.draw(surface, area);
        }
        let Some(failure) = &self.failure else {
            return 0;
        };
        let mut rows = 0;
        if let Some(position) = failure.position
            && self.value() == self.ran
        {
            let before: String = self.value().chars().take(position).collect();
            let cells = text::width(&text::escape(&before)).saturating_sub(scroll);
            let column = u16::try_from(cells).unwrap_or(u16::MAX);
            let x = start
                .saturating_add(column)
                .min(area.right().saturating_sub(1));
            surface.text(x, area.y, 1, "▲", theme.bad);
            rows = 1;
        }
        let said = match &failure.remedy {
            Some(remedy) => format!("✗ {}: {remedy}", failure.message),
            None => format!("✗ {}", failure.message),
        };
        let room = usize::from((area.height / 4).clamp(2, 4).min(area.height - rows));
        let mut said = text::wrap(&said, usize::from(area.width));
        if said.len() > room {
            said.truncate(room);
            if let Some(last) = said.last_mut() {
                last.push_str(" …");
            }
        }
        for line in said {
            surface.text(area.x, area.y + rows, area.width, &line, theme.bad);
            rows += 1;
        }
        rows
    }
}

fn skip_cells(value: &str, cells: usize) -> String {
    let mut skipped = 0;
    value
        .chars()
        .skip_while(|c| {
            let skip = skipped < cells;
            skipped += text::width(c.encode_utf8(&mut [0; 4]));
            skip
        })
        .collect()
}

/// Inserts pasted text at the cursor, control codes as spaces; what is too long is cut.
pub fn paste(input: &mut Input, pasted: &str) {
    let room = LENGTH.saturating_sub(input.value().chars().count());
    for c in pasted.chars().take(room) {
        let c = if c.is_control() { ' ' } else { c };
        input.handle(InputRequest::InsertChar(c));
    }
}

/// The editing that a key asks for.
#[must_use]
pub fn edit(key: KeyEvent) -> Option<InputRequest> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(match key.code {
        KeyCode::Char('a') if control => InputRequest::GoToStart,
        KeyCode::Char('e') if control => InputRequest::GoToEnd,
        KeyCode::Char('w') if control => InputRequest::DeletePrevWord,
        KeyCode::Char('u') if control => InputRequest::DeleteFromStart,
        KeyCode::Char('k') if control => InputRequest::DeleteTillEnd,
        KeyCode::Char(_) if control || alt => return None,
        KeyCode::Char(c) => InputRequest::InsertChar(c),
        KeyCode::Backspace if alt => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left if control => InputRequest::GoToPrevWord,
        KeyCode::Right if control => InputRequest::GoToNextWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut QueryLine, code: KeyCode) -> Typed {
        line.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn the_text_changes_when_one_is_left_or_chosen_and_not_before() {
        let mut line = QueryLine::default();
        line.set("rate(http_s[1m])");
        line.input = line.input.clone().with_cursor(11);
        let names = ["http_server_count", "http_server_sum", "up"].map(str::to_owned);
        let offer = |line: &QueryLine| Offer::words(line.word(), names.to_vec());
        let offered = offer(&line);
        line.complete(offered);
        assert_eq!(line.value(), "rate(http_s[1m])");
        press(&mut line, KeyCode::Tab);
        press(&mut line, KeyCode::BackTab);
        press(&mut line, KeyCode::Down);
        assert_eq!((line.value(), line.choosing()), ("rate(http_s[1m])", true));
        assert_eq!(press(&mut line, KeyCode::Enter), Typed::Edited);
        assert_eq!(line.value(), "rate(http_server_sum[1m])");
        line.set("u");
        let offered = offer(&line);
        line.complete(offered);
        // `u` is in other names, too
        assert!(line.choosing());
        assert_eq!(press(&mut line, KeyCode::Char('p')), Typed::Refine);
        let offered = offer(&line);
        line.refine(offered);
        assert_eq!(
            (line.value(), line.choosing()),
            ("up", false),
            "it is typed"
        );
        line.set("serv");
        let alone = Offer::words(line.word(), vec!["service".to_owned()]);
        line.complete(alone);
        assert_eq!(line.value(), "service");
        line.set("zz");
        let none = offer(&line);
        line.complete(none);
        assert_eq!((line.value(), line.choosing()), ("zz", false));
    }

    #[test]
    fn esc_closes_the_list_and_leaves_the_text() {
        let mut line = QueryLine::default();
        line.begin();
        line.complete(Offer::words(
            String::new(),
            ["a", "b"].map(str::to_owned).to_vec(),
        ));
        assert_eq!(press(&mut line, KeyCode::Esc), Typed::Edited);
        assert!(line.editing && !line.choosing());
        assert_eq!(press(&mut line, KeyCode::Esc), Typed::Leave);
    }

    #[test]
    fn arrows_walk_the_history() {
        let mut line = QueryLine::default();
        for query in ["first", "second"] {
            line.set(query);
            line.commit();
        }
        press(&mut line, KeyCode::Up);
        press(&mut line, KeyCode::Up);
        assert_eq!(line.value(), "first");
        press(&mut line, KeyCode::Down);
        assert_eq!(line.value(), "second");
    }

    #[test]
    fn a_new_text_begins_empty_and_what_ran_comes_back_by_one_key_or_by_leaving() {
        let mut line = QueryLine::default();
        line.set("{a}");
        line.commit();
        line.begin();
        assert_eq!((line.value(), line.ran.as_str()), ("", "{a}"));
        press(&mut line, KeyCode::Up);
        assert_eq!(line.value(), "{a}");
        line.begin();
        for c in "half".chars() {
            press(&mut line, KeyCode::Char(c));
        }
        line.leave();
        assert_eq!((line.value(), line.editing), ("{a}", false));
        assert_eq!(line.history, ["half", "{a}"]);
    }
}
