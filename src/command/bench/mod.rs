//! `drill bench`: ours beside every peer that is installed, in one run on one machine.

mod batches;
mod figures;
mod glass;
mod glass_process;
mod ingest;
mod lab;
mod load;
mod log_lines;
mod log_peers;
mod logs;
mod metrics;
mod peers;
mod process_tree;
mod proxy;
mod proxy_load;
mod proxy_subjects;
mod pty;
mod traces;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

pub use self::lab::bare;
use serde::Serialize;

use crate::{
    cli::{BenchArea, BenchArgs},
    exit::{self, Failure},
};
use figures::{Figure, Report, Spread};

/// How to measure.
pub struct Measure {
    /// Repetitions of each figure.
    pub runs: u32,
}

/// One subject of a comparison: whose figure it is, and what takes one sample of it.
pub type Subject<'a> = (String, &'a mut dyn FnMut() -> Result<f64, Failure>);

impl Measure {
    /// Says what is going on, over what it said before; nothing where nobody looks.
    pub fn tell(&self, what: &str) {
        let mut err = std::io::stderr();
        if err.is_terminal() {
            let _ = write!(err, "\r\x1b[K{what}");
            let _ = err.flush();
        }
    }

    /// Figures of all subjects, sampled in turn, so that a busy minute of the machine meets them all.
    /// The first round warms caches up and is not counted.
    ///
    /// # Errors
    /// The first sample that fails.
    pub fn side_by_side(
        &self,
        work: &str,
        subjects: &mut [Subject<'_>],
    ) -> Result<Vec<Figure>, Failure> {
        let mut samples = vec![Vec::new(); subjects.len()];
        for round in 0..=self.runs {
            for ((of, sample), samples) in subjects.iter_mut().zip(&mut samples) {
                self.tell(&format!("{work}: {of}, {round} of {} …", self.runs));
                let value = sample()?;
                if round > 0 {
                    samples.push(value);
                }
            }
        }
        let of = subjects.iter().map(|(of, _)| of.clone());
        Ok(of
            .zip(samples)
            .map(|(of, samples)| Figure {
                of,
                value: Spread::of(samples),
            })
            .collect())
    }
}

/// What the figures were taken on.
#[derive(Debug, Serialize)]
struct Machine {
    cores: usize,
    /// Runnable processes on average over the last minute, before the measurement; on an idle machine nearly 0.
    load: Option<f64>,
}

#[derive(Debug, Serialize)]
struct All {
    version: &'static str,
    machine: Machine,
    runs: u32,
    reports: Vec<Report>,
}

/// Measures the areas that were asked for, and prints.
pub fn run(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let machine = Machine {
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        load: std::fs::read_to_string("/proc/loadavg")
            .ok()
            .and_then(|text| text.split(' ').next()?.parse().ok()),
    };
    if !args.json {
        let load = machine
            .load
            .map_or_else(|| "unknown".to_owned(), |load| format!("{load:.1}"));
        super::print(&format!(
            "{} cores, load {load}; {} runs each: median (least … most)\n",
            machine.cores, args.runs
        ));
        if machine.load > Some(0.5) {
            eprintln!("the machine is busy (load {load}): compare ratios, not times");
        }
        if cfg!(debug_assertions) {
            eprintln!(
                "this is a debug build: its figures mean nothing; cargo run --release -- bench"
            );
        }
    }
    let measure = Measure { runs: args.runs };
    let areas = match args.area {
        Some(area) => vec![area],
        None => BenchArea::ALL.to_vec(),
    };
    let mut reports = Vec::new();
    for area in areas {
        let report = match area {
            BenchArea::Lab => lab::run(&measure)?,
            BenchArea::Ingest => ingest::run(&measure)?,
            BenchArea::Logs => logs::run(&measure)?,
            BenchArea::Traces => traces::run(&measure)?,
            BenchArea::Metrics => metrics::run(&measure)?,
            BenchArea::Proxy => proxy::run(&measure)?,
            BenchArea::Load => load::run(&measure)?,
            BenchArea::Glass => glass::run(&measure)?,
        };
        measure.tell("");
        if !args.json {
            super::print(&format!("\n{}", report.table()));
        }
        reports.push(report);
    }
    if args.json {
        let all = All {
            version: env!("CARGO_PKG_VERSION"),
            machine,
            runs: args.runs,
            reports,
        };
        let text = serde_json::to_string_pretty(&all).expect("plain data serialises");
        super::print(&format!("{text}\n"));
    }
    Ok(ExitCode::from(exit::OK))
}
