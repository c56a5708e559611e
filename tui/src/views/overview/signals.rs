//! Draws the golden signals of the services and what the objectives make of them.

use ratatui::text::{Line, Span};

use crate::app::App;
use crate::ask::Golden;
use crate::client::prometheus::{self, Series};
use crate::net::golden;
use crate::text;
use crate::theme::Theme;

/// Thresholds of the design: errors of concern and critical, as shares.
const ERRORS: (f64, f64) = (0.02, 0.05);
/// 95th percentile of concern, seconds.
const SLOW_S: f64 = 2.0;
/// Processor use of concern, cores.
const BUSY: f64 = 0.9;
/// Availability that is promised, as a share.
const OBJECTIVE: f64 = 0.999;

/// Objectives as users feel them: of the edge alone, which stands first among the services.
#[must_use]
pub fn objective_line(app: &App, width: usize, theme: &Theme) -> Line<'static> {
    let edge = app.drill().and_then(|d| d.services.first());
    let edge = edge.map(|service| service.name.as_str());
    let Some(golden) = &app.views.overview.golden.value else {
        return Line::styled("objectives: measuring …", theme.dim);
    };
    let (mut requests, mut failed) = (0.0, 0.0);
    let of_edge = |service: Option<&str>| edge.is_none() || service == edge;
    for rate in &golden.rate {
        let service = rate.labels.get("service");
        if !of_edge(service.map(String::as_str)) {
            continue;
        }
        let errors = golden
            .errors
            .iter()
            .find(|e| e.labels.get("service") == service);
        for (at, value) in rate.points.iter().filter(|(_, v)| v.is_finite()) {
            requests += value;
            failed += value
                * errors
                    .and_then(|e| e.at(*at))
                    .filter(|s| s.is_finite())
                    .unwrap_or(0.0);
        }
    }
    if requests == 0.0 {
        return Line::styled("objectives: no requests in this window", theme.dim);
    }
    let share = failed / requests;
    let left = 1.0 - share / (1.0 - OBJECTIVE);
    let style = match left {
        l if l > 0.75 => theme.good,
        l if l > 0.25 => theme.warn,
        _ => theme.bad,
    };
    let mut spans = vec![
        Span::styled(
            format!(
                "available {:.2} % in {} (goal 99.9 %), ",
                (1.0 - share) * 100.0,
                text::stretch(app.range.window().length_ms())
            ),
            theme.text,
        ),
        Span::styled(
            match left > 0.0 {
                true => format!("budget {} left", text::percent(left)),
                false => "budget exhausted".to_owned(),
            },
            style,
        ),
    ];
    let goal = format!(" · p95 goal {SLOW_S} s");
    let used: usize = spans.iter().map(|s| text::width(&s.content)).sum();
    if used + text::width(&goal) <= width {
        spans.push(Span::styled(goal, theme.dim));
    }
    Line::from(spans)
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
    let (mark, mark_style) = match worst.map_or("", |s| s.state.as_str()) {
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
