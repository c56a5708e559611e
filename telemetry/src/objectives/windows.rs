//! Windows of an objective: the period of its budget, and the pairs of windows over which a burn rate is looked at.

use std::fmt;
use std::time::Duration;

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 86_400;

/// Whom a burning pair concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Somebody at once.
    Page,
    /// Somebody within days.
    Ticket,
}

impl Severity {
    /// `page` or `ticket`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// Which of a severity's two pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// The one of shorter windows and the higher factor.
    Quick,
    /// The other one.
    Slow,
}

impl Speed {
    /// `quick` or `slow`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Slow => "slow",
        }
    }
}

/// Two windows, and how fast the budget must burn over both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Whom it concerns.
    pub severity: Severity,
    /// Which of the severity's.
    pub speed: Speed,
    /// Shows that it still goes on.
    pub short: Duration,
    /// Shows that it matters.
    pub long: Duration,
    /// The burn rate that both must be over.
    pub factor: f64,
}

/// The period of a budget and its pairs of windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Windows {
    /// What the budget is of.
    pub period: Duration,
    /// Quick and slow of the page, then of the ticket.
    pub pairs: [Pair; 4],
}

impl Default for Windows {
    /// Thirty days with the windows of the SRE workbook, factors 14.4, 6, 3 and 1.
    fn default() -> Self {
        let pair = |severity, speed, (short_s, long_s), factor| Pair {
            severity,
            speed,
            short: Duration::from_secs(short_s),
            long: Duration::from_secs(long_s),
            factor,
        };
        Self {
            period: Duration::from_secs(30 * DAY_S),
            pairs: [
                pair(Severity::Page, Speed::Quick, (5 * MINUTE_S, HOUR_S), 14.4),
                pair(
                    Severity::Page,
                    Speed::Slow,
                    (30 * MINUTE_S, 6 * HOUR_S),
                    6.0,
                ),
                pair(Severity::Ticket, Speed::Quick, (2 * HOUR_S, DAY_S), 3.0),
                pair(Severity::Ticket, Speed::Slow, (6 * HOUR_S, 3 * DAY_S), 1.0),
            ],
        }
    }
}

impl Windows {
    /// The windows of the pairs, each once, the shortest first; the period is none of them.
    #[must_use]
    pub fn all(&self) -> Vec<Duration> {
        let both = self.pairs.iter().flat_map(|pair| [pair.short, pair.long]);
        let mut all: Vec<Duration> = both.filter(|window| *window != self.period).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The window of the present: the short one of the quick page.
    #[must_use]
    pub fn current(&self) -> Duration {
        self.pairs[0].short
    }
}

/// A duration as Prometheus writes it: `5m`, `2m30s`, `30d`.
pub(super) struct Written(pub Duration);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, ms, whole) in [
            ("y", 365 * 86_400_000, true),
            ("w", 7 * 86_400_000, true),
            ("d", 86_400_000, false),
            ("h", 3_600_000, false),
            ("m", 60_000, false),
            ("s", 1_000, false),
            ("ms", 1, false),
        ] {
            // years and weeks only where nothing else would be left
            if rest >= ms && (!whole || rest.is_multiple_of(ms)) {
                write!(f, "{}{unit}", rest / ms)?;
                rest %= ms;
            }
        }
        Ok(())
    }
}
