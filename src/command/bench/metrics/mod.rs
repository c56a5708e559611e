//! `drill bench metrics`: range queries in PromQL over an hour of samples, and what a sample takes, beside VictoriaMetrics and
//! Prometheus with the same samples.

mod data;
mod subjects;

use std::{sync::Arc, time::Instant};

use super::{
    Measure, Subject,
    figures::{Figure, Missing, Report, Row, Spread, Target},
};
use crate::exit::Failure;
use data::{SECONDS, Size};
use subjects::{Asked, Ours, Peer, compare, range_query, values};

/// A tenth, the design's size, and ten times of it.
const SIZES: [Size; 3] = [
    Size {
        services: 4,
        routes: 1,
    },
    Size {
        services: 8,
        routes: 5,
    },
    Size {
        services: 80,
        routes: 5,
    },
];
/// Series beyond which Prometheus is left out.
const PROMETHEUS_SERIES_MAX: usize = 1_000;

/// What dashboards ask: name, query.
const QUERIES: [(&str, &str); 4] = [
    (
        "rate by service",
        "sum by (service)(rate(http_requests_total[1m]))",
    ),
    (
        "99th percentile",
        "histogram_quantile(0.99, sum by (le)(rate(http_request_duration_seconds_bucket[1m])))",
    ),
    (
        "99th percentile by service",
        "histogram_quantile(0.99, sum by (service, le)(rate(http_request_duration_seconds_bucket[1m])))",
    ),
    (
        "rate of one route",
        "rate(http_requests_total{service=\"checkout\",route=\"/a\"}[1m])",
    ),
];

/// Measures, one size after another; the stores stay, so that none grows into what another one left.
pub fn run(measure: &Measure) -> Result<Report, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(Failure::failed)?;
    let runtime = Arc::new(runtime);
    let (mut rows, mut kept) = (Vec::new(), Vec::new());
    let mut missing: Vec<Missing> = Vec::new();
    for size in SIZES {
        measure.tell(&format!("metrics: loading {} series …", size.series()));
        let ours = Ours::start(size, &runtime)?;
        let mut absent = Vec::new();
        let victoria = Peer::victoria_metrics(size, &mut absent)?;
        let prometheus = if size.series() > PROMETHEUS_SERIES_MAX {
            None
        } else {
            Peer::prometheus(size, &mut absent)?
        };
        absent.retain(|peer| !missing.contains(peer));
        missing.append(&mut absent);
        for (work, query) in QUERIES {
            let peers = (victoria.as_ref(), prometheus.as_ref());
            rows.push(queried(measure, (work, query), size, &ours, peers)?);
        }
        let peers: Vec<&Peer> = victoria.iter().chain(&prometheus).collect();
        rows.extend(memory(size, &ours, &peers)?);
        kept.push(ours);
    }
    Ok(Report {
        area: "metrics",
        rows,
        missing,
        notes: vec![
            "queries: each asked over loopback HTTP with a kept connection, JSON answer read but not parsed; \
             \"in process\" is our API without the connection. All answers are compared, within a millionth, before the clock runs."
                .to_owned(),
            "ours and VictoriaMetrics keep aggregations of what is past: \"ours\" and \"asked again\" are the same query once more, as a \
             dashboard asks it; \"anew\" is without what was kept (VictoriaMetrics: nocache=1; ours: the metric's name written as a \
             matcher). Prometheus keeps nothing."
                .to_owned(),
            "memory: ours is the growth of this process as the samples came in, accounted what the store counts against its budget; \
             a peer's is its whole process after the queries."
                .to_owned(),
            format!(
                "at {} series ours may load ten times the samples that its limit allows by default, and Prometheus is left out: \
                 its import wants some 3 GB of text.",
                SIZES[2].series()
            ),
        ],
    })
}

/// The same query in a form whose aggregation ours does not keep: the metric's name as a matcher.
fn never_kept(query: &str) -> String {
    let names = [
        "http_requests_total",
        "http_request_duration_seconds_bucket",
    ];
    names.iter().fold(query.to_owned(), |query, name| {
        query.replace(&format!("{name}["), &format!("{{__name__=\"{name}\"}}["))
    })
}

fn amount(size: Size) -> String {
    format!("{} series x {SECONDS}", size.series())
}

/// The design's target, at the design's size: at most what the first peer takes.
fn target(size: Size, peer: bool) -> Option<Target> {
    (peer && size == SIZES[1]).then_some(Target::TimesAtMost(1.0))
}

type Peers<'a> = (Option<&'a Peer>, Option<&'a Peer>);

/// One query, asked of all in turn after their answers were found to be the same.
fn queried(
    measure: &Measure,
    (work, query): (&str, &str),
    size: Size,
    ours: &Ours,
    (victoria, prometheus): Peers<'_>,
) -> Result<Row, Failure> {
    let (path, anew) = (range_query(query, ""), range_query(query, "&nocache=1"));
    let ours_anew = range_query(&never_kept(query), "");
    let expected = values(&ours.get(&path)?)?;
    compare(
        &expected,
        &values(&ours.http.get(&ours_anew)?)?,
        "ours, anew",
    )?;
    compare(
        &expected,
        &values(&ours.http.get(&path)?)?,
        "ours over HTTP",
    )?;
    let mut asked: Vec<(String, &Asked, &str)> = Vec::new();
    if let Some(peer) = victoria {
        asked.push((format!("{}, asked again", peer.name), &peer.http, &path));
        asked.push((format!("{}, anew", peer.name), &peer.http, &anew));
    }
    if let Some(peer) = prometheus {
        asked.push((peer.name.clone(), &peer.http, &path));
    }
    for (who, http, path) in &asked {
        compare(&expected, &values(&http.get(path)?)?, who)?;
    }
    let timed = |get: &dyn Fn() -> Result<Vec<u8>, Failure>| {
        let since = Instant::now();
        get()?;
        Ok(since.elapsed().as_secs_f64() * 1e3)
    };
    let mut over_http = || timed(&|| ours.http.get(&path));
    let mut over_http_anew = || timed(&|| ours.http.get(&ours_anew));
    let mut in_process = || timed(&|| ours.get(&path));
    let mut others: Vec<_> = asked
        .iter()
        .map(|(who, http, path)| (who, move || timed(&|| http.get(path))))
        .collect();
    let mut subjects: Vec<Subject<'_>> = vec![("ours".to_owned(), &mut over_http)];
    for (who, other) in &mut others {
        subjects.push(((*who).clone(), other));
    }
    subjects.push(("ours, anew".to_owned(), &mut over_http_anew));
    subjects.push(("ours, in process".to_owned(), &mut in_process));
    let mut figures = measure.side_by_side(&format!("metrics: {work}"), &mut subjects)?;
    Ok(Row {
        work: work.to_owned(),
        size: amount(size),
        unit: "ms",
        ours: figures.remove(0),
        peers: figures,
        target: target(size, victoria.is_some()),
    })
}

/// What the samples take.
fn memory(size: Size, ours: &Ours, peers: &[&Peer]) -> Result<Vec<Row>, Failure> {
    const MIB: f64 = 1024.0 * 1024.0;
    let once = |of: &str, value: f64| Figure {
        of: of.to_owned(),
        value: Spread::of(vec![value]),
    };
    let stats = ours.metrics.stats();
    let samples = stats.samples as f64;
    let row = |work: &str, unit, ours| Row {
        work: work.to_owned(),
        size: amount(size),
        unit,
        ours,
        peers: Vec::new(),
        target: None,
    };
    let mut whole = row("memory", "MiB", once("ours", ours.grown_bytes / MIB));
    let mut each = row(
        "memory of a sample",
        "bytes",
        once("ours", ours.grown_bytes / samples),
    );
    for peer in peers {
        let resident = peer.resident_bytes()?;
        whole.peers.push(once(&peer.name, resident / MIB));
        each.peers.push(once(&peer.name, resident / samples));
    }
    whole.target = target(size, !peers.is_empty());
    let accounted = stats.sample_bytes as f64 / samples;
    each.peers.push(once("ours, as accounted", accounted));
    Ok(vec![whole, each])
}
