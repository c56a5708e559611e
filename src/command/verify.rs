//! `drill verify`: the proof that scenarios work, claim by claim as each is settled.

use std::{io::Read, process::ExitCode};

use facilitator::verify::{Claim, Verification, VerifyOptions, verify};
use scenarios::catalog::Catalog;

use super::{scenario_files, verify_jobs};
use crate::{
    cli::VerifyArgs,
    exit::{self, Failure},
    settings::Settings,
    signals,
};

/// Verifies; exit 1 when a claim does not hold.
pub fn run(args: &VerifyArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    if args.slug.is_none() && !args.all {
        return Err(Failure::usage(
            "which scenario?",
            "drill verify SLUG, or drill verify --all; drill scenarios list shows them",
        ));
    }
    let catalog = scenario_files::catalog(args.scenarios.as_ref(), settings)?;
    let slugs: Vec<String> = match &args.slug {
        Some(slug) => {
            catalog.scenario(slug).map_err(scenario_files::failure)?;
            vec![slug.clone()]
        }
        None => catalog.slugs().map(str::to_owned).collect(),
    };
    let pairs: Vec<(String, u64)> = slugs
        .iter()
        .flat_map(|slug| args.seeds.iter().map(|&seed| (slug.clone(), seed)))
        .collect();
    let results = match args.jobs {
        1 => one_by_one(args, &catalog, &pairs),
        _ => verify_jobs::run(args, pairs),
    }?;
    if !args.json {
        super::print(&summary(&results));
    }
    Ok(ExitCode::from(
        if results.iter().all(|result| result.passed) {
            exit::OK
        } else {
            exit::NO
        },
    ))
}

/// Verifies in this process; every claim is told as soon as it is settled.
fn one_by_one(
    args: &VerifyArgs,
    catalog: &Catalog,
    pairs: &[(String, u64)],
) -> Result<Vec<Verification>, Failure> {
    let runtime = super::runtime()?;
    let mut results = Vec::new();
    for (slug, seed) in pairs {
        let options = VerifyOptions {
            keep_going: args.keep_going,
            catalog: catalog.clone(),
            database_url: args.database_url.clone(),
            ..VerifyOptions::new(slug, *seed)
        };
        if !args.json {
            super::print(&format!("\n{slug}, seed {seed}\n"));
        }
        let mut told = |claim: &Claim| tell(claim, args.json);
        let result = runtime.block_on(async {
            tokio::select! {
                result = verify(&options, &mut told) => Ok(Some(result)),
                signal = signals::ended() => Err(interrupted(signal, slug)),
                // whoever started this has gone or been told to stop, and says so
                () = leash(args.leashed) => Ok(None),
            }
        })?;
        let Some(result) = result else { break };
        if args.json {
            tell_json(&result);
        }
        results.push(result);
    }
    Ok(results)
}

/// Completes when standard input closes, if that is what holds this process.
async fn leash(leashed: bool) {
    let (held, gone) = tokio::sync::oneshot::channel::<()>();
    // a thread of its own: the runtime would wait for a read of its own to end
    let held = match leashed {
        true => {
            std::thread::spawn(move || {
                let _ = std::io::stdin().read(&mut [0]);
                drop(held);
            });
            None
        }
        false => Some(held),
    };
    let _ = gone.await;
    drop(held);
}

/// The failure of a verification that a signal ended.
pub(super) fn interrupted(signal: std::io::Result<&str>, what: &str) -> Failure {
    Failure {
        code: exit::INTERRUPTED,
        message: format!(
            "{} in the middle of {what}",
            signal.unwrap_or("interrupted")
        ),
        remedy: None,
    }
}

/// A result as one line of JSON.
pub(super) fn tell_json(result: &Verification) {
    let text = serde_json::to_string(result).expect("plain data serialises");
    super::print(&format!("{text}\n"));
}

/// A claim as a line, unless JSON is wanted.
pub(super) fn tell(claim: &Claim, json: bool) {
    if !json {
        let mark = if claim.holds { "ok    " } else { "FAILED" };
        super::print(&format!(
            "  {mark} {:>5.1} s  {:<58} {}\n",
            claim.seconds, claim.claim, claim.detail
        ));
    }
}

fn summary(results: &[Verification]) -> String {
    let mut text = format!(
        "\n{:<18} {:>12} {:>8} {:>8}  result\n",
        "scenario", "seed", "claims", "seconds"
    );
    for result in results {
        let held = result.claims.iter().filter(|claim| claim.holds).count();
        let verdict = match result.claims.iter().find(|claim| !claim.holds) {
            None => "proven".to_owned(),
            Some(claim) => format!(
                "FAILED: {}\n    {}\n    repeat with: {}",
                claim.claim, claim.detail, result.repeat
            ),
        };
        text.push_str(&format!(
            "{:<18} {:>12} {:>8} {:>8.0}  {verdict}\n",
            result.slug,
            result.seed,
            format!("{held}/{}", result.claims.len()),
            result.seconds
        ));
    }
    let passed = results.iter().filter(|result| result.passed).count();
    text.push_str(&format!(
        "\n{passed} passed, {} failed\n",
        results.len() - passed
    ));
    text
}
