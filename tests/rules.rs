//! `drill rules`: rule files, their unit tests and objectives, alone and beside promtool.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The shop's objectives.
const SHOP: &str = "../../scenarios/catalog/objectives/shop.yaml";

fn output(program: &str, words: &[&str]) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program)
        .args(words)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules"))
        .output()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().unwrap_or(-1), text)
}

fn drill(words: &[&str]) -> (i32, String) {
    output(env!("CARGO_BIN_EXE_drill"), words)
}

#[test]
fn the_shop_s_rules_pass_their_unit_tests() {
    let files = [
        "shop.test.yaml",
        "features.test.yaml",
        "objectives.test.yaml",
    ];
    let (code, text) = drill(&[&["rules", "test"][..], &files].concat());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("(3 passed)"), "{text}");
}

#[test]
fn objectives_become_rules_and_their_alerts_only_on_request() {
    let (code, rules) = drill(&["rules", "objectives", "objectives.yaml", "--alerts"]);
    assert_eq!(code, 0, "{rules}");
    // it is what the unit tests of both engines read
    assert_eq!(rules, include_str!("rules/objectives.rules.yaml"));
    let (code, rules) = drill(&["rules", "objectives", SHOP]);
    assert_eq!(code, 0, "{rules}");
    assert!(!rules.contains("alert: "), "{rules}");
}

#[test]
fn a_spec_file_with_mistakes_is_refused_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slo.yaml");
    let path = file.to_str().unwrap();
    let text = include_str!("rules/objectives.yaml").replace("objective: 99", "objective: 100");
    std::fs::write(&file, text).unwrap();
    let (code, text) = drill(&["rules", "objectives", path]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("slo.yaml:15:16: an objective of 100"),
        "{text}"
    );
    let (code, text) = drill(&["rules", "objectives", "no-such-file.yaml"]);
    assert_eq!(code, 2, "{text}");
}

#[test]
fn every_wrong_test_fails_and_says_why() {
    let (code, text) = drill(&["rules", "test", "wrong.test.yaml", "--json"]);
    assert_eq!(code, 1, "{text}");
    let files: Value = serde_json::from_str(&text).unwrap();
    let tests = files[0]["tests"].as_array().unwrap();
    assert_eq!(tests.len(), 9);
    for test in tests {
        assert_eq!(test["failures"].as_array().unwrap().len(), 1, "{test}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.yaml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, "rule_files: [nowhere.yaml]\ntests: []\n").unwrap();
    let (code, text) = drill(&["rules", "test", path]);
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("broken.yaml:1:14: no rule file matches `nowhere.yaml`"),
        "{text}"
    );
    std::fs::write(
        &file,
        "groups: [{ name: g, rules: [{ alert: A, expr: 'up ==' }] }]\n",
    )
    .unwrap();
    let (code, text) = drill(&["rules", "check", path]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("broken.yaml:1:"), "{text}");
    let (code, text) = drill(&["rules", "check", "no-such-file.yaml"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("try: "), "{text}");
}

#[test]
#[ignore = "needs promtool"]
fn promtool_accepts_the_rules_of_objectives() {
    let folder = tempfile::tempdir().unwrap();
    for (spec, rules) in [("objectives.yaml", 24), (SHOP, 96)] {
        let (_, text) = drill(&["rules", "objectives", spec, "--alerts"]);
        let file = folder.path().join("rules.yaml");
        std::fs::write(&file, text).unwrap();
        let (code, said) = output("promtool", &["check", "rules", file.to_str().unwrap()]);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains(&format!("{rules} rules found")), "{said}");
    }
}

#[test]
#[ignore = "needs promtool"]
fn promtool_gives_the_same_verdict() {
    for (file, verdict) in [
        ("shop", 0),
        ("features", 0),
        ("objectives", 0),
        ("wrong", 1),
    ] {
        let file = format!("{file}.test.yaml");
        let theirs = output("promtool", &["test", "rules", &file]);
        let ours = drill(&["rules", "test", &file]);
        assert_eq!(
            (theirs.0, ours.0),
            (verdict, verdict),
            "{file}\n{}\n{}",
            theirs.1,
            ours.1
        );
    }
    // one by one: a file of ten wrong tests fails as soon as one of them does
    let (_, theirs) = output("promtool", &["test", "rules", "wrong.test.yaml"]);
    let found = theirs.matches("got:").count() + theirs.matches("err:").count();
    assert_eq!(found, 9, "{theirs}");
}
