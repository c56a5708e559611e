//! Drill time on the screen: clock faces and the one window that rules all views. Knows no wall clock:
//! the time now is handed in, in Unix milliseconds of drill time.

/// Time of day of a drill time, `HH:MM:SS` in UTC.
#[must_use]
pub fn clock(at_ms: i64) -> String {
    let s = at_ms.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// Time of day with milliseconds, `HH:MM:SS.mmm`.
#[must_use]
pub fn clock_millis(at_ms: i64) -> String {
    format!("{}.{:03}", clock(at_ms), at_ms.rem_euclid(1000))
}

/// A signed distance as `+04:12` or `-00:30`, with hours where there are any.
#[must_use]
pub fn offset(ms: i64) -> String {
    let sign = if ms < 0 { '-' } else { '+' };
    let s = ms.unsigned_abs() / 1000;
    if s >= 3600 {
        format!("{sign}{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    } else {
        format!("{sign}{:02}:{:02}", s / 60, s % 60)
    }
}

/// A stretch of drill time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Begin, inclusive.
    pub start_ms: i64,
    /// End, exclusive.
    pub end_ms: i64,
}

impl Window {
    /// Length in milliseconds, at least one.
    #[must_use]
    pub fn length_ms(self) -> i64 {
        (self.end_ms - self.start_ms).max(1)
    }

    /// Step for a query that should give about `points` points: whole seconds, at least one.
    #[must_use]
    pub fn step_s(self, points: usize) -> i64 {
        (self.length_ms() / 1000 / i64::try_from(points.max(1)).unwrap_or(i64::MAX)).max(1)
    }
}

/// The spans that `t` walks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// One minute.
    Minute,
    /// Five minutes.
    Five,
    /// Fifteen minutes.
    Fifteen,
    /// All of the history.
    All,
}

impl Span {
    /// The next one, round and round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Minute => Self::Five,
            Self::Five => Self::Fifteen,
            Self::Fifteen => Self::All,
            Self::All => Self::Minute,
        }
    }

    /// As shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::Five => "5m",
            Self::Fifteen => "15m",
            Self::All => "all",
        }
    }
}

/// Shortest window that zooming reaches, milliseconds: below it a step of a second shows nothing more.
const SHORTEST_MS: i64 = 10_000;
/// For so long after the end of a held window late records may still come into it, milliseconds.
const LATE_MS: i64 = 5_000;
/// Longest window, milliseconds: a day, as drills are shorter.
const LONGEST_MS: i64 = 86_400_000;

/// What part of time is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    span: Span,
    /// Set by zooming and by narrowing to a span; overrules `span`.
    width_ms: Option<i64>,
    /// Where the window ends when it does not follow now.
    end_ms: Option<i64>,
    /// Drill time now.
    pub now_ms: i64,
    /// When history begins.
    pub history_start_ms: i64,
}

impl Default for Range {
    fn default() -> Self {
        Self {
            span: Span::Fifteen,
            width_ms: None,
            end_ms: None,
            now_ms: 0,
            history_start_ms: 0,
        }
    }
}

impl Range {
    /// The window looked at now.
    #[must_use]
    pub fn window(&self) -> Window {
        let end_ms = self.end_ms.unwrap_or(self.now_ms);
        let width = self.width_ms.unwrap_or(match self.span {
            Span::Minute => 60_000,
            Span::Five => 300_000,
            Span::Fifteen => 900_000,
            Span::All => (end_ms - self.history_start_ms).clamp(SHORTEST_MS, LONGEST_MS),
        });
        Window {
            start_ms: end_ms - width,
            end_ms,
        }
    }

    /// The part of the window that has passed: what can be asked about, as nothing is known of what is to come.
    #[must_use]
    pub fn passed(&self) -> Window {
        let Window { start_ms, end_ms } = self.window();
        Window {
            start_ms,
            end_ms: end_ms.min(self.now_ms.max(start_ms + 1000)),
        }
    }

    /// Whether the window follows now.
    #[must_use]
    pub fn follows(&self) -> bool {
        self.end_ms.is_none()
    }

    /// `t`: the next span, following now.
    pub fn cycle(&mut self) {
        self.span = self.span.next();
        self.width_ms = None;
        self.end_ms = None;
    }

    /// `Space`: stops at this moment, or follows again.
    pub fn toggle_follow(&mut self) {
        self.end_ms = if self.end_ms.is_some() {
            None
        } else {
            Some(self.now_ms)
        };
    }

    /// The same choice of window at another now.
    #[must_use]
    pub fn at(self, now_ms: i64, history_start_ms: i64) -> Self {
        Self {
            now_ms,
            history_start_ms,
            ..self
        }
    }

    /// Whether another range is the same choice of window, whatever the time was then.
    #[must_use]
    pub fn same_choice(self, other: Self) -> bool {
        self.at(0, 0) == other.at(0, 0)
    }

    /// `z`, `Z`: half or twice the window, about its middle when held, about now when following.
    pub fn zoom(&mut self, closer: bool) {
        let window = self.window();
        let length = window.length_ms();
        let width = (if closer { length / 2 } else { length * 2 }).clamp(SHORTEST_MS, LONGEST_MS);
        if let Some(end) = self.end_ms.as_mut() {
            let middle = window.start_ms + length / 2;
            // what is still to come is not reached by zooming
            *end = (middle + width / 2).min(self.now_ms.max(window.end_ms));
        }
        self.width_ms = Some(width);
    }

    /// `H`, `L`: shifts by half a window; reaching now follows again.
    pub fn shift(&mut self, later: bool) {
        let window = self.window();
        let by = window.length_ms() / 2;
        self.width_ms = Some(window.length_ms());
        let end_ms = window.end_ms + if later { by } else { -by };
        self.end_ms = Some(end_ms).filter(|end| !later || *end < self.now_ms);
    }

    /// Looks at exactly this stretch and holds it, also where its end is still to come; one that is too short is
    /// widened on both sides.
    pub fn narrow(&mut self, window: Window) {
        let width = window.length_ms().clamp(SHORTEST_MS, LONGEST_MS);
        let more = (width - window.length_ms()).max(0);
        self.width_ms = Some(width);
        self.end_ms = Some(window.end_ms + more / 2);
    }

    /// How much of a held window is still to come, milliseconds.
    #[must_use]
    pub fn to_come_ms(self) -> i64 {
        self.end_ms.map_or(0, |end| (end - self.now_ms).max(0))
    }

    /// Whether what is in the window can still change: it follows now, or its end has not long been reached.
    #[must_use]
    pub fn grows(&self) -> bool {
        self.end_ms.is_none_or(|end| end + LATE_MS > self.now_ms)
    }

    /// As the header shows it: `15m ▶ follow`, `02:50:00–02:55:00 ‖ held`, and `filling` while its end is to come.
    #[must_use]
    pub fn label(&self) -> String {
        match (self.end_ms, self.width_ms) {
            (None, None) => format!("{} ▶ follow", self.span.name()),
            (None, Some(width)) => {
                format!("{} ▶ follow", crate::text::stretch(width))
            }
            (Some(_), _) => {
                let window = self.window();
                let filling = if self.to_come_ms() > 0 {
                    ", filling"
                } else {
                    ""
                };
                let (start, end) = (clock(window.start_ms), clock(window.end_ms));
                format!("{start}–{end} ‖ held{filling}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(now_ms: i64) -> Range {
        Range {
            now_ms,
            history_start_ms: now_ms - 1_200_000,
            ..Range::default()
        }
    }

    #[test]
    fn three_in_the_morning_reads_so() {
        assert_eq!(
            clock(1_760_000_400_000 - 1_760_000_400_000 % 86_400_000 + 3 * 3_600_000),
            "03:00:00"
        );
        assert_eq!(offset(252_000), "+04:12");
        assert_eq!(offset(-30_000), "-00:30");
    }

    #[test]
    fn the_spans_go_round() {
        let mut range = at(10_000_000);
        assert_eq!(range.window().length_ms(), 900_000);
        range.cycle();
        assert_eq!(range.window().length_ms(), 1_200_000);
        range.cycle();
        assert_eq!(range.window().length_ms(), 60_000);
    }

    #[test]
    fn shifting_back_holds_and_shifting_to_now_follows() {
        let mut range = at(10_000_000);
        range.shift(false);
        assert!(!range.follows());
        assert_eq!(range.window().end_ms, 10_000_000 - 450_000);
        range.shift(true);
        assert!(range.follows());
    }

    #[test]
    fn a_window_whose_end_is_to_come_is_held_as_it_was_asked_for() {
        let mut range = at(10_000_000);
        let asked = Window {
            start_ms: 10_000_000 - 120_000,
            end_ms: 10_000_000 + 120_000,
        };
        range.narrow(asked);
        assert!(!range.follows() && range.grows());
        assert_eq!(range.window(), asked);
        assert_eq!(range.passed().end_ms, 10_000_000);
        assert!(
            range.label().ends_with("‖ held, filling"),
            "{}",
            range.label()
        );
        range.now_ms += 60_000;
        assert_eq!((range.window(), range.to_come_ms()), (asked, 60_000));
        range.now_ms += 61_000;
        assert!(range.grows() && range.label().ends_with("‖ held"));
        range.now_ms += 5_000;
        assert!(!range.grows());
        assert_eq!((range.window(), range.passed()), (asked, asked));
        range.toggle_follow();
        assert!(range.follows(), "Space follows");
    }

    #[test]
    fn zooming_and_shifting_back_hold_what_was_held_and_reach_for_nothing_to_come() {
        let mut range = at(10_000_000);
        range.toggle_follow();
        range.zoom(false);
        assert_eq!(range.window().end_ms, 10_000_000);
        assert_eq!(range.window().length_ms(), 1_800_000);
        range.narrow(Window {
            start_ms: 9_990_000,
            end_ms: 10_230_000,
        });
        range.shift(false);
        assert_eq!(range.window().end_ms, 10_110_000);
        range.shift(true);
        assert!(range.follows());
    }

    #[test]
    fn zooming_a_held_window_keeps_its_middle() {
        let mut range = at(10_000_000);
        range.shift(false);
        let before = range.window();
        range.zoom(true);
        let after = range.window();
        assert_eq!(
            before.start_ms + before.length_ms() / 2,
            after.start_ms + after.length_ms() / 2
        );
        assert_eq!(after.length_ms(), 450_000);
    }
}
