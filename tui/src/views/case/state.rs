//! What the notebook holds on the screen: which entry is selected. The entries are the drill's.

use api::{Case, Hint, HypothesisState, PinTarget, Verdict};

use super::steps::{self, STEPS};
use super::{forms, pins};
use crate::app::App;
use crate::app::overlay::{Confirm, Overlay};
use crate::app::places::Subject;
use crate::ask::{Ask, right_diagnosis};
use crate::client::Asker;
use crate::text;
use crate::time::clock;
use crate::views::{ViewId, changes, metrics, traces};
use crate::widgets::cursor::Cursor;

/// State of the view.
#[derive(Default)]
pub struct State {
    /// Selected entry.
    pub at: Cursor,
    /// The hypothesis to select once it is in the notebook.
    pub wanted: Option<u32>,
    /// Whether the five whys were handed in from this screen.
    pub learned: bool,
}

/// An entry, by its place in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// Evidence.
    Pin(usize),
    /// A hypothesis.
    Hypothesis(usize),
    /// A diagnosis.
    Diagnosis(usize),
    /// A hint.
    Hint(usize),
    /// A note.
    Note(usize),
    /// A step of the checklist.
    Step(usize),
}

/// All entries, in the order in which they stand.
#[must_use]
pub fn items(app: &App) -> Vec<Item> {
    let Some(case) = &app.known.case.value else {
        return Vec::new();
    };
    let mut out: Vec<Item> = (0..case.pins.len()).map(Item::Pin).collect();
    out.extend((0..case.hypotheses.len()).map(Item::Hypothesis));
    out.extend((0..case.diagnoses.len()).map(Item::Diagnosis));
    out.extend((0..case.hints.len()).map(Item::Hint));
    out.extend((0..case.notes.len()).map(Item::Note));
    out.extend((0..STEPS.len()).map(Item::Step));
    out
}

/// The selected entry.
#[must_use]
pub fn selected(app: &App) -> Option<Item> {
    let items = items(app);
    items.get(app.views.case.at.of(items.len())).copied()
}

fn case(app: &App) -> Option<&Case> {
    app.known.case.value.as_ref()
}

/// The notebook has arrived: what was selected stays selected, unless a hypothesis has just been written.
pub fn case_arrived(app: &mut App, new: Case) {
    let written = app
        .views
        .case
        .wanted
        .and_then(|id| new.hypotheses.iter().position(|h| h.id == id))
        .map(Item::Hypothesis);
    let item = match (written, selected(app)) {
        (Some(written), _) => Some(written),
        // pins can be dropped, so that only their ids name them; other entries keep their places
        (None, Some(Item::Pin(i))) => {
            let id = case(app).and_then(|c| c.pins.get(i)).map(|p| p.id);
            let place = new.pins.iter().position(|p| Some(p.id) == id);
            place.map(Item::Pin)
        }
        (None, other) => other,
    };
    app.known.case.good(new);
    if written.is_some() {
        app.views.case.wanted = None;
    }
    if let Some(at) = items(app).iter().position(|i| Some(*i) == item) {
        app.views.case.at = Cursor::put(at);
    }
}

/// Whether the five whys can be handed in: after a right diagnosis and before the end.
#[must_use]
pub fn may_learn(app: &App) -> bool {
    app.may_act() && case(app).is_some_and(|c| right_diagnosis(c).is_some())
}

/// Whether there is anything in the notebook.
#[must_use]
pub fn has_entries(app: &App) -> bool {
    !items(app).is_empty()
}

/// Whether a hypothesis is selected that can still be settled.
#[must_use]
pub fn on_hypothesis(app: &App) -> bool {
    app.may_act() && matches!(selected(app), Some(Item::Hypothesis(_)))
}

/// Whether a pin is selected that can still be dropped.
#[must_use]
pub fn on_pin(app: &App) -> bool {
    app.may_act() && matches!(selected(app), Some(Item::Pin(_)))
}

/// Whether a hint can be had.
#[must_use]
pub fn has_hints(app: &App) -> bool {
    app.may_act() && case(app).is_some_and(|c| c.next_hint_cost_min.is_some())
}

/// The hypothesis that a diagnosis would say: the selected one, or else the last that is supported; none that is rejected.
#[must_use]
pub fn believed(app: &App) -> Option<&api::Hypothesis> {
    let all = &case(app)?.hypotheses;
    let here = match selected(app).filter(|_| app.view == ViewId::Case) {
        Some(Item::Hypothesis(i)) => all.get(i),
        _ => None,
    };
    let here = here.filter(|h| h.state != HypothesisState::Rejected);
    let mut supported = all.iter().rev();
    here.or_else(|| supported.find(|h| h.state == HypothesisState::Supported))
}

/// `Tab`: to the first entry of the next or previous section.
pub fn next_section(app: &mut App, forward: bool) {
    let items = items(app);
    app.views.case.at.section(&items, forward);
}

/// Enter: a pin goes to where it was found, a hypothesis is settled, the rest is read in full.
pub fn enter(app: &mut App) {
    match selected(app) {
        Some(Item::Pin(i)) => {
            let target = case(app)
                .and_then(|c| c.pins.get(i))
                .map(|p| p.target.clone());
            if let Some(target) = target {
                go_to(app, &target);
            }
        }
        Some(Item::Hypothesis(i)) => forms::open_settle(app, i),
        Some(Item::Step(i)) => steps::go(app, i),
        Some(item) => {
            let body = text_of(app, item);
            app.overlay = Some(Overlay::reader("In full", body));
        }
        None => app.say("m pins evidence in Logs, Traces, Metrics and Changes"),
    }
}

fn go_to(app: &mut App, target: &PinTarget) {
    match target {
        PinTarget::Log { ts_ns, service, .. } => {
            let subject = Subject {
                service: Some(service.clone()),
                ..Subject::default()
            };
            app.follow_at(ViewId::Logs, &subject, ts_ns / 1_000_000);
        }
        PinTarget::Span {
            trace_id, span_id, ..
        } => traces::state::show_span(app, trace_id, span_id.clone()),
        PinTarget::Metric { query, at_ms, .. } => metrics::state::show(
            app,
            &Subject {
                promql: Some(query.clone()),
                at_ms: Some(*at_ms),
                ..Subject::default()
            },
        ),
        PinTarget::Change { id } => changes::state::show(app, id),
    }
}

/// `x`: drops the selected pin.
pub fn unpin(app: &mut App) {
    match selected(app) {
        Some(Item::Pin(i)) => {
            let pin = case(app)
                .and_then(|c| c.pins.get(i))
                .map(|p| (p.id, p.text.clone()));
            if let Some((id, said)) = pin {
                app.overlay = Some(Overlay::Confirm(Confirm::tell(
                    "Drop the pin?",
                    said,
                    Ask::Unpin(id),
                )));
            }
        }
        _ => app.say("only pins can be dropped; select one"),
    }
}

/// `T`: takes a hint, after saying what it costs.
pub fn hint(app: &mut App) {
    let Some(case) = case(app) else { return };
    match case.next_hint_cost_min {
        Some(cost) => {
            let price = if cost == 0.0 {
                "It costs nothing.".to_owned()
            } else {
                format!(
                    "It adds {} min to your time to root cause.",
                    text::number(cost)
                )
            };
            let body = format!(
                "{price}\n\n{} left.",
                text::count(case.hints_left as usize, "hint is", "hints are")
            );
            app.overlay = Some(Overlay::Confirm(Confirm::tell(
                "Take a hint?",
                body,
                Ask::Hint,
            )));
        }
        None => app.say("there are no hints left in this drill"),
    }
}

/// What a hint costs, in words.
#[must_use]
pub fn price(cost_min: f64) -> String {
    match cost_min == 0.0 {
        true => "free".to_owned(),
        false => format!("costs {} min", text::number(cost_min)),
    }
}

/// A hint has arrived.
pub fn hint_arrived(app: &mut App, hint: &Hint) {
    let cost = price(hint.cost_min);
    app.overlay = Some(Overlay::reader(
        format!("Hint {} · {cost}", hint.number),
        hint.text.clone(),
    ));
    app.ask(Ask::Case, Asker::Screen);
}

/// What became of a diagnosis has arrived.
pub fn verdict_arrived(app: &mut App, verdict: &Verdict) {
    let title = if verdict.right {
        "Right: that is the root cause"
    } else {
        "Not right"
    };
    let next = if verdict.right {
        app.way(
            "\n\n8 Act repairs and proves, W in 7 Case writes the five whys, 9 Debrief finishes.",
            "\n\nact repairs, prove runs the stress test, whys writes the five whys, finish ends the drill.",
        )
    } else {
        app.way(
            "\n\nS opens the form again with this answer in it; the notebook (7 Case) keeps it.",
            "\n\ndiagnose asks again with this answer in it; case lists it.",
        )
    };
    app.overlay = Some(Overlay::reader(title, format!("{}{next}", verdict.message)));
    app.ask(Ask::Case, Asker::Screen);
    app.ask(Ask::Drill, Asker::Screen);
    if verdict.right {
        app.ask(Ask::LearningChoices, Asker::Screen);
    }
}

/// What happened to a hypothesis: opened, or settled with which pins.
#[must_use]
pub fn kept(id: u32, ask: &Ask) -> String {
    let Ask::Settle(_, update) = ask else {
        return format!("hypothesis {id} opened");
    };
    let pins: Vec<String> = update.pins.iter().map(|p| format!("#{p}")).collect();
    let with = match pins.is_empty() {
        true => "with no pin".to_owned(),
        false => format!("with {}", pins.join(", ")),
    };
    format!("hypothesis {id} {} {with}", state_word(update.state).1)
}

/// A word for a state, and a mark.
#[must_use]
pub fn state_word(state: HypothesisState) -> (&'static str, &'static str) {
    match state {
        HypothesisState::Open => ("?", "open"),
        HypothesisState::Supported => ("✓", "supported"),
        HypothesisState::Rejected => ("✗", "rejected"),
    }
}

/// What kind of evidence a pin is.
#[must_use]
pub fn kind_of(target: &PinTarget) -> &'static str {
    match target {
        PinTarget::Log { .. } => "log",
        PinTarget::Span { repeated: true, .. } => "spans",
        PinTarget::Span {
            span_id: Some(_), ..
        } => "span",
        PinTarget::Span { span_id: None, .. } => "trace",
        PinTarget::Metric { .. } => "metric",
        PinTarget::Change { .. } => "change",
    }
}

/// When the evidence happened, or when it was pinned where that is not known.
#[must_use]
pub fn pin_time(pin: &api::Pin) -> i64 {
    match &pin.target {
        PinTarget::Log { ts_ns, .. } => ts_ns / 1_000_000,
        PinTarget::Metric { at_ms, .. } => *at_ms,
        _ => pin.at_ms,
    }
}

fn hypothesis_text(h: &api::Hypothesis) -> String {
    let pins: Vec<String> = h.pins.iter().map(|p| format!("#{p}")).collect();
    let about = [
        ("component", h.component.clone()),
        ("mechanism", h.mechanism.clone()),
        ("pins", Some(pins.join(" ")).filter(|p| !p.is_empty())),
    ];
    let about: String = about
        .into_iter()
        .filter_map(|(name, value)| Some(format!(" · {name} {}", value?)))
        .collect();
    let state = state_word(h.state).1;
    format!("hypothesis {}, {state}: {}{about}", h.id, h.text)
}

/// An entry as text.
#[must_use]
pub fn text_of(app: &App, item: Item) -> String {
    let Some(case) = case(app) else {
        return String::new();
    };
    let found = match item {
        Item::Step(i) => Some(steps::text(app, i)),
        Item::Pin(i) => case.pins.get(i).map(|p| {
            let note = if p.note.is_empty() {
                String::new()
            } else {
                format!("\nnote: {}", p.note)
            };
            let (when, said) = (pins::when(p), pins::parted(p).1);
            format!("#{} {when} {} {said}{note}", p.id, kind_of(&p.target))
        }),
        Item::Hypothesis(i) => case.hypotheses.get(i).map(hypothesis_text),
        Item::Diagnosis(i) => case.diagnoses.get(i).map(|d| {
            let r = &d.request;
            let pins: Vec<String> = r.pins.iter().map(|p| format!("#{p}")).collect();
            let verdict = if d.right { "right" } else { "not right" };
            format!(
                "{} {verdict} · {} / {} · trigger {} · scope {} · confidence {} · pins {} {}",
                clock(d.at_ms),
                r.component,
                r.mechanism,
                r.trigger,
                r.scope,
                text::percent(r.confidence),
                pins.join(" "),
                r.text
            )
        }),
        Item::Hint(i) => case.hints.get(i).map(|h| {
            format!(
                "hint {} ({} min): {}",
                h.number,
                text::number(h.cost_min),
                h.text
            )
        }),
        Item::Note(i) => case.notes.get(i).map(|(at, n)| {
            format!(
                "{} {}{}",
                clock(*at),
                if n.status_update {
                    "status update: "
                } else {
                    ""
                },
                n.text
            )
        }),
    };
    found.unwrap_or_default()
}

/// Where the links of the selected entry lead: what a pin is of, or the service and the trace that its text names.
#[must_use]
pub fn about(app: &App) -> Subject {
    let Some(item) = selected(app).filter(|item| !matches!(item, Item::Step(_))) else {
        return Subject::default();
    };
    let case = case(app);
    let component = match item {
        Item::Hypothesis(i) => case.and_then(|c| c.hypotheses.get(i)?.component.clone()),
        Item::Diagnosis(i) => {
            case.and_then(|c| Some(c.diagnoses.get(i)?.request.component.clone()))
        }
        _ => None,
    };
    let target = match item {
        Item::Pin(i) => case.and_then(|c| Some(&c.pins.get(i)?.target)),
        _ => None,
    };
    let own = target
        .map(|target| of_target(app, target))
        .unwrap_or_default();
    let named = app.named(&text_of(app, item));
    let component = component.filter(|name| app.services().contains(name));
    Subject {
        service: own.service.or(component).or(named.service),
        trace: own.trace.or(named.trace),
        ..own
    }
}

fn of_target(app: &App, target: &PinTarget) -> Subject {
    match target {
        PinTarget::Log { service, ts_ns, .. } => Subject {
            service: Some(service.clone()),
            at_ms: Some(ts_ns / 1_000_000),
            ..Subject::default()
        },
        PinTarget::Span { trace_id, .. } => Subject {
            trace: Some(trace_id.clone()),
            ..Subject::default()
        },
        PinTarget::Metric {
            query,
            at_ms,
            labels,
        } => Subject {
            service: labels.get("service").cloned(),
            promql: Some(query.clone()),
            at_ms: Some(*at_ms),
            ..Subject::default()
        },
        PinTarget::Change { id } => {
            let changes = app.known.changes.value.iter().flatten();
            let mut found = changes.filter(|change| change.id == *id);
            Subject {
                service: found.next().and_then(|change| change.service.clone()),
                ..Subject::default()
            }
        }
    }
}
