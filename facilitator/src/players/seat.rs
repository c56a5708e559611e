//! A seat at a running drill: the public HTTP APIs and nothing else, as any client has them.

use std::{collections::BTreeMap, time::Duration};

use api::{
    ActionOutcome, ActionRequest, Change, DiagnosisRequest, DrillView, Hypothesis,
    HypothesisRequest, HypothesisState, HypothesisUpdate, Learning, Pin, PinRequest, PinTarget,
    Problem, ProofView, Strategy, Verdict, Vocabulary,
};
use reqwest::{Client, Method, Url};
use scenarios::scenario::Query;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Longest wait for one answer: an action may deploy a service and wait until it is ready.
const ANSWER: Duration = Duration::from_secs(60);
/// How often a running stress test is looked at.
const PROOF_PERIOD: Duration = Duration::from_millis(250);
/// Rows that a question asks for.
const ROWS: &str = "20";

/// Why a player could not go on.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// The server does not answer.
    #[error("{path} does not answer")]
    Silent {
        /// Which path.
        path: String,
        /// Why.
        source: reqwest::Error,
    },
    /// It refuses.
    #[error("{path} answers {status}: {error}")]
    Refused {
        /// Which path.
        path: String,
        /// Status.
        status: u16,
        /// What it says.
        error: String,
    },
    /// It answers something else than the API promises.
    #[error("{path} answers in another shape: {error}")]
    Shape {
        /// Which path.
        path: String,
        /// What is wrong.
        error: String,
    },
}

/// A seat.
#[derive(Debug, Clone)]
pub struct Seat {
    client: Client,
    base: String,
}

impl Seat {
    /// A seat at the drill with this base URL.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self {
            client: Client::new(),
            base: base.to_owned(),
        }
    }

    /// Where the drill stands.
    ///
    /// # Errors
    /// As all calls: no answer, a refusal, another shape.
    pub async fn view(&self) -> Result<DrillView, SeatError> {
        self.call(Method::GET, "/api/v1/drill", &[], None::<&()>)
            .await
    }

    /// Acknowledges the page.
    ///
    /// # Errors
    /// As [`Seat::view`].
    pub async fn acknowledge(&self) -> Result<DrillView, SeatError> {
        self.call(Method::POST, "/api/v1/drill/ack", &[], None::<&()>)
            .await
    }

    /// The words of a diagnosis.
    ///
    /// # Errors
    /// As [`Seat::view`].
    pub async fn vocabulary(&self) -> Result<Vocabulary, SeatError> {
        self.call(Method::GET, "/api/v1/drill/vocabulary", &[], None::<&()>)
            .await
    }

    /// Pins evidence.
    ///
    /// # Errors
    /// As [`Seat::view`].
    pub async fn pin(&self, target: PinTarget, note: &str) -> Result<Pin, SeatError> {
        let note = note.to_owned();
        self.post("/api/v1/drill/pins", &PinRequest { target, note })
            .await
    }

    /// Opens a hypothesis and settles it at once.
    ///
    /// # Errors
    /// As [`Seat::view`].
    pub async fn settle(
        &self,
        request: &HypothesisRequest,
        state: HypothesisState,
        pins: Vec<u32>,
    ) -> Result<Hypothesis, SeatError> {
        let opened: Hypothesis = self.post("/api/v1/drill/hypotheses", request).await?;
        let path = format!("/api/v1/drill/hypotheses/{}", opened.id);
        self.post(&path, &HypothesisUpdate { state, pins }).await
    }

    /// Submits a diagnosis.
    ///
    /// # Errors
    /// As [`Seat::view`].
    pub async fn diagnose(&self, request: &DiagnosisRequest) -> Result<Verdict, SeatError> {
        self.post("/api/v1/drill/diagnosis", request).await
    }

    /// Applies a remedy, or takes it back.
    ///
    /// # Errors
    /// As [`Seat::view`]; an outcome that says "not done" is no error.
    pub async fn act(&self, remedy: &str, undo: bool) -> Result<ActionOutcome, SeatError> {
        let request = ActionRequest {
            remedy: remedy.to_owned(),
            undo,
            strategy: Strategy::AllAtOnce,
        };
        self.post("/api/v1/drill/actions", &request).await
    }

    /// Runs the stress test and waits for its end.
    ///
    /// # Errors
    /// As [`Seat::view`].
    pub async fn prove(&self) -> Result<ProofView, SeatError> {
        let path = "/api/v1/drill/proof";
        let mut view: ProofView = self.call(Method::POST, path, &[], None::<&()>).await?;
        while view.running {
            tokio::time::sleep(PROOF_PERIOD).await;
            view = self.call(Method::GET, path, &[], None::<&()>).await?;
        }
        Ok(view)
    }

    /// Writes Five Whys and guardrails.
    ///
    /// # Errors
    /// As [`Seat::view`].
    pub async fn learn(&self, learning: &Learning) -> Result<(), SeatError> {
        self.send(Method::POST, "/api/v1/drill/learning", &[], Some(learning))
            .await
            .map(|_| ())
    }

    /// Asks a question of the telemetry, and answers with something in the answer that can be pinned;
    /// none when it shows nothing.
    ///
    /// # Errors
    /// As [`Seat::view`].
    pub async fn ask(
        &self,
        question: &Query,
        view: &DrillView,
    ) -> Result<Option<PinTarget>, SeatError> {
        match question {
            Query::Logql(text) => self.ask_logs(text, view).await,
            Query::Traceql(text) => self.ask_traces(text, view).await,
            Query::Promql(text) => self.ask_metrics(text, view.now_ms).await,
            Query::Change(id) => {
                let path = "/api/v1/drill/changes";
                let changes: Vec<Change> = self.call(Method::GET, path, &[], None::<&()>).await?;
                let found = changes.into_iter().find(|change| change.id == *id);
                Ok(found.map(|change| PinTarget::Change { id: change.id }))
            }
        }
    }

    async fn ask_logs(
        &self,
        query: &str,
        view: &DrillView,
    ) -> Result<Option<PinTarget>, SeatError> {
        let (start, end) = (
            format!("{}000000", view.history_start_ms),
            format!("{}000000", view.now_ms),
        );
        let fields = [
            ("query", query),
            ("start", &start),
            ("end", &end),
            ("limit", ROWS),
        ];
        let path = "/loki/api/v1/query_range";
        let answer: Value = self.call(Method::GET, path, &fields, None::<&()>).await?;
        let stream = &answer["data"]["result"][0];
        let row = &stream["values"][0];
        let target = row[0]
            .as_str()
            .and_then(|ts| ts.parse().ok())
            .zip(row[1].as_str());
        Ok(target.map(|(ts_ns, line)| PinTarget::Log {
            ts_ns,
            service: stream["stream"]["service"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            line: line.to_owned(),
            span_id: None,
        }))
    }

    async fn ask_traces(
        &self,
        query: &str,
        view: &DrillView,
    ) -> Result<Option<PinTarget>, SeatError> {
        let (start, end) = (
            (view.history_start_ms / 1_000).to_string(),
            (view.now_ms / 1_000 + 1).to_string(),
        );
        let fields = [
            ("q", query),
            ("start", &start),
            ("end", &end),
            ("limit", ROWS),
        ];
        let path = "/tempo/api/search";
        let answer: Value = self.call(Method::GET, path, &fields, None::<&()>).await?;
        let id = answer["traces"][0]["traceID"].as_str();
        Ok(id.map(|id| PinTarget::Span {
            trace_id: id.to_owned(),
            span_id: None,
            repeated: false,
        }))
    }

    async fn ask_metrics(&self, query: &str, now_ms: i64) -> Result<Option<PinTarget>, SeatError> {
        let time = format!("{}.{:03}", now_ms / 1_000, now_ms % 1_000);
        let fields = [("query", query), ("time", &time)];
        let path = "/prometheus/api/v1/query";
        let answer: Value = self.call(Method::GET, path, &fields, None::<&()>).await?;
        let data = &answer["data"];
        if data["resultType"] == "vector" && data["result"][0].is_null() {
            return Ok(None);
        }
        let labels = serde_json::from_value(data["result"][0]["metric"].clone());
        Ok(Some(PinTarget::Metric {
            query: query.to_owned(),
            at_ms: now_ms,
            labels: labels.unwrap_or_else(|_| BTreeMap::new()),
        }))
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, SeatError> {
        self.call(Method::POST, path, &[], Some(body)).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<T, SeatError> {
        let bytes = self.send(method, path, fields, body).await?;
        serde_json::from_slice(&bytes).map_err(|error| SeatError::Shape {
            path: path.to_owned(),
            error: error.to_string(),
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Vec<u8>, SeatError> {
        let silent = |source| SeatError::Silent {
            path: path.to_owned(),
            source,
        };
        let url = format!("{}{path}", self.base);
        let url = Url::parse_with_params(&url, fields).map_err(|error| SeatError::Shape {
            path: path.to_owned(),
            error: error.to_string(),
        })?;
        let mut request = self.client.request(method, url).timeout(ANSWER);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(silent)?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(silent)?.to_vec();
        if status.is_success() {
            return Ok(bytes);
        }
        let error = serde_json::from_slice::<Problem>(&bytes).map_or_else(
            |_| String::from_utf8_lossy(&bytes).into_owned(),
            |problem| problem.error,
        );
        Err(SeatError::Refused {
            path: path.to_owned(),
            status: status.as_u16(),
            error,
        })
    }
}
