//! Unmodified OpenTelemetry SDKs of other languages against both doors, and what of it our own query APIs answer.
//! The Rust SDK needs the toolchain only; Python and Node are installed into the target folder, from versions that are
//! pinned beside this file, and are mandatory where ignored tests are run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod install;
mod lab;
mod rust;
mod secure;

use std::process::Command;

use lab::Lab;

/// Runs a client to its end; it prints the ids of what it sent.
async fn run(mut command: Command, lab: &Lab, protocol: &str, temporality: &str) -> answers::Ids {
    let service = format!("{}-{temporality}", protocol.replace('/', "-"));
    command
        .args([protocol, &service])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", lab.endpoint(protocol))
        .env(
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            temporality,
        )
        .env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().expect("the client runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{protocol}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let line = said.lines().last().unwrap_or_default();
    let ids: serde_json::Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{said}: {error}"));
    let id = |name: &str| ids[name].as_str().unwrap().to_owned();
    answers::Ids {
        service,
        trace: id("trace"),
        root: id("root"),
        child: id("child"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs python3 with venv, and its package index"]
async fn the_python_sdk_is_seen_over_grpc_and_http() {
    let python = install::python();
    let client = install::clients().join("python/client.py");
    let lab = Lab::open().await;
    for (protocol, temporality) in [
        ("grpc", "cumulative"),
        ("grpc", "delta"),
        ("http/protobuf", "delta"),
    ] {
        let mut command = Command::new(&python);
        command.arg(&client);
        let ids = run(command, &lab, protocol, temporality).await;
        lab.holds(&ids, answers::Exemplars::Sent).await;
        lab.holds_exponential(&ids).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs node and npm, and its registry"]
async fn the_node_sdk_is_seen_over_json_protobuf_and_grpc() {
    let folder = install::node();
    let lab = Lab::open().await;
    for (protocol, temporality) in [
        ("http/json", "cumulative"),
        ("http/protobuf", "delta"),
        ("grpc", "delta"),
    ] {
        let mut command = Command::new("node");
        command.arg("client.js").current_dir(&folder);
        let ids = run(command, &lab, protocol, temporality).await;
        // this SDK has none
        lab.holds(&ids, answers::Exemplars::None).await;
    }
}
