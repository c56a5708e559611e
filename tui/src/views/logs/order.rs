//! Orders as links: what a line or a span names as its order leads to the logs and the traces of that order. Knows the
//! names that such a field has, and no service.

use std::collections::BTreeMap;

use super::state::show_query;
use crate::app::App;
use crate::client::loki::quoted;
use crate::client::traceql::{self, Scope};
use crate::views::{ViewId, traces};

/// Names that the id of an order has, of log fields and of span attributes.
const NAMES: [&str; 5] = ["order_id", "order.id", "orderId", "order_no", "order"];

/// An order that something names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Name of the field.
    pub name: String,
    /// Its id.
    pub id: String,
}

/// The order that fields name.
#[must_use]
pub fn of(fields: &BTreeMap<String, String>) -> Option<Order> {
    let named = |name: &&str| fields.get(*name).filter(|id| !id.trim().is_empty());
    let name = NAMES.iter().find(|name| named(name).is_some())?;
    Some(Order {
        name: (*name).to_owned(),
        id: named(name)?.clone(),
    })
}

/// The order of what is selected: of the line; of the span, or else of its trace, which is of one request.
fn selected(app: &App) -> Option<Order> {
    if app.view == ViewId::Logs {
        return app.views.logs.line().and_then(|line| of(&line.fields));
    }
    let traces = &app.views.traces;
    if let Some(order) = traces::details::line(traces).and_then(|line| of(&line.fields)) {
        return Some(order);
    }
    let span = traces.span().and_then(|span| of(&span.attributes));
    span.or_else(|| {
        let spans = traces.current().map_or(&[][..], |w| &w.spans);
        spans.iter().find_map(|span| of(&span.attributes))
    })
}

impl Order {
    /// LogQL of its lines; a label of a log line has no dots.
    fn logql(&self) -> String {
        let name = self.name.replace('.', "_");
        format!("{{service=~\".+\"}} | {name}={}", quoted(&self.id))
    }

    /// TraceQL of its traces.
    fn traceql(&self) -> String {
        let condition = traceql::condition(Scope::Span, &self.name, &self.id, true);
        format!("{{ {condition} }}")
    }
}

/// `go`: the logs of the order that the selected line or span names; among these, its traces, and back.
pub fn follow(app: &mut App) {
    // a list of traces names no order but the one that it was asked for
    let last = app.views.logs.order.clone();
    let asked =
        last.filter(|o| app.view == ViewId::Traces && app.views.traces.query.ran == o.traceql());
    let Some(order) = selected(app).or(asked) else {
        return app
            .say("nothing selected here names an order: a line or a span with an order_id does");
    };
    app.views.logs.order = Some(order.clone());
    let among_logs = app.view == ViewId::Logs && app.views.logs.query.ran == order.logql();
    let other = if among_logs {
        traces::state::show_query(app, &order.traceql());
        "logs"
    } else {
        show_query(app, &order.logql());
        "traces"
    };
    app.say(format!(
        "order {}; {} lists its {other}{}",
        order.id,
        app.way("go", "order"),
        app.way(", [ goes back", "")
    ));
}
