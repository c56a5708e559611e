//! A form or a confirmation as a conversation: one question at a time, choices by number.

use crossterm::event::{KeyCode, KeyEvent};
use tui_input::Input;

use crate::app::App;
use crate::app::overlay::Overlay;
use crate::text::escape;
use crate::widgets::form::{Field, Value};

/// Questions that are being answered.
pub struct Questions {
    overlay: Overlay,
    at: usize,
    yes: bool,
}

/// What an answer led to.
pub enum Step {
    /// The next question, or the same one with what was wrong.
    Again(String),
    /// Given up.
    Left,
    /// All is answered.
    Done,
}

impl Questions {
    /// The questions of a form or a confirmation.
    #[must_use]
    pub fn new(overlay: Overlay) -> Self {
        Self {
            overlay,
            at: 0,
            yes: false,
        }
    }

    /// The present question.
    #[must_use]
    pub fn ask(&self) -> String {
        match &self.overlay {
            Overlay::Form(form, _) => {
                let intro = if self.at == 0 {
                    format!(
                        "{}\n{}\n(a lone dot leaves; an empty line keeps what is there)\n",
                        form.title, form.intro
                    )
                } else {
                    String::new()
                };
                let question = form.fields.get(self.at).map(question).unwrap_or_default();
                format!("{intro}{question}")
            }
            other => other
                .words()
                .map(|(title, body)| format!("{title}\n{body}\ny or n?\n"))
                .unwrap_or_default(),
        }
    }

    /// Takes an answer.
    pub fn answer(&mut self, line: &str) -> Step {
        let line = line.trim();
        if line == "." {
            return Step::Left;
        }
        let Overlay::Form(form, _) = &mut self.overlay else {
            return match line.to_lowercase().as_str() {
                "y" | "yes" => {
                    self.yes = true;
                    Step::Done
                }
                "n" | "no" => Step::Left,
                _ => Step::Again("please answer y or n\n".to_owned()),
            };
        };
        if let Some(field) = form.fields.get_mut(self.at)
            && !line.is_empty()
            && let Err(why) = fill(field, line)
        {
            return Step::Again(format!("{why}\n{}", question(field)));
        }
        self.at += 1;
        if self.at < form.fields.len() {
            Step::Again(self.ask())
        } else {
            Step::Done
        }
    }

    /// Hands in what was answered; what is missing is said, and the form is kept to be opened again.
    pub fn hand_in(self, app: &mut App) -> String {
        match self.overlay {
            Overlay::Form(form, purpose) => {
                match crate::views::case::forms::submit(app, &form, &purpose) {
                    Ok(()) => String::new(),
                    Err(missing) => {
                        let title = form.title.clone();
                        app.drafts.insert(title, Overlay::Form(form, purpose));
                        format!("{missing}; give the command again, what you answered is kept\n")
                    }
                }
            }
            confirm => {
                app.overlay = Some(confirm);
                app.overlay_key(KeyEvent::from(KeyCode::Char(if self.yes {
                    'y'
                } else {
                    'n'
                })));
                String::new()
            }
        }
    }
}

fn question(field: &Field) -> String {
    let mut out = String::new();
    let mut group = "";
    for (i, option) in field.options().iter().enumerate() {
        if option.group != group {
            group = &option.group;
            out.push_str(&format!("{group}\n"));
        }
        out.push_str(&format!(
            "  {}. {}: {}\n",
            i + 1,
            option.id,
            escape(&option.text)
        ));
    }
    let how = match &field.value {
        Value::Text(_) => "text",
        Value::One(..) => "a number or a name",
        Value::Many(..) => "numbers, as in 1 3",
        Value::Percent(_) => "0 to 100",
    };
    let said = field.said();
    let now = if said.is_empty() {
        String::new()
    } else {
        format!(", now {said}")
    };
    format!("{out}{} ({how}{now})?\n", field.label)
}

fn fill(field: &mut Field, line: &str) -> Result<(), String> {
    let place = |options: &[crate::widgets::form::Choosable], word: &str| {
        let by_number = word
            .parse::<usize>()
            .ok()
            .and_then(|n| n.checked_sub(1))
            .filter(|i| *i < options.len());
        by_number
            .or_else(|| options.iter().position(|o| o.id == word))
            .ok_or_else(|| format!("{word:?} is none of the choices"))
    };
    match &mut field.value {
        Value::Text(input) => *input = Input::new(line.to_owned()),
        Value::One(options, chosen) => *chosen = Some(place(options, line)?),
        Value::Many(options, chosen) => {
            let words = line.split([' ', ',', '#']).filter(|w| !w.is_empty());
            let mut places = Vec::new();
            for word in words {
                // pins are named by their own numbers
                let index = options
                    .iter()
                    .position(|o| o.id == word)
                    .map_or_else(|| place(options, word), Ok)?;
                if !places.contains(&index) {
                    places.push(index);
                }
            }
            *chosen = places;
        }
        Value::Percent(value) => {
            *value = line
                .trim_end_matches('%')
                .trim()
                .parse::<u8>()
                .ok()
                .filter(|v| *v <= 100)
                .ok_or("a whole number from 0 to 100 is asked for")?
        }
    }
    Ok(())
}
