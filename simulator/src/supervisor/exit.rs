//! Why a process ended, told apart. Pure.

use std::{fmt, os::unix::process::ExitStatusExt, process::ExitStatus};

/// Why a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// We asked it to, and it did.
    Stopped,
    /// We asked it to, it did not in time, and we killed it.
    Killed,
    /// By itself, with a code.
    Code(i32),
    /// By a signal that we did not send.
    Signal(i32),
    /// We killed it because it reached its memory limit, as a kernel or a container runtime would.
    MemoryLimit {
        /// The limit, MiB.
        mib: u64,
    },
}

/// What we did to a process before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sentence {
    /// Nothing.
    #[default]
    None,
    /// Asked it to stop.
    Stop,
    /// Killed it after asking in vain.
    Kill,
    /// Killed it at its memory limit, MiB.
    MemoryLimit(u64),
}

impl ExitReason {
    /// From what we did and what the kernel says.
    #[must_use]
    pub fn of(status: ExitStatus, sentence: Sentence) -> Self {
        match (sentence, status.signal(), status.code()) {
            (Sentence::MemoryLimit(mib), Some(9), _) => Self::MemoryLimit { mib },
            (Sentence::Kill, Some(9), _) => Self::Killed,
            (Sentence::Stop | Sentence::Kill, None, Some(0)) => Self::Stopped,
            (_, Some(signal), _) => Self::Signal(signal),
            (_, None, code) => Self::Code(code.unwrap_or(-1)),
        }
    }

    /// Whether we wanted it to end.
    #[must_use]
    pub const fn expected(self) -> bool {
        matches!(self, Self::Stopped | Self::Killed)
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped by the supervisor"),
            Self::Killed => {
                f.write_str("killed by the supervisor, because it did not stop in time")
            }
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "killed by {name} (exit {})", 128 + signal),
                None => write!(f, "killed by signal {signal} (exit {})", 128 + signal),
            },
            Self::MemoryLimit { mib } => {
                write!(f, "killed at its memory limit of {mib} MiB (exit 137)")
            }
        }
    }
}

/// Names of the signals that end services in practice; their numbers are the same on Linux, macOS and the BSDs.
const fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// How a real shell ends that runs `script`.
    fn ends(script: &str) -> ExitStatus {
        Command::new("sh").args(["-c", script]).status().unwrap()
    }

    #[test]
    fn the_ways_to_end_are_told_apart() {
        for (script, sentence, words) in [
            ("exit 0", Sentence::Stop, "stopped by the supervisor"),
            ("exit 0", Sentence::None, "exited with code 0"),
            ("exit 101", Sentence::None, "exited with code 101"),
            ("exit 3", Sentence::Stop, "exited with code 3"),
            ("kill -9 $$", Sentence::None, "killed by SIGKILL (exit 137)"),
            (
                "kill -9 $$",
                Sentence::MemoryLimit(64),
                "killed at its memory limit of 64 MiB (exit 137)",
            ),
            (
                "kill -9 $$",
                Sentence::Kill,
                "killed by the supervisor, because it did not stop in time",
            ),
            (
                "kill -15 $$",
                Sentence::Kill,
                "killed by SIGTERM (exit 143)",
            ),
            (
                "kill -6 $$",
                Sentence::MemoryLimit(64),
                "killed by SIGABRT (exit 134)",
            ),
            ("exit 1", Sentence::MemoryLimit(64), "exited with code 1"),
        ] {
            let reason = ExitReason::of(ends(script), sentence);
            assert_eq!(reason.to_string(), words, "{script} after {sentence:?}");
        }
        assert!(ExitReason::Stopped.expected() && ExitReason::Killed.expected());
        assert!(!ExitReason::Code(0).expected() && !ExitReason::MemoryLimit { mib: 1 }.expected());
    }
}
