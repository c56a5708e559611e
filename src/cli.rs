//! The command line: words, flags, help. What they do is in `command`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// An incident-response drill: a really broken shop, a page at 03:00, a score on evidence.
#[derive(Debug, Parser)]
#[command(
    name = "drill",
    version,
    about,
    after_help = "Examples:\n  drill                                  be dealt a scenario and open the terminal\n  drill run float-drift --seed 7         a scenario by name, repeatable\n  drill run --headless --duration 60s    without a terminal\n  drill list                             drills that were run\n  drill doctor                           check this machine\n\nA drill ends cleanly on Ctrl-C; nothing is left running."
)]
pub struct Cli {
    /// What to do; without one, `drill run`.
    #[command(subcommand)]
    pub command: Option<Word>,
    /// Flags of `drill run`, for `drill` alone.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Word {
    /// Start a drill: the scenario named, or one that is dealt.
    #[command(
        after_help = "Examples:\n  drill run                                            dealt, in the terminal\n  drill run ring-deadlock --level 2 --seed 42          by name, easier, repeatable\n  drill run float-drift --headless --duration 60s --seed 7\n  drill run float-drift --headless --json | jq .       one JSON object a line\n\nWithout a terminal say --headless. From another terminal, `drill join URL` opens the TUI on a running drill."
    )]
    Run(RunCommand),
    /// Open the terminal on a drill that runs elsewhere.
    #[command(after_help = "Example:\n  drill join http://127.0.0.1:41873")]
    Join(JoinArgs),
    /// List the drills that were run.
    #[command(after_help = "Examples:\n  drill list\n  drill list --json | jq '.[0].score'")]
    List(ListArgs),
    /// Write the report of a drill again, rescored by the present formula.
    #[command(
        after_help = "Examples:\n  drill report                         the newest drill\n  drill report logs/2026…-float-drift-1f3a\n  drill report --json | jq .score.total"
    )]
    Report(ReportArgs),
    /// Look at the catalogue, check or begin scenario files.
    #[command(subcommand)]
    Scenarios(ScenariosWord),
    /// Prove that scenarios work: symptoms appear, wrong fixes fail, the right one holds.
    #[command(
        after_help = "Examples:\n  drill verify float-drift\n  drill verify --all --seeds 7,11\n  drill verify ring-deadlock --seeds 3 --json"
    )]
    Verify(VerifyArgs),
    /// Check ports, limits, terminal, disk and clock, and say what to do.
    Doctor(DoctorArgs),
    /// Print one screen of a running drill as text or SVG.
    #[command(
        after_help = "Example:\n  drill screen traces --url http://127.0.0.1:41873 --size 120x36 --svg traces.svg"
    )]
    Screen(ScreenArgs),
    /// Measure: lab start beside bare processes, memory, idle CPU.
    #[command(after_help = "Examples:\n  drill bench\n  drill bench lab --runs 10 --json")]
    Bench(BenchArgs),
    /// One bare axum process: the floor that `drill bench` compares with.
    #[command(hide = true)]
    Bare,
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  drill completions bash > ~/.local/share/bash-completion/completions/drill"
    )]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    #[command(after_help = "Example:\n  drill man | man -l -")]
    Man,
}

/// `drill run`.
#[derive(Debug, Args)]
pub struct RunCommand {
    /// Scenario; none deals one that you have met least.
    pub slug: Option<String>,
    /// Flags.
    #[command(flatten)]
    pub args: RunArgs,
}

/// Flags of a drill.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Difficulty: 1 intern, 2 junior, 3 senior, 4 staff [default: as the scenario is made]
    #[arg(long, env = "DRILL_LEVEL", value_parser = clap::value_parser!(u8).range(1..=4))]
    pub level: Option<u8>,
    /// Seed: the same seed gives the same plan [default: drawn and printed]
    #[arg(long, env = "DRILL_SEED")]
    pub seed: Option<u64>,
    /// No terminal UI: print what happens
    #[arg(long)]
    pub headless: bool,
    /// End the drill so long after the page, as in 60s or 10m (headless)
    #[arg(long, value_parser = duration)]
    pub duration: Option<Duration>,
    /// One JSON object a line (headless)
    #[arg(long)]
    pub json: bool,
    /// Line mode without drawing: for screen readers and dumb terminals
    #[arg(long)]
    pub plain: bool,
    /// Address of the HTTP API [default: 127.0.0.1 with a free port]
    #[arg(long, env = "DRILL_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Folder for drills [default: logs]
    #[arg(long, env = "DRILL_LOGS")]
    pub logs: Option<PathBuf>,
    /// `PostgreSQL` for the shop's databases instead of `SQLite` files
    #[arg(long, env = "DRILL_DATABASE_URL", hide_env_values = true, value_parser = database_url, help = "PostgreSQL for the shop's databases instead of SQLite files: postgres://user:password@host/database")]
    pub database_url: Option<String>,
    /// Folder with further scenario files
    #[arg(long, env = "DRILL_SCENARIOS")]
    pub scenarios: Option<PathBuf>,
}

/// `drill join`.
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// Base URL that the drill printed.
    pub url: String,
    /// Look only: no pins, no actions
    #[arg(long)]
    pub observer: bool,
    /// Line mode without drawing
    #[arg(long)]
    pub plain: bool,
}

/// `drill list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Folder for drills [default: logs]
    #[arg(long, env = "DRILL_LOGS")]
    pub logs: Option<PathBuf>,
    /// JSON array
    #[arg(long)]
    pub json: bool,
}

/// `drill report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Drill folder, or the id of a drill; none takes the newest.
    pub drill: Option<String>,
    /// Folder for drills [default: logs]
    #[arg(long, env = "DRILL_LOGS")]
    pub logs: Option<PathBuf>,
    /// Print JSON instead of Markdown
    #[arg(long)]
    pub json: bool,
    /// Also write the report into the drill's folder, as a new version
    #[arg(long)]
    pub write: bool,
}

/// `drill scenarios`.
#[derive(Debug, Subcommand)]
pub enum ScenariosWord {
    /// List the catalogue.
    List {
        /// JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show what a trainee would be told; with --rubric how drills are scored; with --plan everything (spoils it).
    Show {
        /// Scenario.
        slug: Option<String>,
        /// Print the scoring formula
        #[arg(long)]
        rubric: bool,
        /// Print the plan for a seed, answer included
        #[arg(long)]
        plan: bool,
        /// Seed of the plan
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Check scenario files: every problem at once, with its place.
    Check {
        /// Files; none checks the whole catalogue.
        files: Vec<PathBuf>,
    },
    /// Write a commented template.
    New {
        /// Slug of the new scenario; the file is SLUG.yaml here.
        slug: String,
    },
}

/// `drill verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Scenario.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub slug: Option<String>,
    /// All scenarios of the catalogue
    #[arg(long)]
    pub all: bool,
    /// Seeds, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "7")]
    pub seeds: Vec<u64>,
    /// Go on after a failed claim
    #[arg(long)]
    pub keep_going: bool,
    /// JSON, one object a scenario and seed
    #[arg(long)]
    pub json: bool,
    /// `PostgreSQL` for the shop's databases instead of `SQLite` files
    #[arg(long, env = "DRILL_DATABASE_URL", hide_env_values = true, value_parser = database_url, help = "PostgreSQL for the shop's databases instead of SQLite files: postgres://user:password@host/database")]
    pub database_url: Option<String>,
    /// Folder with further scenario files
    #[arg(long, env = "DRILL_SCENARIOS")]
    pub scenarios: Option<PathBuf>,
}

/// `drill doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Folder for drills [default: logs]
    #[arg(long, env = "DRILL_LOGS")]
    pub logs: Option<PathBuf>,
    /// JSON array
    #[arg(long)]
    pub json: bool,
}

/// `drill screen`.
#[derive(Debug, Args)]
pub struct ScreenArgs {
    /// View, as in overview, logs, traces, metrics, map, changes, case, act, debrief.
    pub view: String,
    /// Base URL that the drill printed
    #[arg(long)]
    pub url: String,
    /// Columns x rows
    #[arg(long, default_value = "120x36", value_parser = size)]
    pub size: (u16, u16),
    /// Write an SVG picture instead of printing text
    #[arg(long)]
    pub svg: Option<PathBuf>,
}

/// `drill bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure
    #[arg(value_enum, default_value_t = BenchArea::Lab)]
    pub area: BenchArea,
    /// Repetitions
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchArea {
    /// Lab start beside bare axum processes, memory of the lab, CPU of an idle lab.
    Lab,
}

fn duration(text: &str) -> Result<Duration, String> {
    let span: scenarios::span::Span = text
        .parse()
        .map_err(|error: scenarios::span::SpanError| error.to_string())?;
    if span.millis() <= 0 {
        Err("a duration must be longer than nothing".to_owned())
    } else {
        Ok(span.duration())
    }
}

/// Takes what names a `PostgreSQL`.
///
/// # Errors
/// What is asked for, without the text: it may hold a password.
pub fn database_url(text: &str) -> Result<String, String> {
    let rest = ["postgres://", "postgresql://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match rest {
        Some(rest) if !rest.is_empty() => Ok(text.to_owned()),
        _ => Err(
            "write postgres://user:password@host/database, or leave it out for SQLite files"
                .to_owned(),
        ),
    }
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let wrong = || format!("`{text}` is not a size; write columns x rows, as in 120x36");
    let (columns, rows) = text.split_once('x').ok_or_else(wrong)?;
    let (columns, rows) = (
        columns.parse().map_err(|_| wrong())?,
        rows.parse().map_err(|_| wrong())?,
    );
    if (20..=500).contains(&columns) && (5..=200).contains(&rows) {
        Ok((columns, rows))
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn only_postgresql_is_taken_for_a_database() {
        assert!(database_url("postgres://shop@db/shop").is_ok());
        assert!(database_url("postgresql://db").is_ok());
        for wrong in ["", "mysql://shop:secret@db", "postgres://", "shop.db"] {
            let said = database_url(wrong).unwrap_err();
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn a_size_is_columns_by_rows() {
        assert_eq!(size("80x24"), Ok((80, 24)));
        for wrong in ["80", "x", "80x", "0x0", "80x99999"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
