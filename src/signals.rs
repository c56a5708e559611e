//! Ctrl-C and SIGTERM as one future, so that every way out goes through the same door.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a program, one after another.
pub struct Signals {
    int: Signal,
    term: Signal,
    hup: Signal,
}

impl Signals {
    /// From now on they do not end the program by themselves.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            int: signal(SignalKind::interrupt())?,
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next SIGINT, SIGTERM or SIGHUP, and says what it was.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.int.recv() => "interrupted",
            _ = self.term.recv() => "terminated",
            _ = self.hup.recv() => "terminal closed",
        }
    }
}

/// Completes at the first SIGINT, SIGTERM or SIGHUP, with its name. A second one while the drill is put
/// in order ends the program at once; the services end with it, as their control sockets close.
///
/// # Errors
/// When the handlers cannot be installed.
pub async fn ended() -> std::io::Result<&'static str> {
    let mut signals = Signals::new()?;
    let name = signals.next().await;
    tokio::spawn(async move {
        tokio::select! {
            _ = signals.int.recv() => {}
            _ = signals.term.recv() => {}
        }
        std::process::exit(i32::from(crate::exit::INTERRUPTED));
    });
    Ok(name)
}
