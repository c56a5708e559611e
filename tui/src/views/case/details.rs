//! The selected entry of the notebook in full: what its row had to cut, and what its words mean.

use api::{Case, Choice, Vocabulary};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::pins;
use super::state::{self, Item};
use crate::app::App;
use crate::text;
use crate::theme::Theme;
use crate::time::clock;

/// Cells of the name of a fact.
const NAME: usize = 12;

struct Facts<'a> {
    lines: Vec<Line<'static>>,
    width: usize,
    theme: &'a Theme,
}

impl Facts<'_> {
    fn text(&mut self, said: &str, style: Style) {
        let rows = text::wrap(said, self.width).into_iter();
        self.lines.extend(rows.map(|row| Line::styled(row, style)));
    }

    /// A fact by its name; one that says nothing is left out.
    fn fact(&mut self, name: &str, said: &str) {
        if said.is_empty() {
            return;
        }
        let room = self.width.saturating_sub(NAME).max(10);
        for (i, row) in text::wrap(said, room).into_iter().enumerate() {
            let name = text::pad(if i == 0 { name } else { "" }, NAME);
            self.lines.push(Line::from(vec![
                Span::styled(name, self.theme.dim),
                Span::styled(row, self.theme.text),
            ]));
        }
    }

    /// A fact that is a word of the drill's, with its meaning.
    fn word(&mut self, name: &str, id: &str, words: &[Choice]) {
        let meaning = words.iter().find(|word| word.id == id);
        let meaning = meaning.map_or("", |word| &word.text);
        // a meaning may begin with the word itself
        let own = format!("{id}: ");
        match meaning.strip_prefix(&own).unwrap_or(meaning) {
            meaning if meaning.is_empty() || meaning == id => self.fact(name, id),
            meaning => self.fact(name, &format!("{id}: {meaning}")),
        }
    }

    fn pins(&mut self, case: &Case, ids: &[u32]) {
        if ids.is_empty() {
            return self.fact("pins", "none");
        }
        for id in ids {
            let pin = case.pins.iter().find(|pin| pin.id == *id);
            let said = pin.map_or_else(|| "dropped".to_owned(), pins::said);
            self.fact(&format!("pin #{id}"), &said);
        }
    }
}

/// What a pane calls the selected entry.
pub(super) fn title(app: &App, item: Item) -> String {
    let case = app.known.case.value.as_ref();
    match item {
        Item::Pin(i) => {
            let id = case.and_then(|case| Some(case.pins.get(i)?.id));
            id.map_or_else(String::new, |id| format!("Evidence #{id}"))
        }
        Item::Hypothesis(i) => {
            let id = case.and_then(|case| Some(case.hypotheses.get(i)?.id));
            id.map_or_else(String::new, |id| format!("Hypothesis {id}"))
        }
        Item::Diagnosis(_) => "Diagnosis".to_owned(),
        Item::Hint(_) => "Hint".to_owned(),
        Item::Note(_) => "Note".to_owned(),
        Item::Step(_) => "Step".to_owned(),
    }
}

/// The entry as lines.
pub(super) fn lines(app: &App, item: Item, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut facts = Facts {
        lines: Vec::new(),
        width,
        theme,
    };
    if let Some(case) = &app.known.case.value {
        let none = Vocabulary::default();
        let words = app.known.vocabulary.value.as_ref().unwrap_or(&none);
        match item {
            Item::Pin(i) => pin(&mut facts, case, i),
            Item::Hypothesis(i) => hypothesis(&mut facts, case, words, i),
            Item::Diagnosis(i) => diagnosis(&mut facts, case, words, i),
            _ => facts.text(&state::text_of(app, item), theme.text),
        }
    }
    facts.lines
}

fn mechanisms(words: &Vocabulary) -> Vec<Choice> {
    let families = words.families.iter();
    families.flat_map(|f| f.mechanisms.clone()).collect()
}

fn pin(facts: &mut Facts<'_>, case: &Case, index: usize) {
    let Some(pin) = case.pins.get(index) else {
        return;
    };
    let theme = facts.theme;
    let kind = state::kind_of(&pin.target);
    facts.text(
        &format!("{} {kind} {}", pins::when(pin), pins::parted(pin).1),
        theme.text,
    );
    facts.fact("why", &pin.note);
    let cited: Vec<String> = case
        .hypotheses
        .iter()
        .filter(|h| h.pins.contains(&pin.id))
        .map(|h| format!("hypothesis {} ({})", h.id, state::state_word(h.state).1))
        .collect();
    facts.fact("speaks to", &cited.join(", "));
}

fn hypothesis(facts: &mut Facts<'_>, case: &Case, words: &Vocabulary, index: usize) {
    let Some(h) = case.hypotheses.get(index) else {
        return;
    };
    let (mark, word) = state::state_word(h.state);
    let theme = facts.theme;
    facts.text(&format!("{mark} {word}: {}", h.text), theme.text);
    let (component, mechanism) = (h.component.as_deref(), h.mechanism.as_deref());
    facts.word(
        "component",
        component.unwrap_or("not said"),
        &words.components,
    );
    facts.word(
        "mechanism",
        mechanism.unwrap_or("not said"),
        &mechanisms(words),
    );
    facts.pins(case, &h.pins);
}

fn diagnosis(facts: &mut Facts<'_>, case: &Case, words: &Vocabulary, index: usize) {
    let Some(d) = case.diagnoses.get(index) else {
        return;
    };
    let theme = facts.theme;
    let (said, style) = match d.right {
        true => ("✓ right", theme.good),
        false => ("✗ not right", theme.bad),
    };
    let sure = text::percent(d.request.confidence);
    facts.text(&format!("{said}, {}, {sure} sure", clock(d.at_ms)), style);
    facts.word("component", &d.request.component, &words.components);
    facts.word("mechanism", &d.request.mechanism, &mechanisms(words));
    facts.word("trigger", &d.request.trigger, &words.triggers);
    facts.word("scope", &d.request.scope, &words.scopes);
    facts.fact("in words", &d.request.text);
    facts.pins(case, &d.request.pins);
}
