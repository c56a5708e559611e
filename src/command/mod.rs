//! The commands: each file is one word of the command line.

mod bench;
mod chaos;
mod doctor;
mod headless;
mod join;
mod keys;
mod list;
mod load;
mod manual;
mod proxy;
mod record;
mod report;
mod rules;
mod run;
mod scenario_files;
mod screen;
mod verify;
mod verify_jobs;

use std::{path::Path, process::ExitCode};

use proxy::descriptors;
pub use proxy::{HELP as PROXY_HELP, dashes};

use crate::{
    cli::{Cli, RulesWord, RunCommand, ScenariosWord, Word},
    exit::Failure,
    settings::{self, Settings},
};

/// Does what the command line says.
pub fn run(cli: Cli) -> ExitCode {
    let json = wants_json(&cli);
    match settings::load(Path::new(".")).and_then(|settings| dispatch(cli, &settings)) {
        Ok(code) => code,
        Err(failure) => failure.tell(json),
    }
}

fn wants_json(cli: &Cli) -> bool {
    match &cli.command {
        None => cli.run.json,
        Some(Word::Run(run)) => run.args.json,
        Some(Word::List(list)) => list.json,
        Some(Word::Report(report)) => report.json,
        Some(Word::Verify(verify)) => verify.json,
        Some(Word::Bench(bench)) => bench.json,
        Some(Word::Load(load)) => load.json,
        Some(Word::Doctor(doctor)) => doctor.json,
        Some(Word::Screen(screen)) => screen.json,
        Some(Word::Keys(keys)) => keys.json,
        Some(Word::Scenarios(ScenariosWord::List { json, .. })) => *json,
        Some(Word::Chaos(word)) => word.wants_json(),
        Some(Word::Rules(RulesWord::Check { json, .. } | RulesWord::Test { json, .. })) => *json,
        Some(_) => false,
    }
}

fn dispatch(cli: Cli, settings: &Settings) -> Result<ExitCode, Failure> {
    match cli.command {
        None => run::run(
            RunCommand {
                slug: None,
                args: cli.run,
            },
            settings,
        ),
        Some(Word::Run(command)) => run::run(command, settings),
        Some(Word::Join(args)) => join::run(&args, settings),
        Some(Word::List(args)) => list::run(&args, settings),
        Some(Word::Report(args)) => report::run(&args, settings),
        Some(Word::Scenarios(word)) => scenario_files::run(word, settings),
        Some(Word::Rules(word)) => rules::run(&word),
        Some(Word::Chaos(word)) => chaos::run(&word, settings),
        Some(Word::Load(args)) => load::run(&args),
        Some(Word::Verify(args)) => verify::run(&args, settings),
        Some(Word::Doctor(args)) => Ok(doctor::run(&args, settings)),
        Some(Word::Keys(args)) => keys::run(&args, settings),
        Some(Word::Screen(args)) => screen::run(&args),
        Some(Word::RecordScreen(args)) => record::run(&args, settings),
        Some(Word::Proxy(args)) => proxy::run(&args),
        Some(Word::Bench(args)) => bench::run(&args),
        Some(Word::Bare) => Ok(bench::bare()),
        Some(Word::Completions { shell }) => manual::completions(shell),
        Some(Word::Man) => manual::page(),
    }
}

/// Prints text for people or scripts; a reader that has gone (`drill list | head -1`) is no error.
fn print(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The runtime that server, lab and TUI share.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::failed(format!("no runtime can be built: {error}")).remedy("drill doctor")
        })
}

/// The file of this very program, to start it once more.
fn program() -> Result<std::path::PathBuf, Failure> {
    std::env::current_exe().map_err(|error| {
        Failure::failed(format!("this program's own file cannot be found: {error}"))
    })
}
