//! What an order costs: three ways to compute it, of which only one is right. Pure functions.
//!
//! A line costs `unit price × quantity × (1 − discount) × (1 + tax)`. Prices are whole minor units
//! (cents); discount and tax are basis points, so exact amounts have up to eight further digits.

use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use scenarios::setting::Arithmetic;

use crate::wire::PricedLine;

/// Basis points in one whole.
const WHOLE_BASIS_POINTS: i64 = 10_000;
/// Minor units in one major unit.
const MINOR_PER_MAJOR: f64 = 100.0;

/// What a customer owes for these lines, minor units: decimals, each line rounded half up. This is
/// what ledger and payments hold a total against, whatever checkout computed.
#[must_use]
pub fn owed(lines: &[PricedLine]) -> i64 {
    lines.iter().map(line_owed).sum()
}

/// What these lines add up to in the given arithmetic, minor units.
#[must_use]
pub fn total(arithmetic: Arithmetic, lines: &[PricedLine]) -> i64 {
    match arithmetic {
        Arithmetic::Decimal => owed(lines),
        Arithmetic::BinaryFloat => cents(running_total(lines).trunc()),
        Arithmetic::BinaryFloatRounded => cents(running_total(lines).round()),
    }
}

/// What a line owes, minor units, rounded half up.
fn line_owed(line: &PricedLine) -> i64 {
    let whole = Decimal::from(WHOLE_BASIS_POINTS);
    let kept = Decimal::from(WHOLE_BASIS_POINTS - i64::from(line.discount_basis_points)) / whole;
    let taxed = Decimal::from(WHOLE_BASIS_POINTS + i64::from(line.tax_basis_points)) / whole;
    let exact =
        Decimal::from(line.unit_price_minor_units) * Decimal::from(line.quantity) * kept * taxed;
    exact
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
        .unwrap_or(i64::MAX)
}

/// Sum of the lines in binary floating point, in minor units and fractions of them.
#[allow(clippy::cast_precision_loss)] // the loss is the point
fn running_total(lines: &[PricedLine]) -> f64 {
    let mut total = 0.0_f64;
    for line in lines {
        let price = line.unit_price_minor_units as f64 / MINOR_PER_MAJOR;
        let discount = f64::from(line.discount_basis_points) / 10_000.0;
        let tax = f64::from(line.tax_basis_points) / 10_000.0;
        total += price * f64::from(line.quantity) * (1.0 - discount) * (1.0 + tax);
    }
    total * MINOR_PER_MAJOR
}

/// A whole number of minor units.
#[allow(clippy::cast_possible_truncation)] // whole and far below 2^53 for any basket within the limits of `wire`
fn cents(whole: f64) -> i64 {
    whole as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line() -> impl Strategy<Value = PricedLine> {
        (1_i64..20_000, 1_u32..=50, 0_u32..=4_000, 0_u32..=2_500).prop_map(
            |(unit_price_minor_units, quantity, discount_basis_points, tax_basis_points)| {
                PricedLine {
                    sku: 1,
                    quantity,
                    unit_price_minor_units,
                    discount_basis_points,
                    tax_basis_points,
                }
            },
        )
    }

    /// The same in whole numbers only: numerator over 10⁸, rounded half up.
    fn owed_in_integers(lines: &[PricedLine]) -> i64 {
        lines
            .iter()
            .map(|line| {
                let numerator = i128::from(line.unit_price_minor_units)
                    * i128::from(line.quantity)
                    * i128::from(10_000 - line.discount_basis_points)
                    * i128::from(10_000 + line.tax_basis_points);
                i64::try_from((numerator + 50_000_000) / 100_000_000).unwrap()
            })
            .sum()
    }

    proptest! {
        #[test]
        fn decimals_agree_with_whole_numbers(lines in prop::collection::vec(line(), 1..40)) {
            prop_assert_eq!(total(Arithmetic::Decimal, &lines), owed_in_integers(&lines));
        }

        #[test]
        fn decimals_do_not_depend_on_the_order_of_lines(lines in prop::collection::vec(line(), 1..40)) {
            let mut reversed = lines.clone();
            reversed.reverse();
            prop_assert_eq!(owed(&lines), owed(&reversed));
        }

        #[test]
        fn decimals_of_two_baskets_add_up(
            left in prop::collection::vec(line(), 1..20),
            right in prop::collection::vec(line(), 1..20),
        ) {
            let both: Vec<_> = left.iter().chain(&right).cloned().collect();
            prop_assert_eq!(owed(&both), owed(&left) + owed(&right));
        }

        #[test]
        fn floats_stay_within_a_cent_per_line(lines in prop::collection::vec(line(), 1..40)) {
            let bound = i64::try_from(lines.len()).unwrap() / 2 + 1;
            for arithmetic in [Arithmetic::BinaryFloat, Arithmetic::BinaryFloatRounded] {
                let difference = (total(arithmetic, &lines) - owed(&lines)).abs();
                prop_assert!(difference <= bound, "{arithmetic:?} is {difference} off");
            }
        }
    }

    fn simple(unit_price_minor_units: i64, quantity: u32) -> PricedLine {
        PricedLine {
            sku: 1,
            quantity,
            unit_price_minor_units,
            discount_basis_points: 0,
            tax_basis_points: 0,
        }
    }

    #[test]
    fn truncated_floats_lose_a_cent_where_no_rounding_was_due() {
        // 4.35 has no exact binary form: times 100 it is 434.99999999999994
        let lines = [simple(435, 1)];
        assert_eq!(owed(&lines), 435);
        assert_eq!(total(Arithmetic::BinaryFloat, &lines), 434);
        assert_eq!(total(Arithmetic::BinaryFloatRounded, &lines), 435);
    }

    #[test]
    fn rounding_at_the_end_still_differs_from_rounding_each_line() {
        // two lines of 100.5 cents: 101 + 101 by line, 201 at the end
        let half = PricedLine {
            discount_basis_points: 5_000,
            ..simple(201, 1)
        };
        let lines = [half.clone(), half];
        assert_eq!(owed(&lines), 202);
        assert_eq!(total(Arithmetic::BinaryFloatRounded, &lines), 201);
    }
}
