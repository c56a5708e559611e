//! Installs the other languages' clients into the target folder, once for each set of pinned versions.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Held while a folder is filled: several tests want the same.
static INSTALLING: Mutex<()> = Mutex::new(());

/// The folder of the clients.
pub fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// A folder for this set of versions, and whether it is complete already.
fn folder(language: &str, pinned: &str) -> (PathBuf, bool) {
    let mut hasher = DefaultHasher::new();
    pinned.hash(&mut hasher);
    let name = format!("clients-{language}-{:016x}", hasher.finish());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let complete = folder.join("complete").exists();
    if !complete {
        // what an install that was cut off left behind
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
    }
    (folder, complete)
}

fn finished(folder: &Path) {
    std::fs::write(folder.join("complete"), "").unwrap();
}

fn run(program: impl AsRef<OsStr>, words: &[&OsStr], folder: &Path) {
    let program = program.as_ref();
    let output = Command::new(program)
        .args(words)
        .current_dir(folder)
        .output();
    let output =
        output.unwrap_or_else(|error| panic!("{} does not run: {error}", program.display()));
    assert!(
        output.status.success(),
        "{} {words:?} failed:\n{}{}",
        program.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The interpreter of an environment with the Python SDK.
pub fn python() -> PathBuf {
    python_with(&clients().join("python/requirements.txt"))
}

/// The interpreter of an environment with the packages of a requirements file.
pub fn python_with(requirements: &Path) -> PathBuf {
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let pinned = std::fs::read_to_string(requirements).unwrap();
    let (folder, complete) = folder("python", &pinned);
    let python = folder.join("venv/bin/python");
    if !complete {
        let words = ["-m", "venv", "venv"].map(OsStr::new);
        run("python3", &words, &folder);
        let words = ["-m", "pip", "install", "--quiet", "--requirement"].map(OsStr::new);
        run(
            &python,
            &[&words[..], &[requirements.as_os_str()]].concat(),
            &folder,
        );
        finished(&folder);
    }
    python
}

/// A folder with the Node SDK and its client.
pub fn node() -> PathBuf {
    let _alone = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let client = clients().join("node");
    let pinned = std::fs::read_to_string(client.join("package.json")).unwrap();
    let (folder, complete) = folder("node", &pinned);
    std::fs::copy(client.join("client.js"), folder.join("client.js")).unwrap();
    if !complete {
        std::fs::copy(client.join("package.json"), folder.join("package.json")).unwrap();
        let words = ["install", "--no-audit", "--no-fund", "--loglevel=error"].map(OsStr::new);
        run("npm", &words, &folder);
        finished(&folder);
    }
    folder
}
