//! What is said in the bottom line: for a moment there, and kept to be read again.

use super::overlay::Overlay;
use super::{App, Toast, tick};
use crate::text;
use crate::time::clock;

/// Messages that are kept; the oldest falls out.
const KEPT: usize = 100;

/// A message that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Drill time.
    at_ms: i64,
    bad: bool,
    text: String,
}

impl App {
    /// Shows a message for a while.
    pub fn say(&mut self, text: impl Into<String>) {
        self.shows(text.into(), false, tick::TOAST_MS);
    }

    /// Shows a failure for a while.
    pub fn say_bad(&mut self, text: impl Into<String>) {
        self.shows(text.into(), true, tick::TOAST_MS * 2);
    }

    fn shows(&mut self, text: String, bad: bool, for_ms: u64) {
        self.messages.push(Said {
            at_ms: self.range.now_ms,
            bad,
            text: text.clone(),
        });
        let over = self.messages.len().saturating_sub(KEPT);
        self.messages.drain(..over);
        self.toast = Some(Toast {
            text,
            bad,
            until_ms: self.mono_ms + for_ms,
        });
    }

    /// Shows what was said lately, newest first, in full.
    pub(super) fn read_messages(&mut self) {
        let said = |said: &Said| {
            let mark = if said.bad { "✗" } else { "›" };
            // a message is one line, whatever is in it
            format!("{} {mark} {}", clock(said.at_ms), text::escape(&said.text))
        };
        let all: Vec<String> = self.messages.iter().rev().map(said).collect();
        self.overlay = Some(match all.is_empty() {
            true => Overlay::reader("Messages", "Nothing has been said yet."),
            false => Overlay::reader("Messages, newest first", all.join("\n")),
        });
    }

    /// The message of the moment as it fits into a line; where it is cut, the key that shows it whole stands behind it.
    pub(super) fn toast_line(&self, toast: &Toast, cells: usize) -> String {
        let mark = if toast.bad { "✗" } else { "›" };
        let said = format!(" {mark} {}", text::escape(&toast.text));
        let key = format!(" {}", self.key_of("messages"));
        let room = cells.saturating_sub(text::width(&key));
        match text::width(&said) <= cells || room < 20 {
            true => said,
            false => format!("{}{key}", text::pad(&text::fit(&said, room), room)),
        }
    }
}
