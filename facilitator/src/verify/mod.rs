//! The proof that a scenario works: one drill, played for real, in which every claim that the
//! scenario makes is put to the test. A claim that does not hold names what was seen instead.

mod claims;
mod play;
mod spoilers;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use display_full_error::DisplayFullErrorExt;
use scenarios::{catalog::Catalog, plan::Plan, seed::Seed};
use serde::{Deserialize, Serialize};

use crate::drill::{Drill, DrillOptions};

/// What to verify.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Which scenario.
    pub slug: String,
    /// Which seed.
    pub seed: u64,
    /// Whether to go on after a claim that does not hold.
    pub keep_going: bool,
    /// What is executed for each service; the running program when none is given.
    pub executable: Option<(PathBuf, Vec<String>)>,
    /// Scenarios to take it from.
    pub catalog: Catalog,
    /// `postgres://` URL for the shop's databases; SQLite without it.
    pub database_url: Option<String>,
}

impl VerifyOptions {
    /// A built-in scenario with a seed; stops at the first claim that does not hold.
    #[must_use]
    pub fn new(slug: &str, seed: u64) -> Self {
        Self {
            slug: slug.to_owned(),
            seed,
            keep_going: false,
            executable: None,
            catalog: Catalog::embedded(),
            database_url: None,
        }
    }
}

/// One claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// What is claimed.
    pub claim: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was seen.
    pub detail: String,
    /// How long it took to find out, wall seconds.
    pub seconds: f64,
}

/// The result for one scenario and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Scenario.
    pub slug: String,
    /// Seed.
    pub seed: u64,
    /// Whether every claim holds.
    pub passed: bool,
    /// The claims, in the order in which they were tested.
    pub claims: Vec<Claim>,
    /// Wall seconds in all.
    pub seconds: f64,
    /// The command that repeats this verification.
    pub repeat: String,
}

/// Verifies a scenario with a seed; every claim is also told as soon as it is settled. Nothing is left
/// running, whatever happens.
pub async fn verify(
    options: &VerifyOptions,
    told: &mut (dyn FnMut(&Claim) + Send),
) -> Verification {
    let began = Instant::now();
    let mut sheet = Sheet::new(options.keep_going, told);
    // a claim that stops the verification has been written down already
    let _stopped = run(options, &mut sheet).await;
    Verification {
        slug: options.slug.clone(),
        seed: options.seed,
        passed: sheet.claims.iter().all(|claim| claim.holds),
        claims: sheet.claims,
        seconds: began.elapsed().as_secs_f64(),
        repeat: format!("drill verify {} --seeds {}", options.slug, options.seed),
    }
}

/// The verification ends here: a claim does not hold, or what follows cannot be tested without it.
struct Stop;

/// The claims so far.
struct Sheet<'a> {
    claims: Vec<Claim>,
    keep_going: bool,
    told: &'a mut (dyn FnMut(&Claim) + Send),
    since: Instant,
}

impl<'a> Sheet<'a> {
    fn new(keep_going: bool, told: &'a mut (dyn FnMut(&Claim) + Send)) -> Self {
        Self {
            claims: Vec::new(),
            keep_going,
            told,
            since: Instant::now(),
        }
    }

    /// Writes a claim down; the time is counted from the one before.
    fn claim(
        &mut self,
        claim: impl Into<String>,
        holds: bool,
        detail: impl Into<String>,
    ) -> Result<(), Stop> {
        let claim = Claim {
            claim: claim.into(),
            holds,
            detail: detail.into(),
            seconds: self.since.elapsed().as_secs_f64(),
        };
        self.since = Instant::now();
        (self.told)(&claim);
        self.claims.push(claim);
        if holds || self.keep_going {
            Ok(())
        } else {
            Err(Stop)
        }
    }

    /// Writes down a claim that nothing can be tested without.
    fn need<T, E: std::error::Error>(
        &mut self,
        claim: &str,
        result: Result<T, E>,
        detail: impl FnOnce(&T) -> String,
    ) -> Result<T, Stop> {
        match result {
            Ok(value) => {
                self.claim(claim, true, detail(&value))?;
                Ok(value)
            }
            Err(error) => {
                self.claim(claim, false, error.to_string_full())?;
                Err(Stop)
            }
        }
    }
}

async fn run(options: &VerifyOptions, sheet: &mut Sheet<'_>) -> Result<(), Stop> {
    let planned = options
        .catalog
        .plan(&options.slug, Seed(options.seed), None);
    let plan = sheet.need("the scenario loads", planned, |plan| {
        format!(
            "level {}, {} services",
            plan.level,
            plan.scenario.services.len()
        )
    })?;
    let plan = Arc::new(plan);
    let started = Drill::start(DrillOptions {
        database_url: options.database_url.clone(),
        executable: options.executable.clone(),
        ..DrillOptions::new(plan.clone())
    })
    .await;
    let drill = sheet.need("all services become ready", started, |drill| {
        format!("after {:.2} s", drill.ready_after().as_secs_f64())
    })?;
    let played = play::play(&plan, &drill, sheet).await;
    let pids: Vec<u32> = drill
        .view()
        .services
        .iter()
        .filter_map(|service| service.pid)
        .collect();
    drill.shutdown().await;
    let left = spoilers::alive(&pids);
    let gone = sheet.claim(
        "no process is left",
        left.is_empty(),
        if left.is_empty() {
            format!("{} processes ended", pids.len())
        } else {
            format!("still there: {left:?}")
        },
    );
    played.and(gone)
}

/// Waits until `done` says so, at most so long; answers whether it did.
async fn until(longest: Duration, mut done: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !done() {
        if began.elapsed() > longest {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    true
}

/// The command that repeats a drill of this plan, for messages.
fn repeat(plan: &Plan) -> String {
    plan.repeat_command()
}
