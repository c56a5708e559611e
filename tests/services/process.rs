//! A service's process and the two ways of talking to it: its control socket and its port.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command as Program, ExitStatus, Stdio},
    time::Duration,
};

use scenarios::{
    control::{Command, Event, ServiceConfig},
    setting::Setting,
    shop::Role,
};

/// How long anything may take: far beyond any honest wait, on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running service. It ends with the test.
pub struct Service {
    role: Role,
    child: Child,
    control: UnixStream,
    events: BufReader<UnixStream>,
    port: u16,
    next_id: u64,
}

/// What a role is started with, without settings, peers or database.
pub fn config(role: Role) -> ServiceConfig {
    ServiceConfig {
        role,
        instance: format!("{role}-1"),
        version: "1.0.0".to_owned(),
        // nobody listens there
        otlp_endpoint: "http://127.0.0.1:1".to_owned(),
        peers: BTreeMap::new(),
        database: None,
        fresh_database: true,
        database_round_trip_ms: 0.0,
        trace_share: 1.0,
        seed: 7,
        settings: Vec::new(),
        runtime_threads: 2,
    }
}

impl Service {
    /// Starts one and waits until it listens.
    pub fn start(config: ServiceConfig) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        let child = Program::new(env!("CARGO_BIN_EXE_drill"))
            .arg("service")
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let events = BufReader::new(ours.try_clone().unwrap());
        let mut service = Self {
            role: config.role,
            child,
            control: ours,
            events,
            port: 0,
            next_id: 0,
        };
        service.tell(&Command::Start(Box::new(config)));
        match service.hear() {
            Event::Ready { port } => service.port = port,
            other => panic!("{other:?}"),
        }
        service
    }

    /// Gives it these settings and no others.
    pub fn replace(&mut self, settings: &[Setting]) -> Result<(), String> {
        self.next_id += 1;
        let (id, settings) = (self.next_id, settings.to_vec());
        self.tell(&Command::Replace { id, settings });
        match self.hear() {
            Event::Applied { id: of } if of == id => Ok(()),
            Event::Refused { id: of, reason } if of == id => Err(reason),
            other => panic!("{other:?}"),
        }
    }

    fn tell(&mut self, command: &Command) {
        let mut line = serde_json::to_vec(command).unwrap();
        line.push(b'\n');
        self.control.write_all(&line).unwrap();
    }

    fn hear(&mut self) -> Event {
        let mut line = String::new();
        self.events.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Its role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a request over a connection of its own; status and body, or nothing when no whole answer comes in time.
    pub fn ask(&self, method: &str, path: &str, body: &str, within: Duration) -> Option<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(within)).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer {
            status,
            body: body.to_owned(),
        })
    }

    /// Sends a request that must be answered; gives the status.
    pub fn status(&self, path: &str) -> u16 {
        self.ask("GET", path, "", PATIENCE).unwrap().status
    }

    /// Waits for its end; how it ended and what it said.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap(), said)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}
