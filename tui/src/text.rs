//! Words and numbers for a grid of cells: escaping, fitting, wrapping, units. Knows no colours and no views.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Makes foreign text safe to show: control characters, escapes and direction overrides become visible marks.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push('⏎'),
            '\t' => out.push_str("  "),
            '\u{1b}' => out.push('␛'),
            c if (c as u32) < 0x20 => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('·')),
            c if is_hostile(c) => out.push_str(&format!("<U+{:04X}>", c as u32)),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Text of several lines made safe to show: its own line ends stay, each line is escaped.
#[must_use]
pub fn escape_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(escape).collect();
    lines.join("\n")
}

/// The content of a file that is safe to print on a terminal and still says the same to who reads the format: JSON has
/// escapes of its own, other formats get visible marks. Line ends, which the formats use themselves, stay.
#[must_use]
pub fn escape_file(extension: &str, content: &str) -> String {
    if !matches!(extension, "json" | "jsonl") {
        return escape_lines(content);
    }
    // outside its strings JSON has nothing but ASCII, so what is hostile stands in a string
    let mut out = String::with_capacity(content.len());
    for c in content.chars() {
        if c == '\n' || !is_hostile(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Width in cells.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The beginning of a text, enough for so many cells: a frame does not go through the rest of a line of megabytes.
#[must_use]
pub fn head(text: &str, cells: usize) -> &str {
    // more bytes than any writing needs for a cell, whatever joins its letters
    let enough = cells.saturating_mul(32).saturating_add(1_024);
    &text[..text.floor_char_boundary(enough)]
}

/// Cuts to at most `cells` cells, marking a cut with `…`.
#[must_use]
pub fn fit(text: &str, cells: usize) -> String {
    let start = head(text, cells);
    if start.len() == text.len() && width(text) <= cells {
        return text.to_owned();
    }
    if cells == 0 {
        return String::new();
    }
    let mut out = String::new();
    let mut used = 0;
    for cluster in start.graphemes(true) {
        used += width(cluster);
        if used > cells - 1 {
            break;
        }
        out.push_str(cluster);
    }
    out.push('…');
    out
}

/// Cuts or fills with spaces on the right to exactly `cells` cells.
#[must_use]
pub fn pad(text: &str, cells: usize) -> String {
    let mut out = fit(text, cells);
    let missing = cells.saturating_sub(width(&out));
    out.extend(std::iter::repeat_n(' ', missing));
    out
}

/// Cuts or fills with spaces on the left to exactly `cells` cells.
#[must_use]
pub fn pad_left(text: &str, cells: usize) -> String {
    let cut = fit(text, cells);
    let missing = cells.saturating_sub(width(&cut));
    format!("{}{cut}", " ".repeat(missing))
}

/// Prose whose lines were broken by hand, with each paragraph on one line; empty lines part paragraphs, and lines that
/// begin with a space, `-` or `|` stay as they are.
#[must_use]
pub fn joined(text: &str) -> String {
    let mut out = String::new();
    let mut prose = false;
    for line in text.lines() {
        let goes_on = !line.is_empty() && !line.starts_with([' ', '-', '|']);
        if !out.is_empty() {
            out.push(if prose && goes_on { ' ' } else { '\n' });
        }
        out.push_str(line);
        prose = goes_on;
    }
    out
}

/// Wraps at spaces to lines of at most `cells` cells; words that are longer are cut, and what is wider
/// than a line by itself is drawn as `…`. Line ends in the text are kept.
#[must_use]
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut out = Vec::new();
    for paragraph in text.split('\n') {
        let paragraph = escape(paragraph.trim_end_matches('\r'));
        let indent: String = paragraph
            .chars()
            .take_while(|c| *c == ' ')
            .take(cells / 2)
            .collect();
        let mut line = indent.clone();
        for word in paragraph.trim_start().split(' ') {
            push_word(&mut out, &mut line, word, cells, &indent);
        }
        out.push(line);
    }
    out
}

fn push_word(out: &mut Vec<String>, line: &mut String, word: &str, cells: usize, indent: &str) {
    let gap = usize::from(line.len() > indent.len());
    if width(line) + gap + width(word) <= cells {
        line.push_str(&" "[..gap]);
        line.push_str(word);
        return;
    }
    if gap == 1 {
        out.push(std::mem::replace(line, indent.to_owned()));
    }
    if word.is_ascii() {
        return push_letters(out, line, word, cells, indent);
    }
    // counted along: a word may be megabytes
    let mut used = width(line);
    for cluster in word.graphemes(true) {
        let cluster = if width(cluster) > cells {
            "…"
        } else {
            cluster
        };
        let needed = width(cluster);
        if used + needed > cells {
            if line.len() > indent.len() {
                out.push(std::mem::replace(line, indent.to_owned()));
            }
            if width(indent) + needed > cells {
                line.clear();
            }
            used = width(line);
        }
        line.push_str(cluster);
        used += needed;
    }
}

/// As [`push_word`] for a word that is too long and has letters of one cell alone.
fn push_letters(out: &mut Vec<String>, line: &mut String, word: &str, cells: usize, indent: &str) {
    let mut rest = word;
    while !rest.is_empty() {
        let mut room = cells.saturating_sub(width(line));
        if room == 0 {
            out.push(std::mem::replace(line, indent.to_owned()));
            room = cells.saturating_sub(width(indent)).max(1);
        }
        let (now, later) = rest.split_at(room.min(rest.len()));
        line.push_str(now);
        rest = later;
    }
}

/// A number in at most about six cells, with an SI letter where it helps: `0.031`, `12.4`, `1.2k`, `3.4M`.
#[must_use]
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e12).contains(&size) {
        format!("{value:.1e}")
    } else if size >= 1e9 {
        format!("{:.2}G", value / 1e9)
    } else if size >= 1e6 {
        format!("{:.2}M", value / 1e6)
    } else if size >= 1e4 {
        format!("{:.1}k", value / 1e3)
    } else if value.fract() == 0.0 {
        format!("{value:.0}")
    } else if size >= 100.0 {
        format!("{value:.1}")
    } else if size >= 1.0 {
        format!("{value:.2}")
    } else if size >= 0.1 {
        format!("{value:.3}").trim_end_matches('0').to_owned()
    } else {
        format!("{value:.4}").trim_end_matches('0').to_owned()
    }
}

/// A duration given in seconds, with the unit that reads best: `850 µs`, `31 ms`, `1.21 s`, `4 min 12 s`, `1 h 3 min`.
#[must_use]
pub fn seconds(value: f64) -> String {
    if !value.is_finite() {
        return "—".to_owned();
    }
    let size = value.abs();
    if size == 0.0 {
        "0 ms".to_owned()
    } else if size < 0.001 {
        format!("{:.0} µs", value * 1e6)
    } else if size < 0.01 {
        format!("{:.1} ms", value * 1e3)
    } else if size < 1.0 {
        format!("{:.0} ms", value * 1e3)
    } else if size < 10.0 {
        format!("{value:.2} s")
    } else if size < 60.0 {
        format!("{value:.1} s")
    } else if size < 3600.0 {
        format!(
            "{:.0} min {:02.0} s",
            (value / 60.0).trunc(),
            (value % 60.0).trunc()
        )
    } else {
        format!(
            "{:.0} h {:02.0} min",
            (value / 3600.0).trunc(),
            (value % 3600.0 / 60.0).trunc()
        )
    }
}

/// A duration given in seconds, for columns: as [`seconds`], but from a minute on without spaces, as in `4m12s` and `1h03m`.
#[must_use]
pub fn brief(value: f64) -> String {
    let whole = value.abs() as u64;
    let sign = if value < 0.0 { "-" } else { "" };
    match whole {
        _ if !value.is_finite() => seconds(value),
        0..60 => seconds(value),
        60..3600 => format!("{sign}{}m{:02}s", whole / 60, whole % 60),
        _ => format!("{sign}{}h{:02}m", whole / 3600, whole % 3600 / 60),
    }
}

/// A stretch of time that a person chose, in milliseconds, in its roundest unit: `40 s`, `15 min`, `1.5 h`.
#[must_use]
pub fn stretch(ms: i64) -> String {
    let seconds = ms as f64 / 1000.0;
    let (value, unit) = match seconds {
        s if s < 100.0 => (s, "s"),
        s if s < 6000.0 => (s / 60.0, "min"),
        s => (s / 3600.0, "h"),
    };
    let tenths = format!("{value:.1}");
    format!("{} {unit}", tenths.trim_end_matches(".0"))
}

/// A share (0 to 1) as per cent: `0 %`, `0.3 %`, `12 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return "—".to_owned();
    }
    let value = share * 100.0;
    if value == 0.0 {
        "0 %".to_owned()
    } else if value.abs() < 10.0 {
        format!("{value:.1} %")
    } else {
        format!("{value:.0} %")
    }
}

/// `1 span`, `3 spans`.
#[must_use]
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Values as a row of block characters, scaled from zero to `top` (or their own greatest). Gaps (NaN) are spaces.
#[must_use]
pub fn sparkline(values: &[f64], cells: usize, top: Option<f64>) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if cells == 0 {
        return String::new();
    }
    let folded = fold(values, cells);
    let highest = folded
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .fold(0.0_f64, f64::max);
    // a line that never changes should not look like one at its limit
    let top = top.unwrap_or(highest * 1.3).max(highest);
    let mut out: String = " ".repeat(cells.saturating_sub(folded.len()));
    for value in folded {
        out.push(if !value.is_finite() {
            ' '
        } else if top <= 0.0 {
            BLOCKS[0]
        } else {
            BLOCKS[((value.max(0.0) / top) * 7.0).round().clamp(0.0, 7.0) as usize]
        });
    }
    out
}

/// Folds a series into at most `cells` values, keeping the greatest of each bin, so that a peak is never lost.
#[must_use]
pub fn fold(values: &[f64], cells: usize) -> Vec<f64> {
    if values.len() <= cells {
        return values.to_vec();
    }
    (0..cells)
        .map(|i| {
            let from = i * values.len() / cells;
            let to = ((i + 1) * values.len() / cells).max(from + 1);
            values[from..to].iter().copied().fold(f64::NAN, f64::max)
        })
        .collect()
}

/// A horizontal bar of `share` (0 to 1) of `cells` cells, to an eighth of a cell.
#[must_use]
pub fn bar(share: f64, cells: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let eighths = (share * cells as f64 * 8.0).round() as usize;
    let mut out = "█".repeat(eighths / 8);
    out.push_str(PARTS[eighths % 8]);
    if out.is_empty() && share > 0.0 && cells > 0 {
        out.push('▏');
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn long_durations_are_brief_in_columns() {
        let said: Vec<String> = [0.031, 59.9, 60.0, 1000.0, 7_199.0, 3e5, -75.0, f64::NAN]
            .map(brief)
            .into();
        assert_eq!(
            said,
            [
                "31 ms", "59.9 s", "1m00s", "16m40s", "1h59m", "83h20m", "-1m15s", "—"
            ]
        );
    }

    #[test]
    fn prose_is_joined_by_paragraph_and_lists_are_not() {
        assert_eq!(joined("a\nb\n\nc\n- d\n- e\nf\n"), "a b\n\nc\n- d\n- e\nf");
        assert_eq!(joined(""), "");
    }

    #[test]
    fn control_characters_are_made_visible() {
        assert_eq!(escape("a\u{1b}[31mred\r\n"), "a␛[31mred␍⏎");
        assert_eq!(escape("plain"), "plain");
        assert_eq!(escape("\u{202e}evil"), "<U+202E>evil");
    }

    #[test]
    fn a_file_holds_no_control_code_and_json_says_the_same() {
        let said = "a\u{1b}]52;c;eA==\u{7}\u{9b}31m\u{202e}\u{e0041}b";
        let value = serde_json::json!({ "line": said });
        let written = escape_file("json", &serde_json::to_string_pretty(&value).unwrap());
        assert!(!written.chars().any(|c| c != '\n' && is_hostile(c)));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&written).unwrap(),
            value
        );
        for format in ["csv", "dot", "txt"] {
            assert_eq!(
                escape_file(format, "x,\u{1b}c\ny\u{9b}\n"),
                "x,␛c\ny<U+009B>\n"
            );
        }
    }

    #[test]
    fn cutting_respects_wide_characters() {
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(pad("日本語", 5), "日本…");
        assert_eq!(pad_left("ab", 4), "  ab");
    }

    #[test]
    fn a_line_of_megabytes_is_cut_and_wrapped_as_a_short_one() {
        for letter in ["x", "日", "á", "a\u{301}"] {
            let long = letter.repeat(400_000);
            let wide = width(letter);
            let cut = fit(&long, 81);
            assert_eq!(cut, letter.repeat(80 / wide) + "…");
            assert!(long.starts_with(head(&long, 81)) && width(head(&long, 81)) > 81);
            let rows = wrap(&long, 80);
            assert_eq!(rows.len(), (400_000 * wide).div_ceil(80));
            assert_eq!(rows.concat(), long);
        }
        assert_eq!(head("größe", 80), "größe");
        // what takes no room is not looked at for ever, and its cut is marked
        let joined = format!("a{}b", "\u{301}".repeat(400_000));
        assert!(fit(&joined, 10).ends_with('…') && fit(&joined, 10).len() < 2_000);
    }

    #[test]
    fn words_wrap_and_paragraphs_stay() {
        assert_eq!(
            wrap("one two three\nfour", 8),
            vec!["one two", "three", "four"]
        );
        assert_eq!(
            wrap("  indented text here", 12),
            vec!["  indented", "  text here"]
        );
    }

    #[test]
    fn numbers_and_durations_read_well() {
        assert_eq!(number(1234567.0), "1.23M");
        assert_eq!(number(0.031), "0.031");
        assert_eq!(seconds(0.0312), "31 ms");
        assert_eq!(seconds(252.0), "4 min 12 s");
        assert_eq!(percent(0.003), "0.3 %");
        assert_eq!(
            [60_000, 900_000, 1_332_000, 5_400_000].map(stretch),
            ["60 s", "15 min", "22.2 min", "90 min"]
        );
    }

    #[test]
    fn a_peak_survives_folding() {
        let mut values = vec![0.0; 100];
        values[57] = 9.0;
        assert!(sparkline(&values, 10, None).contains('▆'));
        assert!(sparkline(&values, 10, Some(9.0)).contains('█'));
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_it_may_be(text in "[ \\PC🪀☺\u{fe0f}\u{301}]{0,60}", cells in 0_usize..40) {
            prop_assert!(width(&fit(&text, cells)) <= cells);
            for line in wrap(&text, cells.max(1)) {
                prop_assert!(width(&line) <= cells.max(1));
            }
        }
    }
}
