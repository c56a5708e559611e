//! `drill run`: chooses the scenario, starts the drill, and hands it to the terminal or to the
//! headless printer.

use std::{io::IsTerminal, net::SocketAddr, path::Path, process::ExitCode, sync::Arc};

use api::Debrief;
use display_full_error::DisplayFullErrorExt;
use facilitator::{
    drill::{Drill, DrillError, DrillOptions},
    report,
};
use rand::RngExt;
use scenarios::{catalog::Catalog, plan::Plan, seed::Seed};
use telemetry::forward::{ENDPOINT, ForwardConfig};

use telemetry::alerts::notify::Webhook;

use super::{headless, list::logs_folder, scenario_files};
use crate::{
    cli::{self, RunArgs, RunCommand},
    exit::{self, Failure},
    settings::Settings,
    signals,
};

/// Starts a drill and stays until it has ended.
pub fn run(command: RunCommand, settings: &Settings) -> Result<ExitCode, Failure> {
    let args = command.args;
    let catalog = scenario_files::catalog(args.scenarios.as_ref(), settings)?;
    let known = command.slug.as_ref().map_or(Ok(()), |slug| {
        let source = catalog.source(slug).map_err(scenario_files::failure);
        source.map(|_| ())
    });
    match (known, refuse_mixed_flags(&args)) {
        (Err(unknown), Err(mixed)) => return Err(unknown.and(mixed)),
        (Err(one), _) | (_, Err(one)) => return Err(one),
        (Ok(()), Ok(())) => {}
    }
    let logs = logs_folder(args.logs.as_ref(), settings);
    // 32 bits are chance enough, and a person can read them out over a desk
    let seed = Seed(
        args.seed
            .unwrap_or_else(|| u64::from(rand::random::<u32>())),
    );
    let slug = command
        .slug
        .clone()
        .unwrap_or_else(|| deal(&catalog, &logs, seed));
    let plan = catalog
        .plan(&slug, seed, args.level.or(settings.level))
        .map_err(scenario_files::failure)?;
    let options = DrillOptions {
        plan: Arc::new(plan),
        bind: address("listen", args.listen, settings.listen.as_ref())?,
        cors: cors(&args, settings)?,
        otlp_grpc: address("otlp_grpc", args.otlp_grpc, settings.otlp_grpc.as_ref())?,
        forward: forward()?,
        webhooks: webhooks(&args, settings),
        logs_dir: Some(logs.clone()),
        chosen_by_trainee: command.slug.is_some(),
        database_url: args
            .database_url
            .clone()
            .or_else(|| settings.database_url.clone()),
        instructor_key: args.instructor_key.clone(),
        toxiproxy: args.toxiproxy,
        executable: None,
    };
    log_to(&logs, args.headless);
    let runtime = super::runtime()?;
    let result = runtime.block_on(async {
        if args.headless {
            headless::run(options, &args).await
        } else {
            in_terminal(options, &args, settings).await
        }
    });
    // A reader of standard input may be stuck in the kernel; everything of ours has been awaited.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    result
}

fn refuse_mixed_flags(args: &RunArgs) -> Result<(), Failure> {
    if !args.headless {
        if args.json || args.duration.is_some() {
            let flag = if args.json { "--json" } else { "--duration" };
            return Err(Failure::usage(
                format!("{flag} goes with --headless"),
                format!("add --headless, or leave {flag} out"),
            ));
        }
        let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
        if !(args.plain || terminal) {
            return Err(Failure::usage(
                "there is no terminal here to draw on",
                "drill run --plain, which takes lines from a pipe, too; or drill run --headless --duration 60s, and `drill join URL` from a terminal for the screens",
            ));
        }
    }
    Ok(())
}

/// An address by flag, or else by the settings file.
fn address(
    key: &str,
    flag: Option<SocketAddr>,
    file: Option<&String>,
) -> Result<Option<SocketAddr>, Failure> {
    match (flag, file) {
        (Some(address), _) => Ok(Some(address)),
        (None, None) => Ok(None),
        (None, Some(text)) => text.parse().map(Some).map_err(|_| {
            Failure::usage(
                format!(
                    "{key} in {} is `{text}`, which is no address",
                    crate::settings::FILE
                ),
                "write 127.0.0.1:8080, say",
            )
        }),
    }
}

fn cors(args: &RunArgs, settings: &Settings) -> Result<Option<telemetry::Origins>, Failure> {
    match (&args.cors, &settings.cors) {
        (Some(origins), _) => Ok(Some(origins.clone())),
        (None, None) => Ok(None),
        (None, Some(text)) => text.parse().map(Some).map_err(|error| {
            Failure::usage(
                format!("cors in {} cannot be used", crate::settings::FILE),
                format!("{error}"),
            )
        }),
    }
}

/// Where telemetry is forwarded to, by the standard variables of OpenTelemetry exporters.
pub fn forward() -> Result<Option<ForwardConfig>, Failure> {
    ForwardConfig::read(|name| std::env::var(name).ok()).map_err(|error| {
        Failure::usage(
            error.to_string(),
            format!("correct it, or run with {ENDPOINT} unset to forward nothing"),
        )
    })
}

/// Those of the command line and the environment; the settings file's where there are none. It was checked when it was read.
fn webhooks(args: &RunArgs, settings: &Settings) -> Vec<Webhook> {
    let given = [args.webhook.clone(), args.slack_webhook.clone()].concat();
    if !given.is_empty() {
        return given;
    }
    let generic = settings.webhook.as_deref().map(cli::webhook);
    let slack = settings.slack_webhook.as_deref().map(cli::slack_webhook);
    [generic, slack]
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .collect()
}

/// Among the scenarios met least, the one that the seed points at.
fn deal(catalog: &Catalog, logs: &Path, seed: Seed) -> String {
    let met = report::list(logs).unwrap_or_default();
    let times = |slug: &str| {
        met.iter()
            .filter(|row| row.slug.as_deref() == Some(slug))
            .count()
    };
    let least = catalog.slugs().map(times).min().unwrap_or(0);
    let candidates: Vec<&str> = catalog
        .slugs()
        .filter(|slug| times(slug) == least)
        .collect();
    candidates[seed.stream("deal").random_range(0..candidates.len())].to_owned()
}

/// The parent's own log: `DRILL_LOG` says what (as in `warn,simulator=debug`); to standard error when
/// headless, into the logs folder under a terminal UI, which owns the screen.
fn log_to(logs: &Path, headless: bool) {
    let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("DRILL_LOG") else {
        return;
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false);
    if headless {
        subscriber.with_writer(std::io::stderr).init();
    } else if let Ok(file) =
        std::fs::create_dir_all(logs).and_then(|()| std::fs::File::create(logs.join("drill.log")))
    {
        subscriber.with_writer(std::sync::Mutex::new(file)).init();
    }
}

/// The command that repeats a plan.
pub fn repeat(plan: &Plan) -> String {
    format!(
        "drill run {} --level {} --seed {}",
        plan.scenario.slug, plan.level, plan.seed
    )
}

/// A drill that did not start, with what to do.
pub fn not_started(error: &DrillError) -> Failure {
    let remedy = match error {
        DrillError::Bind(_) => {
            "leave --listen and --otlp-grpc out to get free ports; --toxiproxy with port 0 takes one, too"
        }
        DrillError::Lab(_) => "drill doctor; with --headless and DRILL_LOG=debug it says more",
        DrillError::Rules(_) => "drill scenarios check",
        DrillError::Executable(_) => "drill doctor",
    };
    Failure::failed(format!("the drill did not start: {}", error.display_full())).remedy(remedy)
}

async fn in_terminal(
    options: DrillOptions,
    args: &RunArgs,
    settings: &Settings,
) -> Result<ExitCode, Failure> {
    eprintln!("starting the shop …  (seed {})", options.plan.seed);
    let chosen = options.chosen_by_trainee;
    let plan = Arc::clone(&options.plan);
    let drill = tokio::select! {
        started = Drill::start(options) => started.map_err(|error| not_started(&error))?,
        signal = signals::ended() => return Err(Failure { code: exit::INTERRUPTED, message: format!("{} before the drill began", signal.unwrap_or("interrupted")), remedy: None }),
    };
    let config = tui::Config {
        leaving_ends: true,
        ..super::join::glass(drill.api_url(), args.plain, &args.glass, settings)
    };
    let left = tui::run(config).await;
    let debrief = drill.finish("the trainee left").await;
    drill.shutdown().await;
    let left = left.map_err(|error| {
        Failure::failed(format!(
            "the terminal UI stopped: {}",
            error.to_string_full()
        ))
        .remedy("drill run --plain")
    })?;
    super::print(&farewell(&debrief, &plan, chosen));
    Ok(ExitCode::from(if matches!(left, tui::Exit::Signal(_)) {
        exit::INTERRUPTED
    } else {
        exit::OK
    }))
}

/// What stays on the terminal when the screens are gone.
fn farewell(debrief: &Debrief, plan: &Plan, chosen: bool) -> String {
    let mut text = format!(
        "{} — {} of 100 points\n",
        debrief.title, debrief.score.total
    );
    if !chosen {
        text.push_str(&format!("  it was     {}\n", plan.scenario.slug));
    }
    text.push_str(&format!(
        "  seed       {}\n  repeat     {}\n",
        plan.seed,
        repeat(plan)
    ));
    if let Some(folder) = &debrief.folder {
        text.push_str(&format!(
            "  recorded   {folder}\n  report     drill report {folder}\n"
        ));
    }
    text
}
