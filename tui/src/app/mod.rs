//! The one state of the screen, owned by one task. Keys, clicks, ticks and answers change it; it draws itself
//! from what it holds and leaves what must be done outside (questions, copies, the bell) in its outbox. Pure: no clock, no I/O.

pub mod bindings;
pub mod dispatch;
pub mod frame;
pub mod help;
pub mod keymap;
pub mod keyname;
pub mod lost;
pub mod menu;
mod messages;
pub mod opening;
pub mod overlay;
pub mod palette;
pub mod places;
pub mod receive;
pub mod span;
pub mod tick;
pub mod tour;

use std::collections::HashMap;

use api::{
    Case, Change, Debrief, DrillView, LearningChoices, Phase, PinRequest, ProofView, Remedy,
    ViewOpened, Vocabulary,
};

use crate::ask::{Ask, Request, Slot};
use crate::client::Asker;
use crate::client::prometheus::MetricInfo;
use crate::clipboard::Copied;
use crate::theme::{Theme, ThemeName};
use crate::time::{Range, Window};
use crate::views::{self, ViewId};
use crate::widgets::query::QueryLine;
use crate::{Exit, Failure};
use overlay::Overlay;
use places::Place;

/// What a click does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Click {
    /// Opens a view.
    View(ViewId),
    /// Acts as this key.
    Key(&'static str),
    /// Selects a row of a pane; on the selected row it acts as Enter.
    Row {
        /// Pane.
        pane: usize,
        /// Row.
        index: usize,
    },
    /// Reads the values at a time of a chart whose columns show this window; a drag selects a span of it.
    Time(Window),
    /// Leaves a box.
    Outside,
    /// Nothing: the inside of a box.
    Nothing,
}

/// What must be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Put text on the clipboard.
    Copy(Copied),
    /// Write files beside the person's work.
    Export {
        /// What it is, as in `logs`.
        name: &'static str,
        /// Extension and content of each.
        files: Vec<(&'static str, String)>,
    },
    /// Ring the bell.
    Bell,
    /// Take or give back the mouse.
    Mouse(bool),
    /// Stop the program as `Ctrl-z` does.
    Suspend,
    /// Close the screen.
    Quit(Exit),
}

/// The last good result, and what went wrong since.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// Last good result.
    pub value: Option<T>,
    /// Why the newest attempt failed.
    pub failure: Option<Failure>,
}

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Self {
            value: None,
            failure: None,
        }
    }
}

impl<T> Loaded<T> {
    /// Takes a good result.
    pub fn good(&mut self, value: T) {
        *self = Self {
            value: Some(value),
            failure: None,
        };
    }
}

/// What the lab has told of the drill.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// State.
    pub drill: Loaded<DrillView>,
    /// Change history, oldest first.
    pub changes: Loaded<Vec<Change>>,
    /// Notebook.
    pub case: Loaded<Case>,
    /// Words of a diagnosis.
    pub vocabulary: Loaded<Vocabulary>,
    /// Actions on offer.
    pub remedies: Loaded<Vec<Remedy>>,
    /// Stress test.
    pub proof: Loaded<ProofView>,
    /// Debrief.
    pub debrief: Loaded<Debrief>,
    /// Statements and guardrails.
    pub learning: Loaded<LearningChoices>,
    /// Metric names.
    pub metrics: Vec<MetricInfo>,
    /// Label names.
    pub labels: Vec<String>,
}

/// A short message that goes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// What it says.
    pub text: String,
    /// Whether it reports a failure.
    pub bad: bool,
    /// When it goes, in milliseconds of the screen's own clock.
    pub until_ms: u64,
}

/// A question under way.
#[derive(Debug, Clone, Copy)]
pub struct Flight {
    /// Its number.
    pub number: u64,
    /// When it was asked, in milliseconds of the screen's own clock.
    pub since_ms: u64,
    /// Who asked.
    pub asker: Asker,
}

/// The state.
pub struct App {
    /// Styles.
    pub theme: Theme,
    /// The keys in force.
    pub bindings: bindings::Bindings,
    /// Colours to choose from.
    wardrobe: opening::Wardrobe,
    /// Read-only.
    pub observer: bool,
    /// Whether leaving ends the drill, as where both are one program.
    pub leaving_ends: bool,
    /// Whether it is spoken with in typed commands, not in keys.
    pub typed: bool,
    /// Which page of a long list the plain mode tells, from 0.
    pub told_page: usize,
    /// The lab's address, for whoever wants to ask it with other tools.
    pub lab: String,
    /// What the lab has told.
    pub known: Known,
    /// The time range that rules all views.
    pub range: Range,
    /// View on screen.
    pub view: ViewId,
    /// View before it.
    pub last_view: ViewId,
    /// Places to go back to.
    pub back: Vec<Place>,
    /// Places to go forward to.
    pub forward: Vec<Place>,
    /// State of the views.
    pub views: views::States,
    /// What lies over the view.
    pub overlay: Option<Overlay>,
    /// Forms that were left unfinished, by their title.
    pub drafts: HashMap<String, Overlay>,
    /// Further forms of a title that is among these already, or open.
    more_drafts: Vec<Overlay>,
    /// Forms that the lab has not answered yet.
    handed_in: Vec<lost::HandedIn>,
    /// Keys that were pressed.
    pub(crate) keys: u64,
    /// A span of time that is being selected on a chart.
    pub selecting: Option<span::Selecting>,
    /// Text searched for in views without a query.
    pub find: QueryLine,
    /// Message of the moment.
    pub toast: Option<Toast>,
    /// Messages that were said, oldest first.
    messages: Vec<messages::Said>,
    /// Why the lab is not reached.
    pub lost: Option<String>,
    /// Since when nobody listens there, on the screen's clock; none for a lab that is there and does not answer.
    absent_ms: Option<u64>,
    /// One pane alone.
    pub full: bool,
    /// Long lines are wrapped.
    pub wrap: bool,
    /// The mouse is taken.
    pub mouse: bool,
    /// First key of a pair, as in `gg`.
    pub prefix: Option<String>,
    /// Until when the header flashes.
    pub flash_until_ms: u64,
    /// The screen's own clock, milliseconds since it opened.
    pub mono_ms: u64,
    /// Columns and rows.
    pub size: (u16, u16),
    /// Questions to send.
    pub questions: Vec<Request>,
    /// What else must be done outside.
    pub effects: Vec<Effect>,
    /// Questions under way.
    pub flights: HashMap<Slot, Flight>,
    numbers: u64,
    ticking: bool,
    pub(crate) schedule: tick::Schedule,
}

impl App {
    /// A screen that knows nothing yet.
    #[must_use]
    pub fn new(lab: impl Into<String>, theme: ThemeName, observer: bool) -> Self {
        Self {
            theme: Theme::new(theme),
            bindings: bindings::Bindings::default(),
            wardrobe: opening::Wardrobe::default(),
            observer,
            leaving_ends: false,
            typed: false,
            told_page: 0,
            lab: lab.into(),
            known: Known::default(),
            range: Range::default(),
            view: ViewId::Overview,
            last_view: ViewId::Overview,
            back: Vec::new(),
            forward: Vec::new(),
            views: views::States::default(),
            overlay: None,
            drafts: HashMap::new(),
            more_drafts: Vec::new(),
            handed_in: Vec::new(),
            keys: 0,
            selecting: None,
            find: QueryLine::default(),
            toast: None,
            messages: Vec::new(),
            lost: None,
            absent_ms: None,
            full: false,
            wrap: false,
            mouse: true,
            prefix: None,
            flash_until_ms: 0,
            mono_ms: 0,
            size: (80, 24),
            questions: Vec::new(),
            effects: Vec::new(),
            flights: HashMap::new(),
            numbers: 0,
            ticking: false,
            schedule: tick::Schedule::default(),
        }
    }

    /// Asks the lab. A refresh that the clock started waits while an older question of its slot is under way.
    pub fn ask(&mut self, ask: Ask, asker: Asker) {
        let slot = ask.slot();
        views::act::state::asked(self, &ask);
        self.numbers += 1;
        let number = self.numbers;
        if let Some(slot) = slot {
            if self.ticking && self.flights.contains_key(&slot) {
                return;
            }
            self.questions.retain(|q| q.ask.slot() != Some(slot));
            self.flights.insert(
                slot,
                Flight {
                    number,
                    since_ms: self.mono_ms,
                    asker,
                },
            );
        }
        // what somebody sees who only watches is not the trainee's: it is not journalled
        let asker = if self.observer { Asker::Screen } else { asker };
        self.questions.push(Request { ask, asker, number });
    }

    /// How something is done here: by a key, or by a command of the plain mode.
    #[must_use]
    pub fn way(&self, keys: &'static str, command: &'static str) -> &'static str {
        if self.typed { command } else { keys }
    }

    /// Does something to the drill, unless this is an observer.
    pub fn tell(&mut self, ask: Ask) {
        if self.observer {
            self.say_bad("you are watching: an observer changes nothing");
        } else {
            self.ask(ask, Asker::Person);
        }
    }

    /// The drill, if the lab has told of it.
    #[must_use]
    pub fn drill(&self) -> Option<&DrillView> {
        self.known.drill.value.as_ref()
    }

    /// Where the drill stands.
    #[must_use]
    pub fn phase(&self) -> Phase {
        // a debrief is of a drill that has ended, whatever was heard last
        match self.known.debrief.value {
            Some(_) => Phase::Ended,
            None => self.drill().map_or(Phase::Preparing, |d| d.phase),
        }
    }

    /// Whether the drill can still be changed: it has not ended.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.phase() != Phase::Ended
    }

    /// Whether this seat may change it now: no observer, and the drill has not ended.
    #[must_use]
    pub fn may_act(&self) -> bool {
        !self.observer && self.goes_on()
    }

    /// When the page fired.
    #[must_use]
    pub fn page_ms(&self) -> Option<i64> {
        self.drill().and_then(|d| d.page_ms)
    }

    /// Names of the services, each once.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for service in self.drill().into_iter().flat_map(|d| &d.services) {
            if !names.contains(&service.name) {
                names.push(service.name.clone());
            }
        }
        names
    }

    /// Rows of the body, as far as the lists of the views page by.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.size.1.saturating_sub(8)).max(3)
    }

    /// Opens a view and tells the journal, with what it is about.
    pub fn open(&mut self, view: ViewId) {
        if view != self.view {
            self.remember();
            self.last_view = self.view;
            self.view = view;
            // what was said of the view before would hide the keys of this one; a failure stays for its while
            self.toast = self.toast.take().filter(|toast| toast.bad);
        }
        self.arrived();
    }

    pub(crate) fn arrived(&mut self) {
        let subject = views::of(self.view).about(self);
        let opened = ViewOpened {
            view: views::of(self.view).name().to_owned(),
            subject: subject.trace.or(subject.service),
        };
        if !self.observer {
            self.ask(Ask::Opened(opened), Asker::Person);
        }
        self.refresh(Asker::Screen);
    }

    /// Asks again for what the view shows.
    pub fn refresh(&mut self, asker: Asker) {
        views::of(self.view).refresh(self, asker);
    }

    /// Asks again as the clock does: nothing that is under way is cancelled.
    pub(crate) fn refresh_quietly(&mut self) {
        self.ticking = true;
        self.refresh(Asker::Screen);
        self.ticking = false;
    }

    pub(crate) fn ask_quietly(&mut self, ask: Ask) {
        self.ticking = true;
        self.ask(ask, Asker::Screen);
        self.ticking = false;
    }

    /// Pins what is selected.
    pub fn pin(&mut self) {
        match views::of(self.view).pin(self) {
            Some(target) => self.tell(Ask::Pin(PinRequest {
                target,
                note: views::of(self.view).pin_note(self),
            })),
            None => self.say_bad(
                "nothing here can be pinned: select a log line, a span, a value or a change",
            ),
        }
    }

    /// For how long a person's question of a slot has been under way, if past the time after which that is shown.
    #[must_use]
    pub fn waiting(&self, slot: Slot) -> Option<u64> {
        let flight = self.flights.get(&slot)?;
        let waited = self.mono_ms.saturating_sub(flight.since_ms);
        (waited > tick::SHOW_PROGRESS_MS).then_some(waited)
    }
}
