//! What the operating system says of this process: processor time, resident memory,
//! descriptors, start.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};

/// Read at every scrape.
#[derive(Debug)]
pub struct ProcessFigures {
    started_s: f64,
}

impl ProcessFigures {
    /// Of a process that starts now.
    pub fn starting_now() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started_s: now.map_or(0.0, |since| since.as_secs_f64()),
        }
    }
}

impl Collector for ProcessFigures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let mut tell = |name, help, figure: &dyn EncodeMetric| {
            figure.encode(encoder.encode_descriptor(name, help, None, figure.metric_type())?)
        };
        tell(
            "process_start_time_seconds",
            "Start of the process, Unix time",
            &ConstGauge::new(self.started_s),
        )?;
        if let Some(seconds) = cpu_seconds() {
            tell(
                "process_cpu_seconds",
                "Processor time spent, user and system",
                &ConstCounter::new(seconds),
            )?;
        }
        if let Some(bytes) = resident_bytes() {
            tell(
                "process_resident_memory_bytes",
                "Resident memory",
                &ConstGauge::new(bytes),
            )?;
        }
        if let Some(number) = open_descriptors() {
            tell(
                "process_open_fds",
                "Open file descriptors",
                &ConstGauge::new(number),
            )?;
        }
        Ok(())
    }
}

/// Processor time of all threads, seconds, from the process's CPU clock; `None` where there is no such clock.
#[cfg(target_os = "linux")]
#[allow(clippy::cast_precision_loss)] // seconds of a drill
fn cpu_seconds() -> Option<f64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

#[cfg(not(target_os = "linux"))]
fn cpu_seconds() -> Option<f64> {
    None
}

/// Resident memory, bytes: the second field of `/proc/self/statm` in pages; `None` where there is no such file.
#[allow(clippy::cast_precision_loss)] // a process of megabytes
fn resident_bytes() -> Option<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some((pages * rustix::param::page_size() as u64) as f64)
}

/// Open descriptors; `None` where there is no such folder, and when there is none left to look with.
#[allow(clippy::cast_precision_loss)] // some thousands
fn open_descriptors() -> Option<f64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    // one of them is the look itself
    Some(open.saturating_sub(1) as f64)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn processor_time_and_memory_of_a_running_process_are_above_zero() {
        assert!(cpu_seconds().expect("linux has the clock") > 0.0);
        assert!(resident_bytes().expect("linux has /proc") > 1e5);
        assert!(open_descriptors().expect("linux has /proc") >= 3.0);
    }
}
