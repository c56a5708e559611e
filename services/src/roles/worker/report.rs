//! The nightly report: really computes, on one thread of the lowest priority, for the share of a
//! core that it is given.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use scenarios::shop::{CUSTOMERS, GOODS};

use crate::{error::ServiceError, goods};

/// Within so long the thread computes for its share and sleeps for the rest.
const PERIOD: Duration = Duration::from_millis(50);
/// The lowest priority there is: the report takes what nobody else wants.
#[cfg(target_os = "linux")]
const NICE: i32 = 19;

/// The report, on or off.
#[derive(Debug, Default)]
pub struct Report(Arc<InForce>);

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

impl Report {
    /// Off.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether it is on.
    pub fn runs(&self) -> bool {
        self.0.share() > 0.0
    }

    /// Changes its share of a core; 0 stops it.
    ///
    /// # Errors
    /// When its thread cannot be started; then it stays off.
    pub fn set(&self, duty: f64) -> Result<(), ServiceError> {
        let before = f64::from_bits(self.0.duty.swap(duty.to_bits(), Ordering::SeqCst));
        if before > 0.0 || duty <= 0.0 {
            if before > 0.0 && duty <= 0.0 {
                tracing::info!("nightly report stopped");
            }
            return Ok(());
        }
        let start = self.0.starts.fetch_add(1, Ordering::SeqCst) + 1;
        let in_force = Arc::clone(&self.0);
        let thread = std::thread::Builder::new().name("report".to_owned());
        let spawned = thread.spawn(move || compute(&in_force, start));
        if let Err(source) = spawned {
            self.0.duty.store(0, Ordering::SeqCst);
            return Err(ServiceError::Thread {
                what: "the report's thread",
                source,
            });
        }
        tracing::info!("nightly report started");
        Ok(())
    }
}

fn compute(in_force: &InForce, start: u64) {
    // of a process's threads only this one on Linux; elsewhere it would be the whole process
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        eprintln!("the report runs at normal priority: {error}");
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
            black_box(yearly_turnover(black_box(customer)));
            customer = (customer + 1) % CUSTOMERS;
        }
        std::thread::sleep(PERIOD.saturating_sub(busy));
    }
}

/// A page of the report: what a customer would have bought in a year, each day another article.
fn yearly_turnover(customer: u32) -> i64 {
    (0..365)
        .map(|day| {
            let sku = (customer.wrapping_mul(31) + day) % GOODS;
            goods::list_price_minor_units(sku) * i64::from(1 + day % 3)
        })
        .sum()
}
