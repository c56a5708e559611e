//! The rail: what chaos may take of the machine that it runs on, so that a room stays usable. Pure:
//! what an act costs, and whether all that is in force together stays below what is allowed.

use std::ops::Add;

use scenarios::{setting::Setting, vocabulary::act::Act};

use super::order::ChaosError;

/// Share of the machine's memory that leaks may take together.
const MEMORY_SHARE: f64 = 0.25;
/// Share of the descriptors of the whole system that leaks may take together.
const DESCRIPTOR_SHARE: f64 = 0.25;
/// Log lines a second that floods may write together: what the lab's store takes beside its work.
const LINES_PER_S: u64 = 20_000;
/// Times the traffic that surges may make of it together: beyond it the generator itself needs the machine.
const TRAFFIC: f64 = 50.0;
/// Cores that are left to everyone else.
const CORES_LEFT: f64 = 1.0;
/// Cores that computation may take on a machine that has no more than what is to be left: it has the lowest priority.
const CORES_AT_LEAST: f64 = 1.0;

/// What something takes of a machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    cores: f64,
    memory_mib: f64,
    descriptors: u64,
    lines_per_s: u64,
    traffic: f64,
}

impl Default for Cost {
    fn default() -> Self {
        Self {
            cores: 0.0,
            memory_mib: 0.0,
            descriptors: 0,
            lines_per_s: 0,
            traffic: 1.0,
        }
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cores: self.cores + other.cores,
            memory_mib: self.memory_mib + other.memory_mib,
            descriptors: self.descriptors.saturating_add(other.descriptors),
            lines_per_s: self.lines_per_s.saturating_add(other.lines_per_s),
            traffic: self.traffic * other.traffic,
        }
    }
}

impl Cost {
    /// Of some acts, when each service that they hit has as many processes as `processes` says.
    pub(super) fn of(acts: &[Act], processes: impl Fn(&Act) -> u32) -> Self {
        acts.iter()
            .map(|act| Self::of_one(act, processes(act)))
            .fold(Self::default(), Add::add)
    }

    fn of_one(act: &Act, processes: u32) -> Self {
        let (settings, processes) = match act {
            Act::Set { settings, .. } | Act::Release { settings, .. } => (settings, processes),
            Act::Drift { settings, .. } => (settings, 1),
            Act::Load { factor } => {
                return Self {
                    traffic: factor.max(1.0),
                    ..Self::default()
                };
            }
            _ => return Self::default(),
        };
        let mut cost = Self::default();
        for setting in settings {
            match setting {
                Setting::CpuBurn(burn) => cost.cores += burn.duty * f64::from(processes),
                Setting::MemoryLeak(leak) => {
                    cost.memory_mib += f64::from(leak.most_mib) * f64::from(processes);
                }
                Setting::DescriptorLeak(leak) => {
                    cost.descriptors += u64::from(leak.most) * u64::from(processes);
                }
                Setting::LogFlood(flood) => {
                    cost.lines_per_s += u64::from(flood.lines_per_s) * u64::from(processes);
                }
                _ => {}
            }
        }
        cost
    }
}

/// The machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Host {
    cores: f64,
    memory_mib: f64,
    descriptors: f64,
}

impl Host {
    /// This one. What the system does not tell is taken to be small.
    pub(super) fn this() -> Self {
        let number = |text: &str| text.split_ascii_whitespace().next()?.parse::<f64>().ok();
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let memory = read("/proc/meminfo").and_then(|text| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("MemAvailable:"))?;
            number(line).map(|kib| kib / 1024.0)
        });
        let files = read("/proc/sys/fs/file-max").and_then(|text| number(&text));
        #[allow(clippy::cast_precision_loss)] // a number of cores
        let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        Self {
            cores,
            memory_mib: memory.unwrap_or(1_024.0),
            descriptors: files.unwrap_or(10_000.0),
        }
    }

    /// Whether `more` may be taken while `used` is.
    pub(super) fn allows(&self, used: Cost, more: Cost) -> Result<(), ChaosError> {
        let all = used + more;
        let cores = (self.cores - CORES_LEFT).max(CORES_AT_LEAST);
        #[allow(clippy::cast_precision_loss)] // far below 2^53
        let rows = [
            ("processor cores", all.cores, used.cores, more.cores, cores),
            (
                "MiB of memory",
                all.memory_mib,
                used.memory_mib,
                more.memory_mib,
                (self.memory_mib * MEMORY_SHARE).floor(),
            ),
            (
                "file descriptors",
                all.descriptors as f64,
                used.descriptors as f64,
                more.descriptors as f64,
                (self.descriptors * DESCRIPTOR_SHARE).floor(),
            ),
            (
                "log lines a second",
                all.lines_per_s as f64,
                used.lines_per_s as f64,
                more.lines_per_s as f64,
                LINES_PER_S as f64,
            ),
            (
                "times the traffic",
                all.traffic,
                used.traffic - 1.0,
                more.traffic - 1.0,
                TRAFFIC,
            ),
        ];
        for (what, all, used, more, allowed) in rows {
            if more > 0.0 && all > allowed {
                return Err(ChaosError::Rail {
                    what,
                    wanted: shown(all),
                    allowed: shown(allowed),
                    used: (used > 0.0).then(|| shown(used)),
                });
            }
        }
        Ok(())
    }
}

/// A figure with two decimals at most.
fn shown(figure: f64) -> String {
    ((figure * 100.0).round() / 100.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::{setting::CpuBurn, shop::Role};

    const HOST: Host = Host {
        cores: 2.0,
        memory_mib: 4_000.0,
        descriptors: 100_000.0,
    };

    fn burn(duty: f64) -> Act {
        Act::Set {
            service: Role::Worker,
            settings: vec![Setting::CpuBurn(CpuBurn { duty })],
        }
    }

    #[test]
    fn what_is_in_force_counts_and_every_process_does() {
        let once = Cost::of(&[burn(0.6)], |_| 1);
        let twice = Cost::of(&[burn(0.6)], |_| 2);
        assert!(HOST.allows(Cost::default(), once).is_ok());
        let told = HOST.allows(Cost::default(), twice).unwrap_err().to_string();
        assert_eq!(
            told,
            "this would take 1.2 processor cores, but chaos may take 1 on this machine"
        );
        let told = HOST.allows(once, once).unwrap_err().to_string();
        assert!(told.ends_with("; 0.6 are in use by others"), "{told}");
    }

    #[test]
    fn surges_multiply_and_what_takes_nothing_always_passes() {
        let surge = Cost::of(&[Act::Load { factor: 8.0 }], |_| 1);
        assert!(HOST.allows(surge, surge).is_err());
        assert!(HOST.allows(surge, Cost::default()).is_ok());
        assert!(HOST.allows(surge + surge, Cost::default()).is_ok());
    }

    #[test]
    fn this_machine_has_something_of_everything() {
        let host = Host::this();
        assert!(host.cores >= 1.0 && host.memory_mib > 1.0 && host.descriptors > 1.0);
    }
}
