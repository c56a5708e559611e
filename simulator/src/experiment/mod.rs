//! Experiments written down in the format of the Chaos Toolkit: read, checked, run, and journalled as it does.
//!
//! The facts (names, defaults, order, texts) are those of chaostoolkit-lib 1.44 and of its extension for Toxiproxy. What an
//! experiment acts on it reaches as anyone would, by HTTP and by programs; this module knows nothing of the lab around it.
//!
//! ```text
//! read ──► check ──► run ─┬─ hypothesis ─┐
//!                         ├─ method ─────┼─► activity ──► http | process | toxiproxy
//!                         └─ rollbacks ──┘
//! ```

mod activity;
mod check;
mod configuration;
mod http;
mod hypothesis;
mod journal;
mod jsonpath;
mod looks;
mod pattern;
mod process;
mod read;
mod run;
mod scene;
mod substitute;
mod tolerance;
mod toxiproxy;
mod values;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use check::Findings;
pub use configuration::{Vars, VarsError};
pub use read::{FILE_BYTES_MAX, Format};
pub use run::{Dry, HypothesisStrategy, Options, RollbackStrategy, SHORTEST_FREQUENCY, Stop};
pub use scene::{Level, Tell};

/// Something that is wrong with an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as in `method[2].provider.url`, or `line 3, column 7`; empty for the whole.
    pub place: String,
    /// What, without a full stop.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.place.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.place, self.message)
        }
    }
}

/// An experiment as it was written, with keys that nobody knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment(Map<String, Value>);

impl Experiment {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is not JSON or YAML, not a mapping, or longer than [`FILE_BYTES_MAX`].
    pub fn read(text: &str, format: Format) -> Result<Self, Problem> {
        read::read(text, format).map(Self)
    }

    /// All that is wrong with it, and all that is passed over. The environment of this process is looked at.
    #[must_use]
    pub fn check(&self, vars: &Vars) -> Findings {
        check::check(&self.0, vars)
    }

    /// Runs it and answers with its journal. What the world does (a server that is down, a program that fails) stands there.
    ///
    /// # Errors
    /// Configuration or secrets that cannot be loaded, before anything is begun.
    pub async fn run(
        &self,
        options: &Options,
        tell: Tell,
        stop: &Stop,
    ) -> Result<Map<String, Value>, Vec<Problem>> {
        run::run(&self.0, options, tell, stop).await
    }
}
