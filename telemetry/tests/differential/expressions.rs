//! Reads `expressions.txt`: one expression a line, `for a b: f(§)` for several, `sorted:`, `refused:`, `differs:`
//! for what else must hold.

/// An expression that both servers are asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub expression: String,
    /// The order of an instant vector is defined, and compared.
    pub sorted: bool,
    /// Prometheus must refuse it at every time.
    pub refused: bool,
    /// The answers differ on purpose; when they no longer do, the mark must go.
    pub differs: bool,
    /// What lies nearer to zero is compared as zero.
    pub zero: f64,
    /// Made by chance, so that it may be in the syntax of Prometheus 3.
    pub mutated: bool,
}

impl Case {
    pub fn plain(expression: impl Into<String>) -> Self {
        Self {
            expression: expression.into(),
            sorted: false,
            refused: false,
            differs: false,
            zero: 0.0,
            mutated: false,
        }
    }
}

/// The cases of a list.
pub fn listed(text: &str) -> Vec<Case> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("##"))
        .flat_map(line)
        .collect()
}

fn line(line: &str) -> Vec<Case> {
    if let Some((words, template)) = line
        .strip_prefix("for ")
        .and_then(|rest| rest.split_once(": "))
    {
        return words
            .split(' ')
            .flat_map(|word| self::line(&template.replace('§', word)))
            .collect();
    }
    let (sorted, rest) = strip(line, "sorted: ");
    let (refused, rest) = strip(rest, "refused: ");
    let (differs, rest) = strip(rest, "differs: ");
    vec![Case {
        sorted,
        refused,
        differs,
        ..Case::plain(rest)
    }]
}

fn strip<'a>(line: &'a str, mark: &str) -> (bool, &'a str) {
    line.strip_prefix(mark)
        .map_or((false, line), |rest| (true, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_repetitions_are_read_and_no_expression_stands_twice() {
        let cases =
            listed("## a comment\n\nfor abs ceil: §(up)\nsorted: sort(up)\nrefused: up +\n");
        let texts: Vec<_> = cases.iter().map(|c| c.expression.as_str()).collect();
        assert_eq!(texts, ["abs(up)", "ceil(up)", "sort(up)", "up +"]);
        assert!(cases[2].sorted && cases[3].refused && !cases[0].sorted);

        let one = &listed("differs: up")[0];
        assert!(one.differs && one.expression == "up");

        let mut all: Vec<String> = ["expressions.txt", "live.txt"]
            .iter()
            .flat_map(|file| {
                let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("tests/differential")
                    .join(file);
                listed(&std::fs::read_to_string(path).unwrap())
            })
            .map(|case| case.expression)
            .collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
