//! Two traces side by side: which steps are slower, faster, new or gone in the second, where time is lost first.
//! The steps and their order are derived by the lab.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span as Words};

use super::aside::Aside;
use super::state::State;
use crate::app::App;
use crate::app::places::Subject;
use crate::app::receive::refusal;
use crate::ask::{Ask, Slot};
use crate::client::Asker;
use crate::client::derived::Cut;
use crate::client::difference::{Change, Comparison, Side, Step, signed};
use crate::text;
use crate::theme::Theme;
use crate::widgets::cursor::Cursor;
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// The trace that others are compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Marked {
    /// Its id.
    pub id: String,
    /// What it is, as in `storefront GET /`.
    pub name: String,
}

/// The selected trace, or the one that stands open.
fn here(traces: &State) -> Option<Marked> {
    let named = |service: &str, name: &str| format!("{service} {name}");
    if let Some(id) = traces.open.clone() {
        let root = traces.current().and_then(|w| w.spans.first());
        let name = root.map_or_else(String::new, |s| named(&s.service, &s.name));
        return Some(Marked { id, name });
    }
    traces.hit().map(|hit| Marked {
        id: hit.trace_id.clone(),
        name: named(&hit.service, &hit.name),
    })
}

/// `c`: marks a trace, or compares the selected one with the marked.
pub fn mark_or_compare(app: &mut App) {
    let traces = &mut app.views.traces;
    if traces.open.is_none() && traces.aside.is_some() {
        return app.say("Esc goes back to the list, where another trace can be selected");
    }
    let Some(here) = here(traces) else {
        return app.say("no trace is selected");
    };
    match traces.marked.clone() {
        Some(marked) if marked.id == here.id => {
            traces.marked = None;
            app.say("the mark is taken off; c marks another trace");
        }
        Some(marked) => ask(app, marked.id, here.id),
        None => {
            let said = format!(
                "{} is marked (a): c on another trace compares that with it",
                here.name
            );
            traces.marked = Some(here);
            app.say(said);
        }
    }
}

/// Opens the comparison of trace `b` with trace `a`.
pub fn ask(app: &mut App, a: String, b: String) {
    let traces = &mut app.views.traces;
    traces.open = None;
    traces.aside = Some(Aside::Compare);
    traces.step = Cursor::default();
    traces.compared = crate::app::Loaded::default();
    app.ask(Ask::Compare { a, b }, Asker::Person);
}

/// The comparison has arrived.
pub fn arrived(app: &mut App, found: Comparison) {
    app.views.traces.compared.good(found);
}

fn step(traces: &State) -> Option<&Step> {
    let found = traces.compared.value.as_ref()?;
    found.steps.get(traces.step.of(found.steps.len()))
}

/// Texts of the steps.
#[must_use]
pub fn texts(traces: &State) -> Vec<String> {
    let found = traces.compared.value.as_ref();
    let steps = found.map_or(&[][..], |f| &f.steps);
    steps.iter().map(said).collect()
}

/// A step in words.
#[must_use]
pub fn said(step: &Step) -> String {
    let lasts = |ns: i64| text::brief(ns.max(0) as f64 / 1e9);
    format!(
        "{}: {} {}, its own time {}, in all {} to {}, {} × to {} ×{}",
        step.change.word(),
        step.service,
        step.name,
        signed(step.self_difference_ns),
        lasts(step.a.total_ns),
        lasts(step.b.total_ns),
        step.a.count,
        step.b.count,
        failed(step)
    )
}

fn failed(step: &Step) -> String {
    match (step.a.errors, step.b.errors) {
        (0, 0) => String::new(),
        (a, b) => format!(", {a} to {b} failed"),
    }
}

/// The selected step as text.
#[must_use]
pub fn record(traces: &State, whole: bool) -> Option<String> {
    let step = step(traces)?;
    Some(if whole {
        format!("{}\n{}", said(step), step.path.join(" › "))
    } else {
        format!("{} {}", step.service, step.name)
    })
}

/// The service of the selected step, and the second trace.
#[must_use]
pub fn about(traces: &State) -> Subject {
    let found = traces.compared.value.as_ref();
    Subject {
        service: step(traces).map(|s| s.service.clone()),
        trace: found.map(|f| f.b.trace_id.clone()),
        ..Subject::default()
    }
}

/// Enter: opens the second trace, or the first where only that has the step.
pub fn enter(app: &mut App) {
    let traces = &app.views.traces;
    let (Some(found), Some(step)) = (&traces.compared.value, step(traces)) else {
        return;
    };
    let side = match step.change {
        Change::Removed => &found.a,
        _ => &found.b,
    };
    let id = side.trace_id.clone();
    app.remember();
    super::state::open(app, &id, Asker::Person);
}

/// What the whole comes to, one line a fact.
#[must_use]
pub fn facts(found: &Comparison, marked: Option<&Marked>) -> [String; 3] {
    let one = |letter: &str, side: &Side| {
        let lasts = text::seconds(side.duration_ns.max(0) as f64 / 1e9);
        let spans = text::count(side.spans, "span", "spans");
        let id: String = side.trace_id.chars().take(12).collect();
        let name = marked.filter(|m| m.id == side.trace_id);
        let name = name.map_or_else(String::new, |m| format!(" {}", m.name));
        format!(
            "{letter}  {id}{name}: {lasts}, {spans}, {} failed",
            side.errors
        )
    };
    let counts = format!(
        "in b {} slower, {} faster, {} added, {} removed{}; most of their own time first",
        found.slower,
        found.faster,
        found.added,
        found.removed,
        Cut::said(&found.limits)
    );
    [one("a", &found.a), one("b", &found.b), counts]
}

/// Draws it.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let traces = &app.views.traces;
    let theme = surface.theme;
    let keys = match app.waiting(Slot::Compare) {
        Some(_) => "comparing …",
        None => "Enter opens it  Esc list",
    };
    let inner = surface.titled(area, "Trace b beside a", keys, true);
    let Some(found) = &traces.compared.value else {
        let said = refusal(&traces.compared).unwrap_or_else(|| "comparing …".to_owned());
        return surface.say_lines(inner, &said, theme.dim);
    };
    let facts = facts(found, traces.marked.as_ref());
    let (head, rest) = cut::top(inner, 3.min(inner.height / 3));
    for (fact, row) in facts.iter().zip(head.rows()) {
        surface.say(row, fact, theme.text);
    }
    let (rest, foot) = match rest.height > 6 {
        true => cut::bottom(rest, 3),
        false => cut::bottom(rest, 0),
    };
    let (names, list) = cut::top(rest, u16::from(rest.height > 3));
    if !names.is_empty() {
        let columns = "           own time   in all, a → b       spans       step";
        surface.text(names.x + 1, names.y, names.width, columns, theme.dim);
    }
    let rows = Rows::of(found.steps.len(), traces.step.of(found.steps.len()));
    surface.list(list, rows, |theme, index, _| {
        row(theme, &found.steps[index])
    });
    if let Some(step) = step(traces).filter(|_| !foot.is_empty()) {
        let below = surface.titled(foot, "On the way", "", false);
        let mut path = step.path.join(" › ");
        path.push_str(&failed(step));
        surface.say_lines(below, &path, theme.text);
    }
}

fn style_of(theme: &Theme, step: &Step) -> Style {
    match step.change {
        _ if step.b.errors > step.a.errors => theme.bad,
        Change::Slower | Change::Added => theme.warn,
        Change::Faster | Change::Removed => theme.good,
        Change::Same => theme.dim,
    }
}

fn row(theme: &Theme, step: &Step) -> Line<'static> {
    let style = style_of(theme, step);
    let lasts = |ns: i64| text::seconds(ns.max(0) as f64 / 1e9);
    let own = signed(step.self_difference_ns);
    let all = format!("{} → {}", lasts(step.a.total_ns), lasts(step.b.total_ns));
    let spans = format!("{} × → {} ×", step.a.count, step.b.count);
    let failed = if step.b.errors > step.a.errors {
        "✗ "
    } else {
        ""
    };
    let name = format!("{failed}{} {}", step.service, step.name);
    Line::from(vec![
        Words::styled(format!("{} ", text::pad(step.change.word(), 8)), style),
        Words::styled(text::pad_left(&own, 10), style),
        Words::styled(format!("  {} ", text::pad(&all, 19)), theme.text),
        Words::styled(format!("{} ", text::pad(&spans, 11)), theme.dim),
        Words::styled(text::escape(&name).into_owned(), style),
    ])
}
