//! A form in a box: lines of text, choices with their definitions, sets, a percentage. Knows not what is asked for.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::{Position, Rect};
use tui_input::Input;

use super::cut;
use super::picker::{self, Picker, filtered};
use super::query::edit;
use super::surface::Surface;
use crate::text;

/// Something that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choosable {
    /// What is sent.
    pub id: String,
    /// What is shown.
    pub text: String,
    /// Heading that it stands under, or empty.
    pub group: String,
    /// Whether the text says it all, and the id is for the machine alone.
    pub sentence: bool,
}

/// What a field holds.
#[derive(Debug, Clone)]
pub enum Value {
    /// Text.
    Text(Input),
    /// One of several.
    One(Vec<Choosable>, Option<usize>),
    /// Any of several, in the order in which they were chosen.
    Many(Vec<Choosable>, Vec<usize>),
    /// 0 to 100, once it is said.
    Percent(Option<u8>),
}

/// A field.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub label: &'static str,
    /// What it holds.
    pub value: Value,
}

/// What a key led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// The form stays.
    Nothing,
    /// It was left; what was typed may be kept.
    Left,
    /// It was handed in.
    Submitted,
}

/// A form.
#[derive(Debug, Clone)]
pub struct Form {
    /// Title.
    pub title: String,
    /// Lines above the fields.
    pub intro: String,
    /// What the button says.
    verb: &'static str,
    /// Fields.
    pub fields: Vec<Field>,
    /// What is missing or wrong.
    pub error: Option<String>,
    focus: usize,
    picker: Option<Picker>,
}

/// Where an arrow begins in a percentage that nobody has said yet.
const HALF: u8 = 50;

impl Field {
    /// A line of text.
    #[must_use]
    pub fn text(label: &'static str) -> Self {
        Self {
            label,
            value: Value::Text(Input::default()),
        }
    }

    /// One of several.
    #[must_use]
    pub fn one(label: &'static str, options: Vec<Choosable>) -> Self {
        Self {
            label,
            value: Value::One(options, None),
        }
    }

    /// Any of several.
    #[must_use]
    pub fn many(label: &'static str, options: Vec<Choosable>) -> Self {
        Self {
            label,
            value: Value::Many(options, Vec::new()),
        }
    }

    /// The text or the chosen id; empty when there is none.
    #[must_use]
    pub fn said(&self) -> String {
        match &self.value {
            Value::Text(input) => input.value().trim().to_owned(),
            Value::One(options, chosen) => chosen
                .and_then(|i| options.get(i))
                .map(|o| o.id.clone())
                .unwrap_or_default(),
            Value::Many(..) => self.all().join(", "),
            Value::Percent(value) => value.map(|v| v.to_string()).unwrap_or_default(),
        }
    }

    /// Fills it in: with text or a number, or with what has these ids, parted by commas; ids that are none of the choices
    /// are left out.
    pub fn fill(&mut self, said: &str) {
        let place = |options: &[Choosable], id: &str| options.iter().position(|o| o.id == id);
        match &mut self.value {
            Value::Text(input) => *input = Input::new(said.to_owned()),
            Value::One(options, chosen) => *chosen = place(options, said),
            Value::Many(options, chosen) => {
                let ids = said.split(',').map(str::trim);
                *chosen = ids.filter_map(|id| place(options, id)).collect();
            }
            Value::Percent(value) => {
                *value = said.parse().ok().map(|p: u8| p.min(100)).or(*value);
            }
        }
    }

    /// The chosen ids of a set.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        match &self.value {
            Value::Many(options, chosen) => chosen
                .iter()
                .filter_map(|i| options.get(*i))
                .map(|o| o.id.clone())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// What can be chosen; nothing in a field of text or percent.
    #[must_use]
    pub fn options(&self) -> &[Choosable] {
        match &self.value {
            Value::One(options, _) | Value::Many(options, _) => options,
            _ => &[],
        }
    }

    fn shown(&self) -> String {
        match &self.value {
            Value::Text(input) => input.value().to_owned(),
            Value::One(options, Some(i)) => options
                .get(*i)
                .map(|o| {
                    if o.sentence {
                        o.text.clone()
                    } else if o.text.is_empty() || o.text == o.id {
                        o.id.clone()
                    } else {
                        format!("{} · {}", o.id, o.text)
                    }
                })
                .unwrap_or_default(),
            Value::One(_, None) => "— Enter to choose".to_owned(),
            Value::Many(_, chosen) if chosen.is_empty() => "— Enter to choose".to_owned(),
            Value::Many(options, chosen) => {
                let ids: Vec<&str> = chosen
                    .iter()
                    .filter_map(|i| options.get(*i))
                    .map(|o| o.id.as_str())
                    .collect();
                format!(
                    "{}: {}",
                    text::count(ids.len(), "chosen", "chosen"),
                    ids.join(", ")
                )
            }
            Value::Percent(None) => "— digits or ← →, per cent".to_owned(),
            Value::Percent(Some(value)) => format!(
                "{value} %  {}  ← → change",
                text::pad(&text::bar(f64::from(*value) / 100.0, 20), 20)
            ),
        }
    }
}

impl Form {
    /// A form with its first field in focus.
    #[must_use]
    pub fn new(title: impl Into<String>, intro: impl Into<String>, fields: Vec<Field>) -> Self {
        Self {
            title: title.into(),
            intro: intro.into(),
            verb: "Hand in",
            fields,
            error: None,
            focus: 0,
            picker: None,
        }
    }

    /// The form, with a button that says this.
    #[must_use]
    pub fn verb(self, verb: &'static str) -> Self {
        Self { verb, ..self }
    }

    /// Puts the focus on the first field that is empty, or on the button where none is.
    pub fn focus_first_empty(&mut self) {
        let empty = self.fields.iter().position(|f| f.said().is_empty());
        self.focus = empty.unwrap_or(self.fields.len());
        self.picker = None;
    }

    /// The field of that label; a label that is none is a programmer's error.
    #[must_use]
    pub fn field(&self, label: &str) -> &Field {
        self.fields
            .iter()
            .find(|f| f.label == label)
            .expect("a form is read by the labels it was built with")
    }

    /// Handles a key.
    pub fn key(&mut self, key: KeyEvent) -> Happened {
        if self.picker.is_some() {
            self.pick(key);
            return Happened::Nothing;
        }
        self.error = None;
        let last = self.fields.len();
        match key.code {
            KeyCode::Esc => return Happened::Left,
            KeyCode::Down | KeyCode::Tab => self.focus = (self.focus + 1) % (last + 1),
            KeyCode::Up | KeyCode::BackTab => self.focus = (self.focus + last) % (last + 1),
            KeyCode::Enter if self.focus == last => return Happened::Submitted,
            _ => self.field_key(key),
        }
        Happened::Nothing
    }

    fn field_key(&mut self, key: KeyEvent) {
        let last = self.fields.len();
        let Some(field) = self.fields.get_mut(self.focus) else {
            match key.code {
                KeyCode::Char('j') => self.focus = 0,
                KeyCode::Char('k') => self.focus = last.saturating_sub(1),
                _ => {}
            }
            return;
        };
        match (&mut field.value, key.code) {
            (Value::Text(_) | Value::Percent(_), KeyCode::Enter) => self.focus += 1,
            (Value::Text(input), _) => {
                if let Some(request) = edit(key) {
                    input.handle(request);
                }
            }
            (Value::Percent(value), code) => match code {
                KeyCode::Left | KeyCode::Char('h' | '-') => {
                    *value = Some(value.map_or(HALF, |v| v.saturating_sub(5)))
                }
                KeyCode::Right | KeyCode::Char('l' | '+') => {
                    *value = Some(value.map_or(HALF, |v| v.saturating_add(5).min(100)))
                }
                KeyCode::Char(c) if c.is_ascii_digit() => {
                    let digit = c as u8 - b'0';
                    let before = value.unwrap_or(0);
                    *value = Some(if u16::from(before) * 10 + u16::from(digit) <= 100 {
                        before * 10 + digit
                    } else {
                        digit
                    });
                }
                KeyCode::Backspace => *value = value.map(|v| v / 10).filter(|v| *v > 0),
                KeyCode::Char('j') => self.focus += 1,
                KeyCode::Char('k') => self.focus = self.focus.saturating_sub(1),
                _ => {}
            },
            (Value::One(_, chosen), KeyCode::Backspace | KeyCode::Delete) => *chosen = None,
            (Value::Many(_, chosen), KeyCode::Backspace | KeyCode::Delete) => {
                chosen.pop();
            }
            (Value::One(_, chosen), KeyCode::Enter | KeyCode::Char(' ')) => {
                self.picker = Some(Picker::at(chosen.unwrap_or(0)))
            }
            (Value::Many(..), KeyCode::Enter | KeyCode::Char(' ')) => {
                self.picker = Some(Picker::default())
            }
            (_, KeyCode::Char('j')) => self.focus += 1,
            (_, KeyCode::Char('k')) => self.focus = self.focus.saturating_sub(1),
            // whoever types on a choice looks for it
            (_, KeyCode::Char(typed)) => {
                if filtered(field.options(), &typed.to_string()).is_empty() {
                    let label = field.label;
                    let said = format!("{label} is chosen, not typed: Enter shows the choices");
                    self.error = Some(said);
                    return;
                }
                self.picker = Some(Picker::default());
                self.pick(key);
            }
            _ => {}
        }
    }

    fn pick(&mut self, key: KeyEvent) {
        let (Some(picker), Some(field)) = (self.picker.as_mut(), self.fields.get_mut(self.focus))
        else {
            return;
        };
        let found = picker.shown(field.options());
        picker.at = picker.at.min(found.len().saturating_sub(1));
        match key.code {
            KeyCode::Esc => self.picker = None,
            KeyCode::Left if picker.fold(field.options(), true) => {}
            // what is folded is opened before it is chosen from
            KeyCode::Right | KeyCode::Enter | KeyCode::Tab | KeyCode::Char(' ')
                if picker.fold(field.options(), false) => {}
            KeyCode::Up => picker.at = picker.at.saturating_sub(1),
            KeyCode::Down => picker.at = (picker.at + 1).min(found.len().saturating_sub(1)),
            KeyCode::PageUp => picker.at = picker.at.saturating_sub(10),
            KeyCode::PageDown => picker.at = (picker.at + 10).min(found.len().saturating_sub(1)),
            KeyCode::Home => picker.at = 0,
            KeyCode::End => picker.at = found.len().saturating_sub(1),
            KeyCode::Enter | KeyCode::Tab => {
                if let (Value::One(_, chosen), Some(i)) = (&mut field.value, found.get(picker.at)) {
                    *chosen = Some(*i);
                }
                // what was chosen stays in focus to be read; only Tab, which means it, goes on
                self.picker = None;
                self.focus += usize::from(key.code == KeyCode::Tab);
            }
            KeyCode::Char(' ') if matches!(field.value, Value::Many(..)) => {
                if let (Value::Many(_, chosen), Some(i)) = (&mut field.value, found.get(picker.at))
                {
                    match chosen.iter().position(|c| c == i) {
                        Some(place) => drop(chosen.remove(place)),
                        None => chosen.push(*i),
                    }
                }
            }
            _ => {
                let before = picker.filter.value().trim().to_owned();
                if let Some(request) = edit(key) {
                    picker.filter.handle(request);
                }
                // a space alone narrows nothing, so the cursor stays where it is
                if picker.filter.value().trim() != before {
                    picker.at = 0;
                }
            }
        }
    }

    /// Inserts pasted text into the field in focus.
    pub fn paste(&mut self, pasted: &str) {
        for c in pasted.chars().filter(|c| !c.is_control()) {
            let key = KeyEvent::from(KeyCode::Char(c));
            if self.picker.is_none()
                && matches!(
                    self.fields.get(self.focus).map(|f| &f.value),
                    Some(Value::Text(_))
                )
            {
                self.field_key(key);
            }
        }
    }

    /// Draws the form over the middle of an area.
    pub fn draw(&self, surface: &mut Surface<'_>, area: Rect) {
        let width = area.width.min(110);
        let choosing = match (&self.picker, self.fields.get(self.focus)) {
            (Some(picker), Some(field)) => Some((picker, field)),
            _ => None,
        };
        if let Some((picker, field)) = choosing {
            let foot = match field.value {
                Value::Many(..) => "↑↓ move  type to filter  Space toggle  Enter done  Esc back",
                _ if field.options().iter().any(|o| !o.group.is_empty()) => {
                    "↑↓ move  ← → fold  type to filter  Enter take  Tab take, next  Esc back"
                }
                _ => "↑↓ move  type to filter  Enter take  Tab take, next  Esc back",
            };
            let inner = surface.dialog(area, width, area.height.min(40), &self.title, foot);
            return picker::draw(surface, inner, picker, field, &self.taken());
        }
        let intro = text::wrap(&self.intro, usize::from(width.saturating_sub(4)));
        // the border, the introduction, the fields and the button, with a line of space between
        let height = cut::cells(intro.len() + self.fields.len() + 6);
        let verb = self.verb.to_lowercase();
        let foot = format!("Tab ↑↓ field  Enter choose or {verb}  Esc leave (kept)");
        let inner = surface.dialog(area, width, height, &self.title, &foot);
        self.draw_fields(surface, inner);
    }

    /// What the other fields have taken of the choices of the one in focus, and their names.
    fn taken(&self) -> Vec<(usize, &'static str)> {
        let Some(here) = self.fields.get(self.focus) else {
            return Vec::new();
        };
        let others = self.fields.iter().enumerate();
        let same =
            others.filter(|(i, field)| *i != self.focus && field.options() == here.options());
        same.filter_map(|(_, field)| match field.value {
            Value::One(_, Some(chosen)) => Some((chosen, field.label)),
            _ => None,
        })
        .collect()
    }

    fn draw_fields(&self, surface: &mut Surface<'_>, area: Rect) {
        let theme = surface.theme;
        // below the introduction stand the fields, a line of space and the button
        let below = cut::cells(self.fields.len()).saturating_add(3);
        let intro = text::wrap(&self.intro, usize::from(area.width));
        let intro_rows = match self.intro.is_empty() {
            true => 0,
            false => (cut::cells(intro.len()) + 1).min(area.height.saturating_sub(below)),
        };
        let (above, rest) = cut::top(area, intro_rows);
        for (line, row) in intro.iter().zip(above.rows()) {
            surface.text(row.x, row.y, row.width, line, theme.dim);
        }
        let (fields, end) = cut::top(rest, cut::cells(self.fields.len()));
        for (index, row) in (0..self.fields.len()).zip(fields.rows()) {
            self.draw_field(surface, row, index);
        }
        let button = if end.height > 1 {
            cut::top(end, 1).1
        } else {
            end
        };
        self.draw_button(surface, button);
    }

    fn draw_field(&self, surface: &mut Surface<'_>, row: Rect, index: usize) {
        let theme = surface.theme;
        let field = &self.fields[index];
        let here = index == self.focus;
        let (mark, style) = if here {
            ("▸ ", theme.accent)
        } else {
            ("  ", theme.dim)
        };
        let widths = self.fields.iter().map(|f| text::width(f.label));
        let wide = widths.max().unwrap_or(0) + 2;
        let label = format!("{mark}{}", text::pad(field.label, wide));
        let x = surface.text(row.x, row.y, row.width, &label, style);
        let room = row.right().saturating_sub(x);
        let Value::Text(input) = &field.value else {
            let style = if here { theme.header } else { theme.text };
            surface.text(x, row.y, room, &field.shown(), style);
            return;
        };
        let scroll = if here {
            input.visual_scroll(usize::from(room.max(2)) - 1)
        } else {
            0
        };
        let shown: String = input.value().chars().skip(scroll).collect();
        surface.text(x, row.y, room, &shown, theme.text);
        if here {
            let column = cut::cells(input.visual_cursor().saturating_sub(scroll));
            let column = column.min(room.saturating_sub(1));
            surface.cursor = Some(Position::new(x + column, row.y));
        }
    }

    fn draw_button(&self, surface: &mut Surface<'_>, area: Rect) {
        let theme = surface.theme;
        let (label, style) = match self.focus == self.fields.len() {
            true => ("▸", theme.selected),
            false => (" ", theme.accent),
        };
        let label = format!("{label}[ {} ]", self.verb);
        if area.height == 0 {
            return;
        }
        let x = surface.text(area.x, area.y, area.width, &label, style) + 2;
        if let Some(error) = &self.error {
            let room = area.right().saturating_sub(x);
            surface.text(x, area.y, room, &format!("✗ {error}"), theme.bad);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        let option = |id: &str| Choosable {
            id: id.to_owned(),
            text: format!("about {id}"),
            ..Choosable::default()
        };
        Form::new(
            "t",
            "",
            vec![
                Field::one("who", vec![option("a"), option("b")]),
                Field::many("pins", vec![option("1"), option("2")]),
                Field {
                    label: "sure",
                    value: Value::Percent(None),
                },
                Field::text("why"),
            ],
        )
    }

    fn press(form: &mut Form, codes: &[KeyCode]) -> Happened {
        codes
            .iter()
            .map(|code| form.key(KeyEvent::from(*code)))
            .last()
            .unwrap_or(Happened::Nothing)
    }

    #[test]
    fn a_group_is_folded_and_opened_before_it_is_chosen_from() {
        let option = |id: &str, group: &str| Choosable {
            id: id.to_owned(),
            group: group.to_owned(),
            ..Choosable::default()
        };
        let options = vec![
            option("a1", "a"),
            option("a2", "a"),
            option("b1", "b"),
            option("b2", "b"),
        ];
        let mut form = Form::new("T", "", vec![Field::one("what", options)]);
        // from a2 the group a is folded: below it stands b1, which is chosen
        let (c, keys) = (
            KeyCode::Char,
            [KeyCode::Enter, KeyCode::Down, KeyCode::Left],
        );
        press(&mut form, &keys);
        press(&mut form, &[KeyCode::Down, KeyCode::Enter]);
        assert_eq!(form.field("what").said(), "b1");
        // Enter on a folded group opens it and chooses nothing yet
        press(&mut form, &[KeyCode::Enter, KeyCode::Left, KeyCode::Enter]);
        assert!(form.picker.is_some());
        press(&mut form, &[KeyCode::Down, KeyCode::Enter]);
        assert_eq!(form.field("what").said(), "b2");
        // what is searched is found in folded groups, too
        press(
            &mut form,
            &[
                KeyCode::Enter,
                KeyCode::Left,
                c('a'),
                c('2'),
                KeyCode::Enter,
            ],
        );
        assert_eq!(form.field("what").said(), "a2");
    }

    #[test]
    fn a_percentage_is_empty_until_it_is_said() {
        let mut form = form();
        assert_eq!(form.field("sure").said(), "");
        press(&mut form, &[KeyCode::Down, KeyCode::Down, KeyCode::Left]);
        assert_eq!(form.field("sure").said(), "50");
        press(&mut form, &[KeyCode::Right, KeyCode::Char('7')]);
        assert_eq!(form.field("sure").said(), "7");
        press(&mut form, &[KeyCode::Backspace]);
        assert_eq!(form.field("sure").said(), "");
        press(&mut form, &[KeyCode::Char('0')]);
        assert_eq!(form.field("sure").said(), "0");
    }

    #[test]
    fn a_form_is_filled_in_by_keys_alone() {
        let mut form = form();
        let c = KeyCode::Char;
        press(&mut form, &[KeyCode::Enter, KeyCode::Down, KeyCode::Tab]);
        press(
            &mut form,
            &[
                KeyCode::Enter,
                KeyCode::Down,
                c(' '),
                KeyCode::Up,
                c(' '),
                KeyCode::Enter,
                KeyCode::Tab,
            ],
        );
        press(&mut form, &[KeyCode::Right, c('8'), c('0'), KeyCode::Enter]);
        press(&mut form, &[c('s'), c('o'), KeyCode::Enter]);
        assert_eq!(press(&mut form, &[KeyCode::Enter]), Happened::Submitted);
        assert_eq!(form.field("who").said(), "b");
        assert_eq!(form.field("pins").all(), ["2", "1"]);
        assert_eq!(form.field("sure").said(), "80");
        assert_eq!(form.field("why").said(), "so");
    }

    #[test]
    fn typing_filters_the_choices() {
        let mut form = form();
        press(
            &mut form,
            &[
                KeyCode::Enter,
                KeyCode::Char('b'),
                KeyCode::Char(' '),
                KeyCode::Backspace,
                KeyCode::Backspace,
                KeyCode::Esc,
            ],
        );
        assert_eq!(form.field("who").said(), "");
        assert_eq!(filtered(form.fields[0].options(), "about b"), vec![1]);
        assert_eq!(filtered(form.fields[0].options(), "b abo"), vec![1]);
    }

    #[test]
    fn what_was_chosen_stays_in_focus_until_tab_goes_on_by_one() {
        let mut form = form();
        press(&mut form, &[KeyCode::Enter, KeyCode::Enter]);
        assert_eq!(form.focus, 0);
        press(&mut form, &[KeyCode::Tab]);
        assert_eq!(form.focus, 1);
    }

    #[test]
    fn words_typed_on_a_choice_that_holds_none_of_them_are_answered() {
        let mut form = form();
        press(&mut form, &[KeyCode::Char('z')]);
        assert!(form.picker.is_none());
        assert_eq!(
            form.error.as_deref(),
            Some("who is chosen, not typed: Enter shows the choices")
        );
    }

    #[test]
    fn a_form_goes_to_its_first_empty_field_or_else_to_the_button() {
        let mut form = form();
        form.fields[0].fill("a");
        form.focus_first_empty();
        assert_eq!(form.focus, 1);
        form.fields[1].fill("1");
        form.focus_first_empty();
        assert_eq!(form.focus, 2, "nobody has said how sure they are");
        form.fields[2].fill("60");
        form.fields[3].fill("so");
        form.focus_first_empty();
        assert_eq!(form.focus, form.fields.len());
    }

    #[test]
    fn a_letter_typed_on_a_choice_begins_to_search_it() {
        let mut form = form();
        press(&mut form, &[KeyCode::Char('b'), KeyCode::Enter]);
        assert_eq!(form.field("who").said(), "b");
    }

    #[test]
    fn a_name_typed_in_full_comes_before_those_that_only_speak_of_it() {
        let option = |id: &str, text: &str, group: &str| Choosable {
            id: id.to_owned(),
            text: text.to_owned(),
            group: group.to_owned(),
            ..Choosable::default()
        };
        let flat = [
            option("checkout", "worker slots", ""),
            option("worker->ledger", "", ""),
            option("worker", "jobs", ""),
        ];
        assert_eq!(filtered(&flat, "worker"), vec![2, 1, 0]);
        assert_eq!(filtered(&flat, " Worker "), vec![2, 1, 0]);
        assert_eq!(filtered(&flat, ""), vec![0, 1, 2]);
        assert_eq!(filtered(&flat, "nobody"), Vec::<usize>::new());
        let grouped = [
            option("a", "late", "one"),
            option("b", "x", "one"),
            option("late", "x", "two"),
            option("c", "late", "two"),
        ];
        assert_eq!(filtered(&grouped, "late"), vec![2, 3, 0]);
    }

    #[test]
    fn a_space_in_a_choice_of_one_moves_nothing_and_end_goes_to_the_last() {
        let mut form = form();
        press(
            &mut form,
            &[
                KeyCode::Enter,
                KeyCode::End,
                KeyCode::Char(' '),
                KeyCode::Enter,
            ],
        );
        assert_eq!(form.field("who").said(), "b");
    }
}
