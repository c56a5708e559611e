//! What was aggregated before: dashboards ask the same again and again, a few seconds later. The aggregated rows of a leaf are kept
//! for the steps whose windows lie in the past, and only the steps behind them are computed. Right under late samples and eviction:
//! the store tells when anything changed that was looked at, and then nothing that was kept is used. Knows no samples.

use std::collections::HashMap;

use parking_lot::Mutex;
use promql_parser::parser::token::{T_BOTTOMK, T_TOPK};
use promql_parser::parser::{AggregateExpr, Expr, Offset, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::value::{Column, Grid};
use crate::metrics::labels::Labels;

/// Bytes of all that is kept; what was not used for longest makes room.
const BYTES_MAX: usize = 1 << 25;

/// Bytes that an entry, a column and a label take besides their texts and cells: their heads, and the allocator's.
const ENTRY_BYTES: usize = 256;
const COLUMN_BYTES: usize = 64;
const LABEL_BYTES: usize = 64;

/// How far behind the store's newest sample a window must end to be of the past: samples of one round do not come at once.
/// Only how often something is kept depends on it, not whether it is right.
pub(super) const SETTLED_MS: i64 = 3_000;

/// Aggregations kept between queries of one store.
#[derive(Debug, Default)]
pub struct Rollups {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_key: HashMap<Key, Entry>,
    bytes: usize,
    uses: u64,
}

/// What an aggregation depends on besides the store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    text: String,
    step_ms: i64,
    /// Where between the multiples of the step the steps are.
    phase_ms: i64,
}

#[derive(Debug)]
struct Entry {
    /// The store's number of disturbances when this was computed.
    disturbances: u64,
    start_ms: i64,
    steps: usize,
    columns: Vec<Column>,
    /// See [`bytes`].
    bytes: usize,
    used: u64,
}

fn bytes(key: &Key, steps: usize, columns: &[Column]) -> usize {
    let labels = columns.iter().flat_map(|column| column.labels.iter());
    let labels = labels.map(|(name, value)| name.len() + value.len() + LABEL_BYTES);
    let cells = steps.saturating_mul(size_of::<Option<f64>>());
    let columns = columns
        .len()
        .saturating_mul(cells.saturating_add(COLUMN_BYTES));
    (ENTRY_BYTES + key.text.len() + labels.sum::<usize>()).saturating_add(columns)
}

/// Whether the aggregations in an expression may be kept: how it ranks equal values depends on the order of all series.
pub(super) fn may_keep(expr: &Expr) -> bool {
    struct Ranks(bool);
    impl ExprVisitor for Ranks {
        type Error = std::convert::Infallible;
        fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
            if let Expr::Aggregate(aggregation) = expr {
                self.0 |= matches!(aggregation.op.id(), T_TOPK | T_BOTTOMK);
            }
            Ok(!self.0)
        }
    }
    let mut ranks = Ranks(false);
    match walk_expr(&mut ranks, expr) {
        Ok(_) => !ranks.0,
        Err(never) => match never {},
    }
}

/// How far before a step's time the windows of a leaf end, ms; `None` unless the leaf depends on nothing but the step and the
/// samples: a named selector without `@`, or a function of nothing but such a range.
pub(super) fn shift_ms(leaf: &Expr) -> Option<i64> {
    let of = |selector: &VectorSelector| {
        // without a name, series that are alike but for it may come later, which is an error that concerns all steps
        selector.name.as_ref()?;
        match (&selector.at, &selector.offset) {
            (Some(_), _) => None,
            (None, None) => Some(0),
            (None, Some(Offset::Pos(back))) => i64::try_from(back.as_millis()).ok(),
            (None, Some(Offset::Neg(ahead))) => i64::try_from(ahead.as_millis()).ok().map(|ms| -ms),
        }
    };
    match leaf {
        Expr::Paren(paren) => shift_ms(&paren.expr),
        Expr::VectorSelector(selector) => of(selector),
        Expr::Call(call) => match call.args.args.as_slice() {
            [only] => match only.as_ref() {
                Expr::MatrixSelector(selector) => of(&selector.vs),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The key of an aggregation over the steps of a grid.
pub(super) fn key(aggregation: &AggregateExpr, grid: Grid) -> Key {
    Key {
        // unlike the text that it came from, the form for debugging is escaped: no two trees share it
        text: format!("{aggregation:?}"),
        step_ms: grid.step_ms,
        phase_ms: grid.start_ms.rem_euclid(grid.step_ms),
    }
}

impl Rollups {
    /// What is kept of the first steps of a grid: how many steps, and the columns over them.
    pub(super) fn get(&self, key: &Key, disturbances: u64, grid: Grid) -> (usize, Vec<Column>) {
        let mut kept = self.kept.lock();
        kept.uses += 1;
        let used = kept.uses;
        let Some(entry) = kept.by_key.get_mut(key) else {
            return (0, Vec::new());
        };
        let before = grid
            .start_ms
            .checked_sub(entry.start_ms)
            .filter(|ms| *ms >= 0);
        let skipped = before.and_then(|ms| usize::try_from(ms / grid.step_ms).ok());
        let Some(skipped) = skipped.filter(|skipped| *skipped < entry.steps) else {
            return (0, Vec::new());
        };
        if entry.disturbances != disturbances {
            return (0, Vec::new());
        }
        entry.used = used;
        let steps = grid.count.min(entry.steps - skipped);
        let cut = |column: &Column| Column {
            labels: column.labels.clone(),
            cells: column.cells[skipped..skipped + steps].to_vec(),
        };
        (steps, entry.columns.iter().map(cut).collect())
    }

    /// Keeps the first steps of columns over a grid.
    pub(super) fn keep(
        &self,
        key: Key,
        disturbances: u64,
        start_ms: i64,
        steps: usize,
        columns: &[Column],
    ) {
        let bytes = bytes(&key, steps, columns);
        // what yields nothing costs nothing to compute
        if steps == 0 || columns.is_empty() || bytes > BYTES_MAX {
            return;
        }
        let cut = |column: &Column| Column {
            labels: column.labels.clone(),
            cells: column.cells[..steps].to_vec(),
        };
        let mut kept = self.kept.lock();
        let entry = Entry {
            disturbances,
            start_ms,
            steps,
            columns: columns.iter().map(cut).collect(),
            bytes,
            used: kept.uses,
        };
        kept.insert(key, entry);
    }
}

impl Kept {
    fn insert(&mut self, key: Key, entry: Entry) {
        self.bytes += entry.bytes;
        if let Some(before) = self.by_key.insert(key, entry) {
            self.bytes -= before.bytes;
        }
        while self.bytes > BYTES_MAX {
            let oldest = self.by_key.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            if let Some(gone) = self.by_key.remove(&oldest) {
                self.bytes -= gone.bytes;
            }
        }
    }
}

/// Columns over the first steps of a grid and columns over the rest as columns over all of it.
pub(super) fn joined(
    first: Vec<Column>,
    kept: usize,
    rest: Vec<Column>,
    steps: usize,
) -> Vec<Column> {
    let mut at: HashMap<Labels, usize> = HashMap::with_capacity(first.len());
    let mut columns = first;
    for (index, column) in columns.iter_mut().enumerate() {
        column.cells.resize(steps, None);
        at.insert(column.labels.clone(), index);
    }
    for Column { labels, cells } in rest {
        match at.get(&labels) {
            Some(index) => columns[*index].cells[kept..].copy_from_slice(&cells),
            None => {
                let mut all = vec![None; kept];
                all.extend(cells);
                columns.push(Column { labels, cells: all });
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::parse_plain;

    fn columns(labels: &str, cells: &[Option<f64>]) -> Vec<Column> {
        vec![Column {
            labels: Labels::from_pairs([("a", labels)]),
            cells: cells.to_vec(),
        }]
    }

    fn grid(start_ms: i64, count: usize) -> Grid {
        Grid {
            start_ms,
            step_ms: 10,
            count,
        }
    }

    fn named(text: &str, grid: Grid) -> Key {
        let Expr::Aggregate(aggregation) = parse_plain(text).unwrap() else {
            panic!("{text} is no aggregation")
        };
        key(&aggregation, grid)
    }

    #[test]
    fn only_what_depends_on_step_and_samples_alone_is_kept() {
        for (leaf, shift) in [
            ("m", Some(0)),
            ("(m offset 1m)", Some(60_000)),
            ("rate(m[1m] offset -5s)", Some(-5_000)),
            ("m @ 5", None),
            ("rate(m[1m] @ end())", None),
            ("rate(m[1m:5s])", None),
            ("quantile_over_time(time(), m[1m])", None),
            ("abs(m)", None),
            ("m + m", None),
            ("{a=\"b\"}", None),
        ] {
            assert_eq!(shift_ms(&parse_plain(leaf).unwrap()), shift, "{leaf}");
        }
        assert!(may_keep(&parse_plain("a / sum by (x)(b)").unwrap()));
        assert!(!may_keep(
            &parse_plain("a / (1 + topk(2, sum by (x)(b)))").unwrap()
        ));
    }

    #[test]
    fn kept_steps_are_found_by_where_they_are_until_something_changes() {
        let rollups = Rollups::default();
        let of = |start_ms| named("sum by (a)(m)", grid(start_ms, 1));
        rollups.keep(
            of(105),
            3,
            105,
            3,
            &columns("x", &[Some(1.0), None, Some(3.0), Some(4.0)]),
        );
        let cells = |start_ms: i64, count, disturbances| {
            let (steps, found) = rollups.get(&of(start_ms), disturbances, grid(start_ms, count));
            (steps, found.first().map(|column| column.cells.clone()))
        };
        assert_eq!(cells(105, 2, 3), (2, Some(vec![Some(1.0), None])));
        assert_eq!(cells(115, 9, 3), (2, Some(vec![None, Some(3.0)])));
        // another phase, before it, behind it, changed since
        for (start_ms, disturbances) in [(110, 3), (95, 3), (135, 3), (105, 4)] {
            assert_eq!(cells(start_ms, 2, disturbances), (0, None));
        }
        let other = named("sum by (b)(m)", grid(105, 1));
        assert_eq!(rollups.get(&other, 3, grid(105, 1)).0, 0);
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let rollups = Rollups::default();
        let cells = vec![Some(1.0); BYTES_MAX / 16 / 4 - 64];
        let of = |number: usize| named(&format!("sum(m{number})"), grid(0, 1));
        for number in 0..4 {
            rollups.keep(of(number), 0, 0, cells.len(), &columns("x", &cells));
            rollups.get(&of(0), 0, grid(0, 1));
        }
        rollups.keep(of(4), 0, 0, cells.len(), &columns("x", &cells));
        let held = |number: usize| rollups.get(&of(number), 0, grid(0, 1)).0 == 1;
        assert_eq!(
            (0..5).map(held).collect::<Vec<_>>(),
            [true, false, true, true, true]
        );
        assert!(rollups.kept.lock().bytes <= BYTES_MAX);
    }

    #[test]
    fn many_small_answers_and_long_questions_are_bounded_and_empty_ones_not_kept() {
        let rollups = Rollups::default();
        let of = |number: usize| named(&format!("sum by (a{number:010000})(m)"), grid(0, 1));
        for number in 0..4_000 {
            rollups.keep(of(number), 0, 0, 1, &columns("x", &[Some(1.0)]));
            rollups.keep(of(number + 10_000), 0, 0, 1, &[]);
        }
        let kept = rollups.kept.lock();
        let held: usize = kept.by_key.keys().map(|key| key.text.len()).sum();
        assert!(held < BYTES_MAX && kept.bytes <= BYTES_MAX, "{held}");
        assert!(held > BYTES_MAX / 2, "{held}");
        assert_eq!(
            kept.bytes,
            kept.by_key.values().map(|entry| entry.bytes).sum::<usize>()
        );
        let empty = |entry: &Entry| entry.columns.is_empty();
        assert!(!kept.by_key.values().any(empty));
    }

    #[test]
    fn series_of_either_part_are_in_the_whole() {
        let mut rest = columns("x", &[Some(2.0)]);
        rest.extend(columns("y", &[Some(3.0)]));
        let mut first = columns("x", &[Some(1.0)]);
        first.extend(columns("z", &[Some(4.0)]));
        let found = joined(first, 1, rest, 2)
            .into_iter()
            .map(|column| column.cells);
        assert_eq!(
            found.collect::<Vec<_>>(),
            [[Some(1.0), Some(2.0)], [Some(4.0), None], [None, Some(3.0)]]
        );
    }
}
