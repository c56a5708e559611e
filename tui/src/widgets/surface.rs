//! What is drawn on: a buffer that cannot be overrun, with the theme, and the places that can be clicked.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::Click;
use crate::text;
use crate::theme::Theme;
use crate::widgets::cursor::first_row;
use crate::widgets::cut;

/// A place that can be clicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Where.
    pub area: Rect,
    /// What a click does.
    pub click: Click,
}

/// A surface of cells.
pub struct Surface<'a> {
    /// Cells.
    pub buf: &'a mut Buffer,
    /// Styles by meaning.
    pub theme: &'a Theme,
    /// What can be clicked, topmost last.
    pub hits: Vec<Hit>,
    /// Where the text cursor stands.
    pub cursor: Option<Position>,
}

/// A list to draw: how many rows, which is selected, whether the keys go to it, and which pane it is for clicks.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// Number of rows.
    pub len: usize,
    /// Selected row.
    pub selected: usize,
    /// Whether the keys go to it.
    pub focused: bool,
    /// Number of the pane.
    pub pane: usize,
}

/// A line of a page made of sections, and the item that it selects, if one.
pub type Section = (Line<'static>, Option<usize>);

impl Rows {
    /// A list that the keys go to: so many rows, of which one is selected.
    #[must_use]
    pub fn of(len: usize, selected: usize) -> Self {
        Self {
            len,
            selected,
            focused: true,
            pane: 0,
        }
    }
}

impl<'a> Surface<'a> {
    /// A surface over a whole buffer.
    pub fn new(buf: &'a mut Buffer, theme: &'a Theme) -> Self {
        let area = buf.area;
        buf.set_style(area, theme.text);
        Self {
            buf,
            theme,
            hits: Vec::new(),
            cursor: None,
        }
    }

    /// Writes text, cut to `max` cells, and returns the column after it.
    pub fn text(&mut self, x: u16, y: u16, max: u16, content: &str, style: Style) -> u16 {
        let area = self.buf.area;
        if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() || max == 0
        {
            return x;
        }
        let max = max.min(area.right() - x);
        let safe = text::escape(text::head(content, usize::from(max)));
        self.buf
            .set_stringn(
                x,
                y,
                text::fit(&safe, usize::from(max)),
                usize::from(max),
                style,
            )
            .0
    }

    /// Makes the cells of a row from one column up to another a place that can be clicked.
    pub fn link(&mut self, from: u16, to: u16, y: u16, click: Click) {
        let (width, height) = (to.saturating_sub(from), 1);
        let area = Rect {
            x: from,
            y,
            width,
            height,
        };
        self.hits.push(Hit { area, click });
    }

    /// Writes a line of styled spans, cut to `max` cells, and returns the column after it.
    pub fn line(&mut self, x: u16, y: u16, max: u16, line: &Line<'_>) -> u16 {
        let mut at = x;
        let end = x.saturating_add(max);
        for span in &line.spans {
            if at >= end {
                break;
            }
            at = self.text(
                at,
                y,
                end - at,
                &span.content,
                self.theme.text.patch(line.style).patch(span.style),
            );
        }
        at
    }

    /// Writes one line of text at the top of an area, a column in.
    pub fn say(&mut self, area: Rect, content: &str, style: Style) {
        let area = cut::indented(area);
        if area.height > 0 {
            self.text(area.x, area.y, area.width, content, style);
        }
    }

    /// Writes a text at the top of an area, a column in, wrapped to it.
    pub fn say_lines(&mut self, area: Rect, content: &str, style: Style) {
        let inner = cut::indented(area);
        let lines = text::wrap(content, usize::from(inner.width).max(1));
        let lines: Vec<Line<'_>> = lines.into_iter().map(|l| Line::styled(l, style)).collect();
        self.lines(inner, &lines);
    }

    /// Writes lines from the top of an area; what does not fit is not drawn.
    pub fn lines(&mut self, area: Rect, lines: &[Line<'_>]) {
        for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
            self.line(area.x, y, area.width, line);
        }
    }

    /// A title in a rule over the width of the area's first row; returns what is below it.
    pub fn titled(&mut self, area: Rect, title: &str, right: &str, focused: bool) -> Rect {
        if area.is_empty() {
            return area;
        }
        let style = if focused {
            self.theme.accent
        } else {
            self.theme.dim
        };
        self.text(
            area.x,
            area.y,
            area.width,
            &"─".repeat(usize::from(area.width)),
            self.theme.dim,
        );
        let title = format!("{} {title} ", if focused { "▌" } else { "─" });
        let after = self.text(area.x, area.y, area.width, &title, style);
        let room = area.right().saturating_sub(after);
        if !right.is_empty() && room > 4 {
            let right = text::fit(&format!(" {right} "), usize::from(room - 1));
            let width = u16::try_from(text::width(&right)).unwrap_or(room);
            self.text(
                area.right().saturating_sub(width + 1),
                area.y,
                width,
                &right,
                self.theme.dim,
            );
        }
        Rect {
            y: area.y + 1,
            height: area.height - 1,
            ..area
        }
    }

    /// A list, scrolled so that the selected row is seen; `row` makes one line for a width.
    pub fn list(
        &mut self,
        area: Rect,
        rows: Rows,
        row: impl Fn(&Theme, usize, usize) -> Line<'static>,
    ) {
        let area = area.intersection(self.buf.area);
        if area.is_empty() || rows.len == 0 {
            return;
        }
        let height = usize::from(area.height);
        let first = first_row(rows.selected, rows.len, height);
        let width = area.width.saturating_sub(1);
        for (index, y) in (first..rows.len).zip(area.top()..area.bottom()) {
            let mut line = row(self.theme, index, usize::from(width));
            let chosen = index == rows.selected;
            if chosen && rows.focused {
                let whole = Rect {
                    y,
                    height: 1,
                    ..area
                };
                line = Line::from(
                    line.spans
                        .iter()
                        .map(|s| s.content.as_ref())
                        .collect::<String>(),
                )
                .style(self.theme.selected);
                self.buf.set_style(whole, self.theme.selected);
            }
            let mark = if chosen { "▸" } else { " " };
            self.text(
                area.x,
                y,
                1,
                mark,
                if chosen {
                    self.theme.accent
                } else {
                    self.theme.text
                },
            );
            self.line(area.x + 1, y, width, &line);
            self.hits.push(Hit {
                area: Rect {
                    y,
                    height: 1,
                    ..area
                },
                click: Click::Row {
                    pane: rows.pane,
                    index,
                },
            });
        }
        self.scroll_marks(area, first, rows.len);
    }

    /// Sections that scroll as one page, so that the selected item is seen. Returns how many rows lie above the area's end:
    /// those from there on are not seen.
    pub fn sections(&mut self, area: Rect, rows: Vec<Section>, selected: usize) -> usize {
        let area = area.intersection(self.buf.area);
        if area.is_empty() {
            return 0;
        }
        let len = rows.len();
        let at = rows
            .iter()
            .position(|(_, item)| *item == Some(selected))
            .unwrap_or(0);
        // the first item shows what stands above it, too
        let first = if selected == 0 {
            0
        } else {
            first_row(at, len, usize::from(area.height))
        };
        let first = if at >= first + usize::from(area.height) {
            first_row(at, len, usize::from(area.height))
        } else {
            first
        };
        for ((line, item), y) in rows.into_iter().skip(first).zip(area.top()..area.bottom()) {
            let row = Rect {
                y,
                height: 1,
                ..area
            };
            // a column for the selection's mark and one for those that tell of more rows
            let room = row.width.saturating_sub(2);
            if item == Some(selected) {
                let plain: String = line.spans.iter().map(|s| s.content.as_ref()).collect();
                self.buf.set_style(row, self.theme.selected);
                self.text(row.x, y, 1, "▸", self.theme.selected);
                self.text(row.x + 1, y, room, &plain, self.theme.selected);
            } else {
                self.line(row.x + 1, y, room, &line);
            }
            if let Some(index) = item {
                self.hits.push(Hit {
                    area: row,
                    click: Click::Row { pane: 0, index },
                });
            }
        }
        self.scroll_marks(area, first, len);
        first + usize::from(area.height)
    }

    fn scroll_marks(&mut self, area: Rect, first: usize, len: usize) {
        let right = area.right().saturating_sub(1);
        if first > 0 {
            self.text(right, area.y, 1, "▲", self.theme.dim);
        }
        if first + usize::from(area.height) < len {
            self.text(
                right,
                area.bottom().saturating_sub(1),
                1,
                "▼",
                self.theme.dim,
            );
        }
    }

    /// Lines of text from `first` on, with marks where there is more.
    pub fn scrolled(&mut self, area: Rect, lines: &[Line<'_>], first: usize) {
        let area = area.intersection(self.buf.area);
        if area.is_empty() {
            return;
        }
        let first = first.min(lines.len().saturating_sub(usize::from(area.height)));
        self.lines(
            Rect {
                width: area.width.saturating_sub(1),
                ..area
            },
            &lines[first..],
        );
        self.scroll_marks(area, first, lines.len());
    }

    /// Empties a box in the middle, draws a border with a title, and returns the inside.
    pub fn dialog(&mut self, area: Rect, width: u16, height: u16, title: &str, foot: &str) -> Rect {
        let area = area.intersection(self.buf.area);
        let (width, height) = (width.min(area.width), height.min(area.height));
        let (x, y) = (
            area.x + (area.width - width) / 2,
            area.y + (area.height - height) / 2,
        );
        let place = Rect::new(x, y, width, height);
        if width < 4 || height < 3 {
            return Rect::new(x, y, 0, 0);
        }
        let outside = Click::Outside;
        self.hits.push(Hit {
            area,
            click: outside,
        });
        self.border(place);
        let (head, tail) = (format!(" {title} "), format!(" {foot} "));
        self.text(x + 2, y, width - 4, &head, self.theme.header);
        if !foot.is_empty() {
            let last = place.bottom() - 1;
            self.text(x + 2, last, width - 4, &tail, self.theme.dim);
        }
        let click = Click::Nothing;
        self.hits.push(Hit { area: place, click });
        Rect::new(x + 2, y + 1, width - 4, height - 2)
    }

    fn border(&mut self, place: Rect) {
        for position in place.positions() {
            self.buf[position].reset();
        }
        self.buf.set_style(place, self.theme.text);
        let style = self.theme.accent;
        let (last, right) = (place.bottom() - 1, place.right() - 1);
        let bar = "─".repeat(usize::from(place.width - 2));
        self.text(place.x, place.y, place.width, &format!("╭{bar}╮"), style);
        self.text(place.x, last, place.width, &format!("╰{bar}╯"), style);
        for y in place.y + 1..last {
            self.text(place.x, y, 1, "│", style);
            self.text(right, y, 1, "│", style);
        }
    }

    /// What lies under a cell.
    #[must_use]
    pub fn at(hits: &[Hit], position: Position) -> Option<&Click> {
        hits.iter()
            .rev()
            .find(|hit| hit.area.contains(position))
            .map(|hit| &hit.click)
    }
}
