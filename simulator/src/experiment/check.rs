//! Whether an experiment can be run: everything that is wrong at once, each with its place, and what is passed over. Keys that
//! nobody knows are allowed, as they are by the Toolkit.

use serde_json::{Map, Value};

use super::{
    Problem,
    activity::named,
    configuration,
    configuration::Vars,
    http, process,
    run::{HypothesisStrategy, RollbackStrategy},
    tolerance, toxiproxy, values,
};

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// What keeps it from being run.
    pub problems: Vec<Problem>,
    /// What is passed over, or may surprise.
    pub notices: Vec<Problem>,
}

impl Findings {
    fn problem(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem {
            place: place.into(),
            message: message.into(),
        });
    }

    fn notice(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.notices.push(Problem {
            place: place.into(),
            message: message.into(),
        });
    }
}

pub(super) fn check(experiment: &Map<String, Value>, vars: &Vars) -> Findings {
    let mut found = Findings::default();
    for key in ["title", "description"] {
        match experiment.get(key) {
            Some(Value::String(text)) if !text.is_empty() => {}
            None | Some(Value::Null | Value::String(_)) => {
                found.problem(key, format!("experiment requires a {key}"));
            }
            Some(_) => found.problem(key, format!("the {key} must be a text")),
        }
    }
    match experiment.get("tags") {
        None | Some(Value::Null) => {}
        Some(Value::Array(tags)) => {
            for (k, tag) in tags.iter().enumerate() {
                if tag.as_str().is_none_or(str::is_empty) {
                    found.problem(
                        format!("tags[{k}]"),
                        "experiment tags must be a non-empty string",
                    );
                }
            }
        }
        Some(_) => found.problem("tags", "tags are a list"),
    }
    passed_over(experiment, "", &mut found);
    strategies(experiment, &mut found);
    let whole = Whole { experiment };
    hypothesis(&whole, &mut found);
    match experiment.get("method") {
        None | Some(Value::Null) => found.problem(
            "method",
            "an experiment requires a method, which can be empty for only checking steady state hypothesis",
        ),
        Some(Value::Array(_)) => {}
        Some(_) => found.problem("method", "the method is a list of activities"),
    }
    match experiment.get("rollbacks") {
        None | Some(Value::Null | Value::Array(_)) => {}
        Some(_) => found.problem("rollbacks", "rollbacks are a list of activities"),
    }
    for list in ["method", "rollbacks"] {
        for (k, activity) in each(experiment.get(list)).enumerate() {
            whole.activity(activity, &format!("{list}[{k}]"), &mut found);
        }
    }
    match configuration::load(experiment, vars) {
        Err(problems) => found.problems.extend(problems),
        Ok((configuration, _)) => {
            for (name, value) in &configuration {
                if value.get("type").and_then(Value::as_str) == Some("probe") {
                    whole.activity(value, &format!("configuration.{name}"), &mut found);
                }
            }
            if uses_toxiproxy(experiment)
                && let Err(message) = toxiproxy::base(&configuration)
            {
                found.problem("configuration", message);
            }
        }
    }
    found
}

fn each(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

/// Notices of what is there and has no effect.
fn passed_over(map: &Map<String, Value>, place: &str, found: &mut Findings) {
    let at = |key: &str| {
        if place.is_empty() {
            key.to_owned()
        } else {
            format!("{place}.{key}")
        }
    };
    if map.get("controls").is_some_and(values::truth) {
        found.notice(
            at("controls"),
            "controls are Python, which is not run here: ignored",
        );
    }
    if map.get("extensions").is_some_and(values::truth) {
        found.notice(at("extensions"), "extensions are ignored");
        for (k, extension) in each(map.get("extensions")).enumerate() {
            let name = extension.get("name").and_then(Value::as_str);
            if name.is_none_or(|name| name.trim().is_empty()) {
                found.problem(
                    format!("extensions[{k}]"),
                    "All extensions require a non-empty name",
                );
            }
        }
    }
}

/// The strategies that an experiment may name itself.
fn strategies(experiment: &Map<String, Value>, found: &mut Findings) {
    let named = |part: &str| experiment.get("runtime")?.get(part)?.get("strategy");
    if let Some(name) = named("rollbacks")
        && name.as_str().and_then(RollbackStrategy::named).is_none()
    {
        let message = format!("{name} is none of default, always, never, deviated");
        found.problem("runtime.rollbacks.strategy", message);
    }
    if let Some(name) = named("hypothesis")
        && name.as_str().and_then(HypothesisStrategy::named).is_none()
    {
        found.problem(
            "runtime.hypothesis.strategy",
            format!(
                "{name} is none of default, before-method-only, after-method-only, during-method-only, continuously, skip"
            ),
        );
    }
}

fn hypothesis(whole: &Whole<'_>, found: &mut Findings) {
    const PLACE: &str = "steady-state-hypothesis";
    let map = match whole.experiment.get(PLACE) {
        None | Some(Value::Null) => return,
        Some(Value::Object(map)) => map,
        Some(_) => return found.problem(PLACE, "the hypothesis is a mapping of title and probes"),
    };
    if map.get("title").is_none_or(|title| !values::truth(title)) {
        found.problem(format!("{PLACE}.title"), "hypothesis requires a title");
    }
    passed_over(map, PLACE, found);
    if map
        .get("probes")
        .is_some_and(|probes| values::truth(probes) && !probes.is_array())
    {
        found.problem(format!("{PLACE}.probes"), "probes are a list");
    }
    for (k, probe) in each(map.get("probes")).enumerate() {
        let place = format!("{PLACE}.probes[{k}]");
        whole.activity(probe, &place, found);
        let at = format!("{place}.tolerance");
        match probe.get("tolerance") {
            None if probe.is_object() => {
                found.problem(&at, "hypothesis probe must have a tolerance entry");
            }
            None => {}
            Some(tolerance) => {
                tolerance::check(tolerance, &at, &mut found.problems);
                if tolerance.get("type").and_then(Value::as_str) == Some("probe") {
                    whole.probing(tolerance, &at, found);
                }
            }
        }
    }
}

/// Checks activities in the light of the whole experiment.
struct Whole<'a> {
    experiment: &'a Map<String, Value>,
}

impl Whole<'_> {
    fn activity(&self, activity: &Value, place: &str, found: &mut Findings) {
        let Some(map) = activity.as_object().filter(|map| !map.is_empty()) else {
            return found.problem(place, "empty activity is no activity");
        };
        if let Some(reference) = map.get("ref").filter(|reference| !reference.is_null()) {
            return self.reference(reference, place, found);
        }
        let text = |key: &str| {
            map.get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let kind = match map.get("type") {
            Some(Value::String(kind)) if matches!(kind.as_str(), "probe" | "action") => kind,
            Some(other) if values::truth(other) => {
                let kind = values::text(other);
                return found.problem(
                    format!("{place}.type"),
                    format!(
                        "'{kind}' is not a supported activity type; there are probe and action"
                    ),
                );
            }
            _ => {
                return found.problem(format!("{place}.type"), "an activity must have a type");
            }
        };
        let Some(name) = text("name") else {
            return found.problem(format!("{place}.name"), "an activity must have a name");
        };
        timing(map, place, found);
        passed_over(map, place, found);
        let Some(provider) = map
            .get("provider")
            .and_then(Value::as_object)
            .filter(|provider| !provider.is_empty())
        else {
            return found.problem(
                format!("{place}.provider"),
                "an activity requires a provider",
            );
        };
        let mut problems = Vec::new();
        let mut problem =
            |key: &str, message: String| problems.push(http::within(place, key, message));
        match provider.get("type").map(values::text).as_deref() {
            None | Some("" | "None") => problem("type", "a provider must have a type".to_owned()),
            Some("http") => http::check(provider, &mut problem),
            Some("process") => process::check(provider, name, &mut problem),
            Some("python") => toxiproxy::check(provider, (kind, name), &mut problem),
            Some(other) => problem(
                "type",
                format!("unknown provider type '{other}'; there are http, process and python"),
            ),
        }
        found.problems.append(&mut problems);
        provider_notices(provider, place, found);
    }

    fn reference(&self, reference: &Value, place: &str, found: &mut Findings) {
        let place = format!("{place}.ref");
        match reference.as_str() {
            None | Some("") => {
                found.problem(place, "reference to activity must be non-empty strings")
            }
            Some(name) => match named(self.experiment, name) {
                None => found.problem(
                    place,
                    format!("referenced activity '{name}' could not be found in the experiment"),
                ),
                Some(activity) if activity.get("ref").is_some() => found.problem(
                    place,
                    format!("referenced activity '{name}' is only a reference itself"),
                ),
                Some(_) => {}
            },
        }
    }

    /// A tolerance that is a probe.
    fn probing(&self, tolerance: &Value, place: &str, found: &mut Findings) {
        self.activity(tolerance, place, found);
        let provider = &tolerance["provider"];
        match provider["type"].as_str() {
            Some("python") => found.problem(
                format!("{place}.provider"),
                "a tolerance gets an argument `value`, which no function of the Toxiproxy extension takes",
            ),
            Some("http" | "process") => {
                if !matches!(
                    provider.get("arguments"),
                    None | Some(Value::Null | Value::Object(_))
                ) {
                    found.problem(
                        format!("{place}.provider.arguments"),
                        "the arguments of a probe that is a tolerance are a mapping, to which `value` is added",
                    );
                }
                found.notice(
                    place,
                    "an http or process probe as tolerance is met whenever there is an answer, whatever its status",
                );
            }
            _ => {}
        }
    }
}

fn timing(map: &Map<String, Value>, place: &str, found: &mut Findings) {
    if !matches!(map.get("background"), None | Some(Value::Bool(_))) {
        found.problem(
            format!("{place}.background"),
            "activity background must be a boolean",
        );
    }
    if !matches!(
        map.get("timeout"),
        None | Some(Value::Null | Value::Number(_))
    ) {
        found.problem(
            format!("{place}.timeout"),
            "activity timeout must be a number",
        );
    }
    match map.get("pauses") {
        None | Some(Value::Null) => {}
        Some(Value::Object(pauses)) => {
            for when in ["before", "after"] {
                let fine = match pauses.get(when) {
                    None | Some(Value::Null) => true,
                    Some(Value::String(text)) => text.starts_with("${") && text.ends_with('}'),
                    Some(other) => http::seconds(other).is_ok(),
                };
                if !fine {
                    found.problem(
                        format!("{place}.pauses.{when}"),
                        format!(
                            "activity {when} pause must be a number or a pattern to a variable from the configuration or secrets"
                        ),
                    );
                }
            }
        }
        Some(_) => found.problem(
            format!("{place}.pauses"),
            "pauses are a mapping of before and after",
        ),
    }
}

fn provider_notices(provider: &Map<String, Value>, place: &str, found: &mut Findings) {
    let kind = provider.get("type").and_then(Value::as_str);
    if kind == Some("process") && provider.get("arguments").is_some_and(Value::is_object) {
        found.notice(
            format!("{place}.provider.arguments"),
            "Process arguments should now be a list to keep the ordering of the arguments: those of a mapping are handed over in the order of their names",
        );
    }
    if kind == Some("http") && provider.contains_key("expected_status") {
        found.notice(
            format!("{place}.provider.expected_status"),
            "nobody reads it: say it as the tolerance of a probe",
        );
    }
}

fn uses_toxiproxy(experiment: &Map<String, Value>) -> bool {
    let probes = experiment
        .get("steady-state-hypothesis")
        .and_then(|hypothesis| hypothesis.get("probes"));
    [
        experiment.get("method"),
        experiment.get("rollbacks"),
        probes,
    ]
    .into_iter()
    .flat_map(each)
    .any(|activity| activity["provider"]["type"] == "python")
}
