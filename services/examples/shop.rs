//! The whole shop without a lab: starts every role as a process of its own, says where each
//! listens, and hands on settings. For trying a role by hand:
//!
//! ```text
//! cargo run -p services --example shop
//! set checkout [{"worker-slots":5},{"money":"binary-float"}]
//! quit
//! ```
//!
//! It records no telemetry (`DRILL_OTLP` may name a collector's base URL), keeps its data in SQLite
//! files (`DRILL_DATABASE_URL` may name a PostgreSQL database), and knows no scenarios.

use std::{
    collections::BTreeMap,
    error::Error,
    io::{BufRead, BufReader, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::Arc,
    time::Instant,
};

use scenarios::{
    control::{self, Event, ServiceConfig},
    setting::Setting,
    shop::Role,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Nobody listens there: exports fail at once and are dropped.
const NO_COLLECTOR: &str = "http://127.0.0.1:9";

fn main() -> ExitCode {
    if std::env::args()
        .nth(1)
        .is_some_and(|word| word == "service")
    {
        return services::run();
    }
    match tokio::runtime::Runtime::new()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(shop()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A started role.
struct Running {
    child: Child,
    control: UnixStream,
    events: BufReader<UnixStream>,
}

async fn shop() -> Outcome<()> {
    let folder = std::env::temp_dir().join(format!("shop-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let began = Instant::now();
    let mut addresses = BTreeMap::new();
    let mut ports = BTreeMap::new();
    for role in Role::ALL {
        let (port, known) = watch::channel(0);
        addresses.insert(role, forwarder(known).await?);
        ports.insert(role, port);
    }
    let mut running = BTreeMap::new();
    for role in Role::ALL {
        running.insert(role, start(role, &addresses, &folder)?);
    }
    for (role, service) in &mut running {
        match event(service)? {
            Event::Ready { port } => {
                ports[role].send_replace(port);
                println!(
                    "{role} http://127.0.0.1:{port} (process {})",
                    service.child.id()
                );
            }
            other => return Err(format!("{role}: {other:?}").into()),
        }
    }
    println!("all ready after {:?}", began.elapsed());
    for line in std::io::stdin().lines() {
        let line = line?;
        if line.trim() == "quit" {
            break;
        }
        if let Err(error) = obey(&line, &mut running) {
            eprintln!("{error}");
        }
    }
    for service in running.values_mut() {
        send(service, &control::Command::Stop)?;
    }
    for (role, mut service) in running {
        let status = service.child.wait()?;
        if !status.success() {
            eprintln!("{role} ended with {status}");
        }
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// `set ROLE [SETTINGS]`.
fn obey(line: &str, running: &mut BTreeMap<Role, Running>) -> Outcome<()> {
    let mut words = line.splitn(3, ' ');
    let (Some("set"), Some(role), Some(settings)) = (words.next(), words.next(), words.next())
    else {
        return Err("write `set ROLE [{\"setting\":value}]` or `quit`".into());
    };
    let role: Role = role.parse()?;
    let settings: Vec<Setting> = serde_json::from_str(settings)?;
    let service = running.get_mut(&role).ok_or("it does not run")?;
    send(service, &control::Command::Set { id: 1, settings })?;
    println!("{:?}", event(service)?);
    Ok(())
}

fn start(role: Role, addresses: &BTreeMap<Role, String>, folder: &Path) -> Outcome<Running> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = Command::new(std::env::current_exe()?)
        .arg("service")
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()?;
    let mut service = Running {
        child,
        events: BufReader::new(ours.try_clone()?),
        control: ours,
    };
    let database = std::env::var("DRILL_DATABASE_URL")
        .unwrap_or_else(|_| folder.join(format!("{role}.db")).display().to_string());
    let config = ServiceConfig {
        role,
        instance: format!("{role}-1"),
        version: "1.0.0".to_owned(),
        otlp_endpoint: std::env::var("DRILL_OTLP").unwrap_or_else(|_| NO_COLLECTOR.to_owned()),
        peers: role
            .calls()
            .iter()
            .map(|peer| (*peer, addresses[peer].clone()))
            .collect(),
        database: role.has_database().then_some(database),
        fresh_database: true,
        database_round_trip_ms: 1.0,
        trace_share: 1.0,
        seed: 1,
        settings: Vec::new(),
        runtime_threads: 2,
    };
    send(&mut service, &control::Command::Start(Box::new(config)))?;
    Ok(service)
}

fn send(service: &mut Running, command: &control::Command) -> Outcome<()> {
    let mut line = serde_json::to_vec(command)?;
    line.push(b'\n');
    Ok(service.control.write_all(&line)?)
}

fn event(service: &mut Running) -> Outcome<Event> {
    let mut line = String::new();
    service.events.read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// An address that leads to a port which is known later.
async fn forwarder(port: watch::Receiver<u16>) -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let port = Arc::new(port);
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let mut port = watch::Receiver::clone(&port);
            tokio::spawn(async move {
                let Ok(port) = port.wait_for(|port| *port > 0).await.map(|port| *port) else {
                    return;
                };
                if let Ok(mut to) = TcpStream::connect(("127.0.0.1", port)).await {
                    // the shop's own hang-ups end here too
                    let _ = from.set_nodelay(true);
                    let _ = to.set_nodelay(true);
                    let _ = copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    });
    Ok(address)
}
