//! Draws the overview: a list of sections that scrolls as one, and on wide screens brief and changes beside it.
//!
//! ```text
//! page        ● CRITICAL title …
//! objectives  availability, budget, p95
//! services    name  rate ▁▂▃  errors ▁▁  p95 ▂▃  cpu ▁▂
//! alerts      ▲ firing …
//! changes     02:55:11 deploy …
//! ```

use api::{Alert, Phase};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::state::{self, Item};
use crate::app::App;
use crate::app::receive::refusal;
use crate::ask::Golden;
use crate::client::prometheus::Series;
use crate::text;
use crate::theme::Theme;
use crate::time::{clock, offset};
use crate::views::changes::draw::kind_letter;
use crate::widgets::surface::{Section, Surface};

/// Thresholds of the design: errors of concern and critical, as shares.
const ERRORS: (f64, f64) = (0.02, 0.05);
/// 95th percentile of concern, seconds.
const SLOW_S: f64 = 2.0;
/// Processor use of concern, cores.
const BUSY: f64 = 0.9;
/// Availability that is promised, as a share.
const OBJECTIVE: f64 = 0.999;
/// From this width on, brief and changes stand beside the list.
const WIDE: u16 = 130;

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let Some(drill) = app.drill() else {
        let why = refusal(&app.known.drill)
            .unwrap_or_else(|| "waiting for the lab to answer …".to_owned());
        surface.text(
            area.x + 1,
            area.y + 1,
            area.width.saturating_sub(2),
            &why,
            surface.theme.text,
        );
        return;
    };
    if drill.phase == Phase::Preparing {
        return preparing(app, surface, area);
    }
    let side = if area.width >= WIDE && !app.full {
        area.width / 3
    } else {
        0
    };
    let main = Rect {
        width: area.width - side,
        ..area
    };
    let rows = rows(
        app,
        usize::from(main.width.saturating_sub(2)),
        surface.theme,
        side == 0,
    );
    let items = state::items(app);
    let selected = app.views.overview.at.of(items.len());
    surface.sections(main, rows, selected);
    if side > 0 {
        beside(
            app,
            surface,
            Rect {
                x: area.x + main.width,
                width: side,
                ..area
            },
        );
    }
}

fn preparing(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let Some(drill) = app.drill() else { return };
    let theme = surface.theme;
    let width = usize::from(area.width.saturating_sub(4));
    let bar_width = width.saturating_sub(8).min(60);
    let bar = text::pad(&text::bar(drill.progress, bar_width), bar_width);
    let mut lines = vec![
        Line::styled(
            "The shop starts and makes its history; you will be paged at 03:00.",
            theme.header,
        ),
        Line::from(vec![
            Span::styled(bar, theme.accent),
            Span::styled(format!("  {}", text::percent(drill.progress)), theme.text),
        ]),
        Line::styled(drill.activity.clone(), theme.dim),
        Line::default(),
    ];
    for (title, body) in [
        ("Situation", &drill.brief.situation),
        ("How the shop is built", &drill.brief.architecture),
        ("What normal looks like", &drill.brief.normal),
    ] {
        if !body.is_empty() {
            lines.push(Line::styled(title, theme.accent));
            lines.extend(
                text::wrap(body, width)
                    .into_iter()
                    .map(|l| Line::styled(l, theme.text)),
            );
            lines.push(Line::default());
        }
    }
    surface.lines(
        Rect {
            x: area.x + 2,
            y: area.y + 1,
            width: area.width.saturating_sub(4),
            height: area.height.saturating_sub(1),
        },
        &lines,
    );
}

fn beside(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let theme = surface.theme;
    let width = usize::from(area.width.saturating_sub(2));
    for y in area.top()..area.bottom() {
        surface.text(area.x, y, 1, "│", theme.dim);
    }
    let mut lines = vec![Line::styled("What changed lately", theme.accent)];
    lines.extend(
        state::recent(app)
            .into_iter()
            .map(|c| change_line(c, app, theme)),
    );
    lines.push(Line::default());
    if let Some(drill) = app.drill() {
        for (title, body) in [
            ("Situation", &drill.brief.situation),
            ("How the shop is built", &drill.brief.architecture),
            ("What normal looks like", &drill.brief.normal),
        ] {
            lines.push(Line::styled(title, theme.accent));
            lines.extend(
                text::wrap(body, width)
                    .into_iter()
                    .map(|l| Line::styled(l, theme.text)),
            );
            lines.push(Line::default());
        }
    }
    surface.lines(
        Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(2),
            ..area
        },
        &lines,
    );
}

fn change_line(change: &api::Change, app: &App, theme: &Theme) -> Line<'static> {
    let before = app
        .page_ms()
        .map(|page| format!(" {}", offset(change.at_ms - page)))
        .unwrap_or_default();
    let service = change.service.as_deref().unwrap_or("-");
    Line::from(vec![
        Span::styled(format!("{}{before} ", clock(change.at_ms)), theme.dim),
        Span::styled(format!("{} ", kind_letter(change.kind)), theme.accent),
        Span::styled(format!("{service}: "), theme.info),
        Span::styled(change.title.clone(), theme.text),
    ])
}

fn rows(app: &App, width: usize, theme: &Theme, with_changes: bool) -> Vec<Section> {
    let items = state::items(app);
    let index_of = |wanted: &Item| items.iter().position(|i| i == wanted);
    let mut out: Vec<Section> = Vec::new();
    let Some(drill) = app.drill() else { return out };
    page_rows(app, width, theme, &mut out);
    out.push((
        objective_line(
            app.views.overview.golden.value.as_ref(),
            drill.services.first().map(|edge| edge.name.as_str()),
            theme,
        ),
        None,
    ));
    out.push((columns(width, theme), None));
    for name in app.services() {
        let line = service_line(app, &name, width, theme);
        out.push((line, index_of(&Item::Service(name))));
    }
    if let Some(why) = refusal(&app.views.overview.golden) {
        out.push((Line::styled(why, theme.warn), None));
    }
    let firing = drill.alerts.iter().filter(|a| a.state == "firing").count();
    out.push((
        heading("Alerts", &format!("{firing} firing"), width, theme),
        None,
    ));
    if drill.alerts.is_empty() {
        out.push((Line::styled("  none", theme.dim), None));
    }
    for (i, alert) in drill.alerts.iter().enumerate() {
        out.push((alert_line(alert, theme), index_of(&Item::Alert(i))));
    }
    if with_changes {
        out.push((
            heading("What changed lately", "6 shows all", width, theme),
            None,
        ));
    }
    for change in state::recent(app) {
        if with_changes {
            out.push((
                change_line(change, app, theme),
                index_of(&Item::Change(change.id.clone())),
            ));
        }
    }
    out
}

fn page_rows(app: &App, width: usize, theme: &Theme, out: &mut Vec<Section>) {
    let Some(drill) = app.drill() else { return };
    let Some(page) = &drill.page else {
        out.push((
            Line::styled(
                "○ Quiet: no page has fired. The brief is under b.",
                theme.good,
            ),
            None,
        ));
        return;
    };
    let style = severity_style(&page.severity, theme);
    let title = format!("● {} · {}", page.severity.to_uppercase(), page.title);
    out.push((Line::styled(title, style), Some(0)));
    // the first three lines say what a pager would; p shows all
    let detail = text::wrap(&page.text, width.max(20));
    out.extend(
        detail
            .into_iter()
            .take(3)
            .map(|l| (Line::styled(l, theme.text), None)),
    );
    let acknowledged = match drill.acknowledged_ms {
        Some(at) => format!("acknowledged {}", clock(at)),
        None if drill.phase == Phase::Ended => "never acknowledged".to_owned(),
        None => "NOT acknowledged: A does it".to_owned(),
    };
    let state = format!(
        "value {} · since {} · {acknowledged} · alert {}",
        text::number(page.value),
        clock(page.since_ms),
        page.alert
    );
    out.push((
        Line::styled(
            state,
            if drill.acknowledged_ms.is_some() {
                theme.dim
            } else {
                theme.warn
            },
        ),
        None,
    ));
}

/// Objectives as users feel them: of the edge alone, which stands first among the services.
fn objective_line(golden: Option<&Golden>, edge: Option<&str>, theme: &Theme) -> Line<'static> {
    let Some(golden) = golden else {
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
    let (word, style) = match left {
        l if l > 0.75 => ("ok", theme.good),
        l if l > 0.25 => ("burning", theme.warn),
        l if l > 0.0 => ("nearly gone", theme.bad),
        _ => ("exhausted", theme.bad),
    };
    Line::from(vec![
        Span::styled(
            format!(
                "availability {:.2} % of 99.9 % · error budget ",
                (1.0 - share) * 100.0
            ),
            theme.text,
        ),
        Span::styled(
            if left > 0.0 {
                format!("{} left, {word}", text::percent(left))
            } else {
                word.to_owned()
            },
            style,
        ),
        Span::styled(" · p95 under 2 s".to_owned(), theme.dim),
    ])
}

fn heading(title: &str, right: &str, width: usize, theme: &Theme) -> Line<'static> {
    let room = width.saturating_sub(text::width(title) + 1);
    Line::from(vec![
        Span::styled(format!("{title} "), theme.accent),
        Span::styled(text::pad_left(right, room), theme.dim),
    ])
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

fn columns(width: usize, theme: &Theme) -> Line<'static> {
    let (name, spark, value) = cells(width);
    let titles = ["rate /s", "errors", "p95", "cpu"]
        .map(|title| format!("{}  ", text::pad_left(title, spark + value)))
        .concat();
    Line::from(vec![
        Span::styled(text::pad("Services", name + 2), theme.accent),
        Span::styled(titles, theme.dim),
    ])
}

fn service_line(app: &App, name: &str, width: usize, theme: &Theme) -> Line<'static> {
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
    let limits = |value: f64, warn: f64, bad: f64| {
        if value >= bad {
            theme.bad
        } else if value >= warn {
            theme.warn
        } else {
            theme.text
        }
    };
    let mut column = |series: &Series, shown: fn(f64) -> String, style: &dyn Fn(f64) -> Style| {
        let values: Vec<f64> = series.points.iter().map(|p| p.1).collect();
        let last = series.last().filter(|v| v.is_finite());
        let style = last.map_or(theme.dim, style);
        spans.push(Span::styled(
            text::pad_left(&text::sparkline(&values, spark_cells, None), spark_cells),
            theme.info,
        ));
        spans.push(Span::styled(
            format!(
                "{}  ",
                text::pad_left(&last.map_or_else(|| "—".to_owned(), shown), value_cells)
            ),
            style,
        ));
    };
    column(&of(&golden.rate), text::number, &|_| theme.text);
    column(&of(&golden.errors), text::percent, &|v| {
        limits(v, ERRORS.0, ERRORS.1)
    });
    column(&of(&golden.p95), text::seconds, &|v| {
        limits(v, SLOW_S / 2.0, SLOW_S)
    });
    column(&of(&golden.cpu), text::percent, &|v| {
        limits(v, BUSY * 0.8, BUSY)
    });
    Line::from(spans)
}

fn severity_style(severity: &str, theme: &Theme) -> Style {
    match severity {
        "critical" => theme.bad,
        "warning" => theme.warn,
        _ => theme.info,
    }
}

fn alert_line(alert: &Alert, theme: &Theme) -> Line<'static> {
    let (mark, style) = match alert.state.as_str() {
        "firing" => ("▲", severity_style(&alert.severity, theme)),
        "pending" => ("△", theme.warn),
        _ => ("✓", theme.dim),
    };
    Line::from(vec![
        Span::styled(format!("{mark} {} {} ", alert.state, alert.severity), style),
        Span::styled(format!("{} ", clock(alert.since_ms)), theme.dim),
        Span::styled(format!("{}: ", alert.name), theme.accent),
        Span::styled(alert.summary.clone(), theme.text),
    ])
}
