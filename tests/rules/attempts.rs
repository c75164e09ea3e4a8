//! The `…_attempt` routines, called alone by a client that commits whatever the answer is. A
//! refusal leaves nothing behind.

use local::roles;
use tests::coupons::{TEN_PERCENT, coupon};
use tests::orders::address;
use tests::{PRICE_MINOR, TestDb, assert_commit_refused, new_id};
use tokio_postgres::Client;

fn begin(id: impl std::fmt::Display, revision: i32, skus: &str, quantities: &str) -> String {
    format!(
        "select * from holdfast.checkout_begin_attempt(
            'main', '{id}', 'c', {revision}, '\\x{revision:02}', null, '{skus}',
            '{quantities}', true)"
    )
}

/// Orders with an address to be saved.
fn order(id: impl std::fmt::Display, coupon: &str) -> String {
    let address = serde_json::to_string(&address("Asha")).unwrap();
    format!(
        "select * from holdfast.order_create_attempt(
            'main', '{id}', 'c', '\\x01', gen_random_uuid(), 'main-x', 'online', {coupon},
            '{address}', gen_random_uuid(), true, true)"
    )
}

/// A session in whose open transaction an attempt was called.
async fn called(test: &TestDb, call: &str) -> (Client, String) {
    let role = match call {
        _ if call.contains("payment_record_event_attempt") => roles::PAYMENTS,
        _ if call.contains("order_book_attempt") || call.contains("order_amend_attempt") => {
            roles::ADMIN
        }
        _ => roles::CHECKOUT,
    };
    let app = tests::connect(&tests::CLUSTER.url(role, test.name())).await;
    app.batch_execute("begin").await.unwrap();
    let row = app.query_one(call, &[]).await.unwrap();
    let outcome = row.get("o_outcome");
    (app, outcome)
}

/// The same. A rival takes a unit of `sku` after the attempt reads it and before it takes it.
async fn called_too_late(test: &TestDb, call: &str, sku: &str) -> (Client, String) {
    let rival = test.block(&begin(new_id(), 1, sku, "{1}")).await;
    let beaten = async {
        test.until_waiting(1).await;
        rival.commit().await;
    };
    tokio::join!(called(test, call), beaten).0
}

/// A begin that loses its second line to a rival while it takes the first.
async fn beaten_begin(test: &TestDb) -> (Client, String) {
    test.sku("A1", 5).await;
    test.sku("A2", 1).await;
    called_too_late(test, &begin(new_id(), 1, "{A1,A2}", "{1,1}"), "{A2}").await
}

/// A replacement of a held cart that loses its second line in the same way.
async fn beaten_replacement(test: &TestDb) -> (Client, String) {
    test.sku("B1", 5).await;
    test.sku("B2", 1).await;
    let id = test.held(&[("B1", 1)]).await;
    called_too_late(test, &begin(id, 2, "{B1,B2}", "{2,1}"), "{B2}").await
}

/// An order with a coupon and an address. Its hold has ended, and one of its lines is gone.
async fn order_of_what_is_gone(test: &TestDb) -> (Client, String) {
    test.sku("C1", 5).await;
    test.sku("C2", 1).await;
    coupon(test, "TEN", TEN_PERCENT).await;
    let id = test.held(&[("C1", 1), ("C2", 1)]).await;
    test.expire(id).await;
    test.held(&[("C2", 1)]).await;
    called(test, &order(id, "'TEN'")).await
}

/// A late payment. A due hold has its stock.
async fn late_payment(test: &TestDb) -> (Client, String) {
    test.sku("D", 1).await;
    let (id, order) = test.ordered(&[("D", 1)]).await;
    test.expire(id).await;
    let other = test.held(&[("D", 1)]).await;
    test.make_due(other).await;
    let call = format!(
        "select * from holdfast.payment_record_event_attempt(
            'main', 'cashfree', 'key-1', '{}', 'paid', {PRICE_MINOR}, 'INR', 'pay-1', '{{}}',
            null, null, null, null, true)",
        order.payment.reference
    );
    called(test, &call).await
}

/// A booking whose coupon is refused after its hold is placed.
async fn booking_without_its_coupon(test: &TestDb) -> (Client, String) {
    test.sku("E", 1).await;
    let call = format!(
        "select * from holdfast.order_book_attempt('main', '{}', 'c', '\\x01', gen_random_uuid(),
            'main-y', 'NONE', 'd-1', '{{E}}', '{{1}}', true)",
        new_id()
    );
    called(test, &call).await
}

/// An amendment that moves a party to a full departure.
async fn move_to_a_full_departure(test: &TestDb) -> (Client, String) {
    test.sku("F1", 5).await;
    test.sku("F2", 1).await;
    let order = test.desk(1).booked(&[("F1", 2)]).await;
    let call = format!(
        "select * from holdfast.order_amend_attempt(
            'main', '{}', 1, 'd-1', '{{F2}}', '{{2}}', true)",
        order.checkout_id
    );
    called(test, &call).await
}

/// Promises 2 and 6, for a client that ignores the answer.
#[tokio::test]
async fn a_client_that_commits_after_a_refusal_commits_nothing() {
    let test = TestDb::new().await;
    for (expected, (app, outcome)) in [
        ("again", beaten_begin(&test).await),
        ("again", beaten_replacement(&test).await),
        ("shortage", order_of_what_is_gone(&test).await),
        ("reclaim", late_payment(&test).await),
        ("coupon_unknown", booking_without_its_coupon(&test).await),
        ("shortage", move_to_a_full_departure(&test).await),
    ] {
        assert_eq!(outcome, expected);
        let before = test.rows().await;
        assert_commit_refused(&app, "commit").await;
        assert_eq!(test.rows().await, before);
        test.assert_promises_hold().await;
    }
    // A refusal before the first write may be committed: there is nothing to commit.
    let (open, free) = (test.held(&[("C1", 1)]).await, new_id());
    let due = test.held(&[("C1", 2)]).await;
    test.make_due(due).await;
    for (expected, call) in [
        ("shortage", begin(free, 1, "{A1,A2}", "{1,1}")),
        ("reclaim", begin(free, 1, "{C1}", "{4}")),
        ("unknown_sku", begin(free, 1, "{A1,NONE}", "{1,1}")),
        ("shortage", begin(open, 2, "{A1,A2}", "{1,1}")),
        ("checkout_conflict", begin(open, 1, "{A1}", "{1}")),
        ("checkout_ended", begin(due, 2, "{A1}", "{1}")),
        ("coupon_unknown", order(open, "'NONE'")),
        ("not_found", order(free, "null")),
    ] {
        let before = test.rows().await;
        let (app, outcome) = called(&test, &call).await;
        assert_eq!(outcome, expected, "{call}");
        app.batch_execute("commit").await.unwrap();
        assert_eq!(test.rows().await, before, "{call}");
    }
    test.assert_promises_hold().await;
}

/// Negative control: the rows that each of them would leave behind.
#[tokio::test]
async fn without_the_trigger_a_refused_attempt_would_be_committed() {
    let test = TestDb::new().await;
    test.sql(
        "alter table holdfast.must_roll_back disable trigger must_roll_back_is_never_committed",
    )
    .await;
    let mut broken = Vec::new();
    for (app, _) in [
        beaten_begin(&test).await,
        beaten_replacement(&test).await,
        order_of_what_is_gone(&test).await,
        late_payment(&test).await,
    ] {
        app.batch_execute("commit").await.unwrap();
        let now = test.broken_promises().await;
        assert!(now.len() > broken.len(), "{now:?}");
        broken = now;
    }
    broken.dedup();
    assert_eq!(
        broken,
        [
            "held_equals_active_holds",
            "a_hold_resolves_once",
            "no_payment_is_lost",
            "a_coupon_is_never_overused"
        ]
    );
}

/// Promise 6: an empty cart is refused, also as a replacement.
#[tokio::test]
async fn a_cart_without_lines_is_refused() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let id = test.held(&[("A", 1)]).await;
    let before = test.rows().await;
    let app = test.checkout_session().await;
    for call in [
        begin(id, 2, "{}", "{}"),
        begin(id, 2, "{}", "{1}"),
        begin(new_id(), 1, "{}", "{}"),
        format!(
            "call holdfast.checkout_begin('main', '{id}', 'c', 2, '\\x02', null, '{{}}', '{{}}')"
        ),
    ] {
        let error = app.batch_execute(&call).await.unwrap_err();
        let code = error.code().map(tokio_postgres::error::SqlState::code);
        assert_eq!(code, Some("22023"), "{call}: {error}");
    }
    assert_eq!(test.rows().await, before);
    test.assert_promises_hold().await;
}
