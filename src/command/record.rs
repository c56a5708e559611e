//! `drill record-screen`: plays keys at the screens of a drill, and keeps what they show. The drill is its own unless a
//! running one is named: pictures and journeys can be made anew by one command.

use std::{process::ExitCode, sync::Arc};

use facilitator::drill::{Drill, DrillOptions};
use scenarios::seed::Seed;
use tui::{
    Error, Seat, ThemeName,
    strokes::{self, Stroke},
};

use super::{
    join::base,
    run::not_started,
    scenario_files,
    screen::{failure, write},
};
use crate::{
    cli::RecordArgs,
    exit::{self, Failure},
    settings::Settings,
    signals,
};

/// Starts what is to be looked at, presses the keys, and puts everything in order again.
pub fn run(args: &RecordArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let keys = read(args)?;
    let runtime = super::runtime()?;
    let done = match (&args.url, &args.slug) {
        (Some(url), _) => runtime.block_on(at(base(url)?, args, &keys, false)),
        (None, Some(slug)) => {
            let options = options(slug, args, settings)?;
            runtime.block_on(with_drill(options, args, &keys))
        }
        (None, None) => Err(Failure::usage(
            "which drill?",
            "name a scenario, or a running drill with --url",
        )),
    };
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    done
}

fn read(args: &RecordArgs) -> Result<Vec<Stroke>, Failure> {
    let (name, script) = match (&args.script, &args.keys) {
        (Some(path), _) => {
            let script = std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(
                    format!("{} cannot be read: {error}", path.display()),
                    "name a file with keys, or give them with --keys",
                )
            })?;
            (path.display().to_string(), script)
        }
        (None, keys) => ("--keys".to_owned(), keys.clone().unwrap_or_default()),
    };
    strokes::read(&script).map_err(|error| {
        Failure::usage(
            format!("{name}: {error}"),
            "`drill record-screen --help` tells how keys are written",
        )
    })
}

/// A drill of its own, which leaves no recording.
fn options(slug: &str, args: &RecordArgs, settings: &Settings) -> Result<DrillOptions, Failure> {
    let catalog = scenario_files::catalog(args.scenarios.as_ref(), settings)?;
    let plan = catalog
        .plan(slug, Seed(args.seed), args.level)
        .map_err(scenario_files::failure)?;
    Ok(DrillOptions::new(Arc::new(plan)))
}

async fn with_drill(
    options: DrillOptions,
    args: &RecordArgs,
    keys: &[Stroke],
) -> Result<ExitCode, Failure> {
    let mut ended = std::pin::pin!(signals::ended());
    let interrupted = |signal: std::io::Result<&'static str>| Failure {
        code: exit::INTERRUPTED,
        message: format!("{} while keys were played", signal.unwrap_or("interrupted")),
        remedy: None,
    };
    let drill = tokio::select! {
        started = Drill::start(options) => started.map_err(|error| not_started(&error))?,
        signal = &mut ended => return Err(interrupted(signal)),
    };
    let url = drill.api_url().to_owned();
    let played = tokio::select! {
        played = at(&url, args, keys, true) => played,
        signal = &mut ended => Err(interrupted(signal)),
    };
    drill.finish("the keys were played").await;
    drill.shutdown().await;
    played
}

/// Sits down at a drill and presses the keys.
async fn at(
    url: &str,
    args: &RecordArgs,
    keys: &[Stroke],
    plays: bool,
) -> Result<ExitCode, Failure> {
    let pictured = args.svg.is_some() || keys.iter().any(|k| matches!(k, Stroke::Picture(_)));
    let theme = if pictured {
        args.theme
    } else {
        ThemeName::None
    };
    let mut seat = Seat::take(url, args.size, theme, plays)
        .await
        .map_err(|error| failure(&error))?;
    seat.play(keys, args.patience)
        .await
        .map_err(|error| match error {
            Error::NotSeen { .. } => Failure {
                code: exit::NO,
                message: error.to_string(),
                remedy: Some("correct the keys, or wait longer with --patience".to_owned()),
            },
            other => failure(&other),
        })?;
    let printed = match &args.svg {
        Some(path) => {
            write(path, &seat.svg())?;
            format!("written: {}", path.display())
        }
        None => seat.text(),
    };
    super::print(&format!("{}\n", printed.trim_end_matches('\n')));
    Ok(ExitCode::SUCCESS)
}
