//! What TraceQL means, over a plain list of spans: every relation and every value by its definition alone, for each pair of spans
//! and each condition anew. Shares no code with the evaluator; a question is drawn as a tree and written as text.

use std::collections::BTreeMap;

/// A span; `id` is unique within its trace unless it came twice. Times are ns.
#[derive(Debug, Clone, PartialEq)]
pub struct Plain {
    pub trace: u128,
    pub id: u64,
    /// 0 for none; may name a span that nobody has.
    pub parent: u64,
    pub service: &'static str,
    pub zone: Option<Val>,
    pub name: &'static str,
    /// Place in [`KINDS`].
    pub kind: usize,
    /// Place in [`STATUSES`].
    pub status: usize,
    pub message: &'static str,
    pub start: i64,
    pub end: i64,
    pub attributes: Vec<(&'static str, Val)>,
}

pub const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];
pub const STATUSES: [&str; 3] = ["unset", "ok", "error"];

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Val {
    Text(&'static str),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A list of one number, which is kept as JSON text.
    List(i64),
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    Nil,
    Text(String),
    Number(f64),
    Bool(bool),
    Status(usize),
    Kind(usize),
}

impl From<&Val> for Found {
    fn from(value: &Val) -> Self {
        match value {
            Val::Text(text) => Self::Text((*text).to_owned()),
            Val::Int(number) => Self::Number(*number as f64),
            Val::Float(number) => Self::Number(*number),
            Val::Bool(truth) => Self::Bool(*truth),
            Val::List(number) => Self::Text(format!("[{number}]")),
        }
    }
}

impl Found {
    /// As `by` names a group.
    pub fn text(&self) -> String {
        match self {
            Self::Nil => "nil".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(truth) => truth.to_string(),
            Self::Status(place) => STATUSES[*place].to_owned(),
            Self::Kind(place) => KINDS[*place].to_owned(),
        }
    }

    /// As TraceQL writes it; numbers in ns, so that they may be durations.
    fn written(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Number(number) if *number < 0.0 => format!("-{}", -number),
            other => other.text(),
        }
    }
}

/// A field, as TraceQL writes it.
pub type Field = &'static str;

/// A condition on one span.
#[derive(Debug, Clone)]
pub enum Cond {
    Constant(bool),
    Not(Box<Cond>),
    And(Box<Cond>, Box<Cond>),
    Or(Box<Cond>, Box<Cond>),
    /// Two fields, or a field and a constant on either side.
    Compare(Side, &'static str, Side),
    /// Text that begins so, or does not.
    Begins(Field, &'static str, bool),
    /// An attribute that is true.
    Truth(Field),
}

#[derive(Debug, Clone)]
pub enum Side {
    Field(Field),
    Constant(Found),
}

/// Spans of a trace.
#[derive(Debug, Clone)]
pub enum Spans {
    Such(Cond),
    Related(Box<Spans>, &'static str, Box<Spans>),
}

/// What is done with them.
#[derive(Debug, Clone)]
pub enum Stage {
    Such(Cond),
    Count(&'static str, u32),
    /// Function, field, comparison, number.
    Scalar(&'static str, Field, &'static str, u32),
    By(Field),
    Coalesce,
    Select(Field),
}

#[derive(Debug, Clone)]
pub struct Question {
    pub spans: Spans,
    pub stages: Vec<Stage>,
}

impl Cond {
    fn text(&self) -> String {
        match self {
            Self::Constant(truth) => truth.to_string(),
            Self::Not(inner) => format!("!({})", inner.text()),
            Self::And(left, right) => format!("({}) && ({})", left.text(), right.text()),
            Self::Or(left, right) => format!("({}) || ({})", left.text(), right.text()),
            Self::Compare(left, op, right) => format!("{} {op} {}", left.text(), right.text()),
            Self::Begins(field, with, true) => format!("{field} =~ \"{with}.*\""),
            Self::Begins(field, with, false) => format!("{field} !~ \"{with}.*\""),
            Self::Truth(field) => (*field).to_owned(),
        }
    }

    fn holds(&self, span: &Plain, trace: &[Plain]) -> bool {
        match self {
            Self::Constant(truth) => *truth,
            Self::Not(inner) => !inner.holds(span, trace),
            Self::And(left, right) => left.holds(span, trace) & right.holds(span, trace),
            Self::Or(left, right) => left.holds(span, trace) | right.holds(span, trace),
            Self::Compare(left, op, right) => {
                let (one, other) = (left.value(span, trace), right.value(span, trace));
                let nil = |side: &Side| matches!(side, Side::Constant(Found::Nil));
                if nil(left) || nil(right) {
                    return match *op {
                        "=" => one == other,
                        "!=" => one != other,
                        _ => false,
                    };
                }
                compares(&one, op, &other)
            }
            Self::Begins(field, with, wanted) => match value(field, span, trace) {
                Found::Text(text) => text.starts_with(with) == *wanted,
                _ => false,
            },
            Self::Truth(field) => value(field, span, trace) == Found::Bool(true),
        }
    }
}

impl Side {
    fn text(&self) -> String {
        match self {
            Self::Field(field) => (*field).to_owned(),
            Self::Constant(constant) => constant.written(),
        }
    }

    fn value(&self, span: &Plain, trace: &[Plain]) -> Found {
        match self {
            Self::Field(field) => value(field, span, trace),
            Self::Constant(constant) => constant.clone(),
        }
    }
}

fn compares(one: &Found, op: &str, other: &Found) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let (order, ordered) = match (one, other) {
        (Found::Text(one), Found::Text(other)) => (Some(one.cmp(other)), true),
        (Found::Number(one), Found::Number(other)) => (one.partial_cmp(other), true),
        (Found::Bool(one), Found::Bool(other)) => (Some(one.cmp(other)), true),
        (Found::Status(one), Found::Status(other)) | (Found::Kind(one), Found::Kind(other)) => {
            (Some(one.cmp(other)), false)
        }
        _ => return false,
    };
    match op {
        "=" => order == Some(Equal),
        "!=" => order != Some(Equal),
        _ if !ordered => false,
        ">" => order == Some(Greater),
        ">=" => matches!(order, Some(Greater | Equal)),
        "<" => order == Some(Less),
        "<=" => matches!(order, Some(Less | Equal)),
        other => panic!("{other} is no comparison"),
    }
}

fn attribute<'a>(attributes: &'a [(&'static str, Val)], name: &str) -> Option<&'a Val> {
    let mut named = attributes.iter().filter(|(key, _)| *key == name);
    named.next().map(|(_, value)| value)
}

/// The value of a field. The trace's spans are in order of their begin.
pub fn value(field: &str, span: &Plain, trace: &[Plain]) -> Found {
    let hex = |id: u64| Found::Text(format!("{id:016x}"));
    let root = || {
        let parentless = trace.iter().find(|span| span.parent == 0);
        parentless.unwrap_or(&trace[0])
    };
    let resource = |name: &str| match name {
        "service.name" => Found::Text(span.service.to_owned()),
        "zone" => span.zone.as_ref().map_or(Found::Nil, Found::from),
        _ => Found::Nil,
    };
    if let Some(name) = field.strip_prefix("span.") {
        return attribute(&span.attributes, name).map_or(Found::Nil, Found::from);
    }
    if let Some(name) = field.strip_prefix("resource.") {
        return resource(name);
    }
    if let Some(name) = field.strip_prefix('.') {
        let own = attribute(&span.attributes, name);
        return own.map_or_else(|| resource(name), Found::from);
    }
    match field {
        "name" => Found::Text(span.name.to_owned()),
        "status" => Found::Status(span.status),
        "statusMessage" => Found::Text(span.message.to_owned()),
        "kind" => Found::Kind(span.kind),
        "duration" => Found::Number((span.end - span.start) as f64),
        "span:id" => hex(span.id),
        "span:parentID" if span.parent == 0 => Found::Nil,
        "span:parentID" => hex(span.parent),
        "trace:id" => Found::Text(format!("{:032x}", span.trace)),
        "traceDuration" => {
            let end = trace.iter().map(|span| span.end).max().expect("a span");
            Found::Number((end - trace[0].start) as f64)
        }
        "rootName" => Found::Text(root().name.to_owned()),
        "rootServiceName" => Found::Text(root().service.to_owned()),
        other => panic!("{other} is no field"),
    }
}

impl Spans {
    fn text(&self) -> String {
        match self {
            Self::Such(condition) => format!("{{ {} }}", condition.text()),
            Self::Related(left, op, right) => format!("({}) {op} ({})", left.text(), right.text()),
        }
    }

    /// For each span whether it is selected.
    fn selected(&self, trace: &[Plain]) -> Vec<bool> {
        let (left, op, right) = match self {
            Self::Such(condition) => {
                return trace
                    .iter()
                    .map(|span| condition.holds(span, trace))
                    .collect();
            }
            Self::Related(left, op, right) => (left.selected(trace), *op, right.selected(trace)),
        };
        let both = left.contains(&true) && right.contains(&true);
        let selected = |at: usize| match op {
            "||" => left[at] || right[at],
            "&&" => both && (left[at] || right[at]),
            _ => {
                let mut lefts = (0..trace.len()).filter(|l| left[*l]);
                right[at] && lefts.any(|l| related(op, l, at, trace))
            }
        };
        (0..trace.len()).map(selected).collect()
    }
}

/// Whether the span at `r` is to the one at `l` what an operator asks for.
fn related(op: &str, l: usize, r: usize, trace: &[Plain]) -> bool {
    let (one, other) = (&trace[l], &trace[r]);
    match op {
        ">" => other.parent == one.id,
        ">>" => is_above(one.id, other, trace),
        "<" => one.parent == other.id,
        "<<" => is_above(other.id, one, trace),
        "~" => l != r && one.parent != 0 && one.parent == other.parent,
        other => panic!("{other} is no relation"),
    }
}

/// Whether a span is met on the way up from another; the way ends when it has been as long as the trace.
fn is_above(id: u64, below: &Plain, trace: &[Plain]) -> bool {
    let mut at = Some(below);
    for _ in 0..=trace.len() {
        let Some(span) = at else { return false };
        if span.parent != 0 && span.parent == id {
            return true;
        }
        at = trace.iter().find(|other| other.id == span.parent);
    }
    false
}

/// A set of spans by their places, and what it was split by.
pub type Set = (Vec<usize>, Vec<(String, String)>);

impl Stage {
    fn text(&self) -> String {
        match self {
            Self::Such(condition) => format!("{{ {} }}", condition.text()),
            Self::Count(op, number) => format!("count() {op} {number}"),
            Self::Scalar(name, field, op, number) => format!("{name}({field}) {op} {number}"),
            Self::By(field) => format!("by({field})"),
            Self::Coalesce => "coalesce()".to_owned(),
            Self::Select(field) => format!("select({field})"),
        }
    }

    fn apply(&self, sets: Vec<Set>, trace: &[Plain]) -> Vec<Set> {
        let kept = |keep: &dyn Fn(&Set) -> bool| sets.iter().filter(|s| keep(s)).cloned().collect();
        let holds = |result: f64, op: &str, number: u32| {
            compares(&Found::Number(result), op, &Found::Number(number.into()))
        };
        match self {
            Self::Select(_) => sets,
            Self::Such(condition) => {
                let such = |set: &Set| -> Set {
                    let places = set.0.iter().copied();
                    let such = places.filter(|at| condition.holds(&trace[*at], trace));
                    (such.collect(), set.1.clone())
                };
                sets.iter().map(such).collect()
            }
            Self::Count(op, number) => kept(&|(places, _)| holds(places.len() as f64, op, *number)),
            Self::Scalar(name, field, op, number) => kept(&|(places, _)| {
                let values = places.iter().map(|at| value(field, &trace[*at], trace));
                let numbers: Vec<f64> = values
                    .filter_map(|value| match value {
                        Found::Number(number) => Some(number),
                        _ => None,
                    })
                    .collect();
                let sum: f64 = numbers.iter().sum();
                let result = match *name {
                    "sum" => sum,
                    "avg" => sum / numbers.len() as f64,
                    "min" => numbers.iter().copied().fold(f64::INFINITY, f64::min),
                    _ => numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                };
                !numbers.is_empty() && holds(result, op, *number)
            }),
            Self::By(field) => {
                let mut split = Vec::new();
                for (places, groups) in sets {
                    // in the order in which values are met
                    let mut order: Vec<String> = Vec::new();
                    let mut of_value: BTreeMap<String, Vec<usize>> = BTreeMap::new();
                    for at in places {
                        let text = value(field, &trace[at], trace).text();
                        if !order.contains(&text) {
                            order.push(text.clone());
                        }
                        of_value.entry(text).or_default().push(at);
                    }
                    for text in order {
                        let group = ((*field).to_owned(), text.clone());
                        let groups = groups.iter().cloned().chain([group]).collect();
                        split.push((of_value[&text].clone(), groups));
                    }
                }
                split
            }
            Self::Coalesce => {
                let mut all: Vec<usize> = sets.into_iter().flat_map(|(places, _)| places).collect();
                all.sort_unstable();
                vec![(all, Vec::new())]
            }
        }
    }
}

impl Question {
    /// As a person types it.
    pub fn text(&self) -> String {
        let stages = self
            .stages
            .iter()
            .map(|stage| format!(" | {}", stage.text()));
        format!("{}{}", self.spans.text(), stages.collect::<String>())
    }

    /// The sets that are found in a trace; none when it does not match.
    pub fn sets(&self, trace: &[Plain]) -> Vec<Set> {
        let selected = self.spans.selected(trace);
        let places = (0..trace.len()).filter(|at| selected[*at]).collect();
        let mut sets: Vec<Set> = vec![(places, Vec::new())];
        for stage in &self.stages {
            sets.retain(|(places, _)| !places.is_empty());
            sets = stage.apply(sets, trace);
        }
        sets.retain(|(places, _)| !places.is_empty());
        sets
    }
}

/// The spans of each trace, by begin and of equals by arrival; of those with the same id the first.
pub fn traces(spans: &[Plain]) -> BTreeMap<u128, Vec<Plain>> {
    let mut traces: BTreeMap<u128, Vec<Plain>> = BTreeMap::new();
    for span in spans {
        traces.entry(span.trace).or_default().push(span.clone());
    }
    for spans in traces.values_mut() {
        spans.sort_by_key(|span| span.start);
        let mut ids = Vec::new();
        spans.retain(|span| {
            let new = !ids.contains(&span.id);
            ids.push(span.id);
            new
        });
    }
    traces
}
