//! Draws the overview: a list of sections that scrolls as one, and on wide screens brief and changes beside it.
//!
//! ```text
//! page        ● CRITICAL title …
//! objectives  the one worst off; on wide screens a table: reached, goal, budget left, burn rate
//! alerts      ▲ firing …
//! services    name  rate ▁▂▃  errors ▁▁  p95 ▂▃  cpu ▁▂
//! resolved    ✓ …
//! changes     02:55:11 deploy …
//! ```

use api::{Alert, Phase};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::objectives;
use super::signals;
use super::state::{self, Item};
use crate::app::App;
use crate::app::receive::refusal;
use crate::ask::Slot;
use crate::client::prometheus;
use crate::text;
use crate::theme::Theme;
use crate::time::{clock, offset};
use crate::views::changes::draw::kind_letter;
use crate::widgets::cut;
use crate::widgets::surface::{Section, Surface};

/// From this width on, brief and changes stand beside the list.
const WIDE: u16 = 130;

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let Some(drill) = app.drill() else {
        let why = refusal(&app.known.drill)
            .unwrap_or_else(|| "waiting for the lab to answer …".to_owned());
        return surface.say(area, &why, surface.theme.text);
    };
    if drill.phase == Phase::Preparing {
        return preparing(app, surface, area);
    }
    let wide = area.width >= WIDE && !app.full;
    let main = match wide {
        true => area.width - area.width / 3,
        false => area.width,
    };
    let main = Rect {
        width: main,
        ..area
    };
    let width = usize::from(main.width.saturating_sub(2));
    let room = usize::from(main.height);
    let mut rows = rows(app, (width, room), surface.theme, !wide);
    if !wide && rows.len() > usize::from(main.height) {
        newest_change(app, surface.theme, &mut rows);
    }
    let selected = app.views.overview.at.of(state::items(app).len());
    sections(surface, main, rows, selected);
    if wide {
        let side = Rect {
            x: main.right(),
            width: area.width - main.width,
            ..area
        };
        beside(app, surface, side);
    }
}

/// The headings of the list, by which its sections are named where they are out of sight.
const HEADINGS: [&str; 3] = ["Alerts", "What changed lately", "Services"];

/// The list, and under it what lies further down where it does not fit.
fn sections(surface: &mut Surface<'_>, area: Rect, rows: Vec<Section>, selected: usize) {
    if rows.len() <= usize::from(area.height) {
        surface.sections(area, rows, selected);
        return;
    }
    let titles: Vec<Option<&str>> = rows
        .iter()
        .map(|(line, _)| line.spans.first().map_or("", |s| s.content.trim()))
        .map(|said| HEADINGS.into_iter().find(|title| said.starts_with(title)))
        .collect();
    let (list, foot) = cut::bottom(area, 1);
    let seen = surface.sections(list, rows, selected);
    let hidden: Vec<&str> = titles.into_iter().skip(seen).flatten().collect();
    if !hidden.is_empty() {
        let said = format!("▼ further down: {}", hidden.join(", "));
        surface.say(foot, &said, surface.theme.accent);
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
    lines.extend(brief_lines(app, width, theme));
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

/// The newest changes, which can be selected here as in the list, and the brief.
fn beside(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let theme = surface.theme;
    for y in area.top()..area.bottom() {
        surface.text(area.x, y, 1, "│", theme.dim);
    }
    let inner = cut::indented(area);
    let width = usize::from(inner.width.saturating_sub(2));
    let heading = Line::styled(HEADINGS[1], theme.accent);
    let mut rows: Vec<Section> = vec![(heading, None)];
    let items = state::items(app);
    for change in state::recent(app) {
        let item = Item::Change(change.id.clone());
        let place = items.iter().position(|i| *i == item);
        let (first, more) = wrapped(change_line(change, app, theme), width);
        rows.push((first, place));
        rows.extend(more.map(|line| (line, None)));
    }
    rows.push((Line::default(), None));
    let brief = brief_lines(app, width, theme).into_iter();
    rows.extend(brief.map(|line| (line, None)));
    surface.sections(inner, rows, app.views.overview.at.of(items.len()));
}

fn brief_lines(app: &App, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (title, body) in state::brief(app) {
        lines.push(Line::styled(title, theme.accent));
        let body = text::wrap(&body, width).into_iter();
        lines.extend(body.map(|l| Line::styled(l, theme.text)));
        lines.push(Line::default());
    }
    lines
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

/// A change over two lines where one is too short for it: its time stands before it, and below that nothing.
fn wrapped(mut line: Line<'static>, width: usize) -> (Line<'static>, Option<Line<'static>>) {
    /// Least cells of a title that say something.
    const LEAST: usize = 20;
    let before: usize = line.spans.iter().take(3).map(Span::width).sum();
    let room = width.saturating_sub(before);
    let Some(title) = line.spans.pop_if(|_| room >= LEAST) else {
        return (line, None);
    };
    let mut parts = text::wrap(&title.content, room).into_iter();
    let indent: usize = line.spans.iter().take(2).map(Span::width).sum();
    let first = parts.next().unwrap_or_default();
    line.spans.push(Span::styled(first, title.style));
    let rest: Vec<String> = parts.collect();
    let rest = text::fit(&rest.join(" "), width.saturating_sub(indent));
    let more = format!("{}{rest}", " ".repeat(indent));
    let more = Line::styled(more, title.style);
    (line, (!rest.is_empty()).then_some(more))
}

/// What an incident most often began with, in one line above the fold where the list of changes lies below it: in front of
/// the alerts.
fn newest_change(app: &App, theme: &Theme, rows: &mut Vec<Section>) {
    let Some(change) = state::recent(app).first().copied() else {
        return;
    };
    let alerts = |(line, _): &Section| {
        let first = line.spans.first().map_or("", |s| s.content.trim());
        first == HEADINGS[0]
    };
    if let Some(place) = rows.iter().position(alerts) {
        let mut line = change_line(change, app, theme);
        line.spans
            .insert(0, Span::styled("last change ", theme.accent));
        rows.insert(place, (line, None));
    }
}

fn rows(
    app: &App,
    (width, height): (usize, usize),
    theme: &Theme,
    with_changes: bool,
) -> Vec<Section> {
    let items = state::items(app);
    let index_of = |wanted: &Item| items.iter().position(|i| i == wanted);
    let mut out: Vec<Section> = Vec::new();
    let Some(drill) = app.drill() else { return out };
    page_rows(app, width, theme, &mut out);
    let promised = objectives::lines(app, width, !with_changes, theme).into_iter();
    out.extend(promised.map(|line| (line, None)));
    let firing = drill.alerts.iter().filter(|a| a.state == "firing").count();
    let now = items.iter().filter_map(|item| match item {
        Item::Alert(i) if drill.alerts[*i].state != "resolved" => Some(*i),
        _ => None,
    });
    let said = format!("values of now · {firing} firing");
    out.push((heading(HEADINGS[0], &said, width, theme), None));
    let alert = |i: usize| {
        (
            alert_line(&drill.alerts[i], theme),
            index_of(&Item::Alert(i)),
        )
    };
    let now: Vec<usize> = now.collect();
    let shown = unfolded(app, &now, height.saturating_sub(out.len()));
    out.extend(now.iter().take(shown).copied().map(alert));
    match now.len() - shown {
        0 if now.is_empty() => out.push((Line::styled("  none", theme.dim), None)),
        0 => {}
        more => {
            let said = format!("  … {more} more, j goes on to them");
            out.push((Line::styled(said, theme.accent), None));
        }
    }
    out.push((signals::columns(width, theme), None));
    for name in app.services() {
        let line = signals::service_line(app, &name, width, theme);
        out.push((line, index_of(&Item::Service(name))));
    }
    if app.views.overview.golden.value.is_none() && app.waiting(Slot::Golden).is_some() {
        out.push((Line::styled("  reading the signals …", theme.dim), None));
    }
    if let Some(why) = refusal(&app.views.overview.golden) {
        out.push((Line::styled(why, theme.warn), None));
    }
    let over = (0..drill.alerts.len()).filter(|i| drill.alerts[*i].state == "resolved");
    out.extend(over.map(alert));
    if with_changes {
        out.push((heading(HEADINGS[1], "6 shows all", width, theme), None));
    }
    for change in state::recent(app).into_iter().filter(|_| with_changes) {
        let place = index_of(&Item::Change(change.id.clone()));
        out.push((change_line(change, app, theme), place));
    }
    out
}

/// How many of the alerts are shown in so many rows: many alerts leave room for the services under them, until one of the
/// others is selected.
fn unfolded(app: &App, alerts: &[usize], room: usize) -> usize {
    /// Alerts that are always shown, and services that have room under them.
    const LEAST: usize = 4;
    const SERVICES: usize = 8;
    let services = app.services().len();
    // two headings, and the row that says what lies further down
    let left = room.saturating_sub(services.min(SERVICES) + 3).max(LEAST);
    let beyond = |place: usize| alerts.iter().skip(left).any(|i| *i == place);
    let selected = matches!(state::selected(app), Some(Item::Alert(place)) if beyond(place));
    // a row that says that there is one more is no shorter than that one
    match selected || alerts.len() <= left + 1 {
        true => alerts.len(),
        false => left,
    }
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
    let said = text::escape(&page.title);
    let title = format!("● {} · {said}", page.severity.to_uppercase());
    out.push((Line::styled(title, style), Some(0)));
    // the first three lines say what a pager would; p shows all
    let detail = text::wrap(&page.text, width.max(20));
    out.extend(
        detail
            .into_iter()
            .take(3)
            .map(|l| (Line::styled(l, theme.text), None)),
    );
    let (acknowledged, style) = match drill.acknowledged_ms {
        Some(at) => (format!("acknowledged {}", clock(at)), theme.dim),
        None if app.goes_on() => ("NOT acknowledged: press A".to_owned(), theme.warn),
        None => ("never acknowledged".to_owned(), theme.warn),
    };
    let fired = drill
        .page_ms
        .map_or_else(String::new, |at| format!(" at {}", clock(at)));
    let parts = [
        acknowledged,
        format!(
            "value {}{fired}{}",
            text::number(page.value),
            over(&page.query)
        ),
        format!("since {}", clock(page.since_ms)),
        format!("alert {}", page.alert),
    ];
    out.push((Line::styled(whole_parts(&parts, width), style), None));
}

/// The stretch of time that an expression reads; nothing where it reads the values of the moment.
fn over(promql: &str) -> String {
    match prometheus::stretches(promql) {
        stretch if stretch.is_empty() => stretch,
        stretch => format!(" over {stretch}"),
    }
}

/// As many of these parts as there is room for, none of them cut.
fn whole_parts(parts: &[String], width: usize) -> String {
    let mut out = String::new();
    for part in parts {
        let gap = if out.is_empty() { "" } else { " · " };
        if text::width(&out) + text::width(gap) + text::width(part) > width {
            break;
        }
        out.push_str(gap);
        out.push_str(part);
    }
    out
}

fn heading(title: &str, right: &str, width: usize, theme: &Theme) -> Line<'static> {
    let room = width.saturating_sub(text::width(title) + 1);
    Line::from(vec![
        Span::styled(format!("{title} "), theme.accent),
        Span::styled(text::pad_left(right, room), theme.dim),
    ])
}

fn severity_style(severity: &str, theme: &Theme) -> Style {
    match severity {
        "critical" => theme.bad,
        "warning" => theme.warn,
        _ => theme.info,
    }
}

fn alert_line(alert: &Alert, theme: &Theme) -> Line<'static> {
    /// Cells of the longest word that tells a state.
    const STATE_CELLS: usize = "resolved".len();
    let (mark, word, style) = match alert.state.as_str() {
        "firing" => ("▲", &alert.severity, severity_style(&alert.severity, theme)),
        "pending" => ("△", &alert.state, theme.warn),
        _ => ("✓", &alert.state, theme.dim),
    };
    // most summaries say themselves over what stretch their figure is
    let over = match prometheus::stretches(&alert.query) {
        said if alert.summary.contains(&said) => String::new(),
        said => format!(", over {said}"),
    };
    let was = match alert.state.as_str() {
        "resolved" => "was: ",
        _ => "",
    };
    let state = format!("{mark} {} ", text::pad(word, STATE_CELLS));
    Line::from(vec![
        Span::styled(state, style),
        Span::styled(format!("{} ", clock(alert.since_ms)), theme.dim),
        Span::styled(format!("{}{over}: ", alert.name), theme.accent),
        Span::styled(format!("{was}{}", alert.summary), theme.text),
    ])
}
