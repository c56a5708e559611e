//! What is measured as a proxy: ours, HAProxy and nginx, each started on a free port with the least configuration that passes
//! TCP on, and the small HTTP server behind them all.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    figures::Missing,
    peers::{Guard, find, free_port},
    process_tree,
};
use crate::{command::program, exit::Failure};

/// How long a program may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it may take to end.
const LAST_MOMENT: Duration = Duration::from_secs(2);
/// Connections that a subject must be able to carry, with some to spare.
const CONNECTIONS: usize = 16_384;

/// A program that passes TCP on, or the server itself.
pub struct Subject {
    /// Whose figures they are.
    pub of: String,
    /// `127.0.0.1:port`.
    pub address: String,
    program: Option<Guard>,
}

impl Subject {
    /// No proxy at all.
    pub fn direct(to: &str) -> Self {
        Self {
            of: "direct".to_owned(),
            address: to.to_owned(),
            program: None,
        }
    }

    /// User and system time of its processes so far, seconds.
    pub fn cpu_seconds(&self) -> f64 {
        self.tree(|process| process.cpu_seconds)
    }

    /// Memory of its processes, MiB.
    pub fn resident_mib(&self) -> f64 {
        self.tree(|process| process.resident_mib)
    }

    fn tree(&self, pick: fn(&process_tree::Process) -> f64) -> f64 {
        let Some(program) = &self.program else {
            return 0.0;
        };
        let tree = process_tree::read(program.0.id());
        tree.iter().map(pick).sum()
    }
}

/// nginx's workers outlive a master that is killed: it is asked to end, and has a moment for it.
impl Drop for Subject {
    fn drop(&mut self) {
        let Some(program) = &mut self.program else {
            return;
        };
        let pid = rustix::process::Pid::from_child(&program.0);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let begin = Instant::now();
        while matches!(program.0.try_wait(), Ok(None)) && begin.elapsed() < LAST_MOMENT {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Starts subjects in a folder of their own.
pub struct Stage<'a> {
    /// For configuration files and logs.
    pub folder: &'a Path,
}

impl Stage<'_> {
    /// Ours, with toxics as `--toxic` takes them.
    pub fn ours(&self, of: &str, to: &str, toxics: &[&str]) -> Result<Subject, Failure> {
        let port = free_port()?;
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(program()?);
        command.args(["proxy", "--port", "0", "--seed", "7"]).args([
            "--listen",
            &address,
            "--upstream",
            to,
        ]);
        for toxic in toxics {
            command.args(["--toxic", toxic]);
        }
        started(of, address, command)
    }

    /// HAProxy in TCP mode.
    pub fn haproxy(
        &self,
        to: &str,
        missing: &mut Vec<Missing>,
    ) -> Result<Option<Subject>, Failure> {
        let Some(haproxy) = find("haproxy", "apt install haproxy", missing) else {
            return Ok(None);
        };
        let port = free_port()?;
        let config = format!(
            "global\n  no strict-limits\n  maxconn {CONNECTIONS}\ndefaults\n  mode tcp\n  timeout connect 10s\n  timeout client 10m\n  timeout server 10m\nlisten l\n  bind 127.0.0.1:{port}\n  server s {to}\n"
        );
        let file = self.write("haproxy.cfg", &config)?;
        let mut command = Command::new(&haproxy);
        command.arg("-db").arg("-f").arg(&file);
        let of = format!("HAProxy {}", version(&haproxy, "-v"));
        started(&of, format!("127.0.0.1:{port}"), command).map(Some)
    }

    /// nginx with its stream module.
    pub fn nginx(&self, to: &str, missing: &mut Vec<Missing>) -> Result<Option<Subject>, Failure> {
        let install = "apt install nginx libnginx-mod-stream";
        let Some(nginx) = find("nginx", install, missing) else {
            return Ok(None);
        };
        let module = Path::new("/usr/lib/nginx/modules/ngx_stream_module.so");
        if !module.is_file() {
            missing.push(Missing {
                peer: "nginx stream".to_owned(),
                install: install.to_owned(),
            });
            return Ok(None);
        }
        let port = free_port()?;
        let body = format!(
            "load_module {};\n{}stream {{ server {{ listen 127.0.0.1:{port}; proxy_pass {to}; proxy_timeout 10m; }} }}\n",
            module.display(),
            self.nginx_head("stream"),
        );
        let command = self.nginx_command(&nginx, "stream", &body)?;
        let of = format!("nginx stream {}", version(&nginx, "-v"));
        started(&of, format!("127.0.0.1:{port}"), command).map(Some)
    }

    /// Toxiproxy, with a latency toxic of so many milliseconds each way unless it is 0.
    pub fn toxiproxy(
        &self,
        to: &str,
        delay_ms: u64,
        missing: &mut Vec<Missing>,
    ) -> Result<Option<Subject>, Failure> {
        let install = "toxiproxy-server from its releases, in the PATH";
        let Some(toxiproxy) = find("toxiproxy-server", install, missing) else {
            return Ok(None);
        };
        let address = format!("127.0.0.1:{}", free_port()?);
        let port = free_port()?.to_string();
        let config = json!([{ "name": "l", "listen": address, "upstream": to, "enabled": true }]);
        let file = self.write("toxiproxy.json", &config.to_string())?;
        let mut command = Command::new(&toxiproxy);
        command
            .args(["-host", "127.0.0.1", "-port", &port, "-config"])
            .arg(file);
        let of = format!("Toxiproxy {}", version(&toxiproxy, "-version"));
        let subject = started(&of, address, command)?;
        let ways = ["upstream", "downstream"];
        for way in ways.iter().filter(|_| delay_ms > 0) {
            let toxic =
                json!({ "type": "latency", "stream": way, "attributes": { "latency": delay_ms } });
            ureq::post(format!("http://127.0.0.1:{port}/proxies/l/toxics"))
                .send(toxic.to_string())
                .map_err(|error| Failure::failed(format!("{of} does not take a toxic: {error}")))?;
        }
        Ok(Some(subject))
    }

    /// Trixter, another chaos proxy, with a delay of so many milliseconds each way.
    pub fn trixter(
        &self,
        to: &str,
        delay_ms: u64,
        missing: &mut Vec<Missing>,
    ) -> Result<Option<Subject>, Failure> {
        let Some(trixter) = find("trixter", "cargo install trixter", missing) else {
            return Ok(None);
        };
        let address = format!("127.0.0.1:{}", free_port()?);
        let api = format!("127.0.0.1:{}", free_port()?);
        let mut command = Command::new(&trixter);
        command
            .args(["--listen", &address, "--upstream", to, "--api", &api])
            .args(["--delay-ms", &delay_ms.to_string()]);
        let of = format!("trixter {}", version(&trixter, "--version"));
        started(&of, address, command).map(Some)
    }

    /// The server behind: nginx with a small answer from memory; without one, a bare axum process.
    pub fn server(&self, missing: &mut Vec<Missing>) -> Result<Subject, Failure> {
        let Some(nginx) = find("nginx", "apt install nginx", missing) else {
            return bare();
        };
        let port = free_port()?;
        let body = format!(
            "{}http {{ access_log off; keepalive_requests 100000000; server {{ listen 127.0.0.1:{port} backlog=16384; location / {{ return 200 'ok'; }} }} }}\n",
            self.nginx_head("http"),
        );
        let command = self.nginx_command(&nginx, "http", &body)?;
        started("nginx", format!("127.0.0.1:{port}"), command)
    }

    fn nginx_head(&self, name: &str) -> String {
        let folder = self.folder.display();
        format!(
            "daemon off;\nworker_processes auto;\nworker_rlimit_nofile 65536;\npid {folder}/{name}.pid;\nerror_log {folder}/{name}.log;\nevents {{ worker_connections 40000; }}\n"
        )
    }

    fn nginx_command(&self, nginx: &Path, name: &str, body: &str) -> Result<Command, Failure> {
        let file = self.write(&format!("{name}.conf"), body)?;
        let mut command = Command::new(nginx);
        command.arg("-p").arg(self.folder).arg("-c").arg(file);
        Ok(command)
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let file = self.folder.join(name);
        fs::write(&file, text).map_err(Failure::failed)?;
        Ok(file)
    }
}

fn bare() -> Result<Subject, Failure> {
    let mut command = Command::new(program()?);
    command
        .arg("bare")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = Guard(command.spawn().map_err(Failure::failed)?);
    let mut port = String::new();
    if let Some(out) = child.0.stdout.take() {
        BufReader::new(out)
            .read_line(&mut port)
            .map_err(Failure::failed)?;
    }
    Ok(Subject {
        of: "axum".to_owned(),
        address: format!("127.0.0.1:{}", port.trim()),
        program: Some(child),
    })
}

/// Starts it and waits until it listens.
fn started(of: &str, address: String, mut command: Command) -> Result<Subject, Failure> {
    let silent = || Stdio::null();
    command.stdin(silent()).stdout(silent()).stderr(silent());
    let mut child = Guard(command.spawn().map_err(Failure::failed)?);
    let begin = Instant::now();
    while TcpStream::connect(&address).is_err() {
        let ended = child.0.try_wait().map_err(Failure::failed)?;
        if ended.is_some() || begin.elapsed() > PATIENCE {
            return Err(Failure::failed(format!(
                "{of} does not listen at {address}"
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Subject {
        of: of.to_owned(),
        address,
        program: Some(child),
    })
}

/// The first word with a digit and a point of what a program says of its version.
fn version(program: &Path, flag: &str) -> String {
    let Ok(output) = Command::new(program).arg(flag).output() else {
        return String::new();
    };
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let mut words = said.split([' ', '/', '-', '\n']);
    words
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .unwrap_or_default()
        .to_owned()
}
