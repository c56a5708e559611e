//! Choosing among many within a form: type to filter, headings over groups, the meaning of what is selected below.

use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use tui_input::Input;

use super::cursor::first_row;
use super::cut;
use super::form::{Choosable, Field, Value};
use super::surface::Surface;
use crate::text;
use crate::theme::Theme;

/// Where one stands while choosing.
#[derive(Debug, Clone, Default)]
pub struct Picker {
    /// What was typed.
    pub filter: Input,
    /// Place among the choices that hold it.
    pub at: usize,
    /// Groups that are folded: their first choice stands for all of them.
    folded: Vec<String>,
}

impl Picker {
    /// At one of the choices.
    #[must_use]
    pub fn at(at: usize) -> Self {
        Self {
            at,
            ..Self::default()
        }
    }

    fn folds(&self, group: &str) -> bool {
        // whoever searches wants to see what is found
        self.filter.value().trim().is_empty() && self.folded.iter().any(|folded| folded == group)
    }

    /// Places of the choices that are shown, of a folded group the first.
    #[must_use]
    pub fn shown(&self, options: &[Choosable]) -> Vec<usize> {
        let mut found = filtered(options, self.filter.value());
        found.dedup_by(|next, before| {
            let group = &options[*next].group;
            self.folds(group) && options[*before].group == *group
        });
        found
    }

    /// Folds the group of the choice that one stands on, or unfolds it; false when nothing changed.
    pub fn fold(&mut self, options: &[Choosable], fold: bool) -> bool {
        let shown = self.shown(options);
        let Some(here) = shown.get(self.at).map(|i| &options[*i]) else {
            return false;
        };
        let group = here.group.clone();
        if group.is_empty() || self.folds(&group) == fold || !self.filter.value().is_empty() {
            return false;
        }
        match fold {
            true => self.folded.push(group.clone()),
            false => self.folded.retain(|folded| *folded != group),
        }
        let shown = self.shown(options);
        let first = shown.iter().position(|i| options[*i].group == group);
        self.at = first.unwrap_or(0);
        true
    }
}

/// Places of the choices that hold what was typed: first those whose name it is, then those whose name begins with it
/// or holds it, then those that only speak of it, or of its words. Where headings stand over the choices, a group stays together.
#[must_use]
pub fn filtered(options: &[Choosable], filter: &str) -> Vec<usize> {
    let filter = filter.trim().to_lowercase();
    if filter.is_empty() {
        return (0..options.len()).collect();
    }
    let found: Vec<(u8, usize)> = (0..options.len())
        .filter_map(|i| Some((distance(&options[i], &filter)?, i)))
        .collect();
    let nearest = |group: &str| {
        let same = found.iter().filter(|(_, i)| options[*i].group == group);
        same.map(|(far, _)| *far).min()
    };
    let mut keys: Vec<_> = found
        .iter()
        .map(|(far, i)| {
            let group = &options[*i].group;
            let first = options.iter().position(|o| o.group == *group);
            match group.is_empty() {
                true => (Some(*far), None, *far, *i),
                false => (nearest(group), first, *far, *i),
            }
        })
        .collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| key.3).collect()
}

/// How far a choice is from what was typed, or nothing where it does not hold it.
fn distance(option: &Choosable, filter: &str) -> Option<u8> {
    let id = option.id.to_lowercase();
    let told = format!("{} {} {}", option.id, option.text, option.group).to_lowercase();
    if id == filter {
        Some(0)
    } else if id.starts_with(filter) {
        Some(1)
    } else if id.contains(filter) {
        Some(2)
    } else if told.contains(filter) {
        Some(3)
    } else {
        // its words, or how they begin, in whatever order
        let words = || told.split(|c: char| !c.is_alphanumeric());
        let begins = |typed: &str| words().any(|word| word.starts_with(typed));
        filter.split_whitespace().all(begins).then_some(4)
    }
}

/// Rows of choices that stay, however small the area.
const CHOICES: u16 = 4;

/// Draws it: the filter, the choices under their headings, and what the selected one means. `taken` has the places of what
/// other fields have taken of the same choices, and their names.
pub fn draw(
    surface: &mut Surface<'_>,
    area: Rect,
    picker: &Picker,
    field: &Field,
    taken: &[(usize, &str)],
) {
    let theme = surface.theme;
    if area.is_empty() {
        return;
    }
    let (line, rest) = cut::top(area, 1);
    let label = format!("{}: ", field.label);
    let x = surface.text(line.x, line.y, line.width, &label, theme.accent);
    let room = line.right().saturating_sub(x);
    let x = surface.text(x, line.y, room, picker.filter.value(), theme.text);
    surface.cursor = Some(Position::new(x.min(line.right() - 1), line.y));
    let options = field.options();
    let found = picker.shown(options);
    let Some(chosen) = found.get(picker.at.min(found.len().saturating_sub(1))) else {
        let typed = picker.filter.value();
        let why = match options.is_empty() {
            true => "nothing to choose from yet".to_owned(),
            false => format!("no {} holds {typed:?}; Backspace widens", field.label),
        };
        return surface.say(rest, &why, theme.dim);
    };
    let folded = picker.folds(&options[*chosen].group);
    let meaning = match folded {
        true => &options[*chosen].group,
        false => &options[*chosen].text,
    };
    let about = text::wrap(meaning, usize::from(area.width));
    // the choices come first: where there is room for few, what the selected one means gives way
    let about_rows = (cut::cells(about.len()).min(3) + 1).min(rest.height.saturating_sub(CHOICES));
    let (list, below) = cut::bottom(rest, about_rows);
    draw_options(surface, list, field, (picker, *chosen), taken);
    for (line, row) in about.iter().zip(below.rows().skip(1)) {
        surface.text(row.x, row.y, row.width, line, theme.info);
    }
}

fn draw_options(
    surface: &mut Surface<'_>,
    area: Rect,
    field: &Field,
    (picker, chosen): (&Picker, usize),
    taken: &[(usize, &str)],
) {
    let theme = surface.theme;
    let options = field.options();
    let width = usize::from(area.width.saturating_sub(1));
    let mut rows: Vec<Line<'static>> = Vec::new();
    let mut row_of_choice = 0;
    let mut group = "";
    for index in picker.shown(options) {
        let option = &options[index];
        let here = index == chosen;
        if picker.folds(&option.group) {
            if here {
                row_of_choice = rows.len();
            }
            rows.push(folded_row(options, &option.group, here, width, theme));
            continue;
        }
        if option.group != group {
            group = &option.group;
            rows.push(Line::styled(option.group.clone(), theme.dim));
        }
        if here {
            row_of_choice = rows.len();
        }
        let by = taken.iter().find(|(place, _)| *place == index);
        let by = by.map(|(_, label)| *label);
        rows.push(option_row(
            option,
            here,
            (&mark(field, index), by),
            width,
            theme,
        ));
    }
    let first = first_row(row_of_choice, rows.len(), usize::from(area.height));
    surface.scrolled(area, &rows, first);
}

/// A folded group: its heading, with how many choices it hides.
fn folded_row(
    options: &[Choosable],
    group: &str,
    here: bool,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let count = options.iter().filter(|o| o.group == group).count();
    let mark = if here { "▸" } else { " " };
    let line = text::fit(&format!("{mark}+ {count} in {group}"), width);
    let style = if here { theme.selected } else { theme.text };
    Line::styled(text::pad(&line, width), style)
}

fn mark(field: &Field, index: usize) -> String {
    match &field.value {
        Value::Many(_, chosen) => chosen
            .iter()
            .position(|c| *c == index)
            .map_or_else(|| "[ ] ".to_owned(), |place| format!("[{}] ", place + 1)),
        Value::One(_, Some(chosen)) if *chosen == index => "● ".to_owned(),
        _ => "○ ".to_owned(),
    }
}

fn option_row(
    option: &Choosable,
    here: bool,
    (mark, by): (&str, Option<&str>),
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let indent = if option.group.is_empty() { "" } else { "  " };
    let lead = format!(
        "{}{indent}{mark}{}",
        if here { "▸" } else { " " },
        if option.sentence { "" } else { &option.id }
    );
    if option.sentence {
        // before the text, which may be cut
        let by = by.and_then(|label| label.split(':').next());
        let by = by.map_or_else(String::new, |label| format!("({label}) "));
        let line = format!("{lead}{by}{}", option.text);
        let style = if here { theme.selected } else { theme.text };
        return Line::styled(text::pad(&text::fit(&line, width), width), style);
    }
    let room = width.saturating_sub(text::width(&lead) + 2);
    let rest = if option.text == option.id {
        String::new()
    } else {
        format!("  {}", text::fit(&option.text, room))
    };
    if here {
        return Line::styled(text::pad(&format!("{lead}{rest}"), width), theme.selected);
    }
    Line::from(vec![
        Span::styled(lead, theme.text),
        Span::styled(rest, theme.dim),
    ])
}
