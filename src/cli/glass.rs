//! Flags of every command that opens the trainee's screen.

use std::path::PathBuf;

use clap::Args;

use crate::settings::glass::ThemeWish;

/// How the screen looks and what its keys are.
#[derive(Debug, Clone, Default, Args)]
pub struct GlassArgs {
    #[arg(
        long,
        env = "DRILL_THEME",
        value_name = "NAME",
        help = "Colours: terminal (its own 16), dark, light, contrast, none, or a file of your own that ends in .toml [default: terminal; none where NO_COLOR is set]"
    )]
    /// Colours.
    pub theme: Option<ThemeWish>,
    /// Keys of your own: a file as `drill keys --toml` prints one [default: the keys of `drill keys`]
    #[arg(long, env = "DRILL_KEYS", value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Begin without the tour of the first drill
    #[arg(long)]
    pub no_tour: bool,
}

/// `drill keys`.
#[derive(Debug, Args)]
pub struct KeysArgs {
    /// A key file: the keys that it gives, and what of it cannot be
    #[arg(env = "DRILL_KEYS")]
    pub file: Option<PathBuf>,
    /// JSON array
    #[arg(long, conflicts_with = "toml")]
    pub json: bool,
    /// A ready key file
    #[arg(long)]
    pub toml: bool,
}
