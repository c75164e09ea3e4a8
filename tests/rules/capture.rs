//! Captures: the whole total, parts, too much, twice, late, in another currency, disputed.

use operations::order::Order;
use operations::payment::{self, Event, EventKind, Gateway, Outcome};
use tests::refund::{ask_for, part, refund_event, settled};
use tests::{MAIN, PRICE_MINOR, Routine, SHUT_GATE, TestDb, at_once, event, shop};

const SIXTY: i64 = PRICE_MINOR * 6 / 10;
const FORTY: i64 = PRICE_MINOR * 4 / 10;

/// Scenario 11: 60 + 40.
#[tokio::test]
async fn parts_add_up_and_the_last_one_completes_the_order() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let first = part(&order, "pi_1", SIXTY);
    assert_eq!(test.stripe(&first).await, Outcome::Review);
    assert_eq!(test.order_status(&order).await, "review");
    assert_eq!(test.level("A").await.1, 1, "held until the hold's end");
    let alarm = &test.announced("payment.review").await[0];
    assert_eq!(alarm["captured_minor"], SIXTY);
    test.assert_promises_hold().await;
    let second = part(&order, "pi_2", FORTY);
    assert_eq!(test.stripe(&second).await, Outcome::Completed);
    assert_eq!(test.order_status(&order).await, "paid");
    assert_eq!(test.level("A").await.0, 0);
    assert_eq!(test.refunds().await.len(), 0);
    test.assert_promises_hold().await;
}

/// Scenario 11: 60 + 60.
#[tokio::test]
async fn money_beyond_the_total_is_owed_back_from_the_last_part() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let first = part(&order, "pi_1", SIXTY);
    assert_eq!(test.stripe(&first).await, Outcome::Review);
    let second = part(&order, "pi_2", SIXTY);
    assert_eq!(test.stripe(&second).await, Outcome::Completed);
    let refunds = test.refunds().await;
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0]["amount_minor"], SIXTY - FORTY);
    assert_eq!(refunds[0]["gateway_payment_id"], "pi_2");
    assert_eq!(refunds[0]["reason"], "excess");
    let due = &test.announced("order.refund_due").await[0];
    assert_eq!(due["amount_minor"], SIXTY - FORTY);
    assert_eq!(test.order_status(&order).await, "paid");
    // a payment after that goes back whole
    let third = part(&order, "pi_3", FORTY);
    assert_eq!(test.stripe(&third).await, Outcome::Excess);
    assert_eq!(test.refunds().await[1]["amount_minor"], FORTY);
    test.assert_promises_hold().await;
}

/// Stripe reports one payment by its session and by its intent.
#[tokio::test]
async fn several_events_of_one_capture_count_once() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    for (nth, outcome) in [Outcome::Review, Outcome::NoEffect, Outcome::NoEffect]
        .into_iter()
        .enumerate()
    {
        let paid = Event {
            key: format!("told-{nth}"),
            ..part(&order, "pi_1", SIXTY)
        };
        assert_eq!(test.stripe(&paid).await, outcome);
    }
    assert_eq!(test.order_status(&order).await, "review");
    // two gateways may give the same payment id
    let other = part(&order, "pi_1", FORTY);
    assert_eq!(test.record(&other).await.unwrap(), Outcome::Completed);
    test.assert_promises_hold().await;
}

/// Scenario 10.
#[tokio::test]
async fn a_capture_above_the_total_never_completes_by_itself() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let first = part(&order, "pi_1", SIXTY);
    assert_eq!(test.stripe(&first).await, Outcome::Review);
    let above = part(&order, "pi_2", PRICE_MINOR + 1);
    assert_eq!(test.stripe(&above).await, Outcome::Review);
    assert_eq!(test.order_status(&order).await, "review");
    assert_eq!(test.announced("payment.review").await.len(), 2);
    // the rest completes the order; the excess waits for a person
    let rest = part(&order, "pi_3", FORTY);
    assert_eq!(test.stripe(&rest).await, Outcome::Completed);
    assert_eq!(test.refunds().await.len(), 0);
    test.assert_promises_hold().await;
    // the person gives it back
    let asked = test
        .ask(order.order_id, &ask_for(Some(PRICE_MINOR + 1)))
        .await;
    asked.unwrap();
    let refunds = test.refunds().await;
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0]["gateway_payment_id"], "pi_2");
    assert_eq!(refunds[0]["reason"], "review");
    assert_eq!(test.order_status(&order).await, "paid");
    test.assert_promises_hold().await;
}

/// A gateway's payment is one sum for one order. Another sum or another order goes to review.
#[tokio::test]
async fn a_capture_reported_with_another_sum_or_order_goes_to_review() {
    let test = TestDb::new().await;
    test.sku("A", 2).await;
    let paid = test.paid_order("A", "pi_1").await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let stolen = Event {
        key: "stolen".to_owned(),
        ..event(&order, EventKind::Paid, "pi_1")
    };
    assert_eq!(test.stripe(&stolen).await, Outcome::Review);
    assert_eq!(test.order_status(&order).await, "review");
    let other_sum = Event {
        key: "other".to_owned(),
        ..part(&paid, "pi_1", SIXTY)
    };
    assert_eq!(test.stripe(&other_sum).await, Outcome::Review);
    assert_eq!(test.order_status(&paid).await, "paid");
    assert_eq!(test.announced("payment.review").await.len(), 2);
    assert_eq!(test.level("A").await.0, 1);
    test.assert_promises_hold().await;
}

/// Scenario 1, paid in parts.
#[tokio::test]
async fn late_parts_take_the_stock_again_once_they_reach_the_total() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    let first = part(&order, "pi_1", SIXTY);
    assert_eq!(test.stripe(&first).await, Outcome::Review);
    test.expire(id).await;
    assert_eq!(test.order_status(&order).await, "review");
    assert_eq!(test.level("A").await.1, 0, "given back at the hold's end");
    test.assert_promises_hold().await;
    let second = part(&order, "pi_2", FORTY);
    assert_eq!(test.stripe(&second).await, Outcome::CompletedLate);
    assert_eq!(test.order_status(&order).await, "paid");
    test.assert_promises_hold().await;
}

/// Scenario 1, paid in parts, with the stock gone: all of it is owed back.
#[tokio::test]
async fn late_parts_of_gone_stock_are_all_owed_back() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    test.expire(id).await;
    test.held(&[("A", 1)]).await;
    // money for an expired order is reported to a person; the order is no longer merely expired
    let first = part(&order, "pi_1", SIXTY);
    assert_eq!(test.stripe(&first).await, Outcome::Review);
    assert_eq!(test.order_status(&order).await, "review");
    let second = part(&order, "pi_2", SIXTY);
    assert_eq!(test.stripe(&second).await, Outcome::RefundDue);
    assert_eq!(test.order_status(&order).await, "refund_due");
    let refunds = test.refunds().await;
    assert_eq!(refunds.len(), 2);
    assert!(refunds.iter().all(|refund| refund["amount_minor"] == SIXTY
        && refund["reason"] == "late"
        && refund["status"] == "owed"));
    assert_eq!(test.announced("order.refund_due").await.len(), 2);
    test.assert_promises_hold().await;
    for claimed in test.claimed().await {
        test.report(claimed.refund_id, &settled(&claimed.gateway_payment_id))
            .await;
    }
    assert_eq!(test.order_status(&order).await, "refunded");
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_refunded_part_no_longer_counts() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    test.stripe(&part(&order, "pi_1", SIXTY)).await;
    let back = refund_event(EventKind::RefundSettled, "pi_1", "re_1", None, SIXTY);
    assert_eq!(test.stripe(&back).await, Outcome::Recorded);
    // nothing is captured any more: the order waits for its payment as before
    assert_eq!(test.order_status(&order).await, "awaiting_payment");
    assert_eq!(
        test.stripe(&part(&order, "pi_2", FORTY)).await,
        Outcome::Review
    );
    assert_eq!(
        test.stripe(&part(&order, "pi_3", SIXTY)).await,
        Outcome::Completed
    );
    assert_eq!(test.refunds().await.len(), 1);
    test.assert_promises_hold().await;
}

/// A session or an intent without our reference.
#[tokio::test]
async fn an_event_without_a_reference_is_found_by_the_gateways_order() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let paid = Event {
        reference: None,
        gateway_order_id: Some("cs_1".to_owned()),
        ..event(&order, EventKind::Paid, "pi_1")
    };
    assert_eq!(test.stripe(&paid).await, Outcome::Parked);
    test.sql(&format!(
        "select holdfast.gateway_order_put('main', '{}', 'stripe', 'cs_1', '{{}}', 1800)",
        order.payment.reference
    ))
    .await;
    let report = test.sweep().await;
    assert_eq!(report.shops[0].unparked, 1);
    assert_eq!(test.order_status(&order).await, "paid");
    let of_reference = "select reference from holdfast.payment_events";
    assert_eq!(test.text(of_reference).await, order.payment.reference);
    test.assert_promises_hold().await;
}

/// Stripe's intent of a session has no metadata; Razorpay's payment.captured has no note.
#[tokio::test]
async fn money_without_a_reference_is_found_by_the_other_event_of_its_capture() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let nameless = |key: &str| Event {
        key: key.to_owned(),
        reference: None,
        gateway_order_id: Some("pi_1".to_owned()),
        ..event(&order, EventKind::Paid, "pi_1")
    };
    assert_eq!(test.stripe(&nameless("before")).await, Outcome::Parked);
    assert_eq!(test.sweep().await.shops[0].unparked, 0);
    let session = event(&order, EventKind::Paid, "pi_1");
    assert_eq!(test.stripe(&session).await, Outcome::Completed);
    assert_eq!(test.sweep().await.shops[0].unparked, 1);
    assert_eq!(test.stripe(&nameless("after")).await, Outcome::NoEffect);
    let known = "select count(*) from holdfast.payment_events where reference is not null";
    assert_eq!(test.count(known).await, 3);
    test.assert_promises_hold().await;
}

/// The notes of a Razorpay payment come from the shopper's browser.
#[tokio::test]
async fn a_shoppers_note_never_overrides_the_order_that_we_made_at_the_gateway() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (_, ours) = test.ordered(&[("A", 1)]).await;
    let (_, other) = test.ordered(&[("A", 1)]).await;
    test.sql(&format!(
        "select holdfast.gateway_order_put('main', '{}', 'stripe', 'order_1', '{{}}', 1800)",
        ours.payment.reference
    ))
    .await;
    for kind in [EventKind::Failed, EventKind::Paid] {
        let said = Event {
            gateway_order_id: Some("order_1".to_owned()),
            ..event(&other, kind, "pay_1")
        };
        test.stripe(&said).await;
    }
    assert_eq!(test.order_status(&ours).await, "paid");
    assert_eq!(test.order_status(&other).await, "awaiting_payment");
    let untouched = "select count(*) from holdfast.payments where status = 'unpaid'";
    assert_eq!(test.count(untouched).await, 1);
    // for an order that the storefront made at the gateway, the note is the only link
    let noted = Event {
        gateway_order_id: Some("order_2".to_owned()),
        ..event(&other, EventKind::Paid, "pay_2")
    };
    assert_eq!(test.stripe(&noted).await, Outcome::Completed);
    test.assert_promises_hold().await;
}

/// A dispute has no rank among the statuses. It may come in any order, and is announced once.
#[tokio::test]
async fn a_dispute_is_recorded_and_changes_nothing_else() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let dispute = |nth: usize| Event {
        key: format!("dispute-{nth}"),
        ..event(&order, EventKind::Disputed, "pi_1")
    };
    // before the event of its payment
    assert_eq!(test.stripe(&dispute(1)).await, Outcome::Recorded);
    assert_eq!(test.order_status(&order).await, "awaiting_payment");
    let paid = event(&order, EventKind::Paid, "pi_1");
    assert_eq!(test.stripe(&paid).await, Outcome::Completed);
    assert_eq!(test.stripe(&dispute(2)).await, Outcome::NoEffect);
    let without_reference = Event {
        reference: None,
        ..dispute(3)
    };
    assert_eq!(test.stripe(&without_reference).await, Outcome::NoEffect);
    assert_eq!(test.order_status(&order).await, "paid");
    assert_eq!(test.announced("payment.disputed").await.len(), 1);
    let disputed = "select count(*) from holdfast.disputes where status = 'open'";
    assert_eq!(test.count(disputed).await, 1);
    test.assert_promises_hold().await;
}

/// Parts of 60 and 40 at once. Both wait for the lock of `blocked`.
async fn two_parts_at_once(test: &TestDb, blocked: &str) -> (Order, Vec<Outcome>) {
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let blocker = test.block(blocked).await;
    let db = test.payments.clone();
    let parts = [part(&order, "pi_1", SIXTY), part(&order, "pi_2", FORTY)];
    let race = at_once(2, |n| {
        let (db, part) = (db.clone(), parts[n].clone());
        async move {
            let recorded = payment::record_event(&db, &shop(MAIN), Gateway::Stripe, &part).await;
            recorded.unwrap().outcome
        }
    });
    let outcomes = test.behind(blocker, 2, race).await;
    (order, outcomes)
}

/// Scenario 11, as a race.
#[tokio::test]
async fn two_parts_at_once_complete_the_order() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let locked = "select from holdfast.checkouts where shop = 'main' for update";
    let (order, mut outcomes) = two_parts_at_once(&test, locked).await;
    outcomes.sort_by_key(|outcome| outcome.as_str());
    assert_eq!(outcomes, [Outcome::Completed, Outcome::Review]);
    assert_eq!(test.order_status(&order).await, "paid");
    test.assert_promises_hold().await;
}

/// Negative control of scenario 11: without the locks, neither part sees the other. The order waits
/// for ever, although all its money is there.
#[tokio::test]
async fn without_the_locks_two_parts_would_never_add_up() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let record = Routine::named("payment_record_event_attempt");
    test.put_routine(record.without_guard("a_payment_changes_stock_once"))
        .await;
    test.put_routine(Routine::named("payment_capture").gated("parts_add_up"))
        .await;
    let gate = SHUT_GATE;
    let (order, outcomes) = two_parts_at_once(&test, gate).await;
    assert_eq!(outcomes, [Outcome::Review, Outcome::Review]);
    assert_eq!(test.order_status(&order).await, "review");
    assert_eq!(test.broken_promises().await, ["no_payment_is_lost"]);
}
