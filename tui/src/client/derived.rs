//! What the lab derives of a trace: its critical path, and the spans that repeat under one parent.

use std::collections::HashSet;

use serde::Deserialize;

use super::{Asker, Client};
use crate::Failure;

/// What is derived of one trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Derived {
    /// Ids of the spans on the critical path.
    pub critical: HashSet<String>,
    /// Equal siblings.
    pub groups: Vec<Group>,
    /// What these groups do, under all their parents; the greatest share first.
    pub operations: Vec<Operation>,
}

/// Equal siblings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Group {
    /// Ids of the spans, in order of time.
    pub span_ids: Vec<String>,
    /// Share of the trace's time in which at least one of them ran.
    pub share: f64,
}

/// What equal siblings do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Operation {
    /// Service that does it.
    pub service: String,
    /// The statement, or the name of the spans.
    pub name: String,
    /// How many spans.
    pub count: usize,
    /// Share of the trace's time in which at least one of them ran.
    pub share: f64,
}

#[derive(Deserialize)]
struct CriticalPath {
    spans: Vec<OnPath>,
}

#[derive(Deserialize)]
struct OnPath {
    span_id: String,
}

#[derive(Deserialize)]
struct Repeated {
    groups: Vec<Group>,
    operations: Vec<Operation>,
}

impl Client {
    /// What is derived of one trace, whose id is hexadecimal.
    ///
    /// # Errors
    /// As [`Client::drill`]; 404 when there is no such trace.
    pub async fn derived(&self, trace_id: &str) -> Result<Derived, Failure> {
        let path = |view: &str| format!("derived/traces/{trace_id}/{view}");
        let critical: CriticalPath = self
            .query(&path("critical-path"), &[], Asker::Screen)
            .await?;
        let repeated: Repeated = self.query(&path("repeated"), &[], Asker::Screen).await?;
        Ok(Derived {
            critical: critical.spans.into_iter().map(|s| s.span_id).collect(),
            groups: repeated.groups,
            operations: repeated.operations,
        })
    }
}
