//! How fast a lab stands, beside bare axum processes as the floor; what it
//! weighs; what it costs idle. Measured from outside, by starting this very program.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use super::{
    Measure,
    figures::{Figure, Report, Row, Spread, Target},
    peers::Guard,
    process_tree,
};
use crate::{command::program, exit::Failure};

/// Bare processes that are the floor: as many as the design's reference lab has services.
const BARE_PROCESSES: usize = 8;
/// Scenario whose lab is measured: nothing is broken in it, so it idles as a healthy lab does.
const SCENARIO: &str = "quiet-night";
/// How long idle CPU is measured.
const IDLE_WINDOW: Duration = Duration::from_secs(10);
/// How long a start may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(60);
/// Targets of the design: ready in at most so many times the floor, resident MiB, percent of one core.
const TARGETS: (f64, f64, f64) = (20.0, 150.0, 15.0);

/// The body of `drill bare`: one bare axum server that says its port and answers `GET /`.
pub fn bare() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be built");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port can be bound");
        println!(
            "{}",
            listener
                .local_addr()
                .expect("a bound listener has an address")
                .port()
        );
        let app = axum::Router::new().route("/", axum::routing::get(|| async { "ok" }));
        tokio::spawn(async {
            // Ends with whoever started it: standard input closes.
            let _ = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await;
            std::process::exit(0);
        });
        let _ = axum::serve(listener, app).await;
    });
    ExitCode::SUCCESS
}

/// Measures. Lab and floor are started in turn.
pub fn run(measure: &Measure) -> Result<Report, Failure> {
    let mut samples = Vec::new();
    for number in 1..=measure.runs {
        measure.tell(&format!("lab: {number} of {} …", measure.runs));
        samples.push((bare_ready_ms()?, lab()?));
    }
    let figure = |of: &str, pick: &dyn Fn(&(f64, Lab)) -> f64| Figure {
        of: of.to_owned(),
        value: Spread::of(samples.iter().map(pick).collect()),
    };
    let services = samples[0].1.services.max(1);
    let ours = |pick: fn(&Lab) -> f64| figure("ours", &|sample| pick(&sample.1));
    let (times, resident_mib, idle_percent) = TARGETS;
    let per_process = figure("ours", &|sample| sample.1.ready_ms / services as f64);
    let bare = figure("bare axum processes", &|sample| {
        sample.0 / BARE_PROCESSES as f64
    });
    let most = |most| Some(Target::AtMost(most));
    let start = Some(Target::TimesAtMost(times));
    let row = |work: &str, unit, ours, target| Row {
        work: work.to_owned(),
        size: format!("{services} services"),
        unit,
        ours,
        peers: Vec::new(),
        target,
    };
    let rows = vec![
        row("exec to all ready", "ms", ours(|lab| lab.ready_ms), None),
        Row {
            peers: vec![bare],
            ..row("exec to all ready, per process", "ms", per_process, start)
        },
        row(
            "memory (PSS), whole lab",
            "MiB",
            ours(|lab| lab.resident_mib),
            most(resident_mib),
        ),
        row(
            "memory (PSS), services alone",
            "MiB",
            ours(|lab| lab.resident_services_mib),
            None,
        ),
        row(
            "idle CPU of one core, whole lab",
            "%",
            ours(|lab| lab.idle_cpu * 100.0),
            most(idle_percent),
        ),
        row(
            "idle CPU of one core, services alone",
            "%",
            ours(|lab| lab.idle_cpu_services * 100.0),
            None,
        ),
    ];
    Ok(Report {
        area: "lab",
        rows,
        missing: Vec::new(),
        notes: vec![format!(
            "the floor: {BARE_PROCESSES} bare axum processes, started together, until all answer"
        )],
    })
}

fn bare_ready_ms() -> Result<f64, Failure> {
    let program = program()?;
    let start = Instant::now();
    let mut children = Vec::new();
    for _ in 0..BARE_PROCESSES {
        let child = Command::new(&program)
            .arg("bare")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        children.push(Guard(child.map_err(|error| {
            Failure::failed(format!("a bare process cannot be started: {error}"))
        })?));
    }
    for child in &mut children {
        let mut line = String::new();
        let out = child.0.stdout.as_mut().expect("standard output is piped");
        BufReader::new(out)
            .read_line(&mut line)
            .map_err(|error| Failure::failed(format!("a bare process said nothing: {error}")))?;
        let port: u16 = line
            .trim()
            .parse()
            .map_err(|_| Failure::failed("a bare process said no port"))?;
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(Failure::failed)?;
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: bare\r\nconnection: close\r\n\r\n")
            .map_err(Failure::failed)?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .map_err(Failure::failed)?;
        if !answer.starts_with("HTTP/1.1 200") {
            return Err(Failure::failed("a bare process did not answer 200"));
        }
    }
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

struct Lab {
    services: usize,
    ready_ms: f64,
    resident_mib: f64,
    resident_services_mib: f64,
    idle_cpu: f64,
    idle_cpu_services: f64,
}

fn lab() -> Result<Lab, Failure> {
    let logs = std::env::temp_dir().join(format!("drill-bench-{}", std::process::id()));
    let start = Instant::now();
    let child = Command::new(program()?)
        .args([
            "run",
            SCENARIO,
            "--headless",
            "--json",
            "--seed",
            "7",
            "--logs",
        ])
        .arg(&logs)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Failure::failed(format!("a drill cannot be started: {error}")))?;
    let mut child = Guard(child);
    let mut lines =
        BufReader::new(child.0.stdout.take().expect("standard output is piped")).lines();
    let mut wait_for = |event: &str| -> Result<serde_json::Value, Failure> {
        while start.elapsed() < PATIENCE {
            let Some(Ok(line)) = lines.next() else { break };
            let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if value["kind"] == event {
                return Ok(value);
            }
        }
        Err(Failure::failed(format!("the drill ended before `{event}`"))
            .remedy(format!("drill run {SCENARIO} --headless")))
    };
    wait_for("ready")?;
    let ready_ms = start.elapsed().as_secs_f64() * 1e3;
    wait_for("page")?;
    let lab = idle(child.0.id(), ready_ms);
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_child(&child.0),
        rustix::process::Signal::TERM,
    );
    let _ = child.0.wait();
    let _ = std::fs::remove_dir_all(&logs);
    Ok(lab)
}

/// Memory and CPU of the process tree below `pid`, over a window in which nobody does anything.
fn idle(pid: u32, ready_ms: f64) -> Lab {
    // What the history left behind (export queues, evaluation) drains first.
    std::thread::sleep(Duration::from_secs(3));
    let before = process_tree::read(pid);
    let start = Instant::now();
    std::thread::sleep(IDLE_WINDOW);
    let after = process_tree::read(pid);
    let seconds = start.elapsed().as_secs_f64();
    let sum = |tree: &[process_tree::Process],
               services: bool,
               pick: fn(&process_tree::Process) -> f64|
     -> f64 {
        tree.iter()
            .filter(|process| !services || process.pid != pid)
            .map(pick)
            .sum()
    };
    let cpu = |services| {
        (sum(&after, services, |p| p.cpu_seconds) - sum(&before, services, |p| p.cpu_seconds))
            / seconds
    };
    Lab {
        services: after.len().saturating_sub(1),
        ready_ms,
        resident_mib: sum(&after, false, |p| p.resident_mib),
        resident_services_mib: sum(&after, true, |p| p.resident_mib),
        idle_cpu: cpu(false),
        idle_cpu_services: cpu(true),
    }
}
