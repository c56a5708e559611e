//! What can stand at the cursor of a PromQL expression: metrics and functions, labels of the metric within its braces,
//! values that these labels have in the data, ranges. It reads what stands before the cursor and does not check it.

use std::collections::{BTreeMap, BTreeSet};

use super::promql::{is_name, metric_in};
use crate::app::App;
use crate::ask::Ask;
use crate::client::Asker;
use crate::client::loki::quoted;
use crate::client::prometheus::MetricInfo;
use crate::views::ViewId;
use crate::widgets::complete::{Candidate, Offer};

/// Labels of a metric, each with the values that it has.
pub type Labels = BTreeMap<String, BTreeSet<String>>;

/// Functions, aggregations and keywords, each with a word of help.
const FUNCTIONS: [(&str, &str); 34] = [
    ("rate", "per second, of a counter over a range"),
    ("increase", "growth of a counter over a range"),
    ("irate", "per second, of the last two points of a counter"),
    ("sum", "sum over series; by (label) keeps labels"),
    ("avg", "average over series"),
    ("min", "least over series"),
    ("max", "greatest over series"),
    ("count", "number of series"),
    ("topk", "the k greatest series: topk(3, …)"),
    ("bottomk", "the k least series"),
    ("quantile", "quantile over series: quantile(0.9, …)"),
    ("stddev", "spread over series"),
    (
        "histogram_quantile",
        "quantile of a histogram: of sum by (le) (rate(…_bucket[30s]))",
    ),
    ("avg_over_time", "average over a range"),
    ("max_over_time", "greatest over a range"),
    ("min_over_time", "least over a range"),
    ("sum_over_time", "sum over a range"),
    ("count_over_time", "number of points in a range"),
    ("quantile_over_time", "quantile over a range"),
    ("delta", "change of a gauge over a range"),
    ("deriv", "slope of a gauge, per second"),
    ("predict_linear", "where a gauge will be in so many seconds"),
    ("changes", "how often a value changed in a range"),
    ("resets", "how often a counter began anew in a range"),
    ("absent", "1 where there is no such series"),
    ("abs", "without the sign"),
    ("ceil", "up to the next whole number"),
    ("floor", "down to the next whole number"),
    ("round", "to the nearest whole number"),
    ("clamp_min", "not less than"),
    ("clamp_max", "not more than"),
    ("label_replace", "makes a label from another"),
    ("time", "seconds since 1970"),
    ("timestamp", "when each point was taken"),
];
/// Words that stand between expressions.
const KEYWORDS: [(&str, &str); 8] = [
    ("by", "keep these labels: sum by (service) (…)"),
    ("without", "keep all but these labels"),
    ("on", "match series by these labels"),
    ("ignoring", "match series by all but these labels"),
    ("and", "series that both sides have"),
    ("or", "series of the left, and further ones of the right"),
    ("unless", "series of the left that the right has not"),
    ("offset", "as it was so long ago"),
];
const RANGES: [(&str, &str); 6] = [
    ("15s", "15 seconds"),
    ("30s", "30 seconds: what the golden signals take"),
    ("1m", "a minute"),
    ("2m", "two minutes"),
    ("5m", "five minutes"),
    ("15m", "a quarter of an hour"),
];

/// What the cursor stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A name: a metric, a function, a keyword; of the function around it, if there is one.
    Name { within: String },
    /// A label, in the braces of a metric or in a grouping.
    Label { metric: String, braces: bool },
    /// A label's value; whether the quote before it was typed.
    Value {
        metric: String,
        label: String,
        quoted: bool,
    },
    /// A range in brackets.
    Range,
    /// Something that nothing is known of.
    Nothing,
}

enum Open {
    Round(String),
    Braces(String),
    Square,
}

/// The name at the end of a text.
fn last_name(text: &str) -> &str {
    let start = text.rfind(|c| !is_name(c));
    let start = start.map_or(0, |at| {
        at + text[at..].chars().next().map_or(1, char::len_utf8)
    });
    &text[start..]
}

/// What the cursor stands in, and what was typed of it.
fn place(before: &str, whole: &str) -> (Place, String) {
    let mut open: Vec<Open> = Vec::new();
    let mut quote: Option<(char, usize)> = None;
    let mut escaped = false;
    // where the present label of the innermost braces begins
    let mut label_from = 0;
    for (at, c) in before.char_indices() {
        if let Some((end, _)) = quote {
            if c == end && !escaped {
                quote = None;
            }
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' | '\'' | '`' => quote = Some((c, at + 1)),
            '(' => open.push(Open::Round(last_name(before[..at].trim_end()).to_owned())),
            '{' => {
                open.push(Open::Braces(last_name(&before[..at]).to_owned()));
                label_from = at + 1;
            }
            '[' => open.push(Open::Square),
            ',' => label_from = at + 1,
            ')' | '}' | ']' => {
                open.pop();
            }
            _ => {}
        }
    }
    let name = last_name(before).to_owned();
    match (open.pop(), quote) {
        (Some(Open::Braces(metric)), Some((_, from))) => {
            let label = before[label_from..from - 1].trim_end_matches(['=', '!', '~', ' ']);
            let value = Place::Value {
                metric,
                label: label.trim().to_owned(),
                quoted: true,
            };
            (value, before[from..].to_owned())
        }
        (_, Some(_)) => (Place::Nothing, String::new()),
        (Some(Open::Braces(metric)), None) => {
            let typed = before[label_from..].trim();
            match typed.find(['=', '!', '~']) {
                Some(at) if typed.ends_with(['=', '~']) => {
                    let label = typed[..at].trim().to_owned();
                    let value = Place::Value {
                        metric,
                        label,
                        quoted: false,
                    };
                    (value, String::new())
                }
                Some(_) => (Place::Nothing, String::new()),
                None => {
                    let braces = true;
                    (Place::Label { metric, braces }, name)
                }
            }
        }
        (Some(Open::Round(word)), None) if is_grouping(&word) => {
            let metric = metric_in(whole).unwrap_or("").to_owned();
            let braces = false;
            (Place::Label { metric, braces }, name)
        }
        (Some(Open::Square), None) => (Place::Range, name),
        (Some(Open::Round(within)), None) => (Place::Name { within }, name),
        (None, None) => {
            let within = String::new();
            (Place::Name { within }, name)
        }
    }
}

fn is_grouping(word: &str) -> bool {
    const GROUPINGS: [&str; 6] = [
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
    ];
    GROUPINGS.contains(&word)
}

/// What can stand at the cursor; asks the lab for the labels of a metric of which none are known yet.
pub fn offer(app: &mut App) -> Offer {
    let line = &app.views.metrics.query;
    let whole = line.value().to_owned();
    let before: String = whole.chars().take(line.input.cursor()).collect();
    let (place, word) = place(&before, &whole);
    let waiting = match &place {
        Place::Label { metric, .. } | Place::Value { metric, .. } => read_labels(app, metric),
        _ => String::new(),
    };
    let candidates = match &place {
        Place::Name { within } => names(&app.known.metrics, within),
        Place::Label { metric, braces } => {
            let behind = if *braces { "=\"" } else { "" };
            labels(app, metric, behind)
        }
        Place::Value {
            metric,
            label,
            quoted,
        } => values(app, metric, label, *quoted),
        Place::Range => RANGES.map(|r| candidate(r, "]")).to_vec(),
        Place::Nothing => Vec::new(),
    };
    Offer {
        word,
        candidates,
        waiting,
    }
}

fn candidate((text, about): (&str, &str), behind: &'static str) -> Candidate {
    Candidate {
        text: text.to_owned(),
        about: about.to_owned(),
        behind,
    }
}

/// Asks for the labels of a metric, from time to time anew as services come and go; what is being read when nothing is known yet.
fn read_labels(app: &mut App, metric: &str) -> String {
    if app.known.metrics.iter().all(|m| m.name != metric) {
        return String::new();
    }
    /// After so long the labels of a metric are read again, milliseconds.
    const FRESH_MS: u64 = 30_000;
    let known = app.views.metrics.labels.get(metric).map(|(at, _)| *at);
    let fresh = known.is_some_and(|at| app.mono_ms.saturating_sub(at) < FRESH_MS);
    let asked = app.views.metrics.labels_asked.as_deref() == Some(metric);
    if !asked && !fresh {
        app.views.metrics.labels_asked = Some(metric.to_owned());
        let window = app.range.passed();
        let metric = metric.to_owned();
        app.ask(Ask::Labels { metric, window }, Asker::Screen);
    }
    match known {
        Some(_) => String::new(),
        None => format!("the labels of {metric}"),
    }
}

/// Labels have arrived: a list that waits for them is made anew.
pub fn arrived(app: &mut App, metric: String, labels: Labels) {
    let metrics = &mut app.views.metrics;
    metrics.labels.insert(metric, (app.mono_ms, labels));
    metrics.labels_asked = None;
    if app.view == ViewId::Metrics && app.views.metrics.query.waits() {
        let offer = offer(app);
        app.views.metrics.query.refine(offer);
    }
}

/// Labels could not be read: the list says no longer that they are being.
pub fn failed(app: &mut App) {
    app.views.metrics.labels_asked = None;
    if app.views.metrics.query.waits() {
        app.views.metrics.query.refine(Offer::default());
    }
}

fn names(metrics: &[MetricInfo], within: &str) -> Vec<Candidate> {
    let metric = |m: &MetricInfo| Candidate {
        text: m.name.clone(),
        about: match (m.kind.as_str(), m.help.as_str()) {
            ("", help) => help.to_owned(),
            (kind, "") => kind.to_owned(),
            (kind, help) => format!("{kind}: {help}"),
        },
        behind: "",
    };
    let counts = |m: &&MetricInfo| {
        let ends = ["_total", "_count", "_sum", "_bucket"];
        m.kind == "counter" || ends.iter().any(|end| m.name.ends_with(end))
    };
    // a rate is one of a counter
    let (first, rest): (Vec<&MetricInfo>, Vec<&MetricInfo>) = match within {
        "rate" | "irate" | "increase" | "resets" => metrics.iter().partition(counts),
        _ => (metrics.iter().collect(), Vec::new()),
    };
    let metrics = first.into_iter().chain(rest).map(metric);
    let functions = FUNCTIONS.map(|f| candidate(f, "("));
    let keywords = KEYWORDS.map(|k| candidate(k, ""));
    metrics.chain(functions).chain(keywords).collect()
}

/// Labels of a metric, or of all metrics while none is named.
fn labels(app: &App, metric: &str, behind: &'static str) -> Vec<Candidate> {
    let known = app
        .views
        .metrics
        .labels
        .get(metric)
        .map(|(_, labels)| labels);
    let own = known
        .into_iter()
        .flatten()
        .map(|(label, values)| Candidate {
            text: label.clone(),
            about: some(values),
            behind,
        });
    let mut out: Vec<Candidate> = own.collect();
    if known.is_none() && app.known.metrics.iter().all(|m| m.name != metric) {
        let all = app.known.labels.iter().filter(|l| *l != "__name__");
        out.extend(all.map(|label| candidate((label, ""), behind)));
    }
    out
}

/// The first of some values, and how many there are.
fn some(values: &BTreeSet<String>) -> String {
    const FEW: usize = 4;
    let few: Vec<&str> = values.iter().take(FEW).map(String::as_str).collect();
    let more = if values.len() > FEW { ", …" } else { "" };
    format!("{}: {}{more}", values.len(), few.join(", "))
}

fn values(app: &App, metric: &str, label: &str, in_quotes: bool) -> Vec<Candidate> {
    let known = &app.views.metrics.labels;
    let mut found: BTreeSet<String> = match known.get(metric) {
        Some((_, labels)) => labels.get(label).cloned().unwrap_or_default(),
        None => {
            let all = known.values().filter_map(|(_, labels)| labels.get(label));
            all.flatten().cloned().collect()
        }
    };
    if label == "service" && !known.contains_key(metric) {
        found.extend(app.services());
    }
    let written = |value: String| {
        let whole = quoted(&value);
        Candidate {
            text: match in_quotes {
                true => whole[1..whole.len() - 1].to_owned(),
                false => whole,
            },
            about: String::new(),
            behind: if in_quotes { "\"" } else { "" },
        }
    };
    found.into_iter().map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(typed: &str) -> (Place, String) {
        let (before, behind) = typed.split_once('|').expect("a cursor");
        place(before, &format!("{before}{behind}"))
    }

    #[test]
    fn the_cursor_knows_where_it_stands() {
        let label = |metric: &str, braces| Place::Label {
            metric: metric.to_owned(),
            braces,
        };
        let value = |metric: &str, label: &str, quoted| Place::Value {
            metric: metric.to_owned(),
            label: label.to_owned(),
            quoted,
        };
        let name = |within: &str| Place::Name {
            within: within.to_owned(),
        };
        for (typed, wanted, word) in [
            ("|", name(""), ""),
            ("rate(http_s|", name("rate"), "http_s"),
            ("sum by (ser|) (x_total)", label("x_total", false), "ser"),
            ("x_total{ser|", label("x_total", true), "ser"),
            ("x{a=\"b, c\", ser|}", label("x", true), "ser"),
            ("x{service=\"che|\"}", value("x", "service", true), "che"),
            (
                "x{a=\"1\",service=~'che|",
                value("x", "service", true),
                "che",
            ),
            ("x{service!=|", value("x", "service", false), ""),
            ("x{service=\"a\" |", Place::Nothing, ""),
            ("rate(x{a=\"}\"}[3|", Place::Range, "3"),
            ("label_replace(x, \"a|", Place::Nothing, ""),
            ("é{\"\\\"|", value("", "", true), "\\\""),
        ] {
            assert_eq!(at(typed), (wanted, word.to_owned()), "{typed}");
        }
    }
}
