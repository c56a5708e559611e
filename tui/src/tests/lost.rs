//! A lab that is gone, hangs or refuses: nothing that was typed is lost, and what is said of it is true.

use super::fixture;
use super::screens::{opened, press};
use crate::Failure;
use crate::app::App;
use crate::ask::{Ask, Reply};
use crate::client::Client;
use crate::screen::{settle, text_of};

fn gone() -> Client {
    Client::new("http://127.0.0.1:9").unwrap()
}

#[tokio::test]
async fn a_form_that_the_lab_did_not_take_stands_open_again_as_it_was() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["7", "+", "pool exhausted"]).await;
    let keys = ["Enter", "Down", "Down", "Enter"];
    press(&mut app, &gone(), &keys).await;
    let shown = text_of(&app);
    for said in ["New hypothesis", "pool exhausted", "not reachable"] {
        assert!(shown.contains(said), "{said} is not in\n{shown}");
    }
    let before = lab.lock().case.hypotheses.len();
    press(&mut app, &client, &["Enter"]).await;
    let kept = lab.lock().case.hypotheses.clone();
    assert_eq!(kept.len(), before + 1);
    assert_eq!(kept.last().map(|h| h.text.as_str()), Some("pool exhausted"));
    // the lab has said yes: the next form is empty
    press(&mut app, &client, &["+"]).await;
    assert!(
        !text_of(&app).contains("▸ in words   pool exhausted"),
        "{}",
        text_of(&app)
    );
}

#[tokio::test]
async fn a_form_that_fails_after_other_keys_waits_and_takes_no_key_away() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["7", "M", "first thought"]).await;
    for code in [
        crossterm::event::KeyCode::Enter,
        crossterm::event::KeyCode::Enter,
    ] {
        app.key(crossterm::event::KeyEvent::from(code));
    }
    let note = |q: &crate::ask::Request| matches!(q.ask, Ask::Note(_));
    let place = app
        .questions
        .iter()
        .position(note)
        .expect("the note is on its way");
    let request = app.questions.remove(place);
    // meanwhile the next one is being written
    press(&mut app, &client, &["M", "second"]).await;
    app.receive(Reply {
        request,
        result: Err(Failure::lost("the lab does not answer")),
    });
    let shown = text_of(&app);
    assert!(shown.contains("second"), "{shown}");
    assert!(
        app.toast
            .as_ref()
            .is_some_and(|t| t.text.contains("\"Note\" is kept as it was"))
    );
    press(&mut app, &client, &["Enter", "Enter", "M"]).await;
    assert!(text_of(&app).contains("first thought"), "{}", text_of(&app));
}

fn fails(app: &mut App, failure: Failure) {
    app.ask(Ask::Drill, crate::client::Asker::Screen);
    let request = app.questions.pop().expect("it was asked");
    app.receive(Reply {
        request,
        result: Err(failure),
    });
}

#[tokio::test]
async fn a_lab_that_hangs_is_told_with_the_time_of_its_last_word_and_recovers_by_itself() {
    let (mut app, client, _) = opened(fixture::lab(), (160, 24)).await;
    let silent = client.silent();
    app.tick(60_000);
    fails(&mut app, silent);
    let shown = text_of(&app);
    assert!(
        shown.contains("does not answer since 03:04:12; trying again"),
        "{shown}"
    );
    assert!(!app.lab_closed(), "it is there");
    app.tick(62_000);
    settle(&mut app, &client).await;
    assert!(!text_of(&app).contains("does not answer"));
}

#[tokio::test]
async fn a_lab_that_has_ended_is_told_as_such_and_is_not_looked_for_each_second() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    app.tick(20_000);
    settle(&mut app, &gone()).await;
    assert!(
        text_of(&app).contains("not reachable since 03:04:12; trying again"),
        "{}",
        text_of(&app)
    );
    // nobody has come back for long
    app.tick(40_000);
    settle(&mut app, &gone()).await;
    let shown = text_of(&app);
    assert!(shown.contains("it was closed or has ended"), "{shown}");
    assert!(!shown.contains("trying again"), "{shown}");
    // it comes back all the same, and ends in order
    lab.lock().drill.phase = api::Phase::Ended;
    app.tick(50_000);
    settle(&mut app, &client).await;
    assert_eq!(app.lost, None);
    let mut asked = 0;
    for at in 52..72 {
        app.tick(at * 1_000);
        asked += app.questions.len();
        settle(&mut app, &gone()).await;
    }
    let shown = text_of(&app);
    assert!(
        shown.contains("the drill has ended and its lab is closed"),
        "{shown}"
    );
    assert!(shown.contains("■ closed"), "{shown}");
    assert!(asked < 20, "{asked} questions to a lab that is closed");
}
