//! A report as Markdown. It only lays out what the report says; every figure comes from there.

use std::fmt::Write as _;

use super::Report;
use crate::score::words::time_of_day;

/// Renders the report. Text from the drill (queries, notes) cannot break its tables.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    // writing to a string cannot fail, so the results below are dropped
    head(&mut text, report);
    score(&mut text, report);
    truth(&mut text, report);
    evidence(&mut text, report);
    proof(&mut text, report);
    charts(&mut text, report);
    whys(&mut text, report);
    timeline(&mut text, report);
    questions(&mut text, report);
    text
}

fn head(text: &mut String, report: &Report) {
    let debrief = &report.debrief;
    let _ = writeln!(text, "# {}\n", debrief.title);
    for warning in &report.warnings {
        let _ = writeln!(text, "> **Note:** {}\n", line(warning));
    }
    let _ = writeln!(
        text,
        "Scenario `{}`, seed {}, level {}. Drill `{}`. Again: `{}`\n",
        debrief.slug, debrief.seed, debrief.level, debrief.id, debrief.repeat
    );
}

fn score(text: &mut String, report: &Report) {
    let card = &report.debrief.score;
    let _ = writeln!(
        text,
        "## Score: {} of 100 (formula {})\n",
        card.total, card.formula
    );
    let _ = writeln!(
        text,
        "| part | points | of | why | journal |\n|---|---:|---:|---|---|"
    );
    for part in &card.parts {
        let entries: Vec<String> = part.entries.iter().map(u64::to_string).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            part.part,
            part.points,
            part.of,
            cell(&part.reasons.join("; ")),
            entries.join(", ")
        );
    }
    let _ = writeln!(text, "\n| figure | value | meaning |\n|---|---|---|");
    for kpi in &card.kpis {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            cell(&kpi.name),
            cell(&kpi.value),
            cell(&kpi.meaning)
        );
    }
    text.push('\n');
}

fn truth(text: &mut String, report: &Report) {
    let debrief = &report.debrief;
    let _ = writeln!(text, "## What really happened\n\n{}\n", debrief.story);
    for said in &debrief.truth {
        let _ = writeln!(text, "- {}: {}", said.id, line(&said.text));
    }
    let words = |id: &str| {
        let node = debrief.causes.iter().find(|cause| cause.id == id);
        node.map_or_else(|| id.to_owned(), |cause| line(&cause.text))
    };
    let _ = writeln!(text, "\n### Cause and effect\n");
    for edge in &debrief.edges {
        let _ = writeln!(text, "- {} → {}", words(&edge.from), words(&edge.to));
    }
    if !debrief.decoys.is_empty() {
        let _ = writeln!(text, "\n### Loud, and not the cause\n");
        for decoy in &debrief.decoys {
            let _ = writeln!(text, "- {}: {}", decoy.id, line(&decoy.text));
        }
    }
    text.push('\n');
}

fn evidence(text: &mut String, report: &Report) {
    let _ = writeln!(
        text,
        "## Evidence\n\n| proves | decisive | query | pins |\n|---|---|---|---|"
    );
    for class in &report.debrief.evidence {
        let pins: Vec<String> = class.pins.iter().map(|pin| format!("#{pin}")).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} `{}` | {} |",
            cell(&class.proves),
            if class.decisive { "yes" } else { "no" },
            class.language,
            cell(&class.query),
            if pins.is_empty() {
                "missed".to_owned()
            } else {
                pins.join(", ")
            }
        );
    }
    text.push('\n');
}

fn proof(text: &mut String, report: &Report) {
    let invariants = &report.debrief.proof;
    if invariants.is_empty() {
        let _ = writeln!(text, "## Stress test\n\nNone was run.\n");
        return;
    }
    let _ = writeln!(
        text,
        "## Stress test\n\n| must hold | bound | before | after | holds |\n|---|---|---:|---:|---|"
    );
    let figure =
        |value: Option<f64>| value.map_or_else(|| "—".to_owned(), crate::score::words::trimmed);
    for invariant in invariants {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            cell(&invariant.title),
            invariant.bound,
            figure(invariant.before),
            figure(invariant.after),
            if invariant.holds { "yes" } else { "**no**" }
        );
    }
    text.push('\n');
}

/// Each chart as a figure before and after, and as a line of blocks with what happened below it.
fn charts(text: &mut String, report: &Report) {
    let debrief = &report.debrief;
    let Some(first) = debrief.charts.iter().find(|chart| !chart.points.is_empty()) else {
        return;
    };
    let _ = writeln!(
        text,
        "## Before and after\n\n| signal | unit | before a remedy | after | bound of the page |\n|---|---|---:|---:|---:|"
    );
    let figure =
        |value: Option<f64>| value.map_or_else(|| "—".to_owned(), crate::score::words::trimmed);
    for chart in &debrief.charts {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            cell(&chart.title),
            cell(&chart.unit),
            figure(chart.before),
            figure(chart.after),
            figure(chart.bound)
        );
    }
    text.push_str("\n```\n");
    for chart in &debrief.charts {
        let _ = writeln!(text, "{}\n{}", line(&chart.title), blocks(&chart.points));
    }
    let times: Vec<i64> = first.points.iter().map(|(at, _)| *at).collect();
    let mut row = vec![' '; times.len()];
    for mark in &debrief.marks {
        let place = times.iter().rposition(|at| *at <= mark.at_ms).unwrap_or(0);
        row[place] = mark.kind.chars().next().unwrap_or('?').to_ascii_uppercase();
    }
    let row: String = row.into_iter().collect();
    let ends = times.first().zip(times.last());
    let (from, until) = ends.map_or((0, 0), |(from, until)| (*from, *until));
    let _ = writeln!(
        text,
        "{}\n{} to {}\n```\n",
        row.trim_end(),
        time_of_day(from),
        time_of_day(until)
    );
    for mark in &debrief.marks {
        let _ = writeln!(
            text,
            "- {} {}: {}",
            time_of_day(mark.at_ms),
            mark.kind,
            line(&mark.text)
        );
    }
    text.push('\n');
}

/// Values as blocks from nothing to the highest; a gap where there is none.
fn blocks(points: &[(i64, Option<f64>)]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let values = || points.iter().filter_map(|(_, value)| *value);
    let top = values().fold(0.0_f64, f64::max);
    let block = |value: f64| {
        let share = if top > 0.0 {
            (value / top).clamp(0.0, 1.0)
        } else {
            0.0
        };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 7
        BLOCKS[(share * 7.0).round() as usize]
    };
    let blocks = points.iter().map(|(_, value)| value.map_or(' ', block));
    blocks.collect::<String>().trim_end().to_owned()
}

fn whys(text: &mut String, report: &Report) {
    let whys = &report.debrief.whys;
    if whys.truth.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "## Five Whys\n\n| | yours | follows | the true chain |\n|---:|---|---|---|"
    );
    for index in 0..whys.own.len().max(whys.truth.len()) {
        let own = whys.own.get(index);
        let follows = match own.and_then(|step| step.follows) {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let _ = writeln!(
            text,
            "| {} | {} | {follows} | {} |",
            index + 1,
            cell(own.map_or("", |step| &step.text)),
            cell(whys.truth.get(index).map_or("", String::as_str))
        );
    }
    text.push('\n');
}

fn timeline(text: &mut String, report: &Report) {
    let _ = writeln!(text, "## Timeline\n\n| time | lane | what |\n|---|---|---|");
    for entry in &report.debrief.timeline {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            time_of_day(entry.at_ms),
            entry.lane,
            cell(&entry.text)
        );
    }
    text.push('\n');
}

fn questions(text: &mut String, report: &Report) {
    let _ = writeln!(text, "## What would have prevented it\n");
    for guardrail in &report.debrief.guardrails {
        let _ = writeln!(text, "- {}", line(&guardrail.text));
    }
    let _ = writeln!(text, "\n## Questions\n");
    for question in &report.debrief.questions {
        let _ = writeln!(text, "- {}", line(question));
    }
}

/// One line of text.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One line that cannot end a table's cell.
fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::super::read_folder;
    use super::*;

    #[test]
    fn the_markdown_is_as_the_golden_says() {
        let logs = tempfile::tempdir().unwrap();
        let folder = super::super::tests::recorded(logs.path());
        let text = markdown(&read_folder(&folder).unwrap());
        let golden = include_str!("golden.md");
        assert_eq!(
            text, golden,
            "if the change is meant, put this into report/golden.md:\n{text}"
        );
    }

    #[test]
    fn values_become_blocks_and_gaps_stay_gaps() {
        let points = [
            (0, Some(0.0)),
            (1, None),
            (2, Some(7.0)),
            (3, Some(3.5)),
            (4, None),
        ];
        assert_eq!(blocks(&points), "▁ █▅");
        assert_eq!(blocks(&[(0, Some(0.0)), (1, Some(0.0))]), "▁▁");
        assert_eq!(blocks(&[]), "");
    }

    #[test]
    fn foreign_text_cannot_break_a_table() {
        assert_eq!(cell("a | b\n| c"), "a \\| b \\| c");
    }
}
