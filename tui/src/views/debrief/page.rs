//! The debrief as lines: what a person reads from top to bottom. Pure; the plain mode prints the same page.

use api::{CausalEdge, Choice, Debrief, Kpi, TimelineEntry, Whys};
use ratatui::text::{Line, Span};

use super::charts;
use crate::text;
use crate::theme::Theme;
use crate::time::clock;
use crate::views::act::draw::invariant_rows;

/// What every heading begins with.
const HEADING: &str = "▌ ";
/// Cells of a figure's name.
const NAME_CELLS: usize = 18;
/// Cells of a figure's value where its meaning stands behind it.
const VALUE_CELLS: usize = 14;

/// Whether a line is a heading.
#[must_use]
pub fn is_heading(line: &Line<'_>) -> bool {
    line.spans
        .first()
        .is_some_and(|s| s.content.starts_with(HEADING))
}

/// Where Enter on a line of the page leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// To that moment.
    Moment(i64),
    /// To what this finds, in that language: `promql`, `logql`, `traceql` or `change`.
    Query(String, String),
}

/// A line that leads somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Its place among the lines; what belongs to it may follow.
    pub line: usize,
    /// What it says.
    pub said: String,
    /// Where it leads.
    pub way: Way,
}

/// The whole debrief: its lines, and those that lead somewhere, from above.
pub struct Told {
    /// Lines.
    pub lines: Vec<Line<'static>>,
    /// Leads.
    pub leads: Vec<Lead>,
}

struct Page<'a> {
    lines: Vec<Line<'static>>,
    leads: Vec<Lead>,
    width: usize,
    theme: &'a Theme,
}

impl Page<'_> {
    fn heading(&mut self, title: &str) {
        self.lines.push(Line::default());
        self.lines
            .push(Line::styled(format!("{HEADING}{title}"), self.theme.accent));
    }

    fn body(&mut self, indent: usize, said: &str, style: ratatui::style::Style) {
        let room = self.width.saturating_sub(indent).max(10);
        for line in text::wrap(said, room) {
            self.lines
                .push(Line::styled(format!("{}{line}", " ".repeat(indent)), style));
        }
    }

    /// The next line leads somewhere.
    fn lead(&mut self, said: &str, way: Way) {
        self.leads.push(Lead {
            line: self.lines.len(),
            said: said.to_owned(),
            way,
        });
    }

    fn choices(&mut self, title: &str, choices: &[Choice]) {
        if choices.is_empty() {
            return;
        }
        self.heading(title);
        for choice in choices {
            self.lines.push(Line::styled(
                format!("  {}", text::escape(&choice.id)),
                self.theme.header,
            ));
            self.body(4, &choice.text, self.theme.text);
        }
    }
}

/// The whole debrief.
#[must_use]
pub fn page(debrief: &Debrief, width: usize, theme: &Theme) -> Told {
    let mut page = Page {
        lines: Vec::new(),
        leads: Vec::new(),
        width,
        theme,
    };
    page.lines.push(Line::styled(
        format!(
            "{} · {} · level {} · seed {}",
            debrief.title, debrief.slug, debrief.level, debrief.seed
        ),
        theme.header,
    ));
    score(&mut page, debrief);
    page.heading("What really happened");
    page.body(2, &text::joined(&debrief.story), theme.text);
    page.heading("The right answer");
    for choice in &debrief.truth {
        page.body(2, &format!("{}: {}", choice.id, choice.text), theme.text);
    }
    timeline(&mut page, &debrief.timeline);
    causes(&mut page, &debrief.causes, &debrief.edges);
    evidence(&mut page, debrief);
    page.choices("Decoys, and what rules them out", &debrief.decoys);
    proof(&mut page, debrief);
    charts(&mut page, debrief);
    whys(&mut page, &debrief.whys);
    if !debrief.questions.is_empty() {
        page.heading("To think about");
        for question in &debrief.questions {
            page.body(2, &format!("• {question}"), theme.text);
        }
    }
    page.choices("What would have prevented it", &debrief.guardrails);
    page.heading("Again");
    page.body(2, &format!("repeat: {}", debrief.repeat), theme.text);
    if let Some(folder) = &debrief.folder {
        page.body(2, &format!("recorded in {folder}"), theme.dim);
    }
    Told {
        lines: page.lines,
        leads: page.leads,
    }
}

fn score(page: &mut Page<'_>, debrief: &Debrief) {
    let theme = page.theme;
    let card = &debrief.score;
    page.heading(&format!(
        "Score {} of 100 (formula {})",
        card.total.normalize(),
        card.formula
    ));
    for part in &card.parts {
        let share = if part.of.is_zero() {
            0.0
        } else {
            (part.points / part.of).try_into().unwrap_or(0.0)
        };
        let style = if share >= 0.8 {
            theme.good
        } else if share >= 0.4 {
            theme.warn
        } else {
            theme.bad
        };
        page.lines.push(Line::from(vec![
            Span::styled(format!("  {} ", text::pad(&part.part, 18)), theme.header),
            Span::styled(
                text::pad_left(
                    &format!(
                        "{} / {}",
                        part.points.round_dp(2).normalize(),
                        part.of.normalize()
                    ),
                    12,
                ),
                style,
            ),
            Span::styled(format!("  {}", text::pad(&text::bar(share, 20), 20)), style),
        ]));
        for reason in &part.reasons {
            page.body(6, reason, theme.dim);
        }
    }
    for kpi in &card.kpis {
        figure(page, kpi);
    }
}

fn figure(page: &mut Page<'_>, kpi: &Kpi) {
    let theme = page.theme;
    let name = text::pad(&kpi.name, NAME_CELLS);
    // a long value has its line to itself, and what it means stands below
    if text::width(&kpi.value) > VALUE_CELLS {
        let room = page.width.saturating_sub(NAME_CELLS + 3).max(10);
        for (i, line) in text::wrap(&kpi.value, room).into_iter().enumerate() {
            let before = if i == 0 { name.as_str() } else { "" };
            let line = format!("  {} {line}", text::pad(before, NAME_CELLS));
            page.lines.push(Line::styled(line, theme.text));
        }
        return page.body(NAME_CELLS + 3, &kpi.meaning, theme.dim);
    }
    let lead = format!("  {name} {}  ", text::pad(&kpi.value, VALUE_CELLS));
    let cells = text::width(&lead);
    let meaning = text::wrap(&kpi.meaning, page.width.saturating_sub(cells).max(10));
    for (i, line) in meaning.into_iter().enumerate() {
        let before = if i == 0 { lead.as_str() } else { "" };
        page.lines.push(Line::from(vec![
            Span::styled(text::pad(before, cells), theme.text),
            Span::styled(line, theme.dim),
        ]));
    }
}

fn timeline(page: &mut Page<'_>, entries: &[TimelineEntry]) {
    let theme = page.theme;
    page.heading("Timeline: what was true │ what you did");
    let half = page.width.saturating_sub(13) / 2;
    let mut sorted: Vec<&TimelineEntry> = entries.iter().collect();
    sorted.sort_by_key(|e| e.at_ms);
    for entry in sorted {
        let yours = entry.lane == "trainee";
        let style = match entry.lane.as_str() {
            "truth" => theme.warn,
            "alert" => theme.bad,
            "trainee" => theme.info,
            _ => theme.dim,
        };
        let said = if matches!(entry.lane.as_str(), "truth" | "trainee") {
            entry.text.clone()
        } else {
            format!("[{}] {}", entry.lane, entry.text)
        };
        page.lead(&entry.text, Way::Moment(entry.at_ms));
        for (i, line) in text::wrap(&said, half.max(10)).into_iter().enumerate() {
            let at = if i == 0 {
                clock(entry.at_ms)
            } else {
                " ".repeat(8)
            };
            let (left, right) = if yours {
                (String::new(), line)
            } else {
                (line, String::new())
            };
            page.lines.push(Line::from(vec![
                Span::styled(format!("  {at} "), theme.dim),
                Span::styled(text::pad(&left, half), style),
                Span::styled("│ ", theme.dim),
                Span::styled(right, style),
            ]));
        }
    }
}

/// The causal graph as an indented tree from its roots down to the page; a node that was shown is referred to.
fn causes(page: &mut Page<'_>, nodes: &[Choice], edges: &[CausalEdge]) {
    if nodes.is_empty() {
        return;
    }
    page.heading("From cause to page");
    let roots: Vec<&Choice> = nodes
        .iter()
        .filter(|n| edges.iter().all(|e| e.to != n.id))
        .collect();
    let mut seen = Vec::new();
    for root in roots {
        walk(page, root, nodes, edges, 0, &mut seen);
    }
}

fn walk(
    page: &mut Page<'_>,
    node: &Choice,
    nodes: &[Choice],
    edges: &[CausalEdge],
    depth: usize,
    seen: &mut Vec<String>,
) {
    let indent = 2 + depth.min(12) * 3;
    let lead = if depth == 0 { "● " } else { "└▶ " };
    let again = seen.contains(&node.id);
    page.body(
        indent,
        &format!(
            "{lead}{}{}",
            node.text,
            if again { " (as above)" } else { "" }
        ),
        page.theme.text,
    );
    if again {
        return;
    }
    seen.push(node.id.clone());
    for edge in edges.iter().filter(|e| e.from == node.id) {
        if let Some(effect) = nodes.iter().find(|n| n.id == edge.to) {
            walk(page, effect, nodes, edges, depth + 1, seen);
        }
    }
}

fn evidence(page: &mut Page<'_>, debrief: &Debrief) {
    let theme = page.theme;
    page.heading("Evidence there was");
    for found in &debrief.evidence {
        let (mark, style) = match (found.pins.is_empty(), found.decisive) {
            (false, _) => ("✓ found ", theme.good),
            (true, true) => ("✗ missed", theme.bad),
            (true, false) => ("· unused", theme.dim),
        };
        let pins: Vec<String> = found.pins.iter().map(|p| format!("#{p}")).collect();
        let decisive = if found.decisive { " (decisive)" } else { "" };
        page.lead(
            &found.proves,
            Way::Query(found.language.clone(), found.query.clone()),
        );
        page.body(
            2,
            &format!("{mark} {}{decisive} {}", found.proves, pins.join(" ")),
            style,
        );
        page.body(
            11,
            &format!("{}: {}", found.language, found.query),
            theme.dim,
        );
    }
}

fn proof(page: &mut Page<'_>, debrief: &Debrief) {
    if debrief.proof.is_empty() {
        return;
    }
    page.heading("Stress test: bound, before, after");
    for invariant in &debrief.proof {
        let rows = invariant_rows(invariant, page.width.saturating_sub(2), page.theme);
        page.lines.extend(rows);
    }
}

fn charts(page: &mut Page<'_>, debrief: &Debrief) {
    if debrief.charts.is_empty() {
        return;
    }
    page.heading("Before and after");
    for chart in &debrief.charts {
        page.lead(
            &chart.title,
            Way::Query("promql".to_owned(), chart.query.clone()),
        );
        let lines = charts::lines(chart, &debrief.marks, page.width, page.theme);
        page.lines.extend(lines);
    }
    for mark in &debrief.marks {
        page.lead(&mark.text, Way::Moment(mark.at_ms));
        page.lines
            .extend(charts::mark(mark, page.width, page.theme));
    }
}

/// Own steps beside the true chain; below each other where there is no room.
fn whys(page: &mut Page<'_>, whys: &Whys) {
    if whys.truth.is_empty() {
        return;
    }
    let theme = page.theme;
    page.heading("Five whys: yours │ the true chain, each the cause of the one above");
    if whys.own.is_empty() {
        page.body(2, "You wrote none.", theme.dim);
    }
    let half = page.width.saturating_sub(9) / 2;
    for index in 0..whys.own.len().max(whys.truth.len()) {
        let own = whys.own.get(index);
        let (mark, style) = match own.and_then(|step| step.follows) {
            Some(true) => ("✓", theme.good),
            Some(false) => ("✗", theme.bad),
            None => (" ", theme.text),
        };
        let left = text::wrap(own.map_or("", |step| &step.text), half.max(10));
        let truth = whys.truth.get(index).map_or("", String::as_str);
        let right = text::wrap(truth, half.max(10));
        for row in 0..left.len().max(right.len()) {
            let lead = match row {
                0 => format!("  {} {mark} ", index + 1),
                _ => " ".repeat(6),
            };
            let side = |rows: &[String]| rows.get(row).cloned().unwrap_or_default();
            page.lines.push(Line::from(vec![
                Span::styled(lead, style),
                Span::styled(text::pad(&side(&left), half), style),
                Span::styled("│ ", theme.dim),
                Span::styled(side(&right), theme.text),
            ]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::ThemeName;

    #[test]
    fn a_causal_ring_ends() {
        let choice = |id: &str| Choice {
            id: id.to_owned(),
            text: id.to_owned(),
        };
        let edge = |from: &str, to: &str| CausalEdge {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let theme = Theme::new(ThemeName::None);
        let mut page = Page {
            lines: Vec::new(),
            leads: Vec::new(),
            width: 60,
            theme: &theme,
        };
        causes(
            &mut page,
            &[choice("a"), choice("b"), choice("c")],
            &[edge("a", "b"), edge("b", "c"), edge("c", "b")],
        );
        assert_eq!(page.lines.len(), 6);
    }

    #[test]
    fn a_long_figure_is_not_cut_off() {
        let theme = Theme::new(ThemeName::None);
        let mut page = Page {
            lines: Vec::new(),
            leads: Vec::new(),
            width: 60,
            theme: &theme,
        };
        for value in ["9 s", "worker 3 min 31 s, psp 12 s"] {
            figure(
                &mut page,
                &Kpi {
                    name: "red-herring bill".to_owned(),
                    value: value.to_owned(),
                    meaning: "attention given".to_owned(),
                },
            );
        }
        let said: Vec<String> = page.lines.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "  red-herring bill   9 s             attention given",
                "  red-herring bill   worker 3 min 31 s, psp 12 s",
                "                     attention given",
            ]
        );
    }
}
