//! What a scenario must be beyond its shape: every reference leads somewhere, every number is within
//! its bounds, the causal graph leads from a trigger to the page, there is a right remedy. Queries
//! are not parsed here: this crate knows no query language.

mod answer;
mod effects;
mod frame;
mod graph;
mod remedies;
mod rules;
mod timeline;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    load::{
        Finding,
        tree::{Node, Step},
    },
    nearest::nearest,
    scenario::{Draw, Scenario},
    source::Source,
};

/// Collects findings at places of the tree.
struct Findings<'a> {
    tree: &'a Node,
    found: Vec<Finding>,
}

impl Findings<'_> {
    /// Something is wrong with the value at a path.
    fn say(&mut self, path: &[Step<'_>], message: impl Into<String>, remedy: impl Into<String>) {
        self.found.push(Finding {
            at: self.tree.place(path),
            message: message.into(),
            remedy: Some(remedy.into()),
        });
    }

    /// Something is wrong with a section as a whole: its key is marked.
    fn say_of(&mut self, path: &[Step<'_>], message: impl Into<String>, remedy: impl Into<String>) {
        self.found.push(Finding {
            at: self.tree.key_place(path),
            message: message.into(),
            remedy: Some(remedy.into()),
        });
    }

    /// A reference that must be one of `known`.
    fn refer<'k>(
        &mut self,
        path: &[Step<'_>],
        what: &str,
        id: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        if known.contains(&id) {
            return;
        }
        let remedy = match nearest(id, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`"),
            None if known.is_empty() => format!("there is no {what} to name"),
            None => format!("one of {}", known.join(", ")),
        };
        self.say(path, format!("there is no {what} `{id}`"), remedy);
    }

    /// Ids must be unique, and made of lower-case letters, digits and hyphens.
    fn ids<'k>(
        &mut self,
        section: &[Step<'_>],
        what: &str,
        ids: impl IntoIterator<Item = &'k str>,
    ) {
        let mut seen = BTreeSet::new();
        for (index, id) in ids.into_iter().enumerate() {
            let path = [section, &[index.into(), "id".into()]].concat();
            if !is_id(id) {
                self.say(
                    &path,
                    format!("`{id}` is no id"),
                    "write lower-case letters, digits and hyphens",
                );
            }
            if !seen.insert(id) {
                self.say(
                    &path,
                    format!("there are two of the {what} `{id}`"),
                    "give each its own id",
                );
            }
        }
    }

    /// A number within bounds, both included.
    fn within(&mut self, path: &[Step<'_>], what: &str, value: f64, low: f64, high: f64) {
        if !(low..=high).contains(&value) {
            self.say(
                path,
                format!("{what} is {value}, which is not within {low} to {high}"),
                format!("write a number from {low} to {high}"),
            );
        }
    }

    /// A text that says something.
    fn text(&mut self, path: &[Step<'_>], what: &str, text: &str) {
        if text.trim().is_empty() {
            self.say_of(path, format!("{what} is empty"), "say it in a sentence");
        }
    }
}

fn is_id(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_lowercase())
        && id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Everything that is wrong with a scenario that has the right shape.
pub(crate) fn check(scenario: &Scenario, tree: &Node, source: &Source) -> Vec<Finding> {
    let mut findings = Findings {
        tree,
        found: Vec::new(),
    };
    frame::check(scenario, source.name(), &mut findings);
    let alerts = rules::check(scenario, source, &mut findings);
    timeline::check(scenario, &alerts, &mut findings);
    graph::check(scenario, &mut findings);
    answer::check(scenario, &alerts, &mut findings);
    remedies::check(scenario, &alerts, &mut findings);
    findings.found
}

/// Everything that is wrong with the choices under `vary`.
pub(crate) fn vary(vary: &BTreeMap<String, Draw>, tree: &Node, found: &mut Vec<Finding>) {
    let mut findings = Findings {
        tree,
        found: Vec::new(),
    };
    for (name, draw) in vary {
        let path = ["vary".into(), name.as_str().into()];
        if let Some((message, remedy)) = wrong_draw(draw) {
            findings.say(&path, format!("`{name}` {message}"), remedy);
        }
    }
    found.append(&mut findings.found);
}

fn wrong_draw(draw: &Draw) -> Option<(&'static str, &'static str)> {
    let nothing = (
        "chooses between nothing",
        "give it two or more to choose from",
    );
    let lines = (
        "chooses a text of several lines, which cannot be put into YAML",
        "write each on one line",
    );
    match draw {
        Draw::Choose(texts) if texts.is_empty() => Some(nothing),
        Draw::Choose(texts) => texts
            .iter()
            .any(|text| text.contains('\n'))
            .then_some(lines),
        Draw::ChooseRow(rows) => {
            let fields = |row: &BTreeMap<String, String>| row.keys().cloned().collect::<Vec<_>>();
            if rows.is_empty() {
                Some(nothing)
            } else if rows.iter().any(|row| fields(row) != fields(&rows[0])) {
                Some((
                    "has rows with different fields",
                    "give every row the same fields",
                ))
            } else {
                rows.iter()
                    .flat_map(BTreeMap::values)
                    .any(|text| text.contains('\n'))
                    .then_some(lines)
            }
        }
        Draw::Int([low, high]) => (low > high).then_some(BOUNDS),
        Draw::Between([low, high]) => (low > high).then_some(BOUNDS),
    }
}

const BOUNDS: (&str, &str) = (
    "has its lower bound above its upper bound",
    "write the smaller one first; -9m is smaller than -7m",
);
