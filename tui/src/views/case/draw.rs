//! Draws the notebook: sections that scroll as one page, and the steps of an incident with those that are done.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use api::{Case, HypothesisState};

use super::state::{self, Item};
use super::steps::{STEPS, Step};
use super::{details, pins};
use crate::app::App;
use crate::app::receive::refusal;
use crate::text;
use crate::theme::Theme;
use crate::widgets::cut;
use crate::widgets::surface::{Section, Surface};

/// Draws the view.
pub fn draw(app: &App, surface: &mut Surface<'_>, area: Rect) {
    let theme = surface.theme;
    let Some(case) = &app.known.case.value else {
        let said = refusal(&app.known.case).unwrap_or_else(|| "reading the notebook …".to_owned());
        surface.text(area.x + 1, area.y, area.width, &said, theme.dim);
        return;
    };
    let items = state::items(app);
    let (area, beside) = match area.width >= WIDE {
        true => cut::left(area, area.width * 3 / 5),
        false => cut::bottom(area, 0),
    };
    let width = usize::from(area.width.saturating_sub(2));
    let mut page = Page {
        rows: Vec::new(),
        items: &items,
        width,
        theme,
        open: app.may_act(),
    };
    page.rows.push((summary(app, theme), None));
    page.evidence(case);
    page.hypotheses(case);
    page.diagnoses(app, case);
    page.hints(app, case);
    page.notes(app, case);
    page.steps(app);
    if let Some(why) = refusal(&app.known.case) {
        page.rows.push((Line::styled(why, theme.bad), None));
    }
    let rows = page.rows;
    let at = app.views.case.at.of(items.len());
    let Some(item) = items.get(at).copied() else {
        surface.sections(area, rows, at);
        return;
    };
    let (area, below) = match beside.is_empty() && is_cut(&rows, at, width) {
        true => under(app, area, item, theme),
        false => (area, beside),
    };
    surface.sections(area, rows, at);
    if !below.is_empty() {
        let title = details::title(app, item);
        let inner = cut::indented(surface.titled(below, &title, "", false));
        let width = usize::from(inner.width.saturating_sub(1));
        let lines = details::lines(app, item, width, surface.theme);
        surface.scrolled(inner, &lines, 0);
    }
}

/// From this width on the selected entry stands beside the notebook in full.
const WIDE: u16 = 130;
/// Rows of it below the notebook at most, and rows that the notebook keeps.
const UNDER: (u16, u16) = (7, 12);

/// Whether the row of the selected entry had to be cut.
fn is_cut(rows: &[Section], at: usize, width: usize) -> bool {
    let row = rows.iter().find(|(_, item)| *item == Some(at));
    row.is_some_and(|(line, _)| line.width() > width)
}

/// The notebook, and below it a place for the selected entry.
fn under(app: &App, area: Rect, item: Item, theme: &Theme) -> (Rect, Rect) {
    let lines = details::lines(app, item, usize::from(area.width.saturating_sub(2)), theme);
    let rows = cut::cells(lines.len()).saturating_add(1).min(UNDER.0);
    cut::bottom(area, rows.min(area.height.saturating_sub(UNDER.1)))
}

struct Page<'a> {
    rows: Vec<Section>,
    items: &'a [Item],
    width: usize,
    theme: &'a Theme,
    /// Whether it can still be written into.
    open: bool,
}

impl Page<'_> {
    fn section(&mut self, title: &str, hint: &str, empty: bool, none: &str) {
        let room = self.width.saturating_sub(text::width(title) + 1);
        let title = Span::styled(format!("{title} "), self.theme.accent);
        let hint = if self.open { hint } else { "" };
        let hint = Span::styled(text::pad_left(hint, room), self.theme.dim);
        self.rows.push((Line::from(vec![title, hint]), None));
        if empty {
            let none = Line::styled(format!("  {none}"), self.theme.dim);
            self.rows.push((none, None));
        }
    }

    fn row(&mut self, line: Line<'static>, item: Item) {
        let place = self.items.iter().position(|i| *i == item);
        self.rows.push((line, place));
    }

    fn evidence(&mut self, case: &Case) {
        let none = "nothing pinned: press m on a log line, a span, a value or a change";
        self.section(
            "Evidence",
            "m pins in any view · c says why · x drops",
            case.pins.is_empty(),
            none,
        );
        for (i, pin) in case.pins.iter().enumerate() {
            self.row(pin_row(pin, self.theme), Item::Pin(i));
        }
    }

    fn hypotheses(&mut self, case: &Case) {
        let none = "none: write down what you suspect before you look further";
        let hint = "+ opens one · s supports · r rejects";
        self.section("Hypotheses", hint, case.hypotheses.is_empty(), none);
        for (i, hypothesis) in case.hypotheses.iter().enumerate() {
            self.row(hypothesis_row(hypothesis, self.theme), Item::Hypothesis(i));
        }
    }

    fn diagnoses(&mut self, app: &App, case: &Case) {
        self.section(
            "Diagnoses",
            "S submits",
            case.diagnoses.is_empty(),
            "none submitted",
        );
        for (i, diagnosis) in case.diagnoses.iter().enumerate() {
            let (mark, style) = match diagnosis.right {
                true => ("✓", self.theme.good),
                false => ("✗", self.theme.bad),
            };
            let item = Item::Diagnosis(i);
            let said = format!("{mark} {}", state::text_of(app, item));
            self.row(Line::styled(said, style), item);
        }
    }

    fn hints(&mut self, app: &App, case: &Case) {
        let left = case.hints_left;
        let next = case.next_hint_cost_min.map_or_else(
            || "none left".to_owned(),
            |cost| format!("{left} left · next {} · T", state::price(cost)),
        );
        self.section("Hints", &next, case.hints.is_empty(), "none taken");
        for i in 0..case.hints.len() {
            let item = Item::Hint(i);
            let lines = text::wrap(&state::text_of(app, item), self.width);
            for (n, line) in lines.into_iter().enumerate() {
                let line = Line::styled(line, self.theme.text);
                match n {
                    0 => self.row(line, item),
                    _ => self.rows.push((line, None)),
                }
            }
        }
    }

    /// What to do in each step, what ticks it, and where Enter leads.
    fn steps(&mut self, app: &App) {
        self.section("Steps", "Enter goes there", false, "");
        for (i, step) in STEPS.iter().enumerate() {
            let (mark, style) = tick(app, step, self.theme);
            let name = format!("{mark} {}", text::pad(step.name, 12));
            let place = format!(" → {}", step.place);
            let room = self
                .width
                .saturating_sub(text::width(&name) + text::width(&place));
            let what = text::pad(&text::fit(&step.what(app), room), room);
            let line = Line::from(vec![
                Span::styled(name, style),
                Span::styled(what, self.theme.text),
                Span::styled(place, self.theme.accent),
            ]);
            self.row(line, Item::Step(i));
        }
    }

    fn notes(&mut self, app: &App, case: &Case) {
        self.section(
            "Notes",
            "M note · U status update",
            case.notes.is_empty(),
            "none",
        );
        for i in 0..case.notes.len() {
            let item = Item::Note(i);
            self.row(
                Line::styled(state::text_of(app, item), self.theme.text),
                item,
            );
        }
    }
}

/// The mark of a step and its style: a filled one is done.
fn tick(app: &App, step: &Step, theme: &Theme) -> (&'static str, Style) {
    match (step.done)(app) {
        true => ("●", theme.good),
        false => ("○", theme.dim),
    }
}

/// The steps of an incident in a line.
fn summary(app: &App, theme: &Theme) -> Line<'static> {
    let said = |step: &Step| {
        let (mark, style) = tick(app, step, theme);
        Span::styled(format!("{mark} {}  ", step.name), style)
    };
    Line::from(STEPS.iter().map(said).collect::<Vec<_>>())
}

fn pin_row(pin: &api::Pin, theme: &Theme) -> Line<'static> {
    let note = if pin.note.is_empty() {
        String::new()
    } else {
        format!("  ({})", pin.note)
    };
    let (time, said) = (pins::when(pin), pins::said(pin));
    Line::from(vec![
        Span::styled(format!("#{:<3}", pin.id), theme.accent),
        Span::styled(format!("{time} "), theme.dim),
        Span::styled(
            format!("{} ", text::pad(state::kind_of(&pin.target), 6)),
            theme.info,
        ),
        Span::styled(format!("{said}{note}"), theme.text),
    ])
}

fn hypothesis_row(hypothesis: &api::Hypothesis, theme: &Theme) -> Line<'static> {
    let (mark, word) = state::state_word(hypothesis.state);
    let style = match hypothesis.state {
        HypothesisState::Open => theme.warn,
        HypothesisState::Supported => theme.good,
        HypothesisState::Rejected => theme.dim,
    };
    let about: Vec<&str> = [
        hypothesis.component.as_deref(),
        hypothesis.mechanism.as_deref(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let pins: Vec<String> = hypothesis.pins.iter().map(|p| format!("#{p}")).collect();
    Line::from(vec![
        Span::styled(format!("{mark} {} ", text::pad(word, 9)), style),
        Span::styled(format!("{} ", hypothesis.text), theme.text),
        Span::styled(about.join(" / "), theme.info),
        Span::styled(format!(" {}", pins.join(" ")), theme.accent),
    ])
}
