//! The charts of the debrief as lines of text: one for each signal, with the bound of the page, and below them what happened
//! when. Blocks of eighths, so that they read the same without colours and in any font. Knows no view.

use api::{DebriefChart, DebriefMark};
use ratatui::text::{Line, Span};

use crate::text;
use crate::theme::Theme;
use crate::time::clock;

/// Rows of a chart.
const ROWS: usize = 4;
/// Cells of the figures at its left.
const AXIS: usize = 9;

/// A chart, with the letters of the marks below it.
pub fn lines(
    chart: &DebriefChart,
    marks: &[DebriefMark],
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    draw(&mut lines, chart, marks, width, theme);
    lines
}

/// What a letter below the charts stands for.
pub fn mark(mark: &DebriefMark, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let said = format!(
        "{} {} {}: {}",
        letter(mark),
        clock(mark.at_ms),
        mark.kind,
        mark.text
    );
    let rows = text::wrap(&said, width.saturating_sub(4).max(10)).into_iter();
    rows.map(|row| Line::styled(format!("  {row}"), theme.dim))
        .collect()
}

/// The letter by which a moment stands below a chart.
fn letter(mark: &DebriefMark) -> char {
    mark.kind
        .chars()
        .next()
        .map_or('?', |first| first.to_ascii_uppercase())
}

/// A value with its unit.
fn figure(value: Option<f64>, unit: &str) -> String {
    let Some(value) = value else {
        return "—".to_owned();
    };
    match unit {
        "share" => text::percent(value),
        "" => text::number(value),
        "/s" => format!("{}/s", text::number(value)),
        unit => format!("{} {unit}", text::number(value)),
    }
}

fn draw(
    lines: &mut Vec<Line<'static>>,
    chart: &DebriefChart,
    marks: &[DebriefMark],
    width: usize,
    theme: &Theme,
) {
    let unit = text::escape(&chart.unit);
    let said = format!(
        "{}: before {}, after {}{}",
        chart.title,
        figure(chart.before, &unit),
        figure(chart.after, &unit),
        chart.bound.map_or_else(String::new, |bound| format!(
            ", the page at {} ┄",
            figure(Some(bound), &unit)
        ))
    );
    let rows = text::wrap(&said, width.saturating_sub(2).max(10)).into_iter();
    lines.extend(rows.map(|row| Line::styled(format!("  {row}"), theme.header)));
    let cells = width.saturating_sub(AXIS + 4).max(8);
    let Some((first, last)) = ends(chart) else {
        return lines.push(Line::styled("    nothing was measured", theme.dim));
    };
    let columns = columns(chart, first, last, cells);
    let highest = columns.iter().flatten().copied().fold(0.0_f64, f64::max);
    let top = highest.max(chart.bound.filter(|bound| bound.is_finite()).unwrap_or(0.0));
    let top = if top > 0.0 { top } else { 1.0 };
    for row in (0..ROWS).rev() {
        let label = match row {
            row if row == ROWS - 1 => figure(Some(top), &unit),
            0 => "0".to_owned(),
            _ => String::new(),
        };
        let drawn: String = columns
            .iter()
            .map(|value| cell(*value, row, top, chart.bound))
            .collect();
        lines.push(Line::from(vec![
            Span::styled(format!("  {} ", text::pad_left(&label, AXIS)), theme.dim),
            Span::styled(drawn, theme.info),
        ]));
    }
    let at = |ms: i64| place(ms, first, last, cells);
    let mut below = vec![' '; cells];
    for mark in marks.iter().filter(|mark| mark.at_ms <= last) {
        below[at(mark.at_ms.max(first))] = letter(mark);
    }
    let below: String = below.into_iter().collect();
    let indent = " ".repeat(AXIS + 3);
    lines.push(Line::styled(
        format!("{indent}{}", below.trim_end()),
        theme.accent,
    ));
    let (from, until) = (clock(first), clock(last));
    let gap = cells.saturating_sub(from.len() + until.len());
    lines.push(Line::styled(
        format!("{indent}{from}{}{until}", " ".repeat(gap)),
        theme.dim,
    ));
}

/// Times of the first and last point.
fn ends(chart: &DebriefChart) -> Option<(i64, i64)> {
    let measured = chart
        .points
        .iter()
        .any(|(_, value)| value.is_some_and(f64::is_finite));
    let (first, last) = (chart.points.first()?.0, chart.points.last()?.0);
    (measured && last >= first).then_some((first, last))
}

/// The column of a time.
fn place(at_ms: i64, first: i64, last: i64, cells: usize) -> usize {
    let span = last.saturating_sub(first).max(1) as f64;
    let share = at_ms.saturating_sub(first) as f64 / span;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a column of the screen
    let column = (share.clamp(0.0, 1.0) * (cells - 1) as f64).round() as usize;
    column.min(cells - 1)
}

/// The highest value of each column; none where nothing was measured. Where there are more columns than points, a value
/// reaches to the next point.
fn columns(chart: &DebriefChart, first: i64, last: i64, cells: usize) -> Vec<Option<f64>> {
    let mut columns: Vec<Option<f64>> = vec![None; cells];
    let points = &chart.points;
    for (index, (at, value)) in points.iter().enumerate() {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            continue;
        };
        let from = place(*at, first, last, cells);
        let next = points
            .get(index + 1)
            .map_or(cells, |next| place(next.0, first, last, cells));
        for column in columns.iter_mut().take(next.max(from + 1)).skip(from) {
            *column = Some(column.map_or(value, |other| other.max(value)));
        }
    }
    columns
}

/// A cell of a row, counted from below: as much of its block as the value fills, else the line of the bound.
fn cell(value: Option<f64>, row: usize, top: f64, bound: Option<f64>) -> char {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let filled = value.map_or(0.0, |value| {
        value / top * (ROWS * 8) as f64 - (row * 8) as f64
    });
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 8
    let eighths = filled.round().clamp(0.0, 8.0) as usize;
    // a zero is a line at the foot, and nothing is nothing
    let eighths = if row == 0 && value.is_some() {
        eighths.max(1)
    } else {
        eighths
    };
    let on_bound = bound.is_some_and(|bound| {
        let height = bound / top * ROWS as f64;
        height > 0.0 && (height.ceil() as usize).saturating_sub(1) == row
    });
    match eighths {
        0 if on_bound => '┄',
        eighths => BLOCKS[eighths],
    }
}

/// The charts in sentences.
pub fn told(charts: &[DebriefChart], marks: &[DebriefMark]) -> Vec<String> {
    let chart = |chart: &DebriefChart| {
        let values = || {
            chart
                .points
                .iter()
                .filter_map(|(at, value)| Some((*at, (*value)?)))
        };
        let highest = values().max_by(|a, b| a.1.total_cmp(&b.1));
        let highest = highest.map_or_else(String::new, |(at, value)| {
            format!(
                ", highest {} at {}",
                figure(Some(value), &chart.unit),
                clock(at)
            )
        });
        let bound = chart.bound.map_or_else(String::new, |bound| {
            format!(", the page fires at {}", figure(Some(bound), &chart.unit))
        });
        let (before, after) = (
            figure(chart.before, &chart.unit),
            figure(chart.after, &chart.unit),
        );
        format!(
            "{}: before a remedy {before}, after {after}{highest}{bound}",
            chart.title
        )
    };
    let mark = |mark: &DebriefMark| format!("{} {}: {}", clock(mark.at_ms), mark.kind, mark.text);
    charts
        .iter()
        .map(chart)
        .chain(marks.iter().map(mark))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::ThemeName;

    fn chart(points: Vec<(i64, Option<f64>)>) -> DebriefChart {
        DebriefChart {
            title: "p95".to_owned(),
            unit: "s".to_owned(),
            query: String::new(),
            bound: Some(2.0),
            points,
            before: Some(4.0),
            after: None,
        }
    }

    fn drawn(points: Vec<(i64, Option<f64>)>, width: usize) -> Vec<String> {
        let theme = Theme::new(ThemeName::None);
        let mark = DebriefMark {
            at_ms: 3_000,
            kind: "page".to_owned(),
            text: "it fired".to_owned(),
        };
        let chart = lines(&chart(points), std::slice::from_ref(&mark), width, &theme);
        chart
            .iter()
            .chain(&super::mark(&mark, width, &theme))
            .map(|line| line.to_string().trim_end().to_owned())
            .collect()
    }

    #[test]
    fn values_stand_over_their_times_with_bound_marks_and_gaps() {
        let points = [Some(0.0), Some(1.0), None, Some(4.0)];
        let points = (0..).map(|at| at * 1_000).zip(points).collect();
        assert_eq!(
            drawn(points, 21),
            [
                "  p95: before 4 s,",
                "  after —, the page",
                "  at 2 s ┄",
                "        4 s        █",
                "                   █",
                "            ┄┄┄┄┄┄┄█",
                "          0 ▁▁███  █",
                "                   P",
                "            00:00:0000:00:03",
                "  P 00:00:03 page:",
                "  it fired",
            ]
        );
    }

    #[test]
    fn nothing_one_point_and_hostile_figures_do_not_break_it() {
        assert!(drawn(vec![], 60)[1].contains("nothing was measured"));
        assert!(drawn(vec![(0, None)], 60)[1].contains("nothing was measured"));
        for points in [
            vec![(5, Some(1.0))],
            vec![
                (5, Some(f64::NAN)),
                (4, Some(-1.0)),
                (9, Some(f64::INFINITY)),
                (9, Some(0.0)),
            ],
            vec![(i64::MIN, Some(1.0)), (i64::MAX, Some(f64::MAX))],
        ] {
            for width in [0, 10, 60, 200] {
                drawn(points.clone(), width);
            }
        }
    }
}
