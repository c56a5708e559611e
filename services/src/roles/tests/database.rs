//! What troubles a database, as the role that keeps its data there meets it, and the ways of keeping
//! data that are settings of one role.

use futures_util::future::join_all;
use scenarios::{
    setting::{DatabaseDelay, HistoryLimit, HistoryReads, Reservations, Setting, WriteLock},
    shop::Role,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, SqlSafeStr};
use tokio::time::{Duration, Instant};

use super::{Shop, file_order, priced, quick};
use crate::database::{Record, Statement};

async fn rows<T: Record>(shop: &Shop, role: Role, sql: impl SqlSafeStr) -> Vec<T> {
    let select = Statement::new("SELECT", sql);
    shop.database(role).rows(select).await.unwrap()
}

async fn history(shop: &Shop, customer: u32) -> Value {
    let path = format!("/customers/{customer}/orders");
    let (status, body) = shop.send(Role::Orders, "GET", &path, &[], "").await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Items of an order of customer 700, as its history shows them; `None` when it does not show the order. Orders of the same
/// millisecond come in any order.
async fn items_of(shop: &Shop, order_id: &str) -> Option<usize> {
    let history = history(shop, 700).await;
    let mut orders = history["orders"].as_array().unwrap().iter();
    let order = orders.find(|order| order["order_id"] == order_id)?;
    Some(order["items"].as_array().unwrap().len())
}

fn delay(delay_ms: u64, jitter_ms: u64) -> Setting {
    Setting::DatabaseDelayMs(DatabaseDelay {
        delay_ms,
        jitter_ms,
    })
}

#[tokio::test]
async fn a_delay_is_added_to_each_statement() {
    let shop = Shop::new().with(Role::Orders, &[delay(40, 5)]).await;
    let began = Instant::now();
    history(&shop, 3).await;
    // two queries
    assert!(began.elapsed() >= Duration::from_millis(2 * 35));
}

#[tokio::test]
async fn the_lesser_number_of_connections_rules_and_the_own_one_comes_back() {
    let limit = r#"connection_pool_limit{pool="database"}"#;
    let shop = Shop::new().with(Role::Orders, &[]).await;
    let shop = shop.with(Role::Ledger, &[]).await;
    for (settings, orders, ledger) in [
        (vec![], 8.0, 32.0),
        (vec![Setting::DatabaseConnections(Some(3))], 3.0, 3.0),
        (vec![Setting::DatabaseConnections(Some(40))], 8.0, 40.0),
        (vec![Setting::DatabaseConnections(None)], 8.0, 32.0),
    ] {
        shop.replace(Role::Orders, &settings).await;
        shop.replace(Role::Ledger, &settings).await;
        assert_eq!(shop.metric(Role::Orders, limit), orders);
        assert_eq!(shop.metric(Role::Ledger, limit), ledger);
    }
}

#[tokio::test]
async fn a_lock_keeps_writers_out_and_lets_readers_in_until_it_is_gone() {
    let shop = Shop::new().with(Role::Orders, &[]).await;
    assert_eq!(file_order(&shop, "o-1").await.0, 201);
    let lock = WriteLock {
        hold_ms: 60_000,
        every_ms: 60_000,
    };
    shop.set(Role::Orders, &[Setting::WriteLock(lock)]).await;
    // it is taken a moment after it is set
    let mut number = 1;
    let refused = loop {
        number += 1;
        let (status, _) = file_order(&shop, &format!("o-{number}")).await;
        if status != 201 {
            break status;
        }
    };
    assert_eq!(refused, 500);
    assert_eq!(items_of(&shop, &format!("o-{}", number - 1)).await, Some(2));
    shop.replace(Role::Orders, &[]).await;
    assert_eq!(file_order(&shop, "o-last").await.0, 201);
}

#[tokio::test]
async fn a_batch_that_breaks_off_is_done_in_part() {
    let shop = Shop::new()
        .with(Role::Orders, &[Setting::PartialBatches(1.0)])
        .await;
    assert_eq!(file_order(&shop, "o-1").await.0, 500);
    let orders = "SELECT order_id FROM orders WHERE order_id = 'o-1'";
    let items = "SELECT order_id FROM items WHERE order_id = 'o-1'";
    assert_eq!(
        rows::<(String,)>(&shop, Role::Orders, orders).await.len(),
        1
    );
    assert_eq!(rows::<(String,)>(&shop, Role::Orders, items).await.len(), 0);
    shop.replace(Role::Orders, &[]).await;
    assert_eq!(file_order(&shop, "o-2").await.0, 201);
    assert_eq!(items_of(&shop, "o-2").await, Some(2));
}

#[tokio::test]
async fn a_full_disk_takes_no_more_until_there_is_room_again() {
    let shop = Shop::new().with(Role::Orders, &[]).await;
    shop.set(Role::Orders, &[Setting::DiskFull(true)]).await;
    // the last page has some room
    let mut filed = 0;
    while file_order(&shop, &format!("o-{filed}")).await.0 == 201 {
        filed += 1;
    }
    assert!(filed < 500, "{filed} orders are more than a page");
    // also over the connection that replaced the one that failed
    for again in 0..3 {
        let (status, _) = file_order(&shop, &format!("o-again-{again}-{}", "x".repeat(40))).await;
        assert_eq!(status, 500);
    }
    history(&shop, 3).await;
    shop.replace(Role::Orders, &[]).await;
    for number in 0..50 {
        assert_eq!(file_order(&shop, &format!("o-room-{number}")).await.0, 201);
    }
}

#[tokio::test]
async fn reading_and_writing_back_loses_what_was_taken_meanwhile() {
    let reserve = async |settings: &[Setting]| {
        let shop = Shop::new().with(Role::Inventory, settings).await;
        let orders = (0..4).map(|number| {
            let order = json!({
                "order_id": format!("o-{number}"), "customer": 3, "lines": [priced(500, 5)],
            });
            shop.post(Role::Inventory, "/reservations", order)
        });
        for (status, body) in join_all(orders).await {
            assert_eq!(status, 201, "{body}");
        }
        let stock = "SELECT quantity FROM stock WHERE sku = 30";
        let (left,) = rows::<(i64,)>(&shop, Role::Inventory, stock).await[0];
        // given back in the same way
        let (status, _) = shop
            .send(Role::Inventory, "DELETE", "/reservations/o-1", &[], "")
            .await;
        assert_eq!(status, 204);
        let (after,) = rows::<(i64,)>(&shop, Role::Inventory, stock).await[0];
        assert_eq!(after, left + 5);
        10_000_000 - left
    };
    // slow enough for all to have read before the first writes
    let slow = delay(60, 0);
    assert_eq!(reserve(std::slice::from_ref(&slow)).await, 20);
    let lossy = Setting::Reservations(Reservations::ReadThenWrite);
    let taken = reserve(&[slow, lossy]).await;
    assert!(taken < 20, "{taken}");
}

#[tokio::test]
async fn an_article_that_is_sold_out_is_so_either_way() {
    for how in [Reservations::Conditional, Reservations::ReadThenWrite] {
        let shop = Shop::new()
            .with(Role::Inventory, &[Setting::Reservations(how)])
            .await;
        let empty = Statement::new("UPDATE stock", "UPDATE stock SET quantity = 4");
        shop.database(Role::Inventory).execute(empty).await.unwrap();
        let order = |id: &str, pieces| json!({ "order_id": id, "customer": 3, "lines": [priced(500, pieces)] });
        let (status, body) = shop
            .post(Role::Inventory, "/reservations", order("o-1", 5))
            .await;
        assert_eq!(
            (status.as_u16(), &body["error"]),
            (409, &"out_of_stock".into())
        );
        for _ in 0..2 {
            let (status, _) = shop
                .post(Role::Inventory, "/reservations", order("o-2", 4))
                .await;
            assert!(status.is_success(), "{status}");
        }
        let stock = rows::<(i64,)>(
            &shop,
            Role::Inventory,
            "SELECT quantity FROM stock WHERE sku = 30",
        );
        assert_eq!(stock.await, [(0,)]);
    }
}

#[tokio::test]
async fn a_history_is_the_same_without_index_and_limit_and_asks_for_more() {
    let shop = Shop::new().with(Role::Shipping, &[quick()]).await;
    let shop = shop.with(Role::Orders, &[]).await;
    let healthy = history(&shop, 3).await;
    // an explanation is of the schema that the connection has seen, which is refreshed by a query; and of another text each
    // time, as statements are remembered
    let plan = async |of: &str| {
        history(&shop, 3).await;
        let sql = format!("EXPLAIN QUERY PLAN SELECT sku FROM items WHERE order_id = '{of}'");
        let sql = AssertSqlSafe(sql);
        let plan = rows::<(i64, i64, i64, String)>(&shop, Role::Orders, sql).await;
        plan[0].3.clone()
    };
    assert!(plan("before").await.contains("items_of_order"));
    for settings in [
        vec![Setting::ItemsIndex(false)],
        vec![Setting::HistoryLimit(HistoryLimit::None)],
        vec![
            Setting::HistoryLimit(HistoryLimit::None),
            Setting::HistoryReads(HistoryReads::PerOrder),
        ],
    ] {
        shop.replace(Role::Orders, &settings).await;
        assert_eq!(history(&shop, 3).await, healthy);
    }
    shop.replace(Role::Orders, &[Setting::ItemsIndex(false)])
        .await;
    assert_eq!(plan("without").await, "SCAN items");
    for _ in 0..2 {
        assert_eq!(file_order(&shop, "o-1").await.0, 201);
    }
    assert_eq!(items_of(&shop, "o-1").await, Some(2));
    shop.replace(Role::Orders, &[]).await;
    assert!(plan("after").await.contains("items_of_order"));
}

#[tokio::test]
async fn only_without_its_limit_a_history_has_more_than_a_page() {
    let shop = Shop::new().with(Role::Orders, &[]).await;
    for number in 0..110 {
        file_order(&shop, &format!("o-{number}")).await;
    }
    let orders = async || {
        history(&shop, 700).await["orders"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(orders().await, 100);
    shop.set(Role::Orders, &[Setting::HistoryLimit(HistoryLimit::None)])
        .await;
    assert!(orders().await >= 110);
}

#[tokio::test]
async fn recommendations_wait_for_the_history_and_fail_with_it() {
    let shop = Shop::new().with(Role::Orders, &[]).await;
    let shop = shop
        .with(Role::Storefront, &[Setting::Recommendations(true)])
        .await;
    let browse = async |customer: &str| {
        let path = format!("/browse?page=0{customer}");
        shop.send(Role::Storefront, "GET", &path, &[], "").await
    };
    let (status, page) = browse("&customer=3").await;
    assert_eq!(status, 200, "{page}");
    let recommended = |page: &Value| {
        let articles = page.as_array().unwrap();
        articles
            .iter()
            .filter(|article| article["recommended"] == true)
            .count()
    };
    let bought = "SELECT DISTINCT items.sku FROM items JOIN orders USING (order_id) \
                  WHERE customer = 3 AND sku < 20";
    let bought = rows::<(i64,)>(&shop, Role::Orders, bought).await.len();
    assert_eq!(recommended(&page), bought);
    let quota = Setting::Quota(Some(scenarios::setting::Quota { requests: 0 }));
    shop.set(Role::Orders, &[quota]).await;
    assert_eq!(browse("&customer=3").await.0, 503);
    // nobody's page, and everybody's without the feature, is as ever
    assert_eq!(browse("").await.0, 200);
    shop.replace(Role::Storefront, &[]).await;
    let (status, page) = browse("&customer=3").await;
    assert_eq!(status, 200);
    assert!(page[0].get("recommended").is_none());
}
