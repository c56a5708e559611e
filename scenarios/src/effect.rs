//! What a timeline entry, a remedy or a proof does to the lab. Each is carried out for real by the
//! supervisor, a service, a proxy, the load generator or the alert engine.

use serde::{Deserialize, Serialize};

use crate::{
    setting::Setting,
    shop::Role,
    span::Span,
    vocabulary::{MechanismId, aim::Aim, parameter::Given},
};

/// One thing done to the lab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Rolls out a release: a new process with the new version and settings (merged over those in force), switched in at the
    /// proxies when ready; then the old one is stopped.
    Deploy {
        /// Service.
        service: Role,
        /// New version.
        version: String,
        /// Settings that come with it.
        #[serde(default)]
        settings: Vec<Setting>,
    },
    /// Changes settings of a running service, on all its instances.
    Configure {
        /// Service.
        service: Role,
        /// Settings.
        settings: Vec<Setting>,
    },
    /// Stops and starts it again with the settings in force.
    Restart {
        /// Service.
        service: Role,
    },
    /// Runs so many instances.
    Scale {
        /// Service.
        service: Role,
        /// Instances, 1 to 4.
        replicas: u32,
    },
    /// Changes the load; what is not named stays.
    Load(LoadChange),
    /// Harms the lab by a mechanism of the vocabulary, as an instructor could.
    Inject {
        /// Which.
        mechanism: MechanismId,
        /// Where.
        at: Aim,
        /// Values of its parameters; what is left out has its default.
        #[serde(default)]
        values: Given,
        /// For how long; none means until healed.
        #[serde(default)]
        lasting: Option<Span>,
    },
    /// Changes an alert rule.
    TuneAlert {
        /// Rule name.
        alert: String,
        /// New condition, PromQL.
        #[serde(default)]
        expr: Option<String>,
        /// New `for`.
        #[serde(default)]
        hold: Option<Span>,
    },
}

/// A change of the load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadChange {
    /// Journeys begun per second of drill time.
    pub journeys_per_s: Option<f64>,
    /// Share of journeys that check out.
    pub checkout_share: Option<f64>,
    /// Share that look at their order history.
    pub history_share: Option<f64>,
    /// Share of carts with a bundle.
    pub bundle_share: Option<f64>,
    /// Share of journeys by long-time customers.
    pub long_time_share: Option<f64>,
}
