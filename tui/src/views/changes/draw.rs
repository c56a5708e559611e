//! Draws the change history.
//!
//! ```text
//! time line  ──D───C──────J──P──A──
//! signals    ▂▂▂▂▂▃▃▅▅▆▇           on the same axis of time
//! list       02:55:11 -04:49 D checkout  title      author
//! details    (of the selected entry)
//! ```

use api::{Change, ChangeKind};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{signals, state};
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
    let body = match app.full {
        true => area,
        false => signals::draw(app, surface, area),
    };
    let all = state::shown(app);
    let window = app.range.window();
    let within = |at_ms: i64| at_ms >= window.start_ms && at_ms <= window.end_ms;
    let first = match app.views.changes.oldest_first {
        true => "oldest first",
        false => "newest first",
    };
    let before = all.iter().filter(|c| !within(c.at_ms)).count();
    let count = match before {
        0 => format!("{}, {first}", text::count(all.len(), "entry", "entries")),
        n => format!("{}, {first}, {n} outside", all.len()),
    };
    let title = match app.full {
        true => "Changes".to_owned(),
        false => format!("Changes{}", signals::of(app)),
    };
    let inner = surface.titled(body, &title, &count, true);
    if all.is_empty() {
        let none = || "no changes are on record in this drill's history".to_owned();
        let said = refusal(&app.known.changes).unwrap_or_else(none);
        return surface.say(inner, &said, surface.theme.dim);
    }
    let at = app.views.changes.at.of(all.len());
    let (list, details) = match (app.full, area.width >= 150) {
        (true, _) => cut::bottom(inner, 0),
        (false, true) => cut::left(inner, inner.width / 2),
        (false, false) => cut::bottom(inner, (inner.height / 2).min(8)),
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
