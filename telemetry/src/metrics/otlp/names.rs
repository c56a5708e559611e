//! What Prometheus calls an OTLP metric: dots to underscores, the unit and `_total` as suffixes. Knows no values.

use opentelemetry_proto::tonic::metrics::v1::{Metric, metric};

/// Units of UCUM as Prometheus spells them.
const UNITS: [(&str, &str); 15] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("kBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("%", "percent"),
    ("Hz", "hertz"),
];

/// The name under which a metric is stored.
pub(super) fn metric_name(metric: &Metric, counter: bool) -> String {
    let mut name: String = metric
        .name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == ':' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    let (unit, per) = metric.unit.split_once('/').unwrap_or((&metric.unit, ""));
    let spelled = |unit: &str| {
        UNITS
            .iter()
            .find(|(ucum, _)| *ucum == unit)
            .map_or_else(|| unit.to_owned(), |(_, word)| (*word).to_owned())
    };
    let annotation = unit.starts_with('{');
    if !unit.is_empty() && unit != "1" && !annotation {
        let word = spelled(unit).replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        if !name.split('_').any(|part| part == word) {
            name = format!("{name}_{word}");
        }
    }
    if !per.is_empty() && !per.starts_with('{') {
        let word = spelled(per);
        name = format!("{name}_per_{}", word.strip_suffix('s').unwrap_or(&word));
    }
    if unit == "1"
        && !counter
        && matches!(metric.data, Some(metric::Data::Gauge(_)))
        && !name.ends_with("_ratio")
    {
        name.push_str("_ratio");
    }
    if counter && !name.ends_with("_total") {
        name.push_str("_total");
    }
    name
}
