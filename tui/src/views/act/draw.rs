//! Draws the act view.
//!
//! ```text
//! remedies   ● applied  ! dangerous  title       service
//! what it does (of the selected one), or its outcome
//! stress test  progress; invariants before and after
//! ```

use api::{ActionOutcome, InvariantView, ProofView, Remedy};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state::{self, Pane};
use super::{probe, rollout};
use crate::app::App;
use crate::app::receive::refusal;
use crate::text;
use crate::theme::Theme;
use crate::time::clock;
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let [list, details, below] = places(app, surface.theme, area);
    draw_remedies(app, surface, list);
    draw_details(app, surface, details);
    let (title, state) = ("Stress test", proof_state(app));
    let focused = app.views.act.pane == Pane::Proof;
    let inner = surface.titled(below, title, &state, focused);
    let lines = proof_lines(app, usize::from(area.width), surface.theme);
    surface.scrolled(inner, &lines, app.views.act.first[1]);
}

/// Where list, details and stress test stand. Full screen is the pane that has the keys alone.
fn places(app: &App, theme: &Theme, area: Rect) -> [Rect; 3] {
    let none = cut::bottom(area, 0).1;
    if app.full {
        let mut places = [none; 3];
        places[app.views.act.pane as usize] = area;
        return places;
    }
    let pane = app.views.act.pane;
    if area.height < TIGHT {
        return tight(area, pane);
    }
    let proof = proof_lines(app, usize::from(area.width), theme);
    // the stress test takes what its lines need, as far as the remedies keep some room
    let wanted = cut::cells(proof.len()).saturating_add(1);
    // an answer, and a rollout as it goes on, are read: they get the rows that they need, and the list keeps a few
    let read = pane == Pane::Details || state::selected(app).is_some_and(|r| r.rollout.is_some());
    let most = match pane {
        Pane::Proof => area.height * 3 / 5,
        _ if read => area.height * 2 / 5,
        _ => area.height / 2,
    };
    let (top, below) = cut::bottom(area, wanted.clamp(4, most.max(4)));
    if area.width >= 140 {
        let (list, details) = cut::left(top, top.width / 2);
        return [list, details, below];
    }
    let mut rows = (top.height / 2).clamp(1, 9);
    if read {
        let lines = detail_lines(app, usize::from(area.width.saturating_sub(3)), theme).len();
        rows = rows.max((cut::cells(lines) + 1).min(top.height.saturating_sub(LIST)));
    }
    let (list, details) = cut::bottom(top, rows);
    [list, details, below]
}

/// Below this height the pane that has the keys gets the rows, and of the others stand the titles.
const TIGHT: u16 = 14;
/// Rows that the list keeps while something else is read: its title and some remedies.
const LIST: u16 = 5;

/// On a screen of few rows. Whoever chooses a remedy sees what the selected one does, too.
fn tight(area: Rect, pane: Pane) -> [Rect; 3] {
    let (rest, below) = match pane {
        Pane::Proof => cut::top(area, 2),
        _ => cut::bottom(area, 1),
    };
    let rows = match pane {
        Pane::Remedies => rest.height.div_ceil(2),
        Pane::Details => rest.height.saturating_sub(1),
        Pane::Proof => 1,
    };
    let (list, details) = cut::bottom(rest, rows);
    [list, details, below]
}

/// Lines of a pane that scrolls, and rows that there are for them.
pub(super) fn extent(app: &App, pane: Pane) -> (usize, usize) {
    // header, tabs, footer and a message take a row each
    let area = Rect::new(0, 0, app.size.0, app.size.1.saturating_sub(4));
    let place = places(app, &app.theme, area)[pane as usize];
    let lines = match pane {
        Pane::Details => detail_lines(app, usize::from(place.width.saturating_sub(3)), &app.theme),
        _ => proof_lines(app, usize::from(area.width), &app.theme),
    };
    (lines.len(), usize::from(place.height.saturating_sub(1)))
}

fn draw_remedies(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let remedies = state::remedies(app);
    let focused = app.views.act.pane == Pane::Remedies;
    let inner = surface.titled(
        area,
        "Remedies",
        "● applied  ◐ rolling out  ! can hurt",
        focused,
    );
    if remedies.is_empty() {
        let none = || "no remedies are on offer yet".to_owned();
        let said = refusal(&app.known.remedies).unwrap_or_else(none);
        return surface.say(inner, &said, surface.theme.dim);
    }
    let rows = Rows::of(remedies.len(), app.views.act.at.of(remedies.len()));
    surface.list(inner, rows, |theme, index, width| {
        remedy_row(&remedies[index], width, theme)
    });
}

fn remedy_row(remedy: &Remedy, width: usize, theme: &Theme) -> Line<'static> {
    let (mark, style) = if state::rolling(remedy).is_some() {
        ("◐", theme.warn)
    } else if remedy.applied {
        ("●", theme.good)
    } else {
        ("○", theme.dim)
    };
    let service = remedy.service.as_deref().unwrap_or("-");
    let room = width.saturating_sub(4 + 9 + 12);
    Line::from(vec![
        Span::styled(
            format!("{mark}{} ", if remedy.dangerous { "!" } else { " " }),
            style,
        ),
        Span::styled(format!("{} ", text::pad(&remedy.kind, 8)), theme.accent),
        Span::styled(text::pad(&remedy.title, room), theme.text),
        Span::styled(format!(" {}", text::pad(service, 11)), theme.info),
    ])
}

fn draw_details(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let focused = app.views.act.pane == Pane::Details;
    if let Some(answer) = state::answer(app) {
        let right = probe::state(answer);
        let inner = surface.titled(area, "Answer", &right, focused);
        let inner = cut::indented(inner);
        let lines = detail_lines(
            app,
            usize::from(inner.width.saturating_sub(1)),
            surface.theme,
        );
        return surface.scrolled(inner, &lines, app.views.act.first[0]);
    }
    let Some(remedy) = state::selected(app) else {
        return;
    };
    let right = match (app.may_act(), state::rolling(remedy), remedy.applied) {
        (true, Some(rollout), _) => format!("{} % is new; u takes it back", rollout.percent),
        (false, Some(rollout), _) => format!("{} % is new", rollout.percent),
        (true, None, true) => "applied; u takes it back".to_owned(),
        (true, None, false) => "Enter applies".to_owned(),
        (false, None, true) => "applied".to_owned(),
        (false, None, false) => "not applied".to_owned(),
    };
    let inner = cut::indented(surface.titled(area, "What it does", &right, focused));
    let lines = detail_lines(
        app,
        usize::from(inner.width.saturating_sub(1)),
        surface.theme,
    );
    surface.scrolled(inner, &lines, app.views.act.first[0]);
}

/// What a service answered; or what the selected remedy does, how far its rollout is, and what came of it.
fn detail_lines(app: &App, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    if let Some(answer) = state::answer(app) {
        return probe::lines(answer, width, theme);
    }
    let Some(remedy) = state::selected(app) else {
        return Vec::new();
    };
    let styled = |said: &str, style| {
        text::wrap(said, width)
            .into_iter()
            .map(move |l| Line::styled(l, style))
    };
    // the list may have had to cut the title
    let mut lines: Vec<Line<'static>> = styled(&remedy.title, theme.header).collect();
    if let Some(since_ms) = state::begun_ms(app, &remedy.id) {
        let seconds = app.range.now_ms.saturating_sub(since_ms) / 1_000;
        lines.extend(styled(&format!("◐ under way for {seconds} s"), theme.warn));
    }
    // how it goes on, or went, stands above what could be read before
    lines.extend(rollout::lines(remedy, width, theme));
    lines.extend(styled(&remedy.description, theme.text));
    let outcomes = app.views.act.outcomes.iter().rev();
    // that it has begun is seen by its steps
    let own = |o: &&(i64, ActionOutcome)| o.1.remedy == remedy.id && !o.1.under_way;
    for (at, outcome) in outcomes.filter(own).take(3) {
        let (mark, style) = match outcome.done {
            true => ("✓", theme.good),
            false => ("✗", theme.bad),
        };
        lines.extend(styled(
            &format!("{mark} {} {}", clock(*at), outcome.message),
            style,
        ));
    }
    lines
}

fn proof_state(app: &App) -> String {
    let none = ProofView::default();
    let proof = app.known.proof.value.as_ref().unwrap_or(&none);
    let at = || proof.at_ms.map(clock).unwrap_or_default();
    match (proof.running, proof.passed) {
        (true, _) => format!("running {}", text::percent(proof.progress)),
        (false, Some(true)) => format!("✓ passed {}", at()),
        (false, Some(false)) => format!("✗ failed {}", at()),
        (false, None) if app.may_act() => "not run yet; P runs it".to_owned(),
        (false, None) => "never run".to_owned(),
    }
}

/// What the stress test does, how far it is, or what it found.
fn proof_lines(app: &App, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some(proof) = &app.known.proof.value else {
        let said = "reading what the stress test does …";
        return vec![Line::styled(format!(" {said}"), theme.dim)];
    };
    let mut lines = Vec::new();
    if proof.running {
        let cells = width.saturating_sub(3);
        let bar = text::bar(proof.progress, cells);
        lines.push(Line::styled(format!(" {bar}"), theme.accent));
    }
    if proof.invariants.is_empty() {
        let said = text::wrap(&proof.description, width.saturating_sub(3));
        lines.extend(
            said.iter()
                .map(|l| Line::styled(format!(" {l}"), theme.dim)),
        );
        return lines;
    }
    let head = format!(
        "  {} {}",
        text::pad("must hold", width.saturating_sub(AROUND_TITLE)),
        ["bound", "before", "after"]
            .iter()
            .zip(FIGURES)
            .map(|(name, cells)| text::pad_left(name, cells))
            .collect::<String>()
    );
    lines.push(Line::styled(head, theme.dim));
    // what does not hold is what one looks for
    let mut rows: Vec<&InvariantView> = proof.invariants.iter().collect();
    rows.sort_by_key(|invariant| invariant.holds);
    lines.extend(
        rows.into_iter()
            .flat_map(|i| invariant_rows(i, width, theme)),
    );
    lines
}

/// Cells of an invariant's bound, and of its values before and after.
const FIGURES: [usize; 3] = [11, 9, 9];
/// Cells of a line that its title cannot have: the mark, the figures, and a column of space on either side.
const AROUND_TITLE: usize = 2 + 1 + FIGURES[0] + FIGURES[1] + FIGURES[2] + 1;

/// One invariant with its values before and after; a long title takes several lines.
#[must_use]
pub fn invariant_rows(
    invariant: &InvariantView,
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let (mark, style) = match invariant.holds {
        true => ("✓ ", theme.good),
        false => ("✗ ", theme.bad),
    };
    let value = |v: Option<f64>| v.map_or_else(|| "—".to_owned(), text::number);
    let figure =
        |said: &str, i: usize, style| Span::styled(text::pad_left(said, FIGURES[i]), style);
    let room = width.saturating_sub(AROUND_TITLE).max(10);
    let mut title = text::wrap(&invariant.title, room).into_iter();
    let first = title.next().unwrap_or_default();
    let mut rows = vec![Line::from(vec![
        Span::styled(mark, style),
        Span::styled(format!("{} ", text::pad(&first, room)), theme.text),
        figure(&invariant.bound, 0, theme.dim),
        figure(&value(invariant.before), 1, theme.dim),
        figure(&value(invariant.after), 2, style),
    ])];
    rows.extend(title.map(|line| Line::styled(format!("  {line}"), theme.text)));
    rows
}
