//! What happened in the drill as marks for charts: the page, alerts that fire, changes and one's own actions. Knows no chart.

use crate::app::App;
use crate::views::changes::draw::kind_letter;
pub use crate::widgets::chart::Mark;
use crate::widgets::chart::Threshold;

/// The letter of the page.
pub const PAGE: &str = "P";
/// The letter of an alert.
pub const ALERT: &str = "!";

/// All marks that are known of, in order of time.
#[must_use]
pub fn of(app: &App) -> Vec<Mark> {
    let mut out: Vec<Mark> = Vec::new();
    let alerts = app.drill().into_iter().flat_map(|d| &d.alerts);
    out.extend(alerts.filter(|a| a.state == "firing").map(|alert| Mark {
        at_ms: alert.since_ms,
        letter: ALERT,
        said: format!("alert {}", alert.name),
        bad: true,
    }));
    let changes = app.known.changes.value.iter().flatten();
    out.extend(changes.map(|change| Mark {
        at_ms: change.at_ms,
        letter: kind_letter(change.kind),
        said: match &change.service {
            Some(service) => format!("{service}: {}", change.title),
            None => change.title.clone(),
        },
        bad: false,
    }));
    // the page comes last of what fired with it, and so is what is seen there
    if let Some(at_ms) = app.page_ms() {
        out.push(Mark {
            at_ms,
            letter: PAGE,
            said: "page".to_owned(),
            bad: true,
        });
    }
    out.sort_by_key(|mark| mark.at_ms);
    out
}

/// The bounds that the page and the alerts set on the values of an expression, each once.
#[must_use]
pub fn thresholds(app: &App, promql: &str) -> Vec<Threshold> {
    let Some(drill) = app.drill() else {
        return Vec::new();
    };
    let alerts = drill.alerts.iter().map(|a| (&a.query, &a.name));
    let page = drill.page.iter().map(|p| (&p.query, &p.alert));
    let mut out: Vec<Threshold> = Vec::new();
    for (query, name) in alerts.chain(page) {
        let (own, Some((operator, value))) = api::split_bound(query) else {
            continue;
        };
        let set = Threshold {
            value,
            operator,
            name: name.clone(),
        };
        if own == promql.trim() && value.is_finite() && !out.contains(&set) {
            out.push(set);
        }
    }
    out
}

/// The mark after, or before, a time; none when there is none.
#[must_use]
pub fn beyond(marks: &[Mark], at_ms: i64, forward: bool) -> Option<&Mark> {
    match forward {
        true => marks.iter().find(|m| m.at_ms > at_ms),
        false => marks.iter().rev().find(|m| m.at_ms < at_ms),
    }
}
