//! `drill join`: the glass on a drill that runs elsewhere.

use std::{io::IsTerminal, process::ExitCode};

use display_full_error::DisplayFullErrorExt;

use crate::{
    cli::{GlassArgs, JoinArgs},
    exit::{self, Failure},
    settings::{Settings, glass::look, tour},
};

/// How the glass is opened on a drill: as flags, environment and settings ask.
pub fn glass(api: &str, plain: bool, args: &GlassArgs, settings: &Settings) -> tui::Config {
    let look = look(args, settings);
    // https://no-color.org: set and not empty; what was chosen for this program comes before it
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    // one thing to read at a time: what is wrong with the settings comes before the tour
    let tour = !(plain || args.no_tour) && look.complaints.is_empty() && tour::due();
    tui::Config {
        plain,
        tour,
        no_color: unwanted && look.theme.is_none(),
        theme: look.theme.unwrap_or_default(),
        own_theme: look.own,
        bindings: look.bindings,
        complaints: look.complaints,
        ..tui::Config::new(api)
    }
}

/// Where the URL of a drill is found.
pub const WHERE_URL: &str = "the URL stands in the drill's help (`?`), and in the first lines of a headless drill; it looks like http://127.0.0.1:8300";

/// A base URL as given, checked before anything is opened.
pub fn base(url: &str) -> Result<&str, Failure> {
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    if rest.is_some_and(|host| !host.trim_matches('/').is_empty()) {
        Ok(url.trim_end_matches('/'))
    } else {
        Err(Failure::usage(
            format!("`{url}` is not the address of a drill"),
            WHERE_URL,
        ))
    }
}

/// Opens it; the drill goes on when it is closed.
pub fn run(args: &JoinArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let url = base(&args.url)?;
    let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if !(args.plain || terminal) {
        return Err(Failure::usage(
            "there is no terminal here to draw on",
            "drill join URL --plain, or `drill screen VIEW --url URL` for one screen as text",
        ));
    }
    let mut look = args.glass.clone();
    // who only watches is led by whom they watch
    look.no_tour |= args.observer;
    let config = tui::Config {
        observer: args.observer,
        ..glass(url, args.plain, &look, settings)
    };
    let runtime = super::runtime()?;
    let left = runtime.block_on(tui::run(config));
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match left {
        Ok(tui::Exit::Signal(_)) => Ok(ExitCode::from(exit::INTERRUPTED)),
        Ok(_) => Ok(ExitCode::SUCCESS),
        // who reads has gone (`… --plain | head`): that is the reader's way to close it
        Err(tui::Error::Terminal(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let said = tui::escape_lines(&error.to_string_full());
            Err(Failure::failed(said).remedy(WHERE_URL))
        }
    }
}
