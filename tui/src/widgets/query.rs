//! A line to type into: with history, completion, and an error with its place under it. Knows no query language.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Position, Rect};
use tui_input::{Input, InputRequest};

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
    /// Tab: complete it.
    Complete,
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
    /// Queries of before, newest last.
    pub history: Vec<String>,
    at: Option<usize>,
    completions: Vec<String>,
    chosen: usize,
    word_start: usize,
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
        self.completions.clear();
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
        self.editing = false;
        self.keep(typed);
        self.keep(ran);
    }

    /// Takes the text as the query to run and keeps it in the history.
    pub fn commit(&mut self) {
        self.editing = false;
        self.at = None;
        self.completions.clear();
        self.failure = None;
        self.ran = self.value().trim().to_owned();
        self.keep(self.ran.clone());
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
        for c in pasted.chars().map(|c| if c.is_control() { ' ' } else { c }) {
            if self.value().chars().count() >= LENGTH {
                break;
            }
            self.input.handle(InputRequest::InsertChar(c));
        }
    }

    /// Handles a key while editing.
    pub fn key(&mut self, key: KeyEvent) -> Typed {
        match key.code {
            KeyCode::Enter => return Typed::Run,
            KeyCode::Esc => return Typed::Leave,
            KeyCode::Tab => return Typed::Complete,
            KeyCode::Up => self.recall(true),
            KeyCode::Down => self.recall(false),
            _ => {
                if let Some(request) = edit(key) {
                    if !matches!(request, InputRequest::InsertChar(_))
                        || self.value().chars().count() < LENGTH
                    {
                        self.input.handle(request);
                    }
                    self.completions.clear();
                }
            }
        }
        Typed::Edited
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

    /// `Tab`: completes the word before the cursor from the candidates; again takes the next.
    pub fn complete(&mut self, candidates: &[String]) {
        if self.completions.is_empty() {
            let word = self.word();
            self.word_start = self.input.cursor() - word.chars().count();
            self.completions = matching(candidates, &word);
            self.chosen = 0;
        } else {
            self.chosen = (self.chosen + 1) % self.completions.len();
        }
        let Some(choice) = self.completions.get(self.chosen).cloned() else {
            return;
        };
        let chars: Vec<char> = self.value().chars().collect();
        let before: String = chars[..self.word_start.min(chars.len())].iter().collect();
        let after: String = chars[self.input.cursor().min(chars.len())..]
            .iter()
            .collect();
        let cursor = before.chars().count() + choice.chars().count();
        self.input = Input::new(format!("{before}{choice}{after}")).with_cursor(cursor);
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
    pub fn nothing(&self, loaded: bool, what: &str) -> String {
        match (&self.failure, loaded) {
            (Some(_), _) => "the query above was not answered; / changes it".to_owned(),
            (None, true) if self.ran.is_empty() => {
                format!("no {what} in this time range: t or Z widens it")
            }
            (None, true) => format!(
                "no {what} in this time range\nsearched: {}\nt or Z widens the time; / then Enter alone clears the query, / then ↑ edits it",
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
        if self.editing && self.completions.len() > 1 {
            let list: Vec<String> = self
                .completions
                .iter()
                .enumerate()
                .skip(self.chosen)
                .take(8)
                .map(|(i, c)| {
                    if i == self.chosen {
                        format!("[{c}]")
                    } else {
                        c.clone()
                    }
                })
                .collect();
            surface.text(
                area.x,
                area.y,
                area.width,
                &format!("Tab: {}", list.join("  ")),
                theme.dim,
            );
            return 1;
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

/// Candidates that begin with a word, then those that contain it.
#[must_use]
pub fn matching(candidates: &[String], word: &str) -> Vec<String> {
    let word = word.to_lowercase();
    let (mut first, rest): (Vec<String>, Vec<String>) = candidates
        .iter()
        .filter(|c| c.to_lowercase().contains(&word))
        .cloned()
        .partition(|c| c.to_lowercase().starts_with(&word));
    first.extend(rest);
    first
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
    fn a_word_is_completed_in_place_and_tab_walks_on() {
        let mut line = QueryLine::default();
        line.set("rate(http_s[1m])");
        line.input = line.input.clone().with_cursor(11);
        let names = vec![
            "http_server_count".to_owned(),
            "http_server_sum".to_owned(),
            "up".to_owned(),
        ];
        line.complete(&names);
        assert_eq!(line.value(), "rate(http_server_count[1m])");
        line.complete(&names);
        assert_eq!(line.value(), "rate(http_server_sum[1m])");
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
