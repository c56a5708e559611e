//! By which an instructor's command finds the drills that run on this machine: a file each in the
//! logs folder, readable by its owner only, with address and key. It is gone with the drill; one whose
//! process is gone is removed by whoever looks next.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// Folder of the handles within the logs folder. Hidden: it is no drill that was run.
const FOLDER: &str = ".running";
/// Bytes of a handle that are read; an honest one has some 150.
const LONGEST_BYTES: u64 = 4_096;

/// A running drill, as it can be found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Handle {
    /// Id of the drill.
    pub id: String,
    /// Base URL of its API.
    pub url: String,
    /// What opens the instructor's routes.
    pub key: String,
    /// Its process.
    pub pid: u32,
    #[serde(skip)]
    written: Option<PathBuf>,
}

impl Handle {
    /// Writes one; dropping it removes it.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(logs: &Path, id: &str, url: &str, key: &str) -> io::Result<Self> {
        let folder = logs.join(FOLDER);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        let path = folder.join(format!("{id}.json"));
        let handle = Self {
            id: id.to_owned(),
            url: url.to_owned(),
            key: key.to_owned(),
            pid: std::process::id(),
            written: Some(path.clone()),
        };
        // under another name first: whoever looks meanwhile would take half a handle for none
        let draft = logs.join(format!("{FOLDER}-{id}.tmp"));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(&serde_json::to_vec(&handle)?)?;
        fs::rename(draft, path)?;
        Ok(handle)
    }

    /// The drills that run, in the order of their ids. What is no handle, or that of a process which is gone, is removed.
    #[must_use]
    pub fn list(logs: &Path) -> Vec<Self> {
        let Ok(files) = fs::read_dir(logs.join(FOLDER)) else {
            return Vec::new();
        };
        let mut handles: Vec<Self> = files
            .flatten()
            .filter_map(|file| {
                let handle = read(&file.path()).filter(Self::lives);
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

    /// Whether its process is there.
    fn lives(&self) -> bool {
        let pid = i32::try_from(self.pid)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        pid.is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
    }
}

fn read(path: &Path) -> Option<Handle> {
    let size = fs::metadata(path).ok()?.len();
    if size > LONGEST_BYTES {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(path) = self.written.take() {
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
        let path = running.written.clone().unwrap();
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
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = child.id();
        child.wait().unwrap();
        let mut dead = Handle::write(logs.path(), "dead", "http://127.0.0.1:1", "key").unwrap();
        let path = dead.written.take().unwrap();
        dead.pid = gone;
        fs::write(&path, serde_json::to_vec(&dead).unwrap()).unwrap();
        let nonsense = logs.path().join(FOLDER).join("nonsense.json");
        fs::write(&nonsense, "{").unwrap();
        assert!(Handle::list(logs.path()).is_empty());
        assert!(!path.exists() && !nonsense.exists());
    }
}
