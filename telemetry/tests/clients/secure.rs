//! Forwarding and webhooks to servers that speak TLS, with certificates that `openssl` makes for the occasion: Python's
//! https and gRPC servers, which know nothing of us.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use serde_json::Value;
use telemetry::alerts::notify::{Shape, Told, Webhook};
use telemetry::forward::{
    CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY, ENDPOINT, ForwardConfig, ForwardStats, Forwarded,
    Forwarder, PROTOCOL,
};
use telemetry::receive::Signal;
use telemetry::time::WallTime;
use telemetry::{Telemetry, TelemetryConfig};
use tokio_util::sync::CancellationToken;

use crate::install;

const LONG: Duration = Duration::from_secs(30);
/// Where the second half of the webhooks' test finds its server; it runs with another environment.
const HOOK: &str = "TEST_WEBHOOK";

/// Certificates in a folder that is removed afterwards.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn new() -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        for authority in ["authority", "stranger"] {
            let subject = format!("/CN={authority}");
            made.openssl(&[
                "req",
                "-x509",
                "-nodes",
                "-days",
                "2",
                "-subj",
                &subject,
                "-newkey",
                "rsa:2048",
                "-keyout",
                &format!("{authority}.key"),
                "-out",
                &format!("{authority}.pem"),
            ]);
        }
        made.signed("server", "subjectAltName=DNS:localhost,IP:127.0.0.1");
        made.signed("client", "extendedKeyUsage=clientAuth");
        made
    }

    fn signed(&self, name: &str, extension: &str) {
        std::fs::write(self.path("extension"), extension).unwrap();
        let (key, request, pem) = (
            format!("{name}.key"),
            format!("{name}.csr"),
            format!("{name}.pem"),
        );
        let subject = format!("/CN={name}");
        self.openssl(&[
            "req", "-nodes", "-subj", &subject, "-newkey", "rsa:2048", "-keyout", &key, "-out",
            &request,
        ]);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "authority.pem",
            "-CAkey",
            "authority.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "extension",
            "-out",
            &pem,
        ]);
    }

    fn openssl(&self, words: &[&str]) {
        let ran = Command::new("openssl")
            .args(words)
            .current_dir(self.0.path())
            .output();
        let ran = ran.unwrap_or_else(|error| panic!("openssl does not run: {error}"));
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "openssl {words:?}: {said}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

/// The servers; they end when their input does, at the latest with this process.
struct Servers {
    child: Child,
    input: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
    ports: Value,
}

impl Servers {
    fn start(certificates: &Certificates) -> Self {
        let mut child = Command::new(install::python())
            .arg(install::clients().join("python/secure.py"))
            .args(["server.pem", "server.key", "authority.pem"].map(|name| certificates.path(name)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut servers = Self {
            child,
            input,
            lines,
            ports: Value::Null,
        };
        servers.ports = servers.line();
        servers
    }

    /// The next request that they had.
    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    fn url(&self, door: &str) -> String {
        format!("https://localhost:{}", self.ports[door])
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

fn telemetry() -> Telemetry {
    Telemetry::new(TelemetryConfig::default(), Arc::new(WallTime))
}

/// Forwards a batch of each signal with these variables set, until each is sent or given up.
async fn forward(set: &[(&str, String)]) -> ForwardStats {
    let config = ForwardConfig::read(|name| {
        let found = set.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| value.clone())
    });
    let (forwarder, work) = Forwarder::new(config.unwrap().unwrap());
    let cancel = CancellationToken::new();
    let running = tokio::spawn(work.run(cancel.clone()));
    let lab = telemetry();
    lab.forward_to(&forwarder);
    lab.intake()
        .logs(ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs::default()],
        })
        .await;
    lab.intake()
        .traces(ExportTraceServiceRequest::default())
        .await;
    lab.intake()
        .metrics(ExportMetricsServiceRequest::default())
        .unwrap();
    let done = async {
        let settled = |of: &Forwarded| of.sent + of.failed == 1;
        while !Signal::ALL
            .into_iter()
            .all(|signal| settled(forwarder.stats().of(signal)))
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(LONG, done).await;
    assert!(waited.is_ok(), "{:?}", forwarder.stats());
    cancel.cancel();
    running.await.unwrap();
    forwarder.stats()
}

/// All signals were given up after one attempt; says why.
fn failed(stats: ForwardStats) -> String {
    for signal in Signal::ALL {
        let of = stats.of(signal);
        assert_eq!((of.failed, of.sent, of.retried), (1, 0, 0), "{stats:?}");
    }
    stats.problem.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs openssl, python3 with venv, and its package index"]
async fn collectors_that_speak_tls_get_everything_and_only_from_those_who_trust_them() {
    let certificates = Certificates::new();
    let mut servers = Servers::start(&certificates);
    let trusted = (CERTIFICATE, certificates.text("authority.pem"));

    for (door, protocol, paths) in [
        (
            "http",
            "http/protobuf",
            ["/v1/logs", "/v1/metrics", "/v1/traces"],
        ),
        ("grpc", "grpc", ["logs", "metrics", "traces"]),
    ] {
        let to = (ENDPOINT, servers.url(door));
        let protocol = (PROTOCOL, protocol.to_owned());
        let stats = forward(&[to.clone(), protocol.clone(), trusted.clone()]).await;
        for signal in Signal::ALL {
            assert_eq!(stats.of(signal).sent, 1, "{stats:?}");
        }
        let mut seen: Vec<String> = (0..3)
            .map(|_| servers.line()["path"].as_str().unwrap().to_owned())
            .collect();
        seen.sort();
        assert_eq!(seen, paths);

        let stranger = (CERTIFICATE, certificates.text("stranger.pem"));
        let problem = failed(forward(&[to, protocol, stranger]).await);
        assert!(
            problem.contains("UnknownIssuer") && problem.contains(CERTIFICATE),
            "{problem}"
        );
    }

    // one that wants to know who calls
    let to = (ENDPOINT, servers.url("known"));
    let problem = failed(forward(&[to.clone(), trusted.clone()]).await);
    assert!(problem.contains(CLIENT_CERTIFICATE), "{problem}");
    let certificate = (CLIENT_CERTIFICATE, certificates.text("client.pem"));
    let key = (CLIENT_KEY, certificates.text("client.key"));
    let stats = forward(&[to, trusted, certificate, key]).await;
    assert_eq!(stats.logs.sent, 1, "{stats:?}");
}

/// Tells a webhook of an alert, until it is told or given up.
async fn tell(url: &str) -> Told {
    let lab = telemetry();
    let rules = "groups: [{ name: g, rules: [{ alert: Errors, expr: errors > 5 }] }]";
    lab.metrics.alerts().load([("rules.yaml", rules)]).unwrap();
    lab.metrics.append(&[("__name__", "errors")], 1_000, 7.0);
    lab.metrics.alerts().evaluate(1_000_000_000);
    let hook = Webhook::new(url, Shape::Slack).unwrap();
    let work = lab.notify(vec![hook], "http://127.0.0.1:8300".into());
    let cancel = CancellationToken::new();
    let running = tokio::spawn(work.run(cancel.clone()));
    let told = || lab.stats().webhooks.remove(0);
    let done = async {
        while told().sent + told().failed == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(LONG, done).await.is_ok(),
        "{:?}",
        told()
    );
    cancel.cancel();
    running.await.unwrap();
    told()
}

/// Runs this test again in a process with another environment, where it tells the webhook, and returns what it said of that.
fn told_where(trusted: &Path, url: &str) -> String {
    let again = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "secure::webhooks_over_https_trust_what_the_machine_does",
        ])
        .args(["--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR")
        .env(HOOK, url)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(
        again.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&again.stderr)
    );
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs openssl, python3 with venv, and its package index"]
async fn webhooks_over_https_trust_what_the_machine_does() {
    if let Ok(url) = std::env::var(HOOK) {
        let told = tell(&url).await;
        println!(
            "sent {} failed {} problem {:?}",
            told.sent, told.failed, told.problem
        );
        return;
    }
    let certificates = Certificates::new();
    let mut servers = Servers::start(&certificates);
    let url = format!("{}/hook", servers.url("http"));
    let said = told_where(&certificates.path("authority.pem"), &url);
    assert!(said.contains("sent 1 failed 0 problem None"), "{said}");
    let seen = servers.line();
    assert_eq!(
        (seen["path"].as_str(), seen["kind"].as_str()),
        (Some("/hook"), Some("application/json"))
    );
    let said = told_where(&certificates.path("stranger.pem"), &url);
    assert!(said.contains("sent 0 failed 1"), "{said}");
    assert!(
        said.contains("UnknownIssuer") && said.contains("SSL_CERT_FILE"),
        "{said}"
    );
}
