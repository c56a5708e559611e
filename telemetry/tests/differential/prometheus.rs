//! A real Prometheus as a child process: made from blocks of given text, or scraping a target; ended when dropped.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long Prometheus may take to load its blocks and to say that it is ready.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running Prometheus, its API under `/prometheus` as ours.
pub struct Prometheus {
    pub address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Prometheus {
    /// One that holds `openmetrics`, a text with a timestamp on each sample.
    pub fn of_history(openmetrics: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("history.txt");
        File::create(&text)
            .unwrap()
            .write_all(openmetrics.as_bytes())
            .unwrap();
        let made = promtool(&[
            "tsdb".as_ref(),
            "create-blocks-from".as_ref(),
            "openmetrics".as_ref(),
            text.as_os_str(),
            folder.path().join("data").as_os_str(),
        ]);
        assert!(made.ok, "promtool makes no blocks: {}", made.err);
        Self::start(folder, "global: {}\n")
    }

    /// One that scrapes `target` each `interval_ms` as the job `live`.
    pub fn scraping(target: SocketAddr, interval_ms: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "global:\n  scrape_interval: {interval_ms}ms\n  scrape_timeout: {interval_ms}ms\n\
             scrape_configs:\n- job_name: live\n  static_configs:\n  - targets: ['{target}']\n"
        );
        Self::start(folder, &config)
    }

    fn start(folder: TempDir, config: &str) -> Self {
        let (settings, log) = (
            folder.path().join("prometheus.yml"),
            folder.path().join("log"),
        );
        File::create(&settings)
            .unwrap()
            .write_all(config.as_bytes())
            .unwrap();
        let flag = |name: &str, value: &Path| format!("--{name}={}", value.display());
        let child = Command::new("prometheus")
            .arg(flag("config.file", &settings))
            .arg(flag("storage.tsdb.path", &folder.path().join("data")))
            .args([
                "--storage.tsdb.retention.time=100y",
                "--web.listen-address=127.0.0.1:0",
                "--web.external-url=http://127.0.0.1/prometheus",
            ])
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .expect("prometheus is installed (Debian: apt install prometheus)");
        let mut started = Self {
            address: ([127, 0, 0, 1], 0).into(),
            child,
            _folder: folder,
        };
        let since = Instant::now();
        loop {
            let said = std::fs::read_to_string(&log).unwrap();
            // its parts start side by side: either line may be the first
            let ready = said.contains("Server is ready to receive web requests");
            if let Some(address) = listening(&said).filter(|_| ready) {
                started.address = address;
                return started;
            }
            if let Some(status) = started.child.try_wait().unwrap() {
                panic!("prometheus ended with {status}:\n{said}");
            }
            assert!(
                since.elapsed() < START_TIMEOUT,
                "prometheus is not ready:\n{said}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // its data is thrown away: nothing is lost by not asking politely
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the line `msg="Listening on" address=127.0.0.1:43549`, once it is whole.
fn listening(log: &str) -> Option<SocketAddr> {
    let (_, line) = log.split_once("msg=\"Listening on\" address=")?;
    let (address, _) = line.split_once('\n')?;
    address.trim().parse().ok()
}

/// What a run of promtool gave.
#[derive(Debug)]
pub struct Said {
    pub ok: bool,
    pub out: String,
    pub err: String,
}

/// Runs promtool to its end.
pub fn promtool<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Said {
    let output = Command::new("promtool")
        .args(arguments)
        .output()
        .expect("promtool is installed (Debian: apt install prometheus)");
    Said {
        ok: output.status.success(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
