//! The charts of the debrief, measured once when the drill ends and journalled, so that a report needs nothing else: what the
//! page watched, and rate, errors and p95 of the component in which the true cause worked.

use simulator::journal::{Entry, Event};

use super::Desk;
use crate::sight::Sight;

/// Points of a chart at most: more than a terminal has columns for.
const POINTS: i64 = 120;
/// So much of the time before the fault, or the page, is on the charts: what was normal, milliseconds.
const BEFORE_MS: i64 = 60_000;
/// Shortest time between two points: the scrape interval, milliseconds.
const LEAST_STEP_MS: i64 = 1_000;

/// A chart before it is measured.
#[derive(Debug, Clone, PartialEq)]
struct Wanted {
    title: String,
    unit: &'static str,
    query: String,
    bound: Option<f64>,
}

/// The charts of a drill before they are measured.
#[derive(Debug)]
pub(super) struct Charts {
    wanted: Vec<Wanted>,
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
}

impl Charts {
    /// Measures them; one that cannot be measured is left out.
    pub(super) fn measure(self, sight: &dyn Sight) -> Vec<Event> {
        let (start_ms, end_ms, step_ms) = (self.start_ms, self.end_ms, self.step_ms);
        let measure = |wanted: Wanted| {
            let found = sight
                .range(&wanted.query, start_ms, end_ms, step_ms)
                .inspect_err(|error| {
                    tracing::warn!(chart = wanted.title, error, "a chart cannot be measured");
                })
                .ok()?;
            Some(Event::Chart {
                title: wanted.title,
                unit: wanted.unit.to_owned(),
                query: wanted.query,
                bound: wanted.bound,
                points: spread(&found, start_ms, end_ms, step_ms),
            })
        };
        self.wanted.into_iter().filter_map(measure).collect()
    }
}

impl Desk {
    /// The charts over the drill until now; none without a page, as there is nothing to look back on.
    pub(super) fn charts_until(&self, end_ms: i64) -> Option<Charts> {
        let start_ms = begin(&self.journal.entries())?.max(self.clock.begin_ns() / 1_000_000);
        Some(Charts {
            wanted: self.wanted(),
            start_ms,
            end_ms,
            step_ms: ((end_ms - start_ms) / (POINTS - 1)).max(LEAST_STEP_MS),
        })
    }

    fn wanted(&self) -> Vec<Wanted> {
        let page = self.page.lock();
        let mut all: Vec<Wanted> = page
            .iter()
            .map(|page| {
                let (query, bound) = api::split_bound(&page.query);
                Wanted {
                    title: format!("what the page watched: {}", page.alert),
                    unit: "",
                    query,
                    bound: bound.map(|(_, bound)| bound),
                }
            })
            .collect();
        let component = &self.plan.scenario.truth.component;
        // a link is known by whom it leads to
        let service = component.rsplit("->").next().unwrap_or(component).trim();
        let mut services = self.plan.scenario.services.iter();
        if services.any(|spec| spec.service.name() == service) {
            all.extend(signals(service));
        }
        all
    }
}

/// Rate, errors and p95 of a service.
fn signals(service: &str) -> [Wanted; 3] {
    let requests = |more: &str| {
        format!(
            "sum(rate(http_server_request_duration_seconds_count{{service=\"{service}\"{more}}}[30s]))"
        )
    };
    let (all, failed) = (requests(""), requests(",status=~\"5..|499\""));
    let chart = |title: &str, unit, query| Wanted {
        title: format!("{service}: {title}"),
        unit,
        query,
        bound: None,
    };
    [
        chart("requests answered", "/s", all.clone()),
        chart(
            "share of requests that failed",
            "share",
            format!("({failed} or {all} * 0) / {all}"),
        ),
        chart(
            "p95 of requests",
            "s",
            format!(
                "histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket{{service=\"{service}\"}}[30s])))"
            ),
        ),
    ]
}

/// When the charts begin: a little before the fault, or before the page where nothing was broken.
fn begin(entries: &[Entry]) -> Option<i64> {
    let page = entries
        .iter()
        .find(|entry| matches!(entry.event, Event::PageFired { .. }))?;
    let fault = entries
        .iter()
        .find(|entry| matches!(&entry.event, Event::Timeline { role, .. } if role == "fault"));
    let first = fault.map_or(page.at_ms, |fault| fault.at_ms.min(page.at_ms));
    Some(first.saturating_sub(BEFORE_MS))
}

/// Points evenly spaced, with none where nothing was measured.
fn spread(
    found: &[(i64, f64)],
    start_ms: i64,
    end_ms: i64,
    step_ms: i64,
) -> Vec<(i64, Option<f64>)> {
    let mut found = found.iter().peekable();
    let times = (0..POINTS).map(|index| start_ms + index * step_ms);
    times
        .take_while(|at| *at <= end_ms)
        .map(|at| {
            while found.next_if(|(ts, _)| *ts < at).is_some() {}
            let value = found.next_if(|(ts, _)| *ts == at).map(|(_, value)| *value);
            (at, value.filter(|value| value.is_finite()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::{PAGE_MS, Pen};

    #[test]
    fn the_charts_begin_before_the_fault_and_not_without_a_page() {
        assert_eq!(
            begin(&Pen::paged().entries),
            Some(PAGE_MS - 7_000 - BEFORE_MS)
        );
        assert_eq!(begin(&[]), None);
    }

    #[test]
    fn what_was_not_measured_is_a_gap_and_points_are_bounded() {
        let points = spread(
            &[(0, 1.0), (2_000, f64::NAN), (3_000, 4.0)],
            0,
            3_500,
            1_000,
        );
        assert_eq!(
            points,
            [
                (0, Some(1.0)),
                (1_000, None),
                (2_000, None),
                (3_000, Some(4.0))
            ]
        );
        assert_eq!(spread(&[], 0, i64::MAX / 2, 1).len() as i64, POINTS);
    }
}
