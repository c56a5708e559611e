//! A seat without a terminal, against the lab of fixed answers: views in words and as data, stretches of time, queries,
//! and keys that are written down.

use std::time::Duration;

use serde_json::Value;

use super::fixture::{self, Lab, NOW_MS, PAGE_MS, Shared, TRACE};
use crate::when::When;
use crate::{Error, Seat, ThemeName, screen, strokes};

async fn seated(lab: Lab, plays: bool) -> (Seat, Shared) {
    let (address, shared) = fixture::start(lab).await;
    let seat = Seat::take(&address, (100, 30), ThemeName::None, plays).await;
    (seat.unwrap(), shared)
}

async fn opened(view: &str, query: Option<&str>, when: When) -> (Seat, Shared) {
    let (mut seat, lab) = seated(fixture::lab(), false).await;
    seat.open(view, query, when).await.unwrap();
    (seat, lab)
}

async fn data(view: &str) -> Value {
    opened(view, None, When::Usual).await.0.data()
}

#[tokio::test]
async fn every_view_is_told_in_words_and_as_data() {
    for name in screen::names() {
        let (mut seat, lab) = opened(name, None, When::Usual).await;
        let (told, data) = (seat.told(), seat.data());
        assert!(!told.trim().is_empty(), "{name} says nothing");
        let drawn = |c: char| ('\u{2500}'..='\u{259f}').contains(&c);
        assert!(!told.contains(drawn), "{name} draws: {told}");
        assert_eq!(data["view"], name);
        assert_eq!(data["now"], NOW_MS, "{name}");
        assert_eq!(data["range"]["end"], NOW_MS, "{name}");
        let own = data.as_object().unwrap().len();
        assert!(own > 3, "{name} has no data of its own: {data}");
        // a look is not the trainee's: nothing is journalled
        assert!(lab.lock().posted.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn data_have_the_shapes_that_are_documented() {
    let overview = data("overview").await;
    assert_eq!(overview["drill"]["page"]["title"], "Order history is slow");
    let storefront = &overview["services"][0];
    assert!(storefront["service"].is_string() && storefront["requests_per_s"].is_f64());
    assert!(overview["objectives"][0]["error_budget_remaining"].is_f64());
    let logs = data("logs").await;
    let line = &logs["lines"][0];
    for key in ["time", "ts_ns", "severity", "service", "message"] {
        assert!(line[key].is_string(), "{key}: {line}");
    }
    assert!(line["fields"].is_object() && logs["logql"].is_string());
    let trace = &data("traces").await["traces"][0];
    assert_eq!(trace["trace_id"], TRACE);
    assert!(trace["duration_ms"].is_f64() && trace["error"].is_boolean());
    let map = data("map").await;
    assert!(map["edges"][0]["from"].is_string() && map["nodes"][0]["service"].is_string());
    let changes = data("changes").await;
    assert!(changes["changes"][0]["title"].is_string());
    let act = data("act").await;
    assert!(act["remedies"][0]["title"].is_string() && act["proof"].is_object());
    assert!(data("case").await["case"]["pins"].is_array());
    assert!(
        data("debrief").await["debrief"].is_null(),
        "it has not ended"
    );
}

#[tokio::test]
async fn a_query_and_a_stretch_of_time_are_asked_for() {
    let face = |text: &str| text.parse().ok();
    let when = When::Between(face("02:58"), face("03:00"));
    let (mut seat, lab) = opened("metrics", Some("queue_depth"), when).await;
    let data = seat.data();
    assert_eq!(data["query"], "queue_depth");
    assert_eq!(data["range"]["start"], PAGE_MS - 120_000);
    assert_eq!(data["range"]["end"], PAGE_MS);
    assert!(data["series"][0]["points"][0].is_array());
    let asked = lab.lock().asked.clone();
    let range = asked
        .iter()
        .find(|(_, uri, _)| uri.contains("query=queue_depth"));
    assert!(range.unwrap().1.contains("start="), "{range:?}");
    // the id of a trace opens it
    let (mut seat, _) = opened("traces", Some(TRACE), When::Usual).await;
    let data = seat.data();
    assert_eq!(data["trace"]["trace_id"], TRACE);
    let critical = |s: &Value| s["critical"] == true;
    let spans = data["trace"]["spans"].as_array().unwrap();
    assert!(spans.iter().any(critical), "{spans:?}");
    assert!(seat.told().starts_with(&format!("trace {TRACE}")));
    let (mut seat, _) = opened(
        "logs",
        Some("timeout"),
        When::Since(Duration::from_secs(60)),
    )
    .await;
    assert_eq!(seat.data()["query"], "timeout");
    assert!(
        seat.told().contains("range 03:03:12 to 03:04:12"),
        "{}",
        seat.told()
    );
}

#[tokio::test]
async fn what_cannot_be_shown_is_said() {
    let (mut seat, _) = seated(fixture::lab(), false).await;
    let open = |why: Result<(), Error>| why.unwrap_err().to_string();
    let unknown = open(seat.open("radar", None, When::Usual).await);
    assert!(unknown.contains("overview, logs"), "{unknown}");
    let none = open(seat.open("map", Some("x"), When::Usual).await);
    assert!(none.contains("map has no queries"), "{none}");
    let later = When::Between("03:30".parse().ok(), None);
    assert!(matches!(
        seat.open("logs", None, later).await,
        Err(Error::Range(_))
    ));
    seat.open("logs", Some("{service=\"checkout\"} |= |"), When::Usual)
        .await
        .unwrap();
    let refused = seat.failure().expect("the query does not parse");
    assert!(refused.position.is_some(), "{refused:?}");
    let gone = Seat::take("http://127.0.0.1:9", (80, 24), ThemeName::None, false).await;
    let gone = gone.err().expect("nobody is there").to_string();
    assert!(gone.contains("not reachable"), "{gone}");
}

#[tokio::test]
async fn keys_that_are_written_down_are_pressed_and_waited_for() {
    let (mut seat, lab) = seated(fixture::lab(), true).await;
    let pins = lab.lock().case.pins.len();
    let folder = std::env::temp_dir().join(format!("drill-seat-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let picture = folder.join("logs.svg");
    let script = format!(
        "<Until CRITICAL>\n2 /timeout<Enter> m <Until pinned>\n<Gone not reachable> <Picture {}> <Wait 1ms> 7",
        picture.display()
    );
    let keys = strokes::read(&script).unwrap();
    seat.play(&keys, Duration::from_secs(20)).await.unwrap();
    let drawn = std::fs::read_to_string(&picture).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(drawn.starts_with("<svg") && drawn.contains("timeout"));
    assert_eq!(seat.data()["view"], "case");
    assert_eq!(lab.lock().case.pins.len(), pins + 1);
    let never = strokes::read("<Until a zebra>").unwrap();
    let never = seat.play(&never, Duration::ZERO).await.unwrap_err();
    let never = never.to_string();
    assert!(
        never.contains("never showed \"a zebra\"") && never.contains("Case"),
        "{never}"
    );
}

#[tokio::test]
async fn a_seat_that_looks_changes_nothing() {
    let (mut seat, lab) = seated(fixture::lab(), false).await;
    let keys = strokes::read("2 m 1 A").unwrap();
    seat.play(&keys, Duration::ZERO).await.unwrap();
    assert!(lab.lock().posted.is_empty(), "{:?}", lab.lock().posted);
    assert!(seat.svg().contains("<svg"));
    assert!(!seat.left());
    // nor is what it asks journalled as the trainee's: queries, a comparison, what differs
    for (view, query) in [("logs", "timeout"), ("traces", "error"), ("metrics", "up")] {
        seat.open(view, Some(query), When::Usual).await.unwrap();
    }
    let keys = strokes::read("3 x <Esc> / checkout <Enter> 4").unwrap();
    seat.play(&keys, Duration::ZERO).await.unwrap();
    let asked = lab.lock().asked.clone();
    for path in [
        "/loki/",
        "/api/search",
        "/api/v1/query_range",
        "/derived/attributes",
    ] {
        assert!(asked.iter().any(|(_, uri, _)| uri.contains(path)), "{path}");
    }
    let of_person: Vec<_> = asked
        .iter()
        .filter(|(_, _, background)| !background)
        .collect();
    assert!(of_person.is_empty(), "{of_person:?}");
}
