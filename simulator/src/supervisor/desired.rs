//! What a service is to be: version, settings, instances. Pure: how one state follows from another,
//! and what has to be done to get from one to the other.

use std::mem::discriminant;

use scenarios::{effect::Effect, scenario::ServiceSpec, setting::Setting};

/// What a service is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Desired {
    /// Release.
    pub version: String,
    /// Settings that differ from the defaults, at most one of a kind.
    pub settings: Vec<Setting>,
    /// Instances.
    pub replicas: u32,
}

/// Fewest and most instances of a service.
pub const REPLICAS: std::ops::RangeInclusive<u32> = 1..=4;

/// How to get from one desired state to another.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// New processes with the new version and settings, then the old ones stop.
    Roll,
    /// Settings of the running processes change.
    Configure(Vec<Setting>),
    /// The number of processes changes.
    Scale,
}

impl Desired {
    /// As the scenario begins.
    #[must_use]
    pub fn of(spec: &ServiceSpec) -> Self {
        let settings = merged(&[], &spec.settings);
        Self {
            version: spec.version.clone(),
            settings,
            replicas: 1,
        }
    }

    /// After an effect on this service. Effects that change nothing lasting (a restart, the network) leave it as it is.
    #[must_use]
    pub fn after(&self, effect: &Effect) -> Self {
        let mut next = self.clone();
        match effect {
            Effect::Deploy {
                version, settings, ..
            } => {
                next.version.clone_from(version);
                next.settings = merged(&self.settings, settings);
            }
            Effect::Configure { settings, .. } => next.settings = merged(&self.settings, settings),
            Effect::Scale { replicas, .. } => {
                next.replicas = (*replicas).clamp(*REPLICAS.start(), *REPLICAS.end());
            }
            _ => {}
        }
        next
    }

    /// What has to be done to get from this to `next`. A setting that `next` leaves at its default can only be taken out of a
    /// process by a new one.
    #[must_use]
    pub fn steps_to(&self, next: &Self) -> Vec<Step> {
        let missing = self
            .settings
            .iter()
            .any(|setting| !has_kind(&next.settings, setting));
        let mut steps = Vec::new();
        if self.version != next.version || missing {
            steps.push(Step::Roll);
        } else {
            let changed: Vec<_> = next
                .settings
                .iter()
                .filter(|setting| !self.settings.contains(setting))
                .cloned()
                .collect();
            if !changed.is_empty() {
                steps.push(Step::Configure(changed));
            }
        }
        if self.replicas != next.replicas {
            steps.push(Step::Scale);
        }
        steps
    }
}

fn has_kind(settings: &[Setting], like: &Setting) -> bool {
    settings
        .iter()
        .any(|setting| discriminant(setting) == discriminant(like))
}

/// `settings` with those of the same kind replaced by `changes`, and the others of `changes` added.
pub(super) fn merged(settings: &[Setting], changes: &[Setting]) -> Vec<Setting> {
    let mut all: Vec<_> = settings
        .iter()
        .filter(|setting| !has_kind(changes, setting))
        .cloned()
        .collect();
    for (k, change) in changes.iter().enumerate() {
        // of two changes of one kind the later counts
        if !has_kind(&changes[k + 1..], change) {
            all.push(change.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::shop::Role;

    fn desired(settings: Vec<Setting>) -> Desired {
        Desired {
            version: "1".into(),
            settings,
            replicas: 1,
        }
    }

    fn configure(settings: Vec<Setting>) -> Effect {
        Effect::Configure {
            service: Role::Checkout,
            settings,
        }
    }

    #[test]
    fn a_setting_replaces_the_one_of_its_kind() {
        let next = desired(vec![Setting::WorkerSlots(8), Setting::CallTimeoutMs(10)]).after(
            &configure(vec![Setting::WorkerSlots(4), Setting::WorkerSlots(2)]),
        );
        assert_eq!(
            next.settings,
            [Setting::CallTimeoutMs(10), Setting::WorkerSlots(2)]
        );
    }

    #[test]
    fn a_change_is_configured_and_a_default_is_rolled_back_by_new_processes() {
        let before = desired(vec![]);
        let after = before.after(&configure(vec![Setting::WorkerSlots(4)]));
        assert_eq!(
            before.steps_to(&after),
            [Step::Configure(vec![Setting::WorkerSlots(4)])]
        );
        assert_eq!(after.steps_to(&before), [Step::Roll]);
        assert_eq!(after.steps_to(&after), []);
    }

    #[test]
    fn a_release_keeps_the_settings_in_force_and_scaling_stays_in_bounds() {
        let before = desired(vec![Setting::WorkerSlots(4)]);
        let released = before.after(&Effect::Deploy {
            service: Role::Checkout,
            version: "2".into(),
            settings: vec![Setting::CallTimeoutMs(1)],
        });
        assert_eq!(released.settings.len(), 2);
        let scaled = released.after(&Effect::Scale {
            service: Role::Checkout,
            replicas: 9,
        });
        assert_eq!(scaled.replicas, 4);
        assert_eq!(before.steps_to(&scaled), [Step::Roll, Step::Scale]);
        assert_eq!(
            before.after(&Effect::Restart {
                service: Role::Checkout
            }),
            before
        );
    }
}
