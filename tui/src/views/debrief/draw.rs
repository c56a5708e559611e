//! Draws the debrief, or before the end what finishing means and what would be scored.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::state;
use crate::app::receive::refusal;
use crate::app::{App, Click};
use crate::text;
use crate::time::{clock, offset};
use crate::widgets::surface::Surface;

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let inside = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(1),
        ..area
    };
    let Some(told) = state::told(app) else {
        return before(app, surface, inside);
    };
    let first = app.views.debrief.first;
    let first = first.min(told.lines.len().saturating_sub(usize::from(inside.height)));
    surface.scrolled(inside, &told.lines, first);
    let seen = |line: usize| {
        let row = line
            .checked_sub(first)
            .and_then(|row| u16::try_from(row).ok());
        row.filter(|row| *row < inside.height)
    };
    if let Some(row) = app.views.debrief.at.and_then(seen) {
        let line = Rect::new(area.x, area.y + row, area.width, 1);
        let selected = surface.theme.selected;
        surface
            .buf
            .set_style(line.intersection(surface.buf.area), selected);
        surface.text(line.x, line.y, 1, "▸", selected);
    }
    for lead in told.leads {
        let Some(row) = seen(lead.line) else { continue };
        let y = area.y + row;
        let click = Click::Row {
            pane: 0,
            index: lead.line,
        };
        surface.link(area.x, area.right(), y, click);
    }
}

fn before(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let theme = surface.theme;
    let width = usize::from(area.width.saturating_sub(1));
    let mut lines: Vec<Line<'static>> = vec![
        Line::styled("The debrief opens when the drill has ended.", theme.header),
        Line::default(),
    ];
    if let Some(drill) = app.drill() {
        let since = |at: Option<i64>| match (at, drill.page_ms) {
            (Some(at), Some(page)) => {
                format!("{} ({} after the page)", clock(at), offset(at - page))
            }
            _ => "not yet".to_owned(),
        };
        let case = app.known.case.value.clone().unwrap_or_default();
        let rejected = case
            .hypotheses
            .iter()
            .filter(|h| h.state == api::HypothesisState::Rejected)
            .count();
        let proven = match app.known.proof.value.as_ref().and_then(|p| p.passed) {
            Some(true) => "passed",
            Some(false) => "failed",
            None => "not run",
        };
        let whys = match app.views.case.learned {
            true => "handed in".to_owned(),
            false if drill.root_cause_ms.is_some() => format!(
                "not handed in from here; {} writes them",
                app.key_of("five whys")
            ),
            false => "they open after a right diagnosis".to_owned(),
        };
        for (name, value) in [
            (
                "page",
                drill.page_ms.map_or_else(|| "not yet".to_owned(), clock),
            ),
            ("acknowledged", since(drill.acknowledged_ms)),
            ("root cause named", since(drill.root_cause_ms)),
            (
                "time counts until",
                format!("{} after the page", text::seconds(drill.limit_s)),
            ),
            ("pins", case.pins.len().to_string()),
            (
                "hypotheses",
                format!("{}, {rejected} rejected", case.hypotheses.len()),
            ),
            ("diagnoses", case.diagnoses.len().to_string()),
            ("hints taken", case.hints.len().to_string()),
            ("stress test", proven.to_owned()),
            ("five whys", whys),
        ] {
            lines.push(Line::styled(
                format!("  {} {value}", text::pad(name, 18)),
                theme.text,
            ));
        }
        lines.push(Line::default());
    }
    let how = "F finishes the drill: it is scored, and you learn what really happened, which evidence there was, which signals were decoys, and what would have prevented it.";
    lines.extend(
        text::wrap(how, width)
            .into_iter()
            .map(|l| Line::styled(l, theme.text)),
    );
    if let Some(why) = refusal(&app.known.debrief).filter(|_| app.phase() == api::Phase::Ended) {
        lines.push(Line::styled(why, theme.bad));
    }
    surface.scrolled(area, &lines, 0);
}
