//! The views. Each has a folder with the same files: `state` (what it holds and how answers change it), `draw`
//! (what it looks like), `keys` (its rows of the key map). Adding one means a folder, a [`ViewId`], a field of
//! [`States`] and a line of [`ALL`]; tabs, number keys, help, palette and the journal follow.

pub mod act;
pub mod case;
pub mod changes;
pub mod debrief;
pub mod logs;
pub mod map;
pub mod marks;
pub mod metrics;
pub mod overview;
pub mod traces;

use api::PinTarget;
use ratatui::layout::Rect;

use crate::app::App;
use crate::app::keymap::Row;
use crate::app::places::Subject;
use crate::client::Asker;
use crate::widgets::complete::Offer;
use crate::widgets::cursor::{Cursor, Motion};
use crate::widgets::query::QueryLine;
use crate::widgets::surface::Surface;

/// Which view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ViewId {
    /// The page, alerts, golden signals.
    Overview,
    /// Log lines.
    Logs,
    /// Traces.
    Traces,
    /// Charts.
    Metrics,
    /// Service graph.
    Map,
    /// Change history.
    Changes,
    /// Notebook.
    Case,
    /// Remedies and proof.
    Act,
    /// Score and truth.
    Debrief,
}

/// All views, in the order of their number keys.
pub static ALL: [&dyn View; 9] = [
    &overview::Overview,
    &logs::Logs,
    &traces::Traces,
    &metrics::Metrics,
    &map::Map,
    &changes::Changes,
    &case::CaseView,
    &act::Act,
    &debrief::DebriefView,
];

/// What the views hold.
#[derive(Default)]
pub struct States {
    /// Overview.
    pub overview: overview::state::State,
    /// Logs.
    pub logs: logs::state::State,
    /// Traces.
    pub traces: traces::state::State,
    /// Metrics.
    pub metrics: metrics::state::State,
    /// Map.
    pub map: map::state::State,
    /// Changes.
    pub changes: changes::state::State,
    /// Case.
    pub case: case::state::State,
    /// Act.
    pub act: act::state::State,
    /// Debrief.
    pub debrief: debrief::state::State,
}

/// The view of an id.
#[must_use]
pub fn of(id: ViewId) -> &'static dyn View {
    ALL[id as usize]
}

/// What a view must and may do.
pub trait View: Sync {
    /// Its id.
    fn id(&self) -> ViewId;
    /// Its name in commands and in the journal.
    fn name(&self) -> &'static str;
    /// Its title.
    fn title(&self) -> &'static str;
    /// Its own keys.
    fn keys(&self) -> &'static [Row];
    /// Draws it.
    fn draw(&self, app: &App, surface: &mut Surface<'_>, area: Rect);
    /// Asks for what it shows.
    fn refresh(&self, app: &mut App, asker: Asker);
    /// The cursor of its list, where it has one list.
    fn cursor<'a>(&self, _app: &'a mut App) -> Option<&'a mut Cursor> {
        None
    }
    /// Moves.
    fn motion(&self, app: &mut App, motion: Motion) {
        let (len, page) = (self.rows(app).0.len(), app.page());
        if let Some(cursor) = self.cursor(app) {
            cursor.go(motion, len, page);
        }
    }
    /// Goes to the next or previous pane.
    fn tab(&self, _app: &mut App, _forward: bool) {}
    /// The pane and row that are selected.
    fn selected(&self, app: &App) -> (usize, usize) {
        (0, self.rows(app).1)
    }
    /// Selects a row of a pane.
    fn select(&self, app: &mut App, _pane: usize, index: usize) {
        if let Some(cursor) = self.cursor(app) {
            *cursor = Cursor::put(index);
        }
    }
    /// Drills in.
    fn enter(&self, _app: &mut App) {}
    /// Goes back within the view; false when there is nothing to go back from.
    fn back(&self, _app: &mut App) -> bool {
        false
    }
    /// Whether its list stands still although time goes on, so that the selected record stays in it.
    fn holds(&self, _app: &App) -> bool {
        false
    }
    /// Lets go of the selected record, so that the newest is followed again.
    fn release(&self, _app: &mut App) {}
    /// Its query line.
    fn query<'a>(&self, _app: &'a mut App) -> Option<&'a mut QueryLine> {
        None
    }
    /// Whether its query line, or the search, is being typed into.
    fn typing(&self, app: &App) -> bool {
        app.find.editing
    }
    /// Runs what was typed.
    fn run(&self, app: &mut App) {
        app.run_query();
    }
    /// Words that `Tab` completes.
    fn completions(&self, _app: &App) -> Vec<String> {
        Vec::new()
    }
    /// What can stand at the cursor of its query: of its words those that the word there begins.
    fn offer(&self, app: &mut App) -> Offer {
        let word = self.query(app).map(|line| line.word()).unwrap_or_default();
        Offer::words(word, self.completions(app))
    }
    /// Whether the list of what can stand at the cursor is open.
    fn choosing(&self, _app: &App) -> bool {
        false
    }
    /// Texts of its rows, and which is selected, for searching.
    fn rows(&self, _app: &App) -> (Vec<String>, usize) {
        (Vec::new(), 0)
    }
    /// Where its chart reads values, milliseconds; none where it has no chart.
    fn reads_at(&self, _app: &App) -> Option<i64> {
        None
    }
    /// Reads the values of its chart at a time.
    fn read_at(&self, _app: &mut App, _at_ms: i64) {}
    /// What `m` pins.
    fn pin(&self, _app: &App) -> Option<PinTarget> {
        None
    }
    /// What is noted with that pin: what the lab's text of it leaves out.
    fn pin_note(&self, _app: &App) -> String {
        String::new()
    }
    /// The selected message, or the whole record.
    fn record(&self, _app: &App, _whole: bool) -> Option<String> {
        None
    }
    /// What the selected thing is about.
    fn about(&self, _app: &App) -> Subject {
        Subject::default()
    }
    /// What `Ctrl-s` writes: extension and content; none writes the screen's text.
    fn export(&self, _app: &App) -> Option<(&'static str, String)> {
        None
    }
    /// What `Ctrl-s` writes beside it for people to read.
    fn readable(&self, _app: &App) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_view_is_found_by_its_id() {
        for (index, view) in ALL.iter().enumerate() {
            assert_eq!(view.id() as usize, index, "{}", view.name());
            assert_eq!(of(view.id()).name(), view.name());
        }
    }
}
