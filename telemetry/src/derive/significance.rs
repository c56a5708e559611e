//! How surprising a difference between two shares is: the G-test (log-likelihood ratio) on a table of two
//! by two (Dunning, 1993). Knows no telemetry.

/// The G statistic of `a` of `a_all` against `b` of `b_all`; 0 where one side is empty. It is distributed
/// as chi-squared with one degree of freedom where the shares are the same.
pub(super) fn g_test(a: usize, a_all: usize, b: usize, b_all: usize) -> f64 {
    let all = (a_all + b_all) as f64;
    let term = |seen: usize, row: usize, column: usize| {
        if seen == 0 {
            return 0.0;
        }
        let expected = row as f64 * column as f64 / all;
        seen as f64 * (seen as f64 / expected).ln()
    };
    if a_all == 0 || b_all == 0 {
        return 0.0;
    }
    let (with, without) = (a + b, a_all - a + b_all - b);
    let g = term(a, with, a_all)
        + term(b, with, b_all)
        + term(a_all - a, without, a_all)
        + term(b_all - b, without, b_all);
    // rounding may leave a little less than nothing
    (2.0 * g).max(0.0)
}

/// The chance of a G of at least `g` where there is no difference: `erfc(sqrt(g / 2))`.
pub(super) fn p_value(g: f64) -> f64 {
    erfc((g / 2.0).sqrt()).clamp(0.0, 1.0)
}

/// The logarithm of the odds ratio, with half a count added to each cell (Haldane and Anscombe) so that it
/// is finite.
pub(super) fn log_odds(a: usize, a_all: usize, b: usize, b_all: usize) -> f64 {
    let odds = |part: usize, all: usize| (part as f64 + 0.5) / ((all - part) as f64 + 0.5);
    (odds(a, a_all) / odds(b, b_all)).ln()
}

/// The complementary error function for `x >= 0`: Chebyshev fit, relative error below 1.2e-7 (Press et
/// al., Numerical Recipes, "erfcc").
fn erfc(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + 0.5 * x);
    let fit = COEFFICIENTS.iter().rev().fold(0.0, |sum, c| sum * t + c);
    t * (-x * x + fit).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_of_chi_squared_with_one_degree_of_freedom() {
        // quantiles from any table
        for (g, p) in [
            (0.0, 1.0),
            (3.841_458_821, 0.05),
            (6.634_896_601, 0.01),
            (10.827_566_17, 0.001),
        ] {
            assert!((p_value(g) - p).abs() < 1e-6, "{g}: {}", p_value(g));
        }
        assert!(p_value(5000.0) == 0.0);
    }

    #[test]
    fn the_statistic_of_a_table_worked_by_hand() {
        // 30 of 40 against 20 of 60: 2 * sum(O ln(O / E)) with E = 20, 30, 20, 30
        let by_hand = 2.0
            * (30.0 * (30.0_f64 / 20.0).ln()
                + 20.0 * (20.0_f64 / 30.0).ln()
                + 10.0 * (10.0_f64 / 20.0).ln()
                + 40.0 * (40.0_f64 / 30.0).ln());
        assert!((g_test(30, 40, 20, 60) - by_hand).abs() < 1e-9);
        assert!(g_test(10, 20, 50, 100) < 1e-9, "the same shares");
        assert_eq!(g_test(5, 5, 0, 0), 0.0);
        assert!(g_test(5, 5, 0, 100).is_finite());
    }

    #[test]
    fn odds_are_finite_and_signed() {
        assert!((log_odds(30, 40, 20, 60) - (30.5_f64 / 10.5 / (20.5 / 40.5)).ln()).abs() < 1e-12);
        assert!(log_odds(5, 5, 0, 5) > 0.0 && log_odds(0, 5, 5, 5).is_finite());
    }
}
