//! `drill verify`: the proof that scenarios work, claim by claim as each is settled.

use std::process::ExitCode;

use facilitator::verify::{Claim, Verification, VerifyOptions, verify};

use super::scenario_files;
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
    let runtime = super::runtime()?;
    let mut results = Vec::new();
    for slug in &slugs {
        for seed in &args.seeds {
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
                    result = verify(&options, &mut told) => Ok(result),
                    signal = signals::ended() => Err(Failure { code: exit::INTERRUPTED, message: format!("{} in the middle of {slug}", signal.unwrap_or("interrupted")), remedy: None }),
                }
            })?;
            if args.json {
                super::print(&format!(
                    "{}\n",
                    serde_json::to_string(&result).expect("plain data serialises")
                ));
            }
            results.push(result);
        }
    }
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

fn tell(claim: &Claim, json: bool) {
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
