//! Whole drills on real processes: what a script sees, what stays behind, what bad days look like.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long a drill may take to say something before the test gives up: far beyond any honest wait, on a machine that is busy
/// with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

fn drill(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drill"));
    command
        .current_dir(folder)
        .env_remove("DRILL_LOGS")
        .env_remove("DRILL_SCENARIOS")
        .env_remove("DRILL_DATABASE_URL")
        .env_remove("DRILL_OTLP_GRPC")
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
        .stdin(Stdio::null());
    command
}

fn output(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = drill(folder).args(words).output().expect("drill runs");
    (
        status.code().unwrap_or(-1),
        String::from_utf8_lossy(&stdout).into_owned(),
        String::from_utf8_lossy(&stderr).into_owned(),
    )
}

/// A headless drill whose JSON lines are read; killed with its shop when dropped.
struct Headless {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Headless {
    fn start(folder: &Path, words: &[&str]) -> Self {
        let mut child = drill(folder)
            .args(["run", "quiet-night", "--headless", "--json", "--seed", "7"])
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("drill runs");
        let lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> Option<Value> {
        let line = self.lines.next()?.expect("lines are text");
        Some(
            serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("not a JSON object: {line}: {error}")),
        )
    }

    fn wait_for(&mut self, kind: &str) -> Value {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            match self.next() {
                Some(value) if value["kind"] == kind => return value,
                Some(_) => {}
                None => break,
            }
        }
        let mut said = String::new();
        let _ = self.child.kill();
        let _ = self
            .child
            .stderr
            .take()
            .expect("standard error is piped")
            .read_to_string(&mut said);
        panic!(
            "the drill said no `{kind}`; on standard error: {said}\nrepeat with: drill run quiet-night --headless --json --seed 7"
        )
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processes that descend from `pid`, by `/proc`.
fn children(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|candidate| {
        let status = fs::read_to_string(format!("/proc/{candidate}/status")).unwrap_or_default();
        status.lines().any(|line| {
            line.strip_prefix("PPid:")
                .is_some_and(|parent| parent.trim() == pid.to_string())
        })
    })
    .collect()
}

/// Whether a process runs; one that has died and is not yet collected does not.
fn runs(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty()
        && !status
            .lines()
            .any(|line| line.starts_with("State:") && line.contains('Z'))
}

fn until_none_runs(pids: &[u32]) {
    let began = Instant::now();
    while pids.iter().any(|pid| runs(*pid)) {
        assert!(
            began.elapsed() < PATIENCE,
            "still there: {:?}",
            pids.iter().filter(|pid| runs(**pid)).collect::<Vec<_>>()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_headless_drill_tells_its_story_and_leaves_a_folder_that_can_be_rescored() {
    let folder = tempfile::tempdir().unwrap();
    let mut drill = Headless::start(folder.path(), &["--duration", "3s"]);
    let first = drill.next().expect("a first line");
    assert_eq!(first["seed"], 7);
    assert!(
        first["drill"].is_string()
            && first["api"]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:"),
        "{first}"
    );
    let page = drill.wait_for("page");
    assert_eq!(
        page["at_ms"].as_i64().unwrap().rem_euclid(86_400_000) / 60_000,
        180,
        "the page belongs to 03:00: {page}"
    );
    let services = children(drill.child.id());
    assert!(services.len() >= 8, "{services:?}");
    let card = drill.wait_for("scorecard");
    assert_eq!(card["slug"], "quiet-night");
    assert_eq!(drill.next(), None, "the scorecard is the last line");
    assert!(drill.child.wait().unwrap().success());
    until_none_runs(&services);

    let recorded = folder.path().join(card["folder"].as_str().unwrap());
    for file in [
        "journal.jsonl",
        "plan.json",
        "logs.pb.zst",
        "traces.pb.zst",
        "metrics.pb.zst",
        "report.md",
        "report.json",
    ] {
        assert!(
            fs::metadata(recorded.join(file)).is_ok_and(|file| file.len() > 0),
            "{file} is missing or empty"
        );
    }
    let (code, list, _) = output(folder.path(), &["list", "--json"]);
    assert_eq!(
        (
            code,
            serde_json::from_str::<Value>(&list).unwrap()[0]["slug"].as_str()
        ),
        (0, Some("quiet-night"))
    );
    let (code, again, _) = output(folder.path(), &["report", "--json"]);
    assert_eq!(code, 0);
    assert_eq!(
        serde_json::from_str::<Value>(&again).unwrap()["score"]["total"],
        card["score"]["total"],
        "rescored alike"
    );
    for words in [&["report"][..], &["report", "quiet-night"]] {
        let (code, markdown, said) = output(folder.path(), words);
        assert!(code == 0 && markdown.contains("quiet-night"), "{said}");
    }
    let (code, _, said) = output(folder.path(), &["report", "quiet-nihgt"]);
    assert!(
        code == 2 && said.contains("did you mean `quiet-night`"),
        "{said}"
    );
}

#[test]
fn a_screen_with_a_query_that_is_refused_is_shown_and_ends_with_the_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let mut drill = Headless::start(folder.path(), &[]);
    let first = drill.next().expect("a first line");
    let url = first["api"].as_str().unwrap();
    drill.wait_for("ready");
    let screen = |query: &str, more: &[&str]| {
        let words = [&["screen", "logs", "--url", url, "--query", query], more].concat();
        output(folder.path(), &words)
    };
    for more in [&[][..], &["--text"], &["--json"], &["--svg", "logs.svg"]] {
        assert_eq!(screen("{service=~\".+\"}", more).0, 0, "{more:?}");
        let (code, _, said) = screen("{service=", more);
        assert_eq!(code, 3, "{more:?}: {said}");
        assert!(said.contains("at byte 9"), "{more:?}: {said}");
    }
    assert!(screen("{service=", &[]).1.contains("✗"));
    let nowhere = ["--svg", "nowhere/logs.svg"];
    let (code, _, said) = screen("timeout", &nowhere);
    assert!(code == 3 && said.contains("name a file"), "{said}");
    let keys = [
        "record-screen",
        "--url",
        url,
        "--keys",
        "2 <Picture nowhere/logs.svg>",
    ];
    let (code, _, said) = output(folder.path(), &keys);
    assert!(code == 3 && said.contains("name a file"), "{said}");
}

#[test]
fn nothing_is_left_when_the_parent_is_killed_and_what_was_recorded_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut drill = Headless::start(folder.path(), &[]);
    drill.wait_for("ready");
    let services = children(drill.child.id());
    assert!(services.len() >= 8, "{services:?}");
    let text: String = fs::read_dir(folder.path().join("logs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .flat_map(|path| fs::read_dir(path).unwrap())
        .map(|file| String::from_utf8_lossy(&fs::read(file.unwrap().path()).unwrap()).into_owned())
        .collect();
    assert!(
        !text.contains("quiet-night") && !text.contains("no-fault"),
        "the folder of a running drill gives its answer away"
    );
    let state = || {
        let (code, list, said) = output(folder.path(), &["list", "--json"]);
        assert_eq!(code, 0, "{said}");
        let list: Value = serde_json::from_str(&list).unwrap();
        list[0]["state"].as_str().map(str::to_owned)
    };
    assert_eq!(state().as_deref(), Some("running"));
    drill.child.kill().unwrap(); // SIGKILL: no handler runs
    drill.child.wait().unwrap();
    until_none_runs(&services);
    assert_eq!(state().as_deref(), Some("killed"));
    let (code, list, _) = output(folder.path(), &["list", "--json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!((code, list.as_array().unwrap().len()), (0, 1), "{list}");
    let (code, report, said) = output(
        folder.path(),
        &["report", list[0]["folder"].as_str().unwrap()],
    );
    assert_eq!(code, 0, "{said}");
    assert!(report.contains("was killed"), "{report}");
}

#[test]
fn a_signal_ends_a_drill_in_order_with_its_scorecard() {
    let folder = tempfile::tempdir().unwrap();
    let mut drill = Headless::start(folder.path(), &[]);
    drill.wait_for("ready");
    let services = children(drill.child.id());
    let pid = drill.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    drill.wait_for("scorecard");
    assert_eq!(drill.child.wait().unwrap().code(), Some(130));
    until_none_runs(&services);
}

#[test]
fn a_wrong_command_line_says_what_to_do_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (words, says) in [
        (&["run", "flot-drift", "--headless"][..], "float-drift"),
        (
            &["run", "float-drift", "--headless", "--duration", "soon"],
            "9m30s",
        ),
        (&["run", "float-drift", "--level", "9"], "1..=4"),
        (&["run", "float-drift", "--duration", "5s"], "--headless"),
        (&["run", "float-drift"], "no terminal"),
        (&["run", "flot-drift"], "no terminal"),
        (&["run", "flot-drift"], "did you mean `float-drift`"),
        (&["run", "--seed", "abc"], "whole number"),
        (&["verify"], "--all"),
        (
            &[
                "verify",
                "--all",
                "--jobs",
                "2",
                "--database-url",
                "postgres://x@127.0.0.1/x",
            ],
            "cannot be used with",
        ),
        (&["verify", "flot-drift"], "did you mean `float-drift`"),
        (&["list", "--logs", "nowhere"], "nowhere"),
        (&["join", "nonsense", "--plain"], "in the drill's help"),
        (&["screen", "2"], "in the drill's help"),
        (&["screen", "lgos", "--url", "http://x"], "2 logs"),
        (&["run", "--headles"], "--headless"),
        (&["report"], "drill run"),
        (&["report", "nowhere"], "drill list"),
        (&["scenarios", "new", "Not A Slug"], "small letters"),
        (&["scenarios", "show"], "which scenario"),
        (&["scenarios", "check", "."], "no scenario file"),
        (&["scenarios", "list", "--scenarios", "nowhere"], "nowhere"),
    ] {
        let (code, _, said) = output(folder.path(), words);
        assert!(
            code == 2 || code == 3,
            "{words:?} ended with {code}: {said}"
        );
        assert!(said.contains(says), "{words:?} should say `{says}`: {said}");
    }
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "something was left in the folder"
    );
    let code = |words: &[&str]| output(folder.path(), words).0;
    assert_eq!(
        code(&["report"]),
        code(&["report", "nowhere"]),
        "nothing there is nothing there"
    );
}

#[test]
fn a_scenario_is_shown_with_the_figures_of_the_seed_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let show = |words: &[&str]| {
        let (code, text, said) = output(folder.path(), &[&["scenarios", "show"], words].concat());
        assert_eq!(code, 0, "{said}");
        text
    };
    for slug in ["float-drift", "n-plus-one", "red-herring", "ring-deadlock"] {
        let plan: Value = serde_json::from_str(&show(&[slug, "--plan", "--seed", "5"])).unwrap();
        let situation = plan["scenario"]["brief"]["situation"].as_str().unwrap();
        let normal = plan["scenario"]["brief"]["normal"].as_str().unwrap();
        let told = show(&[slug, "--seed", "5"]);
        assert!(
            told.contains(situation.trim_end()) && told.contains(normal.trim_end()),
            "{slug} is told with other figures than its plan's:\n{told}"
        );
        assert!(told.contains("seed 5") && told.contains(&format!("drill run {slug} --seed 5")));
        assert!(show(&[slug]).contains("figures differ by seed"));
    }
    let mut seen: Vec<String> = (1..=6)
        .map(|seed| show(&["n-plus-one", "--seed", &seed.to_string()]))
        .map(|told| told.lines().filter(|line| !line.contains("seed")).collect())
        .collect();
    seen.sort();
    seen.dedup();
    assert!(seen.len() > 1, "every seed is told alike");
}

#[test]
fn scenarios_of_an_authors_folder_are_listed_and_checked_together() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        output(folder.path(), &["scenarios", "new", "lost-update"]).0,
        0
    );
    let (code, listed, _) = output(folder.path(), &["scenarios", "list", "--scenarios", "."]);
    assert!(code == 0 && listed.contains("lost-update") && listed.contains("float-drift"));
    fs::write(folder.path().join("blank.yaml"), "# to come\n").unwrap();
    fs::write(folder.path().join("picture.yaml"), [0x89, 0xff, 0xfe, 0]).unwrap();
    fs::write(folder.path().join("notes.txt"), "no scenario").unwrap();
    let (code, fine, said) = output(folder.path(), &["scenarios", "check", "."]);
    assert_eq!(code, 1, "{said}");
    assert!(
        fine.contains("ok") && fine.contains("lost-update"),
        "{fine}"
    );
    for part in [
        "blank.yaml",
        "empty",
        "scenarios new",
        "picture.yaml",
        "UTF-8",
    ] {
        assert!(said.contains(part), "no `{part}` in {said}");
    }
    assert!(!said.contains("notes.txt"), "{said}");
}

#[test]
fn a_reader_that_goes_away_ends_the_line_mode_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader); // as `| head` does
    let Output { status, stderr, .. } = drill(folder.path())
        .args(["join", "http://127.0.0.1:1", "--plain"])
        .stdout(writer)
        .output()
        .expect("drill runs");
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success() && said.is_empty(), "{status}: {said}");
}

#[test]
fn a_taken_port_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for flag in ["--listen", "--otlp-grpc"] {
        let words = ["run", "quiet-night", "--headless", flag, &address];
        let (code, _, said) = output(folder.path(), &words);
        assert_eq!(code, 3, "{said}");
        let port = taken.local_addr().unwrap().port().to_string();
        assert!(said.contains("taken") && said.contains(&port), "{said}");
        assert!(said.contains(flag), "{said}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_costs_the_recording_not_the_drill() {
    let folder = tempfile::tempdir().unwrap();
    // a file where the folder should be: nobody, root included, can write below it
    fs::write(folder.path().join("occupied"), b"").unwrap();
    let mut drill = Headless::start(
        folder.path(),
        &["--logs", "occupied/logs", "--duration", "1s"],
    );
    let api = drill.next().expect("a first line")["api"]
        .as_str()
        .unwrap()
        .to_owned();
    let banner = get(&api, "/api/v1/drill");
    assert!(
        banner["banner"]
            .as_str()
            .is_some_and(|banner| banner.contains("not recorded")),
        "{banner}"
    );
    let card = drill.wait_for("scorecard");
    assert!(card["folder"].is_null(), "{card}");
    assert!(drill.child.wait().unwrap().success());
}

/// One GET over a plain socket, answered in JSON.
fn get(api: &str, path: &str) -> Value {
    use std::io::Write;
    let host = api.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(host).expect("the API listens");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body)
        .unwrap_or_default();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{path} answered {answer}: {error}"))
}

#[test]
fn a_broken_scenario_file_shows_all_its_problems_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        output(folder.path(), &["scenarios", "new", "lost-update"]).0,
        0
    );
    assert_eq!(
        output(folder.path(), &["scenarios", "check", "lost-update.yaml"]).0,
        0,
        "the template loads as it stands"
    );
    let path = folder.path().join("lost-update.yaml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replacen("level:", "levle:", 1)
            .replacen("par: ", "par: a while # ", 1),
    )
    .unwrap();
    let (code, _, said) = output(folder.path(), &["scenarios", "check", "lost-update.yaml"]);
    assert_eq!(code, 1);
    assert!(
        said.contains("levle") && said.contains("a while") && said.contains("lost-update.yaml:"),
        "{said}"
    );
    assert_eq!(
        said.matches("the key `levle` is not known").count(),
        1,
        "each problem is told once: {said}"
    );
}

/// Takes one request, answers 200, and returns its body.
fn one_post(listener: &std::net::TcpListener) -> Value {
    let (mut stream, _) = listener.accept().expect("somebody calls");
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        .unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn webhooks_are_told_of_the_page_s_alert() {
    let folder = tempfile::tempdir().unwrap();
    let [generic, slack] = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let url = |of: &std::net::TcpListener| format!("http://{}/hook", of.local_addr().unwrap());
    let mut drill = Headless::start(
        folder.path(),
        &["--webhook", &url(&generic), "--slack-webhook", &url(&slack)],
    );
    let page = drill.wait_for("page");
    let name = page["alert"].as_str().unwrap();
    // alerts that are no page may be told before it
    let told = |body: &Value| {
        let alerts = body["alerts"].as_array().unwrap().iter();
        alerts
            .filter(|alert| alert["status"] == "firing")
            .any(|alert| alert["labels"]["alertname"] == name)
    };
    let began = Instant::now();
    while !told(&one_post(&generic)) {
        assert!(began.elapsed() < PATIENCE, "no message tells of {name}");
    }
    let message = one_post(&slack);
    assert!(
        !message["attachments"].as_array().unwrap().is_empty(),
        "{message}"
    );
}

/// Two verifications at a time in processes of their own.
fn two_verifications(folder: &Path) -> Child {
    drill(folder)
        .args(["verify", "quiet-night", "--seeds", "7,11", "--jobs", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("drill runs")
}

/// All processes below that one, once both verifications have a shop.
fn until_both_have_a_shop(pid: u32) -> Vec<u32> {
    let began = Instant::now();
    loop {
        let verifications = children(pid);
        let shops: Vec<_> = verifications.iter().map(|pid| children(*pid)).collect();
        if shops.len() == 2 && shops.iter().all(|services| services.len() >= 8) {
            let services = shops.into_iter().flatten();
            return verifications.into_iter().chain(services).collect();
        }
        assert!(began.elapsed() < PATIENCE, "no shops: {shops:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn verifications_side_by_side_end_with_the_command_that_started_them() {
    let folder = tempfile::tempdir().unwrap();
    let child = two_verifications(folder.path());
    let below = until_both_have_a_shop(child.id());
    let pid = child.id().to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(told.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert_eq!(said.matches("in the middle of").count(), 1, "{said}");
    until_none_runs(&below);

    let mut child = two_verifications(folder.path());
    let below = until_both_have_a_shop(child.id());
    child.kill().unwrap(); // SIGKILL: no handler runs
    child.wait().unwrap();
    until_none_runs(&below);
}
