//! `drill completions` and `drill man`: made from the command line's own definition.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::{cli::Cli, exit::Failure};

/// Prints a completion script.
pub fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "drill", &mut script);
    super::print(&String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page, subcommands included.
pub fn page() -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    let unwritten =
        |error: std::io::Error| Failure::failed(format!("the manual page cannot be made: {error}"));
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(unwritten)?;
    for word in Cli::command()
        .get_subcommands()
        .filter(|word| !word.is_hide_set())
    {
        clap_mangen::Man::new(word.clone())
            .title(format!("drill-{}", word.get_name()))
            .render(&mut page)
            .map_err(unwritten)?;
    }
    super::print(&String::from_utf8_lossy(&page));
    Ok(ExitCode::SUCCESS)
}
