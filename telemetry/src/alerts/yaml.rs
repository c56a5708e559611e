//! The shape of a rule file in YAML, every text with its place. Knows no meaning: `rules` checks it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_saphyr::Spanned;

pub(crate) type Texts = Vec<(Spanned<String>, Spanned<String>)>;

/// A map of the file with fixed keys. Unknown keys are kept, so that all can be told at once.
pub(super) struct Fields<const N: usize, T> {
    pub known: [Option<T>; N],
    pub unknown: Vec<Spanned<String>>,
}

/// A value of the file under a known key.
pub(super) enum Node {
    Text(Spanned<String>),
    Texts(Texts),
    Rules(Vec<Spanned<RawRule>>),
    Groups(Vec<Spanned<RawGroup>>),
}

macro_rules! raw_map {
    ($name:ident, $what:literal, [$($key:literal => $node:ident($type:ty)),* $(,)?]) => {
        pub(super) struct $name(pub Fields<{ [$($key),*].len() }, Node>);

        impl $name {
            pub const KEYS: &'static [&'static str] = &[$($key),*];
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl<'de> Visitor<'de> for Reader {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($what)
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut fields = Fields { known: [const { None }; [$($key),*].len()], unknown: Vec::new() };
                        while let Some(key) = map.next_key::<Spanned<String>>()? {
                            match key.value.as_str() {
                                $($key => {
                                    let at = $name::KEYS.iter().position(|k| *k == $key).expect("listed above");
                                    fields.known[at] = Some(Node::$node(map.next_value::<$type>()?));
                                })*
                                _ => {
                                    map.next_value::<IgnoredAny>()?;
                                    fields.unknown.push(key);
                                }
                            }
                        }
                        Ok($name(fields))
                    }
                }
                deserializer.deserialize_map(Reader)
            }
        }
    };
}

/// Names and texts in the order of the file.
pub(crate) struct Map(Texts);

impl Map {
    /// Names and texts.
    pub fn texts(&self) -> &Texts {
        &self.0
    }

    /// Names and texts.
    pub fn into_texts(self) -> Texts {
        self.0
    }
}

impl<'de> Deserialize<'de> for Map {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Map;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of names to texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Map, A::Error> {
                let mut texts = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    texts.push(entry);
                }
                Ok(Map(texts))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl Node {
    #[allow(non_snake_case, reason = "named as the variant, for the macro")]
    fn Map(map: Map) -> Self {
        Self::Texts(map.0)
    }
}

raw_map!(RawFile, "a rule file with `groups`", ["groups" => Groups(Vec<Spanned<RawGroup>>)]);
raw_map!(RawGroup, "a group with `name` and `rules`", [
    "name" => Text(Spanned<String>),
    "interval" => Text(Spanned<String>),
    "rules" => Rules(Vec<Spanned<RawRule>>),
    "limit" => Text(Spanned<String>),
]);
raw_map!(RawRule, "a rule with `alert` or `record`, and `expr`", [
    "alert" => Text(Spanned<String>),
    "record" => Text(Spanned<String>),
    "expr" => Text(Spanned<String>),
    "for" => Text(Spanned<String>),
    "keep_firing_for" => Text(Spanned<String>),
    "labels" => Map(Map),
    "annotations" => Map(Map),
]);

impl<const N: usize> Fields<N, Node> {
    /// Takes the text under a key.
    pub fn text(&mut self, keys: &[&str], key: &str) -> Option<Spanned<String>> {
        match self.known[keys.iter().position(|k| *k == key)?].take() {
            Some(Node::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Takes the texts under a key.
    pub fn texts(&mut self, keys: &[&str], key: &str) -> Texts {
        match keys
            .iter()
            .position(|k| *k == key)
            .and_then(|at| self.known[at].take())
        {
            Some(Node::Texts(texts)) => texts,
            _ => Vec::new(),
        }
    }
}
