//! Colours and marks. Meaning never rests on colour alone: every state also has a letter or a glyph.

use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

use crate::Error;

/// Which set of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeName {
    /// The terminal's own sixteen colours on its own background.
    #[default]
    Default,
    /// Fixed colours on a dark background.
    Dark,
    /// Fixed colours on a light background.
    Light,
    /// High contrast: white and yellow on black.
    Contrast,
    /// No colours at all, as `NO_COLOR` asks.
    None,
}

impl ThemeName {
    /// All of them, in the order in which a key goes through them.
    pub const ALL: [Self; 5] = [
        Self::Default,
        Self::Dark,
        Self::Light,
        Self::Contrast,
        Self::None,
    ];

    /// Its name in flags and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "terminal",
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Contrast => "contrast",
            Self::None => "none",
        }
    }

    /// What it is, in words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Default => "the terminal's own 16 colours",
            Self::Dark => "fixed colours on dark",
            Self::Light => "fixed colours on light",
            Self::Contrast => "high contrast: white and yellow on black",
            Self::None => "no colours: bold and reverse only",
        }
    }
}

impl FromStr for ThemeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            // what the terminal's own colours were called before they could be chosen
            "default" | "16" => Ok(Self::Default),
            other => Self::ALL
                .into_iter()
                .find(|theme| theme.name() == other)
                .ok_or_else(|| Error::UnknownTheme(other.to_owned())),
        }
    }
}

/// Styles by meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Ordinary text and its background.
    pub text: Style,
    /// Text that matters less.
    pub dim: Style,
    /// Titles and keys.
    pub accent: Style,
    /// Well.
    pub good: Style,
    /// Of concern.
    pub warn: Style,
    /// Broken.
    pub bad: Style,
    /// Neutral information.
    pub info: Style,
    /// The selected row.
    pub selected: Style,
    /// The header line.
    pub header: Style,
    /// A banner.
    pub banner: Style,
    /// Series of a chart, one after another.
    pub series: [Style; 8],
}

impl Theme {
    /// The theme of that name.
    #[must_use]
    pub fn new(name: ThemeName) -> Self {
        match name {
            ThemeName::Default => Self::terminal(),
            ThemeName::Dark => Self::fixed(DARK),
            ThemeName::Light => Self::fixed(LIGHT),
            ThemeName::Contrast => Self::contrast(),
            ThemeName::None => Self::plain(),
        }
    }

    fn terminal() -> Self {
        let fg = |color| Style::new().fg(color);
        Self {
            text: Style::new(),
            dim: fg(Color::DarkGray),
            accent: fg(Color::Cyan),
            good: fg(Color::Green),
            warn: fg(Color::Yellow),
            bad: fg(Color::Red).add_modifier(Modifier::BOLD),
            info: fg(Color::Blue),
            selected: Style::new().add_modifier(Modifier::REVERSED),
            header: Style::new().add_modifier(Modifier::BOLD),
            banner: Style::new().fg(Color::Black).bg(Color::Yellow),
            series: [
                Color::Cyan,
                Color::Yellow,
                Color::Green,
                Color::Magenta,
                Color::Blue,
                Color::Red,
                Color::LightCyan,
                Color::LightYellow,
            ]
            .map(fg),
        }
    }

    fn fixed(p: Palette) -> Self {
        let fg = |rgb: u32| Style::new().fg(colour(rgb)).bg(colour(p.back));
        Self {
            text: fg(p.text),
            dim: fg(p.dim),
            accent: fg(p.accent),
            good: fg(p.good),
            warn: fg(p.warn),
            bad: fg(p.bad).add_modifier(Modifier::BOLD),
            info: fg(p.info),
            selected: Style::new()
                .fg(colour(p.text))
                .bg(colour(p.select))
                .add_modifier(Modifier::BOLD),
            header: fg(p.text).add_modifier(Modifier::BOLD),
            banner: Style::new().fg(colour(p.back)).bg(colour(p.warn)),
            series: [
                p.accent, p.warn, p.good, p.violet, p.info, p.bad, p.text, p.dim,
            ]
            .map(fg),
        }
    }

    /// Of the 256 colours whose values terminals agree on: what the sixteen look like is the terminal's affair, and a
    /// contrast that rests on them is none.
    fn contrast() -> Self {
        let on_black = |index: u8| {
            Style::new()
                .fg(Color::Indexed(index))
                .bg(Color::Indexed(BLACK))
        };
        let bold = |index: u8| on_black(index).add_modifier(Modifier::BOLD);
        let on = |fore: u8, back: u8| {
            let style = Style::new().fg(Color::Indexed(fore));
            style.bg(Color::Indexed(back)).add_modifier(Modifier::BOLD)
        };
        Self {
            text: on_black(WHITE),
            dim: on_black(WHITE),
            accent: bold(WHITE),
            good: on_black(WHITE),
            warn: bold(YELLOW),
            bad: on(WHITE, DARK_RED),
            info: on_black(WHITE),
            selected: on(BLACK, WHITE),
            header: bold(WHITE),
            banner: on(BLACK, YELLOW),
            series: [WHITE, YELLOW, 51, 46, 213, 215, 159, 229].map(bold),
        }
    }

    fn plain() -> Self {
        let text = Style::new();
        let bold = text.add_modifier(Modifier::BOLD);
        Self {
            text,
            dim: text,
            accent: bold,
            good: text,
            warn: bold,
            bad: bold,
            info: text,
            selected: text.add_modifier(Modifier::REVERSED),
            header: bold,
            banner: text.add_modifier(Modifier::REVERSED),
            series: [text; 8],
        }
    }
}

/// Places of the high contrast's colours among the 256.
const BLACK: u8 = 16;
const WHITE: u8 = 231;
const YELLOW: u8 = 226;
const DARK_RED: u8 = 88;

/// Colours of a fixed theme, 0xRRGGBB.
struct Palette {
    back: u32,
    text: u32,
    dim: u32,
    accent: u32,
    good: u32,
    warn: u32,
    bad: u32,
    info: u32,
    violet: u32,
    select: u32,
}

const DARK: Palette = Palette {
    back: 0x0f_1419,
    text: 0xd8_dee9,
    dim: 0x7a_8699,
    accent: 0x6c_c7d9,
    good: 0x8f_c98b,
    warn: 0xe6_b85c,
    bad: 0xf0_6d6d,
    info: 0x7f_a7e8,
    violet: 0xc5_92d8,
    select: 0x26_3547,
};
const LIGHT: Palette = Palette {
    back: 0xfb_faf6,
    text: 0x26_2b33,
    dim: 0x6a_7280,
    accent: 0x00_6a80,
    good: 0x2b_6e2f,
    warn: 0x8a_5a00,
    bad: 0xb0_1e2e,
    info: 0x1f_4fa8,
    violet: 0x7a_2f94,
    select: 0xd9_e3ee,
};

fn colour(rgb: u32) -> Color {
    Color::from_u32(rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, green and blue of a colour whose values are fixed.
    fn rgb(color: Color) -> (u8, u8, u8) {
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        match color {
            Color::Rgb(r, g, b) => (r, g, b),
            // https://en.wikipedia.org/wiki/ANSI_escape_code#8-bit: a cube of six steps a side
            Color::Indexed(i @ 16..=231) => {
                let place = usize::from(i - 16);
                (STEPS[place / 36], STEPS[place / 6 % 6], STEPS[place % 6])
            }
            other => panic!("what {other:?} looks like is the terminal's affair"),
        }
    }

    /// Relative luminance, and the ratio of two: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio.
    fn ratio(style: Style) -> f64 {
        let luminance = |color: Option<Color>| {
            let (r, g, b) = rgb(color.expect("both colours are given"));
            let linear = |part: u8| {
                let part = f64::from(part) / 255.0;
                match part <= 0.040_45 {
                    true => part / 12.92,
                    false => ((part + 0.055) / 1.055).powf(2.4),
                }
            };
            0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
        };
        let (one, two) = (luminance(style.fg), luminance(style.bg));
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    #[test]
    fn black_on_white_has_the_ratio_that_the_standard_gives_it() {
        let style = Style::new().fg(colour(0)).bg(colour(0xff_ffff));
        assert!((ratio(style) - 21.0).abs() < 1e-9, "{}", ratio(style));
        let grey = Style::new().fg(colour(0x76_7676)).bg(colour(0xff_ffff));
        assert!((ratio(grey) - 4.54).abs() < 0.01, "{}", ratio(grey));
    }

    #[test]
    fn every_fixed_theme_is_readable_by_the_standard_of_contrast() {
        // AA for ordinary text, AAA where contrast is what was asked for
        for (name, least) in [
            (ThemeName::Dark, 4.5),
            (ThemeName::Light, 4.5),
            (ThemeName::Contrast, 7.0),
        ] {
            let theme = Theme::new(name);
            for (role, style) in theme.roles() {
                let ratio = ratio(style);
                assert!(ratio >= least, "{role} of {}: {ratio:.2}", name.name());
            }
        }
    }

    #[test]
    fn a_theme_is_found_by_name_and_an_unknown_one_is_refused() {
        for theme in ThemeName::ALL {
            assert_eq!(theme.name().parse::<ThemeName>().ok(), Some(theme));
        }
        assert_eq!("16".parse::<ThemeName>().ok(), Some(ThemeName::Default));
        let refused = "pink".parse::<ThemeName>().expect_err("there is none");
        for theme in ThemeName::ALL {
            assert!(refused.to_string().contains(theme.name()), "{refused}");
        }
    }

    #[test]
    fn without_colours_there_are_none() {
        let theme = Theme::new(ThemeName::None);
        for style in [
            theme.text,
            theme.bad,
            theme.warn,
            theme.selected,
            theme.banner,
        ] {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
