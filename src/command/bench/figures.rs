//! What a benchmark found: rows of ours beside the peers, with spread, ratio and target; as a table and
//! as JSON. Knows nothing of what is measured.

use std::fmt::Write as _;

use serde::Serialize;

/// Median and spread of a repeated measurement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The value in the middle; of an even number of values the upper one.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Of at least one value.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            median: values[values.len() / 2],
            least: values[0],
            most: values[values.len() - 1],
        }
    }
}

/// A figure of one subject: of ours or of a peer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Whose it is: `ours`, or the peer with its version.
    pub of: String,
    /// The figure, in the row's unit.
    pub value: Spread,
}

/// What a row should reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Ours is at most so many units.
    AtMost(f64),
    #[cfg_attr(not(test), expect(dead_code, reason = "until an area has peers"))]
    /// Ours is at least so many units.
    AtLeast(f64),
    /// Ours is at most so many times the first peer's.
    TimesAtMost(f64),
    /// Ours is at least so many times the first peer's.
    TimesAtLeast(f64),
}

/// One piece of work at one size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The work.
    pub work: String,
    /// On how much.
    pub size: String,
    /// Unit of all figures: `ms`, `MiB`, `/s`, `bytes`, `%`.
    pub unit: &'static str,
    /// Ours.
    pub ours: Figure,
    /// The peers that were there; a target is about the first.
    pub peers: Vec<Figure>,
    /// What ours should reach.
    pub target: Option<Target>,
}

impl Row {
    /// Ours in multiples of a peer's, median by median.
    pub fn ratio(&self, peer: &Figure) -> f64 {
        self.ours.value.median / peer.value.median
    }

    /// Whether the target is met; `None` without one, or without the peer that it is about.
    pub fn met(&self) -> Option<bool> {
        let first = || self.peers.first().map(|peer| self.ratio(peer));
        let median = self.ours.value.median;
        Some(match self.target? {
            Target::AtMost(most) => median <= most,
            Target::AtLeast(least) => median >= least,
            Target::TimesAtMost(most) => first()? <= most,
            Target::TimesAtLeast(least) => first()? >= least,
        })
    }
}

/// A peer that was not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Its name.
    pub peer: String,
    /// How to get it.
    pub install: String,
}

/// All of one area.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The area, as on the command line.
    pub area: &'static str,
    /// The rows.
    pub rows: Vec<Row>,
    /// Peers that were not there.
    pub missing: Vec<Missing>,
    /// What must be known to read the rows: what is inside of a figure and what is not.
    pub notes: Vec<String>,
}

/// A number with as many digits as matter, thousands apart.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |w| ("-", w));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        "" => format!("{sign}{grouped}"),
        fraction => format!("{sign}{grouped}.{fraction}"),
    }
}

impl Report {
    /// The report as a person reads it.
    pub fn table(&self) -> String {
        let mut text = format!("{}\n", self.area);
        for row in &self.rows {
            let size = match row.size.as_str() {
                "" => String::new(),
                size => format!(", {size}"),
            };
            let _ = writeln!(text, "  {}{size}", row.work);
            let verdict = row.target.map(|target| {
                let wanted = match target {
                    Target::AtMost(most) => format!("at most {} {}", number(most), row.unit),
                    Target::AtLeast(least) => format!("at least {} {}", number(least), row.unit),
                    Target::TimesAtMost(most) => format!("at most {most} x the first below"),
                    Target::TimesAtLeast(least) => format!("at least {least} x the first below"),
                };
                match row.met() {
                    Some(true) => format!("target {wanted}: met"),
                    Some(false) => format!("target {wanted}: MISSED"),
                    None => format!("target {wanted}: no peer to tell"),
                }
            });
            line(&mut text, &row.ours, row.unit, &verdict.unwrap_or_default());
            for peer in &row.peers {
                let ratio = format!("ours is {} x", number(row.ratio(peer)));
                line(&mut text, peer, row.unit, &ratio);
            }
        }
        for missing in &self.missing {
            let _ = writeln!(text, "  not here: {} ({})", missing.peer, missing.install);
        }
        for note in &self.notes {
            let _ = writeln!(text, "  note: {note}");
        }
        text
    }
}

fn line(text: &mut String, figure: &Figure, unit: &str, remark: &str) {
    let Figure { of, value } = figure;
    let spread = format!("({} … {})", number(value.least), number(value.most));
    let median = format!("{} {unit}", number(value.median));
    let whole = format!("    {of:<26} {median:>16}  {spread:<22} {remark}");
    let _ = writeln!(text, "{}", whole.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(of: &str, values: &[f64]) -> Figure {
        Figure {
            of: of.to_owned(),
            value: Spread::of(values.to_vec()),
        }
    }

    fn row(ours: f64, peers: &[f64], target: Option<Target>) -> Row {
        Row {
            work: "count lines".to_owned(),
            size: "1,000,000 lines".to_owned(),
            unit: "ms",
            ours: figure("ours", &[ours]),
            peers: peers
                .iter()
                .map(|&peer| figure("peer 1.0", &[peer]))
                .collect(),
            target,
        }
    }

    #[test]
    fn a_spread_is_the_middle_the_least_and_the_most() {
        let Spread {
            median,
            least,
            most,
        } = Spread::of(vec![3.0, 1.0, 10.0]);
        assert_eq!((least, median, most), (1.0, 3.0, 10.0));
        assert_eq!(Spread::of(vec![1.0, 2.0]).median, 2.0);
    }

    #[test]
    fn a_target_is_met_missed_or_without_a_peer() {
        let met = |ours, peers: &[f64], target| row(ours, peers, Some(target)).met();
        assert_eq!(met(2.0, &[4.0], Target::TimesAtMost(0.5)), Some(true));
        assert_eq!(met(2.1, &[4.0], Target::TimesAtMost(0.5)), Some(false));
        assert_eq!(met(2.0, &[], Target::TimesAtMost(0.5)), None);
        assert_eq!(met(2.4, &[4.0], Target::TimesAtLeast(0.6)), Some(true));
        assert_eq!(met(5.0, &[], Target::AtMost(5.0)), Some(true));
        assert_eq!(met(4.9, &[], Target::AtLeast(5.0)), Some(false));
        assert_eq!(row(1.0, &[1.0], None).met(), None);
    }

    #[test]
    fn numbers_have_the_digits_that_matter() {
        let shown: Vec<_> = [0.1234, -1.5, 42.25, 999.6, 1_234_567.8].map(number).into();
        assert_eq!(shown, ["0.123", "-1.50", "42.2", "1,000", "1,234,568"]);
    }

    #[test]
    fn the_table_tells_work_figures_ratio_and_verdict() {
        let report = Report {
            area: "logs",
            rows: vec![row(20.0, &[10.0], Some(Target::TimesAtMost(1.0)))],
            missing: vec![Missing {
                peer: "lnav".to_owned(),
                install: "apt install lnav".to_owned(),
            }],
            notes: vec!["in process".to_owned()],
        };
        let table = report.table();
        for part in [
            "count lines, 1,000,000 lines",
            "target at most 1 x the first below: MISSED",
            "ours is 2.00 x",
            "not here: lnav (apt install lnav)",
            "note: in process",
        ] {
            assert!(table.contains(part), "{part} in\n{table}");
        }
    }
}
