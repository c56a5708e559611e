//! Checks of the alert rules that a scenario names: the files are there and are YAML, no alert has
//! two rules, the page's alert is one of them. Their expressions are the alert engine's business.

use super::Findings;
use crate::{
    load::tree::{Node, Value},
    scenario::Scenario,
    source::Source,
};

/// Names of all alerts in the scenario's rule files.
pub(super) fn check(
    scenario: &Scenario,
    source: &Source,
    findings: &mut Findings<'_>,
) -> Vec<String> {
    let mut alerts: Vec<String> = Vec::new();
    for (index, name) in scenario.rules.iter().enumerate() {
        let path = ["rules".into(), index.into()];
        let Some(text) = source.rules.get(name) else {
            findings.refer(
                &path,
                "rule file",
                name,
                source.rules.keys().map(String::as_str),
            );
            continue;
        };
        let tree = match Node::parse(text) {
            Ok(tree) => tree,
            Err(error) => {
                let line = text[..error.at.min(text.len())].matches('\n').count() + 1;
                findings.say(
                    &path,
                    format!("{name} is not YAML: {} (line {line})", error.message),
                    "correct the rule file",
                );
                continue;
            }
        };
        for alert in alerts_of(&tree) {
            if alerts.contains(&alert) {
                findings.say(
                    &path,
                    format!("the alert `{alert}` of {name} has a rule already"),
                    "name each alert once over all rule files of a scenario",
                );
            }
            alerts.push(alert);
        }
    }
    findings.refer(
        &["page".into(), "alert".into()],
        "alert rule",
        &scenario.page.alert,
        alerts.iter().map(String::as_str),
    );
    alerts
}

fn alerts_of(tree: &Node) -> Vec<String> {
    let items = |node: Option<&Node>| match node.map(|node| &node.value) {
        Some(Value::Sequence(items)) => items.clone(),
        _ => Vec::new(),
    };
    items(tree.step("groups".into()))
        .iter()
        .flat_map(|group| items(group.step("rules".into())))
        .filter_map(|rule| Some(rule.step("alert".into())?.scalar()?.to_owned()))
        .collect()
}
