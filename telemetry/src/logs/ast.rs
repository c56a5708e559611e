//! LogQL as a tree, every part that can fail later with its byte offset. Knows no evaluation.

use crate::query::{Compare, MatchOp};

/// A LogQL query.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// Lines.
    Log(LogExpr),
    /// Numbers over time.
    Metric(MetricExpr),
}

/// `{…} |= … | …`
#[derive(Debug, Clone, PartialEq)]
pub struct LogExpr {
    /// The stream selector.
    pub matchers: Vec<Matcher>,
    /// The pipeline.
    pub stages: Vec<Stage>,
    /// `| unwrap x`, only within a range aggregation.
    pub unwrap: Option<Unwrap>,
    /// Label filters after `unwrap`.
    pub after_unwrap: Vec<LabelFilter>,
}

/// `name op "value"` in a stream selector.
#[derive(Debug, Clone, PartialEq)]
pub struct Matcher {
    /// The stream label.
    pub name: String,
    /// How.
    pub op: MatchOp,
    /// With what.
    pub value: String,
    /// Byte offset of the value.
    pub position: usize,
}

/// A stage of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// `|= "a" or "b"`: the line passes if any alternative is found (`negate`: if none is).
    Line {
        /// `|~`, `!~`.
        regex: bool,
        /// `!=`, `!~`.
        negate: bool,
        /// What is looked for, with byte offsets.
        alternatives: Vec<(String, usize)>,
    },
    /// `| name op value …`
    Label(LabelFilter),
    /// `| json`, or `| json a="b.c"` with the wanted paths only.
    Json(Vec<(String, String)>),
    /// `| logfmt`, or with the wanted keys only.
    Logfmt(Vec<(String, String)>),
    /// `| pattern "<name> …"` and its byte offset.
    Pattern(String, usize),
    /// `| regexp "(?P<name>…)"` and its byte offset.
    Regexp(String, usize),
    /// `| line_format "…"` and its byte offset.
    LineFormat(String, usize),
    /// `| label_format a=b, c="…"`
    LabelFormat(Vec<(String, LabelSource)>),
    /// `| drop a, b`
    Drop(Vec<String>),
    /// `| keep a, b`
    Keep(Vec<String>),
}

/// Where `label_format` takes a value from.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelSource {
    /// Another label, which is renamed.
    Label(String),
    /// A template and its byte offset.
    Template(String, usize),
}

/// A condition on labels.
#[derive(Debug, Clone, PartialEq)]
pub enum LabelFilter {
    /// `a and b`, `a, b`
    And(Box<LabelFilter>, Box<LabelFilter>),
    /// `a or b`
    Or(Box<LabelFilter>, Box<LabelFilter>),
    /// `name op "text"`
    Text(Matcher),
    /// `name op 5`, `name op 1.5s`, `name op 10KB`
    Quantity {
        /// The label.
        name: String,
        /// How.
        op: Compare,
        /// With what.
        value: Quantity,
    },
}

/// A number with a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    /// A plain number.
    Number(f64),
    /// Nanoseconds.
    DurationNs(f64),
    /// Bytes.
    Bytes(f64),
}

/// `| unwrap x`
#[derive(Debug, Clone, PartialEq)]
pub struct Unwrap {
    /// The label that holds the sample's value.
    pub label: String,
    /// How it is read.
    pub conversion: Conversion,
}

/// How `unwrap` reads a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conversion {
    /// A plain number.
    Number,
    /// `duration(x)`, `duration_seconds(x)`: seconds.
    Seconds,
    /// `bytes(x)`.
    Bytes,
}

/// An expression of numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricExpr {
    /// A constant, also `vector(1)`.
    Number(f64),
    /// `rate({…}[5m])` and its like.
    Range(Box<RangeAggregation>),
    /// `sum by (x) (…)` and its like.
    Vector(Box<VectorAggregation>),
    /// `a op b`
    Binary(Box<Binary>),
}

/// An aggregation of the lines in a sliding window.
#[derive(Debug, Clone, PartialEq)]
pub struct RangeAggregation {
    /// What is computed.
    pub op: RangeOp,
    /// `quantile_over_time`'s φ.
    pub parameter: f64,
    /// The lines.
    pub log: LogExpr,
    /// Width of the window.
    pub range_ns: i64,
    /// How far in the past the window ends.
    pub offset_ns: i64,
    /// Its own `by`/`without`.
    pub grouping: Option<Grouping>,
}

/// Functions of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in LogQL")]
pub enum RangeOp {
    Rate,
    CountOverTime,
    BytesRate,
    BytesOverTime,
    AbsentOverTime,
    SumOverTime,
    AvgOverTime,
    MinOverTime,
    MaxOverTime,
    FirstOverTime,
    LastOverTime,
    StddevOverTime,
    StdvarOverTime,
    QuantileOverTime,
}

impl RangeOp {
    /// All functions with their names, and whether they need `unwrap`.
    pub const ALL: [(&'static str, Self, bool); 14] = [
        ("rate", Self::Rate, false),
        ("count_over_time", Self::CountOverTime, false),
        ("bytes_rate", Self::BytesRate, false),
        ("bytes_over_time", Self::BytesOverTime, false),
        ("absent_over_time", Self::AbsentOverTime, false),
        ("sum_over_time", Self::SumOverTime, true),
        ("avg_over_time", Self::AvgOverTime, true),
        ("min_over_time", Self::MinOverTime, true),
        ("max_over_time", Self::MaxOverTime, true),
        ("first_over_time", Self::FirstOverTime, true),
        ("last_over_time", Self::LastOverTime, true),
        ("stddev_over_time", Self::StddevOverTime, true),
        ("stdvar_over_time", Self::StdvarOverTime, true),
        ("quantile_over_time", Self::QuantileOverTime, true),
    ];
}

/// An aggregation over series.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorAggregation {
    /// What is computed.
    pub op: VectorOp,
    /// `topk`'s k.
    pub k: usize,
    /// The series.
    pub inner: MetricExpr,
    /// `by`/`without`; `None` puts all into one group.
    pub grouping: Option<Grouping>,
}

/// Functions of a set of series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in LogQL")]
pub enum VectorOp {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    Sort,
    SortDesc,
}

impl VectorOp {
    /// All functions with their names.
    pub const ALL: [(&'static str, Self); 11] = [
        ("sum", Self::Sum),
        ("avg", Self::Avg),
        ("min", Self::Min),
        ("max", Self::Max),
        ("count", Self::Count),
        ("stddev", Self::Stddev),
        ("stdvar", Self::Stdvar),
        ("topk", Self::Topk),
        ("bottomk", Self::Bottomk),
        ("sort", Self::Sort),
        ("sort_desc", Self::SortDesc),
    ];
}

/// Which labels a group has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// `without` instead of `by`.
    pub without: bool,
    /// The labels.
    pub labels: Vec<String>,
}

/// An operation on two expressions. Series pair up by equal labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Binary {
    /// What is computed.
    pub op: BinaryOp,
    /// `bool`: 0 and 1 instead of dropping.
    pub returns_bool: bool,
    /// Left.
    pub left: MetricExpr,
    /// Right.
    pub right: MetricExpr,
}

/// Operators between numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the usual operators")]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Compare(Compare),
}
