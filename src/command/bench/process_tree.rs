//! Memory and CPU of a process and its children, from `/proc` (Linux); empty elsewhere.

use std::fs;

/// One process.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Proportional set size where the kernel tells it (shared pages counted once), else resident, MiB.
    pub resident_mib: f64,
    /// User and system time, seconds.
    pub cpu_seconds: f64,
}

/// The process `root` and all that descend from it.
pub fn read(root: u32) -> Vec<Process> {
    let all: Vec<(u32, u32, f64)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(stat)
        .collect();
    let mut tree = vec![root];
    let mut seen = 0;
    while seen < tree.len() {
        let parent = tree[seen];
        tree.extend(
            all.iter()
                .filter(|(_, of, _)| *of == parent)
                .map(|(pid, ..)| *pid),
        );
        seen += 1;
    }
    all.into_iter()
        .filter(|(pid, ..)| tree.contains(pid))
        .map(|(pid, _, cpu_seconds)| Process {
            pid,
            resident_mib: resident_mib(pid),
            cpu_seconds,
        })
        .collect()
}

/// Pid, parent, CPU seconds: fields 1, 4, 14 and 15 of `proc_pid_stat(5)`.
fn stat(pid: u32) -> Option<(u32, u32, f64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text[text.rfind(')')? + 2..].split(' ').collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    let ticks_per_second = f64::from(u32::try_from(rustix::param::clock_ticks_per_second()).ok()?);
    Some((pid, fields.get(1)?.parse().ok()?, ticks / ticks_per_second))
}

fn resident_mib(pid: u32) -> f64 {
    let kib = |file: &str, key: &str| -> Option<f64> {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        text.lines()
            .find(|line| line.starts_with(key))?
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()
    };
    kib("smaps_rollup", "Pss:")
        .or_else(|| kib("status", "VmRSS:"))
        .unwrap_or(0.0)
        / 1_024.0
}
