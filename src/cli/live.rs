//! The words and flags of chaos in a running drill.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::duration;

/// Which drill is meant.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// Base URL of the drill [default: the one that runs on this machine]
    #[arg(long, env = "DRILL_URL", requires = "key")]
    pub url: Option<String>,
    /// Instructor key of the drill, which it printed [default: that of the drill on this machine]
    #[arg(long, env = "DRILL_INSTRUCTOR_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// Id of the drill, when several run on this machine
    #[arg(long, conflicts_with = "url")]
    pub drill: Option<String>,
    /// Folder for drills [default: logs]
    #[arg(long, env = "DRILL_LOGS")]
    pub logs: Option<PathBuf>,
    /// Your name, for the journal [default: the name you are logged in with]
    #[arg(long = "as", value_name = "NAME", env = "DRILL_INSTRUCTOR")]
    pub name: Option<String>,
    /// JSON
    #[arg(long)]
    pub json: bool,
}

/// `drill chaos list`.
#[derive(Debug, Args)]
pub struct ChaosListArgs {
    /// Mechanism or family; none lists all.
    pub what: Option<String>,
    /// Markdown, as in docs/chaos.md
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// JSON array
    #[arg(long)]
    pub json: bool,
}

/// `drill chaos inject`.
#[derive(Debug, Args)]
pub struct InjectArgs {
    /// Mechanism, as `drill chaos list` tells them.
    pub mechanism: String,
    /// Where: a service (checkout), a link (checkout:payments, outside:storefront, orders:database), or load.
    pub at: String,
    /// Values of its parameters; what is left out has its default.
    #[arg(value_name = "KEY=VALUE", value_parser = key_value)]
    pub values: Vec<(String, String)>,
    /// How long, as in 30s or 5m [default: until it is healed, or the drill ends]
    #[arg(long = "for", value_name = "SPAN", value_parser = duration)]
    pub lasting: Option<Duration>,
    /// Over how long it grows to its whole
    #[arg(long, value_name = "SPAN", value_parser = duration)]
    pub ramp: Option<Duration>,
    /// In how long it begins
    #[arg(long, value_name = "SPAN", value_parser = duration)]
    pub after: Option<Duration>,
    /// Why, for the journal and the debrief
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub why: String,
    /// Only tell what would be hit
    #[arg(long)]
    pub preview: bool,
    /// Stay, and heal it when this command ends in any way
    #[arg(long, conflicts_with = "preview")]
    pub attached: bool,
    /// Which drill.
    #[command(flatten)]
    pub target: Target,
}

/// `drill chaos status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Those that are over, too
    #[arg(long)]
    pub all: bool,
    /// Which drill.
    #[command(flatten)]
    pub target: Target,
}

/// `drill chaos heal`.
#[derive(Debug, Args)]
pub struct HealArgs {
    /// Numbers of injections, as `drill chaos status` tells them.
    #[arg(required = true)]
    pub ids: Vec<u32>,
    /// Which drill.
    #[command(flatten)]
    pub target: Target,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "write KEY=VALUE, as in delay_ms=300".to_owned())
}
