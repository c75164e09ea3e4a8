//! Cashfree's webhooks: their signature, and the meaning of each message. No process, no database.

use operations::payment::webhook::Forgery;
use operations::payment::{Event, EventKind, Gateway};
use proptest::prelude::*;
use serde_json::{Value, json};
use tests::cashfree::{payment, signature};
use tests::stack::root;
use tests::webhooks::{self, Headers};
use time::OffsetDateTime;

const NOW_MS: i64 = 1_795_255_222_512;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW_MS / 1000).unwrap()
}

fn event(body: &str) -> Event {
    try_event(body).unwrap()
}

fn try_event(body: &str) -> Result<Event, String> {
    webhooks::read(Gateway::Cashfree, body)
}

fn verify(
    secrets: &[&str],
    timestamp: &str,
    signature: &str,
    raw: &[u8],
    now: OffsetDateTime,
) -> Result<(), Forgery> {
    let headers = Headers::from([
        ("x-webhook-timestamp".to_owned(), timestamp.to_owned()),
        ("x-webhook-signature".to_owned(), signature.to_owned()),
    ]);
    let account = webhooks::account(Gateway::Cashfree, &json!(secrets));
    webhooks::verify(Gateway::Cashfree, &account, &headers, raw, now)
}

fn success(status: &str, amount: &str) -> String {
    payment(
        "PAYMENT_SUCCESS_WEBHOOK",
        status,
        "145",
        "dress-abc",
        amount,
    )
}

/// tests/fixtures/cashfree_signatures.py made these, with Python's hmac and Cashfree's library.
#[test]
fn signatures_of_other_implementations_are_accepted() {
    let path = root().join("tests/fixtures/cashfree_signatures.json");
    let text = std::fs::read_to_string(path).unwrap();
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(vectors.len() >= 4);
    for vector in vectors {
        let field = |name: &str| vector[name].as_str().unwrap();
        let (timestamp, body) = (field("timestamp"), field("body"));
        let signed_at: i64 = timestamp.parse().unwrap();
        let now = OffsetDateTime::from_unix_timestamp(signed_at / 1000).unwrap();
        let check = |secret: &str, body: &str| {
            verify(
                &[secret],
                timestamp,
                field("signature"),
                body.as_bytes(),
                now,
            )
        };
        assert_eq!(check(field("secret"), body), Ok(()), "{}", field("what"));
        assert!(check("another", body).is_err());
        // A body that is parsed and written again is another body.
        let again = serde_json::from_str::<Value>(body).unwrap().to_string();
        assert_eq!(check(field("secret"), &again).is_ok(), again == body);
    }
}

#[test]
fn a_timestamp_is_signed_and_at_most_a_day_away() {
    let day_ms = 86_400_000;
    for (timestamp, fits) in [
        (NOW_MS.to_string(), true),
        ((NOW_MS - day_ms + 2000).to_string(), true),
        ((NOW_MS - day_ms - 2000).to_string(), false),
        ((NOW_MS + day_ms + 2000).to_string(), false),
        ((NOW_MS / 1000).to_string(), false),
        ("0".to_owned(), false),
        ("-1".to_owned(), false),
        ("99999999999999999999".to_owned(), false),
        (format!("{NOW_MS}x"), false),
        (String::new(), false),
    ] {
        let signature = signature("s", &timestamp, b"{}");
        let verified = verify(&["s"], &timestamp, &signature, b"{}", now());
        assert_eq!(verified.is_ok(), fits, "{timestamp}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Scenario 28: one changed bit anywhere, or one byte more or fewer, changes the signature.
    #[test]
    fn a_changed_byte_is_refused(
        body in prop::collection::vec(any::<u8>(), 1..300),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
        secret in "[ -~]{1,40}",
    ) {
        let timestamp = NOW_MS.to_string();
        let signature = signature(&secret, &timestamp, &body);
        let secrets = ["previous", &secret];
        let check = |timestamp: &str, signature: &str, body: &[u8]| {
            verify(&secrets, timestamp, signature, body, now()).is_ok()
        };
        prop_assert!(check(&timestamp, &signature, &body));

        let mut changed = body.clone();
        changed[at.index(body.len())] ^= 1 << bit;
        prop_assert!(!check(&timestamp, &signature, &changed));
        prop_assert!(!check(&timestamp, &signature, &body[..at.index(body.len())]));
        let mut longer = body.clone();
        longer.insert(at.index(body.len()), bit);
        prop_assert!(!check(&timestamp, &signature, &longer));

        let mut other = signature.clone().into_bytes();
        let place = at.index(43);
        other[place] = if other[place] == b'A' { b'B' } else { b'A' };
        // The last base64 digit of 32 bytes has two unused bits: a change there may give invalid
        // base64.
        let other = String::from_utf8(other).unwrap();
        prop_assert!(!check(&timestamp, &other, &body));
        prop_assert!(!check(&timestamp, &signature[..at.index(44)], &body));
        prop_assert!(!check(&(NOW_MS + 1).to_string(), &signature, &body));
        // A digit moved from the timestamp into the body: the concatenated text is the same.
        let mut shifted = timestamp.as_bytes()[12..].to_vec();
        shifted.extend(&body);
        prop_assert!(!check(&timestamp[..12], &signature, &shifted));
    }
}

#[test]
fn the_status_decides_and_not_the_type_alone() {
    for (kind, status, meaning) in [
        ("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS", EventKind::Paid),
        ("PAYMENT_SUCCESS_WEBHOOK", "PENDING", EventKind::Pending),
        // nobody has tried to pay: it must not prolong the hold
        ("PAYMENT_SUCCESS_WEBHOOK", "NOT_ATTEMPTED", EventKind::Other),
        ("PAYMENT_SUCCESS_WEBHOOK", "FAILED", EventKind::Other),
        ("PAYMENT_SUCCESS_WEBHOOK", "success", EventKind::Other),
        ("PAYMENT_FAILED_WEBHOOK", "FAILED", EventKind::Failed),
        ("PAYMENT_FAILED_WEBHOOK", "SUCCESS", EventKind::Other),
        (
            "PAYMENT_USER_DROPPED_WEBHOOK",
            "USER_DROPPED",
            EventKind::Dropped,
        ),
        ("PAYMENT_USER_DROPPED_WEBHOOK", "SUCCESS", EventKind::Other),
    ] {
        let body = payment(kind, status, "145", "dress-abc", "2");
        assert_eq!(event(&body).kind, meaning, "{kind} {status}");
    }
}

#[test]
fn an_amount_is_exact_and_that_of_the_order() {
    for (amount, minor) in [
        ("170", 17_000),
        ("170.0", 17_000),
        ("170.00", 17_000),
        ("1.7e2", 17_000),
        ("1.7E+2", 17_000),
        ("0.29", 29),
        ("76499.1", 7_649_910),
        ("1000000000.01", 100_000_000_001),
        ("\"170.00\"", 17_000),
    ] {
        // payment_amount is 1 in all of them: a gateway's offer does not change our total.
        assert_eq!(
            event(&success("SUCCESS", amount)).amount_minor,
            Some(minor),
            "{amount}"
        );
    }
    for amount in [
        "170.001", "-170", "null", "\"\"", "\"NaN\"", "[170]", "1e400", "true",
    ] {
        // Not an error: the money is there, and a person must see it.
        let paid = event(&success("SUCCESS", amount));
        assert_eq!(
            (paid.kind, paid.amount_minor),
            (EventKind::Paid, None),
            "{amount}"
        );
    }
}

#[test]
fn a_payment_id_is_a_string_or_a_number() {
    let as_text = success("SUCCESS", "170");
    let as_number = as_text.replace("\"145\"", "145");
    assert_ne!(as_text, as_number);
    for body in [as_text.clone(), as_number] {
        let event = event(&body);
        assert_eq!(event.gateway_payment_id.as_deref(), Some("145"));
        assert_eq!(event.key, "PAYMENT_SUCCESS_WEBHOOK:145:SUCCESS:dress-abc");
        assert_eq!(event.payload, body);
    }
    // Longer than a float can hold: the number stays text until it is compared.
    let long = as_text.replace("\"145\"", "51149170392911234567");
    assert_eq!(
        event(&long).gateway_payment_id.as_deref(),
        Some("51149170392911234567")
    );
    for none in ["null", "\"\""] {
        assert!(try_event(&as_text.replace("\"145\"", none)).is_err());
    }
}

#[test]
fn an_unused_member_may_be_null_missing_or_new() {
    for (from, to) in [
        ("\"auth_id\":null", "\"auth_id\":\"null\""),
        ("\"order_tags\":null", "\"order_tags\":{\"a\":\"b\"}"),
        ("\"customer_id\":null,", ""),
        (
            "\"payment_group\":\"upi\"",
            "\"payment_group\":null,\"payment_method\":{\"upi\":{}}",
        ),
        (
            "\"data\":{",
            "\"data\":{\"payment_offers\":null,\"error_details\":{\"error_code\":\"X\"},",
        ),
    ] {
        let body = success("SUCCESS", "170.00");
        let changed = body.replace(from, to);
        assert_ne!(changed, body, "{from}");
        assert_eq!(event(&changed).kind, EventKind::Paid, "{to}");
    }
    let dropped = json!({
        "type": "PAYMENT_USER_DROPPED_WEBHOOK",
        "data": {
            "order": { "order_id": "dress-abc", "order_amount": 2, "order_currency": "INR" },
            "payment": { "cf_payment_id": 145, "payment_status": "USER_DROPPED" },
        },
    });
    assert_eq!(event(&dropped.to_string()).kind, EventKind::Dropped);
}

/// A retry of an event has the same key. Another attempt or another status has another key.
#[test]
fn a_key_names_one_event() {
    let key = |kind: &str, status: &str, attempt: &str| {
        event(&payment(kind, status, attempt, "dress-abc", "2")).key
    };
    let dropped = key("PAYMENT_USER_DROPPED_WEBHOOK", "USER_DROPPED", "1");
    let paid = key("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS", "1");
    let pending = key("PAYMENT_SUCCESS_WEBHOOK", "PENDING", "1");
    let second = key("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS", "2");
    let keys = std::collections::BTreeSet::from([&dropped, &paid, &pending, &second]);
    assert_eq!(keys.len(), 4);
    assert_eq!(paid, key("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS", "1"));
}

#[test]
fn other_event_types_are_stored_and_mean_nothing() {
    for kind in [
        "SETTLEMENT_INITIATED",
        "DISPUTE_UPDATED",
        "DISPUTE_CLOSED",
        "PAYMENT_CHARGES_WEBHOOK",
        // with another shape than the documented one
        "AUTO_REFUND_STATUS_WEBHOOK",
        "PAYMENT_",
        "PAYMENT_SUCCESS_WEBHOOK_2",
        "",
        "PAYMENT_é",
    ] {
        let refund =
            json!({ "refund": { "cf_refund_id": 11, "cf_payment_id": 5_114, "order_id": "x" } });
        let body = json!({ "type": kind, "data": refund, "event_time": "2026-11-21" }).to_string();
        let first = event(&body);
        assert_eq!(
            (first.kind, first.reference.as_ref()),
            (EventKind::Other, None),
            "{kind}"
        );
        assert_eq!(first.key, event(&body).key);
        assert_ne!(first.key, event(&body.replace("11", "12")).key);
        assert_eq!(first.payload, body);
    }
}

#[test]
fn an_unreadable_event_says_why() {
    let paid = success("SUCCESS", "2");
    for (body, word) in [
        (
            "not json".to_owned(),
            "not a JSON object (line 1, column 2)",
        ),
        ("[]".to_owned(), "not a JSON object"),
        ("{}".to_owned(), "type is missing"),
        (
            "{\"type\":7,\"data\":{}}".to_owned(),
            "type is missing, or no text",
        ),
        (
            paid.replace("\"data\"", "\"date\""),
            "data is missing, or no object",
        ),
        (
            paid.replace("\"order\"", "\"ordre\""),
            "data.order is missing, or no object",
        ),
        (
            paid.replace("\"order_id\"", "\"other_id\""),
            "data.order.order_id is missing, or no id",
        ),
        (
            paid.replace("\"payment_status\"", "\"state\""),
            "data.payment.payment_status is missing, or no id",
        ),
    ] {
        let error = try_event(&body).unwrap_err();
        assert!(error.contains(word), "{word}: {error}");
        // No personal data of the body is in the log.
        assert!(!error.contains("dress-abc"), "{error}");
    }
}
