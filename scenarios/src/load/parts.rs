//! The typed parse of a scenario, which goes on after a problem: what was wrong is taken out of the
//! text (blanked, so that all places stay), or, where a whole section is wrong or missing, the
//! template's section stands in for it; then the text is parsed again. It knows shapes, not meaning.

use std::ops::Range;

use serde_saphyr::{Error, Location};

use super::{
    Finding,
    tree::{Entry, Node, Value},
};
use crate::{nearest::nearest, scenario::Scenario, template};

/// Shape problems reported of one file; a file with more is better written anew.
const MOST_FINDINGS: usize = 50;

/// Parses, or says everything that is wrong with the shape.
pub(crate) fn parse(text: &str) -> Result<Scenario, Vec<Finding>> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut rest = text.to_owned();
    for _ in 0..MOST_FINDINGS {
        let error = match serde_saphyr::from_str::<Scenario>(&rest) {
            Ok(scenario) if findings.is_empty() => return Ok(scenario),
            Ok(_) => break,
            Err(error) => error,
        };
        let mut finding = finding(&error, &rest);
        let tree = Node::parse(&rest);
        if let (Ok(tree), Error::SerdeMissingField { .. }) = (&tree, error.without_snippet()) {
            finding.at = lacking(tree, &finding.at, &rest);
        }
        let place = finding.at.start;
        // what stands beyond the file's own text was put in for it
        if findings.is_empty() || place < text.len() {
            findings.push(finding);
        }
        let Ok(tree) = tree else { break };
        if !take_out(&mut rest, &tree, &error, place) {
            break;
        }
    }
    Err(findings)
}

/// What a parse error says, and where.
pub(crate) fn finding(error: &Error, text: &str) -> Finding {
    let error = error.without_snippet();
    let at = error
        .location()
        .map_or(0..0, |location| bytes(&location, text));
    let (message, remedy) = match error {
        Error::SerdeUnknownField {
            field, expected, ..
        } => (
            format!("the key `{field}` is not known here"),
            Some(one_of(field, expected)),
        ),
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => (
            format!("`{variant}` is not known here"),
            Some(one_of(variant, expected)),
        ),
        Error::SerdeMissingField { field, .. } => (
            format!("the key `{field}` is missing here"),
            Some(format!(
                "add `{field}:`; `drill scenarios new` shows how it is written"
            )),
        ),
        Error::DuplicateMappingKey { .. } => (
            "this key stands here twice".to_owned(),
            Some("keep one of the two".to_owned()),
        ),
        other => (plain(other), None),
    };
    Finding {
        at,
        message,
        remedy,
    }
}

/// The parser's own words, without the place, which is shown beside them.
fn plain(error: &Error) -> String {
    let text = error.to_string();
    let end = text
        .find(" at line ")
        .or_else(|| text.find('\n'))
        .unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

fn one_of(given: &str, expected: &[&'static str]) -> String {
    match nearest(given, expected.iter().copied()) {
        Some(near) => format!("did you mean `{near}`"),
        None => format!("one of {}", expected.join(", ")),
    }
}

fn bytes(location: &Location, text: &str) -> Range<usize> {
    let span = location.span();
    let start = span
        .byte_offset()
        .and_then(|offset| usize::try_from(offset).ok())
        .unwrap_or(0)
        .min(text.len());
    let length = span
        .byte_len()
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(0);
    start..(start + length).min(text.len())
}

/// The text with everything outside of a range blanked, so that all places stay.
pub(crate) fn alone(text: &str, at: &Range<usize>) -> String {
    let mut text = text.to_owned();
    let length = text.len();
    blank_out(&mut text, at.end..length);
    blank_out(&mut text, 0..at.start);
    text
}

fn blank_out(text: &mut String, at: Range<usize>) {
    let spaces: String = text[at.clone()]
        .chars()
        .map(|c| match c {
            '\n' => "\n".to_owned(),
            c => " ".repeat(c.len_utf8()),
        })
        .collect();
    text.replace_range(at, &spaces);
}

/// First line of the mapping that lacks a key; the parser says where that mapping's last key is.
fn lacking(tree: &Node, last_key: &Range<usize>, text: &str) -> Range<usize> {
    let start = mapping_with(tree, last_key.start).map_or(last_key.start, |found| found.at.start);
    let line = text[start..].find('\n').unwrap_or(text.len() - start);
    start..start + line
}

fn mapping_with(node: &Node, key: usize) -> Option<&Node> {
    match &node.value {
        Value::Mapping(entries) => {
            if node.at.start == key || entries.iter().any(|entry| entry.key_at.start == key) {
                return Some(node);
            }
            entries
                .iter()
                .find_map(|entry| mapping_with(&entry.value, key))
        }
        Value::Sequence(items) => items.iter().find_map(|item| mapping_with(item, key)),
        Value::Scalar(_) | Value::Alias => None,
    }
}

/// Takes out what an error was about, so that the next parse finds the next one. False when there is
/// nothing that can be taken out.
fn take_out(rest: &mut String, tree: &Node, error: &Error, place: usize) -> bool {
    let error = error.without_snippet();
    if let Error::SerdeMissingField { field, .. } = error
        && place <= tree.at.start
        && tree.step((*field).into()).is_none()
    {
        return stand_in(rest, field);
    }
    if let Error::SerdeUnknownField { field, .. } = error
        && let Some(at) = entry_at(tree, place, field)
    {
        blank_out(rest, with_comma(rest, at));
        return true;
    }
    if let Some(element) = innermost_element(tree, place) {
        take_out_element(rest, element);
        return true;
    }
    let Some(section) = section_at(tree, place) else {
        return false;
    };
    blank_out(
        rest,
        section.key_at.start..section.value.at.end.max(section.key_at.end),
    );
    stand_in(rest, &section.key)
}

/// Appends the template's section of this name.
fn stand_in(rest: &mut String, key: &str) -> bool {
    let Some(section) = template::section(key) else {
        return false;
    };
    if !rest.ends_with('\n') {
        rest.push('\n');
    }
    rest.push_str(section);
    true
}

/// The top-level entry that holds a place.
fn section_at(tree: &Node, place: usize) -> Option<&Entry> {
    let Value::Mapping(entries) = &tree.value else {
        return None;
    };
    entries
        .iter()
        .find(|entry| (entry.key_at.start..=entry.value.at.end).contains(&place))
}

/// An element of a sequence, and whether it is the only one.
struct Element {
    at: Range<usize>,
    only: bool,
}

/// The innermost element of a sequence that holds a place.
fn innermost_element(node: &Node, place: usize) -> Option<Element> {
    match &node.value {
        Value::Sequence(items) => {
            let item = items
                .iter()
                .find(|item| (item.at.start..=item.at.end).contains(&place))?;
            innermost_element(item, place).or_else(|| {
                Some(Element {
                    at: item.at.clone(),
                    only: items.len() == 1,
                })
            })
        }
        Value::Mapping(entries) => {
            let entry = entries
                .iter()
                .find(|entry| (entry.key_at.start..=entry.value.at.end).contains(&place))?;
            innermost_element(&entry.value, place)
        }
        Value::Scalar(_) | Value::Alias => None,
    }
}

/// Blanks an element with its dash or comma; the last of a block sequence leaves an empty one.
fn take_out_element(rest: &mut String, element: Element) {
    let before = rest[..element.at.start].trim_end_matches(' ');
    if !before.ends_with('-') {
        let at = with_comma(rest, element.at);
        blank_out(rest, at);
        return;
    }
    let dash = before.len() - 1;
    blank_out(rest, dash..element.at.end);
    if element.only {
        rest.replace_range(dash..dash + 2, "[]");
    }
}

/// A range of a flow collection with a comma that goes with it; unchanged in block style.
fn with_comma(text: &str, at: Range<usize>) -> Range<usize> {
    let after = text[at.end..].trim_start();
    if after.starts_with(',') {
        return at.start..text.len() - after.len() + 1;
    }
    let before = text[..at.start].trim_end();
    if before.ends_with(',') && after.starts_with([']', '}']) {
        return before.len() - 1..at.end;
    }
    at
}

/// Key and value of the entry `key`, innermost first, whose key or mapping stands at a place.
fn entry_at(node: &Node, place: usize, key: &str) -> Option<Range<usize>> {
    match &node.value {
        Value::Mapping(entries) => entries
            .iter()
            .filter(|entry| (entry.key_at.start..=entry.value.at.end).contains(&place))
            .find_map(|entry| entry_at(&entry.value, place, key))
            .or_else(|| {
                let entry = entries.iter().find(|entry| {
                    entry.key == key && (entry.key_at.start == place || node.at.start == place)
                })?;
                Some(entry.key_at.start..entry.value.at.end.max(entry.key_at.end))
            }),
        Value::Sequence(items) => items.iter().find_map(|item| entry_at(item, place, key)),
        Value::Scalar(_) | Value::Alias => None,
    }
}
