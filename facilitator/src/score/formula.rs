//! The numbers of the published formula, and the text that prints them. It deliberately knows no
//! journal: what a number is applied to stands in the part's own file.

use rust_decimal::Decimal;

/// Version of the formula; rises with every change that could change a score.
pub const FORMULA: u32 = 1;

/// Exact component.
pub(super) const LOCALISATION: Decimal = Decimal::from_parts(12, 0, 0, false, 0);
/// An ancestor or child of it on the causal path.
pub(super) const LOCALISATION_NEAR: Decimal = Decimal::from_parts(4, 0, 0, false, 0);
/// Exact mechanism.
pub(super) const MECHANISM: Decimal = Decimal::from_parts(12, 0, 0, false, 0);
/// A mechanism of the same family.
pub(super) const MECHANISM_FAMILY: Decimal = Decimal::from_parts(5, 0, 0, false, 0);
/// The trigger; the scope earns the same.
pub(super) const TRIGGER: Decimal = Decimal::from_parts(4, 0, 0, false, 0);
/// See [`TRIGGER`].
pub(super) const SCOPE: Decimal = Decimal::from_parts(4, 0, 0, false, 0);
/// The stake of the quadratic rule (Brier 1950, shifted so that saying nothing is worth nothing).
pub(super) const CALIBRATION: Decimal = Decimal::from_parts(8, 0, 0, false, 0);
/// Evidence, times F1.
pub(super) const EVIDENCE: Decimal = Decimal::from_parts(15, 0, 0, false, 0);
/// Decoys that were ruled out.
pub(super) const ALTERNATIVES: Decimal = Decimal::from_parts(5, 0, 0, false, 0);
/// Time at or under par.
pub(super) const TIME: Decimal = Decimal::from_parts(20, 0, 0, false, 0);
/// All invariants of the proof hold.
pub(super) const REPAIR: Decimal = Decimal::from_parts(10, 0, 0, false, 0);
/// No harmful action.
pub(super) const CARE: Decimal = Decimal::from_parts(5, 0, 0, false, 0);
/// What one harmful action costs.
pub(super) const CARE_COST: Decimal = Decimal::from_parts(2, 0, 0, false, 0);
/// Five Whys.
pub(super) const WHYS: Decimal = Decimal::from_parts(3, 0, 0, false, 0);
/// Guardrails.
pub(super) const GUARDRAILS: Decimal = Decimal::from_parts(2, 0, 0, false, 0);
/// Steps that Five Whys have: five statements, four steps between them. A causal graph whose longest
/// path is shorter asks for that many.
pub(super) const WHY_STEPS: usize = 4;

/// Highest total; the lowest is zero.
pub(super) const HIGHEST: Decimal = Decimal::ONE_HUNDRED;

/// The formula in words, made from the same constants that the score uses.
#[must_use]
pub fn rubric() -> String {
    let mut text = format!(
        "The score, formula {FORMULA}: {HIGHEST} points, computed from plan and journal alone.\n\n"
    );
    for (part, of, how) in diagnosis_rows().into_iter().chain(work_rows()) {
        text.push_str(&format!("{part:<18} {of:>4}  {how}\n"));
    }
    text.push_str(
        "\nA submission is right when component and mechanism are both right. The first right one counts, else the last one\n\
         made. What is done after the end does not count. Points are decimal, rounded half up to hundredths per part; the\n\
         total lies between 0 and 100.\n",
    );
    text
}

/// Part, points, rule.
type Row = (&'static str, Decimal, String);

/// The parts that a diagnosis and its evidence earn.
fn diagnosis_rows() -> [Row; 6] {
    [
        (
            "localisation",
            LOCALISATION,
            format!("the exact component {LOCALISATION}; a neighbour on the causal path {LOCALISATION_NEAR}"),
        ),
        (
            "mechanism",
            MECHANISM,
            format!("the exact mechanism {MECHANISM}; another of its family {MECHANISM_FAMILY}"),
        ),
        (
            "trigger and scope",
            TRIGGER + SCOPE,
            format!("the trigger {TRIGGER}, who is affected {SCOPE}"),
        ),
        (
            "calibration",
            CALIBRATION,
            format!(
                "the first right submission at confidence c earns {CALIBRATION} x (1 - (1 - c)^2); every wrong one costs \
                 {CALIBRATION} x c^2, below zero too. Saying what you believe maximises what you can expect"
            ),
        ),
        (
            "evidence",
            EVIDENCE,
            format!(
                "{EVIDENCE} x F1 of the recall of decisive evidence classes and the precision of the pins that the \
                 diagnosis cites (all pins kept until then, if it cites none)"
            ),
        ),
        (
            "alternatives",
            ALTERNATIVES,
            "share of the decoys that were rejected, before the right diagnosis, with a pin that really rules them out"
                .to_owned(),
        ),
    ]
}

/// The parts that time, repair and learning earn.
fn work_rows() -> [Row; 4] {
    [
        (
            "time",
            TIME,
            format!(
                "{TIME} when the first right submission comes at or under par, falling in a straight line to 0 at the limit; \
                 hints add their minutes, pauses do not count"
            ),
        ),
        (
            "repair",
            REPAIR,
            "share of the stress test's invariants that hold after the fix; 0 if the fix is a restart that leaves the fault"
                .to_owned(),
        ),
        (
            "care",
            CARE,
            format!("minus {CARE_COST} for each harmful action, not below 0"),
        ),
        (
            "learning",
            WHYS + GUARDRAILS,
            format!(
                "Five Whys whose steps follow the causal graph {WHYS} (up to {WHY_STEPS} steps), guardrails that would have \
                 prevented it {GUARDRAILS} (F1 of those chosen)"
            ),
        ),
    ]
}

/// Rounds half up to hundredths and drops trailing zeros.
pub(super) fn rounded(points: Decimal) -> Decimal {
    points
        .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
        .normalize()
}

/// `part / whole` as a decimal share; zero when the whole is.
pub(super) fn share(part: usize, whole: usize) -> Decimal {
    if whole == 0 {
        Decimal::ZERO
    } else {
        Decimal::from(part) / Decimal::from(whole)
    }
}

/// F1, the harmonic mean of precision and recall (van Rijsbergen 1979); zero when both are.
pub(super) fn f1(precision: Decimal, recall: Decimal) -> Decimal {
    let sum = precision + recall;
    if sum.is_zero() {
        Decimal::ZERO
    } else {
        Decimal::TWO * precision * recall / sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_add_up_to_a_hundred() {
        let sum = LOCALISATION
            + MECHANISM
            + TRIGGER
            + SCOPE
            + CALIBRATION
            + EVIDENCE
            + ALTERNATIVES
            + TIME
            + REPAIR
            + CARE
            + WHYS
            + GUARDRAILS;
        assert_eq!(sum, HIGHEST);
    }

    #[test]
    fn the_rubric_names_every_part_with_its_points() {
        let text = rubric();
        for line in [
            "localisation         12",
            "mechanism            12",
            "trigger and scope     8",
            "calibration           8",
            "evidence             15",
            "alternatives          5",
            "time                 20",
            "repair               10",
            "care                  5",
            "learning              5",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
