//! The service graph that the lab computes from traces.

use serde::Deserialize;

use super::{Asker, Client};
use crate::Failure;
use crate::time::Window;

/// Services, calls between them, and the cycles among them.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Graph {
    /// Whether the figures are estimates, as only a share of the traces was kept.
    #[serde(default)]
    pub sampled: bool,
    /// Services.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// Calls.
    #[serde(default)]
    pub edges: Vec<Edge>,
    /// Groups of services that call each other in a ring.
    #[serde(default)]
    pub cycles: Vec<Vec<String>>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Node {
    /// Name.
    pub id: String,
    /// Calls received in the window.
    #[serde(default)]
    pub calls: f64,
    /// Of these, failed.
    #[serde(default)]
    pub errors: f64,
    /// 95th percentile of their duration, milliseconds.
    #[serde(default)]
    pub p95_ms: Option<f64>,
}

/// Calls from one service to another.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Edge {
    /// Caller.
    pub from: String,
    /// Called.
    pub to: String,
    /// Calls in the window.
    #[serde(default)]
    pub calls: f64,
    /// Calls per second.
    #[serde(default)]
    pub rate: f64,
    /// Share that failed, 0 to 1.
    #[serde(default)]
    pub error_share: f64,
    /// Median, milliseconds.
    #[serde(default)]
    pub p50_ms: Option<f64>,
    /// 95th percentile, milliseconds.
    #[serde(default)]
    pub p95_ms: Option<f64>,
    /// 99th percentile, milliseconds.
    #[serde(default)]
    pub p99_ms: Option<f64>,
}

impl Graph {
    /// Whether both ends of an edge lie on one cycle.
    #[must_use]
    pub fn on_cycle(&self, edge: &Edge) -> bool {
        self.cycles
            .iter()
            .any(|c| c.contains(&edge.from) && c.contains(&edge.to))
    }
}

impl Client {
    /// The graph of a window.
    ///
    /// # Errors
    /// As [`Client::drill`].
    pub async fn graph(&self, window: Window, asker: Asker) -> Result<Graph, Failure> {
        let parameters = [
            ("start", window.start_ms.div_euclid(1000).to_string()),
            ("end", (window.end_ms.div_euclid(1000) + 1).to_string()),
            ("format", "json".to_owned()),
        ];
        self.query("graph", &parameters, asker).await
    }
}
