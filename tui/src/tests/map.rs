//! The map: services and calls can be selected, their links lead to what they name, and the list says all that the boxes do.

use api::PinTarget;

use super::fixture::{self, PAGE_MS};
use super::screens::{opened, press};
use crate::screen::text_of;
use crate::views::ViewId;
use crate::views::map::state::{Item, selected};

#[tokio::test]
async fn a_call_opens_the_traces_in_which_the_one_calls_the_other_itself() {
    for size in [(80, 24), (160, 50)] {
        let (mut app, client, _) = opened(fixture::lab(), size).await;
        press(
            &mut app,
            &client,
            &["5", "/", "storefront orders", "Enter", "Enter"],
        )
        .await;
        assert_eq!(app.view, ViewId::Traces);
        assert_eq!(
            app.views.traces.query.ran,
            "{ resource.service.name = \"storefront\" } > { resource.service.name = \"orders\" }"
        );
    }
}

#[tokio::test]
async fn a_service_can_be_selected_and_its_links_are_its_own() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["5", "Tab"]).await;
    let at = |app: &crate::app::App| selected(app).map(|i| i.service().to_owned());
    assert_eq!(at(&app).as_deref(), Some("checkout"));
    let shown = text_of(&app);
    assert!(
        shown.contains("Services 30 s"),
        "its signals are shown\n{shown}"
    );
    press(&mut app, &client, &["Enter"]).await;
    let ran = &app.views.traces.query.ran;
    assert_eq!(ran, "{ resource.service.name = \"checkout\" }");
    press(&mut app, &client, &["[", "gl"]).await;
    assert_eq!(app.views.logs.query.ran, "{service=\"checkout\"}");
}

#[tokio::test]
async fn services_and_calls_are_pinned_by_what_is_wrong_with_them() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["5", "m"]).await;
    press(&mut app, &client, &["/", "storefront orders", "Enter", "m"]).await;
    press(&mut app, &client, &["/", "checkout pricing", "Enter", "m"]).await;
    let kept = lab.lock().case.pins.clone();
    let pins: Vec<&api::Pin> = kept.iter().skip(2).collect();
    let told: Vec<(&str, Vec<&str>)> = pins
        .iter()
        .map(|pin| match &pin.target {
            PinTarget::Metric { query, labels, .. } => (
                query.as_str(),
                labels.values().map(String::as_str).collect(),
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(told[0].0.starts_with("histogram_quantile(0.95") && told[0].1 == ["storefront"]);
    assert!(
        told[1].0.contains("peer=\"orders\",status!~") && told[1].1 == ["orders", "storefront"]
    );
    assert!(
        told[2].0.starts_with("histogram_quantile(0.99") && told[2].1 == ["pricing", "checkout"]
    );
    assert!(
        pins[1].note.contains("storefront → orders · 3/s"),
        "{}",
        pins[1].note
    );
}

#[tokio::test]
async fn arrows_have_heads_and_no_line_of_a_ring_runs_through_a_box() {
    let (mut app, client, _) = opened(fixture::lab(), (160, 50)).await;
    press(&mut app, &client, &["5"]).await;
    let shown = text_of(&app);
    for head in ["▶", "▼"] {
        assert!(shown.contains(head), "{head}\n{shown}");
    }
    // every call has its figures on its arrow, and once more in the list
    for figures in [
        "3.90/s 0 % 30 ms",
        "3.90/s 0 % 24 ms",
        "4/s 0 % 60 ms",
        "23/s 0 % 140 ms",
    ] {
        assert!(shown.contains(figures), "{figures}\n{shown}");
    }
}

#[tokio::test]
async fn a_selected_service_that_is_called_no_longer_is_told_of() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["5", "G"]).await;
    assert!(matches!(selected(&app), Some(Item::Node("shipping"))));
    lab.lock().empty = true;
    app.range.now_ms = PAGE_MS;
    press(&mut app, &client, &["w"]).await;
    assert!(text_of(&app).contains("no calls between services in this time"));
    assert_eq!(selected(&app), None);
}
