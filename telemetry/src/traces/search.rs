//! TraceQL over a snapshot of the store: newest first, whole traces only where a span may match.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use super::ast::Query;
use super::evaluate::{TraceHit, matches, may_match};
use super::store::{SpanSegment, assemble};
use crate::error::QueryError;
use crate::logs::QUERY_TIME;

/// The newest `limit` traces that match and overlap the window, newest first.
///
/// # Errors
/// [`QueryError::Limit`] when the search takes too long.
pub fn search(
    segments: &[Arc<SpanSegment>],
    query: &Query,
    (start_ns, end_ns): (i64, i64),
    limit: usize,
) -> Result<Vec<TraceHit>, QueryError> {
    let deadline = Instant::now() + QUERY_TIME;
    let mut ordered: Vec<_> = segments
        .iter()
        .filter(|segment| segment.overlaps(start_ns, end_ns))
        .filter_map(|segment| Some((segment.starts_ns()?.1, segment)))
        .collect();
    ordered.sort_by_key(|(latest, _)| std::cmp::Reverse(*latest));
    let mut seen = HashSet::new();
    let mut hits: Vec<TraceHit> = Vec::new();
    for (latest_start_ns, segment) in ordered {
        hits.sort_by_key(|hit| std::cmp::Reverse(hit.trace.start_ns()));
        hits.truncate(limit);
        // a trace of a span begins no later than the span, so all further ones are older
        let oldest_hit = hits.last().map_or(i64::MIN, |hit| hit.trace.start_ns());
        if limit == 0 || (hits.len() >= limit && oldest_hit > latest_start_ns) {
            break;
        }
        for (id, mut spans) in segment.traces() {
            if !spans.any(|span| may_match(&query.spans, span)) || !seen.insert(id) {
                continue;
            }
            if Instant::now() > deadline {
                return Err(QueryError::Limit(format!(
                    "the search took longer than {} s: narrow its time range or its span sets",
                    QUERY_TIME.as_secs()
                )));
            }
            let trace = assemble(segments, &id)
                .filter(|trace| trace.start_ns() <= end_ns && trace.end_ns() >= start_ns);
            hits.extend(trace.and_then(|trace| matches(query, &trace)));
        }
    }
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.trace.start_ns()));
    hits.truncate(limit);
    Ok(hits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::fixture::{Shape, batch};
    use crate::traces::{TRACE_BYTES, TraceStore, parse};

    const ALL_TIME: (i64, i64) = (i64::MIN, i64::MAX);

    /// Traces 1 to 9,000, a second apart, of two spans from two services each.
    fn segments() -> Vec<Arc<SpanSegment>> {
        let store = TraceStore::new(TRACE_BYTES);
        for trace in 1..=9_000 {
            let mut child = Shape::child(trace, 2, 1);
            child.error = trace % 3_000 == 0;
            store.append(&batch("b", &[child]));
            store.append(&batch("a", &[Shape::root(trace, 1)]));
        }
        store.snapshot()
    }

    fn found(query: &str, window: (i64, i64), limit: usize) -> Vec<u8> {
        let hits = search(&segments(), &parse(query).unwrap(), window, limit).unwrap();
        hits.iter()
            .map(|hit| hit.trace.start_ns() / 1_000_000_000)
            .map(|s| (s / 100) as u8)
            .collect()
    }

    #[test]
    fn the_newest_come_first_and_no_more_than_asked_for() {
        let hits = search(&segments(), &parse("{}").unwrap(), ALL_TIME, 3).unwrap();
        let seconds: Vec<_> = hits
            .iter()
            .map(|hit| hit.trace.start_ns() / 1_000_000_000)
            .collect();
        assert_eq!(seconds, [9000, 8999, 8998]);
        assert_eq!(hits[0].trace.spans.len(), 2, "the whole trace is there");
        assert!(found("{}", ALL_TIME, 0).is_empty());
    }

    #[test]
    fn rare_traces_are_found_in_every_segment() {
        assert_eq!(found("{ status = error }", ALL_TIME, 20), [90, 60, 30]);
        assert_eq!(
            found(
                "{ status = error && rootServiceName = \"a\" }",
                ALL_TIME,
                20
            ),
            [90, 60, 30]
        );
        assert_eq!(
            found(
                "{ resource.service.name = \"a\" } > { status = error }",
                ALL_TIME,
                2
            ),
            [90, 60]
        );
    }

    #[test]
    fn only_traces_that_overlap_the_window_are_found() {
        let second = 1_000_000_000;
        assert_eq!(
            found("{ status = error }", (3001 * second, 6001 * second), 20),
            [60]
        );
        assert_eq!(
            found(
                "{ status = error }",
                (6000 * second + 50_000_000, 6000 * second + 60_000_000),
                20
            ),
            [60]
        );
        assert!(found("{ status = error }", (6001 * second, 6002 * second), 20).is_empty());
    }
}
