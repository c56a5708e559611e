//! `drill chaos run` and `validate`: the real program with real signals, the examples, and the Chaos Toolkit beside it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "its Node is for the clients alone")]
#[path = "../telemetry/tests/clients/install.rs"]
mod install;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};

/// Far beyond any honest wait, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn examples() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("docs/experiments")).unwrap();
    let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(all.len() >= 3, "{all:?}");
    all
}

fn drill(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drill"));
    command
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn output(mut command: Command) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().unwrap_or(-1), text)
}

fn journal(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("journal.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what} did not come true");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_examples_can_be_run() {
    let files: Vec<_> = examples();
    let words: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let (code, text) = output(drill(
        root(),
        &[&["chaos", "validate"], &words[..]].concat(),
    ));
    assert_eq!(code, 0, "{text}");
    let folder = tempfile::tempdir().unwrap();
    let example = root().join("docs/experiments/feature-flag.json");
    let example = example.to_str().unwrap();
    let (code, text) = output(drill(folder.path(), &["chaos", "run", example]));
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains(" INFO] Experiment ended with status: completed"),
        "{text}"
    );
    let words = [
        "chaos",
        "run",
        example,
        "--var",
        "keep=no",
        "--journal-path",
        "j2.json",
    ];
    let (code, text) = output(drill(folder.path(), &words));
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("Experiment ended with status: deviated"),
        "{text}"
    );
    assert!(folder.path().join("j2.json").exists());
    assert!(
        !folder.path().join("experiment-switch").exists(),
        "it was rolled back"
    );
}

#[test]
fn exit_codes_are_those_of_the_toolkit_and_nothing_begins_when_something_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let touch = json!({ "type": "action", "name": "t", "provider": { "type": "process", "path": "touch", "arguments": ["touched"] } });
    let half = json!({ "title": "t", "method": [touch, { "type": "x" }] });
    write("half.json", &half.to_string());
    let fine = json!({ "title": "t", "description": "d", "method": [touch] });
    write("fine.json", &fine.to_string());
    write("fine.txt", &fine.to_string());
    write("torn.json", "{");
    write("empty.yaml", "");
    for (words, code, part) in [
        (
            &["run", "half.json"][..],
            1,
            "description: experiment requires a description",
        ),
        (
            &["run", "half.json"],
            1,
            "method[1].type: 'x' is not a supported activity type",
        ),
        (&["run", "torn.json"], 1, "line 1, column 1"),
        (&["run", "none.json"], 1, "cannot be read"),
        (&["run", "fine.txt"], 1, "only files with json, yaml or yml"),
        (&["run", "empty.yaml"], 1, "an empty experiment"),
        (
            &["run", "fine.json", "--journal-path", "no/such/j.json"],
            1,
            "has no folder",
        ),
        (&["run", "fine.json", "--var", "x"], 2, "name[:type]=value"),
        (&["run", "fine.json", "--dry", "all"], 2, "activities"),
        (
            &["run", "fine.json", "--hypothesis-frequency", "soon"],
            2,
            "number of seconds",
        ),
        (
            &["validate", "half.json", "fine.json"],
            1,
            "ok    fine.json",
        ),
        (
            &["validate", "half.json", "--json"],
            1,
            "\"place\": \"method[1].type\"",
        ),
        (&["run", "fine.json", "--dry", "actions"], 0, "dry actions"),
    ] {
        let (found, text) = output(drill(folder.path(), &[&["chaos"], words].concat()));
        assert_eq!(found, code, "{words:?}: {text}");
        assert!(text.contains(part), "{words:?}: {text}");
        assert!(!folder.path().join("touched").exists(), "{words:?}");
    }
    let (code, text) = output(drill(
        folder.path(),
        &["chaos", "run", "half.json", "--no-validation"],
    ));
    assert_eq!(code, 0, "{text}");
    assert_eq!(journal(folder.path())["run"][1]["status"], "failed");
    assert!(folder.path().join("touched").exists());
}

#[test]
fn looks_without_a_pause_between_them_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for frequency in ["0", "-1", "NaN", "1e-9", "inf"] {
        let words = [
            "chaos",
            "run",
            "none.json",
            "--hypothesis-frequency",
            frequency,
        ];
        let (code, text) = output(drill(folder.path(), &words));
        assert_eq!(code, 2, "{frequency}: {text}");
        let told = format!(
            "'{frequency}' for '--hypothesis-frequency <SECONDS>': write a number of seconds, as in 0.5, and no less than 0.001"
        );
        assert!(text.contains(&told), "{text}");
    }
}

/// Whether a process is there and no zombie.
fn alive(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

/// An experiment that hangs in its method, with a program that has a program; then in its rollbacks, if told.
fn hanging(folder: &Path, rollback: &str) -> Child {
    let shell = |name: &str, line: &str| json!({ "type": "action", "name": name, "provider": { "type": "process", "path": "sh", "arguments": ["-c", line] } });
    let whole = json!({
        "title": "t", "description": "d",
        "method": [shell("hang", "sleep 1000 & echo $! > pid.new; mv pid.new pid; wait"), shell("never", "touch never")],
        "rollbacks": [shell("first", "touch rolled-back"), shell("second", rollback), shell("third", "touch third")],
    });
    fs::write(folder.join("hang.json"), whole.to_string()).unwrap();
    let child = drill(folder, &["chaos", "run", "hang.json"])
        .spawn()
        .unwrap();
    until("the method", || folder.join("pid").exists());
    child
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_ends_programs_with_their_groups_and_plays_the_rollbacks() {
    for which in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let folder = tempfile::tempdir().unwrap();
        let child = hanging(folder.path(), "true");
        signal(&child, which);
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(1), "{text}");
        let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
        until("the end of the grandchild", || !alive(pid.trim()));
        let journal = journal(folder.path());
        assert_eq!(journal["status"], "interrupted");
        assert_eq!(journal["run"][0]["status"], "failed");
        assert_eq!(journal["rollbacks"].as_array().unwrap().len(), 3);
        assert!(folder.path().join("third").exists() && !folder.path().join("never").exists());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_second_signal_gives_the_rollbacks_up_and_the_journal_is_written_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let child = hanging(
        folder.path(),
        "echo $$ > second.new; mv second.new second; sleep 1000",
    );
    signal(&child, rustix::process::Signal::INT);
    until("the second rollback", || {
        folder.path().join("second").exists()
    });
    signal(&child, rustix::process::Signal::INT);
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(
        text.contains("without running the remaining rollbacks"),
        "{text}"
    );
    let journal = journal(folder.path());
    assert_eq!(journal["status"], "interrupted");
    assert_eq!(journal["rollbacks"][0]["status"], "succeeded");
    assert_eq!(journal["rollbacks"][1]["status"], "failed");
    assert_eq!(journal["rollbacks"].as_array().unwrap().len(), 2);
    let pid = fs::read_to_string(folder.path().join("second")).unwrap();
    until("the end of the rollback's program", || !alive(pid.trim()));
}

/// Requests without what differs by who calls.
type Asked = Arc<Mutex<Vec<String>>>;

async fn answer(State(asked): State<Asked>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1_000_000).await.unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    let who = parts.headers.get("x-who").map(|who| who.to_str().unwrap());
    // the same JSON however it is written
    let shown = serde_json::from_str::<Value>(&body).map_or(body.clone(), |json| json.to_string());
    let line = format!(
        "{} {} {} {shown}",
        parts.method,
        parts.uri,
        who.unwrap_or("-")
    );
    asked.lock().unwrap().push(line.clone());
    let json =
        |text: &str| ([("content-type", "application/json")], text.to_owned()).into_response();
    let proxy =
        r#"{"name":"db","listen":"127.0.0.1:4711","upstream":"127.0.0.1:5432","enabled":true}"#;
    match parts.uri.path() {
        "/json" => json(
            r#"{"items": [{"name": "a", "n": 1}, {"name": "b", "n": 2}, {"name": "c", "n": 3}]}"#,
        ),
        "/text-json" => r#"{"up": true}"#.into_response(),
        "/moved" => Redirect::to("/json").into_response(),
        "/never" => std::future::pending().await,
        "/echo" => line.into_response(),
        "/reset" => StatusCode::NO_CONTENT.into_response(),
        path if path.starts_with("/proxies/gone") => (StatusCode::NOT_FOUND, "{}").into_response(),
        path if path.ends_with("/toxics") => json(&body),
        path if path.starts_with("/proxies") && parts.method == "DELETE" => {
            StatusCode::NO_CONTENT.into_response()
        }
        path if path.starts_with("/proxies") => json(proxy),
        path => match path.strip_prefix("/status/") {
            Some(status) => StatusCode::from_u16(status.parse().unwrap())
                .unwrap()
                .into_response(),
            None => "fine".into_response(),
        },
    }
}

/// What of a journal has to be the same.
fn essence(journal: &Value) -> Value {
    let each = |runs: &Value| -> Vec<Value> {
        let mut runs: Vec<&Value> = runs.as_array().into_iter().flatten().collect();
        // what runs in the background ends when it does: before or behind what follows it
        runs.sort_by_key(|run| run["activity"]["background"] == true);
        let each = runs.into_iter().map(|run| {
            let mut output = run["output"].clone();
            if let Some(output) = output.as_object_mut() {
                // in which letters a name comes is not known to every client, and dates pass
                output.remove("headers");
            }
            json!({ "name": run["activity"]["name"], "status": run["status"], "output": output, "met": run["tolerance_met"] })
        });
        each.collect()
    };
    let state = |state: &Value| json!({ "met": state["steady_state_met"], "probes": each(&state["probes"]) });
    json!({
        "status": journal["status"], "deviated": journal["deviated"], "title": journal["experiment"]["title"],
        "before": state(&journal["steady_states"]["before"]), "after": state(&journal["steady_states"]["after"]),
        "run": each(&journal["run"]), "rollbacks": each(&journal["rollbacks"]),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs python3 with venv, and its package index"]
async fn the_chaos_toolkit_accepts_the_same_and_comes_to_the_same() {
    let python = install::python_with(&root().join("tests/experiments/requirements.txt"));
    let chaos = python.with_file_name("chaos");
    let toolkit = |folder: &Path, words: &[&str]| {
        let mut command = Command::new(&chaos);
        command
            .args(["--no-version-check", "--settings", "none.yaml"])
            .args(words)
            .current_dir(folder);
        output(command)
    };
    let folder = tempfile::tempdir().unwrap();
    for example in examples() {
        let (code, text) = toolkit(folder.path(), &["validate", example.to_str().unwrap()]);
        assert_eq!(code, 0, "{}: {text}", example.display());
    }
    let asked = Asked::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().fallback(answer).with_state(asked.clone());
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let example = root().join("docs/experiments/feature-flag.json");
    let everything = root().join("tests/experiments/everything.json");
    let (base, toxiproxy) = (format!("base={base}"), format!("toxiproxy_url={base}"));
    for (file, vars) in [
        (&example, vec!["keep=yes"]),
        (&example, vec!["keep=no"]),
        (&everything, vec![&base, &toxiproxy]),
    ] {
        let mut words = vec!["run", file.to_str().unwrap()];
        vars.iter().for_each(|var| words.extend(["--var", var]));
        let (theirs, ours) = tokio::task::block_in_place(|| {
            let theirs = toolkit(folder.path(), &words);
            let (said, their_requests) = (theirs.1, std::mem::take(&mut *asked.lock().unwrap()));
            let their_journal = essence(&journal(folder.path()));
            let own_words = [&["chaos"], &words[..]].concat();
            let ours = output(drill(folder.path(), &own_words));
            let our_requests = std::mem::take(&mut *asked.lock().unwrap());
            (
                (theirs.0, their_journal, their_requests, said),
                (
                    ours.0,
                    essence(&journal(folder.path())),
                    our_requests,
                    ours.1,
                ),
            )
        });
        assert_eq!(theirs.0, ours.0, "exit codes\n{}\n{}", theirs.3, ours.3);
        for part in [
            "status",
            "deviated",
            "title",
            "before",
            "after",
            "run",
            "rollbacks",
        ] {
            let (theirs, ours) = (&theirs.1[part], &ours.1[part]);
            assert_eq!(
                theirs,
                ours,
                "{part} of {}:\ntheirs {theirs:#}\nours {ours:#}",
                file.display()
            );
        }
        assert_eq!(theirs.2, ours.2, "requests of {}", file.display());
    }
    server.abort();
}
