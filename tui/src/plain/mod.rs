//! The plain mode: lines in, lines out, numbered menus, no box drawing, stable order, so that a screen reader can follow
//! and a dumb terminal suffices. Another face of the same state and the same client: commands change it, and what it
//! would show on the screen is told in words.

mod chart;
mod choices;
mod commands;
mod debrief;
mod deeds;
mod kept;
mod moves;
mod narrowing;
mod questions;
mod records;
mod repairs;
mod tell;
mod told;

use std::future::Future;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::app::overlay::Overlay;
use crate::app::{App, Effect};
use crate::client::Client;
use crate::screen::settle;
use crate::shell;
use crate::text::escape;
use crate::views::ViewId;
use crate::{Config, Error, Exit, ThemeName};
use questions::Questions;
use told::Told;

/// How often the drill is asked for while nobody types, so that a page is told when it fires.
const LOOK: Duration = Duration::from_secs(2);
/// How often the making of history is told of: often enough to hear that it goes on, seldom enough to be listened to.
const TOLD_MS: u64 = 4_000;
/// Lines typed ahead that may wait; more are read when there is room.
const AHEAD: usize = 16;

/// A conversation.
pub(crate) struct Session {
    pub(crate) app: App,
    client: Client,
    questions: Option<Questions>,
    told_page: bool,
    told_ready: bool,
    /// When the preparation is told of next, on the screen's clock.
    progress_ms: u64,
    opened: Instant,
    quit: Option<Exit>,
}

impl Session {
    pub(crate) fn new(client: Client, observer: bool) -> Self {
        let mut app = App::new(client.base(), ThemeName::None, observer);
        app.typed = true;
        // wide lines: a screen reader or a pipe does not wrap them
        app.size = (120, 40);
        Self {
            app,
            client,
            questions: None,
            told_page: false,
            told_ready: false,
            progress_ms: 0,
            opened: Instant::now(),
            quit: None,
        }
    }

    /// Asks what there is to know, and tells what is new since the last look: readiness, the page, the end.
    pub(crate) async fn look(&mut self) -> Told {
        self.look_at(self.elapsed_ms()).await
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// As [`Self::look`], so many milliseconds after the opening.
    pub(crate) async fn look_at(&mut self, mono_ms: u64) -> Told {
        self.app.tick(mono_ms);
        settle(&mut self.app, &self.client).await;
        let mut out = self.said();
        let preparing = self.app.phase() == api::Phase::Preparing;
        if preparing && self.app.drill().is_some() {
            out.add(Told::lines(&self.progress()));
        }
        if !self.told_ready && !preparing && self.app.drill().is_some() {
            self.told_ready = true;
            out.add(Told::lines(&tell::brief(&self.app)));
        }
        if !self.told_page && self.app.page_ms().is_some() {
            self.told_page = true;
            out.add(Told::lines(&tell::page(&self.app)));
        }
        out
    }

    /// How far the preparation is, at the start and every few seconds.
    fn progress(&mut self) -> String {
        if self.app.mono_ms < self.progress_ms {
            return String::new();
        }
        self.progress_ms = self.app.mono_ms + TOLD_MS;
        tell::preparing(&self.app)
    }

    /// Does what a line says, and tells what came of it.
    pub(crate) async fn line(&mut self, line: &str) -> Told {
        self.app.tick(self.elapsed_ms());
        settle(&mut self.app, &self.client).await;
        self.app.toast = None;
        // a line that answers a question is no command, whatever it is called
        let command = self.questions.is_none();
        let mut out = Told::lines(&match self.questions.take() {
            Some(questions) => self.answer(questions, line),
            None => commands::run(self, line),
        });
        settle(&mut self.app, &self.client).await;
        if command {
            out.add(Told::lines(&commands::after(self, line)));
        }
        out.add(self.said());
        out.add(Told::lines(&self.open_overlay()));
        out
    }

    fn answer(&mut self, mut questions: Questions, line: &str) -> String {
        match questions.answer(line) {
            questions::Step::Again(why) => {
                self.questions = Some(questions);
                why
            }
            questions::Step::Left => questions.leave(&mut self.app),
            questions::Step::Done => questions.hand_in(&mut self.app),
        }
    }

    /// What the state says in its message line, told once.
    fn said(&mut self) -> Told {
        for effect in std::mem::take(&mut self.app.effects) {
            match effect {
                Effect::Quit(exit) => self.quit = Some(exit),
                Effect::Export { name, files } => {
                    shell::write_export(&mut self.app, name, &files);
                }
                // nothing rings, and what is told can be copied by whoever reads it
                _ => {}
            }
        }
        if let Some(lost) = &self.app.lost {
            return Told::line(&format!("connection: {lost}"));
        }
        self.app
            .toast
            .take()
            .map(|t| {
                Told::line(&format!(
                    "{}{}",
                    if t.bad { "problem: " } else { "" },
                    t.text
                ))
            })
            .unwrap_or_default()
    }

    /// A box that the state has opened becomes text to read or questions to answer.
    fn open_overlay(&mut self) -> String {
        match self.app.overlay.take() {
            Some(overlay @ Overlay::Reader(_)) => overlay
                .words()
                .map(|(title, body)| format!("{}\n{}\n", escape(title), tell::indented(body)))
                .unwrap_or_default(),
            Some(overlay @ (Overlay::Confirm(_) | Overlay::Form(..))) => {
                let questions = Questions::new(overlay);
                let asked = questions.ask();
                self.questions = Some(questions);
                asked
            }
            Some(Overlay::Menu(_) | Overlay::Tour(_)) | None => String::new(),
        }
    }
}

/// Opens a view with a query, as a command of its name would.
pub(crate) fn search(app: &mut App, view: ViewId, query: &str) {
    commands::search(app, view, query);
}

/// The view on screen in words, all of it.
pub(crate) fn told_view(app: &App) -> String {
    let objectives = match app.view {
        ViewId::Overview => tell::objectives(app),
        _ => String::new(),
    };
    Told::lines(&(tell::view(app, None) + &objectives)).to_string()
}

/// Runs the plain mode until `quit`, the end of the input, or a signal.
///
/// # Errors
/// When the address is no lab's, or standard output cannot be written.
pub async fn run(config: Config) -> Result<Exit, Error> {
    let mut session = Session::new(Client::new(&config.api)?, config.observer);
    session.app.leaving_ends = config.leaving_ends;
    let mut ends = Ends::new()?;
    let mut lines = typed_lines();
    print(&Told::line(&format!(
        "3 A.M. Drill, plain mode, on {}. Type help for the commands.",
        config.api
    )))?;
    for complaint in &config.complaints {
        print(&Told::line(&format!("problem: {complaint}")))?;
    }
    loop {
        let said = match ends.during(session.look()).await {
            Ok(said) => said,
            Err(exit) => return Ok(exit),
        };
        if !said.is_empty() {
            print(&said)?;
        }
        let typed = async {
            tokio::select! {
                line = lines.recv() => line.map(Some),
                () = tokio::time::sleep(LOOK) => Some(None),
            }
        };
        let line = match ends.during(typed).await {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(session.app.how_left()),
            Err(exit) => return Ok(exit),
        };
        if let Some(line) = line {
            match ends.during(session.line(&line)).await {
                Ok(said) => print(&said)?,
                Err(exit) => return Ok(exit),
            }
        }
        if let Some(exit) = session.quit {
            return Ok(exit);
        }
    }
}

/// The signals that end the conversation, whatever it waits for.
struct Ends {
    term: Signal,
    int: Signal,
}

impl Ends {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
        })
    }

    /// What comes of something, or the signal that came before.
    async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Exit> {
        tokio::select! {
            _ = self.term.recv() => Err(Exit::Signal("SIGTERM")),
            _ = self.int.recv() => Err(Exit::Signal("SIGINT")),
            done = work => Ok(done),
        }
    }
}

/// Lines of standard input, read on a thread of their own: reading cannot be cancelled, and the thread ends with the input or the process.
fn typed_lines() -> mpsc::Receiver<String> {
    let (send, lines) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        read_lines(std::io::stdin().lock(), |line| {
            send.blocking_send(line).is_ok()
        });
    });
    lines
}

/// Reads lines until the end of the input, or until one is not `taken`. Bytes that are no UTF-8, as of another encoding, are
/// shown as such: a slip is no reason to end a drill.
fn read_lines(mut input: impl BufRead, mut taken: impl FnMut(String) -> bool) {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match input.read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&bytes);
        let line = line.strip_suffix('\n').unwrap_or(&line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if !taken(line.to_owned()) {
            return;
        }
    }
}

fn print(text: &Told) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_text_ends_nothing() {
        let mut lines = Vec::new();
        let input: &[u8] = b"logs\r\nm\xfcnchen\n\nquit";
        read_lines(input, |line| {
            lines.push(line);
            true
        });
        assert_eq!(lines, ["logs", "m\u{fffd}nchen", "", "quit"]);
    }

    #[tokio::test]
    async fn a_lab_that_hangs_is_told_of_and_the_conversation_goes_on() {
        // connections are taken by the kernel, and nobody ever answers
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut session = Session::new(Client::new(&address).unwrap(), false);
        for view in [ViewId::Overview, ViewId::Logs] {
            session.app.open(view);
        }
        assert!(session.app.questions.len() > 2, "much is asked");
        // the time of one query; without a sign of life each of them would take it
        let patience = Duration::from_secs(60);
        let said = tokio::time::timeout(patience, session.look()).await;
        let said = said.expect("the look ends");
        let silent = format!("connection: the lab at {address} does not answer\n");
        assert_eq!(&*said, silent);
        let said = tokio::time::timeout(patience, session.line("quit")).await;
        assert_eq!(&*said.expect("the line is answered"), silent);
        assert_eq!(session.quit, Some(Exit::Left));
    }

    #[tokio::test]
    async fn a_signal_is_heard_while_answers_are_awaited() {
        let mut ends = Ends::new().unwrap();
        let own = rustix::process::getpid();
        rustix::process::kill_process(own, rustix::process::Signal::INT).unwrap();
        let exit = ends.during(std::future::pending::<()>()).await;
        assert_eq!(exit, Err(Exit::Signal("SIGINT")));
    }
}
