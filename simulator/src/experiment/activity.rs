//! One activity: looked up where it is a reference, its pauses, its provider, its run in the journal.

use serde_json::{Map, Value};

use super::{
    http, journal::Runs, process, run::Dry, scene::Level, scene::Scene, toxiproxy, values,
};

/// The activity that a name stands for: one of the method or of the hypothesis, the latter first.
pub(super) fn named<'a>(experiment: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let list = |value: Option<&'a Value>| {
        let list = value.and_then(Value::as_array);
        list.into_iter().flatten()
    };
    let probes = experiment
        .get("steady-state-hypothesis")
        .and_then(|hypothesis| hypothesis.get("probes"));
    list(experiment.get("method"))
        .chain(list(probes))
        .rfind(|activity| activity.get("name").and_then(Value::as_str) == Some(name))
}

/// Executes an activity and answers with its place among the runs. What fails stands there.
pub(super) async fn execute(scene: &Scene<'_>, written: &Value, runs: &Runs) -> usize {
    let activity = match written.get("ref").and_then(Value::as_str) {
        None => written,
        Some(name) => match named(scene.experiment, name) {
            Some(activity) if activity.get("ref").is_none() => activity,
            _ => {
                let place = runs.begin(written);
                let why = format!("could not find referenced activity '{name}'");
                (scene.tell)(Level::Error, &format!("  => failed: {why}"));
                runs.end(place, Err(why));
                return place;
            }
        },
    };
    let text = |key: &str| activity.get(key).map(values::text).unwrap_or_default();
    let (kind, name) = (text("type"), text("name"));
    let dry = activity
        .get("dry")
        .and_then(Value::as_str)
        .and_then(Dry::named)
        .or(scene.options.dry);
    let passed_over = match dry {
        Some(Dry::Actions) => kind == "action",
        Some(Dry::Probes) => kind == "probe",
        Some(Dry::Activities) => true,
        Some(Dry::Pause) | None => false,
    };
    let pauses = activity.get("pauses").map(|pauses| scene.fill(pauses));
    let pause = async |when: &str, line: &str| {
        let pause = pauses.as_ref().and_then(|pauses| pauses.get(when));
        let Some(pause) = pause.filter(|pause| values::truth(pause)) else {
            return;
        };
        scene.info(&format!("{line} for {}s...", values::text(pause)));
        if passed_over || dry == Some(Dry::Pause) {
            return;
        }
        match http::seconds(pause) {
            Ok(time) => tokio::time::sleep(time).await,
            Err(why) => scene.warn(&format!("No pause: {why}")),
        }
    };
    pause("before", "Pausing before next activity").await;
    let background = activity.get("background") == Some(&Value::Bool(true));
    let place_of = if background { " [in background]" } else { "" };
    scene.info(&format!("{}: {name}{place_of}", titled(&kind)));
    let place = runs.begin(activity);
    let outcome = if passed_over {
        Ok(Value::Null)
    } else {
        provide(scene, activity).await
    };
    if let Err(why) = &outcome {
        (scene.tell)(Level::Error, &format!("  => failed: {why}"));
    }
    runs.end(place, outcome);
    pause("after", "Pausing after activity").await;
    place
}

/// What the provider of an activity gives.
pub(super) async fn provide(scene: &Scene<'_>, activity: &Value) -> Result<Value, String> {
    match activity["provider"]["type"].as_str() {
        Some("http") => http::run(scene, activity).await,
        Some("process") => process::run(scene, activity).await,
        Some("python") => toxiproxy::run(scene, activity).await,
        other => Err(format!("unknown provider type '{}'", other.unwrap_or(""))),
    }
}

fn titled(kind: &str) -> String {
    let (first, rest) = kind.split_at(kind.chars().next().map_or(0, char::len_utf8));
    first.to_uppercase() + rest
}
