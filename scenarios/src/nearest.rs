//! The known word that a mistyped one probably meant. It knows words only.

/// How alike two words must be (Jaro-Winkler, 0 to 1) for one to be offered for the other; below it
/// the offer confuses more than it helps.
const ALIKE: f64 = 0.75;

/// The word most like `given`, if one is like it.
#[must_use]
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(given, word), word))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_understood_and_nonsense_is_not() {
        let words = ["float-drift", "ring-deadlock", "quiet-night"];
        assert_eq!(nearest("flaot-drift", words), Some("float-drift"));
        assert_eq!(nearest("ring", words), Some("ring-deadlock"));
        assert_eq!(nearest("zzzz", words), None);
    }
}
