//! Which share of the connections a toxic acts on.

use serde::{Deserialize, Serialize};

/// A share, 0 to 1. It is compared with one draw per connection and direction, so that raising it hits more connections and
/// spares none that it hit before.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Toxicity(f64);

/// Why a number is not a toxicity.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("toxicity must be 0 to 1, not {0}")]
pub struct ToxicityError(f64);

impl Toxicity {
    /// Acts on every connection.
    pub const ALL: Self = Self(1.0);

    /// A share.
    ///
    /// # Errors
    /// When it is not between 0 and 1.
    pub fn new(share: f64) -> Result<Self, ToxicityError> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err(ToxicityError(share))
        }
    }

    /// The share.
    #[must_use]
    pub const fn share(self) -> f64 {
        self.0
    }

    /// Whether it acts on a connection whose draw, from 0 up to but not including 1, is this.
    #[must_use]
    pub fn hits(self, draw: f64) -> bool {
        draw < self.0
    }
}

impl Default for Toxicity {
    fn default() -> Self {
        Self::ALL
    }
}

impl TryFrom<f64> for Toxicity {
    type Error = ToxicityError;

    fn try_from(share: f64) -> Result<Self, ToxicityError> {
        Self::new(share)
    }
}

impl From<Toxicity> for f64 {
    fn from(toxicity: Toxicity) -> Self {
        toxicity.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_lies_within_its_bounds_and_is_compared_with_a_draw() {
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Toxicity::new(wrong).is_err(), "{wrong}");
        }
        let half = Toxicity::new(0.5).unwrap();
        assert!(half.hits(0.49) && !half.hits(0.5));
        assert!(!Toxicity::new(0.0).unwrap().hits(0.0));
        assert!(Toxicity::ALL.hits(0.999_999));
    }
}
