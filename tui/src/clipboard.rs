//! What is put on the clipboard: text that does nothing where it is pasted, of a size that terminals take. Knows no
//! terminal: whoever owns that carries the copy out.

use crate::text::escape;

/// Largest text that is copied, bytes: terminals cut or refuse more.
const LIMIT: usize = 100_000;

/// Text that is ready to be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The text: no control codes, and no line ends, which a shell that it is pasted into would run.
    pub text: String,
    /// Its size before it was cut, bytes.
    whole: usize,
}

impl Copied {
    /// Makes foreign text safe to paste and cuts what is too much.
    #[must_use]
    pub fn of(foreign: &str) -> Self {
        let mut text = escape(foreign.trim_end()).into_owned();
        let whole = text.len();
        text.truncate(text.floor_char_boundary(LIMIT));
        Self { text, whole }
    }

    /// How much it is, and whether something is missing.
    #[must_use]
    pub fn said(&self) -> String {
        let bytes = self.text.len();
        if bytes == self.whole {
            return format!("copied {bytes} bytes");
        }
        format!(
            "copied the first {bytes} of {} bytes: cut at {LIMIT}; Ctrl-s writes all into a file",
            self.whole
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_runs_nothing() {
        let copied = Copied::of("a\u{1b}]52;c;eA==\u{7}b\u{9b}31m\nrm -rf x\r\n");
        assert!(!copied.text.chars().any(char::is_control), "{copied:?}");
        assert!(copied.text.starts_with("a␛]52;") && copied.text.ends_with("⏎rm -rf x"));
        assert_eq!(Copied::of("größe = 3").text, "größe = 3");
        assert_eq!(Copied::of("größe = 3").said(), "copied 11 bytes");
    }

    #[test]
    fn a_cut_is_said_and_goes_through_no_letter() {
        let copied = Copied::of(&format!("a{}", "ö".repeat(60_000)));
        assert_eq!(copied.text.len(), 99_999);
        let said = copied.said();
        assert!(said.contains("the first 99999 of 120001 bytes"), "{said}");
        assert_eq!(
            Copied::of(&"x".repeat(100_000)).said(),
            "copied 100000 bytes"
        );
        assert_eq!(Copied::of("").said(), "copied 0 bytes");
    }
}
