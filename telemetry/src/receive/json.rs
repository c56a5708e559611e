//! OTLP's JSON encoding, read as the specification wants a receiver to (protocol buffers' JSON mapping, and OTLP's exceptions
//! from it): unknown members and `null` are no members, numbers may stand in strings, `NaN` and the infinities are
//! strings. The message types themselves do most of it; this gives them what they can read.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde::Deserialize;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde_json::{Map, Value};

use super::signal::{Batch, Signal};

/// Members of `AnyValue`, and those of the `KeyValue` that a list of values may hold instead. The type itself cannot read an
/// object with others.
const VALUE_MEMBERS: [&str; 9] = [
    "stringValue",
    "boolValue",
    "intValue",
    "doubleValue",
    "arrayValue",
    "kvlistValue",
    "bytesValue",
    "key",
    "value",
];
/// Members that are floating-point numbers wherever they are no object. The types read some of them without saying what
/// they want.
const FLOATS: [&str; 9] = [
    "asDouble",
    "doubleValue",
    "sum",
    "min",
    "max",
    "value",
    "quantile",
    "zeroThreshold",
    "explicitBounds",
];
/// The same for whole numbers of 32 bits; those of 64 bits the types read from strings themselves.
const INTEGERS: [&str; 8] = [
    "severityNumber",
    "kind",
    "code",
    "flags",
    "aggregationTemporality",
    "scale",
    "offset",
    "droppedAttributesCount",
];

/// Reads a request.
///
/// # Errors
/// What is wrong with it, and where if it is no JSON.
pub(super) fn decode(signal: Signal, body: &[u8]) -> Result<Batch, serde_json::Error> {
    let object: Map<String, Value> = serde_json::from_slice(body)?;
    let node = Node {
        value: Value::Object(object),
        written: Written::Plainly,
    };
    Ok(match signal {
        Signal::Logs => Batch::Logs(Deserialize::deserialize(node)?),
        Signal::Traces => Batch::Traces(ExportTraceServiceRequest::deserialize(node)?),
        Signal::Metrics => Batch::Metrics(Deserialize::deserialize(node)?),
    })
}

/// A JSON value on its way into a message.
struct Node {
    value: Value,
    /// What a string there stands for.
    written: Written,
}

/// What a string stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// Itself.
    Plainly,
    /// A floating-point number.
    Float,
    /// A whole number.
    Integer,
}

impl<'de> IntoDeserializer<'de, serde_json::Error> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// An object's members as a message can read them.
fn members(mut object: Map<String, Value>) -> impl Iterator<Item = (String, Node)> {
    // an empty list may be left out, which the types do not know of these two
    for name in ["arrayValue", "kvlistValue"] {
        if let Some(Value::Object(list)) = object.get_mut(name) {
            list.entry("values")
                .or_insert_with(|| Value::Array(Vec::new()));
        }
    }
    let present = object.into_iter().filter(|(_, value)| !value.is_null());
    present.map(|(name, mut value)| {
        match (name.as_str(), &mut value) {
            ("value" | "body", Value::Object(inner)) => only_known(inner),
            ("values", Value::Array(list)) => {
                list.iter_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(only_known);
            }
            ("attributes" | "filteredAttributes", Value::Array(list)) => {
                list.iter_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(named);
            }
            _ => {}
        }
        let written = match name.as_str() {
            float if FLOATS.contains(&float) => Written::Float,
            integer if INTEGERS.contains(&integer) => Written::Integer,
            _ => Written::Plainly,
        };
        (name, Node { value, written })
    })
}

fn only_known(value: &mut Map<String, Value>) {
    value.retain(|name, _| VALUE_MEMBERS.contains(&name.as_str()));
    if value.contains_key("value") {
        named(value);
    }
}

/// An attribute's name may be left out, and then it is empty.
fn named(attribute: &mut Map<String, Value>) {
    attribute
        .entry("key")
        .or_insert_with(|| Value::String(String::new()));
}

fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust reads words as well, which JSON's mapping has not
        text if text.ends_with(|c: char| c.is_ascii_digit() || c == '.') => text.parse().ok(),
        _ => None,
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let written = self.written;
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(truth),
            Value::Number(number) => number.deserialize_any(visitor),
            Value::String(text) => match (written, float(&text), text.parse()) {
                (Written::Float, Some(number), _) => visitor.visit_f64(number),
                (Written::Integer, _, Ok(number)) => visitor.visit_i64(number),
                _ => visitor.visit_string(text),
            },
            Value::Array(list) => {
                let nodes = list.into_iter().map(|value| Self { value, written });
                visitor.visit_seq(SeqDeserializer::new(nodes))
            }
            Value::Object(object) => visitor.visit_map(MapDeserializer::new(members(object))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
    use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
    use serde_json::json;

    use super::*;

    fn read(signal: Signal, value: &Value) -> Batch {
        decode(signal, value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn unknown_members_and_nulls_are_no_members() {
        let Batch::Logs(request) = read(
            Signal::Logs,
            &json!({ "later": { "x": [1] }, "resourceLogs": [{ "resource": null, "scopeLogs": [{ "scope": null, "logRecords": [{
                "timeUnixNano": "1000", "severityNumber": 17, "observedTimeUnixNano": null, "fresh": true, "flags": 1,
                "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174",
                "body": { "new": 1, "kvlistValue": { "values": [{ "key": "a", "value": { "intValue": "5", "other": [] } }] } },
                "attributes": [
                    { "key": "list", "value": { "arrayValue": {} } },
                    { "key": "odd", "value": { "strange": 1 } },
                    { "key": "none" },
                    { "value": { "boolValue": true } },
                    { "key": "deep", "value": { "arrayValue": { "values": [{ "doubleValue": "-Infinity" }, { "x": 2 }] } } },
                ],
            }] }] }] }),
        ) else {
            panic!("logs were asked for")
        };
        let record = &request.resource_logs[0].scope_logs[0].log_records[0];
        assert_eq!((record.time_unix_nano, record.severity_number), (1000, 17));
        assert_eq!((record.trace_id[0], record.span_id.len()), (0x5b, 8));
        let attributes: Vec<_> = record
            .attributes
            .iter()
            .map(|pair| {
                (
                    pair.key.as_str(),
                    pair.value.as_ref().and_then(|v| v.value.clone()),
                )
            })
            .collect();
        assert!(
            matches!(&attributes[0], ("list", Some(Any::ArrayValue(list))) if list.values.is_empty())
        );
        assert!(matches!(attributes[1], ("odd", None)));
        assert!(matches!(attributes[2], ("none", None)));
        assert!(matches!(attributes[3], ("", Some(Any::BoolValue(true)))));
        assert!(matches!(&attributes[4].1, Some(Any::ArrayValue(list))
            if list.values[0].value == Some(Any::DoubleValue(f64::NEG_INFINITY)) && list.values[1].value.is_none()));
        let body = record.body.as_ref().and_then(|body| body.value.clone());
        assert!(matches!(body, Some(Any::KvlistValue(map)) if map.values[0].key == "a"));
    }

    #[test]
    fn numbers_come_as_numbers_and_as_strings() {
        let Batch::Metrics(request) = read(
            Signal::Metrics,
            &json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [
                { "name": "sum", "sum": { "isMonotonic": true, "aggregationTemporality": "2", "dataPoints": [
                    { "asDouble": "NaN" }, { "asDouble": "1.5" }, { "asInt": "7" }, { "asInt": 8 }, { "asDouble": 2 },
                ] } },
                { "name": "h", "histogram": { "aggregationTemporality": 2, "dataPoints": [
                    { "count": "3", "sum": "Infinity", "min": 1, "bucketCounts": ["1", 2], "explicitBounds": ["0.5"],
                      "exemplars": [{ "asDouble": 0.25, "traceId": "5b8efff798038103d269b633813fc60c" }] },
                ] } },
                { "name": "s", "summary": { "dataPoints": [{ "count": 1, "sum": "2", "quantileValues": [{ "quantile": "0.5", "value": "NaN" }] }] } },
            ] }] }] }),
        ) else {
            panic!("metrics were asked for")
        };
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        let Some(metric::Data::Sum(sum)) = &metrics[0].data else {
            panic!("{:?}", metrics[0])
        };
        let values: Vec<String> = sum
            .data_points
            .iter()
            .map(|point| match point.value {
                Some(number_data_point::Value::AsDouble(value)) => format!("{value:?}"),
                Some(number_data_point::Value::AsInt(value)) => value.to_string(),
                None => "none".to_owned(),
            })
            .collect();
        assert_eq!(values, ["NaN", "1.5", "7", "8", "2.0"]);
        assert_eq!(sum.aggregation_temporality, 2);
        let Some(metric::Data::Histogram(histogram)) = &metrics[1].data else {
            panic!("{:?}", metrics[1])
        };
        let point = &histogram.data_points[0];
        assert_eq!(
            (point.count, point.sum, point.min),
            (3, Some(f64::INFINITY), Some(1.0))
        );
        assert_eq!(
            (&point.bucket_counts[..], &point.explicit_bounds[..]),
            (&[1, 2][..], &[0.5][..])
        );
        assert_eq!(point.exemplars[0].trace_id[0], 0x5b);
        let Some(metric::Data::Summary(summary)) = &metrics[2].data else {
            panic!("{:?}", metrics[2])
        };
        assert!(summary.data_points[0].quantile_values[0].value.is_nan());
    }

    #[test]
    fn what_is_wrong_is_refused() {
        for (signal, body) in [
            (Signal::Traces, "{\"resourceSpans\": 1}"),
            (
                Signal::Traces,
                "{\"resourceSpans\": [{\"scopeSpans\": [{\"spans\": [{\"traceId\": \"xyz\"}]}]}]}",
            ),
            (
                Signal::Traces,
                "{\"resourceSpans\": [{\"scopeSpans\": [{\"spans\": [{\"kind\": \"SPAN_KIND_SERVER\"}]}]}]}",
            ),
            (Signal::Logs, "[]"),
            (Signal::Logs, ""),
            (Signal::Metrics, "{\"resourceMetrics\": [{]}"),
        ] {
            assert!(decode(signal, body.as_bytes()).is_err(), "{body}");
        }
        let deep = format!("{{\"x\": {}", "[".repeat(100_000));
        assert!(decode(Signal::Logs, deep.as_bytes()).is_err());
    }
}
