//! What some traces have more often than the rest: the failed, the slow, or those of the query. Each row is an attribute
//! with a value, its share among these and among the others. What is more often is derived by the lab.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span as Words};

use super::aside::Aside;
use super::state::{State, refresh};
use crate::app::App;
use crate::app::places::Subject;
use crate::app::receive::refusal;
use crate::ask::{Ask, Slot};
use crate::client::Asker;
use crate::client::derived::Cut;
use crate::client::difference::{AttributeValue, Differs, Group};
use crate::client::traceql::{self, Scope};
use crate::text;
use crate::theme::Theme;
use crate::widgets::cursor::Cursor;
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// `x`: what differs about the failed traces; again, about the slow ones, and about those of the query.
pub fn next(app: &mut App) {
    let typed = has_query(app);
    let traces = &mut app.views.traces;
    let again = traces.open.is_none() && traces.aside == Some(Aside::Differs);
    traces.group = match traces.group {
        _ if !again => Group::Failed,
        Group::Failed => Group::Slow,
        Group::Slow if typed => Group::Found,
        Group::Slow | Group::Found => Group::Failed,
    };
    show(app, app.views.traces.group);
}

fn has_query(app: &App) -> bool {
    !app.views.traces.query.ran.is_empty()
}

/// Opens what differs about a group.
pub fn show(app: &mut App, of: Group) {
    let traces = &mut app.views.traces;
    traces.open = None;
    traces.aside = Some(Aside::Differs);
    traces.group = of;
    traces.value = Cursor::default();
    traces.differs = crate::app::Loaded::default();
    ask(app);
}

/// Asks for it.
pub fn ask(app: &mut App) {
    let of = app.views.traces.group;
    let query = super::state::asked(app);
    let window = app.range.passed();
    app.ask(Ask::Differs { of, query, window }, Asker::Person);
}

/// It has arrived.
pub fn arrived(app: &mut App, mut found: Differs) {
    // that a failure has no message says no more than that it is one
    let says = |value: &AttributeValue| value.key != "statusMessage" || !value.value.is_empty();
    found.found.values.retain(says);
    // what is surely no chance stands before what may be
    found.found.values.sort_by_key(|value| !value.significant);
    app.views.traces.differs.good(found);
}

fn values(traces: &State) -> &[AttributeValue] {
    let found = traces.differs.value.as_ref();
    found.map_or(&[], |f| &f.found.values)
}

fn value(traces: &State) -> Option<&AttributeValue> {
    let values = values(traces);
    values.get(traces.value.of(values.len()))
}

/// Texts of the rows.
#[must_use]
pub fn texts(traces: &State) -> Vec<String> {
    values(traces).iter().map(said).collect()
}

/// A value in words.
#[must_use]
pub fn said(value: &AttributeValue) -> String {
    let chance = match value.significant {
        true => "",
        false => ", may be chance",
    };
    format!(
        "{} = {}: {} of these ({}), {} of the rest ({}){chance}",
        value.name(),
        shown(value),
        text::percent(value.selected_share),
        value.selected,
        text::percent(value.rest_share),
        value.rest
    )
}

/// A value; an empty one as a text without letters.
fn shown(value: &AttributeValue) -> &str {
    match value.value.as_str() {
        "" => "\"\"",
        some => some,
    }
}

/// The selected value as text.
#[must_use]
pub fn record(traces: &State, whole: bool) -> Option<String> {
    value(traces).map(|v| if whole { said(v) } else { v.value.clone() })
}

/// The service, where the selected value names one.
#[must_use]
pub fn about(traces: &State) -> Subject {
    let service = value(traces).filter(|v| v.scope == Scope::Resource && v.key == "service.name");
    Subject {
        service: service.map(|v| v.value.clone()),
        ..Subject::default()
    }
}

/// `Enter`, `=`: the traces with the selected value; `!`: those with another one.
pub fn narrow(app: &mut App, keep: bool) {
    let Some(value) = value(&app.views.traces) else {
        return app.say("no value is selected");
    };
    let condition = traceql::condition(value.scope, &value.key, &value.value, keep);
    let typed = app.views.traces.query.base().to_owned();
    let query = traceql::and_also(&super::state::base(app), &condition);
    app.remember();
    let traces = &mut app.views.traces;
    traces.aside = None;
    traces.release();
    traces.query.set(&query);
    traces.query.commit();
    traces.led_to = Some((query, typed));
    app.say("the traces with it; Esc goes back to what differs");
    refresh(app, Asker::Person);
}

/// Esc on the list that a value led to: back to what differs; false when none has.
pub fn back(app: &mut App) -> bool {
    let traces = &mut app.views.traces;
    let led_to = traces.led_to.take();
    let Some((_, typed)) = led_to.filter(|(query, _)| *query == traces.query.ran) else {
        return false;
    };
    traces.query.set(&typed);
    traces.query.commit();
    traces.aside = Some(Aside::Differs);
    ask(app);
    refresh(app, Asker::Screen);
    true
}

/// What is set against what.
#[must_use]
pub fn facts(app: &App, found: &Differs) -> String {
    let slow = found.slow_ms.filter(|_| found.of == Group::Slow);
    let slow = slow.map_or_else(String::new, |ms| {
        format!(
            ", {} and more: the slowest tenth",
            text::seconds(ms / 1000.0)
        )
    });
    let among = match (found.of, has_query(app)) {
        (Group::Found, _) => " of all",
        (_, true) => " of the query's",
        (_, false) => "",
    };
    let (selected, rest) = (found.found.selected, found.found.rest);
    let cut = Cut::said(&found.found.limits);
    format!(
        "{selected} {}{slow}, {rest} others{among}{cut}",
        found.of.said()
    )
}

/// Why there is no value to tell; empty when there is one.
#[must_use]
pub fn nothing(found: &Differs) -> String {
    match (found.found.selected, found.found.rest) {
        (0, _) => format!("there are no {} in this time range", found.of.said()),
        (_, 0) => "there is no other trace to compare with: t or Z widens the range".to_owned(),
        _ if found.found.values.is_empty() => {
            "no attribute has a value that these have more often than the rest".to_owned()
        }
        _ => String::new(),
    }
}

/// Draws it.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let traces = &app.views.traces;
    let theme = surface.theme;
    let keys = match app.waiting(Slot::Differs) {
        Some(_) => "comparing …".to_owned(),
        None => {
            let next = match (traces.group, has_query(app)) {
                (Group::Failed, _) => Group::Slow,
                (Group::Slow, true) => Group::Found,
                (Group::Slow, false) | (Group::Found, _) => Group::Failed,
            };
            format!("x {}  Enter only these  Esc list", next.said())
        }
    };
    let title = format!("What differs: {}", traces.group.said());
    let inner = surface.titled(area, &title, &keys, true);
    let Some(found) = &traces.differs.value else {
        let said = refusal(&traces.differs).unwrap_or_else(|| "comparing …".to_owned());
        return surface.say_lines(inner, &said, theme.dim);
    };
    let (head, rest) = cut::top(inner, 1);
    surface.say(head, &facts(app, found), theme.text);
    let said = nothing(found);
    if !said.is_empty() {
        return surface.say_lines(rest, &said, theme.dim);
    }
    let (names, list) = cut::top(rest, u16::from(rest.height > 3));
    if !names.is_empty() {
        let columns = " these    rest                attribute and value";
        surface.text(names.x + 1, names.y, names.width, columns, theme.dim);
    }
    let values = &found.found.values;
    let rows = Rows::of(values.len(), traces.value.of(values.len()));
    surface.list(list, rows, |theme, index, _| row(theme, &values[index]));
}

fn row(theme: &Theme, value: &AttributeValue) -> Line<'static> {
    const BAR: usize = 10;
    let (these, rest) = (
        text::percent(value.selected_share),
        text::percent(value.rest_share),
    );
    let (chance, style) = match value.significant {
        true => ("", theme.text),
        false => ("  may be chance", theme.dim),
    };
    let name = text::escape(&value.name()).into_owned();
    let bar = text::bar(value.selected_share - value.rest_share, BAR);
    Line::from(vec![
        Words::styled(text::pad_left(&these, 6), theme.warn),
        Words::styled(text::pad_left(&rest, 8), theme.dim),
        Words::styled(format!("  {} ", text::pad(&bar, BAR)), theme.info),
        Words::styled(format!("{name} = "), theme.accent),
        Words::styled(text::escape(shown(value)).into_owned(), style),
        Words::styled(chance, theme.dim),
    ])
}
