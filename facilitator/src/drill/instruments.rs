//! The lab's instruments, on the telemetry of the same drill.

use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
};
use simulator::{
    clock::DrillClock,
    instruments::{Instruments, ScrapeTarget},
};
use telemetry::{Telemetry, alerts::Tune, scrape::Target};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::time::LabTime;

/// Lines on behalf of processes that may wait to be stored; beyond it they are dropped and counted in
/// the log of the program, as a process that floods its standard error must not stop the lab.
const LINES_WAITING: usize = 4_096;

/// See the head of this file.
pub(super) struct LabInstruments {
    telemetry: Telemetry,
    time: Arc<LabTime>,
    clock: Arc<DrillClock>,
    lines: mpsc::Sender<ExportLogsServiceRequest>,
}

impl LabInstruments {
    /// The instruments, and the lines that [`store_lines`] is to store.
    pub(super) fn new(
        telemetry: Telemetry,
        time: Arc<LabTime>,
        clock: Arc<DrillClock>,
    ) -> (Self, mpsc::Receiver<ExportLogsServiceRequest>) {
        let (lines, waiting) = mpsc::channel(LINES_WAITING);
        let instruments = Self {
            telemetry,
            time,
            clock,
            lines,
        };
        (instruments, waiting)
    }
}

/// Stores lines until cancelled, those that wait then included.
pub(super) async fn store_lines(
    telemetry: Telemetry,
    mut waiting: mpsc::Receiver<ExportLogsServiceRequest>,
    cancel: CancellationToken,
) {
    loop {
        let batch = tokio::select! {
            batch = waiting.recv() => batch,
            () = cancel.cancelled() => waiting.try_recv().ok(),
        };
        match batch {
            Some(batch) => telemetry.intake().logs(batch).await,
            None => return,
        }
    }
}

impl Instruments for LabInstruments {
    fn measure(&self, promql: &str, at_ns: i64) -> Result<Option<f64>, String> {
        let metrics = &self.telemetry.metrics;
        metrics
            .scalar(promql, at_ns)
            .map_err(|error| error.to_string())
    }

    fn set_targets(&self, targets: Vec<ScrapeTarget>) {
        let targets = targets
            .into_iter()
            .map(|target| {
                let job = if target.service == "load" {
                    "load"
                } else {
                    "shop"
                };
                Target {
                    labels: vec![
                        ("service".to_owned(), target.service),
                        ("instance".to_owned(), target.instance),
                        ("job".to_owned(), job.to_owned()),
                    ],
                    url: target.url,
                }
            })
            .collect();
        if let Err(error) = self.telemetry.metrics.scraper().set_targets(targets) {
            tracing::error!(%error, "the scrape targets stay as they were");
        }
    }

    fn tune_alert(
        &self,
        alert: &str,
        expr: Option<&str>,
        hold: Option<Duration>,
    ) -> Result<(), String> {
        let tune = Tune {
            expr: expr.map(str::to_owned),
            for_: hold,
        };
        let alerts = self.telemetry.metrics.alerts();
        alerts.tune(alert, tune).map_err(|error| error.to_string())
    }

    fn reset_alert(&self, alert: &str) {
        if let Err(error) = self.telemetry.metrics.alerts().reset_tune(alert) {
            tracing::error!(%error, alert, "the alert's rule stays as it is");
        }
    }

    fn anchor(&self, trace: [u8; 16], wall_ns: i64, drill_ns: i64) {
        self.time.anchor(trace, wall_ns, drill_ns);
    }

    fn log(&self, service: &str, instance: &str, severity: &str, line: &str) {
        let wall_ns = self.clock.wall_now_ns();
        let batch = batch(service, instance, severity, line, wall_ns);
        if let Err(error) = self.lines.try_send(batch) {
            tracing::warn!(%error, service, "a line on behalf of a service was dropped");
        }
    }
}

/// One line as a service would send it.
pub(super) fn batch(
    service: &str,
    instance: &str,
    severity: &str,
    line: &str,
    wall_ns: i64,
) -> ExportLogsServiceRequest {
    let text = |text: &str| {
        Some(AnyValue {
            value: Some(Value::StringValue(text.to_owned())),
        })
    };
    let attribute = |key: &str, value: &str| KeyValue {
        key: key.to_owned(),
        value: text(value),
        ..KeyValue::default()
    };
    let at = u64::try_from(wall_ns).unwrap_or(0);
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource {
                attributes: vec![
                    attribute("service.name", service),
                    attribute("service.instance.id", instance),
                ],
                ..Resource::default()
            }),
            scope_logs: vec![ScopeLogs {
                log_records: vec![LogRecord {
                    time_unix_nano: at,
                    observed_time_unix_nano: at,
                    severity_text: severity.to_owned(),
                    body: text(line),
                    ..LogRecord::default()
                }],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator::lab::release_queries;
    use telemetry::{TelemetryConfig, time::WallTime};

    /// Samples of one process: when, seconds, and how often it has answered well and with a failure by then. Whatever it
    /// answers takes less than 100 ms, and a failure up to 1 s.
    fn scraped(samples: &[(i64, f64, f64)]) -> Telemetry {
        let telemetry = Telemetry::new(TelemetryConfig::default(), Arc::new(WallTime));
        for (at_s, good, failed) in samples {
            for (status, le_100_ms, all) in [("200", *good, *good), ("500", 0.0, *failed)] {
                // a series begins with what it counts first
                if all == 0.0 {
                    continue;
                }
                let part = |suffix: &str, le: Option<&str>, value: f64| {
                    let name = format!("http_server_request_duration_seconds_{suffix}");
                    let mut labels = vec![
                        ("__name__", name.as_str()),
                        ("service", "orders"),
                        ("instance", "orders-1"),
                        ("status", status),
                    ];
                    labels.extend(le.map(|le| ("le", le)));
                    telemetry.metrics.append(&labels, at_s * 1_000, value);
                };
                part("count", None, all);
                part("bucket", Some("0.1"), le_100_ms);
                part("bucket", Some("1"), all);
                part("bucket", Some("+Inf"), all);
            }
        }
        telemetry
    }

    /// Requests, failures and p95 between second 1000 and second 1030.
    fn figures(telemetry: &Telemetry) -> [Option<f64>; 3] {
        let end_ns = 1_030_000_000_000;
        let names = ["orders-1".to_owned()];
        release_queries("orders", &names, (1_000_000_000_000, end_ns))
            .map(|query| telemetry.metrics.scalar(&query, end_ns).unwrap())
    }

    #[test]
    fn a_rollout_measures_what_a_process_has_answered_meanwhile() {
        let steady = [
            (990, 500.0, 40.0),
            (1_000, 510.0, 40.0),
            (1_030, 540.0, 50.0),
        ];
        let [requests, errors, p95] = figures(&scraped(&steady));
        assert_eq!((requests, errors), (Some(40.0), Some(10.0)));
        // 40 requests, 30 of them within 100 ms: the 38th is eight tenths into the others
        assert!((p95.unwrap() - 0.82).abs() < 1e-9, "{p95:?}");
        // a new release's first failure is where its series begins
        let new = [(1_010, 4.0, 0.0), (1_020, 8.0, 1.0)];
        assert_eq!(figures(&scraped(&new))[..2], [Some(9.0), Some(1.0)]);
        // one that no longer answers its scrape has counted what it has counted
        let gone = [(1_000, 10.0, 1.0), (1_004, 12.0, 2.0)];
        assert_eq!(figures(&scraped(&gone))[..2], [Some(3.0), Some(1.0)]);
        // and whoever was asked nothing has nothing
        assert_eq!(figures(&scraped(&[]))[..2], [Some(0.0), Some(0.0)]);
    }

    #[test]
    fn a_process_that_was_restarted_counts_anew_and_is_measured_all_the_same() {
        // before the rollout: its peak is from before the restart
        let before = [
            (900, 9_000.0, 900.0),
            (960, 5.0, 0.0),
            (1_000, 20.0, 1.0),
            (1_030, 40.0, 11.0),
        ];
        assert_eq!(figures(&scraped(&before))[..2], [Some(30.0), Some(10.0)]);
        // nothing had failed since the restart when the rollout began
        let fresh = [(990, 500.0, 90.0), (1_000, 3.0, 0.0), (1_030, 23.0, 4.0)];
        assert_eq!(figures(&scraped(&fresh))[..2], [Some(24.0), Some(4.0)]);
        // during the rollout, and it has overtaken what it was
        let during = [(1_000, 10.0, 2.0), (1_010, 1.0, 1.0), (1_030, 30.0, 10.0)];
        let [requests, errors, p95] = figures(&scraped(&during));
        assert_eq!((requests, errors), (Some(40.0), Some(10.0)));
        assert!((p95.unwrap() - 0.82).abs() < 1e-9, "{p95:?}");
    }
}
