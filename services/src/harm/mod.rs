//! What wears a process down beside its requests: processor time, memory, descriptors, log lines.
//!
//! Each is off until its setting says otherwise, and leaves nothing behind when it goes back. None of
//! them says anything of itself: no log line, metric or thread is named after it, because what is
//! wrong with a service is what its users find out.

pub mod burner;
mod chatter;
mod descriptors;
mod memory;
pub mod requests;
pub mod task;

use scenarios::shop::Role;
use tokio::sync::Mutex;

use crate::{error::ServiceError, goods, settings::Harms};
use burner::Burner;
use descriptors::Descriptors;
use task::Replaceable;

/// What wears a process down.
#[derive(Debug)]
pub struct Wear {
    burner: Burner,
    parts: Mutex<Parts>,
}

#[derive(Debug, Default)]
struct Parts {
    memory: Replaceable<scenarios::setting::MemoryLeak>,
    chatter: Replaceable<scenarios::setting::LogFlood>,
    descriptors: Descriptors,
}

impl Wear {
    /// None. Its threads go by the role's name, as those of its runtime do.
    #[must_use]
    pub fn none(role: Role) -> Self {
        Self {
            burner: Burner::new(role.name(), goods::yearly_turnover),
            parts: Mutex::default(),
        }
    }

    /// Follows the settings; when it returns, what is no longer wanted is gone.
    ///
    /// # Errors
    /// When a thread cannot be started or a limit not be changed.
    pub async fn follow(&self, harms: &Harms) -> Result<(), ServiceError> {
        self.burner.set(harms.cpu_burn.duty)?;
        let mut parts = self.parts.lock().await;
        let leak = harms.memory_leak;
        let leaks = leak.mib_per_s > 0.0 && leak.most_mib > 0;
        let grow = leaks.then_some((leak, memory::grow as fn(_) -> _));
        parts.memory.follow(grow).await;
        let flood = harms.log_flood;
        let talk = (flood.lines_per_s > 0).then_some((flood, chatter::talk as fn(_) -> _));
        parts.chatter.follow(talk).await;
        parts.descriptors.follow(harms.descriptor_leak).await
    }
}
