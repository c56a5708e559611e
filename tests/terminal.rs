//! The glass in a real terminal: a pseudo terminal in which the program starts, is resized, asked to
//! quit and killed, and which must be left as it was found.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod pty;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use pty::{PATIENCE, Terminal, restored};

/// A whole drill.
fn drill(columns: u16, rows: u16) -> Terminal {
    let drill = [
        env!("CARGO_BIN_EXE_drill"),
        "run",
        "quiet-night",
        "--seed",
        "7",
    ];
    Terminal::of(&drill, columns, rows)
}

/// A screen on a lab that is not there: all that the terminal has to do with.
fn screen() -> Terminal {
    let screen = [env!("CARGO_BIN_EXE_drill"), "join", "http://127.0.0.1:9"];
    let terminal = Terminal::of(&screen, 100, 30);
    terminal.wait_for("the screen", vt100::Screen::alternate_screen);
    terminal
}

/// Waits until something holds.
fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what} never came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn signal(name: &str, pid: &str) {
    let kill = std::process::Command::new("kill")
        .args([name, pid])
        .status();
    assert!(kill.unwrap().success(), "kill {name} {pid}");
}

#[test]
fn the_page_arrives_views_open_a_resize_is_followed_and_quitting_asks_first() {
    let mut terminal = drill(80, 24);
    terminal.wait_for("the page", |screen| {
        screen.alternate_screen() && screen.contents().contains("PAGE")
    });
    terminal.press("2");
    terminal.wait_for("the logs", |screen| {
        screen.contents().to_lowercase().contains("logs")
    });
    terminal.resize(40, 12);
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
fn a_window_that_is_dragged_shows_a_whole_screen_when_it_stands_still() {
    let mut terminal = drill(100, 30);
    terminal.wait_for("the page", |screen| {
        screen.alternate_screen() && screen.contents().contains("PAGE")
    });
    // over every size, and through all views
    for step in 0..120_u16 {
        terminal.tell_size(1 + step * 37 % 190, 1 + step * 13 % 60);
        if step % 4 == 0 {
            terminal.press(&(1 + step / 4 % 9).to_string());
        }
    }
    terminal.resize(100, 30);
    terminal.press("1");
    answers_keys(&mut terminal);
    terminal.wait_for("the whole overview", |screen| {
        let shown = screen.contents();
        shown.contains("1 Overview") && shown.contains("Services") && shown.contains("q quit")
    });
    terminal.press("q");
    terminal.wait_for("the question", |screen| {
        screen.contents().contains("Leave?")
    });
    terminal.press("y");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.contents());
    terminal.wait_for("a restored terminal", restored);
}

#[test]
fn a_signal_restores_the_terminal() {
    let mut terminal = drill(100, 30);
    terminal.wait_for("the screen", vt100::Screen::alternate_screen);
    signal("-TERM", &terminal.child.process_id().unwrap().to_string());
    assert_eq!(terminal.exit_code(), 130, "{}", terminal.contents());
    terminal.wait_for("a restored terminal", restored);
}

#[test]
fn every_signal_that_ends_restores_the_terminal() {
    for name in ["-QUIT", "-HUP", "-INT"] {
        let mut terminal = screen();
        signal(name, &terminal.child.process_id().unwrap().to_string());
        assert_eq!(terminal.exit_code(), 130, "{name}: {}", terminal.contents());
        terminal.wait_for("a restored terminal", restored);
    }
}

/// Whether keys come at once and unechoed: help opens on one key, and closes.
fn answers_keys(terminal: &mut Terminal) {
    terminal.wait_for("the screen", vt100::Screen::alternate_screen);
    terminal.press("?");
    terminal.wait_for("help", |screen| screen.contents().contains("Help"));
    terminal.press("\x1b");
    terminal.wait_for("the view", |screen| !screen.contents().contains("Help"));
}

/// Whether a shell has the terminal: lines are echoed and read.
fn shell_answers(terminal: &mut Terminal, word: &str) {
    terminal.wait_for(&format!("the shell before {word}"), |screen| {
        restored(screen) && screen.contents().trim_end().ends_with("ready>")
    });
    let (head, tail) = word.split_at(1);
    terminal.press(&format!("echo {head}''{tail}\r"));
    terminal.wait_for(word, |screen| screen.contents().contains(word));
}

#[test]
fn a_shell_puts_it_away_fetches_it_back_and_ends_it_behind() {
    let mut terminal = Terminal::of(&["sh", "-i"], 100, 30);
    let pid_file = terminal.folder.path().join("pid");
    shell_answers(&mut terminal, "begun");
    let drill = env!("CARGO_BIN_EXE_drill");
    terminal.press(&format!("{drill} join http://127.0.0.1:9\r"));
    answers_keys(&mut terminal);
    // by the key, in the view and in a box
    terminal.press("\x1a");
    shell_answers(&mut terminal, "first");
    terminal.press("jobs -p > pid; fg\r");
    terminal.wait_for("the screen", vt100::Screen::alternate_screen);
    terminal.press("?");
    terminal.wait_for("help", |screen| screen.contents().contains("Help"));
    terminal.press("\x1a");
    shell_answers(&mut terminal, "second");
    terminal.press("fg\r");
    terminal.wait_for("help again", |screen| screen.contents().contains("Help"));
    terminal.press("\x1b");
    answers_keys(&mut terminal);
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let pid = pid.trim();
    // from outside: asked to stop, and stopped without being asked
    signal("-TSTP", pid);
    shell_answers(&mut terminal, "third");
    terminal.press("fg\r");
    answers_keys(&mut terminal);
    // behind it goes on without the terminal, and comes back without a signal
    terminal.press("\x1a");
    shell_answers(&mut terminal, "fourth");
    terminal.press("bg\r");
    shell_answers(&mut terminal, "fifth");
    terminal.press("fg\r");
    answers_keys(&mut terminal);
    // and behind it ends when it is told to
    terminal.press("\x1a");
    shell_answers(&mut terminal, "sixth");
    terminal.press("bg\r");
    shell_answers(&mut terminal, "seventh");
    signal("-TERM", pid);
    terminal.press("wait %1; echo co''de $?\r");
    terminal.wait_for("its end", |screen| screen.contents().contains("code 130"));
    terminal.wait_for("a restored terminal", restored);
}

#[test]
#[cfg(target_os = "linux")]
fn a_drill_whose_terminal_is_closed_is_ended_and_scored() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_drill");
    // its terminal is that of `script`, and goes with it
    let words = format!("'{program}' run quiet-night --seed 7 --no-tour");
    let mut script = Command::new("script")
        .args(["--quiet", "--flush", "--command", &words, "typescript"])
        .current_dir(folder.path())
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let typescript = folder.path().join("typescript");
    until("the screen", || {
        std::fs::read(&typescript)
            .is_ok_and(|seen| String::from_utf8_lossy(&seen).contains("\u{1b}[?1049h"))
    });
    script.kill().unwrap();
    script.wait().unwrap();
    until("the end of the drill", || {
        let mut list = Command::new(program);
        list.args(["list", "--json"]).current_dir(folder.path());
        let said = list.output().unwrap();
        let drills: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        let state = drills[0]["state"].as_str().unwrap_or_default().to_owned();
        assert_ne!(state, "killed", "{drills}");
        state == "finished"
    });
}

/// Set where this very test is run once more, in a terminal, to draw and panic.
const PANICS: &str = "DRILL_TEST_PANICS";

#[test]
fn a_panic_while_drawing_leaves_a_terminal_that_a_shell_can_use() {
    if std::env::var_os(PANICS).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(tui::terminal::drawing(async {
            let _taken = tui::terminal::Taken::new(true).unwrap();
            panic!("the drawing broke");
        }));
    }
    let mut terminal = Terminal::of(&["sh", "-i"], 100, 30);
    shell_answers(&mut terminal, "begun");
    let this = std::env::current_exe().unwrap();
    let name = "a_panic_while_drawing_leaves_a_terminal_that_a_shell_can_use";
    let this = this.display();
    terminal.press(&format!(
        "RUST_BACKTRACE=0 {PANICS}=1 '{this}' --exact {name} --nocapture\r"
    ));
    // it is told where it can be read, and not on the screen that goes
    terminal.wait_for("the panic", |screen| {
        restored(screen) && screen.contents().contains("the drawing broke")
    });
    terminal.wait_for("the shell", |screen| {
        screen.contents().trim_end().ends_with("ready>")
    });
    terminal
        .press("clear; stty -a | tr ' ;' '\\n\\n' | grep -cxE 'icanon|echo|isig|icrnl|opost'\r");
    terminal.wait_for("a terminal in lines, with echo", |screen| {
        screen.contents().lines().any(|line| line.trim() == "5")
    });
    shell_answers(&mut terminal, "ended");
}

#[test]
fn a_lab_that_is_killed_is_told_and_the_screen_is_left_as_ever() {
    let folder = tempfile::tempdir().unwrap();
    let mut lab = Command::new(env!("CARGO_BIN_EXE_drill"))
        .args(["run", "quiet-night", "--headless", "--json", "--seed", "7"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(lab.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    let api = first.split("\"api\":\"").nth(1).unwrap();
    let api = api.split('"').next().unwrap().to_owned();
    let join = [env!("CARGO_BIN_EXE_drill"), "join", &api];
    let mut terminal = Terminal::of(&join, 100, 30);
    terminal.wait_for("the lab", |screen| screen.contents().contains("storefront"));
    signal("-KILL", &lab.id().to_string());
    lab.wait().unwrap();
    terminal.wait_for("the banner", |screen| {
        screen.contents().contains("not reachable")
    });
    answers_keys(&mut terminal);
    terminal.press("qy");
    assert_eq!(terminal.exit_code(), 0, "{}", terminal.contents());
    terminal.wait_for("a restored terminal", restored);
}
