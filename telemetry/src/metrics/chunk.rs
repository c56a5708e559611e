//! A sealed run of samples of one series, packed and immutable, and the columns that it is unpacked into. Knows nothing of
//! labels or of the store. Times and values stand apart: what was scraped together has the same times, which a query then reads once.

use super::packed::{
    Form, Nature, Width, nature, pack_doubles, pack_integers, unpack_doubles, unpack_integers,
};

/// One sample: milliseconds since the Unix epoch and a value. A value with the bits of [`STALE_BITS`] marks the end of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Milliseconds since the Unix epoch, store time.
    pub t_ms: i64,
    /// The value.
    pub value: f64,
}

/// The NaN by which Prometheus marks a series as stale (`value.StaleNaN`).
pub const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The stale marker as a value.
#[must_use]
#[inline]
pub fn stale_marker() -> f64 {
    f64::from_bits(STALE_BITS)
}

/// Whether a value is the stale marker (an ordinary NaN is not).
#[must_use]
#[inline]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}

/// Bytes that an allocator adds to what it is asked for, and to what it rounds: those of glibc.
const ALLOCATION_HEAD_BYTES: usize = 8;
const ALLOCATION_GRAIN_BYTES: usize = 16;

/// Bytes that an allocation takes on the heap, its head and the rounding included.
#[must_use]
pub(super) const fn allocated(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    let whole = (bytes + ALLOCATION_HEAD_BYTES).next_multiple_of(ALLOCATION_GRAIN_BYTES);
    if whole < 32 { 32 } else { whole }
}

/// Samples of one series, times apart from values, in time order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// Milliseconds since the Unix epoch, store time, each greater than the one before.
    pub times_ms: Vec<i64>,
    /// The value at each time; stale markers among them when they come from the store.
    pub values: Vec<f64>,
    /// Whether each value is an integer that a double holds exactly.
    pub(crate) integers: bool,
    /// Whether no value is below the one before it, and none is a NaN: a counter without resets.
    pub(crate) rising: bool,
}

impl Columns {
    /// Columns of given samples.
    #[must_use]
    pub fn new(times_ms: Vec<i64>, values: Vec<f64>) -> Self {
        let Nature { integers, rising } = nature(&values);
        Self {
            times_ms,
            values,
            integers,
            rising,
        }
    }

    /// The samples one by one.
    pub fn points(&self) -> impl Iterator<Item = Point> {
        let pairs = self.times_ms.iter().zip(&self.values);
        pairs.map(|(t_ms, value)| Point {
            t_ms: *t_ms,
            value: *value,
        })
    }

    /// Empties them for values that are then added by [`Columns::add`].
    pub(super) fn clear(&mut self, times_too: bool) {
        if times_too {
            self.times_ms.clear();
        }
        self.values.clear();
        (self.integers, self.rising) = (true, true);
    }

    /// Takes in what is known of the values from `from` on, which were just added.
    pub(super) fn add(&mut self, from: usize, added: Nature) {
        let joined = match from.checked_sub(1) {
            Some(before) => self
                .values
                .get(from)
                .is_none_or(|v| *v >= self.values[before]),
            None => true,
        };
        self.integers &= added.integers;
        self.rising &= added.rising && joined;
    }
}

/// A sealed, packed run of samples in time order.
#[derive(Debug)]
pub struct Chunk {
    /// Time of the first sample, ms.
    pub first_ms: i64,
    /// Time of the last sample, ms.
    pub last_ms: i64,
    /// How many samples.
    pub count: u32,
    times: Width,
    values: Form,
    /// The times, then the values.
    bytes: Box<[u8]>,
}

impl Chunk {
    /// Packs samples, which must be in time order, at least one, and as many times as values.
    #[must_use]
    pub fn seal(times_ms: &[i64], values: &[f64]) -> Self {
        let mut bytes = Vec::with_capacity(values.len() * 9 + 32);
        let times = pack_integers(times_ms, &mut bytes);
        let form = pack_doubles(values, &mut bytes);
        Self {
            first_ms: times_ms[0],
            last_ms: times_ms[times_ms.len() - 1],
            count: u32::try_from(values.len()).expect("a chunk holds a few hundred samples"),
            times,
            values: form,
            bytes: bytes.into(),
        }
    }

    /// Heap bytes of a shared chunk, with what the allocator adds.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        const SHARED_HEAD_BYTES: usize = 2 * size_of::<usize>();
        allocated(SHARED_HEAD_BYTES + size_of::<Self>()) + allocated(self.bytes.len())
    }

    /// Appends the times of all samples.
    pub(super) fn read_times(&self, out: &mut Vec<i64>) {
        unpack_integers(self.times, self.count as usize, &self.bytes, out);
    }

    /// Appends the values of all samples, and tells what they are.
    pub(super) fn read_values(&self, out: &mut Vec<f64>) -> Nature {
        let values = &self.bytes[self.times.packed_bytes(self.count as usize)..];
        unpack_doubles(self.values, self.count as usize, values, out)
    }

    /// How many samples have `from_ms <= t <= to_ms`.
    pub(super) fn samples_in(&self, from_ms: i64, to_ms: i64) -> usize {
        if from_ms <= self.first_ms && self.last_ms <= to_ms {
            return self.count as usize;
        }
        if self.last_ms < from_ms || to_ms < self.first_ms {
            return 0;
        }
        let mut times = Vec::with_capacity(self.count as usize);
        self.read_times(&mut times);
        let before = times.partition_point(|t| *t < from_ms);
        times
            .partition_point(|t| *t <= to_ms)
            .saturating_sub(before)
    }

    /// Whether another chunk's samples have the same times.
    pub(super) fn same_times(&self, other: &Self) -> bool {
        let bytes = self.times.packed_bytes(self.count as usize);
        self.count == other.count
            && self.times == other.times
            && self.bytes[..bytes] == other.bytes[..bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(chunk: &Chunk) -> (Vec<i64>, Vec<f64>) {
        let (mut times, mut values) = (Vec::new(), Vec::new());
        chunk.read_times(&mut times);
        chunk.read_values(&mut values);
        (times, values)
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_is_read_back_bit_for_bit(raw in prop::collection::vec((1_i64..100_000, any::<u64>()), 1..300)) {
            let mut t_ms = 1_700_000_000_000;
            let mut times: Vec<i64> = raw.iter().map(|(dt, _)| { t_ms += dt; t_ms }).collect();
            let mut values: Vec<f64> = raw.iter().map(|(_, bits)| f64::from_bits(*bits)).collect();
            times.push(t_ms + 1);
            values.push(stale_marker());
            let chunk = Chunk::seal(&times, &values);
            let (back_times, back) = read(&chunk);
            prop_assert_eq!(&back_times, &times);
            prop_assert!(back.iter().map(|v| v.to_bits()).eq(values.iter().map(|v| v.to_bits())));
            prop_assert!(chunk.same_times(&Chunk::seal(&times, &vec![1.0; times.len()])));
            let later: Vec<i64> = times.iter().map(|t| t + 1).collect();
            prop_assert!(!chunk.same_times(&Chunk::seal(&later, &values)));
        }
    }

    #[test]
    fn a_counter_scraped_with_some_jitter_takes_about_two_bytes_a_sample() {
        let times: Vec<i64> = (0..240).map(|at| at * 1000 + at % 7).collect();
        let values: Vec<f64> = (0..240).map(|at| f64::from(at * 7 + at % 5)).collect();
        let chunk = Chunk::seal(&times, &values);
        assert!(
            chunk.size_bytes() < 240 * 5 / 2 + 64,
            "{}",
            chunk.size_bytes()
        );
        let regular: Vec<i64> = (0..240).map(|at| at * 1000).collect();
        assert!(Chunk::seal(&regular, &values).size_bytes() < 400);
    }
}
