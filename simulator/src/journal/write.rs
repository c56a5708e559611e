//! Appending to a journal, sealed while the drill runs. A full disk ends the recording, not the drill: what happens after that is
//! kept in memory and said in [`Journal::status`].

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::broadcast;

use super::{Entry, Event, JOURNAL_FILE, JournalError, SEALED_JOURNAL_FILE, chain};

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
    sealed: bool,
    banner: Option<String>,
    /// A second handle on the sealed file, which keeps its lock even when writing has stopped.
    lock: Option<File>,
}

impl Journal {
    /// Creates `journal.sealed` in a folder that exists, and holds an advisory lock on it as long as the drill runs
    /// (see [`super::is_held`]).
    ///
    /// # Errors
    /// When the file exists already or cannot be created.
    pub fn create(folder: &Path) -> Result<Self, JournalError> {
        let path = folder.join(SEALED_JOURNAL_FILE);
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| JournalError::Create {
                path: path.clone(),
                source,
            })?;
        let journal = Self::with(Some(file), Some(path));
        journal.inner.lock().hold();
        Ok(journal)
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
                sealed: true,
                banner: None,
                lock: None,
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

    /// At the end of the drill: writes all entries to `journal.jsonl`, removes the sealed file and goes on in the open one.
    /// A recording that had stopped is whole again then. Does nothing for a journal that is open, or in memory only.
    ///
    /// # Errors
    /// When it cannot be written; the sealed file is still there then, and readable.
    pub fn unseal(&self) -> Result<(), JournalError> {
        let mut inner = self.inner.lock();
        let Some(sealed) = inner.path.clone().filter(|_| inner.sealed) else {
            return Ok(());
        };
        let path = sealed.with_file_name(JOURNAL_FILE);
        let file = write_all(&path, &inner.entries).map_err(|source| JournalError::Unseal {
            path: path.clone(),
            source,
        })?;
        inner.file = Some(file);
        inner.path = Some(path);
        inner.sealed = false;
        inner.banner = None;
        inner.lock = None;
        std::fs::remove_file(&sealed).map_err(|source| JournalError::Unseal {
            path: sealed,
            source,
        })
    }

    /// Says that the folder was renamed, so that messages name the right file. The open file moves along by itself.
    pub fn moved_to(&self, folder: &Path) {
        let mut inner = self.inner.lock();
        inner.path = inner
            .path
            .as_deref()
            .and_then(Path::file_name)
            .map(|name| folder.join(name));
    }
}

/// Writes entries beside the place, then moves them there: a crash leaves no half journal under the final name.
fn write_all(path: &Path, entries: &[Entry]) -> io::Result<File> {
    let mut lines = Vec::new();
    for entry in entries {
        lines.extend(line(entry, false)?);
    }
    let beside = path.with_extension("part");
    let mut file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .open(&beside)?;
    let moved = file
        .write_all(&lines)
        .and_then(|()| file.sync_data())
        .and_then(|()| std::fs::rename(&beside, path));
    if moved.is_err() {
        // what is half written is in the sealed file, or in memory
        let _ = std::fs::remove_file(&beside);
    }
    moved.map(|()| file)
}

fn line(entry: &Entry, sealed: bool) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(entry)?;
    if sealed {
        line = chain::hex(&line).into_bytes();
    }
    line.push(b'\n');
    Ok(line)
}

impl Inner {
    /// Locks the file. The kernel lets go when the process ends, however it ends. A file system without locks is no reason
    /// not to record: readers are then told that nobody knows.
    fn hold(&mut self) {
        let lock = self.file.as_ref().map(File::try_clone);
        match lock.transpose().and_then(|file| {
            file.as_ref().map_or(Ok(()), File::lock)?;
            Ok(file)
        }) {
            Ok(file) => self.lock = file,
            Err(error) => tracing::debug!(%error, "the journal cannot be locked"),
        }
    }

    fn write(&mut self, entry: &Entry) {
        let Some(file) = self.file.as_mut() else {
            return;
        };
        let written = line(entry, self.sealed).and_then(|line| {
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
