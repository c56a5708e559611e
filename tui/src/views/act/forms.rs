//! The forms of the act view: by which strategy a release is rolled out. Builds them, and reads what was chosen.

use api::{ActionRequest, Remedy, Strategy};

use super::state;
use crate::app::App;
use crate::app::overlay::Overlay;
use crate::ask::Ask;
use crate::views::case::forms::Purpose;
use crate::widgets::form::{Choosable, Field, Form, Value};

/// Label of the field that says how to roll out.
pub const STRATEGY: &str = "strategy";

/// Opens the form that asks how to roll a remedy out: with all at once chosen, and the button in focus.
pub fn open_rollout(app: &mut App, remedy: &Remedy) {
    if app.observer {
        return app.say_bad("you are watching: an observer changes nothing");
    }
    let ways = remedy.strategies.iter();
    let ways = ways.map(|strategy| Choosable {
        id: strategy.name().to_owned(),
        text: strategy.does().to_owned(),
        ..Choosable::default()
    });
    let strategy = Field {
        label: STRATEGY,
        value: Value::One(ways.collect(), Some(0)),
    };
    let intro = format!(
        "{}{}\n\nIn steps it can be taken back at any time.",
        state::warning(remedy),
        remedy.description
    );
    let title = format!("Roll out: {}", remedy.title);
    let mut form = Form::new(title, intro, vec![strategy]).verb("Roll out");
    form.focus_first_empty();
    app.overlay = Some(Overlay::Form(
        Box::new(form),
        Purpose::Rollout(remedy.id.clone()),
    ));
}

/// What was chosen, as it is asked of the lab.
///
/// # Errors
/// When nothing was.
pub fn rollout(form: &Form, remedy: &str) -> Result<Ask, String> {
    let said = form.field(STRATEGY).said();
    let chosen = Strategy::ALL.into_iter().find(|way| way.name() == said);
    let strategy = chosen.ok_or("choose a strategy")?;
    Ok(Ask::Act(ActionRequest {
        remedy: remedy.to_owned(),
        undo: false,
        strategy,
    }))
}
