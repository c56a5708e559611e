//! orders and inventory on a real PostgreSQL, by way of the proxy of that link.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rand_chacha::ChaCha8Rng;
use scenarios::{
    control::ServiceConfig,
    seed::Seed,
    setting::{Setting, WriteLock},
    shop::Role,
    toxic::{Latency, Partition, Stream, Toxicity},
};
use simulator::proxy::{Proxy, Upstream};

use crate::process::{PATIENCE, Service, config};

/// A server with a folder of its own, on a socket and a port; it ends with the test.
struct Postgres {
    folder: tempfile::TempDir,
    bin: PathBuf,
    port: u16,
}

impl Postgres {
    fn start() -> Self {
        let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed");
        let bin = versions
            .flatten()
            .map(|version| version.path().join("bin"))
            .find(|bin| bin.join("initdb").exists())
            .expect("PostgreSQL's server is installed");
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let server = Self {
            folder: tempfile::tempdir().unwrap(),
            bin,
            port,
        };
        let at = server.folder.path().display().to_string();
        if is_root() {
            server.succeeds(Command::new("chown").args(["postgres", &at]));
        }
        server.run(&format!("initdb -D '{at}/data' -U postgres -A trust"));
        server.run(&format!(
            "pg_ctl -D '{at}/data' -w -l '{at}/log' -o '-p {port} -k {at} \
             -c listen_addresses=127.0.0.1 -c fsync=off' start"
        ));
        server
    }

    /// Runs one of its programs, which refuse to be run by root.
    fn run(&self, command: &str) {
        let command = format!("{}/{command}", self.bin.display());
        let mut program = if is_root() {
            let mut su = Command::new("su");
            su.args(["postgres", "-s", "/bin/sh", "-c", &command]);
            su
        } else {
            let mut sh = Command::new("sh");
            sh.args(["-c", &command]);
            sh
        };
        self.succeeds(&mut program);
    }

    fn succeeds(&self, program: &mut Command) {
        let ended = program
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(ended.success(), "{program:?}: {ended}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        self.run(&format!("pg_ctl -D '{}' -m immediate stop", data.display()));
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn on(address: &str, role: Role) -> ServiceConfig {
    ServiceConfig {
        database: Some(format!("postgres://postgres@{address}/postgres")),
        ..config(role)
    }
}

fn file(service: &Service, order_id: &str) -> Option<u16> {
    let line = r#"{"sku":30,"quantity":1,"unit_price_minor_units":500,"discount_basis_points":0,"tax_basis_points":0}"#;
    let order = format!(
        r#"{{"order_id":"{order_id}","customer":700,"charged_minor_units":500,"lines":[{line}]}}"#
    );
    let path = match service.role() {
        Role::Inventory => "/reservations",
        _ => "/orders",
    };
    let answer = service.ask("POST", path, &order, Duration::from_secs(2))?;
    Some(answer.status)
}

#[test]
#[ignore = "needs postgres"]
fn a_link_to_a_server_can_be_slow_and_can_be_cut() {
    let server = Postgres::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rng: ChaCha8Rng = Seed(7).stream("link/orders-database");
    let proxy = runtime
        .block_on(Proxy::listen("orders-database", rng))
        .unwrap();
    proxy.set_upstream(Upstream::Named(format!("127.0.0.1:{}", server.port)));
    let address = proxy.address().unwrap().to_string();
    let service = Service::start(on(&address, Role::Orders));
    let history = |within| service.ask("GET", "/customers/3/orders", "", within);
    let healthy = history(PATIENCE).unwrap();
    assert_eq!(healthy.status, 200);

    let latency = Latency {
        latency_ms: 150,
        jitter_ms: 0,
    };
    let slow = proxy.poison("slow", Stream::Downstream, Toxicity::ALL, latency);
    let began = Instant::now();
    assert_eq!(history(PATIENCE).unwrap().body, healthy.body);
    // two queries of at least a round trip each
    assert!(began.elapsed() >= Duration::from_millis(300));
    drop(slow);

    let cut = proxy.poison("cut", Stream::Both, Toxicity::ALL, Partition {});
    assert!(history(Duration::from_secs(1)).is_none());
    drop(cut);
    assert_eq!(history(PATIENCE).unwrap().body, healthy.body);
}

#[test]
#[ignore = "needs postgres"]
fn a_server_takes_the_same_harms_but_for_its_disk() {
    let server = Postgres::start();
    let address = format!("127.0.0.1:{}", server.port);
    for role in [Role::Orders, Role::Inventory] {
        let mut service = Service::start(on(&address, role));
        assert_eq!(file(&service, "o-1"), Some(201), "{role}");
        let lock = WriteLock {
            hold_ms: 60_000,
            every_ms: 60_000,
        };
        service.replace(&[Setting::WriteLock(lock)]).unwrap();
        // it is taken a moment after it is set; who comes then waits
        let mut number = 1;
        loop {
            number += 1;
            let Some(status) = file(&service, &format!("o-{number}")) else {
                break;
            };
            assert_eq!(status, 201, "{role}");
        }
        // readers are let in
        assert_eq!(service.status("/readyz"), 200);
        service.replace(&[]).unwrap();
        assert_eq!(file(&service, "o-after"), Some(201), "{role}");

        service.replace(&[Setting::PartialBatches(1.0)]).unwrap();
        assert_eq!(file(&service, "o-part"), Some(500), "{role}");
        let refused = service.replace(&[Setting::DiskFull(true)]).unwrap_err();
        assert!(refused.contains("PostgreSQL"), "{refused}");
        // refused as a whole: the former is still in force
        assert_eq!(file(&service, "o-part-2"), Some(500), "{role}");
        service.replace(&[]).unwrap();
        assert_eq!(file(&service, "o-last"), Some(201), "{role}");
    }
    let mut orders = Service::start(on(&address, Role::Orders));
    let history = |orders: &Service| {
        let answer = orders.ask("GET", "/customers/3/orders", "", PATIENCE);
        answer.unwrap().body
    };
    let healthy = history(&orders);
    for harm in [
        Setting::ItemsIndex(false),
        Setting::HistoryLimit(scenarios::setting::HistoryLimit::None),
    ] {
        orders.replace(&[harm]).unwrap();
        assert_eq!(history(&orders), healthy);
        for _ in 0..2 {
            assert_eq!(file(&orders, "o-twice"), Some(201));
        }
    }
    let mut inventory = Service::start(on(&address, Role::Inventory));
    let lossy = scenarios::setting::Reservations::ReadThenWrite;
    inventory.replace(&[Setting::Reservations(lossy)]).unwrap();
    assert_eq!(file(&inventory, "o-lossy"), Some(201));
    assert_eq!(file(&inventory, "o-lossy"), Some(200));
}
