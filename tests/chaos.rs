//! Chaos as its users have it: `drill chaos` on a running drill, scripts over Toxiproxy's API, and what a
//! crash leaves behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long something may take: far beyond any honest wait, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);

fn drill(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drill"));
    command
        .current_dir(folder)
        .env("USER", "Ada")
        .env_remove("DRILL_LOGS")
        .env_remove("DRILL_URL")
        .env_remove("DRILL_INSTRUCTOR_KEY")
        .env_remove("DRILL_DATABASE_URL")
        .stdin(Stdio::null());
    command
}

/// What `drill chaos` said: exit code, standard output, standard error.
fn chaos(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let output = drill(folder).arg("chaos").args(words).output().unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// The same with `--json`, which must have worked.
fn told(folder: &Path, words: &[&str]) -> Value {
    let words = [words, &["--json"]].concat();
    let (code, out, err) = chaos(folder, &words);
    assert_eq!(code, 0, "{words:?}: {out}{err}");
    serde_json::from_str(&out).unwrap()
}

/// Stops everything, and sees that nothing is left that acts.
fn stop_everything(folder: &Path) {
    let all = told(folder, &["stop-everything"]);
    let over = |one: &Value| one["state"] == "healed";
    assert!(all.as_array().unwrap().iter().all(over), "{all}");
}

fn until(what: &str, question: impl Fn() -> bool) {
    let began = Instant::now();
    while !question() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(LOOK);
    }
}

/// A headless drill; killed with its shop when dropped.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    first: Value,
}

impl Running {
    /// One that commands in this folder find.
    fn start(folder: &Path) -> Self {
        let mut child = drill(folder)
            .args(["run", "quiet-night", "--headless", "--json", "--seed", "7"])
            .args(["--toxiproxy", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let running = Self {
            child,
            lines,
            first,
        };
        until("the drill is found", || chaos(folder, &["status"]).0 == 0);
        running
    }

    fn pids(&self) -> Vec<u32> {
        let url = format!("{}/api/v1/drill", self.first["api"].as_str().unwrap());
        let body = ureq::get(&url)
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap();
        let view: Value = serde_json::from_str(&body).unwrap();
        let services = view["services"].as_array().unwrap().clone();
        services
            .iter()
            .filter_map(|service| service["pid"].as_u64())
            .map(|pid| u32::try_from(pid).unwrap())
            .collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lives(pid: u32) -> bool {
    // a zombie has no memory any more
    std::fs::read_to_string(format!("/proc/{pid}/statm")).is_ok_and(|text| !text.starts_with("0 "))
}

#[test]
fn an_instructor_injects_looks_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let (code, _, err) = chaos(here, &["status"]);
    assert_eq!(code, 3);
    assert!(err.contains("no drill runs here"), "{err}");
    let running = Running::start(here);

    let preview = told(here, &["inject", "hang", "promotions", "--preview"]);
    assert_eq!(preview["hits"], serde_json::json!(["promotions-1"]));
    let first = told(
        here,
        &[
            "inject",
            "latency",
            "checkout:payments",
            "delay_ms=250",
            "--why",
            "a slow provider",
        ],
    );
    assert_eq!(first["state"], "active");
    assert_eq!(
        (&first["by"], &first["why"]),
        (&"Ada".into(), &"a slow provider".into())
    );
    assert_eq!(first["values"]["delay_ms"], 250);
    let second = told(
        here,
        &[
            "inject",
            "error-status",
            "orders",
            "--ramp",
            "60s",
            "--for",
            "120s",
        ],
    );
    assert_eq!(second["id"], 2);
    told(here, &["inject", "cpu-burn", "worker", "cores=1"]);
    let (code, _, err) = chaos(here, &["inject", "cpu-burn", "orders", "cores=0.5"]);
    if std::thread::available_parallelism().unwrap().get() <= 2 {
        assert_eq!(code, 1);
        assert!(
            err.contains("processor cores, but chaos may take 1 on this machine"),
            "{err}"
        );
    }
    let healed = told(here, &["heal", "1"]);
    assert_eq!(healed[0]["state"], "healed");
    assert_eq!(healed[0]["how"], "healed by Ada");
    for _ in 0..2 {
        stop_everything(here);
    }
    assert_eq!(told(here, &["status"]), serde_json::json!([]));
    until("it is seen that traffic flows again", || {
        told(here, &["status", "--all"])[0]["flows_again"] == true
    });
    drop(running);
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let running = Running::start(here);
    for (words, said) in [
        (
            &["inject", "latncy", "checkout"][..],
            "did you mean `latency`",
        ),
        (
            &["inject", "latency", "chekcout"],
            "did you mean `checkout`",
        ),
        (
            &["inject", "latency", "checkout", "delay_ms=-1"],
            "0 to 60000 ms",
        ),
        (
            &["inject", "latency", "checkout", "dealy_ms=1"],
            "did you mean `delay_ms`",
        ),
        (
            &["inject", "n-plus-one", "payments"],
            "it can be aimed at orders",
        ),
        (&["inject", "latency", "orders:database"], "slow-database"),
        (&["inject", "no-fault", "load"], "no harm"),
        (
            &["inject", "hang", "pricing", "--ramp", "5s"],
            "does not grow",
        ),
        (&["heal", "99"], "there is no injection 99"),
        (
            &["inject", "latency", "checkout", "--for", "soon"],
            "for example 9m30s",
        ),
        (
            &["status", "--drill", "nonsense"],
            "no drill nonsense runs here",
        ),
    ] {
        let (code, out, err) = chaos(here, words);
        assert!((1..=3).contains(&code), "{words:?}: {code} {out}");
        assert!(err.contains(said), "{words:?}: {err}");
    }
    let url = running.first["api"].as_str().unwrap();
    let (code, _, err) = chaos(here, &["status", "--url", url, "--key", "a wrong key"]);
    assert_eq!(code, 1);
    assert!(err.contains("instructor key"), "{err}");
    assert_eq!(told(here, &["status", "--all"]), serde_json::json!([]));
}

#[test]
fn an_attached_injection_ends_with_its_command_however_that_ends() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let running = Running::start(here);
    let mut attached = drill(here)
        .args([
            "chaos",
            "inject",
            "partition",
            "pricing:promotions",
            "--attached",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("it is active", || {
        told(here, &["status"])[0]["state"] == "active"
    });
    attached.kill().unwrap();
    attached.wait().unwrap();
    until("it is healed", || {
        told(here, &["status"]) == serde_json::json!([])
    });
    let how = told(here, &["status", "--all"])[0]["how"].clone();
    assert_eq!(how, "its lease ran out: whoever controlled it is gone");
    drop(running);
}

#[test]
fn a_crash_of_the_drill_leaves_no_harm_behind() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut running = Running::start(here);
    for harm in [
        &["inject", "cpu-burn", "worker", "cores=1"][..],
        &[
            "inject",
            "memory-leak",
            "pricing",
            "mib_per_s=64",
            "most_mib=64",
        ],
        &["inject", "descriptor-leak", "inventory", "per_s=1000"],
        &["inject", "hang", "promotions"],
        &["inject", "disk-full", "orders"],
        &["inject", "crash-loop", "shipping"],
    ] {
        told(here, harm);
    }
    let pids = running.pids();
    assert!(pids.len() >= 10, "{pids:?}");
    // SIGKILL: nothing of the drill's own can clean up
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    until("every process is gone", || {
        !pids.iter().any(|pid| lives(*pid))
    });
    let (code, _, err) = chaos(here, &["status"]);
    assert_eq!(code, 3);
    assert!(err.contains("no drill runs here"), "{err}");
}

#[test]
fn stop_everything_goes_before_whatever_a_service_is_doing() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let running = Running::start(here);
    told(here, &["inject", "slow-start", "pricing", "delay_ms=60000"]);
    // rolled out under a start of a minute, and a standstill that waits for it
    let mut waiting: Vec<_> = [["bad-release", "pricing"], ["hang", "pricing"]]
        .iter()
        .map(|words| {
            let mut command = drill(here);
            command.args(["chaos", "inject"]).args(words);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    until("all are registered", || {
        told(here, &["status"]).as_array().unwrap().len() == 3
    });
    stop_everything(here);
    for command in &mut waiting {
        command.wait().unwrap();
    }
    assert_eq!(told(here, &["status"]), serde_json::json!([]));
    until("pricing works again", || {
        told(here, &["status", "--all"])[0]["flows_again"] == true
    });
    drop(running);
}

#[test]
fn a_script_for_toxiproxy_drives_the_links_of_a_lab_and_is_journalled() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let mut running = Running::start(here);
    let scripts = running.first["toxiproxy"].as_str().unwrap().to_owned();
    let get = |path: &str| -> Value {
        let mut answer = ureq::get(format!("{scripts}{path}")).call().unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    };
    assert!(get("/proxies")["checkout-payments"]["enabled"] == true);
    ureq::post(format!("{scripts}/proxies/checkout-payments/toxics"))
        .send(r#"{"type":"latency","attributes":{"latency":100}}"#)
        .unwrap();
    assert_eq!(
        get("/proxies/checkout-payments/toxics")[0]["name"],
        "latency_downstream"
    );
    told(here, &["stop-everything"]);
    assert_eq!(
        get("/proxies/checkout-payments/toxics"),
        serde_json::json!([])
    );
    ureq::post(format!("{scripts}/proxies/checkout-payments/toxics"))
        .send(r#"{"name":"short","type":"latency","attributes":{"latency":1},"duration":50}"#)
        .unwrap();
    until("it ends by its time", || {
        get("/proxies/checkout-payments/toxics") == serde_json::json!([])
    });
    let url = format!(
        "{}/api/v1/drill/finish",
        running.first["api"].as_str().unwrap()
    );
    ureq::post(&url).send("").unwrap();
    while let Some(Ok(line)) = running.lines.next() {
        if serde_json::from_str::<Value>(&line).unwrap()["kind"] == "end" {
            break;
        }
    }
    let report = drill(here).args(["report"]).output().unwrap();
    let report = String::from_utf8(report.stdout).unwrap();
    assert!(report.contains("| chaos | toxic latency"), "{report}");
    let ended = "toxic short on checkout-payments has ended: its time is over";
    assert_eq!(report.matches(ended).count(), 1, "{report}");
}
