//! The templates of `line_format` and `label_format`: text with `{{.label}}`, `{{ .label | upper }}`
//! and `__line__`. Knows no records; its caller resolves labels.

use crate::error::QueryError;

/// A compiled template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Label(String, Vec<Function>),
    Line(Vec<Function>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Function {
    Lower,
    Upper,
    Trim,
}

impl Template {
    /// Compiles `text`, which stands at `position` of the query.
    ///
    /// # Errors
    /// [`QueryError::Invalid`] for braces that do not close, [`QueryError::Unsupported`] for
    /// functions that are not known here.
    pub fn new(text: &str, position: usize) -> Result<Self, QueryError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let inner = &rest[open + 2..];
            let close = inner.find("}}").ok_or_else(|| QueryError::Invalid {
                position,
                message: "a template's {{ has no }}".into(),
            })?;
            parts.push(action(inner[..close].trim(), position)?);
            rest = &inner[close + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The names of the labels that it asks for.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Label(name, _) => Some(name.as_str()),
            Part::Text(_) | Part::Line(_) => None,
        })
    }

    /// Fills the template in; an unknown label is empty.
    pub fn render<'a>(
        &self,
        line: &str,
        label: impl Fn(&str) -> Option<std::borrow::Cow<'a, str>>,
    ) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(constant) => text.push_str(constant),
                Part::Label(name, functions) => {
                    text.push_str(&apply(functions, &label(name).unwrap_or_default()));
                }
                Part::Line(functions) => text.push_str(&apply(functions, line)),
            }
        }
        text
    }
}

/// What stands between the braces.
fn action(text: &str, position: usize) -> Result<Part, QueryError> {
    let mut words = text.split('|').map(str::trim);
    let subject = words.next().unwrap_or_default();
    let functions: Option<Vec<_>> = words
        .map(|word| {
            Some(match word {
                "lower" | "ToLower" => Function::Lower,
                "upper" | "ToUpper" => Function::Upper,
                "trim" | "TrimSpace" => Function::Trim,
                _ => return None,
            })
        })
        .collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let label = subject
        .strip_prefix('.')
        .filter(|name| !name.is_empty() && name.chars().all(plain));
    match (functions, label) {
        (Some(functions), Some(name)) => Ok(Part::Label(name.to_owned(), functions)),
        (Some(functions), None) if subject == "__line__" => Ok(Part::Line(functions)),
        _ => Err(QueryError::Unsupported {
            position,
            what: format!(
                "the template {{{{{text}}}}}; there are {{{{.label}}}}, {{{{__line__}}}} and | lower, upper, trim"
            ),
        }),
    }
}

fn apply(functions: &[Function], text: &str) -> String {
    functions
        .iter()
        .fold(text.to_owned(), |text, function| match function {
            Function::Lower => text.to_lowercase(),
            Function::Upper => text.to_uppercase(),
            Function::Trim => text.trim().to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_the_line_are_filled_in() {
        let template = Template::new("{{.a}}-{{ .b | upper }}: {{__line__}}{{.none}}", 0).unwrap();
        let text = template.render("hi", |name| {
            (name != "none").then(|| name.to_owned().into())
        });
        assert_eq!(text, "a-B: hi");
    }

    #[test]
    fn what_a_template_cannot_do_is_an_error_at_its_place() {
        for bad in [
            "{{.a",
            "{{ .a | nonsense }}",
            "{{ if .a }}x{{ end }}",
            "{{}}",
            "{{.}}",
        ] {
            assert_eq!(
                Template::new(bad, 9).unwrap_err().position(),
                Some(9),
                "{bad}"
            );
        }
    }
}
