//! Look-ups at the gateways, because webhooks get lost; and the closing of orders at gateways that
//! nobody is to pay.

use local::roles::SWEEPER;
use operations::checkout;
use operations::gateway_order::{self, Closed, Put, PutError, Stored};
use operations::ids::PaymentReference;
use operations::lookup::{self, Limits, Lookup};
use operations::order::Order;
use operations::payment::{EventKind, Gateway, Outcome};
use tests::orders::read_order;
use tests::refund::{ask_for, pending};
use tests::{MAIN, TestDb, at_once, event, shop};

const LIMITS: Limits = Limits {
    batch_max: 100,
    before_s: 300,
    after_s: 3_600,
    pending_s: 600,
    again_s: 60,
};

fn reference(order: &Order) -> PaymentReference {
    PaymentReference::of_order(&shop(MAIN), &order.order_id)
}

fn session(order: &Order, gateway: Gateway, id: &str) -> Put {
    Put {
        shop: shop(MAIN),
        reference: reference(order),
        gateway,
        gateway_order_id: id.to_owned(),
        data: serde_json::json!({ "url": "https://pay.example/1" }),
        other_order_id: None,
        expires_in_s: Some(1_800),
    }
}

/// The look-ups that are due. Considers every payment, because tests change times.
async fn claimed(test: &TestDb) -> Vec<Lookup> {
    test.reconsider_look_ups().await;
    lookup::claim(&test.sweeper, &shop(MAIN), &LIMITS)
        .await
        .unwrap()
}

/// Forgets all look-ups and closings, as if the pause before the next one were over.
async fn forget(test: &TestDb) {
    test.sql(
        "update holdfast.payments set looked_up_at = null, look_up_at = now();
        update holdfast.refunds set looked_up_at = null;
        update holdfast.gateway_orders set close_tried_at = null",
    )
    .await;
}

#[tokio::test]
async fn payments_are_looked_up_before_their_hold_ends_and_for_a_while_after() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (_, fresh) = test.ordered(&[("A", 1)]).await;
    let (_, ending) = test.ordered(&[("A", 1)]).await;
    test.hold_ends_in(&ending, 200).await;
    let (gone, over) = test.ordered(&[("A", 1)]).await;
    test.expire(gone).await;
    let paid = test.paid_order("A", "pi_1").await;
    test.hold_ends_in(&fresh, 400).await;
    let of = |found: &[Lookup]| {
        let mut references: Vec<String> = found
            .iter()
            .map(|one| match one {
                Lookup::Payment { reference, .. } => reference.clone(),
                Lookup::Refund { .. } => panic!("{one:?}"),
            })
            .collect();
        references.sort();
        references
    };
    let mut expected = vec![
        ending.payment.reference.clone(),
        over.payment.reference.clone(),
    ];
    expected.sort();
    assert_eq!(of(&claimed(&test).await), expected);
    assert!(claimed(&test).await.is_empty(), "not again so soon");
    forget(&test).await;
    assert_eq!(of(&claimed(&test).await), expected);
    assert_ne!(paid.payment.reference, expected[0]);
    // long after that, the service no longer asks
    test.corrupt(
        "update holdfast.checkouts set ended_at = now() - interval '2 hours'
        where ended_at is not null",
    )
    .await;
    forget(&test).await;
    assert_eq!(of(&claimed(&test).await), [ending.payment.reference]);
}

/// Scenario 11, when the webhook of the second payment is lost: an attempt that was under way when
/// the order was paid may succeed too.
#[tokio::test]
async fn a_paid_payment_is_looked_up_once_more_after_a_while() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let paid = test.paid_order("A", "pi_1").await;
    let (_, unpaid) = test.ordered(&[("A", 1)]).await;
    test.hold_ends_in(&unpaid, 100).await;
    let one = Limits {
        batch_max: 1,
        ..LIMITS
    };
    let next = async || {
        test.reconsider_look_ups().await;
        let found = lookup::claim(&test.sweeper, &shop(MAIN), &one).await;
        match found.unwrap().as_slice() {
            [Lookup::Payment { reference, .. }] => Some(reference.clone()),
            [] => None,
            other => panic!("{other:?}"),
        }
    };
    let ago = async |seconds: i32| {
        test.corrupt(&format!(
            "update holdfast.payments set paid_at = now() - interval '{seconds} s'
            where status = 'paid';
            update holdfast.checkouts set ended_at = now() - interval '{seconds} s'
            where status = 'paid'"
        ))
        .await;
    };
    ago(LIMITS.pending_s - 60).await;
    assert_eq!(next().await, Some(unpaid.payment.reference.clone()));
    assert_eq!(next().await, None, "it was paid just now");
    forget(&test).await;
    ago(LIMITS.pending_s + 60).await;
    assert_eq!(next().await, Some(unpaid.payment.reference.clone()));
    // other payments never delay it for ever
    test.sql(
        "update holdfast.payments set looked_up_at = now() - interval '61 s'
        where status <> 'paid'",
    )
    .await;
    assert_eq!(next().await, Some(paid.payment.reference));
    assert_eq!(next().await, Some(unpaid.payment.reference));
    test.move_times("payments", "looked_up_at", "-59 s").await;
    assert_eq!(next().await, None, "once");
}

/// A claim reads only the payments whose time has come. Without a reason to ask, it never reads a
/// payment again.
#[tokio::test]
async fn a_payment_is_considered_only_when_a_look_up_may_be_due() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    let main = shop(MAIN);
    let next_s = async || {
        lookup::claim(&test.sweeper, &main, &LIMITS).await.unwrap();
        let seconds = "select coalesce(round(extract(epoch from look_up_at - c.created_at)
                / 60), -1)::bigint
            from holdfast.payments p join holdfast.orders o using (shop, order_id)
                join holdfast.checkouts c using (shop, checkout_id)";
        test.count(seconds).await
    };
    // the hold ends after 20 minutes, and the look-ups begin 5 minutes before
    assert_eq!(next_s().await, 15);
    test.record(&event(&order, EventKind::Paid, "pi_1"))
        .await
        .unwrap();
    // ten minutes after the payment
    assert_eq!(next_s().await, 10);
    for (ago, next) in [
        // it was looked up, and is looked up again an hour, a day and three days after it ended
        ("11 minutes", 60),
        ("61 minutes", 24 * 60),
        ("25 hours", 3 * 24 * 60),
        ("80 hours", -1),
    ] {
        test.corrupt(&format!(
            "update holdfast.payments set paid_at = now() - interval '{ago}';
            update holdfast.checkouts set ended_at = now() - interval '{ago}',
                created_at = now() - interval '{ago}'"
        ))
        .await;
        test.move_times("payments", "looked_up_at", "-1 hour").await;
        test.reconsider_look_ups().await;
        assert_eq!(next_s().await, next, "{ago}");
    }
    assert_eq!(read_order(&test, id).await.status, "paid");
}

/// The shopper gives up while a payment may be under way.
#[tokio::test]
async fn a_released_order_is_looked_up_at_once() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    let main = shop(MAIN);
    let claim = async || lookup::claim(&test.sweeper, &main, &LIMITS).await.unwrap();
    assert_eq!(claim().await, []);
    checkout::release(&test.db, &main, id, None).await.unwrap();
    let expected = Lookup::Payment {
        reference: order.payment.reference,
        order: None,
    };
    assert_eq!(claim().await, [expected]);
}

/// A transfer arrives a day later, or a second attempt succeeds after hours, and no webhook comes.
#[tokio::test]
async fn a_payment_known_to_a_gateway_is_looked_up_again_after_hours_and_days() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let paid = test.paid_order("A", "pi_1").await;
    let (known, unpaid) = test.ordered(&[("A", 1)]).await;
    let put = session(&unpaid, Gateway::Stripe, "cs_1");
    gateway_order::put(&test.db, &put).await.unwrap();
    let (unheard_of, _) = test.ordered(&[("A", 1)]).await;
    test.expire(known).await;
    test.expire(unheard_of).await;
    let mut expected = vec![paid.payment.reference, unpaid.payment.reference];
    expected.sort();
    let day = 86_400;
    for (ended_ago_s, due) in [
        (LIMITS.after_s + 60, true),
        (day / 2, false),
        (day + 60, true),
        (2 * day, false),
        (3 * day + 60, true),
        (4 * day, false),
    ] {
        test.corrupt(&format!(
            "update holdfast.checkouts set ended_at = now() - interval '{ended_ago_s} s'
            where ended_at is not null;
            update holdfast.payments
            set paid_at = now() - interval '{ended_ago_s} s' where status = 'paid';
            update holdfast.payments
            set looked_up_at = now() - interval '120 s'"
        ))
        .await;
        let mut found: Vec<String> = Vec::new();
        for one in claimed(&test).await {
            let Lookup::Payment { reference, .. } = one else {
                panic!("{one:?}")
            };
            found.push(reference);
        }
        found.sort();
        let due = if due { expected.as_slice() } else { &[] };
        assert_eq!(found, due, "{ended_ago_s}");
        assert!(claimed(&test).await.is_empty(), "{ended_ago_s}: once");
    }
}

/// The holds of a sale end together: a payment whose hold can still be saved goes first.
#[tokio::test]
async fn payments_whose_hold_ends_soonest_are_looked_up_first() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (gone, over) = test.ordered(&[("A", 1)]).await;
    test.expire(gone).await;
    let (_, later) = test.ordered(&[("A", 1)]).await;
    test.hold_ends_in(&later, 200).await;
    let (_, soon) = test.ordered(&[("A", 1)]).await;
    test.hold_ends_in(&soon, 100).await;
    let one = Limits {
        batch_max: 1,
        ..LIMITS
    };
    let expected = [&soon, &later, &over].map(|order| order.payment.reference.clone());
    // no payment is skipped: each gets its turn again
    for _ in 0..2 {
        let mut found = Vec::new();
        for _ in &expected {
            test.reconsider_look_ups().await;
            let claimed = lookup::claim(&test.sweeper, &shop(MAIN), &one)
                .await
                .unwrap();
            let [Lookup::Payment { reference, .. }] = claimed.as_slice() else {
                panic!("{claimed:?}")
            };
            found.push(reference.clone());
        }
        assert_eq!(found, expected);
        test.move_times("payments", "looked_up_at", "-61 s").await;
    }
}

/// The gateway's answer is applied like a webhook. The webhook that comes after it has no effect.
#[tokio::test]
async fn the_finding_of_a_look_up_is_applied_once() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    test.hold_ends_in(&order, 100).await;
    gateway_order::put(&test.db, &session(&order, Gateway::Stripe, "cs_1"))
        .await
        .unwrap();
    let found = claimed(&test).await;
    let expected = Lookup::Payment {
        reference: order.payment.reference.clone(),
        order: Some((Gateway::Stripe, "cs_1".to_owned())),
    };
    assert_eq!(found, [expected]);
    let paid = event(&order, EventKind::Paid, "pi_1");
    assert_eq!(test.stripe(&paid).await, Outcome::Completed);
    let webhook = operations::payment::Event {
        key: "evt_1".to_owned(),
        ..paid
    };
    assert_eq!(test.stripe(&webhook).await, Outcome::NoEffect);
    forget(&test).await;
    assert!(claimed(&test).await.is_empty(), "it is paid");
}

#[tokio::test]
async fn a_refund_that_is_pending_for_long_is_looked_up() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    let id = test.claimed().await[0].refund_id;
    test.report(id, &pending("re_1")).await;
    assert!(claimed(&test).await.is_empty(), "it is fresh");
    test.corrupt("update holdfast.refunds set created_at = now() - interval '11 minutes'")
        .await;
    let expected = Lookup::Refund {
        refund_id: id,
        gateway: Gateway::Stripe,
        reference: order.payment.reference.clone(),
        gateway_payment_id: "pi_1".to_owned(),
        gateway_refund_id: Some("re_1".to_owned()),
    };
    assert_eq!(claimed(&test).await, [expected]);
    assert!(claimed(&test).await.is_empty(), "not again so soon");
}

#[tokio::test]
async fn ten_workers_at_once_look_each_payment_up_once() {
    let test = TestDb::new().await;
    test.sku("A", 30).await;
    for _ in 0..20 {
        let (_, order) = test.ordered(&[("A", 1)]).await;
        test.hold_ends_in(&order, 100).await;
    }
    let db = test.pool_of(SWEEPER, 10);
    let found = at_once(10, |_| {
        let db = db.clone();
        async move {
            let limits = Limits {
                batch_max: 3,
                ..LIMITS
            };
            lookup::claim(&db, &shop(MAIN), &limits).await.unwrap()
        }
    });
    let mut found: Vec<Lookup> = found.await.into_iter().flatten().collect();
    found.extend(claimed(&test).await);
    let mut references: Vec<String> = found.iter().map(|one| format!("{one:?}")).collect();
    references.sort();
    references.dedup();
    assert_eq!((found.len(), references.len()), (20, 20));
}

/// Two open sessions at one gateway would allow a shopper to pay one order twice.
#[tokio::test]
async fn a_payment_has_one_open_order_at_a_gateway() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    let (_, other) = test.ordered(&[("A", 1)]).await;
    let db = &test.db;
    let put = async |order: &Order, gateway: Gateway, id: &str| {
        gateway_order::put(db, &session(order, gateway, id)).await
    };
    for _ in 0..2 {
        let first = put(&order, Gateway::Stripe, "cs_1").await.unwrap();
        assert!(matches!(first, Stored::This(_)), "{first:?}");
    }
    let second = put(&order, Gateway::Stripe, "cs_2").await.unwrap();
    let Stored::Other(open) = second else {
        panic!("{second:?}")
    };
    assert_eq!(open.gateway_order_id, "cs_1");
    let elsewhere = put(&order, Gateway::Razorpay, "order_1").await.unwrap();
    assert!(matches!(elsewhere, Stored::This(_)));
    let stolen = put(&other, Gateway::Stripe, "cs_1").await;
    assert!(matches!(stolen, Err(PutError::Conflict)), "{stolen:?}");
    let main = shop(MAIN);
    let read = async || {
        gateway_order::read(db, &main, &reference(&order), Gateway::Stripe)
            .await
            .unwrap()
    };
    assert_eq!(read().await.unwrap().data["url"], "https://pay.example/1");
    // the gateway has ended it by itself
    test.sql("update holdfast.gateway_orders set expires_at = now() where gateway = 'stripe'")
        .await;
    assert_eq!(read().await, None);
    let fresh = put(&order, Gateway::Stripe, "cs_3").await.unwrap();
    assert!(matches!(fresh, Stored::This(_)));
    let gone = put(&order, Gateway::Stripe, "cs_1").await;
    assert!(matches!(gone, Err(PutError::Ended)), "{gone:?}");
    for _ in 0..2 {
        let closed = gateway_order::close(db, &main, Gateway::Stripe, "cs_3").await;
        assert_eq!(closed.unwrap(), Closed::Closed);
    }
    assert_eq!(read().await, None);
    let nothing = gateway_order::close(db, &main, Gateway::Stripe, "cs_0").await;
    assert_eq!(nothing.unwrap(), Closed::NotFound);
    test.expire(id).await;
    let late = put(&order, Gateway::Stripe, "cs_4").await;
    assert!(matches!(late, Err(PutError::Ended)), "{late:?}");
}

/// Before the stock is released, and after a payment elsewhere.
#[tokio::test]
async fn orders_at_gateways_are_closed_once_nobody_may_pay_them() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (_, fresh) = test.ordered(&[("A", 1)]).await;
    let (_, ending) = test.ordered(&[("A", 1)]).await;
    let (_, paid) = test.ordered(&[("A", 1)]).await;
    for (order, id) in [(&fresh, "cs_1"), (&ending, "cs_2"), (&paid, "cs_3")] {
        let put = session(order, Gateway::Stripe, id);
        gateway_order::put(&test.db, &put).await.unwrap();
    }
    test.hold_ends_in(&ending, 20).await;
    test.record(&event(&paid, EventKind::Paid, "cf_1"))
        .await
        .unwrap();
    let due = async || {
        let due = gateway_order::due(&test.sweeper, &shop(MAIN), 10, 30).await;
        let mut ids: Vec<String> = due
            .unwrap()
            .into_iter()
            .map(|one| one.gateway_order_id)
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(due().await, ["cs_2", "cs_3"]);
    assert!(due().await.is_empty(), "another worker has it");
    forget(&test).await;
    let (db, main) = (&test.db, shop(MAIN));
    gateway_order::close(db, &main, Gateway::Stripe, "cs_2")
        .await
        .unwrap();
    assert_eq!(due().await, ["cs_3"]);
    // an order that the gateway ends by itself is not closed
    test.sql("update holdfast.gateway_orders set expires_at = now()")
        .await;
    forget(&test).await;
    assert!(due().await.is_empty());
    let open = "select count(*) from holdfast.gateway_orders where closed_at is null";
    assert_eq!(test.count(open).await, 0);
}
