//! The signals that a screen must answer: those that end it, and those by which a shell puts it away and fetches it back.
//! Knows no screen.

use std::io;

use rustix::process::{Signal as Number, kill_current_process_group};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// To end, with the signal's name.
    End(&'static str),
    /// To be put away, as the suspend key of a terminal does.
    PutAway,
    /// It was continued after it was stopped.
    Continued,
}

/// From its making on, these signals do nothing by themselves.
pub struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
    quit: Signal,
    tstp: Signal,
    cont: Signal,
}

impl Signals {
    /// Listens to them.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn new() -> io::Result<Self> {
        let job = |number: Number| signal(SignalKind::from_raw(number.as_raw()));
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            tstp: job(Number::TSTP)?,
            cont: job(Number::CONT)?,
        })
    }

    /// The next of them; those that end come first.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            biased;
            _ = self.term.recv() => Asked::End("SIGTERM"),
            _ = self.int.recv() => Asked::End("SIGINT"),
            _ = self.hup.recv() => Asked::End("SIGHUP"),
            _ = self.quit.recv() => Asked::End("SIGQUIT"),
            _ = self.tstp.recv() => Asked::PutAway,
            _ = self.cont.recv() => Asked::Continued,
        }
    }
}

/// Stops this process and those that were started with it, until the shell continues them.
///
/// SIGTSTP is listened to and stops no more; SIGTTOU stops just as well, and spares, as SIGSTOP would not, a group that no
/// shell watches and nobody would continue.
///
/// # Errors
/// When the system refuses.
pub fn stop() -> io::Result<()> {
    Ok(kill_current_process_group(Number::TTOU)?)
}
