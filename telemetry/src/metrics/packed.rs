//! Runs of numbers at fixed widths, the form of a sealed chunk's columns: what is read back needs no branch for each number, so
//! that a run is unpacked at about the speed at which memory is copied. Knows no sample and no series.

/// The most distinct values of a column that are kept as a table with one byte for each value.
const TABLE_MAX: usize = 64;
/// Integers beyond 2^53 are not exact in a double.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The first number and the least difference.
const DIFFERENCES_HEAD_BYTES: usize = 16;

/// How the numbers of a column stand in its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// 64-bit integers: the first, the least difference between neighbours, then what each difference has beyond it.
    Differences(Width),
    /// Doubles, all of the same bits.
    Constant,
    /// Doubles of few distinct bits: how many, the distinct ones, then the place of each.
    Table,
    /// Doubles as they are.
    Plain,
}

/// Bytes of each remainder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    None,
    One,
    Two,
    Four,
    Eight,
}

impl Width {
    fn of(most: u64) -> Self {
        match most {
            0 => Self::None,
            1..=0xff => Self::One,
            0x100..=0xffff => Self::Two,
            0x1_0000..=0xffff_ffff => Self::Four,
            _ => Self::Eight,
        }
    }

    /// Bytes that `count` integers take.
    pub(super) fn packed_bytes(self, count: usize) -> usize {
        DIFFERENCES_HEAD_BYTES + (count - 1) * self.bytes()
    }

    fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::One => 1,
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
}

/// What is known of unpacked values without a look at each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nature {
    /// All are integers that a double holds exactly.
    pub integers: bool,
    /// None is below its predecessor, and none is a NaN.
    pub rising: bool,
}

/// The least and the greatest difference between neighbours; nothing for fewer than two numbers.
fn differences(numbers: &[i64]) -> Option<(i64, i64)> {
    let steps = numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    steps.fold(None, |range, step| match range {
        None => Some((step, step)),
        Some((least, most)) => Some((step.min(least), step.max(most))),
    })
}

/// Appends integers to `bytes`.
pub(super) fn pack_integers(numbers: &[i64], bytes: &mut Vec<u8>) -> Width {
    let (least, most) = differences(numbers).unwrap_or((0, 0));
    let width = Width::of(most.wrapping_sub(least) as u64);
    bytes.extend_from_slice(&numbers[0].to_le_bytes());
    bytes.extend_from_slice(&least.to_le_bytes());
    for pair in numbers.windows(2) {
        let rest = pair[1].wrapping_sub(pair[0]).wrapping_sub(least) as u64;
        bytes.extend_from_slice(&rest.to_le_bytes()[..width.bytes()]);
    }
    width
}

/// Appends doubles to `bytes`, in the form that takes the least room.
pub(super) fn pack_doubles(values: &[f64], bytes: &mut Vec<u8>) -> Form {
    let first = values[0].to_bits();
    if values.iter().all(|value| value.to_bits() == first) {
        bytes.extend_from_slice(&first.to_le_bytes());
        return Form::Constant;
    }
    let integers: Option<Vec<i64>> = values.iter().map(|v| exact_integer(*v)).collect();
    let as_integers = integers.filter(|integers| {
        let (least, most) = differences(integers).unwrap_or((0, 0));
        Width::of(most.wrapping_sub(least) as u64).bytes() < 8
    });
    if let Some(integers) = &as_integers {
        let (least, most) = differences(integers).unwrap_or((0, 0));
        let width = Width::of(most.wrapping_sub(least) as u64);
        if width.bytes() <= 1 {
            return Form::Differences(pack_integers(integers, bytes));
        }
    }
    if pack_table(values, bytes) {
        return Form::Table;
    }
    if let Some(integers) = &as_integers {
        return Form::Differences(pack_integers(integers, bytes));
    }
    for value in values {
        bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }
    Form::Plain
}

/// Appends a table and the places in it, if there are few distinct values and it pays.
fn pack_table(values: &[f64], bytes: &mut Vec<u8>) -> bool {
    let mut table: Vec<u64> = Vec::with_capacity(TABLE_MAX);
    let most = TABLE_MAX.min(values.len() / 8);
    let mut places = Vec::with_capacity(values.len());
    for value in values {
        let bits = value.to_bits();
        let place = table.iter().position(|known| *known == bits);
        places.push(place.unwrap_or(table.len()) as u8);
        if place.is_none() {
            if table.len() == most {
                return false;
            }
            table.push(bits);
        }
    }
    bytes.push(table.len() as u8);
    for bits in table {
        bytes.extend_from_slice(&bits.to_le_bytes());
    }
    bytes.extend_from_slice(&places);
    true
}

/// The integer that a double is, if it is one exactly; zero with a sign is none.
fn exact_integer(value: f64) -> Option<i64> {
    let integer = value as i64;
    let same = value.abs() < MAX_EXACT_INTEGER && (integer as f64).to_bits() == value.to_bits();
    same.then_some(integer)
}

/// Appends the `count` integers of [`pack_integers`] to `out`.
pub(super) fn unpack_integers(width: Width, count: usize, bytes: &[u8], out: &mut Vec<i64>) {
    differences_into(width, count, bytes, out, |number| number);
}

/// Appends the `count` doubles of [`pack_doubles`] to `out`; tells what they are.
pub(super) fn unpack_doubles(form: Form, count: usize, bytes: &[u8], out: &mut Vec<f64>) -> Nature {
    let from = out.len();
    match form {
        Form::Differences(width) => {
            differences_into(width, count, bytes, out, |number| number as f64);
            return Nature {
                integers: true,
                rising: word(bytes, 8) as i64 >= 0,
            };
        }
        Form::Constant => out.resize(from + count, f64::from_bits(word(bytes, 0))),
        Form::Table => {
            let known = usize::from(bytes[0]);
            let (table, places) = bytes[1..].split_at(known * 8);
            let mut values = [0.0; TABLE_MAX];
            for (value, at) in values.iter_mut().zip(table.chunks_exact(8)) {
                *value = f64::from_bits(word(at, 0));
            }
            out.extend(
                places[..count]
                    .iter()
                    .map(|place| values[usize::from(*place)]),
            );
        }
        Form::Plain => {
            let words = bytes[..count * 8].chunks_exact(8);
            out.extend(words.map(|at| f64::from_bits(word(at, 0))));
        }
    }
    nature(&out[from..])
}

/// What values are that were not kept as differences.
pub(super) fn nature(values: &[f64]) -> Nature {
    Nature {
        integers: values.iter().all(|value| exact_integer(*value).is_some()),
        rising: values.windows(2).all(|pair| pair[1] >= pair[0])
            && values.first().is_none_or(|value| !value.is_nan()),
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

fn differences_into<T>(
    width: Width,
    count: usize,
    bytes: &[u8],
    out: &mut Vec<T>,
    as_is: impl Fn(i64) -> T,
) {
    let (mut number, least) = (word(bytes, 0) as i64, word(bytes, 8) as i64);
    let body = &bytes[DIFFERENCES_HEAD_BYTES..width.packed_bytes(count)];
    out.reserve(count);
    out.push(as_is(number));
    let mut step = |rest: u64| {
        number = number.wrapping_add(least).wrapping_add(rest as i64);
        as_is(number)
    };
    match width {
        Width::None => out.extend((1..count).map(|_| step(0))),
        Width::One => out.extend(body.iter().map(|rest| step(u64::from(*rest)))),
        Width::Two => out.extend(
            body.chunks_exact(2)
                .map(|rest| step(u64::from(u16::from_le_bytes([rest[0], rest[1]])))),
        ),
        Width::Four => out.extend(body.chunks_exact(4).map(|rest| {
            step(u64::from(u32::from_le_bytes([
                rest[0], rest[1], rest[2], rest[3],
            ])))
        })),
        Width::Eight => out.extend(body.chunks_exact(8).map(|rest| step(word(rest, 0)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn doubles(values: &[f64]) -> (Form, usize, Vec<f64>, Nature) {
        let (mut bytes, mut out) = (Vec::new(), vec![7.0]);
        let form = pack_doubles(values, &mut bytes);
        let told = unpack_doubles(form, values.len(), &bytes, &mut out);
        (form, bytes.len(), out.split_off(1), told)
    }

    fn same(back: &[f64], values: &[f64]) -> bool {
        back.iter()
            .map(|v| v.to_bits())
            .eq(values.iter().map(|v| v.to_bits()))
    }

    proptest! {
        #[test]
        fn integers_are_read_back_and_their_length_is_known(numbers in prop::collection::vec(any::<i64>(), 1..300), small in prop::collection::vec(-300_i64..300, 1..300)) {
            for numbers in [numbers, small] {
                let (mut bytes, mut out) = (Vec::new(), Vec::new());
                let width = pack_integers(&numbers, &mut bytes);
                prop_assert_eq!(width.packed_bytes(numbers.len()), bytes.len());
                unpack_integers(width, numbers.len(), &bytes, &mut out);
                prop_assert_eq!(out, numbers);
            }
        }

        #[test]
        fn doubles_are_read_back_bit_for_bit_with_their_nature(
            raw in prop::collection::vec(any::<u64>(), 1..300),
            few in prop::collection::vec(prop::sample::select(vec![0.1, 0.2, -0.0, f64::NAN, 3.0]), 1..300),
            integers in prop::collection::vec(-70_000_i32..70_000, 1..300),
            steps in prop::collection::vec(0_u32..300, 1..300),
        ) {
            let raw: Vec<f64> = raw.into_iter().map(f64::from_bits).collect();
            let integers: Vec<f64> = integers.into_iter().map(f64::from).collect();
            let mut total = 0;
            let counter: Vec<f64> = steps.into_iter().map(|step| { total += step; f64::from(total) }).collect();
            for values in [raw, few, integers, counter] {
                let (form, _, back, told) = doubles(&values);
                prop_assert!(same(&back, &values), "{form:?}");
                prop_assert_eq!(told, nature(&values), "{:?} {:?}", form, values);
            }
        }
    }

    #[test]
    fn the_form_is_the_smallest_that_fits() {
        let of = |value: fn(u32) -> f64| {
            let values: Vec<f64> = (0..240).map(value).collect();
            let (form, bytes, back, _) = doubles(&values);
            assert!(same(&back, &values));
            (form, bytes)
        };
        assert_eq!(of(|_| 0.5), (Form::Constant, 8));
        assert_eq!(
            of(|at| f64::from(at) * 7.0),
            (Form::Differences(Width::None), 16)
        );
        assert_eq!(
            of(|at| f64::from(at * at % 100)),
            (Form::Differences(Width::One), 16 + 239)
        );
        assert_eq!(
            of(|at| f64::from(at % 3) * 1e5),
            (Form::Table, 1 + 3 * 8 + 240)
        );
        assert_eq!(
            of(|at| f64::from(at * at)),
            (Form::Differences(Width::Two), 16 + 2 * 239)
        );
        assert_eq!(of(|at| f64::from(at).sqrt()), (Form::Plain, 240 * 8));
    }
}
