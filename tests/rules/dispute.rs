//! Disputes: each one is known, announced and ended, and money that a bank may take is not given
//! back by mistake.

use operations::order::Order;
use operations::payment::event::DisputeStage::{self, Chargeback, Inquiry, PreArbitration};
use operations::payment::{Event, EventKind, Gateway, Outcome};
use operations::refund::{
    self, Dispute, GatewayAnswer, Reported, Request, RequestError, Retried, RetryError,
};
use serde_json::{Value, json};
use tests::desk::actor;
use tests::refund::{ask_for, pending};
use tests::webhooks::read;
use tests::{MAIN, PRICE_MINOR, TestDb, event, shop};

/// What a gateway says about a dispute of the payment `pi_1`.
fn said(order: &Order, kind: EventKind, id: &str, stage: DisputeStage) -> Event {
    Event {
        key: format!("{kind:?}:{id}:{stage:?}"),
        dispute_id: Some(id.to_owned()),
        dispute_stage: Some(stage),
        ..event(order, kind, "pi_1")
    }
}

async fn paid() -> (TestDb, Order) {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let order = test.paid_order("A", "pi_1").await;
    (test, order)
}

async fn disputes(test: &TestDb, order: &Order) -> (bool, Vec<Dispute>) {
    let desk = test.desk(1);
    let money = refund::overview(&desk.0, &shop(MAIN), order.order_id.into()).await;
    let money = money.unwrap().unwrap();
    (money.disputed_at.is_some(), money.disputes)
}

#[tokio::test]
async fn each_dispute_of_a_payment_is_announced_once() {
    let (test, order) = paid().await;
    let first = said(&order, EventKind::Disputed, "du_1", Chargeback);
    let part = Event {
        amount_minor: Some(4_000),
        ..said(&order, EventKind::Disputed, "du_2", Chargeback)
    };
    assert_eq!(test.stripe(&first).await, Outcome::Recorded);
    assert_eq!(test.stripe(&part).await, Outcome::Recorded);
    // an update of the first one, under another key
    let again = Event {
        key: "updated".to_owned(),
        ..first.clone()
    };
    assert_eq!(test.stripe(&again).await, Outcome::NoEffect);
    let announced = test.announced("payment.disputed").await;
    let of: Vec<_> = announced
        .iter()
        .map(|body| (&body["dispute_id"], &body["amount_minor"]))
        .collect();
    assert_eq!(
        of,
        [
            (&json!("du_1"), &json!(PRICE_MINOR)),
            (&json!("du_2"), &json!(4_000))
        ]
    );
    // won, and then disputed again at the next stage: another dispute, or the same one
    let won = said(&order, EventKind::DisputeWon, "du_1", Chargeback);
    assert_eq!(test.stripe(&won).await, Outcome::Recorded);
    let next = said(&order, EventKind::Disputed, "du_1", PreArbitration);
    assert_eq!(test.stripe(&next).await, Outcome::Recorded);
    assert_eq!(test.announced("payment.disputed").await.len(), 3);
    assert_eq!(test.announced("payment.dispute_ended").await.len(), 1);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_dispute_ends_and_a_lost_one_stays_known() {
    for (kind, status) in [
        (EventKind::DisputeWon, "won"),
        (EventKind::DisputeLost, "lost"),
        (EventKind::DisputeClosed, "closed"),
    ] {
        let (test, order) = paid().await;
        assert_eq!(disputes(&test, &order).await, (false, Vec::new()));
        let opened = said(&order, EventKind::Disputed, "du_1", Chargeback);
        assert_eq!(test.stripe(&opened).await, Outcome::Recorded);
        let (open, all) = disputes(&test, &order).await;
        assert_eq!((open, all[0].status.as_str()), (true, "open"));
        let ended = said(&order, kind, "du_1", Chargeback);
        assert_eq!(test.stripe(&ended).await, Outcome::Recorded);
        let (open, all) = disputes(&test, &order).await;
        assert_eq!((open, all[0].status.as_str()), (false, status));
        assert!(all[0].ended_at.is_some());
        let announced = test.announced("payment.dispute_ended").await;
        assert_eq!(announced[0]["status"], status);
        assert_eq!(test.order_status(&order).await, "paid");
        test.assert_promises_hold().await;
    }
}

/// Both ends are in one stage.
#[tokio::test]
async fn each_end_of_a_dispute_is_announced() {
    for first in [EventKind::DisputeClosed, EventKind::DisputeWon] {
        let (test, order) = paid().await;
        test.stripe(&said(&order, EventKind::Disputed, "du_1", Chargeback))
            .await;
        test.stripe(&said(&order, first, "du_1", Chargeback)).await;
        // the last word names no amount: the known one stays
        let lost = Event {
            amount_minor: None,
            currency: None,
            ..said(&order, EventKind::DisputeLost, "du_1", Chargeback)
        };
        assert_eq!(test.stripe(&lost).await, Outcome::Recorded);
        let ended = test.announced("payment.dispute_ended").await;
        assert_eq!(ended.len(), 2, "{first:?}");
        assert_eq!(
            (&ended[1]["status"], &ended[1]["amount_minor"]),
            (&json!("lost"), &json!(PRICE_MINOR))
        );
        let (_, all) = disputes(&test, &order).await;
        assert_eq!(all[0].amount_minor, Some(PRICE_MINOR));
        test.assert_promises_hold().await;
    }
}

/// Cashfree asks the shop to upload more: the dispute is open.
#[tokio::test]
async fn a_cashfree_dispute_with_too_little_evidence_is_open_and_can_be_won() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let paid = event(&order, EventKind::Paid, "11");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Completed);
    for (status, now) in [
        ("CHARGEBACK_CREATED", "open"),
        ("CHARGEBACK_INSUFFICIENT_EVIDENCE", "open"),
        ("CHARGEBACK_MERCHANT_WON", "won"),
    ] {
        let body = json!({ "type": "DISPUTE_UPDATED", "data": {
            "dispute": { "dispute_id": 7, "dispute_type": "CHARGEBACK", "dispute_amount": 100.0,
                "dispute_status": status },
            "order_details": { "order_id": order.payment.reference, "order_currency": "INR",
                "cf_payment_id": 11 } } });
        let event = read(Gateway::Cashfree, &body.to_string()).unwrap();
        test.record(&event).await.unwrap();
        let (open, all) = disputes(&test, &order).await;
        assert_eq!((open, all[0].status.as_str()), (now == "open", now));
    }
    test.assert_promises_hold().await;
}

/// Scenario 19, for disputes.
#[tokio::test]
async fn the_events_of_a_dispute_end_in_one_state_in_every_order() {
    let orders: [[usize; 3]; 6] = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for in_order in orders {
        let (test, order) = paid().await;
        let events = [
            said(&order, EventKind::Disputed, "du_1", Inquiry),
            said(&order, EventKind::Disputed, "du_1", Chargeback),
            said(&order, EventKind::DisputeLost, "du_1", Chargeback),
        ];
        for nth in in_order {
            test.stripe(&events[nth]).await;
        }
        let (open, all) = disputes(&test, &order).await;
        assert_eq!(
            (
                open,
                all[0].stage.as_str(),
                all[0].status.as_str(),
                all.len()
            ),
            (false, "chargeback", "lost", 1),
            "{in_order:?}"
        );
        assert_eq!(test.announced("payment.dispute_ended").await.len(), 1);
        test.assert_promises_hold().await;
    }
}

#[tokio::test]
async fn money_that_a_bank_may_take_goes_back_only_on_request() {
    for (then, refused) in [
        (None, true),
        (Some(EventKind::DisputeLost), true),
        (Some(EventKind::DisputeWon), false),
        (Some(EventKind::DisputeClosed), false),
    ] {
        let (test, order) = paid().await;
        test.stripe(&said(&order, EventKind::Disputed, "du_1", Chargeback))
            .await;
        if let Some(kind) = then {
            test.stripe(&said(&order, kind, "du_1", Chargeback)).await;
        }
        let before = test.rows().await;
        let asked = test.ask(order.order_id, &ask_for(None)).await;
        if !refused {
            asked.unwrap();
            continue;
        }
        assert!(
            matches!(asked, Err(RequestError::Disputed)),
            "{then:?}: {asked:?}"
        );
        assert_eq!(test.rows().await, before);
        let despite = Request {
            despite_dispute: Some(true),
            ..ask_for(None)
        };
        test.ask(order.order_id, &despite).await.unwrap();
        test.assert_promises_hold().await;
    }
}

/// Another payment of the order is not disputed.
#[tokio::test]
async fn a_refund_of_another_payment_than_the_disputed_one_is_made() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    for (payment, minor) in [("pi_1", 4_000), ("pi_2", PRICE_MINOR - 4_000)] {
        test.stripe(&tests::refund::part(&order, payment, minor))
            .await;
    }
    test.stripe(&said(&order, EventKind::Disputed, "du_1", Chargeback))
        .await;
    let of = |payment: &str| Request {
        gateway_payment_id: Some(payment.parse().unwrap()),
        ..ask_for(Some(100))
    };
    let refused = test.ask(order.order_id, &of("pi_1")).await;
    assert!(
        matches!(refused, Err(RequestError::Disputed)),
        "{refused:?}"
    );
    test.ask(order.order_id, &of("pi_2")).await.unwrap();
    test.assert_promises_hold().await;
}

/// The refund was asked for before the bank asked for the same money.
#[tokio::test]
async fn a_refund_that_is_not_sent_yet_waits_for_a_person_when_its_payment_is_disputed() {
    let (test, order) = paid().await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    test.stripe(&said(&order, EventKind::Disputed, "du_1", Chargeback))
        .await;
    assert!(test.claimed().await.is_empty());
    let (id, status, _) = test.refund().await;
    assert_eq!(status, "failed");
    let failed = test.announced("refund.failed").await;
    assert_eq!(failed[0]["last_error"], "a bank disputes the payment");
    let desk = test.desk(1);
    let retry = async |despite| {
        refund::retry(&desk.0, &shop(MAIN), id.into(), &actor("meera"), despite).await
    };
    let refused = retry(false).await;
    assert!(matches!(refused, Err(RetryError::Disputed)), "{refused:?}");
    test.assert_promises_hold().await;
    assert!(matches!(retry(true).await, Ok(Retried::New(_))));
    assert_eq!(test.claimed().await.len(), 1);
    test.assert_promises_hold().await;
}

/// The sender's answer is not known when the bank asks for the same money.
#[tokio::test]
async fn a_refund_that_is_being_sent_when_its_payment_is_disputed_is_not_sent_again() {
    let (test, order) = paid().await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    assert_eq!(test.claimed().await.len(), 1);
    let (id, ..) = test.refund().await;
    test.stripe(&said(&order, EventKind::Disputed, "du_1", Chargeback))
        .await;
    let retry = GatewayAnswer::Retry {
        error: "no answer".to_owned(),
    };
    assert_eq!(test.report(id, &retry).await, Reported::NoEffect);
    test.make_refunds_due().await;
    assert!(test.claimed().await.is_empty());
    assert_eq!(test.refund().await.1, "failed");
    assert_eq!(test.announced("refund.failed").await.len(), 1);
    test.assert_promises_hold().await;
    // the last door: a statement by hand sends it no more than the sweep does
    test.sql("update holdfast.refunds set status = 'owed'")
        .await;
    assert!(test.claimed().await.is_empty());
    // the gateway has made it all the same
    test.sql("update holdfast.refunds set status = 'failed'")
        .await;
    assert_eq!(test.report(id, &pending("re_1")).await, Reported::Recorded);
    assert_eq!(test.refund().await.1, "pending");
    test.assert_promises_hold().await;
}

/// Nobody asked for it: the goods were gone, or the order was paid already.
#[tokio::test]
async fn an_automatic_refund_of_disputed_money_waits_for_a_person() {
    for late in [true, false] {
        let test = TestDb::new().await;
        test.sku("A", 1).await;
        let (id, order) = test.ordered(&[("A", 1)]).await;
        if late {
            test.expire(id).await;
            test.held(&[("A", 1)]).await;
        } else {
            let first = event(&order, EventKind::Paid, "pi_0");
            assert_eq!(test.stripe(&first).await, Outcome::Completed);
        }
        // the dispute comes before its capture
        let disputed = said(&order, EventKind::Disputed, "du_1", Chargeback);
        assert_eq!(test.stripe(&disputed).await, Outcome::Recorded);
        let paid = event(&order, EventKind::Paid, "pi_1");
        let outcome = if late {
            Outcome::RefundDue
        } else {
            Outcome::Excess
        };
        assert_eq!(test.stripe(&paid).await, outcome);
        assert!(test.claimed().await.is_empty(), "{outcome:?}");
        let (id, status, _) = test.refund().await;
        assert_eq!(status, "failed");
        assert_eq!(test.announced("refund.failed").await.len(), 1);
        test.assert_promises_hold().await;
        let desk = test.desk(1);
        let retried = refund::retry(&desk.0, &shop(MAIN), id.into(), &actor("meera"), true).await;
        assert!(matches!(retried, Ok(Retried::New(_))), "{retried:?}");
        assert_eq!(test.claimed().await.len(), 1);
        test.assert_promises_hold().await;
    }
}

#[tokio::test]
async fn a_refund_that_staff_confirmed_is_sent_although_the_dispute_goes_on() {
    let (test, order) = paid().await;
    test.stripe(&said(&order, EventKind::Disputed, "du_1", Inquiry))
        .await;
    let despite = Request {
        despite_dispute: Some(true),
        ..ask_for(None)
    };
    test.ask(order.order_id, &despite).await.unwrap();
    test.stripe(&said(&order, EventKind::Disputed, "du_1", Chargeback))
        .await;
    assert_eq!(test.refund().await.1, "owed");
    assert_eq!(test.claimed().await.len(), 1);
    test.assert_promises_hold().await;
}

/// A parked event keeps what is needed to apply it later.
#[tokio::test]
async fn a_dispute_before_its_payment_is_applied_when_the_payment_is_known() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let early = Event {
        reference: None,
        ..said(&order, EventKind::DisputeLost, "du_1", PreArbitration)
    };
    assert_eq!(test.stripe(&early).await, Outcome::Parked);
    let paid = event(&order, EventKind::Paid, "pi_1");
    assert_eq!(test.stripe(&paid).await, Outcome::Completed);
    test.sweep().await;
    let (_, all) = disputes(&test, &order).await;
    assert_eq!(
        (
            all[0].dispute_id.as_str(),
            all[0].stage.as_str(),
            all[0].status.as_str()
        ),
        ("du_1", "pre_arbitration", "lost")
    );
    test.assert_promises_hold().await;
}

/// The words of each gateway.
#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn each_gateways_disputes_are_understood() {
    let stripe = |name: &str, status: &str| {
        json!({ "object": "event", "type": name, "data": { "object": { "id": "du_1",
            "status": status, "amount": 100, "currency": "inr", "payment_intent": "pi_1",
            "charge": "ch_1" } } })
    };
    let razorpay = |name: &str, phase: &str| {
        json!({ "event": name, "payload": { "dispute": { "entity": { "id": "disp_1",
            "payment_id": "pay_1", "amount": 100, "currency": "INR", "phase": phase } } } })
    };
    let cashfree = |name: &str, kind: &str, status: &str| {
        json!({ "type": name, "data": {
            "dispute": { "dispute_id": 7, "dispute_type": kind, "dispute_amount": 1.0,
                "dispute_status": format!("{kind}_{status}") },
            "order_details": { "order_id": "main-x", "order_currency": "INR",
                "cf_payment_id": 11 } } })
    };
    let cases: [(Gateway, Value, EventKind, DisputeStage); 17] = [
        (
            Gateway::Stripe,
            stripe("charge.dispute.created", "warning_needs_response"),
            EventKind::Disputed,
            Inquiry,
        ),
        (
            Gateway::Stripe,
            stripe("charge.dispute.updated", "under_review"),
            EventKind::Disputed,
            Chargeback,
        ),
        (
            Gateway::Stripe,
            stripe("charge.dispute.closed", "won"),
            EventKind::DisputeWon,
            Chargeback,
        ),
        (
            Gateway::Stripe,
            stripe("charge.dispute.funds_withdrawn", "lost"),
            EventKind::DisputeLost,
            Chargeback,
        ),
        (
            Gateway::Stripe,
            stripe("charge.dispute.closed", "warning_closed"),
            EventKind::DisputeClosed,
            Inquiry,
        ),
        (
            Gateway::Razorpay,
            razorpay("payment.dispute.created", "retrieval"),
            EventKind::Disputed,
            Inquiry,
        ),
        (
            Gateway::Razorpay,
            razorpay("payment.dispute.created", "pre_arbitration"),
            EventKind::Disputed,
            PreArbitration,
        ),
        (
            Gateway::Razorpay,
            razorpay("payment.dispute.under_review", "chargeback"),
            EventKind::Disputed,
            Chargeback,
        ),
        (
            Gateway::Razorpay,
            razorpay("payment.dispute.action_required", "chargeback"),
            EventKind::Disputed,
            Chargeback,
        ),
        (
            Gateway::Razorpay,
            razorpay("payment.dispute.won", "chargeback"),
            EventKind::DisputeWon,
            Chargeback,
        ),
        (
            Gateway::Razorpay,
            razorpay("payment.dispute.closed", "fraud"),
            EventKind::DisputeClosed,
            Inquiry,
        ),
        (
            Gateway::Cashfree,
            cashfree("DISPUTE_CREATED", "RETRIEVAL", "CREATED"),
            EventKind::Disputed,
            Inquiry,
        ),
        (
            Gateway::Cashfree,
            cashfree("DISPUTE_UPDATED", "PRE_ARBITRATION", "CREATED"),
            EventKind::Disputed,
            PreArbitration,
        ),
        (
            Gateway::Cashfree,
            cashfree("DISPUTE_CLOSED", "CHARGEBACK", "MERCHANT_WON"),
            EventKind::DisputeWon,
            Chargeback,
        ),
        (
            Gateway::Cashfree,
            cashfree("DISPUTE_CLOSED", "CHARGEBACK", "MERCHANT_ACCEPTED"),
            EventKind::DisputeLost,
            Chargeback,
        ),
        (
            Gateway::Cashfree,
            cashfree("DISPUTE_UPDATED", "CHARGEBACK", "INSUFFICIENT_EVIDENCE"),
            EventKind::Disputed,
            Chargeback,
        ),
        (
            Gateway::Cashfree,
            cashfree("DISPUTE_CLOSED", "DISPUTE", "UNDER_REVIEW"),
            EventKind::DisputeClosed,
            DisputeStage::Dispute,
        ),
    ];
    for (gateway, body, kind, stage) in cases {
        let event = read(gateway, &body.to_string()).unwrap();
        assert_eq!(
            (event.kind, event.dispute_stage),
            (kind, Some(stage)),
            "{body}"
        );
        assert!(
            event.dispute_id.is_some() && event.gateway_payment_id.is_some(),
            "{body}"
        );
        assert_eq!(event.amount_minor, Some(100), "{body}");
    }
}

/// A gateway that opens another stage of a known dispute is heard.
#[tokio::test]
async fn each_stage_of_a_dispute_has_its_own_event() {
    let cashfree = |stage: &str| {
        json!({ "type": "DISPUTE_CREATED", "data": {
            "dispute": { "dispute_id": 7, "dispute_type": stage, "dispute_amount": 100,
                "dispute_status": "DISPUTE_CREATED" },
            "order_details": { "order_id": "main-x", "order_currency": "INR",
                "cf_payment_id": 11 } } })
    };
    let razorpay = |stage: &str| {
        json!({ "event": "payment.dispute.created", "payload": { "dispute": { "entity": {
            "id": "disp_1", "payment_id": "pay_1", "amount": 100, "currency": "INR",
            "phase": stage.to_lowercase() } } } })
    };
    for (gateway, said) in [
        (Gateway::Cashfree, &cashfree as &dyn Fn(&str) -> Value),
        (Gateway::Razorpay, &razorpay),
    ] {
        let key = |stage: &str| read(gateway, &said(stage).to_string()).unwrap().key;
        assert_ne!(key("CHARGEBACK"), key("PRE_ARBITRATION"), "{gateway:?}");
        assert_eq!(key("CHARGEBACK"), key("CHARGEBACK"));
        // a stage that nobody knows is no part of the key
        assert_eq!(key("CHARGEBACK"), key(&"é".repeat(2_000)));
    }
}
