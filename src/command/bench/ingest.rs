//! What taking OTLP in costs, beside bare decoding of the same bytes; and what a record weighs in the store.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use telemetry::{
    Telemetry, TelemetryConfig,
    receive::{Batch, Signal},
    time::WallTime,
};

use super::{
    Measure, batches,
    figures::{Figure, Report, Row, Spread, Target, number},
    process_tree,
};
use crate::exit::Failure;

/// Records of the middle size; there are rows at a tenth and at ten times of it.
const RECORDS: usize = 102_400;
/// Ours in multiples of bare decoding: logs, spans, data points.
const TARGETS: [f64; 3] = [0.6, 0.6, 0.8];
/// Room for all records of the largest size.
const STORE_BYTES: usize = 8 << 30;

/// The peer.
const BARE: &str = "prost decode alone";

/// A store that holds all that is sent.
pub fn store() -> Telemetry {
    let config = TelemetryConfig {
        log_bytes: STORE_BYTES,
        trace_bytes: STORE_BYTES,
        ..TelemetryConfig::default()
    };
    Telemetry::new(config, Arc::new(WallTime))
}

/// A runtime of one thread, for what is asynchronous but does not wait.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(Failure::failed)
}

/// Memory of this process, bytes; 0 where the system does not tell.
pub fn resident_bytes() -> f64 {
    let id = std::process::id();
    let own = process_tree::read(id)
        .into_iter()
        .find(|process| process.pid == id);
    own.map_or(0.0, |process| process.resident_mib * 1024.0 * 1024.0)
}

/// Batches of a signal, `records` in all.
fn encoded(signal: Signal, records: usize) -> Vec<Bytes> {
    match signal {
        Signal::Logs => batches::logs(records),
        Signal::Metrics => batches::metrics(records),
        Signal::Traces => {
            let mut all = Vec::new();
            batches::spans(records / batches::TRACE_SPANS, |batch, _| all.push(batch));
            all
        }
    }
}

/// Measures.
pub fn run(measure: &Measure) -> Result<Report, Failure> {
    let mut rows = Vec::new();
    // while nothing has been freed yet that could be used again
    for signal in Signal::ALL {
        rows.extend(weight(measure, signal)?);
    }
    for (signal, target) in Signal::ALL.into_iter().zip(TARGETS) {
        for records in [RECORDS / 10, RECORDS, RECORDS * 10] {
            let all = encoded(signal, records);
            // data points of series that are known: so it is with all but a process's first export
            let known = match signal {
                Signal::Metrics => batches::FIRST_EXPORTS,
                Signal::Logs | Signal::Traces => 0,
            };
            let (before, all) = all.split_at(known);
            let target = Some(Target::TimesAtLeast(target));
            rows.push(beside_decoding(measure, signal, "", before, all, target)?);
        }
    }
    let first = batches::metrics(batches::FIRST_EXPORTS * batches::BATCH);
    let work = " of new series";
    rows.push(beside_decoding(
        measure,
        Signal::Metrics,
        work,
        &[],
        &first,
        None,
    )?);
    rows.push(over_http(measure)?);
    Ok(Report {
        area: "ingest",
        rows,
        missing: Vec::new(),
        notes: vec![
            format!("batches of {}, one after another; the way of an HTTP request after its body is read", batches::BATCH),
            "data points are of series whose first point came before the clock started, but for those of new series".to_owned(),
            "accounted is what the store counts against its budget, resident what the process grew by".to_owned(),
        ],
    })
}

fn of_records(signal: Signal, records: usize) -> String {
    let noun = match signal {
        Signal::Logs => "log records",
        Signal::Traces => "spans",
        Signal::Metrics => "data points",
    };
    format!("{} {noun}", number(records as f64))
}

/// Takes all batches in, as after the body of each was read.
pub fn take(
    telemetry: &Telemetry,
    runtime: &tokio::runtime::Runtime,
    signal: Signal,
    all: &[Bytes],
) -> Result<(), Failure> {
    for body in all {
        let taken = telemetry.receiver().receive(signal, body.clone());
        let refused = runtime.block_on(taken).map_err(Failure::failed)?;
        if let Some(refused) = refused {
            return Err(Failure::failed(format!(
                "{} records were refused: {}",
                refused.rejected, refused.message
            )));
        }
    }
    Ok(())
}

/// Records of a batch.
fn records_in(signal: Signal, body: &Bytes) -> Result<usize, Failure> {
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    let batch = Batch::decode(signal, body.clone()).map_err(Failure::failed)?;
    Ok(match batch {
        Batch::Logs(request) => {
            let scopes = request.resource_logs.iter().flat_map(|one| &one.scope_logs);
            scopes.map(|scope| scope.log_records.len()).sum()
        }
        Batch::Traces(request) => {
            let scopes = request
                .resource_spans
                .iter()
                .flat_map(|one| &one.scope_spans);
            scopes.map(|scope| scope.spans.len()).sum()
        }
        Batch::Metrics(request) => {
            let scopes = request
                .resource_metrics
                .iter()
                .flat_map(|one| &one.scope_metrics);
            let metrics = scopes.flat_map(|scope| &scope.metrics);
            let points = metrics.map(|metric| match &metric.data {
                Some(Data::Sum(sum)) => sum.data_points.len(),
                _ => 0,
            });
            points.sum()
        }
    })
}

fn per_second(records: usize, since: Instant) -> f64 {
    records as f64 / since.elapsed().as_secs_f64()
}

/// Takes batches into a store that has taken others before.
fn beside_decoding(
    measure: &Measure,
    signal: Signal,
    what: &str,
    before: &[Bytes],
    all: &[Bytes],
    target: Option<Target>,
) -> Result<Row, Failure> {
    let runtime = runtime()?;
    let records = all
        .iter()
        .map(|body| records_in(signal, body))
        .sum::<Result<usize, Failure>>()?;
    let mut ours = || {
        let telemetry = store();
        take(&telemetry, &runtime, signal, before)?;
        let start = Instant::now();
        take(&telemetry, &runtime, signal, all)?;
        Ok(per_second(records, start))
    };
    let mut bare = || {
        let start = Instant::now();
        for body in all {
            let batch = Batch::decode(signal, body.clone()).map_err(Failure::failed)?;
            drop(std::hint::black_box(batch));
        }
        Ok(per_second(records, start))
    };
    let mut figures = measure.side_by_side(
        &format!("ingest {}", signal.name()),
        &mut [("ours".to_owned(), &mut ours), (BARE.to_owned(), &mut bare)],
    )?;
    let peers = figures.split_off(1);
    Ok(Row {
        work: format!("{}{what} into the store", signal.name()),
        size: of_records(signal, records),
        unit: "/s",
        ours: figures.remove(0),
        peers,
        target,
    })
}

/// What a record takes: by the store's own account, and by the growth of the process.
fn weight(measure: &Measure, signal: Signal) -> Result<Vec<Row>, Failure> {
    measure.tell(&format!("ingest {}: memory …", signal.name()));
    let records = RECORDS * 10;
    let (all, runtime, telemetry) = (encoded(signal, records), runtime()?, store());
    let before = resident_bytes();
    take(&telemetry, &runtime, signal, &all)?;
    let resident = resident_bytes() - before;
    let stats = telemetry.stats();
    let (bytes, held) = match signal {
        Signal::Logs => (stats.logs.bytes, stats.logs.held),
        Signal::Traces => (stats.traces.bytes, stats.traces.held),
        Signal::Metrics => {
            let stats = telemetry.metrics.stats();
            (stats.sample_bytes, stats.samples)
        }
    };
    let row = |work: &str, bytes: f64| Row {
        work: format!("memory per record of {}, {work}", signal.name()),
        size: of_records(signal, records),
        unit: "bytes",
        ours: Figure {
            of: "ours".to_owned(),
            value: Spread::of(vec![bytes / held as f64]),
        },
        peers: Vec::new(),
        target: None,
    };
    Ok(vec![
        row("accounted", bytes as f64),
        row("resident", resident),
    ])
}

/// Spans over one HTTP connection.
fn over_http(measure: &Measure) -> Result<Row, Failure> {
    let all = encoded(Signal::Traces, RECORDS);
    let server = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    let mut ours = || {
        let telemetry = store();
        let listener = server
            .block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .map_err(Failure::failed)?;
        let address = listener.local_addr().map_err(Failure::failed)?;
        let app = telemetry.router();
        let serving = server.spawn(async move { axum::serve(listener, app).await });
        let mut stream = TcpStream::connect(address).map_err(Failure::failed)?;
        let start = Instant::now();
        for body in &all {
            post(&mut stream, Signal::Traces.http_path(), body)?;
        }
        let rate = per_second(RECORDS, start);
        serving.abort();
        Ok(rate)
    };
    let mut bare = || {
        let start = Instant::now();
        for body in &all {
            let batch = Batch::decode(Signal::Traces, body.clone()).map_err(Failure::failed)?;
            drop(std::hint::black_box(batch));
        }
        Ok(per_second(RECORDS, start))
    };
    let mut figures = measure.side_by_side(
        "ingest over HTTP",
        &mut [("ours".to_owned(), &mut ours), (BARE.to_owned(), &mut bare)],
    )?;
    let peers = figures.split_off(1);
    Ok(Row {
        work: "traces over one HTTP connection".to_owned(),
        size: of_records(Signal::Traces, RECORDS),
        unit: "/s",
        ours: figures.remove(0),
        peers,
        target: None,
    })
}

/// Sends a body and reads the answer, which must be 200.
fn post(stream: &mut TcpStream, path: &str, body: &[u8]) -> Result<(), Failure> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).map_err(Failure::failed)?;
    stream.write_all(body).map_err(Failure::failed)?;
    let mut answer = Vec::new();
    let mut part = [0; 1024];
    // an empty message: the head is all there is
    while !answer.ends_with(b"\r\n\r\n") {
        let read = stream.read(&mut part).map_err(Failure::failed)?;
        if read == 0 {
            break;
        }
        answer.extend_from_slice(&part[..read]);
    }
    if answer.starts_with(b"HTTP/1.1 200") {
        Ok(())
    } else {
        let answer = String::from_utf8_lossy(&answer);
        Err(Failure::failed(format!("a batch was answered: {answer}")))
    }
}
