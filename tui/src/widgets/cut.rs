//! Cutting an area into parts; every cut is made as far as there is room.

use ratatui::layout::Rect;

/// So many rows from the top, and the rest.
#[must_use]
pub fn top(area: Rect, rows: u16) -> (Rect, Rect) {
    let height = rows.min(area.height);
    let rest = Rect {
        y: area.y + height,
        height: area.height - height,
        ..area
    };
    (Rect { height, ..area }, rest)
}

/// What is left above, and so many rows at the bottom.
#[must_use]
pub fn bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    top(area, area.height - rows.min(area.height))
}

/// So many columns from the left, and the rest behind a column of space.
#[must_use]
pub fn left(area: Rect, columns: u16) -> (Rect, Rect) {
    let width = columns.min(area.width);
    let gap = u16::from(area.width > width);
    let rest = Rect {
        x: area.x + width + gap,
        width: area.width - width - gap,
        ..area
    };
    (Rect { width, ..area }, rest)
}

/// Without the first column.
#[must_use]
pub fn indented(area: Rect) -> Rect {
    let by = area.width.min(1);
    Rect {
        x: area.x + by,
        width: area.width - by,
        ..area
    }
}

/// A count as cells; more than a screen has is as many as it can have.
#[must_use]
pub fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_part_leaves_its_area(x in 0_u16..50, y in 0_u16..50, w in 0_u16..50, h in 0_u16..50, n in 0_u16..80) {
            let area = Rect::new(x, y, w, h);
            for (one, two) in [top(area, n), bottom(area, n), left(area, n)] {
                prop_assert_eq!(one.intersection(area), one);
                prop_assert!(two.right() <= area.right() && two.bottom() <= area.bottom());
            }
        }
    }
}
