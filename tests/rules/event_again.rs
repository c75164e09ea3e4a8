//! An event that comes again with other facts under its key: the record and the effect are the
//! same, and both messages are kept.

use operations::order::Order;
use operations::payment::{self, Event, EventKind, Gateway, Outcome, Recorded};
use tests::refund::refund_event;
use tests::{MAIN, PRICE_MINOR, TestDb, event, shop};

async fn recorded(test: &TestDb, event: &Event) -> Recorded {
    let recorded = payment::record_event(&test.payments, &shop(MAIN), Gateway::Stripe, event).await;
    recorded.unwrap()
}

/// An order, and an event of its payment that came before it.
async fn parked() -> (TestDb, Order, Event) {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let first = Event {
        key: "one key".to_owned(),
        reference: None,
        payload: "first".to_owned(),
        ..event(&order, EventKind::Paid, "pi_1")
    };
    assert_eq!(recorded(&test, &first).await.outcome, Outcome::Parked);
    (test, order, first)
}

async fn stored(test: &TestDb) -> (String, i64, String, String) {
    let row = test
        .owner
        .query_one(
            "select gateway_payment_id, amount_minor, outcome, payload
            from holdfast.payment_events",
            &[],
        )
        .await
        .unwrap();
    (row.get(0), row.get(1), row.get(2), row.get(3))
}

/// The facts that are recorded first count. What leads to the order may come later.
#[tokio::test]
async fn a_parked_event_keeps_its_facts_and_its_record_is_its_effect() {
    for (payment, amount) in [
        ("pi_2", PRICE_MINOR),
        ("pi_1", PRICE_MINOR - 1),
        ("pi_2", 1),
    ] {
        let (test, order, first) = parked().await;
        let then = Event {
            reference: Some(order.payment.reference.clone()),
            gateway_payment_id: Some(payment.to_owned()),
            amount_minor: Some(amount),
            payload: "then".to_owned(),
            ..first.clone()
        };
        let applied = recorded(&test, &then).await;
        assert_eq!(
            (applied.outcome, applied.contradicts),
            (Outcome::Completed, true)
        );
        let facts = (
            "pi_1".to_owned(),
            PRICE_MINOR,
            "completed".to_owned(),
            "first".to_owned(),
        );
        assert_eq!(stored(&test).await, facts);
        let captured = "select count(*) from holdfast.payment_captures
            where gateway_payment_id = 'pi_1' and amount_minor = 10000";
        assert_eq!(test.count(captured).await, 1);
        // the other truth is kept, once
        for payload in ["then", "and then"] {
            let again = Event {
                payload: payload.to_owned(),
                ..then.clone()
            };
            let again = recorded(&test, &again).await;
            assert_eq!(
                (again.outcome, again.contradicts),
                (Outcome::Duplicate, true)
            );
        }
        let kept = "select string_agg(payload, ',') from holdfast.payment_event_contradictions";
        assert_eq!(test.text(kept).await, "then");
        test.assert_promises_hold().await;
    }
}

/// The same facts in another form, as a look-up writes them, contradict nothing.
#[tokio::test]
async fn the_same_facts_in_another_body_are_applied_and_contradict_nothing() {
    let (test, order, first) = parked().await;
    let found = Event {
        reference: Some(order.payment.reference.clone()),
        other_payment_id: Some("ch_1".to_owned()),
        payload: "a look-up".to_owned(),
        ..first.clone()
    };
    let applied = recorded(&test, &found).await;
    assert_eq!(
        (applied.outcome, applied.contradicts),
        (Outcome::Completed, false)
    );
    let charge = "select other_payment_id from holdfast.payment_events";
    assert_eq!(test.text(charge).await, "ch_1");
    let again = recorded(&test, &first).await;
    assert_eq!(
        (again.outcome, again.contradicts),
        (Outcome::Duplicate, false)
    );
    test.assert_promises_hold().await;
}

/// A redrive reads the same body with newer code.
#[tokio::test]
async fn the_same_body_read_by_newer_code_replaces_what_older_code_read() {
    let (test, order, first) = parked().await;
    let newer = Event {
        reference: Some(order.payment.reference.clone()),
        gateway_payment_id: Some("pi_right".to_owned()),
        ..first
    };
    let applied = recorded(&test, &newer).await;
    assert_eq!(
        (applied.outcome, applied.contradicts),
        (Outcome::Completed, false)
    );
    assert_eq!(stored(&test).await.0, "pi_right");
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_dismissed_event_stays_dismissed_and_a_contradiction_is_reported() {
    let (test, order, first) = parked().await;
    test.sql("select holdfast.payment_event_dismiss('main', 'stripe', 'one key', 'meera')")
        .await;
    let then = Event {
        reference: Some(order.payment.reference.clone()),
        amount_minor: Some(1),
        payload: "then".to_owned(),
        ..first
    };
    let again = recorded(&test, &then).await;
    assert_eq!(
        (again.outcome, again.contradicts),
        (Outcome::Duplicate, true)
    );
    assert_eq!(stored(&test).await.2, "dismissed");
    assert_eq!(test.order_status(&order).await, "awaiting_payment");
    let gone = test
        .refused_by("delete from holdfast.payment_event_contradictions")
        .await;
    assert_eq!(gone, "contradiction_is_evidence");
    test.assert_promises_hold().await;
}

/// A refund of another sum under the key of a parked one.
#[tokio::test]
async fn a_parked_refund_keeps_its_facts() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let refund = |minor, payload: &str| Event {
        payload: payload.to_owned(),
        ..refund_event(EventKind::RefundSettled, "pi_1", "re_1", None, minor)
    };
    let parked = recorded(&test, &refund(100, "first")).await;
    assert_eq!(parked.outcome, Outcome::Parked);
    let paid = event(&order, EventKind::Paid, "pi_1");
    assert_eq!(recorded(&test, &paid).await.outcome, Outcome::Completed);
    let applied = recorded(&test, &refund(200, "then")).await;
    assert_eq!(
        (applied.outcome, applied.contradicts),
        (Outcome::Recorded, true)
    );
    assert_eq!(test.refund().await.2, 100);
    test.assert_promises_hold().await;
}
