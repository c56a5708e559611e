//! The terminal itself: taken over for a screen, and given back on any way out. Knows no drill.
//!
//! It is touched only while this process stands in front: another program may have it meanwhile, and the system stops
//! whoever changes it from behind.

use std::io::{self, Stdout, Write};
use std::mem::ManuallyDrop;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

/// Whether the terminal is taken, so that it is given back exactly once.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();
/// What panics elsewhere in the process said while the screen was drawn: shown when the terminal is given back.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Panics whose words are kept; a task that panics again and again says the same.
const KEPT: usize = 16;

tokio::task_local! {
    /// Set while the task that draws is run.
    static DRAWS: ();
}

/// Runs the task that draws. A panic in it gives the terminal back at once; one of another task of the same process does
/// not, as the screen goes on: what it said is kept, see [`new_panic`].
pub async fn drawing<F: Future>(task: F) -> F::Output {
    DRAWS.scope((), task).await
}

/// A terminal that is taken; dropping it gives it back.
pub struct Taken {
    /// What is drawn on. It is never dropped: its own drop shows the cursor, which [`give_back`] does, and panics on a terminal
    /// that is gone.
    pub terminal: ManuallyDrop<Terminal<CrosstermBackend<Stdout>>>,
}

impl Taken {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it refuses raw mode or is no terminal; it is then as it was.
    pub fn new(mouse: bool) -> io::Result<Self> {
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| panicked(info, &before)));
        });
        take(mouse).inspect_err(|_| give_back())?;
        let terminal =
            Terminal::new(CrosstermBackend::new(io::stdout())).inspect_err(|_| give_back())?;
        Ok(Self {
            terminal: ManuallyDrop::new(terminal),
        })
    }

    /// Takes it again after it was given back for a while.
    ///
    /// # Errors
    /// As [`Taken::new`].
    pub fn again(&mut self, mouse: bool) -> io::Result<()> {
        take(mouse)?;
        // a new one draws every cell; clearing the old one would ask the terminal where its cursor stands, and wait
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal = ManuallyDrop::new(Terminal::new(CrosstermBackend::new(io::stdout()))?);
        Ok(())
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
        show_panics();
    }
}

fn panicked(info: &PanicHookInfo<'_>, before: &(dyn Fn(&PanicHookInfo<'_>) + Send + Sync)) {
    let draws = DRAWS.try_with(|()| ()).is_ok();
    if draws || !TAKEN.load(Ordering::SeqCst) {
        give_back();
        return before(info);
    }
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.len() < KEPT {
        said.push(info.to_string());
    }
}

/// What the newest panic elsewhere in the process said, if there are more than `known` by now; and how many there are.
pub fn new_panic(known: &mut usize) -> Option<String> {
    let said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let newest = said.last().filter(|_| said.len() > *known).cloned();
    *known = said.len();
    newest
}

/// Whether no other program stands in front of this one on its terminal. A terminal that knows no jobs, or is gone, has
/// nobody in front.
pub fn in_front() -> bool {
    !tcgetpgrp(io::stdin()).is_ok_and(|front| front != getpgrp())
}

fn take(mouse: bool) -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
    set_mouse(mouse)
}

/// Takes or gives back the mouse.
///
/// # Errors
/// When the terminal cannot be written.
pub fn set_mouse(on: bool) -> io::Result<()> {
    if on {
        execute!(io::stdout(), EnableMouseCapture)
    } else {
        execute!(io::stdout(), DisableMouseCapture)
    }
}

/// Gives the terminal back, if it is taken. From behind it is let be: whoever stands in front has it in a state of its own,
/// and the system would stop this process for good. On a terminal that is gone there is nothing left to restore, so
/// failures are let be.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    if in_front() {
        let _ = execute!(
            io::stdout(),
            DisableMouseCapture,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
    }
}

/// Shows on standard error what panics elsewhere said while the screen was drawn.
fn show_panics() {
    for said in std::mem::take(&mut *SAID.lock().unwrap_or_else(PoisonError::into_inner)) {
        // who closed the terminal closed standard error with it
        let _ = writeln!(io::stderr(), "{said}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_belongs_to_the_screen_only_within_the_task_that_draws() {
        let draws = || DRAWS.try_with(|()| ()).is_ok();
        assert!(!draws());
        let (own, beside) = drawing(async {
            let beside = tokio::spawn(async move { DRAWS.try_with(|()| ()).is_ok() });
            (draws(), beside.await)
        })
        .await;
        assert!(own, "the task that draws is not known as such");
        assert!(
            !beside.unwrap(),
            "another task counts as the one that draws"
        );
    }
}
