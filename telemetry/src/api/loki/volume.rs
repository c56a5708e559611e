//! How many bytes streams have: `index/volume` and `index/volume_range`, as Grafana's log views ask
//! before they read any line.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::{answer, object, point, step_ns, stream_selector, volumes_of, window};
use crate::api::parameters::Parameters;
use crate::api::refusal::Refusal;
use crate::facade::Telemetry;
use crate::logs::record::Labels;
use crate::logs::{Amount, STEPS_MAX};

/// Series of an answer where no limit is given, as in Loki.
const SERIES_DEFAULT: usize = 100;

/// Series of an answer at most, as in Loki.
const SERIES_MAX: usize = 1000;

/// A series, and its bytes by number of the step.
type Volume = (Labels, BTreeMap<i64, u64>);

/// What volumes are told of.
enum By {
    /// Streams, by these of their labels.
    Series(Vec<String>),
    /// Names of labels.
    Labels(Option<BTreeSet<String>>),
}

/// Bytes of the whole window.
pub(super) async fn instant(
    State(telemetry): State<Telemetry>,
    parameters: Parameters,
) -> Response {
    answer(move || {
        let (start_ns, end_ns) = window(&telemetry, &parameters)?;
        // one step that is the window: its end is where it is told
        let volumes = volumes(
            &telemetry,
            &parameters,
            end_ns.saturating_sub(start_ns).max(1),
        )?;
        let one = |(labels, bytes): Volume| {
            let sum: u64 = bytes.values().sum();
            json!({"metric": object(labels), "value": point(&(end_ns, sum as f64))})
        };
        let result: Vec<Value> = volumes.into_iter().map(one).collect();
        Ok(json!({"resultType": "vector", "result": result, "stats": {}}))
    })
    .await
}

/// Bytes of each step of the window, told at the step's end.
pub(super) async fn range(State(telemetry): State<Telemetry>, parameters: Parameters) -> Response {
    answer(move || {
        let (start_ns, end_ns) = window(&telemetry, &parameters)?;
        let step_ns = step_ns(&parameters, start_ns, end_ns)?;
        let steps = end_ns.saturating_sub(start_ns) / step_ns;
        if usize::try_from(steps).is_ok_and(|steps| steps >= STEPS_MAX) {
            let message = format!("more than {STEPS_MAX} steps: widen the step");
            return Err(message.into());
        }
        let volumes = volumes(&telemetry, &parameters, step_ns)?;
        let one = |(labels, bytes): Volume| {
            let values: Vec<Value> = bytes
                .into_iter()
                .map(|(step, bytes)| {
                    let told_ns = start_ns.saturating_add(step_ns.saturating_mul(step + 1));
                    point(&(told_ns.min(end_ns), bytes as f64))
                })
                .collect();
            json!({"metric": object(labels), "values": values})
        };
        let result: Vec<Value> = volumes.into_iter().map(one).collect();
        Ok(json!({"resultType": "matrix", "result": result, "stats": {}}))
    })
    .await
}

/// Bytes by step of each series, the largest series first.
fn volumes(
    telemetry: &Telemetry,
    parameters: &Parameters,
    step_ns: i64,
) -> Result<Vec<Volume>, Refusal> {
    let selector = parameters.get("query").filter(|text| !text.is_empty());
    let selector = selector.ok_or_else(|| "query is missing: give a stream selector".to_owned())?;
    let log = stream_selector(selector)?;
    let limit = parameters.number("limit", SERIES_DEFAULT, SERIES_MAX)?;
    let targets: Vec<String> = parameters
        .get("targetLabels")
        .into_iter()
        .flat_map(|list| list.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    let by = match parameters.get("aggregateBy").unwrap_or("series") {
        "" | "series" if targets.is_empty() => {
            By::Series(log.matchers.iter().map(|m| m.name.clone()).collect())
        }
        "" | "series" => By::Series(targets),
        "labels" if targets.is_empty() => By::Labels(None),
        "labels" => By::Labels(Some(targets.into_iter().collect())),
        other => return Err(format!("aggregateBy={other:?}: give series or labels").into()),
    };
    let (start_ns, _) = window(telemetry, parameters)?;
    let mut volumes: BTreeMap<Labels, BTreeMap<i64, u64>> = BTreeMap::new();
    let step_of = |ts_ns: i64| ts_ns.saturating_sub(start_ns) / step_ns;
    let found = volumes_of(telemetry, parameters, &log, step_of)?;
    for ((service, level, step), Amount { bytes, .. }) in found {
        let labels = [
            ("service", &*service),
            ("service_name", &*service),
            ("level", level.name()),
        ];
        let mut add = |series: Labels| {
            *volumes.entry(series).or_default().entry(step).or_default() += bytes;
        };
        match &by {
            By::Series(names) => {
                let kept = labels
                    .iter()
                    .filter(|(name, _)| names.iter().any(|n| n == name));
                add(kept
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect());
            }
            By::Labels(wanted) => {
                for (name, _) in labels {
                    if wanted.as_ref().is_none_or(|names| names.contains(name)) {
                        add(vec![(name.to_owned(), String::new())]);
                    }
                }
            }
        }
    }
    let mut volumes: Vec<_> = volumes.into_iter().collect();
    volumes.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.values().sum::<u64>()));
    volumes.truncate(limit);
    Ok(volumes)
}
