//! Whether the tour is due: once a person, which a mark in their folder of states remembers. Deliberately knows nothing
//! of the tour itself.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

/// Whether the tour is due now; it is not the next time. Machines get none, nor do people of whom nothing can be kept:
/// a tour that came every time would be worse than none.
pub fn due() -> bool {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if variable("CI").is_some() || variable("TERM").is_some_and(|term| term == "dumb") {
        return false;
    }
    states(variable("XDG_STATE_HOME"), variable("HOME")).is_some_and(|folder| first(&folder))
}

/// This program's folder of states: <https://specifications.freedesktop.org/basedir-spec/latest/>, which says that a
/// relative path is none.
fn states(state: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let state = state.map(PathBuf::from).filter(absolute);
    let home = home.map(PathBuf::from).filter(absolute);
    let folder = state.or_else(|| home.map(|home| home.join(".local/state")));
    folder.map(|folder| folder.join("drill"))
}

/// Sets the mark, if it is not there yet.
fn first(folder: &Path) -> bool {
    let mark = folder.join("tour-seen");
    fs::create_dir_all(folder).is_ok()
        && OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(mark)
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_once_and_never_where_no_mark_can_be_set() {
        let folder = tempfile::tempdir().unwrap();
        let states = folder.path().join("state/drill");
        assert!(first(&states));
        assert!(!first(&states));
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(!first(&file.join("drill")));
    }

    #[test]
    fn the_mark_lies_where_states_lie() {
        let path = |state: Option<&str>, home: Option<&str>| {
            states(state.map(Into::into), home.map(Into::into))
        };
        assert_eq!(path(Some("/s"), Some("/h")), Some("/s/drill".into()));
        let at_home = Some("/h/.local/state/drill".into());
        assert_eq!(path(None, Some("/h")), at_home);
        assert_eq!(path(Some("relative"), Some("/h")), at_home);
        assert_eq!(path(None, None), None);
    }
}
