//! A real drill to inject chaos into: the whole shop under load, its API, and what telemetry says.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use facilitator::drill::{Drill, DrillOptions};
use scenarios::{catalog::Catalog, scenario::Task, seed::Seed, shop::Role, span::Span};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// How long something may take to show, or to be gone: far beyond any honest wait, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(90);
/// The window of the rates that are asked for, and a scrape.
const WINDOW: Duration = Duration::from_secs(6);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(250);
const KEY: &str = "the instructor of this test";

pub struct Stage {
    drill: Drill,
}

impl Stage {
    /// All eleven services under steady load, without any fault.
    pub async fn open() -> Self {
        let catalog = Catalog::embedded();
        let mut plan = catalog.plan("quiet-night", Seed(7), None).unwrap();
        let scenario = &mut plan.scenario;
        scenario.timeline.clear();
        scenario.history.span = Span::from_millis(3_000);
        scenario.history.lead_in = Span::from_millis(3_000);
        scenario.history.speed = 1.0;
        let load = &mut scenario.load;
        load.journeys_per_s = 6.0;
        load.checkout_share = 0.8;
        load.history_share = 0.3;
        load.bundle_share = 0.5;
        load.long_time_share = 0.5;
        load.think = Span::from_millis(200);
        let task = |name: &str, service, path: &str, body| Task {
            name: name.into(),
            service,
            path: path.into(),
            body,
            every: Span::from_millis(2_000),
            offset: Span::from_millis(500),
        };
        scenario.tasks = vec![
            task(
                "reconcile the books",
                Role::Ledger,
                "/reconciliations",
                json!({}),
            ),
            task(
                "settlement",
                Role::Worker,
                "/jobs/settlement",
                json!({ "items": 20 }),
            ),
        ];
        let drill = Drill::start(DrillOptions {
            plan: Arc::new(plan),
            bind: None,
            cors: None,
            otlp_grpc: None,
            forward: None,
            webhooks: Vec::new(),
            logs_dir: None,
            chosen_by_trainee: true,
            database_url: None,
            toxiproxy: Some("127.0.0.1:0".parse().unwrap()),
            instructor_key: Some(KEY.to_owned()),
            executable: Some((
                PathBuf::from(env!("CARGO_BIN_EXE_drill")),
                vec!["service".to_owned()],
            )),
        })
        .await
        .unwrap();
        Self { drill }
    }

    /// Waits until a question is answered with yes. False when it never is.
    pub async fn until<F: Future<Output = bool>>(&self, question: impl Fn() -> F) -> bool {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if question().await {
                return true;
            }
            tokio::time::sleep(LOOK).await;
        }
        false
    }

    /// The value of a PromQL query now; none when it has no sample, or is no number.
    pub async fn ask(&self, query: &str) -> Option<f64> {
        self.query("/prometheus/api/v1/query", query, 0).await
    }

    /// The least value of a PromQL query while a window of its own passes, once that of what was before is over.
    pub async fn settled(&self, query: &str) -> Option<f64> {
        tokio::time::sleep(WINDOW).await;
        let began = Instant::now();
        let mut least: Option<f64> = None;
        while began.elapsed() < WINDOW {
            let value = self.ask(query).await;
            least = [least, value].into_iter().flatten().reduce(f64::min);
            tokio::time::sleep(LOOK).await;
        }
        least
    }

    /// The value of a LogQL query, so many milliseconds from now.
    pub async fn ask_logs(&self, query: &str, ahead_ms: i64) -> Option<f64> {
        self.query("/loki/api/v1/query", query, ahead_ms).await
    }

    async fn query(&self, path: &str, query: &str, ahead_ms: i64) -> Option<f64> {
        let url = format!("{}{path}", self.drill.api_url());
        let query = query.to_owned();
        let at_ms = self.drill.lab().clock().now_ms() + ahead_ms;
        let time = format!("{}.{:03}", at_ms / 1_000, at_ms % 1_000);
        let body = blocking(move || {
            ureq::get(&url)
                .query("query", &query)
                .query("time", &time)
                .header(api::BACKGROUND_HEADER, "1")
                .call()
                .and_then(|mut answer| answer.body_mut().read_to_string())
                .map_err(|error| format!("{query}: {error}"))
        })
        .await
        .unwrap();
        let answer: Value = serde_json::from_str(&body).unwrap();
        let value = answer["data"]["result"][0]["value"][1].as_str()?;
        value.parse().ok().filter(|value: &f64| value.is_finite())
    }

    pub async fn get(&self, path: &str) -> Result<Value, String> {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.call("POST", path, Some(body.to_string())).await
    }

    pub async fn delete(&self, path: &str) -> Result<Value, String> {
        self.call("DELETE", path, None).await
    }

    pub async fn stop_everything(&self) {
        self.post("/stop-everything", &json!({})).await.unwrap();
    }

    async fn call(&self, method: &str, path: &str, body: Option<String>) -> Result<Value, String> {
        let url = format!("{}/api/v1/drills/current/chaos{path}", self.drill.api_url());
        let method = method.to_owned();
        blocking(move || {
            let request = ureq::http::Request::builder()
                .method(method.as_str())
                .uri(&url)
                .header("authorization", format!("Bearer {KEY}"))
                .body(body.unwrap_or_default())
                .map_err(|error| error.to_string())?;
            let agent = ureq::Agent::new_with_config(
                ureq::Agent::config_builder()
                    .http_status_as_error(false)
                    .allow_non_standard_methods(true)
                    .build(),
            );
            let mut answer = agent.run(request).map_err(|error| error.to_string())?;
            let text = answer
                .body_mut()
                .read_to_string()
                .map_err(|error| error.to_string())?;
            if !answer.status().is_success() {
                return Err(format!("{method} {url}: {} {text}", answer.status()));
            }
            serde_json::from_str(&text).map_err(|error| error.to_string())
        })
        .await
    }

    /// Whether no toxic is on any link.
    pub fn is_healed(&self) -> bool {
        self.drill.lab().is_healed()
    }

    /// Whether a process of a service is in this state, or its last end tells it.
    pub fn state_of(&self, service: &str, state: &str) -> bool {
        self.drill.lab().view().services.iter().any(|one| {
            one.name == service
                && (one.state == state
                    || one
                        .exit
                        .as_deref()
                        .is_some_and(|exit| exit.contains(state) && one.state != "ready"))
        })
    }

    /// How often the processes of a service were started again.
    pub fn restarts(&self, service: &str) -> u32 {
        let services = self.drill.lab().view().services;
        let of_it = services.iter().filter(|one| one.name == service);
        of_it.map(|one| one.restarts).sum()
    }

    /// Seconds from the last byte of an answer over a link until its connection is closed.
    pub async fn time_to_close(&self, link: &str) -> f64 {
        let links = self.drill.lab().links();
        let (_, address) = links
            .iter()
            .find(|(one, _)| one.to_string() == link)
            .unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut last = Instant::now();
        let mut buffer = [0; 4_096];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return last.elapsed().as_secs_f64(),
                Ok(_) => last = Instant::now(),
            }
        }
    }

    /// What is not as it was when the lab was new.
    pub fn left_behind(&self) -> Vec<String> {
        let view = self.drill.lab().view();
        let mut left: Vec<_> = view
            .services
            .iter()
            .filter(|one| one.state != "ready")
            .map(|one| format!("{} is {}", one.instance, one.state))
            .collect();
        if view.services.len() != Role::ALL.len() {
            left.push(format!(
                "{} processes instead of {}",
                view.services.len(),
                Role::ALL.len()
            ));
        }
        let going_on = |state: api::InjectionState| !state.is_over();
        for injection in self.drill.lab().injections() {
            if going_on(injection.state) {
                left.push(format!("{} is {:?}", injection.mechanism, injection.state));
            }
        }
        left
    }

    pub async fn close(self) {
        self.drill.shutdown().await;
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.unwrap()
}
