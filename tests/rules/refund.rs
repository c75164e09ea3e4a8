//! Refunds: owed, sent, pending, settled or failed, and never more than was captured.

use operations::payment::{EventKind, Outcome};
use operations::refund::{
    self, Claimed, GatewayAnswer, Reported, Request, RequestError, Requested, Retried,
};
use operations::text::GatewayPaymentId;
use tests::refund::{ask_for, part, pending, refund_event, settled};
use tests::{MAIN, PRICE_MINOR, TestDb, cart, event, shop};
use uuid::Uuid;

fn retry(error: &str) -> GatewayAnswer {
    GatewayAnswer::Retry {
        error: error.to_owned(),
    }
}

fn failed(gateway_refund_id: Option<&str>) -> GatewayAnswer {
    GatewayAnswer::Failed {
        gateway_refund_id: gateway_refund_id.map(str::to_owned),
        error: "insufficient balance".to_owned(),
    }
}

async fn retried(test: &TestDb, refund_id: Uuid) -> Retried {
    let (db, actor) = (&test.desk(1).0, "meera".parse().unwrap());
    refund::retry(db, &shop(MAIN), refund_id.into(), &actor, false)
        .await
        .unwrap()
}

/// The whole amount: the order is refunded once the money has gone, and its goods stay sold.
#[tokio::test]
async fn a_fully_refunded_order_is_refund_due_and_then_refunded() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    assert_eq!(test.order_status(&order).await, "refund_due");
    test.assert_promises_hold().await;
    let sent = test.claimed().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (
            sent[0].amount_minor,
            sent[0].attempts,
            sent[0].reason.as_str()
        ),
        (PRICE_MINOR, 1, "requested")
    );
    let id = sent[0].refund_id;
    assert_eq!(test.report(id, &pending("re_1")).await, Reported::Recorded);
    let webhook = refund_event(
        EventKind::RefundSettled,
        "pi_1",
        "re_1",
        Some(id),
        PRICE_MINOR,
    );
    assert_eq!(test.stripe(&webhook).await, Outcome::Recorded);
    assert_eq!(test.stripe(&webhook).await, Outcome::Duplicate);
    assert_eq!(test.order_status(&order).await, "refunded");
    assert_eq!(
        test.level("A").await.0,
        0,
        "a refund restocks nothing by itself"
    );
    let done = test.announced("refund.settled").await;
    assert_eq!(done.len(), 1);
    assert_eq!(done[0]["refund_id"], id.to_string());
    // an earlier event comes too late, and money that still comes is owed back
    assert_eq!(test.report(id, &pending("re_1")).await, Reported::NoEffect);
    let more = event(&order, EventKind::Paid, "pi_2");
    assert_eq!(test.stripe(&more).await, Outcome::Excess);
    assert_eq!(test.order_status(&order).await, "refund_due");
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn money_goes_back_in_parts_and_never_above_the_captures() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    let first = ask_for(Some(4_000));
    let Requested::New(money) = test.ask(order.order_id, &first).await.unwrap() else {
        panic!("not new")
    };
    assert_eq!(
        (money.refundable_minor, money.status.as_str()),
        (6_000, "paid")
    );
    assert!(matches!(
        test.ask(order.order_id, &first).await,
        Ok(Requested::Same(_))
    ));
    // the same id for another request
    let other = Request {
        amount_minor: Some(4_001.try_into().unwrap()),
        ..first.clone()
    };
    let conflict = test.ask(order.order_id, &other).await;
    assert!(
        matches!(conflict, Err(RequestError::Conflict)),
        "{conflict:?}"
    );
    let too_much = test.ask(order.order_id, &ask_for(Some(6_001))).await;
    let Err(RequestError::TooMuch(left)) = too_much else {
        panic!("{too_much:?}")
    };
    assert_eq!(left.refundable_minor, 6_000);
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    let nothing_left = test.ask(order.order_id, &ask_for(None)).await;
    let Err(RequestError::TooMuch(left)) = nothing_left else {
        panic!("{nothing_left:?}")
    };
    assert_eq!(left.refundable_minor, 0);
    assert_eq!(test.order_status(&order).await, "refund_due");
    assert_eq!(test.refunds().await.len(), 2);
    test.assert_promises_hold().await;
}

/// Any writer: a refund beyond its capture is refused, and a written refund stays.
#[tokio::test]
async fn the_schema_refuses_refunds_above_the_capture() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(Some(6_000)))
        .await
        .unwrap();
    let again = "insert into holdfast.refunds
        select (jsonb_populate_record(r, jsonb_build_object('refund_id', gen_random_uuid()))).*
        from holdfast.refunds r";
    for (sql, constraint) in [
        (again, "capture_never_refunded_beyond_its_amount"),
        (
            "update holdfast.refunds set amount_minor = 1",
            "refund_is_of_one_sum",
        ),
        ("delete from holdfast.refunds", "refund_is_never_deleted"),
        (
            "update holdfast.payment_captures set amount_minor = 99",
            "capture_is_evidence",
        ),
        (
            "delete from holdfast.payment_captures",
            "capture_is_never_deleted",
        ),
        (
            "update holdfast.refunds set status = 'settled'",
            "refund_settled_at_matches_status",
        ),
    ] {
        assert_eq!(test.refused_by(sql).await, constraint);
    }
    test.report(test.refund().await.0, &settled("re_1")).await;
    let back = "update holdfast.refunds set status = 'pending'";
    assert_eq!(test.refused_by(back).await, "refund_settles_once");
    test.assert_promises_hold().await;
}

/// Scenario 12, in one call: money and goods, both or neither.
#[tokio::test]
async fn a_refund_returns_goods_only_on_request_and_never_more_than_were_sold() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let (_, order) = test.ordered(&[("A", 2)]).await;
    let paid = event(&order, EventKind::Paid, "pi_1");
    assert_eq!(test.stripe(&paid).await, Outcome::Completed);
    let one = Request {
        restock: Some(cart(&[("A", 1)])),
        ..ask_for(Some(PRICE_MINOR))
    };
    for _ in 0..3 {
        test.ask(order.order_id, &one).await.unwrap();
    }
    assert_eq!(test.level("A").await.0, 4);
    let before = test.rows().await;
    let two = Request {
        restock: Some(cart(&[("A", 2)])),
        ..ask_for(Some(PRICE_MINOR))
    };
    let too_many = test.ask(order.order_id, &two).await;
    assert!(
        matches!(too_many, Err(RequestError::TooMany(_))),
        "{too_many:?}"
    );
    assert_eq!(test.rows().await, before, "no money without its goods");
    let (id, _, _) = test.refund().await;
    for kind in [EventKind::RefundPending, EventKind::RefundSettled] {
        let webhook = refund_event(kind, "pi_1", "re_1", Some(id), PRICE_MINOR);
        assert_eq!(test.stripe(&webhook).await, Outcome::Recorded);
    }
    assert_eq!(test.level("A").await.0, 4, "an event restocks nothing");
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn money_paid_at_the_desk_does_not_go_back_through_a_gateway() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let desk = test.desk(1);
    let booked = desk.booked(&[("A", 1)]).await;
    let (_, unpaid) = test.ordered(&[("A", 1)]).await;
    for order_id in [booked.order_id, unpaid.order_id] {
        let refused = test.ask(order_id, &ask_for(None)).await;
        assert!(
            matches!(refused, Err(RequestError::NotCaptured)),
            "{refused:?}"
        );
    }
    assert!(matches!(
        test.ask(Uuid::new_v4(), &ask_for(None)).await,
        Err(RequestError::NotFound)
    ));
}

/// Money of several captures goes back as several refunds, under one request.
#[tokio::test]
async fn a_refund_of_two_captures_is_two_refunds_of_one_request() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    test.stripe(&part(&order, "pi_1", 6_000)).await;
    test.stripe(&part(&order, "pi_2", 4_000)).await;
    let all = ask_for(Some(7_000));
    for _ in 0..2 {
        test.ask(order.order_id, &all).await.unwrap();
    }
    let refunds = test.refunds().await;
    let of = |payment: &str| {
        let found = refunds
            .iter()
            .find(|one| one["gateway_payment_id"] == payment);
        found.unwrap()["amount_minor"].as_i64().unwrap()
    };
    assert_eq!((refunds.len(), of("pi_2"), of("pi_1")), (2, 4_000, 3_000));
    let named = Request {
        gateway_payment_id: Some("pi_1".parse::<GatewayPaymentId>().unwrap()),
        ..ask_for(None)
    };
    test.ask(order.order_id, &named).await.unwrap();
    assert_eq!(test.order_status(&order).await, "refund_due");
    test.assert_promises_hold().await;
}

/// A gateway that does not answer is asked again after growing pauses. In the end a person decides.
#[tokio::test]
async fn a_refund_without_an_answer_is_retried_twenty_times_and_then_needs_a_person() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    let (id, _, _) = test.refund().await;
    let pause = "select extract(epoch from next_try_at - clock_timestamp())::bigint
        from holdfast.refunds";
    for attempt in 1..=20 {
        let sent = test.claimed().await;
        assert_eq!((sent.len(), sent[0].attempts), (1, attempt));
        assert!(test.claimed().await.is_empty(), "one sender at a time");
        assert_eq!(
            test.report(id, &retry("timed out")).await,
            Reported::Recorded
        );
        if attempt < 20 {
            assert_eq!(test.refund().await.1, "owed");
            let longest = (30_i64 << (attempt - 1).min(10)).min(3_600);
            let seconds = test.count(pause).await;
            assert!(
                (longest / 2 - 2..=longest).contains(&seconds),
                "{attempt}: {seconds}"
            );
            assert!(test.claimed().await.is_empty(), "not before its pause");
        }
        test.make_refunds_due().await;
    }
    assert_eq!(test.refund().await.1, "failed");
    assert!(test.claimed().await.is_empty());
    assert_eq!(test.announced("refund.failed").await.len(), 1);
    // a person sends it again under its old id, because the gateway may have made it
    let Retried::New(again) = retried(&test, id).await else {
        panic!("not new")
    };
    assert_eq!((again.refund_id, again.status.as_str()), (id, "owed"));
    assert!(matches!(retried(&test, id).await, Retried::Same(_)));
    assert_eq!(test.claimed().await.len(), 1);
    // the gateway has made it: its event counts more than our status
    test.report(id, &settled("re_1")).await;
    assert_eq!(test.order_status(&order).await, "refunded");
    test.assert_promises_hold().await;
}

/// A refund that is claimed and not sent (an outage) was not tried. A claim without a report may
/// have been sent.
#[tokio::test]
async fn a_returned_claim_is_no_try_and_a_lost_claim_is_one() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    let give_back = async |claims: &[Claimed]| {
        let (db, main) = (&test.sweeper, shop(MAIN));
        refund::untried(db, &main, claims).await.unwrap()
    };
    let attempts = async || {
        let query = "select max(attempts)::bigint from holdfast.refunds where status = 'owed'";
        test.count(query).await
    };
    for _ in 0..25 {
        let claims = test.claimed().await;
        assert_eq!((claims.len(), claims[0].attempts), (1, 1), "due at once");
        assert_eq!(give_back(&claims).await, 1);
        assert_eq!(give_back(&claims).await, 0, "once");
    }
    assert_eq!(attempts().await, 0);
    let sent = test.claimed().await;
    test.report(sent[0].refund_id, &retry("HTTP 503")).await;
    assert_eq!(
        (test.refund().await.1.as_str(), attempts().await),
        ("owed", 1)
    );
    // the next worker died: nobody knows whether it sent the refund
    test.make_refunds_due().await;
    let lost = test.claimed().await;
    test.make_refunds_due().await;
    let claims = test.claimed().await;
    assert_eq!(claims[0].attempts, 3);
    assert_eq!(give_back(&lost).await, 0, "another worker has it");
    assert_eq!(give_back(&claims).await, 1);
    assert_eq!(attempts().await, 2);
}

/// A refund in the dashboard, of a refund that was claimed here and never sent.
#[tokio::test]
async fn a_refund_made_at_the_gateway_settles_only_a_debt_that_was_certainly_not_sent() {
    for given_back in [true, false] {
        let test = TestDb::new().await;
        test.sku("A", 1).await;
        let order = test.paid_order("A", "pi_1").await;
        let second = event(&order, EventKind::Paid, "pi_2");
        assert_eq!(test.stripe(&second).await, Outcome::Excess);
        if !given_back {
            test.claimed().await;
            test.make_refunds_due().await;
        }
        let claims = test.claimed().await;
        let given = refund::untried(&test.sweeper, &shop(MAIN), &claims).await;
        assert_eq!(given.unwrap(), 1);
        let theirs = refund_event(EventKind::RefundSettled, "pi_2", "re_9", None, PRICE_MINOR);
        let outcome = test.stripe(&theirs).await;
        // two refunds of one capture exceed it: an alarm for a person
        let expected = if given_back {
            (Outcome::Recorded, "settled")
        } else {
            (Outcome::Review, "owed")
        };
        assert_eq!((outcome, test.refund().await.1.as_str()), expected);
        test.assert_promises_hold().await;
    }
}

/// A refund that a webhook settled is settled, even where we had given it up.
#[tokio::test]
async fn a_gateways_word_on_a_refund_overrides_ours() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    let id = test.claimed().await[0].refund_id;
    test.report(id, &failed(None)).await;
    assert_eq!(test.refund().await.1, "failed");
    assert_eq!(test.order_status(&order).await, "refund_due");
    let webhook = refund_event(
        EventKind::RefundSettled,
        "pi_1",
        "re_1",
        Some(id),
        PRICE_MINOR,
    );
    assert_eq!(test.stripe(&webhook).await, Outcome::Recorded);
    assert_eq!(test.report(id, &failed(None)).await, Reported::NoEffect);
    assert_eq!(test.order_status(&order).await, "refunded");
    assert_eq!(
        test.report(Uuid::new_v4(), &failed(None)).await,
        Reported::NotFound
    );
    test.assert_promises_hold().await;
}

/// A settled refund that comes back is owed again, under another id.
#[tokio::test]
async fn a_bounced_refund_is_replaced_by_a_new_one() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    let id = test.claimed().await[0].refund_id;
    test.report(id, &settled("re_1")).await;
    let webhook = refund_event(
        EventKind::RefundFailed,
        "pi_1",
        "re_1",
        Some(id),
        PRICE_MINOR,
    );
    assert_eq!(test.stripe(&webhook).await, Outcome::Recorded);
    assert_eq!(test.order_status(&order).await, "refund_due");
    assert_eq!(test.announced("refund.failed").await.len(), 1);
    test.assert_promises_hold().await;
    let Retried::New(another) = retried(&test, id).await else {
        panic!("not new")
    };
    assert_ne!(another.refund_id, id);
    assert_eq!(another.retry_of, Some(id));
    let Retried::Same(same) = retried(&test, id).await else {
        panic!("not the same")
    };
    assert_eq!(same.refund_id, another.refund_id);
    let late = refund_event(
        EventKind::RefundPending,
        "pi_1",
        "re_1",
        Some(id),
        PRICE_MINOR,
    );
    assert_eq!(test.stripe(&late).await, Outcome::NoEffect);
    test.assert_promises_hold().await;
    let sent = test.claimed().await;
    assert_eq!(sent[0].refund_id, another.refund_id);
    test.report(another.refund_id, &settled("re_2")).await;
    assert_eq!(test.order_status(&order).await, "refunded");
    test.assert_promises_hold().await;
}

/// Failed here, settled at the gateway, and then bounced.
#[tokio::test]
async fn a_bounce_is_announced_also_after_an_earlier_failure() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    let id = test.claimed().await[0].refund_id;
    test.report(id, &failed(None)).await;
    for kind in [EventKind::RefundSettled, EventKind::RefundFailed] {
        let webhook = refund_event(kind, "pi_1", "re_1", Some(id), PRICE_MINOR);
        assert_eq!(test.stripe(&webhook).await, Outcome::Recorded);
    }
    let failures = test.announced("refund.failed").await;
    let bounced: Vec<_> = failures.iter().map(|one| &one["bounced"]).collect();
    assert_eq!(bounced, [false, true]);
    test.assert_promises_hold().await;
}

/// A refund in the gateway's dashboard of money that is owed here: it is paid back once.
#[tokio::test]
async fn a_refund_made_at_the_gateway_settles_an_unsent_debt() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    let second = event(&order, EventKind::Paid, "pi_2");
    assert_eq!(test.stripe(&second).await, Outcome::Excess);
    let theirs = refund_event(EventKind::RefundSettled, "pi_2", "re_9", None, PRICE_MINOR);
    assert_eq!(test.stripe(&theirs).await, Outcome::Recorded);
    assert_eq!(test.refund().await.1, "settled");
    assert!(test.claimed().await.is_empty());
    test.assert_promises_hold().await;
}

/// A refund that was made at the gateway alone is recorded and counts.
#[tokio::test]
async fn a_refund_made_at_the_gateway_is_recorded_and_leaves_less_to_refund() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    let theirs = refund_event(EventKind::RefundPending, "pi_1", "re_8", None, 2_500);
    assert_eq!(test.stripe(&theirs).await, Outcome::Recorded);
    let too_much = test.ask(order.order_id, &ask_for(Some(7_501))).await;
    let Err(RequestError::TooMuch(left)) = too_much else {
        panic!("{too_much:?}")
    };
    assert_eq!(left.refundable_minor, 7_500);
    // a refund above the capture can't be right: an alarm, and the books stay
    let beyond = refund_event(EventKind::RefundSettled, "pi_1", "re_9", None, 7_501);
    assert_eq!(test.stripe(&beyond).await, Outcome::Review);
    assert_eq!(test.refunds().await.len(), 1);
    assert_eq!(test.announced("payment.review").await.len(), 1);
    // a failed refund is no debt
    let came_back = refund_event(EventKind::RefundFailed, "pi_1", "re_8", None, 2_500);
    assert_eq!(test.stripe(&came_back).await, Outcome::Recorded);
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    assert_eq!(test.order_status(&order).await, "refund_due");
    test.assert_promises_hold().await;
}

/// The webhook comes before our own call has its answer, and without our id.
#[tokio::test]
async fn a_refund_whose_webhook_comes_first_without_our_id_is_made_once() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(Some(3_000)))
        .await
        .unwrap();
    let id = test.claimed().await[0].refund_id;
    let nameless = refund_event(EventKind::RefundSettled, "pi_1", "re_1", None, 3_000);
    assert_eq!(test.stripe(&nameless).await, Outcome::Recorded);
    assert_eq!(test.refunds().await.len(), 2);
    test.report(id, &pending("re_1")).await;
    let counting: Vec<_> = test.refunds().await;
    let counting: Vec<_> = counting.iter().filter(|one| one["void"] == false).collect();
    assert_eq!(counting.len(), 1);
    assert_eq!(counting[0]["refund_id"], id.to_string());
    assert_eq!(counting[0]["status"], "settled");
    test.assert_promises_hold().await;
}

/// A refund event before the payment's event is parked, and applied once the capture exists.
#[tokio::test]
async fn a_refund_event_before_its_payment_is_parked_and_applied_after_it() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let theirs = refund_event(EventKind::RefundSettled, "pi_1", "re_1", None, PRICE_MINOR);
    assert_eq!(test.stripe(&theirs).await, Outcome::Parked);
    assert_eq!(test.sweep().await.shops[0].unparked, 0);
    let paid = event(&order, EventKind::Paid, "pi_1");
    assert_eq!(test.stripe(&paid).await, Outcome::Completed);
    assert_eq!(test.sweep().await.shops[0].unparked, 1);
    assert_eq!(test.order_status(&order).await, "refunded");
    test.assert_promises_hold().await;
}

/// Scenario 10: after a refund of money in review, the order is as it was before that money.
#[tokio::test]
async fn refunded_money_in_review_leaves_the_order_waiting_for_its_payment() {
    let test = TestDb::new().await;
    test.sku("A", 2).await;
    let (_, waiting) = test.ordered(&[("A", 1)]).await;
    let (id, over) = test.ordered(&[("A", 1)]).await;
    for (order, payment) in [(&waiting, "pi_1"), (&over, "pi_2")] {
        let wrong = part(order, payment, PRICE_MINOR + 5);
        assert_eq!(test.stripe(&wrong).await, Outcome::Review);
        test.ask(order.order_id, &ask_for(None)).await.unwrap();
    }
    test.expire(id).await;
    for sent in test.claimed().await {
        assert_eq!(sent.reason, "review");
        test.report(sent.refund_id, &settled(&sent.gateway_payment_id))
            .await;
    }
    assert_eq!(test.order_status(&waiting).await, "awaiting_payment");
    assert_eq!(test.order_status(&over).await, "expired");
    let right = event(&waiting, EventKind::Paid, "pi_3");
    assert_eq!(test.stripe(&right).await, Outcome::Completed);
    test.assert_promises_hold().await;
}
