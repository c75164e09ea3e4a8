//! Money in review that a person accepts: a little too much, or a little too little.

use local::roles::ADMIN;
use operations::order::Order;
use operations::payment::{self, Accept, AcceptError, Accepted, EventKind, Outcome};
use operations::refund;
use serde_json::json;
use tests::desk::actor;
use tests::orders::read_order;
use tests::refund::{ask_for, part, refund_event};
use tests::{MAIN, PRICE_MINOR, Routine, SHUT_GATE, TestDb, at_once, event, shop};

/// An order whose captures are these, in review.
async fn in_review(amounts: &[i64]) -> (TestDb, Order) {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    for (n, minor) in amounts.iter().enumerate() {
        let captured = part(&order, &format!("pi_{n}"), *minor);
        assert_eq!(test.stripe(&captured).await, Outcome::Review);
    }
    assert_eq!(test.order_status(&order).await, "review");
    (test, order)
}

fn request(captured_minor: i64) -> Accept {
    Accept {
        captured_minor: captured_minor.try_into().unwrap(),
        note: "the gateway rounded up".parse().unwrap(),
        despite_dispute: None,
    }
}

async fn accepted(
    test: &TestDb,
    order: &Order,
    captured_minor: i64,
) -> Result<Accepted, AcceptError> {
    let (db, id) = (&test.desk(1).0, order.order_id.into());
    payment::accept(
        db,
        &shop(MAIN),
        id,
        &actor("meera"),
        &request(captured_minor),
    )
    .await
}

#[tokio::test]
async fn a_person_accepts_one_minor_unit_too_much_or_too_little() {
    for amounts in [
        &[PRICE_MINOR + 1][..],
        &[PRICE_MINOR - 1],
        &[4_000, PRICE_MINOR - 4_001],
    ] {
        let (test, order) = in_review(amounts).await;
        let sum = amounts.iter().sum();
        assert_eq!(accepted(&test, &order, sum).await.unwrap(), Accepted::New);
        let before = test.rows().await;
        assert_eq!(accepted(&test, &order, sum).await.unwrap(), Accepted::Same);
        assert_eq!(test.rows().await, before);
        let paid = read_order(&test, order.checkout_id.into()).await;
        assert_eq!(
            (paid.status.as_str(), paid.total_minor),
            ("paid", PRICE_MINOR)
        );
        assert_eq!(test.level("A").await, (8, 0, 3));
        assert_eq!(test.announced("order.paid").await.len(), 1);
        let money = refund::overview(&test.desk(1).0, &shop(MAIN), order.order_id.into()).await;
        let money = money.unwrap().unwrap();
        assert_eq!(
            (
                money.accepted_minor,
                money.accepted_by.as_deref(),
                money.accepted_note.as_deref()
            ),
            (Some(sum), Some("meera"), Some("the gateway rounded up"))
        );
        assert_eq!(money.refundable_minor, sum);
        test.assert_promises_hold().await;

        // the same event again, and another payment
        let again = tests::again(&part(&order, "pi_0", amounts[0]), 2);
        assert_eq!(test.stripe(&again).await, Outcome::NoEffect);
        let second = event(&order, EventKind::Paid, "pi_9");
        assert_eq!(test.stripe(&second).await, Outcome::Excess);
        test.assert_promises_hold().await;

        // all of it can go back
        test.ask(order.order_id, &ask_for(None)).await.unwrap();
        assert_eq!(test.order_status(&order).await, "refund_due");
        test.assert_promises_hold().await;
    }
}

/// What is given back before the decision is no part of it.
#[tokio::test]
async fn a_refunded_part_is_no_part_of_what_is_accepted() {
    let (test, order) = in_review(&[PRICE_MINOR + 100]).await;
    test.ask(order.order_id, &ask_for(Some(99))).await.unwrap();
    let changed = accepted(&test, &order, PRICE_MINOR + 100).await;
    assert!(
        matches!(&changed, Err(AcceptError::Changed(now)) if now.captured_minor == PRICE_MINOR + 1),
        "{changed:?}"
    );
    accepted(&test, &order, PRICE_MINOR + 1).await.unwrap();
    assert_eq!(test.order_status(&order).await, "paid");
    test.assert_promises_hold().await;
    // the rest of the excess goes back afterwards, and the order stays paid
    test.ask(order.order_id, &ask_for(Some(1))).await.unwrap();
    assert_eq!(test.order_status(&order).await, "paid");
    let theirs = refund_event(EventKind::RefundSettled, "pi_0", "re_1", None, PRICE_MINOR);
    assert_eq!(test.stripe(&theirs).await, Outcome::Recorded);
    assert_ne!(test.order_status(&order).await, "paid");
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn only_money_in_review_and_in_the_orders_currency_is_accepted() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (_, unpaid) = test.ordered(&[("A", 1)]).await;
    let (_, foreign) = test.ordered(&[("A", 1)]).await;
    let dollars = operations::payment::Event {
        currency: Some("USD".to_owned()),
        ..event(&foreign, EventKind::Paid, "pi_1")
    };
    assert_eq!(test.stripe(&dollars).await, Outcome::Review);
    let paid = test.paid_order("A", "pi_2").await;
    let before = test.rows().await;
    for (order, refusal) in [
        (&unpaid, "NotInReview"),
        (&foreign, "NothingToAccept"),
        (&paid, "NotInReview"),
    ] {
        let refused = accepted(&test, order, PRICE_MINOR).await.unwrap_err();
        assert_eq!(format!("{refused:?}"), refusal);
    }
    let unknown = Order {
        order_id: uuid::Uuid::new_v4(),
        ..paid
    };
    let refused = accepted(&test, &unknown, 1).await;
    assert!(matches!(refused, Err(AcceptError::NotFound)), "{refused:?}");
    assert_eq!(test.rows().await, before);
}

/// After the hold, the goods must be there still; due holds of others give way.
#[tokio::test]
async fn money_is_accepted_after_the_hold_if_the_goods_are_there() {
    for (then, fits) in [
        ("nothing", true),
        ("due", true),
        ("held", false),
        ("retired", false),
    ] {
        let test = TestDb::new().await;
        test.sku("A", 1).await;
        let (id, order) = test.ordered(&[("A", 1)]).await;
        let captured = part(&order, "pi_1", PRICE_MINOR + 1);
        assert_eq!(test.stripe(&captured).await, Outcome::Review);
        test.expire(id).await;
        match then {
            "due" => {
                let other = test.held(&[("A", 1)]).await;
                test.make_due(other).await;
            }
            "held" => {
                test.held(&[("A", 1)]).await;
            }
            "retired" => {
                test.sql("update holdfast.skus set retired_at = now()")
                    .await;
            }
            _ => {}
        }
        let before = test.rows().await;
        match accepted(&test, &order, PRICE_MINOR + 1).await {
            Ok(Accepted::New) => assert!(fits, "{then}"),
            Err(AcceptError::Unfillable) => {
                assert!(!fits, "{then}");
                assert_eq!(test.rows().await, before);
                // the money waits, and can go back
                test.ask(order.order_id, &ask_for(None)).await.unwrap();
            }
            other => panic!("{then}: {other:?}"),
        }
        test.assert_promises_hold().await;
    }
}

#[tokio::test]
async fn money_that_a_bank_may_take_is_accepted_only_on_request() {
    let (test, order) = in_review(&[PRICE_MINOR + 1]).await;
    test.stripe(&event(&order, EventKind::Disputed, "pi_0"))
        .await;
    let before = test.rows().await;
    let refused = accepted(&test, &order, PRICE_MINOR + 1).await;
    assert!(matches!(refused, Err(AcceptError::Disputed)), "{refused:?}");
    assert_eq!(test.rows().await, before);
    let despite = Accept {
        despite_dispute: Some(true),
        ..request(PRICE_MINOR + 1)
    };
    let (db, id) = (&test.desk(1).0, order.order_id.into());
    let new = payment::accept(db, &shop(MAIN), id, &actor("meera"), &despite).await;
    assert_eq!(new.unwrap(), Accepted::New);
    test.assert_promises_hold().await;
}

/// Promise 4, for a decision that ten people make at once.
#[tokio::test]
async fn one_of_ten_acceptances_at_once_sells_the_goods() {
    let (test, order) = in_review(&[PRICE_MINOR + 1]).await;
    let blocker = test
        .block("select from holdfast.checkouts where shop = 'main' for update")
        .await;
    let db = test.pool_of(ADMIN, 10);
    let race = at_once(10, |_| {
        let (db, id) = (db.clone(), order.order_id.into());
        async move {
            let wanted = request(PRICE_MINOR + 1);
            payment::accept(&db, &shop(MAIN), id, &actor("meera"), &wanted)
                .await
                .unwrap()
        }
    });
    let answers = test.behind(blocker, 10, race).await;
    let new = answers.iter().filter(|answer| **answer == Accepted::New);
    assert_eq!(new.count(), 1);
    assert_eq!(test.level("A").await.0, 8);
    test.assert_promises_hold().await;
}

/// Two people accept one order's money, and both stop between their look and their decision.
async fn accepted_by_two(test: &TestDb, order: &Order) -> Vec<Result<Accepted, AcceptError>> {
    test.put_routine(Routine::named("payment_accept_attempt").gated("hold_resolves_once"))
        .await;
    let gate = test.block(SHUT_GATE).await;
    let db = test.pool_of(ADMIN, 2);
    let race = at_once(2, |_| {
        let (db, id) = (db.clone(), order.order_id.into());
        async move {
            let wanted = request(PRICE_MINOR + 1);
            payment::accept(&db, &shop(MAIN), id, &actor("meera"), &wanted).await
        }
    });
    test.behind(gate, 2, race).await
}

#[tokio::test]
async fn the_second_of_two_acceptances_waits_and_changes_nothing() {
    let (test, order) = in_review(&[PRICE_MINOR + 1]).await;
    let answers = accepted_by_two(&test, &order).await;
    let new = answers.iter().filter(|it| matches!(it, Ok(Accepted::New)));
    assert_eq!(new.count(), 1, "{answers:?}");
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(test.level("A").await.0, 8);
    test.assert_promises_hold().await;
}

/// The control: it would hold the goods again, and fail because the order is announced already.
#[tokio::test]
async fn without_the_lock_the_second_of_two_acceptances_would_fail() {
    let (test, order) = in_review(&[PRICE_MINOR + 1]).await;
    let guard = "capture_never_refunded_beyond_its_amount";
    let lock = Routine::named("order_desk_lock").with_guard_replaced(guard, ";");
    test.put_routine(lock).await;
    let answers = accepted_by_two(&test, &order).await;
    let failed = answers
        .iter()
        .filter(|it| matches!(it, Err(AcceptError::Failure(_))));
    assert_eq!(failed.count(), 1, "{answers:?}");
}

/// An acceptance is whole, belongs to a paid payment, and stays.
#[tokio::test]
async fn the_schema_refuses_half_an_acceptance() {
    let (test, order) = in_review(&[PRICE_MINOR + 1]).await;
    for (sql, name) in [
        (
            "update holdfast.payments set accepted_minor = 1",
            "payment_acceptance_is_complete",
        ),
        (
            "update holdfast.payments set accepted_minor = 1, accepted_by = 'm',
                accepted_note = 'n', accepted_at = now()",
            "payment_acceptance_is_complete",
        ),
    ] {
        assert_eq!(test.refused_by(sql).await, name);
    }
    accepted(&test, &order, PRICE_MINOR + 1).await.unwrap();
    let back = "update holdfast.payment_captures set accepted = false";
    assert_eq!(test.refused_by(back).await, "capture_is_evidence");
    let clerk = test.clerk();
    let path = format!("/orders/{}/accept", order.order_id);
    let body = json!({ "captured_minor": PRICE_MINOR + 1, "note": "again" });
    let money = clerk.post(&path, body).await;
    assert_eq!(money.ok(200)["accepted_minor"], PRICE_MINOR + 1);
    let without_note = clerk.post(&path, json!({ "captured_minor": 1 })).await;
    let refused = without_note.refused(400, "invalid_request");
    assert!(refused.body.to_string().contains("note"), "{refused:?}");
}
