//! Configuration and secrets: values as they are written, from the environment, or given on the command line.

use serde_json::{Map, Value, json};

use super::Problem;

/// Values given from outside, which count more than what the experiment says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vars(Map<String, Value>);

/// What is wrong with `KEY[:TYPE]=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VarsError(String);

impl Vars {
    /// Reads `KEY=VALUE` and `KEY:TYPE=VALUE`, type one of str, int, float, bool, json and bytes (which is text here).
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn parse<S: AsRef<str>>(pairs: &[S]) -> Result<Self, VarsError> {
        let mut vars = Map::new();
        for pair in pairs {
            let pair = pair.as_ref();
            let (name, text) = pair
                .split_once('=')
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| {
                    VarsError(format!(
                        "`{pair}` needs to be in the format name[:type]=value"
                    ))
                })?;
            let (name, kind) = match name.rsplit_once(':') {
                Some((name, kind)) => (name, Some(kind)),
                None => (name, None),
            };
            let value = cast(kind, text).map_err(|why| VarsError(format!("`{pair}`: {why}")))?;
            vars.insert(name.to_owned(), value);
        }
        Ok(Self(vars))
    }
}

/// A text as a value of a type.
fn cast(kind: Option<&str>, text: &str) -> Result<Value, String> {
    let no = |what: &str| format!("`{text}` is no {what}");
    match kind {
        None | Some("str" | "string" | "bytes") => Ok(json!(text)),
        Some("int" | "integer") => text
            .trim()
            .parse::<i64>()
            .map(|number| json!(number))
            .map_err(|_| no("whole number")),
        Some("float" | "number") => text
            .trim()
            .parse::<f64>()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map(Value::Number)
            .ok_or_else(|| no("number")),
        Some("bool") => Ok(json!(!matches!(
            text.to_lowercase().as_str(),
            "false" | "0" | "no"
        ))),
        Some("json") if text.is_empty() => Ok(json!("")),
        Some("json") => serde_json::from_str(text).map_err(|error| no(&format!("JSON ({error})"))),
        Some(other) => Err(format!(
            "there is no type `{other}`; there are str, int, float, bool, json and bytes"
        )),
    }
}

/// Configuration and secrets with all values known; those of `type: probe` stay as they are written, until a run begins.
///
/// # Errors
/// Everything that cannot be had.
#[allow(
    clippy::type_complexity,
    reason = "two maps that are taken apart at once"
)]
pub(super) fn load(
    experiment: &Map<String, Value>,
    vars: &Vars,
) -> Result<(Map<String, Value>, Map<String, Value>), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut configuration = Map::new();
    let section = |name: &str, problems: &mut Vec<Problem>| match experiment.get(name) {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => {
            problems.push(Problem {
                place: name.to_owned(),
                message: "it must be a mapping".to_owned(),
            });
            Map::new()
        }
    };
    for (name, written) in section("configuration", &mut problems) {
        let written = vars.0.get(&name).unwrap_or(&written);
        match configured(written) {
            Ok(value) => {
                configuration.insert(name, value);
            }
            Err(message) => problems.push(Problem {
                place: format!("configuration.{name}"),
                message,
            }),
        }
    }
    for (name, value) in &vars.0 {
        configuration
            .entry(name.clone())
            .or_insert_with(|| value.clone());
    }
    let written = section("secrets", &mut problems);
    let secrets = secrets(&written, "secrets", &mut problems);
    if problems.is_empty() {
        Ok((configuration, secrets))
    } else {
        Err(problems)
    }
}

/// The value of what is written for a name of the configuration.
fn configured(written: &Value) -> Result<Value, String> {
    if written.get("type") != Some(&json!("env")) {
        return Ok(written.clone());
    }
    let key = written.get("key").and_then(Value::as_str);
    let key = key.ok_or("an environment variable is named by `key`")?;
    let kind = written.get("env_var_type").and_then(Value::as_str);
    match (std::env::var(key), written.get("default")) {
        (Ok(text), _) => cast(kind, &text),
        (Err(_), Some(Value::String(text))) => cast(kind, text),
        (Err(_), Some(default)) => Ok(default.clone()),
        (Err(_), None) => Err(format!(
            "Configuration makes reference to an environment key that does not exist: {key}"
        )),
    }
}

fn secrets(
    written: &Map<String, Value>,
    place: &str,
    problems: &mut Vec<Problem>,
) -> Map<String, Value> {
    let mut known = Map::new();
    for (name, value) in written {
        let place = format!("{place}.{name}");
        let mut problem = |message: String| {
            problems.push(Problem {
                place: place.clone(),
                message,
            });
        };
        let Value::Object(inner) = value else {
            known.insert(name.clone(), value.clone());
            continue;
        };
        match inner.get("type").and_then(Value::as_str) {
            Some("env") => match inner.get("key").and_then(Value::as_str) {
                None => problem("an environment variable is named by `key`".to_owned()),
                Some(key) => match std::env::var(key) {
                    Ok(text) => {
                        known.insert(name.clone(), json!(text));
                    }
                    Err(_) => problem(format!(
                        "Secrets make reference to an environment key that does not exist: {key}"
                    )),
                },
            },
            Some(store @ "vault") => problem(format!(
                "secrets of type `{store}` cannot be read here: hand them over in the environment (`type: env`)"
            )),
            _ => {
                let group = secrets(inner, &place, problems);
                known.insert(name.clone(), Value::Object(group));
            }
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_values_have_types() {
        let vars = Vars::parse(&[
            "a=b=c",
            "n:int=7",
            "f:float=1.5",
            "t:bool=no",
            "j:json=[1]",
            "u:bytes=x",
        ]);
        let wanted = json!({"a": "b=c", "n": 7, "f": 1.5, "t": false, "j": [1], "u": "x"});
        assert_eq!(Value::Object(vars.unwrap().0), wanted);
        for wrong in ["a", "=b", "n:int=x", "n:date=1", "f:float=nan", "j:json={"] {
            let said = Vars::parse(&[wrong]).unwrap_err().to_string();
            assert!(said.contains(wrong), "{said}");
        }
    }

    fn loaded(experiment: &Value, vars: &[&str]) -> Result<(Value, Value), String> {
        load(experiment.as_object().unwrap(), &Vars::parse(vars).unwrap())
            .map(|(configuration, secrets)| (Value::Object(configuration), Value::Object(secrets)))
            .map_err(|problems| {
                problems
                    .iter()
                    .map(|p| format!("{p}\n"))
                    .collect::<String>()
            })
    }

    #[test]
    fn values_come_from_the_file_the_environment_and_the_command_line() {
        // cargo sets it for every test
        let experiment = json!({
            "configuration": {
                "plain": "x", "list": [1], "object": {"a": 1},
                "name": {"type": "env", "key": "CARGO_PKG_NAME"},
                "major": {"type": "env", "key": "CARGO_PKG_VERSION_MAJOR", "env_var_type": "int"},
                "absent": {"type": "env", "key": "DRILL_NO_SUCH", "default": "5", "env_var_type": "int"},
                "given": {"type": "env", "key": "DRILL_NO_SUCH"}
            },
            "secrets": {"k8s": {"user": {"type": "env", "key": "CARGO_PKG_NAME"}, "plain": "p"}}
        });
        let (configuration, secrets) =
            loaded(&experiment, &["given=g", "plain=y", "new:int=1"]).unwrap();
        let major: i64 = env!("CARGO_PKG_VERSION_MAJOR").parse().unwrap();
        assert_eq!(
            configuration,
            json!({
                "plain": "y", "list": [1], "object": {"a": 1}, "name": "simulator", "major": major,
                "absent": 5, "given": "g", "new": 1
            })
        );
        assert_eq!(secrets, json!({"k8s": {"user": "simulator", "plain": "p"}}));
    }

    #[test]
    fn what_cannot_be_had_is_told_all_at_once_with_its_place() {
        let said = loaded(
            &json!({
                "configuration": {"a": {"type": "env", "key": "DRILL_NO_SUCH"}, "b": {"type": "env"},
                    "c": {"type": "env", "key": "CARGO_PKG_NAME", "env_var_type": "int"}},
                "secrets": {"g": {"v": {"type": "vault", "path": "x"}, "e": {"type": "env", "key": "DRILL_NO_SUCH"}}}
            }),
            &[],
        )
        .unwrap_err();
        for part in [
            "configuration.a: Configuration makes reference to an environment key that does not exist: DRILL_NO_SUCH",
            "configuration.b: ",
            "configuration.c: `simulator` is no whole number",
            "secrets.g.v: secrets of type `vault`",
            "secrets.g.e: Secrets make reference",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert!(loaded(&json!({"configuration": [1]}), &[]).is_err());
    }
}
