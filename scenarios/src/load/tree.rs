//! A YAML text as a tree of values with their places, to say where in a file a problem is. Types and
//! meaning of the values are serde's and the checks' business.

use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Parser, ScanError, Span, StructureStyle};

/// Deepest nesting that is read; no scenario needs ten levels, and a hostile file must not exhaust the stack.
const DEEPEST: usize = 64;

/// A value and where it stands, in bytes of the text.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub at: Range<usize>,
    pub value: Value,
}

/// What a value is made of.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Scalar(String),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
    /// A reference to another value of the file; nothing below it has a place of its own.
    Alias,
}

/// A key, its place, and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub key_at: Range<usize>,
    pub value: Node,
}

/// A step of a path.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> From<&'a str> for Step<'a> {
    fn from(key: &'a str) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for Step<'_> {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Why a text is not YAML, and where (byte).
#[derive(Debug)]
pub(crate) struct NotYaml {
    pub message: String,
    pub at: usize,
}

impl Node {
    /// Reads the first document of a text; an empty text is an empty mapping.
    pub fn parse(text: &str) -> Result<Self, NotYaml> {
        let mut reader = Reader {
            events: Parser::new_from_str(text),
            text,
        };
        loop {
            match reader.next()? {
                (Event::StreamStart | Event::DocumentStart(..) | Event::Comment(..), _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => {
                    return Ok(Self {
                        at: 0..0,
                        value: Value::Mapping(Vec::new()),
                    });
                }
                (event, span) => return reader.node(event, span, 0),
            }
        }
    }

    /// The value under one step.
    pub fn step(&self, step: Step<'_>) -> Option<&Self> {
        match (&self.value, step) {
            (Value::Mapping(entries), Step::Key(key)) => entries
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| &entry.value),
            (Value::Sequence(items), Step::Index(index)) => items.get(index),
            _ => None,
        }
    }

    /// Place of the value at the end of a path, or of the deepest value on the way that there is.
    pub fn place(&self, path: &[Step<'_>]) -> Range<usize> {
        let mut node = self;
        for step in path {
            match node.step(*step) {
                Some(next) => node = next,
                None => break,
            }
        }
        node.at.clone()
    }

    /// Place of the key at the end of a path, or of the deepest value on the way that there is.
    pub fn key_place(&self, path: &[Step<'_>]) -> Range<usize> {
        if let Some((Step::Key(key), above)) = path.split_last()
            && let Some(Value::Mapping(entries)) = above
                .iter()
                .try_fold(self, |node, step| node.step(*step))
                .map(|node| &node.value)
            && let Some(entry) = entries.iter().find(|entry| entry.key == *key)
        {
            return entry.key_at.clone();
        }
        self.place(path)
    }

    /// Its text, if it is one.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }
}

struct Reader<'a, P> {
    events: P,
    text: &'a str,
}

impl<'a, P> Reader<'a, P>
where
    P: Iterator<Item = Result<(Event<'a>, Span), ScanError>>,
{
    fn next(&mut self) -> Result<(Event<'a>, Span), NotYaml> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    return Err(NotYaml {
                        message: error.info(),
                        at: error.marker().byte_offset().unwrap_or(self.text.len()),
                    });
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn range(&self, span: Span) -> Range<usize> {
        let start = span.start.byte_offset().unwrap_or(0).min(self.text.len());
        let end = span.end.byte_offset().unwrap_or(start).min(self.text.len());
        start..end.max(start)
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, NotYaml> {
        let at = self.range(span);
        if depth > DEEPEST {
            return Err(NotYaml {
                message: format!("nested deeper than {DEEPEST} levels"),
                at: at.start,
            });
        }
        let mut end = at.end;
        let value = match event {
            Event::Scalar(text, ..) => Value::Scalar(text.into_owned()),
            Event::SequenceStart(style, ..) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::SequenceEnd | Event::StreamEnd) {
                        end = self.end_of(style, span);
                        break;
                    }
                    items.push(self.node(event, span, depth + 1)?);
                }
                Value::Sequence(items)
            }
            Event::MappingStart(style, ..) => {
                let mut entries = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                        end = self.end_of(style, span);
                        break;
                    }
                    entries.push(self.entry(event, span, depth)?);
                }
                Value::Mapping(entries)
            }
            _ => Value::Alias,
        };
        let last = match &value {
            Value::Sequence(items) => items.last().map(|last| last.at.end),
            Value::Mapping(entries) => entries.last().map(|last| last.value.at.end),
            Value::Scalar(_) | Value::Alias => None,
        };
        let at = at.start..end.max(last.unwrap_or(at.start));
        Ok(Node { at, value })
    }

    /// End of a collection: its closing bracket; in block style the end event stands at the next
    /// token, which is not part of it.
    fn end_of(&self, style: StructureStyle, span: Span) -> usize {
        match style {
            StructureStyle::Flow => self.range(span).end,
            StructureStyle::Block => 0,
        }
    }

    fn entry(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Entry, NotYaml> {
        let key = self.node(event, span, depth + 1)?;
        let (event, span) = self.next()?;
        let value = self.node(event, span, depth + 1)?;
        Ok(Entry {
            key: key.scalar().unwrap_or_default().to_owned(),
            key_at: key.at,
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# head\na: 1\nlist:\n  - { id: über, n: 2 }\n  - id: two\n    deep: |\n      some\n      text\n";

    fn shown(path: &[Step<'_>]) -> &'static str {
        &TEXT[Node::parse(TEXT).expect("YAML").place(path)]
    }

    #[test]
    fn a_path_leads_to_the_place_of_its_value() {
        assert_eq!(shown(&["a".into()]), "1");
        assert_eq!(shown(&["list".into(), 0.into(), "id".into()]), "über");
        assert_eq!(shown(&["list".into(), 0.into(), "n".into()]), "2");
        assert_eq!(shown(&["list".into(), 1.into(), "id".into()]), "two");
        assert!(shown(&["list".into(), 1.into()]).starts_with("id: two"));
    }

    #[test]
    fn a_path_that_goes_too_far_ends_at_the_last_value_there_is() {
        assert_eq!(shown(&["a".into(), "b".into(), 3.into()]), "1");
    }

    #[test]
    fn a_key_has_a_place_too() {
        let tree = Node::parse(TEXT).expect("YAML");
        assert_eq!(&TEXT[tree.key_place(&["list".into()])], "list");
    }

    #[test]
    fn what_is_not_yaml_says_where() {
        let error = Node::parse("a: 1\nb: [1, 2\nc: 3\n").expect_err("a bracket is open");
        assert!(error.at > 5, "{error:?}");
        let deep = "[".repeat(1_000);
        assert!(Node::parse(&deep).is_err());
        assert!(Node::parse("").is_ok());
    }
}
