//! A place in a list.

/// A movement that a person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One up.
    Up,
    /// One down.
    Down,
    /// One to the left, or fold.
    Left,
    /// One to the right, or unfold.
    Right,
    /// To the first.
    Top,
    /// To the last.
    Bottom,
    /// Half a page up.
    HalfUp,
    /// Half a page down.
    HalfDown,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
}

impl Motion {
    /// By how many rows it moves on a page of that many rows; left and right move none.
    #[must_use]
    pub fn rows(self, page: usize) -> isize {
        let page = isize::try_from(page.max(2)).unwrap_or(isize::MAX / 2);
        match self {
            Self::Up => -1,
            Self::Down => 1,
            Self::Left | Self::Right => 0,
            Self::Top => isize::MIN / 2,
            Self::Bottom => isize::MAX / 2,
            Self::HalfUp => -(page / 2),
            Self::HalfDown => page / 2,
            Self::PageUp => -page,
            Self::PageDown => page,
        }
    }
}

/// The selected row of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Index of the selected row; to be read through [`Cursor::of`].
    pub at: usize,
    /// Whether a person has put it there; until then, and after being sent to the top, it follows the first row.
    picked: bool,
}

impl Cursor {
    /// A cursor that a person has put on a row.
    #[must_use]
    pub fn put(at: usize) -> Self {
        Self { at, picked: true }
    }

    /// Whether it belongs to the record it stands on, so that it goes where that goes when the list is read again;
    /// otherwise it stays on the first row, whatever comes to stand there.
    #[must_use]
    pub fn picked(self) -> bool {
        self.picked || self.at > 0
    }

    /// The selected row of a list that has `len` rows now.
    #[must_use]
    pub fn of(self, len: usize) -> usize {
        self.at.min(len.saturating_sub(1))
    }

    /// Moves within `len` rows.
    pub fn go(&mut self, motion: Motion, len: usize, page: usize) {
        let last = len.saturating_sub(1);
        let before = self.of(len);
        self.at = before.saturating_add_signed(motion.rows(page)).min(last);
        if motion == Motion::Top {
            self.picked = false;
        } else if self.at != before {
            self.picked = true;
        }
    }

    /// Moves to the first item of the next or previous section; items of one kind that stand together are a section.
    pub fn section<T>(&mut self, items: &[T], forward: bool) {
        let kind = |i: usize| std::mem::discriminant(&items[i]);
        let starts: Vec<usize> = (0..items.len())
            .filter(|i| *i == 0 || kind(*i) != kind(i - 1))
            .collect();
        if let Some(next) = beyond(&starts, self.of(items.len()), forward) {
            *self = Self::put(next);
        }
    }

    /// Goes where the record went that it stood on, found at a place in the list that has just been read again. False
    /// when the record is gone: it stays on its row, as near as the list allows.
    pub fn went_to(&mut self, place: Option<usize>, len: usize) -> bool {
        self.at = place.unwrap_or(self.of(len));
        place.is_some()
    }
}

/// All places of a list, from the one after (or before) a place on, round the end, that place itself last.
pub fn round(len: usize, at: usize, forward: bool) -> impl Iterator<Item = usize> {
    (1..=len).map(move |step| {
        let by = if forward { step } else { len - step };
        (at + by) % len
    })
}

/// The nearest of some places (in their order) beyond one, round the end; none when there are none.
#[must_use]
pub fn beyond(places: &[usize], at: usize, forward: bool) -> Option<usize> {
    let next = match forward {
        true => places.iter().find(|p| **p > at).or(places.first()),
        false => places.iter().rev().find(|p| **p < at).or(places.last()),
    };
    next.copied()
}

/// First row to draw, so that the selected one is seen, with as much around it as there is.
#[must_use]
pub fn first_row(selected: usize, len: usize, height: usize) -> usize {
    selected
        .saturating_sub(height / 2)
        .min(len.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_stays_in_its_list() {
        let mut cursor = Cursor::default();
        cursor.go(Motion::Up, 10, 5);
        assert_eq!(cursor.at, 0);
        cursor.go(Motion::Bottom, 10, 5);
        assert_eq!(cursor.at, 9);
        assert_eq!(cursor.of(3), 2);
        cursor.go(Motion::Top, 0, 0);
        assert_eq!(cursor.at, 0);
    }

    #[test]
    fn a_row_that_a_person_chose_is_kept_and_the_top_is_followed() {
        let mut cursor = Cursor::default();
        cursor.go(Motion::Up, 10, 5);
        assert!(!cursor.picked(), "nothing has moved");
        cursor.go(Motion::Down, 10, 5);
        cursor.go(Motion::Up, 10, 5);
        assert!(cursor.picked(), "row 0 was chosen");
        assert!(cursor.went_to(Some(4), 10));
        assert!(!cursor.went_to(None, 3));
        assert_eq!(cursor.at, 2);
        cursor.go(Motion::Top, 10, 5);
        assert!(!cursor.picked());
    }

    #[test]
    fn sections_and_matches_go_round_the_end() {
        let items = [Some(1), Some(2), None, None, Some(3)];
        let mut cursor = Cursor::put(1);
        let mut seen = Vec::new();
        for forward in [true, true, true, false, false] {
            cursor.section(&items, forward);
            seen.push(cursor.at);
        }
        assert_eq!(seen, [2, 4, 0, 4, 2]);
        assert_eq!(round(4, 2, true).collect::<Vec<_>>(), [3, 0, 1, 2]);
        assert_eq!(round(4, 2, false).collect::<Vec<_>>(), [1, 0, 3, 2]);
        assert_eq!(round(0, 0, true).count(), 0);
        assert_eq!(beyond(&[], 3, true), None);
    }

    #[test]
    fn the_selected_row_is_always_seen() {
        for selected in 0..50 {
            let first = first_row(selected, 50, 7);
            assert!((first..first + 7).contains(&selected));
        }
    }
}
