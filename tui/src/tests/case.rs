//! The notebook: steps that lead somewhere, notes on pins, names that are links.

use super::fixture;
use super::screens::{opened, press};
use crate::app::overlay::Overlay;
use crate::screen::text_of;
use crate::views::ViewId;
use crate::views::case::steps::STEPS;

/// Selects the step of that name.
fn at_step(name: &str) -> String {
    let place = STEPS.iter().position(|s| s.name == name).expect("a step");
    "k".repeat(STEPS.len() - 1 - place)
}

#[tokio::test]
async fn every_step_leads_to_where_it_is_done() {
    for (name, view) in [
        ("triage", Some(ViewId::Overview)),
        ("investigate", Some(ViewId::Logs)),
        ("mitigate", Some(ViewId::Act)),
        ("communicate", None),
        ("verify", Some(ViewId::Act)),
    ] {
        let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
        press(&mut app, &client, &["7", "G", &at_step(name), "Enter"]).await;
        match view {
            Some(view) => assert_eq!(app.view, view, "{name}"),
            None => assert!(
                matches!(&app.overlay, Some(Overlay::Form(form, _)) if form.title == "Status update")
            ),
        }
    }
}

#[tokio::test]
async fn steps_are_ticked_by_what_was_done() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["7"]).await;
    let marks = |app: &crate::app::App| text_of(app).lines().nth(2).unwrap_or_default().to_owned();
    assert_eq!(
        marks(&app).trim(),
        "○ triage  ○ investigate  ○ mitigate  ● communicate  ○ verify  ○ learn"
    );
    press(&mut app, &client, &["A"]).await;
    lab.lock().case.diagnoses[0].right = true;
    for at in [20_000, 30_000] {
        app.tick(at);
        crate::screen::settle(&mut app, &client).await;
    }
    assert!(
        marks(&app).contains("● triage  ● investigate"),
        "{}",
        marks(&app)
    );
    press(&mut app, &client, &["W", "Enter", "Enter", "Up", "Enter"]).await;
    assert!(marks(&app).contains("● learn"), "{}", text_of(&app));
}

#[tokio::test]
async fn a_pin_gets_a_note_and_loses_it_again() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(
        &mut app,
        &client,
        &["7", "c", "one query an item", "Enter", "Enter"],
    )
    .await;
    assert_eq!(lab.lock().case.pins[0].note, "one query an item");
    assert!(
        text_of(&app).contains("noted on pin #1"),
        "{}",
        text_of(&app)
    );
    app.size = (160, 50);
    assert!(text_of(&app).contains("why         one query an item"));
    press(&mut app, &client, &["c"]).await;
    for _ in 0.."one query an item".len() {
        press(&mut app, &client, &["Backspace"]).await;
    }
    press(&mut app, &client, &["Enter", "Enter"]).await;
    assert_eq!(lab.lock().case.pins[0].note, "");
}

#[tokio::test]
async fn what_an_entry_names_is_a_link() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    // the second pin is a change of orders, the second hypothesis suspects it
    for downs in ["j", "jjj"] {
        press(&mut app, &client, &["7", "gg", downs, "gl"]).await;
        assert_eq!(app.view, ViewId::Logs, "{downs}");
        assert_eq!(app.views.logs.query.ran, "{service=\"orders\"}", "{downs}");
    }
    let named = app.named("(payments), see 4bf92f3577b34da6a3ce929d0e0e4736: orders-db, orders.");
    assert_eq!(
        named.trace.as_deref(),
        Some("4bf92f3577b34da6a3ce929d0e0e4736")
    );
    assert_eq!(named.service.as_deref(), Some("orders"), "not the database");
}

#[tokio::test]
async fn a_diagnosis_begins_with_what_a_supported_hypothesis_says() {
    let mut lab = fixture::lab();
    lab.case.diagnoses.clear();
    lab.case.hypotheses[1].state = api::HypothesisState::Supported;
    lab.case.hypotheses[1].pins = vec![2];
    let (mut app, client, _) = opened(lab, (80, 24)).await;
    press(&mut app, &client, &["2", "S"]).await;
    let Some(crate::app::overlay::Overlay::Form(form, _)) = &app.overlay else {
        panic!("no form\n{}", text_of(&app));
    };
    let said = ["component", "mechanism", "trigger", "confidence", "pins"]
        .map(|label| form.field(label).said());
    assert_eq!(said, ["orders", "n-plus-one", "", "", "2"]);
    assert!(text_of(&app).contains("Filled in from hypothesis 2."));
}
