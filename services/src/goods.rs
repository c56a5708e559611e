//! The goods on sale: name, list price and tax of each, the same in every service.

use scenarios::shop::{BUNDLE_GOODS, GOODS};

/// Cheapest list price, minor units.
const CHEAPEST_MINOR_UNITS: i64 = 149;
/// Spread of list prices above the cheapest, minor units.
const PRICE_SPREAD_MINOR_UNITS: u64 = 7_850;
/// Standard tax, basis points.
const STANDARD_TAX_BASIS_POINTS: u32 = 1_900;
/// Reduced tax (books, food), basis points.
const REDUCED_TAX_BASIS_POINTS: u32 = 700;
/// One good in so many is taxed at the reduced rate.
const REDUCED_TAX_EVERY: u32 = 4;

const MATERIALS: [&str; 10] = [
    "Oak", "Linen", "Copper", "Wool", "Glass", "Cedar", "Steel", "Cotton", "Slate", "Brass",
];
const THINGS: [&str; 20] = [
    "lamp", "kettle", "blanket", "notebook", "mug", "shelf", "apron", "teapot", "clock", "basket",
    "stool", "tray", "candle", "towel", "vase", "pan", "ladle", "frame", "cushion", "bell",
];

/// Whether there is such an article.
#[must_use]
pub const fn exists(sku: u32) -> bool {
    sku < GOODS
}

/// Whether it is sold in bundles.
#[must_use]
pub const fn in_bundles(sku: u32) -> bool {
    sku < BUNDLE_GOODS
}

/// What it is called.
#[must_use]
pub fn name(sku: u32) -> String {
    let thing = THINGS[sku as usize % THINGS.len()];
    let material = MATERIALS[(sku as usize / THINGS.len()) % MATERIALS.len()];
    format!("{material} {thing}")
}

/// List price, minor units.
#[must_use]
#[allow(clippy::cast_possible_wrap)] // at most the spread
pub const fn list_price_minor_units(sku: u32) -> i64 {
    // Fibonacci hashing (Knuth 6.4): spreads consecutive numbers evenly
    let spread = (sku as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    CHEAPEST_MINOR_UNITS + (spread % PRICE_SPREAD_MINOR_UNITS) as i64
}

/// Its tax, basis points.
#[must_use]
pub const fn tax_basis_points(sku: u32) -> u32 {
    if sku % REDUCED_TAX_EVERY == REDUCED_TAX_EVERY - 1 {
        REDUCED_TAX_BASIS_POINTS
    } else {
        STANDARD_TAX_BASIS_POINTS
    }
}

/// A page of a report: what a customer would have bought in a year, each day another article, minor units.
#[must_use]
pub fn yearly_turnover(customer: u32) -> i64 {
    (0..365)
        .map(|day| {
            let sku = (customer.wrapping_mul(31) + day) % GOODS;
            list_price_minor_units(sku) * i64::from(1 + day % 3)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_article_has_a_name_of_its_own_and_a_price_within_bounds() {
        let names: BTreeSet<_> = (0..GOODS).map(name).collect();
        assert_eq!(names.len(), GOODS as usize);
        for sku in 0..GOODS {
            assert!((149..8_000).contains(&list_price_minor_units(sku)));
        }
    }
}
