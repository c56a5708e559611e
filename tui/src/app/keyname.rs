//! Names of keys: how the rows of the key map write them, how the screen shows them, and which key a name means.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Keys that have a name of their own; the others are named by their letter.
const NAMED: [(KeyCode, &str); 15] = [
    (KeyCode::Char(' '), "Space"),
    (KeyCode::Enter, "Enter"),
    (KeyCode::Esc, "Esc"),
    (KeyCode::Tab, "Tab"),
    (KeyCode::BackTab, "Shift-Tab"),
    (KeyCode::Up, "Up"),
    (KeyCode::Down, "Down"),
    (KeyCode::Left, "Left"),
    (KeyCode::Right, "Right"),
    (KeyCode::Home, "Home"),
    (KeyCode::End, "End"),
    (KeyCode::PageUp, "PgUp"),
    (KeyCode::PageDown, "PgDn"),
    (KeyCode::Backspace, "Backspace"),
    (KeyCode::Delete, "Delete"),
];

/// The name of a key as rows write it; none for keys that are never bound.
#[must_use]
pub fn name(key: KeyEvent) -> Option<String> {
    if let Some((_, name)) = NAMED.iter().find(|(code, _)| *code == key.code) {
        return Some((*name).to_owned());
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char(c) if control => Some(format!("Ctrl-{}", c.to_ascii_lowercase())),
        KeyCode::Char(c) => Some(c.to_string()),
        KeyCode::F(n) => Some(format!("F{n}")),
        _ => None,
    }
}

/// The keys to press, one after another, for a name: `gl` is two.
#[must_use]
pub fn presses(name: &str) -> Vec<KeyEvent> {
    if let Some((code, _)) = NAMED.iter().find(|(_, named)| *named == name) {
        return vec![KeyEvent::from(*code)];
    }
    let function = name.strip_prefix('F').and_then(|n| n.parse().ok());
    if let Some(n) = function {
        return vec![KeyEvent::from(KeyCode::F(n))];
    }
    let (letters, modifiers) = match name.strip_prefix("Ctrl-") {
        Some(letter) => (letter, KeyModifiers::CONTROL),
        None => (name, KeyModifiers::NONE),
    };
    let press = |c| KeyEvent::new(KeyCode::Char(c), modifiers);
    letters.chars().map(press).collect()
}

/// A key as the screen shows it: arrows as arrows.
#[must_use]
pub fn glyph(key: &str) -> &str {
    match key {
        "Up" => "↑",
        "Down" => "↓",
        "Left" => "←",
        "Right" => "→",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::keymap::EVERYWHERE;
    use crate::views;

    #[test]
    fn every_key_of_every_row_is_pressed_by_its_name() {
        let tables = views::ALL.iter().map(|v| v.keys()).chain([EVERYWHERE]);
        for key in tables.flatten().flat_map(|row| row.keys) {
            let pressed: Option<String> = presses(key).into_iter().map(name).collect();
            assert_eq!(pressed.as_deref(), Some(*key));
        }
    }
}
