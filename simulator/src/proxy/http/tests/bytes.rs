//! What no toxic decides about arrives byte for byte, HTTP or not, large or not.

use super::{
    super::frame::tests::stream,
    stage::{LONG, exchange, head, pair, poison, read},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// One of every sort, for requests that never come.
fn nothing_matches() -> Vec<(&'static str, Value)> {
    let kinds = scenarios::toxic::http::KINDS.iter();
    kinds
        .map(|kind| {
            let mut attributes = json!({"path": "/never"});
            if kind.name == "http_rewrite_body" {
                attributes["find"] = json!("a");
            }
            (kind.name, attributes)
        })
        .collect()
}

/// Sends in pieces and ends, while reading to the end.
async fn send_all(mut socket: TcpStream, pieces: Vec<Vec<u8>>) -> Vec<u8> {
    let (mut read, mut write) = socket.split();
    let mut got = Vec::new();
    let send = async {
        for piece in &pieces {
            write.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        write.shutdown().await.unwrap();
    };
    let receive = async { read.read_to_end(&mut got).await.unwrap() };
    tokio::join!(send, receive);
    got
}

fn pieces(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    bytes.chunks(size).map(<[u8]>::to_vec).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn where_nothing_matches_all_bytes_arrive_both_ways(
        up in stream(), down in stream(), size in 1_usize..60, tcp in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (proxy, client, server) = pair().await;
            let _toxics: Vec<_> = nothing_matches()
                .into_iter()
                .map(|(kind, attributes)| poison(&proxy, kind, attributes))
                .collect();
            let _latency = tcp.then(|| poison(&proxy, "latency", json!({"latency": 1, "jitter": 1})));
            let (at_client, at_server) = timeout(LONG, async {
                tokio::join!(
                    send_all(client, pieces(&up, size)),
                    send_all(server, pieces(&down, size)),
                )
            }).await.unwrap();
            assert_eq!(at_client, down);
            assert_eq!(at_server, up);
        });
    }
}

#[tokio::test]
async fn a_request_and_an_end_arrive_behind_the_end_of_the_answers() {
    let (proxy, mut client, mut server) = pair().await;
    let _never = poison(&proxy, "http_status", json!({"path": "/never"}));
    server.shutdown().await.unwrap();
    let mut answers = Vec::new();
    client.read_to_end(&mut answers).await.unwrap();
    assert_eq!(answers, b"");
    let request = b"GET / HTTP/1.1\r\n\r\n";
    client.write_all(request).await.unwrap();
    client.shutdown().await.unwrap();
    let mut got = Vec::new();
    let read = timeout(LONG, server.read_to_end(&mut got)).await;
    read.unwrap().unwrap();
    assert_eq!(got, request);
}

#[tokio::test]
async fn http_toxics_that_come_and_go_lose_no_byte_of_what_they_do_not_match() {
    let (proxy, mut client, mut server) = pair().await;
    for round in 0..40 {
        let toxic =
            (round % 3 == 1).then(|| poison(&proxy, "http_status", json!({"path": "/never"})));
        let request = format!("POST /{round} HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe{round:03}");
        let (front, back) = request.split_at(round % request.len());
        for part in [front, back] {
            client.write_all(part.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(read(&mut server, request.len()).await, request);
        drop(toxic);
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\n";
        server.write_all(answer.as_bytes()).await.unwrap();
        assert_eq!(read(&mut client, answer.len()).await, answer);
    }
    assert_eq!(proxy.http_counts().raw(), 0);
}

#[tokio::test]
async fn an_upgraded_connection_is_a_tunnel_both_ways() {
    for request in [
        "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "CONNECT there:1 HTTP/1.1\r\nHost: there:1\r\n\r\n",
    ] {
        let (proxy, mut client, mut server) = pair().await;
        let _status = poison(&proxy, "http_status", json!({"path": "/mine"}));
        client.write_all(request.as_bytes()).await.unwrap();
        // what looks like a request is the tunnel's own
        client
            .write_all(b"GET /mine HTTP/1.1\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(head(&mut server).await, request);
        let answer = if request.starts_with("GET") {
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
        } else {
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
        };
        server.write_all(answer.as_bytes()).await.unwrap();
        server.write_all(b"\x00first").await.unwrap();
        assert_eq!(head(&mut client).await, answer);
        assert_eq!(read(&mut client, 6).await, "\0first");
        assert_eq!(head(&mut server).await, "GET /mine HTTP/1.1\r\n\r\n");
        let ends = (
            exchange(&mut client, b"last"),
            exchange(&mut server, b"bye"),
        );
        let (at_client, at_server) = tokio::join!(ends.0, ends.1);
        assert_eq!(
            (at_client.as_slice(), at_server.as_slice()),
            (&b"bye"[..], &b"last"[..])
        );
        assert_eq!(proxy.http_counts().raw(), 0);
    }
}

#[tokio::test]
async fn a_refused_upgrade_goes_on_as_http() {
    let (proxy, mut client, mut server) = pair().await;
    let _status = poison(&proxy, "http_status", json!({"path": "/mine"}));
    let request = "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    client
        .write_all(b"GET /mine HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(head(&mut server).await, request);
    server
        .write_all(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(head(&mut client).await, "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(head(&mut client).await.starts_with("HTTP/1.1 400"));
    assert!(head(&mut client).await.starts_with("HTTP/1.1 503"));
}

#[tokio::test]
async fn a_caller_that_waits_for_100_gets_it_or_an_answer_and_an_end() {
    let (proxy, mut client, mut server) = pair().await;
    let _status = poison(&proxy, "http_status", json!({"path": "/mine"}));
    let request = "PUT /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(head(&mut server).await, request);
    server
        .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(head(&mut client).await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"GET").await.unwrap();
    assert_eq!(read(&mut server, 3).await, "GET");
    server
        .write_all(b"HTTP/1.1 204 Done\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(head(&mut client).await, "HTTP/1.1 204 Done\r\n\r\n");
    client
        .write_all(request.replace("/a", "/mine").as_bytes())
        .await
        .unwrap();
    let answer = exchange(&mut client, b"abc").await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("Connection: close"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_older_answer_lasts_until_the_callee_closes_and_can_be_changed() {
    let (proxy, mut client, mut server) = pair().await;
    let _rewrite = poison(
        &proxy,
        "http_rewrite_body",
        json!({"find": "old", "replace": "new!"}),
    );
    client.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    head(&mut server).await;
    let answered = exchange(&mut server, b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nold, old");
    let got = exchange(&mut client, b"");
    let (_, got) = tokio::join!(answered, got);
    let expected = "HTTP/1.0 200 OK\r\nServer: x\r\nContent-Length: 10\r\n\r\nnew!, new!";
    assert_eq!(String::from_utf8(got).unwrap(), expected);
}

/// Writes `length` bytes of a pattern, in pieces.
async fn pour(to: &mut (impl AsyncWriteExt + Unpin), length: usize) {
    let piece: Vec<u8> = (0..64 * 1024_u32).map(|k| (k % 251) as u8).collect();
    let mut left = length;
    while left > 0 {
        let part = left.min(piece.len());
        to.write_all(&piece[..part]).await.unwrap();
        left -= part;
    }
}

/// Reads `length` bytes of that pattern.
async fn drink(from: &mut (impl AsyncReadExt + Unpin), length: usize) {
    let mut piece = vec![0; 64 * 1024];
    let mut left = length;
    while left > 0 {
        let part = left.min(piece.len());
        from.read_exact(&mut piece[..part]).await.unwrap();
        assert!(
            piece[..part]
                .iter()
                .enumerate()
                .all(|(k, byte)| *byte == (k % 251) as u8)
        );
        left -= part;
    }
}

#[tokio::test]
async fn a_hundred_megabytes_stream_through_toxics_that_match_both_ways() {
    const LENGTH: usize = 100_000_000;
    let (proxy, mut client, mut server) = pair().await;
    let _toxics: Vec<_> = [
        ("http_rewrite_body", json!({"find": "a", "replace": "b"})),
        ("http_stale", json!({})),
        ("http_duplicate", json!({})),
    ]
    .into_iter()
    .map(|(kind, attributes)| poison(&proxy, kind, attributes))
    .collect();
    let request = format!("POST / HTTP/1.1\r\nContent-Length: {LENGTH}\r\n\r\n");
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n");
    timeout(LONG, async {
        let (mut from_proxy, mut to_proxy) = client.split();
        let send = async {
            to_proxy.write_all(request.as_bytes()).await.unwrap();
            pour(&mut to_proxy, LENGTH).await;
        };
        let serve = async {
            assert_eq!(head(&mut server).await, request);
            drink(&mut server, LENGTH).await;
            server.write_all(answer.as_bytes()).await.unwrap();
            pour(&mut server, LENGTH).await;
        };
        let receive = async {
            let mut got = vec![0; answer.len()];
            from_proxy.read_exact(&mut got).await.unwrap();
            assert_eq!(got, answer.as_bytes());
            drink(&mut from_proxy, LENGTH).await;
        };
        tokio::join!(send, serve, receive);
    })
    .await
    .unwrap();
    assert_eq!(proxy.http_counts().untouched(), 1);
    assert_eq!(proxy.http_counts().single(), 1);
}

#[tokio::test]
async fn a_reader_that_stops_makes_the_sender_stop() {
    /// The buffers of both sockets are some megabytes, ours some hundred kilobytes; without a bound all of this would vanish in the proxy.
    const MUCH: usize = 400_000_000;
    let (proxy, mut client, mut server) = pair().await;
    let _rewrite = poison(&proxy, "http_rewrite_body", json!({"find": "a"}));
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    head(&mut server).await;
    server
        .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await
        .unwrap();
    let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 0x10000], b"\r\n".to_vec()].concat();
    let mut written = 0;
    while written < MUCH {
        let more = timeout(
            std::time::Duration::from_millis(500),
            server.write_all(&chunk),
        )
        .await;
        if more.is_err() {
            break;
        }
        written += chunk.len();
    }
    assert!(written < MUCH / 4, "{written}");
}

#[tokio::test]
async fn a_toxic_that_comes_within_an_exchange_waits_for_the_next_request() {
    let (proxy, mut client, mut server) = pair().await;
    let request = "POST / HTTP/1.1\r\nContent-Length: 22\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(head(&mut server).await, request);
    let _status = poison(&proxy, "http_status", json!({}));
    // a body, though it looks like a request
    client
        .write_all(b"GET /mine HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(head(&mut server).await, "GET /mine HTTP/1.1\r\n\r\n");
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    server.write_all(answer.as_bytes()).await.unwrap();
    assert_eq!(head(&mut client).await, answer);
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(head(&mut client).await.starts_with("HTTP/1.1 503"));
    assert_eq!(proxy.http_counts().raw(), 0);
}

#[tokio::test]
async fn only_good_answers_that_can_be_served_again_are_kept() {
    let (proxy, mut client, mut server) = pair().await;
    let _stale = poison(&proxy, "http_stale", json!({}));
    let request = "GET / HTTP/1.1\r\n\r\n";
    for answer in [
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n",
    ] {
        client.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(head(&mut server).await, request);
        server.write_all(answer.as_bytes()).await.unwrap();
        assert_eq!(read(&mut client, answer.len()).await, answer);
    }
    client.write_all(request.as_bytes()).await.unwrap();
    let kept = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\r\n\r\n0\r\n\r\n";
    assert_eq!(read(&mut client, kept.len()).await, kept);
}
