//! The glass in a real terminal: a pseudo terminal in which the program starts, is resized, asked to
//! quit and killed, and which must be left as it was found.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// See `tests/drill.rs`.
const PATIENCE: Duration = Duration::from_secs(120);

struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    screen: Arc<Mutex<vt100::Parser>>,
    _folder: tempfile::TempDir,
}

impl Terminal {
    fn start(columns: u16, rows: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pty = native_pty_system()
            .openpty(PtySize {
                rows,
                cols: columns,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_drill"));
        command.args(["run", "quiet-night", "--seed", "7"]);
        command.cwd(folder.path());
        command.env("TERM", "xterm-256color");
        let child = pty.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let (mut reader, parser) = (pty.master.try_clone_reader().unwrap(), Arc::clone(&screen));
        thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                parser.lock().unwrap().process(&bytes[..count]);
            }
        });
        let keys = pty.master.take_writer().unwrap();
        Self {
            child,
            master: pty.master,
            keys,
            screen,
            _folder: folder,
        }
    }

    fn contents(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn wait_for(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let began = Instant::now();
        while !holds(self.screen.lock().unwrap().screen()) {
            assert!(
                began.elapsed() < PATIENCE,
                "{what} was never seen; the screen shows:\n{}",
                self.contents()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    fn exit_code(&mut self) -> u32 {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "the program does not end; the screen shows:\n{}",
                self.contents()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn restored(screen: &vt100::Screen) -> bool {
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
}

#[test]
fn the_page_arrives_views_open_a_resize_is_followed_and_quitting_asks_first() {
    let mut terminal = Terminal::start(80, 24);
    terminal.wait_for("the page", |screen| {
        screen.alternate_screen() && screen.contents().contains("PAGE")
    });
    terminal.press("2");
    terminal.wait_for("the logs", |screen| {
        screen.contents().to_lowercase().contains("logs")
    });
    terminal
        .master
        .resize(PtySize {
            rows: 12,
            cols: 40,
            pixel_width: 0,
            pixel_height: 0,
        })
        .unwrap();
    terminal
        .screen
        .lock()
        .unwrap()
        .screen_mut()
        .set_size(12, 40);
    terminal.press("1");
    terminal.wait_for("a small screen", |screen| {
        !screen.contents().trim().is_empty()
    });
    terminal.press("q");
    terminal.wait_for("the question", |screen| screen.contents().contains('?'));
    terminal.press("y");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.contents());
    terminal.wait_for("a restored terminal", restored);
    assert!(
        terminal.contents().contains("report"),
        "the farewell names the report:\n{}",
        terminal.contents()
    );
}

#[test]
fn a_signal_restores_the_terminal() {
    let mut terminal = Terminal::start(100, 30);
    terminal.wait_for("the screen", vt100::Screen::alternate_screen);
    let pid = terminal.child.process_id().unwrap().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(terminal.exit_code(), 130, "{}", terminal.contents());
    terminal.wait_for("a restored terminal", restored);
}
