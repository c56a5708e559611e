//! `drill report`: the report of a drill folder, scored by this program's formula.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use display_full_error::DisplayFullErrorExt;
use facilitator::report;
use scenarios::nearest::nearest;

use super::list::{logs_folder, there};
use crate::{cli::ReportArgs, exit::Failure, settings::Settings};

/// Prints the report; with `--write` also files it as a new version.
pub fn run(args: &ReportArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let logs = logs_folder(args.logs.as_ref(), settings);
    there(args.logs.as_ref())?;
    let folder = find(args.drill.as_deref(), &logs)?;
    let failed = |error: report::ReportError| {
        Failure::failed(error.to_string_full()).remedy("drill list shows which folders can be read")
    };
    let made = if args.write {
        let (made, written) = report::write(&folder).map_err(failed)?;
        eprintln!(
            "written: {} and {}",
            written.markdown.display(),
            written.json.display()
        );
        made
    } else {
        report::read_folder(&folder).map_err(failed)?
    };
    if args.json {
        super::print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&made).expect("plain data serialises")
        ));
    } else {
        super::print(&report::markdown(&made));
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder as given, a drill id or scenario under `logs`, or the newest drill that has ended.
fn find(drill: Option<&str>, logs: &Path) -> Result<PathBuf, Failure> {
    if let Some(folder) = drill.map(PathBuf::from).filter(|folder| folder.is_dir()) {
        return Ok(folder);
    }
    let rows = report::list(logs).map_err(|error| Failure::failed(error.to_string_full()))?;
    let Some(name) = drill else {
        let newest = rows.into_iter().find(|row| row.score.is_some());
        return newest.map(|row| row.folder).ok_or_else(|| {
            Failure::usage(
                format!("no finished drill in {}", logs.display()),
                "drill run; drill list shows those that were not ended too",
            )
        });
    };
    let named = |row: &report::Listed| {
        row.id.as_deref() == Some(name)
            || row
                .folder
                .file_name()
                .is_some_and(|folder| folder.to_string_lossy() == name)
    };
    // the newest comes first
    let found = rows.iter().find(|row| named(row));
    found
        .or_else(|| rows.iter().find(|row| row.slug.as_deref() == Some(name)))
        .map(|row| row.folder.clone())
        .ok_or_else(|| {
            let known = rows.iter().flat_map(|row| [&row.slug, &row.id]);
            let near = nearest(name, known.filter_map(|word| word.as_deref()));
            Failure::usage(
                format!("there is no drill `{name}` in {}", logs.display()),
                near.map_or_else(
                    || "drill list shows folders and scenarios".to_owned(),
                    |near| format!("did you mean `{near}`? drill list shows folders and scenarios"),
                ),
            )
        })
}
