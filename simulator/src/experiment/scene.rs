//! What all activities of a run share: the values of names, what to tell, how to call.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::{
    Problem, configuration,
    run::Options,
    substitute::{Names, substitute},
};
use crate::outward::Dialer;

/// How loud something is told, in the Toolkit's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What goes on.
    Info,
    /// What may surprise.
    Warning,
    /// An activity failed.
    Error,
    /// The steady state is not met.
    Critical,
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        })
    }
}

/// Who is told what goes on, line by line.
pub type Tell = Arc<dyn Fn(Level, &str) + Send + Sync>;

/// See the head of this file.
pub(super) struct Scene<'a> {
    pub experiment: &'a Map<String, Value>,
    pub options: &'a Options,
    pub dialer: Dialer,
    pub tell: Tell,
    secrets: Map<String, Value>,
    configuration: Mutex<Map<String, Value>>,
    /// What activities have set for programs that are run later.
    environment: Mutex<BTreeMap<String, String>>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        experiment: &'a Map<String, Value>,
        options: &'a Options,
        tell: Tell,
    ) -> Result<Self, Vec<Problem>> {
        let (configuration, secrets) = configuration::load(experiment, &options.vars)?;
        Ok(Self {
            experiment,
            options,
            dialer: Dialer::new(),
            tell,
            secrets,
            configuration: Mutex::new(configuration),
            environment: Mutex::default(),
        })
    }

    pub(super) fn info(&self, line: &str) {
        (self.tell)(Level::Info, line);
    }

    pub(super) fn warn(&self, line: &str) {
        (self.tell)(Level::Warning, line);
    }

    /// A value with its names put in.
    pub(super) fn fill(&self, value: &Value) -> Value {
        let configuration = self.configuration.lock();
        let names = Names {
            configuration: &configuration,
            secrets: &self.secrets,
        };
        substitute(value, names)
    }

    /// All of the configuration.
    pub(super) fn configuration(&self) -> Map<String, Value> {
        self.configuration.lock().clone()
    }

    /// Sets a value of the configuration.
    pub(super) fn configure(&self, name: &str, value: Value) {
        self.configuration.lock().insert(name.to_owned(), value);
    }

    /// Takes a value out of the configuration.
    pub(super) fn forget(&self, name: &str) {
        self.configuration.lock().remove(name);
    }

    /// Sets a variable for programs that are run from now on, and a name.
    pub(super) fn export(&self, name: &str, value: &str) {
        self.configure(name, Value::String(value.to_owned()));
        self.environment
            .lock()
            .insert(name.to_owned(), value.to_owned());
    }

    /// A variable as programs see it.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let own = self.environment.lock().get(name).cloned();
        own.or_else(|| std::env::var(name).ok())
    }

    /// What was set for programs.
    pub(super) fn environment(&self) -> BTreeMap<String, String> {
        self.environment.lock().clone()
    }
}
