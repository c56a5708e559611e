//! Running a log query over segments: which rows, in which order, until when. Knows no aggregation.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ast::LogExpr;
use super::pipeline::{Entry, Pipeline};
use super::record::LogLine;
use super::segment::{Segment, Stream};
use super::selector::Selector;
use crate::error::QueryError;
use crate::parallel::try_map;
use crate::row_set::RowSet;

/// Wall time that one query may take; a longer one is stopped with an error, so that a hostile
/// expression cannot hold a thread for good.
pub const QUERY_TIME: Duration = Duration::from_secs(10);

/// Rows from which on a scan is shared among cores: fewer are gone over in about the time that it takes
/// to start a thread.
const SHARED_ROWS: usize = 32_768;

/// Segments that are gone over at once for lines with a limit, at most: what they find beyond the limit
/// is found in vain.
const SEGMENTS_AT_ONCE: usize = 16;

/// In which order lines come, and which are kept where there are more than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    #[default]
    Backward,
}

/// When a query has to be done.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// [`QUERY_TIME`] from now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now() + QUERY_TIME)
    }

    /// # Errors
    /// [`QueryError::Limit`] when it has passed.
    pub fn check(self) -> Result<(), QueryError> {
        if Instant::now() <= self.0 {
            return Ok(());
        }
        Err(QueryError::Limit(format!(
            "the query took longer than {} s: narrow its time range or its selector, or widen its step",
            QUERY_TIME.as_secs()
        )))
    }
}

/// Segments that have rows with `start_ns <= ts < end_ns`, or may have.
pub fn overlapping(
    segments: &[Arc<Segment>],
    (start_ns, end_ns): (i64, i64),
) -> impl Iterator<Item = &Arc<Segment>> {
    segments.iter().filter(move |segment| {
        let span = segment.span_ns();
        span.is_some_and(|(first, last)| first < end_ns && last >= start_ns)
    })
}

/// Splits the segments of a window into pieces for [`try_map`], each of several segments in order, and
/// says whether other cores should help.
#[must_use]
pub fn pieces(segments: &[Arc<Segment>], window_ns: (i64, i64)) -> (Vec<Vec<&Segment>>, bool) {
    let within: Vec<&Segment> = overlapping(segments, window_ns)
        .map(|segment| &**segment)
        .collect();
    let rows: usize = within.iter().map(|segment| segment.rows()).sum();
    let cores = crate::parallel::cores();
    // several for each core, as not all take the same time
    let width = within.len().div_ceil(cores * 4).max(1);
    (
        within.chunks(width).map(<[_]>::to_vec).collect(),
        rows >= SHARED_ROWS,
    )
}

/// A compiled log expression.
#[derive(Debug)]
pub struct Plan {
    selector: Selector,
    pipeline: Pipeline,
    /// Drops the lines that `pipeline` drops, with less work for each.
    sieve: Option<Pipeline>,
}

impl Plan {
    /// Compiles a log expression.
    ///
    /// # Errors
    /// [`QueryError`] for regular expressions and templates that do not compile.
    pub fn new(log: &LogExpr) -> Result<Self, QueryError> {
        let pipeline = Pipeline::new(log)?;
        let sieve = if pipeline.filters_late() {
            let mut sieve = Pipeline::new(log)?;
            sieve.read_only(&[]).then_some(sieve)
        } else {
            None
        };
        Ok(Self {
            selector: Selector::new(log)?,
            pipeline,
            sieve,
        })
    }

    /// The same for one who asks lines for no other labels than these (and the error label).
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn for_labels(log: &LogExpr, labels: &[&str]) -> Result<Self, QueryError> {
        let mut pipeline = Pipeline::new(log)?;
        pipeline.read_only(labels);
        Ok(Self {
            selector: Selector::new(log)?,
            pipeline,
            sieve: None,
        })
    }

    /// The lines with `start_ns <= ts < end_ns`, at most `limit`, in `direction`.
    ///
    /// # Errors
    /// [`QueryError::Limit`] when the query takes longer than [`QUERY_TIME`].
    pub fn lines(
        &self,
        segments: &[Arc<Segment>],
        (start_ns, end_ns): (i64, i64),
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<LogLine>, QueryError> {
        let mut ordered: Vec<_> = overlapping(segments, (start_ns, end_ns))
            .filter_map(|segment| Some((segment.span_ns()?, segment)))
            .collect();
        match direction {
            Direction::Forward => ordered.sort_by_key(|(span, _)| span.0),
            Direction::Backward => ordered.sort_by_key(|(span, _)| -span.1),
        }
        let deadline = Deadline::start();
        let mut lines: Vec<LogLine> = Vec::new();
        // the next few segments at once, twice as many each time: soon full is soon done
        let (mut begin, mut width) = (0, 1);
        while begin < ordered.len() && limit > 0 {
            let batch = &ordered[begin..ordered.len().min(begin + width)];
            let rows: usize = batch.iter().map(|(_, segment)| segment.rows()).sum();
            let found = try_map(batch, rows >= SHARED_ROWS, |(_, segment)| {
                deadline.check()?;
                Ok::<_, QueryError>(self.first_lines(segment, (start_ns, end_ns), limit, direction))
            })?;
            for (((first, last), _), mut found) in batch.iter().zip(found) {
                // every line kept is nearer than anything in this and later segments: done
                let beyond = lines.get(limit - 1).is_some_and(|edge| match direction {
                    Direction::Forward => edge.ts_ns < *first,
                    Direction::Backward => edge.ts_ns > *last,
                });
                if beyond {
                    return Ok(lines);
                }
                lines.append(&mut found);
                match direction {
                    Direction::Forward => lines.sort_by_key(|line| line.ts_ns),
                    Direction::Backward => lines.sort_by_key(|line| std::cmp::Reverse(line.ts_ns)),
                }
                lines.truncate(limit);
            }
            begin += width;
            width = (width * 2).min(SEGMENTS_AT_ONCE);
        }
        Ok(lines)
    }

    /// At most `limit` lines of one segment, in `direction`.
    fn first_lines(
        &self,
        segment: &Segment,
        window_ns: (i64, i64),
        limit: usize,
        direction: Direction,
    ) -> Vec<LogLine> {
        let mut lines = Vec::new();
        self.visit(segment, window_ns, direction, |entry| {
            lines.push(LogLine {
                ts_ns: entry.row.ts_ns(),
                labels: entry.labels(),
                line: entry.line.into_owned(),
            });
            lines.len() < limit
        });
        lines
    }

    /// Calls `visit` for every line of every segment in the window, in no order across segments.
    ///
    /// # Errors
    /// [`QueryError::Limit`] when the query takes longer than [`QUERY_TIME`].
    pub fn each(
        &self,
        segments: &[Arc<Segment>],
        window_ns: (i64, i64),
        mut visit: impl FnMut(Entry<'_>),
    ) -> Result<(), QueryError> {
        let deadline = Deadline::start();
        for segment in overlapping(segments, window_ns) {
            deadline.check()?;
            self.visit(segment, window_ns, Direction::Forward, |entry| {
                visit(entry);
                true
            });
        }
        Ok(())
    }

    /// The rows of a segment in the window that the selector and the line filters before all other
    /// stages let pass; `None` when there can be none.
    #[must_use]
    pub fn candidates(&self, segment: &Segment, (start_ns, end_ns): (i64, i64)) -> Option<RowSet> {
        let selected: Vec<bool> = segment
            .streams()
            .iter()
            .map(|stream| self.selects(stream))
            .collect();
        if !selected.contains(&true) {
            return None;
        }
        let mut rows = match self.pipeline.trace() {
            None => segment.set_between(start_ns, end_ns),
            Some(trace_id) => {
                let mut rows = RowSet::none(segment.rows());
                for &row in segment.rows_of_trace(&trace_id) {
                    if (start_ns..end_ns).contains(&segment.row(row).ts_ns()) {
                        rows.insert(row as usize);
                    }
                }
                rows
            }
        };
        if selected.contains(&false) {
            let streams = segment.stream_indexes();
            rows.retain(|row| selected[usize::from(streams[row])]);
        }
        for filter in self.pipeline.filters() {
            filter.narrow(segment.bodies(), &mut rows);
        }
        Some(rows)
    }

    /// Whether the selector selects a stream.
    #[must_use]
    pub fn selects(&self, stream: &Stream) -> bool {
        self.selector.selects_service(&stream.origin.service)
            && self.selector.selects_level(stream.level.name())
    }

    /// What happens to the lines that the selector selects.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Calls `visit` for the lines of one segment, by time, until it says stop.
    pub fn visit<'a>(
        &self,
        segment: &'a Segment,
        window_ns: (i64, i64),
        direction: Direction,
        mut visit: impl FnMut(Entry<'a>) -> bool,
    ) {
        let Some(rows) = self.candidates(segment, window_ns) else {
            return;
        };
        let rows = segment.by_time(&rows);
        let mut one = |row: &u32| {
            let row = segment.row(*row);
            if let Some(sieve) = &self.sieve
                && sieve.run(row).is_none()
            {
                return true;
            }
            self.pipeline.run(row).is_none_or(&mut visit)
        };
        match direction {
            Direction::Forward => rows.iter().all(&mut one),
            Direction::Backward => rows.iter().rev().all(&mut one),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::logs::fixture::{batch, int, record, text};
    use crate::logs::{LOG_BYTES, LogStore, plan_lines};

    const ALL_TIME: (i64, i64) = (i64::MIN, i64::MAX);

    /// Six lines of three services, seconds 1 to 6.
    fn store() -> LogStore {
        let store = LogStore::new(LOG_BYTES);
        let mut json = record(
            2,
            r#"{"status":503,"took":"1.5s","db":{"table":"orders"},"level":"x"}"#,
        );
        json.attributes = vec![
            text("http.route", "/cart"),
            int("http.status", 503),
            text("level", "odd"),
        ];
        let mut warn = record(3, "retry took=250ms size=10KB msg=\"pool empty\"");
        warn.severity_number = 13;
        warn.attributes = vec![
            int("attempt", 3),
            text("took", "250ms"),
            text("size", "10KB"),
        ];
        let mut error = record(5, "Lock wait timeout exceeded");
        error.severity_number = 17;
        error.trace_id = vec![0xab; 16];
        error.span_id = vec![0xcd; 8];
        store.append(&batch(
            "checkout",
            vec![record(1, "order placed"), json, warn],
        ));
        store.append(&batch("pricing", vec![error, record(4, "price computed")]));
        store.append(&batch("pay-ments", vec![record(6, "charged")]));
        store
    }

    /// The seconds of the lines that a query finds, oldest first.
    fn seconds(query: &str) -> Vec<i64> {
        let plan = plan_lines(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let lines = plan
            .lines(&store().snapshot(), ALL_TIME, 100, Direction::Forward)
            .unwrap();
        lines
            .iter()
            .map(|line| line.ts_ns / 1_000_000_000)
            .collect()
    }

    fn only_line(query: &str) -> LogLine {
        let plan = plan_lines(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        let mut lines = plan
            .lines(&store().snapshot(), ALL_TIME, 100, Direction::Forward)
            .unwrap();
        assert_eq!(lines.len(), 1, "{query}");
        lines.remove(0)
    }

    #[test]
    fn every_matcher_selects_streams() {
        assert_eq!(seconds(r#"{service="checkout"}"#), [1, 2, 3]);
        assert_eq!(seconds(r#"{service!="checkout", level=~".+"}"#), [4, 5, 6]);
        assert_eq!(seconds(r#"{service_name=~"p.*"}"#), [4, 5, 6]);
        assert_eq!(seconds(r#"{level=~"warn|error"}"#), [3, 5]);
        assert_eq!(seconds(r#"{level="info", service!~"p.*"}"#), [1, 2]);
        assert_eq!(seconds(r#"{level="info", nonesuch=""}"#), [1, 2, 4, 6]);
        assert_eq!(seconds(r#"{nonesuch="x"}"#), [0; 0]);
    }

    #[test]
    fn every_line_filter_filters() {
        assert_eq!(seconds(r#"{service=~".+"} |= "order""#), [1, 2]);
        assert_eq!(seconds(r#"{service="checkout"} != "order""#), [3]);
        assert_eq!(seconds(r#"{service=~".+"} |~ "took.?=|timeout$""#), [3]);
        assert_eq!(seconds(r#"{service="pricing"} !~ "^Lock""#), [4]);
        assert_eq!(
            seconds(r#"{service=~".+"} |= "charged" or "placed""#),
            [1, 6]
        );
        assert_eq!(
            seconds(r#"{service=~".+"} != "charged" or "placed""#),
            [2, 3, 4, 5]
        );
        assert_eq!(seconds("{service=~\".+\"} |= `p` |= `e` != `c`"), [3]);
    }

    #[test]
    fn every_label_filter_filters() {
        let all = |filter: &str| seconds(&format!("{{service=~\".+\"}} | {filter}"));
        assert_eq!(all(r#"http_route="/cart""#), [2]);
        assert_eq!(all(r#"http_route!="""#), [2]);
        assert_eq!(all(r#"http_route=~"/c.*""#), [2]);
        assert_eq!(all(r#"http_route!~"/c.*""#), [1, 3, 4, 5, 6]);
        assert_eq!(all("http_status > 500"), [2]);
        assert_eq!(all("http_status >= 503"), [2]);
        assert_eq!(all("http_status < 503"), [0; 0]);
        assert_eq!(all("http_status <= 503"), [2]);
        assert_eq!(all("http_status == 503"), [2]);
        assert_eq!(all("http_status != 503"), [0; 0]);
        assert_eq!(all("took > 0.2s"), [3]);
        assert_eq!(all("size < 1MiB"), [3]);
        assert_eq!(
            all(r#"level="warn" or attempt > 9 or service="pay-ments""#),
            [3, 6]
        );
        assert_eq!(all(r#"level="warn" and (attempt > 9 or took < 1s)"#), [3]);
        assert_eq!(
            all(r#"scope="shop", service_version="1.2", span_id="cdcdcdcdcdcdcdcd""#),
            [5]
        );
    }

    #[test]
    fn a_label_that_is_no_number_marks_the_line_instead_of_hiding_it() {
        let line = only_line(r#"{service="checkout"} | http_route > 5"#);
        assert_eq!(line.label("__error__"), Some("LabelFilterErr"));
        assert_eq!(
            seconds(r#"{service="checkout"} | http_route > 5 | __error__="""#),
            [0; 0]
        );
    }

    #[test]
    fn the_trace_index_finds_what_the_filter_finds() {
        let id = "ab".repeat(16);
        assert_eq!(
            seconds(&format!("{{service=~\".+\"}} | trace_id=\"{id}\"")),
            [5]
        );
        assert_eq!(
            seconds(&format!(
                "{{service=~\".+\"}} |= \"Lock\" | level=\"error\" | trace_id=\"{id}\""
            )),
            [5]
        );
        assert_eq!(
            seconds(&format!("{{service=\"checkout\"}} | trace_id=\"{id}\"")),
            [0; 0]
        );
        assert_eq!(
            seconds(&format!(
                "{{service=~\".+\"}} | trace_id=\"{id}\" or level=\"warn\""
            )),
            [3, 5]
        );
        assert_eq!(seconds("{service=~\".+\"} | trace_id=\"xyz\""), [0; 0]);
        assert_eq!(seconds("{service=\"pricing\"} | trace_id=\"\""), [4]);
    }

    #[test]
    fn parsers_extract_labels_without_hiding_those_of_the_record() {
        let line = only_line(r#"{service="checkout"} | json | status = 503"#);
        assert_eq!(line.label("db_table"), Some("orders"));
        assert_eq!(line.label("level"), Some("info"));
        assert_eq!(line.label("level_extracted"), Some("x"));
        let line = only_line(r#"{service="checkout"} | json table="db.table" | table="orders""#);
        assert_eq!(line.label("status"), None);
        let line = only_line(r#"{service="checkout"} | logfmt | msg="pool empty""#);
        assert_eq!(line.label("took_extracted"), Some("250ms"));
        let line =
            only_line(r#"{service="checkout"} | regexp "order (?P<what>\\w+)" | what="placed""#);
        assert_eq!(line.label("what"), Some("placed"));
        assert_eq!(
            seconds(r#"{service="checkout"} | json | __error__="JSONParserErr""#),
            [1, 3]
        );
    }

    #[test]
    fn lines_and_labels_can_be_rewritten() {
        let line = only_line(
            r#"{service="checkout"} | json | status=503 | line_format "{{.service}}: {{.db_table}}" |= "checkout: or""#,
        );
        assert_eq!(line.line, "checkout: orders");
        let line =
            only_line(r#"{service="pay-ments"} | label_format who=service, said="{{__line__}}!""#);
        assert_eq!(
            (line.label("who"), line.label("service")),
            (Some("pay-ments"), None)
        );
        assert_eq!(line.label("said"), Some("charged!"));
        let line = only_line(r#"{service="pay-ments"} | drop scope, service_version"#);
        assert_eq!(
            line.labels,
            [
                ("level".into(), "info".into()),
                ("service".into(), "pay-ments".into())
            ]
        );
        let line = only_line(r#"{service="pay-ments"} | keep service"#);
        assert_eq!(line.labels, [("service".into(), "pay-ments".into())]);
    }

    #[test]
    fn bare_words_search_all_streams_in_any_case() {
        assert_eq!(seconds("LOCK timeout"), [5]);
        assert_eq!(seconds("\"wait timeout\""), [5]);
        assert_eq!(seconds("\"timeout wait\""), [0; 0]);
    }

    #[test]
    fn words_are_found_in_the_message_and_in_named_fields_by_plain_logql() {
        let ask = |word: &str| {
            let searched =
                "{{__line__}} {{.service}} {{.level}} {{.trace_id}} {{.http_route}} {{.nonesuch}}";
            seconds(&format!(
                "{{service=~\".+\"}} | label_format words_=`{searched}` | words_=~\"(?is).*{word}.*\" | drop words_"
            ))
        };
        assert_eq!(ask("/CART"), [2]);
        assert_eq!(ask("lock"), [5]);
        assert_eq!(ask(&"ab".repeat(16)), [5]);
        assert_eq!(ask("pay-ments"), [6]);
        assert_eq!(ask("nonesuch"), [0; 0]);
        let line = only_line(
            "{service=~\".+\"} | label_format words_=`{{__line__}} {{.service}}` | words_=~\".*pay-ments.*\" | drop words_",
        );
        assert_eq!(
            (line.label("words_"), line.line.as_str()),
            (None, "charged")
        );
    }

    #[test]
    fn limits_keep_the_nearest_lines_over_many_segments() {
        let store = LogStore::new(LOG_BYTES);
        let count = 10_000;
        for chunk in 0..100 {
            // out of order within and between batches
            let record = |at: u64| record((at * 7919) % count, "x");
            store.append(&batch(
                "a",
                (chunk * 100..chunk * 100 + 100).map(record).collect(),
            ));
        }
        let segments = store.snapshot();
        assert!(segments.len() > 2);
        let plan = plan_lines("{service=\"a\"}").unwrap();
        let ask = |direction| {
            let lines = plan.lines(&segments, ALL_TIME, 5, direction).unwrap();
            lines
                .iter()
                .map(|line| line.ts_ns / 1_000_000_000)
                .collect::<Vec<_>>()
        };
        assert_eq!(ask(Direction::Backward), [9999, 9998, 9997, 9996, 9995]);
        assert_eq!(ask(Direction::Forward), [0, 1, 2, 3, 4]);
        let window = (5_000_000_000, 8_000_000_000);
        let lines = plan
            .lines(&segments, window, 100, Direction::Forward)
            .unwrap();
        assert_eq!(lines.len(), 3, "the end is exclusive");
        assert!(
            plan.lines(&segments, ALL_TIME, 0, Direction::Forward)
                .unwrap()
                .is_empty()
        );
    }

    proptest! {
        #[test]
        fn line_filters_agree_with_a_naive_filter(
            bodies in prop::collection::vec("[ab \"\\\\é]{0,6}", 1..30),
            needles in prop::collection::vec(("[ab \"\\\\é]{0,2}", any::<bool>()), 1..4),
            level in 1..25,
        ) {
            let store = LogStore::new(LOG_BYTES);
            let mut records = Vec::new();
            for (second, body) in bodies.iter().enumerate() {
                let mut record = record(second as u64, body);
                record.severity_number = if second % 2 == 0 { level } else { 9 };
                records.push(record);
            }
            store.append(&batch("a", records));
            let mut query = String::from("{service=\"a\", level!=\"info\"}");
            for (needle, wanted) in &needles {
                let literal = serde_json::Value::from(needle.as_str()).to_string();
                query.push_str(&format!(" {} {literal}", if *wanted { "|=" } else { "!=" }));
            }
            let naive: Vec<&String> = bodies
                .iter()
                .enumerate()
                .filter(|(second, _)| second % 2 == 0 && !(9..=12).contains(&level))
                .filter(|(_, body)| needles.iter().all(|(needle, wanted)| body.contains(needle.as_str()) == *wanted))
                .map(|(_, body)| body)
                .collect();
            let plan = plan_lines(&query).unwrap();
            let lines = plan.lines(&store.snapshot(), ALL_TIME, 100, Direction::Forward).unwrap();
            let found: Vec<&String> = lines.iter().map(|line| &line.line).collect();
            prop_assert_eq!(found, naive);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[{}()|=~!<>a-c0-9.\"`, \\[\\]\\\\sum]{0,40}") {
            let _ = plan_lines(&text);
            let _ = crate::logs::parse(&text);
        }
    }
}
