//! How long frames of the terminal UI take, on a lab that holds a million log lines and takes 1,000 more each second. The
//! lab is real; frames are drawn down to the escape codes of a terminal.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use facilitator::drill::{Drill, DrillOptions};
use prost::Message;
use scenarios::{catalog::Catalog, seed::Seed};
use tui::{Frames, Seat, ThemeName, strokes, when::When};

use super::{
    Measure,
    figures::{Figure, Missing, Report, Row, Spread, Target},
    glass_process,
    log_lines::{self, Line},
};
use crate::{
    command::{run::not_started, scenario_files, screen::failure},
    exit::Failure,
};

/// Scenario whose lab is drawn: nothing is broken in it.
const SCENARIO: &str = "quiet-night";
/// Lines that the lab holds before, and over how long they are spread.
pub const HELD: (usize, Duration) = (1_000_000, Duration::from_secs(600));
/// Lines that come each second, in so many batches.
pub const FOLLOWED: (usize, u32) = (1_000, 2);
/// Frames of each figure: so many a second for so long.
const FRAMES: (u32, Duration) = (10, Duration::from_secs(10));
/// How long the lab may take to make its history.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// The design's bounds, ms: for a frame, and for a key until its frame, which is one at 60 Hz.
const MOST_MS: (f64, f64) = (8.0, 16.0);

/// What was seen at one size, ms.
struct Seen {
    frames: Vec<f64>,
    keys: Vec<f64>,
}

/// Measures.
pub fn run(measure: &Measure) -> Result<Report, Failure> {
    let runtime = super::super::runtime()?;
    let report = runtime.block_on(measured(measure));
    runtime.shutdown_timeout(Duration::from_millis(200));
    report
}

async fn measured(measure: &Measure) -> Result<Report, Failure> {
    let plan = Catalog::embedded()
        .plan(SCENARIO, Seed(7), None)
        .map_err(scenario_files::failure)?;
    let drill = Drill::start(DrillOptions::new(Arc::new(plan)))
        .await
        .map_err(|error| not_started(&error))?;
    let url = drill.api_url().to_owned();
    let measured = all(measure, &url).await;
    drill.shutdown().await;
    let (rows, missing) = measured?;
    Ok(Report {
        area: "glass",
        rows,
        missing,
        notes: vec![
            format!(
                "a frame is drawn from the state down to the escape codes; between frames the answers of the lab are taken, {} lines/s come",
                FOLLOWED.0
            ),
            "the process is that of `drill join`, on its logs; the lines are the lab's, which is another process. lnav has the same lines in a file, and an index of them".to_owned(),
        ],
    })
}

/// Frames, and then the process.
async fn all(measure: &Measure, url: &str) -> Result<(Vec<Row>, Vec<Missing>), Failure> {
    let mut rows = rows(measure, url).await?;
    let (runs, url) = (measure.runs, url.to_owned());
    let process = tokio::task::spawn_blocking(move || {
        let mut missing = Vec::new();
        let rows = glass_process::rows(&Measure { runs }, &url, &mut missing)?;
        Ok::<_, Failure>((rows, missing))
    });
    let (more, missing) = process
        .await
        .map_err(|error| Failure::failed(format!("measuring the process failed: {error}")))??;
    rows.extend(more);
    Ok((rows, missing))
}

async fn rows(measure: &Measure, url: &str) -> Result<Vec<Row>, Failure> {
    let mut seat = seat(url, (160, 50)).await?;
    measure.tell("glass: history …");
    let live = strokes::read("<Until LIVE>").expect("these keys can be read");
    seat.play(&live, PATIENCE).await.map_err(|e| failure(&e))?;
    measure.tell("glass: a million lines …");
    let lines = HELD.0;
    feed(url, lines, HELD.1).await?;
    let mut rows = Vec::new();
    for size in [(80, 24), (160, 50)] {
        measure.tell(&format!("glass: frames of {}x{} …", size.0, size.1));
        let seen = follow(measure, url, size).await?;
        let size = format!("{}x{}, {lines} lines held", size.0, size.1);
        let row = |work: &str, of: &[f64], share: f64, most: f64| Row {
            work: work.to_owned(),
            size: size.clone(),
            unit: "ms",
            ours: Figure {
                of: "ours".to_owned(),
                value: Spread::of(vec![quantile(of, share)]),
            },
            peers: Vec::new(),
            target: Some(Target::AtMost(most)),
        };
        rows.extend([
            row("a frame, following, p50", &seen.frames, 0.5, MOST_MS.0),
            row("a frame, following, p99", &seen.frames, 0.99, MOST_MS.0),
            row("a key and its frame, p50", &seen.keys, 0.5, MOST_MS.1),
            row("a key and its frame, p99", &seen.keys, 0.99, MOST_MS.1),
        ]);
    }
    Ok(rows)
}

async fn seat(url: &str, size: (u16, u16)) -> Result<Seat, Failure> {
    Seat::take(url, size, ThemeName::Dark, false)
        .await
        .map_err(|error| failure(&error))
}

/// Looks at the logs while lines come, for as many times as figures are repeated.
async fn follow(measure: &Measure, url: &str, size: (u16, u16)) -> Result<Seen, Failure> {
    let mut seat = seat(url, size).await?;
    seat.open("logs", None, When::Usual)
        .await
        .map_err(|error| failure(&error))?;
    let mut frames = Frames::new(size).map_err(Failure::failed)?;
    let keys = strokes::read("k j").expect("these keys can be read");
    let mut seen = Seen {
        frames: Vec::new(),
        keys: Vec::new(),
    };
    let pause = Duration::from_secs(1) / FRAMES.0;
    let between = Duration::from_secs(1) / FOLLOWED.1;
    for _ in 0..measure.runs {
        let (began, mut sent) = (Instant::now(), Instant::now());
        while began.elapsed() < FRAMES.1 {
            if sent.elapsed() >= between {
                sent = Instant::now();
                feed(url, FOLLOWED.0 / FOLLOWED.1 as usize, between).await?;
            }
            seat.look().await;
            let took = seat.frame(&mut frames).map_err(Failure::failed)?;
            seen.frames.push(ms(took));
            for key in &keys {
                let took = seat.strike(key, &mut frames).map_err(Failure::failed)?;
                seen.keys.push(ms(took));
            }
            tokio::time::sleep(pause).await;
        }
    }
    Ok(seen)
}

/// Sends lines that are made for it, and waits until they are taken.
async fn feed(url: &str, count: usize, over: Duration) -> Result<(), Failure> {
    let url = url.to_owned();
    tokio::task::spawn_blocking(move || send(&url, log_lines::lines(count), count, over))
        .await
        .map_err(|error| Failure::failed(format!("sending log lines failed: {error}")))?
}

/// Sends lines to a lab, stamped so that they end now and are spread over a stretch of time, until they are taken.
pub fn send(
    url: &str,
    lines: impl Iterator<Item = Line>,
    count: usize,
    over: Duration,
) -> Result<(), Failure> {
    let url = format!("{url}/v1/logs");
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let begin_ns = now.map_or(0, nanoseconds).saturating_sub(nanoseconds(over));
    let step_ns = nanoseconds(over) / u64::try_from(count.max(1)).unwrap_or(u64::MAX);
    let stamped = lines.zip(0..).map(|(mut line, n)| {
        line.ts_ns = begin_ns + n * step_ns;
        line
    });
    for batch in log_lines::batches(stamped) {
        ureq::post(&url)
            .content_type("application/x-protobuf")
            .send(&batch.encode_to_vec()[..])
            .map_err(|error| Failure::failed(format!("the lab refused log lines: {error}")))?;
    }
    Ok(())
}

fn nanoseconds(long: Duration) -> u64 {
    u64::try_from(long.as_nanos()).unwrap_or(u64::MAX)
}

fn ms(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

/// The value that a share of all does not exceed.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let at = rank.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_value_that_a_share_does_not_exceed() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(quantile(&values, 0.5), 100.0);
        assert_eq!(quantile(&values, 0.99), 198.0);
        assert_eq!(quantile(&[3.0], 0.01), 3.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
