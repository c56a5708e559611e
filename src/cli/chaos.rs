//! The words and flags of `drill chaos`.

use std::{path::PathBuf, time::Duration};

use super::live::{ChaosListArgs, HealArgs, InjectArgs, StatusArgs, Target};
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};
use simulator::experiment::{Dry, HypothesisStrategy, RollbackStrategy, SHORTEST_FREQUENCY};

/// `drill chaos`.
#[derive(Debug, Subcommand)]
pub enum ChaosWord {
    /// List what can be injected, or tell of one mechanism.
    #[command(
        after_help = "Examples:\n  drill chaos list                   everything\n  drill chaos list network           one family\n  drill chaos list latency           where it can be aimed, and what it takes\n  drill chaos list --json | jq -r '.[].id'"
    )]
    List(ChaosListArgs),
    /// Inject harm into a running drill.
    #[command(
        after_help = "Examples:\n  drill chaos inject latency checkout:payments delay_ms=400 --for 30s\n  drill chaos inject error-status inventory share=0.2 --ramp 20s --why 'second incident'\n  drill chaos inject hang promotions --attached    healed when this command ends\n  drill chaos inject traffic-surge load factor=5 --preview\n\nThe drill that runs on this machine is found by itself; for one elsewhere give --url and --key."
    )]
    Inject(InjectArgs),
    /// Tell what is injected.
    #[command(
        after_help = "Examples:\n  drill chaos status\n  drill chaos status --all --json | jq '.[] | select(.flows_again == false)'"
    )]
    Status(StatusArgs),
    /// Heal injections, and wait until they are gone.
    #[command(after_help = "Example:\n  drill chaos heal 3 4")]
    Heal(HealArgs),
    /// Heal everything at once.
    #[command(after_help = "Example:\n  drill chaos stop-everything")]
    StopEverything(Target),
    /// Run an experiment in the format of the Chaos Toolkit, and write its journal.
    #[command(
        after_help = "Examples:\n  drill chaos run experiment.yaml\n  drill chaos run experiment.json --var port:int=8474 --rollback-strategy always\n  drill chaos run experiment.json --json | jq .status\n\nThe exit code is that of `chaos run`: 0 when the run was completed and the steady state held, else 1.\nCtrl-C or SIGTERM stops it and plays the rollbacks as their strategy says; a second one gives these up, too."
    )]
    Run(ChaosRunArgs),
    /// Check an experiment: every problem at once, with its place.
    #[command(
        after_help = "Examples:\n  drill chaos validate experiment.yaml\n  drill chaos validate docs/experiments/*.json --json\n\nThe exit code is 0 when all can be run, else 1."
    )]
    Validate {
        /// Experiments, JSON or YAML by the ends of their names.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Value for the configuration, as KEY=VALUE or KEY:TYPE=VALUE; may be given several times
        #[arg(long = "var", value_name = "KEY[:TYPE]=VALUE")]
        vars: Vec<String>,
        /// JSON array
        #[arg(long)]
        json: bool,
    },
}

impl ChaosWord {
    /// Whether errors are told as JSON, too.
    pub const fn wants_json(&self) -> bool {
        match self {
            Self::List(args) => args.json,
            Self::Inject(args) => args.target.json,
            Self::Status(args) => args.target.json,
            Self::Heal(args) => args.target.json,
            Self::StopEverything(target) => target.json,
            Self::Run(args) => args.json,
            Self::Validate { json, .. } => *json,
        }
    }
}

/// `drill chaos run`.
#[derive(Debug, Args)]
pub struct ChaosRunArgs {
    /// Experiment, JSON or YAML by the end of its name.
    pub file: PathBuf,
    /// Where to write the journal
    #[arg(long, default_value = "./journal.json", value_name = "FILE")]
    pub journal_path: PathBuf,
    /// What not to execute, only to journal
    #[arg(long, value_parser = words(Dry::ALL, Dry::name, Dry::named))]
    pub dry: Option<Dry>,
    /// Run it without checking it first
    #[arg(long)]
    pub no_validation: bool,
    /// When to play rollbacks; default is: not after a failure or an interruption [default: as the experiment says, or whatever happens once the method has begun]
    #[arg(long, value_parser = words(RollbackStrategy::ALL, RollbackStrategy::name, RollbackStrategy::named))]
    pub rollback_strategy: Option<RollbackStrategy>,
    /// When to look at the steady state; default is: before and after the method [default: as the experiment says, or default]
    #[arg(long, value_parser = words(HypothesisStrategy::ALL, HypothesisStrategy::name, HypothesisStrategy::named))]
    pub hypothesis_strategy: Option<HypothesisStrategy>,
    /// Seconds between two looks during the method, at least 0.001
    #[arg(long, default_value = "1.0", value_name = "SECONDS", value_parser = frequency, allow_negative_numbers = true)]
    pub hypothesis_frequency: Duration,
    /// End as soon as the steady state is lost during the method
    #[arg(long)]
    pub fail_fast: bool,
    /// Value for the configuration, as KEY=VALUE or KEY:TYPE=VALUE with str, int, float, bool or json; may be given several times
    #[arg(long = "var", value_name = "KEY[:TYPE]=VALUE")]
    pub vars: Vec<String>,
    /// Print the journal, too
    #[arg(long)]
    pub json: bool,
}

/// Takes the words of an enumeration.
fn words<T: Copy + Clone + Send + Sync + 'static>(
    all: &[T],
    name: fn(T) -> &'static str,
    named: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(|each| name(*each)))
        .map(move |word| named(&word).expect("only these words are let through"))
}

/// The Toolkit takes 0 and less: it looks again and again without a pause then, which harms what it looks at.
fn frequency(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|pause| *pause >= SHORTEST_FREQUENCY)
        .ok_or_else(|| {
            format!(
                "write a number of seconds, as in 0.5, and no less than {}",
                SHORTEST_FREQUENCY.as_secs_f64()
            )
        })
}
