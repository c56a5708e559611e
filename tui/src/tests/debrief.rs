//! The debrief as a person reads it: what it names is a link, what it says is not cut, and it is written for people, too.

use super::fixture::{self, PAGE_MS};
use super::screens::{ended, opened, press};
use crate::app::Effect;
use crate::screen::text_of;
use crate::views::ViewId;
use crate::views::debrief::state;

#[tokio::test]
async fn moments_queries_and_charts_of_the_debrief_open_what_they_name() {
    let (mut app, client, _) = opened(ended(), (80, 24)).await;
    press(&mut app, &client, &["9", "Enter"]).await;
    assert_eq!(app.view, ViewId::Debrief, "nothing is selected yet");
    // the first that leads somewhere is the first moment
    for _ in 0..200 {
        press(&mut app, &client, &["Down"]).await;
        if state::selected(&app).is_some() {
            break;
        }
    }
    let lead = state::selected(&app).unwrap();
    assert_eq!(lead.said, "orders 2.14.0 rolled out");
    assert!(text_of(&app).contains("▸"), "{}", text_of(&app));
    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(app.view, ViewId::Logs);
    assert_eq!(app.views.logs.query.ran, "{service=\"orders\"}");
    let window = app.range.window();
    let at_ms = PAGE_MS - 610_000;
    assert!(window.start_ms < at_ms && at_ms < window.end_ms);
    press(&mut app, &client, &["["]).await;
    assert_eq!(app.view, ViewId::Debrief, "one step back");
    assert!(app.range.follows(), "with the time range of before");
    for (word, view) in [
        ("issues a query per item", ViewId::Traces),
        ("health checks stall", ViewId::Logs),
        ("p95 of requests", ViewId::Metrics),
    ] {
        press(&mut app, &client, &["9", "/", word, "Enter", "Enter"]).await;
        assert_eq!(app.view, view, "{word}");
    }
    assert_eq!(
        app.views.logs.query.ran,
        "{service=\"orders\"} |= \"readyz\""
    );
}

#[tokio::test]
async fn the_debrief_is_written_to_be_read_and_as_data_and_both_are_said() {
    let (mut app, client, _) = opened(ended(), (80, 24)).await;
    press(&mut app, &client, &["9"]).await;
    app.effects.clear();
    app.export();
    let Some(Effect::Export { name, files }) = app.effects.pop() else {
        panic!("nothing is written");
    };
    assert_eq!(name, "debrief");
    let [(read, text), (data, json)] = &files[..] else {
        panic!("{} files", files.len());
    };
    assert_eq!((*read, *data), ("txt", "json"));
    assert!(text.contains("Score 78.5 of 100") && !text.contains('\u{1b}'));
    let read: api::Debrief = serde_json::from_str(json).unwrap();
    assert_eq!(read.slug, "n-plus-one");
}

#[tokio::test]
async fn no_meaning_of_a_figure_is_cut_off() {
    let meaning = "from the page to the first remedy that was applied and not taken back again";
    let (mut app, client, _) = opened(ended(), (80, 24)).await;
    press(&mut app, &client, &["9"]).await;
    let debrief = app.known.debrief.value.as_mut().unwrap();
    debrief.score.kpis[1].meaning = meaning.to_owned();
    let page = state::texts(&app).join(" ");
    let words: Vec<&str> = page.split_whitespace().collect();
    let wanted: Vec<&str> = meaning.split_whitespace().collect();
    assert!(
        words.windows(wanted.len()).any(|some| some == wanted),
        "{page}"
    );
}

#[tokio::test]
async fn finishing_says_that_the_five_whys_are_missing() {
    let mut lab = fixture::lab();
    lab.case.diagnoses[0].right = true;
    let (mut app, client, _) = opened(lab, (80, 24)).await;
    press(&mut app, &client, &["9", "F"]).await;
    assert!(
        text_of(&app).contains("The five whys have not been handed in"),
        "{}",
        text_of(&app)
    );
}
