//! A set of rows of one segment, a bit each. Knows nothing of what the rows hold.

/// Rows of a segment, as many as it was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    rows: usize,
}

const BITS: usize = u64::BITS as usize;

impl RowSet {
    /// None of `rows` rows.
    #[must_use]
    pub fn none(rows: usize) -> Self {
        Self {
            words: vec![0; rows.div_ceil(BITS)],
            rows,
        }
    }

    /// All of `rows` rows.
    #[must_use]
    pub fn all(rows: usize) -> Self {
        let mut set = Self {
            words: vec![u64::MAX; rows.div_ceil(BITS)],
            rows,
        };
        if let Some(last) = set.words.last_mut()
            && !rows.is_multiple_of(BITS)
        {
            *last = (1 << (rows % BITS)) - 1;
        }
        set
    }

    /// Those of `rows` rows of which `holds` says so; it is asked of each once, in order.
    #[must_use]
    pub fn of(rows: usize, mut holds: impl FnMut(usize) -> bool) -> Self {
        let word = |first: usize| {
            let bits = first..rows.min(first + BITS);
            bits.fold(0, |word, row| word | u64::from(holds(row)) << (row % BITS))
        };
        Self {
            words: (0..rows).step_by(BITS).map(word).collect(),
            rows,
        }
    }

    /// Adds a row; one beyond those that the set was made for is a mistake of the caller's.
    pub fn insert(&mut self, row: usize) {
        debug_assert!(row < self.rows, "row {row} of {}", self.rows);
        self.words[row / BITS] |= 1 << (row % BITS);
    }

    /// Adds the rows from `from` up to `to`, which is left out.
    pub fn insert_range(&mut self, from: usize, to: usize) {
        for row in from..to {
            self.insert(row);
        }
    }

    /// Whether a row is in the set.
    #[must_use]
    pub fn contains(&self, row: usize) -> bool {
        self.words[row / BITS] & (1 << (row % BITS)) != 0
    }

    /// Adds what is in `other`.
    pub fn unite(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Keeps what is in `other` too.
    pub fn intersect(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    /// Takes out what is in `other`.
    pub fn subtract(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= !other;
        }
    }

    /// Keeps the rows that `keeps` says yes to.
    pub fn retain(&mut self, mut keeps: impl FnMut(usize) -> bool) {
        for (index, word) in self.words.iter_mut().enumerate() {
            let mut left = *word;
            while left != 0 {
                let bit = left.trailing_zeros() as usize;
                left &= left - 1;
                if !keeps(index * BITS + bit) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    /// Whether no row is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many rows are in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// The first row and the one after the last; `None` of an empty set.
    #[must_use]
    pub fn bounds(&self) -> Option<(usize, usize)> {
        let first = self.words.iter().position(|word| *word != 0)?;
        let last = self.words.iter().rposition(|word| *word != 0)?;
        let from = first * BITS + self.words[first].trailing_zeros() as usize;
        let to = (last + 1) * BITS - self.words[last].leading_zeros() as usize;
        Some((from, to))
    }

    /// The rows, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(index * BITS + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(rows: usize, members: &BTreeSet<usize>) -> RowSet {
        let mut set = RowSet::none(rows);
        members.iter().for_each(|row| set.insert(*row));
        set
    }

    proptest! {
        #[test]
        fn a_row_set_is_a_set(
            rows in 1_usize..300,
            left in prop::collection::btree_set(0_usize..300, 0..80),
            right in prop::collection::btree_set(0_usize..300, 0..80),
        ) {
            let within = |members: &BTreeSet<usize>| -> BTreeSet<usize> {
                members.iter().copied().filter(|row| *row < rows).collect()
            };
            let (left, right) = (within(&left), within(&right));
            let (a, b) = (set(rows, &left), set(rows, &right));
            let list = |set: &RowSet| set.iter().collect::<BTreeSet<_>>();
            prop_assert_eq!(list(&a), left.clone());
            prop_assert_eq!(a.count(), left.len());
            prop_assert_eq!(
                a.bounds(),
                left.first().zip(left.last()).map(|(first, last)| (*first, last + 1))
            );
            prop_assert!((0..rows).all(|row| a.contains(row) == left.contains(&row)));
            let mut both = a.clone();
            both.intersect(&b);
            prop_assert_eq!(list(&both), &left & &right);
            let mut either = a.clone();
            either.unite(&b);
            prop_assert_eq!(list(&either), &left | &right);
            let mut rest = RowSet::all(rows);
            prop_assert_eq!(rest.count(), rows);
            rest.subtract(&b);
            prop_assert_eq!(list(&rest), &(0..rows).collect::<BTreeSet<_>>() - &right);
            let mut odd = a.clone();
            odd.retain(|row| row % 2 == 1);
            prop_assert_eq!(list(&odd), left.into_iter().filter(|row| row % 2 == 1).collect());
        }
    }

    #[test]
    fn a_set_is_made_of_the_rows_that_hold() {
        for rows in [0, 1, 63, 64, 65, 130] {
            let odd = RowSet::of(rows, |row| row % 2 == 1);
            let expected: BTreeSet<usize> = (0..rows).filter(|row| row % 2 == 1).collect();
            assert_eq!(odd, set(rows, &expected));
            assert_eq!(odd.is_empty(), expected.is_empty());
            let mut others = RowSet::all(rows);
            others.subtract(&odd);
            assert_eq!(others, RowSet::of(rows, |row| row % 2 == 0));
        }
    }
}
