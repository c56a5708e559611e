//! The life of a service's process: start command, threads and runtime, readiness, changes of
//! settings, orderly end.

use std::{net::Ipv4Addr, process::ExitCode, sync::Arc, time::Duration};

use display_full_error::DisplayFullErrorExt;
use scenarios::control::{Event, ServiceConfig};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    control::{Answers, Change, Control},
    error::ServiceError,
    health,
    roles::{self, Running},
    serve,
    service::Service,
    settings::Settings,
    signals::otlp::Exports,
};

/// How long requests and tasks in flight may go on after a stop.
const DRAIN_LIMIT: Duration = Duration::from_millis(700);
/// How long the last telemetry may take to send.
const FLUSH_LIMIT: Duration = Duration::from_millis(900);
/// Most threads of a runtime.
const THREADS: u32 = 64;
/// Stack of a runtime thread, bytes: requests are shallow.
const STACK_BYTES: usize = 1024 * 1024;
/// Exit code after a panic outside a request, as of a Rust program whose main thread panics.
const EXIT_PANIC: u8 = 101;

/// The body of a service's process: takes its orders from the control socket on standard input and
/// returns when it was told to stop. When the socket closes, the process ends at once.
///
/// Exit codes: 0 stopped, 1 it could not start (said on the socket and on standard error), 101 a
/// defect.
#[must_use]
pub fn run() -> ExitCode {
    die_with_parent();
    let mut control = match Control::on_stdin() {
        Ok(control) => control,
        Err(error) => {
            eprintln!("{}", error.to_string_full());
            return ExitCode::FAILURE;
        }
    };
    let answers = control.answers();
    let outcome = control.start().and_then(|config| live(control, &config));
    match outcome {
        Ok(code) => code,
        Err(error) => {
            let reason = error.to_string_full();
            eprintln!("{reason}");
            answers.send(&Event::Failed { reason });
            ExitCode::FAILURE
        }
    }
}

/// Second line behind the socket's end: the kernel kills this process when its parent dies.
fn die_with_parent() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
}

fn live(control: Control, config: &ServiceConfig) -> Result<ExitCode, ServiceError> {
    let answers = control.answers();
    let stop = CancellationToken::new();
    let changes = control.serve(stop.clone())?;
    let clock = Clock::default();
    let exports = Exports::start(config, &clock)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.runtime_threads.clamp(1, THREADS) as usize)
        .thread_stack_size(STACK_BYTES)
        .thread_name(config.role.name())
        .enable_all()
        .build()
        .map_err(|source| ServiceError::Thread {
            what: "the runtime",
            source,
        })?;
    let outcome = runtime.block_on(serve_until_stopped(config, clock, changes, &answers, stop));
    runtime.shutdown_background();
    exports.flush(FLUSH_LIMIT);
    outcome
}

async fn serve_until_stopped(
    config: &ServiceConfig,
    clock: Clock,
    changes: mpsc::Receiver<Change>,
    answers: &Answers,
    stop: CancellationToken,
) -> Result<ExitCode, ServiceError> {
    let settings = Settings::of(config.role).with(config.role, &config.settings)?;
    clock.set_offset_ms(settings.harms.clock_skew_ms);
    tokio::select! {
        () = stop.cancelled() => return Ok(ExitCode::SUCCESS),
        () = tokio::time::sleep(settings.harms.start_delay) => {}
    }
    let service = Service::open(config, clock).await?;
    let running = roles::start(&service).await?;
    let router = running
        .router
        .clone()
        .merge(health::routes(Arc::clone(&service)))
        .fallback(health::no_route)
        .method_not_allowed_fallback(health::no_route);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .map_err(ServiceError::Listen)?;
    let port = listener.local_addr().map_err(ServiceError::Listen)?.port();
    let serving = tokio::spawn(serve::serve(listener, router, service.stopping.clone()));
    tracing::info!(version = service.version, "service started");
    answers.send(&Event::Ready { port });

    let code = tokio::select! {
        () = stop.cancelled() => ExitCode::SUCCESS,
        () = service.broken.cancelled() => ExitCode::from(EXIT_PANIC),
        () = take_changes(&service, &running, changes, answers) => ExitCode::SUCCESS,
    };
    tracing::info!("service stopping");
    service.stopping.cancel();
    service.tasks.close();
    let drained = async {
        let _ = serving.await;
        service.tasks.wait().await;
        if let Some(database) = service.its_database() {
            database.close().await;
        }
    };
    if tokio::time::timeout(DRAIN_LIMIT, drained).await.is_err() {
        tracing::warn!("stopped with work in flight");
    }
    Ok(code)
}

/// Applies changes of settings, one after another, until the socket's thread is gone.
async fn take_changes(
    service: &Arc<Service>,
    running: &Running,
    mut changes: mpsc::Receiver<Change>,
    answers: &Answers,
) {
    while let Some(change) = changes.recv().await {
        let id = change.id;
        let outcome = match service.settings_after(&change) {
            Ok(after) => running.adapt(after).await,
            Err(error) => Err(error),
        };
        answers.send(&match outcome {
            Ok(()) => {
                tracing::info!(entries = change.settings.len(), "configuration reloaded");
                Event::Applied { id }
            }
            Err(error) => {
                let reason = error.to_string_full();
                tracing::warn!(reason, "configuration refused");
                Event::Refused { id, reason }
            }
        });
    }
}
