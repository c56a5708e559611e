//! The fault vocabulary: families and their mechanisms, with definitions, where each acts and how it
//! heals, and for chaos what it can be given, where it can be aimed and which acts it is made of. A
//! trainee picks from it in a diagnosis, so it also lists what no scenario uses yet.
//!
//! It is data and pure functions: services, links, supervisor and load carry the acts out.

pub mod act;
pub mod aim;
mod change;
mod concurrency;
mod data;
mod data_access;
mod dependency;
mod http;
mod network;
mod none;
pub mod parameter;
mod process;
mod request;
mod resource;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{nearest::nearest, scenario::Scenario};
use act::Act;
use aim::{Aim, Aims};
use parameter::{Parameter, ValueError, Values};

/// Where a mechanism acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActsAt {
    /// On the connection between two services, or a service and its database.
    Link,
    /// In the code of one service.
    Service,
    /// In the process that runs a service.
    Process,
    /// In what a service keeps.
    Data,
    /// In how the shop is run: releases, configuration, flags, infrastructure, load.
    Operation,
    /// Nowhere.
    Nowhere,
}

/// One way to break.
#[derive(Debug, Clone, Copy)]
pub struct Mechanism {
    /// Id, as in `circular-wait`.
    pub id: &'static str,
    /// One line.
    pub definition: &'static str,
    /// What else the field calls it, or what a person would search for who has another word in mind.
    pub also_called: &'static [&'static str],
    /// Where it acts.
    pub acts_at: ActsAt,
    /// What ends it, one line.
    pub heals: &'static str,
    /// Where chaos can be aimed that injects it.
    pub aims: Aims,
    /// What it can be given then.
    pub parameters: &'static [Parameter],
    /// What is done then.
    acts: fn(Aim, &Values) -> Vec<Act>,
}

/// Why a mechanism cannot be injected as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It cannot be injected at all.
    #[error("{mechanism} is no harm, so it cannot be injected")]
    Harmless {
        /// Mechanism.
        mechanism: &'static str,
    },
    /// It does not act there.
    #[error("{mechanism} cannot be aimed at {aim}; it can be aimed at {words}")]
    Aim {
        /// Mechanism.
        mechanism: &'static str,
        /// Where it was aimed.
        aim: Aim,
        /// Where it can be.
        words: String,
    },
    /// Values that it does not take.
    #[error("{}", listed(.0))]
    Values(Vec<ValueError>),
}

fn listed(errors: &[ValueError]) -> String {
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    told.join("; ")
}

impl Mechanism {
    /// One line, as the picker shows and searches it: the definition, and the other words for it.
    #[must_use]
    pub fn text(&self) -> String {
        match self.also_called {
            [] => self.definition.to_owned(),
            words => format!("{} (also: {})", self.definition, words.join(", ")),
        }
    }

    /// Reads what it is given, over the defaults.
    ///
    /// # Errors
    /// Every value that it does not take.
    pub fn values(
        &self,
        given: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Values, Unfit> {
        Values::read(self.id, self.parameters, given).map_err(Unfit::Values)
    }

    /// What is done when it is injected there with these values, so far into a ramp (1 is the whole). The same acts in the same
    /// order for every share, so that one can take another's place.
    ///
    /// # Errors
    /// When it does not act there.
    pub fn acts(&self, aim: Aim, values: &Values, share: f64) -> Result<Vec<Act>, Unfit> {
        if self.aims == Aims::Nothing {
            return Err(Unfit::Harmless { mechanism: self.id });
        }
        if !self.aims.admit(aim) {
            return Err(Unfit::Aim {
                mechanism: self.id,
                aim,
                words: self.aims.words(),
            });
        }
        Ok((self.acts)(aim, &values.ramped(self.parameters, share)))
    }

    /// Whether it grows when it is ramped.
    #[must_use]
    pub fn ramps(&self) -> bool {
        self.parameters.iter().any(|one| one.ramps_from.is_some())
    }
}

/// Mechanisms of one kind. Naming another one of the right family earns part of the points.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Id, as in `concurrency`.
    pub id: &'static str,
    /// One line.
    pub definition: &'static str,
    /// Its mechanisms.
    pub mechanisms: &'static [Mechanism],
}

/// The families, from the wire inwards. A family is one file and one line here.
pub const FAMILIES: &[Family] = &[
    network::FAMILY,
    http::FAMILY,
    dependency::FAMILY,
    concurrency::FAMILY,
    data::FAMILY,
    data_access::FAMILY,
    resource::FAMILY,
    process::FAMILY,
    change::FAMILY,
    none::FAMILY,
];

/// The mechanism that says that nothing is wrong.
pub const NO_FAULT: &str = "no-fault";
/// The component and the trigger that go with [`NO_FAULT`].
pub const NONE: &str = "none";

/// Id of a mechanism of the vocabulary; there is no other way to make one than by [`MechanismId::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "&'static str")]
pub struct MechanismId(&'static str);

/// Why a text is not a mechanism.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the vocabulary has no mechanism `{id}`{}", nearest_of(.nearest))]
pub struct UnknownMechanism {
    /// What was given.
    pub id: String,
    /// The most similar one there is, if any is similar.
    pub nearest: Option<&'static str>,
}

fn nearest_of(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |near| format!("; did you mean `{near}`"))
}

impl MechanismId {
    /// Looks the id up.
    ///
    /// # Errors
    /// [`UnknownMechanism`] when the vocabulary has none of this id.
    pub fn new(id: &str) -> Result<Self, UnknownMechanism> {
        mechanism(id)
            .map(|found| Self(found.id))
            .ok_or_else(|| UnknownMechanism {
                id: id.to_owned(),
                nearest: nearest(id, mechanism_ids()),
            })
    }

    /// The id itself.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// What it means.
    ///
    /// # Panics
    /// Never: an id is made from the vocabulary only.
    #[must_use]
    pub fn mechanism(self) -> &'static Mechanism {
        mechanism(self.0).expect("an id is made from the vocabulary only")
    }

    /// Its family.
    ///
    /// # Panics
    /// Never: an id is made from the vocabulary only.
    #[must_use]
    pub fn family(self) -> &'static Family {
        family_of(self.0).expect("an id is made from the vocabulary only")
    }
}

impl std::fmt::Display for MechanismId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl From<MechanismId> for &'static str {
    fn from(id: MechanismId) -> Self {
        id.0
    }
}

// by hand: derived, it would borrow from what it reads for as long as the vocabulary lives
impl<'de> Deserialize<'de> for MechanismId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        Self::new(&id).map_err(serde::de::Error::custom)
    }
}

impl std::str::FromStr for MechanismId {
    type Err = UnknownMechanism;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

/// All mechanisms, in the order of the families.
pub fn mechanisms() -> impl Iterator<Item = &'static Mechanism> {
    FAMILIES.iter().flat_map(|family| family.mechanisms)
}

/// Ids of all mechanisms.
pub fn mechanism_ids() -> impl Iterator<Item = &'static str> {
    mechanisms().map(|mechanism| mechanism.id)
}

/// The mechanism of this id.
#[must_use]
pub fn mechanism(id: &str) -> Option<&'static Mechanism> {
    mechanisms().find(|mechanism| mechanism.id == id)
}

/// The family that a mechanism belongs to.
#[must_use]
pub fn family_of(mechanism: &str) -> Option<&'static Family> {
    FAMILIES
        .iter()
        .find(|family| family.mechanisms.iter().any(|one| one.id == mechanism))
}

/// Whether both are mechanisms, of one family.
#[must_use]
pub fn same_family(a: &str, b: &str) -> bool {
    family_of(a).is_some_and(|family| family.mechanisms.iter().any(|one| one.id == b))
}

/// What can be named as the component in a diagnosis of this scenario: id and text. First the
/// services, then the links between them (`caller->called`), then the load and [`NONE`].
#[must_use]
pub fn components(scenario: &Scenario) -> Vec<(String, String)> {
    let roles: Vec<_> = scenario.services.iter().map(|spec| spec.service).collect();
    let services = roles
        .iter()
        .map(|role| (role.name().to_owned(), format!("{role}: {}", role.does())));
    let links = roles
        .iter()
        .flat_map(|from| from.calls().iter().map(move |to| (from, to)))
        .filter(|(_, to)| roles.contains(to))
        .map(|(from, to)| {
            (
                format!("{from}->{to}"),
                format!("the network between {from} and {to}"),
            )
        });
    let rest = [
        ("load", "the traffic that customers bring"),
        (NONE, "nothing is wrong in any component"),
    ];
    services
        .chain(links)
        .chain(rest.map(|(id, text)| (id.to_owned(), text.to_owned())))
        .collect()
}

/// Words that a trainee must not meet in processes, logs, spans, metrics or file names of a drill of
/// this scenario: every mechanism id that no everyday word is, every remedy id, the slug.
#[must_use]
pub fn spoilers(scenario: &Scenario) -> Vec<String> {
    mechanism_ids()
        .filter(|id| id.contains('-'))
        .map(str::to_owned)
        .chain(scenario.remedies.iter().map(|remedy| remedy.id.clone()))
        .chain(std::iter::once(scenario.slug.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_unique_and_kebab_case() {
        let mut seen = std::collections::BTreeSet::new();
        for id in mechanism_ids().chain(FAMILIES.iter().map(|family| family.id)) {
            assert!(seen.insert(id), "{id} twice");
            assert!(
                id.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{id}"
            );
        }
        assert_eq!(FAMILIES.len(), 10);
        assert_eq!(mechanism_ids().count(), 57);
    }

    #[test]
    fn definitions_are_one_line_without_full_stop() {
        for mechanism in mechanisms() {
            for text in [mechanism.definition, mechanism.heals] {
                assert!(
                    !text.is_empty() && !text.contains('\n') && !text.ends_with('.'),
                    "{}: {text}",
                    mechanism.id
                );
            }
        }
    }

    #[test]
    fn every_mechanism_is_found_by_other_words_than_its_own() {
        let found = |word: &str| -> Vec<&str> {
            let speaks = |one: &&Mechanism| one.text().to_lowercase().contains(word);
            mechanisms().filter(speaks).map(|one| one.id).collect()
        };
        for (word, id) in [
            ("deadlock", "circular-wait"),
            ("n+1", "n-plus-one"),
            ("float", "binary-float-money"),
            ("rounding", "binary-float-money"),
            ("idempotency", "missing-idempotency"),
            ("connection pool", "pool-exhaustion"),
            ("thread pool", "pool-exhaustion"),
            ("false alarm", "no-fault"),
            ("race condition", "lost-update"),
            ("out of memory", "memory-limit-kill"),
        ] {
            assert_eq!(found(word), [id], "{word}");
        }
        for one in mechanisms() {
            assert!(!one.also_called.is_empty(), "{} has one name only", one.id);
            for word in one.also_called {
                assert!(
                    !word.is_empty() && !one.definition.contains(word),
                    "{}: {word}",
                    one.id
                );
            }
        }
    }

    /// The values at which a parameter is at its default, its least or its most.
    fn extremes(
        parameters: &'static [Parameter],
    ) -> Vec<serde_json::Map<String, serde_json::Value>> {
        use parameter::Kind;
        let ends = |one: &Parameter| -> [serde_json::Value; 2] {
            match one.kind {
                Kind::Whole { least, most, .. } => [least.into(), most.into()],
                Kind::Signed { least, most, .. } => [least.into(), most.into()],
                Kind::Number { least, most, .. } => [least.into(), most.into()],
                Kind::Choice { words } => [words[0].into(), words[words.len() - 1].into()],
                Kind::Text { longest, .. } => ["".into(), "/".repeat(longest).into()],
            }
        };
        let all = |k: usize| {
            parameters
                .iter()
                .map(move |one| (one.id.to_owned(), ends(one)[k].clone()))
        };
        vec![serde_json::Map::new(), all(0).collect(), all(1).collect()]
    }

    #[test]
    fn every_mechanism_becomes_acts_wherever_it_can_be_aimed_at_all_its_bounds() {
        for mechanism in mechanisms().filter(|one| one.id != NO_FAULT) {
            let mut aimed = 0;
            for aim in mechanism.aims.all() {
                for given in extremes(mechanism.parameters) {
                    let values = mechanism.values(&given).expect("within bounds");
                    let whole = mechanism.acts(aim, &values, 1.0).expect("admitted");
                    assert!(!whole.is_empty(), "{} at {aim} does nothing", mechanism.id);
                    for share in [0.0, 0.3] {
                        let part = mechanism.acts(aim, &values, share).expect("admitted");
                        let places = |acts: &[Act]| -> Vec<_> {
                            acts.iter()
                                .map(|act| (std::mem::discriminant(act), act.at()))
                                .collect()
                        };
                        assert_eq!(places(&part), places(&whole), "{}", mechanism.id);
                    }
                }
                aimed += 1;
            }
            assert!(aimed > 0, "{} cannot be aimed at anything", mechanism.id);
        }
    }

    #[test]
    fn what_does_not_act_there_says_where_it_does() {
        let mechanism = mechanism("n-plus-one").expect("exists");
        let values = mechanism.values(&serde_json::Map::new()).expect("defaults");
        let told = mechanism
            .acts(Aim::Load, &values, 1.0)
            .unwrap_err()
            .to_string();
        assert_eq!(
            told,
            "n-plus-one cannot be aimed at load; it can be aimed at orders"
        );
        let harmless = super::mechanism(NO_FAULT).expect("exists");
        let values = harmless.values(&serde_json::Map::new()).expect("none");
        assert!(harmless.acts(Aim::Load, &values, 1.0).is_err());
    }

    #[test]
    fn an_unknown_mechanism_is_refused_with_the_nearest() {
        let error = MechanismId::new("circular-wiat").expect_err("misspelt");
        assert_eq!(
            error.to_string(),
            "the vocabulary has no mechanism `circular-wiat`; did you mean `circular-wait`"
        );
        assert!(serde_json::from_str::<MechanismId>("\"nonsense\"").is_err());
    }

    #[test]
    fn family_is_that_of_the_file_it_stands_in() {
        assert!(same_family("circular-wait", "pool-exhaustion"));
        assert!(!same_family("circular-wait", "latency"));
        assert!(!same_family("nonsense", "nonsense"));
        let id = MechanismId::new("n-plus-one").expect("exists");
        assert_eq!(id.family().id, "data-access");
        assert_eq!(id.mechanism().id, "n-plus-one");
    }
}
