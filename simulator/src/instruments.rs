//! What the lab needs of whoever watches it, as a narrow waist: the owner of lab and telemetry
//! implements it, so that neither knows the other.

use std::time::Duration;

/// A `/metrics` endpoint to scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrapeTarget {
    /// `service` label.
    pub service: String,
    /// `instance` label.
    pub instance: String,
    /// Full URL.
    pub url: String,
}

/// The instruments of a lab.
pub trait Instruments: Send + Sync + 'static {
    /// The value of a PromQL expression with at most one element, at a drill time (Unix nanoseconds).
    ///
    /// # Errors
    /// A message when the expression does not parse or has several elements.
    fn measure(&self, promql: &str, at_ns: i64) -> Result<Option<f64>, String>;

    /// Replaces the scrape targets.
    fn set_targets(&self, targets: Vec<ScrapeTarget>);

    /// Changes an alert rule's condition or `for`.
    ///
    /// # Errors
    /// A message when there is no such rule or the expression does not parse.
    fn tune_alert(
        &self,
        alert: &str,
        expr: Option<&str>,
        hold: Option<Duration>,
    ) -> Result<(), String>;

    /// Puts an alert rule back as authored.
    fn reset_alert(&self, alert: &str);

    /// Says that a trace began: its root's wall and drill time (Unix nanoseconds). All records of that trace keep their real
    /// offsets from it.
    fn anchor(&self, trace: [u8; 16], wall_ns: i64, drill_ns: i64);

    /// A log line on behalf of a process that could not send it itself (what it wrote to standard error, why it exited).
    fn log(&self, service: &str, instance: &str, severity: &str, line: &str);
}
