//! Whatever the vocabulary of harm can ask of a service is a setting that the service takes.

use scenarios::{
    setting::Setting,
    shop::Role,
    vocabulary::{act::Act, mechanisms, parameter::Kind},
};
use serde_json::{Map, Value};

use crate::settings::Settings;

#[test]
fn every_role_takes_what_mechanisms_set_in_it_at_all_bounds() {
    let mut taken = 0;
    for mechanism in mechanisms() {
        for aim in mechanism.aims.all() {
            for end in [0, 1] {
                let given: Map<String, Value> = mechanism
                    .parameters
                    .iter()
                    .filter_map(|one| {
                        let ends: [Value; 2] = match one.kind {
                            Kind::Whole { least, most, .. } => [least.into(), most.into()],
                            Kind::Signed { least, most, .. } => [least.into(), most.into()],
                            Kind::Number { least, most, .. } => [least.into(), most.into()],
                            Kind::Choice { words } => {
                                [words[0].into(), words[words.len() - 1].into()]
                            }
                            Kind::Text { .. } => return None,
                        };
                        Some((one.id.to_owned(), ends[end].clone()))
                    })
                    .collect();
                let values = mechanism.values(&given).unwrap();
                for act in mechanism.acts(aim, &values, 1.0).unwrap_or_default() {
                    taken += takes(mechanism.id, &act);
                }
            }
        }
    }
    assert!(taken > 200, "{taken}");
}

fn takes(mechanism: &str, act: &Act) -> usize {
    let (role, settings): (Role, &[Setting]) = match act {
        Act::Set { service, settings }
        | Act::Drift { service, settings }
        | Act::Release { service, settings } => (*service, settings),
        _ => return 0,
    };
    let after = Settings::of(role).with(role, settings);
    assert!(after.is_ok(), "{mechanism} at {role}: {:?}", after.err());
    1
}
