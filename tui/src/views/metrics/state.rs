//! What the metrics view holds: expression, series, the selected series, the crosshair, expressions that were kept.

use std::collections::BTreeMap;

use api::PinTarget;

use super::complete::Labels;
use super::panels::Panel;
use super::{exemplars, panels, promql};
use crate::app::App;
use crate::app::places::Subject;
use crate::ask::Ask;
use crate::client::Asker;
use crate::client::loki::quoted;
use crate::client::prometheus::{Exemplar, Series};
use crate::net::golden;
use crate::time::{Window, clock};
use crate::views::{ViewId, marks};
use crate::widgets::cursor::{Cursor, Motion};
use crate::widgets::query::QueryLine;

/// Points of a line: about two to a cell of a wide terminal.
const POINTS: usize = 240;

/// State of the view.
#[derive(Default)]
pub struct State {
    /// Expression.
    pub query: QueryLine,
    /// Series of the last good answer.
    pub series: Vec<Series>,
    /// Whether an answer has arrived.
    pub loaded: bool,
    /// Selected series.
    pub at: Cursor,
    /// Where values are read; none reads the newest.
    pub crosshair_ms: Option<i64>,
    /// Single observations of an expression, in order of time.
    pub exemplars: Vec<Exemplar>,
    /// That expression.
    pub(super) exemplars_of: String,
    /// The one that the crosshair was put on last.
    pub picked: Option<Exemplar>,
    /// Labels of metrics that were asked for, and when they came, on the screen's clock.
    pub labels: BTreeMap<String, (u64, Labels)>,
    /// The metric whose labels are being read.
    pub labels_asked: Option<String>,
    /// The expression that the crosshair belongs to.
    asked: String,
    /// Service that ready expressions are about.
    pub service: Option<String>,
    /// Charts that were kept.
    pub panels: Vec<Panel>,
}

/// Step of a query over a window, seconds.
fn step_s(window: Window) -> i64 {
    window.step_s(POINTS)
}

/// Asks for the series of the window; with nothing asked yet, for the requests of all services.
pub fn refresh(app: &mut App, asker: Asker) {
    if app.views.metrics.query.ran.is_empty() && !app.views.metrics.query.editing {
        app.views.metrics.query.set(golden::RATE);
        app.views.metrics.query.commit();
    }
    let query = app.views.metrics.query.ran.clone();
    if query.is_empty() {
        return;
    }
    let window = app.range.passed();
    app.ask(
        Ask::Metrics {
            query,
            window,
            step_s: step_s(app.range.window()),
        },
        asker,
    );
    exemplars::refresh(app);
    panels::refresh(app);
}

/// The crosshair stays where it is although the expression is another one.
pub fn same_moment(metrics: &mut State) {
    metrics.asked.clone_from(&metrics.query.ran);
}

/// The series with the greatest values first.
pub fn greatest_first(series: &mut Vec<Series>) {
    let greatest = |s: &Series| {
        s.points
            .iter()
            .map(|p| p.1)
            .filter(|v| v.is_finite())
            .fold(f64::MIN, f64::max)
    };
    // all points are looked at once, not with each comparison
    let ranked = std::mem::take(series).into_iter();
    let mut ranked: Vec<(f64, Series)> = ranked.map(|s| (greatest(&s), s)).collect();
    ranked.sort_by(|(one, a), (two, b)| two.total_cmp(one).then_with(|| a.labels.cmp(&b.labels)));
    series.extend(ranked.into_iter().map(|(_, s)| s));
}

/// The lines of another expression have come. Where it is about the same metric, as after a filter, the moment stays.
fn turned(app: &mut App) {
    let metrics = &mut app.views.metrics;
    let query = metrics.query.ran.clone();
    let same_metric = promql::metric_in(&metrics.asked) == promql::metric_in(&query);
    metrics.asked = query;
    metrics.at = Cursor::default();
    // the peak of one metric is any moment of another
    if !same_metric && metrics.crosshair_ms.take().is_some() && app.view == ViewId::Metrics {
        app.say("new query: the crosshair is gone, values are the newest; X goes to the peak");
    }
}

/// Series have arrived: the greatest first, and the selected one stays selected.
pub fn arrived(app: &mut App, mut series: Vec<Series>) {
    if app.views.metrics.asked != app.views.metrics.query.ran {
        turned(app);
    }
    let chosen = selected(app).map(|s| s.labels.clone());
    let metrics = &mut app.views.metrics;
    metrics.query.answered();
    metrics.loaded = true;
    greatest_first(&mut series);
    metrics.series = series;
    let Some(labels) = chosen.filter(|_| metrics.at.picked()) else {
        return;
    };
    let place = metrics.series.iter().position(|s| s.labels == labels);
    if !metrics.at.went_to(place, metrics.series.len()) && app.view == ViewId::Metrics {
        app.say(
            "the selected series has no values in this time range: the one in its row is selected",
        );
    }
}

/// Whether there is a series to read.
#[must_use]
pub fn has_series(app: &App) -> bool {
    !app.views.metrics.series.is_empty()
}

/// The selected series.
#[must_use]
pub fn selected(app: &App) -> Option<&Series> {
    let metrics = &app.views.metrics;
    metrics.series.get(metrics.at.of(metrics.series.len()))
}

/// The crosshair, while the window holds it.
#[must_use]
pub fn crosshair(app: &App) -> Option<i64> {
    let window = app.range.window();
    let at = app.views.metrics.crosshair_ms;
    at.filter(|at| (window.start_ms..=window.end_ms).contains(at))
}

/// Where values are read: the crosshair, or the end of the window.
#[must_use]
pub fn read_at(app: &App) -> i64 {
    crosshair(app).unwrap_or_else(|| {
        selected(app)
            .and_then(|s| s.points.last())
            .map_or(app.range.passed().end_ms, |p| p.0)
    })
}

/// Up and down among the series; left and right move the crosshair.
pub fn motion(app: &mut App, motion: Motion) {
    let (page, window) = (app.page(), app.range.passed());
    let here = read_at(app);
    let metrics = &mut app.views.metrics;
    let step = (window.length_ms() / 80).max(1000);
    match motion {
        Motion::Left => metrics.crosshair_ms = Some((here - step).max(window.start_ms)),
        Motion::Right if here + step >= window.end_ms => metrics.crosshair_ms = None,
        Motion::Right => metrics.crosshair_ms = Some(here + step),
        other => metrics.at.go(other, metrics.series.len(), page),
    }
}

/// `x`: the crosshair to the moment of the page, or away.
pub fn cross_page(app: &mut App) {
    app.views.metrics.crosshair_ms = match (crosshair(app), app.page_ms()) {
        (None, Some(page)) => Some(page),
        _ => None,
    };
    if app.views.metrics.crosshair_ms.is_some() && crosshair(app).is_none() {
        app.say("the page is outside of this time range; Z widens it, [ goes back");
    }
}

/// `X`: the crosshair to the greatest value of the selected series.
pub fn cross_peak(app: &mut App) {
    let peak = selected(app).and_then(|s| {
        s.points
            .iter()
            .filter(|p| p.1.is_finite())
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|p| p.0)
    });
    app.views.metrics.crosshair_ms = peak;
}

/// `w`, `W`: the crosshair to the next or previous mark: page, alert, change, action.
pub fn cross_mark(app: &mut App, forward: bool) {
    let (marks, window) = (marks::of(app), app.range.passed());
    let from = match (crosshair(app), forward) {
        (Some(at), _) => at,
        // without a crosshair values are read at the end
        (None, true) => window.start_ms - 1,
        (None, false) => window.end_ms + 1,
    };
    let seen: Vec<marks::Mark> = marks
        .into_iter()
        .filter(|m| m.at_ms >= window.start_ms && m.at_ms <= window.end_ms)
        .collect();
    match marks::beyond(&seen, from, forward) {
        Some(mark) => {
            app.views.metrics.crosshair_ms = Some(mark.at_ms);
            app.say(format!("{}: {}", clock(mark.at_ms), mark.said));
        }
        None => app.say("no further page, alert or change in this time range; Z widens it"),
    }
}

/// Enter: the logs of the series' service, about the crosshair if there is one.
pub fn enter(app: &mut App) {
    let subject = about(app);
    match crosshair(app) {
        Some(at_ms) => app.follow_at(ViewId::Logs, &subject, at_ms),
        None => app.follow_subject(ViewId::Logs, &subject),
    }
}

/// Opens the view on a subject: its expression, or the slowness of its service.
pub fn show(app: &mut App, subject: &Subject) {
    app.remember();
    let query = match (&subject.promql, &subject.service) {
        (Some(promql), _) => promql.clone(),
        (None, Some(service)) => format!(
            "histogram_quantile(0.95, sum by (service, route, le) (rate(http_server_request_duration_seconds_bucket{{service={}}}[30s])))",
            quoted(service)
        ),
        (None, None) => golden::RATE.to_owned(),
    };
    let metrics = &mut app.views.metrics;
    metrics.service = subject.service.clone();
    metrics.crosshair_ms = subject.at_ms;
    metrics.query.set(&query);
    metrics.query.commit();
    metrics.asked.clone_from(&metrics.query.ran);
    metrics.at = Cursor::default();
    if app.view == ViewId::Metrics {
        app.refresh(Asker::Person);
    } else {
        app.last_view = app.view;
        app.view = ViewId::Metrics;
        app.arrived();
    }
}

/// What `m` pins: the selected series at the crosshair.
#[must_use]
pub fn pin(app: &App) -> Option<PinTarget> {
    let series = selected(app)?;
    let labels: BTreeMap<String, String> = series.labels.clone();
    Some(PinTarget::Metric {
        query: app.views.metrics.query.good.clone(),
        at_ms: read_at(app),
        labels,
    })
}

/// Where the links of the selected series lead.
#[must_use]
pub fn about(app: &App) -> Subject {
    let service = selected(app)
        .and_then(|s| s.labels.get("service").cloned())
        .or_else(|| app.views.metrics.service.clone());
    Subject {
        service,
        trace: exemplars::picked(app).map(|e| e.trace_id.clone()),
        at_ms: Some(read_at(app)),
        promql: Some(app.views.metrics.query.good.clone()),
    }
}

/// The series as comma-separated values, one row a point.
#[must_use]
pub fn as_csv(app: &App) -> String {
    let mut out = String::from("time,at_ms,series,value\n");
    for series in &app.views.metrics.series {
        let name = series.name().replace('"', "\"\"");
        for (at, value) in &series.points {
            out.push_str(&format!("{},{at},\"{name}\",{value}\n", clock(*at)));
        }
    }
    out
}
