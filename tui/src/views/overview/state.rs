//! What the overview holds: the golden signals, the objectives and which of its items is selected. Everything else is the drill's own state.

use api::Change;

use crate::app::overlay::Overlay;
use crate::app::places::Subject;
use crate::app::{App, Loaded};
use crate::ask::{Ask, Golden};
use crate::client::derived::Objective;
use crate::text::number;
use crate::time::clock;
use crate::views::overview::objectives;
use crate::views::{ViewId, changes};
use crate::widgets::cursor::Cursor;

/// Changes that the overview shows: the newest.
const CHANGES: usize = 8;

/// State of the view.
#[derive(Default)]
pub struct State {
    /// Selected item.
    pub at: Cursor,
    /// Golden signals of the window.
    pub golden: Loaded<Golden>,
    /// Objectives at the end of the window.
    pub objectives: Loaded<Vec<Objective>>,
}

/// Something that can be selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// The page.
    Page,
    /// A service.
    Service(String),
    /// An alert, by its place.
    Alert(usize),
    /// A change, by id.
    Change(String),
}

/// All items, in the order in which they stand.
#[must_use]
pub fn items(app: &App) -> Vec<Item> {
    let mut out = Vec::new();
    let Some(drill) = app.drill() else { return out };
    if drill.page.is_some() {
        out.push(Item::Page);
    }
    // what is wrong now stands above what was: a small screen shows no more than that
    let (over, now): (Vec<usize>, Vec<usize>) =
        (0..drill.alerts.len()).partition(|i| drill.alerts[*i].state == "resolved");
    let (firing, pending): (Vec<usize>, Vec<usize>) = now
        .into_iter()
        .partition(|i| drill.alerts[*i].state == "firing");
    out.extend(firing.into_iter().chain(pending).map(Item::Alert));
    out.extend(app.services().into_iter().map(Item::Service));
    out.extend(over.into_iter().map(Item::Alert));
    out.extend(recent(app).into_iter().map(|c| Item::Change(c.id.clone())));
    out
}

/// What the lab told changes, and what is selected stays selected; a cursor that was not moved stays at the top.
pub fn keep_selected(app: &mut App, told: impl FnOnce(&mut App)) {
    let at = app.views.overview.at;
    let before = selected(app).filter(|_| at.picked());
    let name = before.as_ref().and_then(|item| name_of(app, item));
    told(app);
    let (Some(before), Some(name)) = (before, name) else {
        return;
    };
    let items = items(app);
    let found = items
        .iter()
        .position(|i| name_of(app, i).as_ref() == Some(&name));
    // what is gone leaves the selection in its section, as near as can be
    let alike = |i: &usize| std::mem::discriminant(&items[*i]) == std::mem::discriminant(&before);
    let near = || {
        (0..items.len())
            .filter(alike)
            .min_by_key(|i| i.abs_diff(at.at))
    };
    app.views
        .overview
        .at
        .went_to(found.or_else(near), items.len());
    if found.is_none() && app.view == ViewId::Overview {
        app.say("what was selected is no longer listed: what stands next to it is selected");
    }
}

/// What names an item for as long as it is listed; of alerts that are named alike, the how-manieth it is, too.
fn name_of(app: &App, item: &Item) -> Option<String> {
    Some(match item {
        Item::Page => "page".to_owned(),
        Item::Service(name) => format!("service {name}"),
        Item::Change(id) => format!("change {id}"),
        Item::Alert(place) => {
            let alerts = &app.drill()?.alerts;
            let name = |a: &api::Alert| {
                let service = a.service.as_deref().unwrap_or("-");
                format!("alert {} {service} {} {}", a.name, a.severity, a.query)
            };
            let own = name(alerts.get(*place)?);
            let before = alerts.iter().take(*place).filter(|a| name(a) == own);
            format!("{own} {}", before.count())
        }
    })
}

/// The newest changes, newest first.
#[must_use]
pub fn recent(app: &App) -> Vec<&Change> {
    app.known
        .changes
        .value
        .iter()
        .flatten()
        .rev()
        .take(CHANGES)
        .collect()
}

/// The selected item.
#[must_use]
pub fn selected(app: &App) -> Option<Item> {
    let items = items(app);
    let at = app.views.overview.at.of(items.len());
    items.into_iter().nth(at)
}

/// `Tab`: to the first item of the next or previous section.
pub fn next_section(app: &mut App, forward: bool) {
    let items = items(app);
    app.views.overview.at.section(&items, forward);
}

/// Drills in: a page or alert opens its expression as a chart, a service its logs, a change the change history.
pub fn enter(app: &mut App) {
    match selected(app) {
        Some(Item::Change(id)) => changes::state::show(app, &id),
        Some(Item::Service(_)) => app.follow(ViewId::Logs),
        Some(_) => app.follow(ViewId::Metrics),
        None => {}
    }
}

/// Acknowledges the page, if there is one that waits for it.
pub fn acknowledge(app: &mut App) {
    match app.drill() {
        Some(drill) if drill.page.is_none() => app.say("no page has fired yet"),
        Some(drill) if drill.acknowledged_ms.is_some() => {
            app.say("the page is acknowledged already")
        }
        Some(_) => app.tell(Ask::Ack),
        None => app.say("the lab has not answered yet"),
    }
}

/// Whether there is a page that nobody has acknowledged.
#[must_use]
pub fn waits_for_acknowledgement(app: &App) -> bool {
    let waits = |d: &api::DrillView| d.page.is_some() && d.acknowledged_ms.is_none();
    app.may_act() && app.drill().is_some_and(waits)
}

/// `a`: acknowledges a page that waits for it, and acts afterwards.
pub fn acknowledge_or_act(app: &mut App) {
    if waits_for_acknowledgement(app) {
        acknowledge(app);
    } else {
        app.open(ViewId::Act);
    }
}

/// The brief: headings and what stands under them, the lab's address for other tools last.
#[must_use]
pub fn brief(app: &App) -> Vec<(&'static str, String)> {
    let Some(drill) = app.drill() else {
        return Vec::new();
    };
    let mut tools = format!("{} speaks the APIs of Prometheus, Loki and Tempo.", app.lab);
    if let Some(grpc) = &drill.otlp_grpc {
        tools.push_str(&format!(
            " It takes OTLP over HTTP; {grpc} takes OTLP over gRPC."
        ));
    }
    let mut sections = vec![
        ("Situation", drill.brief.situation.clone()),
        ("How the shop is built", drill.brief.architecture.clone()),
        ("What normal looks like", drill.brief.normal.clone()),
        ("With your own tools", tools),
    ];
    sections.retain(|(_, body)| !body.is_empty());
    sections
}

/// Opens the brief.
pub fn read_brief(app: &mut App) {
    let sections = brief(app).into_iter();
    let text: Vec<String> = sections
        .map(|(title, body)| format!("{title}\n{body}"))
        .collect();
    app.overlay = Some(Overlay::reader("Brief", text.join("\n\n")));
}

/// Opens the objectives in full.
pub fn read_objectives(app: &mut App) {
    app.overlay = Some(Overlay::reader("Objectives", objectives::in_full(app)));
}

/// Reads the page or alert in full.
pub fn read(app: &mut App) {
    if let Some(item) = selected(app) {
        let text = text_of(app, &item);
        app.overlay = Some(Overlay::reader("In full", text));
    }
}

/// An item as text.
#[must_use]
pub fn text_of(app: &App, item: &Item) -> String {
    let Some(drill) = app.drill() else {
        return String::new();
    };
    let runbook = |url: &Option<String>| {
        url.as_ref()
            .map(|u| format!("\nrunbook {u}"))
            .unwrap_or_default()
    };
    match item {
        Item::Page => drill.page.as_ref().map_or_else(String::new, |p| {
            let fired = drill.page_ms.map_or_else(String::new, |at| {
                format!(" at {}, when it fired", clock(at))
            });
            format!(
                "{} · {}\n{}\nsince {} · value {}{fired}\n{}{}",
                p.severity,
                p.title,
                p.text,
                clock(p.since_ms),
                number(p.value),
                p.query,
                runbook(&p.runbook_url)
            )
        }),
        Item::Alert(i) => drill.alerts.get(*i).map_or_else(String::new, |a| {
            format!(
                "{} · {} · {}\n{}\n{}\nsince {} · {} {}\n{}{}",
                a.severity,
                a.state,
                a.name,
                a.summary,
                a.description,
                clock(a.since_ms),
                // after the end nothing is over the bound, so that the last such value is of before
                match a.state.as_str() {
                    "resolved" => "value while it fired",
                    _ => "value at the last look",
                },
                number(a.value),
                a.query,
                runbook(&a.runbook_url)
            )
        }),
        Item::Service(name) => {
            let instances = drill.services.iter().filter(|s| s.name == *name);
            let line = |s: &api::ServiceView| {
                let exit = s
                    .exit
                    .as_ref()
                    .map(|e| format!(" · last exit: {e}"))
                    .unwrap_or_default();
                let pid = s.pid.map(|p| format!(" · pid {p}")).unwrap_or_default();
                format!(
                    "{} {} · version {} · {} · restarts {}{pid}{exit}",
                    s.name, s.instance, s.version, s.state, s.restarts
                )
            };
            instances.map(line).collect::<Vec<_>>().join("\n")
        }
        Item::Change(id) => app
            .known
            .changes
            .value
            .iter()
            .flatten()
            .find(|c| c.id == *id)
            .map(changes::state::text_of)
            .unwrap_or_default(),
    }
}

/// Where the links of the selected item lead.
#[must_use]
pub fn about(app: &App) -> Subject {
    let Some(drill) = app.drill() else {
        return Subject::default();
    };
    match selected(app) {
        Some(Item::Page) => {
            let service = drill
                .page
                .as_ref()
                .and_then(|p| drill.alerts.iter().find(|a| a.name == p.alert))
                .and_then(|a| a.service.clone());
            Subject {
                service,
                promql: drill.page.as_ref().map(|p| api::split_bound(&p.query).0),
                at_ms: drill.page_ms,
                ..Subject::default()
            }
        }
        Some(Item::Alert(i)) => {
            let alert = drill.alerts.get(i);
            Subject {
                service: alert.and_then(|a| a.service.clone()),
                promql: alert.map(|a| api::split_bound(&a.query).0),
                ..Subject::default()
            }
        }
        Some(Item::Service(name)) => Subject {
            service: Some(name),
            ..Subject::default()
        },
        Some(Item::Change(id)) => {
            let change = app
                .known
                .changes
                .value
                .iter()
                .flatten()
                .find(|c| c.id == id);
            Subject {
                service: change.and_then(|c| c.service.clone()),
                at_ms: change.map(|c| c.at_ms),
                ..Subject::default()
            }
        }
        None => Subject::default(),
    }
}
