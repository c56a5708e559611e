//! Deltas into running totals, by series. Bounded: series that went quiet make room. Knows no store.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::millis;
use crate::metrics::chunk::is_stale;
use crate::metrics::labels::Labels;

/// Series whose totals are kept: as many as the store holds.
const SERIES_MAX: usize = 50_000;
/// A series without a point for so long makes room when room is needed: twice the longest usual export interval and more.
const QUIET_MS: i64 = 5 * 60 * 1000;

/// The totals.
#[derive(Debug, Default)]
pub struct Deltas {
    totals: Mutex<HashMap<Labels, Total>>,
}

#[derive(Debug, Clone, Copy)]
struct Total {
    value: f64,
    /// When the newest delta was taken.
    ns: u64,
    /// When the newest total was stored.
    t_ms: i64,
}

impl Deltas {
    /// Adds what came since the last point; returns the time, in milliseconds, and the total to store.
    pub fn add(&self, series: &Labels, ns: u64, added: f64) -> Result<(i64, f64), &'static str> {
        let mut totals = self.totals.lock();
        let t_ms = millis(ns);
        if is_stale(added) {
            // it ended; whatever comes after begins anew
            totals.remove(series);
            return Ok((t_ms, added));
        }
        if let Some(total) = totals.get_mut(series) {
            if ns <= total.ns {
                return Err("a delta that is not newer than the last of its series");
            }
            total.ns = ns;
            // a second one within a millisecond is stored in the next, or it would be missing until a third comes
            total.t_ms = t_ms.max(total.t_ms + 1);
            total.value += added;
            return Ok((total.t_ms, total.value));
        }
        if totals.len() >= SERIES_MAX {
            totals.retain(|_, total| t_ms.saturating_sub(total.t_ms) < QUIET_MS);
        }
        if totals.len() >= SERIES_MAX {
            return Err("too many series of deltas: send cumulative sums, or fewer attributes");
        }
        let value = added;
        totals.insert(series.clone(), Total { value, ns, t_ms });
        Ok((t_ms, added))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::chunk::stale_marker;

    const MS: u64 = 1_000_000;

    #[test]
    fn deltas_add_up_and_a_repeated_one_counts_once() {
        let deltas = Deltas::default();
        let series = Labels::from_pairs([("__name__", "sold_total")]);
        assert_eq!(deltas.add(&series, 1000 * MS, 2.0), Ok((1000, 2.0)));
        assert_eq!(deltas.add(&series, 2000 * MS, 3.0), Ok((2000, 5.0)));
        assert!(deltas.add(&series, 2000 * MS, 3.0).is_err());
        assert!(deltas.add(&series, 1500 * MS, 3.0).is_err());
        assert_eq!(deltas.add(&series, 2000 * MS + 1, 3.0), Ok((2001, 8.0)));
        assert_eq!(deltas.add(&series, 3000 * MS, 1.0), Ok((3000, 9.0)));
        let ended = deltas.add(&series, 4000 * MS, stale_marker());
        assert!(ended.is_ok_and(|(_, value)| is_stale(value)));
        assert_eq!(deltas.add(&series, 5000 * MS, 1.0), Ok((5000, 1.0)));
    }

    #[test]
    fn quiet_series_make_room_and_others_do_not() {
        let deltas = Deltas::default();
        let series = |n: usize| Labels::from_pairs([("n", n.to_string())]);
        for n in 0..SERIES_MAX {
            assert!(deltas.add(&series(n), 1, 1.0).is_ok());
        }
        assert!(deltas.add(&series(SERIES_MAX), 1000 * MS, 1.0).is_err());
        let later = QUIET_MS.unsigned_abs() * MS;
        assert!(deltas.add(&series(SERIES_MAX), later, 1.0).is_ok());
        assert_eq!(deltas.totals.lock().len(), 1);
    }
}
