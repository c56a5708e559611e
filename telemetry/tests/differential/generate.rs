//! Expressions that nobody thought of: drawn from the grammar by a seed, types right, so that most of them mean something.

use super::chance::Chance;
use super::expressions::Case;

/// Levels of operators at most.
const DEPTH: u32 = 4;
const SEED: u64 = 20_240_229;

/// Metrics whose values are tame: with infinities and NaN everywhere, nothing is left to compare.
const METRICS: &[&str] = &[
    "load",
    "memory_bytes",
    "requests_total",
    "limit",
    "build_info",
    "temperature",
    "seldom_total",
    "up_or_down",
    "irregular_total",
    "latency_seconds_bucket",
    "early_total",
    "mixed",
];
const MATCHERS: &[&str] = &[
    "",
    "",
    "",
    "{job=\"api\"}",
    "{job!=\"web\"}",
    "{instance=~\"a.*\"}",
    "{instance!~\"a:1|w:.\"}",
    "{code=\"\"}",
];
const LABELS: &[&str] = &["job", "instance", "code", "version", "le", "nothing"];
const RANGES: &[&str] = &["30s", "2m", "5m", "17m", "1h"];

/// So many expressions, the same each time.
pub fn expressions(count: usize) -> Vec<Case> {
    let mut chance = Chance::new(SEED);
    (0..count)
        .map(|_| Case {
            zero: 1e-12,
            ..Case::plain(vector(&mut chance, DEPTH))
        })
        .collect()
}

fn selector(chance: &mut Chance) -> String {
    let base = format!("{}{}", chance.one(METRICS), chance.one(MATCHERS));
    base + modifier(chance)
}

fn modifier(chance: &mut Chance) -> &'static str {
    const MODIFIERS: [&str; 7] = [
        " offset 3m",
        " offset -90s",
        " @ 1709168000",
        " @ end()",
        " @ start() offset -20m",
        " offset 1h @ 1709172000.25",
        " @ end() offset 45m",
    ];
    let drawn = chance.below(40) as usize;
    MODIFIERS.get(drawn).copied().unwrap_or("")
}

fn vector(chance: &mut Chance, depth: u32) -> String {
    if depth == 0 {
        return selector(chance);
    }
    match chance.below(12) {
        0 => selector(chance),
        1..=3 => over_range(chance, depth - 1),
        4..=6 => aggregation(chance, depth - 1),
        7..=9 => operation(chance, depth - 1),
        _ => of_value(chance, depth - 1),
    }
}

fn range(chance: &mut Chance, depth: u32) -> String {
    if depth == 0 || chance.below(3) > 0 {
        let base = format!("{}{}", chance.one(METRICS), chance.one(MATCHERS));
        return format!("{base}[{}]{}", chance.one(RANGES), modifier(chance));
    }
    let inner = vector(chance, depth - 1);
    let step = chance.one(&["", "30s", "1m", "77s"]);
    format!(
        "({inner})[{}:{step}]{}",
        chance.one(RANGES),
        modifier(chance)
    )
}

fn over_range(chance: &mut Chance, depth: u32) -> String {
    const FUNCTIONS: [&str; 18] = [
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "deriv",
        "changes",
        "resets",
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "sum_over_time",
        "count_over_time",
        "last_over_time",
        "present_over_time",
        "stddev_over_time",
        "absent_over_time",
        "stdvar_over_time",
    ];
    let range = range(chance, depth);
    match chance.below(10) {
        // with `@` and an argument that varies, Prometheus 2.42 moves the window at each step
        0 if !range.contains('@') => {
            format!("quantile_over_time({}, {range})", scalar(chance, depth))
        }
        1 if !range.contains('@') => {
            format!("predict_linear({range}, {})", scalar(chance, depth))
        }
        _ => format!("{}({range})", chance.one(&FUNCTIONS)),
    }
}

fn labels(chance: &mut Chance) -> String {
    let count = chance.below(3);
    let drawn: Vec<&str> = (0..count).map(|_| chance.one(LABELS)).collect();
    drawn.join(", ")
}

fn aggregation(chance: &mut Chance, depth: u32) -> String {
    let clause = match chance.below(4) {
        0 => String::new(),
        1 => format!(" without ({})", labels(chance)),
        _ => format!(" by ({})", labels(chance)),
    };
    let inner = vector(chance, depth);
    match chance.below(12) {
        // of what does not vary, Prometheus takes the parameter of the first step for all, and in it minds no `@`
        0 if !inner.contains('@') => {
            let parameter = scalar(chance, depth);
            let parameter = if parameter.contains('@') {
                "0.5"
            } else {
                &parameter
            };
            format!("quantile{clause} ({parameter}, {inner})")
        }
        // of values that are never equal: among equal ones Prometheus' choice follows the order of a Go map
        1 => format!("topk{clause} ({}, load)", 1 + chance.below(4)),
        2 => format!(
            "bottomk{clause} ({}, rate(memory_bytes[5m]))",
            1 + chance.below(4)
        ),
        _ => {
            // no deviations: of a lone NaN, Prometheus 2.42 says 0
            let operator = chance.one(&["sum", "avg", "min", "max", "count", "group"]);
            format!("{operator}{clause} ({inner})")
        }
    }
}

fn operation(chance: &mut Chance, depth: u32) -> String {
    let (left, right) = (vector(chance, depth), vector(chance, depth));
    let matching = match chance.below(4) {
        0 => String::new(),
        1 => format!(" ignoring ({})", labels(chance)),
        _ => format!(" on ({})", labels(chance)),
    };
    if chance.below(3) == 0 {
        let operator = chance.one(&["and", "or", "unless"]);
        return format!("({left}) {operator}{matching} ({right})");
    }
    if chance.below(2) == 0 {
        let number = scalar(chance, depth);
        let operator = arithmetic_or_comparison(chance);
        return if chance.below(2) == 0 {
            format!("({left}) {operator} {number}")
        } else {
            format!("{number} {operator} ({left})")
        };
    }
    let group = match chance.below(3) {
        0 if !matching.is_empty() => format!(" group_left ({})", labels(chance)),
        1 if !matching.is_empty() => format!(" group_right ({})", labels(chance)),
        _ => String::new(),
    };
    let operator = arithmetic_or_comparison(chance);
    // an aggregated side gives matching a chance to be unique
    let right = if chance.below(2) == 0 {
        format!("max by (job, instance) ({right})")
    } else {
        right
    };
    format!("({left}) {operator}{matching}{group} ({right})")
}

fn arithmetic_or_comparison(chance: &mut Chance) -> &'static str {
    chance.one(&[
        "+", "-", "*", "/", "%", "==", "!=", ">", "<", ">=", "<=", "== bool", "> bool", "<= bool",
    ])
}

fn scalar(chance: &mut Chance, depth: u32) -> String {
    match chance.below(6) {
        0 if depth > 0 => format!("scalar({})", vector(chance, depth - 1)),
        1 => "(time() % 60)".to_owned(),
        2 => "(2 ^ 3 - 7.5)".to_owned(),
        _ => chance
            .one(&["0.5", "2", "-1", "0", "1e6", "0.95"])
            .to_owned(),
    }
}

fn of_value(chance: &mut Chance, depth: u32) -> String {
    let inner = vector(chance, depth);
    match chance.below(9) {
        0 => format!("-({inner})"),
        1 => format!("clamp({inner}, -5, {})", scalar(chance, depth)),
        // what is computed may lie a last digit to either side of a half
        2 => format!("round({}, 0.25)", selector(chance)),
        3 => format!("label_replace({inner}, \"job\", \"$1\", \"instance\", \"(.).*\")"),
        4 => format!("label_join({inner}, \"both\", \"/\", \"job\", \"instance\")"),
        5 => format!("histogram_quantile({}, {inner})", scalar(chance, depth)),
        6 => format!("absent({inner})"),
        // with both `@` and `offset`, Prometheus forgets the offset
        7 if !inner.contains('@') => format!("timestamp({inner})"),
        _ => {
            let name = chance.one(&["abs", "ceil", "floor", "sgn", "sqrt", "exp", "sort"]);
            format!("{name}({inner})")
        }
    }
}

/// Listed expressions with a piece of one removed, doubled, or put in place of another's: most are refused, and both servers
/// must agree on which.
pub fn mutations(of: &[Case], count: usize) -> Vec<Case> {
    let mut chance = Chance::new(SEED + 1);
    // what Prometheus 2.42 has a way of its own with stays out of it
    let odd = |text: &str| {
        let calendar = ["year", "month", "day", "hour", "minute", "week"];
        text.starts_with(['"', '\'', '`'])
            || text.contains("atan2")
            || text.contains("denormal")
            || (text.contains('@') && text.contains('['))
            || calendar.iter().any(|part| text.contains(part))
    };
    let sound = of.iter().filter(|c| !c.differs && !odd(&c.expression));
    let texts: Vec<Vec<&str>> = sound.map(|case| pieces(&case.expression)).collect();
    let drawn = (0..count).map(|_| {
        let mut text = texts[chance.below(texts.len() as u64) as usize].clone();
        let other = &texts[chance.below(texts.len() as u64) as usize];
        let piece = other[chance.below(other.len() as u64) as usize];
        let at = chance.below(text.len() as u64) as usize;
        match chance.below(4) {
            0 => drop(text.remove(at)),
            1 => text.insert(at, text[at]),
            2 => text[at] = piece,
            _ => text.insert(at, piece),
        }
        Case {
            zero: 1e-12,
            mutated: true,
            ..Case::plain(text.concat())
        }
    });
    // the parser drops a `+`, and with it what makes `(+load)` another argument than `(load)`
    drawn
        .filter(|case| !case.expression.contains("(+"))
        .collect()
}

/// Words and strings whole, other characters by themselves.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.');
        let length = match first {
            '"' | '\'' | '`' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            c if word(c) => rest.find(|c: char| !word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_expressions_and_hardly_any_twice() {
        let drawn = expressions(250);
        assert_eq!(drawn, expressions(250));
        assert_eq!(pieces("a_b{c=\"d e\"}[5m]").concat(), "a_b{c=\"d e\"}[5m]");
        assert_eq!(mutations(&drawn, 9), mutations(&drawn, 9));
        let mut texts: Vec<&String> = drawn.iter().map(|case| &case.expression).collect();
        texts.sort();
        texts.dedup();
        assert!(texts.len() > 225, "{}", texts.len());
    }
}
