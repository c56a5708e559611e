//! What Grafana's Loki data source sends (its `pkg/tsdb/loki` and `LanguageProvider.ts`), answered in the
//! shape that it reads; the tail over a real connection.

use futures_util::StreamExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message as Frame};

use super::*;

async fn data(telemetry: &Telemetry, url: &str) -> Value {
    let request = Request::get(url).body(Body::empty()).unwrap();
    let (status, _, body) = send(telemetry, request).await;
    let text = String::from_utf8(body).unwrap();
    assert_eq!(status, StatusCode::OK, "{url}: {text}");
    let mut answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(answer["status"], "success", "{url}");
    answer["data"].take()
}

#[tokio::test]
async fn the_health_check_adds_up() {
    let telemetry = filled().await;
    let url =
        "/loki/api/v1/query?direction=backward&query=vector%281%29%2Bvector%281%29&time=4000000000";
    let answer = data(&telemetry, url).await;
    assert_eq!(answer["resultType"], "vector");
    assert_eq!(
        answer["result"],
        json!([{"metric": {}, "value": [4e9, "2"]}])
    );
}

#[tokio::test]
async fn lines_and_their_volume_are_answered() {
    let telemetry = filled().await;
    let lines = "/loki/api/v1/query_range?direction=backward&end=9000000000000&limit=1000&query=%7Bservice%3D%22checkout%22%7D&start=7000000000000&step=1000ms";
    let answer = data(&telemetry, lines).await;
    assert_eq!(answer["resultType"], "streams");
    let value = &answer["result"][0]["values"][0];
    assert!(value[0].is_string() && value[1].is_string(), "{value}");
    assert!(answer["stats"].is_object());
    // the histogram above the lines
    let volume = "/loki/api/v1/query_range?direction=backward&end=8010000000000&query=sum+by+%28level%2C+detected_level%29+%28count_over_time%28%7Bservice%3D%22checkout%22%7D+%7C+drop+__error__%5B5s%5D%29%29&start=8000000000000&step=5000ms";
    let answer = data(&telemetry, volume).await;
    assert_eq!(answer["resultType"], "matrix");
    let metrics: Vec<_> = answer["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| &series["metric"])
        .collect();
    assert_eq!(
        metrics,
        [&json!({"level": "error"}), &json!({"level": "info"})]
    );
}

#[tokio::test]
async fn the_editor_gets_labels_values_series_and_sizes() {
    let telemetry = filled().await;
    let times = "start=7000000000000&end=9000000000000";
    let asked = |path: &str| format!("/loki/api/v1/{path}{times}");
    assert_eq!(
        data(&telemetry, &asked("labels?")).await,
        json!(["level", "service", "service_name"])
    );
    assert_eq!(
        data(
            &telemetry,
            &asked("label/level/values?query=%7Bservice%3D%22checkout%22%7D&")
        )
        .await,
        json!(["error", "info"])
    );
    assert_eq!(
        data(
            &telemetry,
            &asked("series?match%5B%5D=%7Blevel%3D%22error%22%7D&")
        )
        .await,
        json!([{"service": "checkout", "level": "error"}])
    );
    let url = asked("index/stats?query=%7Bservice%3D%22checkout%22%7D&");
    let request = Request::get(url).body(Body::empty()).unwrap();
    let (_, _, body) = send(&telemetry, request).await;
    let stats: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&stats["entries"], &stats["streams"]),
        (&json!(3), &json!(2))
    );
    assert!(stats["bytes"].is_u64() && stats["chunks"].is_u64());
    let build = get_json(&telemetry, "/loki/api/v1/status/buildinfo", &[]).await;
    assert!(build["version"].as_str().unwrap().starts_with("3."));
}

#[tokio::test]
async fn volumes_are_bytes_by_series_or_label() {
    let telemetry = filled().await;
    // "order placed" and "order shipped" at 8001 and 8002 s, "payment failed" at 8003 s
    let asked = |path: &str, more: &str| {
        format!(
            "/loki/api/v1/index/{path}?start=8000000000000&end=8010000000000&query=%7Bservice%3D~%22.%2B%22%7D{more}"
        )
    };
    let answer = data(&telemetry, &asked("volume", "")).await;
    assert_eq!(
        answer["result"],
        json!([{"metric": {"service": "checkout"}, "value": [8010.0, "39"]}])
    );
    let answer = data(&telemetry, &asked("volume", "&targetLabels=level&limit=1")).await;
    assert_eq!(
        answer["result"],
        json!([{"metric": {"level": "info"}, "value": [8010.0, "25"]}])
    );
    let answer = data(
        &telemetry,
        &asked("volume", "&aggregateBy=labels&targetLabels=level,service"),
    )
    .await;
    assert_eq!(
        answer["result"],
        json!([
            {"metric": {"level": ""}, "value": [8010.0, "39"]},
            {"metric": {"service": ""}, "value": [8010.0, "39"]}
        ])
    );
    let answer = data(
        &telemetry,
        &asked("volume_range", "&step=2s&targetLabels=level"),
    )
    .await;
    assert_eq!(answer["resultType"], "matrix");
    assert_eq!(
        answer["result"],
        json!([
            {"metric": {"level": "info"}, "values": [[8002.0, "12"], [8004.0, "13"]]},
            {"metric": {"level": "error"}, "values": [[8004.0, "14"]]}
        ])
    );
    for bad in [
        &[][..],
        &[("query", "rate({service=\"a\"}[1m])")],
        &[("query", "{service=\"a\"}"), ("aggregateBy", "moon")],
        &[("query", "{service=\"a\"}"), ("limit", "100000")],
    ] {
        refused(&telemetry, "/loki/api/v1/index/volume", bad).await;
    }
    let fine = [("query", "{service=\"a\"}"), ("step", "1ms")];
    let message = refused(&telemetry, "/loki/api/v1/index/volume_range", &fine).await;
    assert!(message.contains("steps"), "{message}");
}

/// All lines of [`filled`] and of [`drilled`].
const ALL: [(&str, &str); 3] = [
    ("query", "{service_name=~\".+\"}"),
    ("start", "8000000000000"),
    ("end", "8010000000000"),
];

/// What [`filled`] has, and lines of JSON and of pairs.
async fn drilled() -> Telemetry {
    let telemetry = filled().await;
    let mut slow = record(
        7004,
        r#"{"took":"1m30s","path":{"name":"/pay"},"level":"odd"}"#,
    );
    slow.attributes = vec![int("http.status", 200), text("user", "ada")];
    let cart = vec![slow, record(7005, "took=12ms retry=true size=10KB ok")];
    telemetry.intake().logs(batch("cart", cart)).await;
    telemetry
}

#[tokio::test]
async fn drilldown_gets_labels_and_how_many_values_they_have() {
    let telemetry = drilled().await;
    let answer = get_json(&telemetry, "/loki/api/v1/detected_labels", &ALL[1..]).await;
    assert_eq!(
        answer,
        json!({"detectedLabels": [
            {"label": "service", "cardinality": 2},
            {"label": "service_name", "cardinality": 2},
            {"label": "level", "cardinality": 2}
        ]})
    );
    let one = [("query", "{service=\"cart\"}"), ALL[1], ALL[2]];
    let answer = get_json(&telemetry, "/loki/api/v1/detected_labels", &one).await;
    assert_eq!(answer["detectedLabels"][2]["cardinality"], 1);
}

#[tokio::test]
async fn drilldown_gets_fields_with_their_kinds_and_parsers() {
    let telemetry = drilled().await;
    let answer = get_json(&telemetry, "/loki/api/v1/detected_fields", &ALL).await;
    assert_eq!(answer["limit"], 1000);
    let field = |name: &str| {
        let fields = answer["fields"].as_array().unwrap();
        let found = fields.iter().find(|field| field["label"] == name);
        found.unwrap_or_else(|| panic!("{name}: {answer}"))
    };
    assert_eq!(
        field("http_status"),
        &json!({"label": "http_status", "type": "int", "cardinality": 2, "parsers": null})
    );
    for (name, kind, cardinality, parsers) in [
        ("took", "duration", 2, json!(["json", "logfmt"])),
        ("path_name", "string", 1, json!(["json"])),
        ("level_extracted", "string", 1, json!(["json"])),
        ("retry", "boolean", 1, json!(["logfmt"])),
        ("size", "bytes", 1, json!(["logfmt"])),
        ("user", "string", 1, Value::Null),
    ] {
        let found = field(name);
        assert_eq!(found["type"], kind, "{name}");
        assert_eq!(found["cardinality"], cardinality, "{name}");
        assert_eq!(found["parsers"], parsers, "{name}");
    }
    assert!(
        !answer.to_string().contains("\"service\""),
        "that is a label"
    );
}

#[tokio::test]
async fn drilldown_gets_values_within_limits() {
    let telemetry = drilled().await;
    let values = "/loki/api/v1/detected_field/took/values";
    assert_eq!(
        get_json(&telemetry, values, &ALL).await,
        json!({"values": ["12ms", "1m30s"], "limit": 1000})
    );
    // a value at most, however many fields there are
    let one = [ALL[0], ALL[1], ALL[2], ("limit", "1")];
    let answer = get_json(&telemetry, values, &one).await;
    assert_eq!(answer, json!({"values": ["12ms"], "limit": 1}));
    // the newest line only; and a field at most
    let newest = [ALL[0], ALL[1], ALL[2], ("line_limit", "1"), ("limit", "1")];
    let answer = get_json(&telemetry, values, &newest).await;
    assert_eq!(answer, json!({"values": ["12ms"], "limit": 1}));
    let answer = get_json(&telemetry, "/loki/api/v1/detected_fields", &newest).await;
    assert_eq!(
        answer["fields"].as_array().map(Vec::len),
        Some(1),
        "{answer}"
    );
    let nobody = [("query", "{service=\"nobody\"}"), ALL[1], ALL[2]];
    let answer = get_json(&telemetry, "/loki/api/v1/detected_fields", &nobody).await;
    assert_eq!(answer, json!({ "fields": [] }));
    for bad in [
        &[][..],
        &[("query", "rate({service=\"a\"}[1m])")],
        &[("query", "{service=\"a\"}"), ("line_limit", "100000")],
        &[("query", "{service=\"a\"}"), ("limit", "many")],
        &[("query", "{service=\"a\""), ("start", "soon")],
    ] {
        refused(&telemetry, "/loki/api/v1/detected_fields", bad).await;
    }
}

#[tokio::test]
async fn drilldown_gets_patterns_over_time() {
    let telemetry = filled().await;
    let served = |second, n: u64| record(second, &format!("served order {n} in {n}ms"));
    let lines = vec![served(7001, 1), served(7002, 2), served(7035, 3)];
    telemetry.intake().logs(batch("cart", lines)).await;
    let asked = [
        ("query", "{service=\"cart\"}"),
        ("start", "8000000000000"),
        ("end", "8100000000000"),
        ("step", "1s"),
    ];
    let answer = get_json(&telemetry, "/loki/api/v1/patterns", &asked).await;
    // ten seconds are the shortest step
    assert_eq!(
        answer,
        json!({"status": "success", "data": [
            {"pattern": "served order <_> in <_>", "level": "info", "samples": [[8000, 2], [8030, 1]]}
        ]})
    );
    let all = [("query", "{service=~\".+\"}"), asked[1], asked[2]];
    let answer = get_json(&telemetry, "/loki/api/v1/patterns", &all).await;
    let found = answer["data"].as_array().unwrap();
    assert_eq!(
        found[0]["pattern"], "served order <_> in <_>",
        "the most frequent first"
    );
    assert!(found.iter().any(|pattern| pattern["level"] == "error"));
    let nobody = [("query", "{service=\"nobody\"}")];
    let answer = get_json(&telemetry, "/loki/api/v1/patterns", &nobody).await;
    assert_eq!(answer, json!({"status": "success", "data": []}));
    for bad in [
        &[][..],
        &[("query", "{service=\"a\"} | json")],
        &[
            ("query", "{service=\"a\"}"),
            ("end", "9000000000000000"),
            ("step", "1s"),
            ("start", "0"),
        ],
    ] {
        refused(&telemetry, "/loki/api/v1/patterns", bad).await;
    }
}

/// A tail over a real connection.
async fn tail(telemetry: &Telemetry, query: &str) -> Result<WebSocketStream<TcpStream>, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = telemetry.router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let stream = TcpStream::connect(address).await.unwrap();
    let url = format!("ws://{address}/loki/api/v1/tail?{query}");
    let (socket, _) = tokio_tungstenite::client_async(url, stream).await?;
    Ok(socket)
}

/// The lines of the next message.
async fn next(socket: &mut WebSocketStream<TcpStream>) -> Vec<String> {
    let text = loop {
        match socket.next().await.unwrap().unwrap() {
            Frame::Text(text) => break text,
            Frame::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    };
    let message: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(message["dropped_entries"], json!([]));
    let mut lines = Vec::new();
    for stream in message["streams"].as_array().unwrap() {
        assert!(stream["stream"]["service"].is_string());
        for value in stream["values"].as_array().unwrap() {
            assert!(value[0].is_string());
            lines.push(value[1].as_str().unwrap().to_owned());
        }
    }
    lines
}

#[tokio::test]
async fn a_tail_sends_what_was_and_what_comes_each_line_once() {
    let telemetry = telemetry();
    // what an emitter stamps as 9,000 s is the present
    let append = async |second: u64, line: &str| {
        let lines = batch("checkout", vec![record(second, line)]);
        telemetry.intake().logs(lines).await;
    };
    append(8_990, "older").await;
    append(8_997, "old one").await;
    append(8_999, "old two").await;
    let query = "query=%7Bservice%3D%22checkout%22%7D&limit=2&start=1";
    let mut socket = tail(&telemetry, query).await.unwrap();
    assert_eq!(next(&mut socket).await, ["old one", "old two"]);
    append(9_000, "new").await;
    assert_eq!(next(&mut socket).await, ["new"]);
    // stamped before the last one, and twice the same
    append(8_998, "late").await;
    assert_eq!(next(&mut socket).await, ["late"]);
    append(8_998, "late").await;
    assert_eq!(next(&mut socket).await, ["late"]);
    append(8_990, "before the tail began").await;
    append(9_000, "last").await;
    assert_eq!(next(&mut socket).await, ["last"]);
    socket.close(None).await.unwrap();
}

#[tokio::test]
async fn a_tail_that_cannot_be_is_refused_before_the_socket() {
    let telemetry = filled().await;
    for query in [
        "query=%7Bservice%3D",
        "",
        "query=rate%28%7Ba%3D%22b%22%7D%5B1m%5D%29",
        "query=a&delay_for=6",
        "query=a&start=soon",
    ] {
        match tail(&telemetry, query).await {
            Err(Error::Http(response)) => assert_eq!(response.status().as_u16(), 400, "{query}"),
            other => panic!("{query}: {other:?}"),
        }
    }
    let (status, _) = get(&telemetry, "/loki/api/v1/tail", &[("query", "{a=\"b\"}")]).await;
    assert!(
        status.is_client_error(),
        "no socket was asked for: {status}"
    );
}
