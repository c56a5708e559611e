//! How traces differ, as the lab derives it: two of them step by step, and what some have more often than the rest.
//! Knows no drawing.

use serde::Deserialize;

use super::derived::Cut;
use super::traceql::{self, Scope};
use super::{Asker, Client};
use crate::Failure;
use crate::text;
use crate::time::Window;

/// Values that are asked for at most, the most surprising first.
const MOST: usize = 500;

/// Two traces compared; `a` is the one before, `b` the one after.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Comparison {
    /// The first trace.
    pub a: Side,
    /// The second trace.
    pub b: Side,
    /// Steps, the greatest difference in their own time first.
    pub steps: Vec<Step>,
    /// How many steps only `b` has.
    pub added: usize,
    /// How many only `a` has.
    pub removed: usize,
    /// How many take longer in `b`.
    pub slower: usize,
    /// How many take less long there.
    pub faster: usize,
    /// Limits that were met.
    #[serde(default)]
    pub limits: Vec<Cut>,
}

/// One of the traces.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Side {
    /// 32 hex digits.
    pub trace_id: String,
    /// From the first begin to the last end, nanoseconds.
    pub duration_ns: i64,
    /// How many spans it has.
    pub spans: usize,
    /// How many of them failed.
    pub errors: usize,
}

/// How a step of `b` differs from that of `a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only `b` has it.
    Added,
    /// Only `a` has it.
    Removed,
    /// It takes longer in `b`.
    Slower,
    /// It takes less long in `b`.
    Faster,
    /// Neither.
    Same,
}

impl Change {
    /// As it is told.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Same => "same",
        }
    }
}

/// Spans of one way from the root.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Step {
    /// Service.
    pub service: String,
    /// Name of the spans.
    pub name: String,
    /// `service: name` of each span from the root down, this one last.
    pub path: Vec<String>,
    /// How it differs.
    pub change: Change,
    /// Its spans in `a`.
    pub a: Sum,
    /// Its spans in `b`.
    pub b: Sum,
    /// How much more time the spans take in `b`, nanoseconds.
    pub difference_ns: i64,
    /// How much more of it is their own, in which nothing below them ran, nanoseconds.
    pub self_difference_ns: i64,
}

/// The spans of a step in one trace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Sum {
    /// How many.
    pub count: usize,
    /// How many failed.
    pub errors: usize,
    /// Sum of their lengths, nanoseconds.
    pub total_ns: i64,
}

/// Which traces are set against the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Group {
    /// Those with a span that failed.
    #[default]
    Failed,
    /// The slowest tenth.
    Slow,
    /// Those that the query finds, against all others.
    Found,
}

impl Group {
    /// As it is told.
    #[must_use]
    pub fn said(self) -> &'static str {
        match self {
            Self::Failed => "failed traces",
            Self::Slow => "slow traces",
            Self::Found => "traces of the query",
        }
    }
}

/// What some traces have more often than the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Differs {
    /// Which traces.
    pub of: Group,
    /// From which duration on a trace counts as slow, milliseconds; of slow traces alone.
    pub slow_ms: Option<f64>,
    /// The figures.
    pub found: OverRepresented,
}

/// The figures of a group of traces beside the rest.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct OverRepresented {
    /// How many traces are in the group.
    pub selected: usize,
    /// How many there are besides.
    pub rest: usize,
    /// The values that the group has more often, the most surprising first.
    pub values: Vec<AttributeValue>,
    /// Limits that were met.
    #[serde(default)]
    pub limits: Vec<Cut>,
    /// From when on the lab still has every span, where the window begins before, nanoseconds.
    #[serde(default)]
    pub evicted_before_ns: Option<i64>,
}

/// A value, and how often it is on both sides.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AttributeValue {
    /// Where it stands.
    pub scope: Scope,
    /// Name of the attribute.
    pub key: String,
    /// Its value as text.
    pub value: String,
    /// How many of the group have it.
    pub selected: usize,
    /// Their share, 0 to 1.
    pub selected_share: f64,
    /// How many of the rest have it.
    pub rest: usize,
    /// Their share, 0 to 1.
    pub rest_share: f64,
    /// Whether it is more than chance.
    pub significant: bool,
}

impl AttributeValue {
    /// Its name as TraceQL writes it.
    #[must_use]
    pub fn name(&self) -> String {
        traceql::field(self.scope, &self.key)
    }
}

impl Client {
    /// Compares trace `b` with trace `a`.
    ///
    /// # Errors
    /// As [`Client::drill`]; 404 when one of them is not held.
    pub async fn compare(&self, a: &str, b: &str, asker: Asker) -> Result<Comparison, Failure> {
        let parameters = [("a", a.to_owned()), ("b", b.to_owned())];
        self.query("derived/compare", &parameters, asker).await
    }

    /// What a group of the traces that a TraceQL query finds has more often than the rest.
    ///
    /// # Errors
    /// As [`Client::drill`].
    pub async fn differs(
        &self,
        of: Group,
        query: &str,
        window: Window,
        asker: Asker,
    ) -> Result<Differs, Failure> {
        let all = traceql::is_all(query);
        let slow_ms = match of {
            Group::Slow => self.slowest_tenth(query, window).await?,
            Group::Failed | Group::Found => None,
        };
        let narrowed = |condition: &str| match all {
            true => format!("{{ {condition} }}"),
            false => traceql::and_also(query, condition),
        };
        let selected = match (of, slow_ms) {
            (Group::Failed, _) => narrowed("status = error"),
            // nothing was found of which a tenth could be slow: the whole is asked for, and is as empty
            (Group::Slow, None) | (Group::Found, _) => query.to_owned(),
            (Group::Slow, Some(ms)) => narrowed(&format!("traceDuration >= {ms}ms")),
        };
        let mut parameters = vec![
            ("q", selected),
            ("start", window.start_ms.div_euclid(1000).to_string()),
            ("end", (window.end_ms.div_euclid(1000) + 1).to_string()),
            ("limit", MOST.to_string()),
        ];
        if of != Group::Found && !all {
            parameters.push(("against", query.to_owned()));
        }
        let found = self.query("derived/attributes", &parameters, asker);
        Ok(Differs {
            of,
            slow_ms,
            found: found.await?,
        })
    }

    /// The duration that a tenth of the newest traces of a query reach, milliseconds; none where there are none.
    async fn slowest_tenth(&self, query: &str, window: Window) -> Result<Option<f64>, Failure> {
        let newest = self.tempo_newest(query, window, super::tempo::MOST, Asker::Screen);
        let mut durations: Vec<f64> = newest.await?.iter().map(|hit| hit.duration_ms).collect();
        durations.sort_by(f64::total_cmp);
        let at = durations.len().saturating_mul(9) / 10;
        // whole milliseconds are told, and a trace of none is not slow
        Ok(durations.get(at).map(|ms| ms.max(1.0)))
    }
}

/// How a span of time differs, signed.
#[must_use]
pub fn signed(ns: i64) -> String {
    let sign = match ns {
        0 => "",
        ns if ns < 0 => "−",
        _ => "+",
    };
    format!("{sign}{}", text::seconds(ns.unsigned_abs() as f64 / 1e9))
}
