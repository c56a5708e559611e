//! The piecewise linear map from wall time to drill time, and back. Pure: it is told what time it is.

/// From `wall_ns` on, drill time goes on from `drill_ns` at `speed`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    wall_ns: i64,
    drill_ns: i64,
    speed: f64,
}

/// Wall to drill time, both Unix nanoseconds. Continuous and never decreasing.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    begin_ns: i64,
    fast_until_ns: i64,
    /// By wall time. A change of speed adds at most one; the speed changes some ten times a second for the seconds that
    /// history takes, so there are a few hundred at most.
    pieces: Vec<Piece>,
}

impl Mapping {
    /// Stands at `begin_ns`. Once it runs, it falls to wall speed at `fast_until_ns`.
    #[must_use]
    pub const fn new(begin_ns: i64, fast_until_ns: i64) -> Self {
        Self {
            begin_ns,
            fast_until_ns,
            pieces: Vec::new(),
        }
    }

    /// Whether it was ever set running.
    #[must_use]
    pub const fn runs(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// From `wall_ns` on runs at `speed` (above 0) until the fast part ends. What is past stays as it was.
    pub fn run(&mut self, wall_ns: i64, speed: f64) {
        let drill_ns = self.drill_at(wall_ns);
        self.pieces.retain(|piece| piece.wall_ns < wall_ns);
        if drill_ns >= self.fast_until_ns {
            self.pieces.push(Piece {
                wall_ns,
                drill_ns,
                speed: 1.0,
            });
            return;
        }
        let fast_wall_ns = rounded_up(span(drill_ns, self.fast_until_ns) / speed);
        self.pieces.push(Piece {
            wall_ns,
            drill_ns,
            speed,
        });
        self.pieces.push(Piece {
            wall_ns: wall_ns.saturating_add(fast_wall_ns),
            drill_ns: self.fast_until_ns,
            speed: 1.0,
        });
    }

    /// Drill time at a wall time.
    #[must_use]
    pub fn drill_at(&self, wall_ns: i64) -> i64 {
        let Some(index) = self
            .pieces
            .iter()
            .rposition(|piece| piece.wall_ns <= wall_ns)
        else {
            return self.begin_ns;
        };
        let piece = self.pieces[index];
        let drill_ns = piece
            .drill_ns
            .saturating_add(rounded_down(span(piece.wall_ns, wall_ns) * piece.speed));
        match self.pieces.get(index + 1) {
            Some(next) => drill_ns.min(next.drill_ns),
            None => drill_ns,
        }
    }

    /// First wall time at which drill time is not before `drill_ns`; none while it stands.
    #[must_use]
    pub fn wall_at(&self, drill_ns: i64) -> Option<i64> {
        let piece = self
            .pieces
            .iter()
            .rev()
            .find(|piece| piece.drill_ns <= drill_ns)
            .or_else(|| self.pieces.first())?;
        let ahead = span(piece.drill_ns, drill_ns).max(0.0);
        Some(
            piece
                .wall_ns
                .saturating_add(rounded_up(ahead / piece.speed)),
        )
    }

    /// Drill seconds per wall second at a wall time; 0 while it stands.
    #[must_use]
    pub fn speed_at(&self, wall_ns: i64) -> f64 {
        self.pieces
            .iter()
            .rev()
            .find(|piece| piece.wall_ns <= wall_ns)
            .map_or(0.0, |piece| piece.speed)
    }
}

/// Nanoseconds from `a` to `b`. Drills last hours: far below the 104 days that an `f64` holds exactly.
#[allow(clippy::cast_precision_loss)]
fn span(a: i64, b: i64) -> f64 {
    b.saturating_sub(a) as f64
}

#[allow(clippy::cast_possible_truncation)] // saturates
fn rounded_down(nanos: f64) -> i64 {
    nanos.floor() as i64
}

#[allow(clippy::cast_possible_truncation)] // saturates
fn rounded_up(nanos: f64) -> i64 {
    nanos.ceil() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BEGIN: i64 = 1_000_000_000_000;
    const FAST_UNTIL: i64 = BEGIN + 893_000_000_000;

    proptest! {
        #[test]
        fn drill_time_never_runs_backwards_whatever_the_speeds(
            changes in proptest::collection::vec((1i64..2_000_000_000, 1.0f64..200.0), 1..30),
            mut asked in proptest::collection::vec(0i64..120_000_000_000, 2..50),
        ) {
            let mut mapping = Mapping::new(BEGIN, FAST_UNTIL);
            let mut wall = 0;
            for (gap, speed) in changes {
                let before = mapping.drill_at(wall + gap);
                wall += gap;
                mapping.run(wall, speed);
                prop_assert_eq!(mapping.drill_at(wall), before, "continuous");
            }
            asked.sort_unstable();
            let drill: Vec<_> = asked.iter().map(|wall| mapping.drill_at(*wall)).collect();
            prop_assert!(drill.is_sorted());
        }

        #[test]
        fn the_way_back_is_the_first_moment_not_before(
            speeds in proptest::collection::vec(5.0f64..200.0, 1..10),
            ahead in 0i64..2_000_000_000_000,
        ) {
            let mut mapping = Mapping::new(BEGIN, FAST_UNTIL);
            for (k, speed) in (0i64..).zip(speeds) {
                mapping.run(k * 300_000_000, speed);
            }
            let drill = BEGIN + ahead;
            let wall = mapping.wall_at(drill).unwrap();
            prop_assert!(mapping.drill_at(wall) + 1 >= drill);
            if wall > 0 {
                prop_assert!(mapping.drill_at(wall - 1) <= drill);
            }
        }
    }

    #[test]
    fn past_the_fast_part_a_second_is_a_second() {
        let mut mapping = Mapping::new(BEGIN, FAST_UNTIL);
        mapping.run(0, 100.0);
        let end = mapping.wall_at(FAST_UNTIL).unwrap();
        assert_eq!(end, 8_930_000_000);
        assert_eq!(
            mapping.drill_at(end + 7_000_000_000),
            FAST_UNTIL + 7_000_000_000
        );
    }
}
