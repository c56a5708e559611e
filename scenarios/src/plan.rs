//! A plan: a scenario with everything that chance decides decided. The same seed gives the same
//! plan, byte for byte.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{scenario::Scenario, seed::Seed};

/// Everything needed to run, verify and score one drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Seed.
    pub seed: Seed,
    /// Level it is met at.
    pub level: u8,
    /// What was drawn, by name.
    pub draws: BTreeMap<String, String>,
    /// Contents of the rule files, in the scenario's order.
    pub rules: Vec<String>,
    /// The scenario with the draws put in and repetitions laid out.
    pub scenario: Scenario,
}

impl Plan {
    /// The plan as JSON: the same plan gives the same bytes.
    ///
    /// # Panics
    /// Never: a plan holds nothing that JSON cannot.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a plan holds nothing that JSON cannot")
    }

    /// The command that repeats this drill.
    #[must_use]
    pub fn repeat_command(&self) -> String {
        format!(
            "drill run {} --seed {} --level {}",
            self.scenario.slug, self.seed, self.level
        )
    }
}
