//! Calibration: the quadratic rule over all submissions.

use api::ScorePart;
use rust_decimal::Decimal;

use super::{
    formula::{CALIBRATION, rounded},
    part,
    reading::Reading,
};

/// The first right submission earns, every wrong one costs; the sum may be negative, or the rule
/// would no longer be proper.
pub(super) fn calibration(reading: &Reading<'_>) -> ScorePart {
    let (mut points, mut reasons, mut entries) = (Decimal::ZERO, Vec::new(), Vec::new());
    let mut earned = false;
    for said in &reading.submissions {
        if said.right && earned {
            continue;
        }
        let change = quadratic(said.right, said.confidence);
        earned |= said.right;
        points += change;
        entries.push(said.seq);
        reasons.push(format!(
            "a {} submission at confidence {}: {}",
            if said.right { "right" } else { "wrong" },
            said.confidence.normalize(),
            signed(rounded(change)),
        ));
    }
    if reasons.is_empty() {
        reasons.push("no diagnosis was submitted".to_owned());
    }
    ScorePart {
        reasons,
        entries,
        ..part("calibration", points, CALIBRATION).done()
    }
}

/// What one submission earns or costs.
fn quadratic(right: bool, confidence: Decimal) -> Decimal {
    if right {
        let doubt = Decimal::ONE - confidence;
        CALIBRATION * (Decimal::ONE - doubt * doubt)
    } else {
        -CALIBRATION * confidence * confidence
    }
}

fn signed(points: Decimal) -> String {
    if points.is_sign_negative() {
        points.to_string()
    } else {
        format!("+{points}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn saying_what_one_believes_maximises_what_one_can_expect(belief in 0_u32..=100, said in 0_u32..=100) {
            let percent = |n: u32| Decimal::new(i64::from(n), 2);
            let expect = |c: Decimal| {
                let p = percent(belief);
                p * quadratic(true, c) + (Decimal::ONE - p) * quadratic(false, c)
            };
            prop_assert!(expect(percent(said)) <= expect(percent(belief)));
            prop_assert!(said == belief || expect(percent(said)) < expect(percent(belief)));
        }
    }
}
