//! The load generator: whether it holds its schedule, whether its latencies are those that the server itself sees, and how much
//! it sends at most beside wrk.

use std::{
    convert::Infallible,
    io::Read,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::State, routing::get};
use simulator::load::alone::{self, Arrival, Plan, Report as Run};
use tokio_util::sync::CancellationToken;

use super::{
    Measure,
    figures::{Figure, Report, Row, Spread, Target},
    peers::{self, Guard},
};
use crate::{
    command::{program, runtime},
    exit::Failure,
};

/// Requests per second of the schedule.
const RATE: f64 = 5_000.0;
/// Requests per second in the comparison of latencies.
const CAPTURED_RATE: f64 = 1_000.0;
/// How long each run sends.
const WINDOW: Duration = Duration::from_secs(5);
/// More than can be sent.
const FLOOD: f64 = 400_000.0;
/// Connections of the flood, ours and wrk's.
const CONNECTIONS: usize = 64;
/// The server's own work in the comparison of latencies.
const SERVICE: Duration = Duration::from_millis(4);
/// Target of the design, milliseconds; and how far the server's capture may be from ours.
const TARGETS: (f64, f64) = (1.0, 1.0);

/// What one round gave.
struct Sample {
    delay_p99_ms: f64,
    rate: f64,
    apart_p50_ms: f64,
    apart_p99_ms: f64,
    flood: f64,
}

/// Measures.
pub fn run(measure: &Measure) -> Result<Report, Failure> {
    let mut missing = Vec::new();
    let wrk = peers::find("wrk", "apt install wrk", &mut missing);
    let (mut samples, mut limits) = (Vec::new(), Vec::new());
    let server = bare()?;
    let url = format!("http://{}/", server.1);
    // the first round warms up
    for round in 0..=measure.runs {
        measure.tell(&format!("load: {round} of {} …", measure.runs));
        let sample = sample(&url)?;
        let limit = wrk.as_deref().map(|wrk| limit(wrk, &url)).transpose()?;
        if round > 0 {
            samples.push(sample);
            limits.extend(limit);
        }
    }
    let ours = |pick: fn(&Sample) -> f64| Figure {
        of: "ours".to_owned(),
        value: Spread::of(samples.iter().map(pick).collect()),
    };
    let row = |work: &str, unit, ours, target| Row {
        work: work.to_owned(),
        size: format!("{RATE:.0} requests/s"),
        unit,
        ours,
        peers: Vec::new(),
        target,
    };
    let most = |most| Some(Target::AtMost(most));
    let rows = vec![
        row(
            "send delay, p99",
            "ms",
            ours(|s| s.delay_p99_ms),
            most(TARGETS.0),
        ),
        row("rate that was reached", "/s", ours(|s| s.rate), None),
        captured_row(row(
            "latency apart from the server's capture, p50",
            "ms",
            ours(|s| s.apart_p50_ms),
            most(TARGETS.1),
        )),
        captured_row(row(
            "latency apart from the server's capture, p99",
            "ms",
            ours(|s| s.apart_p99_ms),
            None,
        )),
        Row {
            size: format!("{CONNECTIONS} connections"),
            peers: (!limits.is_empty())
                .then(|| Figure {
                    of: "wrk".to_owned(),
                    value: Spread::of(limits),
                })
                .into_iter()
                .collect(),
            ..row("most requests", "/s", ours(|s| s.flood), None)
        },
    ];
    Ok(Report {
        area: "load",
        rows,
        missing,
        notes: vec![
            "the server is a bare axum process on the same cores".to_owned(),
            format!("for the capture a server in this process works {} ms and takes the time itself, from reading a request to its answer", SERVICE.as_millis()),
            "wrk sends the next request when the last was answered; ours keeps a schedule that cannot be held".to_owned(),
        ],
    })
}

fn captured_row(row: Row) -> Row {
    Row {
        size: format!("{CAPTURED_RATE:.0} requests/s"),
        ..row
    }
}

fn sample(url: &str) -> Result<Sample, Failure> {
    let steady = sent(plan(url, RATE, WINDOW, 1_000)?)?;
    if steady.errors.total() > 0 {
        return Err(Failure::failed(format!(
            "{} requests had errors",
            steady.errors.total()
        )));
    }
    let (seen, ours) = captured()?;
    let flood = sent(Plan {
        // what waits longer for a connection is let go, or the run would outlast its window
        timeout: Duration::from_millis(100),
        ..plan(url, FLOOD, WINDOW / 2, CONNECTIONS)?
    })?;
    Ok(Sample {
        delay_p99_ms: steady.send_delay_ms.p99,
        rate: steady.rate_per_s,
        apart_p50_ms: (ours.latency_ms.p50 - at(&seen, 0.5)).abs(),
        apart_p99_ms: (ours.latency_ms.p99 - at(&seen, 0.99)).abs(),
        flood: flood.rate_per_s,
    })
}

fn plan(url: &str, rate: f64, duration: Duration, connections: usize) -> Result<Plan, Failure> {
    Ok(Plan {
        targets: vec![url.parse().map_err(Failure::failed)?],
        method: http::Method::GET,
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        rate,
        arrival: Arrival::Poisson,
        ramp: Duration::ZERO,
        duration,
        timeout: Duration::from_secs(5),
        connections,
        seed: 1,
        walks: None,
    })
}

fn sent(plan: Plan) -> Result<Run, Failure> {
    let every = Duration::from_secs(3_600);
    Ok(runtime()?.block_on(alone::run(plan, every, |_| {}, &CancellationToken::new())))
}

/// A quantile of sorted values.
fn at(sorted: &[f64], quantile: f64) -> f64 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    // an index of what is there
    let place = (sorted.len() as f64 * quantile) as usize;
    sorted
        .get(place.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}

/// Milliseconds that a server took by its own watch, sorted, and what the generator says of the same requests.
fn captured() -> Result<(Vec<f64>, Run), Failure> {
    let seen = Arc::<std::sync::Mutex<Vec<f64>>>::default();
    let app = Router::new().route("/", get(work)).with_state(seen.clone());
    let (tell, told) = std::sync::mpsc::channel();
    let cancel = CancellationToken::new();
    let over = cancel.clone();
    let server = std::thread::spawn(move || -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::failed)?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
            let listener = listener.map_err(Failure::failed)?;
            let _ = tell.send(listener.local_addr().map_err(Failure::failed)?);
            tokio::select! {
                () = over.cancelled() => Ok(()),
                served = async { axum::serve(listener, app).await } => served.map_err(Failure::failed),
            }
        })
    });
    let address = told.recv().map_err(Failure::failed)?;
    let run = sent(plan(
        &format!("http://{address}/"),
        CAPTURED_RATE,
        WINDOW / 2,
        1_000,
    )?);
    cancel.cancel();
    server
        .join()
        .map_err(|_| Failure::failed("the server of the benchmark ended badly"))??;
    let mut seen = std::mem::take(&mut *seen.lock().map_err(Failure::failed)?);
    seen.sort_by(f64::total_cmp);
    Ok((seen, run?))
}

async fn work(
    State(seen): State<Arc<std::sync::Mutex<Vec<f64>>>>,
) -> Result<&'static str, Infallible> {
    let began = Instant::now();
    tokio::time::sleep(SERVICE).await;
    if let Ok(mut seen) = seen.lock() {
        seen.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok("ok")
}

/// A bare axum process, and where it listens.
fn bare() -> Result<(Guard, SocketAddr), Failure> {
    let child = Command::new(program()?)
        .arg("bare")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(Failure::failed)?;
    let mut guard = Guard(child);
    let mut said = Vec::new();
    let mut out = guard.0.stdout.take();
    let mut byte = [0];
    while let Some(Ok(1)) = out.as_mut().map(|out| out.read(&mut byte)) {
        if byte == *b"\n" {
            break;
        }
        said.push(byte[0]);
    }
    let port = String::from_utf8_lossy(&said).trim().parse();
    let port: u16 = port.map_err(|_| Failure::failed("the bare server says no port"))?;
    Ok((guard, (Ipv4Addr::LOCALHOST, port).into()))
}

/// Requests per second that wrk comes to.
fn limit(wrk: &Path, url: &str) -> Result<f64, Failure> {
    let seconds = (WINDOW / 2).as_secs().max(1).to_string();
    let connections = CONNECTIONS.to_string();
    let output = Command::new(wrk)
        .args(["-t2", "-c", &connections, "-d", &seconds, url])
        .output()
        .map_err(Failure::failed)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .find_map(|line| {
            line.trim()
                .strip_prefix("Requests/sec:")?
                .trim()
                .parse()
                .ok()
        })
        .ok_or_else(|| Failure::failed(format!("wrk says nothing of requests per second: {text}")))
}
