//! Which key does what: key, description and handler stand in one row, and footer, help and palette derive from it.
//! The rows of every view are here; a view's own stand in its folder.

use super::overlay::{Confirm, Overlay};
use super::{App, Effect};
use crate::client::Asker;
use crate::clipboard::Copied;
use crate::views::{self, ViewId};
use crate::widgets::cursor::Motion;

/// An action with its keys.
pub struct Row {
    /// What a key file calls it, where that is not its name. Whatever it is called must stay: files hold it.
    pub id: &'static str,
    /// Keys, by the names that [`super::keyname`] gives; two letters are typed one after the other.
    pub keys: &'static [&'static str],
    /// One word for the footer.
    pub name: &'static str,
    /// What it does, for help and palette.
    pub about: &'static str,
    /// Whether the footer shows it.
    pub foot: bool,
    /// When the footer shows it: a key that would do nothing now is left out.
    pub now: fn(&App) -> bool,
    /// What it does.
    pub run: fn(&mut App),
}

impl Row {
    /// The row, shown in the footer only while this holds.
    #[must_use]
    pub const fn when(self, now: fn(&App) -> bool) -> Self {
        Self { now, ..self }
    }

    /// The row, called so in key files.
    #[must_use]
    pub const fn id(self, id: &'static str) -> Self {
        Self { id, ..self }
    }
}

/// A row that only help and palette show.
pub const fn row(
    keys: &'static [&'static str],
    name: &'static str,
    about: &'static str,
    run: fn(&mut App),
) -> Row {
    Row {
        id: "",
        keys,
        name,
        about,
        foot: false,
        now: |_| true,
        run,
    }
}

/// A row that the footer shows.
pub const fn foot(
    keys: &'static [&'static str],
    name: &'static str,
    about: &'static str,
    run: fn(&mut App),
) -> Row {
    Row {
        foot: true,
        ..row(keys, name, about, run)
    }
}

/// Rows that hold in every view.
pub const EVERYWHERE: &[Row] = &[
    foot(
        &["?", "F1"],
        "help",
        "help for this view, searchable by action and by key",
        super::help::open,
    ),
    foot(
        &[":", "Ctrl-k"],
        "palette",
        "every command with its key, services, places, ready queries",
        |app| app.overlay = Some(Overlay::Menu(super::palette::menu(app))),
    ),
    row(
        &["A"],
        "acknowledge",
        "acknowledge the page",
        views::overview::state::acknowledge,
    ),
    row(
        &["1", "0"],
        "overview",
        "open Overview: the page, alerts, golden signals",
        |app| app.open(ViewId::Overview),
    )
    .id("open-overview"),
    row(&["2"], "logs", "open Logs", |app| app.open(ViewId::Logs)).id("open-logs"),
    row(&["3"], "traces", "open Traces", |app| {
        app.open(ViewId::Traces)
    })
    .id("open-traces"),
    row(&["4"], "metrics", "open Metrics", |app| {
        app.open(ViewId::Metrics)
    })
    .id("open-metrics"),
    row(&["5"], "map", "open Map: the service graph", |app| {
        app.open(ViewId::Map)
    })
    .id("open-map"),
    row(
        &["6"],
        "changes",
        "open Changes: deploys, configuration, flags, jobs",
        |app| app.open(ViewId::Changes),
    )
    .id("open-changes"),
    row(
        &["7"],
        "case",
        "open Case: evidence, hypotheses, diagnosis, hints",
        |app| app.open(ViewId::Case),
    )
    .id("open-case"),
    row(
        &["8", "a"],
        "act",
        "open Act: remedies and the stress test",
        |app| app.open(ViewId::Act),
    )
    .id("open-act"),
    row(
        &["9"],
        "debrief",
        "open Debrief: finish the drill, score, what really happened",
        |app| app.open(ViewId::Debrief),
    )
    .id("open-debrief"),
    row(&["Tab"], "pane", "next pane", |app| {
        views::of(app.view).tab(app, true)
    })
    .id("next-pane"),
    row(&["Shift-Tab"], "pane", "previous pane", |app| {
        views::of(app.view).tab(app, false)
    })
    .id("previous-pane"),
    row(&["-"], "last view", "the view before this one", |app| {
        app.open(app.last_view)
    }),
    row(&["["], "back", "back in the history of places", |app| {
        app.step_place(true)
    }),
    row(
        &["]"],
        "forward",
        "forward in the history of places",
        |app| app.step_place(false),
    ),
    row(&["k", "Up"], "up", "one up", |app| app.motion(Motion::Up)),
    row(&["j", "Down"], "down", "one down", |app| {
        app.motion(Motion::Down)
    }),
    row(&["h", "Left"], "left", "left, fold", |app| {
        app.motion(Motion::Left)
    }),
    row(&["l", "Right"], "right", "right, unfold", |app| {
        app.motion(Motion::Right)
    }),
    row(&["gg", "Home"], "top", "to the first", |app| {
        app.motion(Motion::Top)
    }),
    row(&["G", "End"], "bottom", "to the last", |app| {
        app.motion(Motion::Bottom)
    }),
    row(&["Ctrl-u"], "half up", "half a page up", |app| {
        app.motion(Motion::HalfUp)
    }),
    row(&["Ctrl-d"], "half down", "half a page down", |app| {
        app.motion(Motion::HalfDown)
    }),
    row(&["PgUp", "Ctrl-b"], "page up", "a page up", |app| {
        app.motion(Motion::PageUp)
    }),
    row(&["PgDn", "Ctrl-f"], "page down", "a page down", |app| {
        app.motion(Motion::PageDown)
    }),
    row(
        &["Enter"],
        "drill in",
        "drill into what is selected",
        |app| views::of(app.view).enter(app),
    ),
    row(&["Esc"], "back", "back; never quits", App::escape_key).id("esc"),
    row(&["/"], "search", "search or query here", App::start_finding),
    row(
        &["Ctrl-r"],
        "queries",
        "queries of before",
        App::pick_history,
    ),
    row(&["n"], "next match", "next match of the search", |app| {
        app.next_match(true)
    }),
    row(
        &["N"],
        "previous match",
        "previous match of the search",
        |app| app.next_match(false),
    ),
    foot(
        &["Space"],
        "follow",
        "pause live data, and follow again",
        App::pause,
    )
    .when(|app| !app.range.follows() || views::of(app.view).holds(app)),
    row(&["t"], "range", "time range: 1m, 5m, 15m, all", |app| {
        app.ranged(crate::time::Range::cycle)
    }),
    row(&["z"], "zoom in", "half the time range", |app| {
        app.ranged(|r| r.zoom(true))
    }),
    row(&["Z"], "zoom out", "twice the time range", |app| {
        app.ranged(|r| r.zoom(false))
    }),
    row(&["H"], "earlier", "shift the time range back", |app| {
        app.ranged(|r| r.shift(false))
    }),
    row(&["L"], "later", "shift the time range forward", |app| {
        app.ranged(|r| r.shift(true))
    }),
    row(
        &["V"],
        "span",
        "select a span of time on a chart: from here to where you move; Enter looks at it in all views",
        App::begin_span,
    ),
    row(
        &["gl"],
        "logs",
        "logs of the selected service or trace",
        App::its_logs,
    )
    .id("its-logs"),
    row(
        &["gt"],
        "traces",
        "traces of the selected service, or the selected trace",
        App::its_traces,
    )
    .id("its-traces"),
    row(
        &["gm"],
        "metrics",
        "metrics of the selected service",
        App::its_metrics,
    )
    .id("its-metrics"),
    row(
        &["gy"],
        "copy API URL",
        "copy API URL, for Grafana, promtool, curl or drill join",
        App::copy_address,
    )
    .id("copy-api-url"),
    row(&["p"], "pretty", "the selected record in full", App::pretty),
    row(&["Ctrl-w"], "wrap", "wrap long lines", |app| {
        app.wrap = !app.wrap
    }),
    row(&["f"], "full", "one pane alone", |app| app.full = !app.full),
    row(&["m"], "pin", "pin what is selected as evidence", App::pin),
    row(&["y"], "copy", "copy the message", |app| {
        app.copy_selected(false)
    }),
    row(&["Y"], "copy record", "copy the whole record", |app| {
        app.copy_selected(true)
    }),
    row(
        &["S"],
        "diagnose",
        "submit a diagnosis",
        views::case::forms::open_diagnosis,
    ),
    row(
        &["F3"],
        "colours",
        "the next colours: terminal, dark, light, contrast, none",
        App::next_theme,
    ),
    row(
        &[],
        "tour",
        "the tour: what this is and how it is used",
        App::tour,
    ),
    row(
        &["F2"],
        "mouse",
        "mouse on or off; off lets the terminal select text",
        App::toggle_mouse,
    ),
    row(
        &["F4"],
        "messages",
        "what was said in the bottom line lately, in full",
        App::read_messages,
    ),
    row(&["F5"], "refresh", "ask again now", |app| {
        app.refresh(Asker::Person)
    }),
    row(
        &["Ctrl-s"],
        "export",
        "write what is shown into a file",
        App::export,
    ),
    row(&["Ctrl-z"], "suspend", "suspend; `fg` comes back", |app| {
        app.effects.push(Effect::Suspend)
    }),
    foot(
        &["q", "Ctrl-c"],
        "quit",
        "back, or quit: asks while a drill runs",
        |app| app.quit(),
    ),
];

impl App {
    /// Moves in the view.
    pub fn motion(&mut self, motion: Motion) {
        views::of(self.view).motion(self, motion);
    }

    /// `gl`: the logs of what is selected.
    pub fn its_logs(&mut self) {
        self.follow(ViewId::Logs);
    }

    /// `gt`: its traces.
    pub fn its_traces(&mut self) {
        self.follow(ViewId::Traces);
    }

    /// `gm`: its metrics.
    pub fn its_metrics(&mut self) {
        self.follow(ViewId::Metrics);
    }

    fn copy_address(&mut self) {
        let address = self.lab.clone();
        self.copy(&address);
    }

    /// `t`: the next span of time.
    pub fn cycle_range(&mut self) {
        self.ranged(crate::time::Range::cycle);
    }

    fn ranged(&mut self, change: impl Fn(&mut crate::time::Range)) {
        change(&mut self.range);
        self.refresh(Asker::Person);
    }

    fn pause(&mut self) {
        let view = views::of(self.view);
        // a list that stands still while time goes on is let go first; otherwise time is stopped, or goes on
        if !(self.range.follows() && view.holds(self)) {
            self.range.toggle_follow();
        }
        if self.range.follows() {
            view.release(self);
            self.refresh(Asker::Screen);
        }
    }

    fn toggle_mouse(&mut self) {
        self.mouse = !self.mouse;
        self.effects.push(Effect::Mouse(self.mouse));
        self.say(if self.mouse {
            "mouse on"
        } else {
            "mouse off: the terminal selects text"
        });
    }

    /// Copies the selected message, or the whole record.
    pub fn copy_selected(&mut self, whole: bool) {
        match views::of(self.view).record(self, whole) {
            Some(record) => self.copy(&record),
            None => self.say_bad("nothing is selected that could be copied"),
        }
    }

    fn copy(&mut self, foreign: &str) {
        // said when it is done
        self.effects.push(Effect::Copy(Copied::of(foreign)));
    }

    fn pretty(&mut self) {
        match views::of(self.view).record(self, true) {
            Some(record) => {
                let pretty = serde_json::from_str::<serde_json::Value>(&record)
                    .ok()
                    .and_then(|v| serde_json::to_string_pretty(&v).ok())
                    .unwrap_or(record);
                self.overlay = Some(Overlay::reader("The record", pretty));
            }
            None => self.say_bad("nothing is selected"),
        }
    }

    /// Writes what is shown into a file.
    pub fn export(&mut self) {
        let view = views::of(self.view);
        let data = view.export(self);
        let data = data.unwrap_or_else(|| ("txt", crate::screen::text_of(self)));
        let readable = view.readable(self).map(|content| ("txt", content));
        let name = view.name();
        let files = readable.into_iter().chain([data]).collect();
        self.effects.push(Effect::Export { name, files });
    }

    fn quit(&mut self) {
        if views::of(self.view).back(self) {
            return;
        }
        if self.known.drill.value.is_some() && self.phase() != api::Phase::Ended && !self.observer {
            self.overlay = Some(Overlay::Confirm(Confirm::quit(self)));
        } else {
            self.effects.push(Effect::Quit(self.how_left()));
        }
    }

    /// How the screen was left.
    #[must_use]
    pub fn how_left(&self) -> crate::Exit {
        if self.phase() == api::Phase::Ended && self.known.drill.value.is_some() {
            crate::Exit::Finished
        } else {
            crate::Exit::Left
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_table() {
        for table in views::ALL.iter().map(|v| v.keys()).chain([EVERYWHERE]) {
            let mut seen: HashMap<&str, &str> = HashMap::new();
            for row in table {
                for key in row.keys {
                    assert_eq!(seen.insert(key, row.about), None, "{key} is bound twice");
                }
            }
        }
    }
}
