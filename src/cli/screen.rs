//! The words `screen` and `record-screen`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{duration, seed, size};

/// Examples of `drill screen`.
pub const SCREEN_HELP: &str = "Examples:
  drill screen traces --url http://127.0.0.1:41873
  drill screen logs --url http://127.0.0.1:41873 --text --query timeout --since 5m
  drill screen metrics --url http://127.0.0.1:41873 --json \\
    --query 'sum(rate(http_server_request_duration_seconds_count[30s]))'
  drill screen logs --url http://127.0.0.1:41873 --json --from 02:55 --to 03:01 |
    jq -r '.lines[].message'
  drill screen map --url http://127.0.0.1:41873 --svg map.svg

The URL stands in the drill's help (`?`), and in the first lines of a headless drill. docs/screens.md tells the shapes of --json.
The exit code is 0, 2 for a wrong command line, 3 when the drill does not answer or refuses the query.";

/// Examples of `drill record-screen`.
pub const RECORD_HELP: &str = "Examples:
  drill record-screen n-plus-one --keys '<Until PAGE>' --svg overview.svg
  drill record-screen ring-deadlock --seed 7 --size 160x50 --keys '<Until PAGE> 5 <Until ring>'
  drill record-screen quiet-night --level 1 --seed 7 --script journey.keys
  drill record-screen --url http://127.0.0.1:41873 --keys '2 /timeout <Enter>'

Letters are keys as they stand. In brackets: a key by its name (<Enter>, <Ctrl-k>, <Space>, <lt>), <Until TEXT> and
<Gone TEXT> wait for what the screen shows, <Wait 5s> for time, <Picture FILE> writes the screen as SVG. A line that
begins with # is a comment. The exit code is 0, 1 when what is waited for does not come, 2 for keys that cannot be read.";

/// `drill screen`.
#[derive(Debug, Args)]
pub struct ScreenArgs {
    /// View by its name or key, 1 to 9: overview, logs, traces, metrics, map, changes, case, act, debrief.
    pub view: String,
    /// Base URL of the drill: it stands in its help (`?`), and in the first lines of a headless drill (required)
    #[arg(long)]
    pub url: Option<String>,
    /// Query of the view, as one types it after `/`: words, LogQL, `TraceQL`, `PromQL`, or the id of a trace
    #[arg(long)]
    pub query: Option<String>,
    /// The last so long, as in 5m
    #[arg(long, value_parser = duration, conflicts_with_all = ["from", "to"])]
    pub since: Option<Duration>,
    /// From this time of day of the drill on, as in 02:55 or 02:55:30
    #[arg(long)]
    pub from: Option<tui::when::Face>,
    /// Until this time of day of the drill
    #[arg(long)]
    pub to: Option<tui::when::Face>,
    /// Words without drawing, one fact a line, as --plain tells them
    #[arg(long, conflicts_with_all = ["json", "svg", "size"])]
    pub text: bool,
    /// The view's data as one JSON object
    #[arg(long, conflicts_with_all = ["svg", "size"])]
    pub json: bool,
    /// Columns x rows, from 20x5 to 500x200
    #[arg(long, default_value = "120x36", value_parser = size)]
    pub size: (u16, u16),
    /// Write an SVG picture instead of printing text
    #[arg(long)]
    pub svg: Option<PathBuf>,
}

/// `drill record-screen`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Scenario that is started, and ended when the keys are played
    #[arg(required_unless_present = "url")]
    pub slug: Option<String>,
    /// A drill that runs, to look at alone: nothing is changed there
    #[arg(long, conflicts_with_all = ["slug", "seed", "level", "scenarios"])]
    pub url: Option<String>,
    /// Seed
    #[arg(long, default_value_t = 7, value_parser = seed)]
    pub seed: u64,
    /// Level, 1 to 4 [default: the scenario's]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub level: Option<u8>,
    /// Folder with scenarios of yours
    #[arg(long, env = "DRILL_SCENARIOS")]
    pub scenarios: Option<PathBuf>,
    /// Keys to press
    #[arg(long)]
    pub keys: Option<String>,
    /// File with keys to press
    #[arg(long, conflicts_with = "keys")]
    pub script: Option<PathBuf>,
    /// How long each text is waited for
    #[arg(long, default_value = "90s", value_parser = duration)]
    pub patience: Duration,
    /// Columns x rows, from 20x5 to 500x200
    #[arg(long, default_value = "120x36", value_parser = size)]
    pub size: (u16, u16),
    /// Colours of the pictures: terminal, dark, light, contrast, none
    #[arg(long, default_value = "dark", value_parser = theme)]
    pub theme: tui::ThemeName,
    /// Write the last screen as an SVG picture instead of printing its text
    #[arg(long)]
    pub svg: Option<PathBuf>,
}

fn theme(name: &str) -> Result<tui::ThemeName, String> {
    name.parse().map_err(|error: tui::Error| error.to_string())
}
