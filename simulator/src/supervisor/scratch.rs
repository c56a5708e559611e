//! The folder of the services' databases: under the system's temporary folder, removed with the lab.
//! A lab that was killed cannot remove its own: the next one does.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, test_kill_process};

use crate::LabError;

const PREFIX: &str = "drill-lab-";

/// Removed when dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Creates a folder of its own, and removes those of labs whose process is gone.
    pub(crate) fn create() -> Result<Self, LabError> {
        let temporary = std::env::temp_dir();
        sweep(&temporary);
        let name = format!(
            "{PREFIX}{}-{}",
            std::process::id(),
            uuid::Uuid::new_v4().simple()
        );
        let path = temporary.join(name);
        fs::create_dir(&path).map_err(|source| LabError::Scratch {
            path: path.clone(),
            source,
        })?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, path = %self.0.display(), "the databases of this lab stay behind; the next lab removes them");
        }
    }
}

/// Best effort: what cannot be read or removed stays.
fn sweep(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(owner_of);
        if owner.is_some_and(|owner| !is_alive(owner)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The process that a folder's name belongs to.
fn owner_of(name: &str) -> Option<Pid> {
    let (pid, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    Pid::from_raw(pid.parse().ok().filter(|pid| *pid > 0)?)
}

fn is_alive(pid: Pid) -> bool {
    // a process of another user exists as well
    !matches!(test_kill_process(pid), Err(error) if io::Error::from(error).raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_dead_labs_are_swept() {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let names = [
            format!("{PREFIX}{dead}-x"),
            format!("{PREFIX}{}-x", std::process::id()),
            "somebody-elses".to_owned(),
            format!("{PREFIX}0-x"),
        ];
        for name in &names {
            fs::create_dir(temporary.path().join(name)).unwrap();
        }
        sweep(temporary.path());
        let left = names.map(|name| temporary.path().join(name).exists());
        assert_eq!(left, [false, true, true, true]);
    }

    #[test]
    fn the_folder_goes_with_the_lab() {
        let scratch = Scratch::create().unwrap();
        let path = scratch.path().to_owned();
        assert!(path.is_dir());
        drop(scratch);
        assert!(!path.exists());
    }
}
