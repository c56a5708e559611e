//! Draws the change history.
//!
//! ```text
//! time line  ──D───C──────J──P──A──
//! list       02:55:11 -04:49 D checkout  title      author
//! details    (of the selected entry)
//! ```

use api::{Change, ChangeKind};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state;
use crate::app::App;
use crate::app::receive::refusal;
use crate::text;
use crate::theme::Theme;
use crate::time::{clock, offset};
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// A letter for each kind, so that the time line reads without colour.
#[must_use]
pub fn kind_letter(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Deploy => "D",
        ChangeKind::Config => "C",
        ChangeKind::Flag => "F",
        ChangeKind::Scale => "S",
        ChangeKind::Job => "J",
        ChangeKind::Action => "A",
        ChangeKind::Chaos => "X",
    }
}

fn kind_word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Deploy => "deploy",
        ChangeKind::Config => "config",
        ChangeKind::Flag => "flag",
        ChangeKind::Scale => "scale",
        ChangeKind::Job => "job",
        ChangeKind::Action => "action",
        ChangeKind::Chaos => "chaos",
    }
}

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    if area.height < 2 {
        return;
    }
    let (line, body) = cut::top(area, 2);
    time_line(app, surface, line);
    let all = state::shown(app);
    let count = text::count(all.len(), "entry, newest first", "entries, newest first");
    let inner = surface.titled(body, "Changes", &count, true);
    if all.is_empty() {
        let none = || "no changes are on record in this drill's history".to_owned();
        let said = refusal(&app.known.changes).unwrap_or_else(none);
        return surface.say(inner, &said, surface.theme.dim);
    }
    let at = app.views.changes.at.of(all.len());
    let (list, details) = match (app.full, area.width >= 150) {
        (true, _) => cut::bottom(inner, 0),
        (false, true) => cut::left(inner, inner.width / 2),
        (false, false) => cut::bottom(inner, (inner.height / 2).min(10)),
    };
    surface.list(list, Rows::of(all.len(), at), |theme, index, width| {
        row(all[index], app.page_ms(), width, theme)
    });
    let id = format!("id {}", all[at].id);
    let inner = cut::indented(surface.titled(details, "Details", &id, false));
    let width = usize::from(inner.width.saturating_sub(1));
    let wrapped = text::wrap(&state::text_of(all[at]), width);
    let lines: Vec<Line<'_>> = wrapped.into_iter().map(Line::raw).collect();
    surface.scrolled(inner, &lines, 0);
}

fn row(change: &Change, page_ms: Option<i64>, width: usize, theme: &Theme) -> Line<'static> {
    let before = page_ms
        .map(|page| format!("{} ", text::pad_left(&offset(change.at_ms - page), 8)))
        .unwrap_or_default();
    let service = text::pad(change.service.as_deref().unwrap_or("-"), 11);
    // the details have the author in any case
    let author = match width >= 100 {
        true => text::fit(&change.author, 14),
        false => String::new(),
    };
    let lead = format!("{} {before}", clock(change.at_ms));
    let kind = format!(
        "{} {} ",
        kind_letter(change.kind),
        text::pad(kind_word(change.kind), 6)
    );
    let room = width
        .saturating_sub(text::width(&lead) + text::width(&kind) + 12 + text::width(&author) + 1);
    Line::from(vec![
        Span::styled(lead, theme.dim),
        Span::styled(kind, theme.accent),
        Span::styled(format!("{service} "), theme.info),
        Span::styled(text::pad(&change.title, room), theme.text),
        Span::styled(format!(" {author}"), theme.dim),
    ])
}

fn time_line(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let theme = surface.theme;
    let (start, end) = (
        app.range.history_start_ms,
        app.range.now_ms.max(app.range.history_start_ms + 1),
    );
    let width = usize::from(area.width.saturating_sub(20)).max(1);
    let column = |at: i64| {
        usize::try_from((at - start).max(0)).unwrap_or(0) * (width - 1)
            / usize::try_from(end - start).unwrap_or(1).max(1)
    };
    surface.text(area.x + 1, area.y, 8, &clock(start), theme.dim);
    let from = area.x + 10;
    surface.text(
        from,
        area.y,
        u16::try_from(width).unwrap_or(1),
        &"─".repeat(width),
        theme.dim,
    );
    surface.text(
        from.saturating_add(u16::try_from(width).unwrap_or(0)) + 1,
        area.y,
        8,
        &clock(end),
        theme.dim,
    );
    let selected = state::selected(app).map(|c| c.id.clone());
    for change in app.known.changes.value.iter().flatten() {
        let x =
            from.saturating_add(u16::try_from(column(change.at_ms).min(width - 1)).unwrap_or(0));
        let style = if Some(&change.id) == selected.as_ref() {
            theme.selected
        } else {
            theme.accent
        };
        surface.text(x, area.y, 1, kind_letter(change.kind), style);
    }
    if let Some(page) = app.page_ms() {
        let x = from.saturating_add(u16::try_from(column(page).min(width - 1)).unwrap_or(0));
        surface.text(x, area.y, 1, "▲", theme.bad);
    }
    surface.text(
        area.x + 1,
        area.y + 1,
        area.width,
        "D deploy  C config  F flag  S scale  J job  A action  X chaos  ▲ page",
        theme.dim,
    );
}
