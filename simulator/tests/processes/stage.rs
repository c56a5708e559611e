//! What the cases need: a small plan, instruments that remember, and waiting for a condition.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use scenarios::{plan::Plan, scenario::ServiceSpec, shop::Role, vocabulary::aim::Link};
use simulator::{
    LabError,
    clock::DrillClock,
    instruments::{Instruments, ScrapeTarget},
    journal::{Entry, Event, Journal},
    lab::{Lab, LabConfig},
};
use tokio_util::sync::CancellationToken;

/// Nothing below takes so long; reaching it fails the case.
const LONG: Duration = Duration::from_secs(30);

/// Runs a case as the program would: on several threads.
pub fn block_on<T>(case: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(case)
}

/// Instruments that remember; a measured value is what `values` holds for the query.
#[derive(Default)]
pub struct Memory {
    pub targets: Mutex<Vec<ScrapeTarget>>,
    pub logs: Mutex<Vec<String>>,
    pub anchors: Mutex<usize>,
    pub alerts: Mutex<Vec<String>>,
    pub values: Mutex<BTreeMap<String, f64>>,
    /// Measures what `values` does not hold.
    pub gauge: Mutex<Option<Gauge>>,
}

/// A value by its query.
pub type Gauge = Box<dyn Fn(&str) -> Option<f64> + Send>;

impl Instruments for Memory {
    fn measure(&self, promql: &str, _at_ns: i64) -> Result<Option<f64>, String> {
        let held = self.values.lock().unwrap().get(promql).copied();
        let gauge = self.gauge.lock().unwrap();
        Ok(held.or_else(|| gauge.as_ref()?(promql)))
    }

    fn set_targets(&self, targets: Vec<ScrapeTarget>) {
        *self.targets.lock().unwrap() = targets;
    }

    fn tune_alert(&self, alert: &str, _: Option<&str>, _: Option<Duration>) -> Result<(), String> {
        if alert == "NoSuchAlert" {
            return Err("there is no such rule".into());
        }
        self.alerts.lock().unwrap().push(alert.to_owned());
        Ok(())
    }

    fn reset_alert(&self, alert: &str) {
        self.alerts.lock().unwrap().push(format!("reset {alert}"));
    }

    fn anchor(&self, _: [u8; 16], _: i64, _: i64) {
        *self.anchors.lock().unwrap() += 1;
    }

    fn log(&self, service: &str, _: &str, severity: &str, line: &str) {
        self.logs
            .lock()
            .unwrap()
            .push(format!("{service} {severity} {line}"));
    }
}

/// Three services, two links; otherwise a real scenario.
pub fn plan() -> Plan {
    let mut plan = scenarios::catalog::Catalog::embedded()
        .plan("quiet-night", scenarios::seed::Seed(7), None)
        .expect("the catalogue's own scenario loads");
    plan.scenario.services = [Role::Storefront, Role::Checkout, Role::Payments]
        .map(spec)
        .into();
    plan.scenario.timeline.clear();
    plan.scenario.tasks.clear();
    plan.scenario.remedies.clear();
    plan.scenario.proof.chaos.clear();
    plan.scenario.proof.invariants.clear();
    plan
}

fn spec(service: Role) -> ServiceSpec {
    ServiceSpec {
        service,
        version: "1".into(),
        settings: vec![],
        memory_mib: 128,
        threads: 1,
    }
}

/// A running lab with what it told.
pub struct Stage {
    pub lab: Lab,
    pub memory: Arc<Memory>,
    pub journal: Journal,
}

impl Stage {
    pub async fn open(plan: Plan) -> Self {
        Self::try_open(plan)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn try_open(plan: Plan) -> Result<Self, LabError> {
        let (executable, arguments) = LabConfig::own_executable().unwrap();
        let (memory, journal) = (Arc::new(Memory::default()), Journal::in_memory());
        let config = LabConfig {
            clock: Arc::new(DrillClock::new(
                DrillClock::last_page(),
                &plan.scenario.history,
            )),
            plan: Arc::new(plan),
            instruments: memory.clone(),
            otlp_endpoint: "http://127.0.0.1:9".into(),
            executable,
            arguments,
            database_url: None,
            journal: journal.clone(),
            trace_share: 1.0,
        };
        let lab = Lab::start(config, CancellationToken::new()).await?;
        Ok(Self {
            lab,
            memory,
            journal,
        })
    }

    pub fn pids(&self) -> Vec<u32> {
        self.lab
            .view()
            .services
            .iter()
            .filter_map(|service| service.pid)
            .collect()
    }

    pub fn service(&self, name: &str) -> api::ServiceView {
        self.lab
            .view()
            .services
            .into_iter()
            .find(|service| service.name == name)
            .unwrap()
    }

    /// Asks a service as those outside do: through its door, on a connection of its own.
    pub async fn knock(&self, service: Role, path: &str) -> String {
        let links = self.lab.links();
        let door = links.iter().find(|(link, _)| *link == Link::Door(service));
        get(&format!("http://{}{path}", door.unwrap().1)).await
    }

    /// Asks an instance itself.
    pub async fn ask(&self, service: &str, path: &str) -> String {
        self.ask_at(&self.url(service), path).await
    }

    /// Asks an instance by where its metrics are.
    pub async fn ask_at(&self, url: &str, path: &str) -> String {
        get(&url.replace("/metrics", path)).await
    }

    pub fn url_of(&self, instance: &str) -> String {
        let targets = self.memory.targets.lock().unwrap();
        let target = targets.iter().find(|target| target.instance == instance);
        target.unwrap().url.clone()
    }

    pub fn url(&self, service: &str) -> String {
        let targets = self.memory.targets.lock().unwrap();
        targets
            .iter()
            .find(|target| target.service == service)
            .unwrap()
            .url
            .clone()
    }

    /// What the instruments measure from now on, by query.
    pub fn set_values(&self, values: &[(&str, f64)]) {
        let values = values
            .iter()
            .map(|(query, value)| ((*query).to_owned(), *value));
        self.memory.values.lock().unwrap().extend(values);
    }

    pub fn has_log(&self, line: &str) -> bool {
        self.memory
            .logs
            .lock()
            .unwrap()
            .iter()
            .any(|other| other == line)
    }

    pub fn exits(&self) -> Vec<(String, bool)> {
        let exit = |entry: Entry| match entry.event {
            Event::ServiceExit {
                reason, expected, ..
            } => Some((reason, expected)),
            _ => None,
        };
        self.journal
            .entries()
            .into_iter()
            .filter_map(exit)
            .collect()
    }
}

/// The body of an answer; empty when the connection ends without one.
async fn get(url: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (host, path) = url
        .strip_prefix("http://")
        .unwrap()
        .split_once('/')
        .unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream
        .write_all(format!("GET /{path} HTTP/1.1\r\n\r\n").as_bytes())
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    // a process that dies while it is asked resets the connection
    let _ = stream.read_to_string(&mut text).await;
    text.split_once("\r\n\r\n")
        .map_or_else(String::new, |(_, body)| body.to_owned())
}

/// Waits until something is so.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, wait)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {LONG:?}"));
}

/// Whether a process is there, and not just waiting to be reaped.
pub fn lives(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .trim_start()
            .starts_with('Z')
    })
}
