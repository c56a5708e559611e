//! `drill load`: the load generator on its own, with a line while it runs and a table at the end.

use std::{
    fmt::Write as _,
    fs,
    io::{IsTerminal, Read, Write},
    process::ExitCode,
    time::Duration,
};

use bytes::Bytes;
use serde_json::json;
use simulator::load::alone::{self, Arrival, Interval, Latency, Plan, Report, Slo, Verdict, Walks};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{ArrivalWord, LoadArgs, body_file},
    command::{print, runtime},
    exit::{self, Failure},
    signals::Signals,
};

/// How often a line is told on a terminal, and elsewhere.
const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// Longest body that is sent with every request, bytes.
const BODY_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Longest run.
const DURATION_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Sends load and says what became of it.
pub fn run(args: &LoadArgs) -> Result<ExitCode, Failure> {
    let plan = plan(args)?;
    let report = runtime()?.block_on(measured(args, plan))?;
    let verdicts: Vec<_> = args.slos.iter().map(|slo| slo.judge(&report)).collect();
    if args.json {
        let mut value = serde_json::to_value(&report).expect("plain data serialises");
        value["slo"] = json!(verdicts);
        let text = serde_json::to_string_pretty(&value).expect("plain data serialises");
        print(&format!("{text}\n"));
    } else {
        print(&table(&report, &args.slos, &verdicts));
    }
    let missed = verdicts.iter().any(|verdict| !verdict.met);
    Ok(ExitCode::from(if missed {
        exit::NO
    } else if report.interrupted {
        exit::INTERRUPTED
    } else {
        exit::OK
    }))
}

async fn measured(args: &LoadArgs, plan: Plan) -> Result<Report, Failure> {
    let mut signals = Signals::new().map_err(Failure::failed)?;
    let cancel = CancellationToken::new();
    tokio::select! {
        reached = alone::reach(&plan) => reached.map_err(|error| {
            Failure::failed(error).remedy("start what --target names, or name another; nothing was sent")
        })?,
        name = signals.next() => {
            return Err(Failure { code: exit::INTERRUPTED, message: format!("{name} before anything was sent"), remedy: None });
        }
    }
    let terminal = std::io::stderr().is_terminal();
    let every = if terminal { EVERY.0 } else { EVERY.1 };
    if !args.json {
        let what = if args.shop { "journeys" } else { "requests" };
        eprintln!(
            "{:.1} {what}/s for {:?}, seed {}; Ctrl-C ends early",
            plan.rate, plan.duration, plan.seed
        );
    }
    let tell = |interval: &Interval| {
        let line = progress(interval);
        let mut err = std::io::stderr();
        let _ = if terminal {
            write!(err, "\r\x1b[K{line}")
        } else {
            writeln!(err, "{line}")
        };
        let _ = err.flush();
    };
    let listen = async {
        signals.next().await;
        cancel.cancel();
        // it ends within a moment now; a second signal ends the program at once
        signals.next().await;
        std::process::exit(i32::from(exit::INTERRUPTED));
    };
    let report = tokio::select! {
        biased;
        report = alone::run(plan, every, tell, &cancel) => report,
        () = listen => unreachable!("it ends with the program"),
    };
    if terminal {
        eprint!("\r\x1b[K");
    }
    Ok(report)
}

fn plan(args: &LoadArgs) -> Result<Plan, Failure> {
    let walks = args.shop.then(|| Walks::thinking(args.think));
    if args.shop && args.targets.len() > 1 {
        return Err(Failure::usage(
            "--shop has one door",
            "name one --target, the storefront's",
        ));
    }
    if args.duration > DURATION_MAX || args.timeout > DURATION_MAX {
        return Err(Failure::usage(
            "a week is the longest",
            "--duration 10m --timeout 10s",
        ));
    }
    let ramp = args.ramp.unwrap_or_default();
    if ramp > args.duration {
        return Err(Failure::usage(
            "the ramp is longer than the run",
            "--duration counts from the beginning of the ramp",
        ));
    }
    let seed = args.seed.unwrap_or_else(rand::random);
    let rate = args
        .rate
        .unwrap_or_else(|| Plan::rate_of(args.users, args.think, walks, seed));
    Ok(Plan {
        targets: args.targets.clone(),
        method: args.method.clone(),
        headers: args.headers.iter().cloned().collect(),
        body: body(args)?,
        rate,
        arrival: match args.arrivals {
            ArrivalWord::Poisson => Arrival::Poisson,
            ArrivalWord::Uniform => Arrival::Uniform,
        },
        ramp,
        duration: args.duration,
        timeout: args.timeout,
        connections: usize::try_from(args.connections).unwrap_or(usize::MAX),
        seed,
        walks,
    })
}

fn body(args: &LoadArgs) -> Result<Bytes, Failure> {
    let Some(text) = &args.body else {
        return Ok(Bytes::new());
    };
    let Some(path) = body_file(text) else {
        return Ok(Bytes::from(text.clone()));
    };
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::usage(
            format!("the body {} cannot be read: {why}", path.display()),
            "--body @FILE names a file, --body TEXT is the body itself",
        )
    };
    let mut read = Vec::new();
    fs::File::open(&path)
        .and_then(|file| file.take(BODY_BYTES_MAX + 1).read_to_end(&mut read))
        .map_err(|error| wrong(&error))?;
    if read.len() as u64 > BODY_BYTES_MAX {
        return Err(wrong(&"it is longer than 16 MiB"));
    }
    Ok(Bytes::from(read))
}

fn progress(interval: &Interval) -> String {
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    format!(
        "{:>5.0} s  {:>8.1}/s  errors {:<6} p50 {:>8.2} ms  p99 {:>8.2} ms  in flight {}",
        interval.elapsed.as_secs_f64(),
        interval.rate_per_s,
        interval.errors,
        ms(interval.p50),
        ms(interval.p99),
        interval.in_flight
    )
}

fn table(report: &Report, slos: &[Slo], verdicts: &[Verdict]) -> String {
    let mut text = counts(report);
    let _ = writeln!(text, "latency      {}", latency(&report.latency_ms));
    for step in &report.steps {
        let _ = writeln!(
            text,
            "  {:<10} {}  ({} requests, {} errors)",
            step.step,
            latency(&step.latency_ms),
            step.requests,
            step.errors
        );
    }
    let delay = &report.send_delay_ms;
    let _ = writeln!(
        text,
        "send delay   p50 {:.2}  p99 {:.2}  max {:.2} ms",
        delay.p50, delay.p99, delay.max
    );
    if report.late + report.unsent > 0 {
        let _ = writeln!(
            text,
            "the schedule could not be held: {} sent more than 10 ms late, {} not sent (more --connections, less --rate, or another machine)",
            report.late, report.unsent
        );
    }
    if report.abandoned > 0 {
        let _ = writeln!(
            text,
            "abandoned    {} under way at the end",
            report.abandoned
        );
    }
    for (slo, verdict) in slos.iter().zip(verdicts) {
        let measured = verdict.measured.map(|value| slo.shown(value));
        let _ = writeln!(
            text,
            "{}  {:<16} measured {}",
            if verdict.met { "pass" } else { "FAIL" },
            verdict.objective,
            measured.as_deref().unwrap_or("nothing")
        );
    }
    text
}

fn counts(report: &Report) -> String {
    let of = if report.steps.is_empty() {
        ""
    } else {
        " journeys"
    };
    let cut = if report.interrupted {
        ", cut short"
    } else {
        ""
    };
    let errors = &report.errors;
    let kinds: Vec<_> = [
        ("connect", errors.connect),
        ("reset", errors.reset),
        ("timeout", errors.timeout),
        ("status", errors.status),
        ("body", errors.body),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(kind, count)| format!("{kind} {count}"))
    .collect();
    let colon = if kinds.is_empty() { "" } else { ": " };
    let statuses = report.statuses.iter();
    let statuses: Vec<_> = statuses
        .map(|(status, count)| format!("{status}: {count}"))
        .collect();
    format!(
        "requests     {} in {:.1} s{cut}\nrate         {:.1}/s (planned {:.1}/s{of})\nerrors       {} ({:.2} %){colon}{}\nstatuses     {}\nbytes        {}\n",
        report.requests,
        report.elapsed_s,
        report.rate_per_s,
        report.planned_rate_per_s,
        errors.total(),
        report.error_share * 100.0,
        kinds.join(", "),
        statuses.join(", "),
        report.bytes
    )
}

fn latency(latency: &Latency) -> String {
    format!(
        "p50 {:.2}  p90 {:.2}  p95 {:.2}  p99 {:.2}  p99.9 {:.2}  max {:.2} ms",
        latency.p50, latency.p90, latency.p95, latency.p99, latency.p999, latency.max
    )
}
