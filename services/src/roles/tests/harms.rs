//! The settings that every role has, as its callers meet them: what they do, and that nothing of it
//! is left when they are back at their defaults.

use scenarios::{
    setting::{Defect, Quota, Setting},
    shop::Role,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Shop, quick};
use crate::settings::Settings;

async fn get(shop: &Shop, role: Role, path: &str) -> (u16, Value) {
    let (status, body) = shop.send(role, "GET", path, &[], "").await;
    (status.as_u16(), body)
}

/// orders behind the storefront.
async fn edge() -> Shop {
    let shop = Shop::new().with(Role::Orders, &[]).await;
    shop.with(Role::Storefront, &[]).await
}

#[tokio::test]
async fn replacing_sets_everything_else_back_to_its_default() {
    let slots = [Setting::WorkerSlots(3), Setting::CallTimeoutMs(9)];
    let shop = Shop::new().with(Role::Checkout, &slots).await;
    assert_eq!(shop.metric(Role::Checkout, "worker_slots_limit"), 3.0);
    let quota = Setting::Quota(Some(Quota { requests: 5 }));
    shop.replace(Role::Checkout, &[Setting::CallTimeoutMs(9), quota])
        .await;
    assert_eq!(shop.metric(Role::Checkout, "worker_slots_limit"), 64.0);
    shop.replace(Role::Checkout, &[]).await;
    assert_eq!(shop.settings(Role::Checkout), Settings::of(Role::Checkout));
}

#[tokio::test]
async fn a_defect_is_a_500_that_is_measured_and_never_more_than_its_request() {
    let shop = Shop::new().with(Role::Shipping, &[quick()]).await;
    let defect = |share| Setting::Defect(Defect { share });
    shop.set(Role::Shipping, &[defect(1.0)]).await;
    assert_eq!(get(&shop, Role::Shipping, "/quotes/3").await.0, 500);
    let counted = r#"http_server_request_duration_seconds_count{route="/quotes/{sku}",method="GET",status="500"}"#;
    assert_eq!(shop.metric(Role::Shipping, counted), 1.0);
    // what it says of itself is not its work
    assert_eq!(get(&shop, Role::Shipping, "/healthz").await.0, 200);
    shop.set(Role::Shipping, &[defect(0.0)]).await;
    assert_eq!(get(&shop, Role::Shipping, "/quotes/3").await.0, 200);
}

#[tokio::test]
async fn a_revoked_caller_fails_where_its_users_see_it_and_works_again_after() {
    let shop = edge().await;
    assert_eq!(get(&shop, Role::Storefront, "/orders/3").await.0, 200);
    let revoked = Setting::RevokedCallers(vec![Role::Storefront]);
    shop.set(Role::Orders, &[revoked]).await;
    let (status, body) = get(&shop, Role::Storefront, "/orders/3").await;
    assert_eq!(
        (status, &body["error"]),
        (502, &"credential_expired".into())
    );
    let called =
        r#"http_client_request_duration_seconds_count{peer="orders",method="GET",status="401"}"#;
    assert_eq!(shop.metric(Role::Storefront, called), 1.0);
    // who is not a service has no credential to lose
    assert_eq!(get(&shop, Role::Orders, "/customers/3/orders").await.0, 200);
    shop.replace(Role::Orders, &[]).await;
    assert_eq!(get(&shop, Role::Storefront, "/orders/3").await.0, 200);
}

#[tokio::test]
async fn an_exhausted_quota_is_no_fault_of_the_user() {
    let shop = edge().await;
    let quota = Setting::Quota(Some(Quota { requests: 1 }));
    shop.set(Role::Orders, &[quota]).await;
    let first = get(&shop, Role::Storefront, "/orders/3").await;
    let (status, body) = get(&shop, Role::Storefront, "/orders/3").await;
    assert_eq!((first.0, status), (200, 503));
    assert_eq!(body["error"], "quota_exhausted");
    shop.set(Role::Orders, &[Setting::Quota(None)]).await;
    assert_eq!(get(&shop, Role::Storefront, "/orders/3").await.0, 200);
}

#[tokio::test]
async fn a_service_that_is_not_ready_says_so_and_works_all_the_same() {
    let shop = Shop::new()
        .with(Role::Orders, &[Setting::Ready(false)])
        .await;
    let (status, body) = get(&shop, Role::Orders, "/readyz").await;
    assert_eq!((status, &body["error"]), (503, &"unavailable".into()));
    assert_eq!(get(&shop, Role::Orders, "/customers/3/orders").await.0, 200);
    shop.replace(Role::Orders, &[]).await;
    assert_eq!(get(&shop, Role::Orders, "/readyz").await.0, 200);
}

#[tokio::test]
async fn a_name_that_is_lost_is_noticed_by_the_next_call_and_found_again() {
    let shop = edge().await;
    assert_eq!(get(&shop, Role::Storefront, "/orders/3").await.0, 200);
    let lost = Setting::Unresolvable(vec![Role::Orders]);
    shop.set(Role::Storefront, &[lost]).await;
    let (status, body) = get(&shop, Role::Storefront, "/orders/3").await;
    assert_eq!(status, 503);
    let reason = body["reason"].as_str().unwrap();
    assert!(reason.contains("Name or service not known"), "{reason}");
    shop.replace(Role::Storefront, &[]).await;
    assert_eq!(get(&shop, Role::Storefront, "/orders/3").await.0, 200);
}

// several threads: the blocking client holds one while shipping answers on another
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_client_that_blocks_looks_names_up_in_the_same_place() {
    let shop = Shop::new().with(Role::Shipping, &[quick()]).await;
    let calls = Setting::QuoteCalls(scenarios::setting::QuoteCalls::Blocking);
    let with = [calls, Setting::QuoteCache(false)];
    let shop = shop.with(Role::Orders, &with).await;
    let quotes = async || {
        let (_, body) = get(&shop, Role::Orders, "/customers/3/orders").await;
        let quote = &body["orders"][0]["items"][0]["shipping_minor_units"];
        quote.is_number()
    };
    assert!(quotes().await);
    let lost = Setting::Unresolvable(vec![Role::Shipping]);
    shop.set(Role::Orders, &[lost]).await;
    assert!(!quotes().await);
    shop.replace(Role::Orders, &with).await;
    assert!(quotes().await);
}

#[tokio::test]
async fn the_clock_dates_what_is_written() {
    let shop = Shop::new().with(Role::Orders, &[]).await;
    let day_ms = 86_400_000;
    let file = async |order_id: &str, skew_ms| {
        shop.replace(Role::Orders, &[Setting::ClockSkewMs(skew_ms)])
            .await;
        super::file_order(&shop, order_id).await.0
    };
    assert_eq!(file("o-true", 0).await, 201);
    assert_eq!(file("o-ahead", day_ms).await, 201);
    assert_eq!(file("o-back", -day_ms).await, 201);
    let sql = "SELECT placed FROM orders WHERE order_id LIKE 'o-%' ORDER BY placed";
    let select = crate::database::Statement::new("SELECT orders", sql);
    let rows = shop.database(Role::Orders).rows::<(i64,)>(select);
    let placed: Vec<i64> = rows.await.unwrap().into_iter().map(|row| row.0).collect();
    for apart in [placed[1] - placed[0], placed[2] - placed[1]] {
        assert!((day_ms / 2..day_ms * 2).contains(&apart), "{placed:?}");
    }
}

#[tokio::test]
async fn an_end_that_is_set_comes_and_one_that_is_taken_back_does_not() {
    let shop = Shop::new().with(Role::Shipping, &[quick()]).await;
    let broken = shop.broken(Role::Shipping);
    shop.set(Role::Shipping, &[Setting::ExitAfterMs(Some(600_000))])
        .await;
    shop.set(Role::Shipping, &[Setting::ExitAfterMs(None)])
        .await;
    assert!(!broken.is_cancelled());
    shop.set(Role::Shipping, &[Setting::ExitAfterMs(Some(1))])
        .await;
    CancellationToken::cancelled(&broken).await;
}

#[tokio::test]
async fn a_queue_that_is_hardly_worked_off_grows_and_is_measured() {
    let depth = r#"queue_depth{queue="settlement"}"#;
    let shop = Shop::new()
        .with(Role::Worker, &[Setting::SettlementPerS(1)])
        .await;
    let job = async || {
        let (status, _) = shop
            .post(Role::Worker, "/jobs/settlement", json!({ "items": 5_000 }))
            .await;
        assert_eq!(status, 202);
    };
    job().await;
    let first = shop.metric(Role::Worker, depth);
    job().await;
    assert!(shop.metric(Role::Worker, depth) > first);
    // caught up with, once it may be
    shop.set(Role::Worker, &[Setting::SettlementPerS(1_000_000)])
        .await;
    while shop.metric(Role::Worker, depth) > 0.0 {
        tokio::time::sleep(tokio::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_connection_ends_with_its_answer_when_it_is_not_to_be_kept() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let shop = Shop::new().with(Role::Shipping, &[quick()]).await;
    let address = shop.addresses[&Role::Shipping].replace("http://", "");
    // two requests on one connection, of which the second is the last
    let answered = async || {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let request = |more: &str| format!("GET /quotes/3 HTTP/1.1\r\nhost: it\r\n{more}\r\n");
        let both = request("") + &request("connection: close\r\n");
        stream.write_all(both.as_bytes()).await.unwrap();
        let mut said = String::new();
        // what is not read any more resets the connection
        let _ = stream.read_to_string(&mut said).await;
        said.matches("HTTP/1.1 200").count()
    };
    assert_eq!(answered().await, 2);
    shop.set(Role::Shipping, &[Setting::KeepAlive(false)]).await;
    assert_eq!(answered().await, 1);
    shop.replace(Role::Shipping, &[quick()]).await;
    assert_eq!(answered().await, 2);
}
