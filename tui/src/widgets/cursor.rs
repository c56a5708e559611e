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
}

impl Cursor {
    /// The selected row of a list that has `len` rows now.
    #[must_use]
    pub fn of(self, len: usize) -> usize {
        self.at.min(len.saturating_sub(1))
    }

    /// Moves within `len` rows.
    pub fn go(&mut self, motion: Motion, len: usize, page: usize) {
        let last = len.saturating_sub(1);
        self.at = self
            .of(len)
            .saturating_add_signed(motion.rows(page))
            .min(last);
    }
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
    fn the_selected_row_is_always_seen() {
        for selected in 0..50 {
            let first = first_row(selected, 50, 7);
            assert!((first..first + 7).contains(&selected));
        }
    }
}
