//! The front door: parses the command line, wires the rooms, nothing else.

mod cli;
mod command;
mod exit;
mod settings;
mod signals;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Before anything else: a service is started thousands of times, by a parent that gives no other argument.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "service")
    {
        return services::run();
    }
    let cli = match cli::Cli::try_parse_from(command::dashes(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error),
    };
    command::run(cli)
}
