//! By which an instructor's command finds the drills that run on this machine: a file each in the
//! logs folder, readable by its owner only, with address and key. It is gone with the drill; what a killed
//! one left is removed by whoever looks next.
//!
//! A drill lives as long as it holds a lock on its file, which ends with its process however that ends. A process id beside it
//! would tell less: another process has it some day, and one of another machine that shares the folder has it now.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use serde::{Deserialize, Serialize};

/// Folder of the handles within the logs folder. Hidden: it is no drill that was run.
const FOLDER: &str = ".running";
/// Bytes of a handle that are read; an honest one has some 150.
const LONGEST_BYTES: u64 = 4_096;

/// A running drill, as it can be found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Handle {
    /// Id of the drill.
    pub id: String,
    /// Base URL of its API.
    pub url: String,
    /// What opens the instructor's routes.
    pub key: String,
    /// Its process, for whoever reads the file.
    pub pid: u32,
    /// Its file, where it was written here; closing it unlocks it.
    #[serde(skip)]
    written: Option<(PathBuf, File)>,
}

impl Handle {
    /// Writes one; dropping it removes it.
    ///
    /// # Errors
    /// When the folder cannot be written, or files in it cannot be locked.
    pub fn write(logs: &Path, id: &str, url: &str, key: &str) -> io::Result<Self> {
        let folder = logs.join(FOLDER);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        let path = folder.join(format!("{id}.json"));
        let mut handle = Self {
            id: id.to_owned(),
            url: url.to_owned(),
            key: key.to_owned(),
            pid: std::process::id(),
            written: None,
        };
        // under another name first: whoever looks meanwhile would take half a handle for none
        let draft = logs.join(format!("{FOLDER}-{id}.tmp"));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        let made = flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(io::Error::from)
            .and_then(|()| file.write_all(&serde_json::to_vec(&handle)?))
            .and_then(|()| fs::rename(&draft, &path));
        if let Err(error) = made {
            // nobody would look for it there
            let _ = fs::remove_file(&draft);
            return Err(error);
        }
        handle.written = Some((path, file));
        Ok(handle)
    }

    /// The drills that run, in the order of their ids. What is no handle, or that of a drill which is gone, is removed.
    #[must_use]
    pub fn list(logs: &Path) -> Vec<Self> {
        let Ok(files) = fs::read_dir(logs.join(FOLDER)) else {
            return Vec::new();
        };
        let mut handles: Vec<Self> = files
            .flatten()
            .filter_map(|file| {
                // one that cannot be read now may be fine: it stays, and is not listed
                let handle = read(&file.path()).ok()?;
                if handle.is_none() {
                    // somebody else may have been quicker
                    let _ = fs::remove_file(file.path());
                }
                handle
            })
            .collect();
        handles.sort_by(|a, b| a.id.cmp(&b.id));
        handles
    }
}

/// The handle of a drill that lives; none is what a dead one left, or what is no handle.
fn read(path: &Path) -> io::Result<Option<Handle>> {
    let file = File::open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(Errno::WOULDBLOCK) => {}
        // nobody holds it
        Ok(()) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut text = Vec::new();
    file.take(LONGEST_BYTES + 1).read_to_end(&mut text)?;
    let whole = text.len() as u64 <= LONGEST_BYTES;
    let handle = serde_json::from_slice(&text).ok();
    Ok(handle.filter(|_| whole))
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some((path, _locked)) = self.written.take() {
            // gone already is as good
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_drill_is_found_and_one_that_ended_is_not() {
        use std::os::unix::fs::MetadataExt;
        let logs = tempfile::tempdir().unwrap();
        assert!(Handle::list(logs.path()).is_empty());
        let running = Handle::write(logs.path(), "abc", "http://127.0.0.1:1", "key").unwrap();
        let path = running.written.as_ref().unwrap().0.clone();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let found = Handle::list(logs.path());
        assert_eq!(
            (found.len(), found[0].url.as_str()),
            (1, "http://127.0.0.1:1")
        );
        drop(found);
        assert!(path.exists(), "who only looked removes nothing");
        drop(running);
        assert!(Handle::list(logs.path()).is_empty());
    }

    #[test]
    fn what_is_left_of_a_killed_drill_and_what_is_none_is_removed() {
        let logs = tempfile::tempdir().unwrap();
        let mut dead = Handle::write(logs.path(), "dead", "http://127.0.0.1:1", "key").unwrap();
        // born of the drill: it has nothing of the lock, or an orphan would keep a dead drill listed
        let mut orphan = std::process::Command::new("sleep")
            .arg("1000")
            .spawn()
            .unwrap();
        let (path, lock) = dead.written.take().unwrap();
        drop(lock);
        // its process id is that of a process that lives: this one, as if it had been given again
        assert!(dead.pid == std::process::id() && path.exists());
        let nonsense = logs.path().join(FOLDER).join("nonsense.json");
        fs::write(&nonsense, "{").unwrap();
        let endless = logs.path().join(FOLDER).join("endless.json");
        let held = File::create(&endless).unwrap();
        flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
        held.set_len(1 << 40).unwrap();
        // a process that another test is just making has the lock, too, until it is another program
        let began = std::time::Instant::now();
        let mut listed = Handle::list(logs.path());
        while !listed.is_empty() && began.elapsed().as_secs() < 20 {
            std::thread::yield_now();
            listed = Handle::list(logs.path());
        }
        orphan.kill().unwrap();
        orphan.wait().unwrap();
        assert!(listed.is_empty(), "{listed:?}");
        assert!(!path.exists() && !nonsense.exists() && !endless.exists());
    }

    #[test]
    fn looking_does_not_unlock_and_several_may_look_at_once() {
        let logs = tempfile::tempdir().unwrap();
        let running = Handle::write(logs.path(), "abc", "http://127.0.0.1:1", "key").unwrap();
        std::thread::scope(|scope| {
            let look = || (0..50).all(|_| Handle::list(logs.path()).len() == 1);
            let looks: Vec<_> = (0..4).map(|_| scope.spawn(look)).collect();
            assert!(looks.into_iter().all(|look| look.join().unwrap()));
        });
        drop(running);
    }
}
