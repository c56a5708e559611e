//! `JSONPath` in both dialects that are met. Pure.
//!
//! RFC 9535 filters the children of a node: `$.items[?@.name == 'b']`. The Toolkit's dialect (that of jsonpath2) filters the
//! node itself, with words and a single `=`: `$.items[*][?(@.name = "b" and not @.gone)]`. Its paths are cut at their filters,
//! and every part is a path of the standard. What only the standard has (`==`, `&&`, `||`, `!`, filters without parentheses)
//! says which of the two a path is written in.

use serde_json::{Value, json};
use serde_json_path::JsonPath;

/// A path that was understood.
#[derive(Debug)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug)]
enum Step {
    /// To what the path finds from here.
    Walk(JsonPath),
    /// To here and everything below.
    Descend(JsonPath),
    /// Only if it finds something in a list of just this node.
    Keep(JsonPath),
}

impl Path {
    /// Parses a path.
    ///
    /// # Errors
    /// What does not parse in either dialect.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let standard = JsonPath::parse(text).map_err(|error| error.to_string());
        match toolkit(text) {
            Some(steps) => steps.map(Self).or_else(|_| Ok(Self::whole(standard?))),
            None => Ok(Self::whole(standard?)),
        }
    }

    fn whole(path: JsonPath) -> Self {
        Self(vec![Step::Walk(path)])
    }

    /// What it finds, in order.
    pub(super) fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for step in &self.0 {
            found = match step {
                Step::Walk(path) => found
                    .into_iter()
                    .flat_map(|node| path.query(node).all())
                    .collect(),
                Step::Descend(all) => found
                    .into_iter()
                    .flat_map(|node| std::iter::once(node).chain(all.query(node).all()))
                    .collect(),
                Step::Keep(filter) => {
                    found.retain(|node| !filter.query(&json!([node])).is_empty());
                    found
                }
            };
        }
        found
    }
}

/// A path in the Toolkit's dialect, if it has filters and could be one.
fn toolkit(text: &str) -> Option<Result<Vec<Step>, String>> {
    let parts = cut(text)?;
    if !parts.iter().any(|part| matches!(part, Part::Filter(_))) {
        return None;
    }
    let mut steps = Vec::new();
    for part in parts {
        let step = match part {
            Part::Path(path) => {
                let rooted = if path.starts_with('$') {
                    path.to_owned()
                } else {
                    format!("${path}")
                };
                let (path, descends) = match rooted.strip_suffix("..") {
                    Some(path) => (path, true),
                    None => (rooted.as_str(), false),
                };
                let walk = JsonPath::parse(path).map_err(|error| error.to_string());
                match walk {
                    Ok(walk) => steps.push(Step::Walk(walk)),
                    Err(error) => return Some(Err(error)),
                }
                if !descends {
                    continue;
                }
                JsonPath::parse("$..*").map(Step::Descend)
            }
            Part::Filter(filter) => {
                JsonPath::parse(&format!("$[?({})]", operators(filter)?)).map(Step::Keep)
            }
        };
        match step {
            Ok(step) => steps.push(step),
            Err(error) => return Some(Err(error.to_string())),
        }
    }
    Some(Ok(steps))
}

enum Part<'a> {
    Path(&'a str),
    /// What is between the parentheses.
    Filter(&'a str),
}

/// Cuts a path at its `[?(…)]`; none where that cannot be.
fn cut(text: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = unquoted(rest, |rest| rest.starts_with("[?(")) {
        if at > 0 {
            parts.push(Part::Path(&rest[..at]));
        }
        let inner = &rest[at + 3..];
        let mut depth = 1_usize;
        let end = unquoted(inner, |rest| {
            match rest.as_bytes()[0] {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            depth == 0
        })?;
        parts.push(Part::Filter(&inner[..end]));
        rest = inner[end + 1..].strip_prefix(']')?;
    }
    if !rest.is_empty() {
        parts.push(Part::Path(rest));
    }
    Some(parts)
}

/// Where something begins first, outside of quotes.
fn unquoted(text: &str, mut begins: impl FnMut(&str) -> bool) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if begins(&text[at..]) => return Some(at),
            None => {}
        }
    }
    None
}

/// A filter's words as the standard's operators; none when it is the standard's already.
fn operators(filter: &str) -> Option<String> {
    let mut text = String::with_capacity(filter.len());
    let mut rest = filter;
    loop {
        let mut last = ' ';
        let at = unquoted(rest, |rest| {
            let free = !last.is_alphanumeric() && !matches!(last, '_' | '.' | '@');
            let word = |name: &str| {
                let after = rest.strip_prefix(name).map(|after| after.chars().next());
                free && after.is_some_and(|c| c.is_none_or(|c| c == ' ' || c == '('))
            };
            let sign = rest.starts_with('=') && !matches!(last, '!' | '<' | '>');
            let found = sign
                || rest.starts_with("&&")
                || rest.starts_with("||")
                || (rest.starts_with('!') && !rest.starts_with("!="))
                || word("and")
                || word("or")
                || word("not");
            last = rest.chars().next().unwrap_or(' ');
            found
        });
        let Some(at) = at else {
            text.push_str(rest);
            return Some(text);
        };
        text.push_str(&rest[..at]);
        let (old, new) = [("and", "&& "), ("or", "|| "), ("not", "!"), ("=", "== ")]
            .into_iter()
            .find(|(old, _)| rest[at..].starts_with(old) && !rest[at..].starts_with("=="))?;
        text.push_str(new);
        rest = rest[at + old.len()..].trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(path: &str) -> Vec<Value> {
        let value = json!({
            "items": [
                {"name": "a", "n": 1, "up": true, "note": "x and y = z"},
                {"name": "b", "n": 2, "tags": ["t"]},
                {"name": "c", "n": 3, "android": 1}
            ],
            "deep": {"er": {"name": "d", "n": 4}}
        });
        let path = Path::new(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        path.find(&value).into_iter().cloned().collect()
    }

    #[test]
    fn both_dialects_find_the_same() {
        for (standard, toolkit) in [
            ("$.items[*].name", "$.items.*.name"),
            (
                r#"$.items[?(@.name == "b")].n"#,
                r#"$.items[*][?(@.name = "b")].n"#,
            ),
            (
                "$.items[?@.n > 1 && @.tags].n",
                "$.items[*][?(@.n > 1 and @.tags)].n",
            ),
            ("$.items[?!@.up].n", "$.items.*[?(not @.up)].n"),
            (
                "$.items[?@.n == 1 || @.n >= 3].n",
                "$.items[*][?(@.n = 1 or @.n >= 3)].n",
            ),
            (
                r#"$.items[?@.note == "x and y = z"].n"#,
                r#"$.items[*][?(@.note = "x and y = z")].n"#,
            ),
            (
                "$.items[?@['tags'][0] == 't'].n",
                r#"$.items[*][?(@["tags"][0] = "t")].n"#,
            ),
            ("$.items[?@.android].n", "$.items[*][?(@.android = 1)].n"),
            ("$.items[?@.n > 1].n", "$.items[*][?(@.n > 1)].n"),
            (
                "$.items[1].n",
                r#"$.items[*][?(@.n > 1)][?(@.name != "c")].n"#,
            ),
            ("$.deep.er.n", "$..[?(@.n > 3)].n"),
        ] {
            assert!(!found(standard).is_empty(), "{standard}");
            assert_eq!(found(standard), found(toolkit), "{toolkit}");
        }
        assert_eq!(found("$..name").len(), 4);
        assert_eq!(found("$.items[0:2].n"), [json!(1), json!(2)]);
        assert_eq!(found("$.nothing"), [] as [Value; 0]);
        // the node itself is asked, which is a list here
        assert_eq!(found(r#"$.items[?(@.name = "b")]"#), [] as [Value; 0]);
        assert_eq!(found(r#"$.items[?(@[1].name = "b")]"#).len(), 1);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for wrong in [
            "items",
            "$.",
            "$[",
            "$.a[?(@.b = )]",
            "",
            "$.ä[?(",
            "$[?()]",
            "$.a[?(@.b)",
            "$[?(= =)]",
        ] {
            assert!(Path::new(wrong).is_err(), "{wrong}");
        }
    }
}
