//! A whole drill that forwards what it receives to a collector, and what stays in the house.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use serde_json::Value;
use telemetry::{Telemetry, TelemetryConfig, receive::grpc, time::WallTime};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long the drill may take to say or send something: far beyond any honest wait, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ends a drill that a failed test leaves behind.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn drill(folder: &Path, endpoint: &str, protocol: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drill"));
    command
        .args(["run", "quiet-night", "--headless", "--json", "--seed", "7"])
        .current_dir(folder)
        .env_remove("DRILL_LOGS")
        .env_remove("DRILL_SCENARIOS")
        .env_remove("DRILL_DATABASE_URL")
        .env_remove("DRILL_OTLP_GRPC")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        .stdin(Stdio::null());
    command
}

/// Environments of the processes that descend from `pid`, by `/proc`.
fn environments(pid: u32) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = pids.filter(|candidate| {
        let status = fs::read_to_string(format!("/proc/{candidate}/status")).unwrap_or_default();
        let mut parents = status.lines().filter_map(|line| line.strip_prefix("PPid:"));
        parents.any(|parent| parent.trim() == pid.to_string())
    });
    children
        .filter_map(|child| fs::read(format!("/proc/{child}/environ")).ok())
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_gets_all_signals_and_no_service_knows_of_it() {
    let collector = Telemetry::new(TelemetryConfig::default(), Arc::new(WallTime));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let closed = CancellationToken::new();
    let receiving = grpc::serve(listener, collector.receiver().clone(), closed.clone());
    tokio::spawn(receiving);

    let folder = tempfile::tempdir().unwrap();
    let mut command = drill(folder.path(), &endpoint, "grpc");
    let mut running = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let (first, lines) = tokio::task::spawn_blocking(move || {
        let first = lines.next().expect("a first line").unwrap();
        (first, lines)
    })
    .await
    .unwrap();
    // whoever writes more than a pipe holds must be read
    std::thread::spawn(move || lines.for_each(drop));
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["forward"], endpoint, "{first}");
    let door = first["otlp_grpc"].as_str().unwrap();
    assert!(door.starts_with("http://127.0.0.1:"), "{first}");
    assert_ne!(first["otlp_grpc"], first["api"]);

    let arrived = async {
        loop {
            let stats = collector.stats();
            let series = collector.metrics.stats().series;
            if stats.logs.held > 0 && stats.traces.held > 0 && series > 100 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let arrived = tokio::time::timeout(PATIENCE, arrived).await;
    assert!(
        arrived.is_ok(),
        "{:?}, {:?}",
        collector.stats(),
        collector.metrics.stats()
    );
    let services = environments(running.0.id());
    assert!(services.len() >= 8, "{}", services.len());
    let told = services
        .iter()
        .find(|environment| environment.contains("OTEL"));
    assert_eq!(told, None, "a service could go past the lab");
    closed.cancel();
}

#[test]
fn what_cannot_be_forwarded_to_is_said_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    for (endpoint, protocol, says) in [
        ("ftp://collector", "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("https://collector", "grpc", "/no/such/authority.pem"),
        (
            "http://127.0.0.1:4318",
            "http/json",
            "http/protobuf or grpc",
        ),
    ] {
        let mut command = drill(folder.path(), endpoint, protocol);
        command.env("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/authority.pem");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says) && said.contains("unset"), "{said}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
