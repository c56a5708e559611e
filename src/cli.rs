//! The command line: words, flags, help. What they do is in `command`.

mod chaos;
mod files;
mod glass;
mod live;
mod load;
mod proxy;
mod screen;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use telemetry::alerts::notify::{Shape, Webhook, WebhookError};

pub use chaos::{ChaosRunArgs, ChaosWord};
pub use files::{RulesWord, ScenariosWord};
pub use glass::{GlassArgs, KeysArgs};
pub use live::{ChaosListArgs, HealArgs, InjectArgs, StatusArgs, Target};
pub use load::{ArrivalWord, LoadArgs, body_file};
pub use proxy::ProxyArgs;
pub use screen::{RecordArgs, ScreenArgs};

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
    #[command(
        after_help = "Examples:\n  drill join http://127.0.0.1:41873\n  drill join http://127.0.0.1:41873 --observer    look only\n\nThe URL stands in the drill's help (`?`), and in the first lines of a headless drill."
    )]
    Join(JoinArgs),
    /// List the drills that were run.
    #[command(
        after_help = "Examples:\n  drill list                             newest first\n  drill list --json | jq '.[0].score'    the newest drill's"
    )]
    List(ListArgs),
    /// Write the report of a drill again, rescored by the present formula.
    #[command(
        after_help = "Examples:\n  drill report                         the newest finished drill\n  drill report float-drift             the newest of that scenario\n  drill report logs/2026…-float-drift-1f3a\n  drill report --json | jq .score.total"
    )]
    Report(ReportArgs),
    /// Look at the catalogue, check or begin scenario files.
    #[command(
        subcommand,
        after_help = "Examples:\n  drill scenarios list                     the catalogue\n  drill scenarios show ring-deadlock       what a trainee is told\n  drill scenarios show --rubric            how drills are scored\n  drill scenarios new lost-update          begin one of your own\n  drill scenarios check lost-update.yaml   every problem at once"
    )]
    Scenarios(ScenariosWord),
    /// Check Prometheus rule files, and run their unit tests on this program's own engine.
    #[command(
        subcommand,
        after_help = "Examples:\n  drill rules check shop.yaml              every problem at once\n  drill rules test shop.test.yaml          the format of promtool test rules, the same verdict\n  drill rules objectives slo.yaml          the recording rules of objectives, for any Prometheus"
    )]
    Rules(RulesWord),
    /// Harm a running drill on purpose, or run experiments.
    #[command(
        subcommand,
        after_help = "Examples:\n  drill chaos list                                   what can be injected\n  drill chaos inject latency checkout:payments --for 30s\n  drill chaos stop-everything\n  drill chaos run experiment.yaml                    in the format of the Chaos Toolkit"
    )]
    Chaos(ChaosWord),
    /// Prove that scenarios work: symptoms appear, wrong fixes fail, the right one holds.
    #[command(
        after_help = "Examples:\n  drill verify float-drift\n  drill verify --all --seeds 7,11\n  drill verify ring-deadlock --seeds 3 --json"
    )]
    Verify(VerifyArgs),
    /// Check ports, limits, terminal, disk and clock, and say what to do.
    #[command(
        after_help = "Examples:\n  drill doctor\n  drill doctor --logs /mnt/drills            would drills be recorded there?\n  drill doctor --json | jq '.[] | select(.finding != \"ok\")'"
    )]
    Doctor(DoctorArgs),
    /// Print one screen of a running drill as text or SVG.
    #[command(after_help = screen::SCREEN_HELP)]
    Screen(ScreenArgs),
    /// Press keys at the screens of a drill that is started for it, and keep what they show.
    #[command(after_help = screen::RECORD_HELP)]
    RecordScreen(RecordArgs),
    /// List what can be done on the screen, with its keys; or begin a key file.
    #[command(
        after_help = "Examples:\n  drill keys                                  what the keys do, view by view\n  drill keys --toml > keys.toml               a key file to edit\n  drill keys keys.toml                        what of it cannot be\n  drill run --keys keys.toml\n  drill keys --json | jq '.[] | select(.view == \"logs\")'"
    )]
    Keys(KeysArgs),
    /// Run the chaos proxy alone: Toxiproxy's control API, toxics from a file, seeds that reproduce.
    #[command(after_help = crate::command::PROXY_HELP)]
    Proxy(ProxyArgs),
    /// Send load to any HTTP server, and measure its answers.
    #[command(
        after_help = "Examples:\n  drill load --users 100 --duration 300s --target http://127.0.0.1:8080/\n  drill load --rate 500 --ramp 10s --target 3*http://127.0.0.1:8080/a --target http://127.0.0.1:8080/b\n  drill load --shop --users 20 --target http://127.0.0.1:8080 --slo 'p99<250ms' --slo 'errors<1%'\n  drill load --rate 50 --method POST --header 'content-type: application/json' --body @order.json --target URL --json\n\nRequests are due by a schedule, whether earlier ones were answered or not; latency counts from then.\nThe exit code is 0, 1 when an objective (--slo) was missed, 2 for a wrong command line, 3 when the target cannot be reached, 130 after Ctrl-C."
    )]
    Load(LoadArgs),
    /// Measure ours beside every peer that is installed.
    #[command(
        after_help = "Examples:\n  drill bench\n  drill bench lab --runs 10 --json\n  drill bench glass --runs 1"
    )]
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
    #[arg(long, env = "DRILL_SEED", value_parser = seed)]
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
    /// Web pages that may read the telemetry APIs in a browser
    #[arg(
        long,
        env = "DRILL_CORS",
        value_name = "ORIGINS",
        help = "Web pages that may read the telemetry APIs in a browser: * for all, or origins with commas between them, as in http://localhost:3000 [default: none]"
    )]
    pub cors: Option<telemetry::Origins>,
    /// Address for OTLP over gRPC; over HTTP it is the API's [default: 127.0.0.1 with a free port]
    #[arg(long, env = "DRILL_OTLP_GRPC")]
    pub otlp_grpc: Option<SocketAddr>,
    /// Tell this URL when an alert fires or is resolved, in the JSON of Alertmanager's webhooks; may be given several times
    #[arg(long, env = "DRILL_WEBHOOK", hide_env_values = true, value_name = "URL", value_delimiter = ',', value_parser = webhook)]
    pub webhook: Vec<Webhook>,
    /// The same for an incoming webhook of Slack, or of what speaks its language (Mattermost, Discord's /slack)
    #[arg(long, env = "DRILL_SLACK_WEBHOOK", hide_env_values = true, value_name = "URL", value_delimiter = ',', value_parser = slack_webhook)]
    pub slack_webhook: Vec<Webhook>,
    /// Folder for drills [default: logs]
    #[arg(long, env = "DRILL_LOGS")]
    pub logs: Option<PathBuf>,
    /// `PostgreSQL` for the shop's databases instead of `SQLite` files
    #[arg(long, env = "DRILL_DATABASE_URL", hide_env_values = true, value_parser = database_url, help = "PostgreSQL for the shop's databases instead of SQLite files: postgres://user:password@host/database")]
    pub database_url: Option<String>,
    /// Folder with further scenario files
    #[arg(long, env = "DRILL_SCENARIOS")]
    pub scenarios: Option<PathBuf>,
    /// Put the shop's links under Toxiproxy's control API at this address, which knows no key, for scripts of yours; port 0 is a free one
    #[arg(long, env = "DRILL_TOXIPROXY", value_name = "ADDRESS")]
    pub toxiproxy: Option<SocketAddr>,
    /// What opens the instructor's routes, for `drill chaos` from elsewhere [default: drawn, and printed by a headless drill]
    #[arg(long, env = "DRILL_INSTRUCTOR_KEY", hide_env_values = true, value_parser = instructor_key)]
    pub instructor_key: Option<String>,
    /// How the screen looks
    #[command(flatten)]
    pub glass: GlassArgs,
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
    /// How the screen looks
    #[command(flatten)]
    pub glass: GlassArgs,
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
    /// Drill folder, the id of a drill, or a scenario, whose newest drill is taken; none takes the newest of all.
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

/// `drill verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Scenario.
    #[arg(conflicts_with = "all")]
    pub slug: Option<String>,
    /// All scenarios of the catalogue
    #[arg(long)]
    pub all: bool,
    /// Seeds, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "7", value_parser = seed)]
    pub seeds: Vec<u64>,
    /// Go on after a failed claim
    #[arg(long)]
    pub keep_going: bool,
    /// How many drills at a time, each in a process of its own; its claims are told when it has ended
    // the shops of all drills would have the same schemas of one database
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64), conflicts_with = "database_url")]
    pub jobs: u8,
    /// End when standard input closes: how `--jobs` holds its processes
    #[arg(long, hide = true, conflicts_with = "jobs")]
    pub leashed: bool,
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

/// `drill bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure [default: everything]
    #[arg(value_enum)]
    pub area: Option<BenchArea>,
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
    /// OTLP logs, spans and data points into the store beside bare decoding; memory of each.
    Ingest,
    #[value(
        help = "Counting, grouping and finding log lines beside ripgrep, DuckDB and lnav; memory of a line"
    )]
    /// Log lines: counting, grouping, finding.
    Logs,
    /// Traces by id and by TraceQL over up to ten million spans.
    Traces,
    #[value(
        help = "Range queries in PromQL and memory of samples, beside VictoriaMetrics and Prometheus"
    )]
    /// Range queries in PromQL, memory of samples.
    Metrics,
    /// The proxy beside HAProxy and nginx: requests, connections, memory; how exact toxics are.
    Proxy,
    /// The load generator: its schedule, its latencies beside the server's own, its limit beside wrk.
    Load,
    /// Frames of the terminal UI while it follows 1,000 log lines a second over a million lines.
    Glass,
}

impl BenchArea {
    /// All of them, in the order in which they are measured.
    pub const ALL: [Self; 8] = [
        Self::Lab,
        Self::Ingest,
        Self::Logs,
        Self::Traces,
        Self::Metrics,
        Self::Proxy,
        Self::Load,
        Self::Glass,
    ];
}

/// A key that nobody guesses, and that a header can carry.
fn instructor_key(text: &str) -> Result<String, String> {
    let fits = (12..=200).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
    fits.then(|| text.to_owned())
        .ok_or_else(|| "write 12 to 200 letters, digits or signs without spaces".to_owned())
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

fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("a seed is a whole number from 0 to {}, as in 42", u64::MAX))
}

/// An address for Alertmanager's JSON.
pub fn webhook(text: &str) -> Result<Webhook, WebhookError> {
    Webhook::new(text, Shape::Generic)
}

/// An address for Slack's.
pub fn slack_webhook(text: &str) -> Result<Webhook, WebhookError> {
    Webhook::new(text, Shape::Slack)
}

/// Least and most columns and rows that a screen is drawn with.
const SIZES: ((u16, u16), (u16, u16)) = ((20, 5), (500, 200));

fn size(text: &str) -> Result<(u16, u16), String> {
    let wrong = || "write columns x rows, as in 120x36".to_owned();
    let ((least_columns, least_rows), (most_columns, most_rows)) = SIZES;
    let (columns, rows) = text.split_once('x').ok_or_else(wrong)?;
    let number = |text: &str| text.trim().parse::<u32>().map_err(|_| wrong());
    let (columns, rows) = (number(columns)?, number(rows)?);
    let within = |number: u32, least: u16, most: u16| {
        u16::try_from(number)
            .ok()
            .filter(|number| (least..=most).contains(number))
    };
    within(columns, least_columns, most_columns)
        .zip(within(rows, least_rows, most_rows))
        .ok_or_else(|| {
            format!(
                "the least is {least_columns}x{least_rows}, the most {most_columns}x{most_rows}"
            )
        })
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
        assert_eq!(size("20x5"), Ok((20, 5)));
        for wrong in ["80", "x", "80x", "ax9"] {
            assert!(size(wrong).unwrap_err().contains("as in 120x36"), "{wrong}");
        }
        for beyond in ["0x0", "9x9", "80x99999", "501x24"] {
            let said = size(beyond).unwrap_err();
            assert!(said.contains("20x5") && said.contains("500x200"), "{said}");
        }
    }

    #[test]
    fn a_seed_is_asked_for_in_words() {
        assert_eq!(seed("42"), Ok(42));
        for wrong in ["abc", "-1", "", "18446744073709551616"] {
            assert!(seed(wrong).unwrap_err().contains("whole number"), "{wrong}");
        }
    }

    #[test]
    fn every_command_has_examples_in_its_help() {
        fn look(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let help = command.get_after_help().map(ToString::to_string);
            assert!(
                help.is_some_and(|help| help.contains("Example")),
                "`{path} --help` has no examples"
            );
            command
                .get_subcommands()
                .filter(|word| !word.is_hide_set())
                .for_each(|word| look(word, &path));
        }
        look(&Cli::command(), "");
    }
}
