//! Starting a drill: server and telemetry first, so that progress can be seen, then the lab.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use display_full_error::DisplayFullErrorExt;
use scenarios::plan::Plan;
use simulator::{
    clock::DrillClock,
    folder::DrillFolder,
    instruments::Instruments,
    journal::{Event, Journal},
    lab::{Lab, LabConfig},
};
use telemetry::{Telemetry, TelemetryConfig};
use tokio::task::JoinSet;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Drill, DrillError, DrillOptions,
    doors::{Doors, Outside, serve_scripts},
    handle::Handle,
    instruments::{LabInstruments, store_lines},
    rules,
    shop::LabShop,
    time::LabTime,
};
use crate::{
    desk::{Archive, Desk, DeskParts, Watched},
    history::{DrillRow, HISTORY_FILE, History},
    report::plan_hash,
    server::DrillServer,
};

/// Scrape interval while the clock is fast, store time: at 120x one round per 40 ms of wall time.
const FAST_SCRAPE: Duration = Duration::from_secs(5);
/// Scrape interval at wall speed.
const SCRAPE: Duration = Duration::from_secs(1);
/// How often the pager looks at the alerts besides when one changes: the page must come at 03:00:00
/// even if its alert fired before.
const PAGER_PERIOD: Duration = Duration::from_millis(100);

impl Drill {
    /// Starts a drill and returns when all services are ready; history is made meanwhile and after.
    ///
    /// # Errors
    /// When the API cannot listen or the lab does not start. A folder or history that cannot be written
    /// is no error: the drill goes on without, and its view carries a banner.
    pub async fn start(options: DrillOptions) -> Result<Self, DrillError> {
        let began = Instant::now();
        let plan = options.plan.clone();
        let mut doors = Doors::bind(&options).await?;
        let (api_url, otlp_grpc_url) = doors.urls();
        let scripts = doors.scripts();
        let toxiproxy_url = scripts.as_ref().map(DrillServer::base_url);
        let clock = Arc::new(DrillClock::new(
            DrillClock::last_page(),
            &plan.scenario.history,
        ));
        let time = Arc::new(LabTime::new(clock.clone()));
        let telemetry = Telemetry::new(TelemetryConfig::default(), time.clone());
        rules::load(&telemetry.metrics, &plan)?;

        let desk = furnish(&options, &telemetry, &clock, otlp_grpc_url.clone()).await;
        let journal = desk.journal().clone();

        let (instruments, lines) = LabInstruments::new(telemetry.clone(), time, clock.clone());
        let (cancel, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(store_lines(telemetry.clone(), lines, cancel.clone()));
        let outside = Outside {
            cors: options.cors.as_ref(),
            forward: options.forward,
            webhooks: options.webhooks,
        };
        let house = (&desk, &telemetry, &clock);
        let forward_url = doors.open(outside, house, &mut tasks, &cancel);
        watch(&mut tasks, &desk, &telemetry, &clock, &cancel);
        let config = LabConfig {
            executable: PathBuf::new(),
            arguments: Vec::new(),
            trace_share: trace_share(&plan),
            plan,
            clock,
            instruments: Arc::new(instruments) as Arc<dyn Instruments>,
            otlp_endpoint: api_url.clone(),
            database_url: options.database_url,
            journal,
        };
        let lab = match start_lab(config, options.executable).await {
            Ok(lab) => Arc::new(lab),
            Err(error) => {
                give_up(&error, &desk, &mut tasks, &cancel).await;
                return Err(error);
            }
        };
        let handle = options
            .logs_dir
            .as_ref()
            .and_then(|logs| findable(logs, &desk, &api_url));
        if let Some(scripts) = scripts {
            tasks.spawn(serve_scripts(scripts, lab.scripts(), cancel.clone()));
        }
        let proofs = TaskTracker::new();
        desk.open_shop(Arc::new(LabShop::new(lab.clone(), proofs.clone())));
        Ok(Self {
            lab,
            telemetry,
            api_url,
            otlp_grpc_url,
            forward_url,
            desk,
            toxiproxy_url,
            handle: parking_lot::Mutex::new(handle),
            cancel,
            tasks: parking_lot::Mutex::new(tasks),
            proofs,
            ready_after: began.elapsed(),
        })
    }
}

/// The desk of a drill that begins, with its journal and what is recorded.
async fn furnish(
    options: &DrillOptions,
    telemetry: &Telemetry,
    clock: &Arc<DrillClock>,
    otlp_grpc: String,
) -> Arc<Desk> {
    let random = || uuid::Uuid::new_v4().simple().to_string();
    let id = random()[..8].to_owned();
    let (journal, archive) = record(options, &id, telemetry).await;
    journal.append(clock.begin_ns() / 1_000_000, started(&options.plan, &id));
    Arc::new(Desk::new(DeskParts {
        id,
        plan: options.plan.clone(),
        chosen_by_trainee: options.chosen_by_trainee,
        clock: clock.clone(),
        journal,
        sight: Arc::new(telemetry.clone()),
        archive,
        otlp_grpc: Some(otlp_grpc),
        instructor_key: options.instructor_key.clone().unwrap_or_else(random),
    }))
}

/// The handle by which an instructor's command finds the drill.
fn findable(logs: &Path, desk: &Desk, api_url: &str) -> Option<Handle> {
    Handle::write(logs, desk.id(), api_url, desk.instructor_key())
        .inspect_err(|error| {
            tracing::warn!(%error, "`drill chaos` will not find this drill by itself");
        })
        .ok()
}

/// Ends what was begun before the lab failed to start.
async fn give_up(
    error: &DrillError,
    desk: &Desk,
    tasks: &mut JoinSet<()>,
    cancel: &CancellationToken,
) {
    desk.finish(&format!("the lab did not start: {error}"))
        .await;
    cancel.cancel();
    while tasks.join_next().await.is_some() {}
    desk.close_archive().await;
}

async fn start_lab(
    config: LabConfig,
    executable: Option<(PathBuf, Vec<String>)>,
) -> Result<Lab, DrillError> {
    let (executable, arguments) = match executable {
        Some(given) => given,
        None => LabConfig::own_executable().map_err(DrillError::Executable)?,
    };
    let config = LabConfig {
        executable,
        arguments,
        ..config
    };
    Ok(Lab::start(config, CancellationToken::new()).await?)
}

fn started(plan: &Plan, id: &str) -> Event {
    Event::Started {
        drill: id.to_owned(),
        slug: plan.scenario.slug.clone(),
        seed: plan.seed.0,
        level: plan.level,
        plan_sha256: plan_hash(plan),
    }
}

/// Share of healthy traces that the services keep at the plan's level.
fn trace_share(plan: &Plan) -> f64 {
    let level = plan.scenario.difficulty.get(&plan.level);
    let percent = level.and_then(|change| change.trace_percent).unwrap_or(100);
    f64::from(percent.min(100)) / 100.0
}

/// The scraper, and the pager that looks at the alerts after it.
fn watch(
    tasks: &mut JoinSet<()>,
    desk: &Arc<Desk>,
    telemetry: &Telemetry,
    clock: &Arc<DrillClock>,
    cancel: &CancellationToken,
) {
    let (metrics, clock, cancelled) = (telemetry.metrics.clone(), clock.clone(), cancel.clone());
    let interval = move || {
        if clock.speed() > 1.5 {
            FAST_SCRAPE
        } else {
            SCRAPE
        }
    };
    tasks.spawn(async move { metrics.run(cancelled, interval).await });

    let mut changes = telemetry.metrics.alerts().subscribe();
    let (desk, cancel) = (desk.clone(), cancel.clone());
    tasks.spawn(async move {
        let mut watched = Watched::default();
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = desk.until_ended() => return,
                // that some were missed is no matter: all alerts are looked at anyway
                _ = changes.recv() => {}
                () = tokio::time::sleep(PAGER_PERIOD) => {}
            }
            desk.watch_alerts(&mut watched);
        }
    });
}

/// Folder, journal, recordings and history, as far as they can be had.
async fn record(options: &DrillOptions, id: &str, telemetry: &Telemetry) -> (Journal, Archive) {
    let mut archive = Archive::default();
    let Some(logs) = &options.logs_dir else {
        return (Journal::in_memory(), archive);
    };
    let journal = match folder(logs, id, &options.plan) {
        Ok((folder, journal)) => {
            let recorded = telemetry.record_to(folder.path());
            archive.note(recorded);
            archive.folder = Some(folder);
            journal
        }
        Err(problem) => {
            archive
                .problems
                .push(format!("this drill is not recorded: {problem}"));
            Journal::in_memory()
        }
    };
    match remember(logs, id, &options.plan, &archive).await {
        Ok(history) => archive.history = Some(history),
        Err(error) => archive.problems.push(error.to_string_full()),
    }
    (journal, archive)
}

fn folder(logs: &Path, id: &str, plan: &Plan) -> Result<(DrillFolder, Journal), String> {
    let folder = DrillFolder::create(logs, jiff::Timestamp::now(), id)
        .map_err(|error| error.to_string_full())?;
    folder
        .seal_plan(&plan.to_json())
        .map_err(|error| error.to_string_full())?;
    let journal = Journal::create(folder.path()).map_err(|error| error.to_string_full())?;
    Ok((folder, journal))
}

async fn remember(
    logs: &Path,
    id: &str,
    plan: &Plan,
    archive: &Archive,
) -> Result<History, crate::history::HistoryError> {
    let history = History::open(&logs.join(HISTORY_FILE)).await?;
    let row = DrillRow {
        id: id.to_owned(),
        slug: plan.scenario.slug.clone(),
        seed: plan.seed.to_string(),
        level: i64::from(plan.level),
        started: jiff::Timestamp::now().to_string(),
        ended: None,
        how: None,
        score: None,
        ttrc_ms: None,
        folder: archive
            .folder
            .as_ref()
            .map(|folder| folder.path().display().to_string()),
    };
    history.begin(&row).await?;
    Ok(history)
}
