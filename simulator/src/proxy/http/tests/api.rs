//! HTTP toxics through the control API: further types with attributes of their own.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request},
};
use scenarios::seed::Seed;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{
    super::super::{Limits, Proxies, control},
    stage::{Caller, Stage},
};

struct Api(Router);

impl Api {
    async fn text(&self, method: Method, path: &str, body: Value) -> (u16, String) {
        let request = Request::builder().method(method).uri(path);
        let body = Body::from(if body.is_null() {
            String::new()
        } else {
            body.to_string()
        });
        let answer = self
            .0
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let (status, text) = self.text(method, path, body).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

#[tokio::test]
async fn the_control_api_puts_them_on_merges_their_attributes_and_takes_them_off() {
    let stage = Stage::new().await;
    let exposed = control::Exposed {
        proxy: true,
        runtime: false,
    };
    let api = Api(control::router(
        Arc::new(Proxies::new(Seed(5), Limits::default())),
        exposed,
    ));
    let callee = stage.proxy.address().unwrap().to_string();
    let made = json!({"name": "shop", "listen": "127.0.0.1:0", "upstream": callee});
    let (status, made) = api.call(Method::POST, "/proxies", made).await;
    assert_eq!(status, 201, "{made}");
    let mut caller = Caller::new(made["listen"].as_str().unwrap().parse().unwrap()).await;
    assert_eq!(caller.get("/a").await.status, 200);
    let toxics = "/proxies/shop/toxics";
    let toxic = json!({"type": "http_status", "attributes": {"status": 429, "path": "/a"}});
    let (status, toxic) = api.call(Method::POST, toxics, toxic).await;
    assert_eq!(status, 200);
    assert_eq!(
        toxic,
        json!({
            "name": "http_status_downstream", "type": "http_status", "stream": "downstream", "toxicity": 1.0,
            "attributes": {"status": 429, "path": "/a", "share": 1.0},
        })
    );
    assert_eq!(caller.get("/a").await.status, 429);
    let one = "/proxies/shop/toxics/http_status_downstream";
    let (status, toxic) = api
        .call(Method::POST, one, json!({"attributes": {"path": "/b"}}))
        .await;
    assert_eq!((status, &toxic["attributes"]["status"]), (200, &json!(429)));
    assert_eq!(caller.get("/a").await.status, 200);
    assert_eq!(caller.get("/b").await.status, 429);
    for (wrong, part) in [
        (json!({"status": 1000}), "`status` is 200 to 599, not 1000"),
        (json!({"stauts": 500}), "unknown field `stauts`"),
        (
            json!({"share": 7}),
            "`share` is a number from 0 to 1, not `7`",
        ),
    ] {
        let (status, told) = api
            .call(Method::POST, one, json!({"attributes": wrong}))
            .await;
        assert_eq!(status, 400);
        assert!(told["error"].as_str().unwrap().contains(part), "{told}");
    }
    assert_eq!(caller.get("/b").await.status, 429);
    assert_eq!(api.text(Method::DELETE, one, Value::Null).await.0, 204);
    assert_eq!(caller.get("/b").await.status, 200);
    let rewrite = json!({"type": "http_rewrite_body", "attributes": {"find": "x"}});
    assert_eq!(api.call(Method::POST, toxics, rewrite).await.0, 200);
    caller.get("/gzip").await;
    let (_, metrics) = api.text(Method::GET, "/metrics", Value::Null).await;
    assert!(
        metrics.contains("drill_proxy_http_unchanged_answers_total{proxy=\"shop\"} 1"),
        "{metrics}"
    );
}
