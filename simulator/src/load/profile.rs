//! What the load is made of at a moment: how many journeys, and which shares of them do what. Pure.

use scenarios::{effect::LoadChange, scenario::Load};

/// The load at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    /// Journeys begun per second of drill time.
    pub journeys_per_s: f64,
    /// Share of journeys that check out.
    pub checkout_share: f64,
    /// Share that look at their order history.
    pub history_share: f64,
    /// Share of carts with a bundle.
    pub bundle_share: f64,
    /// Share of journeys by long-time customers.
    pub long_time_share: f64,
    /// Mean think time between steps, seconds of drill time.
    pub think_s: f64,
}

impl Profile {
    /// As the scenario begins.
    #[must_use]
    pub fn of(load: &Load) -> Self {
        Self {
            journeys_per_s: load.journeys_per_s,
            checkout_share: load.checkout_share,
            history_share: load.history_share,
            bundle_share: load.bundle_share,
            long_time_share: load.long_time_share,
            think_s: load.think.duration().as_secs_f64(),
        }
    }

    /// With a change; what it does not name stays.
    #[must_use]
    pub fn with(self, change: &LoadChange) -> Self {
        Self {
            journeys_per_s: change.journeys_per_s.unwrap_or(self.journeys_per_s),
            checkout_share: change.checkout_share.unwrap_or(self.checkout_share),
            history_share: change.history_share.unwrap_or(self.history_share),
            bundle_share: change.bundle_share.unwrap_or(self.bundle_share),
            long_time_share: change.long_time_share.unwrap_or(self.long_time_share),
            think_s: self.think_s,
        }
    }
}
