//! The changes: one time line with the signals, on the time range that all views have.

use super::fixture::{self, PAGE_MS};
use super::screens::{opened, press};
use crate::screen::text_of;

#[tokio::test]
async fn the_time_line_and_the_signals_follow_the_time_range_of_all_views() {
    for size in [(80, 24), (160, 50)] {
        let (mut app, client, lab) = opened(fixture::lab(), size).await;
        press(&mut app, &client, &["6", "w"]).await;
        let shown = text_of(&app);
        // four minutes around the newest change
        for said in ["02:53:00", "02:57:00", "3, newest first, 2 outside"] {
            assert!(shown.contains(said), "{said} is not in\n{shown}");
        }
        let asked = lab.lock().asked.clone();
        let begins = format!("start={}", (PAGE_MS - 420_000) / 1000);
        assert!(
            asked
                .iter()
                .any(|(_, uri, _)| uri.contains("quantile") && uri.contains(&begins)),
            "{begins} is not in {asked:?}"
        );
    }
}

#[tokio::test]
async fn a_span_is_selected_from_one_change_to_another() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["6", "V", "j", "Enter"]).await;
    let window = app.range.window();
    assert_eq!(
        (window.start_ms, window.end_ms),
        (PAGE_MS - 610_000, PAGE_MS - 300_000)
    );
}

#[tokio::test]
async fn without_signals_the_time_line_stands_alone() {
    let mut lab = fixture::lab();
    lab.empty = true;
    for size in [(80, 24), (160, 50), (30, 8), (12, 4)] {
        let (mut app, client, _) = opened(fixture::lab(), size).await;
        press(&mut app, &client, &["6"]).await;
        let _drawn = text_of(&app);
    }
    let (mut app, client, _) = opened(lab, (80, 24)).await;
    press(&mut app, &client, &["6"]).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("changes  ──D") || shown.contains("changes  ───"),
        "{shown}"
    );
    assert!(!shown.contains("signals of"), "{shown}");
}

#[tokio::test]
async fn the_oldest_can_come_first_and_what_is_selected_stays() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["6", "i"]).await;
    let at = |app: &crate::app::App| {
        let (texts, at) = crate::views::of(app.view).rows(app);
        (texts[at].clone(), at)
    };
    let (newest, place) = at(&app);
    assert!(place > 0 && newest.contains("nightly report"), "{newest}");
    assert!(text_of(&app).contains("3, oldest first, 1 outside"));
    press(&mut app, &client, &["gg"]).await;
    assert!(at(&app).0.contains("cache ttl"));
}
