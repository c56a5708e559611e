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
    /// Black, white and bold.
    Contrast,
    /// No colours at all, as `NO_COLOR` asks.
    None,
}

impl FromStr for ThemeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "default" | "16" => Ok(Self::Default),
            "dark" => Ok(Self::Dark),
            "light" => Ok(Self::Light),
            "contrast" => Ok(Self::Contrast),
            "none" => Ok(Self::None),
            other => Err(Error::UnknownTheme(other.to_owned())),
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

    fn contrast() -> Self {
        let white = Style::new().fg(Color::White).bg(Color::Black);
        let strong = white.add_modifier(Modifier::BOLD);
        Self {
            text: white,
            dim: white,
            accent: strong,
            good: white,
            warn: Style::new()
                .fg(Color::LightYellow)
                .bg(Color::Black)
                .add_modifier(Modifier::BOLD),
            bad: Style::new()
                .fg(Color::White)
                .bg(Color::Red)
                .add_modifier(Modifier::BOLD),
            info: white,
            selected: Style::new().fg(Color::Black).bg(Color::White),
            header: strong,
            banner: Style::new().fg(Color::Black).bg(Color::LightYellow),
            series: [strong; 8],
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

    #[test]
    fn a_theme_is_found_by_name_and_an_unknown_one_is_refused() {
        assert_eq!("light".parse::<ThemeName>().ok(), Some(ThemeName::Light));
        assert!("pink".parse::<ThemeName>().is_err());
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
