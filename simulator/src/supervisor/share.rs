//! How new connections are dealt out between two releases of a service. Pure.

/// Turns in a round: shares are exact to a twentieth.
const ROUND: usize = 20;

/// The order in which new connections go to the instances of the release in force and of the one that is tried, of which the
/// latter gets `percent` of a hundred. A side that has no instance leaves everything to the other, unless its share is nothing.
pub(super) fn turns<T: Copy>(old: &[T], new: &[T], percent: u8) -> Vec<T> {
    let to_new = (usize::from(percent.min(100)) * ROUND).div_ceil(100);
    if to_new == 0 || new.is_empty() {
        return old.to_vec();
    }
    if to_new == ROUND || old.is_empty() {
        return new.to_vec();
    }
    let (mut next_old, mut next_new) = (old.iter().cycle(), new.iter().cycle());
    // instances of one side take turns over as many rounds as they are
    (0..ROUND * old.len().max(new.len()))
        .filter_map(|turn| {
            let before = turn % ROUND * to_new / ROUND;
            let after = (turn % ROUND + 1) * to_new / ROUND;
            let side = if after > before {
                &mut next_new
            } else {
                &mut next_old
            };
            side.next().copied()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_kept_and_spread_over_the_round() {
        let dealt = turns(&["a"], &["b"], 20);
        assert_eq!(dealt.len(), ROUND);
        assert_eq!(dealt.iter().filter(|one| **one == "b").count(), 4);
        assert!(dealt.windows(4).all(|four| four.contains(&"a")));
        assert!(dealt.windows(5).all(|five| five.contains(&"b")));
        let many = turns(&["a", "c", "d"], &["b", "e", "f"], 50);
        for one in ["a", "b", "c", "d", "e", "f"] {
            assert_eq!(many.iter().filter(|other| **other == one).count(), 10);
        }
    }

    #[test]
    fn nothing_all_and_sides_without_instances() {
        assert_eq!(turns(&["a"], &["b"], 0), ["a"]);
        assert_eq!(turns(&["a"], &["b"], 100), ["b"]);
        assert_eq!(turns(&["a"], &["b"], 255), ["b"]);
        assert_eq!(turns(&["a"], &[], 50), ["a"]);
        assert_eq!(turns(&[], &["b"], 50), ["b"]);
        assert!(turns::<u8>(&[], &[1], 0).is_empty());
        assert!(turns(&["a"], &["b"], 1).contains(&"b"));
    }
}
