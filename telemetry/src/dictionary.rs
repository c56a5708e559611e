//! Numbers for what repeats: each distinct text (or list) of a segment is held once, in one buffer, and known by a small number.
//! Knows no signal.

use std::hash::{BuildHasher, Hash};
use std::ops::Range;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// The number of a text within its dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// A buffer of items one after another.
pub trait Pool: Default + Clone {
    /// What is looked up.
    type Item: ?Sized + Hash + Eq;

    /// Length so far, in elements.
    fn len(&self) -> usize;

    /// Bytes of the elements that there is room for.
    fn bytes(&self) -> usize;

    /// Adds an item.
    fn push(&mut self, item: &Self::Item);

    /// What lies between two lengths that there were between calls of `push`.
    fn at(&self, range: Range<usize>) -> &Self::Item;

    /// Gives back room that is not used.
    fn shrink(&mut self);
}

impl Pool for String {
    type Item = str;

    fn len(&self) -> usize {
        self.len()
    }

    fn bytes(&self) -> usize {
        self.capacity()
    }

    fn push(&mut self, item: &str) {
        self.push_str(item);
    }

    fn at(&self, range: Range<usize>) -> &str {
        &self[range]
    }

    fn shrink(&mut self) {
        self.shrink_to_fit();
    }
}

impl<T: Copy + Eq + Hash> Pool for Vec<T> {
    type Item = [T];

    fn len(&self) -> usize {
        self.len()
    }

    fn bytes(&self) -> usize {
        self.capacity() * size_of::<T>()
    }

    fn push(&mut self, item: &[T]) {
        self.extend_from_slice(item);
    }

    fn at(&self, range: Range<usize>) -> &[T] {
        &self[range]
    }

    fn shrink(&mut self) {
        self.shrink_to_fit();
    }
}

/// Distinct items and their numbers, from 0 in order of arrival.
#[derive(Debug, Clone, Default)]
pub struct Dictionary<P: Pool> {
    items: P,
    /// Where each item ends. As wide as an address: nothing but the budget bounds the items together.
    ends: Vec<usize>,
    table: HashTable<u32>,
    hasher: RandomState,
}

/// Distinct texts.
pub type Texts = Dictionary<String>;

impl<P: Pool> Dictionary<P> {
    /// The number of an item, which is added where it is new.
    pub fn intern(&mut self, item: &P::Item) -> u32 {
        let hash = self.hasher.hash_one(item);
        let same = |&number: &u32| get(&self.items, &self.ends, number) == item;
        if let Some(&number) = self.table.find(hash, same) {
            return number;
        }
        // its table alone would take 16 GiB: a segment is sealed long before
        let number = u32::try_from(self.ends.len()).expect("fewer than 2^32 distinct items");
        self.items.push(item);
        self.ends.push(self.items.len());
        let (items, ends, hasher) = (&self.items, &self.ends, &self.hasher);
        self.table.insert_unique(hash, number, |&number| {
            hasher.hash_one(get(items, ends, number))
        });
        number
    }

    /// The number of an item, if it is there.
    #[must_use]
    pub fn find(&self, item: &P::Item) -> Option<u32> {
        let same = |&number: &u32| self.get(number) == item;
        self.table.find(self.hasher.hash_one(item), same).copied()
    }

    /// The item of a number that [`Dictionary::intern`] gave.
    #[must_use]
    pub fn get(&self, number: u32) -> &P::Item {
        get(&self.items, &self.ends, number)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Heap bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.items.bytes()
            + self.ends.capacity() * size_of::<usize>()
            + self.table.allocation_size()
    }

    /// Gives back room that is not used, once nothing will be added.
    pub fn shrink(&mut self) {
        self.items.shrink();
        self.ends.shrink_to_fit();
    }
}

fn get<'a, P: Pool>(items: &'a P, ends: &[usize], number: u32) -> &'a P::Item {
    let number = number as usize;
    let start = number.checked_sub(1).map_or(0, |before| ends[before]);
    items.at(start..ends[number])
}

impl Texts {
    /// The symbol of a text, which is added where it is new.
    pub fn symbol(&mut self, text: &str) -> Symbol {
        Symbol(self.intern(text))
    }

    /// The symbol of a text, if it is there.
    #[must_use]
    pub fn find_symbol(&self, text: &str) -> Option<Symbol> {
        self.find(text).map(Symbol)
    }

    /// The text of a symbol of this dictionary.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> &str {
        self.get(symbol.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_text_has_one_number_and_comes_back(texts in prop::collection::vec("[a-cé]{0,3}", 0..60)) {
            let mut dictionary = Texts::default();
            let numbers: Vec<_> = texts.iter().map(|text| dictionary.symbol(text)).collect();
            let mut distinct = texts.clone();
            distinct.sort();
            distinct.dedup();
            prop_assert_eq!(dictionary.count(), distinct.len());
            dictionary.shrink();
            for (text, number) in texts.iter().zip(numbers) {
                prop_assert_eq!(dictionary.text(number), text);
                prop_assert_eq!(dictionary.find_symbol(text), Some(number));
            }
            prop_assert_eq!(dictionary.find("d"), None);
        }
    }

    #[test]
    fn lists_are_told_apart_by_their_borders() {
        let mut lists: Dictionary<Vec<u32>> = Dictionary::default();
        let numbers = [&[1, 2][..], &[1], &[2], &[], &[1, 2]].map(|list| lists.intern(list));
        assert_eq!(numbers, [0, 1, 2, 3, 0]);
        assert_eq!(lists.get(3), &[0_u32; 0]);
    }
}
