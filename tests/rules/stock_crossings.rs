//! Low stock and back in stock: each crossing of the threshold is announced once, whatever causes
//! it.

use operations::checkout;
use tests::{MAIN, TestDb, at_once, begin_request, new_id, shop};

async fn threshold(test: &TestDb, sku: &str, units: i32) {
    test.sql(&format!(
        "update holdfast.stock_levels set low_stock_threshold = {units}, version = version + 1
         where sku = '{sku}'"
    ))
    .await;
}

/// The number of announcements of a sku.
async fn announced(test: &TestDb, topic: &str, sku: &str) -> i64 {
    test.count(&format!(
        "select count(*) from holdfast.outbox_messages
         where topic = '{topic}' and body ->> 'sku' = '{sku}'"
    ))
    .await
}

#[tokio::test]
async fn a_fall_to_the_threshold_is_announced_once() {
    let test = TestDb::new().await;
    test.sku("A", 10).await;
    threshold(&test, "A", 3).await;
    test.held(&[("A", 6)]).await; // 4 are left
    assert_eq!(announced(&test, "stock.low", "A").await, 0);
    let third = test.held(&[("A", 1)]).await; // 3
    assert_eq!(announced(&test, "stock.low", "A").await, 1);
    test.held(&[("A", 2)]).await; // 1: it is low already
    assert_eq!(announced(&test, "stock.low", "A").await, 1);
    // above the threshold again, and below again: another crossing
    test.sql("select holdfast.stock_adjust('main', 'A', 5, null, 'received', 'test', null)")
        .await;
    checkout::release(&test.db, &shop(MAIN), third, None)
        .await
        .unwrap();
    test.held(&[("A", 7)]).await;
    assert_eq!(announced(&test, "stock.low", "A").await, 2);
    let body = test
        .json("select body from holdfast.outbox_messages order by created_at desc limit 1")
        .await;
    assert_eq!(body["available"], 0);
    assert_eq!(body["low_stock_threshold"], 3);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_return_from_zero_is_announced_once() {
    let test = TestDb::new().await;
    test.sku("A", 2).await;
    // the first units of a sku are announced too
    assert_eq!(announced(&test, "stock.back", "A").await, 1);
    let held = test.held(&[("A", 2)]).await;
    test.expire(held).await;
    assert_eq!(announced(&test, "stock.back", "A").await, 2);
    test.held(&[("A", 1)]).await;
    let last = test.held(&[("A", 1)]).await;
    checkout::release(&test.db, &shop(MAIN), last, None)
        .await
        .unwrap();
    assert_eq!(announced(&test, "stock.back", "A").await, 3);
}

/// The announcement is part of the transaction: a rolled-back change announces nothing.
#[tokio::test]
async fn a_refused_cart_announces_nothing() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    test.sku("B", 1).await;
    threshold(&test, "A", 3).await;
    // another shopper takes B after this cart reads it and before it takes it; A is taken already
    let blocker = test.block_level("B").await;
    let race = test.begin(new_id(), &[("A", 4), ("B", 1)]);
    let winner = async {
        test.until_waiting(1).await;
        let hold = "update holdfast.stock_levels set held = 1, version = version + 1
            where sku = 'B'";
        blocker.also(hold).await.commit().await;
    };
    let refused = tokio::join!(race, winner).0;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(announced(&test, "stock.low", "A").await, 0);
    assert_eq!(test.level("A").await.1, 0);
}

#[tokio::test]
async fn a_hundred_shoppers_at_once_cross_the_threshold_once() {
    let test = TestDb::new().await;
    test.sku("A", 100).await;
    threshold(&test, "A", 40).await;
    let db = test.pool(20);
    at_once(100, |_| {
        let (db, request) = (db.clone(), begin_request(new_id(), &[("A", 1)]));
        async move { checkout::begin(&db, &request).await.unwrap() }
    })
    .await;
    assert_eq!(announced(&test, "stock.low", "A").await, 1);
    test.assert_promises_hold().await;
}
