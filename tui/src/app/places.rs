//! Places to go back to: a view with its query or the trace that stood open.

use super::App;
use crate::client::Asker;
use crate::client::traceql::is_trace_id;
use crate::time::Range;
use crate::views::{self, ViewId};

/// Places kept; the oldest falls out.
const KEPT: usize = 100;

/// A place.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    view: ViewId,
    query: String,
    trace: Option<String>,
    range: Range,
}

/// What the selected thing is about: where its links lead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// Service.
    pub service: Option<String>,
    /// Trace.
    pub trace: Option<String>,
    /// Drill time.
    pub at_ms: Option<i64>,
    /// PromQL that it came from.
    pub promql: Option<String>,
}

impl Place {
    /// The place in words: the view, with its query or the trace.
    #[must_use]
    pub fn label(&self) -> String {
        let trace = self.trace.as_ref().map(|id| format!("trace {id}"));
        let about = trace.unwrap_or_else(|| self.query.clone());
        let view = views::of(self.view).title();
        format!("{view} {about}").trim_end().to_owned()
    }
}

impl App {
    fn here(&mut self) -> Place {
        let view = self.view;
        let query = views::of(view)
            .query(self)
            .map(|q| q.ran.clone())
            .unwrap_or_default();
        let trace = if view == ViewId::Traces {
            self.views.traces.open.clone()
        } else {
            None
        };
        Place {
            view,
            query,
            trace,
            range: self.range,
        }
    }

    /// Keeps the present place for `[`.
    pub fn remember(&mut self) {
        let here = self.here();
        if self.back.last() != Some(&here) {
            self.back.push(here);
        }
        let over = self.back.len().saturating_sub(KEPT);
        self.back.drain(..over);
        self.forward.clear();
    }

    /// `[` and `]`: to the place before or after.
    pub fn step_place(&mut self, back: bool) {
        let here = self.here();
        let from = if back {
            &mut self.back
        } else {
            &mut self.forward
        };
        let Some(place) = from.pop() else {
            self.say(if back {
                "this is the first place"
            } else {
                "this is the last place"
            });
            return;
        };
        if back {
            &mut self.forward
        } else {
            &mut self.back
        }
        .push(here);
        self.last_view = self.view;
        self.view = place.view;
        self.range = place
            .range
            .at(self.range.now_ms, self.range.history_start_ms);
        if let Some(query) = views::of(place.view).query(self)
            && query.ran != place.query
        {
            query.set(&place.query);
            query.commit();
        }
        if place.view == ViewId::Traces && self.views.traces.open != place.trace {
            match place.trace {
                Some(id) => views::traces::state::open(self, &id, Asker::Screen),
                None => self.views.traces.open = None,
            }
        }
        self.arrived();
    }

    /// What a text names first: a service of the drill, a trace.
    #[must_use]
    pub fn named(&self, text: &str) -> Subject {
        let services = self.services();
        let apart = |c: char| !(c.is_alphanumeric() || c == '-' || c == '_');
        let words = || text.split(apart);
        Subject {
            service: words()
                .find(|word| services.iter().any(|s| s == word))
                .map(str::to_owned),
            trace: words().find(|word| is_trace_id(word)).map(str::to_owned),
            ..Subject::default()
        }
    }

    /// `gl`, `gt`, `gm`: to the logs, traces or metrics of what is selected.
    pub fn follow(&mut self, to: ViewId) {
        let subject = views::of(self.view).about(self);
        self.follow_subject(to, &subject);
    }

    /// To the logs, traces or metrics of a subject, in the minutes around a time; one step back leads here as it was.
    pub fn follow_at(&mut self, to: ViewId, subject: &Subject, at_ms: i64) {
        /// Half of the stretch, milliseconds.
        const AROUND_MS: i64 = 60_000;
        self.remember();
        let places = self.back.len();
        self.range.narrow(crate::time::Window {
            start_ms: at_ms.saturating_sub(AROUND_MS),
            end_ms: at_ms.saturating_add(AROUND_MS),
        });
        self.follow_subject(to, subject);
        self.back.truncate(places);
    }

    /// To the logs, traces or metrics of a subject.
    pub fn follow_subject(&mut self, to: ViewId, subject: &Subject) {
        match to {
            ViewId::Logs => views::logs::state::show(self, subject),
            ViewId::Traces => views::traces::state::show(self, subject),
            ViewId::Metrics => views::metrics::state::show(self, subject),
            other => self.open(other),
        }
    }
}
