//! Checks of the frame: name, level, times, services, load, database, history, brief, page.

use std::collections::BTreeSet;

use super::Findings;
use crate::{
    level::LEVELS,
    scenario::{LevelChange, Load, Scenario},
    span::Span,
};

/// Shortest history: nobody can investigate without a "before".
const SHORTEST_HISTORY: Span = Span::from_millis(15 * 60_000);
/// Longest history; more takes longer to make than a trainee waits.
const LONGEST_HISTORY: Span = Span::from_millis(60 * 60_000);
/// Fastest clock; services cannot be loaded faster without saturating.
const FASTEST: f64 = 200.0;
/// Longest lead-in: it passes at wall speed before the page.
const LONGEST_LEAD_IN: Span = Span::from_millis(60_000);
/// Longest time to the page after 03:00:00.
const LATEST_PAGE: Span = Span::from_millis(5 * 60_000);
/// Most journeys per second that one laptop's lab can carry.
pub(super) const MOST_JOURNEYS_PER_S: f64 = 500.0;
/// Memory limits, MiB: a service needs some 12 to live, and a lab must fit a laptop.
const MEMORY_MIB: (f64, f64) = (16.0, 4_096.0);

pub(super) fn check(scenario: &Scenario, file: &str, findings: &mut Findings<'_>) {
    name(scenario, file, findings);
    times(scenario, findings);
    services(scenario, findings);
    load(&scenario.load, findings);
    findings.within(
        &["database".into(), "round_trip_ms".into()],
        "the round trip",
        scenario.database.round_trip_ms,
        0.0,
        1_000.0,
    );
    for (field, text) in [
        ("situation", &scenario.brief.situation),
        ("normal", &scenario.brief.normal),
    ] {
        findings.text(&["brief".into(), field.into()], field, text);
    }
    findings.text(
        &["page".into(), "title".into()],
        "the title",
        &scenario.page.title,
    );
    for (level, change) in &scenario.difficulty {
        difficulty(*level, change, findings);
    }
}

fn name(scenario: &Scenario, file: &str, findings: &mut Findings<'_>) {
    if !super::is_id(&scenario.slug) {
        findings.say(
            &["slug".into()],
            format!("`{}` is no slug", scenario.slug),
            "write lower-case letters, digits and hyphens",
        );
    }
    let stem = std::path::Path::new(file)
        .file_stem()
        .and_then(|stem| stem.to_str());
    if stem.is_some_and(|stem| stem != scenario.slug) {
        findings.say(
            &["slug".into()],
            format!("the slug is `{}`, the file is {file}", scenario.slug),
            "name the file after the slug",
        );
    }
    if !LEVELS.contains(&scenario.level) {
        findings.say(
            &["level".into()],
            format!("there is no level {}", scenario.level),
            "1 intern, 2 junior, 3 senior, 4 staff",
        );
    }
    for (key, text) in [("title", &scenario.title), ("summary", &scenario.summary)] {
        findings.text(&[key.into()], key, text);
    }
}

fn times(scenario: &Scenario, findings: &mut Findings<'_>) {
    let zero = Span::default();
    if scenario.par <= zero || scenario.par >= scenario.limit {
        findings.say(
            &["par".into()],
            format!("par is {}, the limit {}", scenario.par, scenario.limit),
            "par is above zero and below the limit",
        );
    }
    let history = &scenario.history;
    let mut span = |path: [&str; 2], what: &str, span: Span, low: Span, high: Span| {
        if span < low || span > high {
            findings.say(
                &path.map(Into::into),
                format!("{what} is {span}, which is not within {low} to {high}"),
                format!("write a span from {low} to {high}"),
            );
        }
    };
    span(
        ["history", "span"],
        "the history",
        history.span,
        SHORTEST_HISTORY,
        LONGEST_HISTORY,
    );
    span(
        ["history", "lead_in"],
        "the lead-in",
        history.lead_in,
        zero,
        LONGEST_LEAD_IN,
    );
    span(
        ["page", "within"],
        "the page's bound",
        scenario.page.within,
        Span::from_millis(1_000),
        LATEST_PAGE,
    );
    findings.within(
        &["history".into(), "speed".into()],
        "the speed",
        history.speed,
        1.0,
        FASTEST,
    );
}

fn services(scenario: &Scenario, findings: &mut Findings<'_>) {
    let mut seen = BTreeSet::new();
    for (index, spec) in scenario.services.iter().enumerate() {
        let path = |field| ["services".into(), index.into(), field];
        if !seen.insert(spec.service) {
            findings.say(
                &path("service".into()),
                format!("{} is listed twice", spec.service),
                "list each service once; `scale` runs several instances",
            );
        }
        #[allow(clippy::cast_precision_loss)] // a few thousand at most
        findings.within(
            &path("memory_mib".into()),
            "the memory limit",
            spec.memory_mib as f64,
            MEMORY_MIB.0,
            MEMORY_MIB.1,
        );
        findings.within(
            &path("threads".into()),
            "the number of threads",
            f64::from(spec.threads),
            1.0,
            16.0,
        );
        findings.text(&path("version".into()), "the version", &spec.version);
    }
    if !seen.contains(&crate::shop::Role::Storefront) {
        findings.say_of(
            &["services".into()],
            "there is no storefront, where the load enters",
            "add `- { service: storefront, version: … }`",
        );
    }
    for (index, spec) in scenario.services.iter().enumerate() {
        for called in spec.service.calls() {
            if !seen.contains(called) {
                findings.say(
                    &["services".into(), index.into()],
                    format!("{} calls {called}, which is not started", spec.service),
                    format!("add `- {{ service: {called}, version: … }}`"),
                );
            }
        }
    }
}

fn load(load: &Load, findings: &mut Findings<'_>) {
    findings.within(
        &["load".into(), "journeys_per_s".into()],
        "the rate",
        load.journeys_per_s,
        0.01,
        MOST_JOURNEYS_PER_S,
    );
    for (field, share) in [
        ("checkout_share", load.checkout_share),
        ("history_share", load.history_share),
        ("bundle_share", load.bundle_share),
        ("long_time_share", load.long_time_share),
    ] {
        findings.within(&["load".into(), field.into()], "the share", share, 0.0, 1.0);
    }
    if load.think < Span::default() {
        findings.say(
            &["load".into(), "think".into()],
            "nobody thinks for less than no time",
            "write 0s or more",
        );
    }
}

fn difficulty(level: u8, change: &LevelChange, findings: &mut Findings<'_>) {
    if !LEVELS.contains(&level) {
        findings.say_of(
            &["difficulty".into()],
            format!("there is no level {level}"),
            "1 intern, 2 junior, 3 senior, 4 staff",
        );
    }
    let key = level.to_string();
    for (field, percent) in [
        ("hint_cost_percent", change.hint_cost_percent),
        ("trace_percent", change.trace_percent),
    ] {
        findings.within(
            &["difficulty".into(), key.as_str().into(), field.into()],
            "the percentage",
            f64::from(percent.unwrap_or(0)),
            0.0,
            100.0,
        );
    }
}
