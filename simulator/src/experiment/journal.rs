//! The journal of a run, in the Toolkit's format: tools that read one read the other. The clock of the wall stands in it.

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::run::Dry;

/// A moment as the Toolkit writes it.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

/// Seconds since a moment.
pub(super) fn since(start: Timestamp) -> f64 {
    Timestamp::now().duration_since(start).as_secs_f64()
}

/// A journal that nothing has happened in.
pub(super) fn begin(
    experiment: &Map<String, Value>,
    dry: Option<Dry>,
    start: Timestamp,
) -> Map<String, Value> {
    let mut experiment = experiment.clone();
    experiment.insert("dry".to_owned(), json!(dry.map(Dry::name)));
    let machine = rustix::system::uname();
    let text = |of: &std::ffi::CStr| of.to_string_lossy().into_owned();
    let platform = format!(
        "{}-{}-{}",
        text(machine.sysname()),
        text(machine.release()),
        text(machine.machine())
    );
    let journal = json!({
        "chaoslib-version": env!("CARGO_PKG_VERSION"),
        "platform": platform,
        "node": text(machine.nodename()),
        "experiment": experiment,
        "start": moment(start),
        "status": null,
        "deviated": false,
        "steady_states": { "before": null, "after": null, "during": [] },
        "run": [],
        "rollbacks": [],
    });
    match journal {
        Value::Object(map) => map,
        _ => unreachable!("it was written as an object"),
    }
}

/// Runs of activities, in the order in which they began; several may be under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs(Arc<Mutex<Vec<(Timestamp, Value)>>>);

impl Runs {
    /// An activity begins; answers with its place.
    pub(super) fn begin(&self, activity: &Value) -> usize {
        let start = Timestamp::now();
        let mut runs = self.0.lock();
        runs.push((
            start,
            json!({ "activity": activity, "output": null, "start": moment(start) }),
        ));
        runs.len() - 1
    }

    /// It has ended; the error is why it failed.
    pub(super) fn end(&self, place: usize, outcome: Result<Value, String>) {
        if let Some((start, run)) = self.0.lock().get_mut(place) {
            end(*start, run, outcome);
        }
    }

    /// Marks a run with whether its tolerance was met.
    pub(super) fn met(&self, place: usize, met: bool) {
        if let Some((_, run)) = self.0.lock().get_mut(place) {
            run["tolerance_met"] = json!(met);
        }
    }

    /// Whether an activity succeeded, and its output.
    pub(super) fn output(&self, place: usize) -> Option<Value> {
        let runs = self.0.lock();
        let (_, run) = runs.get(place)?;
        (run["status"] == "succeeded").then(|| run["output"].clone())
    }

    /// All runs; those that nobody waited for any more have failed.
    pub(super) fn close(&self) -> Vec<Value> {
        let mut runs = self.0.lock();
        for (start, run) in runs.iter_mut() {
            if run.get("status").is_none() {
                end(*start, run, Err("interrupted".to_owned()));
            }
        }
        runs.iter().map(|(_, run)| run.clone()).collect()
    }
}

fn end(start: Timestamp, run: &mut Value, outcome: Result<Value, String>) {
    match outcome {
        Ok(output) => {
            run["output"] = output;
            run["status"] = json!("succeeded");
        }
        Err(why) => {
            run["status"] = json!("failed");
            run["exception"] = json!([format!("ActivityFailed: {why}\n")]);
        }
    }
    let now = Timestamp::now();
    run["end"] = json!(moment(now));
    run["duration"] = json!(now.duration_since(start).as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_microseconds_and_an_offset() {
        let at: Timestamp = "2026-01-02T03:04:05.000006789Z".parse().unwrap();
        assert_eq!(moment(at), "2026-01-02T03:04:05.000006+00:00");
    }

    #[test]
    fn runs_stand_in_the_order_of_their_beginnings_and_none_stays_open() {
        let runs = Runs::default();
        let (slow, quick) = (
            runs.begin(&json!({"name": "a"})),
            runs.begin(&json!({"name": "b"})),
        );
        runs.end(quick, Ok(json!(7)));
        assert_eq!(runs.output(quick), Some(json!(7)));
        assert_eq!(runs.output(slow), None);
        let closed = runs.close();
        assert_eq!(closed[0]["activity"]["name"], "a");
        assert_eq!(closed[0]["status"], "failed");
        assert_eq!(closed[0]["exception"][0], "ActivityFailed: interrupted\n");
        assert!(
            closed
                .iter()
                .all(|run| run["duration"].as_f64() >= Some(0.0))
        );
        assert_eq!(closed[1]["status"], "succeeded");
    }
}
