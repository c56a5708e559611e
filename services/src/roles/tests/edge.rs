//! The edge: what it refuses, and that a refusal changes nothing.

use scenarios::shop::Role;
use serde_json::json;

use super::{Shop, line};

/// Method, path, body, status and word of the refusal.
type Refusal = (&'static str, &'static str, &'static str, u16, &'static str);

#[rustfmt::skip] // a table
const REFUSALS: [Refusal; 17] = [
    ("POST", "/login", "{nonsense", 400, "invalid"),
    ("POST", "/login", r#"{"customer":"five"}"#, 422, "invalid"),
    ("POST", "/login", r#"{"customer":2000}"#, 404, "unknown_customer"),
    ("PUT", "/carts/2000", r#"{"lines":[{"sku":1,"quantity":1}]}"#, 404, "unknown_customer"),
    ("PUT", "/carts/me", r#"{"lines":[{"sku":1,"quantity":1}]}"#, 400, "invalid"),
    ("PUT", "/carts/1", r#"{"lines":[]}"#, 422, "invalid"),
    ("PUT", "/carts/1", r#"{"lines":[{"sku":1,"quantity":0}]}"#, 422, "invalid"),
    ("PUT", "/carts/1", r#"{"lines":[{"sku":1,"quantity":-1}]}"#, 422, "invalid"),
    ("PUT", "/carts/1", r#"{"lines":[{"sku":1,"quantity":4294967295}]}"#, 422, "invalid"),
    ("PUT", "/carts/1", r#"{"lines":[{"sku":200,"quantity":1}]}"#, 422, "invalid"),
    ("POST", "/checkout", r#"{"customer":1,"order_id":""}"#, 422, "invalid"),
    ("POST", "/checkout", r#"{"customer":1,"order_id":"a b"}"#, 422, "invalid"),
    ("POST", "/checkout", r#"{"customer":1,"order_id":"a"}"#, 409, "empty_cart"),
    ("GET", "/browse?page=10", "", 404, "no_page"),
    ("GET", "/browse?page=-1", "", 400, "invalid"),
    ("GET", "/orders/2000", "", 404, "unknown_customer"),
    ("GET", "/orders/1", "", 503, "unavailable"),
];

#[tokio::test]
async fn what_cannot_be_is_refused_with_a_word_and_a_reason() {
    let shop = Shop::new().with(Role::Storefront, &[]).await;
    for (method, path, body, status, word) in REFUSALS {
        let (answered, body) = shop.send(Role::Storefront, method, path, &[], body).await;
        assert_eq!(answered.as_u16(), status, "{method} {path}: {body}");
        assert_eq!(body["error"], word, "{method} {path}");
        let reason = body["reason"].as_str();
        assert!(reason.is_some_and(|reason| !reason.is_empty()));
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_unread() {
    let shop = Shop::new().with(Role::Storefront, &[]).await;
    let long = "[".repeat(crate::wire::BODY_LIMIT_BYTES + 1);
    let (status, body) = shop
        .send(Role::Storefront, "PUT", "/carts/1", &[], &long)
        .await;
    assert_eq!(
        (status.as_u16(), body["error"].as_str()),
        (413, Some("too_large"))
    );
}

#[tokio::test]
async fn a_cart_is_replaced_whole_and_a_refused_one_leaves_the_old() {
    let shop = Shop::new().with(Role::Storefront, &[]).await;
    let put = async |lines: &[_]| {
        let body = json!({ "lines": lines }).to_string();
        shop.send(Role::Storefront, "PUT", "/carts/1", &[], &body)
            .await
            .0
            .as_u16()
    };
    assert_eq!(put(&[line(1, 1), line(2, 2)]).await, 204);
    assert_eq!(put(&[line(3, 3)]).await, 204);
    assert_eq!(put(&[line(999, 1)]).await, 422);
    let database = shop.services[&Role::Storefront].0.database();
    let select = crate::database::Statement::new("SELECT carts", "SELECT lines FROM carts");
    let rows = database.rows::<(String,)>(select).await.unwrap();
    assert_eq!(rows, [(r#"[{"sku":3,"quantity":3}]"#.to_owned(),)]);
}

#[tokio::test]
async fn login_gives_a_correlation_id_and_keeps_the_one_that_came_along() {
    let shop = Shop::new().with(Role::Storefront, &[]).await;
    let body = r#"{"customer":5}"#;
    let (_, fresh) = shop
        .send(Role::Storefront, "POST", "/login", &[], body)
        .await;
    assert_eq!(fresh["correlation_id"].as_str().unwrap().len(), 32);
    let headers = [("x-correlation-id", "mine")];
    let (_, kept) = shop
        .send(Role::Storefront, "POST", "/login", &headers, body)
        .await;
    assert_eq!(kept["correlation_id"], "mine");
}

#[tokio::test]
async fn health_says_what_is_checked_and_shows_no_settings() {
    let shop = Shop::new().with(Role::Storefront, &[]).await;
    let (status, health) = shop.send(Role::Storefront, "GET", "/health", &[], "").await;
    assert_eq!(status, 200);
    assert_eq!(health["status"], "ok");
    assert_eq!(health["checks"][0]["name"], "database");
    assert!(health.get("settings").is_none());
    assert_eq!(
        shop.send(Role::Storefront, "GET", "/readyz", &[], "")
            .await
            .0,
        200
    );
    shop.services[&Role::Storefront].0.database().close().await;
    assert_eq!(
        shop.send(Role::Storefront, "GET", "/readyz", &[], "")
            .await
            .0,
        503
    );
    assert_eq!(
        shop.send(Role::Storefront, "GET", "/healthz", &[], "")
            .await
            .0,
        200
    );
}
