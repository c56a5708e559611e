//! `drill join`: the glass on a drill that runs elsewhere.

use std::{io::IsTerminal, process::ExitCode};

use display_full_error::DisplayFullErrorExt;

use crate::{
    cli::JoinArgs,
    exit::{self, Failure},
};

/// How the glass is opened on a drill, colours as the environment asks.
pub fn glass(api: &str, plain: bool) -> tui::Config {
    // https://no-color.org: set and not empty
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    tui::Config {
        plain,
        no_color,
        ..tui::Config::new(api)
    }
}

/// Opens it; the drill goes on when it is closed.
pub fn run(args: &JoinArgs) -> Result<ExitCode, Failure> {
    let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if !(args.plain || terminal) {
        return Err(Failure::usage(
            "there is no terminal here to draw on",
            "drill join URL --plain, or `drill screen VIEW --url URL` for one screen as text",
        ));
    }
    let config = tui::Config {
        observer: args.observer,
        ..glass(args.url.trim_end_matches('/'), args.plain)
    };
    let runtime = super::runtime()?;
    let left = runtime.block_on(tui::run(config));
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match left {
        Ok(tui::Exit::Signal(_)) => Ok(ExitCode::from(exit::INTERRUPTED)),
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::failed(error.to_string_full())
            .remedy("check the URL: the drill prints it at its start")),
    }
}
