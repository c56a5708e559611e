//! How the screen looks, as a person wants it: from flags, environment, `drill.toml`, and a file with colours of one's own.
//! What cannot be used is told with its file, line and remedy, and left out: a drill never fails for it. Deliberately
//! knows nothing of what a role or a key does; that is the glass's.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use tui::{
    Theme, ThemeName,
    settings::{Bindings, Change},
};

use super::{Settings, written::Written};
use crate::cli::GlassArgs;

/// Which colours are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThemeWish {
    /// A theme of the program.
    Name(ThemeName),
    /// A file of one's own.
    File(PathBuf),
}

impl FromStr for ThemeWish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.ends_with(".toml") || text.contains(std::path::MAIN_SEPARATOR) {
            return Ok(Self::File(text.into()));
        }
        let name: Result<ThemeName, tui::Error> = text.parse();
        name.map(Self::Name)
            .map_err(|error| format!("{error}; a file of your own ends in .toml"))
    }
}

/// What is wanted, and what of it could not be used.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// A theme of the program, where one was chosen.
    pub theme: Option<ThemeName>,
    /// Colours of a file.
    pub own: Option<Theme>,
    /// Keys.
    pub bindings: Bindings,
    /// What could not be used: file, line, why, remedy.
    pub complaints: Vec<String>,
}

/// Reads what is wanted: a flag or the environment before `drill.toml`.
pub fn look(args: &GlassArgs, settings: &Settings) -> Look {
    let mut look = Look::default();
    match args.theme.clone().or_else(|| settings.theme_wish()) {
        Some(ThemeWish::Name(name)) => look.theme = Some(name),
        Some(ThemeWish::File(path)) => {
            let mut written = Written::read(&path);
            look.own = (!written.entries.is_empty()).then(|| own_theme(&mut written));
            look.complaints.append(&mut written.complaints);
        }
        None => {}
    }
    if let Some(path) = args.keys.as_ref().or(settings.keys.as_ref()) {
        let (bindings, mut complaints) = keys(path);
        look.bindings = bindings;
        look.complaints.append(&mut complaints);
    }
    look
}

/// The keys that a file gives, and what of it could not be used.
pub fn keys(path: &Path) -> (Bindings, Vec<String>) {
    let mut written = Written::read(path);
    let entries = std::mem::take(&mut written.entries);
    let (wishes, lines): (Vec<Change>, Vec<usize>) = entries
        .into_iter()
        .map(|entry| {
            let (id, keys) = (entry.key, entry.texts);
            (Change { id, keys }, entry.line)
        })
        .unzip();
    let (bindings, refusals) = Bindings::of(&wishes);
    for (place, refused) in refusals {
        written.complain(lines[place], &refused.why, &refused.remedy);
    }
    (bindings, written.complaints)
}

/// The colours that a file gives: roles with styles, over those of the theme that it names as `base`.
fn own_theme(written: &mut Written) -> Theme {
    let entries = std::mem::take(&mut written.entries);
    let (base, roles): (Vec<_>, Vec<_>) = entries.into_iter().partition(|e| e.key == "base");
    let mut theme = Theme::new(ThemeName::default());
    for entry in base {
        match entry.texts.concat().parse() {
            Ok(name) => theme = Theme::new(name),
            Err(error) => written.complain(
                entry.line,
                &tui::Error::to_string(&error),
                "write one of them",
            ),
        }
    }
    for entry in roles {
        // a list gives a numbered role each: series = ["red", "blue"] is series1 and series2
        let numbered = entry.texts.iter().enumerate();
        for (index, words) in numbered {
            let role = match entry.list {
                true => format!("{}{}", entry.key, index + 1),
                false => entry.key.clone(),
            };
            if let Err(refused) = theme.set(&role, words) {
                written.complain(entry.line, &refused.why, &refused.remedy);
            }
        }
    }
    theme
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wished(text: &str) -> (Look, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("colours.toml");
        std::fs::write(&path, text).unwrap();
        let args = GlassArgs {
            theme: Some(path.to_str().unwrap().parse().unwrap()),
            ..GlassArgs::default()
        };
        (look(&args, &Settings::default()), folder)
    }

    #[test]
    fn a_file_changes_the_roles_that_it_names() {
        let (look, _folder) =
            wished("base = \"dark\"\nbad = \"bold white on red\"\nseries = [\"1\", \"2\"]\n");
        let mut wanted = Theme::new(ThemeName::Dark);
        wanted.set("bad", "bold white on red").unwrap();
        wanted.set("series1", "1").unwrap();
        wanted.set("series2", "2").unwrap();
        assert_eq!(look.own, Some(wanted));
        assert_eq!(look.complaints, [""; 0]);
    }

    #[test]
    fn each_line_that_cannot_be_used_is_told_and_the_others_hold() {
        let (look, _folder) = wished(
            "base = \"pink\"\nbad = \"colour\"\nworse = \"red\"\ngood = \"blue\"\nwarn = 3\ninfo = = \"red\"\n",
        );
        let mut wanted = Theme::new(ThemeName::Default);
        wanted.set("good", "blue").unwrap();
        assert_eq!(look.own, Some(wanted));
        for line in [1, 2, 3, 5, 6] {
            let told = |c: &&String| c.contains(&format!("colours.toml, line {line}: "));
            let found: Vec<&String> = look.complaints.iter().filter(told).collect();
            assert_eq!(found.len(), 1, "line {line}: {:#?}", look.complaints);
            assert!(found[0].contains("Remedy: "), "{found:?}");
        }
        assert_eq!(look.complaints.len(), 5, "{:#?}", look.complaints);
    }

    #[test]
    fn a_flag_comes_before_the_settings_file() {
        let settings = Settings {
            theme: Some("light".to_owned()),
            ..Settings::default()
        };
        let of = |theme: Option<&str>| {
            let args = GlassArgs {
                theme: theme.map(|name| name.parse().unwrap()),
                ..GlassArgs::default()
            };
            look(&args, &settings).theme
        };
        assert_eq!(of(None), Some(ThemeName::Light));
        assert_eq!(of(Some("contrast")), Some(ThemeName::Contrast));
    }

    #[test]
    fn keys_of_a_file_act_and_what_cannot_be_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let text = "help = [\"F1\", \"Ctrl-h\"]\npretty = \"P\"\n[logs]\ncontext = [\"C\"]\nnonsense = [\"x\"]\n= 3\n";
        std::fs::write(&path, text).unwrap();
        let args = GlassArgs {
            keys: Some(path),
            ..GlassArgs::default()
        };
        let look = look(&args, &Settings::default());
        let rows = look.bindings.listed();
        let keys = |id: &str| {
            rows.iter()
                .find(|row| row.id == id)
                .map(|row| row.keys.to_vec())
        };
        assert_eq!(keys("help"), Some(vec!["?", "F1"]), "its line is refused");
        assert_eq!(keys("logs.context"), Some(vec!["C"]));
        for line in [1, 2, 5, 6] {
            let place = format!("keys.toml, line {line}: ");
            let found = look.complaints.iter().any(|c| c.contains(&place));
            assert!(found, "line {line}: {:#?}", look.complaints);
        }
        assert_eq!(look.complaints.len(), 4, "{:#?}", look.complaints);
    }

    #[test]
    fn a_name_that_is_none_is_refused_with_those_that_are() {
        let refused = "pink".parse::<ThemeWish>().unwrap_err();
        assert!(
            refused.contains("contrast") && refused.contains(".toml"),
            "{refused}"
        );
    }
}
