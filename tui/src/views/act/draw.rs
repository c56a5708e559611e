//! Draws the act view.
//!
//! ```text
//! remedies   ● applied  ! dangerous  title       service
//! what it does (of the selected one), or its outcome
//! stress test  progress; invariants before and after
//! ```

use api::{InvariantView, ProofView, Remedy};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state;
use crate::app::App;
use crate::app::receive::refusal;
use crate::text;
use crate::theme::Theme;
use crate::time::clock;
use crate::widgets::surface::{Rows, Surface};

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let remedies = state::remedies(app);
    let invariants = app
        .known
        .proof
        .value
        .as_ref()
        .map_or(0, |p| p.invariants.len());
    let proof_rows = u16::try_from(invariants + 3)
        .unwrap_or(u16::MAX)
        .min(area.height / 2)
        .max(4)
        .min(area.height);
    let top = Rect {
        height: area.height - proof_rows,
        ..area
    };
    let proof = Rect {
        y: top.bottom(),
        height: proof_rows,
        ..area
    };
    let beside = area.width >= 140;
    let (list, details) = if beside {
        let left = top.width / 2;
        (
            Rect { width: left, ..top },
            Rect {
                x: top.x + left + 1,
                width: top.width - left - 1,
                ..top
            },
        )
    } else {
        let below = (top.height / 2).min(7);
        (
            Rect {
                height: top.height - below,
                ..top
            },
            Rect {
                y: top.bottom() - below,
                height: below,
                ..top
            },
        )
    };
    let inner = surface.titled(list, "Remedies", "● applied  ! asks first", true);
    if remedies.is_empty() {
        let said = refusal(&app.known.remedies)
            .unwrap_or_else(|| "no remedies are on offer yet".to_owned());
        surface.text(inner.x + 1, inner.y, inner.width, &said, surface.theme.dim);
    }
    let rows = Rows {
        len: remedies.len(),
        selected: app.views.act.at.of(remedies.len()),
        focused: true,
        pane: 0,
    };
    surface.list(inner, rows, |theme, index, width| {
        remedy_row(&remedies[index], width, theme)
    });
    draw_details(app, surface, details);
    draw_proof(app, surface, proof);
}

fn remedy_row(remedy: &Remedy, width: usize, theme: &Theme) -> Line<'static> {
    let (mark, style) = if remedy.applied {
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
    let theme = surface.theme;
    let Some(remedy) = state::selected(app) else {
        return;
    };
    let inner = surface.titled(
        area,
        "What it does",
        if remedy.applied {
            "applied; u takes it back"
        } else {
            "Enter applies"
        },
        false,
    );
    let width = usize::from(inner.width.saturating_sub(2));
    let mut lines: Vec<Line<'_>> = text::wrap(&remedy.description, width)
        .into_iter()
        .map(|l| Line::styled(l, theme.text))
        .collect();
    for (at, outcome) in app
        .views
        .act
        .outcomes
        .iter()
        .rev()
        .filter(|(_, o)| o.remedy == remedy.id)
        .take(3)
    {
        let (mark, style) = if outcome.done {
            ("✓", theme.good)
        } else {
            ("✗", theme.bad)
        };
        let said = format!("{mark} {} {}", clock(*at), outcome.message);
        lines.extend(
            text::wrap(&said, width)
                .into_iter()
                .map(|l| Line::styled(l, style)),
        );
    }
    surface.scrolled(
        Rect {
            x: inner.x + 1,
            width: inner.width.saturating_sub(1),
            ..inner
        },
        &lines,
        0,
    );
}

fn draw_proof(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let theme = surface.theme;
    let none = ProofView::default();
    let proof = app.known.proof.value.as_ref().unwrap_or(&none);
    let right = match (proof.running, proof.passed) {
        (true, _) => format!("running {}", text::percent(proof.progress)),
        (false, Some(true)) => format!("✓ passed {}", proof.at_ms.map(clock).unwrap_or_default()),
        (false, Some(false)) => format!("✗ failed {}", proof.at_ms.map(clock).unwrap_or_default()),
        (false, None) => "not run yet; P runs it".to_owned(),
    };
    let inner = surface.titled(area, "Stress test", &right, false);
    let mut y = inner.y;
    if proof.running {
        let cells = usize::from(inner.width.saturating_sub(2));
        surface.text(
            inner.x + 1,
            y,
            inner.width,
            &text::pad(&text::bar(proof.progress, cells), cells),
            theme.accent,
        );
        y += 1;
    }
    if proof.invariants.is_empty() {
        let said = if proof.description.is_empty() {
            "reading what the stress test does …"
        } else {
            &proof.description
        };
        for line in text::wrap(said, usize::from(inner.width.saturating_sub(2))) {
            if y < inner.bottom() {
                surface.text(inner.x + 1, y, inner.width, &line, theme.dim);
                y += 1;
            }
        }
        return;
    }
    let width = usize::from(inner.width);
    if y < inner.bottom() {
        let room = width.saturating_sub(40);
        let head = format!(
            "  {} {} {} {}",
            text::pad("must hold", room),
            text::pad_left("bound", 10),
            text::pad_left("before", 11),
            text::pad_left("after", 11)
        );
        surface.text(inner.x, y, inner.width, &head, theme.dim);
        y += 1;
    }
    for invariant in &proof.invariants {
        if y < inner.bottom() {
            surface.line(
                inner.x,
                y,
                inner.width,
                &invariant_row(invariant, width, theme),
            );
            y += 1;
        }
    }
}

/// One invariant with its values before and after.
#[must_use]
pub fn invariant_row(invariant: &InvariantView, width: usize, theme: &Theme) -> Line<'static> {
    let (mark, style) = if invariant.holds {
        ("✓", theme.good)
    } else {
        ("✗", theme.bad)
    };
    let value =
        |v: Option<f64>| text::pad_left(&v.map_or_else(|| "—".to_owned(), text::number), 11);
    let room = width.saturating_sub(40);
    Line::from(vec![
        Span::styled(format!("{mark} "), style),
        Span::styled(text::pad(&invariant.title, room), theme.text),
        Span::styled(
            format!(" {}", text::pad_left(&invariant.bound, 10)),
            theme.dim,
        ),
        Span::styled(format!(" {}", value(invariant.before)), theme.dim),
        Span::styled(format!(" {}", value(invariant.after)), style),
    ])
}
