//! The control API through its router: shapes, codes, defaults and error texts as a client of Toxiproxy knows them.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
};
use scenarios::{
    seed::Seed,
    toxic::{Latency, Stream, Toxicity},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::ServiceExt;

use super::*;
use crate::proxy::{Limits, Proxy, Upstream, What};

struct Client(Router, Arc<Proxies>);

fn client() -> Client {
    let proxies = Arc::new(Proxies::new(Seed(5), Limits::default()));
    let exposed = Exposed {
        proxy: true,
        runtime: true,
    };
    Client(router(proxies.clone(), exposed), proxies)
}

impl Client {
    async fn raw(&self, method: Method, path: &str, body: impl Into<Body>) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path);
        let answer = self.0.clone().oneshot(request.body(body.into()).unwrap());
        let answer = answer.await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let (status, text) = self.raw(method, path, text).await;
        let value = serde_json::from_str(&text).unwrap_or(Value::Null);
        (status.as_u16(), value)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, body).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        self.call(Method::DELETE, path, Value::Null).await
    }

    /// A proxy to the address, and where it listens.
    async fn proxy(&self, name: &str, upstream: &str) -> String {
        let body = json!({ "name": name, "listen": "127.0.0.1:0", "upstream": upstream });
        let (status, made) = self.post("/proxies", body).await;
        assert_eq!(status, 201, "{made}");
        made["listen"].as_str().unwrap().to_owned()
    }
}

fn error(message: &str, status: u16) -> (u16, Value) {
    (status, json!({ "error": message, "status": status }))
}

#[tokio::test]
async fn a_proxy_is_made_shown_changed_and_deleted() {
    let client = client();
    let listen = client.proxy("redis", "127.0.0.1:6379").await;
    assert!(!listen.ends_with(":0"), "{listen} is the real port");
    let shown = json!({
        "name": "redis", "listen": listen, "upstream": "127.0.0.1:6379", "enabled": true, "toxics": [],
    });
    assert_eq!(client.get("/proxies/redis").await, (200, shown.clone()));
    assert_eq!(
        client.get("/proxies").await,
        (200, json!({ "redis": shown }))
    );

    let patch = |body| client.call(Method::PATCH, "/proxies/redis", body);
    let (status, off) = patch(json!({ "enabled": false })).await;
    assert_eq!(
        (status, &off["enabled"], &off["listen"]),
        (200, &json!(false), &json!(listen))
    );
    assert!(TcpStream::connect(&listen).await.is_err());
    // POST is the older word for it; the port comes back
    let (status, on) = client
        .post("/proxies/redis", json!({ "enabled": true }))
        .await;
    assert_eq!((status, &on["listen"]), (200, &json!(listen)));
    assert!(TcpStream::connect(&listen).await.is_ok());
    let (_, moved) = patch(json!({ "upstream": "127.0.0.1:6380" })).await;
    assert_eq!(
        (&moved["upstream"], &moved["enabled"]),
        (&json!("127.0.0.1:6380"), &json!(true))
    );

    assert_eq!(client.delete("/proxies/redis").await, (204, Value::Null));
    assert_eq!(
        client.get("/proxies/redis").await,
        error("proxy not found", 404)
    );
    assert_eq!(
        client.delete("/proxies/redis").await,
        error("proxy not found", 404)
    );
    assert!(TcpStream::connect(&listen).await.is_err());
}

#[tokio::test]
async fn what_a_proxy_lacks_or_doubles_is_told_in_the_known_words() {
    let client = client();
    client.proxy("a", "127.0.0.1:1").await;
    for (body, expected) in [
        (json!({}), error("missing required field: name", 400)),
        (
            json!({ "name": "b" }),
            error("missing required field: upstream", 400),
        ),
        (
            json!({ "name": "a", "upstream": "127.0.0.1:1" }),
            error("proxy already exists", 409),
        ),
        (Value::Null, error("bad request body: EOF", 400)),
        (
            json!(["b", "127.0.0.1:0", "127.0.0.1:1"]),
            error(
                r#"bad request body: it must be an object, as in {"name": …}, not a list"#,
                400,
            ),
        ),
    ] {
        assert_eq!(
            client.post("/proxies", body.clone()).await,
            expected,
            "{body}"
        );
    }
    let upstream = json!({ "name": "b", "upstream": "nowhere" });
    let (status, told) = client.post("/proxies", upstream).await;
    assert_eq!(status, 400);
    assert!(
        told["error"].as_str().unwrap().contains("host:port"),
        "{told}"
    );
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let body = json!({ "name": "b", "listen": address, "upstream": "127.0.0.1:1" });
    let expected = format!("listen tcp {address}: bind: address already in use");
    assert_eq!(client.post("/proxies", body).await, error(&expected, 500));
    assert_eq!(client.get("/proxies/b").await.0, 404);
}

#[tokio::test]
async fn toxics_have_the_known_defaults_and_merge_on_update() {
    let client = client();
    client.proxy("a", "127.0.0.1:1").await;
    let latency = json!({ "type": "latency", "attributes": { "latency": 100 } });
    let shown = |latency: u64, jitter: u64, toxicity: f64| {
        json!({
            "attributes": { "latency": latency, "jitter": jitter }, "name": "latency_downstream", "type": "latency",
            "stream": "downstream", "toxicity": toxicity,
        })
    };
    let made = client.post("/proxies/a/toxics", latency.clone()).await;
    assert_eq!(made, (200, shown(100, 0, 1.0)));
    let again = client.post("/proxies/a/toxics", latency).await;
    assert_eq!(again, error("toxic already exists", 409));
    let path = "/proxies/a/toxics/latency_downstream";
    let body = json!({ "attributes": { "jitter": 7 }, "toxicity": 0.5 });
    let changed = client.call(Method::PATCH, path, body).await;
    assert_eq!(changed, (200, shown(100, 7, 0.5)));
    assert_eq!(client.get(path).await, changed);
    let up = json!({ "type": "slicer", "stream": "upstream", "name": "thin", "attributes": {} });
    assert_eq!(client.post("/proxies/a/toxics", up).await.0, 200);
    let (_, list) = client.get("/proxies/a/toxics").await;
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(
        names,
        ["thin", "latency_downstream"],
        "upstream comes first"
    );
    assert_eq!(client.get("/proxies/a").await.1["toxics"], list);
    assert_eq!(client.delete(path).await, (204, Value::Null));
    assert_eq!(client.delete(path).await, error("toxic not found", 404));
    assert_eq!(client.get(path).await, error("toxic not found", 404));
}

#[tokio::test]
async fn what_is_wrong_with_a_toxic_is_told_and_nothing_is_put_on() {
    let client = client();
    client.proxy("a", "127.0.0.1:1").await;
    let path = "/proxies/a/toxics";
    for (body, expected) in [
        (json!({ "type": "nonsense" }), "invalid toxic type"),
        (json!({}), "invalid toxic type"),
        (
            json!({ "type": "latency", "stream": "sideways" }),
            "stream was invalid, can be either upstream or downstream",
        ),
        (
            json!({ "type": "latency", "attributes": { "latncy": 1 } }),
            "bad request body: latency has no attribute `latncy`, did you mean `latency`; it has: latency, jitter",
        ),
        (
            json!({ "type": "latency", "attributes": { "latency": -1 } }),
            "bad request body: latency: `latency` must be 0 to 86400000 ms, not -1",
        ),
        (
            json!({ "type": "latency", "toxicity": 2 }),
            "bad request body: toxicity must be 0 to 1, not 2",
        ),
        (
            json!({ "type": "latency", "duration": 86_400_001 }),
            "bad request body: duration must be 0 to 86400000 ms, not 86400001",
        ),
    ] {
        assert_eq!(
            client.post(path, body.clone()).await,
            error(expected, 400),
            "{body}"
        );
    }
    let gone = client
        .post("/proxies/b/toxics", json!({ "type": "latency" }))
        .await;
    assert_eq!(gone, error("proxy not found", 404));
    let (status, told) = client.raw(Method::POST, path, "{").await;
    assert_eq!(status, 400);
    assert!(told.contains("bad request body: "), "{told}");
    assert_eq!(client.get(path).await, (200, json!([])));
}

#[tokio::test]
async fn populate_keeps_what_is_as_asked_and_replaces_what_is_not() {
    let client = client();
    let wish = |upstream: &str| {
        json!([
            { "name": "a", "listen": "127.0.0.1:0", "upstream": upstream,
              "toxics": [{ "type": "timeout", "attributes": { "timeout": 9 } }] },
            { "name": "off", "upstream": "127.0.0.1:2", "enabled": false },
        ])
    };
    let (status, made) = client.post("/populate", wish("127.0.0.1:1")).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        made["proxies"][0]["toxics"][0]["name"],
        "timeout_downstream"
    );
    assert_eq!(made["proxies"][1]["enabled"], false);
    let listen = made["proxies"][0]["listen"].clone();

    client
        .post("/proxies/a/toxics", json!({ "type": "slicer" }))
        .await;
    let same = json!([{ "name": "a", "listen": listen, "upstream": "127.0.0.1:1" }]);
    let (_, kept) = client.post("/populate", same).await;
    assert_eq!(kept["proxies"][0]["toxics"].as_array().unwrap().len(), 2);
    let (_, replaced) = client.post("/populate", wish("127.0.0.1:7")).await;
    assert_eq!(replaced["proxies"][0]["upstream"], "127.0.0.1:7");
    assert_eq!(
        replaced["proxies"][0]["toxics"].as_array().unwrap().len(),
        1
    );

    let bad = json!([{ "name": "new", "upstream": "127.0.0.1:1" }, { "name": "b" }]);
    let told = json!({ "error": "missing required field: upstream at proxy 2", "status": 400, "proxies": null });
    assert_eq!(client.post("/populate", bad).await, (400, told));
    assert_eq!(
        client.get("/proxies/new").await.0,
        404,
        "nothing of a list with a mistake is made"
    );
}

#[tokio::test]
async fn what_stands_before_a_mistake_of_the_world_has_its_toxics() {
    let client = client();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let toxics = json!([{ "type": "limit_data", "attributes": { "bytes": 1 } }]);
    let wish = json!([
        { "name": "a", "listen": "127.0.0.1:0", "upstream": address, "toxics": toxics },
        { "name": "b", "listen": address, "upstream": "127.0.0.1:1", "toxics": toxics },
    ]);
    assert_eq!(client.post("/populate", wish).await.0, 500);
    let (_, made) = client.get("/proxies/a").await;
    assert_eq!(made["toxics"][0]["name"], "limit_data_downstream");
    assert_eq!(client.get("/proxies/b").await.0, 404);

    let (status, told) = client.post("/populate", json!({ "name": "c" })).await;
    assert_eq!(
        (status, &told["error"]),
        (
            400,
            &json!("bad request body: it must be a list of proxies")
        )
    );
    let wrong = json!([{ "name": "c", "upstream": "127.0.0.1:1", "toxics": [["latency"]] }]);
    assert_eq!(client.post("/populate", wrong).await.0, 400);
}

#[tokio::test]
async fn reset_enables_all_and_heals_all() {
    let client = client();
    let listen = client.proxy("a", "127.0.0.1:1").await;
    client
        .post("/proxies/a/toxics", json!({ "type": "timeout" }))
        .await;
    client.post("/proxies/a", json!({ "enabled": false })).await;
    assert_eq!(client.post("/reset", Value::Null).await, (204, Value::Null));
    let (_, shown) = client.get("/proxies/a").await;
    assert_eq!(
        (&shown["enabled"], &shown["toxics"]),
        (&json!(true), &json!([]))
    );
    assert!(TcpStream::connect(&listen).await.is_ok());
}

#[tokio::test]
async fn browsers_huge_bodies_and_unknown_paths_are_refused() {
    let client = client();
    let browser = Request::builder()
        .uri("/proxies")
        .header("user-agent", "Mozilla/5.0 (X11)");
    let answer = client
        .0
        .clone()
        .oneshot(browser.body(Body::empty()).unwrap());
    assert_eq!(answer.await.unwrap().status(), 403);
    // as it comes in, not as it is announced: a hundred megabytes are never held
    let endless =
        futures_util::stream::iter((0..1_600).map(|_| Ok::<_, std::io::Error>(vec![b' '; 65_536])));
    let (status, told) = client
        .raw(Method::POST, "/populate", Body::from_stream(endless))
        .await;
    assert_eq!(status, 413);
    assert!(told.contains("larger than 8388608 bytes"), "{told}");
    assert_eq!(
        client.get("/nothing").await,
        error("404 page not found", 404)
    );
    assert_eq!(
        client.delete("/version").await,
        error("method not allowed", 405)
    );
    assert_eq!(
        client.get("/version").await,
        (200, json!({ "version": API_VERSION }))
    );
}

#[tokio::test]
async fn metrics_count_bytes_by_direction() {
    let client = client();
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = upstream.local_addr().unwrap().to_string();
    let listen = client.proxy("a\"b", &to).await;
    let mut caller = TcpStream::connect(&listen).await.unwrap();
    let (mut callee, _) = upstream.accept().await.unwrap();
    caller.write_all(b"hello").await.unwrap();
    callee.read_exact(&mut [0; 5]).await.unwrap();
    callee.write_all(b"bye").await.unwrap();
    caller.read_exact(&mut [0; 3]).await.unwrap();
    let (status, text) = client.raw(Method::GET, "/metrics", Body::empty()).await;
    assert_eq!(status, 200);
    for (word, direction, bytes) in [
        ("received", "upstream", 5),
        ("sent", "upstream", 5),
        ("received", "downstream", 3),
        ("sent", "downstream", 3),
    ] {
        let line = format!(
            "toxiproxy_proxy_{word}_bytes_total{{direction=\"{direction}\",listener=\"{listen}\",proxy=\"a\\\"b\",upstream=\"{to}\"}} {bytes}\n"
        );
        assert!(text.contains(&line), "{line} in\n{text}");
    }
    assert!(cfg!(not(target_os = "linux")) || text.contains("\nprocess_resident_memory_bytes "));
}

#[tokio::test]
async fn a_scheduled_toxic_starts_ramps_and_ends_by_itself() {
    let client = client();
    client.proxy("a", "127.0.0.1:1").await;
    let body = json!({
        "type": "latency", "attributes": { "latency": 1_000 }, "start_after": 100, "ramp": 200, "duration": 400,
    });
    let (status, made) = client.post("/proxies/a/toxics", body.clone()).await;
    assert_eq!(
        (status, &made["start_after"], &made["ramp"]),
        (200, &json!(100), &json!(200))
    );
    assert_eq!(
        client.post("/proxies/a/toxics", body).await.0,
        409,
        "it has its name while it waits"
    );
    let mut changes = client.1.changes();
    let on_link = || async {
        client
            .get("/proxies/a/toxics")
            .await
            .1
            .as_array()
            .unwrap()
            .len()
    };
    let updated = client
        .call(
            Method::PATCH,
            "/proxies/a/toxics/latency_downstream",
            json!({ "attributes": { "latency": 600 } }),
        )
        .await;
    assert_eq!(updated.1["attributes"]["latency"], 600);
    assert!(matches!(
        changes.try_recv().unwrap().what,
        What::Poisoned(_)
    ));
    // it is over when it is over, however slow this machine is
    tokio::time::timeout(Duration::from_secs(20), async {
        while on_link().await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    let end = tokio::time::timeout(Duration::from_secs(20), changes.recv());
    assert_eq!(
        end.await.unwrap().unwrap().what,
        What::Ended("latency_downstream".to_owned())
    );
    let other = client.delete("/proxies/a/toxics/other").await;
    assert_eq!(other, error("toxic not found", 404));
    let late = json!({ "attributes": {}, "ramp": 5 });
    let path = "/proxies/a/toxics/latency_downstream";
    assert_eq!(client.call(Method::PATCH, path, late).await.0, 404);
    // its end was told of once: taking off what is over already is no news
    assert_eq!(client.delete(path).await.0, 404);
    assert_eq!(client.post("/reset", json!({})).await.0, 204);
    assert!(changes.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_toxic_that_is_taken_off_ends_once_and_not_again_by_its_schedule() {
    let client = client();
    client.proxy("a", "127.0.0.1:1").await;
    let mut changes = client.1.changes();
    for (name, start_after) in [("on", 0), ("waiting", 5_000), ("reset", 0)] {
        let body = json!({
            "name": name, "type": "latency", "attributes": { "latency": 1 }, "start_after": start_after, "duration": 10_000,
        });
        assert_eq!(client.post("/proxies/a/toxics", body).await.0, 200);
        assert!(matches!(
            changes.try_recv().unwrap().what,
            What::Poisoned(_)
        ));
    }
    for name in ["on", "waiting"] {
        let path = format!("/proxies/a/toxics/{name}");
        assert_eq!(client.delete(&path).await.0, 204);
        assert_eq!(
            changes.try_recv().unwrap().what,
            What::Healed(name.to_owned())
        );
    }
    assert_eq!(client.post("/reset", json!({})).await.0, 204);
    assert_eq!(
        changes.try_recv().unwrap().what,
        What::Healed("reset".to_owned())
    );
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(changes.try_recv().is_err());
}

#[tokio::test]
async fn a_proxy_of_a_lab_may_be_poisoned_and_disabled_but_stays_where_it_is() {
    let client = client();
    let rng = Seed(1).stream("lab");
    let lab = Arc::new(Proxy::listen("checkout-payments", rng).await.unwrap());
    lab.set_upstream(Upstream::Instances(vec![
        "127.0.0.1:1".parse().unwrap(),
        "127.0.0.1:2".parse().unwrap(),
    ]));
    client.1.adopt(lab.clone()).unwrap();
    let mut changes = client.1.changes();
    let path = "/proxies/checkout-payments";
    assert_eq!(
        client.get(path).await.1["upstream"],
        "127.0.0.1:1,127.0.0.1:2"
    );
    assert_eq!(client.delete(path).await.0, 403);
    assert_eq!(
        client
            .post(path, json!({ "upstream": "127.0.0.1:9" }))
            .await
            .0,
        403
    );
    assert_eq!(client.post(path, json!({ "enabled": false })).await.0, 200);
    assert_eq!(
        changes.try_recv().unwrap().what,
        What::Set { enabled: false }
    );
    assert!(!lab.is_running());
    assert_eq!(client.post(path, json!({ "enabled": true })).await.0, 200);
    assert_eq!(
        changes.try_recv().unwrap().what,
        What::Set { enabled: true }
    );

    // what the lab has put on itself may be an answer: it is neither seen nor changed nor healed here
    let guard = lab.poison(
        "slow",
        Stream::Downstream,
        Toxicity::ALL,
        Latency {
            latency_ms: 5,
            jitter_ms: 0,
        },
    );
    let toxic = format!("{path}/toxics/slow");
    assert_eq!(client.get(&toxic).await.0, 404);
    assert_eq!(client.get(path).await.1["toxics"], json!([]));
    assert_eq!(client.delete(&toxic).await.0, 404);
    assert_eq!(client.post("/reset", json!({})).await.0, 204);
    assert!(!lab.is_healed());
    drop(guard);
    assert!(lab.is_healed());
    assert!(changes.try_recv().is_err());
}
