//! Which of several choices a person means: by number, id, other name or title, whatever the case, spaces and hyphens;
//! what is none of them gets the nearest suggested.

use crate::widgets::form::Choosable;

/// Suggestions that are made at most.
const SUGGESTED: usize = 3;

/// The place of the choice that is meant.
///
/// # Errors
/// That it is none of them, or several, with the nearest.
pub fn find(options: &[Choosable], said: &str) -> Result<usize, String> {
    let said = said.trim();
    // pins are named by their own numbers
    if let Some(place) = options.iter().position(|o| o.id == said) {
        return Ok(place);
    }
    let number = said.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    if let Some(place) = number.filter(|i| *i < options.len()) {
        return Ok(place);
    }
    let wanted = plain(said);
    if wanted.is_empty() || number.is_some() {
        return Err(format!("{said:?} is none of the choices"));
    }
    let matches = |holds: &dyn Fn(&str) -> bool| -> Vec<usize> {
        let named = |o: &Choosable| names(o).iter().any(|name| holds(name));
        let places = options.iter().enumerate().filter(|(_, o)| named(o));
        places.map(|(i, _)| i).collect()
    };
    let ways: [&dyn Fn(&str) -> bool; 3] = [
        &|name| name == wanted,
        &|name| name.starts_with(&wanted),
        &|name| name.contains(&wanted),
    ];
    for holds in ways {
        match matches(holds).as_slice() {
            [] => {}
            [one] => return Ok(*one),
            several => {
                let few = several.iter().take(SUGGESTED).map(|i| shown(options, *i));
                let few: Vec<String> = few.collect();
                return Err(format!(
                    "{said:?} may be one of {}: {}",
                    several.len(),
                    few.join(", ")
                ));
            }
        }
    }
    Err(format!(
        "{said:?} is none of the choices; the nearest: {}",
        nearest(options, &wanted).join(", ")
    ))
}

fn shown(options: &[Choosable], place: usize) -> String {
    let option = &options[place];
    let name = if option.sentence {
        &option.text
    } else {
        &option.id
    };
    format!("{}. {name}", place + 1)
}

/// A name without case, spaces and marks.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The names of a choice: its id, its whole text, and the parts of its text that stand between marks, among them the
/// names that it is also known as.
fn names(option: &Choosable) -> Vec<String> {
    let parts = option
        .text
        .split([';', ':', ',', '(', ')', '·', '.', '—'])
        .map(|part| part.trim().trim_start_matches("also").trim());
    let mut names: Vec<String> = [option.id.as_str(), option.text.as_str()]
        .into_iter()
        .chain(parts)
        .map(plain)
        .filter(|name| !name.is_empty())
        .collect();
    names.dedup();
    names
}

/// The choices with the nearest ids, as `3. name`.
fn nearest(options: &[Choosable], wanted: &str) -> Vec<String> {
    let far = |o: &Choosable| {
        let all = names(o);
        all.iter()
            .map(|n| distance(n, wanted))
            .min()
            .unwrap_or(usize::MAX)
    };
    let mut places: Vec<(usize, usize)> = options.iter().map(far).zip(0..).collect();
    places.sort_unstable();
    let few = places.into_iter().take(SUGGESTED);
    few.map(|(_, place)| shown(options, place)).collect()
}

/// Letters that must be changed, added or taken away to make one word the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Vec<Choosable> {
        let option = |id: &str, text: &str| Choosable {
            id: id.to_owned(),
            text: text.to_owned(),
            ..Choosable::default()
        };
        vec![
            option(
                "bad-release",
                "a release that breaks what worked (also: regression, faulty deploy)",
            ),
            option(
                "n-plus-one",
                "one query for the list, one more for each row",
            ),
            option("retry-storm", "retries add to the load"),
            option("retry-budget", "no retries are left"),
        ]
    }

    #[test]
    fn a_choice_is_found_by_number_id_other_name_and_part() {
        let options = options();
        for (said, place) in [
            ("2", 1),
            ("Bad Release", 0),
            ("regression", 0),
            ("N plus one", 1),
            ("retry storm", 2),
            ("storm", 2),
        ] {
            assert_eq!(find(&options, said), Ok(place), "{said}");
        }
    }

    #[test]
    fn what_is_meant_by_none_or_several_gets_suggestions() {
        let options = options();
        let none = find(&options, "retri-strom").unwrap_err();
        assert!(none.contains("nearest: 3. retry-storm"), "{none}");
        let several = find(&options, "retry").unwrap_err();
        assert!(
            several.contains("3. retry-storm, 4. retry-budget"),
            "{several}"
        );
        for wrong in ["0", "9", "-"] {
            assert!(find(&options, wrong).is_err(), "{wrong}");
        }
    }
}
