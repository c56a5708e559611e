//! What to send where, how often, for how long. Pure.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;
use rand::RngExt;

use crate::load::{Profile, arrivals::Gaps, journey::Source};

/// Journeys that are drawn to know how many steps one has on the average.
const SAMPLED: u64 = 2_000;

/// When requests are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Independently of each other, as many users are.
    Poisson,
    /// At equal distances.
    Uniform,
}

/// Where requests go.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Whole address.
    pub url: Uri,
    /// Share of the requests, among those of the others.
    pub weight: u32,
}

/// What is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(String);

impl std::str::FromStr for Target {
    type Err = PlanError;

    /// `URL`, or `WEIGHT*URL`.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let (weight, url) = match text.split_once('*') {
            Some((weight, url)) if !weight.contains("://") => (
                weight
                    .trim()
                    .parse()
                    .ok()
                    .filter(|weight| (1..=1_000_000).contains(weight))
                    .ok_or_else(|| {
                        PlanError(format!(
                            "`{weight}` is no weight: write a whole number from 1 to 1000000, as in 3*http://127.0.0.1:8080/"
                        ))
                    })?,
                url,
            ),
            _ => (1, text),
        };
        let wrong = || {
            PlanError(format!(
                "`{url}` is no http:// or https:// address, as in http://127.0.0.1:8080/"
            ))
        };
        let without_fragment = url.split('#').next().unwrap_or_default().trim();
        let url: Uri = without_fragment.parse().map_err(|_| wrong())?;
        match (url.scheme_str(), url.host()) {
            (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(Self { url, weight }),
            _ => Err(wrong()),
        }
    }
}

/// Journeys through the shop instead of single requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Walks {
    /// What they are made of; how many begin is the plan's business.
    pub profile: Profile,
}

impl Walks {
    /// Customers as they mostly are, who think so long between two steps on the average.
    #[must_use]
    pub fn thinking(think: Duration) -> Self {
        Self {
            profile: Profile {
                journeys_per_s: 1.0,
                checkout_share: 0.4,
                history_share: 0.1,
                bundle_share: 0.1,
                long_time_share: 0.1,
                think_s: think.as_secs_f64(),
            },
        }
    }
}

/// All of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where; at least one.
    pub targets: Vec<Target>,
    /// How, where it is not a journey.
    pub method: Method,
    /// Besides what every request has.
    pub headers: HeaderMap,
    /// Of every request.
    pub body: Bytes,
    /// Requests per second, or journeys.
    pub rate: f64,
    /// When they are due.
    pub arrival: Arrival,
    /// From no load to all of it.
    pub ramp: Duration,
    /// How long requests are sent, the ramp included.
    pub duration: Duration,
    /// How long an answer is waited for, and how long a connection.
    pub timeout: Duration,
    /// Connections at once at most.
    pub connections: usize,
    /// Of all draws.
    pub seed: u64,
    /// Journeys instead of requests.
    pub walks: Option<Walks>,
}

impl Plan {
    /// Requests per second of so many users, each of whom thinks so long between two; with walks, journeys that come to the
    /// same number of requests.
    #[must_use]
    pub fn rate_of(users: u32, think: Duration, walks: Option<Walks>, seed: u64) -> f64 {
        let requests = f64::from(users) / think.as_secs_f64();
        let Some(walks) = walks else {
            return requests;
        };
        let source = Source {
            seed: scenarios::seed::Seed(seed),
            stream: super::STREAM,
        };
        let steps: usize = (0..SAMPLED)
            .map(|index| source.journey(index, &walks.profile).steps.len())
            .sum();
        #[allow(clippy::cast_precision_loss)] // some thousands
        let mean = steps as f64 / SAMPLED as f64;
        requests / mean
    }

    /// The rate at a moment of the run: it grows evenly over the ramp.
    pub(super) fn rate_at(&self, since: Duration) -> f64 {
        if since >= self.ramp {
            self.rate
        } else {
            self.rate * since.as_secs_f64() / self.ramp.as_secs_f64()
        }
    }

    /// Which target an arrival goes to.
    pub(super) fn target(&self, source: Source<'_>, index: u64) -> usize {
        if self.targets.len() < 2 {
            return 0;
        }
        let all: u64 = self
            .targets
            .iter()
            .map(|target| u64::from(target.weight))
            .sum();
        let mut drawn = source.rng("target", index).random_range(0..all);
        for (k, target) in self.targets.iter().enumerate() {
            match drawn.checked_sub(u64::from(target.weight)) {
                None => return k,
                Some(rest) => drawn = rest,
            }
        }
        self.targets.len() - 1
    }

    /// The request to a target.
    pub(super) fn request(&self, target: usize) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.targets[target].url.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// The waits of a plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    pub source: Source<'static>,
    pub arrival: Arrival,
}

impl Gaps for Waits {
    fn gap(self, index: u64) -> f64 {
        match self.arrival {
            Arrival::Poisson => self.source.gap(index),
            Arrival::Uniform => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_address_with_or_without_a_weight() {
        let target = |text: &str| {
            text.parse::<Target>()
                .map(|t| (t.weight, t.url.to_string()))
        };
        assert_eq!(
            target("http://a/b?c=*"),
            Ok((1, "http://a/b?c=*".to_owned()))
        );
        assert_eq!(
            target("3*https://a:1#x"),
            Ok((3, "https://a:1/".to_owned()))
        );
        for wrong in [
            "",
            "a",
            "ftp://a",
            "0*http://a",
            "x*http://a",
            "-1*http://a",
            "http://",
            "2*",
        ] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn users_make_the_requests_that_their_thinking_leaves_room_for() {
        let think = Duration::from_millis(500);
        assert!((Plan::rate_of(100, think, None, 1) - 200.0).abs() < 1e-9);
        let journeys = Plan::rate_of(100, think, Some(Walks::thinking(think)), 1);
        // a journey has at least a login and a page
        assert!(journeys < 100.0 && journeys > 20.0, "{journeys}");
    }
}
