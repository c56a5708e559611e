//! Service discovery for a Prometheus beside the lab: the targets in the shape of its `http_sd_configs`. Translates only.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Json;
use http::Uri;
use serde_json::{Value, json};

use crate::metrics::Metrics;

/// `GET /prometheus/sd`: one group a target, `[{"targets": ["host:port"], "labels": {…}}]`, with the labels that the lab's own
/// scraper gives it and its scheme and path under the names that Prometheus reads.
pub(super) async fn targets(State(metrics): State<Metrics>) -> Json<Value> {
    let groups = metrics
        .inner
        .scraper
        .health()
        .into_iter()
        .filter_map(|target| {
            let url: Uri = target.url.parse().ok()?;
            let mut labels: BTreeMap<String, String> = target.labels.iter().cloned().collect();
            labels.insert("__scheme__".into(), url.scheme_str()?.to_owned());
            labels.insert("__metrics_path__".into(), url.path().to_owned());
            Some(json!({ "targets": [url.authority()?.as_str()], "labels": labels }))
        });
    Json(groups.collect())
}
