//! The metrics view: what leads from a chart elsewhere, and what stands on it beside its lines.

use super::fixture::{self, PAGE_MS, TRACE};
use super::screens::{opened, press};
use crate::app::App;
use crate::screen::text_of;
use crate::views::ViewId;

#[tokio::test]
async fn the_crosshair_steps_to_single_requests_and_enter_opens_their_trace() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    // the page's expression is a latency, whose histogram keeps requests
    press(&mut app, &client, &["Enter", "e"]).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("× 3.41 s at 03:03:12 storefront: Enter"),
        "{shown}"
    );
    press(&mut app, &client, &["e"]).await;
    assert!(text_of(&app).contains("the last request that was kept"));
    press(&mut app, &client, &["E"]).await;
    assert!(text_of(&app).contains("× 1.90 s at 02:59:12"));
    press(&mut app, &client, &["e", "Enter"]).await;
    let open = app.views.traces.open.as_deref();
    assert_eq!((app.view, open), (ViewId::Traces, Some(TRACE)));
    // the crosshair alone is none of them
    press(&mut app, &client, &["[", "Left", "Enter"]).await;
    assert_eq!(app.view, ViewId::Logs);
}

#[tokio::test]
async fn a_chart_without_histograms_has_no_requests_and_says_where_there_are_some() {
    let (mut app, client, lab) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["4", "e"]).await;
    assert!(text_of(&app).contains("latencies have them"));
    let asked = lab.lock().asked.clone();
    assert!(asked.iter().all(|(_, uri, _)| !uri.contains("exemplars")));
}

#[tokio::test]
async fn a_click_picks_a_request_and_another_opens_it() {
    use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    use ratatui::{buffer::Buffer, layout::Rect};

    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["Enter"]).await;
    for _ in 0..2 {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        let mut surface = crate::widgets::surface::Surface::new(&mut buffer, &app.theme);
        app.draw(&mut surface);
        let hits = std::mem::take(&mut surface.hits);
        let mut cells = buffer.area.positions();
        // below the title the slowest stands uppermost
        let place = cells
            .find(|p| p.y > 3 && buffer[*p].symbol() == "×")
            .expect("a request is drawn");
        let click = MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column: place.x,
            row: place.y,
            modifiers: KeyModifiers::NONE,
        };
        app.event(&Event::Mouse(click), &hits);
        crate::screen::settle(&mut app, &client).await;
    }
    assert_eq!(app.views.traces.open.as_deref(), Some(TRACE));
}

#[tokio::test]
async fn bound_and_marks_stand_on_the_chart_of_the_page() {
    for size in [(80, 24), (160, 50)] {
        let (mut app, client, _) = opened(fixture::lab(), size).await;
        press(&mut app, &client, &["Enter"]).await;
        let name = format!("metrics_page_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text_of(&app));
    }
}

#[tokio::test]
async fn the_crosshair_walks_the_marks() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["4", "W"]).await;
    assert_eq!(app.views.metrics.crosshair_ms, Some(PAGE_MS));
    press(&mut app, &client, &["W"]).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("02:55:00: worker: nightly report started"),
        "{shown}"
    );
    press(&mut app, &client, &["w", "w"]).await;
    assert!(text_of(&app).contains("no further page, alert or change"));
}

#[tokio::test]
async fn in_the_plain_mode_bounds_marks_and_requests_are_told_with_their_traces() {
    let (mut session, lab) = super::plain::talking(fixture::lab()).await;
    let page = lab.lock().drill.page.clone().expect("a page");
    let query = page.query.trim_end_matches(" > 2").to_owned();
    session.line("changes").await;
    let told = session.line(&format!("metrics {query}")).await;
    for said in [
        "bound: > 2.00 s is wrong, says OrderHistorySlow\n",
        "03:00:00: page\n",
        "02:49:50: orders: release 2.14.0",
        &format!("request at 03:03:12 took 3.41 s, storefront, trace {TRACE}\n"),
    ] {
        assert!(told.contains(said), "{said} is not in\n{}", &*told);
    }
}

#[tokio::test]
async fn a_span_is_selected_by_keys_and_undone_by_the_history_of_places() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    let before = app.range.window();
    press(&mut app, &client, &["4", "W", "V", "W"]).await;
    let shown = text_of(&app);
    assert!(
        shown.contains("02:55:00 to 03:00:00, 5 min: move to its"),
        "{shown}"
    );
    // elsewhere nothing is being selected, and Enter is what it always is
    press(&mut app, &client, &["Enter"]).await;
    let window = app.range.window();
    assert_eq!(
        (window.start_ms, window.end_ms),
        (PAGE_MS - 300_000, PAGE_MS)
    );
    assert_eq!((app.view, app.selecting), (ViewId::Metrics, None));
    press(&mut app, &client, &["["]).await;
    assert_eq!(app.range.window(), before);
    press(&mut app, &client, &["V", "Left", "Esc"]).await;
    assert_eq!((app.selecting, app.range.window()), (None, before));
    press(&mut app, &client, &["V", "1", "V"]).await;
    assert!(text_of(&app).contains("there is no chart here"));
}

#[tokio::test]
async fn a_drag_over_the_chart_looks_at_its_span_and_a_click_reads_there() {
    use crossterm::event::{Event, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    use ratatui::{buffer::Buffer, layout::Rect};

    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["4"]).await;
    let mouse = |app: &mut App, kind, column| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        let mut surface = crate::widgets::surface::Surface::new(&mut buffer, &app.theme);
        app.draw(&mut surface);
        let event = MouseEvent {
            kind,
            column,
            row: 12,
            modifiers: KeyModifiers::NONE,
        };
        app.event(&Event::Mouse(event), &surface.hits.clone());
    };
    let left = MouseButton::Left;
    mouse(&mut app, MouseEventKind::Down(left), 40);
    mouse(&mut app, MouseEventKind::Up(left), 40);
    let read = app.views.metrics.crosshair_ms.expect("a click reads there");
    mouse(&mut app, MouseEventKind::Down(left), 40);
    mouse(&mut app, MouseEventKind::Drag(left), 60);
    assert!(text_of(&app).contains("let go to look at it in all views"));
    mouse(&mut app, MouseEventKind::Up(left), 79);
    let window = app.range.window();
    assert!((window.start_ms - read).abs() <= 1_000, "{window:?}");
    assert!(
        (window.end_ms - fixture::NOW_MS).abs() < 10_000,
        "{window:?}"
    );
    assert!(!app.range.follows());
    // a drag that began elsewhere selects nothing
    mouse(&mut app, MouseEventKind::Drag(left), 20);
    assert_eq!(app.selecting, None);
}

#[tokio::test]
async fn labels_and_values_of_the_metric_are_offered_and_the_text_changes_when_one_is_chosen() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    let typed = |app: &App| app.views.metrics.query.value().to_owned();
    press(&mut app, &client, &["4", "/", "rate(ret", "Tab"]).await;
    assert_eq!(
        typed(&app),
        "rate(retries_total",
        "it alone can stand there"
    );
    press(&mut app, &client, &["{", "Tab"]).await;
    assert_eq!(typed(&app), "rate(retries_total{");
    let shown = text_of(&app);
    assert!(
        shown.contains("▸ service  3: check \"in\", checkout, orders"),
        "{shown}"
    );
    assert!(shown.contains("Enter take"), "{shown}");
    press(&mut app, &client, &["Enter", "che"]).await;
    assert_eq!(typed(&app), "rate(retries_total{service=\"che");
    press(&mut app, &client, &["Tab", "Enter"]).await;
    assert_eq!(typed(&app), "rate(retries_total{service=\"checkout\"");
    // the same with a quote in the value, and with what stands behind the cursor already
    press(
        &mut app,
        &client,
        &["Esc", "/", "retries_total{service=\"\"}", "Left", "Left"],
    )
    .await;
    press(&mut app, &client, &["Tab", "Enter"]).await;
    assert_eq!(typed(&app), "retries_total{service=\"check \\\"in\\\"\"}");
}

#[tokio::test]
async fn functions_are_offered_with_a_word_of_help() {
    for size in [(80, 24), (40, 10)] {
        let (mut app, client, _) = opened(fixture::lab(), size).await;
        press(&mut app, &client, &["4", "/", "qua", "Tab"]).await;
        let shown = text_of(&app);
        assert!(shown.contains("▸ quantile"), "{shown}");
        assert!(shown.contains("histogram_quantile"), "{shown}");
        press(&mut app, &client, &["Tab", "Enter"]).await;
        assert_eq!(app.views.metrics.query.value(), "quantile_over_time(");
    }
}

#[tokio::test]
async fn charts_are_kept_as_panels_side_by_side_or_one_at_a_time() {
    for size in [(80, 24), (160, 50)] {
        let (mut app, client, _) = opened(fixture::lab(), size).await;
        press(&mut app, &client, &["4", "Tab"]).await;
        assert!(text_of(&app).contains("there are no panels yet"));
        press(&mut app, &client, &["+", "+"]).await;
        assert!(text_of(&app).contains("a panel already"));
        for query in [
            "process_cpu_seconds_total",
            "sum by (service) (nothing((",
            "queue_depth",
        ] {
            press(&mut app, &client, &["/", query, "Enter", "+"]).await;
        }
        press(&mut app, &client, &["X", "Tab"]).await;
        let read = app.views.metrics.crosshair_ms;
        assert!(read.is_some());
        app.toast = None;
        let name = format!("metrics_panels_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, text_of(&app));
        press(&mut app, &client, &["Tab"]).await;
        assert_eq!(app.views.metrics.query.ran, "process_cpu_seconds_total");
        assert_eq!(app.views.metrics.crosshair_ms, read, "the moment stays");
        press(&mut app, &client, &["d", "Tab"]).await;
        // the one that was not answered was not kept
        assert_eq!(app.views.metrics.panels.len(), 2);
        assert!(text_of(&app).contains("panel 1 of 2"));
    }
}

#[tokio::test]
async fn a_series_is_filtered_for_and_out_by_the_label_that_tells_it_from_the_others() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["4", "h", "j", "="]).await;
    assert_eq!(
        app.views.metrics.query.ran,
        "sum by (service) (rate(http_server_request_duration_seconds_count{service=\"orders\"}[30s]))"
    );
    let shown = text_of(&app);
    assert!(
        shown.contains(" 1 series ") && shown.contains("crosshair at"),
        "{shown}"
    );
    press(&mut app, &client, &["[", "!"]).await;
    let ran = &app.views.metrics.query.ran;
    assert!(
        ran.contains("_count{service!=\"storefront\"}[30s]"),
        "{ran}"
    );
    assert!(text_of(&app).contains(" 4 series "));
}

#[tokio::test]
async fn of_several_labels_one_is_chosen() {
    let (mut app, client, _) = opened(super::flood::lab(), (80, 24)).await;
    press(&mut app, &client, &["4", "j", "="]).await;
    let shown = text_of(&app);
    for row in ["Only series whose", "instance = ", "service = "] {
        assert!(shown.contains(row), "{row} is not in\n{shown}");
    }
    assert!(!shown.contains("job = shop"), "all have it\n{shown}");
    press(&mut app, &client, &["Down", "Enter"]).await;
    let ran = &app.views.metrics.query.ran;
    assert!(
        ran.contains("_count{service=\"注文履歴サービス-1\"}[30s]"),
        "{ran}"
    );
}

#[tokio::test]
async fn enter_at_the_crosshair_leads_to_its_minutes_and_back_to_the_whole_range() {
    let (mut app, client, _) = opened(fixture::lab(), (80, 24)).await;
    press(&mut app, &client, &["4", "x"]).await;
    let (before, whole) = (app.range, app.range.window());
    press(&mut app, &client, &["Enter"]).await;
    assert_eq!(app.view, ViewId::Logs);
    let narrow = app.range.window();
    assert_eq!(
        (narrow.start_ms, narrow.end_ms),
        (PAGE_MS - 60_000, PAGE_MS + 60_000)
    );
    press(&mut app, &client, &["["]).await;
    assert_eq!(app.view, ViewId::Metrics);
    assert_eq!((app.range, app.range.window()), (before, whole));
}
