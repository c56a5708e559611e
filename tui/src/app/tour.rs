//! The tour of the first drill: six boxes, under a minute. Esc leaves it at any step, and so does every key that means
//! something behind it: a page does not wait. Deliberately opens no view, as that would be journalled as the trainee's.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::App;
use super::help::filled;
use super::overlay::Overlay;
use crate::text;
use crate::widgets::cut;
use crate::widgets::surface::Surface;

/// A step: title, and text. A name in braces is that of a row, and stands for its key.
const STEPS: [(&str, &str); 6] = [
    (
        "It is three in the morning",
        "A shop runs on this machine, and something in it is really broken or soon will be. You find out what, prove it, and repair it.\n\nThe top line says whether it is LIVE, the time, how long ago the page came, and how many alerts fire (▲).",
    ),
    (
        "Nine views",
        "1 to 9 open the views: {open-logs} Logs, {open-traces} Traces, {open-metrics} Metrics, {open-map} Map, {open-changes} Changes. Enter goes into what is selected, Esc back, {last view} to the view before. One time range rules them all: {range}.",
    ),
    (
        "From one to the next",
        "What is selected leads on: {its-logs} to its logs, {its-traces} to its traces, {its-metrics} to its metrics. {search} searches. {follow} stops the time on the screen and lets it go on.",
    ),
    (
        "Pin what you find",
        "{pin} pins the selected line, span, value or change as evidence. {open-case} Case keeps it, with what you suspect. A diagnosis without evidence is a guess, and scored as one.",
    ),
    (
        "Diagnose, repair, prove",
        "{diagnose} submits the diagnosis: which component, by which mechanism, set off by what. {open-act} Act repairs, and its stress test proves it. {open-debrief} Debrief ends the drill and tells what really happened.",
    ),
    (
        "You need not remember this",
        "The bottom line shows the keys of the moment. {help} says what a view is for and what to do first; {palette} finds every command by a few letters, this tour, too. You can click on everything, {mouse} gives the mouse back.",
    ),
];

/// Where one stands on the tour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tour {
    step: usize,
}

impl App {
    /// Begins the tour.
    pub fn tour(&mut self) {
        self.overlay = Some(Overlay::Tour(Tour::default()));
    }

    /// A key on the tour.
    pub(super) fn tour_key(&mut self, tour: Tour, key: KeyEvent) {
        let step = match key.code {
            KeyCode::Enter | KeyCode::Char(' ') | KeyCode::Right | KeyCode::Down => tour.step + 1,
            KeyCode::Left | KeyCode::Up | KeyCode::Backspace => tour.step.saturating_sub(1),
            KeyCode::Esc => return,
            _ => return self.key(key),
        };
        if step < STEPS.len() {
            self.overlay = Some(Overlay::Tour(Tour { step }));
        }
    }

    pub(super) fn draw_tour(&self, tour: Tour, surface: &mut Surface<'_>, area: Rect) {
        let Some((title, body)) = STEPS.get(tour.step) else {
            return;
        };
        let width = area.width.min(72);
        let lines = text::wrap(&filled(self, body), usize::from(width.saturating_sub(4)));
        let title = format!("{} of {} · {title}", tour.step + 1, STEPS.len());
        let foot = "Enter next  ← back  Esc leave";
        let height = cut::cells(lines.len()).saturating_add(2);
        let inner = surface.dialog(area, width, height, &title, foot);
        let style = surface.theme.text;
        let lines: Vec<Line<'_>> = lines.into_iter().map(|l| Line::styled(l, style)).collect();
        surface.lines(inner, &lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::screen::text_of;
    use crate::theme::ThemeName;
    use crate::views::ViewId;

    fn toured() -> App {
        let config = Config {
            tour: true,
            ..Config::new("http://127.0.0.1:9")
        };
        let mut app = App::new("http://127.0.0.1:9", ThemeName::None, false);
        app.opened_with(&config);
        app
    }

    #[test]
    fn enter_goes_through_all_steps_and_ends_it() {
        let mut app = toured();
        for (place, (title, _)) in STEPS.iter().enumerate() {
            let shown = text_of(&app);
            let wanted = format!("{} of 6 · {title}", place + 1);
            assert!(shown.contains(&wanted), "{wanted}:\n{shown}");
            assert!(
                !shown.contains(['{', '}']) && !shown.contains("the palette "),
                "{shown}"
            );
            app.key(KeyEvent::from(KeyCode::Enter));
        }
        assert!(app.overlay.is_none());
    }

    #[test]
    fn escape_leaves_it_at_each_step_and_another_key_does_what_it_does() {
        for steps in 0..STEPS.len() {
            for key in [KeyCode::Esc, KeyCode::Char('2')] {
                let mut app = toured();
                for _ in 0..steps {
                    app.key(KeyEvent::from(KeyCode::Right));
                }
                app.key(KeyEvent::from(key));
                assert!(app.overlay.is_none(), "{key:?} at {steps}");
                let view = match key {
                    KeyCode::Esc => ViewId::Overview,
                    _ => ViewId::Logs,
                };
                assert_eq!(app.view, view);
            }
        }
    }

    #[test]
    fn every_step_is_read_whole_on_a_small_terminal() {
        let mut app = toured();
        for _ in STEPS {
            let shown = text_of(&app);
            let ends = shown.lines().any(|line| line.contains("Esc leave"));
            assert!(ends, "{shown}");
            app.key(KeyEvent::from(KeyCode::Enter));
        }
    }
}
