//! The way back from a remedy, worked out from what every service, the load and the alert rules were before it.

use std::collections::BTreeMap;

use scenarios::{effect::Effect, shop::Role};

use super::Applied;
use crate::{load::Profile, supervisor::Desired};

/// What has to be done to take a remedy back.
#[derive(Debug, Default, PartialEq)]
pub(super) struct WayBack {
    pub services: BTreeMap<Role, Desired>,
    pub load: Option<Profile>,
    pub alerts: Vec<String>,
    /// Changes of the same alerts by later remedies.
    pub again: Vec<Effect>,
}

/// The way back from the first of `applied`, with the later ones left in force. What those remember of the time before them is
/// corrected, so that taking them back later does not bring the first one back.
pub(super) fn way_back(applied: &mut [Applied]) -> WayBack {
    let Some((first, later)) = applied.split_first_mut() else {
        return WayBack::default();
    };
    let mut back = WayBack::default();
    for role in first.remedy.effects.iter().filter_map(touched) {
        let Some(mut desired) = first.before.get(&role).cloned() else {
            continue;
        };
        for applied in later.iter_mut() {
            applied.before.insert(role, desired.clone());
            for effect in applied
                .remedy
                .effects
                .iter()
                .filter(|effect| touched(effect) == Some(role))
            {
                desired = desired.after(effect);
            }
        }
        back.services.insert(role, desired);
    }
    if first
        .remedy
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Load(_)))
    {
        let mut profile = first.load_before;
        for applied in later.iter_mut() {
            applied.load_before = profile;
            for effect in &applied.remedy.effects {
                if let Effect::Load(change) = effect {
                    profile = profile.with(change);
                }
            }
        }
        back.load = Some(profile);
    }
    for effect in &first.remedy.effects {
        let Effect::TuneAlert { alert, .. } = effect else {
            continue;
        };
        if back.alerts.contains(alert) {
            continue;
        }
        let same = |effect: &&Effect| matches!(effect, Effect::TuneAlert { alert: other, .. } if other == alert);
        back.again.extend(
            later
                .iter()
                .flat_map(|applied| applied.remedy.effects.iter().filter(same).cloned()),
        );
        back.alerts.push(alert.clone());
    }
    back
}

/// The service whose desired state an effect changes.
const fn touched(effect: &Effect) -> Option<Role> {
    match effect {
        Effect::Deploy { service, .. }
        | Effect::Configure { service, .. }
        | Effect::Scale { service, .. } => Some(*service),
        _ => None,
    }
}
