//! Callers and callees that are slow, vanish, lie, or speak something else.

use super::stage::*;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_decided_about_when_it_is_whole() {
    let stage = Stage::new().await;
    let _status = stage.poison("http_status", json!({"header": "x-last=1"}));
    let mut socket = stage.socket().await;
    for byte in b"GET /text HTTP/1.1\r\nhost: x\r\nx-last: 1\r\n\r\n" {
        socket.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(head(&mut socket).await.starts_with("HTTP/1.1 503"));
}

#[tokio::test]
async fn many_heads_that_never_end_do_not_disturb_others() {
    let stage = Stage::new().await;
    let _status = stage.poison("http_status", json!({"path": "/mine"}));
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut socket = stage.socket().await;
        socket
            .write_all(b"GET / HTTP/1.1\r\nx-a: b\r\n")
            .await
            .unwrap();
        slow.push(socket);
    }
    let mut caller = stage.caller().await;
    assert_eq!(caller.get("/text").await.status, 200);
    assert_eq!(caller.get("/mine").await.status, 503);
    assert_eq!(stage.asked().len(), 1);
    for mut socket in slow {
        socket.write_all(b"host: x\r\n\r\n").await.unwrap();
        assert!(head(&mut socket).await.starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test]
async fn other_protocols_pass_also_when_they_begin_like_a_method() {
    for (greeting, first) in [
        ("", "PING"),
        ("", "EHLO me\r\n"),
        ("220 ready\r\n", "HELO me\r\n"),
        ("", "\0\x03ab"),
    ] {
        let (proxy, mut client, mut server) = pair().await;
        let _status = poison(&proxy, "http_status", json!({}));
        server.write_all(greeting.as_bytes()).await.unwrap();
        assert_eq!(read(&mut client, greeting.len()).await, greeting);
        client.write_all(first.as_bytes()).await.unwrap();
        assert_eq!(read(&mut server, first.len()).await, first);
        server.write_all(b"250 ok\r\n").await.unwrap();
        assert_eq!(read(&mut client, 8).await, "250 ok\r\n");
        if first == "\0\x03ab" {
            // it never looked like HTTP, so that nothing was given up
            assert_eq!(proxy.http_counts().raw(), 0);
            continue;
        }
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(head(&mut server).await, "GET / HTTP/1.1\r\n\r\n");
        assert_eq!(proxy.http_counts().raw(), 1);
    }
}

#[tokio::test]
async fn a_callee_that_speaks_first_is_heard_though_the_caller_has_begun() {
    let (proxy, mut client, mut server) = pair().await;
    let _status = poison(&proxy, "http_status", json!({}));
    client.write_all(b"HELLO").await.unwrap();
    server.write_all(b"welcome").await.unwrap();
    assert_eq!(read(&mut client, 7).await, "welcome");
    assert_eq!(read(&mut server, 5).await, "HELLO");
    assert_eq!(proxy.http_counts().raw(), 1);
}

#[tokio::test]
async fn smuggled_and_malformed_requests_pass_as_they_are_and_are_counted() {
    for request in [
        "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\nHost: x\n\n",
        "GET /\r\n",
    ] {
        let (proxy, mut client, mut server) = pair().await;
        let _status = poison(&proxy, "http_status", json!({"path": "/mine"}));
        let all = format!("{request}GET /mine HTTP/1.1\r\n\r\n");
        client.write_all(all.as_bytes()).await.unwrap();
        assert_eq!(read(&mut server, all.len()).await, all);
        server.write_all(b"HTTP/1.1 400 Bad\r\n\r\n").await.unwrap();
        assert_eq!(read(&mut client, 20).await, "HTTP/1.1 400 Bad\r\n\r\n");
        assert_eq!(proxy.http_counts().raw(), 1, "{request}");
    }
}

#[tokio::test]
async fn answers_before_a_malformed_request_keep_their_place() {
    let (proxy, mut client, mut server) = pair().await;
    let _status = poison(&proxy, "http_status", json!({"path": "/mine"}));
    client
        .write_all(b"GET /mine HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n\0garbage")
        .await
        .unwrap();
    assert_eq!(
        read(&mut server, 26).await,
        "GET / HTTP/1.1\r\n\r\n\0garbage"
    );
    server
        .write_all(b"HTTP/1.1 204 N\r\n\r\nanything")
        .await
        .unwrap();
    assert!(head(&mut client).await.starts_with("HTTP/1.1 503"));
    assert_eq!(read(&mut client, 19).await, "Service Unavailable");
    assert_eq!(
        read(&mut client, 26).await,
        "HTTP/1.1 204 N\r\n\r\nanything"
    );
}

#[tokio::test]
async fn a_body_of_ours_to_discard_that_is_malformed_ends_the_connection() {
    let (proxy, mut client, mut server) = pair().await;
    let _status = poison(&proxy, "http_status", json!({"path": "/mine"}));
    client
        .write_all(b"POST /mine HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nGET / HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    assert!(rest(&mut client).await.starts_with(b"HTTP/1.1 503"));
    assert_eq!(rest(&mut server).await, b"");
}

#[tokio::test]
async fn malformed_answers_pass_as_they_are_and_end_all_decisions() {
    let (proxy, mut client, mut server) = pair().await;
    let _toxics = [
        poison(&proxy, "http_status", json!({"path": "/mine"})),
        poison(&proxy, "http_rewrite_body", json!({"find": "a"})),
    ];
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    head(&mut server).await;
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\naaa\r\nnonsense";
    server.write_all(answer.as_bytes()).await.unwrap();
    assert_eq!(read(&mut client, answer.len()).await, answer);
    client
        .write_all(b"GET /mine HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(head(&mut server).await, "GET /mine HTTP/1.1\r\n\r\n");
    assert_eq!(proxy.http_counts().raw(), 1);
}

#[tokio::test]
async fn a_caller_that_vanishes_while_its_request_is_held_is_noticed() {
    let (proxy, mut client, mut server) = pair().await;
    let _delay = poison(&proxy, "http_delay", json!({"delay_ms": 3_600_000}));
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    tokio::time::sleep(SHORT).await;
    client.set_zero_linger().unwrap();
    drop(client);
    let error = timeout(LONG, server.read_u8()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let gone = async {
        while proxy.open() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    timeout(LONG, gone).await.unwrap();
}

#[tokio::test]
async fn a_callee_that_vanishes_within_an_answer_is_a_reset_or_an_end_for_the_caller() {
    for changes in [false, true] {
        for reset in [false, true] {
            let (proxy, mut client, mut server) = pair().await;
            let find = if changes { "a" } else { "" };
            let _toxic = match find {
                "" => poison(&proxy, "http_status", json!({"path": "/mine"})),
                find => poison(&proxy, "http_rewrite_body", json!({"find": find})),
            };
            client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            head(&mut server).await;
            let part = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\naaa";
            server.write_all(part.as_bytes()).await.unwrap();
            if reset {
                tokio::time::sleep(SHORT).await;
                server.set_zero_linger().unwrap();
            }
            drop(server);
            let mut got = Vec::new();
            let end = timeout(LONG, client.read_to_end(&mut got)).await.unwrap();
            assert_eq!(end.is_err(), reset, "{end:?}");
            if !(reset && changes) {
                assert_eq!(String::from_utf8(got).unwrap(), part);
            }
        }
    }
}

#[tokio::test]
async fn without_a_callee_nothing_is_answered() {
    let (proxy, listener) = listening().await;
    let _status = poison(&proxy, "http_status", json!({}));
    drop(listener);
    let mut client = TcpStream::connect(proxy.address().unwrap()).await.unwrap();
    // closed or reset, as without the toxic
    let _ = client.write_all(b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(rest(&mut client).await, b"");
}

#[tokio::test]
async fn an_empty_line_behind_a_request_is_no_beginning() {
    let stage = Stage::new().await;
    let _status = stage.poison("http_status", json!({"path": "/mine"}));
    let mut socket = stage.socket().await;
    let request = b"POST /text HTTP/1.1\r\nhost: x\r\nContent-Length: 2\r\n\r\nab\r\n";
    socket.write_all(request).await.unwrap();
    assert!(head(&mut socket).await.starts_with("HTTP/1.1 200"));
    assert_eq!(read(&mut socket, 12).await, "hello, total");
    // longer than the beginning of a start line may wait
    tokio::time::pause();
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    tokio::time::resume();
    socket
        .write_all(b"GET /mine HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    assert!(head(&mut socket).await.starts_with("HTTP/1.1 503"));
}

#[tokio::test]
async fn what_all_connections_hold_together_is_bounded() {
    let (proxy, listener) = listening().await;
    let _rewrite = poison(
        &proxy,
        "http_rewrite_body",
        json!({"find": "a", "replace": "b"}),
    );
    let part = vec![b'a'; 1_000_000];
    let mut waiting = Vec::new();
    // 64 MB may be held in all, of each of these 2 MB
    for _ in 0..40 {
        let mut client = TcpStream::connect(proxy.address().unwrap()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        head(&mut server).await;
        server
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n")
            .await
            .unwrap();
        server.write_all(&part).await.unwrap();
        waiting.push((client, server));
    }
    let passed_unchanged = async {
        while proxy.http_counts().untouched() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    timeout(LONG, passed_unchanged).await.unwrap();
    let mut bodies = (0, 0);
    for (client, server) in &mut waiting {
        server.write_all(b"a").await.unwrap();
        assert!(head(client).await.contains("ength: 1000001"));
        let body = read(client, 1_000_001).await;
        match body.as_bytes()[0] {
            b'a' => bodies.0 += 1,
            _ => bodies.1 += 1,
        }
        assert!(body.bytes().all(|byte| byte == body.as_bytes()[0]));
    }
    assert!(bodies.0 > 0 && bodies.1 > 20, "{bodies:?}");
    assert_eq!(proxy.http_counts().untouched(), bodies.0);
    drop(waiting);
    let mut client = TcpStream::connect(proxy.address().unwrap()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    head(&mut server).await;
    server
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
        .await
        .unwrap();
    head(&mut client).await;
    assert_eq!(read(&mut client, 1).await, "b");
}
