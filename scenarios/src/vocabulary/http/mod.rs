//! The family `http` of the fault vocabulary: a mechanism is a file here and a line below.

mod delay_share;
mod error_status;
mod fail_first_n;
mod lost_response;
mod malformed_body;
mod rate_limit;
mod truncated_body;

use super::{
    Family,
    request::{matched, matched_all},
};

/// The family.
pub(super) const FAMILY: Family = Family {
    id: "http",
    definition: "Requests are answered wrongly, late or not at all",
    mechanisms: &[
        error_status::MECHANISM,
        fail_first_n::MECHANISM,
        delay_share::MECHANISM,
        malformed_body::MECHANISM,
        truncated_body::MECHANISM,
        rate_limit::MECHANISM,
        lost_response::MECHANISM,
    ],
};
