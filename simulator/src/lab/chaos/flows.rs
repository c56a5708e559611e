//! Whether traffic flows again where chaos was: asked over the very paths that it acted on.

use std::{collections::BTreeSet, time::Duration};

use http::{HeaderMap, Method};
use scenarios::{
    shop::Role,
    vocabulary::{act::Act, aim::Link},
};
use tokio::time::Instant;

use crate::lab::Core;

/// How long a path may take to carry traffic again: a service that was killed starts again after pauses of up to 16 s.
const WITHIN: Duration = Duration::from_secs(30);
/// Pause between two questions.
const PERIOD: Duration = Duration::from_millis(100);
/// How long an answer may take: longer is no traffic that flows.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Answers in a row that count: with two processes behind a path one answer would tell of one of them only.
const IN_A_ROW: u32 = 2;

/// What was seen of the paths that acts were on: whether all carry traffic, and in words.
pub(super) async fn seen(core: &Core, acts: &[Act]) -> (bool, String) {
    let mut paths = BTreeSet::new();
    for act in acts {
        match act {
            // its owner tells whether its database answers; our own listener would answer for a dead one
            Act::Toxic {
                link: Link::Database(of),
                ..
            } => drop(paths.insert(Link::Door(*of))),
            Act::Toxic { link, .. } => drop(paths.insert(*link)),
            Act::Set { service, .. }
            | Act::Drift { service, .. }
            | Act::Release { service, .. }
            | Act::Kill { service }
            | Act::Restart { service }
            | Act::Pause { service }
            | Act::MemoryLimit { service, .. } => drop(paths.insert(Link::Door(*service))),
            Act::Load { .. } => drop(paths.insert(Link::Door(Role::Storefront))),
        }
    }
    let asked = paths.iter().map(|path| carries(core, *path));
    let answers = futures_util::future::join_all(asked).await;
    let mut troubles = Vec::new();
    let mut longest = Duration::ZERO;
    for (path, answer) in paths.iter().zip(answers) {
        match answer {
            Ok(took) => longest = longest.max(took),
            Err(reason) => troubles.push(format!("{path}: {reason}")),
        }
    }
    if troubles.is_empty() {
        let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
        let after = if longest < PERIOD {
            "at once".to_owned()
        } else {
            format!("after {:.1} s", longest.as_secs_f64())
        };
        (true, format!("{} answered {after}", paths.join(", ")))
    } else {
        (false, troubles.join("; "))
    }
}

/// Waits until a path answers, and says how long that took.
async fn carries(core: &Core, path: Link) -> Result<Duration, String> {
    let base = core.floor.network.base(path);
    let base = base.map_err(|error| error.to_string())?;
    let began = Instant::now();
    let mut in_a_row = 0;
    loop {
        let reason = match ask(&base).await {
            Ok(()) => {
                in_a_row += 1;
                if in_a_row == IN_A_ROW {
                    return Ok(began.elapsed());
                }
                continue;
            }
            Err(reason) => reason,
        };
        in_a_row = 0;
        if began.elapsed() >= WITHIN {
            return Err(reason);
        }
        tokio::select! {
            () = core.cancel.cancelled() => return Err("the lab was shut down first".to_owned()),
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
}

async fn ask(base: &str) -> Result<(), String> {
    let url = format!("{base}/readyz");
    // a connection of its own: one that chaos has hurt would tell of the past
    let client = crate::wire::Client::new();
    let answer = client
        .send(Method::GET, &url, HeaderMap::new(), None, ANSWER_WITHIN)
        .await;
    match answer {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(format!("it answers {}", answer.status)),
        Err(error) => Err(error.to_string()),
    }
}
