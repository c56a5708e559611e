//! The alert rules of a scenario: several Prometheus rule files, loaded as one.

use serde_json::{Value, json};
use telemetry::alerts::Engine;

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the scenario's alert rules cannot be used: {0}; `drill scenarios check` shows the place")]
pub struct RulesUnusable(String);

/// Loads all files into the engine.
///
/// # Errors
/// When one is no rule file.
pub(super) fn load(engine: &Engine, files: &[String]) -> Result<(), RulesUnusable> {
    engine
        .load(&merged(files)?)
        .map_err(|error| RulesUnusable(error.to_string()))
}

/// All groups in one file; JSON, which is YAML too.
fn merged(files: &[String]) -> Result<String, RulesUnusable> {
    let mut groups = Vec::new();
    for file in files {
        let mut tree: Value =
            serde_saphyr::from_str(file).map_err(|error| RulesUnusable(error.to_string()))?;
        match tree["groups"].take() {
            Value::Array(more) => groups.extend(more),
            Value::Null => {}
            _ => return Err(RulesUnusable("`groups` is no list".to_owned())),
        }
    }
    Ok(json!({ "groups": groups }).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_all_files_are_one_list() {
        let file = |name: &str| format!("groups:\n  - name: {name}\n    rules: []\n");
        let text = merged(&[file("a"), file("b")]).unwrap();
        let tree: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(tree["groups"][1]["name"], "b");
    }

    #[test]
    fn a_file_that_is_no_yaml_is_refused() {
        assert!(merged(&["groups: [".to_owned()]).is_err());
        assert!(merged(&["groups: 7".to_owned()]).is_err());
    }
}
