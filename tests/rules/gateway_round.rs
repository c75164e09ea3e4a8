//! The sweeper's gateway rounds, on a real database: refunds are sent, lost payments are found,
//! orders at gateways are closed before their stock is released. Each test runs once for each
//! gateway.

use std::time::Duration;

use holdfast_sweeper::gateway_round::{Plan, Round, round};
use operations::gateway_order::{self, Put};
use operations::ids::PaymentReference;
use operations::lookup::Limits;
use operations::order::Order;
use operations::payment::{Gateway, Outcome};
use operations::refund::Request;
use serde_json::json;
use tests::gateways::{Sim, limits, new_order, take_in};
use tests::refund::ask_for;
use tests::{MAIN, PRICE_MINOR, TestDb, cart, shop};
use tokio::time::Instant;

const PLAN: Plan = Plan {
    lookups: Limits {
        batch_max: 100,
        before_s: 300,
        after_s: 3_600,
        pending_s: 0,
        again_s: 0,
    },
    close_before_s: 90,
};
const LONG: Duration = Duration::from_secs(60);

async fn did_a_round(test: &TestDb, sim: &Sim) -> Round {
    let until = Instant::now() + LONG;
    round(&test.sweeper, &sim.gateways, &PLAN, until)
        .await
        .unwrap()
}

/// An order of one unit, and its order at the gateway.
async fn ordered(test: &TestDb, sim: &Sim, gateway: Gateway, sku: &str) -> (Order, String) {
    let (_, order) = test.ordered(&[(sku, 1)]).await;
    let made = sim
        .api(gateway)
        .create_order(&new_order(&order))
        .await
        .unwrap();
    let put = Put {
        shop: shop(MAIN),
        reference: PaymentReference::of_order(&shop(MAIN), &order.order_id),
        gateway,
        gateway_order_id: made.gateway_order_id.clone(),
        data: made.data,
        other_order_id: None,
        expires_in_s: Some(1_900),
    };
    gateway_order::put(&test.db, &put).await.unwrap();
    (order, made.gateway_order_id)
}

/// Scenario 26, worse: the webhooks come only after the look-up.
#[tokio::test]
async fn a_payment_whose_webhooks_are_lost_is_found_before_its_hold_ends() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    for gateway in Gateway::ALL {
        let (order, id) = ordered(&test, &sim, gateway, "A").await;
        sim.pay(&id).await;
        let early = did_a_round(&test, &sim).await;
        assert_eq!(early.found, 0, "{gateway}: {early:?}");
        test.hold_ends_in(&order, 200).await;
        let found = did_a_round(&test, &sim).await;
        assert_eq!(found.found, 1, "{gateway}: {found:?}");
        assert_eq!(test.order_status(&order).await, "paid", "{gateway}");
        let late = take_in(&test, &sim).await;
        assert!(!late.is_empty(), "{gateway}");
        assert!(!late.contains(&Outcome::Completed), "{gateway}: {late:?}");
        assert!(!late.contains(&Outcome::Excess), "{gateway}: {late:?}");
        assert!(late.contains(&Outcome::Duplicate), "{gateway}: {late:?}");
    }
    assert_eq!(
        test.count("select count(*) from holdfast.payment_captures")
            .await,
        3
    );
    assert_eq!(test.level("A").await.0, 6);
    test.assert_promises_hold().await;
}

/// A sale in which all webhooks are lost fills more than one batch.
#[tokio::test]
async fn a_round_continues_while_its_batches_are_full() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    for _ in 0..5 {
        let (order, id) = ordered(&test, &sim, Gateway::Razorpay, "A").await;
        sim.pay(&id).await;
        test.hold_ends_in(&order, 200).await;
    }
    let plan = Plan {
        lookups: Limits {
            batch_max: 2,
            pending_s: 600,
            again_s: 600,
            ..PLAN.lookups
        },
        ..PLAN
    };
    let until = Instant::now() + LONG;
    let done = round(&test.sweeper, &sim.gateways, &plan, until).await;
    let done = done.unwrap();
    assert_eq!(done.found, 5, "{done:?}");
    test.assert_promises_hold().await;
}

/// Scenario 11, without the webhook of the second payment.
#[tokio::test]
async fn a_second_payment_whose_webhook_is_lost_is_owed_back() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    // one intent of Stripe is one charge
    for gateway in [Gateway::Cashfree, Gateway::Razorpay] {
        let (order, id) = ordered(&test, &sim, gateway, "A").await;
        sim.pay(&id).await;
        assert!(take_in(&test, &sim).await.contains(&Outcome::Completed));
        let again = json!({ "ending": "paid", "late": true });
        sim.try_to_pay(&id, &again).await.unwrap();
        let found = did_a_round(&test, &sim).await;
        assert_eq!(found.found, 1, "{gateway}: {found:?}");
        assert_eq!(test.order_status(&order).await, "paid", "{gateway}");
        let owed = "select count(*) from holdfast.refunds where reason = 'excess'";
        let expected = 1 + i64::from(gateway == Gateway::Razorpay);
        assert_eq!(test.count(owed).await, expected, "{gateway}");
        // then its webhook comes after all
        let late = take_in(&test, &sim).await;
        assert!(!late.contains(&Outcome::Excess), "{gateway}: {late:?}");
    }
    test.assert_promises_hold().await;
}

/// An order that was paid too late, with its goods gone: its money is owed back.
async fn owed(test: &TestDb, sim: &Sim, gateway: Gateway, sku: &str) -> Order {
    test.sku(sku, 1).await;
    let (order, id) = ordered(test, sim, gateway, sku).await;
    test.expire(order.checkout_id.into()).await;
    test.held(&[(sku, 1)]).await;
    sim.pay(&id).await;
    let outcomes = take_in(test, sim).await;
    assert!(
        outcomes.contains(&Outcome::RefundDue),
        "{gateway}: {outcomes:?}"
    );
    order
}

#[tokio::test]
async fn owed_money_goes_back_by_itself() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    for gateway in Gateway::ALL {
        let order = owed(&test, &sim, gateway, gateway.as_str()).await;
        assert_eq!(did_a_round(&test, &sim).await.refunds_sent, 1, "{gateway}");
        assert_eq!(test.order_status(&order).await, "refunded", "{gateway}");
        let refunds = sim.known("refunds", gateway).await;
        assert_eq!(refunds.len(), 1, "{gateway}");
        assert_eq!(refunds[0]["amount"], order.total_minor);
        // its webhooks change nothing any more
        take_in(&test, &sim).await;
        assert_eq!(test.order_status(&order).await, "refunded", "{gateway}");
        assert_eq!(did_a_round(&test, &sim).await.refunds_sent, 0, "{gateway}");
    }
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_pending_refund_is_settled_by_its_webhook_or_by_looking_it_up() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    for gateway in Gateway::ALL {
        sim.faults(gateway, &json!({ "refunds": "later" })).await;
        for by_webhook in [true, false] {
            let sku = format!("{gateway}-{by_webhook}");
            let order = owed(&test, &sim, gateway, &sku).await;
            did_a_round(&test, &sim).await;
            assert_eq!(test.order_status(&order).await, "refund_due", "{gateway}");
            for refund in sim.known("refunds", gateway).await {
                if refund["state"] == "pending" {
                    let id = refund["id"].as_str().unwrap();
                    sim.end_refund(id, "settled").await;
                }
            }
            if by_webhook {
                take_in(&test, &sim).await;
            } else {
                assert!(did_a_round(&test, &sim).await.looked_up > 0, "{gateway}");
            }
            assert_eq!(test.order_status(&order).await, "refunded", "{sku}");
            sim.events().await;
        }
    }
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_refund_that_fails_at_its_gateway_is_recorded_as_failed() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    for gateway in Gateway::ALL {
        sim.faults(gateway, &json!({ "refunds": "fail" })).await;
        let order = owed(&test, &sim, gateway, gateway.as_str()).await;
        did_a_round(&test, &sim).await;
        assert_eq!(test.order_status(&order).await, "refund_due", "{gateway}");
    }
    let failed = "select count(*) from holdfast.refunds where status = 'failed' and bounced";
    assert_eq!(test.count(failed).await, 3);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_refund_whose_answers_are_all_lost_is_made_once() {
    let short = gateways::CallLimits {
        tries: 1,
        ..limits()
    };
    let (test, sim) = (TestDb::new().await, Sim::with(short).await);
    for gateway in Gateway::ALL {
        let order = owed(&test, &sim, gateway, gateway.as_str()).await;
        sim.faults(gateway, &json!({ "answers_lost": 1 })).await;
        assert_eq!(did_a_round(&test, &sim).await.failed, 1, "{gateway}");
        assert_eq!(sim.known("refunds", gateway).await.len(), 1, "{gateway}");
        assert_eq!(test.order_status(&order).await, "refund_due", "{gateway}");
        // the pause before the next try is over
        test.sql(
            "update holdfast.refunds set next_try_at = now()
            where status = 'owed'",
        )
        .await;
        assert_eq!(did_a_round(&test, &sim).await.refunds_sent, 1, "{gateway}");
        assert_eq!(sim.known("refunds", gateway).await.len(), 1, "{gateway}");
        assert_eq!(test.order_status(&order).await, "refunded", "{gateway}");
    }
    test.assert_promises_hold().await;
}

/// An outage: most refunds are claimed and not sent, again and again.
#[tokio::test]
async fn only_calls_to_the_gateway_count_as_tries_of_a_refund() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    for n in 0..4 {
        owed(&test, &sim, Gateway::Stripe, &format!("S{n}")).await;
    }
    sim.faults(Gateway::Stripe, &json!({ "api": "down" })).await;
    let tried = async || {
        let query = "select coalesce(sum(attempts), 0)::bigint from holdfast.refunds";
        test.count(query).await
    };
    let down = did_a_round(&test, &sim).await;
    assert_eq!((down.failed, tried().await), (2, 2), "{down:?}");
    let waiting = "select count(*) from holdfast.refunds
        where status = 'owed' and attempts = 0 and next_try_at <= clock_timestamp()";
    assert_eq!(test.count(waiting).await, 2);
    let down = did_a_round(&test, &sim).await;
    assert_eq!((down.failed, tried().await), (2, 4), "{down:?}");
    assert_eq!(test.count(waiting).await, 0, "each had its turn");
    sim.faults(Gateway::Stripe, &json!({})).await;
    test.make_refunds_due().await;
    assert_eq!(did_a_round(&test, &sim).await.refunds_sent, 4);
    assert_eq!(sim.known("refunds", Gateway::Stripe).await.len(), 4);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_silent_gateway_delays_no_other_gateway() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    let mut orders = Vec::new();
    for gateway in Gateway::ALL {
        orders.push(owed(&test, &sim, gateway, gateway.as_str()).await);
    }
    sim.faults(Gateway::Stripe, &json!({ "api": "hanging" }))
        .await;
    let all = round(&test.sweeper, &sim.gateways, &PLAN, Instant::now() + LONG);
    let others = tests::until("the other gateways have refunded", async || {
        let mut states = Vec::new();
        for order in &orders {
            states.push(test.order_status(order).await);
        }
        states == ["refunded", "refund_due", "refunded"]
    });
    // The round still waits for the silent gateway.
    tokio::select! {
        ended = all => panic!("ended: {ended:?}"),
        () = others => {}
    }
}

#[tokio::test]
async fn an_order_is_closed_at_its_gateway_before_its_stock_is_released() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    for gateway in Gateway::ALL {
        let (order, id) = ordered(&test, &sim, gateway, "A").await;
        test.hold_ends_in(&order, 200).await;
        assert_eq!(did_a_round(&test, &sim).await.closed, 0, "{gateway}");
        test.hold_ends_in(&order, 60).await;
        let done = did_a_round(&test, &sim).await;
        let can = u32::from(gateway != Gateway::Razorpay);
        assert_eq!((done.closed, done.failed), (can, 0), "{gateway}: {done:?}");
        let attempt = json!({ "ending": "paid" });
        let paid = sim.try_to_pay(&id, &attempt).await;
        assert_eq!(paid.is_err(), can == 1, "{gateway}");
    }
    let open = "select count(*) from holdfast.gateway_orders where closed_at is null";
    assert_eq!(test.count(open).await, 0);
}

/// An order that can still be paid is not recorded as closed. The next round tries again.
#[tokio::test]
async fn an_order_stays_open_until_its_gateway_has_closed_it() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    let open = "select count(*) from holdfast.gateway_orders where closed_at is null";
    for gateway in [Gateway::Cashfree, Gateway::Stripe] {
        let (order, id) = ordered(&test, &sim, gateway, "A").await;
        test.hold_ends_in(&order, 60).await;
        sim.faults(gateway, &json!({ "unclosable": true })).await;
        let done = did_a_round(&test, &sim).await;
        assert_eq!((done.closed, done.failed), (0, 1), "{gateway}: {done:?}");
        assert_eq!(test.count(open).await, 1, "{gateway}");
        sim.faults(gateway, &json!({})).await;
        // the pause before the next try is over
        test.sql("update holdfast.gateway_orders set close_tried_at = null")
            .await;
        let done = did_a_round(&test, &sim).await;
        assert_eq!((done.closed, done.failed), (1, 0), "{gateway}: {done:?}");
        assert_eq!(test.count(open).await, 0, "{gateway}");
        let attempt = json!({ "ending": "paid" });
        assert!(sim.try_to_pay(&id, &attempt).await.is_err(), "{gateway}");
    }
}

/// The order is paid in its last minute, and the webhook is lost. Closing finds the payment.
#[tokio::test]
async fn an_order_that_is_found_paid_when_it_is_closed_is_completed() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    let no_lookups = Plan {
        lookups: Limits {
            before_s: 0,
            after_s: 0,
            ..PLAN.lookups
        },
        ..PLAN
    };
    for gateway in Gateway::ALL {
        let (order, id) = ordered(&test, &sim, gateway, "A").await;
        sim.pay(&id).await;
        test.hold_ends_in(&order, 60).await;
        let until = Instant::now() + LONG;
        let done = round(&test.sweeper, &sim.gateways, &no_lookups, until).await;
        assert_eq!(done.unwrap().found, 1, "{gateway}");
        assert_eq!(test.order_status(&order).await, "paid", "{gateway}");
    }
    test.assert_promises_hold().await;
}

/// A round that sends refunds and looks nothing up.
const SENDS_REFUNDS: Plan = Plan {
    lookups: Limits {
        batch_max: 100,
        before_s: 0,
        after_s: 0,
        pending_s: 3_600,
        again_s: 3_600,
    },
    close_before_s: 0,
};

/// An order whose order at the gateway has another sum, and is paid.
async fn paid_as(test: &TestDb, sim: &Sim, gateway: Gateway, minor: i64, currency: &str) -> Order {
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let mut new = new_order(&order);
    new.amount_minor = minor;
    new.currency = currency.to_owned();
    let made = sim.api(gateway).create_order(&new).await.unwrap();
    sim.pay(&made.gateway_order_id).await;
    order
}

/// Scenario 10.
#[tokio::test]
async fn another_amount_or_currency_goes_to_review_at_each_gateway() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 100).await;
    let mut held = 0;
    for gateway in Gateway::ALL {
        for (minor, currency) in [
            (PRICE_MINOR + 1, "INR"),
            (PRICE_MINOR - 1, "INR"),
            (PRICE_MINOR, "USD"),
        ] {
            let order = paid_as(&test, &sim, gateway, minor, currency).await;
            held += 1;
            let outcomes = take_in(&test, &sim).await;
            assert!(
                outcomes.contains(&Outcome::Review),
                "{gateway} {minor} {currency}: {outcomes:?}"
            );
            assert!(!outcomes.contains(&Outcome::Completed));
            assert_eq!(test.order_status(&order).await, "review", "{gateway}");
            let (on_hand, holding, _) = test.level("A").await;
            assert_eq!((on_hand, holding), (100, held), "{gateway}");
        }
    }
    test.assert_promises_hold().await;
}

/// Scenario 12: the gateway reports a refund three times, and the goods come back with it.
#[tokio::test]
async fn goods_come_back_once_although_each_gateway_reports_the_refund_three_times() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    for gateway in Gateway::ALL {
        let tripled = json!({ "webhooks": { "duplicates": 2, "fresh_ids": true } });
        sim.faults(gateway, &tripled).await;
        let order = paid_as(&test, &sim, gateway, PRICE_MINOR, "INR").await;
        assert!(take_in(&test, &sim).await.contains(&Outcome::Completed));
        assert_eq!(test.level("A").await.0, 8, "{gateway}");
        let back = Request {
            restock: Some(cart(&[("A", 1)])),
            ..ask_for(None)
        };
        for _ in 0..2 {
            test.ask(order.order_id, &back).await.unwrap();
        }
        let until = Instant::now() + LONG;
        let sent = round(&test.sweeper, &sim.gateways, &SENDS_REFUNDS, until).await;
        assert_eq!(sent.unwrap().refunds_sent, 1, "{gateway}");
        assert!(take_in(&test, &sim).await.len() >= 3, "{gateway}");
        assert_eq!(test.order_status(&order).await, "refunded", "{gateway}");
        assert_eq!(test.level("A").await.0, 9, "{gateway}");
        assert_eq!(sim.known("refunds", gateway).await.len(), 1, "{gateway}");
    }
    test.assert_promises_hold().await;
}
