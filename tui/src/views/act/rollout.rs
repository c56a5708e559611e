//! A rollout in words: how far it is, each step with the figures it is judged by, the steps to come, and what came of it.

use api::{Remedy, Rollout, RolloutEnd};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::App;
use crate::text;
use crate::theme::Theme;
use crate::time::clock;

/// Cells of the bar of connections.
const BAR: usize = 20;

/// How it stands in a line, and how that looks.
fn state(remedy: &Remedy, rollout: &Rollout, theme: &Theme) -> (String, Style) {
    // nobody knows its name before it starts
    let what = match rollout.service.is_empty() {
        true => remedy.title.clone(),
        false => format!("{} {}", rollout.service, rollout.release),
    };
    if rollout.running {
        let share = f64::from(rollout.percent) / 100.0;
        let bar = text::pad(&text::bar(share, BAR), BAR);
        let said = format!(
            "◐ {} of {what}: {bar}▏{} % of connections",
            rollout.strategy.name(),
            rollout.percent
        );
        return (said, theme.warn);
    }
    match failed(rollout) {
        Some(said) => (format!("✗ {what} {said}"), theme.bad),
        None if remedy.applied => (
            format!("✓ {what} is rolled out: all connections go to it"),
            theme.good,
        ),
        None => (format!("· {what} was rolled out"), theme.dim),
    }
}

/// That it came to nothing, and why; none where it goes on, or the release is kept.
#[must_use]
pub fn failed(rollout: &Rollout) -> Option<String> {
    let step = rollout.steps.last().filter(|step| step.state == "failed");
    let step = step.map(|step| {
        // what it is judged by follows with the step
        let why = step.figures.split(" (").next().unwrap_or_default();
        format!("{}, {why}", step.title)
    });
    let why = match (&rollout.end, step) {
        (Some(RolloutEnd::Kept), _) | (None, None) => return None,
        (Some(RolloutEnd::Stuck(why)), _) => {
            return Some(format!("failed, and could not be taken back: {why}"));
        }
        (_, Some(step)) => step,
        // all steps have passed, and then it could not be kept
        (Some(RolloutEnd::TakenBack(why)), None) => why.clone(),
    };
    Some(format!(
        "was taken back, the release before serves all: {why}"
    ))
}

/// The rollout as lines: its state, its steps, those to come.
pub(super) fn lines(remedy: &Remedy, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some(rollout) = &remedy.rollout else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    let mut push = |said: &str, style| {
        let rows = text::wrap(said, width).into_iter();
        lines.extend(rows.map(|row| Line::styled(row, style)));
    };
    let (said, style) = state(remedy, rollout, theme);
    push(&said, style);
    for step in &rollout.steps {
        let (mark, style) = match step.state.as_str() {
            "passed" => ("✓", theme.good),
            "failed" => ("✗", theme.bad),
            _ => ("◐", theme.warn),
        };
        let said = format!("{mark} {} {}", clock(step.at_ms), step.title);
        match step.figures.is_empty() {
            true => push(&said, style),
            false => push(&format!("{said}: {}", step.figures), style),
        }
    }
    if rollout.running {
        let begun = rollout.steps.len().saturating_sub(1);
        let shares = rollout.strategy.shares().iter().skip(begun);
        let mut to_come: Vec<String> = shares
            .filter(|share| **share < 100)
            .map(|share| format!("{share} %"))
            .collect();
        if rollout.percent < 100 {
            to_come.push("all connections".to_owned());
        }
        if !to_come.is_empty() {
            push(&format!("○ to come: {}", to_come.join(", ")), theme.dim);
        }
    }
    lines
}

/// The remedies have been read again: a rollout that has ended since is said.
pub fn arrived(app: &mut App, remedies: Vec<Remedy>) {
    let before = app.known.remedies.value.take().unwrap_or_default();
    let ran = |id: &str| {
        let same = before.iter().find(|remedy| remedy.id == id);
        same.is_some_and(|remedy| super::state::rolling(remedy).is_some())
    };
    let ended = remedies.iter().find(|remedy| {
        let over = |rollout: &Rollout| !rollout.running;
        ran(&remedy.id) && remedy.rollout.as_ref().is_some_and(over)
    });
    if let Some(remedy) = ended
        && let Some(rollout) = &remedy.rollout
    {
        let failed = failed(rollout).is_some();
        let (said, _) = state(remedy, rollout, &app.theme);
        // the mark of a message says whether it is good
        let said = said.split_once(' ').map_or(said.as_str(), |(_, said)| said);
        match failed {
            true => app.say_bad(said),
            false => app.say(said),
        }
    }
    app.known.remedies.good(remedies);
}
