//! The state of one target: its series of the last scrape, so that a known series is not parsed again and a vanished one
//! becomes stale. Knows no HTTP.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use http::Uri;

use super::client::{FetchError, Page};
use super::exposition::{
    Entry, ExpositionError, Format, Lines, Sample, parse_exemplar, parse_series, unescape_help,
};
use super::{Health, Target, TargetError, with_target_labels};
use crate::metrics::catalog::{Catalog, Metadata};
use crate::metrics::chunk::stale_marker;
use crate::metrics::exemplars::{Exemplar, Exemplars};
use crate::metrics::labels::Labels;
use crate::metrics::store::{AHEAD_MS, Pending, SeriesId};
use crate::time::{TimeSource, TraceId};

/// Samples of the largest page; a longer one fails the scrape.
const SAMPLES_MAX: usize = 50_000;
/// Families whose type is remembered as told; beyond it they are told again.
const DESCRIBED_MAX: usize = 10_000;

/// Where exemplars and metadata go, and what maps an emitter's times.
pub(super) struct Sinks<'a> {
    pub exemplars: &'a Exemplars,
    pub catalog: &'a Catalog,
    pub time: &'a dyn TimeSource,
}

struct Known {
    id: Option<SeriesId>,
    labels: Labels,
    round: u64,
    /// Its newest sample came with a time of its own: when it ends is the emitter's business, it does not become stale.
    stamped: bool,
}

pub(super) struct State {
    pub target: Target,
    pub labels: Labels,
    pub uri: Uri,
    pub hung: bool,
    pub retired: bool,
    known: HashMap<Box<str>, Known>,
    /// Texts of the series in the order of the samples that `ingest` returned, to keep their ids.
    order: Vec<Box<str>>,
    described: HashSet<Box<str>>,
    round: u64,
    health: Health,
}

impl State {
    pub fn new(target: Target) -> Result<Self, TargetError> {
        let refuse = |problem: &str| TargetError::Url {
            url: target.url.clone(),
            problem: problem.into(),
        };
        let uri: Uri = target
            .url
            .parse()
            .map_err(|error: http::uri::InvalidUri| refuse(&error.to_string()))?;
        if uri.scheme_str() != Some("http") {
            return Err(refuse("only plain http is scraped"));
        }
        let host = uri.host().unwrap_or("").trim_matches(['[', ']']).to_owned();
        let loopback = host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        if !loopback {
            return Err(refuse("the host is not on loopback"));
        }
        let labels =
            Labels::from_pairs(target.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let health = Health {
            labels: target.labels.clone(),
            url: target.url.clone(),
            up: None,
            error: String::new(),
            scraped_at_ms: 0,
            took: Duration::ZERO,
        };
        let empty = (HashMap::new(), Vec::new(), HashSet::new());
        Ok(Self {
            target,
            labels,
            uri,
            hung: false,
            retired: false,
            known: empty.0,
            order: empty.1,
            described: empty.2,
            round: 0,
            health,
        })
    }

    pub fn health(&self) -> Health {
        self.health.clone()
    }

    pub fn is_up(&self) -> bool {
        self.health.up == Some(true)
    }

    /// Turns an answer into samples: the target's own, stale markers for what it no longer has, and the report on the scrape.
    pub fn ingest(
        &mut self,
        fetched: Result<Page, FetchError>,
        at_ms: i64,
        took: Duration,
        sinks: &Sinks<'_>,
    ) -> Vec<Pending> {
        self.round += 1;
        self.order.clear();
        self.hung = matches!(fetched, Err(FetchError::Timeout(_)));
        let mut samples = Vec::with_capacity(self.known.len() + 3);
        let read = fetched.map_err(|error| error.to_string()).and_then(|page| {
            self.read(&page, at_ms, sinks, &mut samples)
                .map_err(|error| error.to_string())
        });
        // as Prometheus counts: what was read, though a page that breaks off later is not kept
        let scraped = samples.len();
        if read.is_err() {
            // half a page is no page: everything of the target is stale
            samples.clear();
            self.order.clear();
        }
        let all_stale = read.is_err();
        let round = self.round;
        self.known.retain(|text, known| {
            let vanished = all_stale || known.round != round;
            if vanished && !known.stamped {
                samples.push(Pending {
                    id: known.id,
                    labels: known.labels.clone(),
                    value: stale_marker(),
                    t_ms: None,
                });
                self.order.push(text.clone());
            }
            !vanished
        });
        let report = [
            ("up", f64::from(u8::from(read.is_ok()))),
            ("scrape_duration_seconds", took.as_secs_f64()),
            ("scrape_samples_scraped", scraped as f64),
        ];
        for (name, value) in report {
            let labels = self.labels.with("__name__", name);
            samples.push(Pending {
                id: None,
                labels,
                value,
                t_ms: None,
            });
        }
        self.health.up = Some(read.is_ok());
        self.health.error = read.err().unwrap_or_default();
        self.health.scraped_at_ms = at_ms;
        self.health.took = took;
        samples
    }

    /// Keeps the ids that the store gave, so that the next scrape finds the series without hashing its labels.
    pub fn remember(&mut self, samples: &[Pending]) {
        for (text, sample) in self.order.iter().zip(samples) {
            if let Some(known) = self.known.get_mut(text) {
                known.id = sample.id;
            }
        }
    }

    /// Stale markers for everything the target ever had, when it is removed.
    pub fn retire(&mut self) -> Vec<Pending> {
        self.retired = true;
        let stale = |id, labels| Pending {
            id,
            labels,
            value: stale_marker(),
            t_ms: None,
        };
        let mut samples: Vec<Pending> = self
            .known
            .drain()
            .filter(|(_, known)| !known.stamped)
            .map(|(_, known)| stale(known.id, known.labels))
            .collect();
        if self.health.up.is_some() {
            let report = ["up", "scrape_duration_seconds", "scrape_samples_scraped"];
            samples.extend(report.map(|name| stale(None, self.labels.with("__name__", name))));
        }
        samples
    }

    fn read(
        &mut self,
        page: &Page,
        at_ms: i64,
        sinks: &Sinks<'_>,
        samples: &mut Vec<Pending>,
    ) -> Result<(), ExpositionError> {
        let whole = |message: String, position| ExpositionError {
            position,
            line: 0,
            message,
        };
        let body = std::str::from_utf8(&page.body)
            .map_err(|error| whole("the body is not UTF-8".into(), error.valid_up_to()))?;
        for entry in Lines::new(body, page.format) {
            match entry? {
                Entry::Sample(sample) => {
                    if samples.len() >= SAMPLES_MAX {
                        return Err(whole(
                            format!("more than {SAMPLES_MAX} samples"),
                            sample.position,
                        ));
                    }
                    self.sample(&sample, at_ms, sinks, samples)?;
                }
                Entry::Type(family, kind) => self.describe(
                    family,
                    kind,
                    sinks.catalog,
                    page.format == Format::OpenMetrics,
                ),
                Entry::Help(family, help) => {
                    each_name(family, page.format, sinks.catalog, |known| {
                        if known.help.is_empty() {
                            known.help = unescape_help(help);
                        }
                    })
                }
                Entry::Unit(family, unit) => {
                    each_name(family, page.format, sinks.catalog, |known| {
                        unit.clone_into(&mut known.unit);
                    })
                }
            }
        }
        Ok(())
    }

    /// Notes a family's type once. OpenMetrics names a counter's family without the `_total` of its series; queries use the series' name.
    fn describe(&mut self, family: &str, kind: &str, catalog: &Catalog, openmetrics: bool) {
        if self.described.len() >= DESCRIBED_MAX {
            self.described.clear();
        }
        if !self.described.insert(family.into()) {
            return;
        }
        catalog.note(family, |known| kind.clone_into(&mut known.kind));
        if openmetrics && kind == "counter" && !family.ends_with("_total") {
            let before = catalog.get(family).unwrap_or_default();
            catalog.note(&format!("{family}_total"), |known| *known = before);
        }
    }

    fn sample(
        &mut self,
        sample: &Sample<'_>,
        at_ms: i64,
        sinks: &Sinks<'_>,
        samples: &mut Vec<Pending>,
    ) -> Result<(), ExpositionError> {
        if !self.known.contains_key(sample.series) {
            let own = parse_series(sample.series, sample.position)?;
            let labels = with_target_labels(own, &self.labels);
            labels.check().map_err(|error| ExpositionError {
                position: sample.position,
                line: 0,
                message: error.to_string(),
            })?;
            self.known.insert(
                sample.series.into(),
                Known {
                    id: None,
                    labels,
                    round: 0,
                    stamped: false,
                },
            );
        }
        let known = self.known.get_mut(sample.series).expect("inserted above");
        known.round = self.round;
        known.stamped = sample.t_ms.is_some();
        let exemplar = sample
            .exemplar
            .map(|text| parse_exemplar(text, sample.position));
        if let Some(exemplar) = exemplar.transpose()?.flatten() {
            let trace = exemplar
                .labels
                .iter()
                .find(|(name, _)| name == "trace_id")
                .and_then(|(_, id)| trace_id(id));
            let t_ms = exemplar
                .t_ms
                .map_or(at_ms, |t| store_ms(sinks.time, t, trace));
            let kept = Exemplar {
                labels: Labels::from_pairs(exemplar.labels),
                value: exemplar.value,
                t_ms,
            };
            sinks.exemplars.append(&known.labels, kept);
        }
        let t_ms = sample.t_ms.map(|t| store_ms(sinks.time, t, None));
        if t_ms.is_some_and(|t_ms| t_ms > at_ms.saturating_add(AHEAD_MS)) {
            return Ok(());
        }
        samples.push(Pending {
            id: known.id,
            labels: known.labels.clone(),
            value: sample.value,
            t_ms,
        });
        self.order.push(sample.series.into());
        Ok(())
    }
}

/// Notes something of a family, and of its series' own name where OpenMetrics has another for a counter's.
fn each_name(family: &str, format: Format, catalog: &Catalog, note: impl Fn(&mut Metadata)) {
    catalog.note(family, &note);
    let total = format!("{family}_total");
    let counter = |known: Metadata| known.kind == "counter";
    if format == Format::OpenMetrics && catalog.get(&total).is_some_and(counter) {
        catalog.note(&total, note);
    }
}

fn store_ms(time: &dyn TimeSource, emitted_ms: i64, trace: Option<TraceId>) -> i64 {
    time.stamp_ns(emitted_ms.saturating_mul(1_000_000), trace)
        .div_euclid(1_000_000)
}

fn trace_id(hex: &str) -> Option<TraceId> {
    crate::attributes::unhex::<16>(hex)
}
