//! Checkout: its slots, its fallbacks, and that an order is placed once.

use std::{sync::Arc, time::Duration};

use axum::{Json, Router, http::StatusCode, routing::post};
use scenarios::{
    setting::{Breaker, CartTotals, Setting},
    shop::Role,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{Shop, basket, line, quick};

#[tokio::test]
async fn an_order_is_placed_once_however_often_it_is_asked_for() {
    let shop = Shop::new()
        .with(Role::Psp, &[quick()])
        .await
        .with(Role::Payments, &[])
        .await;
    let shop = shop.with(Role::Checkout, &[]).await;
    let order = basket("o-1", &[line(30, 2)]);
    let first = shop.post(Role::Checkout, "/checkouts", order.clone()).await;
    assert_eq!(first.0, 200);
    assert_eq!(shop.post(Role::Checkout, "/checkouts", order).await, first);
    let (_, file) = shop.send(Role::Psp, "GET", "/settlements", &[], "").await;
    assert_eq!(file["charges"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_order_that_failed_may_be_tried_again_and_gave_back_its_stock() {
    let declining = Router::new().route(
        "/charges",
        post(async || {
            let body = json!({ "error": "payment_declined", "reason": "no money" });
            (StatusCode::PAYMENT_REQUIRED, Json(body))
        }),
    );
    let shop = Shop::new().stand_in(Role::Payments, declining).await;
    let shop = shop
        .with(Role::Inventory, &[])
        .await
        .with(Role::Checkout, &[])
        .await;
    let order = basket("o-1", &[line(30, 2), line(30, 1)]);
    for _ in 0..2 {
        let (status, body) = shop.post(Role::Checkout, "/checkouts", order.clone()).await;
        assert_eq!(
            (status.as_u16(), body["error"].as_str()),
            (402, Some("payment_declined"))
        );
    }
    let failures = r#"checkout_failure_total{reason="payment_declined"}"#;
    assert_eq!(shop.metric(Role::Checkout, failures), 2.0);
    let stock = crate::database::Statement::new(
        "SELECT stock",
        "SELECT quantity FROM stock WHERE sku = 30",
    );
    let rows = shop.services[&Role::Inventory]
        .0
        .database()
        .rows::<(i64,)>(stock)
        .await
        .unwrap();
    assert_eq!(rows, [(10_000_000,)]);
}

#[tokio::test]
async fn an_article_that_is_sold_out_is_sold_to_nobody() {
    let shop = Shop::new()
        .with(Role::Inventory, &[])
        .await
        .with(Role::Checkout, &[])
        .await;
    let empty = crate::database::Statement::new(
        "UPDATE stock",
        "UPDATE stock SET quantity = 1 WHERE sku = 30",
    );
    let database = shop.services[&Role::Inventory].0.database();
    database.execute(empty).await.unwrap();
    let order = basket("o-1", &[line(31, 1), line(30, 2)]);
    let (status, body) = shop.post(Role::Checkout, "/checkouts", order).await;
    assert_eq!(
        (status.as_u16(), body["error"].as_str()),
        (409, Some("out_of_stock"))
    );
    let select = "SELECT quantity FROM stock WHERE sku IN (30, 31) ORDER BY sku";
    let stock = crate::database::Statement::new("SELECT stock", select);
    assert_eq!(
        database.rows::<(i64,)>(stock).await.unwrap(),
        [(1,), (10_000_000,)]
    );
}

/// A pricing that answers only when told.
fn held(release: &Arc<Notify>) -> Router {
    let release = Arc::clone(release);
    let hold = move || {
        let release = Arc::clone(&release);
        async move {
            release.notified().await;
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    Router::new().route("/prices", post(hold))
}

#[tokio::test]
async fn a_slot_is_held_while_a_cart_is_priced_and_totals_need_one_too() {
    let release = Arc::new(Notify::new());
    let shop = Shop::new().stand_in(Role::Pricing, held(&release)).await;
    let shop = shop.with(Role::Checkout, &[Setting::WorkerSlots(1)]).await;
    let pricing = shop.post(Role::Checkout, "/checkouts", basket("o-1", &[line(30, 1)]));
    let total = async {
        while shop.metric(Role::Checkout, "worker_slots_in_use") < 1.0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // a deadline on the request bounds its wait for a slot
        let headers = [("x-deadline-ms", "20")];
        let body = basket("o-2", &[line(1, 1)]).to_string();
        let turned_away = shop
            .send(Role::Checkout, "POST", "/cart-totals", &headers, &body)
            .await;
        release.notify_one();
        turned_away
    };
    let (priced, total) = tokio::join!(pricing, total);
    assert_eq!(
        (total.0.as_u16(), total.1["error"].as_str()),
        (503, Some("no_slot"))
    );
    assert_eq!(priced.1["error"], "unavailable");
    assert_eq!(shop.metric(Role::Checkout, "worker_slots_in_use"), 0.0);
    let (status, total) = shop
        .post(Role::Checkout, "/cart-totals", basket("o-2", &[line(1, 2)]))
        .await;
    assert_eq!(status, 200);
    let expected = crate::goods::list_price_minor_units(1) * 2;
    assert_eq!(total["list_minor_units"], expected);
}

#[tokio::test]
async fn with_a_breaker_missing_prices_become_list_prices_and_then_nobody_waits() {
    let release = Arc::new(Notify::new());
    let shop = Shop::new().stand_in(Role::Pricing, held(&release)).await;
    let settings = [
        Setting::Breaker(Some(Breaker {
            failures: 2,
            reset_ms: 600_000,
        })),
        Setting::DeadlineBudgetMs(Some(20)),
    ];
    let shop = shop.with(Role::Checkout, &settings).await;
    for n in 0..4 {
        let order = basket(&format!("o-{n}"), &[line(30, 1)]);
        let (status, body) = shop.post(Role::Checkout, "/checkouts", order).await;
        assert_eq!(status, 200, "{body}");
    }
    assert_eq!(
        shop.metric(Role::Checkout, r#"circuit_breaker_state{peer="pricing"}"#),
        2.0
    );
    let calls = r#"http_client_request_duration_seconds_count{peer="pricing""#;
    assert_eq!(shop.metric(Role::Checkout, calls), 2.0);
}

#[tokio::test]
async fn the_total_of_a_bundle_comes_from_where_the_setting_says() {
    let asked = Arc::new(Notify::new());
    let told = Arc::clone(&asked);
    let totals = Router::new().route(
        "/cart-totals",
        post(move || {
            told.notify_one();
            async { Json(json!({ "list_minor_units": 999_999 })) }
        }),
    );
    let shop = Shop::new().stand_in(Role::Checkout, totals).await;
    let shop = shop.with(Role::Promotions, &[]).await;
    // one piece of a cheap article is below the total from which a bundle earns the full discount
    let cheap = (0..20)
        .find(|sku| crate::goods::list_price_minor_units(*sku) < 5_000)
        .unwrap();
    let bundle_discount = async |order: &str| -> i64 {
        let (status, body) = shop
            .post(
                Role::Promotions,
                "/discounts",
                basket(order, &[line(cheap, 1)]),
            )
            .await;
        assert_eq!(status, 200, "{body}");
        body["basis_points"][0].as_i64().unwrap()
    };
    let local = bundle_discount("o-1").await;
    shop.set(
        Role::Promotions,
        &[Setting::CartTotals(CartTotals::Callback)],
    )
    .await;
    let called = bundle_discount("o-2").await;
    assert_eq!(called - local, 500);
    asked.notified().await;
    shop.set(Role::Promotions, &[Setting::CartTotals(CartTotals::Queue)])
        .await;
    assert_eq!(bundle_discount("o-3").await, local);
    asked.notified().await;
}

#[tokio::test]
async fn pricing_without_its_promotions_fails_unless_a_breaker_falls_back() {
    let broken = Router::new().route(
        "/discounts",
        post(async || StatusCode::INTERNAL_SERVER_ERROR),
    );
    let shop = Shop::new().stand_in(Role::Promotions, broken).await;
    let shop = shop.with(Role::Pricing, &[]).await;
    let order = || basket("o-1", &[line(30, 1)]);
    assert_eq!(shop.post(Role::Pricing, "/prices", order()).await.0, 502);
    let breaker = Breaker {
        failures: 5,
        reset_ms: 1_000,
    };
    shop.set(Role::Pricing, &[Setting::Breaker(Some(breaker))])
        .await;
    let (status, prices) = shop.post(Role::Pricing, "/prices", order()).await;
    assert_eq!(status, 200);
    assert_eq!(prices["lines"][0]["discount_basis_points"], Value::from(0));
}
