//! Payments: each event counts once, in any order, late or twice; no money is lost, no stock moves
//! twice.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use local::roles;
use operations::checkout;
use operations::db::constraint;
use operations::ids::CheckoutId;
use operations::order::{self, Order};
use operations::payment::{self, Event, EventKind, Gateway, Outcome};
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tests::orders::read_order;
use tests::{
    MAIN, PRICE_MINOR, Routine, SHUT_GATE, TestDb, again, at_once, begin_request, event, new_id,
    order_request, shop,
};

async fn status(test: &TestDb, id: CheckoutId) -> (String, String) {
    let order = read_order(test, id).await;
    (order.status, order.payment.status)
}

fn is(status: &(String, String), order: &str, payment: &str) -> bool {
    (status.0.as_str(), status.1.as_str()) == (order, payment)
}

async fn sold(test: &TestDb) -> i64 {
    test.count("select count(*) from holdfast.stock_movements where reason = 'sold'")
        .await
}

/// Scenario 1. Promise 5: no verified payment is lost.
#[tokio::test]
async fn one_of_two_late_payments_for_one_unit_completes_and_the_other_is_owed_back() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (first, first_order) = test.ordered(&[("A", 1)]).await;
    test.expire(first).await;
    let (second, second_order) = test.ordered(&[("A", 1)]).await;
    test.expire(second).await;
    let paid = event(&first_order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::CompletedLate);
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Duplicate);
    assert_eq!(
        test.record(&again(&paid, 2)).await.unwrap(),
        Outcome::NoEffect
    );
    let owed = event(&second_order, EventKind::Paid, "pay-2");
    assert_eq!(test.record(&owed).await.unwrap(), Outcome::RefundDue);
    assert_eq!(test.record(&owed).await.unwrap(), Outcome::Duplicate);
    assert_eq!(
        test.record(&again(&owed, 2)).await.unwrap(),
        Outcome::NoEffect
    );

    assert!(is(&status(&test, first).await, "paid", "paid"));
    assert!(is(&status(&test, second).await, "refund_due", "paid"));
    assert_eq!(test.level("A").await.0, 0);
    assert_eq!(test.announced("order.paid").await.len(), 1);
    let refunds = test.announced("order.refund_due").await;
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0]["gateway_payment_id"], "pay-2");
    assert_eq!(refunds[0]["amount_minor"], PRICE_MINOR);
    test.assert_promises_hold().await;
}

/// When a part of the cart is gone, the whole cart is released.
#[tokio::test]
async fn a_late_payment_never_completes_without_all_of_its_stock() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    test.sku("B", 1).await;
    let (id, order) = test.ordered(&[("A", 1), ("B", 1)]).await;
    test.expire(id).await;
    test.held(&[("B", 1)]).await;
    let level = test.level("A").await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::RefundDue);
    assert_eq!(test.level("A").await, level);
    test.assert_promises_hold().await;
}

/// Promise 8, for money: due holds give way to a late payment.
#[tokio::test]
async fn a_late_payment_takes_stock_that_only_due_holds_have() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    test.expire(id).await;
    let other = test.held(&[("A", 1)]).await;
    test.make_due(other).await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::CompletedLate);
    test.assert_promises_hold().await;
}

/// A hold that can't be expired must not delay a payment for ever.
#[tokio::test]
async fn a_late_payment_is_owed_back_when_a_bad_row_has_its_stock() {
    let test = TestDb::new().await;
    test.sku("A", 2).await;
    let (id, order) = test.ordered(&[("A", 2)]).await;
    test.expire(id).await;
    let bad = test.held(&[("A", 1)]).await;
    test.make_due(bad).await;
    // Its hold has more units than the counter: giving them back would break a constraint.
    test.corrupt(&format!(
        "update holdfast.holds set quantity = 2 where checkout_id = '{bad}'"
    ))
    .await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::RefundDue);
    assert_eq!(test.announced("order.refund_due").await.len(), 1);
}

/// A due hold is still the order's.
#[tokio::test]
async fn a_payment_before_the_sweep_completes_a_due_order() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    test.make_due(id).await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Completed);
    test.assert_promises_hold().await;
}

/// Scenario 2. Promise 4: a payment changes stock at most once.
#[tokio::test]
async fn a_thousand_payments_sent_three_times_each_are_a_thousand_deductions() {
    const PAYMENTS: usize = 1_000;
    let test = TestDb::new().await;
    test.sku("A", 1_500).await;
    let db = test.pool(20);
    let orders: Vec<Order> = futures_util::stream::iter(0..PAYMENTS)
        .map(|_| {
            let (db, id) = (db.clone(), new_id());
            async move {
                let begin = begin_request(id, &[("A", 1)]);
                checkout::begin(&db, &begin).await.unwrap();
                match order::create(&db, &order_request(id)).await.unwrap() {
                    order::Created::New(order) | order::Created::Same(order) => order,
                }
            }
        })
        .buffer_unordered(20)
        .collect()
        .await;
    let mut deliveries = Vec::new();
    for (n, order) in orders.iter().enumerate() {
        let paid = event(order, EventKind::Paid, &format!("pay-{n}"));
        // the same message again, and the same payment in a message with another id
        deliveries.extend([paid.clone(), again(&paid, 2), paid]);
    }
    let seed: u64 = rand::rng().random();
    println!("shuffled with the seed {seed}");
    deliveries.shuffle(&mut rand::rngs::StdRng::seed_from_u64(seed));
    let db = test.pool_of(roles::PAYMENTS, 20);
    let outcomes: Vec<Outcome> = futures_util::stream::iter(deliveries)
        .map(|event| {
            let db = db.clone();
            async move {
                let recorded =
                    payment::record_event(&db, &shop(MAIN), Gateway::Cashfree, &event).await;
                recorded.unwrap().outcome
            }
        })
        .buffer_unordered(20)
        .collect()
        .await;

    let mut counts: HashMap<&str, usize> = HashMap::new();
    for outcome in outcomes {
        let name = match outcome {
            Outcome::Completed => "completed",
            Outcome::Duplicate | Outcome::NoEffect => "nothing",
            other => panic!("{other:?}"),
        };
        *counts.entry(name).or_default() += 1;
    }
    assert_eq!(
        counts,
        [("completed", PAYMENTS), ("nothing", 2 * PAYMENTS)].into()
    );
    assert_eq!(test.level("A").await, (500, 0, 1 + 2 * 1_000));
    assert_eq!(sold(&test).await, 1_000);
    assert_eq!(test.announced("order.paid").await.len(), PAYMENTS);
    test.assert_promises_hold().await;
}

/// One payment in ten messages at once, as from a gateway that never gets our answer. All of them
/// wait for the lock of `blocked` before any goes on.
async fn ten_messages_of_one_payment(test: &TestDb, blocked: &str) -> Vec<Option<Outcome>> {
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let blocker = test.block(blocked).await;
    let db = test.pool_of(roles::PAYMENTS, 10);
    let race = at_once(10, |n| {
        let (db, paid) = (db.clone(), event(&order, EventKind::Paid, "pay-1"));
        let paid = again(&paid, n);
        async move {
            let recorded = payment::record_event(&db, &shop(MAIN), Gateway::Cashfree, &paid).await;
            recorded.ok().map(|recorded| recorded.outcome)
        }
    });
    test.behind(blocker, 10, race).await
}

/// Scenario 2, as a race. Promise 4: a payment changes stock at most once.
#[tokio::test]
async fn one_of_ten_messages_of_one_payment_at_once_deducts() {
    let test = TestDb::new().await;
    test.sku("A", 15).await;
    let locked = "select from holdfast.checkouts where shop = 'main' for update";
    let outcomes = ten_messages_of_one_payment(&test, locked).await;
    let of = |outcome| outcomes.iter().filter(|one| **one == Some(outcome)).count();
    assert_eq!((of(Outcome::Completed), of(Outcome::NoEffect)), (1, 9));
    assert_eq!((sold(&test).await, test.level("A").await.0), (1, 14));
    test.assert_promises_hold().await;
}

/// Negative control of scenario 2: without the three locks, all have read an unpaid payment before
/// any of them applies it. The key of the capture still sees that the payment is one. Without that
/// key, the key of the announcement refuses a second sale. Without that key too, each message
/// deducts, and the check reports it.
#[tokio::test]
async fn without_the_locks_each_message_of_a_payment_would_deduct() {
    let key = |table| format!("alter table holdfast.{table} drop constraint {table}_pkey cascade");
    let guards = [
        key("payment_captures"),
        key("outbox_messages"),
        "drop trigger refund_is_counted_on_insert on holdfast.refunds".to_owned(),
    ];
    let all = ["a_payment_changes_stock_once", "no_payment_is_lost"];
    for (without, done, deducted, broken) in [(0, 10, 1, 0..0), (1, 1, 1, 0..0), (3, 10, 10, 0..2)]
    {
        let test = TestDb::new().await;
        test.sku("A", 15).await;
        let routine = Routine::named("payment_record_event_attempt").without_guard(all[0]);
        test.put_routine(routine.gated(all[0])).await;
        for guard in &guards[..without] {
            test.sql(guard).await;
        }
        let gate = SHUT_GATE;
        let outcomes = ten_messages_of_one_payment(&test, gate).await;
        assert_eq!(outcomes.iter().flatten().count(), done, "{outcomes:?}");
        assert_eq!(sold(&test).await, deducted);
        assert_eq!(i64::from(test.level("A").await.0), 15 - deducted);
        let mut found = test.broken_promises().await;
        found.dedup();
        // the amount that goes back depends on which message was first
        found.retain(|name| name != "refunds_never_exceed_captures");
        assert_eq!(found, all[broken]);
    }
}

/// Scenario 10: another amount or another currency goes to review, for a person to decide.
#[tokio::test]
async fn a_wrong_amount_or_currency_goes_to_review_and_never_completes() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let amounts = [
        (Some(PRICE_MINOR + 1), Some("INR")),
        (Some(PRICE_MINOR - 1), Some("INR")),
        (Some(PRICE_MINOR), Some("USD")),
        (Some(PRICE_MINOR / 100), Some("JPY")),
        (Some(PRICE_MINOR * 10), Some("KWD")),
        (None, Some("INR")),
        (Some(PRICE_MINOR), None),
    ];
    for (n, (amount_minor, currency)) in amounts.into_iter().enumerate() {
        let (id, order) = test.ordered(&[("A", 1)]).await;
        let wrong = Event {
            amount_minor,
            currency: currency.map(str::to_owned),
            ..event(&order, EventKind::Paid, &format!("pay-{n}"))
        };
        assert_eq!(
            test.record(&wrong).await.unwrap(),
            Outcome::Review,
            "{wrong:?}"
        );
        assert_eq!(test.record(&wrong).await.unwrap(), Outcome::Duplicate);
        assert!(is(&status(&test, id).await, "review", "unpaid"));
        let alarms = test.announced("payment.review").await;
        assert_eq!(alarms.len(), n + 1);
        let alarm = alarms
            .iter()
            .find(|body| body["order_id"] == json!(order.order_id));
        assert_eq!(alarm.unwrap()["expected_minor"], PRICE_MINOR);
    }
    // The stock stays held until the holds end; nothing was deducted.
    assert_eq!(test.level("A").await, (9, 7, 8));
    test.assert_promises_hold().await;
    test.make_all_due_but(new_id()).await;
    test.sweep().await;
    assert_eq!(test.level("A").await.1, 0);
    assert_eq!(sold(&test).await, 0);
    test.assert_promises_hold().await;
}

/// A review is not final: the right payment still completes the order.
#[tokio::test]
async fn the_right_payment_completes_an_order_in_review() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    let wrong = Event {
        amount_minor: Some(1),
        ..event(&order, EventKind::Paid, "pay-1")
    };
    assert_eq!(test.record(&wrong).await.unwrap(), Outcome::Review);
    let right = event(&order, EventKind::Paid, "pay-2");
    assert_eq!(test.record(&right).await.unwrap(), Outcome::Completed);
    // a wrong payment after it takes nothing away, but raises its alarm
    let late = Event {
        currency: Some("USD".to_owned()),
        ..event(&order, EventKind::Paid, "pay-3")
    };
    assert_eq!(test.record(&late).await.unwrap(), Outcome::Review);
    assert!(is(&status(&test, id).await, "paid", "paid"));
    assert_eq!(test.announced("payment.review").await.len(), 2);
    // the payment before the right one is now in excess
    assert_eq!(
        test.announced("order.refund_due").await[0]["amount_minor"],
        1
    );
    test.assert_promises_hold().await;
}

/// A second payment of the whole amount: one completes, the other is owed back and announced once.
#[tokio::test]
async fn a_second_payment_of_a_paid_order_is_owed_back() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    let first = event(&order, EventKind::Paid, "pay-1");
    let second = event(&order, EventKind::Paid, "pay-2");
    assert_eq!(test.record(&first).await.unwrap(), Outcome::Completed);
    assert_eq!(test.record(&second).await.unwrap(), Outcome::Excess);
    assert_eq!(test.record(&second).await.unwrap(), Outcome::Duplicate);
    assert_eq!(
        test.record(&again(&second, 2)).await.unwrap(),
        Outcome::NoEffect
    );
    let refunds = test.announced("order.refund_due").await;
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0]["gateway_payment_id"], "pay-2");
    assert!(is(&status(&test, id).await, "paid", "paid"));
    assert_eq!(sold(&test).await, 1);
    test.assert_promises_hold().await;
}

/// The same for ten different payments at once.
#[tokio::test]
async fn one_of_ten_payments_of_one_order_completes_it_and_nine_are_owed_back() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let db = test.pool_of(roles::PAYMENTS, 10);
    let outcomes = at_once(10, |n| {
        let paid = event(&order, EventKind::Paid, &format!("pay-{n}"));
        let db = db.clone();
        async move {
            let recorded = payment::record_event(&db, &shop(MAIN), Gateway::Cashfree, &paid).await;
            recorded.unwrap().outcome
        }
    })
    .await;
    let of = |outcome| outcomes.iter().filter(|one| **one == outcome).count();
    assert_eq!((of(Outcome::Completed), of(Outcome::Excess)), (1, 9));
    assert_eq!(test.announced("order.refund_due").await.len(), 9);
    assert_eq!(sold(&test).await, 1);
    test.assert_promises_hold().await;
}

/// Promise 4: a payment only rises, also against SQL written by hand.
#[tokio::test]
async fn a_payment_only_rises() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    for (kind, n, outcome, expected) in [
        (EventKind::Pending, 1, Outcome::Recorded, "unpaid"),
        (EventKind::Dropped, 2, Outcome::Recorded, "dropped"),
        (EventKind::Failed, 3, Outcome::Recorded, "failed"),
        (EventKind::Dropped, 4, Outcome::NoEffect, "failed"),
        (EventKind::Failed, 5, Outcome::NoEffect, "failed"),
        (EventKind::Other, 6, Outcome::Recorded, "failed"),
        (EventKind::Paid, 7, Outcome::Completed, "paid"),
        (EventKind::Failed, 8, Outcome::NoEffect, "paid"),
    ] {
        let event = event(&order, kind, &format!("pay-{n}"));
        assert_eq!(test.record(&event).await.unwrap(), outcome, "{event:?}");
        assert_eq!(read_order(&test, id).await.payment.status, expected);
        // the hold stays, because shoppers try again
        let held = i32::from(expected != "paid");
        assert_eq!(test.level("A").await.1, held);
    }
    for lower in ["failed", "dropped", "unpaid"] {
        let update = format!("update holdfast.payments set status = '{lower}', paid_at = null");
        assert_eq!(test.refused_by(&update).await, "payment_only_rises");
    }
    let back = "update holdfast.checkouts set status = 'open', ended_at = null";
    assert_eq!(test.refused_by(back).await, "checkout_paid_is_final");
    let twice = "update holdfast.holds set status = 'released'";
    assert_eq!(test.refused_by(twice).await, "hold_resolves_once");
    let history = "update holdfast.payment_events set outcome = 'no_effect'";
    assert_eq!(
        test.refused_by(history).await,
        "payment_event_resolves_once"
    );
    let evidence = "delete from holdfast.payment_events";
    assert_eq!(
        test.refused_by(evidence).await,
        "payment_event_is_never_deleted"
    );
    test.assert_promises_hold().await;
}

/// A payment for an order that the shopper has cancelled.
#[tokio::test]
async fn a_payment_of_a_cancelled_order_is_a_late_payment() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    checkout::release(&test.db, &shop(MAIN), id, None)
        .await
        .unwrap();
    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::CompletedLate);
    assert!(is(&status(&test, id).await, "paid", "paid"));
    test.assert_promises_hold().await;
}

/// The discount was part of the price. Without the coupon, the payment does not match the order.
#[tokio::test]
async fn a_late_payment_whose_coupon_is_gone_is_owed_back() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sql("select holdfast.coupon_put('main', 'ONE', 'fixed', 500, 0, null, null, 1)")
        .await;
    let with_coupon = |id| order::Create {
        coupon: Some("ONE".parse().unwrap()),
        ..order_request(id)
    };
    let id = test.held(&[("A", 1)]).await;
    order::create(&test.db, &with_coupon(id)).await.unwrap();
    let order = read_order(&test, id).await;
    test.expire(id).await;
    let other = test.held(&[("A", 1)]).await;
    order::create(&test.db, &with_coupon(other)).await.unwrap();
    let level = test.level("A").await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::RefundDue);
    assert_eq!(test.level("A").await, level);
    assert_eq!(test.announced("order.refund_due").await.len(), 1);
    test.assert_promises_hold().await;
}

/// Promise 5: an event that can't be applied yet is stored, and is never lost by an
/// acknowledgement.
#[tokio::test]
async fn an_event_before_its_order_is_parked_and_applied_once_the_order_exists() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    // As if the order were not there yet.
    test.corrupt("update holdfast.payments set reference = 'main-later'")
        .await;
    for _ in 0..2 {
        assert_eq!(test.record(&paid).await.unwrap(), Outcome::Parked);
    }
    let stored = "select count(*) from holdfast.payment_events where outcome::text = 'parked'";
    assert_eq!(test.count(stored).await, 1);
    assert!(is(&status(&test, id).await, "awaiting_payment", "unpaid"));
    test.assert_promises_hold().await;

    let reference = order.payment.reference.as_str();
    test.corrupt(&format!(
        "update holdfast.payments set reference = '{reference}'"
    ))
    .await;
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Completed);
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Duplicate);
    assert_eq!(test.count(stored).await, 0);
    assert!(is(&status(&test, id).await, "paid", "paid"));
    test.assert_promises_hold().await;
}

/// Promise 5: money for an unknown order is reported until a person finds its owner. Without money
/// there is nothing to report.
#[tokio::test]
async fn a_parked_payment_is_reported_until_a_person_dismisses_it() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    for (n, kind) in [EventKind::Paid, EventKind::Failed, EventKind::Dropped]
        .into_iter()
        .enumerate()
    {
        let foreign = Event {
            reference: Some("main-nobody".to_owned()),
            ..event(&order, kind, &format!("pay-{n}"))
        };
        assert_eq!(test.record(&foreign).await.unwrap(), Outcome::Parked);
    }
    let paid = event(&order, EventKind::Paid, "pay-9");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Completed);
    test.assert_promises_hold().await;
    test.sql(
        "update holdfast.payment_events set received_at = now() - interval '3 hours'
        where outcome = 'parked'",
    )
    .await;
    assert_eq!(test.broken_promises().await, ["no_payment_is_lost"]);

    let dismiss = async |key: &str, actor: &str| {
        let query = "select holdfast.payment_event_dismiss('main', 'cashfree', $1, $2)";
        let row = test.owner.query_one(query, &[&key, &actor]).await;
        row.map(|row| row.get::<_, String>(0))
    };
    assert_eq!(dismiss("nothing", "meera").await.unwrap(), "not_found");
    assert_eq!(dismiss(&paid.key, "meera").await.unwrap(), "resolved");
    let without_actor = dismiss("Paid:pay-0", "").await.unwrap_err();
    let constraint = without_actor.as_db_error().and_then(constraint);
    assert_eq!(constraint, Some("payment_event_actor_matches_outcome"));
    for actor in ["meera", "asha"] {
        assert_eq!(dismiss("Paid:pay-0", actor).await.unwrap(), "dismissed");
    }
    let who = "select actor from holdfast.payment_events where outcome = 'dismissed'";
    assert_eq!(test.text(who).await, "meera");
    // its message is acknowledged when it comes again from the dead-letter queue
    let again = Event {
        reference: Some("main-nobody".to_owned()),
        ..event(&order, EventKind::Paid, "pay-0")
    };
    assert_eq!(test.record(&again).await.unwrap(), Outcome::Duplicate);
    test.assert_promises_hold().await;
}

/// An event without a reference, or about something else, is stored and changes nothing.
#[tokio::test]
async fn an_event_about_something_else_is_stored_and_changes_nothing() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let mut before = test.rows().await;
    let other = Event {
        reference: None,
        ..event(&order, EventKind::Other, "x")
    };
    assert_eq!(test.record(&other).await.unwrap(), Outcome::Recorded);
    let mut after = test.rows().await;
    assert_eq!(
        after.remove("payment_events").map(|rows| rows.len()),
        Some(1)
    );
    before.remove("payment_events");
    assert_eq!(after, before);
}
