//! The trainee's glass: a terminal client of the lab's public HTTP APIs. It knows the types of `api` and the shapes of
//! Prometheus', Loki's and Tempo's APIs; it has no way to a scenario or to the answer.
//!
//! - [`run`] opens the screen (or the plain mode) on a lab; [`plain`] is the mode for screen readers and dumb terminals
//! - [`Seat`] is the same without a terminal: one view as text, words, data or picture, and keys that are written down
//! - `client` speaks HTTP, `net` is the task that does so beside the drawing
//! - `app` is the one state: keys, clicks, ticks and answers change it; it draws itself
//! - `views` are the nine views, `widgets` what they are made of

mod app;
mod ask;
mod client;
mod clipboard;
mod data;
mod error;
mod frames;
mod net;
mod picture;
pub mod plain;
pub mod screen;
mod seat;
pub mod settings;
mod shell;
mod signals;
pub mod strokes;
pub mod terminal;
mod text;
mod theme;
mod time;
mod views;
pub mod when;
mod widgets;

pub use error::{Error, Failure};
pub use frames::Frames;
pub use seat::Seat;
pub use text::escape_lines;
pub use theme::{Theme, ThemeName};

/// How the glass is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Base URL of the lab, as in `http://127.0.0.1:8300`.
    pub api: String,
    /// Read-only: looks, but changes nothing and is not journalled.
    pub observer: bool,
    /// No colours, as `NO_COLOR` asks.
    pub no_color: bool,
    /// Colours.
    pub theme: ThemeName,
    /// Colours of a person's own file, shown in place of `theme`.
    pub own_theme: Option<Theme>,
    /// Keys of a person's own file, in place of the rows'.
    pub bindings: settings::Bindings,
    /// Whether leaving the screen ends the drill: it runs in the same program.
    pub leaving_ends: bool,
    /// Begin with the tour.
    pub tour: bool,
    /// What of a person's settings could not be used, a sentence each: told when the screen opens.
    pub complaints: Vec<String>,
    /// Line mode with numbered menus, for screen readers and dumb terminals.
    pub plain: bool,
}

impl Config {
    /// A trainee's screen on a lab, with the terminal's own colours.
    #[must_use]
    pub fn new(api: impl Into<String>) -> Self {
        Self {
            api: api.into(),
            observer: false,
            no_color: false,
            theme: ThemeName::Default,
            own_theme: None,
            leaving_ends: false,
            tour: false,
            bindings: settings::Bindings::default(),
            complaints: Vec::new(),
            plain: false,
        }
    }

    /// The theme that is used: none when colours are not wanted.
    #[must_use]
    pub fn effective_theme(&self) -> ThemeName {
        if self.no_color {
            ThemeName::None
        } else {
            self.theme
        }
    }
}

/// How the glass was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The person left while the drill was running.
    Left,
    /// The drill had ended.
    Finished,
    /// A signal ended it.
    Signal(&'static str),
}

/// Opens the glass on a lab and returns when the person leaves it. The terminal is restored on every way out,
/// panics and signals included. `TERM=dumb` chooses the plain mode.
///
/// # Errors
/// When the address is no lab's, or the terminal cannot be used.
pub async fn run(config: Config) -> Result<Exit, Error> {
    let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
    if config.plain || dumb {
        return plain::run(config).await;
    }
    shell::run(config).await
}

#[cfg(test)]
mod tests;
