//! The routes through the router, on a desk with hand-made telemetry content and a shop that does as
//! it is told.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use api::{ActionOutcome, ActionRequest, Change, ChangeKind, ProofView, Remedy, ServiceView};
use axum::{Router, body::Body, http::Request};
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use opentelemetry_proto::tonic::{
    collector::{logs::v1::ExportLogsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use serde_json::{Value, json};
use simulator::{
    clock::DrillClock,
    journal::{Event, Journal},
};
use telemetry::{Telemetry, TelemetryConfig, time::WallTime};
use tokio::sync::{Notify, Semaphore};
use tower::ServiceExt;

use super::router;
use crate::{
    desk::{Archive, Desk, DeskParts},
    refusal::Refusal,
    score::fixture::{PAGE_MS, plan},
    shop::Shop,
};

/// A shop of one remedy.
struct Toy {
    proving: AtomicBool,
    settling: Arc<Settling>,
}

/// What goes on by itself in a shop: it is said that the end waits for it, and the end is let go on.
struct Settling {
    begun: Notify,
    may_end: Semaphore,
}

impl Default for Settling {
    fn default() -> Self {
        Self {
            begun: Notify::new(),
            may_end: Semaphore::new(1),
        }
    }
}

impl Shop for Toy {
    fn services(&self) -> Vec<ServiceView> {
        Vec::new()
    }

    fn activity(&self) -> String {
        "making history".into()
    }

    fn changes(&self) -> Vec<Change> {
        vec![Change {
            id: "pool".into(),
            at_ms: PAGE_MS - 7_000,
            kind: ChangeKind::Config,
            service: Some("payments".into()),
            title: "drop override".into(),
            details: String::new(),
            author: "kim".into(),
        }]
    }

    fn remedies(&self) -> Vec<Remedy> {
        Vec::new()
    }

    fn act<'a>(
        &'a self,
        request: &'a ActionRequest,
    ) -> BoxFuture<'a, Result<ActionOutcome, Refusal>> {
        Box::pin(async move {
            Ok(ActionOutcome {
                remedy: request.remedy.clone(),
                done: true,
                under_way: false,
                message: "rolled back".into(),
            })
        })
    }

    fn settle(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.settling.begun.notify_one();
            drop(self.settling.may_end.acquire().await);
        })
    }

    fn ready_requests(&self) -> Vec<api::ReadyRequest> {
        Vec::new()
    }

    fn send(&self, request: api::ShopRequest) -> BoxFuture<'_, Result<api::ShopAnswer, Refusal>> {
        Box::pin(async move {
            if request.service != "orders" {
                let why = "no service of this shop is called so";
                return Err(Refusal::new(
                    crate::refusal::RefusalKind::NotFound,
                    why,
                    "orders",
                ));
            }
            Ok(api::ShopAnswer {
                request,
                at_ms: 7,
                status: Some(200),
                error: None,
                headers: Vec::new(),
                body: "{}".into(),
                body_bytes: 2,
                shown_bytes: 2,
                duration_ms: 3.5,
                trace_id: "ab".into(),
            })
        })
    }

    fn start_proof(&self) -> Result<(), Refusal> {
        if self.proving.swap(true, Ordering::AcqRel) {
            return Err(Refusal::not_now("a stress test is running", "wait"));
        }
        Ok(())
    }

    fn proof(&self) -> ProofView {
        ProofView {
            running: self.proving.load(Ordering::Acquire),
            ..ProofView::default()
        }
    }

    fn lab(&self) -> Option<&simulator::lab::Lab> {
        None
    }
}

/// The instructor's.
const KEY: &str = "0123456789abcdef";

const TRACE: &str = "0000000000000000000000000000002a";

/// A drill on a desk, without a lab.
struct Room {
    router: Router,
    desk: Arc<Desk>,
    settling: Arc<Settling>,
}

async fn room(paged: bool) -> Room {
    let telemetry = Telemetry::new(TelemetryConfig::default(), Arc::new(WallTime));
    fill(&telemetry).await;
    let plan = Arc::new(plan());
    let desk = Arc::new(Desk::new(DeskParts {
        id: "abc".into(),
        clock: Arc::new(DrillClock::new(PAGE_MS * 1_000_000, &plan.scenario.history)),
        plan,
        chosen_by_trainee: false,
        journal: journal(paged),
        sight: Arc::new(telemetry.clone()),
        archive: Archive::default(),
        otlp_grpc: None,
        instructor_key: KEY.into(),
    }));
    let settling = Arc::new(Settling::default());
    desk.open_shop(Arc::new(Toy {
        proving: AtomicBool::new(false),
        settling: settling.clone(),
    }));
    Room {
        router: router(desk.clone(), telemetry.router()),
        desk,
        settling,
    }
}

fn journal(paged: bool) -> Journal {
    let journal = Journal::in_memory();
    if paged {
        journal.append(
            PAGE_MS,
            Event::PageFired {
                alert: "CheckoutSlow".into(),
                value: 2.0,
                since_ms: PAGE_MS,
            },
        );
    }
    journal
}

fn attribute(key: &str, text: &str) -> KeyValue {
    let value = AnyValue {
        value: Some(Any::StringValue(text.into())),
    };
    KeyValue {
        key: key.into(),
        value: Some(value),
        ..KeyValue::default()
    }
}

fn of(service: &str) -> Option<Resource> {
    Some(Resource {
        attributes: vec![attribute("service.name", service)],
        ..Resource::default()
    })
}

/// Two log lines, a trace, a pool and a processor.
async fn fill(telemetry: &Telemetry) {
    let record = |text: &str| LogRecord {
        time_unix_nano: at(1).unsigned_abs(),
        body: Some(AnyValue {
            value: Some(Any::StringValue(text.into())),
        }),
        ..LogRecord::default()
    };
    let scope_logs = vec![ScopeLogs {
        log_records: vec![record("outbound pool resized"), record("charge accepted")],
        ..ScopeLogs::default()
    }];
    let resource_logs = vec![ResourceLogs {
        resource: of("payments"),
        scope_logs,
        ..ResourceLogs::default()
    }];
    telemetry
        .intake()
        .logs(ExportLogsServiceRequest { resource_logs })
        .await;
    let span = Span {
        trace_id: 42_u128.to_be_bytes().to_vec(),
        span_id: 7_u64.to_be_bytes().to_vec(),
        name: "POST /charges".into(),
        start_time_unix_nano: at(1).unsigned_abs(),
        end_time_unix_nano: at(3).unsigned_abs(),
        ..Span::default()
    };
    let query = |id: u64, text: &str| Span {
        span_id: id.to_be_bytes().to_vec(),
        parent_span_id: span.span_id.clone(),
        name: "SELECT".into(),
        attributes: vec![attribute("db.query.text", text)],
        ..span.clone()
    };
    let item = "SELECT price FROM items WHERE id = ?";
    let spans = vec![
        query(11, item),
        query(12, item),
        query(13, "SELECT 1"),
        query(14, item),
        span,
    ];
    let scope_spans = vec![ScopeSpans {
        spans,
        ..ScopeSpans::default()
    }];
    let resource_spans = vec![ResourceSpans {
        resource: of("payments"),
        scope_spans,
        ..ResourceSpans::default()
    }];
    telemetry
        .intake()
        .traces(ExportTraceServiceRequest { resource_spans })
        .await;
    for (name, value) in [
        ("connection_pool_waiting", 3.0),
        ("process_cpu_seconds_total", 9.0),
    ] {
        for service in ["payments", "checkout"] {
            let labels = [("__name__", name), ("service", service)];
            telemetry.metrics.append(&labels, PAGE_MS, value);
        }
    }
}

/// Nanoseconds of a second after the page.
fn at(second: i64) -> i64 {
    (PAGE_MS + second * 1_000) * 1_000_000
}

impl Room {
    async fn send(&self, method: &str, path: &str, body: impl Into<Body>) -> (u16, Value) {
        self.with(method, path, body, None).await
    }

    async fn with(
        &self,
        method: &str,
        path: &str,
        body: impl Into<Body>,
        header: Option<&str>,
    ) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(name) = header {
            request = request.header(name, "1");
        }
        let request = request.body(body.into()).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send("POST", &format!("/api/v1/drill{path}"), body.to_string())
            .await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", &format!("/api/v1/drill{path}"), Body::empty())
            .await
    }

    fn last(&self) -> Event {
        self.desk
            .journal()
            .entries()
            .last()
            .expect("an entry")
            .event
            .clone()
    }
}

fn diagnosis(component: &str, mechanism: &str) -> Value {
    json!({"component": component, "mechanism": mechanism, "trigger": "pool", "scope": "buyers", "confidence": 0.8})
}

#[tokio::test]
async fn whatever_is_wrong_is_answered_as_a_problem_with_a_remedy() {
    let room = room(true).await;
    let long = "x".repeat(100_000);
    let junk_pin = json!({"target": {"kind": "dream", "id": "x"}}).to_string();
    let noted = json!({"note": "x"}).to_string();
    let empty = json!({"text": ""}).to_string();
    let rows: Vec<(&str, &str, String, u16)> = vec![
        ("GET", "/nowhere", String::new(), 404),
        ("GET", "/api/v1/drill/nowhere", String::new(), 404),
        ("DELETE", "/api/v1/drill", String::new(), 405),
        ("GET", "/api/v1/drill/ack", String::new(), 405),
        ("POST", "/api/v1/drill/pins", "{".into(), 400),
        ("POST", "/api/v1/drill/pins", junk_pin, 422),
        ("POST", "/api/v1/drill/notes", long, 413),
        (
            "POST",
            "/api/v1/drill/notes",
            json!({"text": "  "}).to_string(),
            422,
        ),
        ("DELETE", "/api/v1/drill/pins/9", String::new(), 404),
        ("POST", "/api/v1/drill/pins/9", noted, 404),
        ("POST", "/api/v1/drill/pins/9", "{}".into(), 422),
        ("DELETE", "/api/v1/drill/pins/nine", String::new(), 404),
        ("POST", "/api/v1/drill/hypotheses", empty, 422),
        (
            "POST",
            "/api/v1/drill/hypotheses",
            json!({"text": "x", "component": "ghost"}).to_string(),
            422,
        ),
        (
            "POST",
            "/api/v1/drill/hypotheses/3",
            json!({"state": "rejected"}).to_string(),
            404,
        ),
        (
            "POST",
            "/api/v1/drill/diagnosis",
            diagnosis("none", "latency").to_string(),
            422,
        ),
        (
            "POST",
            "/api/v1/drill/diagnosis",
            diagnosis("payments", "no-fault").to_string(),
            422,
        ),
        ("GET", "/api/v1/drill/learning", String::new(), 409),
        ("GET", "/api/v1/drill/debrief", String::new(), 409),
    ];
    for (method, path, body, expected) in rows {
        let (status, answer) = room.send(method, path, body).await;
        assert_eq!(status, expected, "{method} {path}: {answer}");
        assert!(
            answer["error"].is_string() && answer["remedy"].is_string(),
            "{method} {path}: {answer}"
        );
    }
    assert_eq!(
        room.desk.journal().entries().len(),
        1,
        "nothing of it was journalled"
    );
}

#[tokio::test]
async fn pins_are_resolved_on_the_drills_own_telemetry() {
    let room = room(true).await;
    let log =
        |line: &str| json!({"kind": "log", "ts_ns": at(1), "service": "payments", "line": line});
    let metric = |query: &str| json!({"kind": "metric", "query": query, "at_ms": PAGE_MS + 1_000, "labels": {"service": "payments"}});
    let rows = [
        (log("outbound pool resized"), 200, vec!["limit"]),
        // a class may have several signals
        (log("charge accepted"), 200, vec!["waiting"]),
        (log("I made this up"), 404, vec![]),
        (metric("connection_pool_waiting"), 200, vec!["waiting"]),
        (metric("process_cpu_seconds_total"), 200, vec!["idle"]),
        // another service's value of the same metric proves nothing of this one, whether a label tells or only the selector
        (
            json!({"kind": "metric", "query": "connection_pool_waiting", "at_ms": PAGE_MS + 1_000, "labels": {"service": "checkout"}}),
            200,
            vec![],
        ),
        (
            json!({"kind": "metric", "query": "sum(connection_pool_waiting{service=\"checkout\"})", "at_ms": PAGE_MS + 1_000, "labels": {}}),
            200,
            vec![],
        ),
        (metric("sum(connection_pool_waiting"), 422, vec![]),
        (metric("no_such_metric"), 404, vec![]),
        (json!({"kind": "span", "trace_id": TRACE}), 200, vec![]),
        (
            json!({"kind": "span", "trace_id": TRACE, "span_id": "0000000000000007"}),
            200,
            vec![],
        ),
        (
            json!({"kind": "span", "trace_id": TRACE, "span_id": "0000000000000008"}),
            404,
            vec![],
        ),
        (json!({"kind": "span", "trace_id": "junk"}), 404, vec![]),
        (json!({"kind": "change", "id": "pool"}), 200, vec![]),
        (json!({"kind": "change", "id": "ghost"}), 404, vec![]),
    ];
    for (target, expected, wanted) in rows {
        let (status, answer) = room
            .post("/pins", json!({"target": target, "note": "see"}))
            .await;
        assert_eq!(status, expected, "{target}: {answer}");
        if status == 200 {
            let Event::PinAdded { classes, .. } = room.last() else {
                panic!("no pin was journalled")
            };
            assert_eq!(classes, wanted, "{target}");
            assert!(
                answer.get("classes").is_none(),
                "the trainee must not see what a pin proves"
            );
        }
    }
    let (status, case) = room.post("/pins/2", json!({"note": "at the page"})).await;
    assert_eq!(
        (status, &case["pins"][1]["note"]),
        (200, &json!("at the page"))
    );
    let (_, case) = room.get("/case").await;
    assert_eq!(case["pins"].as_array().unwrap().len(), 9);
    let (status, case) = room
        .send("DELETE", "/api/v1/drill/pins/1", Body::empty())
        .await;
    assert_eq!((status, case["pins"].as_array().unwrap().len()), (200, 8));
}

#[tokio::test]
async fn a_pin_of_repeated_spans_says_how_many_there_are() {
    let room = room(true).await;
    let target =
        json!({"kind": "span", "trace_id": TRACE, "span_id": "000000000000000b", "repeated": true});
    let (status, pin) = room.post("/pins", json!({ "target": target })).await;
    assert_eq!((status, &pin["target"]), (200, &target));
    assert_eq!(
        pin["text"],
        "03:00:01 3 × payments SELECT price FROM items WHERE id = ?: 6 s in all, in trace 00000000"
    );
}

#[tokio::test]
async fn a_diagnosis_outside_the_vocabulary_is_refused_with_what_is_allowed() {
    let room = room(true).await;
    let rows = [
        ("component", json!("ghost"), "payments"),
        ("mechanism", json!("gremlins"), "pool-exhaustion"),
        ("trigger", json!("moon"), "pool"),
        ("scope", json!("me"), "buyers"),
        ("confidence", json!(1.5), "0 to 1"),
        ("pins", json!([4]), "none"),
    ];
    for (field, value, remedy) in rows {
        let mut request = diagnosis("payments", "pool-exhaustion");
        request[field] = value;
        let (status, answer) = room.post("/diagnosis", request).await;
        assert_eq!(status, 422, "{field}: {answer}");
        assert!(
            answer["remedy"].as_str().unwrap().contains(remedy),
            "{field}: {answer}"
        );
    }
}

#[tokio::test]
async fn nothing_is_diagnosed_or_repaired_before_the_page() {
    let room = room(false).await;
    for (path, body) in [
        ("/diagnosis", diagnosis("payments", "pool-exhaustion")),
        ("/actions", json!({"remedy": "fix"})),
        ("/proof", Value::Null),
        ("/ack", Value::Null),
    ] {
        assert_eq!(room.post(path, body).await.0, 409, "{path}");
    }
}

#[tokio::test]
async fn guessing_ends_at_the_limit() {
    let room = room(true).await;
    for _ in 0..crate::desk::MOST_DIAGNOSES {
        assert_eq!(
            room.post("/diagnosis", diagnosis("worker", "cpu-burn"))
                .await
                .0,
            200
        );
    }
    assert_eq!(
        room.post("/diagnosis", diagnosis("payments", "pool-exhaustion"))
            .await
            .0,
        409
    );
}

#[tokio::test]
async fn the_answer_is_told_at_the_end_and_not_before() {
    let room = room(true).await;
    let (_, view) = room.get("").await;
    assert_eq!(
        (&view["slug"], &view["phase"]),
        (&Value::Null, &json!("live"))
    );
    assert_eq!(room.post("/ack", Value::Null).await.0, 200);
    let (_, verdict) = room
        .post("/diagnosis", diagnosis("worker", "cpu-burn"))
        .await;
    assert_eq!(verdict["right"], false);
    assert_eq!(room.get("/learning").await.0, 409);
    let (_, verdict) = room
        .post("/diagnosis", diagnosis("payments", "pool-exhaustion"))
        .await;
    assert_eq!(verdict["right"], true);
    let (status, choices) = room.get("/learning").await;
    assert_eq!(
        (status, choices["statements"].as_array().unwrap().len()),
        (200, 6)
    );
    let learning = json!({"whys": ["e", "d"], "guardrails": ["canary"]});
    assert_eq!(room.post("/learning", learning).await.0, 204);
    assert_eq!(
        room.post("/learning", json!({"whys": ["z"], "guardrails": []}))
            .await
            .0,
        422
    );
    let (_, debrief) = room.post("/finish", Value::Null).await;
    assert_eq!(debrief["slug"], "fixture");
    assert_eq!(debrief["score"]["parts"].as_array().unwrap().len(), 10);
    assert_eq!(room.get("/debrief").await.1, debrief);
    assert_eq!(
        room.post("/finish", Value::Null).await.1,
        debrief,
        "it ends once"
    );
    assert_eq!(room.get("").await.1["slug"], "fixture");
    for (path, body) in [
        ("/diagnosis", diagnosis("payments", "pool-exhaustion")),
        ("/pins", json!({"target": {"kind": "change", "id": "pool"}})),
        ("/notes", json!({"text": "late"})),
        ("/hints", Value::Null),
        ("/actions", json!({"remedy": "fix"})),
        ("/learning", json!({"whys": [], "guardrails": []})),
    ] {
        assert_eq!(room.post(path, body).await.0, 409, "{path}");
    }
}

#[tokio::test]
async fn a_request_to_the_shop_waits_for_the_page_and_names_a_service() {
    let ask = |service: &str| json!({"service": service, "method": "GET", "path": "/"});
    let early = room(false).await;
    assert_eq!(early.post("/requests", ask("orders")).await.0, 409);
    let room = room(true).await;
    let (status, answer) = room.post("/requests", ask("orders")).await;
    assert_eq!((status, &answer["status"]), (200, &json!(200)));
    assert_eq!(room.post("/requests", ask("nobody")).await.0, 404);
    assert_eq!(
        room.post("/requests", json!({"service": "orders"})).await.0,
        422
    );
    assert_eq!(room.get("/requests").await.0, 200);
    room.post("/finish", Value::Null).await;
    assert_eq!(room.post("/requests", ask("orders")).await.0, 409);
}

#[tokio::test]
async fn hints_cost_their_minutes_and_run_out() {
    let room = room(true).await;
    assert_eq!(room.get("/case").await.1["next_hint_cost_min"], 2.5);
    let (status, hint) = room.post("/hints", Value::Null).await;
    assert_eq!(
        (status, &hint["cost_min"], &hint["left"]),
        (200, &json!(2.5), &json!(0))
    );
    assert_eq!(room.post("/hints", Value::Null).await.0, 409);
}

#[tokio::test]
async fn a_persons_query_is_journalled_with_the_evidence_it_showed() {
    let room = room(true).await;
    let window = format!("start={}&end={}", at(0), at(5));
    let logs = format!("/loki/api/v1/query_range?query=%7Bservice%3D%22payments%22%7D&{window}");
    let background = room
        .with("GET", &logs, Body::empty(), Some(api::BACKGROUND_HEADER))
        .await;
    assert_eq!(background.0, 200);
    assert_eq!(
        room.desk.journal().entries().len(),
        1,
        "a screen's own refresh is nobody's question"
    );
    assert_eq!(
        room.send("GET", &logs, Body::empty()).await,
        background,
        "the answer is the same"
    );
    let Event::Query {
        language,
        text,
        start_ms,
        rows,
        classes,
        error,
        ..
    } = room.last()
    else {
        panic!("the query was not journalled")
    };
    assert_eq!(
        (language.as_str(), text.as_str()),
        ("logql", "{service=\"payments\"}")
    );
    assert_eq!((start_ms, rows, error), (PAGE_MS, 2, None));
    assert_eq!(classes, ["waiting", "limit"]);

    let accepted = format!(
        "/loki/api/v1/query_range?query=%7Bservice%3D%22payments%22%7D%7C%3D%22accepted%22&{window}"
    );
    room.send("GET", &accepted, Body::empty()).await;
    let Event::Query {
        rows: 1, classes, ..
    } = room.last()
    else {
        panic!("one row")
    };
    assert_eq!(classes, ["waiting"], "the other line was not on screen");
}

#[tokio::test]
async fn questions_about_metrics_and_traces_are_journalled_errors_too() {
    let room = room(true).await;
    let metrics = format!(
        "/prometheus/api/v1/query?query=connection_pool_waiting&time={}",
        PAGE_MS / 1_000 + 1
    );
    assert_eq!(room.send("GET", &metrics, Body::empty()).await.0, 200);
    let Event::Query {
        language, classes, ..
    } = room.last()
    else {
        panic!("promql")
    };
    assert_eq!(
        (language.as_str(), classes),
        ("promql", vec!["waiting".to_owned()])
    );

    let broken = "/loki/api/v1/query_range?query=%7Bservice%3D";
    assert_eq!(room.send("GET", broken, Body::empty()).await.0, 400);
    let Event::Query {
        rows: 0,
        error: Some(_),
        ..
    } = room.last()
    else {
        panic!("an error")
    };

    room.send("GET", &format!("/tempo/api/traces/{TRACE}"), Body::empty())
        .await;
    let Event::Query {
        language,
        text,
        rows: 1,
        ..
    } = room.last()
    else {
        panic!("a trace")
    };
    assert_eq!((language.as_str(), text.as_str()), ("traceql", TRACE));
}

#[tokio::test]
async fn what_is_asked_as_jaegers_clients_ask_is_journalled_alike() {
    let room = room(true).await;
    room.send("GET", &format!("/jaeger/api/traces/{TRACE}"), Body::empty())
        .await;
    let Event::Query { text, rows: 1, .. } = room.last() else {
        panic!("a trace")
    };
    assert_eq!(text, TRACE);
    let trace: Value = {
        let path = format!("/jaeger/api/traces/{TRACE}");
        let background = Some(api::BACKGROUND_HEADER);
        room.with("GET", &path, Body::empty(), background).await.1
    };
    let service = trace["data"][0]["processes"]["p1"]["serviceName"]
        .as_str()
        .unwrap()
        .to_owned();
    let window = format!(
        "start={}000&end={}000",
        PAGE_MS - 600_000,
        PAGE_MS + 600_000
    );
    let search = format!("/jaeger/api/traces?service={service}&{window}&limit=20");
    assert_eq!(room.send("GET", &search, Body::empty()).await.0, 200);
    let Event::Query {
        language,
        text,
        start_ms,
        rows,
        error: None,
        ..
    } = room.last()
    else {
        panic!("a search")
    };
    assert_eq!(
        (language.as_str(), text, start_ms),
        ("traceql", format!("service={service}"), PAGE_MS - 600_000)
    );
    assert!(rows >= 1, "the trace is among those of its service");
    room.send("GET", "/jaeger/api/traces?operation=x", Body::empty())
        .await;
    let Event::Query {
        error: Some(error), ..
    } = room.last()
    else {
        panic!("an error")
    };
    assert!(error.contains("'service' is required"), "{error}");
    let asked = room.desk.journal().entries().len();
    room.send("OPTIONS", &search, Body::empty()).await;
    assert_eq!(
        room.desk.journal().entries().len(),
        asked,
        "a browser's preflight is nobody's question"
    );
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let first = super::DrillServer::bind(super::DEFAULT_BIND).await.unwrap();
    let address = first.base_url()["http://".len()..].parse().unwrap();
    let error = super::DrillServer::bind(address)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("is taken; choose another one"), "{error}");
}

#[tokio::test]
async fn while_the_drill_ends_nothing_is_begun_and_it_ends_without_whoever_asked() {
    let room = room(true).await;
    let held = room.settling.may_end.acquire().await.unwrap();
    let act = json!({"remedy": "rollback"});
    assert_eq!(room.post("/actions", act.clone()).await.0, 200);
    {
        let asked = room.post("/finish", json!({}));
        tokio::select! {
            ended = asked => panic!("it did not wait: {ended:?}"),
            () = room.settling.begun.notified() => {}
        }
    }
    let (status, said) = room.post("/actions", act).await;
    assert_eq!(
        (status, &said["error"]),
        (409, &json!("the drill is ending"))
    );
    assert_eq!(room.post("/proof", json!({})).await.0, 409);
    assert!(!matches!(room.last(), Event::Finished { .. }));
    drop(held);
    room.desk.until_ended().await;
    assert!(matches!(room.last(), Event::Finished { .. }));
    assert_eq!(room.get("/debrief").await.0, 200);
}
