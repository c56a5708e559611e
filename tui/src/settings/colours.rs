//! Colours of one's own: the roles of a theme by name, and the words that a style is written in. Deliberately knows nothing
//! of where a role is drawn.

use ratatui::style::{Color, Modifier, Style};

use super::Refused;
use crate::theme::Theme;

/// Words of a style that are no colours.
const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

/// How a style is written.
const STYLE: &str = "write red, light-red, #ff8800 or a number to 255, with bold before and `on` a second colour behind it where wanted, as in `bold white on #330000`";

/// Names of the roles, in the order of [`Theme::roles`].
pub const ROLES: [&str; 18] = [
    "text", "dim", "accent", "good", "warn", "bad", "info", "selected", "header", "banner",
    "series1", "series2", "series3", "series4", "series5", "series6", "series7", "series8",
];

impl Theme {
    /// Every role with its style.
    pub fn roles(&self) -> impl Iterator<Item = (&'static str, Style)> {
        let mut copy = self.clone();
        let styles: Vec<Style> = copy.styles().into_iter().map(|style| *style).collect();
        ROLES.into_iter().zip(styles)
    }

    fn styles(&mut self) -> Vec<&mut Style> {
        let mut all = vec![
            &mut self.text,
            &mut self.dim,
            &mut self.accent,
            &mut self.good,
            &mut self.warn,
            &mut self.bad,
            &mut self.info,
            &mut self.selected,
            &mut self.header,
            &mut self.banner,
        ];
        all.extend(&mut self.series);
        all
    }

    /// Gives a role a style in words, as in `bold white on #330000`. A style without a background has that of `text`; a
    /// background of `text` becomes that of all roles that had the one before.
    ///
    /// # Errors
    /// The role or a word of the style is not known; nothing is changed then.
    pub fn set(&mut self, role: &str, words: &str) -> Result<(), Refused> {
        let Some(place) = ROLES.iter().position(|known| *known == role) else {
            return Err(Refused::new(
                format!("`{role}` is no role of a theme"),
                format!("write one of {}", ROLES.join(", ")),
            ));
        };
        let style = style(words)?;
        let before = self.text.bg;
        let own = match before {
            Some(back) => Style::new().bg(back).patch(style),
            None => style,
        };
        if role == "text" {
            for other in self.styles() {
                if other.bg == before {
                    other.bg = own.bg;
                }
            }
        }
        if let Some(found) = self.styles().into_iter().nth(place) {
            *found = own;
        }
        Ok(())
    }
}

/// Reads a style.
fn style(words: &str) -> Result<Style, Refused> {
    let refused = |why: String| Err(Refused::new(why, STYLE));
    let mut style = Style::new();
    let mut behind = false;
    for word in words.split_whitespace() {
        if let Some((_, modifier)) = MODIFIERS.iter().find(|(name, _)| *name == word) {
            style = style.add_modifier(*modifier);
        } else if word == "on" && !behind {
            behind = true;
        } else if let Ok(color) = word.parse::<Color>() {
            let place = if behind { &mut style.bg } else { &mut style.fg };
            if place.replace(color).is_some() {
                return refused(format!("`{words}` has two colours for one place"));
            }
        } else {
            return refused(format!("`{word}` is no colour"));
        }
    }
    if behind && style.bg.is_none() {
        return refused(format!("a colour is missing behind `on` in `{words}`"));
    }
    if style == Style::new() {
        return refused("the style is empty".to_owned());
    }
    Ok(style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::ThemeName;

    #[test]
    fn a_style_is_read_from_words() {
        let wanted = Style::new()
            .fg(Color::White)
            .bg(Color::Rgb(0x33, 0, 0))
            .add_modifier(Modifier::BOLD);
        assert_eq!(style("bold white on #330000"), Ok(wanted));
        assert_eq!(style("light-red"), Ok(Style::new().fg(Color::LightRed)));
        assert_eq!(style("208"), Ok(Style::new().fg(Color::Indexed(208))));
    }

    #[test]
    fn what_is_no_style_is_refused_with_what_to_write() {
        for words in [
            "",
            " ",
            "pink",
            "on",
            "red on",
            "red blue",
            "red on blue on black",
            "256",
            "#12345",
            "\u{1b}[31m",
        ] {
            let refused = style(words).expect_err(words);
            assert!(refused.remedy.contains("light-red"), "{words}: {refused:?}");
        }
    }

    #[test]
    fn a_role_is_changed_alone_and_an_unknown_one_changes_nothing() {
        let mut theme = Theme::new(ThemeName::Dark);
        let before = theme.clone();
        assert!(theme.set("colour", "red").is_err());
        assert!(theme.set("bad", "pink").is_err());
        assert_eq!(theme, before);
        assert_eq!(theme.set("series8", "red"), Ok(()));
        assert_eq!(theme.series[7].fg, Some(Color::Red));
        assert_eq!(theme.series[7].bg, before.text.bg, "the background stays");
        theme.series[7] = before.series[7];
        assert_eq!(theme, before);
    }

    #[test]
    fn a_background_of_the_text_is_that_of_all_but_what_stands_out() {
        let mut theme = Theme::new(ThemeName::Dark);
        let before = theme.clone();
        assert_eq!(theme.set("text", "white on black"), Ok(()));
        assert_eq!(theme.dim.bg, Some(Color::Black));
        assert_eq!(theme.selected, before.selected);
    }
}
