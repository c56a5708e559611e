//! The samples that all subjects get: counters of requests and buckets of their durations, each second for an hour, as a shop of
//! many services would expose them. The same on every run.

use std::fmt::Write as _;

use rand::RngExt;
use scenarios::seed::Seed;
use telemetry::metrics::{Labels, Pending};

/// Seconds since the epoch of the first sample: a multiple of the queries' step, and all within one of Prometheus' blocks.
pub const START_S: i64 = 1_700_000_000;
/// Samples of each series, one a second.
pub const SECONDS: usize = 3_600;

const SERVICES: [&str; 8] = [
    "gateway",
    "checkout",
    "payments",
    "inventory",
    "catalog",
    "cart",
    "shipping",
    "auth",
];
const ROUTES: [&str; 5] = ["/a", "/b", "/c", "/d", "/e"];
const CODES: [&str; 5] = ["200", "201", "404", "500", "503"];
const BOUNDS: [&str; 20] = [
    "0.001", "0.0025", "0.005", "0.01", "0.02", "0.03", "0.05", "0.075", "0.1", "0.15", "0.2",
    "0.3", "0.5", "0.75", "1", "1.5", "2.5", "5", "10", "+Inf",
];

/// How much of it: 25 series for each route of each service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub services: usize,
    pub routes: usize,
}

impl Size {
    pub fn series(self) -> usize {
        self.services * self.routes * (CODES.len() + BOUNDS.len())
    }
}

/// The series, second by second.
pub struct Shop {
    random: rand_chacha::ChaCha8Rng,
    labels: Vec<Vec<(&'static str, String)>>,
    /// For each route of each service: of each code, twice the requests a second that it has on average.
    rates: Vec<[u64; CODES.len()]>,
    totals: Vec<u64>,
}

impl Shop {
    pub fn new(size: Size) -> Self {
        let mut random = Seed(7).stream("bench/metrics");
        let (mut labels, mut rates) = (Vec::new(), Vec::new());
        for service in 0..size.services {
            // the names again, with numbers, where there are more services than names
            let name = SERVICES[service % SERVICES.len()];
            let service = match service / SERVICES.len() {
                0 => name.to_owned(),
                more => format!("{name}-{more}"),
            };
            for route in &ROUTES[..size.routes] {
                let series = |name: &str, label, value: &str| {
                    let route = (*route).to_owned();
                    vec![
                        ("__name__", name.to_owned()),
                        ("service", service.clone()),
                        ("route", route),
                        (label, value.to_owned()),
                    ]
                };
                labels.extend(CODES.map(|code| series("http_requests_total", "code", code)));
                labels.extend(
                    BOUNDS.map(|le| series("http_request_duration_seconds_bucket", "le", le)),
                );
                rates.push(CODES.map(|_| random.random_range(2..80)));
            }
        }
        let totals = vec![0; labels.len()];
        Self {
            random,
            labels,
            rates,
            totals,
        }
    }

    /// Lets a second pass.
    pub fn tick(&mut self) {
        let mut totals = self.totals.iter_mut();
        for rates in &self.rates {
            // in this order: a zip takes from its first part once more than it gives
            for (rate, total) in rates.iter().zip(totals.by_ref()) {
                *total += self.random.random_range(0..*rate);
            }
            let requests = self.random.random_range(5..60_u64);
            let mut within = 0;
            for (at, total) in totals.by_ref().take(BOUNDS.len()).enumerate() {
                let more = self.random.random_range(0..=requests / 6);
                within = (within + more).min(requests);
                *total += if at + 1 == BOUNDS.len() {
                    requests
                } else {
                    within
                };
            }
        }
    }

    /// The series as samples for our store, without values.
    pub fn pending(&self) -> Vec<Pending> {
        let pending = |labels: &Vec<(&'static str, String)>| Pending {
            id: None,
            labels: Labels::from_pairs(labels.iter().map(|(name, value)| (*name, value.as_str()))),
            value: 0.0,
            t_ms: None,
        };
        self.labels.iter().map(pending).collect()
    }

    /// Puts this second's values into samples of [`Shop::pending`].
    pub fn fill(&self, batch: &mut [Pending]) {
        for (pending, total) in batch.iter_mut().zip(&self.totals) {
            pending.value = *total as f64;
        }
    }

    /// Appends this second's samples in the text format, stamped.
    pub fn write(&self, stamp: i64, text: &mut String) {
        for (labels, total) in self.labels.iter().zip(&self.totals) {
            for (at, (name, value)) in labels.iter().enumerate() {
                let _ = match at {
                    0 => write!(text, "{value}"),
                    1 => write!(text, "{{{name}=\"{value}\""),
                    _ => write!(text, ",{name}=\"{value}\""),
                };
            }
            let _ = writeln!(text, "}} {total} {stamp}");
        }
    }
}
