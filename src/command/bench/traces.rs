//! What finding traces costs: one by its id, and pages of TraceQL's answers, newest first.

use std::time::Instant;

use telemetry::{Telemetry, receive::Signal};

use super::{
    Measure, batches,
    figures::{Figure, Report, Row, Spread, Target, number},
    ingest::{resident_bytes, runtime, store, take},
};
use crate::exit::Failure;

/// Traces of the middle size, to which the targets apply; there are rows at a tenth and at ten times of it.
const TRACES: usize = 100_000;
/// Traces of a page.
const PAGE: usize = 20;
/// Targets of the design, ms: a trace by its id, a page of a search.
const TARGETS_MS: (f64, f64) = (1.0, 20.0);
/// Memory that must be free for the largest size, bytes: some three times what it takes.
const FREE_BYTES: f64 = 4e9;

/// What is asked, and what is to be said of it. The rare attribute is on one span alone.
const QUESTIONS: [(&str, &str); 9] = [
    ("everything", "{}"),
    ("by duration", "{ duration > 895ms }"),
    ("by attribute", "{ span.http.response.status_code = 503 }"),
    ("by an attribute of one user", "{ .user.id = 4242 }"),
    ("by a rare attribute", "{ span.app.rare = \"needle\" }"),
    ("by an absent attribute", "{ span.app.rare = \"hay\" }"),
    (
        "by structure",
        "{ resource.service.name = \"checkout\" } >> { status = error }",
    ),
    (
        "by structure, one side rare",
        "{ kind = server } >> { span.app.rare = \"needle\" }",
    ),
    (
        "by a count",
        "{ kind = client && status = error } | count() > 2",
    ),
];

/// Measures.
pub fn run(measure: &Measure) -> Result<Report, Failure> {
    let mut rows = Vec::new();
    let mut notes = vec![format!("pages of {PAGE} traces over all time; in process")];
    for (traces, targets) in [
        (TRACES / 10, None),
        (TRACES, Some(TARGETS_MS)),
        (TRACES * 10, None),
    ] {
        if traces > TRACES && available_bytes().is_some_and(|free| free < FREE_BYTES) {
            notes.push(format!(
                "{} spans were left out: less than {} bytes of memory are available",
                number((traces * batches::TRACE_SPANS) as f64),
                number(FREE_BYTES)
            ));
            continue;
        }
        rows.extend(at_size(measure, traces, targets)?);
    }
    Ok(Report {
        area: "traces",
        rows,
        missing: Vec::new(),
        notes,
    })
}

/// Memory that can be had, bytes; `None` where the system does not tell.
fn available_bytes() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0)
}

fn at_size(
    measure: &Measure,
    traces: usize,
    targets_ms: Option<(f64, f64)>,
) -> Result<Vec<Row>, Failure> {
    let size = format!("{} spans", number((traces * batches::TRACE_SPANS) as f64));
    measure.tell(&format!("traces: {size} into the store …"));
    let before = resident_bytes();
    let (telemetry, oldest) = filled(traces)?;
    let resident = resident_bytes() - before;
    let stats = telemetry.stats().traces;
    let row = |work: String, unit, ours, target: Option<f64>| Row {
        work,
        size: size.clone(),
        unit,
        ours,
        peers: Vec::new(),
        target: target.map(Target::AtMost),
    };
    let once = |value: f64| Figure {
        of: "ours".to_owned(),
        value: Spread::of(vec![value / stats.held as f64]),
    };
    let mut rows = vec![
        row(
            "memory per span, accounted".to_owned(),
            "bytes",
            once(stats.bytes as f64),
            None,
        ),
        row(
            "memory per span, resident".to_owned(),
            "bytes",
            once(resident),
            None,
        ),
    ];
    let by_id = timed(measure, "a trace by its id", || {
        match telemetry.trace(&oldest) {
            Some(trace) if trace.spans.len() == batches::TRACE_SPANS => Ok(()),
            found => Err(format!("the oldest trace is {found:?}")),
        }
    })?;
    let target = targets_ms.map(|targets| targets.0);
    rows.push(row("a trace by its id".to_owned(), "ms", by_id, target));
    for (what, query) in QUESTIONS {
        let found = timed(measure, what, || {
            let hits = telemetry.search_traces(query, 0, i64::MAX, PAGE);
            hits.map(drop).map_err(|error| error.to_string())
        })?;
        let work = format!("a page {what}: {query}");
        rows.push(row(work, "ms", found, targets_ms.map(|targets| targets.1)));
    }
    Ok(rows)
}

/// A store with so many traces, and the id of one of the oldest.
fn filled(traces: usize) -> Result<(Telemetry, [u8; 16]), Failure> {
    let (telemetry, runtime) = (store(), runtime()?);
    let (mut first, mut taken) = (None, Ok(()));
    batches::spans(traces, |body, trace| {
        first.get_or_insert(trace);
        if taken.is_ok() {
            taken = take(&telemetry, &runtime, Signal::Traces, &[body]);
        }
    });
    taken?;
    let first = first.ok_or_else(|| Failure::failed("no batch was made"))?;
    Ok((telemetry, first))
}

/// How long some work takes, ms.
fn timed(
    measure: &Measure,
    what: &str,
    work: impl Fn() -> Result<(), String>,
) -> Result<Figure, Failure> {
    let mut sample = || {
        let start = Instant::now();
        work().map_err(Failure::failed)?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    let mut figures = measure.side_by_side(
        &format!("traces: {what}"),
        &mut [("ours".to_owned(), &mut sample)],
    )?;
    Ok(figures.remove(0))
}
