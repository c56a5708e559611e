//! What is promised of the edge, what is left of its error budgets, and how fast they burn: as a line, as a table, in full.
//! All figures are the lab's own; nothing is counted here.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::app::receive::refusal;
use crate::client::derived::{Objective, Policy};
use crate::text;
use crate::theme::Theme;

/// What the words mean, for who meets them for the first time.
const GLOSSARY: &str = "\
An objective says which share of requests must be good, over a stretch of time.
Error budget: the requests that may fail without breaking the promise. A goal of 99.9 % lets one of 1,000 fail. 100 % left: \
none has failed; 0 %: as many have as may, and the budget is exhausted.
Burn rate: how many times as fast as it may the budget is used up. At 1× it lasts for just that stretch; at 6× for a sixth of it.
Green: more than 75 % of the budget is left; yellow: more than 25 %; red: less; exhausted: nothing. The redder, the less you should change.
A budget burns too fast when its burn rate is over a bound in a long window (so that it matters) and in a short one (so that it still goes on). \
Tightest bound: a page. Loosest: a ticket.";

/// The objectives of the edge, which stands first among the services, the one whose budget is nearest to its end first.
#[must_use]
pub fn of_edge(app: &App) -> Vec<&Objective> {
    let edge = app.drill().and_then(|drill| drill.services.first());
    let known = app.views.overview.objectives.value.iter().flatten();
    let mut all: Vec<&Objective> = known
        .filter(|o| edge.is_none_or(|edge| edge.name == o.service))
        .collect();
    let left = |o: &Objective| o.error_budget_remaining.unwrap_or(f64::INFINITY);
    all.sort_by(|a, b| left(a).total_cmp(&left(b)));
    all
}

/// Why there is nothing to show, if there is nothing.
fn missing(app: &App) -> Option<String> {
    let known = &app.views.overview.objectives;
    if let Some(why) = refusal(known) {
        return Some(why);
    }
    if known.value.is_none() {
        return Some("objectives: measuring …".to_owned());
    }
    let all = of_edge(app);
    let Some(first) = all.first() else {
        return Some("objectives: none are set".to_owned());
    };
    let measured = all.iter().any(|o| o.sli.is_some());
    let period = text::stretch((first.window_s * 1000.0) as i64);
    (!measured).then(|| format!("objectives: no requests in the last {period}"))
}

/// The objectives for the list: a table where there is room, else a line on the one that is worst off.
#[must_use]
pub fn lines(app: &App, width: usize, table: bool, theme: &Theme) -> Vec<Line<'static>> {
    if let Some(why) = missing(app) {
        return vec![Line::styled(why, theme.dim)];
    }
    let all = of_edge(app);
    match table {
        true => table_of(&all, theme),
        false => vec![worst(&all, width, theme)],
    }
}

/// The worst one in as many words as there is room for, and how many others have lost part of their budgets.
fn worst(all: &[&Objective], width: usize, theme: &Theme) -> Line<'static> {
    let Some(first) = all.first() else {
        return Line::default();
    };
    let mut spans = vec![
        Span::styled(
            format!("{} {} (goal {}): ", first.name, reached(first), goal(first)),
            theme.text,
        ),
        Span::styled(budget(first), style(first.policy, theme)),
    ];
    let in_need = |o: &&&Objective| o.policy.is_some_and(|policy| policy != Policy::Green);
    let others = all[1..].iter().filter(in_need);
    let parts = [
        pace(first),
        gone(first).map(|when| format!("gone in {when}")),
        Some(others.count())
            .filter(|many| *many > 0)
            .map(|many| format!("{many} more")),
    ];
    let mut used: usize = spans.iter().map(|s| text::width(&s.content)).sum();
    for part in parts.into_iter().flatten() {
        let part = format!(" · {part}");
        used += text::width(&part);
        if used > width {
            break;
        }
        spans.push(Span::styled(part, theme.dim));
    }
    Line::from(spans)
}

/// Cells of the columns of the table: reached, goal, budget, burn rate.
const CELLS: [usize; 4] = [10, 9, 17, 14];
const NAME_CELLS: usize = 16;

fn table_of(all: &[&Objective], theme: &Theme) -> Vec<Line<'static>> {
    let (period, now) = all.first().map_or((0.0, 0.0), |o| {
        (o.window_s, o.burn_rates.first().map_or(0.0, |b| b.window_s))
    });
    let [period, now] = [period, now].map(|s| text::stretch((s * 1000.0) as i64));
    let burn = format!("burn, {now}");
    let titles = ["reached", "goal", "budget left", &burn];
    let titles = titles.iter().zip(CELLS);
    let titles: String = titles.map(|(t, cells)| text::pad_left(t, cells)).collect();
    let heading = format!("Objectives, {period}");
    let mut lines = vec![Line::from(vec![
        Span::styled(text::pad(&heading, NAME_CELLS + 2), theme.accent),
        Span::styled(format!("{titles}   o explains"), theme.dim),
    ])];
    lines.extend(all.iter().map(|o| row(o, theme)));
    lines
}

fn row(o: &Objective, theme: &Theme) -> Line<'static> {
    let style = style(o.policy, theme);
    let mark = match o.policy {
        Some(Policy::Green) => "● ",
        Some(Policy::Yellow) => "! ",
        Some(Policy::Red | Policy::Exhausted) => "✗ ",
        None => "○ ",
    };
    let left = match o.error_budget_remaining {
        Some(left) if left > 0.0 => format!("{} {}", text::percent(left), state(o)),
        Some(_) => "exhausted".to_owned(),
        None => "—".to_owned(),
    };
    let burn = o.burn_rate.map_or_else(|| "—".to_owned(), times);
    let mut after = match o.severity() {
        Some(severity) => format!("   {severity}"),
        None => String::new(),
    };
    if let Some(when) = gone(o) {
        after.push_str(&format!("   gone in {when}"));
    }
    Line::from(vec![
        Span::styled(mark, style),
        Span::styled(text::pad(&o.name, NAME_CELLS), theme.text),
        Span::styled(
            text::pad_left(&reached(o), CELLS[0]) + &text::pad_left(&goal(o), CELLS[1]),
            theme.text,
        ),
        Span::styled(text::pad_left(&left, CELLS[2]), style),
        Span::styled(text::pad_left(&burn, CELLS[3]), theme.text),
        Span::styled(after, theme.warn),
    ])
}

/// Each objective in full, and what the words mean.
#[must_use]
pub fn in_full(app: &App) -> String {
    if let Some(why) = missing(app) {
        return format!("{why}\n\n{GLOSSARY}");
    }
    let each: Vec<String> = of_edge(app).into_iter().map(told).collect();
    format!("{}\n\n{GLOSSARY}", each.join("\n\n"))
}

fn told(o: &Objective) -> String {
    let period = text::stretch((o.window_s * 1000.0) as i64);
    let mut lines = vec![format!("{}: {}", o.name, o.description)];
    lines.push(match (o.total, o.failed) {
        (Some(total), Some(failed)) => format!(
            "goal {}, reached {} in the last {period}: {failed:.0} of {total:.0} failed",
            goal(o),
            reached(o)
        ),
        _ => format!("goal {}, nothing measured in the last {period}", goal(o)),
    });
    let gone = gone(o).map_or_else(String::new, |when| {
        format!("; if it goes on, nothing in {when}")
    });
    lines.push(budget(o) + &gone);
    let burns = o.burn_rates.iter().map(|burn| {
        let over = text::stretch((burn.window_s * 1000.0) as i64);
        let rate = burn.burn_rate.map_or_else(|| "no data".to_owned(), times);
        format!("{rate} over {over}")
    });
    lines.push(format!(
        "burn rate {}",
        burns.collect::<Vec<_>>().join(", ")
    ));
    let too_fast = o.pairs.iter().filter(|pair| pair.burning == Some(true));
    lines.extend(too_fast.map(|pair| {
        format!(
            "burns too fast for a {}: over {} in {} and in {}",
            pair.severity,
            times(pair.factor),
            pair.long,
            pair.short
        )
    }));
    lines.join("\n")
}

fn style(policy: Option<Policy>, theme: &Theme) -> Style {
    match policy {
        Some(Policy::Green) => theme.good,
        Some(Policy::Yellow) => theme.warn,
        Some(Policy::Red | Policy::Exhausted) => theme.bad,
        None => theme.dim,
    }
}

fn reached(o: &Objective) -> String {
    o.sli
        .map_or_else(|| "—".to_owned(), |share| format!("{:.2} %", share * 100.0))
}

fn state(o: &Objective) -> &'static str {
    o.policy.map_or("unknown", Policy::word)
}

/// The goal with the decimals that it was given.
fn goal(o: &Objective) -> String {
    let percent = format!("{:.6}", o.objective * 100.0);
    format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
}

fn budget(o: &Objective) -> String {
    match o.error_budget_remaining {
        Some(left) if left > 0.0 => format!("budget {} left ({})", text::percent(left), state(o)),
        Some(_) => "budget exhausted".to_owned(),
        None => "budget unknown".to_owned(),
    }
}

/// `12×`, `0.4×`: a burn rate.
fn times(rate: f64) -> String {
    match rate {
        rate if rate >= 10.0 => format!("{rate:.0}×"),
        rate if rate > 0.0 => format!("{rate:.1}×"),
        _ => "0×".to_owned(),
    }
}

fn pace(o: &Objective) -> Option<String> {
    Some(match o.burn_rate? {
        rate if rate > 0.0 => format!("burns at {}", times(rate)),
        _ => "not burning".to_owned(),
    })
}

/// How long the budget lasts, where it ends.
fn gone(o: &Objective) -> Option<String> {
    let seconds = o.exhausted_in_s.filter(|seconds| *seconds > 0.0)?;
    Some(text::stretch((seconds * 1000.0).round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ThemeName;

    fn objective(name: &str, left: Option<f64>, burn_rate: Option<f64>) -> Objective {
        let policy = left.map(|left| match left {
            left if left > 0.75 => Policy::Green,
            left if left > 0.25 => Policy::Yellow,
            left if left > 0.0 => Policy::Red,
            _ => Policy::Exhausted,
        });
        Objective {
            service: "edge".to_owned(),
            name: name.to_owned(),
            description: String::new(),
            objective: 0.95,
            window_s: 3_600.0,
            total: left.map(|_| 1_000.0),
            failed: left.map(|left| (1.0 - left) * 50.0),
            sli: left.map(|left| 1.0 - (1.0 - left) * 0.05),
            error_budget_remaining: left,
            burn_rate,
            burn_rates: Vec::new(),
            pairs: Vec::new(),
            policy,
            exhausted_in_s: burn_rate.filter(|rate| *rate > 1.0).map(|_| 90.0),
        }
    }

    fn line(all: &[Objective], width: usize) -> String {
        let theme = Theme::new(ThemeName::None);
        let all: Vec<&Objective> = all.iter().collect();
        let line = worst(&all, width, &theme);
        line.spans
            .iter()
            .map(|span| span.content.as_ref())
            .collect()
    }

    #[test]
    fn a_line_says_as_much_as_fits_and_no_part_of_it_is_cut() {
        let all = [
            objective("latency", Some(0.5), Some(2.0)),
            objective("errors", Some(0.2), Some(0.0)),
            objective("rest", Some(0.9), Some(0.4)),
        ];
        assert_eq!(
            line(&all, 200),
            "latency 97.50 % (goal 95 %): budget 50 % left (yellow) · burns at 2.0× · gone in 90 s · 1 more"
        );
        assert_eq!(
            line(&all, 90),
            "latency 97.50 % (goal 95 %): budget 50 % left (yellow) · burns at 2.0× · gone in 90 s"
        );
        assert_eq!(
            line(&all[2..], 200),
            "rest 99.50 % (goal 95 %): budget 90 % left (green) · burns at 0.4×"
        );
    }

    #[test]
    fn what_is_not_known_is_not_called_good() {
        let unknown = objective("latency", None, None);
        assert_eq!(
            line(std::slice::from_ref(&unknown), 200),
            "latency — (goal 95 %): budget unknown"
        );
        let told = told(&unknown);
        assert!(
            told.contains("nothing measured in the last 60 min"),
            "{told}"
        );
    }

    #[test]
    fn goals_and_rates_have_the_decimals_that_they_need() {
        let of = |share: f64| {
            goal(&Objective {
                objective: share,
                ..objective("x", None, None)
            })
        };
        assert_eq!(
            [of(0.999), of(0.95), of(0.9999)],
            ["99.9 %", "95 %", "99.99 %"]
        );
        assert_eq!(
            [times(0.0), times(0.44), times(14.4)],
            ["0×", "0.4×", "14×"]
        );
    }
}
