//! `GET /loki/api/v1/tail`: lines as they come, by web socket. First those since `start`, then what
//! arrives, in the order of their times within each message.
//!
//! Lines arrive a little later than they are stamped and not in order, so that each look goes back over a
//! stretch of time that was looked at before, and leaves out what it has sent. A reader that does not keep
//! up holds up its own tail only: it gets the lines later, as long as the store has them.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior};

use super::{LINES_DEFAULT, LINES_MAX, WINDOW_NS, parse_step_ns, streams};
use crate::api::instant::time_or;
use crate::api::parameters::Parameters;
use crate::api::refusal::Refusal;
use crate::error::QueryError;
use crate::facade::Telemetry;
use crate::logs::{Direction, LogLine, Plan, plan_lines};

/// Tails at once; each looks at the store several times a second.
const TAILS_MAX: usize = 32;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);

/// A tail ends after so long, as in Loki.
const TAIL_TIME: Duration = Duration::from_secs(3600);

/// Between two pings, which find a reader that is gone.
const PING: Duration = Duration::from_secs(20);

/// How far back a look goes over what was looked at, ns of store time: exporters hold records back for a
/// second or a few.
const OVERLAP_NS: i64 = 5_000_000_000;

/// The greatest `delay_for`, as in Loki, seconds.
const DELAY_MAX_S: usize = 5;

/// Bytes of a message from a reader; nothing is expected of it.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Tails that run.
static TAILS: AtomicUsize = AtomicUsize::new(0);

/// A place among the tails, given back when dropped.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let more = |tails: usize| (tails < TAILS_MAX).then_some(tails + 1);
        let taken = TAILS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.is_ok().then_some(Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        TAILS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is tailed, and how far it was sent.
struct Tail {
    telemetry: Telemetry,
    plan: Plan,
    /// Every line before was sent.
    from_ns: i64,
    delay_ns: i64,
    /// Lines of the first message, the newest; afterwards all are sent.
    first: Option<usize>,
    /// How often each line from `from_ns` on was sent.
    sent: HashMap<u64, (i64, usize)>,
}

pub(super) async fn tail(
    State(telemetry): State<Telemetry>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
    parameters: Parameters,
) -> Response {
    // the query is looked at first: its error says more than that a socket is wanted
    let tail = match Tail::new(telemetry, &parameters) {
        Ok(tail) => tail,
        Err(refusal) => return refusal.into_response(),
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let Some(place) = Place::take() else {
        let message = format!("{TAILS_MAX} tails run already: end one");
        return (StatusCode::TOO_MANY_REQUESTS, message).into_response();
    };
    upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            let _place = place;
            tail.run(socket).await;
        })
}

impl Tail {
    fn new(telemetry: Telemetry, parameters: &Parameters) -> Result<Self, Refusal> {
        let plan = plan_lines(parameters.get("query").unwrap_or_default())?;
        let now_ns = telemetry.intake().time().now_ns();
        let since_ns = match parameters.get("since").filter(|text| !text.is_empty()) {
            None => WINDOW_NS,
            Some(text) => parse_step_ns(text)
                .ok_or_else(|| format!("since={text:?} is not a duration such as 15m"))?,
        };
        let start_ns = now_ns.saturating_sub(since_ns);
        let delay_s = parameters.number("delay_for", 0, DELAY_MAX_S)?;
        Ok(Self {
            plan,
            from_ns: time_or("start", parameters.get("start"), start_ns)?,
            delay_ns: i64::try_from(delay_s).unwrap_or(0) * 1_000_000_000,
            first: Some(parameters.number("limit", LINES_DEFAULT, LINES_MAX)?),
            sent: HashMap::new(),
            telemetry,
        })
    }

    async fn run(self, mut socket: WebSocket) {
        let end = Instant::now() + TAIL_TIME;
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut pings = tokio::time::interval_at(Instant::now() + PING, PING);
        let mut tail = self;
        loop {
            let message = tokio::select! {
                () = tokio::time::sleep_until(end) => break,
                _ = pings.tick() => Message::Ping(axum::body::Bytes::new()),
                received = socket.recv() => match received {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    // pings are answered below us; nothing else is expected
                    Some(Ok(_)) => continue,
                },
                _ = looks.tick() => {
                    let looked = tokio::task::spawn_blocking(move || {
                        let found = tail.look();
                        (tail, found)
                    });
                    // a look that panicked ends its tail, and its reader asks again
                    let Ok((back, found)) = looked.await else { break };
                    tail = back;
                    match found {
                        Ok(lines) if lines.is_empty() => continue,
                        Ok(lines) => Message::Text(told(lines).into()),
                        // it took too long: the reader is told by the end of the tail
                        Err(_) => break,
                    }
                }
            };
            if socket.send(message).await.is_err() {
                return;
            }
        }
        // a reader that is gone needs no goodbye
        let _ = socket.send(Message::Close(None)).await;
    }

    /// The lines that were not sent yet, oldest first.
    fn look(&mut self) -> Result<Vec<LogLine>, QueryError> {
        let segments = self.telemetry.intake().log_store().snapshot();
        let now_ns = self.telemetry.intake().time().now_ns();
        let until_ns = now_ns.saturating_sub(self.delay_ns).saturating_add(1);
        let window = (self.from_ns, until_ns);
        let mut lines = match self.first.take() {
            Some(limit) => {
                let mut lines = self
                    .plan
                    .lines(&segments, window, limit, Direction::Backward)?;
                lines.reverse();
                // what is older than the newest `limit` is not wanted
                self.from_ns = match lines.first() {
                    _ if limit == 0 => until_ns,
                    Some(oldest) if lines.len() == limit => oldest.ts_ns,
                    _ => self.from_ns,
                };
                lines
            }
            None => self
                .plan
                .lines(&segments, window, LINES_MAX, Direction::Forward)?,
        };
        let full = lines.len() >= LINES_MAX;
        let last_ns = lines.last().map_or(self.from_ns, |line| line.ts_ns);
        let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
        lines.retain(|line| {
            let key = key(line);
            let times = seen.entry(key).or_default();
            *times += 1;
            let sent = self.sent.entry(key).or_insert((line.ts_ns, 0));
            let is_new = *times > sent.1;
            sent.1 += usize::from(is_new);
            is_new
        });
        let looked_ns = match full {
            // cut off at its last line: the next goes on from there, or after it where that is all one time
            true if last_ns > self.from_ns => last_ns,
            true => last_ns.saturating_add(1),
            false => until_ns.saturating_sub(OVERLAP_NS),
        };
        self.from_ns = self.from_ns.max(looked_ns);
        let from_ns = self.from_ns;
        self.sent.retain(|_, (ts_ns, _)| *ts_ns >= from_ns);
        Ok(lines)
    }
}

fn key(line: &LogLine) -> u64 {
    let mut hasher = DefaultHasher::new();
    (line.ts_ns, &line.line, &line.labels).hash(&mut hasher);
    hasher.finish()
}

fn told(lines: Vec<LogLine>) -> String {
    json!({"streams": streams(lines), "dropped_entries": []}).to_string()
}
