//! The rules of a drill: the scenario's rule files, and the shop's objectives without their alerts.

use scenarios::{catalog, plan::Plan};
use telemetry::{alerts::FileError, metrics::Metrics, objectives};

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the scenario's alert rules cannot be used: {0}; `drill scenarios check` shows the place")]
pub struct RulesUnusable(#[from] FileError);

/// Loads the files of the plan and the objectives.
///
/// # Errors
/// When one is no rule file.
pub(super) fn load(metrics: &Metrics, plan: &Plan) -> Result<(), RulesUnusable> {
    let names = plan.scenario.rules.iter().map(String::as_str);
    let files = names.zip(plan.rules.iter().map(String::as_str));
    let objectives = objectives::read(catalog::OBJECTIVES).map_err(|problems| FileError {
        name: "catalog/objectives/shop.yaml".to_owned(),
        problems,
    })?;
    Ok(metrics.load_rules(files, vec![objectives])?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use scenarios::{catalog::Catalog, seed::Seed};
    use telemetry::{Telemetry, TelemetryConfig};

    use super::*;
    use crate::drill::time::LabTime;
    use simulator::clock::DrillClock;

    fn telemetry(plan: &Plan) -> Telemetry {
        let clock = DrillClock::new(DrillClock::last_page(), &plan.scenario.history);
        let time = Arc::new(LabTime::new(Arc::new(clock)));
        Telemetry::new(TelemetryConfig::default(), time)
    }

    #[test]
    fn every_scenario_has_its_rules_and_the_shop_s_objectives_but_none_of_their_alerts() {
        let catalog = Catalog::embedded();
        for slug in catalog.slugs() {
            let plan = catalog.plan(slug, Seed(7), None).unwrap();
            let metrics = telemetry(&plan).metrics;
            load(&metrics, &plan).unwrap();
            let rules = metrics.alerts().rules();
            let of_objectives = |group: &str| group.starts_with("slo-");
            assert!(
                rules.iter().any(|rule| rule.name == "ServiceDown"),
                "{slug}"
            );
            assert!(rules.iter().any(|rule| of_objectives(&rule.group)));
            let alerts = rules.iter().filter(|rule| rule.alerting);
            assert!(alerts.into_iter().all(|rule| !of_objectives(&rule.group)));
            assert_eq!(metrics.objectives()[0].objectives.len(), 4);
        }
    }

    #[test]
    fn a_file_that_is_no_rule_file_is_refused_with_its_name_and_place() {
        let mut plan = Catalog::embedded()
            .plan("quiet-night", Seed(7), None)
            .unwrap();
        let metrics = telemetry(&plan).metrics;
        plan.rules[1] = "groups:\n  - name: 5\n    rules: 7\n".to_owned();
        let error = load(&metrics, &plan).unwrap_err().to_string();
        assert!(error.contains("quiet-night.yaml: line 3"), "{error}");
    }
}
