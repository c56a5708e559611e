//! Those who answer the queries: ours and the peers, each asked over HTTP in Prometheus' shape.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use telemetry::{
    metrics::{Metrics, MetricsConfig},
    promql::Limits,
    time::WallTime,
};
use tokio::runtime::Runtime;
use tower::ServiceExt;

use super::data::{SECONDS, START_S, Shop, Size};
use crate::{
    command::bench::{
        figures::Missing,
        peers::{Folder, Guard, find, free_port},
    },
    exit::Failure,
};

/// How long a peer may take to start or to read its data.
const PATIENCE: Duration = Duration::from_secs(300);
/// Bytes of the largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 256 << 20;
/// Bytes of text that are sent to a peer at once.
const IMPORT_BYTES: usize = 8 << 20;
/// Seconds between the steps of the queries.
pub const STEP_S: i64 = 5;

/// The path and query of a range query over the whole hour.
pub fn range_query(query: &str, more: &str) -> String {
    let mut path = String::from("/api/v1/query_range?query=");
    for byte in query.bytes() {
        if byte.is_ascii_alphanumeric() {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    // the last step within the samples: what is asked is over, as most of a dashboard is
    let end_s = START_S + SECONDS as i64 - STEP_S;
    path.push_str(&format!("&start={START_S}&end={end_s}&step={STEP_S}{more}"));
    path
}

/// Somebody who answers over HTTP.
pub struct Asked {
    /// The base URL, `/api` comes behind it.
    url: String,
    agent: ureq::Agent,
}

impl Asked {
    fn new(url: String) -> Self {
        let settings = ureq::Agent::config_builder().timeout_global(Some(PATIENCE));
        Self {
            url,
            agent: settings.build().new_agent(),
        }
    }

    /// The body of an answer.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let url = format!("{}{path}", self.url);
        let failed = |error| Failure::failed(format!("no answer from {url}: {error}"));
        let mut answer = self.agent.get(&url).call().map_err(failed)?;
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        body.read_to_vec().map_err(failed)
    }

    fn post(&self, path: &str, body: &str) -> Result<(), Failure> {
        let url = format!("{}{path}", self.url);
        let sent = self.agent.post(&url).send(body);
        sent.map(|_| ())
            .map_err(|error| Failure::failed(format!("{url} does not take samples: {error}")))
    }
}

/// Bytes that a process has resident, by its number or `self`.
fn resident_bytes(process: &str) -> Result<f64, Failure> {
    let path = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(&path).map_err(Failure::failed)?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    let kib = kib.ok_or_else(|| Failure::failed(format!("no resident size in {path}")))?;
    Ok(kib * 1024.0)
}

/// Our store, in this process, and its API on a port of loopback.
pub struct Ours {
    pub metrics: Metrics,
    pub http: Asked,
    runtime: Arc<Runtime>,
    /// By how many bytes this process grew as the samples came in.
    pub grown_bytes: f64,
}

impl Ours {
    pub fn start(size: Size, runtime: &Arc<Runtime>) -> Result<Self, Failure> {
        let usual = Limits::default();
        let config = MetricsConfig {
            limits: Limits {
                samples: usual.samples * 10,
                ..usual
            },
            ..MetricsConfig::default()
        };
        let metrics = Metrics::new(config, Arc::new(WallTime));
        let mut shop = Shop::new(size);
        let mut batch = shop.pending();
        let before = resident_bytes("self")?;
        for second in 0..SECONDS as i64 {
            shop.tick();
            shop.fill(&mut batch);
            if metrics.append_batch((START_S + second) * 1000, &mut batch) > 0 {
                return Err(Failure::failed("our store refused samples"));
            }
        }
        let grown_bytes = resident_bytes("self")? - before;
        let address = runtime.block_on(async {
            use axum::serve::ListenerExt;
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
            let address = listener.local_addr()?;
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            let router = metrics.router();
            tokio::spawn(async move { axum::serve(listener, router).await });
            std::io::Result::Ok(address)
        });
        let address = address.map_err(Failure::failed)?;
        Ok(Self {
            metrics,
            http: Asked::new(format!("http://{address}/prometheus")),
            runtime: runtime.clone(),
            grown_bytes,
        })
    }

    /// The body of an answer, without a connection.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, Failure> {
        self.runtime.block_on(async {
            let request = axum::extract::Request::get(format!("/prometheus{path}"))
                .body(axum::body::Body::empty())
                .map_err(Failure::failed)?;
            let Ok(answer) = self.metrics.router().oneshot(request).await;
            let body = axum::body::to_bytes(answer.into_body(), ANSWER_BYTES_MAX as usize).await;
            Ok(body.map_err(Failure::failed)?.to_vec())
        })
    }
}

/// A peer with the samples in it.
pub struct Peer {
    pub name: String,
    pub http: Asked,
    child: Guard,
    _folder: Folder,
}

impl Peer {
    /// Bytes that it has resident.
    pub fn resident_bytes(&self) -> Result<f64, Failure> {
        resident_bytes(&self.child.0.id().to_string())
    }

    pub fn victoria_metrics(
        size: Size,
        missing: &mut Vec<Missing>,
    ) -> Result<Option<Self>, Failure> {
        let Some(program) = find("victoria-metrics", "apt install victoria-metrics", missing)
        else {
            return Ok(None);
        };
        let folder = Folder::new("victoria-metrics")?;
        let port = free_port()?;
        let mut command = Command::new(program);
        command
            .arg(format!(
                "-storageDataPath={}",
                folder.0.join("data").display()
            ))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .args(["-retentionPeriod=100y", "-loggerLevel=ERROR"]);
        let mut peer = Self::start("VictoriaMetrics", command, port, folder, "/health")?;
        let (mut shop, mut text) = (Shop::new(size), String::new());
        for second in 1..=SECONDS {
            shop.tick();
            shop.write((START_S + second as i64 - 1) * 1000, &mut text);
            if text.len() > IMPORT_BYTES || second == SECONDS {
                peer.http.post("/api/v1/import/prometheus", &text)?;
                text.clear();
            }
        }
        // what was just taken in can be found from now on
        peer.http.get("/internal/force_flush")?;
        let about = peer.http.get("/metrics")?;
        peer.version(&String::from_utf8_lossy(&about), "short_version=\"v");
        Ok(Some(peer))
    }

    pub fn prometheus(size: Size, missing: &mut Vec<Missing>) -> Result<Option<Self>, Failure> {
        let (install, mut found) = ("apt install prometheus", |program| {
            find(program, "apt install prometheus", missing)
        });
        let (Some(program), Some(tool)) = (found("prometheus"), found("promtool")) else {
            return Ok(None);
        };
        let folder = Folder::new("prometheus")?;
        let (samples, data) = (folder.0.join("samples"), folder.0.join("data"));
        write_open_metrics(size, &samples).map_err(Failure::failed)?;
        let made = Command::new(tool)
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&samples, &data])
            .stdout(Stdio::null())
            .output()
            .map_err(Failure::failed)?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr).into_owned();
            return Err(Failure::failed(format!(
                "promtool ({install}) makes no blocks: {said}"
            )));
        }
        let _ = std::fs::remove_file(&samples);
        let settings = folder.0.join("prometheus.yml");
        std::fs::write(&settings, "global: {}\n").map_err(Failure::failed)?;
        let port = free_port()?;
        let mut command = Command::new(program);
        command
            .arg(format!("--config.file={}", settings.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let mut peer = Self::start("Prometheus", command, port, folder, "/-/ready")?;
        let about = peer.http.get("/api/v1/status/buildinfo")?;
        peer.version(&String::from_utf8_lossy(&about), "\"version\":\"");
        Ok(Some(peer))
    }

    fn start(
        name: &str,
        mut command: Command,
        port: u16,
        folder: Folder,
        ready: &str,
    ) -> Result<Self, Failure> {
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = quiet.spawn();
        let child = child.map_err(|error| Failure::failed(format!("{name}: {error}")))?;
        let mut peer = Self {
            name: name.to_owned(),
            http: Asked::new(format!("http://127.0.0.1:{port}")),
            child: Guard(child),
            _folder: folder,
        };
        let since = Instant::now();
        while let Err(failure) = peer.http.get(ready) {
            let ended = peer.child.0.try_wait().map_err(Failure::failed)?;
            if let Some(status) = ended {
                return Err(Failure::failed(format!("{name} ended with {status}")));
            }
            if since.elapsed() > PATIENCE {
                return Err(failure);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(peer)
    }

    /// Adds the version that stands in a text behind `before`, up to the next quote.
    fn version(&mut self, text: &str, before: &str) {
        let behind = text.split_once(before).map(|(_, behind)| behind);
        if let Some((version, _)) = behind.and_then(|behind| behind.split_once('"')) {
            let plain = version.split(['+', '-']).next().unwrap_or(version);
            self.name = format!("{} {plain}", self.name);
        }
    }
}

fn write_open_metrics(size: Size, path: &Path) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let (mut shop, mut text) = (Shop::new(size), String::new());
    for second in 0..SECONDS as i64 {
        shop.tick();
        text.clear();
        shop.write(START_S + second, &mut text);
        file.write_all(text.as_bytes())?;
    }
    file.write_all(b"# EOF\n")?;
    file.flush()
}

/// Labels and times of an answer's values.
pub type Values = BTreeMap<String, BTreeMap<i64, f64>>;

/// The values of an answer from its first full window on: before it, each answers in its own way.
pub fn values(body: &[u8]) -> Result<Values, Failure> {
    let wrong =
        |what: &str| Failure::failed(format!("an answer is not as Prometheus writes it: {what}"));
    let body: serde_json::Value = serde_json::from_slice(body).map_err(Failure::failed)?;
    let series = body["data"]["result"]
        .as_array()
        .ok_or_else(|| wrong("no result"))?;
    let mut found = Values::new();
    for one in series {
        let points = one["values"].as_array().ok_or_else(|| wrong("no values"))?;
        let values = found.entry(one["metric"].to_string()).or_default();
        for point in points {
            let at = point[0].as_f64().ok_or_else(|| wrong("no time"))? as i64;
            let value = point[1].as_str().and_then(|text| text.parse().ok());
            let value: f64 = value.ok_or_else(|| wrong("no value"))?;
            if (START_S + 60..START_S + SECONDS as i64).contains(&at) {
                values.insert(at, value);
            }
        }
    }
    Ok(found)
}

/// Refuses answers that differ by more than a millionth.
pub fn compare(ours: &Values, theirs: &Values, who: &str) -> Result<(), Failure> {
    let differ = |what: String| Err(Failure::failed(format!("{who} answers otherwise: {what}")));
    if !ours.keys().eq(theirs.keys()) || ours.is_empty() {
        let (ours, theirs) = (ours.keys(), theirs.keys());
        return differ(format!("series {theirs:?} and not {ours:?}"));
    }
    for (labels, values) in ours {
        let others = &theirs[labels];
        if !values.keys().eq(others.keys()) || values.is_empty() {
            return differ(format!("other times of {labels}"));
        }
        for (at, value) in values {
            let other = others[at];
            if (value - other).abs() > 1e-6 * value.abs().max(other.abs()) {
                return differ(format!("{other} and not {value} for {labels} at {at}"));
            }
        }
    }
    Ok(())
}
