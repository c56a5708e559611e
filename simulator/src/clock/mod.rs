//! The drill clock: the one place that maps wall time to drill time. History runs fast, the lead-in
//! and everything after the page at wall speed. It knows neither the load nor the telemetry; who
//! finds the machine too slow tells it so.

mod mapping;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::RwLock;
use scenarios::scenario::History;
use tokio::{sync::watch, time::Instant};

pub use mapping::Mapping;

/// Slowest speed that history may fall to on a slow machine, drill seconds per wall second: at this
/// pace 15 minutes take 3 minutes, beyond which waiting would be worse than a saturated history.
pub const SLOWEST_HISTORY: f64 = 5.0;

/// Maps wall time to drill time. Monotonic; stands still at the beginning of history until
/// [`DrillClock::start`].
#[derive(Debug)]
pub struct DrillClock {
    base: Instant,
    base_wall_ns: i64,
    page_at_ns: i64,
    begin_ns: i64,
    fast_until_ns: i64,
    nominal: f64,
    mapping: RwLock<Mapping>,
    changed: watch::Sender<()>,
}

impl DrillClock {
    /// A clock whose page comes at `page_at_ns` (Unix nanoseconds of drill time) and whose history is as the scenario says.
    #[must_use]
    pub fn new(page_at_ns: i64, history: &History) -> Self {
        let begin_ns = page_at_ns.saturating_sub(nanos(history.span.duration()));
        let lead_in_ns = nanos(history.lead_in.duration());
        let fast_until_ns = page_at_ns.saturating_sub(lead_in_ns).max(begin_ns);
        let base_wall_ns = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, nanos);
        Self {
            base: Instant::now(),
            base_wall_ns,
            page_at_ns,
            begin_ns,
            fast_until_ns,
            nominal: history.speed.max(1.0),
            mapping: RwLock::new(Mapping::new(begin_ns, fast_until_ns)),
            changed: watch::channel(()).0,
        }
    }

    /// 03:00:00 UTC of a date, Unix nanoseconds: when the page of a drill on that date comes.
    #[must_use]
    pub fn page_on(date: jiff::civil::Date) -> i64 {
        date.at(3, 0, 0, 0)
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_or(0, |at| {
                i64::try_from(at.timestamp().as_nanosecond()).unwrap_or(i64::MAX)
            })
    }

    /// The last 03:00:00 UTC that has passed, Unix nanoseconds. It is never to come: what a lab forwards would be ahead of the
    /// clocks of those who receive it, and they would refuse it.
    #[must_use]
    pub fn last_page() -> i64 {
        Self::last_page_before(jiff::Timestamp::now())
    }

    /// See [`DrillClock::last_page`].
    fn last_page_before(now: jiff::Timestamp) -> i64 {
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let page = Self::page_on(today);
        if i128::from(page) <= now.as_nanosecond() {
            return page;
        }
        today.yesterday().map_or(page, Self::page_on)
    }

    /// Begins history, at the scenario's speed. Does nothing when it runs already.
    pub fn start(&self) {
        self.run(self.nominal, true);
    }

    /// Changes the speed of history, from now on, between [`SLOWEST_HISTORY`] and the scenario's. Does nothing before the start,
    /// and nothing once the lead-in has begun: from there on drill time passes as wall time does.
    pub fn set_speed(&self, speed: f64) {
        self.run(
            speed.clamp(SLOWEST_HISTORY.min(self.nominal), self.nominal),
            false,
        );
    }

    fn run(&self, speed: f64, first: bool) {
        let wall_ns = self.wall_now_ns();
        let mut mapping = self.mapping.write();
        if mapping.runs() != first && mapping.drill_at(wall_ns) < self.fast_until_ns {
            mapping.run(wall_ns, speed);
            drop(mapping);
            self.changed.send_replace(());
        } else if first && !mapping.runs() {
            // no fast part at all: history of zero length
            mapping.run(wall_ns, 1.0);
            drop(mapping);
            self.changed.send_replace(());
        }
    }

    /// Drill time now, Unix nanoseconds.
    #[must_use]
    pub fn now_ns(&self) -> i64 {
        self.map_wall_ns(self.wall_now_ns())
    }

    /// Drill time now, Unix milliseconds.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.now_ns() / 1_000_000
    }

    /// Drill time of an instant, Unix nanoseconds.
    #[must_use]
    pub fn at(&self, instant: Instant) -> i64 {
        self.map_wall_ns(self.wall_ns_of(instant))
    }

    /// Drill time of a wall time, both Unix nanoseconds. Wall times before the start are the beginning of history.
    #[must_use]
    pub fn map_wall_ns(&self, wall_unix_ns: i64) -> i64 {
        self.mapping.read().drill_at(wall_unix_ns)
    }

    /// Wall time now, Unix nanoseconds: the system's clock when this one was made, carried on by the monotonic clock.
    #[must_use]
    pub fn wall_now_ns(&self) -> i64 {
        self.wall_ns_of(Instant::now())
    }

    fn wall_ns_of(&self, instant: Instant) -> i64 {
        let after = nanos(instant.saturating_duration_since(self.base));
        self.base_wall_ns.saturating_add(after)
    }

    /// The instant at which drill time was, or will be, `drill_ns`, at the speeds known now; none while the clock stands still.
    #[must_use]
    pub fn instant_of(&self, drill_ns: i64) -> Option<Instant> {
        let wall_ns = self.mapping.read().wall_at(drill_ns)?;
        let after = u64::try_from(wall_ns - self.base_wall_ns).unwrap_or(0);
        self.base.checked_add(Duration::from_nanos(after))
    }

    /// Wall time until drill time is `drill_ns`, at the speeds known now; zero when it is past, `Duration::MAX` while the clock
    /// stands still.
    #[must_use]
    pub fn wall_until(&self, drill_ns: i64) -> Duration {
        self.instant_of(drill_ns).map_or(Duration::MAX, |at| {
            at.saturating_duration_since(Instant::now())
        })
    }

    /// Waits until drill time is `drill_ns`, however the speed changes meanwhile.
    pub async fn sleep_until(&self, drill_ns: i64) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let Some(at) = self.instant_of(drill_ns) else {
                // the sender lives in self: an error is impossible while we borrow it
                let _ = changed.changed().await;
                continue;
            };
            if at <= Instant::now() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(at) => {}
                _ = changed.changed() => {}
            }
        }
    }

    /// Drill seconds per wall second now; 0 before the start.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.mapping.read().speed_at(self.wall_now_ns())
    }

    /// The scenario's speed of history.
    #[must_use]
    pub const fn nominal_speed(&self) -> f64 {
        self.nominal
    }

    /// When history begins, Unix nanoseconds of drill time.
    #[must_use]
    pub const fn begin_ns(&self) -> i64 {
        self.begin_ns
    }

    /// When the lead-in begins and the clock falls to wall speed, Unix nanoseconds of drill time.
    #[must_use]
    pub const fn fast_until_ns(&self) -> i64 {
        self.fast_until_ns
    }

    /// 03:00:00, Unix nanoseconds.
    #[must_use]
    pub const fn page_at_ns(&self) -> i64 {
        self.page_at_ns
    }
}

/// A duration in whole nanoseconds, at most 292 years.
pub(crate) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::span::Span;

    const PAGE: i64 = 1_800_000_000_000_000_000;

    fn clock() -> DrillClock {
        DrillClock::new(
            PAGE,
            &History {
                span: Span::from_millis(900_000),
                speed: 100.0,
                lead_in: Span::from_millis(10_000),
            },
        )
    }

    #[tokio::test(start_paused = true)]
    async fn history_is_made_fast_and_the_lead_in_at_wall_speed() {
        let clock = clock();
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(
            clock.now_ns(),
            PAGE - 900_000_000_000,
            "stands before the start"
        );
        clock.start();
        let began = Instant::now();
        clock.sleep_until(PAGE).await;
        // 890 s at 100x are 8.9 s, then 10 s; timers tick in milliseconds
        let took = began.elapsed();
        assert!((18_899..=18_902).contains(&took.as_millis()), "{took:?}");
        clock.sleep_until(PAGE + 5_000_000_000).await;
        assert!((23_899..=23_903).contains(&began.elapsed().as_millis()));
        assert!((clock.speed() - 1.0).abs() < 1e-9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleeper_wakes_later_when_the_clock_slows_down() {
        let clock = std::sync::Arc::new(clock());
        clock.start();
        let began = Instant::now();
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move {
                clock.sleep_until(PAGE - 500_000_000_000).await;
                Instant::now()
            })
        };
        tokio::time::sleep(Duration::from_secs(2)).await;
        clock.set_speed(50.0);
        let woke = sleeper.await.unwrap();
        // 200 s at 100x, 200 s at 50x
        assert!((5_999..=6_003).contains(&(woke - began).as_millis()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_speed_is_fixed_once_the_lead_in_began() {
        let clock = clock();
        clock.set_speed(50.0);
        assert!(clock.speed().abs() < 1e-9, "not started");
        clock.start();
        clock.sleep_until(PAGE).await;
        clock.set_speed(50.0);
        assert!((clock.speed() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_page_comes_at_three_in_the_morning() {
        for (now, page) in [
            ("2026-11-21T02:59:59Z", 20),
            ("2026-11-21T03:00:00Z", 21),
            ("2026-11-21T23:59:59Z", 21),
        ] {
            let last = DrillClock::last_page_before(now.parse().unwrap());
            assert_eq!(
                last,
                DrillClock::page_on(jiff::civil::date(2026, 11, page)),
                "{now}"
            );
        }
        let at = DrillClock::page_on(jiff::civil::date(2026, 11, 21));
        assert_eq!(
            jiff::Timestamp::from_nanosecond(i128::from(at))
                .unwrap()
                .to_string(),
            "2026-11-21T03:00:00Z"
        );
    }
}
