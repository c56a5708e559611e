//! `drill proxy` as a person or a script starts it: flags, file, signals, and what is said when something is wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::Value;

fn drill(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drill"));
    command.arg("proxy").args(words).stdin(Stdio::null());
    command
}

fn fails(words: &[&str]) -> (i32, String) {
    let output = drill(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}

/// A running proxy; it is killed when this goes.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    api: String,
}

impl Running {
    fn start(words: &[&str]) -> Self {
        let mut child = drill(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let api = first.split_whitespace().nth(2).unwrap().to_owned();
        assert!(api.starts_with("http://"), "{first}");
        Self { child, lines, api }
    }

    fn get(&self, path: &str) -> String {
        let mut answer = ureq::get(format!("{}{path}", self.api)).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An upstream that sends a text to whoever comes.
fn upstream(text: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(text);
        }
    });
    address
}

fn read_all(address: &str) -> Vec<u8> {
    let mut got = Vec::new();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.read_to_end(&mut got).unwrap();
    got
}

#[test]
fn a_file_makes_proxies_with_toxics_and_a_signal_ends_them_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proxies.json");
    let to = upstream(b"0123456789");
    let config = serde_json::json!([
        { "name": "whole", "listen": "127.0.0.1:0", "upstream": to },
        { "name": "cut", "listen": "127.0.0.1:0", "upstream": to,
          "toxics": [{ "type": "limit_data", "attributes": { "bytes": 4 } }] },
        { "name": "off", "upstream": to, "enabled": false },
    ]);
    std::fs::write(&file, config.to_string()).unwrap();
    // one dash, as Toxiproxy's server is started
    let flags = [
        "-port",
        "0",
        "-seed=9",
        "-proxy-metrics",
        "-config",
        file.to_str().unwrap(),
    ];
    let mut running = Running::start(&flags);
    let proxies: Value = serde_json::from_str(&running.get("/proxies")).unwrap();
    let listen = |name: &str| proxies[name]["listen"].as_str().unwrap();
    assert_eq!(read_all(listen("whole")), b"0123456789");
    assert_eq!(read_all(listen("cut")), b"0123");
    assert_eq!(proxies["off"]["enabled"], false);
    assert!(
        running
            .get("/metrics")
            .contains("toxiproxy_proxy_sent_bytes_total{direction=\"downstream\"")
    );
    let second = running.lines.next().unwrap().unwrap();
    assert!(second.starts_with("whole: 127.0.0.1:"), "{second}");

    let pid = i32::try_from(running.child.id()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    assert!(TcpStream::connect(listen("whole")).is_err());
}

#[test]
fn one_link_needs_no_file_and_a_drawn_seed_is_told() {
    let to = upstream(b"0123456789");
    let link = ["--port", "0", "--listen", "127.0.0.1:0", "--upstream", &to];
    let running = Running::start(&[&link[..], &["--toxic", "limit_data=bytes:3"]].concat());
    let proxy: Value = serde_json::from_str(&running.get("/proxies/link")).unwrap();
    assert_eq!(read_all(proxy["listen"].as_str().unwrap()), b"012");
    assert_eq!(proxy["toxics"][0]["type"], "limit_data");
    // metrics were not asked for
    assert!(
        ureq::get(format!("{}/metrics", running.api))
            .call()
            .is_err()
    );
}

#[test]
fn what_is_wrong_is_told_before_anything_is_opened() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, said) = fails(&["--host", "127.0.0.1", "--port", &port]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains(&port) && said.contains("--port 0"), "{said}");

    let listen = format!("127.0.0.1:{port}");
    let (code, said) = fails(&[
        "--port",
        "0",
        "--listen",
        &listen,
        "--upstream",
        "127.0.0.1:1",
    ]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("bind: address already in use"), "{said}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.json");
    let name = file.to_str().unwrap();
    let (code, said) = fails(&["--config", name]);
    assert!(
        code == 2 && said.contains("wrong.json cannot be read"),
        "{code} {said}"
    );
    for (text, part) in [
        ("{", "bad request body"),
        (
            r#"[{"name":"a"}]"#,
            "missing required field: upstream at proxy 1",
        ),
        (r#"[{"name":"a","upstream":"b"}]"#, "host:port"),
        (
            r#"[{"name":"a","upstream":"b:1","toxics":[{"type":"latncy"}]}]"#,
            "invalid toxic type",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let (code, said) = fails(&["--config", name]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(part), "{text}: {said}");
    }
    for words in [
        &["--toxic", "latency=latency:1"][..],
        &["--listen", "127.0.0.1:0"],
        &["--port", "70000"],
        &["--seed", "abc"],
        &["--log-level", "loud"],
    ] {
        let (code, said) = fails(words);
        assert_eq!(code, 2, "{words:?}: {said}");
    }
    let (code, said) = fails(&[
        "--listen",
        "127.0.0.1:0",
        "--upstream",
        "127.0.0.1:1",
        "--toxic",
        "latncy=latency:1",
    ]);
    assert!(
        code == 2 && said.contains("there is no type `latncy`"),
        "{code} {said}"
    );
}
