//! Keys written down: `3 <Enter> /timeout <Enter> <Until 503>`. Letters are typed as they stand; what stands in angle
//! brackets is a key by its name, or something that is waited for. Knows no screen.

use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::app::keyname::presses;

/// One thing to do at a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stroke {
    /// Press a key.
    Key(KeyEvent),
    /// Wait until the screen shows a text.
    Until(String),
    /// Wait until the screen shows it no more.
    Gone(String),
    /// Wait for so long, while the screen goes on.
    Wait(Duration),
    /// Write the screen into a file, as an SVG picture.
    Picture(PathBuf),
}

/// Why keys could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Misread {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

/// Longest pause that may be written down.
const LONGEST: Duration = Duration::from_secs(600);

/// Reads keys. A line that begins with `#` is a comment; spaces and line ends mean nothing (a space is `<Space>`, a `<` is
/// `<lt>`).
///
/// # Errors
/// With the line of a name that is no key's, of a pause that is none, and of a bracket that is not closed.
pub fn read(script: &str) -> Result<Vec<Stroke>, Misread> {
    let mut strokes = Vec::new();
    for (number, line) in script.lines().enumerate() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        read_line(line, &mut strokes).map_err(|what| Misread {
            line: number + 1,
            what,
        })?;
    }
    Ok(strokes)
}

/// What a terminal sends for a key; nothing for keys that it has no bytes for.
#[must_use]
pub fn bytes(key: &KeyEvent) -> Option<Vec<u8>> {
    let fixed = match key.code {
        KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => {
            // the control codes stand 64 below their letters
            return u8::try_from(c.to_ascii_uppercase())
                .ok()
                .and_then(|letter| letter.checked_sub(64))
                .map(|code| vec![code]);
        }
        KeyCode::Char(c) => return Some(c.to_string().into_bytes()),
        KeyCode::Enter => "\r",
        KeyCode::Esc => "\x1b",
        KeyCode::Tab => "\t",
        KeyCode::BackTab => "\x1b[Z",
        KeyCode::Backspace => "\x7f",
        KeyCode::Delete => "\x1b[3~",
        KeyCode::Up => "\x1b[A",
        KeyCode::Down => "\x1b[B",
        KeyCode::Right => "\x1b[C",
        KeyCode::Left => "\x1b[D",
        KeyCode::Home => "\x1b[H",
        KeyCode::End => "\x1b[F",
        KeyCode::PageUp => "\x1b[5~",
        KeyCode::PageDown => "\x1b[6~",
        _ => return None,
    };
    Some(fixed.as_bytes().to_vec())
}

fn read_line(line: &str, strokes: &mut Vec<Stroke>) -> Result<(), String> {
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if first == '<' {
            let (named, after) = rest[1..]
                .split_once('>')
                .ok_or_else(|| format!("`{rest}` is not closed by `>` (a `<` alone is <lt>)"))?;
            strokes.push(bracket(named)?);
            rest = after;
            continue;
        }
        if !first.is_whitespace() {
            strokes.extend(typed(&first.to_string()));
        }
        rest = &rest[first.len_utf8()..];
    }
    Ok(())
}

fn typed(letter: &str) -> Option<Stroke> {
    presses(letter).first().copied().map(Stroke::Key)
}

fn bracket(named: &str) -> Result<Stroke, String> {
    let (word, rest) = named.split_once(' ').unwrap_or((named, ""));
    let rest = rest.trim();
    let text = |stroke: fn(String) -> Stroke| match rest {
        "" => Err(format!("<{word}> of what? Write <{word} TEXT>")),
        text => Ok(stroke(text.to_owned())),
    };
    match word {
        "Until" => text(Stroke::Until),
        "Gone" => text(Stroke::Gone),
        "Picture" => text(|path| Stroke::Picture(PathBuf::from(path))),
        "Wait" => pause(rest),
        "lt" => typed("<").ok_or_else(|| "`<` cannot be typed".to_owned()),
        // letters side by side are what `presses` makes of a name that it does not know
        key => match presses(key).as_slice() {
            [one] if key.chars().count() > 1 => Ok(Stroke::Key(*one)),
            _ => Err(format!(
                "<{key}> is no key: there are Enter, Esc, Tab, Shift-Tab, Space, Up, Down, Left, Right, Home, End, PgUp, PgDn, Backspace, Delete, F1 to F12, Ctrl-a to Ctrl-z, lt, and Until, Gone, Wait, Picture"
            )),
        },
    }
}

/// Reads `5s` or `300ms`.
fn pause(text: &str) -> Result<Stroke, String> {
    let wrong = || format!("`{text}` is no pause: write 5s or 300ms, up to 600s");
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').ok_or_else(wrong)?, 1000),
    };
    let count: u64 = digits.parse().map_err(|_| wrong())?;
    let long = Duration::from_millis(count.saturating_mul(unit));
    if long > LONGEST {
        return Err(wrong());
    }
    Ok(Stroke::Wait(long))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(c: char) -> Stroke {
        Stroke::Key(KeyEvent::from(KeyCode::Char(c)))
    }

    #[test]
    fn letters_keys_and_what_is_waited_for_are_read() {
        let read = read(
            "# the page\n<Until 503 of all> 3 gg\n <lt><Space>ö<Ctrl-k><F2>\n<Wait 5s><Gone under way><Picture docs/a b.svg>",
        );
        let control = KeyEvent::new(KeyCode::Char('k'), KeyModifiers::CONTROL);
        assert_eq!(
            read.unwrap(),
            [
                Stroke::Until("503 of all".to_owned()),
                letter('3'),
                letter('g'),
                letter('g'),
                letter('<'),
                letter(' '),
                letter('ö'),
                Stroke::Key(control),
                Stroke::Key(KeyEvent::from(KeyCode::F(2))),
                Stroke::Wait(Duration::from_secs(5)),
                Stroke::Gone("under way".to_owned()),
                Stroke::Picture("docs/a b.svg".into()),
            ]
        );
    }

    #[test]
    fn keys_have_the_bytes_of_a_terminal() {
        let strokes = read("a <Enter> <Ctrl-k> <Up> ö <F5>").unwrap();
        let sent = strokes.iter().map(|stroke| match stroke {
            Stroke::Key(key) => bytes(key),
            _ => None,
        });
        let wanted = [
            Some("a"),
            Some("\r"),
            Some("\u{b}"),
            Some("\x1b[A"),
            Some("ö"),
            None,
        ];
        let wanted = wanted.map(|bytes| bytes.map(|text| text.as_bytes().to_vec()));
        assert_eq!(sent.collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn what_cannot_be_read_names_its_line_and_what_there_is() {
        for (script, said) in [
            ("1\n<Entr>", "line 2: <Entr> is no key"),
            ("<Enter", "is not closed"),
            ("<>", "<> is no key"),
            ("<a>", "<a> is no key"),
            ("<Ctrl-ab>", "is no key"),
            ("<Until >", "<Until> of what?"),
            ("<Wait>", "is no pause"),
            ("<Wait -1s>", "is no pause"),
            ("<Wait 601s>", "is no pause"),
            ("<Wait 99999999999999999999s>", "is no pause"),
        ] {
            let told = read(script).unwrap_err().to_string();
            assert!(told.contains(said), "{script}: {told}");
        }
        assert_eq!(read(" \n\n"), Ok(Vec::new()));
    }
}
