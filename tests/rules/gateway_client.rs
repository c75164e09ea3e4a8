//! The clients of the payment gateways, against the simulator over HTTP. Each test runs once for
//! each gateway.

use std::time::Duration;

use gateways::{
    CallLimits, Closed, GatewayError, KnownOrder, KnownRefund, NewOrder, NewRefund, RefundState,
};
use operations::payment::{EventKind, Gateway};
use serde_json::json;
use tests::gateways::{Sim, limits};
use time::OffsetDateTime;
use uuid::Uuid;

const AMOUNT: i64 = 12_345;

fn new_order(reference: &str) -> NewOrder {
    NewOrder {
        reference: reference.to_owned(),
        amount_minor: AMOUNT,
        currency: "INR".to_owned(),
        customer: "c-1".to_owned(),
        phone: Some("9999999999".to_owned()),
        now: OffsetDateTime::now_utc(),
        expires_at: Some(OffsetDateTime::now_utc() + Duration::from_secs(1_900)),
    }
}

fn known(reference: &str, id: &str) -> KnownOrder {
    KnownOrder {
        reference: reference.to_owned(),
        gateway_order_id: Some(id.to_owned()),
    }
}

/// Makes an order at a gateway and returns its id there.
async fn made(sim: &Sim, gateway: Gateway, reference: &str) -> String {
    let order = sim.api(gateway).create_order(&new_order(reference)).await;
    order.unwrap().gateway_order_id
}

/// A refund of a part of a paid order.
async fn refund_of_paid(sim: &Sim, gateway: Gateway, reference: &str) -> NewRefund {
    let id = made(sim, gateway, reference).await;
    sim.pay(&id).await;
    let order = known(reference, &id);
    let events = sim.api(gateway).look_up(&order).await.unwrap();
    NewRefund {
        refund_id: Uuid::new_v4(),
        reference: reference.to_owned(),
        gateway_payment_id: events[0].gateway_payment_id.clone().unwrap(),
        amount_minor: 2_345,
        currency: "INR".to_owned(),
        reason: "late".to_owned(),
        sent_before: false,
        earlier_attempts: 0,
    }
}

fn known_refund(refund: &NewRefund, id: Option<&str>) -> KnownRefund {
    KnownRefund {
        refund_id: refund.refund_id,
        reference: refund.reference.clone(),
        gateway_payment_id: refund.gateway_payment_id.clone(),
        gateway_refund_id: id.map(str::to_owned),
    }
}

#[tokio::test]
async fn a_look_up_finds_the_same_event_as_the_webhook() {
    let sim = Sim::start().await;
    for gateway in Gateway::ALL {
        let api = sim.api(gateway);
        let order = api.create_order(&new_order("main-1")).await.unwrap();
        assert!(order.data.is_object(), "{order:?}");
        let order = known("main-1", &order.gateway_order_id);
        let id = order.gateway_order_id.as_deref().unwrap();
        assert_eq!(api.look_up(&order).await.unwrap(), [], "{gateway}");

        sim.pay(id).await;
        let found = api.look_up(&order).await.unwrap();
        assert_eq!(found.len(), 1, "{gateway}: {found:?}");
        let found = &found[0];
        assert_eq!(
            (found.kind, found.amount_minor, found.currency.as_deref()),
            (EventKind::Paid, Some(AMOUNT), Some("INR"))
        );
        assert_eq!(found.reference.as_deref(), Some("main-1"), "{gateway}");
        let events = sim.events().await;
        let of_key = |key: &str| events.iter().filter(|(_, event)| event.key == key).count();
        assert_eq!(of_key(&found.key), 1, "{gateway}: {} {events:?}", found.key);
        let reported = events.iter().find(|(_, event)| event.key == found.key);
        assert_eq!(
            reported.unwrap().1.gateway_payment_id,
            found.gateway_payment_id
        );
    }
}

/// Our customer names have any characters. Cashfree allows only letters, digits, `_` and `-`.
#[tokio::test]
async fn a_customer_of_any_name_can_pay_at_every_gateway() {
    let sim = Sim::start().await;
    let names = ["c", "meera@example.com", "मीरा नायर", &"x".repeat(99)];
    for (number, name) in names.into_iter().enumerate() {
        for gateway in Gateway::ALL {
            let order = NewOrder {
                customer: name.to_owned(),
                ..new_order(&format!("main-{number}"))
            };
            let made = sim.api(gateway).create_order(&order).await;
            assert!(made.is_ok(), "{gateway} {name}: {made:?}");
        }
    }
}

/// Stripe's test cards pay nothing, so a test payment never counts for a live account.
#[tokio::test]
async fn a_look_up_ignores_payments_of_the_other_mode() {
    let sim = Sim::start().await;
    let id = made(&sim, Gateway::Stripe, "main-30").await;
    sim.pay(&id).await;
    let order = known("main-30", &id);
    let of_the_mode = sim.api(Gateway::Stripe).look_up(&order).await.unwrap();
    assert_eq!(of_the_mode.len(), 1);
    let settings = sim.settings("main").replace("false", "true");
    let live = gateways::Gateways::parse(&settings, limits()).unwrap();
    let api = live.of(&tests::gateways::main_shop(), Gateway::Stripe);
    let api = api.unwrap();
    let by_reference = KnownOrder {
        gateway_order_id: None,
        ..order.clone()
    };
    for order in [&order, &by_reference] {
        let error = api.look_up(order).await.unwrap_err();
        let GatewayError::Unreadable { reason, .. } = &error else {
            panic!("{error:?}");
        };
        assert!(reason.contains("livemode"), "{reason}");
    }
}

#[tokio::test]
async fn an_order_that_the_storefront_made_is_found_by_our_reference() {
    let sim = Sim::start().await;
    for gateway in Gateway::ALL {
        let id = made(&sim, gateway, "main-2").await;
        sim.pay(&id).await;
        let order = KnownOrder {
            reference: "main-2".to_owned(),
            gateway_order_id: None,
        };
        let found = sim.api(gateway).look_up(&order).await.unwrap();
        assert_eq!(found.len(), 1, "{gateway}");
        assert_eq!(found[0].kind, EventKind::Paid, "{gateway}");
        let unknown = KnownOrder {
            reference: "main-3".to_owned(),
            gateway_order_id: None,
        };
        assert_eq!(sim.api(gateway).look_up(&unknown).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_order_and_no_second_refund() {
    let sim = Sim::start().await;
    for gateway in Gateway::ALL {
        let trouble = json!({ "failures": 1, "answers_lost": 1 });
        sim.faults(gateway, &trouble).await;
        let refund = refund_of_paid(&sim, gateway, "main-4").await;
        assert_eq!(sim.known("orders", gateway).await.len(), 1, "{gateway}");

        sim.faults(gateway, &trouble).await;
        let again = NewRefund {
            sent_before: true,
            earlier_attempts: 1,
            ..refund.clone()
        };
        let sent = match sim.api(gateway).refund(&refund).await {
            // Stripe stores its 500 under the key of the first attempt
            Err(GatewayError::Busy { status: 500, .. }) if gateway == Gateway::Stripe => {
                sim.api(gateway).refund(&again).await.unwrap()
            }
            sent => sent.unwrap(),
        };
        assert_eq!(sim.api(gateway).refund(&again).await, Ok(sent));
        let refunds = sim.known("refunds", gateway).await;
        assert_eq!(refunds.len(), 1, "{gateway}: {refunds:?}");
        assert_eq!(refunds[0]["amount"], 2_345);
        let other = NewRefund {
            refund_id: Uuid::new_v4(),
            ..refund
        };
        sim.api(gateway).refund(&other).await.unwrap();
        assert_eq!(sim.known("refunds", gateway).await.len(), 2, "{gateway}");
    }
}

/// Stripe stores a refusal and a 500 under the key. Only another key makes another attempt.
#[tokio::test]
async fn a_refund_that_stripe_refused_is_retried_under_another_key_and_made_once() {
    let sim = Sim::start().await;
    let api = sim.api(Gateway::Stripe);
    let refund = refund_of_paid(&sim, Gateway::Stripe, "main-20").await;
    let blocking = NewRefund {
        refund_id: Uuid::new_v4(),
        amount_minor: AMOUNT,
        ..refund.clone()
    };
    sim.faults(Gateway::Stripe, &json!({ "refunds": "later" }))
        .await;
    let blocked_by = api.refund(&blocking).await.unwrap().gateway_refund_id;
    let refused = api.refund(&refund).await.unwrap_err();
    assert!(
        matches!(refused, GatewayError::Refused { .. }),
        "{refused:?}"
    );
    sim.end_refund(&blocked_by, "failed").await;
    // the refund could be made now, but the key already has its answer
    assert_eq!(api.refund(&refund).await, Err(refused));
    let attempt = |earlier_attempts| NewRefund {
        sent_before: true,
        earlier_attempts,
        ..refund.clone()
    };
    sim.faults(Gateway::Stripe, &json!({ "failures": 1 })).await;
    let failed = GatewayError::Busy {
        gateway: Gateway::Stripe,
        status: 500,
    };
    for _ in 0..2 {
        assert_eq!(
            api.refund(&NewRefund {
                refund_id: Uuid::nil(),
                ..refund.clone()
            })
            .await,
            Err(failed.clone())
        );
    }
    let made = api.refund(&attempt(1)).await.unwrap();
    for earlier_attempts in 1..9 {
        let again = api.refund(&attempt(earlier_attempts)).await.unwrap();
        assert_eq!(again.gateway_refund_id, made.gateway_refund_id);
    }
    let known = sim.known("refunds", Gateway::Stripe).await;
    assert_eq!(known.len(), 2, "{known:?}");
}

/// An attempt without an answer may still run at the gateway: nothing is sent beside it.
#[tokio::test]
async fn no_second_attempt_is_sent_while_the_first_may_still_run_at_stripe() {
    let sim = Sim::with(CallLimits {
        answer: Duration::from_millis(200),
        tries: 1,
        ..limits()
    })
    .await;
    let api = sim.api(Gateway::Stripe);
    let refund = refund_of_paid(&sim, Gateway::Stripe, "main-21").await;
    sim.faults(Gateway::Stripe, &json!({ "api": "hanging" }))
        .await;
    let lost = api.refund(&refund).await.unwrap_err();
    assert!(matches!(lost, GatewayError::Unavailable { .. }), "{lost:?}");
    let later = NewRefund {
        earlier_attempts: 3,
        ..refund.clone()
    };
    let at_work = api.refund(&later).await.unwrap_err();
    let busy = GatewayError::Busy {
        gateway: Gateway::Stripe,
        status: 409,
    };
    assert_eq!(at_work, busy);
    assert!(busy.passes());
    sim.faults(Gateway::Stripe, &json!({})).await;
    api.refund(&later).await.unwrap();
    assert_eq!(sim.known("refunds", Gateway::Stripe).await.len(), 1);
}

#[tokio::test]
async fn a_refund_is_pending_and_then_settled_or_failed() {
    let sim = Sim::start().await;
    for gateway in Gateway::ALL {
        sim.faults(gateway, &json!({ "refunds": "later" })).await;
        let api = sim.api(gateway);
        let refund = refund_of_paid(&sim, gateway, "main-5").await;
        let unknown = api.look_up_refund(&known_refund(&refund, None)).await;
        assert_eq!(unknown, Ok(None), "{gateway}");
        let sent = api.refund(&refund).await.unwrap();
        assert_eq!(sent.state, RefundState::Pending, "{gateway}");
        for (state, expected) in [
            ("settled", RefundState::Settled),
            ("failed", RefundState::Failed),
        ] {
            sim.end_refund(&sent.gateway_refund_id, state).await;
            for id in [None, Some(sent.gateway_refund_id.as_str())] {
                let found = api.look_up_refund(&known_refund(&refund, id)).await;
                let found = found.unwrap().unwrap();
                assert_eq!(found.state, expected, "{gateway}");
                assert_eq!(found.gateway_refund_id, sent.gateway_refund_id);
            }
        }
        let events = sim.events().await;
        let kinds = events
            .iter()
            .filter(|(_, event)| event.refund_id == Some(refund.refund_id));
        let kinds: Vec<EventKind> = kinds.map(|(_, event)| event.kind).collect();
        for kind in [EventKind::RefundSettled, EventKind::RefundFailed] {
            assert!(kinds.contains(&kind), "{gateway}: {events:?}");
        }
    }
}

#[tokio::test]
async fn a_refund_above_the_payment_is_refused_for_good() {
    let sim = Sim::start().await;
    for gateway in Gateway::ALL {
        let refund = refund_of_paid(&sim, gateway, "main-6").await;
        let excessive = NewRefund {
            amount_minor: AMOUNT + 1,
            ..refund
        };
        let error = sim.api(gateway).refund(&excessive).await.unwrap_err();
        assert!(matches!(error, GatewayError::Refused { .. }), "{error:?}");
        assert!(!error.passes());
        assert_eq!(
            sim.known("refunds", gateway).await,
            [] as [serde_json::Value; 0]
        );
    }
}

#[tokio::test]
async fn a_closed_order_can_not_be_paid_and_a_paid_order_can_not_be_closed() {
    let sim = Sim::start().await;
    for gateway in [Gateway::Cashfree, Gateway::Stripe] {
        let api = sim.api(gateway);
        let id = made(&sim, gateway, "main-7").await;
        for _ in 0..2 {
            let closed = api.close_order(&known("main-7", &id)).await;
            assert_eq!(closed, Ok(Closed::Closed), "{gateway}");
        }
        let attempt = json!({ "ending": "paid" });
        assert!(sim.try_to_pay(&id, &attempt).await.is_err(), "{gateway}");
        let id = made(&sim, gateway, "main-8").await;
        sim.faults(gateway, &json!({ "unclosable": true })).await;
        let closed = api.close_order(&known("main-8", &id)).await;
        assert_eq!(closed, Ok(Closed::StillOpen), "{gateway}");
        sim.faults(gateway, &json!({})).await;
        sim.pay(&id).await;
        let closed = api.close_order(&known("main-8", &id)).await;
        assert_eq!(closed, Ok(Closed::Paid), "{gateway}");
    }
    let id = made(&sim, Gateway::Razorpay, "main-7").await;
    let api = sim.api(Gateway::Razorpay);
    let closed = api.close_order(&known("main-7", &id)).await;
    assert_eq!(closed, Ok(Closed::Unsupported));
}

/// Cashfree makes one order for a reference, once and for all.
#[tokio::test]
async fn an_ended_order_at_cashfree_is_not_offered_again() {
    let sim = Sim::start().await;
    let api = sim.api(Gateway::Cashfree);
    let order = new_order("main-40");
    let first = api.create_order(&order).await.unwrap();
    assert_eq!(api.create_order(&order).await, Ok(first));
    let closed = api.close_order(&known("main-40", "main-40")).await;
    assert_eq!(closed, Ok(Closed::Closed));
    let paid = new_order("main-41");
    let id = made(&sim, Gateway::Cashfree, "main-41").await;
    sim.pay(&id).await;
    for (order, word) in [(order, "closed"), (paid, "paid")] {
        let error = api.create_order(&order).await.unwrap_err();
        let GatewayError::Unfit { reason, .. } = error else {
            panic!("{error:?}");
        };
        assert!(reason.contains(word), "{reason}");
    }
}

#[tokio::test]
async fn a_gateway_that_is_down_busy_or_silent_is_asked_again_later() {
    let sim = Sim::with(CallLimits {
        answer: Duration::from_millis(200),
        tries: 2,
        ..limits()
    })
    .await;
    for gateway in Gateway::ALL {
        for trouble in ["down", "busy", "hanging"] {
            sim.faults(gateway, &json!({ "api": trouble })).await;
            let answer = sim.api(gateway).create_order(&new_order("main-9")).await;
            let error = answer.unwrap_err();
            assert!(error.passes(), "{gateway} {trouble}: {error:?}");
        }
        sim.faults(gateway, &json!({})).await;
    }
}

#[tokio::test]
async fn no_error_contains_a_secret() {
    let sim = Sim::start().await;
    let url = &sim.url;
    let wrong = tests::gateways::configuration("main", url, "key", "swordfish");
    let gateways = gateways::Gateways::parse(&wrong, limits()).unwrap();
    for gateway in Gateway::ALL {
        let api = gateways.of(&tests::gateways::main_shop(), gateway).unwrap();
        let error = api.create_order(&new_order("main-10")).await.unwrap_err();
        assert_eq!(error, GatewayError::Unauthorized(gateway));
        let words = format!("{error} {error:?}");
        assert!(!words.contains("swordfish"), "{words}");
    }
}

#[tokio::test]
async fn each_part_at_razorpay_is_a_payment() {
    let sim = Sim::start().await;
    let id = made(&sim, Gateway::Razorpay, "main-11").await;
    for amount in [2_345, 10_000] {
        let part = json!({ "ending": "paid", "amount": amount });
        sim.try_to_pay(&id, &part).await.unwrap();
    }
    let api = sim.api(Gateway::Razorpay);
    let mut found = api.look_up(&known("main-11", &id)).await.unwrap();
    found.sort_by_key(|event| event.amount_minor);
    let amounts: Vec<_> = found.iter().map(|event| event.amount_minor).collect();
    assert_eq!(amounts, [Some(2_345), Some(10_000)]);
    assert_ne!(found[0].gateway_payment_id, found[1].gateway_payment_id);
}

/// Webhooks are lost, doubled, shuffled and sent under fresh ids. Each one that arrives is signed,
/// and its content is unchanged.
#[tokio::test]
async fn the_simulator_loses_doubles_and_shuffles_webhooks_as_told() {
    let sim = Sim::start().await;
    for gateway in Gateway::ALL {
        let id = made(&sim, gateway, "main-12").await;
        let faults = json!({ "webhooks": { "lost_percent": 100 } });
        sim.faults(gateway, &faults).await;
        let failed = json!({ "ending": "failed" });
        sim.try_to_pay(&id, &failed).await.unwrap();
        assert!(sim.events().await.is_empty(), "{gateway}");
        let faults = json!({ "webhooks": {
            "duplicates": 2, "fresh_ids": true, "shuffled": true,
        } });
        sim.faults(gateway, &faults).await;
        sim.pay(&id).await;
        let events = sim.events().await;
        let paid = events
            .iter()
            .filter(|(_, event)| event.kind == EventKind::Paid);
        let mut keys: Vec<&str> = paid.map(|(_, event)| event.key.as_str()).collect();
        assert_eq!(events.len() % 3, 0, "{gateway}: {events:?}");
        assert!(keys.len() >= 3, "{gateway}");
        keys.sort_unstable();
        let all = keys.len();
        keys.dedup();
        assert_eq!(keys.len() * 3, all, "{gateway}");
    }
}
