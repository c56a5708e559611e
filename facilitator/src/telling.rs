//! Journal entries in words, for timelines: which lane each belongs to, and one line of text. An alert that flaps is told
//! once.

use std::collections::BTreeMap;

use api::TimelineEntry;
use simulator::journal::{Entry, Event};

use crate::score::words::{time_of_day, trimmed};

/// From so many firings on an alert is told in one line: fewer are read at a glance.
const FLAPS: usize = 3;

/// The timeline of a journal, in its order. What an alert does that fires again and again stands in one line, where it first
/// did anything.
pub(crate) fn timeline(entries: &[Entry]) -> Vec<TimelineEntry> {
    let mut alerts: BTreeMap<(&str, Option<&str>), Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        if let Some(key) = alert(&entry.event) {
            alerts.entry(key).or_default().push(entry);
        }
    }
    alerts.retain(|_, all| firings(all).count() >= FLAPS);
    let told = |entry: &Entry| {
        let (lane, text) = match alert(&entry.event).and_then(|key| alerts.get(&key)) {
            Some(all) if all[0].seq != entry.seq => return None,
            Some(all) => ("alert", flapping(all)?),
            None => tell(&entry.event)?,
        };
        Some(TimelineEntry {
            at_ms: entry.at_ms,
            lane: lane.to_owned(),
            text,
        })
    };
    entries.iter().filter_map(told).collect()
}

/// Which alert an event is about: name and service.
fn alert(event: &Event) -> Option<(&str, Option<&str>)> {
    match event {
        Event::Alert { name, service, .. } => Some((name, service.as_deref())),
        _ => None,
    }
}

/// Times and values of the firings among an alert's entries.
fn firings<'a>(all: &'a [&Entry]) -> impl Iterator<Item = (i64, f64)> + 'a {
    all.iter().filter_map(|entry| match &entry.event {
        Event::Alert { state, value, .. } if state == "firing" => Some((entry.at_ms, *value)),
        _ => None,
    })
}

/// All entries of one alert in one line: how often it fired, when, how far it went, how it stood at last.
fn flapping(all: &[&Entry]) -> Option<String> {
    let Event::Alert {
        name,
        service,
        state,
        ..
    } = &all.last()?.event
    else {
        return None;
    };
    let (first, _) = firings(all).next()?;
    let (last, _) = firings(all).last()?;
    let values = || firings(all).map(|(_, value)| value);
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    Some(format!(
        "{name}{} fired {} times, {} to {}, at {} to {}; {state} at last",
        of(service.as_ref()),
        firings(all).count(),
        time_of_day(first),
        time_of_day(last),
        trimmed(low),
        trimmed(high),
    ))
}

/// The service that an alert is about, in brackets behind its name.
fn of(service: Option<&String>) -> String {
    service.map_or_else(String::new, |s| format!(" ({s})"))
}

/// Lane (`truth`, `trainee`, `alert`, `system`) and text; none for what a timeline does not show (a
/// screen that was opened, a figure that was measured).
pub(crate) fn tell(event: &Event) -> Option<(&'static str, String)> {
    Some(match event {
        Event::Timeline { says, role, .. } => (
            if role == "system" { "system" } else { "truth" },
            says.clone(),
        ),
        Event::Chaos { what, by, why, .. } => ("chaos", format!("{what}, by {by}: {why}")),
        Event::ChaosEnded {
            what,
            how,
            flows_again,
            seen,
            ..
        } => (
            "chaos",
            if *flows_again == Some(false) {
                format!("{what} ended: {how}; traffic does not flow again: {seen}")
            } else {
                format!("{what} ended: {how}")
            },
        ),
        Event::Alert {
            name,
            state,
            service,
            value,
        } => (
            "alert",
            match state.as_str() {
                // its value is the last one over the bound, not the one that it came back to
                "resolved" => format!("{name}{} is resolved", of(service.as_ref())),
                _ => format!(
                    "{name}{} is {state} at {}",
                    of(service.as_ref()),
                    trimmed(*value)
                ),
            },
        ),
        Event::PageFired { alert, value, .. } => {
            ("alert", format!("the page: {alert} at {}", trimmed(*value)))
        }
        Event::ServiceExit {
            service,
            instance,
            reason,
            expected,
        } => (
            "system",
            format!(
                "{service} ({instance}) left{}: {reason}",
                if *expected { "" } else { " by itself" }
            ),
        ),
        Event::Phase { phase } => ("system", format!("phase {phase}")),
        Event::Paused => ("system", "paused".to_owned()),
        Event::Resumed => ("system", "resumed".to_owned()),
        Event::Adjusted { points, by, why } => (
            "system",
            format!("score adjusted by {points}, by {by}: {why}"),
        ),
        Event::Finished { how } => ("system", format!("the drill ended: {how}")),
        Event::Started { .. } | Event::View { .. } | Event::Kpi { .. } | Event::Chart { .. } => {
            return None;
        }
        other => ("trainee", trainee(other)?),
    })
}

fn trainee(event: &Event) -> Option<String> {
    Some(match event {
        Event::Acknowledged => "acknowledged the page".to_owned(),
        Event::Query {
            text, rows, error, ..
        } => match error {
            None => format!("asked {text} ({rows} rows)"),
            Some(error) => format!("asked {text} ({error})"),
        },
        Event::PinAdded { pin, text, .. } => format!("pinned #{pin}: {text}"),
        Event::PinNoted { pin, note } => format!("said of pin #{pin}: {note}"),
        Event::PinRemoved { pin } => format!("took back pin #{pin}"),
        Event::HypothesisOpened { text, .. } => format!("suspected: {text}"),
        Event::HypothesisChanged {
            hypothesis, state, ..
        } => format!(
            "hypothesis {hypothesis} is {}",
            format!("{state:?}").to_lowercase()
        ),
        Event::Hint { number, cost_min } => {
            format!("took hint {number}, {} min", trimmed(*cost_min))
        }
        Event::Diagnosis {
            component,
            mechanism,
            trigger,
            scope,
            confidence,
            right,
            ..
        } => format!(
            "diagnosed {mechanism} in {component}, trigger {trigger}, scope {scope}, confidence {}: {}",
            trimmed(*confidence),
            if *right { "right" } else { "wrong" }
        ),
        Event::Proof { passed, invariants } => format!(
            "stress test: {} of {} invariants hold, {}",
            invariants.iter().filter(|result| result.holds).count(),
            invariants.len(),
            if *passed { "proven" } else { "not proven" }
        ),
        Event::StatusUpdate { text } => format!("told stakeholders: {text}"),
        Event::Note { text } => format!("noted: {text}"),
        Event::Learning { .. } => "wrote the Five Whys".to_owned(),
        Event::AiConsulted { about } => format!("consulted an AI: {about}"),
        other => return acted(other),
    })
}

/// What was done to the shop, or asked of it.
fn acted(event: &Event) -> Option<String> {
    Some(match event {
        Event::Action {
            remedy,
            undo,
            done,
            message,
        } => format!(
            "{} {remedy}{}: {message}",
            if *undo { "took back" } else { "applied" },
            if *done { "" } else { " (failed)" }
        ),
        Event::Rollout {
            strategy,
            step,
            passed,
            figures,
            ..
        } => format!(
            "{strategy} rollout, {step}: {}, {figures}",
            if *passed { "passed" } else { "failed" }
        ),
        Event::Request {
            service,
            method,
            path,
            status,
            duration_ms,
            ..
        } => format!(
            "asked {service} itself: {method} {path}, {} in {duration_ms:.0} ms",
            status.map_or_else(|| "no answer".to_owned(), |status| status.to_string())
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::{PAGE_MS, Pen};

    fn alert(state: &str, value: f64) -> Event {
        Event::Alert {
            name: "CheckoutSlow".to_owned(),
            state: state.to_owned(),
            service: Some("checkout".to_owned()),
            value,
        }
    }

    fn told(times: i64) -> Vec<String> {
        let mut pen = Pen::paged();
        for i in 0..times {
            pen.at(10 + i * 20, alert("firing", 2.0 + i as f64));
            pen.at(20 + i * 20, alert("resolved", 2.0 + i as f64));
        }
        let lines = timeline(&pen.entries).into_iter();
        let alerts = lines.filter(|e| e.lane == "alert" && e.at_ms > PAGE_MS);
        alerts.map(|e| e.text).collect()
    }

    #[test]
    fn an_alert_that_flaps_is_told_once() {
        assert_eq!(
            told(30),
            [
                "CheckoutSlow (checkout) fired 30 times, 03:00:10 to 03:09:50, at 2 to 31; resolved at last"
            ]
        );
    }

    #[test]
    fn an_alert_that_fires_twice_is_told_each_time_and_resolved_without_a_value() {
        assert_eq!(
            told(2),
            [
                "CheckoutSlow (checkout) is firing at 2",
                "CheckoutSlow (checkout) is resolved",
                "CheckoutSlow (checkout) is firing at 3",
                "CheckoutSlow (checkout) is resolved",
            ]
        );
    }
}
