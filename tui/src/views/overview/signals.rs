//! Draws the golden signals of the services.

use ratatui::text::{Line, Span};

use crate::app::App;
use crate::ask::Golden;
use crate::client::prometheus::{self, Series};
use crate::net::golden;
use crate::text;
use crate::theme::Theme;

/// From where on a signal is of concern, and from where on it is bad.
pub type Bounds = (f64, f64);
/// Thresholds of the design: errors, as shares.
pub const ERRORS: Bounds = (0.02, 0.05);
/// 95th percentile, seconds.
pub const SLOW: Bounds = (1.0, 2.0);
/// Processor use, cores.
pub const BUSY: Bounds = (0.72, 0.9);
/// Requests have no bound.
pub const NONE: Bounds = (f64::INFINITY, f64::INFINITY);

/// A value in words, with the bound where it is of concern.
#[must_use]
pub fn told(value: f64, bounds: Bounds, shown: fn(f64) -> String) -> String {
    let figure = shown(value);
    match value {
        v if v >= bounds.1 => format!("{figure} (bad: {} or more)", shown(bounds.1)),
        v if v >= bounds.0 => format!("{figure} (of concern: {} or more)", shown(bounds.0)),
        _ => figure,
    }
}

/// Values over time as blocks. A full block is at its bound or over it; without such a value the line has its own scale
/// and no full block.
fn blocks(values: &[f64], cells: usize, bad: f64) -> String {
    /// How much taller a value over the bound is drawn than one at it.
    const OVER: f64 = 1.2;
    if !values.iter().any(|v| v.is_finite() && *v >= bad) {
        return text::sparkline(values, cells, None);
    }
    let cut = |v: &f64| if *v >= bad { bad * OVER } else { *v };
    let cut: Vec<f64> = values.iter().map(cut).collect();
    text::sparkline(&cut, cells, Some(bad * OVER))
}

/// The blocks in styles: those over the bound stand out.
fn styled(blocks: &str, theme: &Theme) -> Vec<Span<'static>> {
    const FULL: char = '█';
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut run = String::new();
    let mut bad = false;
    for c in blocks.chars() {
        if (c == FULL) != bad && !run.is_empty() {
            let style = if bad { theme.bad } else { theme.info };
            spans.push(Span::styled(std::mem::take(&mut run), style));
        }
        bad = c == FULL;
        run.push(c);
    }
    let style = if bad { theme.bad } else { theme.info };
    spans.push(Span::styled(run, style));
    spans
}

/// Cells of name, of one sparkline, and of one value, for a width.
fn cells(width: usize) -> (usize, usize, usize) {
    let name = if width >= 70 { 14 } else { 11 };
    let value = 8;
    let spark = (width.saturating_sub(name + 2) / 4)
        .saturating_sub(value + 2)
        .min(24);
    (name, spark, value)
}

/// Titles of the columns, which say over what stretch each figure is taken.
#[must_use]
pub fn columns(width: usize, theme: &Theme) -> Line<'static> {
    let (name, spark, value) = cells(width);
    let stretch = prometheus::stretches(golden::RATE);
    let bounded = [
        ("rate/s", String::new()),
        (
            "errors",
            format!(" █≥{}", text::percent(ERRORS.1).replace(".0", "")),
        ),
        (
            "p95",
            format!(" █≥{}", text::stretch((SLOW.1 * 1000.0) as i64)),
        ),
        ("cpu", format!(" █≥{}", text::percent(BUSY.1))),
    ];
    let longest = format!("errors, {stretch}{}", bounded[1].1);
    // where a column has no room for it, the first one says it for all
    let (services, each) = match spark + value >= text::width(&longest) {
        true => ("Services".to_owned(), format!(", {stretch}")),
        false => (format!("Services {stretch}"), String::new()),
    };
    let titles = bounded
        .map(|(title, bound)| {
            let title = match title {
                "rate/s" => format!("{title}{each}"),
                _ => format!("{title}{each}{bound}"),
            };
            format!("{}  ", text::pad_left(&title, spark + value))
        })
        .concat();
    Line::from(vec![
        Span::styled(text::pad(&services, name + 2), theme.accent),
        Span::styled(titles, theme.dim),
    ])
}

/// A service: its state, and each signal as a line over the window and as the figure of now.
#[must_use]
pub fn service_line(app: &App, name: &str, width: usize, theme: &Theme) -> Line<'static> {
    let (name_cells, spark_cells, value_cells) = cells(width);
    let instances: Vec<_> = app
        .drill()
        .into_iter()
        .flat_map(|d| &d.services)
        .filter(|s| s.name == name)
        .collect();
    let worst = instances
        .iter()
        .find(|s| s.state != "ready")
        .or(instances.first());
    let (mark, mark_style) = match worst.map_or("none", |s| s.state.as_str()) {
        // a service of somebody else, of which nothing but its calls is known
        "none" => ("· ", theme.dim),
        "ready" => ("● ", theme.good),
        "starting" => ("◌ ", theme.info),
        "unready" => ("◐ ", theme.warn),
        _ => ("✗ ", theme.bad),
    };
    let many = if instances.len() > 1 {
        format!("{name} ×{}", instances.len())
    } else {
        name.to_owned()
    };
    let mut spans = vec![
        Span::styled(mark, mark_style),
        Span::styled(text::pad(&many, name_cells), theme.text),
    ];
    let empty = Golden::default();
    let golden = app.views.overview.golden.value.as_ref().unwrap_or(&empty);
    let of = |all: &[Series]| {
        all.iter()
            .find(|s| s.labels.get("service").map(String::as_str) == Some(name))
            .cloned()
            .unwrap_or_default()
    };
    // a figure of concern has a mark, too, so that it is seen without colours
    let limits = |value: f64, (warn, bad): (f64, f64)| match value {
        v if v >= bad => ("✗", theme.bad),
        v if v >= warn => ("!", theme.warn),
        _ => (" ", theme.text),
    };
    let mut column = |series: &Series, shown: fn(f64) -> String, bounds: Bounds| {
        let values: Vec<f64> = series.points.iter().map(|p| p.1).collect();
        let last = series.last().filter(|v| v.is_finite());
        let (mark, style) = last.map_or((" ", theme.dim), |value| limits(value, bounds));
        let spark = blocks(&values, spark_cells, bounds.1);
        let value = last.map_or_else(|| "—".to_owned(), shown);
        spans.extend(styled(&text::pad_left(&spark, spark_cells), theme));
        let value = text::pad_left(&value, value_cells);
        spans.push(Span::styled(format!("{value}{mark} "), style));
    };
    column(&of(&golden.rate), text::number, NONE);
    column(&of(&golden.errors), text::percent, ERRORS);
    column(&of(&golden.p95), text::brief, SLOW);
    column(&of(&golden.cpu), text::percent, BUSY);
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_block_is_at_the_bound_or_over_it_and_none_other_is() {
        assert_eq!(blocks(&[0.0, 1.9, 2.0, 9.0], 4, 2.0), "▁▇██");
        for steady in [[0.001; 4], [1.99; 4]] {
            let drawn = blocks(&steady, 4, 2.0);
            assert!(!drawn.contains('█'), "{drawn}");
        }
        assert_eq!(
            blocks(&[f64::NAN, f64::INFINITY], 2, 2.0).chars().count(),
            2
        );
    }

    #[test]
    fn a_figure_of_concern_is_told_with_its_bound() {
        assert_eq!(
            told(0.06, ERRORS, text::percent),
            "6.0 % (bad: 5.0 % or more)"
        );
        assert_eq!(
            told(1.5, SLOW, text::seconds),
            "1.50 s (of concern: 1.00 s or more)"
        );
        assert_eq!(told(0.0, ERRORS, text::percent), "0 %");
    }
}
