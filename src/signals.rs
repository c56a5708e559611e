//! Ctrl-C and SIGTERM as one future, so that every way out goes through the same door.

use tokio::signal::unix::{SignalKind, signal};

/// Completes at the first SIGINT, SIGTERM or SIGHUP, with its name. A second one while the drill is put
/// in order ends the program at once; the services end with it, as their control sockets close.
///
/// # Errors
/// When the handlers cannot be installed.
pub async fn ended() -> std::io::Result<&'static str> {
    let (mut int, mut term, mut hup) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
        signal(SignalKind::hangup())?,
    );
    let name = tokio::select! {
        _ = int.recv() => "interrupted",
        _ = term.recv() => "terminated",
        _ = hup.recv() => "terminal closed",
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
        std::process::exit(i32::from(crate::exit::INTERRUPTED));
    });
    Ok(name)
}
