//! The family `none` of the fault vocabulary. It knows no scenario that uses it.

use super::{ActsAt, Family, Mechanism};

pub(super) const FAMILY: Family = Family {
    id: "none",
    definition: "There is no fault",
    mechanisms: &[Mechanism {
        id: "no-fault",
        definition: "Nothing is wrong: the signals have a harmless explanation",
        also_called: &["false alarm", "false positive", "healthy"],
        acts_at: ActsAt::Nowhere,
        heals: "nothing to heal; an alert may need tuning",
    }],
};
