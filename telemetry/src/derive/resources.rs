//! USE: utilisation, saturation and errors of the resources of each service (Gregg, "The USE Method"), out
//! of the metrics that services expose under the names in [`RESOURCES`]. Knows no HTTP.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Cut, ROWS_MAX};
use crate::error::QueryError;
use crate::metrics::Metrics;

/// Steps into which a window is divided at most to find its peak.
const STEPS: i64 = 300;

/// How a resource is known: which metrics tell what of it.
#[derive(Debug, Clone, Copy)]
pub struct Resource {
    /// What it is called in the answer.
    pub name: &'static str,
    /// The label by which a service's resources of this kind are told apart.
    pub by: Option<&'static str>,
    /// What is in use.
    pub used: Option<Used>,
    /// Gauge of those that wait for it.
    pub waiting: Option<&'static str>,
    /// Counter of what failed.
    pub errors: Option<&'static str>,
}

/// What tells how much is in use.
#[derive(Debug, Clone, Copy)]
pub enum Used {
    /// A gauge and the gauge of its limit: a share.
    Share(&'static str, &'static str),
    /// A gauge without a limit, in its own unit.
    Gauge(&'static str, &'static str),
    /// A counter of seconds of work: how many at once.
    Seconds(&'static str, &'static str),
}

/// The resources that are known.
pub const RESOURCES: [Resource; 6] = [
    Resource {
        name: "worker_slots",
        by: None,
        used: Some(Used::Share("worker_slots_in_use", "worker_slots_limit")),
        waiting: Some("worker_slots_waiting"),
        errors: None,
    },
    Resource {
        name: "connection_pool",
        by: Some("pool"),
        used: Some(Used::Share(
            "connection_pool_in_use",
            "connection_pool_limit",
        )),
        waiting: Some("connection_pool_waiting"),
        errors: Some("connection_pool_timeouts_total"),
    },
    Resource {
        name: "queue",
        by: Some("queue"),
        used: None,
        waiting: Some("queue_depth"),
        errors: None,
    },
    Resource {
        name: "cpu",
        by: None,
        used: Some(Used::Seconds("process_cpu_seconds_total", "cores")),
        waiting: None,
        errors: None,
    },
    Resource {
        name: "memory",
        by: None,
        used: Some(Used::Gauge("process_resident_memory_bytes", "bytes")),
        waiting: None,
        errors: None,
    },
    Resource {
        name: "peer",
        by: Some("peer"),
        used: None,
        waiting: None,
        errors: Some("retries_total"),
    },
];

/// Utilisation, saturation and errors of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Use {
    /// Begin of the window, ns.
    pub start_ns: i64,
    /// End of the window, ns.
    pub end_ns: i64,
    /// Services with a known resource, by name.
    pub services: Vec<ServiceUse>,
    /// Limits that were met.
    pub limits: Vec<Cut>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceUse {
    /// Its name.
    pub service: String,
    /// Its resources, by kind and name.
    pub resources: Vec<ResourceUse>,
}

/// A resource of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ResourceUse {
    /// Its kind, a name of [`RESOURCES`].
    pub resource: &'static str,
    /// Which of the kind: the pool, the queue, the peer; empty where there is one only.
    pub name: String,
    /// How much of it is in use; `None` where no metric says so.
    pub utilisation: Option<Level>,
    /// How many wait for it; `None` where no metric says so.
    pub saturation: Option<Level>,
    /// What failed, per second; `None` where no metric says so.
    pub errors_rate: Option<f64>,
}

/// A level over a window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Level {
    /// `share` (0 to 1), `cores`, `bytes` or `waiting`.
    pub unit: &'static str,
    /// Its average.
    pub average: f64,
    /// Its highest.
    pub peak: f64,
}

type Found = BTreeMap<(String, &'static str, String), ResourceUse>;

/// Of the window `start_ns..end_ns`; of one service where it is named.
///
/// # Errors
/// [`QueryError::Limit`] when the metrics of the window are too many.
pub fn resources(
    metrics: &Metrics,
    (start_ns, end_ns): (i64, i64),
    only: Option<&str>,
) -> Result<Use, QueryError> {
    let window = Window::new(metrics, start_ns, end_ns);
    let mut found = Found::new();
    for resource in &RESOURCES {
        let by = Labels::new(resource, only);
        if let Some(used) = resource.used {
            let (expr, unit) = match used {
                Used::Share(used, limit) => {
                    (format!("{} / {}", by.sum(used), by.sum(limit)), "share")
                }
                Used::Gauge(used, unit) => (by.sum(used), unit),
                Used::Seconds(used, unit) => (by.rate(used, window.rate_s), unit),
            };
            for (key, level) in window.level(&expr, unit, &by)? {
                entry(&mut found, key, resource).utilisation = Some(level);
            }
        }
        if let Some(waiting) = resource.waiting {
            for (key, level) in window.level(&by.sum(waiting), "waiting", &by)? {
                entry(&mut found, key, resource).saturation = Some(level);
            }
        }
        if let Some(errors) = resource.errors {
            let expr = by.rate(errors, window.length_s);
            for (key, rate) in window.ask(&expr, &by)? {
                entry(&mut found, key, resource).errors_rate = Some(rate);
            }
        }
    }
    Ok(collect(found, start_ns, end_ns))
}

type Key = (String, String);

fn entry<'a>(
    found: &'a mut Found,
    (service, name): Key,
    resource: &Resource,
) -> &'a mut ResourceUse {
    let known = found.entry((service, resource.name, name.clone()));
    known.or_insert_with(|| ResourceUse {
        resource: resource.name,
        name,
        ..ResourceUse::default()
    })
}

fn collect(found: Found, start_ns: i64, end_ns: i64) -> Use {
    let held = found.len();
    let mut services: Vec<ServiceUse> = Vec::new();
    for ((service, _, _), resource) in found.into_iter().take(ROWS_MAX) {
        match services.last_mut().filter(|last| last.service == service) {
            Some(last) => last.resources.push(resource),
            None => services.push(ServiceUse {
                service,
                resources: vec![resource],
            }),
        }
    }
    let mut limits = Vec::new();
    if held > ROWS_MAX {
        limits.push(Cut::new("resources", ROWS_MAX, held));
    }
    Use {
        start_ns,
        end_ns,
        services,
        limits,
    }
}

/// The labels by which a resource's series are summed, and the service that is asked for.
struct Labels<'a> {
    by: Option<&'static str>,
    only: Option<&'a str>,
}

impl<'a> Labels<'a> {
    fn new(resource: &Resource, only: Option<&'a str>) -> Self {
        Self {
            by: resource.by,
            only,
        }
    }

    /// A metric that came by OTLP has its service under `job`.
    fn names(&self) -> String {
        let own = self.by.map(|by| format!(", {by}")).unwrap_or_default();
        format!("service, job{own}")
    }

    fn selector(&self, metric: &str) -> String {
        let service = self.only.map(|service| {
            // a JSON string is a PromQL string
            format!("{{service={}}}", serde_json::Value::from(service))
        });
        format!("{metric}{}", service.unwrap_or_default())
    }

    fn sum(&self, metric: &str) -> String {
        format!("sum by ({}) ({})", self.names(), self.selector(metric))
    }

    fn rate(&self, metric: &str, over_s: i64) -> String {
        let (names, selector) = (self.names(), self.selector(metric));
        format!("sum by ({names}) (rate({selector}[{over_s}s]))")
    }
}

/// A window of the metrics.
struct Window<'a> {
    metrics: &'a Metrics,
    end_ns: i64,
    length_s: i64,
    step_s: i64,
    /// Over which a rate is taken within the window: long enough for two scrapes.
    rate_s: i64,
}

impl<'a> Window<'a> {
    fn new(metrics: &'a Metrics, start_ns: i64, end_ns: i64) -> Self {
        let length_s = (end_ns.saturating_sub(start_ns) / 1_000_000_000).max(1);
        let step_s = (length_s / STEPS).max(1);
        let scrape_s = metrics.inner.config.scrape_interval.as_secs_f64().ceil();
        #[allow(clippy::cast_possible_truncation)] // a few seconds
        let rate_s = (4 * scrape_s as i64).max(step_s);
        Self {
            metrics,
            end_ns,
            length_s,
            step_s,
            rate_s,
        }
    }

    fn level(
        &self,
        expr: &str,
        unit: &'static str,
        by: &Labels<'_>,
    ) -> Result<Vec<(Key, Level)>, QueryError> {
        let (length_s, step_s) = (self.length_s, self.step_s);
        let over = |function: &str| format!("{function}(({expr})[{length_s}s:{step_s}s])");
        let peaks: BTreeMap<Key, f64> = self.ask(&over("max_over_time"), by)?.into_iter().collect();
        let averages = self.ask(&over("avg_over_time"), by)?.into_iter();
        let with_peak = averages.filter_map(|(key, average)| {
            let peak = *peaks.get(&key)?;
            let level = Level {
                unit,
                average,
                peak,
            };
            Some((key, level))
        });
        Ok(with_peak.collect())
    }

    /// The finite values of an expression at the window's end, by service and name.
    fn ask(&self, expr: &str, by: &Labels<'_>) -> Result<Vec<(Key, f64)>, QueryError> {
        let samples = self.metrics.instant(expr, self.end_ns)?;
        let one = |sample: crate::metrics::Sample| {
            let label = |name: &str| {
                let mut labels = sample.labels.iter();
                let found = labels.find(|(other, value)| other == name && !value.is_empty());
                found.map(|(_, value)| value.clone())
            };
            let service = label("service").or_else(|| label("job"))?;
            let name = by.by.and_then(label).unwrap_or_default();
            let finite = sample.value.is_finite();
            finite.then_some(((service, name), sample.value))
        };
        Ok(samples.into_iter().filter_map(one).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::metrics::MetricsConfig;
    use crate::time::WallTime;

    const SECOND: i64 = 1_000_000_000;

    fn metrics() -> Metrics {
        let metrics = Metrics::new(MetricsConfig::default(), Arc::new(WallTime));
        for second in 0..=100 {
            let t_ms = second * 1000;
            let put = |name: &str, more: &[(&str, &str)], value: f64| {
                let mut labels = vec![("__name__", name), ("job", "shop"), ("service", "checkout")];
                labels.extend(more);
                assert!(metrics.append(&labels, t_ms, value));
            };
            let busy = if second >= 90 { 8.0 } else { 2.0 };
            put("worker_slots_in_use", &[("instance", "a")], busy);
            put("worker_slots_in_use", &[("instance", "b")], busy);
            put("worker_slots_limit", &[("instance", "a")], 8.0);
            put("worker_slots_limit", &[("instance", "b")], 8.0);
            put(
                "worker_slots_waiting",
                &[("instance", "a")],
                (second / 100) as f64 * 5.0,
            );
            put("connection_pool_in_use", &[("pool", "psp")], 1.0);
            put("connection_pool_limit", &[("pool", "psp")], 0.0);
            put(
                "process_cpu_seconds_total",
                &[("instance", "a")],
                second as f64 * 0.25,
            );
            put(
                "retries_total",
                &[("peer", "payments")],
                second as f64 * 2.0,
            );
            let foreign = [
                ("__name__", "process_resident_memory_bytes"),
                ("job", "foreign"),
            ];
            assert!(metrics.append(&foreign, t_ms, 5e6));
        }
        metrics
    }

    #[test]
    fn utilisation_saturation_and_errors_of_each_resource() {
        let found = resources(&metrics(), (0, 100 * SECOND), None).unwrap();
        let names: Vec<_> = found.services.iter().map(|s| &*s.service).collect();
        assert_eq!(names, ["checkout", "foreign"]);
        let one = |resource: &str| {
            let mut of = found.services[0].resources.iter();
            of.find(|row| row.resource == resource).cloned().unwrap()
        };
        let slots = one("worker_slots");
        let used = slots.utilisation.unwrap();
        assert_eq!((used.unit, used.peak), ("share", 1.0));
        // of 100 steps 11 at 1, the others at a quarter
        assert!((0.31..0.35).contains(&used.average), "{used:?}");
        let waiting = slots.saturation.unwrap();
        assert_eq!((waiting.unit, waiting.peak), ("waiting", 5.0));
        assert_eq!(slots.errors_rate, None);
        let cpu = one("cpu").utilisation.unwrap();
        assert!(
            (cpu.peak - 0.25).abs() < 1e-9 && cpu.unit == "cores",
            "{cpu:?}"
        );
        let peer = one("peer");
        assert_eq!((&*peer.name, peer.utilisation), ("payments", None));
        assert!((peer.errors_rate.unwrap() - 2.0).abs() < 1e-9);
        assert!(
            found.services[0]
                .resources
                .iter()
                .all(|row| row.resource != "connection_pool"),
            "a share of no limit is none"
        );
        let memory = &found.services[1].resources[0];
        assert_eq!(
            (memory.resource, memory.utilisation.unwrap().peak),
            ("memory", 5e6)
        );
    }

    #[test]
    fn one_service_an_empty_window_and_a_hostile_name() {
        let metrics = metrics();
        let window = (0, 100 * SECOND);
        let one = resources(&metrics, window, Some("checkout")).unwrap();
        assert_eq!(one.services.len(), 1);
        let empty = resources(&metrics, (900 * SECOND, 950 * SECOND), None).unwrap();
        assert_eq!(empty.services, []);
        for hostile in ["\"} or up{x=\"", "a\\", "é\n"] {
            let none = resources(&metrics, window, Some(hostile)).unwrap();
            assert_eq!(none.services, [], "{hostile:?}");
        }
    }
}
