//! Memory that grows and is never used: allocated, touched page by page, kept.

use std::time::Duration;

use scenarios::setting::MemoryLeak;

use crate::pace::Pace;

/// How often it grows.
const TICK: Duration = Duration::from_millis(100);
/// One mebibyte, bytes.
const MIB: usize = 1024 * 1024;
/// Bytes of one allocation. Above the allocator's highest threshold for mapping (32 MiB in glibc), so that it is a mapping of
/// its own and goes back to the system as a whole; its pages cost nothing until they are touched.
const CHUNK_BYTES: usize = 64 * MIB;

/// What was taken.
#[derive(Debug, Default)]
struct Hoard(Vec<Vec<u8>>);

impl Hoard {
    /// Takes so many more bytes and touches them.
    fn take(&mut self, mut bytes: usize) {
        while bytes > 0 {
            if self.0.last().is_none_or(|chunk| chunk.len() == CHUNK_BYTES) {
                self.0.push(Vec::with_capacity(CHUNK_BYTES));
            }
            if let Some(chunk) = self.0.last_mut() {
                let more = bytes.min(CHUNK_BYTES - chunk.len());
                // writes, and so makes the pages resident
                chunk.resize(chunk.len() + more, 0xA5);
                bytes -= more;
            }
        }
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}

/// Grows until it has the most, then keeps it; dropping it gives all back.
pub async fn grow(leak: MemoryLeak) {
    let most = leak.most_mib as usize * MIB;
    let mut hoard = Hoard::default();
    let mut pace = Pace::new();
    while hoard.bytes() < most {
        tokio::time::sleep(TICK).await;
        // in KiB: a slow leak grows in small steps
        let due = pace.due(leak.mib_per_s * 1_024.0) as usize * 1_024;
        hoard.take(due.min(most - hoard.bytes()));
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_spans_chunks_and_is_exactly_what_was_asked_for() {
        let mut hoard = Hoard::default();
        hoard.take(CHUNK_BYTES - 1);
        hoard.take(3);
        assert_eq!(hoard.bytes(), CHUNK_BYTES + 2);
        assert_eq!(hoard.0.len(), 2);
        assert!(hoard.0.iter().all(|chunk| chunk.capacity() >= CHUNK_BYTES));
    }

    #[cfg(target_os = "linux")]
    mod of_the_process {
        use super::super::*;
        use crate::harm::task::Replaceable;

        /// Resident memory of this process, MiB.
        fn resident_mib() -> usize {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
            pages * rustix::param::page_size() / MIB
        }

        #[tokio::test]
        async fn it_grows_to_the_most_and_is_given_back_at_once() {
            const MOST_MIB: usize = 384;
            let before = resident_mib();
            let leak = MemoryLeak {
                mib_per_s: 1_024.0,
                most_mib: u32::try_from(MOST_MIB).unwrap(),
            };
            let mut task = Replaceable::default();
            task.follow(Some((leak, grow as fn(_) -> _))).await;
            // other tests of this process take and give back a little beside it
            while resident_mib() < before + MOST_MIB * 3 / 4 {
                tokio::time::sleep(TICK).await;
            }
            let full = resident_mib();
            task.follow(None::<(MemoryLeak, fn(MemoryLeak) -> std::future::Ready<()>)>)
                .await;
            let after = resident_mib();
            assert!(after + MOST_MIB / 2 < full, "{before} {full} {after} MiB");
        }
    }
}
