//! The first data set: three hours of samples with their own timestamps, as one OpenMetrics text.
//!
//! Counters that are reset, gauges with holes longer than the lookback, NaN and infinities, the tiny and the huge, buckets
//! that no client library would expose, series that begin late and end early, labels that join one to one and many to one.

use std::fmt::Write;

use super::chance::Chance;

/// When the history begins, seconds since 1970: the start of a leap day, and of a two-hour block.
pub const START_S: i64 = 1_709_164_800;
/// How long it is, seconds.
pub const LENGTH_S: i64 = 3 * 3600;
/// From one sample of a regular series to the next, milliseconds.
const STEP_MS: i64 = 15_000;

struct Text(String);

impl Text {
    /// A series with a value for each step where `value` has one, `shift_ms` after the step.
    fn series(&mut self, series: &str, shift_ms: i64, mut value: impl FnMut(i64) -> Option<f64>) {
        for step in 0..=LENGTH_S * 1000 / STEP_MS {
            if let Some(value) = value(step) {
                self.sample(series, step * STEP_MS + shift_ms, value);
            }
        }
    }

    /// One sample; `t_ms` counts from the start and must be a multiple of 125, which seconds as binary fractions hold exactly.
    fn sample(&mut self, series: &str, t_ms: i64, value: f64) {
        assert_eq!(t_ms % 125, 0);
        let t = START_S as f64 + t_ms as f64 / 1000.0;
        let value = telemetry::promql::format_value(value);
        writeln!(self.0, "{series} {value} {t}").unwrap();
    }
}

/// The whole text.
pub fn openmetrics() -> String {
    let (mut text, mut chance) = (Text(String::new()), Chance::new(42));
    counters(&mut text, &mut chance);
    gauges(&mut text, &mut chance);
    extremes(&mut text);
    histograms(&mut text, &mut chance);
    joins(&mut text);
    irregular(&mut text, &mut chance);
    text.0.push_str("# EOF\n");
    text.0
}

fn counters(text: &mut Text, chance: &mut Chance) {
    for (job, instance) in [
        ("api", "a:1"),
        ("api", "a:2"),
        ("web", "w:1"),
        ("web", "w:2"),
    ] {
        for (at, code) in ["200", "404", "500"].into_iter().enumerate() {
            let mut total = 0.0;
            let series =
                format!("requests_total{{job=\"{job}\",instance=\"{instance}\",code=\"{code}\"}}");
            let late = instance == "w:2" && code == "500";
            text.series(&series, at as i64 * 1125, |step| {
                // a restart of one instance each 40 minutes or so, at a time of its own
                if instance != "a:1" && step % (157 + at as i64 * 20) == 100 {
                    total = 0.0;
                }
                total += chance.below(60 / (at as u64 * 3 + 1)) as f64;
                let gap = instance == "a:2" && (240..280).contains(&step);
                (!gap && (!late || step > 300)).then_some(total)
            });
        }
    }
    text.series("early_total{job=\"api\"}", 0, |step| {
        (step < 200).then_some(step as f64 * 3.0)
    });
    text.series("early_total{job=\"late\"}", 0, |step| {
        (step > 500).then_some((step - 500) as f64 * 2.0)
    });
    text.series("seldom_total{job=\"api\"}", 0, |step| {
        Some((step / 120) as f64)
    });
}

fn gauges(text: &mut Text, chance: &mut Chance) {
    for (at, (job, instance)) in [
        ("api", "a:1"),
        ("api", "a:2"),
        ("web", "w:1"),
        ("db", "d:1"),
    ]
    .into_iter()
    .enumerate()
    {
        let series = format!("load{{job=\"{job}\",instance=\"{instance}\"}}");
        text.series(&series, 0, |step| {
            let wave = ((step as f64 / 30.0) + at as f64).sin() * 10.0;
            let noise = chance.below(1000) as f64 / 700.0;
            (step % 97 < 60 || at != 3).then_some(wave + noise - at as f64)
        });
        let series = format!("memory_bytes{{job=\"{job}\",instance=\"{instance}\"}}");
        text.series(&series, 500, |step| {
            Some((step * 4096 * (at as i64 + 1)) as f64 + 1e9)
        });
    }
    text.series("steady{job=\"api\"}", 0, |_| Some(42.5));
    text.series("up_or_down{job=\"api\"}", 0, |step| {
        Some(f64::from(u8::from(step % 50 < 43)))
    });
    text.series("temperature{room=\"cellar\"}", 250, |step| {
        Some(-20.5 + (step % 33) as f64)
    });
    text.series("temperature{room=\"attic\",floor=\"3\"}", 250, |step| {
        Some(30.25 - (step % 7) as f64)
    });
    text.series("job:requests:rate5m{job=\"api\"}", 0, |step| {
        Some(step as f64 / 8.0)
    });
}

fn extremes(text: &mut Text) {
    let kinds: [(&str, f64); 9] = [
        ("tiny", 1e-300),
        ("small", 1.25e-7),
        ("denormal", 5e-324),
        ("huge", 1e300),
        ("large", 1.5e21),
        ("infinite", f64::INFINITY),
        ("negative_infinite", f64::NEG_INFINITY),
        ("nan", f64::NAN),
        ("zero", 0.0),
    ];
    for (kind, value) in kinds {
        text.series(&format!("extreme{{kind=\"{kind}\"}}"), 0, |step| {
            (step % 4 == 0).then_some(value)
        });
    }
    text.series("extreme{kind=\"negative_zero\"}", 0, |step| {
        (step % 4 == 0).then_some(-0.0)
    });
    // values of all kinds in one window
    let mixed = [
        1.0,
        f64::NAN,
        3.0,
        f64::INFINITY,
        -2.0,
        f64::NEG_INFINITY,
        1e10,
        0.0,
    ];
    text.series("mixed{of=\"all\"}", 0, |step| {
        Some(mixed[step as usize % 8])
    });
    text.series("mixed{of=\"nan\"}", 0, |step| {
        Some(if step % 3 == 0 {
            f64::NAN
        } else {
            (step % 11) as f64
        })
    });
    text.series("mixed{of=\"infinite\"}", 0, |step| {
        Some(if step % 5 == 0 {
            f64::INFINITY
        } else {
            (step % 9) as f64
        })
    });
}

fn histograms(text: &mut Text, chance: &mut Chance) {
    let bounds = ["0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];
    for instance in ["a:1", "a:2"] {
        let mut counts = [0.0; 7];
        let mut lines = Vec::new();
        for step in 0..=LENGTH_S * 1000 / STEP_MS {
            for _ in 0..chance.below(9) {
                let first = chance.below(7) as usize;
                counts[first..].iter_mut().for_each(|c| *c += 1.0);
            }
            lines.push((step, counts));
        }
        for (at, bound) in bounds.iter().enumerate() {
            let series =
                format!("latency_seconds_bucket{{instance=\"{instance}\",le=\"{bound}\"}}");
            text.series(&series, 0, |step| Some(lines[step as usize].1[at]));
        }
        text.series(
            &format!("latency_seconds_count{{instance=\"{instance}\"}}"),
            0,
            |step| Some(lines[step as usize].1[6]),
        );
        text.series(
            &format!("latency_seconds_sum{{instance=\"{instance}\"}}"),
            0,
            |step| Some(lines[step as usize].1[6] * 0.3),
        );
    }
    let odd: [(&str, &[(&str, f64)]); 9] = [
        ("no_end", &[("1", 1.0), ("2", 5.0)]),
        ("only_end", &[("+Inf", 5.0)]),
        (
            "unreadable",
            &[("1", 2.0), ("two", 4.0), ("", 5.0), ("+Inf", 8.0)],
        ),
        (
            "same_bound",
            &[("0.1", 4.0), ("0.10", 4.0), ("1", 10.0), ("Inf", 10.0)],
        ),
        (
            "falling",
            &[("1", 10.0), ("2", 8.0), ("4", 3.0), ("+Inf", 20.0)],
        ),
        (
            "negative",
            &[("-1", 3.0), ("0", 5.0), ("2", 6.0), ("+Inf", 9.0)],
        ),
        ("empty", &[("1", 0.0), ("2", 0.0), ("+Inf", 0.0)]),
        ("nan", &[("1", 1.0), ("2", f64::NAN), ("+Inf", 9.0)]),
        ("first_only", &[("5", 7.0), ("+Inf", 7.0)]),
    ];
    for (shape, buckets) in odd {
        for (bound, count) in buckets {
            text.series(
                &format!("odd_bucket{{shape=\"{shape}\",le=\"{bound}\"}}"),
                0,
                |step| (step % 2 == 0).then_some(count * (step + 1) as f64),
            );
        }
    }
}

fn joins(text: &mut Text) {
    let instances = [
        ("api", "a:1"),
        ("api", "a:2"),
        ("web", "w:1"),
        ("web", "w:2"),
        ("db", "d:1"),
    ];
    for (at, (job, instance)) in instances.into_iter().enumerate() {
        text.series(
            &format!(
                "build_info{{instance=\"{instance}\",version=\"1.{}\",team=\"t{}\"}}",
                at % 2,
                at % 3
            ),
            0,
            |step| (step % 4 == 0).then_some(1.0),
        );
        text.series(
            &format!("limit{{job=\"{job}\",instance=\"{instance}\"}}"),
            0,
            |step| (step % 4 == 0).then_some((at * 10 + 5) as f64),
        );
    }
    for name in ["twin_a", "twin_b"] {
        for x in ["1", "2"] {
            text.series(&format!("{name}{{x=\"{x}\"}}"), 0, |step| {
                (step % 4 == 0).then_some(step as f64 + name.len() as f64)
            });
        }
    }
    // one vanishes as the other comes: a name dropped leaves one series, not two at once
    text.series("relay_a{x=\"1\"}", 0, |step| {
        (step < 200).then_some(step as f64)
    });
    text.series("relay_b{x=\"1\"}", 0, |step| {
        (step > 300).then_some(step as f64)
    });
    let words = [
        "naïve",
        "日本",
        "🦀",
        "a\\\"b",
        "back\\\\slash",
        "line\\nbreak",
        "with space",
        "a.b|c",
    ];
    for (at, word) in words.into_iter().enumerate() {
        text.series(&format!("text{{word=\"{word}\",empty=\"\"}}"), 0, |step| {
            (step % 4 == 0).then_some(at as f64)
        });
    }
    text.series(
        "label_parts{src=\"source-value-10\",dst=\"original\"}",
        0,
        |_| Some(1.0),
    );
    text.series(
        "label_parts{src=\"source-value-20\",dst=\"original\"}",
        0,
        |_| Some(2.0),
    );
}

fn irregular(text: &mut Text, chance: &mut Chance) {
    for (instance, most) in [("quick", 16), ("slow", 3200)] {
        let (mut t_ms, mut total) = (0_i64, 0.0);
        while t_ms < LENGTH_S * 1000 {
            text.sample(
                &format!("irregular_total{{instance=\"{instance}\"}}"),
                t_ms,
                total,
            );
            t_ms += 1000 + 125 * chance.below(most) as i64 * 2;
            total += chance.below(5) as f64;
        }
    }
    text.sample("once{job=\"api\"}", 3_600_000, 7.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::scrape::exposition::{Entry, Format, Lines};

    #[test]
    fn the_history_is_read_by_our_parser_and_is_the_same_each_time() {
        let text = openmetrics();
        let samples = Lines::new(&text, Format::OpenMetrics)
            .filter(|entry| matches!(entry.as_ref().unwrap(), Entry::Sample(_)))
            .count();
        assert!(samples > 40_000, "{samples}");
        assert_eq!(text, openmetrics());
    }
}
