//! Text to a tree of values, within limits.

use serde_json::{Map, Value};

use super::Problem;

/// Longest file that is read, bytes. Experiments have some hundred lines.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// What the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// YAML, of which the first document is read.
    Yaml,
}

impl Format {
    /// By the name of the file, as the Toolkit does.
    #[must_use]
    pub fn of(path: &std::path::Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

pub(super) fn read(text: &str, format: Format) -> Result<Map<String, Value>, Problem> {
    let whole = |message: String| Problem {
        place: String::new(),
        message,
    };
    if text.len() > FILE_BYTES_MAX {
        return Err(whole(format!(
            "it has more than {} KiB: no experiment is so long",
            FILE_BYTES_MAX / 1024
        )));
    }
    let tree: Value = match format {
        Format::Json => serde_json::from_str(text).map_err(|error| Problem {
            place: format!("line {}, column {}", error.line(), error.column()),
            message: format!("it is no JSON: {error}"),
        })?,
        Format::Yaml => {
            let options = serde_saphyr::options! { with_snippet: false };
            serde_saphyr::from_str_with_options(text, options).map_err(|error| Problem {
                place: error.location().map_or_else(String::new, |at| {
                    format!("line {}, column {}", at.line(), at.column())
                }),
                message: format!("it is no YAML: {error}"),
            })?
        }
    };
    match tree {
        Value::Object(map) if !map.is_empty() => Ok(map),
        Value::Object(_) | Value::Null => {
            Err(whole("an empty experiment is not an experiment".to_owned()))
        }
        _ => Err(whole(
            "an experiment is a mapping of title, description, method and more".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_yaml_give_the_same_tree() {
        let json = r#"{"title": "a", "n": 200, "t": "200", "f": 1.5, "b": true, "l": [1, null]}"#;
        let yaml = "title: a\nn: 200\nt: '200'\nf: 1.5\nb: true\nl:\n- 1\n- null\n";
        assert_eq!(
            read(json, Format::Json).unwrap(),
            read(yaml, Format::Yaml).unwrap()
        );
    }

    #[test]
    fn what_is_no_experiment_is_refused_with_its_place() {
        for (text, format, part) in [
            ("", Format::Json, "no JSON"),
            ("{", Format::Json, "line 1, column 1: it is no JSON"),
            ("{}", Format::Json, "an empty experiment"),
            ("", Format::Yaml, "an empty experiment"),
            ("[1]", Format::Json, "is a mapping"),
            ("a: [", Format::Yaml, "no YAML"),
            ("title: a\n\tb: 1", Format::Yaml, "line 1, column 8"),
        ] {
            let said = read(text, format).unwrap_err().to_string();
            assert!(said.contains(part), "{text:?}: {said}");
        }
        let long = format!("{{\"title\": \"{}\"}}", "x".repeat(FILE_BYTES_MAX));
        assert!(read(&long, Format::Json).is_err());
        let deep = "[".repeat(100_000);
        assert!(read(&deep, Format::Json).is_err());
        assert!(read(&deep, Format::Yaml).is_err());
        // a few lines that would fill the memory
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for k in 1..12 {
            let of = format!("*a{}", k - 1);
            laughs += &format!("a{k}: &a{k} [{}]\n", vec![of; 10].join(", "));
        }
        assert!(read(&laughs, Format::Yaml).is_err());
    }
}
