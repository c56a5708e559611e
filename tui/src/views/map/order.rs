//! What the list of the map is sorted by, and the way from one failing call to the next.

use super::state::{self, CONCERN, Item};
use crate::app::App;
use crate::client::graph::Edge;
use crate::widgets::cursor::{Cursor, beyond};

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// From the edge of the shop inwards, each service followed by its calls.
    #[default]
    Flow,
    /// The calls of which the greatest share fails.
    Errors,
    /// The slowest calls, by their 99th percentile.
    Slowness,
    /// The most frequent calls.
    Rate,
}

impl Order {
    /// Its name; none of the one that nobody has chosen.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Flow => None,
            Self::Errors => Some("by errors"),
            Self::Slowness => Some("by p99"),
            Self::Rate => Some("by rate"),
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Flow => Self::Errors,
            Self::Errors => Self::Slowness,
            Self::Slowness => Self::Rate,
            Self::Rate => Self::Flow,
        }
    }

    /// The figure of a call that counts.
    #[must_use]
    pub fn of(self, edge: &Edge) -> f64 {
        match self {
            Self::Flow => 0.0,
            Self::Errors => edge.error_share,
            Self::Slowness => edge.p99_ms.unwrap_or(0.0),
            Self::Rate => edge.rate,
        }
    }
}

/// `s`: sorts the calls by the next figure; the first of them is selected.
pub fn sort(app: &mut App) {
    app.views.map.order = app.views.map.order.next();
    app.views.map.at = Cursor::default();
}

/// `i`: the other way round.
pub fn invert(app: &mut App) {
    if app.views.map.order == Order::Flow {
        let key = app.key_of("sort");
        return app.say(format!("{key} sorts first: by errors, by p99, by rate"));
    }
    app.views.map.inverted = !app.views.map.inverted;
    app.views.map.at = Cursor::default();
}

/// `e`, `E`: to the next or previous service or call of which a share fails that is of concern.
pub fn next_failing(app: &mut App, forward: bool) {
    let items = state::items(app);
    let fails = |item: &Item<'_>| match item {
        Item::Node(name) => state::node(app, name).is_some_and(|n| state::failed(n) >= CONCERN.0),
        Item::Edge(edge) => edge.error_share >= CONCERN.0,
    };
    let places: Vec<usize> = (0..items.len()).filter(|i| fails(&items[*i])).collect();
    match beyond(&places, app.views.map.at.of(items.len()), forward) {
        Some(next) => app.views.map.at = Cursor::put(next),
        None => app.say("no call fails to an extent that is of concern"),
    }
}
