//! The words and flags of `drill chaos`.

use clap::Subcommand;

use super::live::{ChaosListArgs, HealArgs, InjectArgs, StatusArgs, Target};

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
        }
    }
}
