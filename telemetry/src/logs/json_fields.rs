//! Some fields of a JSON line without a tree of all of it: the line is read once, checked as a whole as
//! `serde_json` checks it, and only the wanted fields become text. Knows no queries.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::fields::{FIELDS_MAX, json};
use crate::attributes::label_name;

/// What `serde_json` itself marks objects with that are none.
const PRIVATE_KEY: &str = "$serde_json";

/// Of what [`json`] finds in `text`, the fields that are among `names`; `None` when the text is not a
/// JSON object.
pub fn json_only(text: &str, names: &[String]) -> Option<Vec<(String, String)>> {
    let mut picked = Picked {
        names,
        found: Vec::new(),
        seen: Vec::new(),
        leaves: 0,
        is_plain: true,
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = reader.deserialize_map(Inner {
        picked: &mut picked,
        prefix: Some(String::new()),
        name: None,
    });
    if !picked.is_plain || picked.leaves > FIELDS_MAX {
        let mut fields = json(text)?;
        fields.retain(|(name, _)| names.contains(name));
        return Some(fields);
    }
    read.and_then(|()| reader.end()).ok()?;
    Some(picked.found)
}

/// What was found so far.
struct Picked<'n> {
    names: &'n [String],
    found: Vec<(String, String)>,
    /// Names, whole or in part, that came.
    seen: Vec<String>,
    /// Fields, wanted or not.
    leaves: usize,
    /// Whether no name came twice, so that the order of the fields does not matter.
    is_plain: bool,
}

/// A value on its way: an object's fields begin with `prefix` if some wanted one may be among them, a
/// plain value is that of `name` if that is wanted.
struct Inner<'p, 'n> {
    picked: &'p mut Picked<'n>,
    prefix: Option<String>,
    name: Option<String>,
}

impl Inner<'_, '_> {
    fn leaf(self, value: impl FnOnce() -> String) {
        self.picked.leaves += 1;
        if let Some(name) = self.name {
            self.picked.found.push((name, value()));
        }
    }
}

impl<'de> DeserializeSeed<'de> for Inner<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inner<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.leaf(|| value.to_string());
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.leaf(|| value.to_string());
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.leaf(|| value.to_string());
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.leaf(|| serde_json::Value::from(value).to_string());
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.leaf(|| value.to_owned());
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        // lists are left out, but must be JSON
        let leaves = self.picked.leaves;
        while list
            .next_element_seed(Inner {
                picked: self.picked,
                prefix: None,
                name: None,
            })?
            .is_some()
        {}
        self.picked.leaves = leaves;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((prefix, name)) = map.next_key_seed(Key {
            picked: self.picked,
            prefix: self.prefix.as_deref(),
        })? {
            map.next_value_seed(Inner {
                picked: self.picked,
                prefix,
                name,
            })?;
        }
        Ok(())
    }
}

/// As `strip_prefix` of a slice, without its call of a function: most keys differ in their first byte, and
/// there are ten million of them in a million lines.
fn without_prefix<'t>(text: &'t [u8], prefix: &[u8]) -> Option<&'t [u8]> {
    let rest = text.get(prefix.len()..)?;
    let same = text.iter().zip(prefix).all(|(a, b)| a == b);
    same.then_some(rest)
}

/// A key of an object whose fields begin with `prefix`, if that matters.
struct Key<'p, 'n> {
    picked: &'p mut Picked<'n>,
    prefix: Option<&'p str>,
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    /// What [`Inner`] needs to know: the prefix and the name.
    type Value = (Option<String>, Option<String>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_, '_> {
    type Value = (Option<String>, Option<String>);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        if without_prefix(key.as_bytes(), PRIVATE_KEY.as_bytes()).is_some() {
            self.picked.is_plain = false;
        }
        let Some(prefix) = self.prefix else {
            return Ok((None, None));
        };
        let label = label_name(key);
        let rests = self.picked.names.iter().filter_map(|name| {
            let rest = without_prefix(name.as_bytes(), prefix.as_bytes())?;
            without_prefix(rest, label.as_bytes())
        });
        let (mut is_wanted, mut may_hold) = (false, false);
        for rest in rests {
            is_wanted |= rest.is_empty();
            may_hold |= rest.first() == Some(&b'_');
        }
        if !is_wanted && !may_hold {
            return Ok((None, None));
        }
        let name = format!("{prefix}{label}");
        self.picked.is_plain &= !self.picked.seen.contains(&name);
        self.picked.seen.push(name.clone());
        let inner = may_hold.then(|| format!("{name}_"));
        Ok((inner, is_wanted.then_some(name)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(text: &str, names: &[String]) {
        let all = json(text).map(|mut fields| {
            fields.retain(|(name, _)| names.contains(name));
            fields.sort();
            fields
        });
        let some = json_only(text, names).map(|mut fields| {
            fields.sort();
            fields
        });
        assert_eq!(some, all, "{names:?} of {text}");
    }

    #[test]
    fn odd_json_is_read_as_all_of_it_would_be() {
        let many = (0..300).map(|n| format!("\"k{n:03}\":{n}"));
        let many = format!("{{{}}}", many.collect::<Vec<_>>().join(","));
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        let list = (0..300).map(|n| n.to_string()).collect::<Vec<_>>();
        let list = format!("{{\"z\":[{}],\"a\":1}}", list.join(","));
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"a":{"b":2}}"#,
            r#"{"a":{"b":1},"a":2}"#,
            r#"{"a":{"b":1},"a_b":2}"#,
            r#"{"a_b":2,"a":{"b":1}}"#,
            r#"{"a.b":2,"a-b":1,"a b":0}"#,
            r#"{"a":1.0,"a_b":1e3,"a_b_c":-0,"b":18446744073709551615}"#,
            r#"{"a":1e999}"#,
            r#"{"b":1e999,"a":1}"#,
            r#"{"a":1,"z":"\ud800"}"#,
            r#"{"a":"\u00e9\n","z":"\q"}"#,
            r#"{"a":null,"b":[1],"a_b":true}"#,
            r#"{"a":1} x"#,
            r#"{"a":1"#,
            r#"[{"a":1}]"#,
            r#""a""#,
            "",
            "{}",
            r#"{"$serde_json::private::RawValue":"{\"a\":1}"}"#,
            r#"{"a":{"$serde_json::private::RawValue":"7"}}"#,
            r#"{"$serde_json::private::Number":"7","a":1}"#,
            r#"{"":{"":1},"a":{"":{"b":1}}}"#,
            &many,
            &deep,
            &list,
        ] {
            for names in [
                &["a"][..],
                &["a", "b"],
                &["a_b"],
                &["a_b_c", "a__b"],
                &["k001", "k299"],
                &["_", "__"],
                &[],
            ] {
                let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
                same(text, &names);
            }
        }
    }

    /// JSON text, with keys that are often the same and sometimes a mistake.
    fn text() -> impl Strategy<Value = String> {
        let key = prop::sample::select(vec!["a", "b", "a_b", "b.a", "a_b_a", "", "é", "\\u0061"]);
        let scalar = prop::sample::select(vec![
            "1",
            "-7",
            "1.50",
            "2e2",
            "1e400",
            "true",
            "null",
            "\"x\"",
            "\"\\u00e9\\n\"",
            "\"\\ud83d\"",
            "01",
            "nul",
        ]);
        let value = scalar.prop_map(str::to_owned).prop_recursive(3, 24, 4, move |inner| {
            let pair = (key.clone(), inner.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
            prop_oneof![
                4 => prop::collection::vec(pair, 0..5).prop_map(|pairs| format!("{{{}}}", pairs.join(","))),
                1 => prop::collection::vec(inner, 0..3).prop_map(|list| format!("[{}]", list.join(" , "))),
            ]
        });
        (value, prop::sample::select(vec!["", " ", "}", "x"])).prop_map(|(value, end)| value + end)
    }

    proptest! {
        #[test]
        fn some_fields_are_those_of_all(
            text in text(),
            names in prop::sample::subsequence(vec!["a", "b", "a_b", "b_a", "a_b_a", "_", "a_"], 0..=4),
        ) {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            same(&text, &names);
        }
    }
}
