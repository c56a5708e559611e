//! What is reported beside the score: times, red-herring bill, decisive minute, queries, wrong
//! submissions, calibration, and the scenario's own figures before and after. None of it counts.

use api::Kpi;
use rust_decimal::Decimal;
use scenarios::scenario::{Decoy, Worth};
use simulator::journal::Event;

use super::{
    reading::Reading,
    words::{duration, trimmed},
};

/// A person who neither asks nor opens anything for so long is no longer paying the red herring;
/// milliseconds.
const LONGEST_ATTENTION_MS: i64 = 120_000;

/// Shown where there is no value.
const NONE: &str = "—";

/// All figures, in the order in which they are shown.
pub(super) fn kpis(reading: &Reading<'_>) -> Vec<Kpi> {
    let mut kpis = times(reading);
    kpis.push(red_herrings(reading));
    kpis.push(decisive_minute(reading));
    kpis.push(counts(reading));
    kpis.push(kpi(
        "wrong submissions",
        reading
            .submissions
            .iter()
            .filter(|said| !said.right)
            .count()
            .to_string(),
        "diagnoses that were not right",
    ));
    kpis.push(brier(reading));
    kpis.extend(before_and_after(reading));
    kpis
}

fn times(reading: &Reading<'_>) -> Vec<Kpi> {
    let page_ms = reading.page.map(|(_, at_ms)| at_ms);
    let since_page = |at_ms: Option<i64>| {
        page_ms.zip(at_ms).map_or_else(
            || NONE.to_owned(),
            |(from, to)| duration(Decimal::from(reading.running_ms(from, to))),
        )
    };
    let mitigated = reading
        .actions
        .iter()
        .find(|a| !a.undo && matches!(a.remedy.worth, Worth::Right | Worth::Partial))
        .map(|action| action.at_ms);
    let proven = reading
        .proofs
        .iter()
        .find(|proof| proof.passed)
        .map(|proof| proof.at_ms);
    let resolved = proven.filter(|at_ms| mitigated.is_some_and(|done| done <= *at_ms));
    let detected = struck_ms(reading).zip(page_ms).map_or_else(
        || NONE.to_owned(),
        |(from, to)| duration(Decimal::from(to.saturating_sub(from).max(0))),
    );
    vec![
        kpi("TTD", detected, "from the fault taking effect to the page"),
        kpi(
            "TTA",
            since_page(reading.acknowledged.map(|(_, at_ms)| at_ms)),
            "from the page to its acknowledgement",
        ),
        kpi(
            "TTRC",
            reading
                .root_cause_ms()
                .map_or_else(|| NONE.to_owned(), duration),
            "from the page to the right diagnosis, with the minutes of hints",
        ),
        kpi(
            "TTM",
            since_page(mitigated),
            "from the page to the first remedy that helps",
        ),
        kpi(
            "TTR",
            since_page(resolved),
            "from the page to the first proof that holds",
        ),
    ]
}

/// When the fault took effect: the first trigger, else the first event that planted it.
fn struck_ms(reading: &Reading<'_>) -> Option<i64> {
    let first = |wanted: &str| {
        reading.entries.iter().find_map(|entry| match &entry.event {
            Event::Timeline { role, .. } if role == wanted => Some(entry.at_ms),
            _ => None,
        })
    };
    first("trigger").or_else(|| first("fault"))
}

/// Seconds of attention that each decoy got: from a view or query about it to the next view or query.
fn red_herrings(reading: &Reading<'_>) -> Kpi {
    let mut spent = Vec::new();
    for decoy in &reading.plan.scenario.decoys {
        let (mut since, mut total_ms) = (None::<i64>, 0);
        for entry in reading.entries {
            let attention = match &entry.event {
                Event::View { subject, .. } => subject
                    .as_deref()
                    .is_some_and(|subject| names(subject, decoy)),
                Event::Query { text, .. } => names(text, decoy),
                Event::Finished { .. } => false,
                _ => continue,
            };
            if let Some(from_ms) = since.take() {
                let spent_ms: i64 = reading
                    .running_ms(from_ms, entry.at_ms)
                    .min(LONGEST_ATTENTION_MS);
                total_ms = i64::saturating_add(total_ms, spent_ms);
            }
            since = attention.then_some(entry.at_ms);
        }
        spent.push(format!(
            "{} {}",
            decoy.component,
            duration(Decimal::from(total_ms))
        ));
    }
    let value = if spent.is_empty() {
        NONE.to_owned()
    } else {
        spent.join(", ")
    };
    kpi(
        "red-herring bill",
        value,
        "attention given to what was not the cause",
    )
}

fn names(text: &str, decoy: &Decoy) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_')
        .any(|word| word == decoy.component || decoy.alerts.iter().any(|alert| alert == word))
}

/// When decisive evidence first stood on screen, and how long until it was pinned.
fn decisive_minute(reading: &Reading<'_>) -> Kpi {
    let decisive = |classes: &[String]| {
        classes.iter().any(|id| {
            reading
                .plan
                .scenario
                .evidence
                .iter()
                .any(|class| class.decisive && class.id == *id)
        })
    };
    let shown = reading.entries.iter().find_map(|entry| match &entry.event {
        Event::Query { classes, .. } if decisive(classes) => Some(entry.at_ms),
        _ => None,
    });
    let pinned = reading
        .pins
        .iter()
        .find(|pin| decisive(pin.classes))
        .map(|pin| pin.at_ms);
    let since = |from: i64, to: i64| duration(Decimal::from(reading.running_ms(from, to)));
    let page_ms = reading.page.map(|(_, at_ms)| at_ms);
    let first = match (shown, pinned) {
        (Some(shown), Some(pinned)) => Some(shown.min(pinned)),
        (shown, pinned) => shown.or(pinned),
    };
    let value = match (page_ms.zip(first), pinned) {
        (None, _) => NONE.to_owned(),
        (Some((page, first)), None) => {
            format!("{} after the page, never pinned", since(page, first))
        }
        (Some((page, first)), Some(pinned)) => format!(
            "{} after the page, pinned {} later",
            since(page, first),
            since(first, pinned)
        ),
    };
    kpi(
        "decisive minute",
        value,
        "when decisive evidence first stood on screen, and when it was kept",
    )
}

fn counts(reading: &Reading<'_>) -> Kpi {
    let (mut asked, mut refused) = (0_usize, 0_usize);
    for entry in reading.entries {
        if let Event::Query { error, .. } = &entry.event {
            asked += 1;
            refused += usize::from(error.is_some());
        }
    }
    let value = match refused {
        0 => asked.to_string(),
        _ => format!("{asked}, of which {refused} did not parse or ran into a limit"),
    };
    kpi(
        "queries",
        value,
        "questions that a person asked of the telemetry",
    )
}

/// Mean squared distance between confidence and truth (Brier 1950): 0 is perfect, 0.25 a coin's.
fn brier(reading: &Reading<'_>) -> Kpi {
    let told = &reading.submissions;
    let value = if told.is_empty() {
        NONE.to_owned()
    } else {
        let sum: Decimal = told
            .iter()
            .map(|said| {
                let miss = said.confidence - Decimal::from(u8::from(said.right));
                miss * miss
            })
            .sum();
        (sum / Decimal::from(told.len()))
            .round_dp(3)
            .normalize()
            .to_string()
    };
    kpi(
        "calibration",
        value,
        "mean squared error of the confidence: 0 is perfect, 0.25 a coin's",
    )
}

fn before_and_after(reading: &Reading<'_>) -> Vec<Kpi> {
    let at = |wanted: &str, moment_wanted: &str| {
        reading
            .entries
            .iter()
            .rev()
            .find_map(|entry| match &entry.event {
                Event::Kpi {
                    name,
                    moment,
                    value,
                    ..
                } if name == wanted && moment == moment_wanted => Some(*value),
                _ => None,
            })
    };
    let shown =
        |value: Option<Option<f64>>| value.flatten().map_or_else(|| NONE.to_owned(), trimmed);
    reading
        .plan
        .scenario
        .debrief
        .kpis
        .iter()
        .map(|spec| {
            kpi(
                &spec.name,
                format!(
                    "{} → {} {}",
                    shown(at(&spec.name, "page")),
                    shown(at(&spec.name, "end")),
                    spec.unit
                ),
                "at the page → at the end",
            )
        })
        .collect()
}

fn kpi(name: &str, value: String, meaning: &str) -> Kpi {
    Kpi {
        name: name.to_owned(),
        value,
        meaning: meaning.to_owned(),
    }
}
