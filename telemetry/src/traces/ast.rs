//! TraceQL as a tree. Knows no evaluation.

use crate::query::{Compare, TextMatcher};

use super::span::{Kind, Status};

/// A TraceQL query: spans, then a pipeline over them.
#[derive(Debug, Clone)]
pub struct Query {
    /// Which spans.
    pub spans: SpansetExpr,
    /// What is done with them.
    pub stages: Vec<Stage>,
}

/// An expression of span sets.
#[derive(Debug, Clone)]
pub enum SpansetExpr {
    /// `{ … }`
    Filter(FieldExpr),
    /// `a op b`
    Operation(SpansetOp, Box<SpansetExpr>, Box<SpansetExpr>),
}

/// Operators between span sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpansetOp {
    /// `&&`: both, if neither is empty.
    And,
    /// `||`: both.
    Or,
    /// `>`: those on the right whose parent is on the left.
    Child,
    /// `>>`: those on the right with an ancestor on the left.
    Descendant,
    /// `<`: those on the right that are parent of one on the left.
    Parent,
    /// `<<`: those on the right that are ancestor of one on the left.
    Ancestor,
    /// `~`: those on the right that share their parent with another on the left.
    Sibling,
}

/// A condition on one span.
#[derive(Debug, Clone)]
pub enum FieldExpr {
    /// `true`, `false`, and the empty braces.
    Constant(bool),
    /// `!a`
    Not(Box<FieldExpr>),
    /// `a && b`
    And(Box<FieldExpr>, Box<FieldExpr>),
    /// `a || b`
    Or(Box<FieldExpr>, Box<FieldExpr>),
    /// `a op b`
    Compare(Operand, Compare, Operand),
    /// `a =~ "b"`, `a !~ "b"`
    Text(Operand, TextMatcher),
    /// A field that must be true.
    Truth(Field),
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A constant.
    Literal(Literal),
    /// Something of the span.
    Field(Field),
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text.
    Text(String),
    /// A number; durations are nanoseconds.
    Number(f64),
    /// Truth.
    Bool(bool),
    /// A status.
    Status(Status),
    /// A kind.
    Kind(Kind),
    /// Absence.
    Nil,
}

/// Something that a span has.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// Built in.
    Intrinsic(Intrinsic),
    /// `span.a`, `resource.a`, `.a`
    Attribute(Scope, String),
}

/// Where an attribute is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The span, then its resource.
    Any,
    /// The span.
    Span,
    /// The resource.
    Resource,
}

/// Built-in fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in TraceQL")]
pub enum Intrinsic {
    Name,
    Status,
    StatusMessage,
    Kind,
    Duration,
    SpanId,
    ParentId,
    TraceId,
    TraceDuration,
    RootName,
    RootServiceName,
}

impl Intrinsic {
    /// All intrinsics with their names; the first of a kind is the plain one.
    pub const ALL: [(&'static str, Self); 20] = [
        ("name", Self::Name),
        ("span:name", Self::Name),
        ("status", Self::Status),
        ("span:status", Self::Status),
        ("statusMessage", Self::StatusMessage),
        ("span:statusMessage", Self::StatusMessage),
        ("kind", Self::Kind),
        ("span:kind", Self::Kind),
        ("duration", Self::Duration),
        ("span:duration", Self::Duration),
        ("span:id", Self::SpanId),
        ("span:parentID", Self::ParentId),
        ("trace:id", Self::TraceId),
        ("traceDuration", Self::TraceDuration),
        ("trace:duration", Self::TraceDuration),
        ("rootName", Self::RootName),
        ("trace:rootName", Self::RootName),
        ("rootServiceName", Self::RootServiceName),
        ("trace:rootService", Self::RootServiceName),
        ("trace:rootServiceName", Self::RootServiceName),
    ];

    /// Whether it can be told only with the whole trace.
    #[must_use]
    pub fn needs_trace(self) -> bool {
        matches!(
            self,
            Self::TraceDuration | Self::RootName | Self::RootServiceName
        )
    }
}

/// A stage of a pipeline.
#[derive(Debug, Clone)]
pub enum Stage {
    /// `| { … }`: only those spans go on.
    Filter(FieldExpr),
    /// `| count() > 3`: only sets for which this holds go on.
    Scalar {
        /// What is computed.
        aggregate: Aggregate,
        /// Of what; `None` for `count`.
        field: Option<Field>,
        /// How it is compared.
        op: Compare,
        /// With what; durations are nanoseconds.
        value: f64,
    },
    /// `| by(a)`: one set for each value.
    By(Field),
    /// `| coalesce()`: one set again.
    Coalesce,
    /// `| select(a, b)`: fields to show.
    Select(Vec<Field>),
}

/// Functions of a span set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in TraceQL")]
pub enum Aggregate {
    Count,
    Sum,
    Avg,
    Min,
    Max,
}

impl Field {
    /// Its name as TraceQL writes it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Intrinsic(intrinsic) => {
                let named = Intrinsic::ALL.iter().find(|(_, other)| other == intrinsic);
                named.map_or("", |(name, _)| name).to_owned()
            }
            Self::Attribute(Scope::Any, name) => format!(".{name}"),
            Self::Attribute(Scope::Span, name) => format!("span.{name}"),
            Self::Attribute(Scope::Resource, name) => format!("resource.{name}"),
        }
    }
}

impl Query {
    /// The attributes that the query names, each once: what a result shows of a span.
    #[must_use]
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        self.spans.fields(&mut fields);
        for stage in &self.stages {
            match stage {
                Stage::Filter(filter) => filter.fields(&mut fields),
                Stage::Scalar { field, .. } => fields.extend(field),
                Stage::By(field) => fields.push(field),
                Stage::Select(selected) => fields.extend(selected),
                Stage::Coalesce => {}
            }
        }
        let mut unique: Vec<&Field> = Vec::new();
        for field in fields {
            if !unique.contains(&field) {
                unique.push(field);
            }
        }
        unique
    }
}

impl SpansetExpr {
    /// The conditions in it.
    #[must_use]
    pub fn filters(&self) -> Vec<&FieldExpr> {
        match self {
            Self::Filter(filter) => vec![filter],
            Self::Operation(_, left, right) => [left.filters(), right.filters()].concat(),
        }
    }

    fn fields<'a>(&'a self, fields: &mut Vec<&'a Field>) {
        match self {
            Self::Filter(filter) => filter.fields(fields),
            Self::Operation(_, left, right) => {
                left.fields(fields);
                right.fields(fields);
            }
        }
    }
}

impl FieldExpr {
    fn fields<'a>(&'a self, fields: &mut Vec<&'a Field>) {
        let mut operand = |operand: &'a Operand| {
            if let Operand::Field(field) = operand {
                fields.push(field);
            }
        };
        match self {
            Self::Constant(_) => {}
            Self::Not(inner) => inner.fields(fields),
            Self::And(left, right) | Self::Or(left, right) => {
                left.fields(fields);
                right.fields(fields);
            }
            Self::Compare(left, _, right) => {
                operand(left);
                operand(right);
            }
            Self::Text(field, _) => operand(field),
            Self::Truth(field) => fields.push(field),
        }
    }

    /// Whether it can be told only with the whole trace.
    #[must_use]
    pub fn needs_trace(&self) -> bool {
        let mut fields = Vec::new();
        self.fields(&mut fields);
        let needs = |field: &&Field| matches!(field, Field::Intrinsic(intrinsic) if intrinsic.needs_trace());
        fields.iter().any(needs)
    }
}
