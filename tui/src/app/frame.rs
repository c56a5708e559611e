//! The frame around every view:
//!
//! ```text
//! header   ● LIVE 03:04:12 +04:12 page  1 firing   15m ▶ follow
//! tabs     1 Overview  2 Logs  …
//! body     (the view, or a box over it)
//! footer   / search  m pin  …  ? help
//! ```
//!
//! What is said for a moment stands in the footer's place, and that the lab is not reached in that of the tabs: the body
//! never moves for it. Only what the drill says of itself for good has a row of its own, above the footer.

use api::Phase;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::keyname::glyph;
use super::{App, Click};
use crate::text;
use crate::theme::Theme;
use crate::time::{clock, offset};
use crate::views;
use crate::widgets::cut;
use crate::widgets::surface::Surface;

impl App {
    /// Draws everything; hits and cursor are left in the surface.
    pub fn draw(&self, surface: &mut Surface<'_>) {
        let area = surface.buf.area;
        if area.is_empty() {
            return;
        }
        let mut body = area;
        if area.height >= 4 {
            self.header(surface, Rect { height: 1, ..area });
            body = Rect {
                y: area.y + 1,
                height: area.height - 1,
                ..area
            };
        }
        let theme = surface.theme;
        let lost = self.lost_said().map(|said| format!(" {said}"));
        let tabs = area.height >= 8 && !self.full;
        if tabs {
            let line = Rect { height: 1, ..body };
            match &lost {
                Some(said) => message(surface, line, said, theme.banner),
                None => self.tabs(surface, line),
            }
            body = Rect {
                y: body.y + 1,
                height: body.height - 1,
                ..body
            };
        }
        let said = self.said_now(theme, lost.filter(|_| !tabs), usize::from(area.width));
        if area.height >= 6 {
            let foot = Rect {
                y: area.bottom() - 1,
                height: 1,
                ..area
            };
            body.height -= 1;
            if said.is_none() {
                self.footer(surface, foot);
            }
        }
        if let Some(banner) = self.drill().and_then(|d| d.banner.as_ref()) {
            body.height = body.height.saturating_sub(1);
            let line = Rect {
                y: body.bottom(),
                height: 1,
                ..area
            };
            message(surface, line, &format!(" ⚠ {banner}"), theme.banner);
        }
        views::of(self.view).draw(self, surface, body);
        self.draw_find(surface, body);
        self.draw_overlay(surface, body);
        // where there is no footer, over what is there
        if let Some((said, style)) = said {
            let last = Rect {
                y: area.bottom() - 1,
                height: 1,
                ..area
            };
            message(surface, last, &said, style);
        }
    }

    /// The words to find on this screen, while they are typed.
    fn draw_find(&self, surface: &mut Surface<'_>, body: Rect) {
        if self.find.editing && body.height > 0 {
            let line = Rect {
                y: body.bottom() - 1,
                height: 1,
                ..body
            };
            surface.text(
                line.x,
                line.y,
                line.width,
                &" ".repeat(usize::from(line.width)),
                surface.theme.text,
            );
            self.find
                .draw(surface, line, "/ ", "words to find on this screen");
        }
    }

    /// What stands in the footer's place: a message, but not while a pair of keys waits for its second; or what has no
    /// other place.
    fn said_now(
        &self,
        theme: &Theme,
        lost: Option<String>,
        cells: usize,
    ) -> Option<(String, Style)> {
        if let Some(said) = self.span_said() {
            return Some((format!(" {said}"), theme.accent));
        }
        let toast = self.toast.as_ref().filter(|_| self.prefix.is_none());
        let said = toast.map(|toast| {
            let style = if toast.bad { theme.bad } else { theme.info };
            (self.toast_line(toast, cells), style)
        });
        said.or_else(|| lost.map(|said| (said, theme.banner)))
    }

    fn header(&self, surface: &mut Surface<'_>, area: Rect) {
        let theme = surface.theme;
        let (right, right_style) = self.header_right(theme, area.width);
        let right_cells = cut::cells(text::width(&right)).min(area.width);
        let spans = self.header_left(theme, area.width);
        let left_cells = area.width - right_cells;
        surface.line(area.x, area.y, left_cells, &Line::from(spans));
        surface.text(
            area.x + left_cells,
            area.y,
            right_cells,
            &right,
            right_style,
        );
        let flashing = self.flash_until_ms > self.mono_ms;
        if flashing && (self.mono_ms / 500).is_multiple_of(2) {
            surface.buf.set_style(area, theme.banner);
        }
    }

    fn header_right(&self, theme: &Theme, width: u16) -> (String, Style) {
        let seat = if self.observer { "observer  " } else { "" };
        let mut range = self.range.label();
        // the sign says what the words behind it do
        if width < CROWDED
            && let Some(sign) = range.find(['▶', '‖'])
        {
            range = range
                .chars()
                .take(range[..sign].chars().count() + 1)
                .collect();
        }
        match &self.lost {
            Some(_) if self.lab_closed() => (format!(" {seat}{range}  ■ closed "), theme.dim),
            Some(_) => (format!(" {seat}{range}  ⚠ lost "), theme.warn),
            None => (format!(" {seat}{range}  ⇄ "), theme.dim),
        }
    }

    fn header_left(&self, theme: &Theme, width: u16) -> Vec<Span<'static>> {
        let (narrow, narrowest) = (width < 100, width < 76);
        let Some(drill) = self.drill() else {
            let waiting = " 3 A.M. Drill · waiting for the lab";
            return vec![Span::styled(waiting, theme.header)];
        };
        let (mark, word, style) = match self.phase() {
            Phase::Preparing => ("◌", "PREPARING", theme.info),
            Phase::Waiting => ("○", "QUIET", theme.good),
            Phase::Live => ("●", "LIVE", theme.bad),
            Phase::Ended => ("■", "ENDED", theme.dim),
        };
        let now_ms = self.range.now_ms;
        // where not all of it has room, the alerts have it first
        let crowded = width < CROWDED;
        let gap = if crowded { " " } else { "  " };
        let mut spans = vec![
            Span::styled(format!(" {mark} {word} "), style),
            Span::styled(format!("{}{gap}", clock(now_ms)), theme.header),
        ];
        if crowded {
            spans.extend(alerts_in_short(&drill.alerts, theme));
        }
        if let Some(page_ms) = drill.page_ms {
            let named = drill.root_cause_ms.filter(|_| !self.goes_on());
            let said = match named {
                _ if narrowest => format!("{}  ", offset(now_ms - page_ms)),
                Some(at) => format!("root cause {}  ", offset(at - page_ms)),
                None => format!("{} since page  ", offset(now_ms - page_ms)),
            };
            spans.push(Span::styled(said, theme.text));
        }
        if self.phase() == Phase::Live && drill.page_ms.is_some() && drill.acknowledged_ms.is_none()
        {
            let said = if narrow {
                "! unacked  "
            } else {
                "! not acknowledged  "
            };
            spans.push(Span::styled(said, theme.warn));
        }
        if crowded {
            return spans;
        }
        if narrow {
            spans.extend(alerts_in_short(&drill.alerts, theme));
            return spans;
        }
        for (mark, state, style, n) in alerts(&drill.alerts, theme) {
            spans.push(Span::styled(format!("{mark} {n} {state}  "), style));
        }
        spans
    }

    fn tabs(&self, surface: &mut Surface<'_>, area: Rect) {
        let theme = surface.theme;
        let mut x = area.x;
        for (index, view) in views::ALL.iter().enumerate() {
            let here = view.id() == self.view;
            let name = if area.width < 76 && !here {
                format!("{}", index + 1)
            } else {
                format!("{} {}", index + 1, view.title())
            };
            let label = format!(" {name} ");
            let label = if area.width < 95 {
                label.trim_start().to_owned()
            } else {
                label
            };
            let style = if here { theme.selected } else { theme.dim };
            let start = x;
            x = surface.text(x, area.y, area.right().saturating_sub(x), &label, style);
            surface.link(start, x, area.y, Click::View(view.id()));
        }
    }

    fn footer(&self, surface: &mut Surface<'_>, area: Rect) {
        let theme = surface.theme;
        if self.overlay.is_some() {
            return;
        }
        let mut x = area.x + 1;
        if let Some(prefix) = &self.prefix {
            x = surface.text(x, area.y, 6, &format!("{prefix} … "), theme.warn);
        }
        let mut keys = self.footer_keys();
        keep_whole(&mut keys, usize::from(area.right().saturating_sub(x)));
        for (key, name) in keys {
            let room = |x: u16| area.right().saturating_sub(x);
            let start = x;
            x = surface.text(x, area.y, room(x), glyph(key), theme.accent) + 1;
            x = surface.text(x, area.y, room(x), name, theme.dim);
            surface.link(start, x, area.y, Click::Key(key));
            x += GAP;
        }
    }

    /// The keys of the moment: while something is typed those of the line, else those of the view.
    fn footer_keys(&self) -> Vec<(&'static str, &'static str)> {
        const FIND: [(&str, &str); 3] = [("Enter", "find"), ("Esc", "leave"), ("Up", "before")];
        const QUERY: [(&str, &str); 5] = [
            ("Enter", "run"),
            ("Esc", "leave"),
            ("Up", "edit the last"),
            ("Tab", "complete"),
            ("Ctrl-r", "queries of before"),
        ];
        const CHOOSING: [(&str, &str); 4] = [
            ("Enter", "take"),
            ("Tab", "next"),
            ("Shift-Tab", "before"),
            ("Esc", "close the list"),
        ];
        if let Some(first) = &self.prefix {
            let seconds = self.bindings.pairs(self.view, first);
            let seconds = seconds
                .into_iter()
                .map(|(key, bound)| (key, bound.row.name));
            return seconds.chain([("Esc", "leave")]).collect();
        }
        if self.find.editing {
            return FIND.to_vec();
        }
        if views::of(self.view).choosing(self) {
            return CHOOSING.to_vec();
        }
        if views::of(self.view).typing(self) {
            return QUERY.to_vec();
        }
        let rows = self.bindings.rows(self.view);
        let mut keys: Vec<_> = rows
            .filter(|bound| bound.row.foot && (bound.row.now)(self))
            .filter_map(|bound| Some((*bound.keys.first()?, bound.row.name)))
            .collect();
        // time that stands still is the first thing to know
        keys.sort_by_key(|(_, name)| *name != "follow");
        keys
    }

    /// Where the text cursor stands on the screen, so that the terminal shows it.
    #[must_use]
    pub fn cursor(surface: &Surface<'_>) -> Option<Position> {
        surface.cursor.filter(|p| surface.buf.area.contains(*p))
    }
}

/// How many alerts fire and how many are about to, with a mark and a style; states that none is in are left out.
fn alerts<'a>(
    alerts: &'a [api::Alert],
    theme: &Theme,
) -> impl Iterator<Item = (&'static str, &'static str, Style, usize)> + use<'a> {
    let states = [("▲", "firing", theme.bad), ("△", "pending", theme.warn)];
    let counted = states.into_iter().map(|(mark, state, style)| {
        let count = alerts.iter().filter(|a| a.state == state).count();
        (mark, state, style, count)
    });
    counted.filter(|(_, _, _, count)| *count > 0)
}

fn alerts_in_short(found: &[api::Alert], theme: &Theme) -> Vec<Span<'static>> {
    let said = |(mark, _, style, n)| Span::styled(format!("{mark}{n} "), style);
    alerts(found, theme).map(said).collect()
}

/// Writes a message over a whole line.
fn message(surface: &mut Surface<'_>, line: Rect, said: &str, style: Style) {
    let said = text::pad(
        &text::fit(said, usize::from(line.width)),
        usize::from(line.width),
    );
    surface.text(line.x, line.y, line.width, &said, style);
}

/// Below this width not all of the header has room.
const CROWDED: u16 = 60;
/// Cells between two entries of the footer.
const GAP: u16 = 2;

/// Drops entries that do not fit whole, from the end; the ways to everything else, to help and out go last.
fn keep_whole(keys: &mut Vec<(&'static str, &'static str)>, room: usize) {
    let cells = |(key, name): &(&str, &str)| text::width(glyph(key)) + 1 + text::width(name);
    let total = |keys: &[(&str, &str)]| {
        let gaps = keys.len().saturating_sub(1) * usize::from(GAP);
        keys.iter().map(cells).sum::<usize>() + gaps
    };
    while total(keys) > room && !keys.is_empty() {
        let last = |kept: &[&str]| keys.iter().rposition(|(_, name)| !kept.contains(name));
        let last = last(&["palette", "help", "quit"]).or_else(|| last(&["help", "quit"]));
        keys.remove(last.unwrap_or(keys.len() - 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_footer_drops_whole_entries_and_keeps_help_palette_and_quit_longest() {
        let all = vec![
            ("m", "pin"),
            ("Left", "read"),
            ("?", "help"),
            (":", "palette"),
            ("q", "quit"),
        ];
        let kept = |room| {
            let mut keys = all.clone();
            keep_whole(&mut keys, room);
            keys.into_iter().map(|(key, _)| key).collect::<String>()
        };
        assert_eq!(kept(40), "mLeft?:q");
        assert_eq!(kept(39), "m?:q");
        assert_eq!(kept(32), "m?:q");
        assert_eq!(kept(31), "?:q");
        assert_eq!(kept(25), "?:q");
        assert_eq!(kept(24), "?q");
        assert_eq!(kept(14), "?q");
        assert_eq!(kept(13), "?");
        assert_eq!(kept(3), "");
    }
}
