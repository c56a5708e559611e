//! Frames of a seat drawn as on a terminal, without one: the whole way from the state to the escape codes, which are thrown
//! away. For measuring.

use std::io::{self, Sink};
use std::time::{Duration, Instant};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use crate::app::App;
use crate::widgets::surface::Surface;

/// What is drawn on.
pub struct Frames {
    terminal: Terminal<CrosstermBackend<Sink>>,
}

impl Frames {
    /// A terminal of so many columns and rows.
    ///
    /// # Errors
    /// None that is known: nothing is asked of a terminal.
    pub fn new((columns, rows): (u16, u16)) -> io::Result<Self> {
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let backend = CrosstermBackend::new(io::sink());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })?;
        Ok(Self { terminal })
    }

    /// Draws, and tells how long that took: what changed since the frame before is found and encoded, too.
    pub(crate) fn draw(&mut self, app: &App) -> io::Result<Duration> {
        let began = Instant::now();
        self.terminal.draw(|frame| {
            let mut surface = Surface::new(frame.buffer_mut(), &app.theme);
            app.draw(&mut surface);
            if let Some(cursor) = App::cursor(&surface) {
                frame.set_cursor_position(cursor);
            }
        })?;
        Ok(began.elapsed())
    }
}
