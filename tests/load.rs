//! `drill load`: the real program against a server of the test's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    net::SocketAddr,
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{Router, extract::Request, http::StatusCode};
use serde_json::Value;

/// A server that counts, on a runtime of its own.
struct Server {
    address: SocketAddr,
    asked: Arc<AtomicU64>,
    _runtime: tokio::runtime::Runtime,
}

impl Server {
    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<AtomicU64>::default();
        let seen = asked.clone();
        let app = Router::new().fallback(move |request: Request| async move {
            seen.fetch_add(1, Ordering::Relaxed);
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1_000).await.unwrap_or_default();
            let wanted = parts.method == "GET"
                || (parts.headers.get("x-a").is_some_and(|a| a == "b") && body == "{\"a\":1}");
            match parts.uri.path() {
                "/bad" => StatusCode::INTERNAL_SERVER_ERROR,
                _ if wanted => StatusCode::OK,
                _ => StatusCode::BAD_REQUEST,
            }
        });
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await
        });
        Self {
            address,
            asked,
            _runtime: runtime,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn drill(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drill"));
    command
        .arg("load")
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn output(words: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = drill(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// Ninety-nine requests in a second.
const SECOND: [&str; 8] = [
    "--rate",
    "100",
    "--duration",
    "1s",
    "--arrivals",
    "uniform",
    "--seed",
    "3",
];

#[test]
fn figures_are_printed_and_objectives_decide_the_exit_code() {
    let server = Server::open();
    let url = server.url("/");
    let (code, text, said) = output(
        &[
            &SECOND[..],
            &["--target", &url, "--slo", "errors<1%", "--slo", "rate>50/s"],
        ]
        .concat(),
    );
    assert_eq!(code, 0, "{text}{said}");
    assert!(said.contains("seed 3"), "{said}");
    for part in [
        "requests     99 in 1.0 s",
        "statuses     200: 99",
        "send delay",
        "pass  errors<1%",
        "pass  rate>50/s",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(
        server.asked.load(Ordering::Relaxed),
        99,
        "and nothing besides"
    );
}

#[test]
fn the_figures_are_one_object_for_programs() {
    let server = Server::open();
    let (url, bad) = (server.url("/"), server.url("/bad"));
    let folder = tempfile::tempdir().unwrap();
    let body = folder.path().join("body.json");
    std::fs::write(&body, "{\"a\":1}").unwrap();
    let body = format!("@{}", body.display());
    let target = format!("3*{bad}");
    let words = [
        "--json",
        "--method",
        "POST",
        "--header",
        "x-a: b",
        "--body",
        &body,
        "--target",
        &url,
        "--target",
        &target,
        "--slo",
        "errors<1%",
    ];
    let (code, text, said) = output(&[&SECOND[..], &words].concat());
    assert_eq!(code, 1, "{text}{said}");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&report["requests"], &report["sent"], &report["seed"]),
        (&99.into(), &99.into(), &3.into())
    );
    assert_eq!(report["slo"][0]["met"], false);
    let (fine, bad) = (
        report["statuses"]["200"].as_u64().unwrap(),
        report["statuses"]["500"].as_u64().unwrap(),
    );
    assert_eq!(
        fine + bad,
        99,
        "the body, the header and the method have arrived: {text}"
    );
    assert!(bad > 2 * fine - 15, "three of four: {bad} and {fine}");
    assert_eq!(report["errors"]["status"], bad);
    for key in [
        "rate_per_s",
        "error_share",
        "planned_rate_per_s",
        "late",
        "unsent",
        "abandoned",
        "bytes",
        "elapsed_s",
        "interrupted",
        "targets",
        "steps",
    ] {
        assert!(!report[key].is_null(), "{key}");
    }
    for key in ["mean", "p50", "p90", "p95", "p99", "p999", "max"] {
        assert!(
            report["latency_ms"][key].is_number() && report["send_delay_ms"][key].is_number(),
            "{key}"
        );
    }
}

#[test]
fn what_cannot_be_is_told_before_anything_is_sent() {
    let server = Server::open();
    let url = server.url("/");
    for (words, code, part) in [
        (
            &["--target", "http://127.0.0.1:1/"][..],
            3,
            "no connection to 127.0.0.1:1",
        ),
        (&[], 2, "--target"),
        (
            &["--target", "ftp://a"],
            2,
            "no http:// or https:// address",
        ),
        (&["--target", &url, "--rate", "0"], 2, "number per second"),
        (&["--target", &url, "--users", "0"], 2, "1..=1000000"),
        (
            &["--target", &url, "--users", "5", "--rate", "5"],
            2,
            "cannot be used with",
        ),
        (
            &["--target", &url, "--slo", "p99<250"],
            2,
            "is no objective",
        ),
        (
            &["--target", &url, "--header", "x"],
            2,
            "a name and a value",
        ),
        (
            &["--target", &url, "--body", "@/no/such/file"],
            2,
            "cannot be read",
        ),
        (
            &["--target", &url, "--ramp", "2s", "--duration", "1s"],
            2,
            "the ramp is longer",
        ),
        (
            &["--target", &url, "--target", &url, "--shop"],
            2,
            "one door",
        ),
        (
            &["--target", &url, "--duration", "0s"],
            2,
            "longer than nothing",
        ),
    ] {
        let (found, text, said) = output(words);
        assert_eq!(found, code, "{words:?}: {text}{said}");
        assert!(said.contains(part), "{words:?}: {said}");
    }
    assert_eq!(server.asked.load(Ordering::Relaxed), 0);
}

#[test]
fn a_signal_ends_it_early_with_the_table() {
    let server = Server::open();
    let child = drill(&[
        "--target",
        &server.url("/"),
        "--rate",
        "200",
        "--duration",
        "1h",
    ])
    .spawn()
    .unwrap();
    let began = std::time::Instant::now();
    while server.asked.load(Ordering::Relaxed) < 20 {
        assert!(began.elapsed().as_secs() < 120, "it sends nothing");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let Output { status, stdout, .. } = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&stdout);
    assert_eq!(status.code(), Some(130), "{text}");
    assert!(
        text.contains(", cut short") && text.contains("latency      p50"),
        "{text}"
    );
}
