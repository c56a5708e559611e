//! The life of one injection, in a task of its own: waits, comes into force, grows, stays, and is
//! taken back, whatever ends it; then looks whether traffic flows again.

use std::{sync::Arc, time::Duration};

use api::InjectionState;
use tokio::sync::oneshot;

use super::{
    flows,
    force::{self, Force},
    order::ChaosOrder,
    register::Entry,
};
use crate::{LabError, journal::Event, lab::Core};

/// Steps of a ramp: so many make a slope; each may be a word with every process of a service.
const RAMP_STEPS: u32 = 20;
/// Shortest step of a ramp.
const SHORTEST_STEP: Duration = Duration::from_millis(100);

/// Lives it. `started` is told when it is in force as far as it is at its beginning, or why it is not.
pub(super) async fn live(
    core: Arc<Core>,
    order: ChaosOrder,
    entry: Arc<Entry>,
    started: oneshot::Sender<Result<(), LabError>>,
) {
    let clock = &core.floor.clock;
    if !order.after.is_zero() {
        let begins_ns = clock
            .now_ns()
            .saturating_add(crate::clock::nanos(order.after));
        tokio::select! {
            how = ended(&core, &entry, None) => {
                return end(&core, &order, &entry, InjectionState::Healed, how, None);
            }
            () = clock.sleep_until(begins_ns) => {}
        }
    }
    entry.state(InjectionState::Starting, 0.0);
    let first = if order.ramp.is_zero() { 1.0 } else { 0.0 };
    let acts = entry.acts(&order, first);
    let name = format!("{}-{}", order.mechanism.id, entry.id());
    let mut forces = Vec::with_capacity(acts.len());
    let put = tokio::select! {
        how = ended(&core, &entry, None) => Err(how),
        put = force::put_all(&core, &name, &acts, &mut forces) => Ok(put),
    };
    match put {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            force::heal_all(forces).await;
            let how = error.to_string();
            end(&core, &order, &entry, InjectionState::Failed, how, None);
            // nobody waits for one that begins later
            let _ = started.send(Err(error));
            return;
        }
        Err(how) => {
            // what was on its way into force is taken back by whoever was asked for it
            force::heal_all(forces).await;
            return end(&core, &order, &entry, InjectionState::Healed, how, None);
        }
    }
    let ends_ns = order
        .lasting
        .map(|lasting| clock.now_ns().saturating_add(crate::clock::nanos(lasting)));
    entry.ends(ends_ns.map(|ns| ns / 1_000_000));
    // before whoever waits looks at it
    entry.state(in_force(&order), first);
    let _ = started.send(Ok(()));
    let how = tokio::select! {
        how = ended(&core, &entry, ends_ns) => how,
        never = grow(&core, &order, &entry, &forces) => match never {},
    };
    entry.state(InjectionState::Healing, entry.share());
    let troubles = force::heal_all(forces).await;
    let how = if troubles.is_empty() {
        how
    } else {
        format!("{how} ({})", troubles.join("; "))
    };
    entry.over(InjectionState::Healed, clock.now_ms(), &how);
    if core.cancel.is_cancelled() {
        return end(&core, &order, &entry, InjectionState::Healed, how, None);
    }
    let (flows, seen) = flows::seen(&core, &entry.acts(&order, 1.0)).await;
    entry.seen(flows, &seen);
    if !flows {
        tracing::warn!(
            injection = entry.id(),
            seen,
            "traffic does not flow again after chaos"
        );
    }
    let seen = Some((flows, seen));
    end(&core, &order, &entry, InjectionState::Healed, how, seen);
}

/// How it stands when it has come into force.
const fn in_force(order: &ChaosOrder) -> InjectionState {
    if order.ramp.is_zero() {
        InjectionState::Active
    } else {
        InjectionState::Ramping
    }
}

/// Notes the end of an injection, and journals it.
fn end(
    core: &Core,
    order: &ChaosOrder,
    entry: &Entry,
    state: InjectionState,
    how: String,
    seen: Option<(bool, String)>,
) {
    let now_ms = core.floor.clock.now_ms();
    if seen.is_none() {
        entry.over(state, now_ms, &how);
    }
    let (flows_again, seen) = seen.unzip();
    core.floor.journal.append(
        now_ms,
        Event::ChaosEnded {
            injection: entry.id(),
            what: order.says(),
            how,
            flows_again,
            seen: seen.unwrap_or_default(),
        },
    );
}

/// Grows it to its whole, and then waits for ever.
async fn grow(
    core: &Core,
    order: &ChaosOrder,
    entry: &Entry,
    forces: &[Force],
) -> std::convert::Infallible {
    if !order.ramp.is_zero() {
        let step = (order.ramp / RAMP_STEPS).max(SHORTEST_STEP).min(order.ramp);
        let clock = &core.floor.clock;
        let began_ns = clock.now_ns();
        let whole_ns = crate::clock::nanos(order.ramp);
        let step_ns = crate::clock::nanos(step);
        let mut passed_ns = 0;
        while passed_ns < whole_ns {
            passed_ns = (passed_ns + step_ns).min(whole_ns);
            clock.sleep_until(began_ns.saturating_add(passed_ns)).await;
            #[allow(clippy::cast_precision_loss)] // a share
            let share = passed_ns as f64 / whole_ns as f64;
            for (force, act) in forces.iter().zip(entry.acts(order, share)) {
                // its process may just have died of it: the next one is born with what is in force then
                if let Err(error) = force.change(&act).await {
                    tracing::debug!(%error, "an injection did not grow at once");
                }
            }
            entry.state(InjectionState::Ramping, share);
        }
        entry.state(InjectionState::Active, 1.0);
    }
    std::future::pending().await
}

/// Waits for what ends it, and says what that was.
async fn ended(core: &Core, entry: &Entry, ends_ns: Option<i64>) -> String {
    let by_itself = async {
        match ends_ns {
            Some(ends_ns) => core.floor.clock.sleep_until(ends_ns).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = by_itself => "its time was over".to_owned(),
        how = entry.healed() => how,
        () = entry.lease_ran_out() => "its lease ran out: whoever controlled it is gone".to_owned(),
        () = core.cancel.cancelled() => "the drill ended".to_owned(),
    }
}
