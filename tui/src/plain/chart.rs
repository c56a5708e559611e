//! What stands on a chart beside its lines, in words: bounds, what happened, single requests. Knows no drawing.

use crate::app::App;
use crate::text::{self, escape};
use crate::time::clock;
use crate::views::marks;
use crate::views::metrics::{exemplars, promql};

/// Single requests that are told: the slowest.
const TOLD: usize = 10;

/// One fact a line, the slowest requests first.
pub fn beside(app: &App) -> String {
    let query = &app.views.metrics.query.good;
    let (unit, window) = (promql::unit(query), app.range.window());
    let mut out = String::new();
    for bound in marks::thresholds(app, query) {
        let value = unit.shown(bound.value);
        let (operator, name) = (bound.operator, escape(&bound.name));
        out.push_str(&format!(
            "bound: {operator} {value} is wrong, says {name}\n"
        ));
    }
    let within = |at_ms: i64| at_ms >= window.start_ms && at_ms <= window.end_ms;
    for mark in marks::of(app).iter().filter(|m| within(m.at_ms)) {
        out.push_str(&format!("{}: {}\n", clock(mark.at_ms), escape(&mark.said)));
    }
    let mut kept = exemplars::shown(app);
    kept.sort_by(|a, b| b.value.total_cmp(&a.value));
    for one in kept.into_iter().take(TOLD) {
        let service = one.labels.get("service").map_or("", String::as_str);
        out.push_str(&format!(
            "request at {} took {}, {}, trace {}\n",
            clock(one.at_ms),
            text::seconds(one.value),
            escape(service),
            escape(&one.trace_id)
        ));
    }
    out
}
