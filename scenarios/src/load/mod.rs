//! From a scenario file to a plan: draw what varies, put it in, parse, check, lay out repetitions,
//! apply the level. Every problem is reported at once with its place. It neither knows where files
//! come from (`catalog` does) nor runs anything.

mod parts;
pub(crate) mod tree;

use std::{collections::BTreeMap, ops::Range};

use serde::Deserialize;

use crate::{
    check,
    draw::{self, Draws, Filled},
    level,
    plan::Plan,
    problem::{Problem, Problems},
    repeat,
    scenario::{Draw, Remedy, Scenario},
    seed::Seed,
    shop::Role,
    source::Source,
};
use tree::Node;

/// Seeds that [`check`] draws with, so that a choice which only sometimes breaks the file is found.
const CHECKED_SEEDS: u64 = 32;

/// A problem before it has a file: place, what, remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub at: Range<usize>,
    pub message: String,
    pub remedy: Option<String>,
}

/// Makes the plan of a drill. `level` is the scenario's own where none is given.
///
/// # Errors
/// All problems of the file, with their places.
pub fn load(source: &Source, seed: Seed, level: Option<u8>) -> Result<Plan, Problems> {
    let (mut scenario, draws) = read(source, seed)?;
    shelve(&mut scenario.remedies);
    let rules = scenario
        .rules
        .iter()
        .map(|name| source.rules[name].clone()) // checked by `read`
        .collect();
    let level = level.unwrap_or(scenario.level);
    Ok(Plan {
        seed,
        level,
        draws,
        rules,
        scenario: level::apply(repeat::lay_out(scenario, seed), level, seed),
    })
}

/// Puts remedies in the order of what they touch and how: authors write the right one first, and its place
/// on the list would tell.
fn shelve(remedies: &mut [Remedy]) {
    remedies.sort_by_cached_key(|remedy| {
        let service = remedy.service.map_or("", Role::name);
        (service, remedy.kind, remedy.title.clone())
    });
}

/// Checks a file under many seeds and returns the scenario as the first of them draws it.
///
/// # Errors
/// All problems of the file under any of the seeds, with their places.
pub fn check(source: &Source) -> Result<Scenario, Problems> {
    let mut first = None;
    let mut problems = Vec::new();
    for seed in 0..CHECKED_SEEDS {
        match read(source, Seed(seed)) {
            Ok((scenario, _)) => first = first.or(Some(scenario)),
            Err(found) => problems.extend(found.all().to_vec()),
        }
    }
    match (Problems::from_found(source.name(), problems), first) {
        (None, Some(scenario)) => Ok(scenario),
        (Some(problems), _) => Err(problems),
        (None, None) => unreachable!("each seed yields a scenario or problems"),
    }
}

fn read(source: &Source, seed: Seed) -> Result<(Scenario, Draws), Problems> {
    let text = source.text();
    let mut findings = Vec::new();
    let vary = vary_of(text, &mut findings);
    let draws = draw::draw(&vary, seed);
    let filled = draw::fill(text, &draws);
    unknown_placeholders(&filled, &draws, &mut findings);
    let scenario = typed(source, &filled, &mut findings);
    let problems = findings
        .into_iter()
        .map(|finding| Problem::new(&source.named, finding.at, finding.message, finding.remedy))
        .collect();
    match (Problems::from_found(source.name(), problems), scenario) {
        (None, Some(scenario)) => Ok((scenario, draws)),
        (Some(problems), _) => Err(problems),
        (None, None) => unreachable!("what does not parse has a problem"),
    }
}

/// Parses and checks the filled text; findings are at places of the file.
fn typed(source: &Source, filled: &Filled, findings: &mut Vec<Finding>) -> Option<Scenario> {
    if says_nothing(source.text()) {
        findings.push(Finding {
            at: 0..0,
            message: "the file is empty".into(),
            remedy: Some("`drill scenarios new SLUG` writes a template to begin with".into()),
        });
        return None;
    }
    let mut found = Vec::new();
    let scenario = match Node::parse(&filled.text) {
        Err(error) => {
            found.push(Finding {
                at: error.at..error.at,
                message: format!("this is not YAML: {}", error.message),
                remedy: Some("look at indentation, quotes and brackets just before".into()),
            });
            None
        }
        Ok(tree) => match parts::parse(&filled.text) {
            Ok(scenario) => {
                found.extend(check::check(&scenario, &tree, source));
                Some(scenario)
            }
            Err(problems) => {
                found.extend(problems);
                None
            }
        },
    };
    findings.extend(found.into_iter().map(|finding| Finding {
        at: filled.original(&finding.at),
        ..finding
    }));
    scenario
}

/// Whether a text holds nothing but blank lines and comments.
fn says_nothing(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .all(|line| line.is_empty() || line.starts_with('#'))
}

#[derive(Deserialize)]
struct Vary {
    #[serde(default)]
    vary: BTreeMap<String, Draw>,
}

/// The choices of a file. They are read before anything else, as placeholders elsewhere may not be YAML.
fn vary_of(text: &str, findings: &mut Vec<Finding>) -> BTreeMap<String, Draw> {
    let Some(at) = section(text, "vary") else {
        return BTreeMap::new();
    };
    let alone = parts::alone(text, &at);
    let vary = match serde_saphyr::from_str::<Vary>(&alone) {
        Ok(read) => read.vary,
        Err(error) => {
            findings.push(parts::finding(&error, &alone));
            return BTreeMap::new();
        }
    };
    if let Ok(tree) = Node::parse(&alone) {
        check::vary(&vary, &tree, findings);
        unused(text, &vary, &tree, findings);
    }
    vary
}

/// Bytes of a top-level block: from its key to the next line that is neither indented, empty nor a comment.
pub(crate) fn section(text: &str, key: &str) -> Option<Range<usize>> {
    let mut start = None;
    let mut place = 0;
    for line in text.split_inclusive('\n') {
        let top = line.starts_with(|c: char| !c.is_whitespace() && c != '#' && c != '-');
        match start {
            None if top
                && line
                    .strip_prefix(key)
                    .is_some_and(|rest| rest.starts_with(':')) =>
            {
                start = Some(place);
            }
            Some(start) if top => return Some(start..place),
            _ => {}
        }
        place += line.len();
    }
    start.map(|start| start..text.len())
}

fn unknown_placeholders(filled: &Filled, draws: &Draws, findings: &mut Vec<Finding>) {
    for (at, name) in &filled.unknown {
        let known = draws.keys().map(String::as_str);
        findings.push(Finding {
            at: at.clone(),
            message: format!("`${{{name}}}` stands for nothing that is drawn under `vary`"),
            remedy: crate::nearest::nearest(name, known)
                .map(|near| format!("did you mean `${{{near}}}`")),
        });
    }
}

fn unused(text: &str, vary: &BTreeMap<String, Draw>, tree: &Node, findings: &mut Vec<Finding>) {
    let used = draw::fill(text, &draw::draw(vary, Seed(0))).used;
    for name in vary.keys() {
        let prefix = format!("{name}.");
        if !used
            .iter()
            .any(|one| one == name || one.starts_with(&prefix))
        {
            findings.push(Finding {
                at: tree.key_place(&["vary".into(), name.as_str().into()]),
                message: format!("`{name}` is drawn but never used"),
                remedy: Some(format!("put `${{{name}}}` somewhere, or remove it")),
            });
        }
    }
}
