//! `drill verify --jobs N`: several verifications at a time. Each is a `drill verify` process of its own,
//! as what a verification says of processes, ports and arguments must be of its own drill only.

use std::{collections::VecDeque, process::Stdio};

use facilitator::verify::Verification;
use tokio::{
    process::{Child, Command},
    task::JoinSet,
};

use super::verify::{interrupted, tell, tell_json};
use crate::{
    cli::VerifyArgs,
    exit::{self, Failure},
    signals,
};

/// Verifies each slug with its seed; tells each result when it is there. In the order of `pairs`.
pub fn run(args: &VerifyArgs, pairs: Vec<(String, u64)>) -> Result<Vec<Verification>, Failure> {
    super::runtime()?.block_on(async {
        let mut results: Vec<Option<Verification>> = pairs.iter().map(|_| None).collect();
        let mut waiting: VecDeque<_> = pairs.into_iter().enumerate().collect();
        let mut running = JoinSet::new();
        // a verification whose standard input closes puts its drill in order and ends; so it does when we die
        let mut leashes = Vec::new();
        let mut ended = Box::pin(signals::ended());
        let (mut failure, mut told_to_end) = (None, false);
        loop {
            while failure.is_none() && running.len() < usize::from(args.jobs) {
                let Some((index, (slug, seed))) = waiting.pop_front() else {
                    break;
                };
                match start(args, &slug, seed) {
                    Ok(mut child) => {
                        leashes.push((index, child.stdin.take()));
                        running.spawn(async move { (index, result(child, &slug, seed).await) });
                    }
                    Err(error) => failure = Some(error),
                }
            }
            if running.is_empty() {
                break;
            }
            tokio::select! {
                done = running.join_next() => match done {
                    Some(Ok((index, Ok(result)))) => {
                        told(&result, args.json);
                        leashes.retain(|(of, _)| *of != index);
                        results[index] = Some(result);
                    }
                    Some(Ok((_, Err(error)))) => {
                        failure.get_or_insert(error);
                    }
                    Some(Err(error)) => return Err(Failure::failed(error)),
                    None => {}
                },
                signal = &mut ended, if !told_to_end => {
                    told_to_end = true;
                    leashes.clear();
                    failure = Some(interrupted(signal, "the verifications"));
                }
            }
        }
        match failure {
            Some(failure) => Err(failure),
            None => Ok(results.into_iter().flatten().collect()),
        }
    })
}

fn start(args: &VerifyArgs, slug: &str, seed: u64) -> Result<Child, Failure> {
    let mut command = Command::new(super::program()?);
    command
        .args([
            "verify",
            slug,
            "--leashed",
            "--json",
            "--seeds",
            &seed.to_string(),
        ])
        .env_remove("DRILL_DATABASE_URL")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if args.keep_going {
        command.arg("--keep-going");
    }
    if let Some(folder) = &args.scenarios {
        command.arg("--scenarios").arg(folder);
    }
    command
        .spawn()
        .map_err(|error| Failure::failed(format!("a verification cannot be started: {error}")))
}

/// What a verification found. One that ended without a result has said why on standard error.
async fn result(child: Child, slug: &str, seed: u64) -> Result<Verification, Failure> {
    let output = child.wait_with_output().await.map_err(Failure::failed)?;
    serde_json::from_slice(&output.stdout).map_err(|_| Failure {
        code: exit::FAILED,
        message: format!(
            "{slug}, seed {seed}, ended without a result: {}",
            output.status
        ),
        remedy: Some(format!("drill verify {slug} --seeds {seed}")),
    })
}

fn told(result: &Verification, json: bool) {
    if json {
        tell_json(result);
        return;
    }
    super::print(&format!("\n{}, seed {}\n", result.slug, result.seed));
    for claim in &result.claims {
        tell(claim, json);
    }
}
