//! Holds the house style where a machine can: a head on every file, sizes, names, documents that
//! name paths which exist, no words about where or by whom the project is worked on.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Most lines of a source file, tests left out (style: aim at 250).
const MOST_LINES: usize = 500;

/// Module names that say nothing.
const EMPTY_NAMES: &[&str] = &[
    "utils", "util", "common", "manager", "helper", "helpers", "misc",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files that git knows or would add; without git (a source archive), everything outside `target`.
fn files() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()
        .filter(|output| output.status.success())
        .map(|output| {
            String::from_utf8_lossy(&output.stdout)
                .lines()
                .map(PathBuf::from)
                .collect::<Vec<_>>()
        });
    let mut files = listed.unwrap_or_else(|| walk(Path::new("")));
    files.retain(|file| root().join(file).is_file());
    assert!(files.len() > 20, "found only {} files", files.len());
    files
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder of ours can be read");
    let paths = entries
        .filter_map(Result::ok)
        .map(|entry| folder.join(entry.file_name()));
    paths
        .filter(|path| !path.starts_with("target") && !path.starts_with(".git"))
        .flat_map(|path| {
            if root().join(&path).is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn sources() -> Vec<(PathBuf, String)> {
    files()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .map(|file| {
            let text = fs::read_to_string(root().join(&file)).expect("a source file is text");
            (file, text)
        })
        .collect()
}

#[test]
fn every_source_file_says_what_it_is() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(file, _)| file)
        .collect();
    assert!(silent.is_empty(), "no `//!` head: {silent:?}");
}

#[test]
fn no_source_file_is_too_long() {
    let long: Vec<_> = sources()
        .into_iter()
        .filter(|(file, _)| {
            !file.components().any(|part| part.as_os_str() == "tests")
                && !file.ends_with("tests.rs")
        })
        .map(|(file, text)| {
            (
                file,
                text.lines()
                    .take_while(|line| !line.starts_with("#[cfg(test)]"))
                    .count(),
            )
        })
        .filter(|(_, lines)| *lines > MOST_LINES)
        .collect();
    assert!(
        long.is_empty(),
        "longer than {MOST_LINES} lines without tests: {long:?}"
    );
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let empty: Vec<_> = sources()
        .into_iter()
        .map(|(file, _)| file)
        .filter(|file| {
            file.iter()
                .any(|part| EMPTY_NAMES.contains(&part.to_string_lossy().trim_end_matches(".rs")))
        })
        .collect();
    assert!(empty.is_empty(), "{empty:?}");
}

#[test]
fn no_test_is_ignored_without_a_peer_and_nothing_is_left_for_later() {
    // a test beside another program runs where that is installed: `cargo test -- --ignored`
    let beside_a_peer = "#[ign".to_owned() + "ore = \"needs ";
    let marks = [
        "#[ign".to_owned() + "ore",
        "TO".to_owned() + "DO",
        "FIX".to_owned() + "ME",
        "todo".to_owned() + "!(",
        "unimplem".to_owned() + "ented!(",
    ];
    let found: Vec<_> = sources()
        .into_iter()
        .flat_map(|(file, text)| {
            let hits = text
                .lines()
                .enumerate()
                .filter(|(_, line)| !line.trim().starts_with(&beside_a_peer))
                .filter(|(_, line)| marks.iter().any(|mark| line.contains(mark.as_str())));
            hits.map(|(number, line)| format!("{}:{}: {}", file.display(), number + 1, line.trim()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_path_that_a_document_names_exists() {
    let documents = files()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "md"));
    let mut missing = Vec::new();
    for document in documents {
        let text = fs::read_to_string(root().join(&document)).expect("a document is text");
        let folder = document.parent().unwrap_or(Path::new(""));
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") && !root().join(folder).join(path).exists()
            {
                missing.push(format!("{}: {link}", document.display()));
            }
        }
        for code in text.split('`').skip(1).step_by(2) {
            let is_path =
                code.contains('/') && code.ends_with(".rs") && !code.contains([' ', '*', '<', '{']);
            if is_path && !root().join(code).exists() && !root().join(folder).join(code).exists() {
                missing.push(format!("{}: `{code}`", document.display()));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "named but not there:\n{}",
        missing.join("\n")
    );
}
