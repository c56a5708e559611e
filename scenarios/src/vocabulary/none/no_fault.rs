//! `no-fault`, of the family `none`. It knows no scenario that uses it, and not who carries it out.

use crate::vocabulary::{ActsAt, Mechanism, aim::Aims};

/// `no-fault`.
pub(super) const MECHANISM: Mechanism = Mechanism {
    id: "no-fault",
    definition: "Nothing is wrong: the signals have a harmless explanation",
    also_called: &["false alarm", "false positive", "healthy"],
    acts_at: ActsAt::Nowhere,
    heals: "nothing to heal; an alert may need tuning",
    aims: Aims::Nothing,
    parameters: &[],
    acts: |_aim, _values| Vec::new(),
};
