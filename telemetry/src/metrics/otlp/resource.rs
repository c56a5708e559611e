//! What of a resource becomes labels of all its series, and what becomes a series of its own. Knows no data points.

use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::{Pending, labels, text};

/// Attributes of a resource that every one of its series has, and as what.
const IDENTITY: [(&str, &str); 2] = [
    ("service.name", "service"),
    ("service.instance.id", "instance"),
];

/// Labels of all series of a resource.
pub(super) fn identity(attributes: &[KeyValue]) -> Vec<(String, String)> {
    let of = |key: &str| {
        let found = attributes.iter().find(|kv| kv.key == key);
        found.map(|kv| text(kv.value.as_ref()))
    };
    let labels = IDENTITY
        .into_iter()
        .filter_map(|(key, label)| Some((label.to_owned(), of(key)?)));
    labels.collect()
}

/// What is known of a resource, as Prometheus has it: a series of value 1 with its attributes as labels.
pub(super) fn target_info(
    attributes: &[KeyValue],
    identity: &[(String, String)],
    t_ms: i64,
) -> Option<Pending> {
    let others: Vec<KeyValue> = attributes
        .iter()
        .filter(|kv| IDENTITY.iter().all(|(key, _)| *key != kv.key))
        .cloned()
        .collect();
    let labels = labels("target_info", &others, identity);
    (!others.is_empty() && labels.check().is_ok()).then_some(Pending {
        id: None,
        labels,
        value: 1.0,
        t_ms: Some(t_ms),
    })
}
