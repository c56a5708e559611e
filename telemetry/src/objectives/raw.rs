//! The shape of a spec file as YAML has it, before anything of it is checked.

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::alerts::yaml::Map;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSpec {
    pub version: Option<Spanned<String>>,
    pub service: Option<Spanned<String>>,
    pub labels: Option<Map>,
    pub windows: Option<RawWindows>,
    pub slos: Option<Spanned<Vec<Spanned<RawObjective>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RawWindows {
    pub slo_period: Spanned<String>,
    pub page: RawPairs,
    pub ticket: RawPairs,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPairs {
    pub quick: RawPair,
    pub slow: RawPair,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RawPair {
    pub error_budget_percent: Spanned<f64>,
    pub short_window: Spanned<String>,
    pub long_window: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawObjective {
    pub name: Option<Spanned<String>>,
    pub objective: Option<Spanned<f64>>,
    #[serde(default)]
    pub description: String,
    pub labels: Option<Map>,
    #[serde(default)]
    pub interval: RawIntervals,
    pub sli: Option<Spanned<RawIndicator>>,
    pub alerting: Option<Spanned<RawAlerting>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIntervals {
    pub all: Option<Spanned<String>>,
    pub slierror: Option<Spanned<String>>,
    pub metadata: Option<Spanned<String>>,
    pub alert: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIndicator {
    pub events: Option<Spanned<RawEvents>>,
    pub raw: Option<Spanned<serde::de::IgnoredAny>>,
    pub plugin: Option<Spanned<serde::de::IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEvents {
    pub error_query: Option<Spanned<String>>,
    pub total_query: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAlerting {
    pub name: Option<Spanned<String>>,
    pub labels: Option<Map>,
    pub annotations: Option<Map>,
    #[serde(default)]
    pub page_alert: RawAlert,
    #[serde(default)]
    pub ticket_alert: RawAlert,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAlert {
    #[serde(default)]
    pub disable: bool,
    pub labels: Option<Map>,
    pub annotations: Option<Map>,
}
