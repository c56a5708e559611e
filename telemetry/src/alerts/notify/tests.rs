//! Webhooks against a receiver on loopback: shapes, retries, what gets lost and is counted.

use std::collections::VecDeque;

use axum::Router;
use axum::extract::State as Shared;
use axum::response::IntoResponse;
use axum::routing::post;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::metrics::MetricsConfig;
use crate::time::WallTime;

const RULES: &str = r#"
groups:
  - name: g
    rules:
      - alert: TooManyErrors
        expr: errors > 5
        labels: { severity: critical, service: shop }
        annotations: { summary: "{{ $value }} errors <now>", description: "too & many", runbook_url: "https://runbooks.example.com/errors" }
"#;
const SECOND: i64 = 1_000_000_000;

/// Answers to give, then 200; and what came.
struct Receiver {
    answers: Mutex<VecDeque<(StatusCode, Option<&'static str>)>>,
    bodies: mpsc::UnboundedSender<Value>,
}

impl Default for Inbox {
    fn default() -> Self {
        Self::answering(&[])
    }
}

struct Inbox {
    receiver: Arc<Receiver>,
    bodies: mpsc::UnboundedReceiver<Value>,
}

impl Inbox {
    fn answering(answers: &[(StatusCode, Option<&'static str>)]) -> Self {
        let (to, bodies) = mpsc::unbounded_channel();
        let answers = Mutex::new(answers.iter().copied().collect());
        let receiver = Arc::new(Receiver {
            answers,
            bodies: to,
        });
        Self { receiver, bodies }
    }

    async fn serve(&self) -> String {
        async fn take(
            Shared(receiver): Shared<Arc<Receiver>>,
            body: Bytes,
        ) -> axum::response::Response {
            receiver
                .bodies
                .send(serde_json::from_slice(&body).unwrap())
                .unwrap();
            match receiver.answers.lock().pop_front() {
                Some((status, Some(after))) => {
                    (status, [("retry-after", after)], "busy").into_response()
                }
                Some((status, None)) => (status, "no").into_response(),
                None => StatusCode::OK.into_response(),
            }
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook/secret", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/hook/secret", post(take))
            .with_state(self.receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    async fn next(&mut self) -> Value {
        let body = tokio::time::timeout(Duration::from_secs(60), self.bodies.recv()).await;
        body.expect("a message").expect("the receiver lives")
    }
}

fn metrics() -> Metrics {
    let metrics = Metrics::new(MetricsConfig::default(), Arc::new(WallTime));
    metrics.alerts().load([("rules.yaml", RULES)]).unwrap();
    metrics
}

fn evaluate(metrics: &Metrics, second: i64, errors: f64) {
    metrics.append(&[("__name__", "errors")], second * 1_000, errors);
    metrics.alerts().evaluate(second * SECOND);
}

fn start(metrics: &Metrics, webhooks: Vec<Webhook>) -> (Notifier, CancellationToken) {
    let (notifier, mut work) =
        Notifier::new(metrics.clone(), webhooks, "http://127.0.0.1:8300".into());
    work.first_retry = Duration::from_millis(1);
    let cancel = CancellationToken::new();
    tokio::spawn(work.run(cancel.clone()));
    (notifier, cancel)
}

async fn until(notifier: &Notifier, holds: impl Fn(&Told) -> bool) -> Told {
    for _ in 0..60_000 {
        let told = notifier.told().remove(0);
        if holds(&told) {
            return told;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never so: {:?}", notifier.told());
}

#[tokio::test]
async fn a_webhook_is_told_when_an_alert_fires_and_when_it_is_resolved() {
    let mut inbox = Inbox::default();
    let url = inbox.serve().await;
    let metrics = metrics();
    // it fires before anyone listens: that is told too
    evaluate(&metrics, 1, 7.0);
    let (notifier, _cancel) = start(&metrics, vec![Webhook::new(&url, Shape::Generic).unwrap()]);
    let message = inbox.next().await;
    assert_eq!(
        (
            &message["version"],
            &message["status"],
            &message["groupLabels"]
        ),
        (
            &json!("4"),
            &json!("firing"),
            &json!({ "alertname": "TooManyErrors" })
        )
    );
    let alert = &message["alerts"][0];
    assert_eq!(
        alert["labels"],
        json!({ "alertname": "TooManyErrors", "severity": "critical", "service": "shop" })
    );
    assert_eq!(
        (
            &alert["startsAt"],
            &alert["endsAt"],
            &alert["value"],
            &alert["threshold"]
        ),
        (
            &json!("1970-01-01T00:00:01Z"),
            &json!("0001-01-01T00:00:00Z"),
            &json!(7.0),
            &json!("> 5")
        )
    );
    assert_eq!(
        alert["generatorURL"],
        "http://127.0.0.1:8300/prometheus/api/v1/query?query=errors%20%3E%205&time=1"
    );
    evaluate(&metrics, 2, 8.0);
    evaluate(&metrics, 3, 1.0);
    let message = inbox.next().await;
    assert_eq!(message["status"], "resolved");
    assert_eq!(message["alerts"][0]["endsAt"], "1970-01-01T00:00:03Z");
    let told = until(&notifier, |told| told.sent == 2).await;
    assert_eq!((told.failed, told.dropped, told.problem), (0, 0, None));
    assert!(
        told.to.ends_with("/…") && !told.to.contains("secret"),
        "{}",
        told.to
    );
}

#[tokio::test]
async fn slack_gets_a_text_and_attachments_that_are_escaped() {
    let mut inbox = Inbox::default();
    let url = inbox.serve().await;
    let metrics = metrics();
    let (_notifier, _cancel) = start(&metrics, vec![Webhook::new(&url, Shape::Slack).unwrap()]);
    evaluate(&metrics, 1, 7.0);
    let message = inbox.next().await;
    assert_eq!(
        message["text"],
        "[FIRING] TooManyErrors: 7 errors &lt;now&gt;"
    );
    let attachment = &message["attachments"][0];
    assert_eq!(
        (&attachment["color"], &attachment["ts"]),
        (&json!("danger"), &json!(1))
    );
    let text = attachment["text"].as_str().unwrap();
    assert!(text.starts_with("too &amp; many\n"), "{text}");
    assert!(
        text.ends_with("<https://runbooks.example.com/errors|Runbook>"),
        "{text}"
    );
    let titles: Vec<&str> = attachment["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["title"].as_str().unwrap())
        .collect();
    assert_eq!(
        titles,
        ["Severity", "Service", "Value", "Threshold", "Since"]
    );
}

#[tokio::test]
async fn a_receiver_that_is_busy_is_tried_again_and_one_that_refuses_is_not() {
    let busy = [
        (StatusCode::SERVICE_UNAVAILABLE, None),
        (StatusCode::TOO_MANY_REQUESTS, Some("0")),
    ];
    let mut inbox = Inbox::answering(&[
        busy[0],
        busy[1],
        (StatusCode::OK, None),
        (StatusCode::FORBIDDEN, None),
    ]);
    let url = inbox.serve().await;
    let metrics = metrics();
    let (notifier, _cancel) = start(&metrics, vec![Webhook::new(&url, Shape::Generic).unwrap()]);
    evaluate(&metrics, 1, 7.0);
    let told = until(&notifier, |told| told.sent == 1).await;
    assert_eq!((told.retried, told.failed), (2, 0));
    let first = inbox.next().await;
    assert_eq!(first, inbox.next().await, "the same message again");
    evaluate(&metrics, 2, 0.0);
    let told = until(&notifier, |told| told.failed == 1).await;
    assert_eq!(
        (told.sent, told.problem.as_deref()),
        (1, Some("HTTP status 403 no"))
    );
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_given_up_and_the_other_is_told() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let mut inbox = Inbox::default();
    let url = inbox.serve().await;
    let metrics = metrics();
    let webhooks = vec![
        Webhook::new(&nobody, Shape::Generic).unwrap(),
        Webhook::new(&url, Shape::Generic).unwrap(),
    ];
    let (notifier, _cancel) = start(&metrics, webhooks);
    evaluate(&metrics, 1, 7.0);
    assert_eq!(inbox.next().await["status"], "firing");
    let told = until(&notifier, |told| told.failed == 1).await;
    assert_eq!(told.retried, u64::from(ATTEMPTS) - 1);
    assert!(
        told.problem
            .is_some_and(|problem| problem.contains("refused"))
    );
}

#[tokio::test]
async fn what_finds_no_room_is_dropped_and_counted() {
    // a listener that never answers
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let metrics = metrics();
    let (notifier, cancel) = start(&metrics, vec![Webhook::new(&url, Shape::Generic).unwrap()]);
    // several changes between two looks are one message: as many as it takes
    for second in 1..=60_000 {
        evaluate(&metrics, second, if second % 2 == 1 { 7.0 } else { 0.0 });
        tokio::time::sleep(Duration::from_millis(1)).await;
        if notifier.told()[0].dropped > 0 {
            break;
        }
    }
    let told = &notifier.told()[0];
    assert!(told.dropped > 0 && told.sent == 0, "{told:?}");
    cancel.cancel();
}

#[test]
fn an_address_must_be_one_and_is_not_repeated() {
    for (wrong, why) in [
        ("ftp://a/secret", "ftp"),
        ("hooks/secret", ""),
        ("http://", ""),
        ("", "empty"),
        ("http:///secret", ""),
    ] {
        let error = Webhook::new(wrong, Shape::Slack).unwrap_err().to_string();
        assert!(
            error.contains(why) && !error.contains("secret"),
            "{wrong}: {error}"
        );
    }
    let hook = Webhook::new("https://me:secret@hooks.example.com/secret", Shape::Slack).unwrap();
    assert_eq!(format!("{hook:?}"), "Slack https://hooks.example.com/…");
}

#[test]
fn a_message_tells_of_what_changed_only() {
    let metrics = metrics();
    let mut known = Known::default();
    let mut at = |second, errors| {
        evaluate(&metrics, second, errors);
        let changed = known.changes(metrics.alerts().alerts());
        changed
            .into_iter()
            .map(|alert| alert.state)
            .collect::<Vec<_>>()
    };
    assert_eq!(at(1, 7.0), [State::Firing]);
    assert_eq!(at(2, 7.0), []);
    assert_eq!(at(3, 0.0), [State::Resolved]);
    assert_eq!(at(4, 0.0), []);
    assert_eq!(at(5, 7.0), [State::Firing]);
    metrics
        .alerts()
        .load([("rules.yaml", "groups: []")])
        .unwrap();
    assert_eq!(
        known.changes(metrics.alerts().alerts())[0].state,
        State::Resolved
    );
}
