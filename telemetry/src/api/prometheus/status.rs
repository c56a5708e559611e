//! What is going on: rules, alerts, targets, build. Translates only.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Json;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Given, Refusal, success};
use crate::alerts::{Alert, RuleInfo, State as AlertState};
use crate::metrics::Metrics;

/// The version of Prometheus whose API and semantics are served; Grafana switches features by it.
const API_VERSION: &str = "2.42.0";

pub(super) async fn rules(
    State(metrics): State<Metrics>,
    given: Given,
) -> Result<Json<Value>, Refusal> {
    let given = given?;
    let wanted = match given.get("type") {
        None | Some("") => None,
        Some("alert") => Some(true),
        Some("record") => Some(false),
        Some(other) => {
            return Err(Refusal::bad_data(format!(
                "invalid parameter \"type\": {other:?}, use alert or record"
            )));
        }
    };
    let mut groups: Vec<Value> = Vec::new();
    for rule in metrics.inner.alerts.rules() {
        if groups
            .last()
            .is_none_or(|group| group["name"] != json!(rule.group))
        {
            groups.push(json!({
                "name": rule.group,
                "file": "",
                "interval": rule.interval.unwrap_or(metrics.inner.config.scrape_interval).as_secs_f64(),
                "limit": 0,
                "rules": [],
                "evaluationTime": 0.0,
                "lastEvaluation": rfc3339(rule.evaluated_at_ns.unwrap_or(0)),
            }));
        }
        let Some(group) = groups.last_mut() else {
            continue;
        };
        group["evaluationTime"] =
            json!(group["evaluationTime"].as_f64().unwrap_or(0.0) + rule.took.as_secs_f64());
        if wanted.is_none_or(|alerting| alerting == rule.alerting)
            && let Some(list) = group["rules"].as_array_mut()
        {
            list.push(rule_json(&rule));
        }
    }
    Ok(success(json!({ "groups": groups })))
}

fn rule_json(rule: &RuleInfo) -> Value {
    let labels: BTreeMap<_, _> = rule.labels.iter().cloned().collect();
    let mut described = json!({
        "name": rule.name,
        "query": rule.expr,
        "labels": labels,
        "health": if rule.error.is_some() { "err" } else if rule.evaluated_at_ns.is_some() { "ok" } else { "unknown" },
        "evaluationTime": rule.took.as_secs_f64(),
        "lastEvaluation": rfc3339(rule.evaluated_at_ns.unwrap_or(0)),
        "type": if rule.alerting { "alerting" } else { "recording" },
    });
    if let Some(error) = &rule.error {
        described["lastError"] = json!(error);
    }
    if rule.alerting {
        let active: Vec<&Alert> = rule.alerts.iter().filter(|a| is_active(a)).collect();
        let firing = active.iter().any(|a| a.state == AlertState::Firing);
        let state = if firing {
            "firing"
        } else if active.is_empty() {
            "inactive"
        } else {
            "pending"
        };
        described["state"] = json!(state);
        described["duration"] = json!(rule.for_.as_secs_f64());
        described["keepFiringFor"] = json!(rule.keep_firing_for.as_secs_f64());
        described["annotations"] =
            json!(rule.annotations.iter().cloned().collect::<BTreeMap<_, _>>());
        described["alerts"] = active.into_iter().map(alert_json).collect();
    }
    described
}

pub(super) async fn alerts(State(metrics): State<Metrics>) -> Json<Value> {
    let alerts = metrics.inner.alerts.alerts();
    let active: Vec<Value> = alerts
        .iter()
        .filter(|a| is_active(a))
        .map(alert_json)
        .collect();
    success(json!({ "alerts": active }))
}

fn is_active(alert: &Alert) -> bool {
    matches!(alert.state, AlertState::Pending | AlertState::Firing)
}

fn alert_json(alert: &Alert) -> Value {
    let map = |pairs: &[(String, String)]| pairs.iter().cloned().collect::<BTreeMap<_, _>>();
    json!({
        "labels": map(&alert.labels),
        "annotations": map(&alert.annotations),
        "state": alert.state.name(),
        "activeAt": rfc3339(alert.active_since_ns),
        "value": format!("{:e}", alert.value),
    })
}

pub(super) async fn targets(State(metrics): State<Metrics>) -> Json<Value> {
    let active = metrics.inner.scraper.health().into_iter().map(|target| {
        let labels: BTreeMap<_, _> = target.labels.iter().cloned().collect();
        let mut discovered = labels.clone();
        discovered.insert("__address__".into(), target.url.clone());
        json!({
            "discoveredLabels": discovered,
            "scrapePool": labels.get("job").cloned().unwrap_or_default(),
            "labels": labels,
            "scrapeUrl": target.url,
            "globalUrl": target.url,
            "lastError": target.error,
            "lastScrape": rfc3339(target.scraped_at_ms.saturating_mul(1_000_000)),
            "lastScrapeDuration": target.took.as_secs_f64(),
            "health": match target.up { Some(true) => "up", Some(false) => "down", None => "unknown" },
            "scrapeInterval": format!("{}ms", metrics.inner.config.scrape_interval.as_millis()),
            "scrapeTimeout": format!("{}ms", crate::scrape::SCRAPE_TIMEOUT.as_millis()),
        })
    });
    success(json!({ "activeTargets": active.collect::<Vec<_>>(), "droppedTargets": [] }))
}

pub(super) async fn build_info() -> Json<Value> {
    success(crate::api::build_info(API_VERSION))
}

fn rfc3339(ns: i64) -> String {
    Timestamp::from_nanosecond(i128::from(ns)).map_or_else(|_| String::new(), |t| t.to_string())
}
