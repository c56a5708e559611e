//! Journal entries in words, for timelines: which lane each belongs to, and one line of text.

use simulator::journal::Event;

/// Lane (`truth`, `trainee`, `alert`, `system`) and text; none for what a timeline does not show (a
/// screen that was opened, a figure that was measured).
pub(crate) fn tell(event: &Event) -> Option<(&'static str, String)> {
    Some(match event {
        Event::Timeline { says, role, .. } => (
            if role == "system" { "system" } else { "truth" },
            says.clone(),
        ),
        Event::Chaos { what, by, why } => ("truth", format!("{what}, by {by}: {why}")),
        Event::Alert {
            name,
            state,
            service,
            value,
        } => (
            "alert",
            format!(
                "{name}{} is {state} at {}",
                service
                    .as_ref()
                    .map_or_else(String::new, |s| format!(" ({s})")),
                crate::score::words::trimmed(*value)
            ),
        ),
        Event::PageFired { alert, value, .. } => (
            "alert",
            format!(
                "the page: {alert} at {}",
                crate::score::words::trimmed(*value)
            ),
        ),
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
        Event::Started { .. } | Event::View { .. } | Event::Kpi { .. } => return None,
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
        Event::PinRemoved { pin } => format!("took back pin #{pin}"),
        Event::HypothesisOpened { text, .. } => format!("suspected: {text}"),
        Event::HypothesisChanged {
            hypothesis, state, ..
        } => format!(
            "hypothesis {hypothesis} is {}",
            format!("{state:?}").to_lowercase()
        ),
        Event::Hint { number, cost_min } => format!(
            "took hint {number}, {} min",
            crate::score::words::trimmed(*cost_min)
        ),
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
            crate::score::words::trimmed(*confidence),
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
        _ => return None,
    })
}
