//! What wears a process down, and that nobody can read its name anywhere.

use std::{
    ffi::OsString,
    fs, io,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use scenarios::{
    setting::{BlockingWork, CpuBurn, Defect, DescriptorLeak, LogFlood, MemoryLeak, Setting},
    shop::Role,
};

use crate::{
    collector::{Collector, Received},
    process::{PATIENCE, Service, config},
};

/// Words that would tell what is wrong.
const TELLING: [&str; 12] = [
    "burn",
    "leak",
    "flood",
    "chatter",
    "skew",
    "harm",
    "fault",
    "chaos",
    "wear",
    "trouble",
    "interference",
    "hoard",
];

/// Waits until it is so.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(
            began.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn tells_nothing(text: &str) {
    let text = text.to_lowercase();
    for word in TELLING {
        assert!(!text.contains(word), "`{word}` in {text}");
    }
}

#[test]
fn an_end_that_is_configured_comes_with_a_panic_and_again_after_each_start() {
    for _ in 0..2 {
        let mut shipping = config(Role::Shipping);
        shipping.settings = vec![Setting::ExitAfterMs(Some(20))];
        let (status, said) = Service::start(shipping).ended();
        assert_eq!(status.code(), Some(101));
        assert!(said.contains("panicked"), "{said}");
        tells_nothing(&said);
    }
}

#[test]
fn a_slow_start_listens_late() {
    let mut shipping = config(Role::Shipping);
    shipping.settings = vec![Setting::StartDelayMs(400)];
    let began = Instant::now();
    let service = Service::start(shipping);
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_eq!(service.status("/readyz"), 200);
}

#[test]
fn a_blocked_runtime_still_takes_the_command_that_frees_it() {
    let mut service = Service::start(config(Role::Shipping));
    let minute = BlockingWork {
        share: 1.0,
        ms: 60_000,
    };
    service.replace(&[Setting::BlockingWork(minute)]).unwrap();
    let quote = || service.ask("GET", "/quotes/3", "", Duration::from_millis(100));
    // one for each thread of the runtime
    for _ in 0..4 {
        assert!(quote().is_none());
    }
    let healthy = service.ask("GET", "/healthz", "", Duration::from_millis(300));
    assert!(healthy.is_none(), "{healthy:?}");
    service.replace(&[]).unwrap();
    assert_eq!(service.status("/quotes/3"), 200);
}

fn logged(received: &Received) -> usize {
    let scopes = received
        .logs
        .iter()
        .flat_map(|request| &request.resource_logs);
    scopes
        .flat_map(|resource| &resource.scope_logs)
        .map(|scope| scope.log_records.len())
        .sum()
}

fn last_log_s(received: &Received) -> u64 {
    let scopes = received
        .logs
        .iter()
        .flat_map(|request| &request.resource_logs);
    let records = scopes
        .flat_map(|resource| &resource.scope_logs)
        .flat_map(|scope| &scope.log_records);
    let at = records.map(|record| record.time_unix_nano.max(record.observed_time_unix_nano));
    at.max().unwrap_or(0) / 1_000_000_000
}

#[test]
fn whatever_is_wrong_neither_telemetry_nor_threads_have_its_name() {
    let collector = Collector::start();
    let mut shipping = config(Role::Shipping);
    shipping.otlp_endpoint.clone_from(&collector.endpoint);
    let mut service = Service::start(shipping);
    let hour_ms = 3_600_000;
    let harms = [
        Setting::CpuBurn(CpuBurn { duty: 0.05 }),
        Setting::MemoryLeak(MemoryLeak {
            mib_per_s: 100.0,
            most_mib: 8,
        }),
        Setting::DescriptorLeak(DescriptorLeak {
            // far from its end: without descriptors there is no telemetry to look at
            per_s: 20.0,
            most: 10_000,
        }),
        Setting::LogFlood(LogFlood { lines_per_s: 500 }),
        Setting::ClockSkewMs(hour_ms),
        Setting::Defect(Defect { share: 1.0 }),
        Setting::Ready(false),
    ];
    service.replace(&harms).unwrap();
    assert!(
        service
            .ask("GET", "/readyz", "", PATIENCE)
            .is_none_or(|ready| ready.status == 503)
    );
    let now_s = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    until("a flood of logs, an hour ahead", || {
        collector.look(|received| logged(received) > 200 && last_log_s(received) > now_s + 1_800)
    });
    if cfg!(target_os = "linux") {
        let tasks = fs::read_dir(format!("/proc/{}/task", service.pid())).unwrap();
        for task in tasks.flatten() {
            tells_nothing(&fs::read_to_string(task.path().join("comm")).unwrap());
        }
    }
    service.replace(&[]).unwrap();
    assert_eq!(service.status("/quotes/3"), 200);
    until("a trace", || {
        collector.look(|received| !received.traces.is_empty())
    });
    tells_nothing(&collector.text());
    // what was under way when it stopped arrives within a moment
    let settled = || {
        let before = collector.look(logged);
        std::thread::sleep(Duration::from_millis(500));
        collector.look(logged) == before
    };
    until("silence", settled);
}

#[cfg(target_os = "linux")]
#[test]
fn descriptors_run_out_and_come_back() {
    let open = |pid: u32| -> Vec<usize> {
        let listed = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let number = |name: OsString| name.to_str().unwrap().parse().unwrap();
        listed.map(name).map(number).collect()
    };
    let limit = |pid: u32| {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        let soft = line.unwrap().split_whitespace().nth(3).unwrap();
        soft.parse::<usize>().unwrap()
    };
    let mut service = Service::start(config(Role::Shipping));
    assert_eq!(service.status("/quotes/3"), 200);
    let (open_before, limit_before) = (open(service.pid()).len(), limit(service.pid()));
    let leak = DescriptorLeak {
        per_s: 10_000.0,
        most: 200,
    };
    let setting = [Setting::DescriptorLeak(leak)];
    service.replace(&setting).unwrap();
    // the connection of the question before may have been counted, or not: the lowered limit tells
    let limit_lowered = limit(service.pid());
    let above = |open: &[usize]| open.iter().filter(|&&it| it >= limit_lowered).count();
    let most = limit_lowered + above(&open(service.pid()));
    assert!((200..=open_before + 210).contains(&most));
    until("no more descriptors", || open(service.pid()).len() == most);
    let healthy =
        |service: &Service| service.ask("GET", "/healthz", "", Duration::from_millis(200));
    until("nobody is let in", || healthy(&service).is_none());
    // the same again changes nothing
    service.replace(&setting).unwrap();
    assert_eq!(limit(service.pid()), limit_lowered);
    assert_eq!(open(service.pid()).len(), most);
    assert!(healthy(&service).is_none());
    service.replace(&[]).unwrap();
    assert_eq!(service.status("/quotes/3"), 200);
    assert_eq!(limit(service.pid()), limit_before);
    assert!(open(service.pid()).len() < open_before + 100);
}
