//! Prometheus' HTTP API, as much as the glass uses: ranges, label values, metric names with help.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{Asker, Client};
use crate::Failure;
use crate::time::Window;

/// One series of a result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// Its labels, `__name__` among them if there is one.
    pub labels: BTreeMap<String, String>,
    /// Drill time in milliseconds, and value; in order of time.
    pub points: Vec<(i64, f64)>,
}

impl Series {
    /// The value at a time: the last one at or before it.
    #[must_use]
    pub fn at(&self, at_ms: i64) -> Option<f64> {
        let after = self.points.partition_point(|(t, _)| *t <= at_ms);
        after.checked_sub(1).map(|i| self.points[i].1)
    }

    /// The newest value.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.points.last().map(|(_, v)| *v)
    }

    /// Name for a legend: the labels without the metric's name, the service first; or the name, or `value`.
    #[must_use]
    pub fn name(&self) -> String {
        let mut labels: Vec<_> = self
            .labels
            .iter()
            .filter(|(k, _)| *k != "__name__")
            .collect();
        labels.sort_by_key(|(k, _)| *k != "service");
        let labels: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        if !labels.is_empty() {
            return labels.join(" ");
        }
        self.labels
            .get("__name__")
            .cloned()
            .unwrap_or_else(|| "value".to_owned())
    }
}

/// What is known of a metric name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MetricInfo {
    /// Name.
    pub name: String,
    /// `counter`, `gauge`, `histogram`, … or empty.
    pub kind: String,
    /// Help text or empty.
    pub help: String,
}

/// A single observation that a histogram kept, with the trace that it was made in.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Labels of the series that it was counted in.
    pub labels: BTreeMap<String, String>,
    /// Drill time, milliseconds.
    pub at_ms: i64,
    /// What was observed.
    pub value: f64,
    /// The trace, as it was written down.
    pub trace_id: String,
}

#[derive(Deserialize)]
struct ExemplarSeries {
    #[serde(rename = "seriesLabels", default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    exemplars: Vec<ExemplarRow>,
}

#[derive(Deserialize)]
struct ExemplarRow {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    value: String,
    timestamp: f64,
}

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Answer {
    Matrix(Vec<Row>),
    Vector(Vec<Instant>),
    Scalar((f64, String)),
    String((f64, String)),
}

#[derive(Deserialize)]
struct Row {
    metric: BTreeMap<String, String>,
    values: Vec<(f64, String)>,
}

#[derive(Deserialize)]
struct Instant {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    help: String,
}

/// Over which stretches of time an expression reads its figures, as in `15 s` or `30 s, 2 min`; empty when it reads the
/// values of the moment.
#[must_use]
pub fn stretches(promql: &str) -> String {
    let mut found: Vec<String> = Vec::new();
    // what stands between quotes is a label's value, whose brackets mean something else
    for (i, part) in promql.split('"').enumerate() {
        let ranges = part.split('[').skip(1).filter_map(|r| r.split_once(']'));
        for (range, _) in ranges.filter(|_| i % 2 == 0) {
            let said = spoken(range.split(':').next().unwrap_or(range));
            if !found.contains(&said) {
                found.push(said);
            }
        }
    }
    found.join(", ")
}

/// A duration of PromQL with spaces and the unit for minutes that is not also that of metres: `1m30s` is `1 min 30 s`.
fn spoken(duration: &str) -> String {
    let mut out = String::new();
    let mut in_number = false;
    for c in duration.trim().chars() {
        if c.is_ascii_digit() != in_number && !out.is_empty() {
            out.push(' ');
        }
        in_number = c.is_ascii_digit();
        out.push(c);
    }
    let words = out.split(' ').map(|w| if w == "m" { "min" } else { w });
    words.collect::<Vec<_>>().join(" ")
}

/// Numbers as Prometheus writes them.
pub(crate) fn value(text: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        other => other.parse().unwrap_or(f64::NAN),
    }
}

/// Seconds on the wire to milliseconds.
pub(crate) fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

fn series(answer: Answer) -> Vec<Series> {
    match answer {
        Answer::Matrix(rows) => rows
            .into_iter()
            .map(|row| Series {
                labels: row.metric,
                points: row
                    .values
                    .iter()
                    .map(|(t, v)| (millis(*t), value(v)))
                    .collect(),
            })
            .collect(),
        Answer::Vector(rows) => rows
            .into_iter()
            .map(|row| Series {
                labels: row.metric,
                points: vec![(millis(row.value.0), value(&row.value.1))],
            })
            .collect(),
        Answer::Scalar((t, v)) | Answer::String((t, v)) => vec![Series {
            labels: BTreeMap::new(),
            points: vec![(millis(t), value(&v))],
        }],
    }
}

fn exemplars(series: Vec<ExemplarSeries>) -> Vec<Exemplar> {
    let mut out: Vec<Exemplar> = series
        .into_iter()
        .flat_map(|of| {
            let labels = of.labels;
            of.exemplars.into_iter().filter_map(move |row| {
                let trace_id = row.labels.get("trace_id")?.clone();
                Some(Exemplar {
                    labels: labels.clone(),
                    at_ms: millis(row.timestamp),
                    value: value(&row.value),
                    trace_id,
                })
            })
        })
        .collect();
    out.sort_by_key(|e| e.at_ms);
    out
}

impl Client {
    /// `query_range` over a window.
    ///
    /// # Errors
    /// As [`Client::drill`]; a query that does not parse carries its position.
    pub async fn prom_range(
        &self,
        query: &str,
        window: Window,
        step_s: i64,
        asker: Asker,
    ) -> Result<Vec<Series>, Failure> {
        // whole multiples of the step, so that a window that moves does not make the lines dance
        let step_ms = step_s.max(1) * 1000;
        let start = window.start_ms.div_euclid(step_ms) * step_ms;
        let parameters = [
            ("query", query.to_owned()),
            ("start", format!("{:.3}", start as f64 / 1000.0)),
            ("end", format!("{:.3}", window.end_ms as f64 / 1000.0)),
            ("step", step_s.max(1).to_string()),
        ];
        let envelope: Envelope<Answer> = self
            .query("prometheus/api/v1/query_range", &parameters, asker)
            .await?;
        Ok(series(envelope.data))
    }

    /// Observations with a trace of the histograms of an expression, in order of time; those without a trace are left out.
    ///
    /// # Errors
    /// As [`Client::prom_range`].
    pub async fn prom_exemplars(
        &self,
        query: &str,
        window: Window,
    ) -> Result<Vec<Exemplar>, Failure> {
        let parameters = [
            ("query", query.to_owned()),
            ("start", format!("{:.3}", window.start_ms as f64 / 1000.0)),
            ("end", format!("{:.3}", window.end_ms as f64 / 1000.0)),
        ];
        let envelope: Envelope<Vec<ExemplarSeries>> = self
            .query(
                "prometheus/api/v1/query_exemplars",
                &parameters,
                Asker::Screen,
            )
            .await?;
        Ok(exemplars(envelope.data))
    }

    /// Names of all metrics with type and help.
    ///
    /// # Errors
    /// As [`Client::drill`].
    pub async fn prom_metrics(&self) -> Result<Vec<MetricInfo>, Failure> {
        let names: Envelope<Vec<String>> = self
            .query(
                "prometheus/api/v1/label/__name__/values",
                &[],
                Asker::Screen,
            )
            .await?;
        let known: BTreeMap<String, Vec<Metadata>> = match self
            .query("prometheus/api/v1/metadata", &[], Asker::Screen)
            .await
        {
            Ok(Envelope { data }) => data,
            Err(failure) if failure.is_lost() => return Err(failure),
            Err(_) => BTreeMap::new(),
        };
        let about = |name: &str| {
            let family = ["_bucket", "_count", "_sum", "_total"]
                .iter()
                .find_map(|end| name.strip_suffix(end))
                .unwrap_or(name);
            known
                .get(name)
                .or_else(|| known.get(family))
                .and_then(|m| m.first())
        };
        Ok(names
            .data
            .into_iter()
            .map(|name| {
                let (kind, help) = about(&name)
                    .map(|m| (m.kind.clone(), m.help.clone()))
                    .unwrap_or_default();
                MetricInfo { name, kind, help }
            })
            .collect())
    }

    /// Labels of a metric, each with the values that it has in a window; its name is left out.
    ///
    /// # Errors
    /// As [`Client::drill`].
    pub async fn prom_labels_of(
        &self,
        metric: &str,
        window: Window,
    ) -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
        /// Series that are looked at: what has more is not chosen from a list.
        const SERIES: usize = 2_000;
        let parameters = [
            ("match[]", metric.to_owned()),
            ("start", format!("{:.3}", window.start_ms as f64 / 1000.0)),
            ("end", format!("{:.3}", window.end_ms as f64 / 1000.0)),
            ("limit", SERIES.to_string()),
        ];
        let found: Envelope<Vec<BTreeMap<String, String>>> = self
            .query("prometheus/api/v1/series", &parameters, Asker::Screen)
            .await?;
        let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let labels = found.data.into_iter().flatten();
        for (label, value) in labels.filter(|(label, _)| label != "__name__") {
            out.entry(label).or_default().insert(value);
        }
        Ok(out)
    }

    /// Names of all labels.
    ///
    /// # Errors
    /// As [`Client::drill`].
    pub async fn prom_labels(&self) -> Result<Vec<String>, Failure> {
        let labels: Envelope<Vec<String>> = self
            .query("prometheus/api/v1/labels", &[], Asker::Screen)
            .await?;
        Ok(labels.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stretch_of_time_of_a_figure_is_read_from_its_expression() {
        assert_eq!(
            stretches("sum(rate(a[15s])) / sum(rate(b[15s])) > 2"),
            "15 s"
        );
        assert_eq!(stretches("rate(a{x=~\"[0-9]m\"}[1m30s])"), "1 min 30 s");
        assert_eq!(
            stretches("max_over_time(a[5m:10s]) and increase(b[2m])"),
            "5 min, 2 min"
        );
        assert_eq!(stretches("queue_depth > 80"), "");
    }

    #[test]
    fn a_matrix_becomes_series() {
        let text = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"service":"checkout"},"values":[[1.5,"2"],[2.5,"+Inf"]]}]}}"#;
        let envelope: Envelope<Answer> = serde_json::from_str(text).unwrap();
        let all = series(envelope.data);
        assert_eq!(all[0].points, vec![(1500, 2.0), (2500, f64::INFINITY)]);
        assert_eq!(all[0].name(), "service=checkout");
        assert_eq!(all[0].at(2000), Some(2.0));
        assert_eq!(all[0].at(1000), None);
    }

    #[test]
    fn observations_without_a_trace_are_left_out() {
        let text = r#"{"status":"success","data":[{"seriesLabels":{"service":"a","le":"+Inf"},"exemplars":[
            {"labels":{"trace_id":"ab"},"value":"2.5","timestamp":2.5},{"labels":{},"value":"1","timestamp":1}]},
            {"seriesLabels":{"service":"b"},"exemplars":[{"labels":{"trace_id":"cd"},"value":"NaN","timestamp":1}]}]}"#;
        let envelope: Envelope<Vec<ExemplarSeries>> = serde_json::from_str(text).unwrap();
        let all = exemplars(envelope.data);
        let told: Vec<_> = all.iter().map(|e| (e.trace_id.as_str(), e.at_ms)).collect();
        assert_eq!(told, [("cd", 1000), ("ab", 2500)]);
    }

    #[test]
    fn a_scalar_is_a_series_of_one_point() {
        let envelope: Envelope<Answer> =
            serde_json::from_str(r#"{"data":{"resultType":"scalar","result":[3,"4"]}}"#).unwrap();
        assert_eq!(series(envelope.data)[0].points, vec![(3000, 4.0)]);
    }
}
