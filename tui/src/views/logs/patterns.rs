//! The patterns of the log view: what the lines of the query say, with their values taken out, how many say it, and what
//! was not said before the page. Knows how the lab is asked for them and how they are drawn, not how they are found.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::filter::{selector_end, with_filter};
use super::severity_style;
use super::state::refresh;
use crate::app::receive::refusal;
use crate::app::{App, Loaded};
use crate::ask::{Ask, Slot};
use crate::client::Asker;
use crate::client::derived::Cut;
use crate::client::loki::Severity;
use crate::client::patterns::{Novelty, Pattern, Patterns};
use crate::text;
use crate::theme::Theme;
use crate::time::{Range, clock, clock_millis};
use crate::widgets::cursor::{Cursor, Motion, round};
use crate::widgets::cut;
use crate::widgets::surface::{Rows, Surface};

/// How often they are asked for again while they are looked at, milliseconds: each line of the window is read for it.
const EVERY_MS: u64 = 5_000;

/// What the list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// New ones before others, then by count.
    #[default]
    Novelty,
    /// How many lines there are.
    Count,
    /// How much more often they come since the moment.
    Change,
}

impl Order {
    fn said(self) -> &'static str {
        match self {
            Self::Novelty => "new first",
            Self::Count => "by count",
            Self::Change => "by change",
        }
    }
}

/// State of the patterns.
#[derive(Default)]
pub struct State {
    /// Whether they stand in the place of the lines.
    pub open: bool,
    /// What was found.
    pub found: Loaded<Patterns>,
    /// The selected one.
    pub at: Cursor,
    /// Sorting.
    order: Order,
    /// The other direction.
    inverted: bool,
    /// The query, the choice of window and the time, on the screen's clock, of the last question.
    asked: Option<(String, Range, u64)>,
    /// The query that a pattern was made into, and the one before it.
    led_to: Option<(String, String)>,
}

impl State {
    /// All of them, in the order of the list.
    #[must_use]
    pub fn list(&self) -> &[Pattern] {
        self.found.value.as_ref().map_or(&[], |f| &f.patterns)
    }

    /// The selected one.
    #[must_use]
    pub fn selected(&self) -> Option<&Pattern> {
        let list = self.list();
        list.get(self.at.of(list.len()))
    }

    /// Sorts them; the selected one stays selected if a person chose it.
    fn sort(&mut self, chosen: Option<Pattern>) {
        let (order, inverted) = (self.order, self.inverted);
        if let Some(found) = &mut self.found.value {
            found.patterns.sort_by(|a, b| {
                let by_count = b.count.cmp(&a.count);
                let by = match order {
                    Order::Novelty => {
                        let known = |p: &Pattern| p.novelty != Some(Novelty::New);
                        known(a).cmp(&known(b)).then(by_count)
                    }
                    Order::Count => by_count,
                    Order::Change => {
                        // what is new has changed more than any number says
                        let times = |p: &Pattern| match p.novelty {
                            Some(Novelty::New) => f64::INFINITY,
                            _ => p.change.unwrap_or(0.0),
                        };
                        times(b).total_cmp(&times(a)).then(by_count)
                    }
                };
                if inverted { by.reverse() } else { by }
            });
        }
        if let Some(chosen) = chosen {
            let list = self.list();
            let (place, len) = (list.iter().position(|p| p.is(&chosen)), list.len());
            self.at.went_to(place, len);
        }
    }

    /// How they are sorted, where that is not as they come.
    fn sorted(&self) -> String {
        match (self.order, self.inverted) {
            (Order::Novelty, false) => String::new(),
            (order, false) => format!(" · {} ↓", order.said()),
            (order, true) => format!(" · {} ↑", order.said()),
        }
    }

    fn chosen(&self) -> Option<Pattern> {
        self.selected().cloned().filter(|_| self.at.picked())
    }
}

/// `s`, `i`: sorts the patterns by the next column, or in the other direction.
pub fn sort(app: &mut App, next: bool) {
    if !are_open(app) {
        return app.say("lines stand in order of time; P shows patterns, which s sorts");
    }
    let patterns = &mut app.views.logs.patterns;
    let chosen = patterns.chosen();
    match (next, patterns.order) {
        (false, _) => patterns.inverted = !patterns.inverted,
        (true, Order::Novelty) => patterns.order = Order::Count,
        (true, Order::Count) => patterns.order = Order::Change,
        (true, Order::Change) => patterns.order = Order::Novelty,
    }
    patterns.sort(chosen);
}

/// Whether the patterns are on screen.
#[must_use]
pub fn are_open(app: &App) -> bool {
    app.views.logs.patterns.open
}

/// Whether there is a pattern on screen to select.
#[must_use]
pub fn has_rows(app: &App) -> bool {
    are_open(app) && !app.views.logs.patterns.list().is_empty()
}

/// `P`: patterns in place of the lines, and lines again.
pub fn toggle(app: &mut App) {
    let logs = &mut app.views.logs;
    logs.patterns.open = !logs.patterns.open;
    if logs.patterns.open {
        logs.leave_context();
        logs.in_fields = false;
        refresh(app, Asker::Screen);
    }
}

/// Since when something counts as new, milliseconds: the page where the window holds it, else the window's middle.
fn since_ms(app: &App) -> i64 {
    let window = app.range.passed();
    app.page_ms()
        .filter(|page| *page > window.start_ms && *page < window.end_ms)
        .unwrap_or(window.start_ms + window.length_ms() / 2)
}

/// Asks for the patterns of the query's lines, unless they were asked for a moment ago.
pub fn ask(app: &mut App, asker: Asker) {
    let (range, now) = (app.range, app.mono_ms);
    let query = app.views.logs.logql();
    let patterns = &mut app.views.logs.patterns;
    let fresh = patterns.asked.as_ref().is_some_and(|(asked, at, then)| {
        *asked == query && at.same_choice(range) && now < then + EVERY_MS
    });
    if fresh && asker == Asker::Screen {
        return;
    }
    patterns.asked = Some((query.clone(), range, now));
    let (window, since_ms) = (range.passed(), since_ms(app));
    // the lines of the same query are the person's question; these are made of them
    app.ask(
        Ask::Patterns {
            query,
            window,
            since_ms,
        },
        Asker::Screen,
    );
}

/// Patterns have arrived; the selected one stays selected.
pub fn arrived(app: &mut App, found: Patterns) {
    let patterns = &mut app.views.logs.patterns;
    let chosen = patterns.chosen();
    patterns.found.good(found);
    patterns.sort(chosen);
}

/// Moves among them.
pub fn motion(app: &mut App, motion: Motion) {
    let page = app.page();
    let patterns = &mut app.views.logs.patterns;
    let len = patterns.list().len();
    patterns.at.go(motion, len, page);
}

/// To the next or previous one for which something holds, round the end.
pub fn jump(app: &mut App, forward: bool, wanted: &str, holds: impl Fn(&Pattern) -> bool) {
    let patterns = &mut app.views.logs.patterns;
    let list = patterns.list();
    let at = patterns.at.of(list.len());
    let found = round(list.len(), at, forward).find(|i| *i != at && holds(&list[*i]));
    match found {
        Some(index) => patterns.at = Cursor::put(index),
        None => app.say(format!("no other {wanted} among these patterns")),
    }
}

/// The worst severity that they have.
#[must_use]
pub fn worst(app: &App) -> Option<Severity> {
    let list = app.views.logs.patterns.list();
    list.iter().map(Pattern::severity).max()
}

/// The query, of which only the lines of a pattern are kept, or all others.
fn narrowed(logql: &str, pattern: &Pattern, keep: bool) -> Option<String> {
    let end = selector_end(&pattern.query)?;
    let words = pattern.query[end + 1..].trim();
    if !keep {
        return Some(format!("{logql} {}", words.replacen("|~", "!~", 1)));
    }
    let query = with_filter(logql, "service", &pattern.service, true);
    let query = with_filter(&query, "level", &pattern.level, true);
    Some(format!("{query} {words}"))
}

/// `Enter`, `=`: the lines of the selected pattern; `!`: the patterns without it.
pub fn narrow(app: &mut App, keep: bool) {
    let logs = &app.views.logs;
    let pattern = logs.patterns.selected();
    let Some(query) = pattern.and_then(|p| narrowed(&logs.base(), p, keep)) else {
        return app.say("no pattern is selected");
    };
    app.remember();
    let logs = &mut app.views.logs;
    let before = logs.query.base().to_owned();
    logs.query.set(&query);
    logs.query.commit();
    if keep {
        logs.patterns.open = false;
        logs.release();
        logs.patterns.led_to = Some((query, before));
        app.say("the lines of this pattern; Esc goes back to the patterns");
    }
    refresh(app, Asker::Person);
}

/// Esc: from the patterns to the lines, and from the lines of a pattern to the patterns; false when neither is open.
pub fn back(app: &mut App) -> bool {
    let logs = &mut app.views.logs;
    if std::mem::take(&mut logs.patterns.open) {
        return true;
    }
    let led_to = logs.patterns.led_to.take();
    let Some((_, before)) = led_to.filter(|(query, _)| *query == logs.query.ran) else {
        return false;
    };
    logs.query.set(&before);
    logs.query.commit();
    logs.patterns.open = true;
    refresh(app, Asker::Screen);
    true
}

/// Since when what is new is told, in words.
#[must_use]
pub fn since(app: &App, found: &Patterns) -> String {
    let Some(since_ns) = found.since_ns else {
        return "nothing is told to be new".to_owned();
    };
    let (since_ms, page) = (since_ns / 1_000_000, app.page_ms());
    let at = clock(since_ms);
    let moment = match page == Some(since_ms) {
        true => format!("the page, {at}"),
        false => format!("{at}, the middle of the range"),
    };
    match found.lines_before {
        0 => format!("nothing before {moment}, to compare with; Z widens the range"),
        _ => format!("new since {moment}"),
    }
}

/// Draws the list, and below it the selected one.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let patterns = &app.views.logs.patterns;
    let (list, below) = match area.height {
        height if height < 10 || app.full => cut::bottom(area, 0),
        height => cut::bottom(area, (height / 3).clamp(4, 8)),
    };
    let len = patterns.list().len();
    let state = match (&patterns.found.value, refusal(&patterns.found)) {
        // the last good result stays, with why there is no newer one
        (Some(_), Some(why)) => why,
        (Some(found), None) => format!(
            "{}{} of {} lines{}{} · {}",
            app.waiting(Slot::Patterns).map_or("", |_| "reading … · "),
            text::count(len, "pattern", "patterns"),
            found.lines,
            Cut::said(&found.limits),
            patterns.sorted(),
            since(app, found)
        ),
        (None, _) if app.waiting(Slot::Patterns).is_some() => "reading the lines …".to_owned(),
        (None, _) => String::new(),
    };
    let inner = surface.titled(list, "Patterns", &state, true);
    if len == 0 {
        let said = refusal(&patterns.found).unwrap_or_else(|| {
            app.views.logs.query.nothing(
                patterns.found.value.is_some(),
                app.range.follows(),
                "line matches",
            )
        });
        return surface.say_lines(inner, &said, surface.theme.dim);
    }
    let (head, inner) = cut::top(inner, u16::from(inner.height > 3));
    surface.text(
        head.x + 1,
        head.y,
        head.width.saturating_mul(u16::from(!head.is_empty())),
        "            lines  share  since     service     what they say",
        surface.theme.dim,
    );
    let rows = Rows::of(len, patterns.at.of(len));
    surface.list(inner, rows, |theme, index, _| {
        row(theme, &patterns.list()[index])
    });
    if let Some(pattern) = patterns.selected() {
        details(surface, below, pattern);
    }
}

fn row(theme: &Theme, pattern: &Pattern) -> Line<'static> {
    let style = severity_style(theme, pattern.severity());
    let marked = match pattern.novelty {
        Some(Novelty::New) => theme.warn,
        _ => theme.dim,
    };
    let severity = pattern.severity().letter();
    let (count, share) = (pattern.count.to_string(), text::percent(pattern.share));
    Line::from(vec![
        Span::styled(text::pad(pattern.mark(), 5), marked),
        Span::styled(format!("{severity} "), style),
        Span::styled(text::pad_left(&count, 9), theme.text),
        Span::styled(text::pad_left(&share, 7), theme.dim),
        Span::styled(format!("  {} ", text::pad(&pattern.trend(), 9)), theme.text),
        Span::styled(
            text::pad(&text::escape(&pattern.service), 11) + " ",
            theme.info,
        ),
        Span::styled(text::escape(&pattern.template).into_owned(), style),
    ])
}

fn details(surface: &mut Surface<'_>, area: Rect, pattern: &Pattern) {
    let keys = "Enter only these  ! without them  Esc lines";
    let inner = surface.titled(area, "One of them", keys, false);
    if inner.is_empty() {
        return;
    }
    let theme = surface.theme;
    let at = |ns: i64| clock_millis(ns.div_euclid(1_000_000));
    let when = format!(
        "{} before, {} since · first {} · last {}",
        pattern.before,
        pattern.after,
        at(pattern.first_ns),
        at(pattern.last_ns)
    );
    let (sample, foot) = cut::bottom(inner, 1);
    let wide = usize::from(sample.width.saturating_sub(2)).max(1);
    let mut said = text::wrap(text::head(&pattern.sample, wide * 8), wide);
    let room = usize::from(sample.height);
    if said.len() > room {
        said.truncate(room);
        if let Some(last) = said.last_mut() {
            *last = text::fit(last, wide.saturating_sub(2)) + " …";
        }
    }
    for (line, y) in said.iter().zip(sample.top()..sample.bottom()) {
        surface.text(sample.x + 1, y, sample.width, line, theme.text);
    }
    surface.text(foot.x + 1, foot.y, foot.width, &when, theme.dim);
}

/// One as a JSON object.
#[must_use]
pub fn as_json(pattern: &Pattern) -> String {
    serde_json::json!({
        "template": pattern.template, "service": pattern.service, "level": pattern.level, "count": pattern.count,
        "share": pattern.share, "before": pattern.before, "since": pattern.after, "mark": pattern.mark(),
        "rate_change": pattern.change, "sample": pattern.sample, "query": pattern.query,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_narrows_the_query_that_it_was_found_by() {
        let pattern = Pattern {
            service: "orders".to_owned(),
            level: "warn".to_owned(),
            template: "took <*>".to_owned(),
            count: 2,
            share: 1.0,
            before: 0,
            after: 2,
            novelty: None,
            change: None,
            first_ns: 0,
            last_ns: 1,
            sample: "took 3".to_owned(),
            query: r#"{service="orders", level="warn"} |~ "(?s)^\\s*took\\s+.+?\\s*$""#.to_owned(),
        };
        let words = r#"|~ "(?s)^\\s*took\\s+.+?\\s*$""#;
        for (query, only) in [
            (r#"{service=~".+"}"#, r#"{service="orders", level="warn"}"#),
            (
                r#"{service="orders"} |= "x""#,
                r#"{service="orders", level="warn"} |= "x""#,
            ),
        ] {
            let wanted = format!("{only} {words}");
            assert_eq!(narrowed(query, &pattern, true), Some(wanted));
        }
        let without = narrowed("{a=\"b\"}", &pattern, false).unwrap();
        assert_eq!(
            without,
            format!("{{a=\"b\"}} {}", words.replace("|~", "!~"))
        );
    }
}
