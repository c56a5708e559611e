//! `log-flood`, of the family `resource`. It knows no scenario that uses it, and not who carries it out.

use serde_json::json;

use crate::vocabulary::{ActsAt, Mechanism, act::set, aim::Aims, parameter::Parameter};

/// `log-flood`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "log-flood",
    definition: "So much is logged that the logging itself harms",
    also_called: &["verbose logging", "debug logging"],
    acts_at: ActsAt::Process,
    heals: "a lower level, sampling or a rate limit",
    aims: Aims::Services(&[]),
    parameters: &[Parameter::whole(
        "lines_per_s",
        "lines/s",
        [1, 20_000],
        300,
        "what is logged besides",
    )
    .from(1.0)],
    acts: |aim, values| {
        vec![set(
            aim,
            json!({ "log-flood": { "lines_per_s": values.whole("lines_per_s") } }),
        )]
    },
};
