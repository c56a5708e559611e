//! What was asked for, read and checked: a mechanism, an aim, values, times, and who wants it why.

use std::time::Duration;

use api::InjectRequest;
use scenarios::vocabulary::{
    Mechanism, MechanismId, Unfit, UnknownMechanism,
    act::Act,
    aim::{Aim, UnknownAim},
    parameter::Values,
};

use crate::LabError;

/// Longest time of an injection, seconds: a day. Longer is a slip of the pen.
const LONGEST_S: f64 = 86_400.0;
/// Shortest lease, seconds: whoever renews it needs a few tries in it.
const SHORTEST_LEASE_S: f64 = 1.0;
/// Longest name and reason, characters; what is longer is cut.
const LONGEST_TEXT: usize = 400;

/// Why chaos was not injected, or not healed. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// No such mechanism.
    #[error(transparent)]
    Mechanism(#[from] UnknownMechanism),
    /// No such service or link.
    #[error(transparent)]
    Aim(#[from] UnknownAim),
    /// It does not act there, or not with these values.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Nothing of it can grow.
    #[error("{0} does not grow, it is there at once; leave the ramp out")]
    NoRamp(&'static str),
    /// A time that is none.
    #[error("{what} is {seconds} seconds, but must be {bounds}")]
    Time {
        /// Which.
        what: &'static str,
        /// As given.
        seconds: f64,
        /// What it must be.
        bounds: &'static str,
    },
    /// It would take more of this host than chaos may.
    #[error("this would take {wanted} {what}, but chaos may take {allowed} on this machine{}", in_use(.used))]
    Rail {
        /// What there is too little of.
        what: &'static str,
        /// With this one.
        wanted: String,
        /// What is allowed.
        allowed: String,
        /// What other injections take.
        used: Option<String>,
    },
    /// Too many at once.
    #[error("{0} injections are in force or to come, more would be no exercise; heal some first")]
    Many(usize),
    /// No injection of this number.
    #[error("there is no injection {id}{}", those(.known))]
    NoInjection {
        /// As asked for.
        id: u32,
        /// Those that there are, newest last.
        known: Vec<u32>,
    },
    /// An injection without lease was renewed, or one that is over.
    #[error("injection {id} {why}")]
    Lease {
        /// Which.
        id: u32,
        /// Why there is nothing to renew.
        why: &'static str,
    },
    /// The lab could not carry it out.
    #[error(transparent)]
    Lab(#[from] LabError),
}

fn in_use(used: &Option<String>) -> String {
    used.as_ref()
        .map_or_else(String::new, |used| format!("; {used} are in use by others"))
}

fn those(known: &[u32]) -> String {
    if known.is_empty() {
        return "; nothing was injected yet".to_owned();
    }
    let known: Vec<_> = known.iter().map(ToString::to_string).collect();
    format!("; there are {}", known.join(", "))
}

/// An injection to be made.
#[derive(Debug, Clone)]
pub struct ChaosOrder {
    /// What.
    pub mechanism: &'static Mechanism,
    /// Where.
    pub aim: Aim,
    /// With which values.
    pub values: Values,
    /// How long, drill time; none is until it is healed.
    pub lasting: Option<Duration>,
    /// Over how long it grows.
    pub ramp: Duration,
    /// In how long it begins.
    pub after: Duration,
    /// It ends unless renewed within so long, wall time.
    pub lease: Option<Duration>,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
}

impl ChaosOrder {
    /// Reads a request.
    ///
    /// # Errors
    /// What cannot be used, with what would do.
    pub fn read(request: &InjectRequest) -> Result<Self, ChaosError> {
        let mechanism = MechanismId::new(&request.mechanism)?.mechanism();
        let aim: Aim = request.at.parse()?;
        let values = mechanism.values(&request.values)?;
        // fails when it does not act there
        mechanism.acts(aim, &values, 1.0)?;
        let lasting = time("the duration", request.duration_s, "above 0, at most a day")?;
        if lasting == Some(Duration::ZERO) {
            return Err(ChaosError::Time {
                what: "the duration",
                seconds: 0.0,
                bounds: "above 0, at most a day",
            });
        }
        let lease = time("the lease", request.lease_s, "1 to a day")?;
        if let Some(seconds) = request.lease_s.filter(|s| *s < SHORTEST_LEASE_S) {
            return Err(ChaosError::Time {
                what: "the lease",
                seconds,
                bounds: "1 second to a day, so that it can be renewed in time",
            });
        }
        let ramp = time("the ramp", request.ramp_s, "0 to a day")?.unwrap_or_default();
        if !ramp.is_zero() && !mechanism.ramps() {
            return Err(ChaosError::NoRamp(mechanism.id));
        }
        let text = |given: &str, unless: &str| {
            let cut: String = given.trim().chars().take(LONGEST_TEXT).collect();
            if cut.is_empty() {
                unless.to_owned()
            } else {
                cut
            }
        };
        Ok(Self {
            mechanism,
            aim,
            values,
            lasting,
            ramp,
            after: time("the time until it begins", request.after_s, "0 to a day")?
                .unwrap_or_default(),
            lease,
            by: text(&request.by, "the instructor"),
            why: text(&request.why, "no reason given"),
        })
    }

    /// What is done, so far into the ramp (1 is the whole).
    pub(super) fn acts(&self, share: f64) -> Vec<Act> {
        self.mechanism
            .acts(self.aim, &self.values, share)
            .expect("the order was read, so it acts there")
    }

    /// In words: `latency at checkout->payments (delay_ms 300)`.
    pub(super) fn says(&self) -> String {
        let values = self.values.json();
        let told: Vec<_> = values
            .iter()
            .filter(|(_, value)| value.as_str() != Some(""))
            .map(|(id, value)| {
                format!(
                    "{id} {}",
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                )
            })
            .collect();
        if told.is_empty() {
            return format!("{} at {}", self.mechanism.id, self.aim);
        }
        format!(
            "{} at {} ({})",
            self.mechanism.id,
            self.aim,
            told.join(", ")
        )
    }
}

fn time(
    what: &'static str,
    seconds: Option<f64>,
    bounds: &'static str,
) -> Result<Option<Duration>, ChaosError> {
    let Some(seconds) = seconds else {
        return Ok(None);
    };
    if !(0.0..=LONGEST_S).contains(&seconds) {
        return Err(ChaosError::Time {
            what,
            seconds,
            bounds,
        });
    }
    Ok(Some(Duration::from_secs_f64(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request() -> InjectRequest {
        InjectRequest {
            mechanism: "latency".to_owned(),
            at: "checkout->payments".to_owned(),
            ..InjectRequest::default()
        }
    }

    #[test]
    fn what_is_left_out_has_a_sensible_value() {
        let order = ChaosOrder::read(&request()).unwrap();
        assert_eq!((order.lasting, order.ramp), (None, Duration::ZERO));
        assert_eq!(order.by, "the instructor");
        assert_eq!(
            order.says(),
            "latency at checkout->payments (connections 1.0, delay_ms 300, jitter_ms 0)"
        );
    }

    #[test]
    fn what_cannot_be_used_is_told_with_what_would_do() {
        let told = |change: &dyn Fn(&mut InjectRequest)| {
            let mut request = request();
            change(&mut request);
            ChaosOrder::read(&request).unwrap_err().to_string()
        };
        for (change, expected) in [
            (
                &(|r: &mut InjectRequest| r.mechanism = "latncy".into()) as &dyn Fn(&mut _),
                "the vocabulary has no mechanism `latncy`; did you mean `latency`",
            ),
            (
                &|r: &mut InjectRequest| r.at = "checkout->payment".into(),
                "there is no service or link `checkout->payment`; did you mean `checkout->payments`",
            ),
            (
                &|r: &mut InjectRequest| drop(r.values.insert("delay_ms".into(), json!(-3))),
                "`delay_ms` is -3, but must be a whole number, 0 to 60000 ms",
            ),
            (
                &|r: &mut InjectRequest| r.duration_s = Some(f64::NAN),
                "the duration is NaN seconds, but must be above 0, at most a day",
            ),
            (
                &|r: &mut InjectRequest| r.duration_s = Some(0.0),
                "the duration is 0 seconds, but must be above 0, at most a day",
            ),
            (
                &|r: &mut InjectRequest| r.lease_s = Some(0.1),
                "the lease is 0.1 seconds, but must be 1 second to a day, so that it can be renewed in time",
            ),
            (
                &|r: &mut InjectRequest| r.mechanism = "no-fault".into(),
                "no-fault is no harm, so it cannot be injected",
            ),
        ] {
            assert_eq!(told(change), expected);
        }
    }
}
