//! Writes received batches to a folder, off the receiver's path: a bounded queue and one thread. A
//! disk that refuses stops the recording and is told in the status; receiving goes on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use display_full_error::DisplayFullErrorExt;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::mpsc;

use super::writer::FrameWriter;
use crate::error::RecordError;

/// Batches waiting for the disk. When the queue is full the receiver waits, and so do the senders:
/// nothing is lost, and memory stays bounded at about this times a batch (100 KB).
const QUEUE_BATCHES: usize = 256;

/// A crash loses at most what was received within this time.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// File of the logs, in the recording's folder.
pub const LOGS_FILE: &str = "logs.pb.zst";

/// File of the traces, in the recording's folder.
pub const TRACES_FILE: &str = "traces.pb.zst";

/// Which file a batch belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// [`LOGS_FILE`]
    Logs,
    /// [`TRACES_FILE`]
    Traces,
}

/// How a recording is going.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RecordStatus {
    /// Batches written.
    pub batches: u64,
    /// Bytes written, compressed.
    pub bytes: u64,
    /// Batches that were not written since the disk refused.
    pub lost_batches: u64,
    /// Why the recording stopped, if it did.
    pub error: Option<String>,
}

/// What goes through the queue.
#[derive(Debug)]
pub(crate) enum Item {
    /// An encoded batch.
    Batch(Signal, bytes::Bytes),
    /// Wakes the thread, so that it sees that the recording is to end.
    End,
}

/// A running recording. Dropping it writes what is queued and closes the files.
#[derive(Debug)]
pub struct Recorder {
    queue: mpsc::Sender<Item>,
    ending: Arc<AtomicBool>,
    status: Arc<Mutex<RecordStatus>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Opens the files in `folder`, which must exist, and starts the thread.
    ///
    /// # Errors
    /// When a file cannot be created or the thread cannot be started.
    pub fn start(folder: &Path) -> Result<Self, RecordError> {
        let logs = FrameWriter::create(&folder.join(LOGS_FILE))?;
        let traces = FrameWriter::create(&folder.join(TRACES_FILE))?;
        let (queue, batches) = mpsc::channel(QUEUE_BATCHES);
        let status = Arc::new(Mutex::new(RecordStatus::default()));
        let ending = Arc::new(AtomicBool::new(false));
        let writing = Writing {
            logs,
            traces,
            status: status.clone(),
            ending: ending.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("telemetry-recorder".into())
            .spawn(move || writing.run(batches))
            .map_err(|source| RecordError::Io {
                what: "start a thread to write",
                path: folder.to_owned(),
                source,
            })?;
        Ok(Self {
            queue,
            ending,
            status,
            thread: Some(thread),
        })
    }

    /// A handle that appends to this recording; it refuses once the recording has ended.
    pub(crate) fn queue(&self) -> mpsc::Sender<Item> {
        self.queue.clone()
    }

    /// How it is going.
    #[must_use]
    pub fn status(&self) -> RecordStatus {
        self.status.lock().clone()
    }

    /// Writes what is queued, closes the files and says how it went. Blocks for as long as that takes.
    #[must_use]
    pub fn finish(mut self) -> RecordStatus {
        self.close();
        self.status()
    }

    fn close(&mut self) {
        // a full queue needs no waking: its thread has items to look up from
        self.ending.store(true, Ordering::Release);
        let _ = self.queue.try_send(Item::End);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            let mut status = self.status.lock();
            status
                .error
                .get_or_insert_with(|| "the recording thread failed".into());
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.close();
    }
}

struct Writing {
    logs: FrameWriter,
    traces: FrameWriter,
    status: Arc<Mutex<RecordStatus>>,
    ending: Arc<AtomicBool>,
}

impl Writing {
    fn run(mut self, mut batches: mpsc::Receiver<Item>) {
        let mut flushed = Instant::now();
        let mut refused = false;
        while let Some(item) = batches.blocking_recv() {
            if self.ending.load(Ordering::Acquire) {
                // what is queued still comes; handles that others hold no longer keep us
                batches.close();
            }
            let Item::Batch(signal, message) = item else {
                continue;
            };
            if refused {
                self.status.lock().lost_batches += 1;
                continue;
            }
            let writer = match signal {
                Signal::Logs => &mut self.logs,
                Signal::Traces => &mut self.traces,
            };
            let mut written = writer.append(&message);
            if written.is_ok() && (batches.is_empty() || flushed.elapsed() >= FLUSH_EVERY) {
                written = self.logs.flush().and_then(|()| self.traces.flush());
                flushed = Instant::now();
            }
            refused = self.note(written);
        }
        if !refused {
            let flushed = self.logs.flush().and_then(|()| self.traces.flush());
            if let Err(error) = flushed {
                self.status.lock().error = Some(error.to_string_full());
            }
        }
    }

    /// Keeps the outcome; says whether the disk refused.
    fn note(&mut self, written: Result<(), RecordError>) -> bool {
        let mut status = self.status.lock();
        status.bytes = self.logs.bytes() + self.traces.bytes();
        match written {
            Ok(()) => {
                status.batches += 1;
                false
            }
            Err(error) => {
                status.lost_batches += 1;
                status.error = Some(error.to_string_full());
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Frames;

    #[tokio::test]
    async fn what_was_appended_is_on_disk_when_the_recording_ends() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::start(folder.path()).unwrap();
        let queue = recorder.queue();
        for number in 0..1000_u32 {
            let signal = if number % 2 == 0 {
                Signal::Logs
            } else {
                Signal::Traces
            };
            queue
                .send(Item::Batch(signal, number.to_be_bytes().to_vec().into()))
                .await
                .unwrap();
        }
        let status = recorder.finish();
        assert!(
            queue.is_closed(),
            "a handle that is still held does not keep the recording"
        );
        assert_eq!((status.batches, status.error), (1000, None));
        let logs: Vec<_> = Frames::open(&folder.path().join(LOGS_FILE))
            .unwrap()
            .collect();
        assert_eq!(logs.len(), 500);
        assert_eq!(logs[1].as_ref().unwrap(), &2_u32.to_be_bytes());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_disk_stops_the_recording_and_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join(LOGS_FILE)).unwrap();
        let recorder = Recorder::start(folder.path()).unwrap();
        let queue = recorder.queue();
        for _ in 0..3 {
            queue
                .send(Item::Batch(Signal::Logs, vec![7; 100_000].into()))
                .await
                .unwrap();
        }
        drop(queue);
        let status = recorder.finish();
        assert!(
            status
                .error
                .is_some_and(|error| error.contains(LOGS_FILE) && error.contains("space"))
        );
    }

    #[test]
    fn a_folder_that_does_not_exist_is_named() {
        let error = Recorder::start(Path::new("/nonexistent/drill")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot create /nonexistent/drill/logs.pb.zst"
        );
    }
}
