//! What the change history holds: which entry is selected. The entries are the drill's, newest first here.

use api::Change;

use crate::app::App;
use crate::client::Asker;
use crate::time::clock;
use crate::views::ViewId;
use crate::widgets::cursor::Cursor;

/// State of the view.
#[derive(Default)]
pub struct State {
    /// Selected entry.
    pub at: Cursor,
    /// Whether the oldest comes first, or else the newest.
    pub oldest_first: bool,
}

/// The entries as they stand: newest first, or the other way round.
#[must_use]
pub fn shown(app: &App) -> Vec<&Change> {
    let all = app.known.changes.value.iter().flatten();
    match app.views.changes.oldest_first {
        true => all.collect(),
        false => all.rev().collect(),
    }
}

/// `i`: the other way round; what was selected stays selected.
pub fn invert(app: &mut App) {
    let (len, at) = (shown(app).len(), app.views.changes.at);
    app.views.changes.oldest_first = !app.views.changes.oldest_first;
    if len > 0 {
        app.views.changes.at = Cursor::put(len - 1 - at.of(len));
    }
}

/// The selected entry.
#[must_use]
pub fn selected(app: &App) -> Option<&Change> {
    let all = shown(app);
    let at = app.views.changes.at.of(all.len());
    all.into_iter().nth(at)
}

/// The history has arrived: the selected entry stays selected; at the top the newest is.
pub fn arrived(app: &mut App, mut changes: Vec<Change>) {
    let before = selected(app).map(|c| c.id.clone());
    changes.sort_by_key(|c| c.at_ms);
    app.known.changes.good(changes);
    let place = shown(app)
        .iter()
        .position(|c| Some(&c.id) == before.as_ref());
    let len = shown(app).len();
    if app.views.changes.at.picked() {
        app.views.changes.at.went_to(place, len);
    }
}

/// Opens the view on an entry.
pub fn show(app: &mut App, id: &str) {
    let place = shown(app).iter().position(|c| c.id == id);
    app.open(ViewId::Changes);
    if let Some(at) = place {
        app.views.changes.at = Cursor::put(at);
    }
}

/// Selects the entry nearest to a time.
pub fn nearest(app: &mut App, at_ms: i64) {
    let all = shown(app);
    let place = (0..all.len()).min_by_key(|i| (all[*i].at_ms - at_ms).abs());
    if let Some(at) = place {
        app.views.changes.at = Cursor::put(at);
    }
}

/// Looks at the minutes around the selected entry, in all views.
pub fn narrow(app: &mut App) {
    /// Half of the stretch, milliseconds.
    const AROUND_MS: i64 = 120_000;
    if let Some(at_ms) = selected(app).map(|c| c.at_ms) {
        app.remember();
        app.range.narrow(crate::time::Window {
            start_ms: at_ms - AROUND_MS,
            end_ms: at_ms + AROUND_MS,
        });
        app.refresh(Asker::Person);
        let to_come = match app.range.to_come_ms() / 1000 {
            0 => String::new(),
            s => format!(", {s} s of it to come"),
        };
        app.say(format!(
            "all views: 2 min before and after{to_come}; Space follows again"
        ));
    }
}

/// An entry as text.
#[must_use]
pub fn text_of(change: &Change) -> String {
    let service = change.service.as_deref().unwrap_or("-");
    format!(
        "{} {:?} {service} · {}\nby {}\n{}",
        clock(change.at_ms),
        change.kind,
        change.title,
        change.author,
        change.details
    )
}
