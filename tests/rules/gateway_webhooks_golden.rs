//! Webhooks that the gateways' own client libraries made or accepted (tests/fixtures/webhooks): our
//! adapters accept them and read the meaning in the table below.

use std::collections::{BTreeMap, BTreeSet};

use operations::payment::EventKind::{
    DisputeLost, Disputed, Dropped, Failed, Other, Paid, Pending, RefundFailed, RefundPending,
    RefundSettled,
};
use operations::payment::{Event, EventKind, Gateway};
use serde_json::{Value, json};
use tests::golden::{GOLDEN, golden};
use tests::webhooks::{account, read, verify};

const REFERENCE: &str = "dress-06e7bd4x0hzh";
const TOTAL: i64 = 12_499_900;

/// The meaning of each webhook: its kind, and its amount if it has one.
const MEANINGS: [(&str, EventKind, Option<i64>); 77] = [
    (
        "cashfree/2023-08-01-auto_refund",
        RefundSettled,
        Some(TOTAL),
    ),
    (
        "cashfree/2023-08-01-auto_refund_without_order",
        RefundSettled,
        Some(TOTAL),
    ),
    (
        "cashfree/2023-08-01-dispute_closed",
        DisputeLost,
        Some(TOTAL),
    ),
    ("cashfree/2023-08-01-dispute_created", Disputed, Some(TOTAL)),
    ("cashfree/2023-08-01-dropped", Dropped, Some(TOTAL)),
    ("cashfree/2023-08-01-failed", Failed, Some(TOTAL)),
    ("cashfree/2023-08-01-paid", Paid, Some(TOTAL)),
    ("cashfree/2023-08-01-paid_number_as_id", Paid, Some(TOTAL)),
    (
        "cashfree/2023-08-01-paid_other_amount",
        Paid,
        Some(TOTAL - 100),
    ),
    ("cashfree/2023-08-01-paid_other_currency", Paid, Some(TOTAL)),
    ("cashfree/2023-08-01-paid_pending", Pending, Some(TOTAL)),
    ("cashfree/2023-08-01-paid_with_offer", Paid, Some(TOTAL)),
    (
        "cashfree/2023-08-01-refund_cancelled",
        RefundFailed,
        Some(TOTAL),
    ),
    (
        "cashfree/2023-08-01-refund_onhold",
        RefundPending,
        Some(TOTAL),
    ),
    (
        "cashfree/2023-08-01-refund_pending",
        RefundPending,
        Some(TOTAL),
    ),
    (
        "cashfree/2023-08-01-refund_success",
        RefundSettled,
        Some(TOTAL),
    ),
    (
        "cashfree/2023-08-01-refund_success_part",
        RefundSettled,
        Some(4_499_900),
    ),
    ("cashfree/2023-08-01-settlement", Other, None),
    (
        "cashfree/2025-01-01-auto_refund",
        RefundSettled,
        Some(TOTAL),
    ),
    (
        "cashfree/2025-01-01-auto_refund_without_order",
        RefundSettled,
        Some(TOTAL),
    ),
    (
        "cashfree/2025-01-01-dispute_closed",
        DisputeLost,
        Some(TOTAL),
    ),
    ("cashfree/2025-01-01-dispute_created", Disputed, Some(TOTAL)),
    ("cashfree/2025-01-01-dropped", Dropped, Some(TOTAL)),
    ("cashfree/2025-01-01-failed", Failed, Some(TOTAL)),
    ("cashfree/2025-01-01-paid", Paid, Some(TOTAL)),
    ("cashfree/2025-01-01-paid_number_as_id", Paid, Some(TOTAL)),
    (
        "cashfree/2025-01-01-paid_other_amount",
        Paid,
        Some(TOTAL - 100),
    ),
    ("cashfree/2025-01-01-paid_other_currency", Paid, Some(TOTAL)),
    ("cashfree/2025-01-01-paid_pending", Pending, Some(TOTAL)),
    ("cashfree/2025-01-01-paid_with_offer", Paid, Some(TOTAL)),
    (
        "cashfree/2025-01-01-refund_cancelled",
        RefundFailed,
        Some(TOTAL),
    ),
    (
        "cashfree/2025-01-01-refund_onhold",
        RefundPending,
        Some(TOTAL),
    ),
    (
        "cashfree/2025-01-01-refund_pending",
        RefundPending,
        Some(TOTAL),
    ),
    (
        "cashfree/2025-01-01-refund_success",
        RefundSettled,
        Some(TOTAL),
    ),
    (
        "cashfree/2025-01-01-refund_success_part",
        RefundSettled,
        Some(4_499_900),
    ),
    ("cashfree/2025-01-01-settlement", Other, None),
    ("stripe/charge_refunded", Other, None),
    ("stripe/charge_refunded_part", Other, None),
    ("stripe/dispute_closed", DisputeLost, Some(TOTAL)),
    ("stripe/dispute_created", Disputed, Some(TOTAL)),
    (
        "stripe/intent_amount_capturable_updated",
        Pending,
        Some(TOTAL),
    ),
    ("stripe/intent_canceled", Dropped, Some(TOTAL)),
    ("stripe/intent_payment_failed", Failed, Some(TOTAL)),
    ("stripe/intent_processing", Pending, Some(TOTAL)),
    ("stripe/intent_succeeded", Paid, Some(TOTAL)),
    ("stripe/intent_succeeded_livemode", Paid, Some(TOTAL)),
    (
        "stripe/intent_succeeded_other_amount",
        Paid,
        Some(TOTAL - 100),
    ),
    ("stripe/intent_succeeded_other_currency", Paid, Some(TOTAL)),
    ("stripe/intent_succeeded_two_secrets", Paid, Some(TOTAL)),
    (
        "stripe/intent_succeeded_without_metadata",
        Paid,
        Some(TOTAL),
    ),
    ("stripe/payout_paid", Other, None),
    ("stripe/refund_created", RefundPending, Some(TOTAL)),
    ("stripe/refund_failed", RefundFailed, Some(TOTAL)),
    (
        "stripe/refund_updated_succeeded",
        RefundSettled,
        Some(TOTAL),
    ),
    (
        "stripe/refund_updated_succeeded_part",
        RefundSettled,
        Some(4_499_900),
    ),
    ("stripe/session_async_payment_failed", Failed, Some(TOTAL)),
    ("stripe/session_async_payment_succeeded", Paid, Some(TOTAL)),
    ("stripe/session_completed_paid", Paid, Some(TOTAL)),
    ("stripe/session_completed_unpaid", Pending, Some(TOTAL)),
    ("stripe/session_expired", Dropped, Some(TOTAL)),
    ("stripe/thin_event", Other, None),
    ("razorpay/dispute_created", Disputed, Some(TOTAL)),
    ("razorpay/dispute_lost", DisputeLost, Some(TOTAL)),
    ("razorpay/order_paid", Paid, Some(TOTAL)),
    ("razorpay/payment_authorized", Pending, Some(TOTAL)),
    ("razorpay/payment_captured", Paid, Some(TOTAL)),
    (
        "razorpay/payment_captured_other_amount",
        Paid,
        Some(TOTAL - 100),
    ),
    (
        "razorpay/payment_captured_other_currency",
        Paid,
        Some(TOTAL),
    ),
    ("razorpay/payment_captured_without_notes", Paid, Some(TOTAL)),
    ("razorpay/payment_failed", Failed, Some(TOTAL)),
    ("razorpay/payment_failed_said_captured", Failed, Some(TOTAL)),
    ("razorpay/refund_created", RefundPending, Some(TOTAL)),
    ("razorpay/refund_failed", RefundFailed, Some(TOTAL)),
    ("razorpay/refund_processed", RefundSettled, Some(TOTAL)),
    (
        "razorpay/refund_processed_part",
        RefundSettled,
        Some(4_499_900),
    ),
    ("razorpay/refund_speed_changed", Other, None),
    ("razorpay/settlement_processed", Other, None),
];

fn event(name: &str) -> Event {
    let golden = golden(name);
    read(golden.gateway, &golden.body).unwrap_or_else(|why| panic!("{name}: {why}"))
}

#[test]
fn webhooks_that_the_gateways_libraries_sign_or_accept_are_accepted() {
    let mut by_gateway = BTreeMap::new();
    for golden in GOLDEN.iter() {
        let name = &golden.name;
        assert!(golden.library.did.contains("verified"), "{name}");
        let check = |secrets: Value, body: &str| {
            let account = account(golden.gateway, &secrets);
            let (headers, raw) = (&golden.headers, body.as_bytes());
            verify(golden.gateway, &account, headers, raw, golden.now())
        };
        // Each secret is enough alone, and also behind a newer one.
        for secret in &golden.secrets {
            assert_eq!(check(json!([secret]), &golden.body), Ok(()), "{name}");
            assert_eq!(
                check(json!(["newer", secret]), &golden.body),
                Ok(()),
                "{name}"
            );
        }
        assert!(check(json!(["another"]), &golden.body).is_err(), "{name}");
        // A body that is parsed and written again is another body.
        let again: Value = serde_json::from_str(&golden.body).unwrap();
        let again = again.to_string();
        assert_ne!(again, golden.body, "{name}");
        assert!(check(json!(golden.secrets), &again).is_err(), "{name}");
        *by_gateway.entry(golden.gateway).or_insert(0) += 1;
    }
    for gateway in Gateway::ALL {
        assert!(by_gateway[&gateway] >= 10, "{by_gateway:?}");
    }
}

#[test]
fn each_type_of_event_means_what_the_table_says() {
    let known: BTreeSet<&str> = MEANINGS.iter().map(|(name, ..)| *name).collect();
    let there: BTreeSet<&str> = GOLDEN.iter().map(|golden| golden.name.as_str()).collect();
    assert_eq!(known, there);
    for (name, kind, amount_minor) in MEANINGS {
        if name == "stripe/thin_event" {
            // refused before it is read, see below
            continue;
        }
        let event = event(name);
        assert_eq!(
            (event.kind, event.amount_minor),
            (kind, amount_minor),
            "{name}"
        );
        assert_eq!(event.payload, golden(name).body, "{name}");
        if kind == Other {
            continue;
        }
        let currency = if name.ends_with("_other_currency") {
            "USD"
        } else {
            "INR"
        };
        assert_eq!(event.currency.as_deref(), Some(currency), "{name}");
        assert!(event.gateway_payment_id.is_some(), "{name}");
        // Stripe's disputes carry no notes of the payment, and some payments carry none.
        let nameless = name.contains("_without_") || name.starts_with("stripe/dispute_");
        let reference = (!nameless).then_some(REFERENCE);
        assert_eq!(event.reference.as_deref(), reference, "{name}");
        let is_refund = matches!(kind, RefundPending | RefundSettled | RefundFailed);
        assert_eq!(event.gateway_refund_id.is_some(), is_refund, "{name}");
    }
}

/// Two events of one payment: the pair (gateway, gateway_payment_id) counts once.
#[test]
fn two_events_of_one_payment_are_about_one_capture() {
    for (one, other) in [
        ("stripe/session_completed_paid", "stripe/intent_succeeded"),
        (
            "stripe/session_completed_paid",
            "stripe/session_async_payment_succeeded",
        ),
        ("razorpay/payment_captured", "razorpay/order_paid"),
        ("cashfree/2023-08-01-paid", "cashfree/2025-01-01-paid"),
    ] {
        let (a, b) = (event(one), event(other));
        assert_eq!((a.kind, b.kind), (Paid, Paid), "{one} {other}");
        assert!(a.gateway_payment_id.is_some(), "{one}");
        assert_eq!(a.gateway_payment_id, b.gateway_payment_id, "{one} {other}");
        assert_eq!(a.amount_minor, b.amount_minor, "{one} {other}");
        assert_eq!(a.currency, b.currency, "{one} {other}");
    }
    // Later events about the money name the same payment.
    for (of, paid) in [
        ("stripe/refund_updated_succeeded", "stripe/intent_succeeded"),
        ("stripe/dispute_created", "stripe/intent_succeeded"),
        ("razorpay/refund_processed", "razorpay/payment_captured"),
        ("razorpay/dispute_created", "razorpay/payment_captured"),
        (
            "cashfree/2025-01-01-refund_success",
            "cashfree/2025-01-01-paid",
        ),
        (
            "cashfree/2025-01-01-dispute_created",
            "cashfree/2025-01-01-paid",
        ),
    ] {
        let (of, paid) = (event(of), event(paid));
        assert_eq!(of.gateway_payment_id, paid.gateway_payment_id);
    }
}

#[test]
fn one_fact_has_one_key_and_two_facts_have_two() {
    // Another version of Cashfree's webhook, or a second event id of Stripe's, is the same fact.
    let (old, new) = (
        event("cashfree/2023-08-01-paid"),
        event("cashfree/2025-01-01-paid"),
    );
    assert_eq!(old.key, new.key);
    let body = &golden("stripe/intent_succeeded").body;
    let parsed: Value = serde_json::from_str(body).unwrap();
    let again = body.replace(parsed["id"].as_str().unwrap(), "evt_another");
    assert_ne!(&again, body);
    let key = read(Gateway::Stripe, &again).unwrap().key;
    assert_eq!(key, event("stripe/intent_succeeded").key);
    // Each message that means nothing to us is a fact of its own.
    let body = &golden("stripe/payout_paid").body;
    let parsed: Value = serde_json::from_str(body).unwrap();
    let again = body.replace(parsed["id"].as_str().unwrap(), "evt_another");
    let key = read(Gateway::Stripe, &again).unwrap().key;
    assert_ne!(key, event("stripe/payout_paid").key);

    let names = [
        "stripe/session_completed_unpaid",
        "stripe/session_completed_paid",
        "stripe/session_async_payment_succeeded",
        "stripe/session_async_payment_failed",
        "stripe/intent_processing",
        "stripe/intent_succeeded",
        "stripe/refund_created",
        "stripe/refund_updated_succeeded",
        "stripe/refund_failed",
        "razorpay/payment_authorized",
        "razorpay/payment_captured",
        "razorpay/order_paid",
        "razorpay/payment_failed",
        "razorpay/refund_created",
        "razorpay/refund_processed",
        "cashfree/2025-01-01-paid",
        "cashfree/2025-01-01-paid_pending",
        "cashfree/2025-01-01-refund_pending",
        "cashfree/2025-01-01-refund_success",
    ];
    let keys: BTreeSet<String> = names.iter().map(|name| event(name).key).collect();
    assert_eq!(keys.len(), names.len(), "{keys:#?}");
}

#[test]
fn stripes_events_of_the_other_mode_and_thin_events_are_refused() {
    let admit = |settings: Value, body: &str| {
        let account = account(Gateway::Stripe, &settings);
        let admitted = Gateway::Stripe.adapter().admit(&account, body.as_bytes());
        admitted.map_err(|refusal| refusal.to_string())
    };
    let live = &golden("stripe/intent_succeeded_livemode").body;
    let test = &golden("stripe/intent_succeeded").body;
    // Live mode is the default.
    assert_eq!(admit(json!(["s"]), live), Ok(()));
    assert_eq!(
        admit(json!({ "secrets": ["s"], "live": true }), live),
        Ok(())
    );
    assert_eq!(
        admit(json!({ "secrets": ["s"], "live": false }), test),
        Ok(())
    );
    for (settings, body, said) in [
        (
            json!(["s"]),
            test,
            "livemode: is false, and this deployment takes the live mode",
        ),
        (
            json!({ "secrets": ["s"], "live": false }),
            live,
            "livemode: is true, and this deployment takes the test mode",
        ),
        (
            json!(["s"]),
            &live.replace("\"livemode\"", "\"livemood\""),
            "livemode: is missing",
        ),
        (
            json!(["s"]),
            &golden("stripe/thin_event").body,
            "object: is a thin event, which says too little: send this endpoint snapshot events",
        ),
        (json!(["s"]), &"{}".to_owned(), "object: is not `event`"),
        (json!(["s"]), &"[]".to_owned(), "body: is not a JSON object"),
    ] {
        assert_eq!(admit(settings, body), Err(said.to_owned()));
    }
    // The other gateways' messages don't say their mode: there is nothing to refuse.
    for gateway in [Gateway::Cashfree, Gateway::Razorpay] {
        let account = account(gateway, &json!(["s"]));
        assert_eq!(gateway.adapter().admit(&account, b"anything"), Ok(()));
    }
}
