//! `drill doctor`: looks at the machine the way a drill will use it, and says what to do about
//! what it finds. Prints the settings in force.

use std::{
    io::IsTerminal,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::ExitCode,
};

use serde::Serialize;

use crate::{cli::DoctorArgs, exit, settings::Settings};

/// Descriptors that a lab of eleven services, its proxies and 4,096 requests in flight may need in the parent.
const DESCRIPTORS: u64 = 4_096;
/// Free disk under which a recording may stop, MiB: a 40-minute drill takes up to 60.
const FREE_DISK_MIB: u64 = 200;
/// Smallest terminal in which every view is complete.
const COLUMNS: u16 = 80;
/// See [`COLUMNS`].
const ROWS: u16 = 24;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Finding {
    Ok,
    Warning,
    Problem,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
struct Check {
    name: &'static str,
    finding: Finding,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl ToString) -> Self {
        Self {
            name,
            finding: Finding::Ok,
            detail: detail.to_string(),
            remedy: None,
        }
    }

    fn bad(
        name: &'static str,
        finding: Finding,
        detail: impl ToString,
        remedy: impl ToString,
    ) -> Self {
        Self {
            name,
            finding,
            detail: detail.to_string(),
            remedy: Some(remedy.to_string()),
        }
    }
}

/// Runs all checks; exit 1 when one found a problem.
pub fn run(args: &DoctorArgs, settings: &Settings) -> ExitCode {
    let logs = args
        .logs
        .clone()
        .or_else(|| settings.logs.clone())
        .unwrap_or_else(|| "logs".into());
    let checks = [
        ports(),
        descriptors(),
        folder(&logs),
        disk(&logs),
        memory(),
        terminal(),
        clock(),
    ];
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&checks).expect("plain data serialises")
        );
    } else {
        for check in &checks {
            let mark = match check.finding {
                Finding::Ok => "ok     ",
                Finding::Warning => "warning",
                Finding::Problem => "PROBLEM",
            };
            println!("{mark}  {:<12} {}", check.name, check.detail);
            if let Some(remedy) = &check.remedy {
                println!("{:>24}try: {remedy}", "");
            }
        }
        print_settings(&logs, settings);
    }
    let problem = checks.iter().any(|check| check.finding == Finding::Problem);
    ExitCode::from(if problem { exit::NO } else { exit::OK })
}

fn print_settings(logs: &Path, settings: &Settings) {
    let forward = match super::run::forward() {
        Ok(Some(to)) => to.endpoint(),
        Ok(None) => format!("nowhere: {} is not set", telemetry::forward::ENDPOINT),
        Err(failure) => format!("not possible: {}", failure.message),
    };
    println!("\nsettings (flag, then DRILL_* environment, then drill.toml):");
    println!("  logs          {}", logs.display());
    println!("  forward       {forward}");
    let of = settings.clone();
    let level = of.level.map(|level| level.to_string());
    let scenarios = of.scenarios.map(|path| path.display().to_string());
    let keys = of.keys.map(|path| path.display().to_string());
    // name, what stands in the settings file, what holds without
    let rows = [
        ("listen", of.listen, "127.0.0.1, a free port"),
        ("otlp_grpc", of.otlp_grpc, "127.0.0.1, a free port"),
        ("cors", of.cors, "none: no web page may read the APIs"),
        ("webhook", of.webhook, "none: nobody else is told of alerts"),
        ("slack_webhook", of.slack_webhook, "none"),
        ("level", level, "as each scenario is made"),
        ("database_url", of.database_url, "none: SQLite files"),
        ("scenarios", scenarios, "the built-in catalogue only"),
        ("theme", of.theme, "the terminal's own colours"),
        ("keys", keys, "those of `drill keys`"),
    ];
    for (name, file, default) in rows {
        let variable = format!("DRILL_{}", name.to_uppercase());
        let value = std::env::var(variable).ok().or(file);
        let secret = matches!(name, "database_url" | "webhook" | "slack_webhook");
        let shown = match value {
            Some(_) if secret => "set (not shown)".to_owned(),
            Some(value) => value,
            None => default.to_owned(),
        };
        println!("  {name:<13} {shown}");
    }
}

fn ports() -> Check {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, 0)) {
        Ok(_) => Check::ok("ports", "a free port on 127.0.0.1 can be bound"),
        Err(error) => Check::bad(
            "ports",
            Finding::Problem,
            format!("no port on 127.0.0.1 can be bound: {error}"),
            "check that the loopback interface is up and that no sandbox forbids listening",
        ),
    }
}

fn descriptors() -> Check {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .unwrap_or(u64::MAX);
    if limit >= DESCRIPTORS {
        Check::ok("descriptors", format!("{limit} open files allowed"))
    } else {
        Check::bad(
            "descriptors",
            Finding::Warning,
            format!("only {limit} open files allowed, a stress test may need {DESCRIPTORS}"),
            format!("ulimit -n {DESCRIPTORS}"),
        )
    }
}

fn folder(logs: &Path) -> Check {
    let probe = logs.join(".doctor");
    let result = std::fs::create_dir_all(logs)
        .and_then(|()| std::fs::write(&probe, b"probe"))
        .and_then(|()| std::fs::remove_file(&probe));
    match result {
        Ok(()) => Check::ok("logs", format!("{} can be written", logs.display())),
        Err(error) => Check::bad(
            "logs",
            Finding::Warning,
            format!(
                "{} cannot be written ({error}): drills run, but are not recorded",
                logs.display()
            ),
            "choose another folder with --logs or DRILL_LOGS",
        ),
    }
}

fn disk(logs: &Path) -> Check {
    let folder = logs
        .ancestors()
        .find(|folder| folder.is_dir())
        .unwrap_or_else(|| Path::new("."));
    match rustix::fs::statvfs(folder) {
        Ok(found) => {
            let free_mib = found.f_bavail.saturating_mul(found.f_frsize) / (1 << 20);
            if free_mib >= FREE_DISK_MIB {
                Check::ok("disk", format!("{free_mib} MiB free"))
            } else {
                Check::bad(
                    "disk",
                    Finding::Warning,
                    format!("{free_mib} MiB free"),
                    "make room, or record elsewhere with --logs",
                )
            }
        }
        Err(error) => Check::bad(
            "disk",
            Finding::Warning,
            format!("cannot be measured: {error}"),
            "check the folder given by --logs",
        ),
    }
}

fn memory() -> Check {
    /// What a lab, its telemetry and the TUI may take, MiB.
    const NEEDED_MIB: u64 = 600;
    let available = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text
                .lines()
                .find(|line| line.starts_with("MemAvailable:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        });
    match available.map(|kib| kib / 1_024) {
        Some(mib) if mib >= NEEDED_MIB => Check::ok("memory", format!("{mib} MiB available")),
        Some(mib) => Check::bad(
            "memory",
            Finding::Warning,
            format!("{mib} MiB available, a drill may need {NEEDED_MIB}"),
            "close something large",
        ),
        None => Check::ok("memory", "not measured on this system"),
    }
}

fn terminal() -> Check {
    if !std::io::stdout().is_terminal() {
        return Check::ok(
            "terminal",
            "none here: use --headless, or `drill join URL` from a terminal",
        );
    }
    match rustix::termios::tcgetwinsize(std::io::stdout()) {
        Ok(size) if size.ws_col >= COLUMNS && size.ws_row >= ROWS => Check::ok(
            "terminal",
            format!(
                "{}x{}, TERM={}",
                size.ws_col,
                size.ws_row,
                std::env::var("TERM").unwrap_or_default()
            ),
        ),
        Ok(size) => Check::bad(
            "terminal",
            Finding::Warning,
            format!(
                "{}x{} is small, views degrade below {COLUMNS}x{ROWS}",
                size.ws_col, size.ws_row
            ),
            "make the window larger or the font smaller",
        ),
        Err(error) => Check::bad(
            "terminal",
            Finding::Warning,
            format!("size unknown: {error}"),
            "try --plain",
        ),
    }
}

fn clock() -> Check {
    /// 2024-01-01, Unix seconds: an earlier clock is not set.
    const OLDEST: u64 = 1_704_067_200;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    if now >= OLDEST {
        Check::ok("clock", "set")
    } else {
        Check::bad(
            "clock",
            Finding::Warning,
            "the system clock is not set",
            "set the date; drills are filed by it",
        )
    }
}
