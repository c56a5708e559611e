//! The second data set: a target that changes at each scrape, loses series and finds them again, and is down for a while.
//! Prometheus scrapes it; then our scraper is given the same pages at the same times.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use parking_lot::Mutex;
use telemetry::metrics::{Metrics, MetricsConfig};
use telemetry::scrape::Target;
use telemetry::time::{TimeSource, TraceId, WallTime};

use super::expressions;
use super::http::{Api, serve};
use super::prometheus::Prometheus;
use super::{Duel, Span};

/// Between two scrapes.
const INTERVAL_MS: u64 = 150;
/// Pages that Prometheus is to take.
const SCRAPES: usize = 80;
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(60);

const TEXT: &str = "text/plain; version=0.0.4";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the target says to one scrape.
#[derive(Debug, Clone)]
struct Page {
    status: StatusCode,
    kind: &'static str,
    body: String,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        (self.status, [("content-type", self.kind)], self.body).into_response()
    }
}

/// Page `n` as it is served at `now_ms`: text and OpenMetrics in turn, each in its own time scale.
fn page(n: usize, now_ms: i64) -> Page {
    let openmetrics = n % 20 >= 10;
    let mut body = String::new();
    if matches!(n, 33 | 34) {
        // the mistake stands first: after one amid the page, Prometheus 2.42 leaves the series that it had read before it
        // without stale markers (its second, empty `append` takes them for present); ours marks all
        body.push_str("no { page\n");
    }
    body.push_str("# HELP live_total All of it.\n# TYPE live_total counter\n");
    for (series, value) in samples(n) {
        let value = telemetry::promql::format_value(value);
        writeln!(body, "{series} {value}").unwrap();
    }
    // with times of its own a series is its emitter's business: it does not become stale
    if n % 10 < 7 && n < SCRAPES {
        let seconds = now_ms / 1000;
        let t = if openmetrics { seconds } else { seconds * 1000 };
        writeln!(body, "live_stamped {seconds} {t}").unwrap();
    }
    if openmetrics {
        body.push_str("# EOF\n");
    }
    let status = match n {
        24..28 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    let kind = if openmetrics { OPENMETRICS } else { TEXT };
    Page { status, kind, body }
}

/// The series of page `n` that carry no time.
fn samples(n: usize) -> Vec<(String, f64)> {
    let number = n as f64;
    let mut samples = vec![("live_page".to_owned(), number)];
    for (at, path) in ["/", "/cart", "/pay"].into_iter().enumerate() {
        // each path vanishes for some pages, the last one for a single page
        let gone = match at {
            0 => (15..19).contains(&n),
            1 => (40..60).contains(&n),
            _ => n % 7 == 3,
        };
        if !gone {
            let series = format!("live_total{{path=\"{path}\"}}");
            samples.push((series, ((n % 31) * (at + 1)) as f64));
        }
    }
    if n.is_multiple_of(2) {
        samples.push(("live_flicker".to_owned(), number));
    }
    for (bound, each) in [("0.1", 2.0), ("1", 11.0), ("+Inf", 21.0)] {
        let series = format!("live_seconds_bucket{{le=\"{bound}\"}}");
        samples.push((series, number * each));
    }
    let odd = [f64::NAN, 1.0, f64::INFINITY, -3.5][n % 4];
    // the target's own labels win; of the same series twice on a page the first one counts
    let others = [
        ("live_odd", odd),
        ("live_clash{job=\"mine\",instance=\"here\"}", number),
        ("live_twice", 1.0),
        ("live_twice", 2.0),
        ("live_utf8{word=\"日本 \\\"x\\\"\\n\"}", number),
    ];
    samples.extend(others.map(|(series, value)| (series.to_owned(), value)));
    samples
}

/// Serves a page of its own to each scrape, and remembers it.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Page>>>);

async fn next(State(recorder): State<Recorder>) -> Page {
    let mut pages = recorder.0.lock();
    let page = page(pages.len(), WallTime.now_ns() / 1_000_000);
    pages.push(page.clone());
    page
}

/// Serves what it was last told.
#[derive(Clone)]
struct Replay(Arc<Mutex<Page>>);

async fn again(State(replay): State<Replay>) -> Page {
    replay.0.lock().clone()
}

/// A clock that is set by hand, ms.
struct Set(AtomicI64);

impl TimeSource for Set {
    fn now_ns(&self) -> i64 {
        self.0.load(Ordering::SeqCst) * 1_000_000
    }

    fn stamp_ns(&self, emitted_ns: i64, _: Option<TraceId>) -> i64 {
        emitted_ns
    }
}

/// The raw samples of a selector: milliseconds and values.
async fn raw(api: &Api, selector: &str) -> BTreeMap<i64, f64> {
    let (status, answer) = api
        .ask("query", &[("query", &format!("{selector}[10m]"))])
        .await;
    assert_eq!(status, 200, "{answer}");
    let series = answer["data"]["result"].as_array().unwrap();
    let points = series
        .iter()
        .flat_map(|one| one["values"].as_array().unwrap());
    points
        .map(|pair| {
            // seconds as a binary fraction
            let t_ms = (pair[0].as_f64().unwrap() * 1000.0).round() as i64;
            (t_ms, pair[1].as_str().unwrap().parse().unwrap())
        })
        .collect()
}

/// Gives our scraper, at each time at which Prometheus scraped, the page that Prometheus took then: the page's own number
/// in Prometheus' samples tells which. Where Prometheus noted the target as down, ours meets a target that is down.
async fn replayed(theirs: &Api, recorder: &Recorder, target: &str) -> (Metrics, Vec<i64>) {
    let (ups, taken) = (raw(theirs, "up").await, raw(theirs, "live_page").await);
    let pages = recorder.0.lock().clone();
    let down = Page {
        status: StatusCode::SERVICE_UNAVAILABLE,
        kind: TEXT,
        body: String::new(),
    };
    let replay = Replay(Arc::new(Mutex::new(down.clone())));
    let router = Router::new()
        .route("/metrics", get(again))
        .with_state(replay.clone());
    let url = format!("http://{}/metrics", serve(router).await);
    let clock = Arc::new(Set(AtomicI64::new(0)));
    let metrics = Metrics::new(MetricsConfig::default(), clock.clone());
    let labels = [("job", "live"), ("instance", target)];
    let labels = labels.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
    metrics
        .scraper()
        .set_targets(vec![Target { labels, url }])
        .unwrap();
    for (t_ms, up) in &ups {
        let page = if *up == 1.0 {
            pages[taken[t_ms] as usize].clone()
        } else {
            down.clone()
        };
        *replay.0.lock() = page;
        clock.0.store(*t_ms, Ordering::SeqCst);
        let round = metrics.scraper().scrape_once(false).await;
        assert_eq!(
            round.up as f64,
            *up,
            "at {t_ms}: {:?}",
            metrics.scraper().health()
        );
    }
    let downs = ups.values().filter(|up| **up == 0.0).count();
    assert!(downs >= 6, "the target was down for {downs} scrapes only");
    (metrics, ups.into_keys().collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs prometheus"]
async fn a_live_target_is_answered_as_prometheus_answers() {
    let recorder = Recorder::default();
    let router = Router::new()
        .route("/metrics", get(next))
        .with_state(recorder.clone());
    let target = serve(router).await;
    let peer = tokio::task::spawn_blocking(move || Prometheus::scraping(target, INTERVAL_MS))
        .await
        .unwrap();
    let theirs = Api::new(peer.address);
    let since = Instant::now();
    while recorder.0.lock().len() < SCRAPES {
        assert!(
            since.elapsed() < PATIENCE,
            "{} pages served",
            recorder.0.lock().len()
        );
        tokio::time::sleep(Duration::from_millis(INTERVAL_MS)).await;
    }
    // the newest times must lie further back than what our API takes for a caller's present
    tokio::time::sleep(Duration::from_secs(6)).await;
    // what Prometheus takes from here on is no part of the comparison, and no time below reaches into it
    let (metrics, times) = replayed(&theirs, &recorder, &target.to_string()).await;
    let ours = Api::new(serve(metrics.router()).await);
    let mut duel = Duel::new(theirs, ours);
    let at = |t_ms: i64| (t_ms as f64 / 1000.0).to_string();
    let (first, last) = (times[0], times[SCRAPES - 2]);
    let asked: Vec<String> = [0, 16, 25, 30, 33, 45, SCRAPES - 2]
        .iter()
        .map(|n| at(times[*n] + 20))
        .collect();
    let spans: [Span; 2] = [
        (at(first - 500), at(last), "0.05".to_owned()),
        (at(first), at(last), "1".to_owned()),
    ];
    for case in expressions::listed(include_str!("live.txt")) {
        duel.ask(&case, &asked, &spans).await;
    }
    duel.end(10_000);
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::scrape::exposition::{Format, Lines};

    #[test]
    fn our_parser_reads_the_pages_that_are_whole_and_refuses_the_cut_ones() {
        for n in 0..SCRAPES {
            let page = page(n, 1_709_164_800_123);
            let format = if page.kind == TEXT {
                Format::Text
            } else {
                Format::OpenMetrics
            };
            let read: Result<Vec<_>, _> = Lines::new(&page.body, format).collect();
            assert_eq!(read.is_ok(), !matches!(n, 33 | 34), "{n}");
        }
    }
}
