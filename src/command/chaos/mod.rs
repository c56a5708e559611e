//! `drill chaos`: harm that is done on purpose.

mod run;

use std::process::ExitCode;

use crate::{cli::ChaosWord, exit::Failure};

/// Does one of the words.
pub fn run(word: &ChaosWord) -> Result<ExitCode, Failure> {
    match word {
        ChaosWord::Run(args) => run::run(args),
        ChaosWord::Validate { files, vars, json } => run::validate(files, vars, *json),
    }
}
