//! The gate of a rollout's step: the figures of both releases, asked in PromQL, and the judgement. It moves no traffic.

use std::fmt::Write as _;

/// Requests that a release must have answered before it is judged: fewer say nothing.
pub(super) const LEAST_REQUESTS: f64 = 5.0;
/// Failures below this many are a slip.
const LEAST_ERRORS: f64 = 2.0;
/// By so much more of its requests than of the old release's a new one may fail: one slip in twenty.
const MORE_ERRORS: f64 = 0.05;
/// So many times the old release's p95 a new one may take …
const SLOWER: f64 = 1.5;
/// … and in any case so many seconds more: with a handful of requests p95 is that of the slowest.
const SLOWER_S: f64 = 0.25;
/// Share of failures and p95 in seconds that are asked of a new release when the old one answered too little to compare with:
/// the shop's objectives.
const OBJECTIVES: (f64, f64) = (0.05, 2.0);

/// What a release did over a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Figures {
    /// Requests answered.
    pub requests: f64,
    /// Of these, those answered with 5xx, or whose caller had gone.
    pub errors: f64,
    /// 95th percentile of their duration, seconds.
    pub p95_s: Option<f64>,
}

/// What the figures say of a new release.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// Not enough requests to say.
    TooFew,
    /// No worse than the old one.
    Holds,
    /// Worse, and in what.
    Fails(String),
}

impl Figures {
    fn error_share(&self) -> f64 {
        if self.requests > 0.0 {
            self.errors / self.requests
        } else {
            0.0
        }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let requests = self.requests.round();
        let noun = if requests == 1.0 {
            "request"
        } else {
            "requests"
        };
        write!(f, "{requests} {noun}")?;
        if requests > 0.0 {
            write!(f, ", {:.0} % failed", self.error_share() * 100.0)?;
        }
        match self.p95_s {
            Some(p95) if p95 >= 1.0 => write!(f, ", p95 {p95:.2} s"),
            Some(p95) => write!(f, ", p95 {:.0} ms", p95 * 1e3),
            None => Ok(()),
        }
    }
}

/// Both releases' figures in one line.
pub(super) fn said(new: &Figures, old: &Figures) -> String {
    format!("new: {new}; old: {old}")
}

/// Judges a new release by its figures beside the old one's.
pub(super) fn judge(new: &Figures, old: &Figures) -> Verdict {
    // two failures among few say enough
    if new.requests < LEAST_REQUESTS && new.errors < LEAST_ERRORS {
        return Verdict::TooFew;
    }
    let compared = old.requests >= LEAST_REQUESTS;
    let (most_errors, most_s) = if compared {
        let slow = old.p95_s.map(|p95| (p95 * SLOWER).max(p95 + SLOWER_S));
        (
            old.error_share() + MORE_ERRORS,
            slow.unwrap_or(OBJECTIVES.1),
        )
    } else {
        OBJECTIVES
    };
    let mut worse = String::new();
    // one failure alone is no share
    if new.error_share() > most_errors && new.errors >= LEAST_ERRORS {
        let _ = write!(
            worse,
            "{:.0} % of its requests failed, at most {:.0} % may",
            new.error_share() * 100.0,
            most_errors * 100.0
        );
    }
    if let Some(p95) = new.p95_s.filter(|p95| *p95 > most_s) {
        let and = if worse.is_empty() { "" } else { ", and " };
        let _ = write!(
            worse,
            "{and}its p95 is {p95:.2} s, at most {most_s:.2} s may be"
        );
    }
    if worse.is_empty() {
        Verdict::Holds
    } else {
        Verdict::Fails(worse)
    }
}

/// What a rollout asks the instruments for the figures of some instances of a service between two drill times, nanoseconds:
/// requests, failures, p95 in seconds.
///
/// Differences rather than `increase`, which misses what a series begins with: a new release's first failure is where its
/// series begins. The last of some minutes rather than what is there: of a process that does not answer its scrape the series
/// are gone, and what it has counted is not. A process that was restarted keeps its name and counts anew: of it counts what it
/// has answered since.
#[must_use]
pub fn queries(service: &str, instances: &[String], (start_ns, end_ns): (i64, i64)) -> [String; 3] {
    let at = |ns: i64| format!("{}.{:03}", ns / 1_000_000_000, ns / 1_000_000 % 1_000);
    let (start, end) = (at(start_ns), at(end_ns));
    let of = |suffix: &str, more: &str| {
        let names = instances.join("|");
        format!(
            "http_server_request_duration_seconds_{suffix}{{service=\"{service}\",instance=~\"{names}\"{more}}}"
        )
    };
    // as far back as before the start, so that a restart which nobody has asked since is seen
    let whole_ms = (end_ns / 1_000_000 - start_ns / 1_000_000).saturating_add(300_000);
    let grown = |series: &str| {
        let last = |time: &str| format!("last_over_time({series}[5m] @ {time})");
        let (now, before) = (last(&end), last(&start));
        let restarts =
            format!("resets({series}[{whole_ms}ms] @ {end}) - resets({series}[5m] @ {start})");
        format!("(({now} - {before} unless ({restarts} > 0)) or {now})")
    };
    let sum = |series: &str| format!("sum({}) or vector(0)", grown(series));
    [
        sum(&of("count", "")),
        sum(&of("count", ",status=~\"5..|499\"")),
        format!(
            "histogram_quantile(0.95, sum by (le) ({}))",
            grown(&of("bucket", ""))
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(requests: f64, errors: f64, p95_s: f64) -> Figures {
        Figures {
            requests,
            errors,
            p95_s: Some(p95_s),
        }
    }

    #[test]
    fn a_release_is_judged_beside_the_old_one() {
        let old = figures(40.0, 4.0, 0.2);
        for (new, expected) in [
            (figures(4.0, 1.0, 9.0), None),
            (figures(3.0, 2.0, 0.2), Some(false)),
            (figures(20.0, 2.0, 0.2), Some(true)),
            // one of five is a slip, two are not
            (figures(5.0, 1.0, 0.2), Some(true)),
            (figures(5.0, 2.0, 0.2), Some(false)),
            // three times as slow, and still quick
            (figures(20.0, 0.0, 0.44), Some(true)),
            (figures(20.0, 0.0, 0.46), Some(false)),
        ] {
            let holds = match judge(&new, &old) {
                Verdict::TooFew => None,
                Verdict::Holds => Some(true),
                Verdict::Fails(_) => Some(false),
            };
            assert_eq!(holds, expected, "{new}");
        }
        // slow as the old one is slow
        let broken = figures(40.0, 20.0, 4.0);
        assert_eq!(judge(&figures(20.0, 10.0, 5.9), &broken), Verdict::Holds);
        let worse = judge(&figures(10.0, 10.0, 7.0), &broken);
        assert_eq!(
            worse,
            Verdict::Fails(
                "100 % of its requests failed, at most 55 % may, and its p95 is 7.00 s, at most 6.00 s may be"
                    .into()
            )
        );
    }

    #[test]
    fn without_an_old_release_to_compare_with_the_objectives_count() {
        let silent = Figures::default();
        assert_eq!(judge(&figures(5.0, 0.0, 1.9), &silent), Verdict::Holds);
        assert!(matches!(
            judge(&figures(5.0, 0.0, 2.1), &silent),
            Verdict::Fails(_)
        ));
        assert_eq!(
            said(&figures(1.0, 1.0, 1.5), &silent),
            "new: 1 request, 100 % failed, p95 1.50 s; old: 0 requests"
        );
    }

    #[test]
    fn the_queries_name_instances_and_times() {
        let names = ["orders-2".to_owned(), "orders-3".to_owned()];
        let [requests, errors, p95] = queries("orders", &names, (5_250_000_000, 9_000_000_000));
        assert!(requests.contains("instance=~\"orders-2|orders-3\"}[5m] @ 9.000)"));
        assert!(requests.contains("instance=~\"orders-2|orders-3\"}[303750ms] @ 9.000)"));
        assert!(errors.contains("status=~\"5..|499\"}[5m] @ 5.250"));
        assert!(p95.starts_with("histogram_quantile(0.95, sum by (le) ("));
    }
}
