//! Journeys: what a customer does, as a pure function of seed, stream and index. Every chance is drawn
//! from the journey's own stream in a fixed order, so that one journey never shifts another, and the
//! same journeys come again in every proof.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, LogNormal, Pareto};
use scenarios::{
    seed::Seed,
    shop::{BUNDLE_GOODS, CUSTOMERS, CartLine, GOODS, LONG_TIME_CUSTOMERS},
};

use super::Profile;

/// Lines of a cart at most: a heavy tail has no end, a shop does.
const MOST_LINES: usize = 25;
/// Pieces of one article at most.
const MOST_PIECES: u32 = 12;
/// Pages that a customer browses at most.
const MOST_PAGES: u32 = 6;
/// Share of customers who look at one more page.
const ONE_MORE_PAGE: f64 = 0.45;
/// Share of carts that are filled and left behind, among journeys that do not check out.
const ABANDONED: f64 = 0.15;
/// Number of lines: log-normal with a median of e^0.6 ≈ 1.8 and a tail beyond ten.
const LINES: (f64, f64) = (0.6, 0.75);
/// Pieces of an article: Pareto with this exponent, from one piece on.
const PIECES_EXPONENT: f64 = 1.9;

/// One thing a customer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// `POST /login`.
    Login,
    /// `GET /browse?page=N&customer=C`.
    Browse(u32),
    /// `PUT /carts/{customer}`.
    Cart,
    /// `POST /checkout`.
    Checkout,
    /// `GET /orders/{customer}`.
    History,
}

impl Step {
    /// All kinds, in the order of their places.
    pub const KINDS: [&'static str; 5] = ["login", "browse", "cart", "checkout", "history"];

    /// Place of its kind in [`Step::KINDS`].
    #[must_use]
    pub const fn place(self) -> usize {
        match self {
            Self::Login => 0,
            Self::Browse(_) => 1,
            Self::Cart => 2,
            Self::Checkout => 3,
            Self::History => 4,
        }
    }

    /// Its kind: the `step` label.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        Self::KINDS[self.place()]
    }
}

/// What one customer does.
#[derive(Debug, Clone, PartialEq)]
pub struct Journey {
    /// Number within its stream.
    pub index: u64,
    /// Customer.
    pub customer: u32,
    /// Steps, each with the think time before it, seconds of drill time.
    pub steps: Vec<(f64, Step)>,
    /// Cart, used by [`Step::Cart`].
    pub lines: Vec<CartLine>,
}

/// Where the journeys of a stream come from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Seed of the plan.
    pub seed: Seed,
    /// Name of the stream, as in `live` or `proof`.
    pub stream: &'a str,
}

impl Source<'_> {
    pub(super) fn rng(self, purpose: &str, index: u64) -> ChaCha8Rng {
        self.seed
            .stream(&format!("load/{}/{purpose}/{index}", self.stream))
    }

    /// Gap before journey `index`, in mean gaps: exponential with mean 1, which makes the arrivals Poisson.
    #[must_use]
    pub fn gap(self, index: u64) -> f64 {
        Exp1.sample(&mut self.rng("gap", index))
    }

    /// What journey `index` does when the load is `profile`.
    #[must_use]
    pub fn journey(self, index: u64, profile: &Profile) -> Journey {
        let mut rng = self.rng("journey", index);
        let mut chance = |share: f64| rng.random::<f64>() < share;
        let long_time = chance(profile.long_time_share);
        let checks_out = chance(profile.checkout_share);
        let looks_back = chance(profile.history_share);
        let bundle = chance(profile.bundle_share);
        let abandons = chance(ABANDONED);
        let customer = if long_time {
            rng.random_range(0..LONG_TIME_CUSTOMERS)
        } else {
            rng.random_range(LONG_TIME_CUSTOMERS..CUSTOMERS)
        };
        let lines = basket(bundle, &mut rng);
        let mut steps = vec![Step::Login, Step::Browse(page(&mut rng))];
        for _ in 1..MOST_PAGES {
            if rng.random::<f64>() < ONE_MORE_PAGE {
                steps.push(Step::Browse(page(&mut rng)));
            }
        }
        if looks_back {
            steps.push(Step::History);
        }
        if checks_out || abandons {
            steps.push(Step::Cart);
        }
        if checks_out {
            steps.push(Step::Checkout);
        }
        let mut think = || -> f64 {
            let mean_gaps: f64 = Exp1.sample(&mut rng);
            mean_gaps * profile.think_s
        };
        let steps = steps
            .into_iter()
            .enumerate()
            .map(|(k, step)| (if k == 0 { 0.0 } else { think() }, step))
            .collect();
        Journey {
            index,
            customer,
            steps,
            lines,
        }
    }
}

/// Pages of twenty goods.
fn page(rng: &mut ChaCha8Rng) -> u32 {
    rng.random_range(0..GOODS / 20)
}

/// A cart: few lines mostly, many sometimes, each article once.
fn basket(bundle: bool, rng: &mut ChaCha8Rng) -> Vec<CartLine> {
    let count = LogNormal::new(LINES.0, LINES.1)
        .expect("the deviation is finite and positive")
        .sample(rng);
    let pieces = Pareto::new(1.0, PIECES_EXPONENT).expect("scale and shape are positive");
    let mut lines: Vec<CartLine> = Vec::new();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // positive, bounded right here
    let count = (count as usize).clamp(1, MOST_LINES);
    for k in 0..count {
        let sku = if bundle && k == 0 {
            rng.random_range(0..BUNDLE_GOODS)
        } else {
            rng.random_range(BUNDLE_GOODS..GOODS)
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // at least 1, saturates, bounded
        let quantity = (pieces.sample(rng) as u32).clamp(1, MOST_PIECES);
        if lines.iter().all(|line| line.sku != sku) {
            lines.push(CartLine { sku, quantity });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PROFILE: Profile = Profile {
        journeys_per_s: 2.0,
        checkout_share: 0.4,
        history_share: 0.25,
        bundle_share: 0.3,
        long_time_share: 0.1,
        think_s: 3.0,
    };

    const fn source(seed: u64, stream: &str) -> Source<'_> {
        Source {
            seed: Seed(seed),
            stream,
        }
    }

    #[test]
    fn journeys_repeat_for_a_seed_and_differ_between_seeds_and_streams() {
        let draw = |seed, stream| -> Vec<_> {
            (0..50)
                .map(|k| source(seed, stream).journey(k, &PROFILE))
                .collect()
        };
        assert_eq!(draw(7, "live"), draw(7, "live"));
        assert_ne!(draw(7, "live"), draw(8, "live"));
        assert_ne!(draw(7, "live"), draw(7, "proof"));
    }

    #[test]
    fn shares_and_means_are_those_of_the_profile() {
        let journeys: Vec<_> = (0..4_000)
            .map(|k| source(1, "live").journey(k, &PROFILE))
            .collect();
        let share = |what: &dyn Fn(&Journey) -> bool| {
            journeys.iter().filter(|journey| what(journey)).count() as f64 / journeys.len() as f64
        };
        let does =
            |step| move |journey: &Journey| journey.steps.iter().any(|(_, other)| *other == step);
        // four standard deviations of a share over 4000 draws are 3 % at most
        assert!((share(&does(Step::Checkout)) - 0.4).abs() < 0.032);
        assert!((share(&does(Step::History)) - 0.25).abs() < 0.032);
        assert!((share(&|journey| journey.customer < LONG_TIME_CUSTOMERS) - 0.1).abs() < 0.032);
        assert!((share(&|journey| journey.lines[0].sku < BUNDLE_GOODS) - 0.3).abs() < 0.032);
        let thinks: Vec<_> = journeys
            .iter()
            .flat_map(|journey| journey.steps[1..].iter().map(|(think, _)| *think))
            .collect();
        let mean = thinks.iter().sum::<f64>() / thinks.len() as f64;
        assert!((mean - 3.0).abs() < 0.15, "{mean}");
    }

    #[test]
    fn gaps_have_the_mean_and_the_spread_of_a_poisson_process() {
        let gaps: Vec<_> = (0..10_000).map(|k| source(3, "live").gap(k)).collect();
        let mean = gaps.iter().sum::<f64>() / 1e4;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 1e4;
        assert!((mean - 1.0).abs() < 0.05, "{mean}");
        assert!((variance - 1.0).abs() < 0.12, "{variance}");
    }

    #[test]
    fn baskets_have_a_heavy_tail() {
        let sizes: Vec<_> = (0..4_000)
            .map(|k| source(5, "live").journey(k, &PROFILE).lines.len())
            .collect();
        let small = sizes.iter().filter(|size| **size <= 2).count();
        let large = sizes.iter().filter(|size| **size >= 8).count();
        assert!(small > 2_000, "{small}");
        assert!((10..400).contains(&large), "{large}");
    }

    proptest! {
        #[test]
        fn every_journey_is_one_that_the_shop_accepts(seed in any::<u64>(), index in any::<u64>()) {
            let journey = source(seed, "live").journey(index, &PROFILE);
            prop_assert!(journey.customer < CUSTOMERS);
            prop_assert_eq!(journey.steps[0], (0.0, Step::Login));
            prop_assert!(journey.steps.iter().all(|(think, _)| *think >= 0.0 && think.is_finite()));
            prop_assert!((1..=MOST_LINES).contains(&journey.lines.len()));
            for (k, line) in journey.lines.iter().enumerate() {
                prop_assert!(line.sku < GOODS && (1..=MOST_PIECES).contains(&line.quantity));
                prop_assert!(journey.lines[..k].iter().all(|other| other.sku != line.sku));
            }
            let place = |step| journey.steps.iter().position(|(_, other)| *other == step);
            if let Some(checkout) = place(Step::Checkout) {
                prop_assert!(place(Step::Cart).is_some_and(|cart| cart < checkout));
            }
        }
    }
}
