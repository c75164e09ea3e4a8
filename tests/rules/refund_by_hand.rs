//! Refunds that people make in another way: in the gateway's dashboard, or by bank transfer.

use operations::payment::{self, Event, EventKind, Gateway, Outcome};
use operations::refund::Reported;
use tests::refund::{ask_for, refund_event, settled};
use tests::{MAIN, PRICE_MINOR, TestDb, event, shop};
use uuid::Uuid;

/// An order whose refund was settled, and then failed at the gateway for good.
async fn bounced() -> (TestDb, operations::order::Order, Uuid) {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    let id = test.claimed().await[0].refund_id;
    assert_eq!(test.report(id, &settled("re_1")).await, Reported::Recorded);
    let failed = refund_event(
        EventKind::RefundFailed,
        "pi_1",
        "re_1",
        Some(id),
        PRICE_MINOR,
    );
    assert_eq!(test.stripe(&failed).await, Outcome::Recorded);
    assert_eq!(test.order_status(&order).await, "refund_due");
    (test, order, id)
}

/// The same sum, in the gateway's dashboard: the event has no id of ours.
#[tokio::test]
async fn a_bounced_refund_that_is_made_in_the_dashboard_is_settled_and_not_sent_again() {
    let (test, order, _) = bounced().await;
    let theirs = refund_event(EventKind::RefundSettled, "pi_1", "re_2", None, PRICE_MINOR);
    assert_eq!(test.stripe(&theirs).await, Outcome::Recorded);
    assert_eq!(test.order_status(&order).await, "refunded");
    assert!(test.claimed().await.is_empty());
    test.assert_promises_hold().await;
}

/// The owner records it, as the runbook says.
#[tokio::test]
async fn a_bounced_refund_that_is_paid_by_bank_transfer_is_settled() {
    let (test, order, id) = bounced().await;
    let by_hand = format!(
        "select holdfast.refund_report('main', '{id}', 'settled', null, 'bank transfer, meera')"
    );
    assert_eq!(test.text(&by_hand).await, "recorded");
    assert_eq!(test.order_status(&order).await, "refunded");
    assert!(test.claimed().await.is_empty());
    // once
    assert_eq!(test.text(&by_hand).await, "no_effect");
    test.assert_promises_hold().await;
}

/// An event about a refund that names no payment: its announcement is found all the same.
#[tokio::test]
async fn a_refund_of_another_amount_without_a_payment_id_is_reviewed_and_no_loss() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Completed);
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    let id = test.claimed().await[0].refund_id;
    let other = Event {
        reference: paid.reference.clone(),
        gateway_payment_id: None,
        ..refund_event(EventKind::RefundSettled, "x", "re_1", Some(id), 1)
    };
    let main = shop(MAIN);
    let recorded = payment::record_event(&test.payments, &main, Gateway::Cashfree, &other).await;
    assert_eq!(recorded.unwrap().outcome, Outcome::Review);
    assert_eq!(test.announced("payment.review").await.len(), 1);
    test.assert_promises_hold().await;
}
