//! What each toxic does to a caller, and that the connection goes on where it should.

use super::stage::*;
use bytes::Bytes;
use serde_json::json;
use tokio::{io::AsyncWriteExt, time::timeout};

#[tokio::test]
async fn a_status_comes_instead_of_the_callee_on_a_connection_that_lives_and_stays() {
    let stage = Stage::new().await;
    let mut caller = stage.caller().await;
    assert_eq!(caller.get("/a").await.body, r#"{"n":1,"total":1.5}"#);
    let toxic = stage.poison(
        "http_status",
        json!({"status": 502, "body": "{}", "path": "/a*", "method": "GET,POST"}),
    );
    let got = caller.get("/a").await;
    assert_eq!(
        (got.status, got.length, got.body.as_str()),
        (502, Some(2), "{}")
    );
    assert_eq!(caller.get("/b").await.status, 200);
    // a body that nobody reads must not be taken for the next request
    for body in [
        full("GET /x HTTP/1.1\r\n\r\n"),
        chunks(vec![vec![b'x'; 40_000]; 9]),
    ] {
        assert_eq!(caller.ask("POST", "/a", body).await.status, 502);
    }
    let head = caller.ask("HEAD", "/a", full("")).await;
    assert_eq!(head.status, 200);
    drop(toxic);
    assert_eq!(caller.get("/a").await.status, 200);
    let asked = stage.asked();
    let what: Vec<&str> = asked.iter().map(|asked| asked.what.as_str()).collect();
    assert_eq!(what, ["GET /a", "GET /b", "HEAD /a", "GET /a"]);
    assert!(asked.iter().all(|asked| asked.connection == 0));
    assert_eq!(stage.proxy.http_counts().raw(), 0);
}

#[tokio::test]
async fn a_share_hits_the_same_requests_in_every_run_of_a_seed() {
    let fates = async || {
        let stage = Stage::new().await;
        let _toxic = stage.poison("http_status", json!({"share": 0.4}));
        let (mut one, mut other) = (stage.caller().await, stage.caller().await);
        let mut fates = Vec::new();
        for k in 0..60 {
            let caller = if k % 3 == 0 { &mut other } else { &mut one };
            fates.push(caller.get("/").await.status);
        }
        fates
    };
    let first = fates().await;
    let hit = first.iter().filter(|status| **status == 503).count();
    assert!((12..36).contains(&hit), "{hit}");
    assert_eq!(first, fates().await);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_whoever_answers() {
    let stage = Stage::new().await;
    let _status = stage.poison("http_status", json!({"path": "/mine*"}));
    let mut socket = stage.socket().await;
    let mut sent = String::new();
    for path in ["/text", "/mine", "/mine/2", "/text", "/mine", "/text"] {
        sent += &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    let got = String::from_utf8(exchange(&mut socket, sent.as_bytes()).await).unwrap();
    let order: Vec<&str> = got
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect();
    assert_eq!(order, ["200", "503", "503", "200", "503", "200"]);
    assert_eq!(stage.proxy.http_counts().raw(), 0);
}

#[tokio::test]
async fn a_delay_holds_a_request_until_its_time_or_until_it_is_healed() {
    let stage = Stage::new().await;
    let mut caller = stage.caller().await;
    let toxic = stage.poison("http_delay", json!({"delay_ms": 60, "path": "/slow"}));
    let before = tokio::time::Instant::now();
    assert_eq!(caller.get("/slow").await.status, 200);
    assert!(before.elapsed().as_millis() >= 60);
    drop(toxic);
    let toxic = stage.poison(
        "http_delay",
        json!({"delay_ms": 3_600_000, "path": "/slow"}),
    );
    let held = tokio::spawn(async move { caller.get("/slow").await.status });
    assert_eq!(stage.caller().await.get("/other").await.status, 200);
    tokio::time::sleep(SHORT).await;
    assert!(!held.is_finished());
    assert_eq!(stage.asked().len(), 2);
    drop(toxic);
    assert_eq!(timeout(LONG, held).await.unwrap().unwrap(), 200);
}

#[tokio::test]
async fn the_first_requests_of_each_connection_fail() {
    let stage = Stage::new().await;
    let _toxic = stage.poison(
        "http_fail_first",
        json!({"requests": 2, "status": 500, "per": "connection"}),
    );
    for _ in 0..2 {
        let mut caller = stage.caller().await;
        let mut told = Vec::new();
        for _ in 0..4 {
            told.push(caller.get("/").await.status);
        }
        assert_eq!(told, [500, 500, 200, 200]);
    }
}

#[tokio::test]
async fn a_rate_limit_counts_all_connections_and_says_when_to_come_back() {
    let stage = Stage::new().await;
    let _toxic = stage.poison(
        "http_rate_limit",
        json!({"per_s": 0, "burst": 3, "retry_after_s": 7}),
    );
    let mut callers = [stage.caller().await, stage.caller().await];
    for which in [0, 1, 0] {
        assert_eq!(callers[which].get("/").await.status, 200);
    }
    for which in [0, 1, 1] {
        let got = callers[which].get("/").await;
        assert_eq!((got.status, got.retry_after.as_deref()), (429, Some("7")));
    }
    assert_eq!(stage.asked().len(), 3);
}

#[tokio::test]
async fn bodies_are_changed_with_their_length_and_the_connection_goes_on() {
    let stage = Stage::new().await;
    let mut caller = stage.caller().await;
    let changed = async |caller: &mut Caller, kind: &str, attributes, path: &str| {
        let _toxic = stage.poison(kind, attributes);
        caller.get(path).await
    };
    let got = changed(&mut caller, "http_malformed_body", json!({}), "/").await;
    assert_eq!(
        (got.body.as_str(), got.length),
        (r#"{"n":1,"total":1.5,"#, Some(19))
    );
    let rewrite = || json!({"find": "total", "replace": "amount_cents"});
    let got = changed(&mut caller, "http_rewrite_body", rewrite(), "/").await;
    assert_eq!(
        (got.body.as_str(), got.length),
        (r#"{"n":2,"amount_cents":1.5}"#, Some(26))
    );
    let got = changed(&mut caller, "http_envelope", json!({"field": "d"}), "/").await;
    assert_eq!(got.body, r#"{"d":{"n":3,"total":1.5}}"#);
    let got = changed(&mut caller, "http_rewrite_body", rewrite(), "/text").await;
    assert_eq!(got.body, "hello, amount_cents");
    let got = changed(&mut caller, "http_envelope", json!({}), "/text").await;
    assert_eq!((got.body.as_str(), got.length), ("hello, total", Some(12)));
    assert_eq!(stage.proxy.http_counts().untouched(), 0);
    let got = changed(&mut caller, "http_envelope", json!({}), "/gzip").await;
    assert_eq!(got.body, "not really");
    assert_eq!(stage.proxy.http_counts().untouched(), 1);
    let got = changed(
        &mut caller,
        "http_rewrite_body",
        json!({"find": "a"}),
        "/large",
    )
    .await;
    assert_eq!(got.body.len(), 2 << 20);
    assert_eq!(stage.proxy.http_counts().untouched(), 2);
    let head = stage.poison("http_malformed_body", json!({}));
    assert_eq!(caller.ask("HEAD", "/text", full("")).await.length, Some(12));
    drop(head);
    assert!(stage.asked().iter().all(|asked| asked.connection == 0));
}

#[tokio::test]
async fn two_changes_follow_one_another() {
    let stage = Stage::new().await;
    let _first = stage.poison("http_envelope", json!({"field": "total"}));
    let _then = stage.poison(
        "http_rewrite_body",
        json!({"find": "total", "replace": "t"}),
    );
    let got = stage.caller().await.get("/").await;
    assert_eq!(got.body, r#"{"t":{"n":1,"t":1.5}}"#);
}

#[tokio::test]
async fn a_truncated_body_ends_early_and_a_shorter_one_passes() {
    let stage = Stage::new().await;
    let toxic = stage.poison("http_truncated_body", json!({"after_bytes": 12}));
    let mut caller = stage.caller().await;
    assert_eq!(caller.get("/text").await.body, "hello, total");
    toxic.update(
        scenarios::toxic::Toxic::from_wire("http_truncated_body", json!({"after_bytes": 5}))
            .unwrap(),
    );
    assert!(caller.try_ask("GET", "/text", full("")).await.is_err());
    let mut socket = stage.socket().await;
    socket
        .write_all(b"GET /text HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let got = String::from_utf8(rest(&mut socket).await).unwrap();
    assert!(
        got.contains("content-length: 12\r\n") && got.ends_with("\r\n\r\nhello"),
        "{got}"
    );
    // chunks end without their last
    let mut caller = stage.caller().await;
    assert!(caller.try_ask("GET", "/", full("")).await.is_err());
}

#[tokio::test]
async fn a_lost_response_is_worked_on_and_never_seen() {
    let stage = Stage::new().await;
    let toxic = stage.poison("http_lost_response", json!({"method": "POST"}));
    let mut caller = stage.caller().await;
    assert_eq!(caller.get("/").await.status, 200);
    assert!(caller.try_ask("POST", "/pay", full("1")).await.is_err());
    assert_eq!(stage.asked()[1].what, "POST /pay");
    drop(toxic);
    let toxic = stage.poison("http_lost_response", json!({"hang_ms": 3_600_000}));
    let mut socket = stage.socket().await;
    socket
        .write_all(b"GET /text HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    stage.asked_times(3).await;
    assert!(timeout(SHORT, rest(&mut socket)).await.is_err());
    drop(toxic);
    assert_eq!(rest(&mut socket).await, b"");
}

#[tokio::test]
async fn a_stale_answer_is_served_again_also_to_others() {
    let stage = Stage::new().await;
    let toxic = stage.poison("http_stale", json!({}));
    let (mut one, mut other) = (stage.caller().await, stage.caller().await);
    for _ in 0..3 {
        assert_eq!(one.get("/stock?sku=1").await.body, r#"{"n":1,"total":1.5}"#);
        assert_eq!(
            other.get("/stock?sku=1").await.body,
            r#"{"n":1,"total":1.5}"#
        );
    }
    assert_eq!(
        other.get("/stock?sku=2").await.body,
        r#"{"n":2,"total":1.5}"#
    );
    assert_eq!(
        one.ask("POST", "/stock?sku=1", full("")).await.body,
        r#"{"n":3,"total":1.5}"#
    );
    // too large to be kept
    for _ in 0..2 {
        assert_eq!(one.get("/large").await.body.len(), 2 << 20);
    }
    assert_eq!(stage.asked().len(), 5);
    drop(toxic);
    assert_eq!(one.get("/stock?sku=1").await.body, r#"{"n":6,"total":1.5}"#);
}

#[tokio::test]
async fn a_duplicate_arrives_on_a_connection_of_its_own_and_its_answer_is_thrown_away() {
    let stage = Stage::new().await;
    let _toxic = stage.poison("http_duplicate", json!({"method": "POST"}));
    let mut caller = stage.caller().await;
    let got = caller
        .ask(
            "POST",
            "/echo",
            chunks(vec![b"ab".to_vec(), b"cd".to_vec()]),
        )
        .await;
    assert_eq!(got.body, "abcd");
    let asked = stage.asked_times(2).await;
    assert_eq!(
        (&asked[0].what, &asked[0].body),
        (&asked[1].what, &asked[1].body)
    );
    assert_ne!(asked[0].connection, asked[1].connection);
    let large = Bytes::from(vec![b'x'; 3 << 20]);
    assert_eq!(
        caller.ask("POST", "/echo", full(large)).await.length,
        Some(3 << 20)
    );
    assert_eq!(caller.get("/").await.status, 200);
    assert_eq!(stage.proxy.http_counts().single(), 1);
    assert_eq!(stage.asked().len(), 4);
}

#[tokio::test]
async fn a_duplicate_arrives_though_its_caller_has_gone() {
    let stage = Stage::new().await;
    let _toxic = stage.poison("http_duplicate", json!({}));
    let mut socket = stage.socket().await;
    let got = exchange(
        &mut socket,
        b"GET /text HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(got.ends_with(b"hello, total"));
    assert_eq!(stage.asked_times(2).await[1].what, "GET /text");
}

#[tokio::test]
async fn a_request_is_overtaken_by_the_next_one() {
    let stage = Stage::new().await;
    let _toxic = stage.poison("http_reorder", json!({"hold_ms": 3_600_000}));
    let mut first = stage.caller().await;
    let held = tokio::spawn(async move { first.get("/first").await.status });
    tokio::time::sleep(SHORT).await;
    assert_eq!(stage.asked(), []);
    assert_eq!(stage.caller().await.get("/second").await.status, 200);
    assert_eq!(timeout(LONG, held).await.unwrap().unwrap(), 200);
    let asked = stage.asked();
    let what: Vec<&str> = asked.iter().map(|asked| asked.what.as_str()).collect();
    assert_eq!(what, ["GET /second", "GET /first"]);
}

#[tokio::test]
async fn a_request_that_nobody_overtakes_goes_up_after_its_time_and_the_next_may_wait_again() {
    let stage = Stage::new().await;
    let _toxic = stage.poison("http_reorder", json!({"hold_ms": 20}));
    let mut caller = stage.caller().await;
    for _ in 0..3 {
        let before = tokio::time::Instant::now();
        assert_eq!(caller.get("/").await.status, 200);
        assert!(before.elapsed().as_millis() >= 20);
    }
    // one that vanishes while it waits makes room for the next
    let long = stage.poison("http_reorder", json!({"hold_ms": 3_600_000, "path": "/x"}));
    let mut gone = stage.socket().await;
    gone.write_all(b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(SHORT).await;
    gone.set_zero_linger().unwrap();
    drop(gone);
    tokio::time::sleep(SHORT).await;
    let held = tokio::spawn(async move { caller.get("/x").await.status });
    tokio::time::sleep(SHORT).await;
    assert!(!held.is_finished());
    drop(long);
    assert_eq!(timeout(LONG, held).await.unwrap().unwrap(), 200);
}

#[tokio::test]
async fn toxicity_spares_whole_connections() {
    let stage = Stage::new().await;
    let toxic = scenarios::toxic::Toxic::from_wire("http_status", json!({})).unwrap();
    let half = scenarios::toxic::Toxicity::new(0.5).unwrap();
    let _toxic = stage
        .proxy
        .poison("x", scenarios::toxic::Stream::Downstream, half, toxic);
    let mut hit = 0;
    for _ in 0..30 {
        let mut caller = stage.caller().await;
        let first = caller.get("/").await.status;
        assert_eq!(caller.get("/").await.status, first);
        hit += usize::from(first == 503);
    }
    assert!((5..26).contains(&hit), "{hit}");
}

#[tokio::test]
async fn toxics_of_bytes_act_on_what_those_of_http_have_made() {
    let stage = Stage::new().await;
    let _status = stage.poison("http_status", json!({"body": "0123456789"}));
    let latency = stage.poison("latency", json!({"latency": 50}));
    let mut caller = stage.caller().await;
    for _ in 0..2 {
        let before = tokio::time::Instant::now();
        assert_eq!(caller.get("/").await.status, 503);
        assert!(before.elapsed().as_millis() >= 50);
    }
    drop(latency);
    let _limit = stage.poison("limit_data", json!({"bytes": 20}));
    let mut socket = stage.socket().await;
    socket.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(rest(&mut socket).await, b"HTTP/1.1 503 Service");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_toxics_come_and_go_and_every_answer_belongs_to_its_request() {
    let stage = Stage::new().await;
    let proxy = stage.proxy.address().unwrap();
    let load = async {
        let mut callers = tokio::task::JoinSet::new();
        for number in 0..12_u64 {
            callers.spawn(async move {
                let mut caller = Caller::new(proxy).await;
                let mut hit = 0;
                for k in 0..150_u64 {
                    let size = usize::try_from((number * 7919 + k * 104_729) % 70_000).unwrap();
                    let body = format!("{number}-{k}-{}", "x".repeat(size));
                    let sent = match k % 3 {
                        0 => full(body.clone()),
                        1 => chunks(body.as_bytes().chunks(9_000).map(<[u8]>::to_vec).collect()),
                        _ => full(""),
                    };
                    let got = caller.ask("POST", "/echo", sent).await;
                    match (got.status, k % 3) {
                        (503, _) => hit += 1,
                        (_, 2) => assert_eq!(got.body, ""),
                        _ => assert_eq!(got.body.replace('y', "x"), body),
                    }
                }
                hit
            });
        }
        callers.join_all().await.iter().sum::<usize>()
    };
    let toggle = async {
        loop {
            let _status = stage.poison("http_status", json!({"share": 0.3}));
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
            let _rewrite = stage.poison("http_rewrite_body", json!({"find": "x", "replace": "y"}));
            let _delay = stage.poison("http_delay", json!({"delay_ms": 1, "jitter_ms": 1}));
            let _reorder = stage.poison("http_reorder", json!({"hold_ms": 2, "share": 0.2}));
            let _latency = stage.poison("latency", json!({"latency": 1}));
            let _slicer = stage.poison(
                "slicer",
                json!({"average_size": 700, "size_variation": 500}),
            );
            tokio::time::sleep(std::time::Duration::from_millis(6)).await;
        }
    };
    let hit = tokio::select! {
        hit = timeout(LONG, load) => hit.unwrap(),
        () = toggle => unreachable!("it never ends"),
    };
    assert!(hit > 50, "{hit}");
    assert_eq!(stage.proxy.http_counts().raw(), 0);
}

#[tokio::test]
async fn a_request_that_vanishes_before_it_is_held_makes_room_for_the_next() {
    let stage = Stage::new().await;
    let delay = stage.poison("http_delay", json!({"delay_ms": 3_600_000}));
    let _reorder = stage.poison("http_reorder", json!({"hold_ms": 3_600_000}));
    let mut gone = stage.socket().await;
    gone.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(SHORT).await;
    gone.set_zero_linger().unwrap();
    drop(gone);
    let closed = async {
        while stage.proxy.open() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    timeout(LONG, closed).await.unwrap();
    drop(delay);
    let mut caller = stage.caller().await;
    let held = tokio::spawn(async move { caller.get("/first").await.status });
    tokio::time::sleep(SHORT).await;
    assert!(!held.is_finished());
    assert_eq!(stage.caller().await.get("/second").await.status, 200);
    assert_eq!(timeout(LONG, held).await.unwrap().unwrap(), 200);
}
