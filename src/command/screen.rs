//! `drill screen`: one view of a running drill, drawn, in words, as data or as a picture. It needs no terminal.

use std::process::ExitCode;

use display_full_error::DisplayFullErrorExt;
use tui::{Seat, ThemeName, when::When};

use super::join::{WHERE_URL, base};
use crate::{cli::ScreenArgs, exit::Failure};

/// What to do when a picture cannot be written.
const WHERE_FILE: &str = "name a file in a folder that is there and can be written";

/// Renders and prints or writes it.
pub fn run(args: &ScreenArgs) -> Result<ExitCode, Failure> {
    let url = args
        .url
        .as_deref()
        .ok_or_else(|| Failure::usage("which drill? --url is missing", WHERE_URL))?;
    let (url, view) = (base(url)?, named(&args.view)?);
    super::runtime()?.block_on(show(args, url, view))
}

async fn show(args: &ScreenArgs, url: &str, view: &str) -> Result<ExitCode, Failure> {
    // a printed screen has no colours
    let theme = match args.svg {
        Some(_) => ThemeName::Dark,
        None => ThemeName::None,
    };
    let mut seat = Seat::take(url, args.size, theme, false)
        .await
        .map_err(|error| failure(&error))?;
    seat.open(view, args.query.as_deref(), when(args))
        .await
        .map_err(|error| failure(&error))?;
    let refused = seat
        .failure()
        .map(|refused| refusal(refused, args.query.as_deref()));
    // a drawn screen shows what is wrong with its query, and what there was before
    let refused = match refused {
        Some(refused) if args.text || args.json => return Err(refused),
        refused => refused,
    };
    let printed = match &args.svg {
        Some(path) => {
            write(path, &seat.svg())?;
            format!("written: {}", path.display())
        }
        None if args.json => seat.json(),
        None if args.text => seat.told(),
        None => seat.text(),
    };
    super::print(&format!("{}\n", printed.trim_end_matches('\n')));
    refused.map_or(Ok(ExitCode::SUCCESS), Err)
}

/// Writes a picture.
pub fn write(path: &std::path::Path, picture: &str) -> Result<(), Failure> {
    std::fs::write(path, picture).map_err(|error| {
        Failure::failed(format!("{} cannot be written: {error}", path.display())).remedy(WHERE_FILE)
    })
}

fn when(args: &ScreenArgs) -> When {
    match (args.since, args.from, args.to) {
        (Some(long), _, _) => When::Since(long),
        (None, None, None) => When::Usual,
        (None, from, to) => When::Between(from, to),
    }
}

/// What the screens' own errors mean on a command line.
pub fn failure(error: &tui::Error) -> Failure {
    // a lab may be anybody's
    let message = tui::escape_lines(&error.to_string_full());
    match error {
        tui::Error::Range(_) => Failure::usage(
            message,
            "--since 5m, or --from and --to within what has passed",
        ),
        tui::Error::Write { .. } => Failure::failed(message).remedy(WHERE_FILE),
        tui::Error::NoQuery(_) => Failure::usage(message, "leave --query out"),
        _ => Failure::failed(message).remedy(WHERE_URL),
    }
}

/// A query that the lab refused, with its place.
fn refusal(refused: tui::Failure, query: Option<&str>) -> Failure {
    let marked = query.zip(refused.position).map(|(query, at)| {
        let (line, column) = place(query, at);
        format!("\n  {line}\n  {}^", " ".repeat(column))
    });
    let said = format!("{}{}", refused.message, marked.unwrap_or_default());
    let failure = Failure::failed(tui::escape_lines(&said));
    match refused.remedy {
        Some(remedy) => failure.remedy(tui::escape_lines(&remedy)),
        None => failure,
    }
}

/// The line of a query in which a character stands, and where in it.
fn place(query: &str, at: usize) -> (&str, usize) {
    let mut left = at;
    for line in query.lines() {
        let long = line.chars().count();
        if left <= long {
            return (line, left);
        }
        left -= long + 1;
    }
    (query.lines().last().unwrap_or_default(), 0)
}

/// A view by its name, or by the key that opens it.
fn named(view: &str) -> Result<&'static str, Failure> {
    let names = tui::screen::names();
    let by_key = view
        .parse::<usize>()
        .ok()
        .and_then(|key| names.get(key.checked_sub(1)?));
    let found = by_key.or_else(|| names.iter().find(|name| **name == view));
    found.copied().ok_or_else(|| {
        let keys = names.iter().zip(1..);
        let known: Vec<String> = keys.map(|(name, key)| format!("{key} {name}")).collect();
        Failure::usage(
            format!("there is no view `{view}`"),
            format!("one of {}", known.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_named_or_numbered_as_its_key() {
        assert_eq!(named("logs").unwrap(), "logs");
        assert_eq!(named("1").unwrap(), "overview");
        assert_eq!(named("9").unwrap(), "debrief");
        for wrong in ["0", "10", "log", ""] {
            let failure = named(wrong).unwrap_err();
            assert!(failure.remedy.unwrap().contains("2 logs"), "{wrong}");
        }
    }

    #[test]
    fn what_a_lab_says_of_a_query_steers_no_terminal() {
        let refused = tui::Failure {
            message: "no\u{1b}[2J\u{9b}31m".to_owned(),
            remedy: Some("try\u{7}".to_owned()),
            position: Some(1),
            ..tui::Failure::lost("")
        };
        let failure = refusal(refused, Some("a}"));
        assert_eq!(failure.message, "no␛[2J<U+009B>31m\n  a}\n   ^");
        assert_eq!(failure.remedy.as_deref(), Some("try␇"));
    }

    #[test]
    fn a_place_in_a_query_is_found_in_its_line() {
        assert_eq!(place("sum(", 4), ("sum(", 4));
        assert_eq!(place("größe{\n  a=}", 10), ("  a=}", 3));
        assert_eq!(place("a", 9), ("a", 0));
        assert_eq!(place("", 0), ("", 0));
    }
}
