//! The series that data points were of before, found again by what stands on the wire: most points are of a series whose last
//! one came with the request before, and need no labels made. Knows no samples.

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use parking_lot::{Mutex, MutexGuard};

use crate::dictionary::Dictionary;
use crate::metrics::labels::Labels;
use crate::metrics::store::SeriesId;

/// Bytes of keys that are remembered: those of some 40,000 series. At the limit all are forgotten, and made anew by the next points.
const KEY_BYTES_MAX: usize = 8 << 20;

/// What is remembered.
#[derive(Debug, Default)]
pub struct Known(Mutex<Remembered>);

impl Known {
    /// For one request; places are good until the next.
    pub(super) fn lock(&self) -> MutexGuard<'_, Remembered> {
        let mut remembered = self.0.lock();
        if remembered.keys.bytes() > KEY_BYTES_MAX {
            *remembered = Remembered::default();
        }
        remembered
    }
}

/// A series as a data point names it.
pub(super) struct Series {
    pub labels: Labels,
    /// Its id, if it has been in the store.
    pub id: Option<SeriesId>,
    /// Where it is remembered.
    pub place: Option<usize>,
}

#[derive(Debug, Default)]
pub(super) struct Remembered {
    keys: Dictionary<Vec<u8>>,
    series: Vec<(Labels, Option<SeriesId>)>,
    /// Whose points come: resource and metric.
    of: Vec<u8>,
    key: Vec<u8>,
}

impl Remembered {
    /// Says of which metric of which resource the next points are.
    pub fn of(&mut self, identity: &[(String, String)], name: &str) {
        self.of.clear();
        for (label, value) in identity {
            bytes(&mut self.of, label.as_bytes());
            bytes(&mut self.of, value.as_bytes());
        }
        bytes(&mut self.of, name.as_bytes());
        self.of.extend_from_slice(&identity.len().to_le_bytes());
    }

    /// The series with these attributes, whose labels are made if it is new.
    pub fn series<E>(
        &mut self,
        attributes: &[KeyValue],
        make: impl FnOnce() -> Result<Labels, E>,
    ) -> Result<Series, E> {
        if !self.write_key(attributes) {
            return Ok(Series {
                labels: make()?,
                id: None,
                place: None,
            });
        }
        let place = match self.keys.find(&self.key) {
            Some(place) => place,
            None => {
                self.series.push((make()?, None));
                self.keys.intern(&self.key)
            }
        };
        let place = place as usize;
        let (labels, id) = self.series[place].clone();
        Ok(Series {
            labels,
            id,
            place: Some(place),
        })
    }

    /// Writes what tells these attributes from others; false where they are of kinds that are not remembered.
    fn write_key(&mut self, attributes: &[KeyValue]) -> bool {
        self.key.clear();
        self.key.extend_from_slice(&self.of);
        for pair in attributes {
            bytes(&mut self.key, pair.key.as_bytes());
            match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
                None => self.key.push(0),
                Some(Value::StringValue(text)) => {
                    self.key.push(1);
                    bytes(&mut self.key, text.as_bytes());
                }
                Some(Value::IntValue(number)) => {
                    self.key.push(2);
                    self.key.extend_from_slice(&number.to_le_bytes());
                }
                Some(Value::BoolValue(truth)) => self.key.extend_from_slice(&[3, u8::from(*truth)]),
                Some(_) => return false,
            }
        }
        true
    }

    /// Notes where the store has a series.
    pub fn note(&mut self, place: usize, id: Option<SeriesId>) {
        self.series[place].1 = id;
    }
}

/// Bytes that cannot be taken for others: their number goes first.
fn bytes(key: &mut Vec<u8>, bytes: &[u8]) {
    key.extend_from_slice(&bytes.len().to_le_bytes());
    key.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::fixture::{int, text};

    fn labels(name: &str) -> Result<Labels, ()> {
        Ok(Labels::from_pairs([("__name__", name)]))
    }

    #[test]
    fn a_series_is_made_once_and_found_by_everything_that_tells_it_apart() {
        let known = Known::default();
        let mut known = known.lock();
        let of = |service: &str| vec![("service".to_owned(), service.to_owned())];
        let mut places = Vec::new();
        for (service, name, attributes) in [
            ("a", "n", vec![]),
            ("b", "n", vec![]),
            ("a", "m", vec![]),
            ("a", "n", vec![text("k", "1")]),
            ("a", "n", vec![int("k", 1)]),
            ("a", "n", vec![text("k1", "")]),
            ("a", "n", vec![text("k", "1"), text("l", "")]),
        ] {
            known.of(&of(service), name);
            let series = known.series(&attributes, || labels(name)).unwrap();
            places.extend(series.place);
            let again = known.series(&attributes, || Err("made twice"));
            assert!(again.is_ok_and(|again| again.place == series.place));
        }
        assert_eq!(places, [0, 1, 2, 3, 4, 5, 6]);
        known.of(&of("a"), "n");
        assert!(
            known
                .series(&[int("new", 1)], || Err::<Labels, _>("refused"))
                .is_err()
        );
        let after = known.series(&[int("other", 1)], || labels("n")).unwrap();
        assert_eq!(after.place, Some(7), "what was refused has no place");
    }

    #[test]
    fn keys_are_forgotten_rather_than_grow() {
        let known = Known::default();
        for request in 0..40 {
            let mut known = known.lock();
            known.of(&[], "n");
            for number in 0..400 {
                let attributes = [text(
                    "k",
                    &format!("{request} {number} {}", "x".repeat(4_000)),
                )];
                known.series(&attributes, || labels("n")).unwrap();
            }
            assert!(known.keys.bytes() < 3 * KEY_BYTES_MAX);
        }
        assert!(known.lock().series.len() < 40 * 400);
    }
}
