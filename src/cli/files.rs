//! The words and flags of `drill scenarios` and `drill rules`: commands about files.

use std::path::PathBuf;

use clap::Subcommand;

use super::seed;

/// `drill scenarios`.
#[derive(Debug, Subcommand)]
pub enum ScenariosWord {
    /// List the catalogue.
    #[command(
        after_help = "Examples:\n  drill scenarios list\n  drill scenarios list --scenarios .         yours besides\n  drill scenarios list --json | jq '.[].slug'"
    )]
    List {
        /// Folder with further scenario files
        #[arg(long, env = "DRILL_SCENARIOS")]
        scenarios: Option<PathBuf>,
        /// JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show what a trainee would be told; with --rubric how drills are scored; with --plan everything (spoils it).
    #[command(
        after_help = "Examples:\n  drill scenarios show float-drift             what a trainee is told\n  drill scenarios show float-drift --seed 42   with the figures of that seed\n  drill scenarios show --rubric                how drills are scored\n  drill scenarios show float-drift --plan --seed 42 | jq .scenario.truth   the answer"
    )]
    Show {
        /// Scenario.
        slug: Option<String>,
        /// Print the scoring formula
        #[arg(long)]
        rubric: bool,
        /// Print the plan for a seed, answer included
        #[arg(long)]
        plan: bool,
        /// Seed: shows the figures of this one, which differ by seed [default for --plan: 1]
        #[arg(long, value_parser = seed)]
        seed: Option<u64>,
        /// Folder with further scenario files
        #[arg(long, env = "DRILL_SCENARIOS")]
        scenarios: Option<PathBuf>,
    },
    /// Check scenario files: every problem at once, with its place.
    #[command(
        after_help = "Examples:\n  drill scenarios check lost-update.yaml\n  drill scenarios check .                    every *.yaml of a folder\n  drill scenarios check                      the whole catalogue"
    )]
    Check {
        /// Files, or folders of them; none checks the whole catalogue.
        files: Vec<PathBuf>,
        /// Folder with further scenario files, checked with the catalogue
        #[arg(long, env = "DRILL_SCENARIOS")]
        scenarios: Option<PathBuf>,
    },
    /// Write a commented template.
    #[command(
        after_help = "Example:\n  drill scenarios new lost-update && drill scenarios check lost-update.yaml"
    )]
    New {
        /// Slug of the new scenario; the file is SLUG.yaml here.
        slug: String,
    },
}

/// `drill rules`.
#[derive(Debug, Subcommand)]
pub enum RulesWord {
    /// Check rule files as `promtool check rules` does: every problem at once, with its place.
    #[command(after_help = "Example:\n  drill rules check rules/*.yaml")]
    Check {
        /// Rule files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// JSON array
        #[arg(long)]
        json: bool,
    },
    /// Run unit tests of rules, in the format of `promtool test rules`.
    #[command(
        after_help = "Examples:\n  drill rules test shop.test.yaml\n  drill rules test *.test.yaml --json | jq '.[].tests[].failures'\n\nThe exit code is 0 when every test passed, 1 when one failed, 2 when a file cannot be used."
    )]
    Test {
        /// Test files; the rule files that they name are looked for beside them.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// JSON array
        #[arg(long)]
        json: bool,
    },
    /// Print the rules of objectives: error ratios, budgets and burn rates as a Prometheus rule file.
    #[command(
        after_help = "Examples:\n  drill rules objectives slo.yaml > slo.rules.yaml\n  drill rules objectives slo.yaml --alerts | promtool check rules\n\nThe file has the format of Sloth (prometheus/v1); `windows:` in it is what Sloth has in a file of AlertWindows.\nWithout it the period is 30 days. The exit code is 1 when the file has problems; all are told, with their places."
    )]
    Objectives {
        /// Spec file.
        file: PathBuf,
        /// The burn-rate alerts, too
        #[arg(long)]
        alerts: bool,
    },
}
