//! What can stand where the cursor is in a line that is typed: a list to choose from. Knows no query language: the views
//! say what can stand there.

use std::collections::HashSet;

use ratatui::layout::Rect;

use super::cursor::first_row;
use super::surface::Surface;
use crate::text;

/// Rows that the list takes at most.
const ROWS: u16 = 8;

/// A text that can stand there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidate {
    /// The text.
    pub text: String,
    /// A word of help; may be empty.
    pub about: String,
    /// What belongs behind it, unless it stands there already: the bracket of a function, the end of a quote.
    pub behind: &'static str,
}

/// What can stand at the cursor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer {
    /// What of it was typed already: it ends at the cursor and is replaced.
    pub word: String,
    /// All that can stand there, whatever was typed.
    pub candidates: Vec<Candidate>,
    /// What is still being read to say more; empty when all is known.
    pub waiting: String,
}

impl Offer {
    /// Words without help.
    #[must_use]
    pub fn words(word: String, words: Vec<String>) -> Self {
        let candidate = |text| Candidate {
            text,
            ..Candidate::default()
        };
        Self {
            word,
            candidates: words.into_iter().map(candidate).collect(),
            waiting: String::new(),
        }
    }

    /// The candidates that begin with what was typed, then those that contain it, each once.
    fn matching(self) -> Vec<Candidate> {
        let word = self.word.to_lowercase();
        let holds = |c: &Candidate| c.text.to_lowercase().contains(&word);
        let begins = |c: &Candidate| c.text.to_lowercase().starts_with(&word);
        let mut seen = HashSet::new();
        let found = self.candidates.into_iter().filter(holds);
        let found = found.filter(|c| seen.insert(c.text.clone()));
        let (mut first, rest): (Vec<Candidate>, Vec<Candidate>) = found.partition(begins);
        first.extend(rest);
        first
    }
}

/// The list under the line, as long as it is open.
#[derive(Debug, Clone, Default)]
pub struct Popup {
    word: String,
    found: Vec<Candidate>,
    waiting: String,
    at: usize,
}

impl Popup {
    /// A list of what is offered.
    #[must_use]
    pub fn new(offer: Offer) -> Self {
        Self {
            word: offer.word.clone(),
            waiting: offer.waiting.clone(),
            found: offer.matching(),
            at: 0,
        }
    }

    /// The only candidate, when nothing more is being read.
    #[must_use]
    pub fn only(&self) -> Option<&Candidate> {
        match self.found.as_slice() {
            [one] if self.waiting.is_empty() => Some(one),
            _ => None,
        }
    }

    /// Whether there is nothing to choose, nor will be.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty() && self.waiting.is_empty()
    }

    /// Whether more is being read.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What was typed of a candidate.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }

    /// The chosen candidate.
    #[must_use]
    pub fn chosen(&self) -> Option<&Candidate> {
        self.found.get(self.at)
    }

    /// To the next or previous candidate, round the end.
    pub fn step(&mut self, forward: bool) {
        let len = self.found.len().max(1);
        self.at = (self.at + if forward { 1 } else { len - 1 }) % len;
    }

    /// Keeps the choice of before, where it is among these too.
    #[must_use]
    pub fn staying(mut self, before: &Self) -> Self {
        let chosen = before.chosen().map(|c| &c.text);
        let place = self.found.iter().position(|c| Some(&c.text) == chosen);
        // what was typed on narrows the list: the best match stands first
        self.at = place.filter(|_| self.word == before.word).unwrap_or(0);
        self
    }

    /// Draws the list; the rows that it used.
    pub fn draw(&self, surface: &mut Surface<'_>, area: Rect) -> u16 {
        let theme = surface.theme;
        if self.found.is_empty() {
            let said = format!("  reading {} …", text::escape(&self.waiting));
            surface.text(area.x, area.y, area.width, &said, theme.dim);
            return area.height.min(1);
        }
        let rows = super::cut::cells(self.found.len())
            .min(ROWS)
            .min(area.height);
        let first = first_row(self.at, self.found.len(), usize::from(rows));
        let shown = self.found.iter().enumerate().skip(first);
        let shown: Vec<(usize, &Candidate)> = shown.take(usize::from(rows)).collect();
        let widest = shown
            .iter()
            .map(|(_, c)| text::width(&text::escape(&c.text)));
        let name = widest.max().unwrap_or(0).min(usize::from(area.width / 2));
        for ((index, candidate), y) in shown.into_iter().zip(area.y..) {
            let (mark, style) = match index == self.at {
                true => ("▸", theme.selected),
                false => (" ", theme.text),
            };
            let label = text::pad(&text::escape(&candidate.text), name);
            let x = surface.text(area.x, y, area.width, &format!("{mark} {label} "), style);
            let room = area.right().saturating_sub(x);
            surface.text(x, y, room, &format!(" {}", candidate.about), theme.dim);
        }
        if self.found.len() > usize::from(rows) {
            let said = format!(" {} of {} ", self.at + 1, self.found.len());
            let cells = super::cut::cells(text::width(&said));
            let x = area.right().saturating_sub(cells);
            surface.text(x, area.y, cells, &said, theme.dim);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_is_offered_once_and_what_begins_with_the_word_comes_first() {
        let words = ["level", "trace_level", "level", "service", "trace_level"];
        let offer = Offer::words("Lev".to_owned(), words.map(str::to_owned).to_vec());
        let found = offer.matching();
        let texts: Vec<&str> = found.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts, ["level", "trace_level"]);
        let twice = Offer::words("se".to_owned(), vec!["service".to_owned(); 2]);
        assert!(Popup::new(twice).only().is_some(), "one is taken at once");
    }
}
