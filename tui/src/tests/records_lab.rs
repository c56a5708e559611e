//! What the small lab of fixed answers derives of its records: log patterns, two traces compared, what failed ones have
//! more often than the rest.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::fixture::{NOW_MS, PAGE_MS, Shared};

type Parameters = Query<HashMap<String, String>>;

/// The routes.
pub fn router() -> Router<Shared> {
    Router::new()
        .route("/derived/patterns", get(patterns))
        .route("/derived/compare", get(compare))
        .route("/derived/attributes", get(attributes))
}

async fn patterns(State(lab): State<Shared>, Query(p): Parameters) -> Response {
    if p["query"].contains("|= |") {
        return (StatusCode::BAD_REQUEST, "parse error at line 1, col 24").into_response();
    }
    let since_ns: i64 = p["since"].parse().unwrap();
    let pattern = |service: &str,
                   level: &str,
                   template: &str,
                   count: u64,
                   before: u64,
                   novelty: &str| {
        let after = count - before;
        let change = (before > 0).then_some(after as f64 / 240.0 / (before as f64 / 660.0));
        let words = template.replace("<*>", ".+?").replace(' ', r"\s+");
        json!({"service":service,"level":level,"template":template,"count":count,"share":count as f64 / 2_500.0,"before":before,"after":after,
            "novelty":novelty,"change":change,"first_ns":(PAGE_MS - 600_000 + before as i64) * 1_000_000,"last_ns":NOW_MS * 1_000_000,
            "sample":template.replace("<*>", "c-118"),"query":format!("{{service=\"{service}\", level=\"{level}\"}} |~ {:?}", format!("(?s)^\\s*{words}\\s*$"))})
    };
    let mut found = vec![
        pattern("orders", "warn", "history of <*> took <*> ms", 96, 0, "new"),
        pattern(
            "storefront",
            "info",
            "GET /orders/<*> <*> in <*> ms",
            1_204,
            900,
            "known",
        ),
        pattern("shipping", "info", "quote <*> EUR", 800, 120, "known"),
        pattern(
            "checkout",
            "error",
            "payment declined: insufficient funds <*>",
            12,
            9,
            "known",
        ),
        pattern("worker", "info", "nightly report: done", 1, 1, "gone"),
    ];
    if lab.lock().empty {
        found.clear();
    }
    let lines: u64 = found.iter().map(|p| p["count"].as_u64().unwrap()).sum();
    Json(json!({"start_ns":0,"end_ns":NOW_MS * 1_000_000,"since_ns":since_ns,"lines":lines,"lines_before":lines / 2,"unmatched":0,"patterns":found,"limits":[]})).into_response()
}

async fn compare(Query(p): Parameters) -> Response {
    let (a, b) = (&p["a"], &p["b"]);
    if a == b || [a, b].iter().any(|id| id.starts_with("ff")) {
        let said = format!("trace {b} not found: it was never received, or is evicted");
        return (StatusCode::NOT_FOUND, said).into_response();
    }
    let side = |id: &str, ms: i64, spans: u32, errors: u32| json!({"trace_id":id,"duration_ns":ms * 1_000_000,"spans":spans,"errors":errors});
    let sum = |count: u32, errors: u32, ms: i64| json!({"count":count,"errors":errors,"total_ns":ms * 1_000_000,"self_ns":ms * 1_000_000});
    let step = |service: &str,
                name: &str,
                change: &str,
                a: Value,
                b: Value,
                ms: i64,
                own_ms: i64| {
        json!({"service":service,"name":name,"path":["storefront: GET /orders/{customer}", format!("{service}: {name}")],"depth":1,"change":change,
            "a":a,"b":b,"difference_ns":ms * 1_000_000,"self_difference_ns":own_ms * 1_000_000})
    };
    Json(json!({
        "a":side(a, 31, 6, 0),"b":side(b, 3_411, 76, 1),"added":1,"removed":1,"slower":1,"faster":0,"limits":[],
        "steps":[
            step("orders", "SELECT order_items", "slower", sum(1, 0, 4), sum(64, 0, 2_368), 2_364, 2_364),
            step("orders", "GET /quotes", "added", sum(0, 0, 0), sum(8, 1, 896), 896, 896),
            step("orders", "GET /cache", "removed", sum(1, 0, 2), sum(0, 0, 0), -2, -2),
            step("storefront", "GET /orders/{customer}", "same", sum(1, 0, 31), sum(1, 0, 3_411), 3_380, 0),
        ],
    }))
    .into_response()
}

async fn attributes(State(lab): State<Shared>, Query(p): Parameters) -> Response {
    if p["q"].contains("}}") {
        return (StatusCode::BAD_REQUEST, "parse error at line 1, col 3").into_response();
    }
    let row = |scope: &str, key: &str, value: &str, selected: u32, rest: u32, significant: bool| {
        let (inside, outside) = (f64::from(selected) / 50.0, f64::from(rest) / 400.0);
        json!({"scope":scope,"key":key,"value":value,"selected":selected,"selected_share":inside,"rest":rest,"rest_share":outside,
            "difference":inside - outside,"log_odds":1.0,"g":40.0,"p_value":if significant { 1e-6 } else { 0.4 },"significant":significant})
    };
    let empty = lab.lock().empty;
    let values = match empty {
        true => Vec::new(),
        false => vec![
            row("span", "http.response.status_code", "504", 48, 2, true),
            row("span", "user.kind", "guest", 9, 60, false),
            row("resource", "service.version", "2.14.0", 50, 33, true),
            row("intrinsic", "kind", "producer", 12, 9, true),
        ],
    };
    let (selected, rest) = if empty { (0, 0) } else { (50, 400) };
    Json(json!({"start_ns":0,"end_ns":1,"of":"traces","selected":selected,"rest":rest,"tested":41,"values":values,"limits":[{"what":"traces","shown":450,"held":700}]})).into_response()
}
