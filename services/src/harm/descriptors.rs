//! Descriptors that are opened and never closed, until the process may have no more.
//!
//! The process's soft limit is lowered meanwhile to what it has and may leak, so that it is really
//! hit: new connections fail with EMFILE, what others close is leaked too, and the machine never
//! notices.

use std::{fs::DirEntry, io, os::unix::net::UnixDatagram, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use scenarios::setting::DescriptorLeak;

use super::task::Replaceable;
use crate::{error::ServiceError, pace::Pace};

/// How often some are opened.
const TICK: Duration = Duration::from_millis(50);
/// Where the system lists the descriptors of a process.
const OPEN: &str = if cfg!(target_os = "linux") {
    "/proc/self/fd"
} else {
    "/dev/fd"
};

/// The leak and the limit that it is held against.
#[derive(Debug, Default)]
pub struct Descriptors {
    leaking: Replaceable<DescriptorLeak>,
    /// The limit as it was.
    before: Option<Rlimit>,
}

impl Descriptors {
    /// Follows the setting; when it returns, what is no longer wanted is closed and the former limit holds again.
    pub async fn follow(&mut self, leak: DescriptorLeak) -> Result<(), ServiceError> {
        let wanted = leak.per_s > 0.0 && leak.most > 0;
        if !wanted || !self.leaking.runs_for(leak) {
            self.leaking.stop().await;
            self.restore()?;
        }
        if wanted && self.before.is_none() {
            self.lower(leak.most)?;
            self.leaking.follow(Some((leak, open_more))).await;
        }
        Ok(())
    }

    fn lower(&mut self, by: u32) -> Result<(), ServiceError> {
        let mut open = open_numbers().map_err(|source| failed("list the descriptors", source))?;
        open.sort_unstable();
        // so many numbers below it are free
        let soft = open.iter().fold(u64::from(by), |soft, &number| {
            soft + u64::from(number < soft)
        });
        // the list was open itself while it was read
        let soft = soft.saturating_sub(1);
        let limits = getrlimit(Resource::Nofile);
        let lowered = Rlimit {
            current: Some(limits.current.map_or(soft, |current| current.min(soft))),
            maximum: limits.maximum,
        };
        set(lowered)?;
        self.before = Some(limits);
        Ok(())
    }

    fn restore(&mut self) -> Result<(), ServiceError> {
        if let Some(before) = self.before {
            set(before)?;
            self.before = None;
        }
        Ok(())
    }
}

/// The numbers of all descriptors that are open, that of the list among them.
fn open_numbers() -> io::Result<Vec<u64>> {
    let listed = std::fs::read_dir(OPEN)?;
    let number = |entry: DirEntry| entry.file_name().to_str()?.parse().ok();
    listed
        .filter_map(|entry| entry.map(number).transpose())
        .collect()
}

fn set(limits: Rlimit) -> Result<(), ServiceError> {
    setrlimit(Resource::Nofile, limits)
        .map_err(|error| failed("change the limit of descriptors", error.into()))
}

fn failed(what: &'static str, source: io::Error) -> ServiceError {
    ServiceError::System { what, source }
}

/// Opens descriptors up to the limit and keeps them; dropping it closes all.
async fn open_more(leak: DescriptorLeak) {
    let mut kept = Vec::new();
    let mut pace = Pace::new();
    loop {
        tokio::time::sleep(TICK).await;
        for _ in 0..pace.due(leak.per_s) {
            let Ok(socket) = UnixDatagram::unbound() else {
                break;
            };
            kept.push(socket);
        }
    }
}
