//! Templates of labels and annotations: the part of Go's that rule files use, `{{ $value | humanize }}` and its kin. Knows no rule.

use super::format::{humanize, humanize_1024, humanize_duration, humanize_percentage, significant};
use crate::metrics::labels::Labels;
use crate::promql::format_value;

/// A template, read once and filled in often.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<Part>);

/// Why a text is no template that is understood here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template, byte {position}: {message}")]
pub struct TemplateError {
    /// Byte offset in the text.
    pub position: usize,
    /// What is wrong there.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    /// A pipeline: each step gets the result of the one before as its last argument.
    Action(Vec<Step>),
}

#[derive(Debug, Clone, PartialEq)]
struct Step {
    function: Option<Function>,
    arguments: Vec<Operand>,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Value,
    Label(String),
    Text(String),
    Number(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Humanize,
    Humanize1024,
    Percentage,
    Duration,
    Printf,
    Upper,
    Lower,
    Title,
}

const FUNCTIONS: [(&str, Function, usize); 8] = [
    ("humanize", Function::Humanize, 1),
    ("humanize1024", Function::Humanize1024, 1),
    ("humanizePercentage", Function::Percentage, 1),
    ("humanizeDuration", Function::Duration, 1),
    ("printf", Function::Printf, 2),
    ("toUpper", Function::Upper, 1),
    ("toLower", Function::Lower, 1),
    ("title", Function::Title, 1),
];

#[derive(Debug, Clone)]
enum Datum {
    Number(f64),
    Text(String),
}

impl Datum {
    fn text(&self) -> String {
        match self {
            // Go prints a float64 with %v: shortest digits, an exponent from 21 digits on
            Self::Number(n)
                if n.is_finite() && *n != 0.0 && (n.abs() >= 1e21 || n.abs() < 1e-4) =>
            {
                let text = format!("{n:e}");
                let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let sign = if exponent.starts_with('-') { '-' } else { '+' };
                format!("{mantissa}e{sign}{:0>2}", exponent.trim_start_matches('-'))
            }
            Self::Number(n) => format_value(*n),
            Self::Text(text) => text.clone(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(n) => Some(*n),
            Self::Text(text) => crate::promql::parse_value(text),
        }
    }
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// The place of the first thing that is not understood, named.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(open) = rest.find("{{") {
            let at = text.len() - rest.len() + open;
            let Some(length) = rest[open..].find("}}") else {
                return Err(TemplateError {
                    position: at,
                    message: "`{{` is not closed by `}}`".into(),
                });
            };
            let (mut before, mut action) = (&rest[..open], &rest[open + 2..open + length]);
            let mut start = at + 2;
            rest = &rest[open + length + 2..];
            if let Some(trimmed) = action.strip_prefix("- ") {
                (before, action, start) = (before.trim_end(), trimmed, start + 2);
            }
            if let Some(trimmed) = action.strip_suffix(" -") {
                (action, rest) = (trimmed, rest.trim_start());
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Action(pipeline(action, start)?));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Fills a template in.
    #[must_use]
    pub fn fill(&self, value: f64, labels: &Labels) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Action(steps) => {
                let mut piped: Option<Datum> = None;
                for step in steps {
                    piped = Some(run(step, piped, value, labels));
                }
                piped.map(|datum| datum.text()).unwrap_or_default()
            }
        };
        self.0.iter().map(part).collect()
    }
}

fn pipeline(action: &str, start: usize) -> Result<Vec<Step>, TemplateError> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, words) in split_pipeline(action, start)? {
        let Some(((position, first), others)) = words.split_first() else {
            return Err(TemplateError {
                position: at,
                message: "expected an expression such as $value".into(),
            });
        };
        let function = FUNCTIONS.iter().find(|(name, ..)| name == first);
        let operands = if function.is_some() {
            others
        } else {
            &words[..]
        };
        let arguments: Vec<Operand> = operands
            .iter()
            .map(|(at, word)| operand(*at, word))
            .collect::<Result<_, _>>()?;
        let piped = usize::from(!steps.is_empty());
        match function {
            None if piped == 1 || arguments.len() != 1 => {
                return Err(TemplateError {
                    position: *position,
                    message: format!("`{first}` is no function here; these are: {}", names()),
                });
            }
            Some((name, function, least)) => {
                let count = arguments.len() + piped;
                let fits = if *function == Function::Printf {
                    count >= *least
                } else {
                    count == *least
                };
                let formatted = *function != Function::Printf
                    || matches!(arguments.first(), Some(Operand::Text(_)));
                if !fits || !formatted {
                    let message = format!(
                        "{name} needs {least} argument(s), printf a format first; got {count}"
                    );
                    return Err(TemplateError {
                        position: *position,
                        message,
                    });
                }
                if let (Function::Printf, Some(Operand::Text(format))) =
                    (function, arguments.first())
                {
                    check_format(
                        format,
                        count - 1,
                        others.first().map_or(*position, |(at, _)| *at),
                    )?;
                }
            }
            None => {}
        }
        steps.push(Step {
            function: function.map(|f| f.1),
            arguments,
        });
    }
    Ok(steps)
}

fn names() -> String {
    FUNCTIONS.map(|f| f.0).join(", ")
}

type Words<'a> = Vec<(usize, &'a str)>;

/// Splits at `|` and blanks outside of quotes.
fn split_pipeline(action: &str, start: usize) -> Result<Vec<(usize, Words<'_>)>, TemplateError> {
    let mut steps: Vec<(usize, Words<'_>)> = vec![(start, Vec::new())];
    let mut at = 0;
    while let Some(c) = action[at..].chars().next() {
        let rest = &action[at..];
        let length = match c {
            '|' => {
                steps.push((start + at + 1, Vec::new()));
                1
            }
            '"' | '`' => {
                let end = rest[1..].find(c).ok_or_else(|| TemplateError {
                    position: start + at,
                    message: "a string without end".into(),
                })?;
                end + 2
            }
            c if c.is_whitespace() => c.len_utf8(),
            _ => rest
                .find(|c: char| c.is_whitespace() || c == '|')
                .unwrap_or(rest.len()),
        };
        if c != '|'
            && !c.is_whitespace()
            && let Some((_, words)) = steps.last_mut()
        {
            words.push((start + at, &rest[..length]));
        }
        at += length;
    }
    Ok(steps)
}

fn operand(position: usize, word: &str) -> Result<Operand, TemplateError> {
    if matches!(word, "$value" | ".Value") {
        return Ok(Operand::Value);
    }
    if let Some(name) = word
        .strip_prefix("$labels.")
        .or_else(|| word.strip_prefix(".Labels."))
    {
        return Ok(Operand::Label(name.to_owned()));
    }
    if word.len() >= 2 && word.starts_with(['"', '`']) {
        return Ok(Operand::Text(word[1..word.len() - 1].to_owned()));
    }
    if let Ok(number) = word.parse() {
        return Ok(Operand::Number(number));
    }
    Err(TemplateError {
        position,
        message: format!(
            "`{word}` is not understood; these are: $value, $labels.NAME, \"text\", {}",
            names()
        ),
    })
}

/// The verbs of a format: (flags and precision, verb).
fn verbs(format: &str) -> Vec<(&str, char)> {
    let mut found = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        rest = &rest[at + 1..];
        let length = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(rest.len());
        let verb = rest[length..].chars().next().unwrap_or(' ');
        if verb != '%' || length > 0 {
            found.push((&rest[..length], verb));
        }
        rest = rest.get(length + verb.len_utf8()..).unwrap_or("");
    }
    found
}

fn check_format(format: &str, count: usize, position: usize) -> Result<(), TemplateError> {
    let verbs = verbs(format);
    if let Some((_, verb)) = verbs
        .iter()
        .find(|(_, verb)| !matches!(verb, 'f' | 'g' | 's' | 'v' | 'q'))
    {
        return Err(TemplateError {
            position,
            message: format!("printf's %{verb} is not supported: use %f, %g, %s, %v or %q"),
        });
    }
    if verbs.len() != count {
        return Err(TemplateError {
            position,
            message: format!(
                "printf's format takes {} argument(s), got {count}",
                verbs.len()
            ),
        });
    }
    Ok(())
}

fn run(step: &Step, piped: Option<Datum>, value: f64, labels: &Labels) -> Datum {
    let resolve = |operand: &Operand| match operand {
        Operand::Value => Datum::Number(value),
        Operand::Label(name) => Datum::Text(labels.get(name).unwrap_or("").to_owned()),
        Operand::Text(text) => Datum::Text(text.clone()),
        Operand::Number(number) => Datum::Number(*number),
    };
    let arguments: Vec<Datum> = step.arguments.iter().map(resolve).chain(piped).collect();
    let Some(last) = arguments.last() else {
        return Datum::Text(String::new());
    };
    let number = |of: fn(f64) -> String| Datum::Text(last.number().map_or_else(|| last.text(), of));
    match step.function {
        None => last.clone(),
        Some(Function::Humanize) => number(humanize),
        Some(Function::Humanize1024) => number(humanize_1024),
        Some(Function::Percentage) => number(humanize_percentage),
        Some(Function::Duration) => number(humanize_duration),
        Some(Function::Upper) => Datum::Text(last.text().to_uppercase()),
        Some(Function::Lower) => Datum::Text(last.text().to_lowercase()),
        Some(Function::Title) => Datum::Text(title(&last.text())),
        Some(Function::Printf) => Datum::Text(printf(&arguments)),
    }
}

fn title(text: &str) -> String {
    let mut start = true;
    let change = |c: char| {
        let upper = start && c.is_alphabetic();
        start = !c.is_alphanumeric();
        if upper {
            c.to_uppercase().collect::<String>()
        } else {
            c.to_string()
        }
    };
    text.chars().map(change).collect()
}

fn printf(arguments: &[Datum]) -> String {
    let format = arguments[0].text();
    let (mut out, mut rest, mut next) = (String::new(), format.as_str(), arguments[1..].iter());
    for (flags, verb) in verbs(&format) {
        let marker = format!("%{flags}{verb}");
        let Some(at) = rest.find(&marker) else { break };
        out.push_str(&rest[..at].replace("%%", "%"));
        rest = &rest[at + marker.len()..];
        let Some(datum) = next.next() else { break };
        let (width, precision) = flags
            .split_once('.')
            .map_or((flags, None), |(w, p)| (w, Some(p.parse().unwrap_or(0))));
        let text = match (verb, datum.number()) {
            // precision is bounded so that a hostile template cannot fill the memory
            ('f', Some(n)) if n.is_finite() => {
                format!("{n:.*}", precision.unwrap_or(6_usize).min(64))
            }
            ('g', Some(n)) if precision.is_some() => significant(n, precision.unwrap_or(6).min(64)),
            ('q', _) => format!("{:?}", datum.text()),
            _ => datum.text(),
        };
        let width = width.parse::<usize>().unwrap_or(0).min(256);
        out.push_str(&format!("{text:>width$}"));
    }
    out.push_str(&rest.replace("%%", "%"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str, value: f64) -> String {
        let labels = Labels::from_pairs([("service", "checkout"), ("route", "/pay")]);
        Template::parse(text)
            .unwrap_or_else(|e| panic!("{text}: {e}"))
            .fill(value, &labels)
    }

    #[test]
    fn a_template_is_filled_in_as_prometheus_does() {
        for (text, value, expected) in [
            ("plain", 1.0, "plain"),
            (
                "{{ $labels.service }} is at {{ $value }}",
                0.25,
                "checkout is at 0.25",
            ),
            (
                "{{ .Labels.service }}{{.Value}}{{ $labels.nothing }}",
                1e22,
                "checkout1e+22",
            ),
            (
                "{{ $value | humanizePercentage }} of {{$labels.route}}",
                0.0534,
                "5.34% of /pay",
            ),
            ("{{ humanizeDuration $value }}", 95.0, "1m 35s"),
            ("{{ humanize $value }}", 12345.0, "12.35k"),
            ("{{ printf \"%.2f\" $value }}s", 1.005_1, "1.01s"),
            ("{{ $value | printf \"%.1f%%\" }}", 12.34, "12.3%"),
            (
                "{{ printf \"%s/%5.1f\" $labels.service $value }}",
                2.0,
                "checkout/  2.0",
            ),
            ("a {{- $labels.service | toUpper -}} b", 0.0, "aCHECKOUTb"),
        ] {
            assert_eq!(fill(text, value), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_place() {
        for (text, position, part) in [
            ("x {{ $value", 2, "not closed"),
            ("{{ query \"up\" }}", 3, "`query` is not understood"),
            ("{{ $value | nope }}", 12, "`nope` is not understood"),
            ("{{ $externalURL }}", 3, "$externalURL"),
            ("{{ }}", 2, "expected an expression"),
            ("{{ humanize }}", 3, "argument"),
            ("{{ printf \"%d\" $value }}", 10, "%d"),
            ("{{ printf \"%f\" }}", 3, "printf"),
            ("{{ printf \"%f %f\" $value }}", 10, "takes 2"),
        ] {
            let error = Template::parse(text).expect_err(text);
            assert_eq!(error.position, position, "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
        }
    }
}
