//! The drill folder: `logs/<started>-<id>/` while the drill runs, `logs/<started>-<slug>-<id>/` once it has ended.
//! It knows names and files, not what the journal or the reports say.
//!
//! The plan is the answer. Until the drill ends it lies in `plan.sealed`, in hexadecimal digits, so that nobody reads it by
//! accident (a search through the folder, a glance in an editor) and a crashed drill can still be opened and scored. That is
//! no protection from somebody who wants to look: such a trainee cheats knowingly.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::journal::{self, hex, unhex};

/// The plan of a drill that has ended.
pub const PLAN_FILE: &str = "plan.json";
/// The plan of a drill that runs, or crashed.
pub const SEALED_PLAN_FILE: &str = "plan.sealed";
/// First line of [`SEALED_PLAN_FILE`].
const SEAL: &str = "the plan of this drill, sealed until it ends: reading it spoils the exercise\n";
/// How a folder's name begins: when the drill was started, UTC.
const STARTED: &str = "%Y%m%dT%H%M%SZ";
/// Versions of one report that a folder may hold; beyond it writing is refused, so that a loop cannot fill a disk.
const MOST_VERSIONS: u32 = 1_000;

/// Why a drill folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be created.
    #[error(
        "cannot create the drill folder {path}; choose another place for logs, or run without recording"
    )]
    Create {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of it cannot be written or renamed.
    #[error("cannot write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file of it cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds no plan.
    #[error("{path} is no drill folder: it holds neither plan.json nor plan.sealed")]
    NoPlan {
        /// Which.
        path: PathBuf,
    },
    /// The sealed plan is damaged.
    #[error("the sealed plan {path} is damaged")]
    Seal {
        /// Which.
        path: PathBuf,
    },
}

/// A folder that is being written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillFolder {
    path: PathBuf,
    started: String,
    id: String,
}

impl DrillFolder {
    /// Creates `<logs>/<started>-<id>/`, and `logs` where it does not exist. `id` is the drill's opaque id.
    ///
    /// # Errors
    /// When it exists already or cannot be created.
    pub fn create(logs: &Path, started: jiff::Timestamp, id: &str) -> Result<Self, FolderError> {
        let started = started.strftime(STARTED).to_string();
        let path = logs.join(format!("{started}-{id}"));
        fs::create_dir_all(logs)
            .and_then(|()| fs::create_dir(&path))
            .map_err(|source| FolderError::Create {
                path: path.clone(),
                source,
            })?;
        Ok(Self {
            path,
            started,
            id: id.to_owned(),
        })
    }

    /// Where it is now.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores the plan sealed, at the start.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn seal_plan(&self, plan_json: &str) -> Result<(), FolderError> {
        let path = self.path.join(SEALED_PLAN_FILE);
        let text = format!("{SEAL}{}\n", hex(plan_json.as_bytes()));
        fs::write(&path, text).map_err(|source| FolderError::Write { path, source })
    }

    /// At the end: opens the plan and puts the slug into the folder's name. Answers with the new path.
    ///
    /// # Errors
    /// When it cannot be written or renamed; the folder is then still where it was, and readable.
    pub fn finish(&mut self, slug: &str, plan_json: &str) -> Result<&Path, FolderError> {
        let plan = self.path.join(PLAN_FILE);
        fs::write(&plan, plan_json).map_err(|source| FolderError::Write { path: plan, source })?;
        let sealed = self.path.join(SEALED_PLAN_FILE);
        match fs::remove_file(&sealed) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(FolderError::Write {
                    path: sealed,
                    source,
                });
            }
            _ => {}
        }
        let named = self
            .path
            .with_file_name(format!("{}-{slug}-{}", self.started, self.id));
        if named != self.path {
            if named.exists() {
                let source = io::Error::from(io::ErrorKind::AlreadyExists);
                return Err(FolderError::Write {
                    path: named,
                    source,
                });
            }
            fs::rename(&self.path, &named).map_err(|source| FolderError::Write {
                path: named.clone(),
                source,
            })?;
            self.path = named;
        }
        Ok(&self.path)
    }
}

/// When the drill of a folder was started, wall time, as the folder's name says; none when it was renamed by hand.
#[must_use]
pub fn started_of(folder: &Path) -> Option<jiff::Timestamp> {
    let name = folder.file_name()?.to_str()?;
    let (started, _) = name.split_once('-')?;
    let started = jiff::civil::DateTime::strptime(STARTED, started).ok()?;
    Some(started.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// The plan of a drill folder, as JSON, sealed or not.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn plan_of(folder: &Path) -> Result<String, FolderError> {
    let path = folder.join(PLAN_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => return Ok(text),
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(FolderError::Read { path, source });
        }
        Err(_) => {}
    }
    let path = folder.join(SEALED_PLAN_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            return Err(FolderError::NoPlan {
                path: folder.to_owned(),
            });
        }
        Err(source) => return Err(FolderError::Read { path, source }),
    };
    text.strip_prefix(SEAL)
        .and_then(|digits| unhex(digits.trim_end().as_bytes()))
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(FolderError::Seal { path })
}

/// Writes a file that must not replace another: `report.md`, then `report.2.md`, `report.3.md`, … Answers with its path.
///
/// # Errors
/// When it cannot be written, or a thousand versions exist.
pub fn write_version(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, FolderError> {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    for version in 1..=MOST_VERSIONS {
        let path = folder.join(match (version, extension) {
            (1, _) => name.to_owned(),
            (_, "") => format!("{stem}.{version}"),
            _ => format!("{stem}.{version}.{extension}"),
        });
        let created = OpenOptions::new().write(true).create_new(true).open(&path);
        match created.and_then(|mut file| file.write_all(bytes)) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(FolderError::Write { path, source }),
        }
    }
    let source = io::Error::other("a thousand versions of it exist: move some away");
    Err(FolderError::Write {
        path: folder.join(name),
        source,
    })
}

/// The drill folders under `logs`, oldest first; empty when there is no such folder.
///
/// # Errors
/// When it exists and cannot be read.
pub fn list(logs: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let fail = |source| FolderError::Read {
        path: logs.to_owned(),
        source,
    };
    let entries = match fs::read_dir(logs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(fail)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(fail)?.path();
        if journal::file_in(&path).is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTED: jiff::Timestamp = jiff::Timestamp::constant(1_795_242_000, 0);

    #[test]
    fn the_plan_is_sealed_until_the_end_and_readable_either_way() {
        let logs = tempfile::tempdir().unwrap();
        let mut folder = DrillFolder::create(logs.path(), STARTED, "a1b2").unwrap();
        assert!(plan_of(folder.path()).is_err());
        folder.seal_plan("{\"slug\":\"grün\"}").unwrap();
        let sealed = fs::read_to_string(folder.path().join(SEALED_PLAN_FILE)).unwrap();
        assert!(!sealed.contains("slug"));
        assert!(!folder.path().to_string_lossy().contains("quiet"));
        assert_eq!(plan_of(folder.path()).unwrap(), "{\"slug\":\"grün\"}");
        let path = folder.finish("quiet-night", "{}").unwrap().to_owned();
        assert!(path.ends_with(format!(
            "{}-quiet-night-a1b2",
            STARTED.strftime("%Y%m%dT%H%M%SZ")
        )));
        assert_eq!(started_of(&path), Some(STARTED));
        assert_eq!(started_of(Path::new("logs/mine-a1b2")), None);
        assert_eq!(plan_of(&path).unwrap(), "{}");
        assert!(!path.join(SEALED_PLAN_FILE).exists());
    }

    #[test]
    fn nothing_is_ever_overwritten() {
        let logs = tempfile::tempdir().unwrap();
        DrillFolder::create(logs.path(), STARTED, "a").unwrap();
        assert!(DrillFolder::create(logs.path(), STARTED, "a").is_err());
        let names: Vec<_> = (0..3)
            .map(|k| write_version(logs.path(), "report.md", &[k]).unwrap())
            .map(|path| path.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["report.md", "report.2.md", "report.3.md"]);
        assert_eq!(fs::read(logs.path().join("report.md")).unwrap(), [0]);
    }

    #[test]
    fn a_damaged_seal_is_told_from_a_missing_plan() {
        let logs = tempfile::tempdir().unwrap();
        let folder = DrillFolder::create(logs.path(), STARTED, "a").unwrap();
        assert!(matches!(
            plan_of(folder.path()),
            Err(FolderError::NoPlan { .. })
        ));
        fs::write(folder.path().join(SEALED_PLAN_FILE), format!("{SEAL}7g")).unwrap();
        assert!(matches!(
            plan_of(folder.path()),
            Err(FolderError::Seal { .. })
        ));
    }

    #[test]
    fn only_folders_with_a_journal_are_listed() {
        let logs = tempfile::tempdir().unwrap();
        assert_eq!(
            list(&logs.path().join("none")).unwrap(),
            Vec::<PathBuf>::new()
        );
        let with = DrillFolder::create(logs.path(), STARTED, "b").unwrap();
        fs::write(with.path().join(journal::SEALED_JOURNAL_FILE), "").unwrap();
        DrillFolder::create(logs.path(), STARTED, "c").unwrap();
        assert_eq!(list(logs.path()).unwrap(), [with.path().to_owned()]);
    }
}
