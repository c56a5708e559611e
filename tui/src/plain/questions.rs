//! A form or a confirmation as a conversation: one question at a time, choices by number.

use crossterm::event::{KeyCode, KeyEvent};
use tui_input::Input;

use crate::app::App;
use crate::app::overlay::Overlay;
use crate::text::escape;
use crate::views::case::forms;
use crate::widgets::form::{Field, Value};

use super::choices;
use super::tell::indented;

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
                        "{}\n{}\n(a lone dot leaves; an empty line keeps what is there; ? repeats the list)\n",
                        escape(&form.title),
                        indented(&form.intro)
                    )
                } else {
                    String::new()
                };
                // the same list is not read out twice in a row
                let again = self.at > 0
                    && form.fields.get(self.at).map(Field::options)
                        == form.fields.get(self.at - 1).map(Field::options);
                let asked = form.fields.get(self.at);
                let asked = asked.map(|f| if again { short(f) } else { question(f) });
                format!("{intro}{}", asked.unwrap_or_default())
            }
            other => other
                .words()
                .map(|(title, body)| format!("{}\n{}\ny or n?\n", escape(title), indented(body)))
                .unwrap_or_default(),
        }
    }

    /// Takes an answer.
    pub fn answer(&mut self, line: &str) -> Step {
        let line = line.trim();
        if line == "." {
            return Step::Left;
        }
        let Overlay::Form(form, purpose) = &mut self.overlay else {
            return match line.to_lowercase().as_str() {
                "y" | "yes" => {
                    self.yes = true;
                    Step::Done
                }
                "n" | "no" => Step::Left,
                _ => Step::Again("please answer y or n; n leaves it undone\n".to_owned()),
            };
        };
        if let Some(field) = form.fields.get_mut(self.at) {
            if line == "?" {
                return Step::Again(question(field));
            }
            let missing = line.is_empty()
                && field.said().is_empty()
                && forms::must_be_said(purpose, field.label);
            let filled = match missing {
                true => Err(format!("{} cannot be left out", field.label)),
                false if line.is_empty() => Ok(()),
                false => fill(field, line),
            };
            if let Err(why) = filled {
                return Step::Again(format!(
                    "{}; a lone dot leaves\n{}",
                    escape(&why),
                    short(field)
                ));
            }
        }
        self.at += 1;
        if self.at < form.fields.len() {
            Step::Again(self.ask())
        } else {
            Step::Done
        }
    }

    /// Leaves it: what was answered is kept for the next time, and what was asked for is not done.
    pub fn leave(self, app: &mut App) -> String {
        app.overlay = None;
        match self.overlay {
            Overlay::Form(form, purpose) => {
                app.drafts
                    .insert(form.title.clone(), Overlay::Form(form, purpose));
                "left; nothing was handed in, and what you answered is kept for the next time\n"
                    .to_owned()
            }
            _ => "not done\n".to_owned(),
        }
    }

    /// Hands in what was answered; what is missing is said, and the form is kept to be opened again.
    pub fn hand_in(self, app: &mut App) -> String {
        match self.overlay {
            Overlay::Form(form, purpose) => match forms::submit(app, &form, &purpose) {
                Ok(()) => String::new(),
                Err(missing) => {
                    let title = form.title.clone();
                    app.drafts.insert(title, Overlay::Form(form, purpose));
                    format!("{missing}; give the command again, what you answered is kept\n")
                }
            },
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

/// The question with its list of choices.
fn question(field: &Field) -> String {
    let mut out = String::new();
    let mut group = "";
    for (i, option) in field.options().iter().enumerate() {
        if option.group != group {
            group = &option.group;
            out.push_str(&format!("{}\n", escape(group)));
        }
        let said = escape(&option.text);
        out.push_str(&match option.sentence {
            true => format!("  {}. {said}\n", i + 1),
            false => format!("  {}. {}: {said}\n", i + 1, escape(&option.id)),
        });
    }
    out + &short(field)
}

/// The question alone.
fn short(field: &Field) -> String {
    let how = match &field.value {
        Value::Text(_) => "text",
        Value::One(..) => "a number or a name; ? repeats the list",
        Value::Many(..) => "numbers, as in 1 3; ? repeats the list",
        Value::Percent(_) => "0 to 100",
    };
    let said = field.said();
    let now = if said.is_empty() {
        String::new()
    } else {
        format!(", now {}", escape(&said))
    };
    format!("{} ({how}{now})?\n", field.label)
}

fn fill(field: &mut Field, line: &str) -> Result<(), String> {
    match &mut field.value {
        Value::Text(input) => *input = Input::new(line.to_owned()),
        Value::One(options, chosen) => *chosen = Some(choices::find(options, line)?),
        Value::Many(options, chosen) => {
            // one name may have several words; numbers stand side by side
            let words: Vec<&str> = match choices::find(options, line) {
                Ok(_) => vec![line],
                Err(_) => line
                    .split([' ', ',', '#'])
                    .filter(|w| !w.is_empty())
                    .collect(),
            };
            let mut places = Vec::new();
            for word in words {
                let index = choices::find(options, word)?;
                if !places.contains(&index) {
                    places.push(index);
                }
            }
            *chosen = places;
        }
        Value::Percent(value) => {
            let said = line
                .trim_end_matches('%')
                .trim()
                .parse::<u8>()
                .ok()
                .filter(|v| *v <= 100)
                .ok_or("a whole number from 0 to 100 is asked for")?;
            *value = Some(said);
        }
    }
    Ok(())
}
