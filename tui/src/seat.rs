//! A seat at a lab without a terminal: the same state, questions and drawing as on the screen, driven by whoever holds it.
//! Pictures, single screens and journeys in scripts are made from it. Knows no scenario.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::app::{App, Effect};
use crate::client::Client;
use crate::frames::Frames;
use crate::picture;
use crate::plain;
use crate::screen::{buffer_of, settle, text_of, view_named};
use crate::strokes::Stroke;
use crate::text;
use crate::views;
use crate::when::When;
use crate::{Error, Failure, ThemeName};

/// Smallest and largest screen, cells.
const SIZES: (u16, u16) = (10, 500);
/// Pause between two looks while something is waited for.
const LOOK: Duration = Duration::from_millis(100);

/// A seat.
pub struct Seat {
    app: App,
    client: Client,
    theme: ThemeName,
    opened: Instant,
    /// Whether it is a trainee's, whose keys may change the drill and whose looks are journalled.
    plays: bool,
}

impl Seat {
    /// Sits down at a lab: `plays` as a trainee, or else to look alone. A lab that makes its history is looked at as it is.
    ///
    /// # Errors
    /// When the address is no lab's, or the lab does not answer.
    pub async fn take(
        api: &str,
        size: (u16, u16),
        theme: ThemeName,
        plays: bool,
    ) -> Result<Self, Error> {
        let client = Client::new(api)?;
        let mut app = App::new(client.base(), theme, !plays);
        let within = |cells: u16| cells.clamp(SIZES.0, SIZES.1);
        app.size = (within(size.0), within(size.1));
        let mut seat = Self {
            app,
            client,
            theme,
            opened: Instant::now(),
            plays,
        };
        // the second look asks what the first answer made due
        seat.look().await;
        seat.look().await;
        let failure = seat.app.known.drill.failure.clone();
        match failure.filter(|_| seat.app.drill().is_none()) {
            Some(failure) => Err(Error::Request(failure)),
            None => Ok(seat),
        }
    }

    /// Carries the clock on, asks what is due and takes the answers.
    pub async fn look(&mut self) {
        let elapsed = u64::try_from(self.opened.elapsed().as_millis());
        self.app.tick(elapsed.unwrap_or(u64::MAX));
        self.settle().await;
    }

    async fn settle(&mut self) {
        settle(&mut self.app, &self.client).await;
        // nothing here rings, is copied, or writes a file; that it was left is asked for by `left`
        self.app.effects.retain(|e| matches!(e, Effect::Quit(_)));
    }

    /// Whether a key has closed the screen.
    #[must_use]
    pub fn left(&self) -> bool {
        !self.app.effects.is_empty()
    }

    /// Opens a view by its name, in a stretch of time, with a query in the view's own language or in bare words.
    ///
    /// # Errors
    /// When no view has that name, the stretch is none, or a query is given to a view that has none.
    pub async fn open(&mut self, view: &str, query: Option<&str>, when: When) -> Result<(), Error> {
        let id = view_named(view)?;
        when.narrow(&mut self.app.range)?;
        if query.is_some() && views::of(id).query(&mut self.app).is_none() {
            return Err(Error::NoQuery(view.to_owned()));
        }
        match query {
            Some(query) => plain::search(&mut self.app, id, query),
            None => self.app.open(id),
        }
        self.settle().await;
        Ok(())
    }

    /// Why the query of the view on screen failed.
    #[must_use]
    pub fn failure(&mut self) -> Option<Failure> {
        let line = views::of(self.app.view).query(&mut self.app);
        let failed = line.and_then(|line| line.failure.clone());
        failed.or_else(|| self.app.known.drill.failure.clone())
    }

    /// Does what is written down, and waits at most so long each time that something is waited for.
    ///
    /// # Errors
    /// When what is waited for does not come, the screen was left, or a picture cannot be written.
    pub async fn play(&mut self, strokes: &[Stroke], patience: Duration) -> Result<(), Error> {
        for stroke in strokes {
            match stroke {
                Stroke::Key(key) => {
                    self.app.key(*key);
                    self.settle().await;
                    self.look().await;
                }
                Stroke::Until(text) => self.wait(text, true, patience).await?,
                Stroke::Gone(text) => self.wait(text, false, patience).await?,
                Stroke::Wait(long) => self.pass(*long).await,
                Stroke::Picture(path) => {
                    std::fs::write(path, self.svg()).map_err(|why| Error::Write {
                        path: path.clone(),
                        why,
                    })?;
                }
            }
        }
        Ok(())
    }

    async fn pass(&mut self, long: Duration) {
        let began = Instant::now();
        while let Some(left) = long.checked_sub(began.elapsed()) {
            self.look().await;
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }

    async fn wait(&mut self, text: &str, shown: bool, patience: Duration) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            self.look().await;
            let screen = self.text();
            if screen.contains(text) == shown {
                return Ok(());
            }
            if self.left() || began.elapsed() > patience {
                return Err(Error::NotSeen {
                    text: text.to_owned(),
                    shown,
                    screen,
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Draws a frame, and tells how long that took.
    ///
    /// # Errors
    /// As [`Frames::new`].
    pub fn frame(&self, frames: &mut Frames) -> std::io::Result<Duration> {
        frames.draw(&self.app)
    }

    /// Presses a key and draws what the screen shows at once, and tells how long both took; what the key asks the lab comes
    /// with the next look.
    ///
    /// # Errors
    /// As [`Frames::new`].
    pub fn strike(&mut self, stroke: &Stroke, frames: &mut Frames) -> std::io::Result<Duration> {
        let began = Instant::now();
        if let Stroke::Key(key) = stroke {
            self.app.key(*key);
        }
        frames.draw(&self.app)?;
        Ok(began.elapsed())
    }

    /// What is on the screen, one line a row.
    #[must_use]
    pub fn text(&mut self) -> String {
        self.as_trainee(text_of)
    }

    /// The view in words, as the plain mode tells it.
    #[must_use]
    pub fn told(&mut self) -> String {
        plain::told_view(&self.app)
    }

    /// The view as data.
    #[must_use]
    pub fn data(&mut self) -> Value {
        crate::data::of(&mut self.app)
    }

    /// The same as one line of JSON that is safe to print on a terminal.
    #[must_use]
    pub fn json(&mut self) -> String {
        text::escape_file("json", &self.data().to_string())
    }

    /// The screen as an SVG picture.
    #[must_use]
    pub fn svg(&mut self) -> String {
        let theme = self.theme;
        self.as_trainee(|app| picture::svg_of(&buffer_of(app), theme))
    }

    /// Draws as a trainee sees it, also where nothing is changed.
    fn as_trainee<T>(&mut self, draw: impl Fn(&App) -> T) -> T {
        self.app.observer = false;
        let drawn = draw(&self.app);
        self.app.observer = !self.plays;
        drawn
    }
}
