//! `deploy/`: what Grafana and Prometheus are given works against a lab.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "its Node is for the clients alone")]
#[path = "../telemetry/tests/clients/install.rs"]
mod install;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use telemetry::promql::{self, Variables};
use telemetry::{logs, traces};

/// Far beyond any honest wait, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn dashboards() -> Vec<(String, Value)> {
    let entries = fs::read_dir(folder().join("grafana/dashboards")).unwrap();
    let mut all: Vec<(String, Value)> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let board = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, board)
        })
        .collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// The query of a target, in its language.
fn check_query(target: &Value) -> Result<(), String> {
    let hour = Duration::from_secs(3_600);
    let variables = Variables {
        step: Duration::from_secs(15),
        range: hour,
        scrape_interval: Duration::from_secs(1),
    };
    let text = |key: &str| {
        let text = target[key].as_str().unwrap_or_default();
        text.replace("$service", ".+").replace("$__interval", "15s")
    };
    match target["datasource"]["uid"].as_str() {
        Some("drill-prometheus") => {
            let query = target["expr"].as_str().unwrap_or_default();
            promql::parse(&query.replace("$service", ".+"), &variables)
                .map(drop)
                .map_err(|e| format!("{query}: {e}"))
        }
        Some("drill-loki") => logs::parse(&text("expr"))
            .map(drop)
            .map_err(|e| format!("{}: {e}", text("expr"))),
        Some("drill-tempo") => traces::parse(&text("query"))
            .map(drop)
            .map_err(|e| format!("{}: {e}", text("query"))),
        other => Err(format!("unknown data source {other:?}")),
    }
}

#[test]
fn every_query_of_every_dashboard_is_one_that_a_lab_understands() {
    let mut queries = 0;
    for (name, board) in dashboards() {
        for panel in list(&board, "panels") {
            for target in list(panel, "targets") {
                queries += 1;
                check_query(target).unwrap_or_else(|e| panic!("{name}, {}: {e}", panel["title"]));
            }
        }
        for annotation in list(&board["annotations"], "list") {
            if let Some(query) = annotation["expr"].as_str() {
                promql::parse_plain(query).unwrap_or_else(|e| panic!("{name}, {query}: {e}"));
            }
        }
    }
    assert!(queries > 40, "only {queries} queries were found");
}

#[test]
fn the_objectives_dashboard_reads_what_the_lab_records() {
    let spec = telemetry::objectives::read(scenarios::catalog::OBJECTIVES).unwrap();
    let rules = spec.rules(false);
    let boards = dashboards();
    let (_, board) = boards
        .iter()
        .find(|(name, _)| name == "objectives.json")
        .unwrap();
    let mut read = BTreeSet::new();
    for target in list(board, "panels")
        .iter()
        .flat_map(|panel| list(panel, "targets"))
    {
        let query = target["expr"].as_str().unwrap();
        for found in promql::selections(
            &promql::parse_plain(
                &query
                    .replace("$__range", "1h")
                    .replace("$__interval", "1m")
                    .replace("$__rate_interval", "1m"),
            )
            .unwrap(),
        ) {
            read.extend(found.family.starts_with("slo:").then_some(found.family));
        }
    }
    assert!(read.len() >= 6, "{read:?}");
    for name in read {
        assert!(
            rules.contains(&format!("record: \"{name}\"")),
            "{name} is not recorded"
        );
    }
}

#[test]
fn dashboards_are_laid_out_and_name_only_data_sources_that_are_provisioned() {
    let provisioned = folder().join("grafana/provisioning/datasources/drill.yaml");
    let sources: Value = serde_saphyr::from_str(&fs::read_to_string(provisioned).unwrap()).unwrap();
    let known: BTreeSet<&str> = list(&sources, "datasources")
        .iter()
        .map(|source| source["uid"].as_str().unwrap())
        .collect();
    assert_eq!(
        known,
        BTreeSet::from(["drill-loki", "drill-prometheus", "drill-tempo"])
    );
    let mut uids = BTreeSet::new();
    for (name, board) in dashboards() {
        assert!(
            uids.insert(board["uid"].as_str().unwrap().to_owned()),
            "{name}: its uid is taken"
        );
        let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
        for panel in list(&board, "panels") {
            let title = &panel["title"];
            assert!(
                ids.insert(panel["id"].as_u64().unwrap()),
                "{name}, {title}: its id is taken"
            );
            let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            for x in place("x")..place("x") + place("w") {
                assert!(x < 24, "{name}, {title}: beyond the right edge");
                for y in place("y")..place("y") + place("h") {
                    assert!(
                        cells.insert((x, y)),
                        "{name}, {title}: lies on another panel"
                    );
                }
            }
            if panel["type"] != "row" {
                let uid = panel["datasource"]["uid"].as_str().unwrap();
                assert!(
                    known.contains(uid),
                    "{name}, {title}: {uid} is not provisioned"
                );
                assert!(
                    !list(panel, "targets").is_empty(),
                    "{name}, {title}: asks nothing"
                );
            }
        }
    }
}

/// A child that is killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "needs python3 with venv, and its package index"]
fn grafana_s_own_types_keep_every_key_of_every_dashboard() {
    let checks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grafana");
    let python = install::python_with(&checks.join("requirements.txt"));
    let boards = fs::read_dir(folder().join("grafana/dashboards")).unwrap();
    let paths: Vec<_> = boards.map(|entry| entry.unwrap().path()).collect();
    let check = |paths: &[PathBuf]| {
        let mut command = Command::new(&python);
        let output = command.arg(checks.join("check.py")).args(paths).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let failed = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said + &failed)
    };
    assert_eq!(check(&paths), (Some(0), "\n".to_owned()));

    let misspelt = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    let text = fs::read_to_string(&paths[0]).unwrap();
    assert!(text.contains("\"gridPos\""));
    fs::write(misspelt.path(), text.replace("\"gridPos\"", "\"gridpos\"")).unwrap();
    let (code, said) = check(&[misspelt.path().to_owned()]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(".gridpos is dropped"), "{said}");
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

/// The value of an instant query, by promtool; none while the server does not answer or has nothing.
fn asked(server: &str, query: &str) -> Option<f64> {
    let Output { status, stdout, .. } = Command::new("promtool")
        .args(["query", "instant", "-o", "json", server, query])
        .output()
        .expect("promtool starts");
    let answer: Value = serde_json::from_slice(&stdout)
        .ok()
        .filter(|_| status.success())?;
    answer[0]["value"][1].as_str()?.parse().ok()
}

fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let began = Instant::now();
    while !ready() {
        assert!(began.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
#[ignore = "needs prometheus and promtool"]
fn a_prometheus_scrapes_every_service_of_a_lab_through_service_discovery() {
    let folder_of_drill = tempfile::tempdir().unwrap();
    let mut drill = Command::new(env!("CARGO_BIN_EXE_drill"))
        .args(["run", "quiet-night", "--headless", "--json", "--seed", "7"])
        .current_dir(folder_of_drill.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(drill.stdout.take().unwrap()).lines();
    let _drill = Running(drill);
    let started: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let lab = started["api"].as_str().unwrap().to_owned();
    // what the drill says goes on, and must be read
    std::thread::spawn(move || lines.for_each(drop));

    let config = fs::read_to_string(folder().join("prometheus/prometheus.yml")).unwrap();
    let here = lab.strip_prefix("http://").unwrap();
    assert!(config.contains("http://127.0.0.1:8300/"));
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("prometheus.yml");
    fs::write(&file, config.replace("127.0.0.1:8300", here)).unwrap();
    let address = free_address();
    let prometheus = Command::new("prometheus")
        .arg(format!("--config.file={}", file.display()))
        .arg(format!(
            "--storage.tsdb.path={}",
            place.path().join("data").display()
        ))
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus starts");
    let _prometheus = Running(prometheus);
    let theirs = format!("http://{address}");
    let ours = format!("{lab}/prometheus");

    let services = "count(count by (service) (up{job=\"shop\"} == 1))";
    wait_for("a Prometheus that sees all services", || {
        let known = asked(&ours, services);
        known.is_some_and(|count| count >= 11.0) && asked(&theirs, services) == known
    });
    let same = "count(http_server_request_duration_seconds_count{service=\"storefront\"}) > 0";
    wait_for("a series of the storefront", || {
        asked(&theirs, same).is_some()
    });
}
