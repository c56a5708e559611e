//! `drill screen`: one screen of a running drill, as text or as an SVG picture.

use std::process::ExitCode;

use display_full_error::DisplayFullErrorExt;

use super::join::{WHERE_URL, base};
use crate::{cli::ScreenArgs, exit::Failure};

/// Renders and prints or writes it.
pub fn run(args: &ScreenArgs) -> Result<ExitCode, Failure> {
    let (columns, rows) = args.size;
    let url = args
        .url
        .as_deref()
        .ok_or_else(|| Failure::usage("which drill? --url is missing", WHERE_URL))?;
    let (url, view) = (base(url)?, named(&args.view)?);
    let runtime = super::runtime()?;
    let failed = |error: tui::Error| Failure::failed(error.to_string_full()).remedy(WHERE_URL);
    let Some(path) = &args.svg else {
        let text = runtime
            .block_on(tui::screen::render_once(url, view, columns, rows))
            .map_err(failed)?;
        super::print(&format!("{}\n", text.trim_end_matches('\n')));
        return Ok(ExitCode::SUCCESS);
    };
    let picture = runtime
        .block_on(tui::screen::svg(
            url,
            view,
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
}
