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
