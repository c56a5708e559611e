//! Runs the PromQL scripts of `tests/promql`: load samples, evaluate, compare. The format is that of Prometheus' promqltest:
//!
//! ```text
//! load 1m                                   samples one minute apart from time 0
//!   http_requests{job="a"} 0+10x5 _ stale   0 10 20 30 40 50, a gap, a stale marker
//! eval instant at 5m sum(http_requests)     eval_ordered compares the order too, eval_fail expects an error
//!   {} 50                                   that contains the text on the next line, if there is one
//! eval range from 0 to 2m step 1m http_requests
//!   http_requests{job="a"} 0 10 20
//! clear                                     forgets everything
//! ```

use std::path::Path;
use std::sync::Arc;

use telemetry::metrics::{Metrics, MetricsConfig};
use telemetry::promql::{notation, parse_duration};
use telemetry::time::WallTime;

type Labels = Vec<(String, String)>;
type Found = Vec<(Labels, Vec<(i64, f64)>)>;

struct Script<'a> {
    file: String,
    lines: std::iter::Peekable<std::iter::Enumerate<std::str::Lines<'a>>>,
    metrics: Metrics,
    evaluations: usize,
    failures: Vec<String>,
}

fn fresh() -> Metrics {
    Metrics::new(MetricsConfig::default(), Arc::new(WallTime))
}

fn ns(text: &str) -> i64 {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let duration = parse_duration(text).unwrap_or_else(|| panic!("{text:?} is not a duration"));
    sign * duration.as_nanos() as i64
}

/// Reads `name{a="b"}`; returns the labels and the rest of the line.
fn series(line: &str) -> (Labels, &str) {
    let word = line.find(char::is_whitespace).unwrap_or(line.len());
    let end = if line[..word].contains('{') {
        let mut quoted = false;
        let close = line.find(|c: char| {
            quoted ^= c == '"';
            c == '}' && !quoted
        });
        close.map_or(line.len(), |at| at + 1)
    } else {
        word
    };
    let labels = notation::series(&line[..end]).unwrap_or_else(|error| panic!("{error}"));
    (labels, line[end..].trim())
}

fn values(text: &str) -> Vec<Option<f64>> {
    notation::values(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Equal within a relative 1e-6, as promqltest's `almostEqual`; NaN equals NaN.
fn close(a: f64, b: f64) -> bool {
    (a.is_nan() && b.is_nan())
        || a == b
        || (a - b).abs() <= 1e-6 * (a.abs() + b.abs())
        || (a.abs() + b.abs()) < 1e-300
}

impl<'a> Script<'a> {
    fn run(mut self) -> (usize, Vec<String>) {
        while let Some((at, line)) = self.lines.next() {
            let line = line.split(" # ").next().unwrap_or("").trim_end();
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let place = format!("{}:{}", self.file, at + 1);
            match line.split_once(' ') {
                None if line == "clear" => self.metrics = fresh(),
                Some(("load", step)) => self.load(step.trim()),
                Some((verb @ ("eval" | "eval_ordered" | "eval_fail"), rest)) => {
                    self.evaluations += 1;
                    if let Err(failure) = self.eval(verb, rest.trim()) {
                        self.failures.push(format!("{place}: {failure}"));
                    }
                }
                _ => panic!("{place}: unknown command {line:?}"),
            }
        }
        (self.evaluations, self.failures)
    }

    fn block(&mut self) -> Vec<&'a str> {
        let mut lines = Vec::new();
        while let Some((_, line)) = self
            .lines
            .next_if(|(_, line)| line.starts_with([' ', '\t']))
        {
            if !line.trim().is_empty() && !line.trim().starts_with('#') {
                lines.push(line.trim());
            }
        }
        lines
    }

    fn load(&mut self, step: &str) {
        let step_ms = ns(step) / 1_000_000;
        let mut samples: Vec<(i64, Labels, f64)> = Vec::new();
        for line in self.block() {
            let (labels, text) = series(line);
            let present = values(text)
                .into_iter()
                .enumerate()
                .filter_map(|(n, v)| Some((n as i64 * step_ms, labels.clone(), v?)));
            samples.extend(present);
        }
        samples.sort_by_key(|(t_ms, ..)| *t_ms);
        for (t_ms, labels, value) in samples {
            let pairs: Vec<(&str, &str)> = labels
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .collect();
            assert!(
                self.metrics.append(&pairs, t_ms, value),
                "{}: {labels:?} at {t_ms} was refused",
                self.file
            );
        }
    }

    fn eval(&mut self, verb: &str, rest: &str) -> Result<(), String> {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let expected = self.block();
        let take = |count: usize| rest.splitn(count + 1, ' ').last().unwrap_or("");
        let result: Result<Found, _> = if words[0] == "instant" {
            let at_ns = ns(words[2]);
            let found = self.metrics.instant(take(3), at_ns);
            found.map(|all| {
                all.into_iter()
                    .map(|s| (s.labels, vec![(at_ns, s.value)]))
                    .collect()
            })
        } else {
            let found = self
                .metrics
                .range(take(7), ns(words[2]), ns(words[4]), ns(words[6]));
            found.map(|all| {
                let points = |s: telemetry::metrics::Series| {
                    s.points
                        .iter()
                        .map(|p| (p.t_ms * 1_000_000, p.value))
                        .collect()
                };
                all.into_iter()
                    .map(|s| (s.labels.clone(), points(s)))
                    .collect()
            })
        };
        if verb == "eval_fail" {
            let error = match result {
                Ok(found) => return Err(format!("expected an error, found {found:?}")),
                Err(error) => error.to_string(),
            };
            return match expected.first() {
                Some(part) if !error.contains(part) => {
                    Err(format!("{error:?} does not contain {part:?}"))
                }
                _ => Ok(()),
            };
        }
        let found = result.map_err(|error| error.to_string())?;
        let steps: Vec<i64> = if words[0] == "instant" {
            vec![ns(words[2])]
        } else {
            (0..)
                .map(|n| ns(words[2]) + n * ns(words[6]))
                .take_while(|t| *t <= ns(words[4]))
                .collect()
        };
        compare(verb == "eval_ordered", &expected, &found, &steps)
    }
}

fn compare(
    ordered: bool,
    expected: &[&str],
    found: &[(Labels, Vec<(i64, f64)>)],
    steps: &[i64],
) -> Result<(), String> {
    if expected.len() != found.len() {
        return Err(format!("expected {expected:?}\nfound {found:?}"));
    }
    for (at, line) in expected.iter().enumerate() {
        let bare = line.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+'))
            || ["NaN", "Inf"].contains(line);
        let (labels, text) = if bare {
            (Vec::new(), *line)
        } else {
            series(line)
        };
        let index = found
            .iter()
            .position(|(l, _)| *l == labels)
            .ok_or_else(|| format!("no {line:?} in {found:?}"))?;
        if ordered && index != at {
            return Err(format!("{line:?} stands at place {index}, expected {at}"));
        }
        let wanted: Vec<(i64, f64)> = values(text)
            .into_iter()
            .zip(steps)
            .filter_map(|(v, t)| Some((*t, v?)))
            .collect();
        let points = &found[index].1;
        let same = wanted.len() == points.len()
            && wanted
                .iter()
                .zip(points)
                .all(|((t, a), (u, b))| t == u && close(*a, *b));
        if !same {
            return Err(format!("{line:?}: expected {wanted:?}\nfound {points:?}"));
        }
    }
    Ok(())
}

#[test]
fn every_script_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promql");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let (mut evaluations, mut failures) = (0, Vec::new());
    for path in files
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "test"))
    {
        let text = std::fs::read_to_string(path).unwrap();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let lines = text.lines().enumerate().peekable();
        let (count, failed) = Script {
            file,
            lines,
            metrics: fresh(),
            evaluations: 0,
            failures: Vec::new(),
        }
        .run();
        evaluations += count;
        failures.extend(failed);
    }
    assert!(
        failures.is_empty(),
        "{} of {evaluations} evaluations failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(
        evaluations > 150,
        "only {evaluations} evaluations were found"
    );
}

#[test]
fn every_function_appears_in_a_script() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/promql");
    let all: String = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| std::fs::read_to_string(e.unwrap().path()).unwrap())
        .collect();
    let missing: Vec<&str> = telemetry::promql::functions::FUNCTIONS
        .iter()
        .map(|f| f.name)
        .filter(|name| !all.contains(&format!("{name}(")))
        .collect();
    assert!(missing.is_empty(), "no script evaluates {missing:?}");
}
