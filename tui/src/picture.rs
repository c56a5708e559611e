//! A drawn screen as an SVG picture. Knows cells and colours, no views.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use crate::ThemeName;
use crate::text;

/// Width and height of a cell in the picture, and the size of its letters.
const CELL: (f64, f64, f64) = (8.4, 18.0, 14.0);
/// Room around the picture.
const MARGIN: f64 = 12.0;

/// The cells of a screen as an SVG document, on the background of a theme.
#[must_use]
pub fn svg_of(buffer: &Buffer, theme: ThemeName) -> String {
    let (back, fore) = if theme == ThemeName::Light {
        ("#fbfaf6", "#262b33")
    } else {
        ("#0f1419", "#d8dee9")
    };
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (width, height) = (
        f64::from(columns) * CELL.0 + 2.0 * MARGIN,
        f64::from(rows) * CELL.1 + 2.0 * MARGIN,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"{}\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{back}\"/>\n",
        CELL.2
    );
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let run = run_at(buffer, x, y);
            out.push_str(&draw_run(&run, x, y, back, fore));
            x += run.cells.max(1);
        }
    }
    out.push_str("</svg>\n");
    out
}

struct Run {
    text: String,
    cells: u16,
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

/// Cells from a column on that look alike. Letters and other signs are apart: where a font lacks a sign, another one's
/// of another width stands in, and what follows it must not move.
fn run_at(buffer: &Buffer, x: u16, y: u16) -> Run {
    let first = &buffer[(x, y)];
    let mut run = Run {
        text: String::new(),
        cells: 0,
        fg: first.fg,
        bg: first.bg,
        modifier: first.modifier,
    };
    let mut at = x;
    while at < buffer.area.width {
        let cell = &buffer[(at, y)];
        let alike = (cell.fg, cell.bg, cell.modifier) == (run.fg, run.bg, run.modifier);
        if !alike || cell.symbol().is_ascii() != first.symbol().is_ascii() {
            break;
        }
        let wide = u16::try_from(text::width(cell.symbol()))
            .unwrap_or(1)
            .max(1);
        run.text.push_str(cell.symbol());
        run.cells += wide;
        at += wide;
    }
    run
}

fn draw_run(run: &Run, x: u16, y: u16, back: &str, fore: &str) -> String {
    let (mut ink, mut paper) = (hex(run.fg).unwrap_or_else(|| fore.to_owned()), hex(run.bg));
    if run.modifier.contains(Modifier::REVERSED) {
        let under = paper.unwrap_or_else(|| back.to_owned());
        paper = Some(std::mem::replace(&mut ink, under));
    }
    let (left, top) = (
        MARGIN + f64::from(x) * CELL.0,
        MARGIN + f64::from(y) * CELL.1,
    );
    let width = f64::from(run.cells) * CELL.0;
    let mut out = String::new();
    if let Some(paper) = paper.filter(|p| p != back) {
        out.push_str(&format!("<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{paper}\"/>\n", CELL.1));
    }
    if !run.text.trim().is_empty() {
        let bold = if run.modifier.contains(Modifier::BOLD) {
            " font-weight=\"bold\""
        } else {
            ""
        };
        let escaped = run
            .text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        out.push_str(&format!(
            "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" fill=\"{ink}\"{bold}>{escaped}</text>\n",
            top + CELL.1 * 0.75
        ));
    }
    out
}

/// Colours as a common dark terminal shows its sixteen.
fn hex(color: Color) -> Option<String> {
    let known = match color {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => return Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Black => "#0f1419",
        Color::Red => "#f06d6d",
        Color::Green => "#8fc98b",
        Color::Yellow => "#e6b85c",
        Color::Blue => "#7fa7e8",
        Color::Magenta => "#c592d8",
        Color::Cyan => "#6cc7d9",
        Color::Gray => "#b8c0cc",
        Color::DarkGray => "#7a8699",
        Color::LightRed => "#ff8f8f",
        Color::LightGreen => "#b0e5a8",
        Color::LightYellow => "#ffd98a",
        Color::LightBlue => "#a5c4ff",
        Color::LightMagenta => "#e0b5ef",
        Color::LightCyan => "#9be4f2",
        _ => "#ffffff",
    };
    Some(known.to_owned())
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn a_picture_escapes_and_keeps_its_columns() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        buffer.set_string(0, 0, "<a&b>⟲ c", Style::new().fg(Color::Red));
        let svg = svg_of(&buffer, ThemeName::Default);
        assert!(svg.contains("&lt;a&amp;b&gt;"), "{svg}");
        assert!(svg.contains("#f06d6d"));
        // what stands behind a sign begins at its own column: 12 + 6 × 8.4
        assert!(
            svg.contains("<text x=\"62.4\"") && svg.contains("> c</text>"),
            "{svg}"
        );
        assert!(svg.trim_end().ends_with("</svg>"));
    }
}
