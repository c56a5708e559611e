//! The settings that do harm and nothing else: those of every role, and of every role with a database.

use std::time::Duration;

use scenarios::{
    setting::{
        BlockingWork, CpuBurn, DatabaseDelay, Defect, DescriptorLeak, LogFlood, MemoryLeak, Quota,
        Setting, WriteLock,
    },
    shop::Role,
};

/// Their values.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // as in `scenarios::setting`
pub struct Harms {
    pub cpu_burn: CpuBurn,
    pub memory_leak: MemoryLeak,
    pub descriptor_leak: DescriptorLeak,
    pub log_flood: LogFlood,
    pub clock_skew_ms: i64,
    pub blocking_work: BlockingWork,
    pub defect: Defect,
    pub revoked_callers: Vec<Role>,
    pub quota: Option<Quota>,
    pub ready: bool,
    pub start_delay: Duration,
    pub exit_after: Option<Duration>,
    pub unresolvable: Vec<Role>,
    pub database_delay: DatabaseDelay,
    pub database_connections: Option<u32>,
    pub write_lock: WriteLock,
    pub partial_batches: f64,
    pub disk_full: bool,
}

impl Default for Harms {
    fn default() -> Self {
        Self {
            cpu_burn: CpuBurn { duty: 0.0 },
            memory_leak: MemoryLeak {
                mib_per_s: 0.0,
                most_mib: 0,
            },
            descriptor_leak: DescriptorLeak {
                per_s: 0.0,
                most: 0,
            },
            log_flood: LogFlood { lines_per_s: 0 },
            clock_skew_ms: 0,
            blocking_work: BlockingWork { share: 0.0, ms: 0 },
            defect: Defect { share: 0.0 },
            revoked_callers: Vec::new(),
            quota: None,
            ready: true,
            start_delay: Duration::ZERO,
            exit_after: None,
            unresolvable: Vec::new(),
            database_delay: DatabaseDelay {
                delay_ms: 0,
                jitter_ms: 0,
            },
            database_connections: None,
            write_lock: WriteLock {
                hold_ms: 0,
                every_ms: 0,
            },
            partial_batches: 0.0,
            disk_full: false,
        }
    }
}

impl Harms {
    /// Takes a value; false when it is none of these.
    pub fn put(&mut self, change: &Setting) -> bool {
        match change {
            Setting::CpuBurn(value) => self.cpu_burn = *value,
            Setting::MemoryLeak(value) => self.memory_leak = *value,
            Setting::DescriptorLeak(value) => self.descriptor_leak = *value,
            Setting::LogFlood(value) => self.log_flood = *value,
            Setting::ClockSkewMs(value) => self.clock_skew_ms = *value,
            Setting::BlockingWork(value) => self.blocking_work = *value,
            Setting::Defect(value) => self.defect = *value,
            Setting::RevokedCallers(value) => self.revoked_callers.clone_from(value),
            Setting::Quota(value) => self.quota = *value,
            Setting::Ready(value) => self.ready = *value,
            Setting::StartDelayMs(value) => self.start_delay = Duration::from_millis(*value),
            Setting::ExitAfterMs(value) => self.exit_after = value.map(Duration::from_millis),
            Setting::Unresolvable(value) => self.unresolvable.clone_from(value),
            Setting::DatabaseDelayMs(value) => self.database_delay = *value,
            Setting::DatabaseConnections(value) => self.database_connections = *value,
            Setting::WriteLock(value) => self.write_lock = *value,
            Setting::PartialBatches(value) => self.partial_batches = *value,
            Setting::DiskFull(value) => self.disk_full = *value,
            _ => return false,
        }
        true
    }
}
