//! Whole experiments against a server of the test's own and real programs.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use ::http::{Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use super::*;

/// A server that remembers what it was asked, and plays a Toxiproxy's API besides.
struct Target {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Target {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let mut tasks = JoinSet::new();
        let seen = asked.clone();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let seen = seen.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(request, seen.clone()));
                    let served =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    let _ = served.await;
                });
            }
        });
        Self {
            address,
            asked,
            _tasks: tasks,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<String>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    let line = format!("{} {} {body}", parts.method, parts.uri);
    seen.lock().push(line.trim().to_owned());
    let nth = seen.lock().len();
    let path = parts.uri.path();
    let (status, kind, text) = match path {
        "/json" => (
            200,
            "application/json",
            r#"{"up": true, "names": ["a", "b"]}"#.to_owned(),
        ),
        "/liar" => (200, "application/json", "{".to_owned()),
        "/count" => (200, "text/plain", nth.to_string()),
        "/moved" => (302, "text/plain", String::new()),
        "/never" => std::future::pending().await,
        "/proxies/gone" | "/proxies/gone/toxics" => (
            404,
            "application/json",
            r#"{"error":"proxy not found","status":404}"#.into(),
        ),
        _ if path.ends_with("/toxics") => (200, "application/json", body),
        _ if path.starts_with("/proxies/db/toxics/") => (204, "text/plain", String::new()),
        _ if path.starts_with("/proxies") => (
            200,
            "application/json",
            r#"{"name":"db","listen":"127.0.0.1:4711","upstream":"a:1","enabled":true}"#.into(),
        ),
        "/reset" => (204, "text/plain", String::new()),
        _ => match path.strip_prefix("/status/") {
            Some(status) => (status.parse().unwrap(), "text/plain", String::new()),
            None => (200, "text/plain", "fine".to_owned()),
        },
    };
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
        .headers_mut()
        .insert("content-type", kind.parse().unwrap());
    if path == "/moved" {
        answer
            .headers_mut()
            .insert("location", "/json".parse().unwrap());
    }
    Ok(answer)
}

fn activity(kind: &str, name: &str, provider: Value) -> Value {
    json!({ "type": kind, "name": name, "provider": provider })
}

fn http(kind: &str, name: &str, url: &str) -> Value {
    activity(kind, name, json!({ "type": "http", "url": url }))
}

fn shell(name: &str, line: &str) -> Value {
    let provider = json!({ "type": "process", "path": "sh", "arguments": ["-c", line] });
    activity("action", name, provider)
}

fn probe(mut activity: Value, tolerance: Value) -> Value {
    activity["tolerance"] = tolerance;
    activity
}

fn experiment(parts: Value) -> Experiment {
    let mut whole = json!({ "title": "t", "description": "d", "method": [] });
    let map = whole.as_object_mut().unwrap();
    map.extend(parts.as_object().unwrap().clone());
    Experiment::read(&whole.to_string(), Format::Json).unwrap()
}

fn options() -> Options {
    Options {
        frequency: Duration::from_millis(5),
        ..Options::default()
    }
}

/// Runs what the check finds nothing wrong with; answers with the journal and what was told.
async fn played(experiment: &Experiment, options: &Options, stop: &Stop) -> (Value, Vec<String>) {
    let found = experiment.check(&options.vars);
    assert_eq!(found.problems, [], "it should be in order");
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let told = lines.clone();
    let tell: Tell = Arc::new(move |level, line: &str| told.lock().push(format!("{level} {line}")));
    let journal = experiment.run(options, tell, stop).await.unwrap();
    let lines = lines.lock().clone();
    (Value::Object(journal), lines)
}

async fn journal(experiment: &Experiment) -> Value {
    played(experiment, &options(), &Stop::default()).await.0
}

fn statuses(runs: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let runs = runs.as_array().unwrap().iter();
    runs.map(|run| (text(&run["activity"]["name"]), text(&run["status"])))
        .collect()
}

fn names(runs: &Value) -> Vec<String> {
    statuses(runs).into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn hypothesis_method_hypothesis_and_rollbacks_are_played_and_journalled() {
    let target = Target::open().await;
    let whole = experiment(json!({
        "title": "is ${service} up?", "configuration": { "service": "shop", "base": target.url("") },
        "steady-state-hypothesis": { "title": "up", "probes": [
            probe(http("probe", "up", "${base}/json"), json!({ "type": "jsonpath", "path": "$.names", "target": "body", "count": 1 })),
            probe(http("probe", "fine", "${base}/"), json!({ "type": "regex", "pattern": "^fine$", "target": "body" })),
        ] },
        "method": [
            activity("action", "post", json!({ "type": "http", "url": "${base}/a b", "method": "post", "arguments": { "x": "${service}" } })),
            shell("echo", "echo out; echo err >&2; exit 3"),
            { "ref": "up" },
        ],
        "rollbacks": [http("action", "undo", &target.url("/undo"))],
    }));
    let (journal, lines) = played(&whole, &options(), &Stop::default()).await;
    assert_eq!(journal["status"], "completed");
    assert_eq!(journal["deviated"], false);
    assert_eq!(journal["experiment"]["title"], "is shop up?");
    assert_eq!(journal["experiment"]["dry"], Value::Null);
    for when in ["before", "after"] {
        let state = &journal["steady_states"][when];
        assert_eq!(state["steady_state_met"], true, "{state}");
        assert_eq!(names(&state["probes"]), ["up", "fine"]);
        assert_eq!(state["probes"][1]["tolerance_met"], true);
        assert_eq!(state["probes"][1]["output"]["body"], "fine");
        assert_eq!(
            state["probes"][1]["output"]["headers"]["Content-Type"],
            "text/plain"
        );
    }
    let run = &journal["run"];
    assert_eq!(names(run), ["post", "echo", "up"]);
    assert_eq!(
        run[1]["output"],
        json!({ "status": 3, "stdout": "out\n", "stderr": "err\n" })
    );
    assert_eq!(run[1]["status"], "succeeded", "any exit code is an answer");
    assert_eq!(run[2]["output"]["body"]["up"], true);
    assert_eq!(names(&journal["rollbacks"]), ["undo"]);
    for key in ["chaoslib-version", "platform", "node", "start", "end"] {
        assert!(
            journal[key].as_str().is_some_and(|text| !text.is_empty()),
            "{key}"
        );
    }
    assert!(journal["duration"].as_f64() > Some(0.0));
    assert!(target.asked().contains(&"POST /a%20b x=shop".to_owned()));
    for line in [
        "INFO Running experiment: is shop up?",
        "INFO Steady state hypothesis: up",
        "INFO Steady state hypothesis is met!",
        "INFO Playing your experiment's method now...",
        "INFO Action: post",
        "INFO Probe: up",
        "INFO Let's rollback...",
        "INFO Rollback: undo",
        "INFO Experiment ended with status: completed",
    ] {
        assert!(
            lines.iter().any(|told| told == line),
            "{line} in {lines:#?}"
        );
    }
}

#[tokio::test]
async fn a_gate_that_is_not_met_keeps_the_method_from_being_played() {
    let target = Target::open().await;
    let with = |url: &str| {
        experiment(json!({
            "steady-state-hypothesis": { "title": "up", "probes": [
                probe(http("probe", "up", url), json!(200)),
                probe(http("probe", "later", &target.url("/later")), json!(200)),
            ] },
            "method": [http("action", "harm", &target.url("/harm"))],
            "rollbacks": [http("action", "undo", &target.url("/undo"))],
        }))
    };
    let journal_ = journal(&with(&target.url("/status/503"))).await;
    assert_eq!(
        (&journal_["status"], &journal_["deviated"]),
        (&json!("completed"), &json!(false))
    );
    let before = &journal_["steady_states"]["before"];
    assert_eq!(before["steady_state_met"], false);
    assert_eq!(
        names(&before["probes"]),
        ["up"],
        "the first that is not met is the last"
    );
    assert_eq!(before["probes"][0]["tolerance_met"], false);
    assert_eq!(journal_["run"], json!([]));
    assert!(!target.asked().iter().any(|line| line.contains("harm")));
    // nobody listens there
    let journal_ = journal(&with("http://127.0.0.1:1/")).await;
    assert_eq!(journal_["status"], "failed");
    let probe = &journal_["steady_states"]["before"]["probes"][0];
    assert_eq!(probe["status"], "failed");
    assert!(
        probe["exception"][0]
            .as_str()
            .unwrap()
            .contains("failed to connect"),
        "{probe}"
    );
    assert_eq!(
        journal_["rollbacks"],
        json!([]),
        "nothing was begun that could be undone"
    );
}

/// A steady state that the method breaks: a file that it makes.
fn breaking(folder: &std::path::Path, end: &str) -> Experiment {
    let file = folder.join("broken");
    let at = file.display();
    experiment(json!({
        "steady-state-hypothesis": { "title": "whole", "probes": [probe(
            activity("probe", "whole", json!({ "type": "process", "path": "test", "arguments": ["!", "-e", file.to_str().unwrap()] })), json!(0))] },
        "method": [shell("break", &format!("touch {at}")), shell("end", end)],
        "rollbacks": [shell("mend", &format!("rm {at}"))],
    }))
}

#[tokio::test]
async fn a_lost_steady_state_is_a_deviation_and_is_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    for (strategy, mended) in [
        (None, true),
        (Some(RollbackStrategy::Default), true),
        (Some(RollbackStrategy::Deviated), true),
        (Some(RollbackStrategy::Always), true),
        (Some(RollbackStrategy::Never), false),
    ] {
        let options = Options {
            rollbacks: strategy,
            ..options()
        };
        let whole = breaking(folder.path(), "true");
        let (journal, _) = played(&whole, &options, &Stop::default()).await;
        assert_eq!(journal["deviated"], true);
        assert_eq!(journal["status"], "completed");
        assert_eq!(journal["steady_states"]["after"]["steady_state_met"], false);
        assert_eq!(
            !folder.path().join("broken").exists(),
            mended,
            "{strategy:?}"
        );
        let _ = std::fs::remove_file(folder.path().join("broken"));
    }
    let nothing_lost = experiment(json!({ "rollbacks": [shell("mend", "true")] }));
    let options = Options {
        rollbacks: Some(RollbackStrategy::Deviated),
        ..options()
    };
    let (journal, _) = played(&nothing_lost, &options, &Stop::default()).await;
    assert_eq!(journal["rollbacks"], json!([]));
}

#[tokio::test]
async fn a_stop_ends_what_is_under_way_and_rolls_back_and_a_second_gives_that_up() {
    for (strategy, mended) in [
        (None, true),
        (Some(RollbackStrategy::Always), true),
        (Some(RollbackStrategy::Default), false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            rollbacks: strategy,
            ..options()
        };
        let stop = Stop::default();
        let (file, hangs) = (folder.path().join("broken"), folder.path().join("hangs"));
        let whole = breaking(
            folder.path(),
            &format!("touch {}; sleep 1000", hangs.display()),
        );
        let stopping = stop.clone();
        let stopper = async move {
            while !hangs.exists() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            stopping.stop.cancel();
        };
        let ((journal, _), ()) = tokio::join!(played(&whole, &options, &stop), stopper);
        assert_eq!(journal["status"], "interrupted");
        assert_eq!(journal["steady_states"]["after"], Value::Null);
        assert!(statuses(&journal["run"]).contains(&("break".to_owned(), "succeeded".to_owned())));
        assert_eq!(!file.exists(), mended, "{strategy:?}");
    }
    let stop = Stop::default();
    stop.stop.cancel();
    let stopping = stop.clone();
    let hanging = experiment(
        json!({ "method": [shell("a", "true")], "rollbacks": [shell("hang", "sleep 1000"), shell("b", "true")] }),
    );
    let options = Options {
        rollbacks: Some(RollbackStrategy::Always),
        ..options()
    };
    let stopper = async move {
        tokio::time::sleep(Duration::from_millis(30)).await;
        stopping.give_up.cancel();
    };
    let ((journal, lines), ()) = tokio::join!(played(&hanging, &options, &stop), stopper);
    assert_eq!(journal["run"], json!([]), "it was stopped before it began");
    assert_eq!(
        statuses(&journal["rollbacks"]),
        [("hang".to_owned(), "failed".to_owned())]
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("remaining rollbacks"))
    );
}

/// Whether a process is there.
fn alive(pid: &str) -> bool {
    // a zombie has ended
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_program_whose_time_is_over_is_killed_with_its_group() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let mut hang = shell(
        "hang",
        &format!("sleep 1000 & echo $! > {}; wait", file.display()),
    );
    hang["provider"]["timeout"] = json!(0.3);
    let journal = journal(&experiment(json!({ "method": [hang] }))).await;
    assert_eq!(
        statuses(&journal["run"]),
        [("hang".to_owned(), "failed".to_owned())]
    );
    let why = journal["run"][0]["exception"][0].as_str().unwrap();
    assert_eq!(
        why,
        "ActivityFailed: process activity took too long to complete\n"
    );
    let pid = std::fs::read_to_string(&file).unwrap();
    let gone = async {
        while alive(pid.trim()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone)
        .await
        .expect("the grandchild is killed");
}

#[tokio::test]
async fn activities_in_the_background_run_beside_the_others_and_are_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (go, done) = (folder.path().join("go"), folder.path().join("done"));
    // it ends only when the later one has been played
    let mut background = shell(
        "waits",
        &format!(
            "while [ ! -e {} ]; do sleep 0.01; done; touch {}",
            go.display(),
            done.display()
        ),
    );
    background["background"] = json!(true);
    let whole = experiment(
        json!({ "method": [background, shell("goes", &format!("touch {}", go.display()))] }),
    );
    let (journal, lines) = played(&whole, &options(), &Stop::default()).await;
    assert_eq!(names(&journal["run"]), ["waits", "goes"]);
    assert!(done.exists());
    assert!(lines.contains(&"INFO Action: waits [in background]".to_owned()));
}

#[tokio::test]
async fn the_hypothesis_beside_the_method_warns_or_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    for fail_fast in [false, true] {
        let _ = std::fs::remove_file(&broken);
        // the second step waits until the loss has been seen, the third must not come after it
        let log = folder.path().join("log");
        let file = broken.display();
        let mut look = probe(
            shell(
                "whole",
                &format!("[ ! -e {file} ] || {{ touch {}; exit 1; }}", log.display()),
            ),
            json!(0),
        );
        look["type"] = json!("probe");
        let _ = std::fs::remove_file(&log);
        let whole = experiment(json!({
            "steady-state-hypothesis": { "title": "whole", "probes": [look] },
            "method": [
                shell("break", &format!("touch {file}; while [ ! -e {} ]; do sleep 0.01; done; sleep 0.2", log.display())),
                shell("later", "true"),
            ],
        }));
        let options = Options {
            hypothesis: Some(HypothesisStrategy::During),
            fail_fast,
            ..options()
        };
        let (journal, _) = played(&whole, &options, &Stop::default()).await;
        let states = &journal["steady_states"];
        assert_eq!(
            (&states["before"], &states["after"]),
            (&Value::Null, &Value::Null)
        );
        let during = states["during"].as_array().unwrap();
        assert!(
            during
                .iter()
                .any(|state| state["steady_state_met"] == false)
        );
        let (status, played) = if fail_fast {
            ("failed", 1)
        } else {
            ("completed", 2)
        };
        assert_eq!(journal["status"], status);
        assert_eq!(
            journal["run"].as_array().unwrap().len(),
            played,
            "fail fast: {fail_fast}"
        );
    }
}

#[tokio::test]
async fn what_is_dry_is_journalled_and_not_executed() {
    let target = Target::open().await;
    let mut harm = http("action", "harm", &target.url("/harm"));
    harm["pauses"] = json!({ "before": 1000, "after": "${pause}" });
    let whole = experiment(json!({
        "configuration": { "pause": 1000 },
        "steady-state-hypothesis": { "title": "up", "probes": [probe(http("probe", "up", &target.url("/up")), json!(404))] },
        "method": [harm],
    }));
    let dry = Options {
        dry: Some(Dry::Activities),
        ..options()
    };
    let (journal, lines) = played(&whole, &dry, &Stop::default()).await;
    assert_eq!(journal["experiment"]["dry"], "activities");
    assert_eq!(
        statuses(&journal["run"]),
        [("harm".to_owned(), "succeeded".to_owned())]
    );
    assert_eq!(target.asked(), [] as [String; 0]);
    assert!(lines.contains(&"INFO Pausing before next activity for 1000s...".to_owned()));
    let dry = Options {
        dry: Some(Dry::Pause),
        hypothesis: Some(HypothesisStrategy::Skip),
        ..options()
    };
    played(&whole, &dry, &Stop::default()).await;
    assert_eq!(target.asked(), ["GET /harm"]);
}

#[tokio::test]
async fn http_answers_are_read_as_what_they_are_and_failures_are_told() {
    let target = Target::open().await;
    let mut slow = http("probe", "slow", &target.url("/never"));
    slow["provider"]["timeout"] = json!(0.1);
    let whole = experiment(json!({ "method": [
        http("probe", "moved", &target.url("/moved")), http("probe", "liar", &target.url("/liar")), slow,
        activity("probe", "json", json!({ "type": "http", "url": target.url("/x"), "method": "PUT", "headers": { "Content-Type": "application/json" }, "arguments": { "a": [1] } })),
    ] }));
    let journal = journal(&whole).await;
    let run = &journal["run"];
    assert_eq!(run[0]["output"]["body"]["names"][1], "b");
    assert!(
        run[1]["exception"][0]
            .as_str()
            .unwrap()
            .contains("says that it is JSON")
    );
    assert_eq!(
        run[2]["exception"][0],
        "ActivityFailed: activity took too long to complete\n"
    );
    assert_eq!(run[3]["status"], "succeeded");
    assert!(target.asked().contains(&r#"PUT /x {"a":[1]}"#.to_owned()));
}

#[tokio::test]
async fn a_configuration_of_probes_is_looked_up_before_the_run() {
    let target = Target::open().await;
    let named = |line: &str| {
        let mut probe = shell("p", line);
        probe["type"] = json!("probe");
        probe
    };
    let whole = experiment(json!({
        "configuration": { "port": named("echo 4711"), "none": named("exit 1"), "up": http("probe", "u", &target.url("/json")) },
        "method": [activity("action", "use", json!({ "type": "process", "path": "echo", "arguments": ["${port}", "${none}", "${up}"] }))],
    }));
    let (journal, lines) = played(&whole, &options(), &Stop::default()).await;
    assert_eq!(
        journal["run"][0]["output"]["stdout"],
        "4711 ${none} {'names': ['a', 'b'], 'up': True}\n"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("dynamic configuration failed"))
    );
}

#[tokio::test]
async fn a_tolerance_that_is_a_probe_gets_the_value() {
    let with = |path: &str| {
        let tolerance = activity(
            "probe",
            "looks",
            json!({ "type": "process", "path": path, "arguments": {} }),
        );
        let mut look = probe(shell("a", "echo hello"), tolerance);
        look["type"] = json!("probe");
        experiment(json!({ "steady-state-hypothesis": { "title": "t", "probes": [look] } }))
    };
    let (journal, _) = played(&with("echo"), &options(), &Stop::default()).await;
    assert_eq!(journal["steady_states"]["before"]["steady_state_met"], true);
    let found = with("echo").check(&Vars::default());
    let said = |notice: &Problem| {
        notice
            .message
            .contains("is met whenever there is an answer")
    };
    assert!(found.notices.iter().any(said), "{found:?}");
}

fn python(module: &str, func: &str, arguments: Value) -> Value {
    let provider = json!({ "type": "python", "module": format!("chaostoxi.{module}"), "func": func, "arguments": arguments });
    activity("action", func, provider)
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
#[tokio::test]
async fn the_functions_of_the_toxiproxy_extension_are_calls_of_its_api() {
    let target = Target::open().await;
    let toxic = |func: &str, more: Value| {
        let mut arguments = json!({ "for_proxy": "db", "toxic_name": "x" });
        let map = arguments.as_object_mut().unwrap();
        map.extend(more.as_object().unwrap().clone());
        python("toxic.actions", func, arguments)
    };
    let proxy =
        |func: &str, name: &str| python("proxy.actions", func, json!({ "proxy_name": name }));
    let probes = |func: &str, arguments: Value| python("proxy.probes", func, arguments);
    let whole = experiment(json!({
        "configuration": { "toxiproxy_host": "127.0.0.1", "toxiproxy_port": target.address.port(), "ms": 200 },
        "method": [
            python("proxy.actions", "create_proxy", json!({ "proxy_name": "db", "upstream_host": "env:CARGO_PKG_NAME", "upstream_port": 5432 })),
            activity("probe", "sees", json!({ "type": "process", "path": "sh", "arguments": ["-c", "echo $db_PORT ${db_PORT}"] })),
            toxic("create_latency_toxic", json!({ "latency": "${ms}" })),
            toxic("create_bandwith_degradation_toxic", json!({ "rate": 1 })),
            toxic("create_slow_connection_close_toxic", json!({ "delay": 2 })),
            toxic("create_timeout_toxic", json!({ "timeout": 3 })),
            toxic("create_slicer_toxic", json!({ "average_size": 4, "size_variation": 5, "delay": 6 })),
            toxic("create_limiter_toxic", json!({ "bytes_limit": 7 })),
            toxic("create_toxic", json!({ "toxic_type": "latency", "stream": "upstream", "toxicity": 0.5, "attributes": { "latency": 8 } })),
            toxic("delete_toxic", json!({})),
            proxy("disable_proxy", "db"), proxy("enable_proxy", "db"),
            python("proxy.actions", "modify_proxy", json!({ "proxy_name": "db", "upstream_address": "b:2" })),
            proxy("delete_proxy", "a/b"), proxy("reset", "db")["provider"].take().as_object().map(|p| {
                let mut p = p.clone();
                p.remove("arguments");
                activity("action", "reset", Value::Object(p))
            }).unwrap(),
            probes("proxy_exist", json!({ "proxy_name": "db" })), probes("proxy_exist", json!({ "proxy_name": "gone" })),
            probes("get_proxy_attribute", json!({ "proxy_name": "db", "attribute": "enabled" })),
            probes("get_proxy_attribute", json!({ "proxy_name": "db", "attribute": "none" })),
            python("toxic.actions", "create_timeout_toxic", json!({ "for_proxy": "gone", "toxic_name": "x", "timeout": 1 })),
        ],
    }));
    let journal = journal(&whole).await;
    let outputs: Vec<_> = journal["run"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["output"].clone())
        .collect();
    assert_eq!(outputs[1]["stdout"], "4711 4711\n");
    for true_ in [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 17] {
        assert_eq!(outputs[true_], true, "{}", journal["run"][true_]);
    }
    assert_eq!((&outputs[13], &outputs[16]), (&Value::Null, &json!(false)));
    let failed: Vec<_> = statuses(&journal["run"])
        .into_iter()
        .filter(|(_, status)| status == "failed")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(failed, ["get_proxy_attribute", "create_timeout_toxic"]);
    let asked: Vec<(String, Value)> = target
        .asked()
        .iter()
        .map(|line| {
            let mut parts = line.splitn(3, ' ');
            let call = format!("{} {}", parts.next().unwrap(), parts.next().unwrap());
            (
                call,
                parts
                    .next()
                    .map_or(Value::Null, |body| serde_json::from_str(body).unwrap()),
            )
        })
        .collect();
    let toxic = |kind: &str, attributes: Value| json!({ "name": "x", "type": kind, "stream": "downstream", "toxicity": 1.0, "attributes": attributes });
    for (call, body) in [
        (
            "POST /proxies",
            json!({ "name": "db", "listen": "0.0.0.0:0", "upstream": "simulator:5432", "enabled": true }),
        ),
        (
            "POST /proxies/db/toxics",
            toxic("latency", json!({ "latency": 200, "jitter": 0 })),
        ),
        (
            "POST /proxies/db/toxics",
            toxic("bandwidth", json!({ "rate": 1 })),
        ),
        (
            "POST /proxies/db/toxics",
            toxic("slow_close", json!({ "delay": 2 })),
        ),
        (
            "POST /proxies/db/toxics",
            toxic("timeout", json!({ "timeout": 3 })),
        ),
        (
            "POST /proxies/db/toxics",
            toxic(
                "slicer",
                json!({ "average_size": 4, "size_variation": 5, "delay": 6 }),
            ),
        ),
        (
            "POST /proxies/db/toxics",
            toxic("limit_data", json!({ "bytes": 7 })),
        ),
        (
            "POST /proxies/db/toxics",
            json!({ "name": "x", "type": "latency", "stream": "upstream", "toxicity": 0.5, "attributes": { "latency": 8 } }),
        ),
        ("DELETE /proxies/db/toxics/x", Value::Null),
        ("POST /proxies/db", json!({ "enabled": false })),
        ("POST /proxies/db", json!({ "enabled": true })),
        ("POST /proxies/db", json!({ "upstream": "b:2" })),
        ("DELETE /proxies/a%2Fb", Value::Null),
        ("POST /reset", Value::Null),
    ] {
        assert!(
            asked.contains(&(call.to_owned(), body.clone())),
            "{call} {body} in {asked:#?}"
        );
    }
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
#[test]
fn every_problem_is_told_at_once_with_its_place() {
    let text = json!({
        "title": "", "tags": ["", 1], "configuration": { "a": { "type": "env", "key": "DRILL_NO_SUCH" } },
        "runtime": { "rollbacks": { "strategy": "sometimes" } },
        "steady-state-hypothesis": { "probes": [
            { "type": "probe", "name": "p", "provider": { "type": "http" } },
            { "type": "probe", "name": "q", "tolerance": 1.5, "provider": { "type": "http", "url": "ftp://x", "headers": [1] } },
        ] },
        "method": [
            {}, { "type": "magic" }, { "type": "action" }, { "type": "action", "name": "n" }, { "ref": "nobody" }, { "ref": 7 },
            { "name": "loop", "ref": "loop" },
            { "type": "action", "name": "n", "background": 1, "pauses": { "before": "soon", "after": -1 }, "provider": { "type": "ssh" } },
            { "type": "action", "name": "n", "provider": { "type": "process", "path": "no-such-program-here" } },
            { "type": "action", "name": "n", "provider": { "type": "python", "module": "os.path", "func": "exists" } },
            { "type": "action", "name": "n", "provider": { "type": "python", "module": "chaostoxi.proxy.actions", "func": "explode" } },
            { "type": "action", "name": "n", "provider": { "type": "python", "module": "chaostoxi.proxy.actions", "func": "reset", "arguments": { "x": 1 } } },
            { "type": "action", "name": "n", "provider": { "type": "python", "module": "chaostoxi.proxy.actions", "func": "delete_proxy" } },
        ],
        "controls": [{ "name": "c" }], "extensions": [{}], "anything": "else",
    });
    let found = Experiment::read(&text.to_string(), Format::Json)
        .unwrap()
        .check(&Vars::default());
    let all: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
    for part in [
        "title: experiment requires a title",
        "description: experiment requires a description",
        "tags[0]: experiment tags",
        "tags[1]: experiment tags",
        "configuration.a: Configuration makes reference",
        "runtime.rollbacks.strategy: \"sometimes\" is none of",
        "steady-state-hypothesis.title: hypothesis requires a title",
        "steady-state-hypothesis.probes[0].provider.url: a HTTP activity must have a URL",
        "steady-state-hypothesis.probes[0].tolerance: hypothesis probe must have a tolerance entry",
        "steady-state-hypothesis.probes[1].tolerance: hypothesis probe tolerance must either be",
        "steady-state-hypothesis.probes[1].provider.url: `ftp://x` is no http://",
        "steady-state-hypothesis.probes[1].provider.headers: a HTTP activities expect headers",
        "method[0]: empty activity is no activity",
        "method[1].type: 'magic' is not a supported activity type",
        "method[2].name: an activity must have a name",
        "method[3].provider: an activity requires a provider",
        "method[4].ref: referenced activity 'nobody' could not be found",
        "method[5].ref: reference to activity must be non-empty strings",
        "method[6].ref: referenced activity 'loop' is only a reference itself",
        "method[7].background: activity background must be a boolean",
        "method[7].pauses.before: activity before pause must be a number",
        "method[7].pauses.after: activity after pause must be a number",
        "method[7].provider.type: unknown provider type 'ssh'",
        "method[8].provider.path: path 'no-such-program-here' cannot be found, in activity 'n'",
        "method[9].provider.module: no Python is run here, so that module 'os.path' cannot be used in activity 'n'",
        "method[10].provider.func: The python module 'chaostoxi.proxy.actions' does not expose a function called 'explode' in action 'n'",
        "method[11].provider.arguments: argument 'x' is not part of the function signature",
        "method[12].provider.arguments: required argument 'proxy_name' is missing",
        "extensions[0]: All extensions require a non-empty name",
    ] {
        assert!(
            all.iter().any(|said| said.starts_with(part)),
            "{part} in {all:#?}"
        );
    }
    assert_eq!(all.len(), 29, "{all:#?}");
    let notices: Vec<_> = found
        .notices
        .iter()
        .map(|notice| notice.place.as_str())
        .collect();
    assert_eq!(notices, ["controls", "extensions"]);
    // where a Toxiproxy is acted on, its place must be known
    let lost = experiment(json!({ "method": [python("proxy.actions", "reset", json!({}))] }));
    let found = lost.check(&Vars::default());
    assert!(
        found.problems[0].message.contains("toxiproxy_host"),
        "{found:?}"
    );
    assert_eq!(
        lost.check(&Vars::parse(&["toxiproxy_host=h"]).unwrap())
            .problems,
        []
    );
}

#[tokio::test]
async fn what_was_not_checked_fails_in_its_place_and_nothing_panics() {
    let hostile = json!({
        "title": ["x"], "steady-state-hypothesis": { "probes": [7] },
        "method": [7, "x", null, {}, { "ref": "a" }, { "name": "a", "ref": "a" }, { "type": "é", "provider": { "type": "http", "url": 7 } },
            { "provider": { "type": "process", "path": "/no/such", "arguments": 7 }, "pauses": 7 }, { "provider": { "type": "python" } }],
        "rollbacks": 7,
    });
    let whole = Experiment::read(&hostile.to_string(), Format::Json).unwrap();
    let tell: Tell = Arc::new(|_, _: &str| {});
    let options = Options {
        hypothesis: Some(HypothesisStrategy::After),
        ..options()
    };
    let journal = whole.run(&options, tell, &Stop::default()).await.unwrap();
    let run = journal["run"].as_array().unwrap();
    assert_eq!(run.len(), 9);
    assert!(run.iter().all(|run| run["status"] == "failed"), "{run:#?}");
    assert_eq!(journal["status"], "failed");
}
