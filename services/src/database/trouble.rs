//! What may trouble a database: delays, batches that break off, a lock that keeps writers out, a file
//! that may not grow. Nothing, as a rule.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::RwLock;
use scenarios::setting::{DatabaseDelay, WriteLock};
use tokio::{sync::Mutex, time::Instant};

use super::pools::Pools;
use crate::{chance::Chance, error::ServiceError, harm::task::Replaceable, settings::Harms};

/// Seed of the draws: which statement is delayed by how much matters to nobody.
const SEED: u64 = 0x000D_A7A8_A5E0;

/// What troubles it.
#[derive(Debug)]
pub struct Troubles {
    /// Whether statements are; all that a healthy one looks at.
    armed: AtomicBool,
    statements: RwLock<Statements>,
    chance: Chance,
    rest: Mutex<Rest>,
}

/// What troubles statements.
#[derive(Debug, Clone, Copy)]
struct Statements {
    delay: DatabaseDelay,
    broken_share: f64,
}

/// What troubles the database itself.
#[derive(Debug, Default)]
struct Rest {
    lock: Replaceable<WriteLock>,
    bounded: bool,
}

impl Troubles {
    /// Nothing.
    pub fn none() -> Self {
        Self {
            armed: AtomicBool::new(false),
            statements: RwLock::new(Statements::of(&Harms::default())),
            chance: Chance::new(SEED, "database"),
            rest: Mutex::default(),
        }
    }

    /// Follows the settings; when it returns, what is no longer wanted is gone.
    ///
    /// # Errors
    /// When the database cannot follow.
    pub async fn follow(&self, harms: &Harms, pools: &Arc<Pools>) -> Result<(), ServiceError> {
        let statements = Statements::of(harms);
        *self.statements.write() = statements;
        self.armed.store(statements.any(), Ordering::Relaxed);
        let mut rest = self.rest.lock().await;
        let lock = harms.write_lock;
        let pools_of_lock = Arc::clone(pools);
        let keep_out = move |lock| keep_writers_out(pools_of_lock, lock);
        rest.lock
            .follow((lock.hold_ms > 0).then_some((lock, keep_out)))
            .await;
        rest.bound(harms.disk_full, pools).await
    }

    /// What a statement or batch takes beyond the round trip; nothing, as a rule.
    pub fn delay(&self) -> Duration {
        if !self.armed.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let DatabaseDelay {
            delay_ms,
            jitter_ms,
        } = self.statements.read().delay;
        #[allow(clippy::cast_precision_loss)] // at most a minute
        let ms = delay_ms as f64 + jitter_ms as f64 * self.chance.either_way();
        Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default()
    }

    /// Whether a batch breaks off after its first statement.
    pub fn breaks_off(&self) -> bool {
        self.armed.load(Ordering::Relaxed) && {
            let share = self.statements.read().broken_share;
            self.chance.happens(share)
        }
    }
}

impl Statements {
    fn of(harms: &Harms) -> Self {
        Self {
            delay: harms.database_delay,
            broken_share: harms.partial_batches,
        }
    }

    fn any(self) -> bool {
        self.delay.delay_ms > 0 || self.delay.jitter_ms > 0 || self.broken_share > 0.0
    }
}

impl Rest {
    async fn bound(&mut self, bounded: bool, pools: &Pools) -> Result<(), ServiceError> {
        if self.bounded == bounded {
            return Ok(());
        }
        let done = pools.bound(bounded).await;
        done.ok_or_else(|| ServiceError::SettingValue {
            setting: r#"{"disk-full":true}"#.to_owned(),
            reason:
                "a PostgreSQL server's disk is not the service's to fill; it needs a SQLite file"
                    .to_owned(),
        })?
        .map_err(super::failed(|| "bound the file".to_owned()))?;
        self.bounded = bounded;
        Ok(())
    }
}

/// Keeps writers out again and again.
async fn keep_writers_out(pools: Arc<Pools>, lock: WriteLock) {
    loop {
        let next = Instant::now() + Duration::from_millis(lock.every_ms);
        // without a connection nobody is kept out this time, and it is tried again the next
        let _ = pools
            .keep_writers_out(Duration::from_millis(lock.hold_ms))
            .await;
        tokio::time::sleep_until(next).await;
    }
}
