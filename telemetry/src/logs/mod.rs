//! Logs: the store and LogQL. Knows nothing of HTTP or of where records come from.

pub mod ast;
mod capture;
pub(crate) mod fields;
#[cfg(test)]
pub(crate) mod fixture;
mod json_fields;
mod label_filter;
mod line_filter;
mod parse;
mod pipeline;
mod range;
pub mod record;
mod samples;
mod scan;
mod segment;
mod selector;
mod store;
mod tally;
mod template;
mod vector;
mod volume;
mod words;

pub(crate) use fields::logfmt_pairs;
pub use parse::{is_logql, parse};
pub use range::{Grid, SERIES_MAX, STEPS_MAX, Series, evaluate};
pub use record::{Level, LogLine};
pub use scan::{Direction, Plan, QUERY_TIME};
pub use segment::Segment;
pub use store::{LOG_BYTES, LogStore, record_ts_ns};
pub use tally::Amount;
pub use volume::{Volumes, volumes};
pub use words::{bare_words, query_or_words};

use crate::error::QueryError;
pub use crate::segments::SignalStats;

/// Compiles a query for lines: LogQL, or bare words.
///
/// # Errors
/// [`QueryError`] when the text is neither, or is a metric query.
pub fn plan_lines(text: &str) -> Result<Plan, QueryError> {
    let query = query_or_words(text).ok_or_else(|| QueryError::Invalid {
        position: 0,
        message: "the query is empty: give LogQL such as {service=\"…\"}, or words".into(),
    })?;
    match parse(&query)? {
        ast::Query::Log(log) => Plan::new(&log),
        ast::Query::Metric(_) => Err(QueryError::Invalid {
            position: 0,
            message: "this query makes numbers, lines are wanted: begin with {service=\"…\"}"
                .into(),
        }),
    }
}
