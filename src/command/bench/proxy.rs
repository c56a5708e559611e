//! What the proxy costs and how exact its toxics are, beside HAProxy and nginx on the same server in the same run.

use std::{net::TcpListener, path::PathBuf, time::Duration};

use super::{
    Measure,
    figures::{Figure, Missing, Report, Row, Spread, Target},
    peers,
    proxy_load::{self as load, Load},
    proxy_subjects::{Stage, Subject},
};
use crate::exit::Failure;

/// Length of one sample.
const SAMPLE: Duration = Duration::from_secs(2);
/// Idle connections whose memory is measured, where the limit of open files allows it.
const IDLE: usize = 10_000;
/// The delay and the jitter that are asked for, milliseconds.
const DELAY_MS: f64 = 50.0;
const JITTER_MS: f64 = 20.0;
/// Requests whose delays are looked at in one sample.
const DELAYS: usize = 40;
/// The rate that is asked for, and how much is sent at it.
const RATE_KB_PER_S: usize = 2_000;
const TRANSFER_BYTES: usize = 1_000_000;

/// Measures.
pub fn run(measure: &Measure) -> Result<Report, Failure> {
    let folder = std::env::temp_dir().join(format!("drill-bench-proxy-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(Failure::failed)?;
    let report = in_folder(measure, &Stage { folder: &folder });
    let _ = std::fs::remove_dir_all(&folder);
    report
}

fn in_folder(measure: &Measure, stage: &Stage<'_>) -> Result<Report, Failure> {
    let mut missing = Vec::new();
    let wrk = peers::find("wrk", "apt install wrk", &mut missing);
    let server = stage.server(&mut missing)?;
    let to = &server.address;
    let mut subjects = vec![stage.ours("ours", to, &[])?];
    subjects.extend(stage.haproxy(to, &mut missing)?);
    subjects.extend(stage.nginx(to, &mut missing)?);
    subjects.extend(stage.toxiproxy(to, 0, &mut missing)?);
    subjects.extend(stage.trixter(to, 0, &mut missing)?);
    subjects.push(Subject::direct(to));

    let mut rows = Vec::new();
    for connections in [64, 1] {
        rows.extend(throughput(measure, wrk.as_ref(), &subjects, connections)?);
    }
    rows.push(connects(measure, &subjects)?);
    drop(subjects);
    rows.push(delayed(measure, wrk.as_ref(), stage, to)?);
    rows.extend(accuracy(measure, stage, to)?);
    rows.push(bandwidth(measure, stage)?);
    rows.push(idle_memory(measure, stage, &mut missing)?);
    let mut notes = vec![
        "client, proxy and server share the machine: the ratio is what counts".to_owned(),
        format!("the server behind is {}", server.of),
        "errors of delays are beyond a request through the proxy without toxic".to_owned(),
    ];
    if wrk.is_none() {
        notes.push("without wrk the client is one thread a connection, and costs more".to_owned());
    }
    missing.dedup();
    Ok(Report {
        area: "proxy",
        rows,
        missing,
        notes,
    })
}

fn row(
    work: &str,
    size: &str,
    unit: &'static str,
    mut figures: Vec<Figure>,
    target: Option<Target>,
) -> Row {
    let ours = figures.remove(0);
    Row {
        work: work.to_owned(),
        size: size.to_owned(),
        unit,
        ours,
        peers: figures,
        target,
    }
}

/// Requests a second, their times, and what the proxy itself spends on them.
fn throughput(
    measure: &Measure,
    wrk: Option<&PathBuf>,
    subjects: &[Subject],
    connections: usize,
) -> Result<Vec<Row>, Failure> {
    let mut samples: Vec<Vec<(Load, f64)>> = vec![Vec::new(); subjects.len()];
    for round in 0..=measure.runs {
        for (subject, samples) in subjects.iter().zip(&mut samples) {
            let runs = measure.runs;
            measure.tell(&format!(
                "proxy, {connections} connections: {}, {round} of {runs} …",
                subject.of
            ));
            let cpu = subject.cpu_seconds();
            let wrk = wrk.map(PathBuf::as_path);
            let load = load::closed_loop(wrk, &subject.address, connections, SAMPLE)?;
            let cpu = subject.cpu_seconds() - cpu;
            // the first warms up
            if round > 0 {
                samples.push((load, cpu * 1e3 / load.requests * 1e3));
            }
        }
    }
    let figures = |pick: fn(&(Load, f64)) -> f64, direct: bool| -> Vec<Figure> {
        let all = subjects.iter().zip(&samples);
        all.filter(|(subject, _)| direct || subject.of != "direct")
            .map(|(subject, samples)| Figure {
                of: subject.of.clone(),
                value: Spread::of(samples.iter().map(pick).collect()),
            })
            .collect()
    };
    let size = match connections {
        1 => "1 connection".to_owned(),
        more => format!("{more} connections"),
    };
    let at_least = Some(Target::TimesAtLeast(1.0));
    Ok(vec![
        row(
            "requests through the proxy",
            &size,
            "/s",
            figures(|(load, _)| load.rate, true),
            at_least,
        ),
        row(
            "median time of a request",
            &size,
            "ms",
            figures(|(load, _)| load.p50_ms, true),
            None,
        ),
        row(
            "99th percentile",
            &size,
            "ms",
            figures(|(load, _)| load.p99_ms, true),
            None,
        ),
        row(
            "CPU of the proxy for 1,000 requests",
            &size,
            "ms",
            figures(|(_, cpu)| *cpu, false),
            None,
        ),
    ])
}

fn connects(measure: &Measure, subjects: &[Subject]) -> Result<Row, Failure> {
    let mut samplers: Vec<_> = subjects
        .iter()
        .map(|subject| {
            let sample = || load::connections_per_second(&subject.address, 8, SAMPLE / 2);
            (subject.of.clone(), sample)
        })
        .collect();
    let figures = side_by_side(measure, "proxy, connections", &mut samplers)?;
    Ok(row(
        "connections opened, one request each",
        "8 at a time",
        "/s",
        figures,
        Some(Target::TimesAtLeast(1.0)),
    ))
}

/// With a delay of 1 ms each way, as Trixter has it, 64 connections could do 32,000 requests a second less what a request costs.
fn delayed(
    measure: &Measure,
    wrk: Option<&PathBuf>,
    stage: &Stage<'_>,
    to: &str,
) -> Result<Row, Failure> {
    // those that are missing are told of already
    let mut missing = Vec::new();
    let mut slow = vec![stage.ours("ours", to, &["latency@both=latency:1"])?];
    slow.extend(stage.toxiproxy(to, 1, &mut missing)?);
    slow.extend(stage.trixter(to, 1, &mut missing)?);
    let wrk = wrk.map(PathBuf::as_path);
    let mut samplers: Vec<_> = slow
        .iter()
        .map(|subject| {
            let sample = || Ok(load::closed_loop(wrk, &subject.address, 64, SAMPLE)?.rate);
            (subject.of.clone(), sample)
        })
        .collect();
    let figures = side_by_side(measure, "proxy, latency toxic", &mut samplers)?;
    let target = (figures.len() > 1).then_some(Target::TimesAtLeast(1.3));
    Ok(row(
        "requests under a latency toxic of 1 ms each way",
        "64 connections",
        "/s",
        figures,
        target,
    ))
}

/// One sampler after another, in turns.
fn side_by_side(
    measure: &Measure,
    what: &str,
    samplers: &mut [(String, impl FnMut() -> Result<f64, Failure>)],
) -> Result<Vec<Figure>, Failure> {
    let mut subjects: Vec<super::Subject<'_>> = samplers
        .iter_mut()
        .map(|(of, sample)| {
            let sample: &mut dyn FnMut() -> Result<f64, Failure> = sample;
            (of.clone(), sample)
        })
        .collect();
    measure.side_by_side(what, &mut subjects)
}

/// By how much delays differ from what was asked for.
fn accuracy(measure: &Measure, stage: &Stage<'_>, to: &str) -> Result<Vec<Row>, Failure> {
    let plain = stage.ours("ours", to, &[])?;
    let exact = format!("latency=latency:{DELAY_MS}");
    let spread = format!("latency=latency:{DELAY_MS},jitter:{JITTER_MS}");
    let (slow, jittery) = (
        stage.ours("ours", to, &[&exact])?,
        stage.ours("ours", to, &[&spread])?,
    );
    let (mut mean, mut p99, mut beyond, mut width) = (vec![], vec![], vec![], vec![]);
    for round in 1..=measure.runs {
        let runs = measure.runs;
        measure.tell(&format!("proxy, delays: {round} of {runs} …"));
        let mut base = load::delays(&plain.address, DELAYS)?;
        base.sort_by(f64::total_cmp);
        let base = load::quantile(&base, 0.5);
        let errors = |delays: Vec<f64>| -> Vec<f64> {
            let mut errors: Vec<_> = delays.iter().map(|ms| ms - base - DELAY_MS).collect();
            errors.sort_by(f64::total_cmp);
            errors
        };
        let exact = errors(load::delays(&slow.address, DELAYS)?);
        mean.push(average(&exact).abs());
        p99.push(load::quantile(&exact, 0.99));
        let drawn = errors(load::delays(&jittery.address, DELAYS)?);
        beyond.push((load::quantile(&drawn, 0.99) - JITTER_MS).max(0.0));
        let squares: Vec<_> = drawn.iter().map(|error| error * error).collect();
        width.push(average(&squares).sqrt());
    }
    let ours = |values| {
        vec![Figure {
            of: "ours".to_owned(),
            value: Spread::of(values),
        }]
    };
    let asked = format!("{DELAY_MS} ms asked");
    let drawn = format!("{DELAY_MS} ± {JITTER_MS} ms asked");
    let ideal = JITTER_MS / 3f64.sqrt();
    let most = Some(Target::AtMost(2.0));
    Ok(vec![
        row("mean error of a delay", &asked, "ms", ours(mean), most),
        row(
            "99th percentile of the error",
            &asked,
            "ms",
            ours(p99),
            most,
        ),
        row(
            "99th percentile beyond the jitter",
            &drawn,
            "ms",
            ours(beyond),
            most,
        ),
        row(
            &format!("standard deviation (an even draw has {ideal:.1})"),
            &drawn,
            "ms",
            ours(width),
            None,
        ),
    ])
}

#[expect(clippy::cast_precision_loss)]
fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[expect(clippy::cast_precision_loss)]
fn bandwidth(measure: &Measure, stage: &Stage<'_>) -> Result<Row, Failure> {
    let source = TcpListener::bind("127.0.0.1:0").map_err(Failure::failed)?;
    let to = source.local_addr().map_err(Failure::failed)?.to_string();
    let toxic = format!("bandwidth=rate:{RATE_KB_PER_S}");
    let slow = stage.ours("ours", &to, &[&toxic])?;
    // the connection by which it was seen that it listens
    drop(source.accept());
    let ideal = TRANSFER_BYTES as f64 / (RATE_KB_PER_S as f64 * 1e3);
    let mut sample = || {
        let seconds = load::transfer(&slow.address, &source, TRANSFER_BYTES)?;
        Ok((seconds / ideal - 1.0).abs() * 100.0)
    };
    let of = slow.of.clone();
    let figures = measure.side_by_side("proxy, bandwidth", &mut [(of, &mut sample)])?;
    Ok(row(
        "error of a rate",
        &format!("1 MB at {RATE_KB_PER_S} KB/s"),
        "%",
        figures,
        Some(Target::AtMost(2.0)),
    ))
}

/// Memory of a connection on which nothing happens, in the proxy's process.
fn idle_memory(
    measure: &Measure,
    stage: &Stage<'_>,
    missing: &mut Vec<Missing>,
) -> Result<Row, Failure> {
    let sink = TcpListener::bind("127.0.0.1:0").map_err(Failure::failed)?;
    let to = sink.local_addr().map_err(Failure::failed)?.to_string();
    let mut subjects = vec![stage.ours("ours", &to, &[])?];
    subjects.extend(stage.haproxy(&to, missing)?);
    subjects.extend(stage.nginx(&to, missing)?);
    let count = IDLE.min(connections_that_fit());
    let mut figures = Vec::new();
    for subject in &subjects {
        measure.tell(&format!("proxy, idle connections: {} …", subject.of));
        let before = subject.resident_mib();
        let ends = load::idle(&subject.address, &sink, count)?;
        let grown = (subject.resident_mib() - before) * 1024.0 * 1024.0;
        drop(ends);
        #[expect(clippy::cast_precision_loss)]
        let each = grown / count as f64;
        figures.push(Figure {
            of: subject.of.clone(),
            value: Spread::of(vec![each]),
        });
    }
    Ok(row(
        "memory of an idle connection",
        &format!("{count} connections"),
        "bytes",
        figures,
        Some(Target::TimesAtMost(1.0)),
    ))
}

/// Connections whose both ends this process can hold, after it has taken all descriptors that it may have.
fn connections_that_fit() -> usize {
    let files = crate::command::descriptors();
    files.saturating_sub(64) / 2
}
