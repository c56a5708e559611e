//! The loop around the state: events of the terminal, answers of the lab and time go in; drawing, questions,
//! copies, files and the bell come out. The only place of the screen that does I/O.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::EventStream;
use crossterm::execute;
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Effect};
use crate::ask::{Reply, Request};
use crate::client::Client;
use crate::net;
use crate::terminal::{self, Taken};
use crate::text;
use crate::time::clock;
use crate::widgets::surface::{Hit, Surface};
use crate::{Config, Error, Exit};

/// Time for a native clipboard tool; one that hangs is left and the terminal's own way taken.
const CLIPBOARD: Duration = Duration::from_millis(500);

struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => "SIGINT",
            _ = self.hup.recv() => "SIGHUP",
        }
    }
}

/// Runs the screen until it is left.
///
/// # Errors
/// When the address is no lab's, or the terminal cannot be used.
pub async fn run(config: Config) -> Result<Exit, Error> {
    let client = Client::new(&config.api)?;
    let mut signals = Signals::new()?;
    let mut app = App::new(client.base(), config.effective_theme(), config.observer);
    let mut taken = Taken::new(app.mouse)?;
    let (questions, asked) = mpsc::channel::<Request>(net::WAITING);
    let (answers, mut replies) = mpsc::channel::<Reply>(net::WAITING);
    let stop = CancellationToken::new();
    let network = tokio::spawn(net::serve(client, asked, answers, stop.clone()));
    let exit = screen_loop(&mut app, &mut taken, &mut signals, &questions, &mut replies).await;
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
    let size = taken.terminal.size()?;
    app.size = (size.width, size.height);
    loop {
        app.tick(elapsed());
        send(app, questions);
        let hits = draw(app, taken)?;
        let effects = std::mem::take(&mut app.effects);
        for effect in effects {
            if let Some(exit) = carry_out(app, taken, effect).await? {
                return Ok(exit);
            }
        }
        tokio::select! {
            name = signals.next() => return Ok(Exit::Signal(name)),
            event = events.next() => match event {
                Some(event) => app.event(&event?, &hits),
                None => return Ok(app.how_left()),
            },
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

async fn carry_out(
    app: &mut App,
    taken: &mut Taken,
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
        Effect::Copy(text) => copy(&text).await?,
        Effect::Suspend => {
            terminal::give_back();
            suspend()?;
            taken.again(app.mouse)?;
        }
        Effect::Export {
            name,
            extension,
            content,
        } => match export(
            name,
            extension,
            &text::escape_file(extension, &content),
            app.range.now_ms,
        ) {
            Ok(path) => app.say(format!("wrote {}", path.display())),
            Err(error) => app.say_bad(format!(
                "could not write the file: {error}; start drill in a folder that can be written"
            )),
        },
    }
    Ok(None)
}

/// Stops this process as the terminal's own suspend key would; returns when it is continued.
fn suspend() -> Result<(), Error> {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP)
        .map_err(|e| Error::Terminal(e.into()))
}

/// Puts text on the clipboard: by the desktop's own tool, or by asking the terminal (OSC 52), which also works over ssh.
async fn copy(text: &str) -> Result<(), Error> {
    let tools: &[(&str, &str, &[&str])] = &[
        ("WAYLAND_DISPLAY", "wl-copy", &[]),
        ("DISPLAY", "xclip", &["-selection", "clipboard"]),
        ("TERM_PROGRAM", "pbcopy", &[]),
    ];
    for (variable, tool, arguments) in tools {
        if std::env::var_os(variable).is_some() && pipe_into(tool, arguments, text).await {
            return Ok(());
        }
    }
    execute!(std::io::stdout(), CopyToClipboard::to_clipboard_from(text))?;
    Ok(())
}

async fn pipe_into(tool: &str, arguments: &[&str], text: &str) -> bool {
    let child = tokio::process::Command::new(tool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut child) = child else { return false };
    let copied = async {
        let mut input = child.stdin.take()?;
        input.write_all(text.as_bytes()).await.ok()?;
        drop(input);
        child
            .wait()
            .await
            .ok()
            .filter(std::process::ExitStatus::success)
    };
    matches!(tokio::time::timeout(CLIPBOARD, copied).await, Ok(Some(_)))
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
