//! Checks of effects, wherever they stand: on services and links that there are, with numbers that
//! the lab can carry out.

use super::{Findings, frame::MOST_JOURNEYS_PER_S};
use crate::{
    effect::{Effect, LoadChange},
    load::tree::Step,
    scenario::Scenario,
    setting::Setting,
    shop::Role,
    span::Span,
    vocabulary::{
        MechanismId,
        aim::{Aim, Link},
    },
};

/// Most instances of one service: more do not fit beside the others on a laptop.
const MOST_REPLICAS: u32 = 4;
/// Longest chaos on a link, so that it always ends.
const LONGEST_CHAOS: Span = Span::from_millis(10 * 60_000);

pub(super) fn check(
    effects: &[Effect],
    path: &[Step<'_>],
    scenario: &Scenario,
    alerts: &[String],
    findings: &mut Findings<'_>,
) {
    for (index, effect) in effects.iter().enumerate() {
        let at = |rest: &[Step<'static>]| [path, &["effects".into(), index.into()], rest].concat();
        one(effect, &at, scenario, alerts, findings);
    }
}

fn one<'a>(
    effect: &Effect,
    at: &impl Fn(&[Step<'static>]) -> Vec<Step<'a>>,
    scenario: &Scenario,
    alerts: &[String],
    findings: &mut Findings<'_>,
) {
    if let Some((kind, service)) = service_of(effect) {
        let path = at(&[kind.into(), "service".into()]);
        role(service, &path, scenario, findings);
    }
    match effect {
        Effect::Deploy { settings, .. } => {
            shares(
                settings,
                &at(&["deploy".into(), "settings".into()]),
                findings,
            );
        }
        Effect::Configure { settings, .. } => {
            let path = at(&["configure".into(), "settings".into()]);
            shares(settings, &path, findings);
            if settings.is_empty() {
                findings.say(
                    &path,
                    "no setting is changed",
                    "name at least one under `settings`",
                );
            }
        }
        Effect::Scale { replicas, .. } => findings.within(
            &at(&["scale".into(), "replicas".into()]),
            "the number of instances",
            f64::from(*replicas),
            1.0,
            f64::from(MOST_REPLICAS),
        ),
        Effect::Load(change) => load(change, &at(&["load".into()]), findings),
        Effect::TuneAlert { alert, expr, hold } => {
            let known = alerts.iter().map(String::as_str);
            let path = at(&["tune-alert".into(), "alert".into()]);
            findings.refer(&path, "alert rule", alert, known);
            if expr.is_none() && hold.is_none() {
                findings.say(
                    &at(&["tune-alert".into()]),
                    "nothing of the rule is changed",
                    "give it `expr`, `hold` or both",
                );
            }
        }
        Effect::Inject {
            mechanism,
            at: aim,
            values,
            lasting,
        } => {
            let path = at(&["inject".into()]);
            inject(*mechanism, *aim, &values.0, &path, scenario, findings);
            if let Some(lasting) = lasting {
                lasts(
                    *lasting,
                    &at(&["inject".into(), "lasting".into()]),
                    findings,
                );
            }
        }
        Effect::Restart { .. } => {}
    }
}

const fn service_of(effect: &Effect) -> Option<(&'static str, Role)> {
    match effect {
        Effect::Deploy { service, .. } => Some(("deploy", *service)),
        Effect::Configure { service, .. } => Some(("configure", *service)),
        Effect::Restart { service } => Some(("restart", *service)),
        Effect::Scale { service, .. } => Some(("scale", *service)),
        _ => None,
    }
}

fn role(role: Role, path: &[Step<'_>], scenario: &Scenario, findings: &mut Findings<'_>) {
    let known = scenario.services.iter().map(|spec| spec.service.name());
    findings.refer(path, "service in this scenario called", role.name(), known);
}

/// That a mechanism acts there with these values, on what this scenario runs.
fn inject(
    mechanism: MechanismId,
    aim: Aim,
    values: &serde_json::Map<String, serde_json::Value>,
    path: &[Step<'_>],
    scenario: &Scenario,
    findings: &mut Findings<'_>,
) {
    let mechanism = mechanism.mechanism();
    let field = |name: &'static str| [path, &[name.into()]].concat();
    let ends = match aim {
        Aim::Service(role) | Aim::Link(Link::Door(role) | Link::Database(role)) => vec![role],
        Aim::Link(Link::Call { from, to }) => vec![from, to],
        Aim::Load => Vec::new(),
    };
    for end in ends {
        role(end, &field("at"), scenario, findings);
    }
    let told = match mechanism.values(values) {
        Err(unfit) => Some((field("values"), unfit)),
        Ok(values) => mechanism
            .acts(aim, &values, 1.0)
            .err()
            .map(|unfit| (field("at"), unfit)),
    };
    if let Some((path, unfit)) = told {
        let remedy = format!("drill chaos list {} tells what it takes", mechanism.id);
        findings.say(&path, unfit.to_string(), remedy);
    }
}

fn lasts(lasting: Span, path: &[Step<'_>], findings: &mut Findings<'_>) {
    if lasting <= Span::default() || lasting > LONGEST_CHAOS {
        findings.say(
            path,
            format!("it cannot last {lasting}"),
            format!("write a span above zero, at most {LONGEST_CHAOS}"),
        );
    }
}

pub(super) fn load(change: &LoadChange, path: &[Step<'_>], findings: &mut Findings<'_>) {
    let fields = [
        ("journeys_per_s", change.journeys_per_s, MOST_JOURNEYS_PER_S),
        ("checkout_share", change.checkout_share, 1.0),
        ("history_share", change.history_share, 1.0),
        ("bundle_share", change.bundle_share, 1.0),
        ("long_time_share", change.long_time_share, 1.0),
    ];
    for (field, value, high) in fields {
        if let Some(value) = value {
            findings.within(&[path, &[field.into()]].concat(), field, value, 0.0, high);
        }
    }
    if fields.iter().all(|(_, value, _)| value.is_none()) {
        findings.say(
            path,
            "nothing of the load is changed",
            "name at least one figure",
        );
    }
}

/// Bounds of the settings that are shares; the services refuse the rest themselves.
pub(super) fn shares(settings: &[Setting], path: &[Step<'_>], findings: &mut Findings<'_>) {
    for (index, setting) in settings.iter().enumerate() {
        let (name, share) = match setting {
            Setting::LostAnswers(share) => ("lost-answers", *share),
            Setting::DelayedCharges { share, .. } => ("delayed-charges", *share),
            Setting::Report(report) => ("report", report.duty),
            Setting::Latency(latency) => {
                let at = [path, &[index.into(), "latency".into()]].concat();
                if !(latency.median_ms > 0.0 && latency.p99_ms >= latency.median_ms) {
                    findings.say(
                        &at,
                        "the 99th percentile is below the median, or the median not above zero",
                        "write for example { median_ms: 40, p99_ms: 120 }",
                    );
                }
                continue;
            }
            _ => continue,
        };
        let at = [path, &[index.into(), name.into()]].concat();
        findings.within(&at, "the share", share, 0.0, 1.0);
    }
}
