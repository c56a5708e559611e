//! Charges: once per key, refused when the lines disagree, lost answers, limited connections, and
//! what reconciliation finds of it.

use std::time::Duration;

use axum::http::StatusCode;
use scenarios::{
    setting::{Arithmetic, Retries, Setting},
    shop::Role,
};
use serde_json::{Value, json};

use super::{Shop, basket, line, priced, quick};

fn charge(order_id: &str, amount: i64) -> Value {
    json!({ "order_id": order_id, "amount_minor_units": amount, "lines": [priced(amount, 1)] })
}

async fn psp_charge(shop: &Shop, key: &str, body: &Value) -> (StatusCode, Value) {
    let headers = [("idempotency-key", key)];
    shop.send(Role::Psp, "POST", "/charges", &headers, &body.to_string())
        .await
}

async fn pay(shop: &Shop, key: &str, body: &Value) -> (StatusCode, Value) {
    let headers = [("idempotency-key", key)];
    shop.send(
        Role::Payments,
        "POST",
        "/charges",
        &headers,
        &body.to_string(),
    )
    .await
}

async fn settled(shop: &Shop) -> usize {
    let (_, file) = shop.send(Role::Psp, "GET", "/settlements", &[], "").await;
    file["charges"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_provider_charges_once_per_key_however_often_and_concurrently_it_is_asked() {
    let shop = Shop::new().with(Role::Psp, &[quick()]).await;
    let body = charge("o-1", 500);
    let all = (0..10).map(|_| psp_charge(&shop, "k", &body));
    let answers = futures_util::future::join_all(all).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(psp_charge(&shop, "k", &body).await, answers[0]);
    assert_eq!(settled(&shop).await, 1);
    let (status, problem) = psp_charge(&shop, "k", &charge("o-1", 501)).await;
    assert_eq!(
        (status.as_u16(), problem["error"].as_str()),
        (409, Some("key_reused"))
    );
    psp_charge(&shop, "another", &body).await;
    assert_eq!(settled(&shop).await, 2);
}

#[tokio::test]
async fn a_lost_answer_is_a_closed_connection_after_the_work_was_done() {
    let lossy = [quick(), Setting::LostAnswers(1.0)];
    let shop = Shop::new()
        .with(Role::Psp, &lossy)
        .await
        .with(Role::Payments, &[])
        .await;
    let body = charge("o-1", 500);
    let (status, problem) = pay(&shop, "k", &body).await;
    assert_eq!(
        (status.as_u16(), problem["error"].as_str()),
        (503, Some("unavailable"))
    );
    assert_eq!(settled(&shop).await, 1);
    shop.set(Role::Psp, &[Setting::LostAnswers(0.0)]).await;
    let (status, _) = pay(&shop, "k", &body).await;
    assert_eq!(status, 200);
    assert_eq!(settled(&shop).await, 1);
}

#[tokio::test]
async fn a_charge_whose_caller_went_away_is_booked_all_the_same() {
    let late = Setting::DelayedCharges {
        share: 1.0,
        delay_ms: 150,
    };
    let shop = Shop::new().with(Role::Psp, &[quick(), late]).await;
    let shop = shop
        .with(Role::Payments, &[Setting::CallTimeoutMs(30)])
        .await;
    let body = charge("o-1", 500);
    let (status, problem) = pay(&shop, "k", &body).await;
    assert_eq!(
        (status.as_u16(), problem["error"].as_str()),
        (504, Some("timeout"))
    );
    shop.set(Role::Payments, &[Setting::CallTimeoutMs(5_000)])
        .await;
    let (status, _) = pay(&shop, "k", &body).await;
    assert_eq!(status, 200);
    assert_eq!(settled(&shop).await, 1);
}

#[tokio::test]
async fn payments_lets_a_cent_of_rounding_pass_and_refuses_more() {
    let shop = Shop::new()
        .with(Role::Psp, &[quick()])
        .await
        .with(Role::Payments, &[])
        .await;
    for (amount, status) in [(999, 200), (1_001, 200), (998, 422), (1_002, 422)] {
        let key = amount.to_string();
        let body = json!({
            "order_id": "o", "amount_minor_units": amount, "lines": [priced(1_000, 1)],
        });
        let answer = pay(&shop, &key, &body).await;
        assert_eq!(answer.0.as_u16(), status, "{amount}: {}", answer.1);
    }
    let without_key = shop.post(Role::Payments, "/charges", charge("o", 5)).await;
    assert_eq!(without_key.1["error"], "no_key");
}

#[tokio::test]
async fn no_more_charges_are_under_way_than_there_are_connections() {
    let slow = Setting::DelayedCharges {
        share: 1.0,
        delay_ms: 60_000,
    };
    let shop = Shop::new().with(Role::Psp, &[quick(), slow]).await;
    let two = [Setting::OutboundConnections(2), Setting::CallTimeoutMs(400)];
    let shop = shop.with(Role::Payments, &two).await;
    let send = async |n: u32| {
        let key = n.to_string();
        pay(&shop, &key, &charge(&key, 5)).await.0.as_u16()
    };
    let watch = async {
        while shop.metric(Role::Payments, r#"connection_pool_waiting{pool="psp"}"#) < 3.0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        shop.metric(Role::Payments, r#"connection_pool_in_use{pool="psp"}"#)
    };
    let all = futures_util::future::join_all((0..5).map(send));
    let (statuses, in_use) = tokio::join!(all, watch);
    assert_eq!(in_use, 2.0);
    assert_eq!(statuses, [504; 5]);
}

async fn whole(settings: &[Setting], psp: &[Setting]) -> Shop {
    let shop = Shop::new().with(Role::Psp, psp).await;
    let shop = shop
        .with(Role::Ledger, &[])
        .await
        .with(Role::Inventory, &[])
        .await;
    let shop = shop
        .with(Role::Payments, &[])
        .await
        .with(Role::Orders, &[])
        .await;
    shop.with(Role::Checkout, settings).await
}

async fn sell(shop: &Shop, orders: u32) {
    for n in 0..orders {
        let lines = [line(n % 200, 1 + n % 3), line((n * 7 + 1) % 200, 1)];
        shop.post(
            Role::Checkout,
            "/checkouts",
            basket(&format!("o-{n}"), &lines),
        )
        .await;
    }
}

async fn reconciled(shop: &Shop) -> Value {
    shop.post(Role::Ledger, "/reconciliations", Value::Null)
        .await
        .1
}

#[tokio::test]
async fn with_decimals_and_stable_keys_lost_answers_cost_nobody_anything() {
    let retries = Setting::Retries(Retries {
        max: 10,
        backoff_ms: 0,
    });
    let shop = whole(&[retries], &[quick(), Setting::LostAnswers(0.3)]).await;
    sell(&shop, 40).await;
    let found = reconciled(&shop).await;
    assert_eq!(found["reconciled_orders"], 40);
    assert_eq!(found["drift_minor_units"], 0);
    assert_eq!(found["duplicate_charges"], 0);
    assert_eq!(found["charged_minor_units"], found["owed_minor_units"]);
    assert_eq!(
        reconciled(&shop).await,
        found,
        "a second run books nothing twice"
    );
    assert!(shop.metric(Role::Checkout, "retries_total") > 0.0);
    assert_eq!(shop.metric(Role::Checkout, "orders_total"), 40.0);
}

#[tokio::test]
async fn floats_drift_by_cents_and_unstable_keys_charge_twice() {
    let settings = [
        Setting::Money(Arithmetic::BinaryFloat),
        Setting::StableIdempotencyKey(false),
        Setting::Retries(Retries {
            max: 10,
            backoff_ms: 0,
        }),
    ];
    let shop = whole(&settings, &[quick()]).await;
    sell(&shop, 40).await;
    let cents = reconciled(&shop).await;
    let drift = cents["drift_minor_units"].as_i64().unwrap();
    assert!((5..=40).contains(&drift), "{cents}");
    assert_eq!(cents["duplicate_charges"], 0);
    shop.set(Role::Psp, &[Setting::LostAnswers(0.5)]).await;
    for n in 40..60 {
        shop.post(
            Role::Checkout,
            "/checkouts",
            basket(&format!("o-{n}"), &[line(3, 1)]),
        )
        .await;
    }
    let twice = reconciled(&shop).await;
    assert!(twice["duplicate_charges"].as_i64().unwrap() >= 5, "{twice}");
    shop.set(Role::Ledger, &[Setting::ReconciliationTolerance(1)])
        .await;
    let tolerant = reconciled(&shop).await;
    assert!(tolerant["drift_minor_units"].as_i64() < twice["drift_minor_units"].as_i64());
    assert_eq!(
        tolerant["charged_minor_units"],
        twice["charged_minor_units"]
    );
}
