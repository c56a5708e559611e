//! A program in a pseudo terminal of its own, as a person has it before them: what it shows is read and thrown away, keys are
//! pressed, CPU and memory are taken from outside. Knows nothing of what the program is.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags, open},
    io::dup,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use super::{peers::Guard, process_tree};
use crate::exit::Failure;

/// How often a program that is waited for is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Pause before a key, in which what the program does by itself is over.
const BEFORE_A_KEY: Duration = Duration::from_millis(100);
/// How long a key may take to show.
const KEY: Duration = Duration::from_secs(5);

/// The program, which ends when this goes.
pub struct InTerminal {
    child: Guard,
    keys: File,
    /// When something was shown; ends with the program.
    shown: Receiver<Instant>,
}

impl InTerminal {
    /// Starts it. The command's first word has to make the terminal its own (`setsid --ctty`), as a shell's does.
    ///
    /// # Errors
    /// When there is no pseudo terminal, or the program cannot be started.
    pub fn start(command: &mut Command, (columns, rows): (u16, u16)) -> Result<Self, Failure> {
        let failed = |why: rustix::io::Errno| Failure::failed(format!("no pseudo terminal: {why}"));
        let (ours, theirs) = pair((columns, rows)).map_err(failed)?;
        let end = || theirs.try_clone().map(Stdio::from);
        let child = command
            .env("TERM", "xterm-256color")
            .stdin(end().map_err(Failure::failed)?)
            .stdout(end().map_err(Failure::failed)?)
            .stderr(end().map_err(Failure::failed)?)
            .spawn();
        let child = child.map_err(|why| {
            let program = command.get_program().display();
            Failure::failed(format!("{program} cannot be started: {why}"))
        })?;
        let mut reader = File::from(dup(&ours).map_err(failed)?);
        let (shows, shown) = channel();
        // ends with the program, when its end of the terminal is closed
        thread::spawn(move || {
            let mut bytes = [0; 65_536];
            while let Ok(1..) = reader.read(&mut bytes) {
                if shows.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
        let keys = File::from(ours);
        let child = Guard(child);
        Ok(Self { child, keys, shown })
    }

    /// Types.
    ///
    /// # Errors
    /// When the program has ended.
    pub fn press(&mut self, keys: &str) -> Result<(), Failure> {
        let typed = self.keys.write_all(keys.as_bytes());
        typed.map_err(|why| Failure::failed(format!("the program takes no keys: {why}")))
    }

    /// CPU seconds so far, and memory now, MiB.
    pub fn spent(&self) -> (f64, f64) {
        let of = process_tree::read(self.child.0.id());
        of.iter().fold((0.0, 0.0), |(cpu, mib), process| {
            (cpu + process.cpu_seconds, mib + process.resident_mib)
        })
    }

    /// Waits until it takes less than such a share of a core over a second: it has read what there was.
    ///
    /// # Errors
    /// When it goes on for longer than `patience`.
    pub fn settle(&self, share: f64, patience: Duration) -> Result<(), Failure> {
        let began = Instant::now();
        while began.elapsed() < patience {
            let before = self.spent().0;
            thread::sleep(LOOK);
            if self.spent().0 - before < share * LOOK.as_secs_f64() {
                return Ok(());
            }
        }
        Err(Failure::failed(format!(
            "a program in a terminal is not at rest after {patience:?}"
        )))
    }

    /// From a key to the first bytes that the terminal gets, ms.
    ///
    /// # Errors
    /// When nothing is shown.
    pub fn key_ms(&mut self, key: &str) -> Result<f64, Failure> {
        thread::sleep(BEFORE_A_KEY);
        // what was shown without a key
        while self.shown.try_recv().is_ok() {}
        let pressed = Instant::now();
        self.press(key)?;
        match self.shown.recv_timeout(KEY) {
            Ok(at) => Ok(at.duration_since(pressed).as_secs_f64() * 1e3),
            Err(RecvTimeoutError::Timeout) => Err(Failure::failed(format!(
                "nothing was shown within {KEY:?} after {key:?}"
            ))),
            Err(RecvTimeoutError::Disconnected) => {
                Err(Failure::failed("the program in the terminal has ended"))
            }
        }
    }
}

/// Both ends of a pseudo terminal of a size.
fn pair((columns, rows): (u16, u16)) -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = open(name.as_c_str(), flags, Mode::empty())?;
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&theirs, size)?;
    Ok((ours, theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_shows_what_is_typed_and_is_weighed() {
        let mut command = Command::new("cat");
        let mut cat = InTerminal::start(&mut command, (80, 24)).unwrap();
        let ms = cat.key_ms("x").unwrap();
        assert!(ms > 0.0, "{ms}");
        let (cpu, mib) = cat.spent();
        assert!(cpu >= 0.0 && mib > 0.0, "{cpu} s, {mib} MiB");
        // it ends with its input
        cat.press("\r\u{4}").unwrap();
        assert!(cat.child.0.wait().unwrap().success());
    }
}
