//! `drill chaos`: harm that is done on purpose.

mod catalogue;
mod live;
mod run;

use std::process::ExitCode;

use crate::{cli::ChaosWord, exit::Failure, settings::Settings};

/// Does one of the words.
pub fn run(word: &ChaosWord, settings: &Settings) -> Result<ExitCode, Failure> {
    match word {
        ChaosWord::List(args) => catalogue::run(args),
        ChaosWord::Inject(args) => live::inject(args, settings),
        ChaosWord::Status(args) => live::status(args, settings),
        ChaosWord::Heal(args) => live::heal(args, settings),
        ChaosWord::Run(args) => run::run(args),
        ChaosWord::Validate { files, vars, json } => run::validate(files, vars, *json),
        ChaosWord::StopEverything(target) => live::stop_everything(target, settings),
    }
}
