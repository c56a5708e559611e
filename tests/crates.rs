//! Holds which way the arrows run between the rooms, and what may come in from outside: licences,
//! sources, duplicate versions.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

/// What each room may depend on among ours (ARCHITECTURE.md, "Which way the arrows run").
const ARROWS: &[(&str, &[&str])] = &[
    ("api", &[]),
    ("scenarios", &[]),
    ("telemetry", &[]),
    ("services", &["scenarios"]),
    ("simulator", &["scenarios", "api"]),
    (
        "facilitator",
        &["scenarios", "simulator", "telemetry", "api"],
    ),
    ("tui", &["api"]),
    (
        "drill",
        &[
            "api",
            "facilitator",
            "scenarios",
            "services",
            "simulator",
            "telemetry",
            "tui",
        ],
    ),
];

/// Licences that a dependency may be used under.
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "0BSD",
    "Unlicense",
    "BSL-1.0",
    "WTFPL",
    "CC0-1.0",
    "MPL-2.0",
];

/// Crates that resolve to several versions today, through other people's manifests. The list may shrink, never grow.
const KNOWN_DUPLICATES: &[&str] = &[
    "base64",
    "bitflags",
    "block-buffer",
    "cfg_aliases",
    "cpufeatures",
    "crypto-common",
    "digest",
    "fixedbitset",
    "foldhash",
    "getrandom",
    "hashbrown",
    "nix",
    "object",
    "rand",
    "rand_chacha",
    "rand_core",
    "sha1",
    "sha2",
    "syn",
    "thiserror",
    "thiserror-impl",
    "tower-http",
    "unicode-width",
];

fn metadata() -> Value {
    let host = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let host = String::from_utf8(host.stdout).expect("rustc prints text");
    let host = host
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host");
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--offline",
            "--filter-platform",
            host,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo metadata failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn every_arrow_between_the_rooms_is_one_that_is_allowed() {
    let metadata = metadata();
    let ours: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let packages = metadata["packages"].as_array().expect("packages");
    let mut seen = BTreeSet::new();
    for package in packages
        .iter()
        .filter(|package| package["source"].is_null())
    {
        let name = text(package, "name");
        let (_, allowed) = ARROWS
            .iter()
            .find(|(room, _)| *room == name)
            .unwrap_or_else(|| panic!("{name} is a new room: say what it may depend on"));
        seen.insert(name);
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let to = text(dependency, "name");
            assert!(
                !ours.contains(to) || allowed.contains(&to),
                "{name} must not depend on {to}"
            );
        }
    }
    assert_eq!(seen, ours, "rooms in the table and in the workspace differ");
}

#[test]
fn every_dependency_comes_from_the_registry_under_a_licence_we_accept() {
    for package in metadata()["packages"].as_array().expect("packages") {
        let (name, source) = (text(package, "name"), text(package, "source"));
        if source.is_empty() {
            continue;
        }
        assert!(
            source.starts_with("registry+") || source.starts_with("sparse+"),
            "{name} comes from {source}"
        );
        let licence = text(package, "license")
            .replace('/', " OR ")
            .replace(['(', ')'], " ");
        let acceptable = licence.split(" AND ").all(|all| {
            all.split(" OR ").any(|one| {
                let one = one.trim().trim_end_matches("WITH LLVM-exception").trim();
                LICENCES.contains(&one)
            })
        });
        assert!(
            acceptable,
            "{name} is under `{licence}`, which is not on the list"
        );
    }
}

#[test]
fn no_crate_is_built_in_two_versions_beyond_those_known() {
    let metadata = metadata();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        versions
            .entry(text(package, "name"))
            .or_default()
            .insert(text(package, "version"));
    }
    let new: Vec<_> = versions
        .iter()
        .filter(|(name, versions)| versions.len() > 1 && !KNOWN_DUPLICATES.contains(name))
        .collect();
    assert!(
        new.is_empty(),
        "new duplicate versions, choose one: {new:?}"
    );
}
