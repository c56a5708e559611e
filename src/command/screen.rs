//! `drill screen`: one screen of a running drill, as text or as an SVG picture.

use std::process::ExitCode;

use display_full_error::DisplayFullErrorExt;

use crate::{cli::ScreenArgs, exit::Failure};

/// Renders and prints or writes it.
pub fn run(args: &ScreenArgs) -> Result<ExitCode, Failure> {
    let (columns, rows) = args.size;
    let url = args.url.trim_end_matches('/');
    let runtime = super::runtime()?;
    let failed =
        |error: tui::Error| Failure::failed(error.to_string_full()).remedy("drill screen --help");
    let Some(path) = &args.svg else {
        let text = runtime
            .block_on(tui::screen::render_once(url, &args.view, columns, rows))
            .map_err(failed)?;
        super::print(&format!("{}\n", text.trim_end_matches('\n')));
        return Ok(ExitCode::SUCCESS);
    };
    let picture = runtime
        .block_on(tui::screen::svg(
            url,
            &args.view,
            columns,
            rows,
            tui::ThemeName::Dark,
        ))
        .map_err(failed)?;
    std::fs::write(path, picture).map_err(|error| {
        Failure::failed(format!("{} cannot be written: {error}", path.display()))
    })?;
    super::print(&format!("written: {}\n", path.display()));
    Ok(ExitCode::SUCCESS)
}
