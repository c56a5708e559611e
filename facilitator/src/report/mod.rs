//! Reports: a pure function of a drill folder's plan and journal, scored again by the formula of
//! this program. Writing one never overwrites another.

mod markdown;

use std::path::{Path, PathBuf};

use api::Debrief;
use scenarios::plan::Plan;
use serde::Serialize;
use simulator::{
    folder::{FolderError, list as list_folders, plan_of, started_of, write_version},
    journal::{self, Entry, Event, JournalError, read},
};

pub use markdown::markdown;

use crate::debrief::debrief;

/// Why a report cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The plan is no plan of this program.
    #[error(
        "the plan in {folder} cannot be read by this version of drill; use the version that recorded it"
    )]
    Plan {
        /// Which folder.
        folder: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The journal says nothing.
    #[error(
        "the journal in {folder} is empty: the drill ended before it began, there is nothing to report"
    )]
    Empty {
        /// Which folder.
        folder: PathBuf,
    },
    /// The report cannot be written as JSON.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// A report: the debrief, and what is to be said of the recording it was made from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The debrief, scored by this program's formula.
    #[serde(flatten)]
    pub debrief: Debrief,
    /// Whether the drill was ended properly.
    pub finished: bool,
    /// What is wrong with the recording: an edited journal, another plan, a line cut off by a crash.
    pub warnings: Vec<String>,
}

/// Reads a drill folder and makes its report. Changes nothing.
///
/// # Errors
/// When plan or journal cannot be read. An edited journal is no error but a warning in the report.
pub fn read_folder(folder: &Path) -> Result<Report, ReportError> {
    let (plan, recorded) = open(folder)?;
    let mut warnings = Vec::new();
    if let Some(broken) = &recorded.broken {
        warnings.push(format!(
            "the journal was edited after the drill: {broken}; do not trust this score"
        ));
    }
    if let Some(line) = recorded.cut_line {
        warnings.push(format!(
            "line {line} of the journal was cut off by a crash and left out"
        ));
    }
    Ok(build(&plan, &recorded.entries, folder, warnings))
}

/// Plan and journal of a drill folder.
///
/// # Errors
/// When either cannot be read, or the journal is empty.
pub fn open(folder: &Path) -> Result<(Plan, simulator::journal::Recorded), ReportError> {
    let plan: Plan =
        serde_json::from_str(&plan_of(folder)?).map_err(|source| ReportError::Plan {
            folder: folder.to_owned(),
            source,
        })?;
    let recorded = read(&journal::file_in(folder))?;
    if recorded.entries.is_empty() {
        return Err(ReportError::Empty {
            folder: folder.to_owned(),
        });
    }
    Ok((plan, recorded))
}

/// Makes the report of a plan and its journal.
fn build(plan: &Plan, entries: &[Entry], folder: &Path, mut warnings: Vec<String>) -> Report {
    let mut id = String::new();
    if let Some(Event::Started {
        drill,
        slug,
        seed,
        plan_sha256,
        ..
    }) = entries.first().map(|entry| &entry.event)
    {
        id.clone_from(drill);
        let other =
            *slug != plan.scenario.slug || *seed != plan.seed.0 || *plan_sha256 != plan_hash(plan);
        if other {
            warnings.push(
                "the plan in the folder is not the one that was drilled; do not trust this score"
                    .to_owned(),
            );
        }
    } else {
        warnings.push("the journal does not begin with the start of a drill".to_owned());
    }
    let finished = entries
        .iter()
        .any(|entry| matches!(entry.event, Event::Finished { .. }));
    match State::of(finished, folder) {
        State::Finished => {}
        State::Running => {
            warnings.push("the drill runs still: this is how it stands now".to_owned())
        }
        State::Killed => {
            warnings.push("the drill was not ended: the program was killed".to_owned())
        }
        State::Unfinished => warnings
            .push("the drill was not ended: it runs still, or the program was killed".to_owned()),
    }
    Report {
        debrief: debrief(plan, entries, &id, Some(folder.display().to_string())),
        finished,
        warnings,
    }
}

/// SHA-256 of a plan's JSON, as the journal's first entry states it; 64 hex digits.
#[must_use]
pub fn plan_hash(plan: &Plan) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(plan.to_json().as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Reports that were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The Markdown file.
    pub markdown: PathBuf,
    /// The JSON file.
    pub json: PathBuf,
}

/// Writes `report.md` and `report.json` into the folder, or their next versions (`report.2.md`, …).
///
/// # Errors
/// When plan or journal cannot be read or a file cannot be written.
pub fn write(folder: &Path) -> Result<(Report, Written), ReportError> {
    let report = read_folder(folder)?;
    let written = Written {
        markdown: write_version(folder, "report.md", markdown(&report).as_bytes())?,
        json: write_version(folder, "report.json", &serde_json::to_vec_pretty(&report)?)?,
    };
    Ok((report, written))
}

/// What became of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It was ended properly.
    Finished,
    /// Its program runs and writes.
    Running,
    /// Its program ended without ending it.
    Killed,
    /// It was not ended, and the file system does not tell whether its program runs.
    Unfinished,
}

impl State {
    fn of(finished: bool, folder: &Path) -> Self {
        match (finished, journal::is_held(&journal::file_in(folder))) {
            (true, _) => Self::Finished,
            (false, Some(true)) => Self::Running,
            (false, Some(false)) => Self::Killed,
            (false, None) => Self::Unfinished,
        }
    }
}

/// A drill folder in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Where it is.
    pub folder: PathBuf,
    /// Opaque id.
    pub id: Option<String>,
    /// When it was started, wall time, RFC 3339 in UTC; none when the folder was renamed by hand.
    pub started: Option<String>,
    /// What became of it; none when its journal cannot be read.
    pub state: Option<State>,
    /// When history began, drill time, Unix milliseconds.
    pub begun_ms: Option<i64>,
    /// Scenario; none while it is not finished.
    pub slug: Option<String>,
    /// Seed.
    pub seed: Option<u64>,
    /// Level.
    pub level: Option<u8>,
    /// Score by this program's formula; none while it is not finished.
    pub score: Option<String>,
    /// Time to root cause in words.
    pub ttrc: Option<String>,
    /// What is wrong with it, if anything.
    pub problem: Option<String>,
}

/// The drill folders under `logs`, newest first. A folder that cannot be read is listed with its problem.
///
/// # Errors
/// When `logs` exists and cannot be read.
pub fn list(logs: &Path) -> Result<Vec<Listed>, ReportError> {
    let mut rows: Vec<Listed> = list_folders(logs)?.into_iter().map(listed).collect();
    // what was renamed by hand has no time, and stands last
    rows.sort_by(|a, b| (&b.started, &b.folder).cmp(&(&a.started, &a.folder)));
    Ok(rows)
}

fn listed(folder: PathBuf) -> Listed {
    let mut row = Listed {
        folder: folder.clone(),
        id: None,
        started: started_of(&folder).map(|at| at.to_string()),
        state: None,
        begun_ms: None,
        slug: None,
        seed: None,
        level: None,
        score: None,
        ttrc: None,
        problem: None,
    };
    let (plan, recorded) = match open(&folder) {
        Ok(found) => found,
        Err(error) => {
            row.problem = Some(error.to_string());
            return row;
        }
    };
    row.begun_ms = recorded.entries.first().map(|entry| entry.at_ms);
    row.seed = Some(plan.seed.0);
    row.level = Some(plan.level);
    let report = build(&plan, &recorded.entries, &folder, Vec::new());
    row.id = Some(report.debrief.id).filter(|id| !id.is_empty());
    let state = State::of(report.finished, &folder);
    row.state = Some(state);
    if report.finished {
        row.slug = Some(report.debrief.slug);
        row.score = Some(report.debrief.score.total.to_string());
        row.ttrc = report
            .debrief
            .score
            .kpis
            .into_iter()
            .find(|kpi| kpi.name == "TTRC")
            .map(|kpi| kpi.value);
    }
    row.problem = recorded
        .broken
        .map(|broken| broken.to_string())
        .or_else(|| {
            // that it runs is no problem; the state says it
            let mut warnings = report.warnings.into_iter();
            warnings.find(|_| state != State::Running)
        });
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::{PAGE_MS, Pen, plan};
    use simulator::{folder::DrillFolder, journal::Journal};

    /// A finished drill of the fixture in a folder.
    pub(super) fn recorded(logs: &Path) -> PathBuf {
        let plan = plan();
        let json = plan.to_json();
        let mut folder =
            DrillFolder::create(logs, jiff::Timestamp::constant(1_795_242_000, 0), "abc").unwrap();
        folder.seal_plan(&json).unwrap();
        let journal = Journal::create(folder.path()).unwrap();
        journal.append(
            PAGE_MS - 900_000,
            Event::Started {
                drill: "abc".into(),
                slug: "fixture".into(),
                seed: 7,
                level: 3,
                plan_sha256: plan_hash(&plan),
            },
        );
        let mut pen = Pen::paged();
        pen.pin(5, &["waiting"])
            .right(60, 0.9)
            .act(70, "fix", false)
            .prove(90, 4);
        pen.at(
            95,
            Event::Learning {
                whys: ["e", "d", "x"].map(str::to_owned).to_vec(),
                guardrails: vec!["canary".into()],
            },
        );
        let value = |second: i64| Some(if (0..70).contains(&second) { 2.5 } else { 0.25 });
        let points = (-20..100).step_by(5);
        pen.at(
            100,
            Event::Chart {
                title: "payments: p95 of requests".into(),
                unit: "s".into(),
                query: "x".into(),
                bound: Some(1.0),
                points: points
                    .map(|second| (PAGE_MS + second * 1_000, value(second)))
                    .collect(),
            },
        );
        pen.at(
            100,
            Event::Finished {
                how: "the trainee finished".into(),
            },
        );
        for entry in pen.entries {
            journal.append(entry.at_ms, entry.event);
        }
        journal.unseal().unwrap();
        folder.finish("fixture", &json).unwrap().to_owned()
    }

    #[test]
    fn a_report_is_versioned_and_never_overwritten() {
        let logs = tempfile::tempdir().unwrap();
        let folder = recorded(logs.path());
        let (report, first) = write(&folder).unwrap();
        assert!(report.finished);
        assert_eq!(report.warnings, Vec::<String>::new());
        let before = std::fs::read(&first.markdown).unwrap();
        let (_, second) = write(&folder).unwrap();
        assert!(second.markdown.ends_with("report.2.md"));
        assert!(second.json.ends_with("report.2.json"));
        assert_eq!(std::fs::read(&first.markdown).unwrap(), before);
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&first.json).unwrap()).unwrap();
        assert_eq!(json["slug"], "fixture");
        assert_eq!(json["score"]["parts"].as_array().unwrap().len(), 10);
    }

    #[test]
    fn a_journal_that_was_edited_is_reported() {
        let logs = tempfile::tempdir().unwrap();
        let folder = recorded(logs.path());
        let path = journal::file_in(&folder);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(
            &path,
            text.replace("\"confidence\":0.9", "\"confidence\":1.0"),
        )
        .unwrap();
        let report = read_folder(&folder).unwrap();
        assert!(
            report.warnings[0].contains("edited"),
            "{:?}",
            report.warnings
        );
        assert!(markdown(&report).contains("do not trust this score"));
        let rows = list(logs.path()).unwrap();
        assert!(
            rows[0].problem.as_deref().unwrap().contains("hash"),
            "{rows:?}"
        );
    }

    #[test]
    fn a_plan_that_was_exchanged_is_reported() {
        let logs = tempfile::tempdir().unwrap();
        let folder = recorded(logs.path());
        let path = folder.join("plan.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"8m\"", "\"39m\"")).unwrap();
        assert!(read_folder(&folder).unwrap().warnings[0].contains("not the one"));
    }

    #[test]
    fn a_list_names_finished_drills_and_hides_the_slug_of_others() {
        let logs = tempfile::tempdir().unwrap();
        recorded(logs.path());
        let other = DrillFolder::create(
            logs.path(),
            jiff::Timestamp::constant(1_795_249_999, 0),
            "def",
        )
        .unwrap();
        other.seal_plan(&plan().to_json()).unwrap();
        let journal = Journal::create(other.path()).unwrap();
        journal.append(PAGE_MS, Event::Acknowledged);
        let rows = list(logs.path()).unwrap();
        assert_eq!(rows[1].slug.as_deref(), Some("fixture"));
        assert_eq!(rows[1].ttrc.as_deref(), Some("1 min 0 s"));
        assert_eq!(rows[1].state, Some(State::Finished));
        assert_eq!(rows[0].slug, None, "the newest comes first");
        assert!(rows[0].started > rows[1].started);
        let started: jiff::Timestamp = rows[0].started.as_deref().unwrap().parse().unwrap();
        assert_eq!(started, jiff::Timestamp::constant(1_795_249_999, 0));
    }

    #[test]
    fn a_drill_that_runs_is_told_from_one_that_was_killed() {
        let logs = tempfile::tempdir().unwrap();
        let folder = DrillFolder::create(
            logs.path(),
            jiff::Timestamp::constant(1_795_249_999, 0),
            "def",
        )
        .unwrap();
        folder.seal_plan(&plan().to_json()).unwrap();
        let journal = Journal::create(folder.path()).unwrap();
        journal.append(PAGE_MS, Event::Acknowledged);
        let state = || list(logs.path()).unwrap()[0].state;
        assert_eq!(state(), Some(State::Running));
        assert!(
            read_folder(folder.path())
                .unwrap()
                .warnings
                .iter()
                .any(|said| said.contains("runs still"))
        );
        drop(journal); // as the kernel does when the process is gone
        assert_eq!(state(), Some(State::Killed));
        let rows = list(logs.path()).unwrap();
        assert!(rows[0].problem.is_some());
    }

    #[test]
    fn a_folder_without_a_plan_is_an_error_that_names_it() {
        let logs = tempfile::tempdir().unwrap();
        let error = write(logs.path()).unwrap_err();
        assert!(error.to_string().contains("is no drill folder"), "{error}");
    }
}
