//! A lab of fixed answers on loopback, in the shapes of the real one: so that screens can be compared letter by letter.
//! It writes down what it was asked, and with which header.

#![allow(
    clippy::too_many_lines,
    reason = "one long list of fixed answers reads better whole"
)]

use std::sync::Arc;

use api::*;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Drill time at which the page fires: 03:00:00.
pub const PAGE_MS: i64 = 20_700 * 86_400_000 + 3 * 3_600_000;
/// Drill time now: four minutes and twelve seconds later.
pub const NOW_MS: i64 = PAGE_MS + 252_000;
/// The trace that the list and the logs lead to.
pub const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What the lab holds.
pub struct Lab {
    pub drill: DrillView,
    pub case: Case,
    pub changes: Vec<Change>,
    pub applied: bool,
    pub proof: ProofView,
    pub ended: bool,
    /// Method, path with query, and whether it was marked as the screen's own refresh.
    pub asked: Vec<(String, String, bool)>,
    /// Bodies of what was posted.
    pub posted: Vec<(String, Value)>,
    pub empty: bool,
    /// Whether there is more of everything than fits.
    pub flooded: bool,
    /// Whether the root of the trace has not arrived, as its request is still running.
    pub running: bool,
    /// Whether only a share of the traces was kept.
    pub sampled: bool,
    /// Whether every question but that for the state of the drill is refused.
    pub refuses: bool,
    /// What is put behind every word that is sent, but for the ids and the words that have a fixed set.
    pub hostile: Option<String>,
}

pub type Shared = Arc<Mutex<Lab>>;

fn text(s: &str) -> String {
    s.to_owned()
}

fn choice(id: &str, said: &str) -> Choice {
    Choice {
        id: text(id),
        text: text(said),
    }
}

fn service(name: &str, state: &str) -> ServiceView {
    ServiceView {
        name: text(name),
        instance: format!("{name}-1"),
        version: text("2.14.0"),
        state: text(state),
        exit: None,
        restarts: 0,
        pid: Some(4242),
    }
}

pub fn lab() -> Lab {
    let page = Page {
        title: text("Order history is slow"),
        text: text(
            "p95 of GET /orders/{customer} at the edge has been above 2 s. Customers see spinners; checkout is not affected.",
        ),
        severity: text("critical"),
        alert: text("OrderHistorySlow"),
        query: text(
            "histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket{service=\"storefront\"}[30s]))) > 2",
        ),
        value: 3.417,
        since_ms: PAGE_MS - 95_000,
        runbook_url: Some(text("https://runbooks.example/orders/history-slow")),
    };
    let alert =
        |name: &str, state: &str, severity: &str, service: &str, summary: &str, since: i64| Alert {
            name: text(name),
            state: text(state),
            severity: text(severity),
            service: Some(text(service)),
            summary: text(summary),
            description: text("See the runbook."),
            query: text("sum(rate(x_total[15s])) > 3"),
            value: 3.4,
            since_ms: PAGE_MS - since,
            runbook_url: None,
        };
    let drill = DrillView {
        id: text("d-7f3a"),
        seed: 7,
        level: 3,
        slug: None,
        phase: Phase::Live,
        progress: 1.0,
        activity: String::new(),
        now_ms: NOW_MS,
        speed: 0.0,
        history_start_ms: PAGE_MS - 1_080_000,
        page_ms: Some(PAGE_MS),
        acknowledged_ms: None,
        root_cause_ms: None,
        limit_s: 2400.0,
        page: Some(page),
        brief: Brief {
            situation: text("You are on call for the shop. It is three in the morning."),
            architecture: text(
                "storefront is the edge. It calls checkout, orders and inventory; orders asks shipping for quotes. A database round trip takes 2 ms.",
            ),
            normal: text("Order history answers in 40 to 90 ms; errors are below 0.1 %."),
        },
        alerts: vec![
            alert(
                "OrderHistorySlow",
                "firing",
                "critical",
                "storefront",
                "order history p95 is 3.4 s over 15 s",
                0,
            ),
            alert(
                "ReadinessFlapping",
                "pending",
                "warning",
                "orders",
                "orders misses readiness checks",
                -120_000,
            ),
            alert(
                "CacheMissRatio",
                "resolved",
                "info",
                "inventory",
                "miss ratio was high",
                600_000,
            ),
        ],
        services: vec![
            service("storefront", "ready"),
            service("checkout", "ready"),
            service("orders", "unready"),
            service("inventory", "ready"),
            service("shipping", "ready"),
            service("worker", "exited"),
        ],
        banner: None,
        otlp_grpc: Some(text("http://127.0.0.1:8301")),
    };
    let change =
        |id: &str, before_s: i64, kind, service: &str, title: &str, details: &str| Change {
            id: text(id),
            at_ms: PAGE_MS - before_s * 1000,
            kind,
            service: Some(text(service)),
            title: text(title),
            details: text(details),
            author: text("dana"),
        };
    Lab {
        drill,
        case: Case {
            pins: vec![
                Pin {
                    id: 1,
                    at_ms: PAGE_MS + 130_000,
                    target: PinTarget::Span {
                        trace_id: text(TRACE),
                        span_id: Some(text("00000000000000a1")),
                        repeated: true,
                    },
                    text: text(
                        "03:02:08 64 × orders SELECT * FROM order_items WHERE order_id = $1: 2.368 s in all, in trace 4bf92f35",
                    ),
                    note: String::new(),
                },
                Pin {
                    id: 2,
                    at_ms: PAGE_MS + 180_000,
                    target: PinTarget::Change { id: text("c2") },
                    text: text("deploy orders 2.14.0: history with items"),
                    note: text("ten minutes before"),
                },
            ],
            hypotheses: vec![
                Hypothesis {
                    id: 1,
                    text: text("the nightly job eats the database"),
                    component: Some(text("worker")),
                    mechanism: None,
                    state: HypothesisState::Rejected,
                    pins: vec![1],
                },
                Hypothesis {
                    id: 2,
                    text: text("orders asks item by item"),
                    component: Some(text("orders")),
                    mechanism: Some(text("n-plus-one")),
                    state: HypothesisState::Open,
                    pins: vec![],
                },
            ],
            diagnoses: vec![Diagnosis {
                at_ms: PAGE_MS + 200_000,
                request: DiagnosisRequest {
                    component: text("shipping"),
                    mechanism: text("slow-dependency"),
                    trigger: text("none"),
                    scope: text("all"),
                    confidence: 0.3,
                    pins: vec![1],
                    text: String::new(),
                },
                right: false,
            }],
            hints: vec![],
            notes: vec![(
                PAGE_MS + 60_000,
                Note {
                    text: text("Looking at order history; checkout is fine."),
                    status_update: true,
                },
            )],
            hints_left: 3,
            next_hint_cost_min: Some(4.0),
        },
        changes: vec![
            change(
                "c1",
                900,
                ChangeKind::Config,
                "inventory",
                "cache ttl 300 s -> 240 s",
                "-ttl_s: 300\n+ttl_s: 240",
            ),
            change(
                "c2",
                610,
                ChangeKind::Deploy,
                "orders",
                "release 2.14.0: order history shows items",
                "commits:\n  9f1c2 show items in history\n  77ab0 ask shipping for quotes",
            ),
            change(
                "c3",
                300,
                ChangeKind::Job,
                "worker",
                "nightly report started",
                "cron 55 2 * * *",
            ),
        ],
        applied: false,
        proof: ProofView {
            description: text("90 s of the same seeded load at twice the normal rate."),
            ..ProofView::default()
        },
        ended: false,
        asked: Vec::new(),
        posted: Vec::new(),
        empty: false,
        flooded: false,
        refuses: false,
        hostile: None,
        running: false,
        sampled: false,
    }
}

/// Starts it; the address and what it holds.
pub async fn start(lab: Lab) -> (String, Shared) {
    let shared: Shared = Arc::new(Mutex::new(lab));
    let router = Router::new()
        .route("/api/v1/drill", get(|State(l): State<Shared>| async move { Json(l.lock().drill.clone()) }))
        .route("/api/v1/drill/changes", get(|State(l): State<Shared>| async move { Json(l.lock().changes.clone()) }))
        .route("/api/v1/drill/case", get(|State(l): State<Shared>| async move { Json(l.lock().case.clone()) }))
        .route("/api/v1/drill/vocabulary", get(|| async { Json(vocabulary()) }))
        .route("/api/v1/drill/remedies", get(|State(l): State<Shared>| async move { Json(remedies(l.lock().applied)) }))
        .route("/api/v1/drill/proof", get(|State(l): State<Shared>| async move { Json(l.lock().proof.clone()) }).post(start_proof))
        .route("/api/v1/drill/debrief", get(debrief_of))
        .route("/api/v1/drill/finish", post(finish))
        .route("/api/v1/drill/learning", get(|| async { Json(learning()) }).post(take))
        .route("/api/v1/drill/ack", post(ack))
        .route("/api/v1/drill/pins", post(pin))
        .route("/api/v1/drill/pins/{id}", delete(unpin).post(note_pin))
        .route("/api/v1/drill/hypotheses", post(hypothesis))
        .route("/api/v1/drill/hypotheses/{id}", post(settle))
        .route("/api/v1/drill/diagnosis", post(diagnose))
        .route("/api/v1/drill/hints", post(hint))
        .route("/api/v1/drill/actions", post(act))
        .route("/api/v1/drill/requests", get(ready_requests).post(send_request))
        .route("/api/v1/drill/views", post(take))
        .route("/api/v1/drill/notes", post(take))
        .route("/prometheus/api/v1/query_range", get(prom_range))
        .route("/prometheus/api/v1/series", get(|| async { Json(json!({"status":"success","data":[
            {"__name__":"x","service":"checkout","status":"500"},{"__name__":"x","service":"check \"in\"","status":"200"},{"__name__":"x","service":"orders","status":"200"}]})) }))
        .route("/prometheus/api/v1/query_exemplars", get(exemplars))
        .route("/prometheus/api/v1/labels", get(|| async { Json(json!({"status":"success","data":["__name__","service","route"]})) }))
        .route("/prometheus/api/v1/metadata", get(|| async { Json(json!({"status":"success","data":{"retries":[{"type":"counter","help":"Retries."}]}})) }))
        .route("/prometheus/api/v1/label/__name__/values", get(|| async { Json(json!({"status":"success","data":["http_server_request_duration_seconds_bucket","http_server_request_duration_seconds_count","process_cpu_seconds_total","queue_depth","retries_total"]})) }))
        .route("/loki/api/v1/query_range", get(loki_range))
        .route("/tempo/api/search", get(tempo_search))
        .route("/tempo/api/traces/{id}", get(tempo_trace))
        .route("/derived/objectives", get(objectives))
        .route("/derived/traces/{id}/critical-path", get(critical_path))
        .route("/derived/traces/{id}/repeated", get(repeated))
        .route("/graph", get(graph))
        .merge(super::records_lab::router())
        .layer(from_fn_with_state(shared.clone(), write_down))
        .with_state(shared.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, shared)
}

async fn write_down(State(lab): State<Shared>, request: Request, next: Next) -> Response {
    let background = request.headers().contains_key(BACKGROUND_HEADER);
    lab.lock().asked.push((
        request.method().to_string(),
        request.uri().to_string(),
        background,
    ));
    if lab.lock().refuses && request.uri().path() != "/api/v1/drill" {
        return (StatusCode::SERVICE_UNAVAILABLE, "the store is busy").into_response();
    }
    let response = next.run(request).await;
    let hostile = lab.lock().hostile.clone();
    match hostile {
        Some(more) => soiled(response, &more).await,
        None => response,
    }
}

/// An answer with more behind each of its words.
async fn soiled(response: Response, more: &str) -> Response {
    let (mut head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body = match serde_json::from_slice::<Value>(&body) {
        Ok(mut value) => {
            soil("", &mut value, more);
            value.to_string()
        }
        Err(_) => format!("{}{more}", String::from_utf8_lossy(&body)),
    };
    head.headers.remove("content-length");
    Response::from_parts(head, body.into())
}

fn soil(key: &str, value: &mut Value, more: &str) {
    const KEPT: [&str; 29] = [
        "novelty",
        "change",
        "scope",
        "phase",
        "state",
        "status",
        "resultType",
        "type",
        "kind",
        "level",
        "lane",
        "traceId",
        "spanId",
        "parentSpanId",
        "trace_id",
        "span_id",
        "traceID",
        "rootTraceID",
        "key",
        "code",
        "difficulty",
        "confidence",
        "color",
        "colour",
        "band",
        "slug",
        "value_of",
        "strategies",
        "strategy",
    ];
    match value {
        Value::String(text) if text.parse::<f64>().is_err() && !KEPT.contains(&key) => {
            text.push_str(more);
        }
        Value::Array(all) => all.iter_mut().for_each(|one| soil(key, one, more)),
        Value::Object(all) => all.iter_mut().for_each(|(key, one)| soil(key, one, more)),
        _ => {}
    }
}

fn problem(status: StatusCode, error: &str, remedy: &str) -> Response {
    (
        status,
        Json(Problem {
            error: text(error),
            remedy: Some(text(remedy)),
        }),
    )
        .into_response()
}

fn vocabulary() -> Vocabulary {
    Vocabulary {
        components: vec![
            choice("storefront", "the edge"),
            choice("orders", "order history"),
            choice("shipping", "quotes, outside"),
            choice("worker", "background jobs"),
        ],
        families: vec![
            Family {
                id: text("data-access"),
                definition: text("how data is asked for"),
                mechanisms: vec![
                    choice(
                        "n-plus-one",
                        "one query for a list, then one for each of its rows",
                    ),
                    choice("missing-index", "a query reads the whole table"),
                ],
            },
            Family {
                id: text("dependency"),
                definition: text("what is called misbehaves"),
                mechanisms: vec![choice("slow-dependency", "a dependency answers slowly")],
            },
        ],
        triggers: vec![
            choice("none", "nothing changed"),
            choice("c2", "release 2.14.0 of orders"),
            choice("c3", "nightly report"),
        ],
        scopes: vec![
            choice("all", "every customer"),
            choice("long-history", "customers with many orders"),
        ],
    }
}

fn remedies(applied: bool) -> Vec<Remedy> {
    let remedy = |id: &str,
                  title: &str,
                  description: &str,
                  kind: &str,
                  service: Option<&str>,
                  dangerous,
                  applied| Remedy {
        id: text(id),
        title: text(title),
        description: text(description),
        service: service.map(text),
        kind: text(kind),
        dangerous,
        applied,
        strategies: match kind {
            "deploy" => api::Strategy::ALL.to_vec(),
            _ => Vec::new(),
        },
        rollout: None,
    };
    vec![
        remedy(
            "r1",
            "Restart orders",
            "Stops and starts the orders process. Requests in flight fail.",
            "restart",
            Some("orders"),
            true,
            false,
        ),
        remedy(
            "r2",
            "Roll out batched queries",
            "Deploys the fix: one query for all items, quotes in parallel with a limit.",
            "deploy",
            Some("orders"),
            false,
            applied,
        ),
        remedy(
            "r3",
            "Add an index on order_items",
            "Creates an index on order_items(order_id).",
            "config",
            Some("orders"),
            false,
            false,
        ),
        remedy(
            "r4",
            "Stop the nightly report",
            "Ends the job; it is not run again tonight.",
            "job",
            Some("worker"),
            true,
            false,
        ),
    ]
}

async fn ready_requests() -> Json<Vec<api::ReadyRequest>> {
    let ready = |title: &str, path: &str| api::ReadyRequest {
        title: text(title),
        request: api::ShopRequest {
            service: text("orders"),
            method: text("GET"),
            path: text(path),
            ..api::ShopRequest::default()
        },
    };
    Json(vec![
        ready("orders of a loyal customer", "/customers/20/orders"),
        ready("whether it is ready", "/readyz"),
    ])
}

async fn send_request(
    State(lab): State<Shared>,
    Json(request): Json<api::ShopRequest>,
) -> Json<api::ShopAnswer> {
    let mut lab = lab.lock();
    let sent = serde_json::to_value(&request).unwrap();
    lab.posted.push((text("request"), sent));
    Json(api::ShopAnswer {
        request,
        at_ms: lab.drill.now_ms,
        status: Some(503),
        error: None,
        headers: vec![(text("content-type"), text("application/json"))],
        body: text(
            "{\"error\":\"unavailable\",\"reason\":\"\u{1b}]52;c;aGFja2Vk\u{7} no connection\"}",
        ),
        body_bytes: 61,
        shown_bytes: 61,
        duration_ms: 12.4,
        trace_id: text(TRACE),
    })
}

async fn start_proof(State(lab): State<Shared>) -> Json<ProofView> {
    let mut lab = lab.lock();
    let invariant = |title: &str, bound: &str, before, after, holds| InvariantView {
        title: text(title),
        query: text("q"),
        bound: text(bound),
        before: Some(before),
        after: Some(after),
        holds,
    };
    lab.proof.invariants = vec![
        invariant("order history p95, s", "<= 0.5", 3.41, 0.094, true),
        invariant("queries per history request", "<= 4", 129.0, 3.0, true),
        invariant(
            "the queue was empty at some moment of the last half minute",
            "<= 5",
            0.002,
            0.0,
            true,
        ),
    ];
    lab.proof.passed = Some(true);
    lab.proof.at_ms = Some(NOW_MS);
    Json(lab.proof.clone())
}

async fn ack(State(lab): State<Shared>) -> Json<DrillView> {
    let mut lab = lab.lock();
    lab.drill.acknowledged_ms = Some(NOW_MS);
    Json(lab.drill.clone())
}

async fn take(State(lab): State<Shared>, Json(body): Json<Value>) -> StatusCode {
    lab.lock().posted.push((text("take"), body));
    StatusCode::NO_CONTENT
}

async fn pin(State(lab): State<Shared>, Json(request): Json<PinRequest>) -> Json<Pin> {
    let mut lab = lab.lock();
    let pin = Pin {
        id: lab.case.pins.len() as u32 + 1,
        at_ms: NOW_MS,
        text: serde_json::to_string(&request.target).unwrap(),
        target: request.target,
        note: request.note,
    };
    lab.case.pins.push(pin.clone());
    Json(pin)
}

async fn note_pin(
    State(lab): State<Shared>,
    Path(id): Path<u32>,
    Json(said): Json<api::PinNote>,
) -> Json<Case> {
    let mut lab = lab.lock();
    for pin in lab.case.pins.iter_mut().filter(|p| p.id == id) {
        pin.note.clone_from(&said.note);
    }
    Json(lab.case.clone())
}

async fn unpin(State(lab): State<Shared>, Path(id): Path<u32>) -> Json<Case> {
    let mut lab = lab.lock();
    lab.case.pins.retain(|p| p.id != id);
    Json(lab.case.clone())
}

async fn hypothesis(
    State(lab): State<Shared>,
    Json(r): Json<HypothesisRequest>,
) -> Json<Hypothesis> {
    let mut lab = lab.lock();
    let new = Hypothesis {
        id: lab.case.hypotheses.len() as u32 + 1,
        text: r.text,
        component: r.component,
        mechanism: r.mechanism,
        state: HypothesisState::Open,
        pins: vec![],
    };
    lab.case.hypotheses.push(new.clone());
    Json(new)
}

async fn settle(
    State(lab): State<Shared>,
    Path(id): Path<u32>,
    Json(update): Json<HypothesisUpdate>,
) -> Response {
    let mut lab = lab.lock();
    let Some(found) = lab.case.hypotheses.iter_mut().find(|h| h.id == id) else {
        return problem(
            StatusCode::NOT_FOUND,
            &format!("no hypothesis {id}"),
            "GET /drill/case lists them",
        );
    };
    (found.state, found.pins) = (update.state, update.pins);
    Json(found.clone()).into_response()
}

async fn diagnose(
    State(lab): State<Shared>,
    Json(request): Json<DiagnosisRequest>,
) -> Json<Verdict> {
    let mut lab = lab.lock();
    let right = request.component == "orders" && request.mechanism == "n-plus-one";
    lab.posted
        .push((text("diagnosis"), serde_json::to_value(&request).unwrap()));
    lab.case.diagnoses.push(Diagnosis {
        at_ms: NOW_MS,
        request,
        right,
    });
    if right {
        lab.drill.root_cause_ms = Some(NOW_MS);
    }
    Json(Verdict {
        right,
        message: text(if right {
            "Component and mechanism are right."
        } else {
            "Look further."
        }),
    })
}

async fn hint(State(lab): State<Shared>) -> Json<Hint> {
    let hint = Hint {
        number: 1,
        text: text("Count the spans of one slow request."),
        cost_min: 4.0,
        left: 2,
        next_cost_min: Some(6.0),
    };
    let mut lab = lab.lock();
    lab.case.hints.push(hint.clone());
    lab.case.hints_left = 2;
    Json(hint)
}

async fn act(State(lab): State<Shared>, Json(request): Json<ActionRequest>) -> Json<ActionOutcome> {
    let mut lab = lab.lock();
    lab.posted
        .push((text("action"), serde_json::to_value(&request).unwrap()));
    if request.remedy == "r2" {
        lab.applied = !request.undo;
    }
    Json(ActionOutcome {
        remedy: request.remedy,
        done: true,
        under_way: false,
        message: text("rolled out to 1 of 1 instances"),
    })
}

async fn debrief_of(State(lab): State<Shared>) -> Response {
    if lab.lock().ended {
        Json(debrief()).into_response()
    } else {
        problem(
            StatusCode::CONFLICT,
            "the drill has not ended",
            "finish it first",
        )
    }
}

async fn finish(State(lab): State<Shared>) -> Json<Debrief> {
    let mut lab = lab.lock();
    lab.ended = true;
    lab.drill.phase = Phase::Ended;
    Json(debrief())
}

fn learning() -> LearningChoices {
    LearningChoices {
        statements: vec![
            choice("s1", "order history was slow"),
            choice("s2", "each request issued a query for every item"),
            choice("s3", "the database was overloaded"),
        ],
        guardrails: vec![
            choice("g1", "a test that counts queries"),
            choice("g2", "a bigger pool"),
        ],
    }
}

/// Flat, then high from the page to the remedy, with a gap.
fn chart(title: &str, unit: &str, bound: Option<f64>, high: f64) -> api::DebriefChart {
    let value = |second: i64| match second {
        -300..-280 => None,
        0..250 => Some(high),
        _ => Some(high / 10.0),
    };
    let points = (-540..300).step_by(10);
    api::DebriefChart {
        title: text(title),
        unit: text(unit),
        query: text("q"),
        bound,
        points: points.map(|s| (PAGE_MS + s * 1000, value(s))).collect(),
        before: Some(high),
        after: Some(high / 10.0),
    }
}

fn why(said: &str, follows: Option<bool>) -> api::WhyStep {
    api::WhyStep {
        text: text(said),
        follows,
    }
}

fn debrief() -> Debrief {
    let part = |name: &str, points: &str, of: i64, reasons: &[&str]| ScorePart {
        part: text(name),
        points: points.parse().unwrap(),
        of: of.into(),
        reasons: reasons.iter().map(|r| text(r)).collect(),
        entries: vec![],
    };
    let entry = |s: i64, lane: &str, said: &str| TimelineEntry {
        at_ms: PAGE_MS + s * 1000,
        lane: text(lane),
        text: text(said),
    };
    Debrief {
        id: text("d-7f3a"),
        slug: text("n-plus-one"),
        title: text("The history that asked too much"),
        seed: 7,
        level: 3,
        repeat: text("drill run n-plus-one --seed 7 --level 3"),
        story: text(
            "Release 2.14.0 of orders shows items in the history. It asks for the items of every order with a query of its own, and then asks shipping for a quote per item, one after another, with a client that blocks the runtime.",
        ),
        truth: vec![
            choice("component", "orders"),
            choice(
                "mechanism",
                "n-plus-one: one query for a list, then one for each of its rows",
            ),
            choice("trigger", "c2 release 2.14.0"),
            choice("scope", "customers with long histories"),
        ],
        score: Scorecard {
            formula: 1,
            total: "78.5".parse().unwrap(),
            parts: vec![
                part("localisation", "12", 12, &["orders is the exact component"]),
                part(
                    "calibration",
                    "5.28",
                    8,
                    &["right at 80 %: 7.68", "wrong at 30 %: -0.72"],
                ),
                part("evidence", "7.5", 15, &["1 of 2 decisive classes"]),
                part("learning", "0", 5, &["no five whys were written"]),
            ],
            kpis: vec![
                Kpi {
                    name: text("TTRC"),
                    value: text("6 min 12 s"),
                    meaning: text("from the page to the right diagnosis"),
                },
                Kpi {
                    name: text("TTM"),
                    value: text("—"),
                    meaning: text("from the page to mitigation"),
                },
            ],
        },
        timeline: vec![
            entry(-610, "truth", "orders 2.14.0 rolled out"),
            entry(0, "alert", "OrderHistorySlow fires"),
            entry(40, "trainee", "opened traces"),
            entry(
                200,
                "trainee",
                "diagnosis: shipping / slow-dependency, not right",
            ),
            entry(372, "trainee", "diagnosis: orders / n-plus-one, right"),
        ],
        causes: vec![
            choice("release", "release 2.14.0"),
            choice("queries", "a query per item"),
            choice("blocking", "quotes one after another, blocking"),
            choice("page", "order history p95 above 2 s"),
        ],
        edges: [
            ("release", "queries"),
            ("release", "blocking"),
            ("queries", "page"),
            ("blocking", "page"),
        ]
        .map(|(f, t)| CausalEdge {
            from: text(f),
            to: text(t),
        })
        .to_vec(),
        evidence: vec![
            EvidenceFound {
                proves: text("one request issues a query per item"),
                query: text("{ resource.service.name = \"orders\" } | count() > 50"),
                language: text("traceql"),
                decisive: true,
                pins: vec![1],
            },
            EvidenceFound {
                proves: text("health checks stall while history runs"),
                query: text("{service=\"orders\"} |= \"readyz\""),
                language: text("logql"),
                decisive: true,
                pins: vec![],
            },
        ],
        decoys: vec![choice(
            "nightly report",
            "it began five minutes before, and the database's own time per query did not change",
        )],
        changes: vec![],
        proof: vec![],
        charts: vec![
            chart("what the page watched: HistorySlow", "", Some(2.0), 4.0),
            chart("orders: requests answered", "/s", None, 1.5),
            chart("orders: p95 of requests", "s", None, 6.0),
        ],
        marks: [
            (-480, "fault"),
            (0, "page"),
            (232, "diagnosis"),
            (250, "remedy"),
        ]
        .map(|(second, kind)| api::DebriefMark {
            at_ms: PAGE_MS + second * 1000,
            kind: text(kind),
            text: format!("what happened then ({kind})"),
        })
        .into(),
        whys: api::Whys {
            own: vec![
                why("The page fired for slow histories", None),
                why(
                    "A history asks shipping once for each of its items",
                    Some(true),
                ),
                why("The nightly report burns a core", Some(false)),
            ],
            truth: [
                "The page fired for slow histories",
                "A history asks shipping once for each of its items",
                "Release 2.14.0 loads an order's items one order at a time",
            ]
            .map(text)
            .into(),
        },
        questions: vec![text("Which graph would have shown this at review?")],
        guardrails: vec![choice(
            "query budget",
            "a test fails when a request issues more than ten queries",
        )],
        folder: Some(text("logs/2026-11-21-n-plus-one-d-7f3a")),
    }
}

type Parameters = Query<HashMap<String, String>>;

async fn prom_range(State(lab): State<Shared>, Query(p): Parameters) -> Response {
    let query = &p["query"];
    if query.contains("((") {
        return (StatusCode::BAD_REQUEST, Json(json!({"status":"error","errorType":"bad_data","error":"1:6: parse error: unexpected left parenthesis"}))).into_response();
    }
    if lab.lock().empty {
        return Json(json!({"status":"success","data":{"resultType":"matrix","result":[]}}))
            .into_response();
    }
    let number = |key: &str| p[key].parse::<f64>().unwrap();
    let (start, end, step) = (number("start"), number("end"), number("step"));
    if lab.lock().flooded {
        let result = super::flood::series(query, start, end, step);
        return Json(json!({"status":"success","data":{"resultType":"matrix","result":result}}))
            .into_response();
    }
    let asked_for = |name: &str| {
        !query.contains(&format!("service!=\"{name}\""))
            && (!query.contains("service=\"") || query.contains(&format!("service=\"{name}\"")))
    };
    let services: &[(&str, f64)] = &[
        ("storefront", 1.0),
        ("checkout", 0.4),
        ("orders", 0.7),
        ("inventory", 0.3),
        ("shipping", 0.2),
    ];
    let result: Vec<Value> = services
        .iter()
        .filter(|(name, _)| asked_for(name))
        .map(|(name, weight)| {
            let mut values = Vec::new();
            let mut at = start;
            while at <= end {
                let since = at - PAGE_MS as f64 / 1000.0 + 600.0;
                let wave = (at / 37.0).sin() * 0.1 + 1.0;
                let hurt = if since > 0.0 && matches!(*name, "storefront" | "orders") {
                    (since / 200.0).min(3.0)
                } else {
                    0.0
                };
                let value = if query.contains("status=~") {
                    if *name == "storefront" {
                        hurt * 0.002
                    } else {
                        0.0
                    }
                } else if query.contains("quantile") {
                    weight * 0.08 * wave + hurt
                } else if query.contains("cpu") {
                    weight * 0.12 * wave
                } else {
                    weight * 12.0 * wave
                };
                values.push(json!([at, format!("{value:.4}")]));
                at += step;
            }
            json!({"metric":{"service":name},"values":values})
        })
        .collect();
    Json(json!({"status":"success","data":{"resultType":"matrix","result":result}})).into_response()
}

/// Requests that were kept of any histogram: slow ones of the edge, one of them of the trace that the lab holds.
async fn exemplars(State(lab): State<Shared>, Query(p): Parameters) -> Json<Value> {
    let (start, end) = (
        p["start"].parse::<f64>().unwrap(),
        p["end"].parse::<f64>().unwrap(),
    );
    let one = |before_s: f64, value: f64, trace: &str| json!({"labels":{"trace_id":trace,"span_id":"00000000000000a1"},"value":value.to_string(),"timestamp":NOW_MS as f64 / 1000.0 - before_s});
    let all = [
        one(600.0, 0.04, "0000000000000000000000000000aa01"),
        one(300.0, 1.9, "0000000000000000000000000000aa02"),
        one(60.0, 3.411, TRACE),
    ];
    let empty = lab.lock().empty;
    let seen = all
        .into_iter()
        .filter(|e| !empty && (start..=end).contains(&e["timestamp"].as_f64().unwrap()));
    Json(
        json!({"status":"success","data":[{"seriesLabels":{"__name__":"http_server_request_duration_seconds_bucket","service":"storefront","le":"5"},"exemplars":seen.collect::<Vec<_>>()}]}),
    )
}

async fn loki_range(State(lab): State<Shared>, Query(p): Parameters) -> Response {
    let query = &p["query"];
    if query.contains("|= |") {
        return (
            StatusCode::BAD_REQUEST,
            "parse error at line 1, col 24: a string is expected after |=",
        )
            .into_response();
    }
    let (start, end) = (
        p["start"].parse::<i64>().unwrap(),
        p["end"].parse::<i64>().unwrap(),
    );
    if query.starts_with("sum by") && lab.lock().flooded {
        let result = super::flood::counts(start, end);
        return Json(json!({"status":"success","data":{"resultType":"matrix","result":result}}))
            .into_response();
    }
    if query.starts_with("sum by") {
        if lab.lock().empty {
            return Json(json!({"status":"success","data":{"resultType":"matrix","result":[]}}))
                .into_response();
        }
        let row = |level: &str, each: fn(i64) -> i64| {
            let values: Vec<Value> = (0..60)
                .map(|i| {
                    json!([
                        (start / 1_000_000_000 + i * (end - start) / 60_000_000_000) as f64,
                        each(i).to_string()
                    ])
                })
                .collect();
            json!({"metric":{"level":level},"values":values})
        };
        return Json(json!({"status":"success","data":{"resultType":"matrix","result":[row("info", |i| 40 + i % 7), row("warn", |i| i % 5), row("error", |i| if i > 40 { i - 40 } else { 0 })]}})).into_response();
    }
    let lines: &[(&str, &str, &str)] = &[
        ("storefront", "info", "GET /orders/c-118 200 in 3411 ms"),
        ("orders", "info", "history of c-118: 64 orders"),
        ("orders", "warn", "readyz took 2900 ms"),
        ("shipping", "info", "quote 4.90 EUR"),
        (
            "checkout",
            "error",
            "payment declined: insufficient funds \u{1b}[31mcard 4000\u{1b}[0m",
        ),
        ("worker", "info", "nightly report: page 12 of 90"),
    ];
    if lab.lock().flooded {
        let result = super::flood::streams(start, end);
        return Json(json!({"status":"success","data":{"resultType":"streams","result":result}}))
            .into_response();
    }
    let mut streams = Vec::new();
    if !lab.lock().empty {
        for i in 0..60_i64 {
            let (service, level, line) = lines[(i % 6) as usize];
            let at = (NOW_MS - (60 - i) * 1370) * 1_000_000;
            if at >= start
                && at < end
                && (!query.contains("service=\"")
                    || query.contains(&format!("service=\"{service}\"")))
            {
                let mut labels = json!({"service":service,"level":level,"route":"/orders/{customer}","request_id":format!("r-{i}")});
                if service != "worker" {
                    labels["trace_id"] = json!(TRACE);
                    labels["span_id"] = json!("00000000000000a1");
                }
                streams.push(
                    json!({"stream":labels,"values":[[at.to_string(),format!("{line} #{i}")]]}),
                );
            }
        }
    }
    Json(json!({"status":"success","data":{"resultType":"streams","result":streams}}))
        .into_response()
}

async fn tempo_search(State(lab): State<Shared>, Query(p): Parameters) -> Response {
    if p["q"].contains("}}") {
        return (
            StatusCode::BAD_REQUEST,
            "parse error at line 1, col 3: unexpected }",
        )
            .into_response();
    }
    if lab.lock().flooded {
        return Json(json!({"traces":super::flood::traces(),"metrics":{}})).into_response();
    }
    let failed_only = p["q"].contains("status = error");
    let (only, without) = ("&& rootName = \"", "|| rootName != \"");
    let asked_for = |name: &str| {
        let named = |before: &str| p["q"].contains(&format!("{before}{name}\""));
        !named(without) && (!p["q"].contains(only) || named(only))
    };
    let traces: Vec<Value> = (0..40)
        .filter(|i| !failed_only || i % 9 == 4)
        .filter(|_| !lab.lock().empty)
        .map(|i| {
            let id = if i == 0 { text(TRACE) } else { format!("{i:032x}") };
            let (service, name, ms) = [("storefront", "GET /orders/{customer}", 3411.0), ("storefront", "GET /browse", 31.0), ("storefront", "POST /checkout", 240.0)][i % 3];
            (name, json!({"traceID":id,"rootServiceName":service,"rootTraceName":name,"startTimeUnixNano":((NOW_MS - i as i64 * 2210) * 1_000_000).to_string(),"durationMs":ms - i as f64,"rootReceived":i != 3 && !(i == 0 && lab.lock().running),"spanSets":[{"matched":3,"spans":[]}],"serviceStats":{service:{"spanCount":3,"errorCount":u32::from(i % 9 == 4)}}}))
        })
        .filter(|(name, _)| asked_for(name))
        .map(|(_, trace)| trace)
        .collect();
    Json(json!({"traces":traces,"metrics":{}})).into_response()
}

async fn tempo_trace(State(lab): State<Shared>, Path(id): Path<String>) -> Response {
    if id != TRACE && !id.starts_with("0000") {
        return (StatusCode::NOT_FOUND, "trace not found").into_response();
    }
    if lab.lock().flooded {
        return Json(json!({"batches":super::flood::batches()})).into_response();
    }
    let base = NOW_MS * 1_000_000;
    let span = |id: u64,
                parent: u64,
                name: &str,
                kind: u8,
                from_ms: i64,
                to_ms: i64,
                error: bool,
                statement: &str| {
        let attributes = if statement.is_empty() {
            json!([{"key":"http.request.method","value":{"stringValue":"GET"}}])
        } else {
            json!([{"key":"db.query.text","value":{"stringValue":statement}},{"key":"db.system.name","value":{"stringValue":"sqlite"}}])
        };
        json!({"traceId":TRACE,"spanId":format!("{id:016x}"),"parentSpanId":if parent == 0 { String::new() } else { format!("{parent:016x}") },"name":name,"kind":kind,
            "startTimeUnixNano":(base + from_ms * 1_000_000).to_string(),"endTimeUnixNano":(base + to_ms * 1_000_000).to_string(),
            "attributes":attributes,"status":{"code":if error { 2 } else { 0 },"message":if error { "timed out" } else { "" }}})
    };
    let mut orders = vec![
        span(3, 2, "GET /orders/{customer}", 2, 4, 3400, false, ""),
        span(
            4,
            3,
            "SELECT orders",
            3,
            6,
            12,
            false,
            "SELECT * FROM orders WHERE customer = $1",
        ),
    ];
    orders.extend((0..64).map(|i| {
        span(
            0xa1 + i as u64,
            3,
            "SELECT order_items",
            3,
            14 + i * 38,
            14 + i * 38 + 37,
            false,
            "SELECT * FROM order_items WHERE order_id = $1",
        )
    }));
    orders.extend((0..8).map(|i| {
        span(
            0x200 + i as u64,
            3,
            "GET /quotes",
            3,
            2460 + i * 115,
            2460 + i * 115 + 112,
            i == 5,
            "",
        )
    }));
    let resource = |name: &str, spans: Vec<Value>| json!({"resource":{"attributes":[{"key":"service.name","value":{"stringValue":name}},{"key":"service.version","value":{"stringValue":"2.14.0"}}]},"scopeSpans":[{"scope":{"name":"shop"},"spans":spans}]});
    let mut edge = vec![
        span(1, 0, "GET /orders/{customer}", 2, 0, 3411, false, ""),
        span(2, 1, "orders", 3, 2, 3408, false, ""),
    ];
    if lab.lock().running {
        edge.remove(0);
    }
    Json(json!({"batches":[resource("storefront", edge), resource("orders", orders)]}))
        .into_response()
}

/// Of the trace of [`tempo_trace`]: all of it waits for one thing after the other.
async fn critical_path(State(lab): State<Shared>) -> Json<Value> {
    let root = u64::from(lab.lock().running) + 1;
    let ids = (root..=4).chain(0xa1..0xa1 + 64).chain(0x200..0x200 + 8);
    let spans = ids.map(|id| json!({"span_id":format!("{id:016x}"),"path_ns":1}));
    Json(json!({"spans":spans.collect::<Vec<_>>(),"limits":[]}))
}

/// Availability and latency are broken, checkouts have used up some of their budget.
async fn objectives(State(lab): State<Shared>) -> Json<Value> {
    let empty = lab.lock().empty;
    let objective = |name: &str,
                     says: &str,
                     goal: f64,
                     failed: f64,
                     burn: f64,
                     lasts_s: Option<f64>| {
        let (total, budget) = (11_900.0, 1.0 - goal);
        let left = 1.0 - failed / total / budget;
        let policy = match left {
            left if left > 0.75 => "green",
            left if left > 0.25 => "yellow",
            left if left > 0.0 => "red",
            _ => "exhausted",
        };
        let rate = |window: &str, window_s: f64, times: f64| json!({"window":window,"window_s":window_s,"burn_rate":(!empty).then_some(burn * times)});
        let pair = |severity: &str, factor: f64, short: &str, long: &str| json!({"severity":severity,"factor":factor,"short":short,"long":long,"burning":(!empty).then_some(burn > factor)});
        let data = |figure: f64| (!empty).then_some(figure);
        json!({
            "id":format!("storefront-{name}"),"service":"storefront","name":name,"description":says,"objective":goal,
            "window":"1h","window_s":3600.0,"total":data(total),"failed":data(failed),"sli":data(1.0 - failed / total),
            "error_budget":budget,"error_budget_remaining":data(left),"burn_rate":data(burn),
            "burn_rates":[rate("30s", 30.0, 1.0), rate("1m", 60.0, 0.9), rate("1h", 3600.0, 0.6)],
            "pairs":[pair("page", 14.4, "30s", "1m"), pair("page", 6.0, "30s", "2m30s"), pair("ticket", 1.0, "2m", "15m")],
            "policy":(!empty).then_some(policy),"exhausted_in_s":if empty { None } else { lasts_s },"problems":[],
        })
    };
    Json(json!({
        "objectives":[
            objective("availability", "Requests at the edge are not answered with a server error.", 0.999, 43.0, 6.1, Some(0.0)),
            objective("latency", "Requests at the edge are answered within 2 s.", 0.95, 1_240.0, 2.3, Some(0.0)),
            objective("errors", "Requests between services are not answered with a server error.", 0.99, 2.0, 0.0, None),
            objective("checkouts", "Checkouts succeed.", 0.99, 52.0, 1.4, Some(612.0)),
        ],
        "limits":[],
    }))
}

/// Of the trace of [`tempo_trace`].
async fn repeated(State(lab): State<Shared>) -> Json<Value> {
    let whole_ms = if lab.lock().running { 3406.0 } else { 3411.0 };
    let group = |first: u64, n: u64, ms: f64| {
        let ids = (first..first + n).map(|id| format!("{id:016x}"));
        json!({"span_ids":ids.collect::<Vec<_>>(),"count":n,"share":n as f64 * ms / whole_ms})
    };
    let operation = |name: &str, n: u64, ms: f64| json!({"service":"orders","name":name,"groups":1,"count":n,"share":n as f64 * ms / whole_ms});
    Json(json!({
        "groups":[group(0xa1, 64, 37.0), group(0x200, 8, 112.0)],
        "operations":[operation("SELECT * FROM order_items WHERE order_id = $1", 64, 37.0), operation("GET /quotes", 8, 112.0)],
        "limits":[],
    }))
}

async fn graph(State(lab): State<Shared>) -> Json<Value> {
    if lab.lock().empty {
        return Json(json!({"nodes":[],"edges":[],"cycles":[]}));
    }
    let node = |id: &str, calls: u32, errors: u32, p95: f64| json!({"id":id,"calls":calls,"errors":errors,"p95_ms":p95});
    let edge = |from: &str, to: &str, rate: f64, share: f64, p50: f64, p99: f64| json!({"from":from,"to":to,"calls":(rate * 900.0) as u32,"rate":rate,"error_share":share,"p50_ms":p50,"p95_ms":p99 * 0.8,"p99_ms":p99});
    Json(json!({
        "sampled":lab.lock().sampled,
        "nodes":[node("storefront", 9000, 40, 3400.0), node("checkout", 3600, 2, 240.0), node("pricing", 3600, 0, 40.0), node("promotions", 3500, 0, 22.0), node("orders", 2700, 190, 3390.0), node("shipping", 21000, 0, 110.0), node("inventory", 2000, 0, 9.0)],
        "edges":[edge("storefront", "checkout", 4.0, 0.0006, 180.0, 420.0), edge("storefront", "orders", 3.0, 0.07, 2900.0, 3800.0), edge("storefront", "inventory", 2.2, 0.0, 4.0, 12.0), edge("checkout", "pricing", 4.0, 0.0, 21.0, 60.0),
            edge("pricing", "promotions", 3.9, 0.0, 12.0, 30.0), edge("promotions", "checkout", 3.9, 0.0, 9.0, 24.0), edge("orders", "shipping", 23.0, 0.0, 98.0, 140.0)],
        "cycles":[["checkout","pricing","promotions"]],
    }))
}
