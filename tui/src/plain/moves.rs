//! Commands that move about: the time range, what stands around a line, the logs, traces and metrics of a
//! row, a row in full, ready expressions, files. They do what the keys of the screen do.

use std::time::Duration;

use super::commands::{Command, command, row};
use super::tell;
use crate::app::App;
use crate::client::Asker;
use crate::text::escape;
use crate::time::Range;
use crate::views::{self, ViewId, logs, metrics};
use crate::when::{Face, When};

fn nothing(_: &App, _: &str) -> String {
    String::new()
}

/// The view as it now is.
fn view(app: &App, _: &str) -> String {
    tell::view(app, Some(app.told_page))
}

/// The rows that another time range leaves: their numbers are others.
fn within(app: &App, _: &str) -> String {
    match app.view {
        ViewId::Logs | ViewId::Traces | ViewId::Metrics | ViewId::Map | ViewId::Changes => {
            tell::view(app, Some(app.told_page))
        }
        _ => String::new(),
    }
}

pub const COMMANDS: &[Command] = &[
    command(
        &["range"],
        "",
        "next time range: 1m, 5m, 15m, all",
        |a, _| ranged(a, Range::cycle),
        within,
    ),
    command(
        &["zoom"],
        "[out]",
        "half the time range, or twice",
        |a, how| ranged(a, |range| range.zoom(how != "out")),
        within,
    ),
    command(
        &["hold"],
        "",
        "holds the time range; again, follows now",
        |a, _| ranged(a, Range::toggle_follow),
        within,
    ),
    command(
        &["earlier"],
        "",
        "shifts the time range back by half",
        |a, _| ranged(a, |range| range.shift(false)),
        within,
    ),
    command(
        &["later"],
        "",
        "shifts the time range forward by half",
        |a, _| ranged(a, |range| range.shift(true)),
        within,
    ),
    command(&["since"], "5m", "the last so long", since, within),
    command(
        &["between"],
        "02:55 03:01",
        "from one time of day of the drill to another",
        between,
        within,
    ),
    command(
        &["context"],
        "N",
        "log lines of all services around line N",
        around,
        view,
    ),
    command(
        &["logs-of"],
        "N",
        "logs of row N of the view told last",
        |a, which| follow(a, which, ViewId::Logs),
        view,
    ),
    command(
        &["traces-of"],
        "N",
        "traces of row N, or its trace",
        |a, which| follow(a, which, ViewId::Traces),
        view,
    ),
    command(
        &["metrics-of"],
        "N",
        "metrics of row N",
        |a, which| follow(a, which, ViewId::Metrics),
        view,
    ),
    command(
        &["show"],
        "N",
        "row N of the view told last in full",
        |a, which| match select(a, which) {
            Ok(()) => views::of(a.view).record(a, true).map_or_else(
                || "there is no more to it\n".to_owned(),
                |record| tell::indented(&escape(&record)) + "\n",
            ),
            Err(why) => why,
        },
        nothing,
    ),
    command(
        &["ready"],
        "[N]",
        "ready expressions of metrics; with a number runs one",
        ready,
        |a, which| match which {
            "" => String::new(),
            _ => tell::metrics(a),
        },
    ),
    command(
        &["export"],
        "",
        "writes the view told last into a file",
        |a, _| {
            a.export();
            String::new()
        },
        nothing,
    ),
];

fn ranged(app: &mut App, change: impl FnOnce(&mut Range)) -> String {
    change(&mut app.range);
    app.refresh(Asker::Person);
    format!("time range {}\n", tell::range(app))
}

fn narrowed(app: &mut App, when: When) -> String {
    match when.narrow(&mut app.range) {
        Ok(()) => ranged(app, |_| {}),
        Err(why) => format!("problem: {why}\n"),
    }
}

fn since(app: &mut App, long: &str) -> String {
    match span(long) {
        Some(long) => narrowed(app, When::Since(long)),
        None => "how long? as in 90s, 5m or 1h\n".to_owned(),
    }
}

fn span(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let count: u64 = digits.parse().ok().filter(|count| *count > 0)?;
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}

fn between(app: &mut App, times: &str) -> String {
    let faces: Result<Vec<Face>, String> = times.split_whitespace().map(str::parse).collect();
    match faces.as_deref() {
        Ok([from, to]) => narrowed(app, When::Between(Some(*from), Some(*to))),
        Ok(_) => "from when to when? as in between 02:55 03:01\n".to_owned(),
        Err(why) => format!("problem: {why}\n"),
    }
}

/// Selects row N of the view told last.
pub fn select(app: &mut App, which: &str) -> Result<(), String> {
    let Some(index) = row(which) else {
        return Err("which row? give its number\n".to_owned());
    };
    let view = views::of(app.view);
    if index >= view.rows(app).0.len() {
        let name = view.name();
        return Err(format!("no row {which} in the view told last, {name}\n"));
    }
    view.select(app, 0, index);
    Ok(())
}

fn around(app: &mut App, which: &str) -> String {
    if app.view != ViewId::Logs {
        return "context is of log lines: logs tells them\n".to_owned();
    }
    if let Err(why) = select(app, which) {
        return why;
    }
    logs::state::context(app);
    String::new()
}

fn follow(app: &mut App, which: &str, to: ViewId) -> String {
    if let Err(why) = select(app, which) {
        return why;
    }
    app.follow(to);
    String::new()
}

fn ready(app: &mut App, which: &str) -> String {
    let service = app.views.metrics.service.clone();
    let all = metrics::presets::presets(&app.known.metrics, service.as_deref());
    if which.is_empty() {
        let row = |(i, (about, query)): (usize, &(String, String))| {
            format!("{}. {}: {}\n", i + 1, escape(about), escape(query))
        };
        return all.iter().enumerate().map(row).collect();
    }
    match row(which).and_then(|index| all.get(index)) {
        Some((_, query)) => {
            app.view = ViewId::Metrics;
            app.views.metrics.query.set(query);
            app.run_query();
            String::new()
        }
        None => "no expression has that number; ready lists them\n".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_read_or_refused() {
        assert_eq!(span("90s"), Some(Duration::from_secs(90)));
        assert_eq!(span("5m"), Some(Duration::from_secs(300)));
        assert_eq!(span("1h"), Some(Duration::from_secs(3600)));
        for wrong in ["", "m", "0m", "-1m", "5", "5 m", "5µ", "99999999999999999h"] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }
}
