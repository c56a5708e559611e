//! Counts the elements of a request before it is decoded, so that a few kilobytes cannot become gigabytes: an empty
//! span is two bytes on the wire and some 300 in memory. Knows the nesting of OTLP, nothing of its meaning.

use super::signal::Signal;

/// Repeated elements (records, points, attributes, events, …) of the largest request: a batch of 8,192 records with
/// 50 attributes each is below it, and decoded it takes some 150 MB at worst.
pub const ELEMENTS_MAX: usize = 500_000;

/// Nesting that is followed; protobuf itself is refused by its decoder at 100.
const DEPTH_MAX: usize = 128;

/// The fields of a message that hold further messages, by number: those that repeat, which count, and those that do not.
struct Shape(&'static [Field], &'static [Field]);
type Field = (u64, &'static Shape);

static LEAF: Shape = Shape(&[], &[]);
static ANY: Shape = Shape(&[], &[(5, &LIST), (6, &MAP)]);
static LIST: Shape = Shape(&[(1, &ANY)], &[]);
static MAP: Shape = Shape(&[(1, &PAIR)], &[]);
static PAIR: Shape = Shape(&[], &[(2, &ANY)]);
static ENTITY: Shape = Shape(&[(3, &LEAF), (4, &LEAF)], &[]);
static RESOURCE: Shape = Shape(&[(1, &PAIR), (3, &ENTITY)], &[]);
static SCOPE: Shape = Shape(&[(3, &PAIR)], &[]);
static EXEMPLAR: Shape = Shape(&[(7, &PAIR)], &[]);

static LOGS: Shape = Shape(&[(1, &RESOURCE_LOGS)], &[]);
static RESOURCE_LOGS: Shape = Shape(&[(2, &SCOPE_LOGS)], &[(1, &RESOURCE)]);
static SCOPE_LOGS: Shape = Shape(&[(2, &LOG_RECORD)], &[(1, &SCOPE)]);
static LOG_RECORD: Shape = Shape(&[(6, &PAIR)], &[(5, &ANY)]);

static TRACES: Shape = Shape(&[(1, &RESOURCE_SPANS)], &[]);
static RESOURCE_SPANS: Shape = Shape(&[(2, &SCOPE_SPANS)], &[(1, &RESOURCE)]);
static SCOPE_SPANS: Shape = Shape(&[(2, &SPAN)], &[(1, &SCOPE)]);
static SPAN: Shape = Shape(&[(9, &PAIR), (11, &EVENT), (13, &LINK)], &[]);
static EVENT: Shape = Shape(&[(3, &PAIR)], &[]);
static LINK: Shape = Shape(&[(4, &PAIR)], &[]);

static METRICS: Shape = Shape(&[(1, &RESOURCE_METRICS)], &[]);
static RESOURCE_METRICS: Shape = Shape(&[(2, &SCOPE_METRICS)], &[(1, &RESOURCE)]);
static SCOPE_METRICS: Shape = Shape(&[(2, &METRIC)], &[(1, &SCOPE)]);
static METRIC: Shape = Shape(
    &[(12, &PAIR)],
    &[
        (5, &NUMBERS),
        (7, &NUMBERS),
        (9, &HISTOGRAM),
        (10, &EXPONENTIAL),
        (11, &SUMMARY),
    ],
);
static NUMBERS: Shape = Shape(&[(1, &NUMBER_POINT)], &[]);
static NUMBER_POINT: Shape = Shape(&[(5, &EXEMPLAR), (7, &PAIR)], &[]);
static HISTOGRAM: Shape = Shape(&[(1, &HISTOGRAM_POINT)], &[]);
static HISTOGRAM_POINT: Shape = Shape(&[(8, &EXEMPLAR), (9, &PAIR)], &[]);
static EXPONENTIAL: Shape = Shape(&[(1, &EXPONENTIAL_POINT)], &[]);
static EXPONENTIAL_POINT: Shape = Shape(
    &[(1, &PAIR), (11, &EXEMPLAR)],
    &[(8, &BUCKETS), (9, &BUCKETS)],
);
static BUCKETS: Shape = Shape(&[(2, &VARINTS)], &[]);
/// Numbers of varying length in a row: a byte of them becomes eight. Those of fixed length take as much on the wire.
static VARINTS: Shape = Shape(&[], &[]);
static SUMMARY: Shape = Shape(&[(1, &SUMMARY_POINT)], &[]);
static SUMMARY_POINT: Shape = Shape(&[(6, &LEAF), (7, &PAIR)], &[]);

/// Elements of a protobuf request. Where the body is malformed the count ends: the decoder will refuse it there too.
pub(super) fn protobuf_elements(signal: Signal, body: &[u8]) -> usize {
    let root = match signal {
        Signal::Logs => &LOGS,
        Signal::Traces => &TRACES,
        Signal::Metrics => &METRICS,
    };
    let mut count = 0;
    let mut at = 0;
    let mut open = vec![(body.len(), root)];
    while let Some(&(end, shape)) = open.last() {
        if at >= end {
            open.pop();
            continue;
        }
        let Some(tag) = varint(body, &mut at) else {
            return count;
        };
        if std::ptr::eq(shape, &VARINTS) {
            // no tag, but one of the numbers
            count += 1;
            continue;
        }
        let among =
            |fields: &'static [Field]| fields.iter().find(|(number, _)| *number == tag >> 3);
        let skip = match tag & 7 {
            0 => match varint(body, &mut at) {
                Some(_) => {
                    count += usize::from(among(shape.0).is_some());
                    0
                }
                None => return count,
            },
            1 => 8,
            5 => 4,
            2 => match varint(body, &mut at).and_then(|length| usize::try_from(length).ok()) {
                Some(length) if length <= end.saturating_sub(at) => {
                    let many = among(shape.0);
                    count += usize::from(many.is_some());
                    match many.or_else(|| among(shape.1)) {
                        Some((_, inner)) if open.len() < DEPTH_MAX => {
                            open.push((at + length, inner));
                            0
                        }
                        _ => length,
                    }
                }
                _ => return count,
            },
            // groups are no part of OTLP: what is in an unknown one is read past
            3 | 4 => 0,
            _ => return count,
        };
        at = at.saturating_add(skip);
    }
    count
}

fn varint(body: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *body.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Elements of a JSON request: its objects, arrays and members; what stands in strings does not count.
pub(super) fn json_elements(body: &[u8]) -> usize {
    let (mut count, mut quoted, mut escaped) = (0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' | b',' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::logs::fixture::{batch, int, record};

    #[test]
    fn every_repeated_element_counts() {
        let mut one = record(1, "a");
        one.attributes = vec![int("a", 1), int("b", 2)];
        let body = batch("checkout", vec![one.clone(), one]).encode_to_vec();
        // resource logs, two attributes of the resource, scope logs, two records with two attributes each
        assert_eq!(protobuf_elements(Signal::Logs, &body), 10);
        assert_eq!(protobuf_elements(Signal::Logs, b""), 0);
    }

    #[test]
    fn a_bomb_of_empty_elements_is_counted_in_full() {
        // {"resource_logs": [{}, {}, …]}: two bytes each
        let body = [0x0a, 0x00].repeat(ELEMENTS_MAX + 1);
        assert_eq!(protobuf_elements(Signal::Traces, &body), ELEMENTS_MAX + 1);
        assert_eq!(json_elements(b"{\"a\":[{},{},\"[{,\\\"[\"]}"), 6);
    }

    #[test]
    fn buckets_count_however_they_are_written() {
        use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
        let point = |positive: Vec<u8>| {
            // wraps a message as a field of the next, outwards: point, histogram, metric, scope, resource, request
            [8, 1, 10, 2, 2, 1].iter().fold(positive, |inner, field| {
                let mut outer = vec![field << 3 | 2];
                prost::encoding::encode_varint(inner.len() as u64, &mut outer);
                [outer, inner].concat()
            })
        };
        let packed = Buckets {
            offset: -7,
            bucket_counts: vec![1, 300, 0, 7],
        };
        let others = protobuf_elements(Signal::Metrics, &point(Vec::new()));
        // each number, and the row that they stand in
        let packed = point(packed.encode_to_vec());
        assert_eq!(protobuf_elements(Signal::Metrics, &packed), others + 5);
        let single = point([0x10, 0x01].repeat(9));
        assert_eq!(protobuf_elements(Signal::Metrics, &single), others + 9);
    }

    proptest! {
        #[test]
        fn no_body_makes_the_count_panic_or_run_on(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            for signal in Signal::ALL {
                prop_assert!(protobuf_elements(signal, &body) <= body.len());
            }
            prop_assert!(json_elements(&body) <= body.len());
        }
    }
}
