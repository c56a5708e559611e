//! How the screen opens: in which colours, with which keys, what there is to say of the settings, and the tour. Deliberately reads no files.

use super::App;
use super::overlay::Overlay;
use crate::Config;
use crate::theme::{Theme, ThemeName};

/// The colours to choose from: those of the program, and those of a person's own file.
#[derive(Debug, Default)]
pub struct Wardrobe {
    own: Option<Theme>,
    worn: Worn,
}

/// Which colours are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worn {
    /// Those of the program, by name.
    Named(ThemeName),
    /// Those of the person's file.
    Own,
}

impl Default for Worn {
    fn default() -> Self {
        Self::Named(ThemeName::default())
    }
}

impl Worn {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Named(name) => name.name(),
            Self::Own => "your own",
        }
    }

    /// What they are, in words.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Named(name) => name.about(),
            Self::Own => "those of your file",
        }
    }
}

impl App {
    /// Takes what the screen was opened with.
    pub fn opened_with(&mut self, config: &Config) {
        self.leaving_ends = config.leaving_ends;
        self.bindings = config.bindings.clone();
        self.wardrobe = Wardrobe {
            own: config.own_theme.clone(),
            worn: Worn::Named(config.effective_theme()),
        };
        if config.own_theme.is_some() {
            self.wear(Worn::Own);
        }
        if !config.complaints.is_empty() {
            let body = config.complaints.join("\n\n");
            self.overlay = Some(Overlay::reader("Settings that could not be used", body));
        } else if config.tour {
            self.tour();
        }
    }

    /// All colours that there are to choose from.
    pub(super) fn worn(&self) -> Vec<Worn> {
        let named = ThemeName::ALL.map(Worn::Named);
        let own = self.wardrobe.own.iter().map(|_| Worn::Own);
        named.into_iter().chain(own).collect()
    }

    /// The next colours, as a key goes through them.
    pub fn next_theme(&mut self) {
        let all = self.worn();
        let at = all.iter().position(|worn| *worn == self.wardrobe.worn);
        let next = at.map_or(0, |at| (at + 1) % all.len());
        self.wear(all[next]);
        let (name, about) = (all[next].name(), all[next].about());
        self.say(format!("colours: {name}, {about}"));
    }

    pub(super) fn wear(&mut self, worn: Worn) {
        self.wardrobe.worn = worn;
        self.theme = match (worn, &self.wardrobe.own) {
            (Worn::Named(name), _) => Theme::new(name),
            (Worn::Own, Some(own)) => own.clone(),
            (Worn::Own, None) => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_goes_through_all_colours_and_ones_own() {
        let mut own = Theme::new(ThemeName::Light);
        own.set("bad", "magenta").expect("it is a colour");
        let config = Config {
            own_theme: Some(own.clone()),
            ..Config::new("http://127.0.0.1:9")
        };
        let mut app = App::new("http://127.0.0.1:9", config.theme, false);
        app.opened_with(&config);
        assert_eq!(app.theme, own);
        for name in ThemeName::ALL {
            app.next_theme();
            assert_eq!(app.theme, Theme::new(name));
            let said = app.toast.as_ref().map(|t| t.text.clone());
            assert!(said.is_some_and(|said| said.contains(name.name())));
        }
        app.next_theme();
        assert_eq!(app.theme, own);
    }

    #[test]
    fn settings_that_could_not_be_used_are_read_first_and_any_key_goes_on() {
        let config = Config {
            complaints: vec!["mine.toml, line 3: `pink` is no colour".to_owned()],
            ..Config::new("http://127.0.0.1:9")
        };
        let mut app = App::new("http://127.0.0.1:9", config.theme, false);
        app.opened_with(&config);
        assert!(crate::screen::text_of(&app).contains("mine.toml, line 3"));
        app.key(crossterm::event::KeyEvent::from(
            crossterm::event::KeyCode::Esc,
        ));
        assert!(app.overlay.is_none());
    }
}
