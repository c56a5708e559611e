//! The wire form of every HTTP toxic, what a stranger may send, and what each decides.

use super::*;
use rand::SeedableRng;
use serde_json::json;

fn toxic(kind: &str, attributes: Value) -> HttpToxic {
    HttpToxic::from_wire(kind, attributes).unwrap().unwrap()
}

fn request(method: &str, target: &str) -> RequestHead {
    RequestHead {
        method: method.into(),
        target: target.into(),
        minor: 1,
        headers: Headers::default(),
    }
}

/// A link and one connection, at a time of the test's choosing.
struct Bench {
    link: Memory,
    connection: Memory,
    rng: ChaCha8Rng,
}

impl Bench {
    fn new() -> Self {
        Self {
            link: Memory::default(),
            connection: Memory::default(),
            rng: ChaCha8Rng::seed_from_u64(7),
        }
    }

    fn ask(&mut self, toxic: &HttpToxic, request: &RequestHead, now_ms: u64) -> Verdict {
        toxic.decide(
            request,
            &mut Moment {
                link: &mut self.link,
                connection: &mut self.connection,
                now: Duration::from_millis(now_ms),
                rng: &mut self.rng,
            },
        )
    }
}

fn status_of(verdict: &Verdict) -> Option<u16> {
    match verdict {
        Verdict::Respond(answer) => Some(answer.status),
        Verdict::Pass => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_toxic_comes_back_from_the_wire_as_it_went() {
    for kind in KINDS {
        let mut given = json!({"method": ["GET"], "path": "/a*", "header": "x=y", "share": 0.25});
        if kind.name == "http_rewrite_body" {
            given["find"] = json!("a");
        }
        let first = toxic(kind.name, given);
        let wire = first.attributes();
        assert_eq!(first.kind(), kind.name);
        assert_eq!(toxic(kind.name, wire.clone()), first);
        let known = || kind.attributes.iter().chain(MATCH).map(|(name, _)| *name);
        for name in wire.as_object().unwrap().keys() {
            assert!(known().any(|known| known == name), "{} {name}", kind.name);
        }
        assert_eq!(first.updated(json!({})).unwrap(), first);
        assert_eq!(first.updated(Value::Null).unwrap(), first);
        let less = first.updated(json!({"share": 0.1, "path": ""})).unwrap();
        assert_eq!(
            (less.matching.share.share(), &less.matching.path),
            (0.1, &None)
        );
        assert_eq!(less.matching.methods, ["GET"]);
        assert!(first.updated(json!([1])).is_err());
        assert_eq!(first.at_strength(0.5).matching.share.share(), 0.125);
        for (name, _) in kind.attributes {
            // an attribute that is documented is known: it is refused for its value only
            let error = first
                .updated(json!({ *name: [[]] }))
                .unwrap_err()
                .to_string();
            assert!(!error.contains("unknown field"), "{error}");
        }
    }
    assert!(HttpToxic::from_wire("http_nothing", Value::Null).is_none());
}

/// Each is refused with its type in front and the part in the text.
fn assert_refused(cases: &[(&str, Value, &str)]) {
    for (kind, attributes, part) in cases {
        let read = HttpToxic::from_wire(kind, attributes.clone()).unwrap();
        let text = read.unwrap_err().to_string();
        assert!(text.starts_with(&format!("{kind}: ")), "{text}");
        assert!(text.contains(part), "{attributes}: {text}");
    }
}

#[test]
fn an_answer_that_could_not_be_sent_is_refused() {
    let status = |attributes, part| ("http_status", attributes, part);
    assert_refused(&[
        status(json!({"status": 600}), "`status` is 200 to 599, not 600"),
        status(json!({"status": 99}), "`status`"),
        status(json!({"status": 70_000}), "u16"),
        status(json!({"status": 204, "body": "x"}), "`body` must be empty"),
        status(json!({"body": "x".repeat(70_000)}), "`body` has at most"),
        status(json!({"headers": {"Content-Length": "1"}}), "may not set"),
        status(json!({"headers": {"a": "b\r\nc: d"}}), "bad value for `a`"),
        status(json!({"headers": {"a b": "c"}}), "bad name"),
        status(json!({"stauts": 500}), "unknown field `stauts`"),
    ]);
}

#[test]
fn what_is_wrong_is_told_with_type_and_attribute() {
    let past = DAY_MS + 1;
    let long = "x".repeat(5_000);
    assert_refused(&[
        ("http_delay", json!({"delay_ms": -1}), "u64"),
        (
            "http_delay",
            json!({"delay_ms": past}),
            "`delay_ms` is at most",
        ),
        (
            "http_fail_first",
            json!({"per": "host"}),
            "unknown variant `host`",
        ),
        ("http_fail_first", json!({"status": 0}), "`status`"),
        ("http_rate_limit", json!({"per_s": -0.5}), "`per_s` is 0 to"),
        (
            "http_rate_limit",
            json!({"burst": 0}),
            "`burst` is at least 1",
        ),
        (
            "http_rate_limit",
            json!({"retry_after_s": 4_000}),
            "`retry_after_s`",
        ),
        ("http_rewrite_body", json!({}), "`find` must not be empty"),
        (
            "http_rewrite_body",
            json!({"find": long}),
            "`find` has at most",
        ),
        (
            "http_envelope",
            json!({"field": ""}),
            "`field` has 1 to 256",
        ),
        ("http_stale", json!({"ttl_ms": past}), "`ttl_ms` is at most"),
        (
            "http_lost_response",
            json!({"hang_ms": past}),
            "`hang_ms` is at most",
        ),
        (
            "http_reorder",
            json!({"hold_ms": past}),
            "`hold_ms` is at most",
        ),
        (
            "http_duplicate",
            json!({"share": 2}),
            "`share` is a number from 0 to 1",
        ),
        ("http_duplicate", json!("all"), "must be an object"),
    ]);
    let huge = json!({"x".repeat(1_000_000): 1});
    let error = HttpToxic::from_wire("http_delay", huge)
        .unwrap()
        .unwrap_err();
    assert!(error.to_string().len() < 400);
}

#[test]
fn a_share_is_drawn_per_request_that_matches_and_is_the_same_again() {
    let half = toxic("http_status", json!({"share": 0.5, "path": "/a"}));
    let fates = |others: bool| -> Vec<bool> {
        let mut bench = Bench::new();
        (0..400)
            .map(|_| {
                if others {
                    assert_eq!(bench.ask(&half, &request("GET", "/b"), 0), Verdict::Pass);
                }
                status_of(&bench.ask(&half, &request("GET", "/a"), 0)).is_some()
            })
            .collect()
    };
    let hit = fates(false).iter().filter(|hit| **hit).count();
    assert!((160..240).contains(&hit), "{hit}");
    assert_eq!(fates(false), fates(true));
    let (none, all) = (
        toxic("http_status", json!({"share": 0})),
        toxic("http_status", json!({"share": 1})),
    );
    let mut bench = Bench::new();
    for _ in 0..100 {
        assert_eq!(bench.ask(&none, &request("GET", "/a"), 0), Verdict::Pass);
        assert_eq!(
            status_of(&bench.ask(&all, &request("GET", "/a"), 0)),
            Some(503)
        );
    }
}

#[test]
fn the_first_fail_per_link_or_per_connection() {
    let ask = |per: &str| -> Vec<Option<u16>> {
        let toxic = toxic(
            "http_fail_first",
            json!({"requests": 2, "status": 500, "per": per}),
        );
        let mut bench = Bench::new();
        let mut told = Vec::new();
        for _ in 0..2 {
            bench.connection = Memory::default();
            told.extend((0..3).map(|_| status_of(&bench.ask(&toxic, &request("GET", "/"), 0))));
        }
        told
    };
    let (fails, works) = (Some(500), None);
    assert_eq!(ask("link"), [fails, fails, works, works, works, works]);
    assert_eq!(
        ask("connection"),
        [fails, fails, works, fails, fails, works]
    );
}

#[test]
fn a_rate_limit_is_a_token_bucket() {
    let limit = toxic(
        "http_rate_limit",
        json!({"per_s": 2.0, "burst": 3, "retry_after_s": 9}),
    );
    let mut bench = Bench::new();
    let mut at = |now_ms| status_of(&bench.ask(&limit, &request("GET", "/"), now_ms));
    assert_eq!([at(0), at(0), at(0)], [None; 3]);
    assert_eq!(at(499), Some(429));
    assert_eq!([at(500), at(500)], [None, Some(429)]);
    // a clock that goes back gives nothing
    assert_eq!(at(100), Some(429));
    assert_eq!(at(1_000), None);
    assert_eq!(
        [at(60_000), at(60_000), at(60_000), at(60_000)],
        [None, None, None, Some(429)]
    );
    let Verdict::Respond(answer) = bench.ask(&limit, &request("GET", "/"), 60_000) else {
        panic!()
    };
    assert_eq!(answer.headers, [("Retry-After".to_owned(), "9".to_owned())]);
}

#[test]
fn delays_stay_within_their_bounds_and_use_them() {
    let delay = toxic("http_delay", json!({"delay_ms": 30, "jitter_ms": 10}));
    let mut bench = Bench::new();
    let drawn: Vec<u128> = (0..500)
        .map(|_| match bench.ask(&delay, &request("GET", "/"), 0) {
            Verdict::Delay(delay) => delay.as_millis(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(drawn.iter().all(|ms| (20..=40).contains(ms)));
    assert!(drawn.iter().any(|ms| *ms < 23) && drawn.iter().any(|ms| *ms > 37));
}

#[test]
fn a_stale_answer_is_served_until_its_time_has_passed() {
    let stale = toxic("http_stale", json!({"ttl_ms": 1_000}));
    let mut bench = Bench::new();
    let get = request("GET", "/a?x=1");
    assert_eq!(bench.ask(&stale, &get, 0), Verdict::Keep);
    let answer: std::sync::Arc<[u8]> = std::sync::Arc::from(&b"HTTP/1.1 200 OK\r\n\r\n"[..]);
    bench
        .link
        .answers
        .keep("/a?x=1", answer.clone(), Duration::ZERO);
    assert_eq!(bench.ask(&stale, &get, 999), Verdict::Replay(answer));
    assert_eq!(bench.ask(&stale, &get, 1_000), Verdict::Keep);
    assert_eq!(bench.ask(&stale, &request("GET", "/a"), 0), Verdict::Keep);
    assert_eq!(
        bench.ask(&stale, &request("POST", "/a?x=1"), 0),
        Verdict::Pass
    );
    let mut part = get;
    part.headers.push("Range", "bytes=0-1");
    assert_eq!(bench.ask(&stale, &part, 0), Verdict::Pass);
}

#[test]
fn one_request_waits_at_a_time_to_be_overtaken() {
    let reorder = toxic("http_reorder", json!({"hold_ms": 250}));
    let mut bench = Bench::new();
    let get = request("GET", "/");
    assert_eq!(
        bench.ask(&reorder, &get, 0),
        Verdict::Hold(Duration::from_millis(250))
    );
    assert_eq!(bench.ask(&reorder, &get, 0), Verdict::Pass);
    bench.link.holding = false;
    assert_ne!(bench.ask(&reorder, &get, 0), Verdict::Pass);
}

#[test]
fn json_is_known_by_its_media_type() {
    let wrap = Change::Envelope {
        field: "data".into(),
    };
    for (content_type, wrapped) in [
        (Some("application/json"), true),
        (Some("Application/JSON; charset=utf-8"), true),
        (Some("application/problem+json"), true),
        (Some("text/json-like"), false),
        (None, false),
    ] {
        let changed = wrap.apply(content_type.map(str::as_bytes), b"[1]");
        assert_eq!(changed.is_some(), wrapped, "{content_type:?}");
    }
}
