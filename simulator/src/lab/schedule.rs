//! What happens when: the plan's timeline and the shop's recurring jobs, at their drill times.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use display_full_error::DisplayFullErrorExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use parking_lot::RwLock;
use scenarios::{
    repeat::authored_id,
    scenario::{EventRole, Task, TimelineEvent},
    span::Span,
};
use tokio::task::JoinSet;

use super::{Core, LabEvent, changes, effects::Chaos};
use crate::{LabError, journal::Event};

/// How long a recurring job may take to answer; then it counts as failed and the next one is waited for.
const JOB_PATIENCE: Duration = Duration::from_secs(10);
/// Shortest period of a recurring job, nanoseconds of drill time: a second. More often is no job but load.
const SHORTEST_PERIOD_NS: i64 = 1_000_000_000;

/// Authored ids of repeating events that remedies in force have stopped.
#[derive(Debug, Default)]
pub(super) struct Stopped(RwLock<BTreeSet<String>>);

impl Stopped {
    pub(super) fn set(&self, ids: impl IntoIterator<Item = String>) {
        *self.0.write() = ids.into_iter().collect();
    }

    /// Whether an event (its own id, or the one it repeats) is stopped.
    fn has(&self, id: &str) -> bool {
        let stopped = self.0.read();
        stopped.contains(id) || stopped.contains(authored_id(id))
    }
}

/// Starts the tasks that carry out timeline and jobs.
pub(super) fn start(core: &Arc<Core>, tasks: &mut JoinSet<()>) {
    tasks.spawn(timeline(core.clone()));
    for job in &core.plan.scenario.tasks {
        tasks.spawn(recur(core.clone(), job.clone()));
    }
}

/// Drill time of a moment that is told relative to the page.
fn at_ns(core: &Core, at: Span) -> i64 {
    core.floor
        .clock
        .page_at_ns()
        .saturating_add(at.millis().saturating_mul(1_000_000))
}

async fn timeline(core: Arc<Core>) {
    let mut events: Vec<_> = core.plan.scenario.timeline.clone();
    events.sort_by_key(|event| event.at);
    for event in events {
        let at_ns = at_ns(&core, event.at);
        tokio::select! {
            () = core.cancel.cancelled() => return,
            () = core.floor.clock.sleep_until(at_ns) => {}
        }
        // a proof brings its own chaos, the same each time: what recurs by itself would hit some and not others
        let held_back = authored_id(&event.id) != event.id && core.proof.runs();
        if !held_back && !core.stopped.has(&event.id) {
            happen(&core, event, at_ns / 1_000_000);
        }
    }
}

/// Shows and journals an event, and carries it out beside whatever comes next.
fn happen(core: &Arc<Core>, event: TimelineEvent, at_ms: i64) {
    if let Some(text) = &event.change {
        let change = changes::shown(&event.id, at_ms, text);
        core.changes.add(change.clone());
        core.tell(LabEvent::Changed(change));
    }
    journal(
        core,
        at_ms,
        &event.id,
        role_name(event.role),
        event.says.clone(),
    );
    core.tell(LabEvent::Timeline {
        id: event.id.clone(),
        says: event.says.clone(),
    });
    let doer = core.clone();
    core.loose.spawn(async move {
        let chaos = Chaos::default();
        for effect in &event.effects {
            match doer.carry_out(effect, &chaos).await {
                Ok(done) => tracing::debug!(event = event.id, done, "timeline"),
                Err(LabError::Down) => return,
                Err(error) => {
                    tracing::error!(event = event.id, %error, "an event of the timeline failed");
                    let says = format!("{} could not be carried out: {error}", event.id);
                    journal(&doer, doer.floor.clock.now_ms(), &event.id, "system", says);
                }
            }
        }
    });
}

fn journal(core: &Core, at_ms: i64, id: &str, role: &str, says: String) {
    let (id, role) = (id.to_owned(), role.to_owned());
    core.floor
        .journal
        .append(at_ms, Event::Timeline { id, role, says });
}

const fn role_name(role: EventRole) -> &'static str {
    match role {
        EventRole::Fault => "fault",
        EventRole::Trigger => "trigger",
        EventRole::Decoy => "decoy",
        EventRole::Innocent => "innocent",
    }
}

/// Number of the first time of a job that is not before `now_ns`: times are `first_ns + number × every_ns`.
const fn next_time(first_ns: i64, every_ns: i64, now_ns: i64) -> i64 {
    let passed = now_ns - first_ns;
    let number = passed.div_euclid(every_ns);
    if passed.rem_euclid(every_ns) == 0 {
        number
    } else {
        number + 1
    }
}

/// Sends a job's request at each of its times. One that is still under way at the next time makes that one fall out.
async fn recur(core: Arc<Core>, job: Task) {
    let clock = &core.floor.clock;
    let url = match core.floor.network.door(job.service) {
        Ok(door) => format!("{door}{}", job.path),
        Err(error) => {
            tracing::error!(job = job.name, %error, "a recurring job has no service");
            return;
        }
    };
    let body = serde_json::to_vec(&job.body).expect("a JSON value is always JSON");
    let every_ns = job
        .every
        .millis()
        .saturating_mul(1_000_000)
        .max(SHORTEST_PERIOD_NS);
    let first_ns = at_ns(&core, job.offset);
    loop {
        let due_ns = first_ns + next_time(first_ns, every_ns, clock.now_ns() + 1) * every_ns;
        tokio::select! {
            () = core.cancel.cancelled() => return,
            () = clock.sleep_until(due_ns) => {}
        }
        let trace = *uuid::Uuid::new_v4().as_bytes();
        let wall_ns = clock.wall_now_ns();
        core.floor
            .instruments
            .anchor(trace, wall_ns, clock.map_wall_ns(wall_ns));
        let sent = core.floor.client.send(
            Method::POST,
            &url,
            root_of(trace),
            Some(body.clone()),
            JOB_PATIENCE,
        );
        let answer = tokio::select! {
            () = core.cancel.cancelled() => return,
            answer = sent => answer,
        };
        match answer {
            Ok(answer) if answer.status.is_success() => {}
            Ok(answer) => {
                tracing::debug!(job = job.name, status = %answer.status, "a recurring job was refused")
            }
            Err(error) => {
                let error = error.to_string_full();
                tracing::debug!(job = job.name, error, "a recurring job failed");
            }
        }
    }
}

fn root_of(trace: [u8; 16]) -> HeaderMap {
    let trace = crate::journal::hex(&trace);
    let parent = crate::journal::hex(&uuid::Uuid::new_v4().as_bytes()[..8]);
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::try_from(format!("00-{trace}-{parent}-01")) {
        headers.insert(HeaderName::from_static("traceparent"), value);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_falls_on_its_offset_from_the_page_before_and_after_it() {
        for (now, number) in [
            (0, 0),
            (1, 1),
            (10, 1),
            (11, 2),
            (-1, 0),
            (-10, -1),
            (-11, -1),
            (-9, 0),
        ] {
            assert_eq!(next_time(0, 10, now), number, "{now}");
        }
        assert_eq!(next_time(3, 10, 3), 0);
        assert_eq!(next_time(3, 10, -900), -90);
    }

    #[test]
    fn stopping_an_event_stops_its_repetitions_and_no_other() {
        let stopped = Stopped::default();
        stopped.set(["blip".to_owned()]);
        assert!(stopped.has("blip") && stopped.has("blip#7"));
        assert!(!stopped.has("blip-2") && !stopped.has("surge#2"));
        stopped.set([]);
        assert!(!stopped.has("blip#7"));
    }
}
