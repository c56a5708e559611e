//! What values a setting may have, and how one that it may not have is refused.

use scenarios::{setting::Setting, shop::Role};

/// Most worker slots or connections: beyond it, sockets would run out before slots.
const MOST_SLOTS: u32 = 10_000;
/// Longest timeout, delay or reset: a longer one is a slip of the pen.
const LONGEST_MS: u64 = 600_000;
/// Longest time that a single request or statement is held up: no caller waits so long.
const LONGEST_HOLD_MS: u64 = 60_000;
/// Most retries of one call.
const MOST_RETRIES: u32 = 20;
/// Most items settled per second: more than a thread can count off one by one is a slip of the pen.
const MOST_SETTLED_PER_S: u32 = 1_000_000;
/// A clock that is off by more than a day is set wrongly, which is another matter.
const MOST_SKEW_MS: u64 = 86_400_000;
/// Most log lines a second: above it, exporting them would cost the machine more than the service does.
const MOST_LINES_PER_S: u32 = 20_000;

/// Refuses a value out of bounds, naming them.
pub fn check(role: Role, setting: &Setting) -> Result<(), String> {
    let (fine, bounds) = match setting {
        Setting::WorkerSlots(n) | Setting::OutboundConnections(n) | Setting::ReadConnections(n) => {
            slots(*n)
        }
        Setting::DatabaseConnections(n) => slots(n.unwrap_or(1)),
        Setting::CallTimeoutMs(ms) => above_zero(*ms),
        Setting::DeadlineBudgetMs(ms) => above_zero(ms.unwrap_or(1)),
        Setting::Retries(retries) => (
            retries.max <= MOST_RETRIES && retries.backoff_ms <= LONGEST_MS,
            "must be at most 20 retries with a wait of at most 600000 ms",
        ),
        Setting::Breaker(breaker) => (
            breaker.is_none_or(|b| b.failures > 0 && above_zero(b.reset_ms).0),
            "must open after at least 1 failure, for 1 to 600000 ms",
        ),
        Setting::Latency(latency) => (
            latency.median_ms > 0.0
                && latency.p99_ms >= latency.median_ms
                && latency.p99_ms <= 600_000.0,
            "the median must be above 0 and the 99th percentile not below it, both at most 600000 ms",
        ),
        Setting::LostAnswers(share) | Setting::PartialBatches(share) => share_of(*share),
        Setting::DelayedCharges { share, delay_ms } => (
            share_of(*share).0 && *delay_ms <= LONGEST_MS,
            "must be a share, 0 to 1, and at most 600000 ms",
        ),
        Setting::ReconciliationTolerance(units) => (*units >= 0, "must not be negative"),
        Setting::Report(report) => share_of(report.duty),
        Setting::SettlementPerS(n) => (
            (1..=MOST_SETTLED_PER_S).contains(n),
            "must be 1 to 1000000 items per second",
        ),
        Setting::RevokedCallers(callers) => {
            return all(callers, |caller| {
                (!caller.calls().contains(&role)).then(|| format!("{caller} does not call {role}"))
            });
        }
        Setting::Unresolvable(called) => {
            return all(called, |called| {
                (!role.calls().contains(&called)).then(|| format!("{role} does not call {called}"))
            });
        }
        other => return check_harm(other),
    };
    within(fine, bounds)
}

/// Those that only ever do harm.
fn check_harm(setting: &Setting) -> Result<(), String> {
    let (fine, bounds) = match setting {
        Setting::CpuBurn(burn) => share_of(burn.duty),
        Setting::MemoryLeak(leak) => (
            (0.0..=1_024.0).contains(&leak.mib_per_s) && leak.most_mib <= 65_536,
            "must grow by 0 to 1024 MiB per second, to at most 65536 MiB",
        ),
        Setting::DescriptorLeak(leak) => (
            (0.0..=10_000.0).contains(&leak.per_s) && leak.most <= 100_000,
            "must be 0 to 10000 a second, at most 100000 in all",
        ),
        Setting::LogFlood(flood) => (
            flood.lines_per_s <= MOST_LINES_PER_S,
            "must be at most 20000 lines per second",
        ),
        Setting::ClockSkewMs(ms) => (
            ms.unsigned_abs() <= MOST_SKEW_MS,
            "must be at most a day, 86400000 ms, either way",
        ),
        Setting::BlockingWork(work) => (
            share_of(work.share).0 && work.ms <= LONGEST_HOLD_MS,
            "must be a share, 0 to 1, and at most 60000 ms",
        ),
        Setting::Defect(defect) => share_of(defect.share),
        Setting::StartDelayMs(ms) => at_most_longest(*ms),
        Setting::ExitAfterMs(ms) => at_most_longest(ms.unwrap_or(0)),
        Setting::DatabaseDelayMs(delay) => (
            delay.delay_ms <= LONGEST_HOLD_MS && delay.jitter_ms <= LONGEST_HOLD_MS,
            "both must be at most 60000 ms",
        ),
        Setting::WriteLock(lock) => (
            lock.hold_ms <= LONGEST_HOLD_MS
                && lock.hold_ms <= lock.every_ms
                && lock.every_ms <= LONGEST_MS,
            "must be held for at most 60000 ms, and not for longer than from one beginning to the next, \
             which is at most 600000 ms",
        ),
        // of these, every value that can be written is one
        _ => return Ok(()),
    };
    within(fine, bounds)
}

fn all(roles: &[Role], wrong: impl Fn(Role) -> Option<String>) -> Result<(), String> {
    roles
        .iter()
        .find_map(|role| wrong(*role))
        .map_or(Ok(()), Err)
}

type Judged = (bool, &'static str);

fn slots(n: u32) -> Judged {
    ((1..=MOST_SLOTS).contains(&n), "must be 1 to 10000")
}

fn above_zero(ms: u64) -> Judged {
    ((1..=LONGEST_MS).contains(&ms), "must be 1 to 600000 ms")
}

fn at_most_longest(ms: u64) -> Judged {
    (ms <= LONGEST_MS, "must be at most 600000 ms")
}

fn share_of(share: f64) -> Judged {
    ((0.0..=1.0).contains(&share), "must be a share, 0 to 1")
}

fn within(fine: bool, bounds: &str) -> Result<(), String> {
    if fine { Ok(()) } else { Err(bounds.to_owned()) }
}
