//! The steady state: its probes in turn, until one fails or is outside of its tolerance.

use serde_json::{Map, Value, json};

use super::{
    activity::{execute, named, provide},
    journal::Runs,
    run::Dry,
    scene::Scene,
    tolerance, values,
};

/// Its probes; none when there are none.
pub(super) fn probes(experiment: &Map<String, Value>) -> Option<&[Value]> {
    let probes = experiment
        .get("steady-state-hypothesis")?
        .get("probes")?
        .as_array()?;
    (!probes.is_empty()).then_some(probes)
}

/// Looks once; answers with what the journal holds of it.
pub(super) async fn look(scene: &Scene<'_>, probes: &[Value]) -> Value {
    let title = &scene.experiment["steady-state-hypothesis"]["title"];
    scene.info(&format!("Steady state hypothesis: {}", values::text(title)));
    let runs = Runs::default();
    let mut met = true;
    for probe in probes {
        let place = execute(scene, probe, &runs).await;
        let Some(output) = runs.output(place) else {
            scene.warn("Probe terminated unexpectedly, so its tolerance could not be validated");
            runs.met(place, false);
            met = false;
            break;
        };
        let dry = matches!(scene.options.dry, Some(Dry::Probes | Dry::Activities));
        let within = if dry {
            Ok(())
        } else {
            within(scene, tolerance_of(scene, probe), output).await
        };
        runs.met(place, within.is_ok());
        if let Err(why) = within {
            scene.warn(&format!("  => {why}"));
            met = false;
            break;
        }
    }
    if met {
        scene.info("Steady state hypothesis is met!");
    }
    json!({ "steady_state_met": met, "probes": runs.close() })
}

/// A probe's own tolerance; that of what it refers to, where it has none.
fn tolerance_of<'a>(scene: &'a Scene<'_>, probe: &'a Value) -> &'a Value {
    let referred = || named(scene.experiment, probe.get("ref")?.as_str()?)?.get("tolerance");
    probe
        .get("tolerance")
        .or_else(referred)
        .unwrap_or(&Value::Null)
}

async fn within(scene: &Scene<'_>, written: &Value, output: Value) -> Result<(), String> {
    let mut filled = written.clone();
    match &mut filled {
        Value::String(_) => filled = scene.fill(written),
        Value::Object(map) if map.get("type") == Some(&json!("probe")) => {
            return probed(scene, written, output).await;
        }
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if matches!(key.as_str(), "pattern" | "path" | "expect") {
                    *value = scene.fill(value);
                }
            }
        }
        _ => {}
    }
    tolerance::within(&filled, &output)
}

/// A tolerance that is a probe: it gets the output as its argument `value`, and is met when what it gives counts as true.
async fn probed(scene: &Scene<'_>, written: &Value, output: Value) -> Result<(), String> {
    let mut probe = written.clone();
    let arguments = &mut probe["provider"]["arguments"];
    if arguments.is_null() {
        *arguments = json!({});
    }
    match arguments {
        Value::Object(map) => map.insert("value".to_owned(), output),
        _ => return Err("the arguments of a probe that is a tolerance are a mapping".to_owned()),
    };
    // its own failures are the answer
    probe["tolerance"] = json!(true);
    let given = provide(scene, &probe).await?;
    if values::truth(&given) {
        Ok(())
    } else {
        Err(format!("the tolerance's own probe gave {given}"))
    }
}
