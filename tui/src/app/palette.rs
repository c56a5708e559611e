//! What the palette offers: the rows of every view, the colours, the services, the places one came from, ready queries.
//! Deliberately knows nothing of how a menu is searched or drawn.

use super::bindings::{Bound, restated};
use super::keyname::glyph;
use super::menu::{Choice, Item, Menu};
use super::places::Subject;
use super::{App, help};
use crate::views::{self, ViewId, metrics::presets};

/// Places of before that are offered.
const PLACES: usize = 20;

/// Everything that can be done from anywhere.
#[must_use]
pub fn menu(app: &App) -> Menu {
    let mut items = rows_here(app);
    items.extend(rows_elsewhere(app));
    items.extend(colours(app));
    items.extend(services(app));
    items.extend(places(app));
    items.extend(queries(app));
    Menu::new("Commands", items)
}

fn keys_of<'a>(keys: impl Iterator<Item = &'a &'static str>) -> String {
    keys.map(|key| glyph(key)).collect::<Vec<_>>().join(" ")
}

/// The rows of the view on screen, then those of every view. Of these, a key that the view has for itself does nothing
/// here; the row is offered all the same.
#[must_use]
pub fn rows_here(app: &App) -> Vec<Item> {
    let rows: Vec<Bound> = app.bindings.rows(app.view).collect();
    let own = rows.iter().filter(|bound| bound.of.is_some());
    let taken: Vec<&str> = own.flat_map(|bound| bound.keys).copied().collect();
    let said = |about: &str| {
        rows.iter()
            .any(|bound| bound.of.is_some() && bound.row.about == about)
    };
    let item = |bound: &Bound| {
        let free = |key: &&&str| bound.of.is_some() || !taken.contains(*key);
        let mark = if bound.of.is_some() { "" } else { "· " };
        Item {
            label: format!("{mark}{}", bound.row.about),
            about: keys_of(bound.keys.iter().filter(free)),
            choice: Choice::Do(*bound),
        }
    };
    // what the view says in the same words is not said twice
    let shown = rows.iter().filter(|b| b.of.is_some() || !said(b.row.about));
    shown.map(item).collect()
}

/// What the other views have for themselves: choosing it goes there and does it.
fn rows_elsewhere(app: &App) -> Vec<Item> {
    let others = views::ALL.iter().filter(|view| view.id() != app.view);
    let rows = others.flat_map(|view| {
        let own = app.bindings.rows(view.id());
        own.take_while(|bound| bound.of.is_some())
            .map(|bound| (view.title(), bound))
    });
    // what every view has is here, too
    let own = rows.filter(|(_, bound)| restated(bound.row).is_none());
    let item = |(title, bound): (&str, Bound)| Item {
        label: format!("{title} · {}", bound.row.about),
        about: keys_of(bound.keys.iter()),
        choice: Choice::Do(bound),
    };
    own.map(item).collect()
}

fn colours(app: &App) -> Vec<Item> {
    let item = |worn: super::opening::Worn| Item {
        label: format!("colours: {}, {}", worn.name(), worn.about()),
        about: String::new(),
        choice: Choice::Wear(worn),
    };
    app.worn().into_iter().map(item).collect()
}

fn services(app: &App) -> Vec<Item> {
    let views = [
        (ViewId::Logs, "logs"),
        (ViewId::Traces, "traces"),
        (ViewId::Metrics, "metrics"),
    ];
    let of = |service: String| {
        views.map(|(view, name)| Item {
            label: format!("{service}: its {name}"),
            about: String::new(),
            choice: Choice::Follow(
                view,
                Subject {
                    service: Some(service.clone()),
                    ..Subject::default()
                },
            ),
        })
    };
    app.services().into_iter().flat_map(of).collect()
}

fn places(app: &App) -> Vec<Item> {
    let newest = app.back.iter().rev().zip(1..).take(PLACES);
    let item = |(place, steps): (&super::places::Place, usize)| Item {
        label: format!("back to {}", place.label()),
        about: String::new(),
        choice: Choice::Back(steps),
    };
    newest.map(item).collect()
}

fn queries(app: &App) -> Vec<Item> {
    let mut items = Vec::new();
    if app.view == ViewId::Metrics {
        items.extend(presets::items(app));
    }
    for view in [ViewId::Logs, ViewId::Traces, ViewId::Metrics] {
        let example = help::example(app, view);
        items.push(Item {
            label: format!("{} · {}", views::of(view).title(), example.finds),
            about: example.query.clone(),
            choice: Choice::Query(view, example.query),
        });
    }
    items
}
