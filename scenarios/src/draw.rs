//! Seeded choices: what a seed draws for the names under `vary`, and putting it into a scenario's
//! text. It works on text, before the scenario is parsed, and remembers which place of the filled
//! text came from which place of the file.

use std::{collections::BTreeMap, ops::Range};

use rand::RngExt;

use crate::{scenario::Draw, seed::Seed, span::Span};

/// What was drawn: `name`, or `name.field` for a row.
pub type Draws = BTreeMap<String, String>;

/// Draws every choice, each from its own stream `draw/<name>`, so that a new choice shifts no other.
/// A choice between nothing, or with its bounds the wrong way round, draws nothing.
#[must_use]
pub fn draw(vary: &BTreeMap<String, Draw>, seed: Seed) -> Draws {
    let mut draws = Draws::new();
    for (name, choice) in vary {
        let mut chance = seed.stream(&format!("draw/{name}"));
        match choice {
            Draw::Choose(texts) if !texts.is_empty() => {
                let text = &texts[chance.random_range(0..texts.len())];
                draws.insert(name.clone(), text.clone());
            }
            Draw::ChooseRow(rows) if !rows.is_empty() => {
                let row = &rows[chance.random_range(0..rows.len())];
                for (field, text) in row {
                    draws.insert(format!("{name}.{field}"), text.clone());
                }
            }
            Draw::Int([low, high]) if low <= high => {
                let number = chance.random_range(*low..=*high);
                draws.insert(name.clone(), number.to_string());
            }
            Draw::Between([low, high]) if low <= high => {
                let seconds = chance.random_range(low.millis() / 1_000..=high.millis() / 1_000);
                let span = Span::from_millis(seconds * 1_000);
                draws.insert(name.clone(), span.to_string());
            }
            Draw::Choose(_) | Draw::ChooseRow(_) | Draw::Int(_) | Draw::Between(_) => {}
        }
    }
    draws
}

/// A text with its draws put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filled {
    pub text: String,
    edits: Vec<Edit>,
    /// Placeholders whose name was not drawn: where in the file, and the name. They stay as they are.
    pub unknown: Vec<(Range<usize>, String)>,
    /// Names that were put in somewhere.
    pub used: std::collections::BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    filled: Range<usize>,
    original: Range<usize>,
}

/// Puts `${name}` and `${name.field}` in. Comment lines stay as they are.
pub(crate) fn fill(text: &str, draws: &Draws) -> Filled {
    let mut filled = Filled {
        text: String::with_capacity(text.len()),
        edits: Vec::new(),
        unknown: Vec::new(),
        used: std::collections::BTreeSet::new(),
    };
    let mut done = 0;
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        if !line.trim_start().starts_with('#') {
            for (at, name) in placeholders(line) {
                let original = line_start + at.start..line_start + at.end;
                let Some(value) = draws.get(name) else {
                    filled.unknown.push((original, name.to_owned()));
                    continue;
                };
                filled.used.insert(name.to_owned());
                filled.text.push_str(&text[done..original.start]);
                let start = filled.text.len();
                filled.text.push_str(value);
                done = original.end;
                filled.edits.push(Edit {
                    filled: start..filled.text.len(),
                    original,
                });
            }
        }
        line_start += line.len();
    }
    filled.text.push_str(&text[done..]);
    filled
}

fn placeholders(line: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + line[from..].find("${")?;
        let end = start + line[start..].find('}')?;
        from = end + 1;
        Some((start..end + 1, &line[start + 2..end]))
    })
}

impl Filled {
    /// The place in the file that a place of the filled text came from. Within something that was
    /// put in, that is the whole placeholder.
    pub fn original(&self, at: &Range<usize>) -> Range<usize> {
        let start = self.original_of(at.start, false);
        start..self.original_of(at.end, true).max(start)
    }

    fn original_of(&self, place: usize, is_end: bool) -> usize {
        let mut original = place;
        for edit in &self.edits {
            let inside = if is_end {
                place > edit.filled.start && place <= edit.filled.end
            } else {
                place >= edit.filled.start && place < edit.filled.end
            };
            if inside {
                return if is_end {
                    edit.original.end
                } else {
                    edit.original.start
                };
            }
            if place < edit.filled.end {
                break;
            }
            original = place - edit.filled.end + edit.original.end;
        }
        original
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vary() -> BTreeMap<String, Draw> {
        let row =
            |a: &str, b: &str| BTreeMap::from([("a".into(), a.into()), ("b".into(), b.into())]);
        BTreeMap::from([
            ("n".into(), Draw::Int([3, 5])),
            ("who".into(), Draw::Choose(vec!["ann".into(), "bob".into()])),
            (
                "pair".into(),
                Draw::ChooseRow(vec![row("1", "one"), row("2", "two")]),
            ),
            (
                "at".into(),
                Draw::Between([Span::from_millis(-60_000), Span::from_millis(-30_000)]),
            ),
        ])
    }

    #[test]
    fn draws_stay_within_their_bounds_and_rows_together() {
        for seed in 0..200 {
            let draws = draw(&vary(), Seed(seed));
            let n: i64 = draws["n"].parse().expect("number");
            assert!((3..=5).contains(&n));
            assert!(matches!(
                (draws["pair.a"].as_str(), draws["pair.b"].as_str()),
                ("1", "one") | ("2", "two")
            ));
            let at: Span = draws["at"].parse().expect("span");
            assert!((-60_000..=-30_000).contains(&at.millis()));
        }
    }

    #[test]
    fn a_new_choice_shifts_no_other() {
        let before = draw(&vary(), Seed(7));
        let mut more = vary();
        more.insert("aaa".into(), Draw::Int([0, 1_000]));
        let mut after = draw(&more, Seed(7));
        after.remove("aaa");
        assert_eq!(before, after);
    }

    #[test]
    fn every_place_of_the_filled_text_leads_back_to_the_file() {
        let text = "a: ${n}\nb: \"${who} and ${nobody}\"\n# ${n} stays\nc: end\n";
        let draws = Draws::from([("n".into(), "12345".into()), ("who".into(), "x".into())]);
        let filled = fill(text, &draws);
        assert_eq!(
            filled.text,
            "a: 12345\nb: \"x and ${nobody}\"\n# ${n} stays\nc: end\n"
        );
        assert_eq!(filled.unknown.len(), 1);
        assert_eq!(&text[filled.unknown[0].0.clone()], "${nobody}");
        for (shown, wanted) in [
            ("12345", "${n}"),
            ("234", "${n}"),
            ("end", "end"),
            ("\"x", "\"${who}"),
        ] {
            let start = filled.text.find(shown).expect("there");
            let original = filled.original(&(start..start + shown.len()));
            assert_eq!(&text[original], wanted, "{shown}");
        }
    }
}
