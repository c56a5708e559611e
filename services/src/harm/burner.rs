//! A thread of the lowest priority that really computes, for the share of a core that it is given.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use scenarios::shop::CUSTOMERS;

use crate::error::ServiceError;

/// Within so long the thread computes for its share and sleeps for the rest.
const PERIOD: Duration = Duration::from_millis(50);
/// The lowest priority there is: it takes what nobody else wants.
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// A computation, on or off.
#[derive(Debug)]
pub struct Burner {
    thread: &'static str,
    /// Computes something of a customer.
    work: fn(u32) -> i64,
    in_force: Arc<InForce>,
}

#[derive(Debug, Default)]
struct InForce {
    /// Bits of the share, an `f64`; the thread ends at 0.
    duty: AtomicU64,
    /// Counts starts; a thread ends when another was started after it.
    starts: AtomicU64,
}

impl InForce {
    fn share(&self) -> f64 {
        f64::from_bits(self.duty.load(Ordering::SeqCst))
    }
}

/// What a change of the share did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// It was off.
    On,
    /// It was on.
    Off,
    /// It is as on or off as before.
    Not,
}

impl Burner {
    /// Off. Its thread will have this name.
    pub fn new(thread: &'static str, work: fn(u32) -> i64) -> Self {
        Self {
            thread,
            work,
            in_force: Arc::default(),
        }
    }

    /// Whether it is on.
    pub fn runs(&self) -> bool {
        self.in_force.share() > 0.0
    }

    /// Changes its share of a core; 0 stops it.
    ///
    /// # Errors
    /// When its thread cannot be started; then it stays off.
    pub fn set(&self, duty: f64) -> Result<Turned, ServiceError> {
        let before = f64::from_bits(self.in_force.duty.swap(duty.to_bits(), Ordering::SeqCst));
        match (before > 0.0, duty > 0.0) {
            (false, true) => {}
            (true, false) => return Ok(Turned::Off),
            _ => return Ok(Turned::Not),
        }
        let start = self.in_force.starts.fetch_add(1, Ordering::SeqCst) + 1;
        let (in_force, work) = (Arc::clone(&self.in_force), self.work);
        let thread = std::thread::Builder::new().name(self.thread.to_owned());
        let spawned = thread.spawn(move || compute(&in_force, start, work));
        if let Err(source) = spawned {
            self.in_force.duty.store(0, Ordering::SeqCst);
            return Err(ServiceError::Thread {
                what: "a computing thread",
                source,
            });
        }
        Ok(Turned::On)
    }
}

impl Drop for Burner {
    fn drop(&mut self) {
        self.in_force.duty.store(0, Ordering::SeqCst);
    }
}

fn compute(in_force: &InForce, start: u64, work: fn(u32) -> i64) {
    // of a process's threads only this one on Linux; elsewhere it would be the whole process
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        eprintln!("a background thread runs at normal priority: {error}");
    }
    let mut customer = 0;
    loop {
        let share = in_force.share();
        if share <= 0.0 || in_force.starts.load(Ordering::SeqCst) != start {
            return;
        }
        let began = Instant::now();
        let busy = PERIOD.mul_f64(share);
        while began.elapsed() < busy {
            black_box(work(black_box(customer)));
            customer = (customer + 1) % CUSTOMERS;
        }
        std::thread::sleep(PERIOD.saturating_sub(busy));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    static WORKED: AtomicU32 = AtomicU32::new(0);

    fn count(_: u32) -> i64 {
        WORKED.fetch_add(1, Ordering::SeqCst);
        0
    }

    #[test]
    fn it_computes_from_when_it_is_turned_on_until_it_is_turned_off() {
        let burner = Burner::new("test", count);
        assert_eq!(burner.set(0.0).unwrap(), Turned::Not);
        assert_eq!(burner.set(0.5).unwrap(), Turned::On);
        assert_eq!(burner.set(0.1).unwrap(), Turned::Not);
        assert!(burner.runs());
        while WORKED.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(burner.set(0.0).unwrap(), Turned::Off);
        // the thread lets go of what it shares when it ends
        while Arc::strong_count(&burner.in_force) > 1 {
            std::thread::yield_now();
        }
        let worked = WORKED.load(Ordering::SeqCst);
        assert_eq!(WORKED.load(Ordering::SeqCst), worked);
        assert!(!burner.runs());
    }
}
