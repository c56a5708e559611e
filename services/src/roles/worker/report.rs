//! The nightly report: really computes, on one thread of the lowest priority, for the share of a
//! core that it is given.

use crate::{
    error::ServiceError,
    goods,
    harm::burner::{Burner, Turned},
};

/// The report, on or off.
#[derive(Debug)]
pub struct Report(Burner);

impl Report {
    /// Off.
    pub fn new() -> Self {
        Self(Burner::new("report", goods::yearly_turnover))
    }

    /// Whether it is on.
    pub fn runs(&self) -> bool {
        self.0.runs()
    }

    /// Changes its share of a core; 0 stops it.
    ///
    /// # Errors
    /// When its thread cannot be started; then it stays off.
    pub fn set(&self, duty: f64) -> Result<(), ServiceError> {
        match self.0.set(duty)? {
            Turned::On => tracing::info!("nightly report started"),
            Turned::Off => tracing::info!("nightly report stopped"),
            Turned::Not => {}
        }
        Ok(())
    }
}
