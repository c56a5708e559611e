//! Appending to a journal. A full disk ends the recording, not the drill: what happens after that is
//! kept in memory and said in [`Journal::status`].

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::broadcast;

use super::{Entry, Event, JOURNAL_FILE, JournalError, chain};

/// Entries that a slow subscriber may lag behind before it loses the oldest (it is told how many).
const SUBSCRIBER_LAG: usize = 1_024;

/// A journal. Clones write to the same one.
#[derive(Debug, Clone)]
pub struct Journal {
    inner: Arc<Mutex<Inner>>,
    news: broadcast::Sender<Entry>,
}

#[derive(Debug)]
struct Inner {
    entries: Vec<Entry>,
    file: Option<File>,
    path: Option<PathBuf>,
    banner: Option<String>,
}

impl Journal {
    /// Creates `journal.jsonl` in a folder that exists.
    ///
    /// # Errors
    /// When the file exists already or cannot be created.
    pub fn create(folder: &Path) -> Result<Self, JournalError> {
        let path = folder.join(JOURNAL_FILE);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| JournalError::Create {
                path: path.clone(),
                source,
            })?;
        Ok(Self::with(Some(file), Some(path)))
    }

    /// A journal that is kept in memory only.
    #[must_use]
    pub fn in_memory() -> Self {
        Self::with(None, None)
    }

    #[cfg(test)]
    pub(super) fn on(path: &Path) -> Self {
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .expect("the test's file opens");
        Self::with(Some(file), Some(path.to_owned()))
    }

    fn with(file: Option<File>, path: Option<PathBuf>) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Inner {
                entries: Vec::new(),
                file,
                path,
                banner: None,
            })),
            news: broadcast::channel(SUBSCRIBER_LAG).0,
        }
    }

    /// Appends what happened at a drill time (Unix milliseconds; a time before the last entry's becomes the last entry's) and
    /// flushes it. Numbers that JSON cannot hold (infinite, not a number) become the nearest that it can.
    pub fn append(&self, at_ms: i64, event: Event) -> Entry {
        let mut inner = self.inner.lock();
        let last = inner.entries.last();
        let seq = last.map_or(0, |entry| entry.seq + 1);
        let at_ms = last.map_or(at_ms, |entry| at_ms.max(entry.at_ms));
        let prev = last.map_or_else(|| chain::GENESIS.to_owned(), |entry| entry.hash.clone());
        let entry = chain::link(seq, at_ms, finite(event), prev)
            .expect("journal events are plain data with string keys, which JSON always holds");
        inner.write(&entry);
        inner.entries.push(entry.clone());
        drop(inner);
        // nobody listening is fine
        let _ = self.news.send(entry.clone());
        entry
    }

    /// All entries so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.inner.lock().entries.clone()
    }

    /// Entries from sequence number `seq` on.
    #[must_use]
    pub fn entries_since(&self, seq: u64) -> Vec<Entry> {
        let from = usize::try_from(seq).unwrap_or(usize::MAX);
        self.inner
            .lock()
            .entries
            .get(from..)
            .unwrap_or_default()
            .to_vec()
    }

    /// Entries as they are appended from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Entry> {
        self.news.subscribe()
    }

    /// What the trainee should know about the recording, if anything.
    #[must_use]
    pub fn status(&self) -> Option<String> {
        self.inner.lock().banner.clone()
    }

    /// Says that the folder was renamed, so that messages name the right file. The open file moves along by itself.
    pub fn moved_to(&self, folder: &Path) {
        let mut inner = self.inner.lock();
        if inner.path.is_some() {
            inner.path = Some(folder.join(JOURNAL_FILE));
        }
    }
}

impl Inner {
    fn write(&mut self, entry: &Entry) {
        let Some(file) = self.file.as_mut() else {
            return;
        };
        let written = serde_json::to_vec(entry)
            .map_err(std::io::Error::other)
            .and_then(|mut line| {
                line.push(b'\n');
                file.write_all(&line)?;
                file.flush()
            });
        if let Err(error) = written {
            let path = self
                .path
                .as_deref()
                .unwrap_or(Path::new(JOURNAL_FILE))
                .display();
            tracing::warn!(%error, %path, "recording stopped");
            self.banner = Some(format!(
                "recording stopped: {path} cannot be written ({error}); the drill goes on, its later entries are in memory only"
            ));
            self.file = None;
        }
    }
}

/// Replaces numbers that JSON cannot hold.
fn finite(mut event: Event) -> Event {
    let fix = |number: &mut f64| {
        *number = if number.is_nan() {
            0.0
        } else {
            number.clamp(f64::MIN, f64::MAX)
        };
    };
    match &mut event {
        Event::Alert { value, .. } | Event::PageFired { value, .. } => fix(value),
        Event::Hint { cost_min, .. } => fix(cost_min),
        Event::Diagnosis { confidence, .. } => fix(confidence),
        Event::Kpi { value, .. } => value.iter_mut().for_each(fix),
        Event::Proof { invariants, .. } => invariants
            .iter_mut()
            .flat_map(|result| result.before.iter_mut().chain(&mut result.after))
            .for_each(fix),
        _ => {}
    }
    event
}
