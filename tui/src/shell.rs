//! The loop around the state: events of the terminal, answers of the lab and time go in; drawing, questions,
//! copies, files and the bell come out. The only place of the screen that does I/O.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::EventStream;
use crossterm::execute;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::app::{App, Effect};
use crate::ask::{Reply, Request};
use crate::client::Client;
use crate::clipboard::{self, Tried};
use crate::net;
use crate::signals::{self, Asked, Signals};
use crate::terminal::{self, Taken};
use crate::text;
use crate::time::clock;
use crate::widgets::surface::{Hit, Surface};
use crate::{Config, Error, Exit};

/// How often a screen that was put away looks whether it stands in front again: a shell does not tell a job that runs.
const BEHIND: Duration = Duration::from_millis(100);

/// Runs the screen until it is left.
///
/// # Errors
/// When the address is no lab's, or the terminal cannot be used.
pub async fn run(config: Config) -> Result<Exit, Error> {
    let client = Client::new(&config.api)?;
    let mut signals = Signals::new()?;
    let mut app = App::new(client.base(), config.effective_theme(), config.observer);
    app.opened_with(&config);
    let mut taken = Taken::new(app.mouse)?;
    let (questions, asked) = mpsc::channel::<Request>(net::WAITING);
    let (answers, mut replies) = mpsc::channel::<Reply>(net::WAITING);
    let stop = CancellationToken::new();
    let network = tokio::spawn(net::serve(client, asked, answers, stop.clone()));
    let screen = screen_loop(&mut app, &mut taken, &mut signals, &questions, &mut replies);
    let exit = terminal::drawing(screen).await;
    stop.cancel();
    drop(taken);
    // the task was told to stop and cancels what is under way; it cannot fail but by a panic, which the hook has shown
    let _ = network.await;
    exit
}

async fn screen_loop(
    app: &mut App,
    taken: &mut Taken,
    signals: &mut Signals,
    questions: &mpsc::Sender<Request>,
    replies: &mut mpsc::Receiver<Reply>,
) -> Result<Exit, Error> {
    let opened = Instant::now();
    let elapsed = || u64::try_from(opened.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut events = EventStream::new();
    let mut panics = 0;
    // dropped with the screen: what is under way then ends
    let mut copies: JoinSet<Tried> = JoinSet::new();
    let size = taken.terminal.size()?;
    app.size = (size.width, size.height);
    loop {
        app.tick(elapsed());
        if let Some(said) = terminal::new_panic(&mut panics) {
            app.say_bad(format!(
                "a part of the program failed, the rest goes on: {said}"
            ));
        }
        send(app, questions);
        let hits = draw(app, taken)?;
        let effects = std::mem::take(&mut app.effects);
        for effect in effects {
            let left = if effect == Effect::Suspend {
                // what waits for keys takes them from whoever stands in front meanwhile: it ends first, and before
                // another is made, which would wait for it
                drop(events);
                let left = put_away(app, taken, signals, true).await?;
                events = EventStream::new();
                left
            } else {
                carry_out(app, &mut copies, effect)?
            };
            if let Some(exit) = left {
                return Ok(exit);
            }
        }
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::End(name) => return Ok(Exit::Signal(name)),
                Asked::PutAway => app.effects.push(Effect::Suspend),
                // whoever stopped it may have had the terminal since, in another state
                Asked::Continued => {
                    drop(events);
                    if let Some(exit) = put_away(app, taken, signals, false).await? {
                        return Ok(exit);
                    }
                    events = EventStream::new();
                }
            },
            event = events.next() => match event {
                Some(event) => app.event(&event?, &hits),
                None => return Ok(app.how_left()),
            },
            Some(done) = copies.join_next(), if !copies.is_empty() => copied(app, done)?,
            Some(reply) = replies.recv() => {
                app.receive(reply);
                // what else has arrived is taken before the next drawing
                while let Ok(reply) = replies.try_recv() {
                    app.receive(reply);
                }
            }
            () = tokio::time::sleep(Duration::from_millis(app.next_look_ms())) => {}
        }
    }
}

/// Hands questions to the network; what a full channel does not take stays for the next round.
fn send(app: &mut App, questions: &mpsc::Sender<Request>) {
    let waiting = std::mem::take(&mut app.questions);
    for request in waiting {
        if let Err(mpsc::error::TrySendError::Full(request)) = questions.try_send(request) {
            app.questions.push(request);
        }
    }
}

fn draw(app: &mut App, taken: &mut Taken) -> Result<Vec<Hit>, Error> {
    let mut hits = Vec::new();
    let size = taken.terminal.size()?;
    app.size = (size.width, size.height);
    taken.terminal.draw(|frame| {
        let mut surface = Surface::new(frame.buffer_mut(), &app.theme);
        app.draw(&mut surface);
        let cursor = App::cursor(&surface);
        hits = std::mem::take(&mut surface.hits);
        if let Some(cursor) = cursor {
            frame.set_cursor_position(cursor);
        }
    })?;
    Ok(hits)
}

fn carry_out(
    app: &mut App,
    copies: &mut JoinSet<Tried>,
    effect: Effect,
) -> Result<Option<Exit>, Error> {
    match effect {
        Effect::Quit(exit) => return Ok(Some(exit)),
        Effect::Bell => {
            let mut out = std::io::stdout();
            out.write_all(b"\x07")?;
            out.flush()?;
        }
        Effect::Mouse(on) => terminal::set_mouse(on)?,
        Effect::Copy(copied) => {
            // the newest is what is wanted
            copies.abort_all();
            copies.spawn(clipboard::put(copied));
        }
        // the loop does it, as it has the keys
        Effect::Suspend => {}
        Effect::Export { name, files } => write_export(app, name, &files),
    }
    Ok(None)
}

/// Gives the terminal back, `stops` if wanted, and takes the terminal again when this program stands in front again. Behind,
/// it goes on without a screen, and can be ended.
async fn put_away(
    app: &App,
    taken: &mut Taken,
    signals: &mut Signals,
    stops: bool,
) -> Result<Option<Exit>, Error> {
    terminal::give_back();
    if stops {
        signals::stop()?;
    }
    while !terminal::in_front() {
        tokio::select! {
            asked = signals.next() => if let Asked::End(name) = asked {
                return Ok(Some(Exit::Signal(name)));
            },
            () = tokio::time::sleep(BEHIND) => {}
        }
    }
    taken.again(app.mouse)?;
    Ok(None)
}

/// Tells what became of a copy. Where no tool took it the terminal is asked (OSC 52), which also works over ssh; that is
/// done here, between two drawings, as what is written is the terminal's.
fn copied(app: &mut App, done: Result<Tried, JoinError>) -> Result<(), Error> {
    match done {
        Ok(tried) => {
            if tried.by.is_none() {
                let asked = CopyToClipboard::to_clipboard_from(&tried.copied.text);
                execute!(std::io::stdout(), asked)?;
            }
            app.say(tried.said());
        }
        // a newer copy has taken its place
        Err(why) if why.is_cancelled() => {}
        Err(why) => app.say_bad(format!("nothing was copied: {why}")),
    }
    Ok(())
}

/// Carries out an export, and says what became of it.
pub fn write_export(app: &mut App, name: &str, files: &[(&'static str, String)]) {
    let now_ms = app.range.now_ms;
    let written = files.iter().map(|(extension, content)| {
        let safe = text::escape_file(extension, content);
        let path = export(name, extension, &safe, now_ms)?;
        Ok(path.display().to_string())
    });
    match written.collect::<std::io::Result<Vec<_>>>() {
        Ok(paths) => app.say(format!("wrote {}", paths.join(" and "))),
        Err(error) => app.say_bad(format!(
            "could not write the file: {error}; start drill in a folder that can be written"
        )),
    }
}

/// Writes a new file in the present folder; nothing is overwritten.
fn export(name: &str, extension: &str, content: &str, now_ms: i64) -> std::io::Result<PathBuf> {
    let stamp = clock(now_ms).replace(':', "");
    for n in 0..1000 {
        let more = if n == 0 {
            String::new()
        } else {
            format!("-{n}")
        };
        let path = PathBuf::from(format!("drill-{name}-{stamp}{more}.{extension}"));
        match std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
        {
            Ok(mut file) => return file.write_all(content.as_bytes()).map(|()| path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::new(
        std::io::ErrorKind::AlreadyExists,
        "a thousand files of that name are there already",
    ))
}
