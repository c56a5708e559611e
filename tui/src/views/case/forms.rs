//! The forms of the notebook: hypothesis, settling one, diagnosis, notes, five whys. Builds them from what the lab
//! offers, reads them, and says what is missing. Each is kept as it was when it is left unfinished.

use api::{
    Choice as ApiChoice, DiagnosisRequest, HypothesisRequest, HypothesisState, HypothesisUpdate,
    Learning, Note, PinNote,
};

use super::pins::{said, when};
use super::state::{kind_of, may_learn};
use crate::app::App;
use crate::app::overlay::Overlay;
use crate::ask::Ask;
use crate::client::Asker;
use crate::views::act;
use crate::widgets::form::{Choosable, Field, Form, Value};

/// What a form is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A new hypothesis.
    Hypothesis,
    /// Settling a hypothesis.
    Settle(u32),
    /// A diagnosis.
    Diagnosis,
    /// A note.
    Note,
    /// A status update.
    Update,
    /// Five whys and guardrails.
    Learning,
    /// Rolling a remedy out, by its id.
    Rollout(String),
    /// Sending a request to a service of the shop.
    Request,
    /// Why a pin matters.
    PinNote(u32),
}

/// Steps of the five whys.
const WHYS: [&str; 5] = ["why 1: the page", "why 2", "why 3", "why 4", "why 5"];

/// Choices with what they mean; a meaning that repeats the name (`worker: background jobs`) goes without it.
fn choosable(choices: &[ApiChoice]) -> Vec<Choosable> {
    choices
        .iter()
        .map(|c| Choosable {
            id: c.id.clone(),
            text: c
                .text
                .strip_prefix(&format!("{}: ", c.id))
                .unwrap_or(&c.text)
                .to_owned(),
            ..Choosable::default()
        })
        .collect()
}

/// Statements: their names say nothing that the sentence does not.
fn sentences(choices: &[ApiChoice]) -> Vec<Choosable> {
    let mut found = choosable(choices);
    for choice in &mut found {
        choice.sentence = true;
    }
    found
}

fn pins(app: &App) -> Vec<Choosable> {
    let case = app.known.case.value.as_ref();
    case.into_iter()
        .flat_map(|c| &c.pins)
        .map(|p| Choosable {
            id: p.id.to_string(),
            text: format!("{} {}", kind_of(&p.target), in_a_list(p)),
            ..Choosable::default()
        })
        .collect()
}

/// What is said of a pin where it stands among others.
fn in_a_list(pin: &api::Pin) -> String {
    let note = match pin.note.is_empty() {
        true => String::new(),
        false => format!(" ({})", pin.note),
    };
    format!("{} {}{note}", when(pin), said(pin))
}

fn mechanisms(app: &App) -> Vec<Choosable> {
    let families = app.known.vocabulary.value.iter().flat_map(|v| &v.families);
    families
        .flat_map(|f| {
            f.mechanisms.iter().map(move |m| Choosable {
                id: m.id.clone(),
                text: m.text.clone(),
                group: format!("{} — {}", f.id, f.definition),
                ..Choosable::default()
            })
        })
        .collect()
}

/// Says why a form cannot be opened.
fn ready(app: &mut App) -> bool {
    if app.observer {
        app.say_bad("you are watching: an observer changes nothing");
        return false;
    }
    if app.known.vocabulary.value.is_none() {
        app.ask(Ask::Vocabulary, Asker::Screen);
        app.say("the words for it are still being read; try again in a moment");
        return false;
    }
    true
}

/// `S`: the diagnosis.
pub fn open_diagnosis(app: &mut App) {
    if !ready(app) {
        return;
    }
    let Some(words) = app.known.vocabulary.value.clone() else {
        return;
    };
    let fields = vec![
        Field::one("component", choosable(&words.components)),
        Field::one("mechanism", mechanisms(app)),
        Field::one("trigger", choosable(&words.triggers)),
        Field::one("scope", choosable(&words.scopes)),
        Field {
            label: "confidence",
            value: Value::Percent(None),
        },
        Field::many("pins", pins(app)),
        Field::text("in words"),
    ];
    let intro = "Name the root cause: the component in which the mechanism works; what set it off is the trigger. A wrong submission costs 8 × confidence² points; a right one earns most when you are sure.";
    let mut form = Form::new("Submit a diagnosis", intro, fields);
    let last = app
        .known
        .case
        .value
        .as_ref()
        .and_then(|c| c.diagnoses.last());
    if let Some(last) = last {
        form.intro = format!("{intro}\n\n{}", LAST[usize::from(last.right)]);
        fill_in(&mut form, &last.request);
    } else if let Some(believed) = super::state::believed(app) {
        form.intro = format!("{intro}\n\nFilled in from hypothesis {}.", believed.id);
        fill_in(&mut form, &of_hypothesis(believed));
    }
    Overlay::open_form(app, form, Purpose::Diagnosis);
    refresh_choices(app, &choosable(&words.triggers));
}

/// What the form says of the answer that it opens with: one that was wrong, one that was right.
const LAST: [&str; 2] = [
    "Your last answer is filled in. It was not right: change what you no longer believe.",
    "Your last answer is filled in. It was right.",
];

/// What a hypothesis says of the diagnosis; nothing of how sure one is.
fn of_hypothesis(hypothesis: &api::Hypothesis) -> DiagnosisRequest {
    DiagnosisRequest {
        component: hypothesis.component.clone().unwrap_or_default(),
        mechanism: hypothesis.mechanism.clone().unwrap_or_default(),
        trigger: String::new(),
        scope: String::new(),
        confidence: f64::NAN,
        pins: hypothesis.pins.clone(),
        text: String::new(),
    }
}

/// Puts an answer that was given into the form.
fn fill_in(form: &mut Form, said: &DiagnosisRequest) {
    let pins: Vec<String> = said.pins.iter().map(u32::to_string).collect();
    let pins = pins.join(",");
    let confidence = format!("{:.0}", said.confidence * 100.0);
    for field in &mut form.fields {
        field.fill(match field.label {
            "component" => &said.component,
            "mechanism" => &said.mechanism,
            "trigger" => &said.trigger,
            "scope" => &said.scope,
            "confidence" => &confidence,
            "pins" => &pins,
            _ => &said.text,
        });
    }
}

/// A form that was left knows only the pins and changes of then: those of now are put in, and what was chosen stays
/// chosen.
fn refresh_choices(app: &mut App, triggers: &[Choosable]) {
    let pins = pins(app);
    let Some(Overlay::Form(form, _)) = &mut app.overlay else {
        return;
    };
    for field in &mut form.fields {
        let place = |now: &[Choosable], id: &str| now.iter().position(|c| c.id == id);
        match (&mut field.value, field.label) {
            (Value::Many(options, chosen), "pins") => {
                let ids = chosen.iter().filter_map(|i| options.get(*i));
                *chosen = ids.filter_map(|c| place(&pins, &c.id)).collect();
                options.clone_from(&pins);
            }
            (Value::One(options, chosen), "trigger") => {
                let id = chosen.and_then(|i| options.get(i)).map(|c| c.id.as_str());
                *chosen = id.and_then(|id| place(triggers, id));
                *options = triggers.to_vec();
            }
            _ => {}
        }
    }
}

/// `+`: a new hypothesis.
pub fn open_hypothesis(app: &mut App) {
    if !ready(app) {
        return;
    }
    let Some(words) = app.known.vocabulary.value.clone() else {
        return;
    };
    let fields = vec![
        Field::text("in words"),
        Field::one("component", choosable(&words.components)),
        Field::one("mechanism", mechanisms(app)),
    ];
    let form = Form::new(
        "New hypothesis",
        "What do you suspect? Component and mechanism may stay open.",
        fields,
    );
    Overlay::open_form(app, form, Purpose::Hypothesis);
}

/// Enter on a hypothesis: settles it.
pub fn open_settle(app: &mut App, index: usize) {
    if !ready(app) {
        return;
    }
    let Some(hypothesis) = app
        .known
        .case
        .value
        .as_ref()
        .and_then(|c| c.hypotheses.get(index))
        .cloned()
    else {
        return;
    };
    let options = pins(app);
    let state = |id: &str, text: &str| Choosable {
        id: id.to_owned(),
        text: text.to_owned(),
        ..Choosable::default()
    };
    let states = vec![
        state("open", "not settled"),
        state("supported", "the evidence speaks for it"),
        state("rejected", "the evidence speaks against it"),
    ];
    let chosen = hypothesis
        .pins
        .iter()
        .filter_map(|id| options.iter().position(|o| o.id == id.to_string()))
        .collect();
    let at = match hypothesis.state {
        HypothesisState::Open => 0,
        HypothesisState::Supported => 1,
        HypothesisState::Rejected => 2,
    };
    let fields = vec![
        Field {
            label: "state",
            value: Value::One(states, Some(at)),
        },
        Field {
            label: "pins",
            value: Value::Many(options, chosen),
        },
    ];
    let form = Form::new(
        format!("Hypothesis {}", hypothesis.id),
        format!(
            "{}\n\nChoose its state, and the pins that speak for or against it; M in Case writes down in words why.",
            hypothesis.text
        ),
        fields,
    );
    app.overlay = Some(Overlay::Form(
        Box::new(form),
        Purpose::Settle(hypothesis.id),
    ));
}

/// `r`: rejects the selected hypothesis, `s`: supports it; both ask for the pins that speak so.
pub fn open_settle_selected(app: &mut App, state: usize) {
    let Some(super::state::Item::Hypothesis(index)) = super::state::selected(app) else {
        return app.say("select a hypothesis first: Tab goes there, + opens one");
    };
    open_settle(app, index);
    if let Some(Overlay::Form(form, Purpose::Settle(_))) = &mut app.overlay
        && let Some(Field {
            value: Value::One(_, chosen),
            ..
        }) = form.fields.first_mut()
    {
        *chosen = Some(state);
        // the key has said the state already; the pins are what is still to be chosen
        form.focus_first_empty();
    }
}

/// `M`, `U`: a note, or a status update.
pub fn open_note(app: &mut App, update: bool) {
    if app.observer {
        return app.say_bad("you are watching: an observer changes nothing");
    }
    let (title, intro, purpose) = if update {
        (
            "Status update",
            "What stakeholders should know: impact, what is being done, when you will say more.",
            Purpose::Update,
        )
    } else {
        ("Note", "For yourself and the debrief.", Purpose::Note)
    };
    Overlay::open_form(
        app,
        Form::new(title, intro, vec![Field::text("text")]),
        purpose,
    );
}

/// `c`: why the selected pin matters, in the trainee's words.
pub fn open_pin_note(app: &mut App) {
    if app.observer {
        return app.say_bad("you are watching: an observer changes nothing");
    }
    let pin = match super::state::selected(app) {
        Some(super::state::Item::Pin(i)) => {
            let case = app.known.case.value.as_ref();
            case.and_then(|case| case.pins.get(i)).cloned()
        }
        _ => None,
    };
    let Some(pin) = pin else {
        return app.say("select a pin first: it says why it matters");
    };
    open_note_of(app, &pin);
}

/// Asks why a pin matters.
pub fn open_note_of(app: &mut App, pin: &api::Pin) {
    let mut why = Field::text("why");
    why.fill(&pin.note);
    let form = Form::new(
        format!("Pin #{}", pin.id),
        format!(
            "{}\n\nWhy does it matter? Empty takes the note away.",
            pin.text
        ),
        vec![why],
    );
    app.overlay = Some(Overlay::Form(Box::new(form), Purpose::PinNote(pin.id)));
}

/// `W`: the five whys, between a right diagnosis and the end of the drill.
pub fn open_learning(app: &mut App) {
    if app.observer {
        return app.say_bad("you are watching: an observer changes nothing");
    }
    if !app.goes_on() {
        return app.say_bad("the drill has ended: the five whys count only while it runs");
    }
    if !may_learn(app) {
        return app.say("the five whys open after a right diagnosis: they would tell the answer");
    }
    let Some(choices) = app.known.learning.value.clone() else {
        app.ask(Ask::LearningChoices, Asker::Screen);
        return app.say("the statements are still being read; try again in a moment");
    };
    let statements = sentences(&choices.statements);
    let mut fields: Vec<Field> = WHYS
        .iter()
        .map(|label| Field::one(label, statements.clone()))
        .collect();
    fields.push(Field::many("guardrails", sentences(&choices.guardrails)));
    let intro = "One chain: why 1 is what the page said, and each next statement is the direct cause of the one before, down to what set it off. The causes may branch: follow one branch, the longest, and leave no step out. Some statements belong nowhere; fewer than five may do.";
    Overlay::open_form(
        app,
        Form::new("Five whys", intro, fields),
        Purpose::Learning,
    );
}

/// Whether a form cannot be handed in without this field.
#[must_use]
pub fn must_be_said(purpose: &Purpose, label: &str) -> bool {
    match purpose {
        Purpose::Hypothesis => label == "in words",
        Purpose::Settle(_) => label == "state",
        Purpose::Diagnosis => matches!(
            label,
            "component" | "mechanism" | "trigger" | "scope" | "confidence"
        ),
        Purpose::Note | Purpose::Update => label == "text",
        Purpose::Learning | Purpose::PinNote(_) => false,
        Purpose::Rollout(_) => label == act::forms::STRATEGY,
        Purpose::Request => false,
    }
}

fn required(form: &Form, label: &'static str) -> Result<String, String> {
    let said = form.field(label).said();
    if said.is_empty() {
        Err(format!("{label} is missing"))
    } else {
        Ok(said)
    }
}

fn numbers(ids: &[String]) -> Vec<u32> {
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}

/// Hands a form in.
///
/// # Errors
/// What is missing, to be shown in the form.
pub fn submit(app: &mut App, form: &Form, purpose: &Purpose) -> Result<(), String> {
    let optional = |label: &'static str| Some(form.field(label).said()).filter(|s| !s.is_empty());
    let ask = match purpose {
        Purpose::Hypothesis => Ask::Hypothesis(HypothesisRequest {
            text: required(form, "in words")?,
            component: optional("component"),
            mechanism: optional("mechanism"),
        }),
        Purpose::Settle(id) => {
            let state = match required(form, "state")?.as_str() {
                "supported" => HypothesisState::Supported,
                "rejected" => HypothesisState::Rejected,
                _ => HypothesisState::Open,
            };
            Ask::Settle(
                *id,
                HypothesisUpdate {
                    state,
                    pins: numbers(&form.field("pins").all()),
                },
            )
        }
        Purpose::Diagnosis => Ask::Diagnose(DiagnosisRequest {
            component: required(form, "component")?,
            mechanism: required(form, "mechanism")?,
            trigger: required(form, "trigger")?,
            scope: required(form, "scope")?,
            confidence: required(form, "confidence")?
                .parse::<f64>()
                .map_or(0.0, |p| p / 100.0),
            pins: numbers(&form.field("pins").all()),
            text: form.field("in words").said(),
        }),
        Purpose::PinNote(id) => Ask::NotePin(
            *id,
            PinNote {
                note: form.field("why").said(),
            },
        ),
        Purpose::Note | Purpose::Update => Ask::Note(Note {
            text: required(form, "text")?,
            status_update: *purpose == Purpose::Update,
        }),
        Purpose::Learning => {
            let whys: Vec<String> = WHYS
                .iter()
                .map(|label| form.field(label).said())
                .filter(|s| !s.is_empty())
                .collect();
            if whys.is_empty() {
                return Err("choose at least one statement".to_owned());
            }
            Ask::Learn(Learning {
                whys,
                guardrails: form.field("guardrails").all(),
            })
        }
        Purpose::Request => act::probe::request(app, form)?,
        Purpose::Rollout(remedy) => act::forms::rollout(form, remedy)?,
    };
    app.hand_in(ask, form, purpose);
    Ok(())
}
