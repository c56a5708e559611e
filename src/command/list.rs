//! `drill list`: the drills that were run, from their folders.

use std::{path::PathBuf, process::ExitCode};

use display_full_error::DisplayFullErrorExt;
use facilitator::report::{self, Listed, State};

use crate::{cli::ListArgs, exit::Failure, settings::Settings};

/// The folder for drills: flag or environment, settings file, default.
pub fn logs_folder(flag: Option<&PathBuf>, settings: &Settings) -> PathBuf {
    flag.or(settings.logs.as_ref())
        .cloned()
        .unwrap_or_else(|| "logs".into())
}

/// Refuses a folder for drills that was asked for and is not there: an empty list would hide the slip.
///
/// # Errors
/// A usage failure that names it.
pub fn there(asked: Option<&PathBuf>) -> Result<(), Failure> {
    match asked.filter(|folder| !folder.is_dir()) {
        None => Ok(()),
        Some(folder) => Err(Failure::usage(
            format!("there is no folder {}", folder.display()),
            "check --logs and DRILL_LOGS; without them drills lie in logs",
        )),
    }
}

/// Lists.
pub fn run(args: &ListArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let logs = logs_folder(args.logs.as_ref(), settings);
    there(args.logs.as_ref())?;
    let rows = report::list(&logs)
        .map_err(|error| Failure::failed(error.to_string_full()).remedy("drill doctor"))?;
    if args.json {
        super::print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&rows).expect("plain data serialises")
        ));
    } else if rows.is_empty() {
        super::print(&format!(
            "no drills in {} yet; `drill run` starts one\n",
            logs.display()
        ));
    } else {
        super::print(&table(&rows));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(rows: &[Listed]) -> String {
    let mut text = format!(
        "{:<20} {:<18} {:<5} {:>20} {:>6} {:<16} {}\n",
        "started", "scenario", "level", "seed", "score", "root cause", "folder"
    );
    for row in rows {
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "—".to_owned());
        text.push_str(&format!(
            "{:<20} {:<18} {:<5} {:>20} {:>6} {:<16} {}{}{}\n",
            or_dash(row.started.clone()),
            or_dash(row.slug.clone()),
            or_dash(row.level.map(|level| level.to_string())),
            or_dash(row.seed.map(|seed| seed.to_string())),
            or_dash(row.score.clone()),
            or_dash(row.ttrc.clone()),
            row.folder.display(),
            if row.state == Some(State::Running) {
                "  runs now"
            } else {
                ""
            },
            row.problem
                .as_ref()
                .map(|problem| format!("  ! {problem}"))
                .unwrap_or_default(),
        ));
    }
    text
}
