//! `drill keys`: what can be done on the screen, by which keys, and what a key file calls it.

use std::{fmt::Write, process::ExitCode};

use tui::settings::Listed;

use crate::{
    cli::KeysArgs,
    exit::Failure,
    settings::{Settings, glass},
};

/// Prints the keys in force, and fails when a file wishes for what cannot be.
pub fn run(args: &KeysArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let file = args.file.as_ref().or(settings.keys.as_ref());
    let (bindings, complaints) = file.map_or_else(Default::default, |path| glass::keys(path));
    let rows = bindings.listed();
    super::print(&match (args.json, args.toml) {
        (true, _) => serde_json::to_string_pretty(&rows).expect("plain data serialises") + "\n",
        (_, true) => key_file(&rows),
        (false, false) => text(&rows),
    });
    match complaints.is_empty() {
        true => Ok(ExitCode::SUCCESS),
        false => Err(Failure::failed(complaints.join("\n"))),
    }
}

/// Rows under the name of the view that has them.
fn text(rows: &[Listed]) -> String {
    let mut out = String::new();
    let mut view = None;
    out.push_str("in every view\n");
    for row in rows {
        if row.view != view {
            view = row.view;
            // infallible: a String grows
            let _ = writeln!(out, "\nin {}", view.unwrap_or("every view"));
        }
        let keys = row.keys.join(", ");
        let _ = writeln!(out, "  {:<27} {keys:<16} {}", row.id, row.about);
    }
    out
}

/// The rows as a file that changes nothing until it is edited.
fn key_file(rows: &[Listed]) -> String {
    let mut out = String::from(
        "# Keys of the screen: drill run --keys FILE, DRILL_KEYS=FILE, or keys = \"FILE\" in drill.toml.\n\
         # A line gives an action its keys, and no others; lines that are not here leave things as they are.\n\
         # A row of a view follows the one of every view that it restates, unless it has a line of its own.\n\
         # `drill keys FILE` says what of it cannot be.\n\n",
    );
    let mut view = None;
    for row in rows {
        if row.view != view {
            view = row.view;
            let _ = writeln!(out, "\n[{}]", view.unwrap_or_default());
        }
        let prefix = row.view.map(|view| format!("{view}.")).unwrap_or_default();
        let name = row.id.strip_prefix(&prefix).unwrap_or(&row.id);
        let keys: Vec<String> = row.keys.iter().map(|key| format!("{key:?}")).collect();
        let _ = writeln!(out, "{name} = [{}]  # {}", keys.join(", "), row.about);
    }
    out
}

#[cfg(test)]
mod tests {
    use tui::settings::Bindings;

    use super::*;

    #[test]
    fn the_ready_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let rows = Bindings::default().listed();
        std::fs::write(&path, key_file(&rows)).unwrap();
        let (bindings, complaints) = glass::keys(&path);
        assert_eq!(complaints, [""; 0]);
        assert_eq!(bindings.listed(), rows);
    }

    #[test]
    fn the_text_names_each_row_with_its_keys() {
        let said = text(&Bindings::default().listed());
        let line = |id: &str| {
            said.lines()
                .find(|l| l.split_whitespace().next() == Some(id))
        };
        assert!(
            line("palette").is_some_and(|l| l.contains(":, Ctrl-k")),
            "{said}"
        );
        assert!(
            line("logs.context").is_some_and(|l| l.contains(" c ")),
            "{said}"
        );
    }
}
