//! Draws the golden signals of the services.

use ratatui::text::{Line, Span};

use crate::app::App;
use crate::ask::Golden;
use crate::client::prometheus::{self, Series};
use crate::net::golden;
use crate::text;
use crate::theme::Theme;

/// Thresholds of the design: errors of concern and critical, as shares.
pub const ERRORS: (f64, f64) = (0.02, 0.05);
/// 95th percentile of concern, seconds.
pub const SLOW_S: f64 = 2.0;
/// Processor use of concern, cores.
const BUSY: f64 = 0.9;

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
    let longest = "errors, ".len() + stretch.len();
    // where a column has no room for it, the first one says it for all
    let (services, each) = match spark + value >= longest {
        true => ("Services".to_owned(), format!(", {stretch}")),
        false => (format!("Services {stretch}"), String::new()),
    };
    let titles = ["rate/s", "errors", "p95", "cpu"]
        .map(|title| {
            format!(
                "{}  ",
                text::pad_left(&format!("{title}{each}"), spark + value)
            )
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
    let mut column = |series: &Series, shown: fn(f64) -> String, bounds: (f64, f64)| {
        let values: Vec<f64> = series.points.iter().map(|p| p.1).collect();
        let last = series.last().filter(|v| v.is_finite());
        let (mark, style) = last.map_or((" ", theme.dim), |value| limits(value, bounds));
        let spark = text::sparkline(&values, spark_cells, None);
        let value = last.map_or_else(|| "—".to_owned(), shown);
        spans.push(Span::styled(
            text::pad_left(&spark, spark_cells),
            theme.info,
        ));
        let value = text::pad_left(&value, value_cells);
        spans.push(Span::styled(format!("{value}{mark} "), style));
    };
    column(
        &of(&golden.rate),
        text::number,
        (f64::INFINITY, f64::INFINITY),
    );
    column(&of(&golden.errors), text::percent, ERRORS);
    column(&of(&golden.p95), text::seconds, (SLOW_S / 2.0, SLOW_S));
    column(&of(&golden.cpu), text::percent, (BUSY * 0.8, BUSY));
    Line::from(spans)
}
