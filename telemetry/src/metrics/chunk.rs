//! A sealed run of samples of one series, compressed and immutable. Knows nothing of labels or of the store.
//!
//! Layout: one byte of value mode, then all times (first as is, then zigzag varints of the delta of deltas),
//! then all values: integers as zigzag varint deltas, anything else as XOR with the previous bits, of which only
//! the middle bytes are written (one control byte: leading and trailing zero bytes).

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
pub fn stale_marker() -> f64 {
    f64::from_bits(STALE_BITS)
}

/// Whether a value is the stale marker (an ordinary NaN is not).
#[must_use]
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}

const MODE_INTEGER: u8 = 0;
const MODE_XOR: u8 = 1;
/// Integers beyond 2^53 are not exact in a double.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// A sealed, compressed run of samples in time order.
#[derive(Debug)]
pub struct Chunk {
    /// Time of the first sample, ms.
    pub first_ms: i64,
    /// Time of the last sample, ms.
    pub last_ms: i64,
    /// How many samples.
    pub count: u32,
    bytes: Box<[u8]>,
}

impl Chunk {
    /// Compresses samples, which must be in time order and at least one.
    #[must_use]
    pub fn seal(points: &[Point]) -> Self {
        let (first, last) = (points[0], points[points.len() - 1]);
        let mut bytes = Vec::with_capacity(points.len() * 3 + 16);
        let integers = points.iter().all(|p| is_exact_integer(p.value));
        bytes.push(if integers { MODE_INTEGER } else { MODE_XOR });
        let (mut previous, mut delta) = (first.t_ms, 0);
        for point in &points[1..] {
            let next = point.t_ms - previous;
            write_varint(&mut bytes, zigzag(next - delta));
            (previous, delta) = (point.t_ms, next);
        }
        if integers {
            write_integers(&mut bytes, points);
        } else {
            write_xors(&mut bytes, points);
        }
        Self {
            first_ms: first.t_ms,
            last_ms: last.t_ms,
            count: u32::try_from(points.len()).expect("a chunk holds a few hundred samples"),
            bytes: bytes.into(),
        }
    }

    /// Heap bytes.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + size_of::<Self>()
    }

    /// Appends the samples with `from_ms <= t <= to_ms` to `out`.
    pub fn read_into(&self, from_ms: i64, to_ms: i64, out: &mut Vec<Point>) {
        let count = self.count as usize;
        let mut at = 1;
        let mut times = Vec::with_capacity(count);
        let (mut t_ms, mut delta) = (self.first_ms, 0);
        times.push(t_ms);
        for _ in 1..count {
            delta += unzigzag(read_varint(&self.bytes, &mut at));
            t_ms += delta;
            times.push(t_ms);
        }
        let mut keep = |t_ms: i64, value: f64| {
            if t_ms >= from_ms && t_ms <= to_ms {
                out.push(Point { t_ms, value });
            }
        };
        if self.bytes[0] == MODE_INTEGER {
            let mut value = 0_i64;
            for t_ms in times {
                value += unzigzag(read_varint(&self.bytes, &mut at));
                keep(t_ms, value as f64);
            }
        } else {
            let mut bits = 0_u64;
            for t_ms in times {
                bits ^= read_xor(&self.bytes, &mut at);
                keep(t_ms, f64::from_bits(bits));
            }
        }
    }
}

fn is_exact_integer(value: f64) -> bool {
    value.is_finite()
        && value.fract() == 0.0
        && value.abs() < MAX_EXACT_INTEGER
        && !(value == 0.0 && value.is_sign_negative())
}

fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

fn write_varint(bytes: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
}

fn read_varint(bytes: &[u8], at: &mut usize) -> u64 {
    let (mut n, mut shift) = (0_u64, 0);
    loop {
        let byte = bytes[*at];
        *at += 1;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return n;
        }
        shift += 7;
    }
}

fn write_integers(bytes: &mut Vec<u8>, points: &[Point]) {
    let mut previous = 0_i64;
    for point in points {
        let value = point.value as i64;
        write_varint(bytes, zigzag(value - previous));
        previous = value;
    }
}

fn write_xors(bytes: &mut Vec<u8>, points: &[Point]) {
    let mut previous = 0_u64;
    for point in points {
        let bits = point.value.to_bits();
        let xor = bits ^ previous;
        previous = bits;
        let leading = (xor.leading_zeros() / 8) as usize;
        let trailing = if xor == 0 {
            0
        } else {
            (xor.trailing_zeros() / 8) as usize
        };
        bytes.push((leading as u8) << 4 | trailing as u8);
        if xor != 0 {
            bytes.extend_from_slice(&xor.to_be_bytes()[leading..8 - trailing]);
        }
    }
}

fn read_xor(bytes: &[u8], at: &mut usize) -> u64 {
    let control = bytes[*at];
    *at += 1;
    let (leading, trailing) = ((control >> 4) as usize, (control & 0xf) as usize);
    if leading == 8 {
        return 0;
    }
    let mut word = [0_u8; 8];
    let length = 8 - trailing - leading;
    word[leading..8 - trailing].copy_from_slice(&bytes[*at..*at + length]);
    *at += length;
    u64::from_be_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(chunk: &Chunk) -> Vec<Point> {
        let mut out = Vec::new();
        chunk.read_into(i64::MIN, i64::MAX, &mut out);
        out
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_is_read_back_bit_for_bit(
            raw in prop::collection::vec((0_i64..100_000, any::<u64>()), 1..300),
            integers in prop::collection::vec(-5_000_000_i64..5_000_000, 1..300),
        ) {
            let mut t_ms = 1_700_000_000_000;
            let mut points: Vec<Point> = raw.iter().map(|(dt, bits)| { t_ms += dt; Point { t_ms, value: f64::from_bits(*bits) } }).collect();
            points.push(Point { t_ms: t_ms + 1, value: stale_marker() });
            let back = read(&Chunk::seal(&points));
            prop_assert!(back.iter().zip(&points).all(|(a, b)| a.t_ms == b.t_ms && a.value.to_bits() == b.value.to_bits()));
            prop_assert_eq!(back.len(), points.len());

            let points: Vec<Point> = integers.iter().enumerate().map(|(at, v)| Point { t_ms: at as i64 * 1000, value: *v as f64 }).collect();
            prop_assert_eq!(read(&Chunk::seal(&points)), points);
        }
    }

    #[test]
    fn a_steady_counter_takes_about_two_bytes_a_sample() {
        let points: Vec<Point> = (0..240)
            .map(|at| Point {
                t_ms: at * 1000,
                value: (at * 7) as f64,
            })
            .collect();
        assert!(Chunk::seal(&points).bytes.len() < 500);
    }

    #[test]
    fn a_read_returns_only_the_window_both_ends_included() {
        let points: Vec<Point> = (0..10)
            .map(|at| Point {
                t_ms: at * 10,
                value: at as f64,
            })
            .collect();
        let mut out = Vec::new();
        Chunk::seal(&points).read_into(20, 40, &mut out);
        assert_eq!(out.iter().map(|p| p.t_ms).collect::<Vec<_>>(), [20, 30, 40]);
    }
}
