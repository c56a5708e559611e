//! The contract of every mechanism of the vocabulary: injected into a running lab over its API it
//! shows on real traffic, healed it is gone, traffic flows again, and nothing is left. One lab a family.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rows;
mod stage;

use rows::{ROWS, Row, Seen};
use serde_json::json;
use stage::Stage;

/// Every mechanism of a family, one after another.
async fn hold(family: &str) {
    let mechanisms = simulator::lab::chaos::mechanisms();
    let of_it: Vec<_> = mechanisms
        .iter()
        .filter(|one| one.family == family)
        .collect();
    assert!(!of_it.is_empty(), "there is no family {family}");
    let stage = Stage::open().await;
    let mut broken = Vec::new();
    for mechanism in of_it {
        let rows: Vec<_> = ROWS
            .iter()
            .filter(|row| row.mechanism == mechanism.id)
            .collect();
        assert!(!rows.is_empty(), "{} has no row in rows.rs", mechanism.id);
        for row in rows {
            if let Err(reason) = prove(&stage, row).await {
                broken.push(format!("{} at {}: {reason}", row.mechanism, row.at));
                stage.stop_everything().await;
            }
        }
    }
    let left = stage.left_behind();
    stage.close().await;
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(left, Vec::<String>::new());
}

/// Proves one mechanism at one place.
async fn prove(stage: &Stage, row: &Row) -> Result<(), String> {
    let healthy = |was: Option<f64>| async move {
        stage
            .until(|| async { !shows(stage, row, was).await.0 })
            .await
    };
    if !healthy(None).await {
        let (_, value) = shows(stage, row, None).await;
        return Err(format!("it shows before it is injected: {value:?}"));
    }
    let was = match row.seen {
        Seen::Times(query, _) => stage.settled(query).await,
        Seen::Counts(query) => stage.ask(query).await,
        Seen::Restarts(service) => Some(f64::from(stage.restarts(service))),
        _ => None,
    };
    let injected = stage
        .post(
            "",
            &json!({ "mechanism": row.mechanism, "at": row.at, "values": row.values() }),
        )
        .await?;
    let id = injected["id"].as_u64().ok_or("it has no number")?;
    if injected["state"] != "active" {
        return Err(format!("it is not active at once: {injected}"));
    }
    let shown = stage
        .until(|| async { shows(stage, row, was).await.0 })
        .await;
    let (_, value) = shows(stage, row, was).await;
    let healed = stage.delete(&format!("/{id}")).await?;
    println!(
        "{} at {}: {was:?} before, {value:?} then",
        row.mechanism, row.at
    );
    if !shown {
        return Err(format!(
            "its effect does not show: {value:?}, before {was:?}"
        ));
    }
    if healed["state"] != "healed" {
        return Err(format!("it is not healed at once: {healed}"));
    }
    if !stage.is_healed() {
        return Err("a toxic was left on a link".to_owned());
    }
    // what was counted stays counted
    let counted = matches!(row.seen, Seen::Restarts(_) | Seen::Counts(_));
    let was = was.filter(|_| !counted);
    if !healthy(was).await {
        let (_, value) = shows(stage, row, was).await;
        return Err(format!("it shows after it was healed: {value:?}"));
    }
    let flows = stage
        .until(|| async {
            let view = stage.get(&format!("/{id}")).await;
            view.is_ok_and(|view| view["flows_again"] == true)
        })
        .await;
    if !flows {
        return Err(format!(
            "traffic does not flow again: {:?}",
            stage.get(&format!("/{id}")).await
        ));
    }
    Ok(())
}

/// Whether its effect shows now, and the value that tells.
async fn shows(stage: &Stage, row: &Row, was: Option<f64>) -> (bool, Option<f64>) {
    match row.seen {
        Seen::Over(query, bound) => {
            let value = stage.ask(query).await;
            (value.is_some_and(|value| value > bound), value)
        }
        Seen::Under(query, bound) => {
            let value = stage.ask(query).await;
            (value.is_some_and(|value| value < bound), value)
        }
        // without a value from before there is nothing to compare with
        Seen::Times(query, factor) => {
            let value = stage.ask(query).await;
            let grown = was
                .zip(value)
                .is_some_and(|(was, value)| value > was * factor);
            (grown, value)
        }
        Seen::Counts(query) => {
            let value = stage.ask(query).await;
            let grown = was.zip(value).is_some_and(|(was, value)| value > was);
            (grown, value)
        }
        Seen::Logs(query, ahead_ms, bound) => {
            let value = stage.ask_logs(query, ahead_ms).await;
            (value.is_some_and(|value| value > bound), value)
        }
        Seen::State(service, state) => {
            let found = stage.state_of(service, state);
            (found, None)
        }
        Seen::Restarts(service) => {
            let restarts = f64::from(stage.restarts(service));
            (was.is_some_and(|was| restarts > was), Some(restarts))
        }
        Seen::Close(link) => {
            let took = stage.time_to_close(link).await;
            (took > 0.8, Some(took))
        }
    }
}

macro_rules! families {
    ($($name:ident: $family:literal),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            hold($family).await;
        }
    )*

        #[test]
        fn no_family_is_forgotten() {
            let mut proven = vec![$($family),*];
            // no harm to show
            proven.push("none");
            proven.sort_unstable();
            let mut all: Vec<_> = scenarios::vocabulary::FAMILIES.iter().map(|one| one.id).collect();
            all.sort_unstable();
            assert_eq!(proven, all);
        }
    };
}

families! {
    network_shows_and_heals: "network",
    http_shows_and_heals: "http",
    dependency_shows_and_heals: "dependency",
    concurrency_shows_and_heals: "concurrency",
    data_shows_and_heals: "data",
    data_access_shows_and_heals: "data-access",
    resource_shows_and_heals: "resource",
    process_shows_and_heals: "process",
    change_shows_and_heals: "change",
}
