//! What a person hears who types lines in the plain mode, against the lab of fixed answers.

use super::fixture::{self, Shared};
use super::screens::{opened, press};
use crate::client::Client;
use crate::plain::Session;
use crate::screen::text_of;

/// A conversation with a lab that has told its brief and its page.
async fn talking(lab: fixture::Lab) -> (Session, Shared) {
    let (address, lab) = fixture::start(lab).await;
    let mut session = Session::new(Client::new(&address).unwrap(), false);
    for _ in 0..2 {
        session.look().await;
    }
    (session, lab)
}

/// The queries for log lines that a person asked.
fn asked_of_loki(lab: &Shared) -> Vec<String> {
    let asked = lab.lock().asked.clone();
    let of_person = asked.iter().filter(|(_, _, background)| !background);
    of_person
        .filter_map(|(_, uri, _)| {
            let url = reqwest::Url::parse(&format!("http://lab{uri}")).ok()?;
            let query = url.query_pairs().find(|(name, _)| name == "query")?;
            url.path().contains("loki").then(|| query.1.into_owned())
        })
        .collect()
}

#[tokio::test]
async fn bare_words_are_looked_for_in_the_fields_that_lines_show() {
    let (mut session, lab) = talking(fixture::lab()).await;
    session.line("logs timeout").await;
    let asked = asked_of_loki(&lab);
    let query = asked.last().expect("a person asked for lines");
    for part in [
        "{{__line__}}",
        "{{.service}}",
        "{{.trace_id}}",
        "{{.route}}",
    ] {
        assert!(query.contains(part), "{query}");
    }
    assert!(
        query.ends_with(r#"| words_=~"(?is).*timeout.*" | drop words_"#),
        "{query}"
    );
    // what was typed stays what is shown, and what it became can be told
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["2", "/", "timeout", "Enter"]).await;
    assert_eq!(app.views.logs.query.ran, "timeout");
    assert!(
        asked_of_loki(&lab)
            .last()
            .is_some_and(|q| q.contains("{{.route}}"))
    );
    assert_eq!(session.line("logql").await, format!("{query}\n"));
}

#[tokio::test]
async fn words_that_are_found_nowhere_say_where_they_were_looked_for() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    lab.lock().empty = true;
    press(&mut app, &client, &["2", "/", "o-4711", "Enter"]).await;
    let shown = text_of(&app);
    let places = "looked for \"o-4711\" in the message, service, level, trace and span id and";
    assert!(
        shown.contains("no line matches") && shown.contains(places),
        "{shown}"
    );
    let (mut session, lab) = talking(fixture::lab()).await;
    lab.lock().empty = true;
    let said = session.line("logs o-4711").await;
    assert!(
        said.starts_with("no line in range 15 min: looked for \"o-4711\""),
        "{said}"
    );
    assert!(said.contains("route"), "{said}");
    let said = session.line("logs {service=\"orders\"}").await;
    assert!(
        said.starts_with("no line in range 15 min matches {service=\"orders\"}"),
        "{said}"
    );
}

#[tokio::test]
async fn a_drill_is_solved_in_plain_mode_by_typed_lines() {
    let (address, lab) = fixture::start(fixture::lab()).await;
    let mut session = Session::new(Client::new(&address).unwrap(), false);
    let mut said = session.look().await;
    said.push_str(&session.look().await);
    assert!(
        said.contains("PAGE") && said.contains("Order history is slow"),
        "{said}"
    );
    assert!(session.line("logs timeout").await.contains("60 lines"));
    assert!(session.line("pin 2").await.contains("pinned as #3"));
    assert!(session.line("traces").await.contains("40 traces"));
    let trace = session.line("trace 1").await;
    assert!(
        trace.contains("64 times orders SELECT * FROM order_items"),
        "{trace}"
    );
    let map = session.line("map").await;
    assert!(
        map.contains("ring: checkout to pricing to promotions"),
        "{map}"
    );
    let asked = session.line("diagnose").await;
    assert!(asked.contains("2. orders"), "{asked}");
    for answer in ["9", "2", "n-plus-one", "c2", "2", "90", "1 3", "by item"] {
        said = session.line(answer).await;
    }
    assert!(said.contains("Right: that is the root cause"), "{said}");
    assert_eq!(
        lab.lock()
            .case
            .diagnoses
            .last()
            .map(|d| d.request.pins.clone()),
        Some(vec![1, 3])
    );
    session.line("act 1").await;
    assert!(session.line("y").await.contains("rolled out"));
    session.line("finish").await;
    session.line("y").await;
    let debrief = session.line("debrief").await;
    assert!(debrief.contains("Score 78.5 of 100"), "{debrief}");
    assert!(session.line("dance").await.contains("no command is called"));
}

#[tokio::test]
async fn the_plain_mode_tells_how_history_is_made_at_the_start_and_every_few_seconds() {
    let (address, lab) = fixture::start(super::screens::preparing()).await;
    let mut session = Session::new(Client::new(&address).unwrap(), false);
    let first = session.look_at(0).await;
    assert_eq!(
        first,
        "preparing, 42 %: making history: 02:47:30; the page comes at 03:00\n"
    );
    lab.lock().drill.progress = 0.6;
    assert_eq!(session.look_at(2_000).await, "");
    assert!(session.look_at(4_000).await.contains("60 %"));
}
