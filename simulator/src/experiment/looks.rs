//! The looks at the steady state beside the method, as far as the journal keeps them: a method may take hours and an answer may
//! be long, so the newest are kept, the first that was lost with them, and of the others their number.
//!
//! It knows nothing of what a look is but its text and whether the steady state was met.

use std::{collections::VecDeque, io};

use serde_json::{Value, json};

/// Looks that are kept beside the first that was lost: an hour of the default frequency.
const MOST: usize = 3_600;
/// Bytes of their JSON text; the newest is kept however long it is.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Looks in their order.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Newest last; each with its size and whether the steady state was met.
    kept: VecDeque<(usize, bool, Value)>,
    bytes: usize,
    /// The first that was lost, once it is no more among those.
    first_lost: Option<Value>,
    seen: u64,
    lost: u64,
    lost_kept: u64,
}

impl Looks {
    /// Takes one in.
    pub(super) fn add(&mut self, look: Value) {
        let (size, met) = (size(&look), look["steady_state_met"] == true);
        self.seen += 1;
        self.lost += u64::from(!met);
        self.lost_kept += u64::from(!met);
        self.bytes += size;
        self.kept.push_back((size, met, look));
        while self.kept.len() > MOST || (self.bytes > MOST_BYTES && self.kept.len() > 1) {
            let Some((size, met, look)) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= size;
            if !met && self.first_lost.is_none() {
                self.first_lost = Some(look);
            } else {
                self.lost_kept -= u64::from(!met);
            }
        }
    }

    /// Share of them that were lost, percent; 0 of none.
    #[allow(
        clippy::cast_precision_loss,
        reason = "nobody looks so often that it shows in a tenth of a percent"
    )]
    pub(super) fn lost_percent(&self) -> f64 {
        self.lost as f64 * 100.0 / self.seen.max(1) as f64
    }

    /// The steady states as the journal has them: those kept stand in `during`, oldest first; when some are not, how many, and how
    /// many of these were lost, stand in `during_left_out`, which the Toolkit's format does not have.
    pub(super) fn journal(self, before: Option<Value>, after: Option<Value>) -> Value {
        let newest = self.kept.into_iter().map(|(_, _, look)| look);
        let during: Vec<_> = self.first_lost.into_iter().chain(newest).collect();
        let left_out = self.seen - during.len() as u64;
        let mut states = json!({ "before": before, "after": after, "during": during });
        if left_out > 0 {
            states["during_left_out"] =
                json!({ "looks": left_out, "not_met": self.lost - self.lost_kept });
        }
        states
    }
}

/// Bytes of its JSON text.
fn size(value: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("a value has a text, and counting takes all");
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(number: usize, met: bool, padding: usize) -> Value {
        json!({ "steady_state_met": met, "number": number, "probes": ["x".repeat(padding)] })
    }

    #[test]
    fn the_newest_are_kept_with_the_first_that_was_lost_and_the_others_are_counted() {
        let mut looks = Looks::default();
        let lost = [2, 3, 4, MOST + 50];
        for number in 0..MOST + 100 {
            looks.add(look(number, !lost.contains(&number), 0));
        }
        assert_eq!(looks.lost, 4);
        assert!((looks.lost_percent() - 400.0 / (MOST as f64 + 100.0)).abs() < 1e-9);
        let states = looks.journal(Some(json!(1)), None);
        assert_eq!(
            (&states["before"], &states["after"]),
            (&json!(1), &Value::Null)
        );
        assert_eq!(
            states["during_left_out"],
            json!({ "looks": 99, "not_met": 2 })
        );
        let kept = states["during"].as_array().unwrap();
        assert_eq!(kept.len(), MOST + 1);
        let number = |at: usize| kept[at]["number"].as_u64();
        assert_eq!((number(0), number(1)), (Some(2), Some(100)));
        assert_eq!(number(MOST), Some(MOST as u64 + 99));
    }

    #[test]
    fn long_ones_leave_sooner_and_the_newest_stays_however_long_it_is() {
        let mut looks = Looks::default();
        for number in 0..5 {
            looks.add(look(number, number != 1, MOST_BYTES / 3));
        }
        assert_eq!(looks.kept.len(), 2);
        looks.add(look(5, true, MOST_BYTES + 1));
        let states = looks.journal(None, None);
        assert_eq!(
            states["during_left_out"],
            json!({ "looks": 4, "not_met": 0 })
        );
        let during = states["during"].as_array().unwrap();
        let numbers: Vec<_> = during.iter().map(|look| look["number"].as_u64()).collect();
        assert_eq!(numbers, [Some(1), Some(5)]);
    }

    #[test]
    fn few_are_all_kept() {
        let mut looks = Looks::default();
        assert!(looks.lost_percent() < f64::EPSILON);
        looks.add(look(0, false, 0));
        looks.add(look(1, true, 0));
        assert!((looks.lost_percent() - 50.0).abs() < 1e-9);
        let states = looks.journal(None, None);
        assert_eq!(states["during"].as_array().map(Vec::len), Some(2));
        assert_eq!(states.get("during_left_out"), None);
    }
}
