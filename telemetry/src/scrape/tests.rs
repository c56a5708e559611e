//! The scraper against real servers on loopback, with a clock that the test moves.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::metrics::store::Budget;
use crate::promql::{self, Answer, Limits};
use crate::time::TraceId;

#[derive(Default)]
struct Clock(AtomicI64);

impl TimeSource for Clock {
    fn now_ns(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn stamp_ns(&self, emitted_ns: i64, trace: Option<TraceId>) -> i64 {
        // records of a trace are moved by a second, so that a test sees the mapping
        emitted_ns + if trace.is_some() { 1_000_000_000 } else { 0 }
    }
}

struct Bench {
    store: Arc<Store>,
    exemplars: Arc<Exemplars>,
    catalog: Arc<Catalog>,
    clock: Arc<Clock>,
    scraper: Scraper,
}

fn bench() -> Bench {
    let (store, exemplars, clock) = (
        Arc::new(Store::new(Budget::default())),
        Arc::new(Exemplars::default()),
        Arc::new(Clock::default()),
    );
    let catalog = Arc::new(Catalog::default());
    let scraper = Scraper::new(
        store.clone(),
        exemplars.clone(),
        catalog.clone(),
        clock.clone(),
    );
    Bench {
        store,
        exemplars,
        catalog,
        clock,
        scraper,
    }
}

impl Bench {
    async fn round(&self, second: i64) -> Round {
        self.clock.0.store(second * 1_000_000_000, Ordering::SeqCst);
        self.scraper.scrape_once(true).await
    }

    fn values(&self, query: &str, second: i64) -> Vec<f64> {
        let none = promql::Variables {
            step: Duration::ZERO,
            range: Duration::ZERO,
            scrape_interval: Duration::ZERO,
        };
        let expr = promql::parse(query, &none).unwrap();
        match promql::instant(&self.store, &expr, second * 1000, Limits::default()).unwrap() {
            Answer::Vector(found) => found.into_iter().map(|(_, value)| value).collect(),
            other => panic!("{other:?}"),
        }
    }
}

fn target(url: &str) -> Target {
    Target {
        labels: vec![
            ("service".into(), "cart".into()),
            ("instance".into(), "cart-1".into()),
        ],
        url: url.into(),
    }
}

/// Serves one page after the other, then the last one again and again; returns the URL.
async fn serve(kind: &'static str, pages: Vec<&'static str>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = Arc::new(AtomicUsize::new(0));
    let page = move || {
        let at = served.fetch_add(1, Ordering::SeqCst).min(pages.len() - 1);
        let page = pages[at];
        async move { ([(CONTENT_TYPE, kind)], page).into_response() }
    };
    tokio::spawn(
        async move { axum::serve(listener, Router::new().route("/metrics", get(page))).await },
    );
    format!("http://{address}/metrics")
}

const TEXT: &str = "text/plain; version=0.0.4";
const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[tokio::test]
async fn samples_get_the_targets_labels_and_the_rounds_time() {
    let bench = bench();
    let url = serve(TEXT, vec!["a 1\nb{service=\"own\",x=\"y\"} 2\n"]).await;
    bench.scraper.set_targets(vec![target(&url)]).unwrap();
    let round = bench.round(10).await;
    assert_eq!(
        (round.up, round.down, round.at_ms, round.samples.len()),
        (1, 0, 10_000, 5)
    );
    assert_eq!(
        bench.values("a{service=\"cart\", instance=\"cart-1\"}", 10),
        [1.0]
    );
    assert_eq!(
        bench.values("b{service=\"cart\", exported_service=\"own\", x=\"y\"}", 10),
        [2.0]
    );
    assert_eq!(
        bench.values("up{service=\"cart\"} + scrape_samples_scraped", 10),
        [3.0]
    );
    assert_eq!(bench.values("scrape_duration_seconds >= 0", 10).len(), 1);
}

#[tokio::test]
async fn a_series_that_vanishes_is_stale_at_once_and_may_return() {
    let bench = bench();
    let url = serve(TEXT, vec!["a 1\nb 1\n", "a 2\n", "a 3\nb 3\n"]).await;
    bench.scraper.set_targets(vec![target(&url)]).unwrap();
    for second in [10, 11, 12] {
        bench.round(second).await;
    }
    assert_eq!(
        (
            bench.values("b", 10),
            bench.values("b", 11),
            bench.values("b", 12)
        ),
        (vec![1.0], vec![], vec![3.0])
    );
    assert_eq!(bench.values("a", 12), [3.0]);
}

#[tokio::test]
async fn a_series_with_times_of_its_own_does_not_become_stale() {
    let bench = bench();
    let url = serve(TEXT, vec!["a 1 10000\nb 1\n", "b 2\n"]).await;
    bench.scraper.set_targets(vec![target(&url)]).unwrap();
    for second in [10, 11] {
        bench.round(second).await;
    }
    assert_eq!(bench.values("a", 11), [1.0]);
    bench.clock.0.store(12_000_000_000, Ordering::SeqCst);
    bench.scraper.set_targets(Vec::new()).unwrap();
    assert_eq!(
        (bench.values("a", 12), bench.values("b", 12)),
        (vec![1.0], vec![])
    );
}

#[tokio::test]
async fn a_target_that_fails_is_down_and_all_its_series_are_stale() {
    let bench = bench();
    let url = serve(TEXT, vec!["a 1\n", "a 1\nthis is no metric\n", "a 1\n"]).await;
    bench.scraper.set_targets(vec![target(&url)]).unwrap();
    for second in [10, 11] {
        bench.round(second).await;
    }
    assert_eq!(
        (bench.values("a", 11), bench.values("up", 11)),
        (vec![], vec![0.0])
    );
    let health = &bench.scraper.health()[0];
    assert_eq!(health.up, Some(false));
    assert!(health.error.contains("line 2, byte 9"), "{}", health.error);
    bench.round(12).await;
    assert_eq!(
        (bench.values("a", 12), bench.values("up", 12)),
        (vec![1.0], vec![1.0])
    );
    let nobody = "http://127.0.0.1:1/metrics";
    bench.scraper.set_targets(vec![target(nobody)]).unwrap();
    let round = bench.round(13).await;
    assert_eq!((round.up, round.down), (0, 1));
    assert!(
        bench.scraper.health()[0].error.contains("refused"),
        "{}",
        bench.scraper.health()[0].error
    );
}

#[tokio::test]
async fn a_target_that_is_removed_leaves_no_fresh_series() {
    let bench = bench();
    let url = serve(TEXT, vec!["a 1\n"]).await;
    bench.scraper.set_targets(vec![target(&url)]).unwrap();
    bench.round(10).await;
    bench.clock.0.store(11_000_000_000, Ordering::SeqCst);
    bench.scraper.set_targets(Vec::new()).unwrap();
    assert_eq!(
        (
            bench.values("a", 10),
            bench.values("a", 11),
            bench.values("up", 11)
        ),
        (vec![1.0], vec![], vec![])
    );
}

#[tokio::test]
async fn exemplars_are_kept_in_store_time() {
    let bench = bench();
    let page = "# TYPE lat histogram\nlat_bucket{le=\"+Inf\"} 1 # {trace_id=\"0af7651916cd43dd8448eb211c80319c\"} 0.25 5.5\nlat_count 1\nlat_sum 0.25\n# EOF\n";
    let url = serve(OPEN, vec![page]).await;
    bench.scraper.set_targets(vec![target(&url)]).unwrap();
    bench.round(10).await;
    bench.round(11).await;
    let found = bench.exemplars.select(&[Vec::new()], 0, 20_000);
    assert_eq!((found.len(), found[0].1.len()), (1, 1));
    assert_eq!(
        (found[0].0.name(), found[0].1[0].value, found[0].1[0].t_ms),
        ("lat_bucket", 0.25, 6_500)
    );
}

#[tokio::test]
async fn what_fails_a_scrape_in_prometheus_fails_it_here_and_says_why() {
    let many: String = (0..100).map(|n| format!("l{n}=\"x\",")).collect();
    let long = "x".repeat(10_000);
    for (page, part) in [
        (format!("ok 1\na{{{many}}} 1\n"), "labels on one series"),
        (format!("ok 1\na{{b=\"{long}\"}} 1\n"), "10000 bytes"),
        ("ok 1\na{b=\"1\",b=\"2\"} 1\n".to_owned(), "twice"),
        (
            format!("ok 1\n{}", "a 1\n".repeat(60_000)),
            "more than 50000 samples",
        ),
        ("ok 1\n# TYPE a odd\n".to_owned(), "`odd`"),
    ] {
        let bench = bench();
        let url = serve(TEXT, vec![page.leak()]).await;
        bench.scraper.set_targets(vec![target(&url)]).unwrap();
        let round = bench.round(10).await;
        assert_eq!((round.up, round.down), (0, 1), "{part}");
        let health = &bench.scraper.health()[0];
        assert!(health.error.contains(part), "{}", health.error);
        assert_eq!(
            (bench.values("ok", 10), bench.values("up", 10)),
            (vec![], vec![0.0])
        );
        // what was read until then is told
        assert!(bench.values("scrape_samples_scraped", 10)[0] >= 1.0);
    }
}

#[tokio::test]
async fn a_page_larger_than_the_limit_is_not_read() {
    let bench = bench();
    let page = format!("ok 1\n{}", "# a line of nothing\n".repeat(1 << 20));
    let url = serve(TEXT, vec![page.leak()]).await;
    bench.scraper.set_targets(vec![target(&url)]).unwrap();
    bench.round(10).await;
    let health = &bench.scraper.health()[0];
    assert!(health.error.contains("limit"), "{}", health.error);
    assert_eq!(bench.values("up", 10), [0.0]);
}

#[tokio::test]
async fn times_far_ahead_are_left_out_and_parts_of_families_are_series() {
    let bench = bench();
    let page = "# TYPE sold counter\n# HELP sold Things\n# UNIT sold \nsold_total 3 9.5\nsold_created 1.5\n\
        # TYPE ahead gauge\nahead 1 9999999999\nnear 1 20\n\
        # TYPE q summary\nq{quantile=\"0.5\"} 0.1\nq_count 2\nq_sum 0.3\n\
        # TYPE build info\nbuild_info{version=\"1\"} 1\n# EOF\n";
    let url = serve(OPEN, vec![page]).await;
    bench.scraper.set_targets(vec![target(&url)]).unwrap();
    bench.round(10).await;
    assert_eq!(bench.scraper.health()[0].error, "");
    for (query, expected) in [
        ("sold_total", vec![3.0]),
        ("timestamp(sold_total)", vec![9.5]),
        ("sold_created", vec![1.5]),
        ("q{quantile=\"0.5\"}", vec![0.1]),
        ("q_sum / q_count", vec![0.15]),
        ("build_info{version=\"1\"}", vec![1.0]),
        ("ahead", vec![]),
    ] {
        assert_eq!(bench.values(query, 10), expected, "{query}");
    }
    assert_eq!(
        bench.values("ahead", i64::from(u32::MAX) * 3),
        Vec::<f64>::new()
    );
    // a little ahead is what clocks are
    assert_eq!(bench.values("near", 20), [1.0]);
    let known = bench.catalog.get("sold_total").unwrap();
    assert_eq!(
        (known.kind.as_str(), known.help.as_str()),
        ("counter", "Things")
    );
}

#[test]
fn a_label_that_is_exported_already_is_exported_again() {
    let target = Labels::from_pairs([("service", "cart")]);
    let own = ["service", "exported_service"].map(|name| (name.to_owned(), name.to_owned()));
    let labels = with_target_labels(own.to_vec(), &target);
    let text = "{exported_exported_service=\"service\", exported_service=\"exported_service\", service=\"cart\"}";
    assert_eq!(labels.to_string(), text);
}

#[tokio::test]
async fn only_plain_http_on_loopback_is_scraped() {
    let bench = bench();
    for (url, part) in [
        ("https://127.0.0.1/metrics", "plain http"),
        ("http://192.0.2.1/metrics", "loopback"),
        ("http://example.org/metrics", "loopback"),
        ("not a url", "not a url"),
    ] {
        let error = bench
            .scraper
            .set_targets(vec![target(url)])
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{error}");
    }
    let twice = vec![
        target("http://127.0.0.1:1/metrics"),
        target("http://127.0.0.1:2/metrics"),
    ];
    assert!(matches!(
        bench.scraper.set_targets(twice),
        Err(TargetError::Duplicate(_))
    ));
    assert!(
        bench
            .scraper
            .set_targets(vec![target("http://[::1]:1/metrics")])
            .is_ok()
    );
}

#[tokio::test(start_paused = true)]
async fn rounds_follow_the_stores_clock_at_any_speed() {
    /// A clock that runs at a multiple of tokio's.
    struct Fast(tokio::time::Instant, i64);
    impl TimeSource for Fast {
        fn now_ns(&self) -> i64 {
            i64::try_from(self.0.elapsed().as_nanos()).unwrap() * self.1
        }

        fn stamp_ns(&self, emitted_ns: i64, _: Option<TraceId>) -> i64 {
            emitted_ns
        }
    }
    for (speed, interval_s, rounds) in [(1, 1, 9..=11), (120, 5, 230..=241), (120, 1, 380..=401)] {
        let clock = Fast(tokio::time::Instant::now(), speed);
        let cancel = CancellationToken::new();
        let count = AtomicUsize::new(0);
        let run = pace::every(
            &clock,
            &cancel,
            || Duration::from_secs(interval_s),
            || async {
                count.fetch_add(1, Ordering::SeqCst);
            },
        );
        let stop = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            cancel.cancel();
        };
        tokio::join!(run, stop);
        let count = count.load(Ordering::SeqCst);
        assert!(
            rounds.contains(&count),
            "{count} rounds at {speed}x each {interval_s} s"
        );
    }
}
