//! Histories: the same whichever way they are read, with the number of queries and calls that the
//! setting stands for.

use scenarios::{
    setting::{HistoryReads, QuoteCalls, Setting},
    shop::Role,
};
use serde_json::Value;

use super::{Shop, file_order, quick};

async fn history(shop: &Shop, customer: u32) -> Value {
    let path = format!("/customers/{customer}/orders");
    let (status, body) = shop.send(Role::Orders, "GET", &path, &[], "").await;
    assert_eq!(status, 200, "{body}");
    body
}

fn calls_to_shipping(shop: &Shop) -> f64 {
    shop.metric(
        Role::Orders,
        r#"http_client_request_duration_seconds_count{peer="shipping",method="GET",status="200"}"#,
    )
}

// several threads: the blocking client holds one while shipping answers on another
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn one_by_one_gives_the_same_history_with_a_query_per_order_and_a_call_per_item() {
    let shop = Shop::new().with(Role::Shipping, &[quick()]).await;
    let shop = shop.with(Role::Orders, &[Setting::QuoteCache(false)]).await;
    let batched = history(&shop, 3).await;
    let orders = batched["orders"].as_array().unwrap().len();
    assert!((30..=90).contains(&orders));
    assert_eq!(shop.metric(Role::Orders, "order_history_queries_sum"), 2.0);
    let items = calls_to_shipping(&shop);
    assert!(items >= 30.0);

    let slow = [
        Setting::HistoryReads(HistoryReads::PerOrder),
        Setting::QuoteCalls(QuoteCalls::Blocking),
    ];
    shop.set(Role::Orders, &slow).await;
    assert_eq!(history(&shop, 3).await, batched);
    let queries = shop.metric(Role::Orders, "order_history_queries_sum");
    assert_eq!(queries, 2.0 + 1.0 + orders as f64);
    assert_eq!(calls_to_shipping(&shop), items * 2.0);
}

#[tokio::test]
async fn a_cached_quote_is_not_asked_for_again() {
    let shop = Shop::new().with(Role::Shipping, &[quick()]).await;
    let shop = shop.with(Role::Orders, &[]).await;
    let first = history(&shop, 3).await;
    let calls = calls_to_shipping(&shop);
    assert_eq!(history(&shop, 3).await, first);
    assert_eq!(calls_to_shipping(&shop), calls);
}

#[tokio::test]
async fn a_filed_order_comes_first_and_filing_it_again_changes_nothing() {
    let index = [Setting::ExtraIndex(true), Setting::ReadConnections(1)];
    let shop = Shop::new().with(Role::Orders, &index).await;
    for _ in 0..2 {
        assert_eq!(file_order(&shop, "o-1").await.0, 201);
    }
    shop.set(Role::Orders, &[Setting::ExtraIndex(false)]).await;
    let history = history(&shop, 700).await;
    assert_eq!(history["orders"][0]["order_id"], "o-1");
    assert_eq!(history["orders"][0]["items"].as_array().unwrap().len(), 2);
    let past = &history["orders"].as_array().unwrap()[1..];
    assert!(past.iter().all(|order| order["order_id"] != "o-1"));
}
