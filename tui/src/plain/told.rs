//! What the plain mode says: text that no foreign control code is in. It is made here alone and printed by [`super::print`]
//! alone, so that nothing a lab sends can write to the terminal or the clipboard. Knows no views.

use std::fmt;
use std::ops::Deref;

use crate::text;

/// Lines that are safe to print, each with its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told(String);

impl Told {
    /// One line. Line ends within it are shown as marks, so that a value cannot pass for a line of its own.
    #[must_use]
    pub fn line(text: &str) -> Self {
        Self(format!("{}\n", text::escape(text)))
    }

    /// Several lines, whose ends are the speaker's own; nothing where the text is empty.
    #[must_use]
    pub fn lines(text: &str) -> Self {
        let mut safe = text::escape_lines(text);
        if !safe.is_empty() && !safe.ends_with('\n') {
            safe.push('\n');
        }
        Self(safe)
    }

    /// Says more.
    pub fn add(&mut self, more: Self) {
        self.0.push_str(&more.0);
    }
}

impl Deref for Told {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
