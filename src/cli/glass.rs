//! Flags of every command that opens the trainee's screen.

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
}
