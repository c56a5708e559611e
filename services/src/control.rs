//! The control socket, read by a thread of its own: its end ends the process at once, even when the
//! runtime is stalled. Commands for the runtime go over a bounded channel.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use rustix::fs::{FileType, fstat};
use scenarios::{
    control::{Command, Event, ServiceConfig},
    setting::Setting,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::ServiceError;

/// Longest line, bytes; what follows is no command any more and ends the process.
const LINE_LIMIT_BYTES: u64 = 1024 * 1024;
/// Changes that may wait for the runtime; beyond it they are refused.
const WAITING_CHANGES: usize = 16;
/// How long an orderly end may take before the process ends anyway. The supervisor kills after 2 s.
const STOP_LIMIT: Duration = Duration::from_millis(1_800);

/// A change of settings, to be answered by its id.
#[derive(Debug)]
pub struct Change {
    /// Of the command.
    pub id: u64,
    /// All or none.
    pub settings: Vec<Setting>,
    /// Whether they are changed from their defaults, and everything else goes back to its own.
    pub from_defaults: bool,
}

/// The service's end of the socket, before it is served.
#[derive(Debug)]
pub struct Control {
    reader: BufReader<UnixStream>,
    answers: Answers,
}

/// Where events go. Clones share it.
#[derive(Debug, Clone)]
pub struct Answers(Arc<Mutex<UnixStream>>);

impl Answers {
    /// Sends an event. A supervisor that is gone hears nothing; the reading thread ends the process.
    pub fn send(&self, event: &Event) {
        let mut line = serde_json::to_vec(event).expect("events are plain enums");
        line.push(b'\n');
        let _ = self.0.lock().write_all(&line);
    }
}

impl Control {
    /// On standard input.
    ///
    /// # Errors
    /// [`ServiceError::NoControlSocket`] when it is no socket.
    pub fn on_stdin() -> Result<Self, ServiceError> {
        let stdin = std::io::stdin();
        let is_socket = fstat(&stdin)
            .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket);
        if !is_socket {
            return Err(ServiceError::NoControlSocket);
        }
        let owned = stdin
            .as_fd()
            .try_clone_to_owned()
            .map_err(ServiceError::Control)?;
        Self::on(UnixStream::from(owned))
    }

    /// On a socket.
    fn on(socket: UnixStream) -> Result<Self, ServiceError> {
        socket
            .set_nonblocking(false)
            .map_err(ServiceError::Control)?;
        let writer = socket.try_clone().map_err(ServiceError::Control)?;
        Ok(Self {
            reader: BufReader::new(socket),
            answers: Answers(Arc::new(Mutex::new(writer))),
        })
    }

    /// Where events go.
    #[must_use]
    pub fn answers(&self) -> Answers {
        self.answers.clone()
    }

    /// The first command.
    ///
    /// # Errors
    /// [`ServiceError::NoStart`] when it is another one or none.
    pub fn start(&mut self) -> Result<ServiceConfig, ServiceError> {
        let line = self.line().map_err(ServiceError::Control)?;
        let line = line.ok_or_else(|| ServiceError::NoStart("it was closed".to_owned()))?;
        match serde_json::from_str(&line) {
            Ok(Command::Start(config)) => Ok(*config),
            Ok(_) => Err(ServiceError::NoStart(
                "another command came first".to_owned(),
            )),
            Err(error) => Err(ServiceError::NoStart(error.to_string())),
        }
    }

    /// Serves the socket from a thread until the process ends.
    ///
    /// # Errors
    /// [`ServiceError::Thread`].
    pub fn serve(self, stop: CancellationToken) -> Result<mpsc::Receiver<Change>, ServiceError> {
        let (changes, receiver) = mpsc::channel(WAITING_CHANGES);
        std::thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || self.read_on(&changes, &stop))
            .map_err(|source| ServiceError::Thread {
                what: "the control thread",
                source,
            })?;
        Ok(receiver)
    }

    fn read_on(mut self, changes: &mpsc::Sender<Change>, stop: &CancellationToken) {
        loop {
            let line = match self.line() {
                Ok(Some(line)) => line,
                // whoever started us is gone, or talks nonsense without end
                Ok(None) | Err(_) => std::process::exit(0),
            };
            match serde_json::from_str(&line) {
                Ok(Command::Set { id, settings }) => self.hand_on(changes, id, settings, false),
                Ok(Command::Replace { id, settings }) => {
                    self.hand_on(changes, id, settings, true);
                }
                Ok(Command::Stop) => {
                    stop.cancel();
                    end_anyway_after(STOP_LIMIT);
                }
                Ok(Command::Start(_)) => eprintln!("control: it has started already"),
                Err(error) => eprintln!("control: not a command: {error}"),
            }
        }
    }

    fn hand_on(
        &self,
        changes: &mpsc::Sender<Change>,
        id: u64,
        settings: Vec<Setting>,
        from_defaults: bool,
    ) {
        let change = Change {
            id,
            settings,
            from_defaults,
        };
        if changes.try_send(change).is_err() {
            let reason = "too many changes wait already; try again later".to_owned();
            self.answers.send(&Event::Refused { id, reason });
        }
    }

    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = String::new();
        let read = (&mut self.reader)
            .take(LINE_LIMIT_BYTES)
            .read_line(&mut line)?;
        let whole = line.ends_with('\n');
        Ok((read > 0 && whole).then_some(line))
    }
}

/// Ends the process after a while, whatever hangs.
fn end_anyway_after(limit: Duration) {
    let timer = std::thread::Builder::new().name("stop-timer".to_owned());
    let spawned = timer.spawn(move || {
        std::thread::sleep(limit);
        eprintln!("stopping took longer than {limit:?}: some requests were cut off");
        std::process::exit(0);
    });
    if spawned.is_err() {
        std::process::exit(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (UnixStream, Control) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (ours, Control::on(theirs).unwrap())
    }

    #[test]
    fn anything_but_a_start_command_first_is_refused_with_the_reason() {
        for (line, reason) in [
            ("\"stop\"\n", "another command"),
            ("{nonsense\n", "key must be a string"),
            ("", "it was closed"),
            ("\"stop\"", "it was closed"),
        ] {
            let (mut lab, mut control) = pair();
            lab.write_all(line.as_bytes()).unwrap();
            drop(lab);
            let error = control.start().unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_change_and_a_stop_reach_the_runtime() {
        let (mut lab, control) = pair();
        let stop = CancellationToken::new();
        let mut changes = control.serve(stop.clone()).unwrap();
        let settings = vec![Setting::WorkerSlots(3)];
        let set = Command::Set {
            id: 7,
            settings: settings.clone(),
        };
        let replace = Command::Replace {
            id: 8,
            settings: settings.clone(),
        };
        for (command, id, from_defaults) in [(set, 7, false), (replace, 8, true)] {
            let mut line = serde_json::to_vec(&command).unwrap();
            line.push(b'\n');
            lab.write_all(&line).unwrap();
            let change = changes.blocking_recv().unwrap();
            assert_eq!((change.id, change.from_defaults), (id, from_defaults));
            assert_eq!(change.settings, settings);
        }
        // closing the socket would end this test's process, as it should a service's
        std::mem::forget(lab);
    }
}
