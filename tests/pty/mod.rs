//! A pseudo terminal with a program in it, and its screen as a terminal would show it.

#![allow(dead_code, reason = "each test uses its own part of it")]

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// See `tests/drill.rs`.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A terminal with a program in it.
pub struct Terminal {
    /// The program.
    pub child: Box<dyn Child + Send + Sync>,
    /// The terminal's own end.
    pub master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    /// What it shows.
    pub screen: Arc<Mutex<vt100::Parser>>,
    /// The folder that the program runs in.
    pub folder: tempfile::TempDir,
}

impl Terminal {
    /// Starts a program, named with its arguments.
    pub fn of(words: &[&str], columns: u16, rows: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pty = native_pty_system()
            .openpty(PtySize {
                rows,
                cols: columns,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let mut command = CommandBuilder::from_argv(words.iter().map(Into::into).collect());
        command.cwd(folder.path());
        command.env("TERM", "xterm-256color");
        command.env("PS1", "ready> ");
        // no tour for whoever opens it for the first time
        command.env("CI", "true");
        // what a person chose for the screens is not what is tested
        for own in ["DRILL_THEME", "DRILL_KEYS", "NO_COLOR"] {
            command.env_remove(own);
        }
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
            folder,
        }
    }

    /// The text on the screen.
    pub fn contents(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is as wanted.
    pub fn wait_for(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
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

    /// Makes it another size, of which the program is told; what was shown before stays until it is drawn over.
    pub fn resize(&self, columns: u16, rows: u16) {
        // first, as the program draws all of it as soon as it is told
        let mut parser = self.screen.lock().unwrap();
        parser.screen_mut().set_size(rows, columns);
        drop(parser);
        self.tell_size(columns, rows);
    }

    /// Tells the program of another size alone, as while a window is being dragged.
    pub fn tell_size(&self, columns: u16, rows: u16) {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master.resize(size).unwrap();
    }

    /// Types.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end of the program.
    pub fn exit_code(&mut self) -> u32 {
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

/// Whether the terminal is as a shell expects it.
pub fn restored(screen: &vt100::Screen) -> bool {
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
}
