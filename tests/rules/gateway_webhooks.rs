//! Webhooks of every gateway: forged, changed, and with unexpected content.

use std::time::Duration;

use operations::payment::webhook::Forgery;
use operations::payment::{Account, EventKind, Gateway};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tests::golden::{GOLDEN, Golden, golden};
use tests::webhooks::{self, Headers, account, queued, read, signed, verify};
use uuid::Uuid;

/// The header with the signature.
fn signature_of(gateway: Gateway) -> &'static str {
    match gateway {
        Gateway::Cashfree => "x-webhook-signature",
        Gateway::Stripe => "stripe-signature",
        Gateway::Razorpay => "x-razorpay-signature",
    }
}

/// The headers whose every byte is verified.
fn verified_headers(gateway: Gateway) -> &'static [&'static str] {
    match gateway {
        Gateway::Cashfree => &["x-webhook-signature", "x-webhook-timestamp"],
        Gateway::Stripe => &["stripe-signature"],
        Gateway::Razorpay => &["x-razorpay-signature"],
    }
}

fn first_secret(golden: &Golden) -> Account {
    account(golden.gateway, &json!([golden.secrets[0]]))
}

/// A webhook with one signature. With two signatures, either may be damaged and the other still
/// verifies.
fn any_golden() -> impl Strategy<Value = &'static Golden> {
    let single: Vec<&Golden> = GOLDEN
        .iter()
        .filter(|golden| golden.secrets.len() == 1)
        .collect();
    prop::sample::select(single)
}

fn flipped(bytes: &[u8], at: Index, bit: u8) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    let place = at.index(bytes.len());
    changed[place] ^= 1 << bit;
    changed
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Scenario 28: one changed bit anywhere in the body, one byte more or fewer, or a moved byte.
    #[test]
    fn a_changed_body_is_refused(
        golden in any_golden(), at in any::<Index>(), to in any::<Index>(), bit in 0..8_u8,
    ) {
        let account = first_secret(golden);
        let passes = |raw: &[u8]| {
            verify(golden.gateway, &account, &golden.headers, raw, golden.now()).is_ok()
        };
        let body = golden.body.as_bytes();
        prop_assert!(passes(body));
        prop_assert!(!passes(&flipped(body, at, bit)));
        prop_assert!(!passes(&body[..at.index(body.len())]));
        prop_assert!(!passes(&body[at.index(body.len()) + 1..]));
        let mut longer = body.to_vec();
        longer.insert(at.index(body.len() + 1), b' ');
        prop_assert!(!passes(&longer));
        let mut swapped = body.to_vec();
        swapped.swap(at.index(body.len()), to.index(body.len()));
        prop_assert!(swapped == body || !passes(&swapped));
        prop_assert!(!passes(b""));
    }

    /// Scenario 28: verified headers with one changed bit, cut short, extended, missing, or of
    /// another webhook.
    #[test]
    fn a_changed_header_is_refused(
        golden in any_golden(), other in any_golden(), at in any::<Index>(), bit in 0..7_u8,
    ) {
        let account = first_secret(golden);
        let passes = |name: &str, value: Option<String>| {
            let mut headers = golden.headers.clone();
            match value {
                Some(value) => headers.insert(name.to_owned(), value),
                None => headers.remove(name),
            };
            let raw = golden.body.as_bytes();
            verify(golden.gateway, &account, &headers, raw, golden.now()).is_ok()
        };
        for name in verified_headers(golden.gateway) {
            let value = &golden.headers[*name];
            prop_assert!(passes(name, Some(value.clone())));
            prop_assert!(!passes(name, None));
            prop_assert!(!passes(name, Some(String::new())));
            let changed = String::from_utf8(flipped(value.as_bytes(), at, bit)).unwrap();
            prop_assert!(!passes(name, Some(changed.clone())), "{name}: {changed}");
            let short = value[..at.index(value.len())].to_owned();
            prop_assert!(!passes(name, Some(short)));
            let longer = format!("{value}0");
            prop_assert!(!passes(name, Some(longer)));
            let spaced = format!(" {value}");
            prop_assert!(!passes(name, Some(spaced)));
        }
        let name = signature_of(golden.gateway);
        if let Some(foreign) = other.headers.get(name).filter(|_| other.body != golden.body) {
            prop_assert!(!passes(name, Some(foreign.clone())));
        }
    }

    /// Scenario 28: a webhook of one gateway is refused on the path of another, even where the shop
    /// has the same secret at both and the signature has the other gateway's header name.
    #[test]
    fn a_webhook_of_one_gateway_is_refused_by_every_other(golden in any_golden()) {
        for gateway in Gateway::ALL.into_iter().filter(|gateway| *gateway != golden.gateway) {
            let account = account(gateway, &json!([golden.secrets[0]]));
            let raw = golden.body.as_bytes();
            let passes = |headers: &Headers| {
                verify(gateway, &account, headers, raw, golden.now()).is_ok()
            };
            prop_assert!(!passes(&golden.headers));
            let mut dressed = golden.headers.clone();
            let signature = golden.headers[signature_of(golden.gateway)].clone();
            dressed.insert(signature_of(gateway).to_owned(), signature);
            let millis = (golden.now().unix_timestamp() * 1000).to_string();
            dressed.insert("x-webhook-timestamp".to_owned(), millis);
            prop_assert!(!passes(&dressed));
        }
    }

    /// No body makes a parser panic, and no error contains personal data from the body.
    #[test]
    fn any_bytes_are_an_event_or_a_clear_error(
        gateway in prop::sample::select(Gateway::ALL.to_vec()),
        golden in any_golden(), at in any::<Index>(), bit in 0..8_u8,
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let body = golden.body.as_bytes();
        for raw in [&noise, &flipped(body, at, bit), &body[..at.index(body.len())].to_vec()] {
            if let Err(error) = queued(gateway, &Headers::new(), raw).event() {
                let error = error.to_string();
                prop_assert!(!error.is_empty() && error.len() < 300, "{error}");
                prop_assert!(!error.to_lowercase().contains("meera"), "{error}");
            }
        }
    }

    /// Real bodies in which one member has another type, is missing, appears twice, or is deep or
    /// huge. Money counts only where every member that it depends on is intact.
    #[test]
    fn a_body_with_an_unexpected_member_is_an_event_or_a_clear_error(
        golden in any_golden(), at in any::<Index>(), strange in strange(),
    ) {
        let mut body: Value = serde_json::from_str(&golden.body).unwrap();
        let before = read(golden.gateway, &golden.body);
        let mut paths = Vec::new();
        pointers(&body, String::new(), &mut paths);
        let path = &paths[at.index(paths.len())];
        *body.pointer_mut(path).unwrap() = json!("PLACE OF THE STRANGE");
        let text = body.to_string().replace("\"PLACE OF THE STRANGE\"", &strange);
        match read(golden.gateway, &text) {
            Ok(event) => {
                prop_assert_eq!(&event.payload, &text);
                prop_assert!(event.key.len() <= 1100 && event.key.is_ascii(), "{}", event.key);
                prop_assert!(event.amount_minor.is_none_or(|minor| minor >= 0));
                prop_assert!(event.currency.is_none_or(|code| code.len() == 3));
                for id in [&event.reference, &event.gateway_payment_id, &event.gateway_order_id] {
                    let is_one = |id: &String| id.bytes().all(|byte| byte.is_ascii_graphic());
                    prop_assert!(id.as_ref().is_none_or(is_one), "{id:?}");
                }
                if event.kind == EventKind::Paid {
                    // No changed member turns an event without money into a payment.
                    prop_assert_eq!(before.unwrap().kind, EventKind::Paid);
                    prop_assert!(event.gateway_payment_id.is_some());
                }
            }
            Err(error) => prop_assert!(error.len() < 300 && !error.contains("STRANGE"), "{error}"),
        }
    }
}

/// The replacements of a member, as JSON text.
fn strange() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("\"\"".to_owned()),
        Just("\"null\"".to_owned()),
        Just("-1".to_owned()),
        Just("1e400".to_owned()),
        Just("0.1".to_owned()),
        Just("99999999999999999999999999999999".to_owned()),
        Just("\"\\u0000\\ud83d\\ude4f\"".to_owned()),
        Just(format!("\"{}\"", "9".repeat(5000))),
        Just(format!("{}{}", "[".repeat(400), "]".repeat(400))),
        Just(format!("{}1{}", "{\"id\":".repeat(400), "}".repeat(400))),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| json!(number).to_string()),
        ".*".prop_map(|text| json!(text).to_string()),
    ]
}

/// The path of every member, without the root.
fn pointers(value: &Value, path: String, found: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(number, item)| (number.to_string(), item))
            .collect(),
        _ => Vec::new(),
    };
    for (name, member) in members {
        pointers(member, format!("{path}/{name}"), found);
    }
    if !path.is_empty() {
        found.push(path);
    }
}

#[test]
fn a_signed_time_is_at_most_as_old_as_the_account_allows() {
    use Forgery::{Future, Old};
    // seconds between the signature and the arrival
    for (name, settings, after_s, expected) in [
        ("stripe/intent_succeeded", json!({}), 300, Ok(())),
        ("stripe/intent_succeeded", json!({}), 301, Err(Old)),
        // like the official libraries: a clock ahead of ours is no forgery
        ("stripe/intent_succeeded", json!({}), -100_000, Ok(())),
        (
            "stripe/intent_succeeded",
            json!({ "tolerance_s": 10 }),
            10,
            Ok(()),
        ),
        (
            "stripe/intent_succeeded",
            json!({ "tolerance_s": 10 }),
            11,
            Err(Old),
        ),
        ("cashfree/2025-01-01-paid", json!({}), 86_400, Ok(())),
        ("cashfree/2025-01-01-paid", json!({}), 86_401, Err(Old)),
        ("cashfree/2025-01-01-paid", json!({}), -86_400, Ok(())),
        ("cashfree/2025-01-01-paid", json!({}), -86_401, Err(Future)),
        (
            "cashfree/2025-01-01-paid",
            json!({ "tolerance_s": 3600 }),
            3601,
            Err(Old),
        ),
        // this gateway signs no time: an old webhook is accepted like a new one, and has one effect
        ("razorpay/payment_captured", json!({}), 31_536_000, Ok(())),
    ] {
        let golden = golden(name);
        let mut settings = settings;
        settings["secrets"] = json!(golden.secrets);
        let account = account(golden.gateway, &settings);
        let now = golden.now() + time::Duration::seconds(after_s);
        let raw = golden.body.as_bytes();
        let verified = verify(golden.gateway, &account, &golden.headers, raw, now);
        assert_eq!(verified, expected, "{name} after {after_s} s");
    }
}

/// A secret is replaced: first both are configured, then the gateway signs with the new one (Stripe
/// with both for a while), then the old one is removed. No webhook is refused meanwhile.
#[test]
fn a_secret_is_replaced_without_a_refused_webhook() {
    let now = time::OffsetDateTime::from_unix_timestamp(1_795_255_222).unwrap();
    for gateway in Gateway::ALL {
        let by = |secret: &str| signed(gateway, secret, b"{}", now + Duration::from_secs(0));
        let check = |secrets: Value, headers: &Headers| {
            verify(gateway, &account(gateway, &secrets), headers, b"{}", now)
        };
        assert_eq!(check(json!(["old"]), &by("old")), Ok(()));
        assert_eq!(check(json!(["new", "old"]), &by("old")), Ok(()));
        assert_eq!(check(json!(["new", "old"]), &by("new")), Ok(()));
        assert_eq!(check(json!(["new"]), &by("new")), Ok(()));
        assert_eq!(check(json!(["new"]), &by("old")), Err(Forgery::Mismatch));
        let ten: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        assert_eq!(check(json!(ten), &by("9")), Ok(()));
    }
}

#[test]
fn stripes_header_has_one_time_and_one_or_more_signatures() {
    let golden = golden("stripe/intent_succeeded_two_secrets");
    let header = golden.headers["stripe-signature"].as_str();
    let (time, signatures) = header.split_once(',').unwrap();
    let account = account(Gateway::Stripe, &json!([golden.secrets[1]]));
    let passes = |header: String| {
        let headers = Headers::from([("stripe-signature".to_owned(), header)]);
        verify(
            Gateway::Stripe,
            &account,
            &headers,
            golden.body.as_bytes(),
            golden.now(),
        )
        .is_ok()
    };
    assert!(passes(header.to_owned()));
    assert!(passes(format!("{signatures},{time}")));
    assert!(passes(format!("{header},v1=00,v0=11,v2=22,scheme")));
    for wrong in [
        signatures.to_owned(),
        time.to_owned(),
        format!("{header},{time}"),
        format!("t=1,{header}"),
        header.replace("v1=", "v0="),
        header.replace("t=", "t=0"),
        header.replace("t=", "t=+"),
        header.replace("t=", "t=-"),
        header.to_uppercase(),
        String::new(),
    ] {
        assert!(!passes(wrong.clone()), "{wrong}");
    }
}

/// The log gives the operator the reason, and nothing of the webhook's content.
#[test]
fn a_refused_webhook_is_logged_with_the_check_that_failed() {
    let raw = b"{}";
    let now = time::OffsetDateTime::from_unix_timestamp(1_795_255_222).unwrap();
    for gateway in Gateway::ALL {
        let account = account(gateway, &json!(["secret"]));
        let name = signature_of(gateway);
        let why = |headers: &Headers| {
            verify(gateway, &account, headers, raw, now)
                .unwrap_err()
                .to_string()
        };
        let mut headers = signed(gateway, "wrong", raw, now);
        let mismatch = "no configured secret gives this signature over the raw body";
        assert_eq!(why(&headers), mismatch);
        headers.insert(name.to_owned(), "neither hex nor base 64!".to_owned());
        assert_eq!(why(&headers), format!("the header {name} is malformed"));
        headers.remove(name);
        assert_eq!(why(&headers), format!("the header {name} is missing"));
    }
}

/// A stored webhook can't be sent again.
#[test]
fn a_queued_webhook_has_no_signature() {
    for golden in GOLDEN.iter() {
        let webhook = queued(golden.gateway, &golden.headers, golden.body.as_bytes());
        let text = serde_json::to_string(&webhook).unwrap();
        let signature = &golden.headers[signature_of(golden.gateway)];
        // Stripe's signatures come after t=…,v1=. Cashfree's base64 ends at the end of the header.
        let (_, proof) = signature
            .rsplit_once('=')
            .filter(|(_, p)| !p.is_empty())
            .unwrap_or(("", signature));
        assert!(!text.contains(proof), "{}", golden.name);
        assert!(!text.contains("signature"), "{}", golden.name);
    }
    let in_queue = queued(
        Gateway::Cashfree,
        &golden("cashfree/2025-01-01-paid").headers,
        b"{}",
    );
    let names: Vec<&str> = in_queue.headers.keys().map(String::as_str).collect();
    let expected = [
        "x-idempotency-key",
        "x-webhook-attempt",
        "x-webhook-timestamp",
        "x-webhook-version",
    ];
    assert_eq!(names, expected);
}

/// Messages of the release before have no headers. They are in the queue during an upgrade.
#[test]
fn a_queued_webhook_without_headers_is_read() {
    let old = json!({
        "shop": "dress", "gateway": "cashfree", "received_at": "2026-11-21T10:00:22Z",
        "body": data_encoding::BASE64.encode(golden("cashfree/2025-01-01-paid").body.as_bytes()),
    });
    let webhook: operations::payment::QueuedWebhook = serde_json::from_value(old).unwrap();
    let event = webhook.event().unwrap();
    assert_eq!(event.kind, EventKind::Paid);
    assert_eq!(event.received_at.unwrap().unix_timestamp(), 1_795_255_222);
}

/// A refund that we requested carries our id. A refund of the gateway's dashboard carries none.
#[test]
fn a_refund_is_found_by_the_id_that_we_gave_it() {
    let ours = Uuid::from_u128(0x0193_f5a2_4b6e_7c33_8d10_5f2a_9e61_b7c4);
    for name in [
        "cashfree/2025-01-01-refund_success",
        "stripe/refund_updated_succeeded",
        "razorpay/refund_processed",
    ] {
        let golden = golden(name);
        let body: Value = serde_json::from_str(&golden.body).unwrap();
        let id = match golden.gateway {
            Gateway::Cashfree => &body["data"]["refund"]["refund_id"],
            Gateway::Stripe => &body["data"]["object"]["metadata"]["refund_id"],
            Gateway::Razorpay => &body["payload"]["refund"]["entity"]["notes"]["refund_id"],
        };
        let id = id.as_str().unwrap();
        // 36 characters, or 32 where a gateway allows only letters and digits
        for written in [ours.to_string(), ours.simple().to_string()] {
            let event = read(golden.gateway, &golden.body.replace(id, &written)).unwrap();
            assert_eq!(event.refund_id, Some(ours), "{name}");
        }
        let event = read(golden.gateway, &golden.body.replace(id, "by hand")).unwrap();
        assert_eq!(
            (event.refund_id, event.kind),
            (None, EventKind::RefundSettled),
            "{name}"
        );
    }
}

/// Currencies without hundredths: their amounts are not multiplied by 100.
#[test]
fn amounts_are_in_the_smallest_unit_of_the_currency() {
    let stripe = &golden("stripe/intent_succeeded").body;
    let razorpay = &golden("razorpay/payment_captured").body;
    let cashfree = &golden("cashfree/2025-01-01-paid").body;
    let minor = |gateway, body: String| {
        let event = read(gateway, &body).unwrap();
        assert_eq!(event.kind, EventKind::Paid);
        event.amount_minor
    };
    for (code, written, expected) in [
        ("jpy", "500", 500),
        ("kwd", "5120", 5120),
        ("isk", "500", 5),
    ] {
        let body = stripe
            .replace(
                "\"currency\": \"inr\"",
                &format!("\"currency\": \"{code}\""),
            )
            .replace("\"currency\":\"inr\"", &format!("\"currency\":\"{code}\""))
            .replace("12499900", written);
        assert_eq!(minor(Gateway::Stripe, body), Some(expected), "{code}");
    }
    for (code, written, expected) in [("JPY", "500", 500), ("KWD", "5120", 5120)] {
        let body = razorpay.replace("INR", code).replace("12499900", written);
        assert_eq!(minor(Gateway::Razorpay, body), Some(expected), "{code}");
    }
    for (code, written, expected) in [
        ("JPY", "500", Some(500)),
        ("JPY", "500.5", None),
        ("KWD", "5.12", Some(5120)),
        ("INR", "0.29", Some(29)),
    ] {
        let body = cashfree.replace("INR", code).replace("124999.00", written);
        assert_eq!(minor(Gateway::Cashfree, body), expected, "{code} {written}");
    }
    // A fraction of a unit is no amount: such money goes to review.
    for written in ["12499900.5", "-1", "\"12499900\"", "1e7", "null"] {
        let body = razorpay.replace("12499900", written);
        assert_eq!(minor(Gateway::Razorpay, body), None, "{written}");
    }
}

/// A failed attempt without a reference is none of ours. Money without a reference waits for a
/// person.
#[test]
fn without_a_reference_a_failure_is_ignored_and_money_is_not() {
    let without = |name: &str, from: &str| {
        let golden = golden(name);
        let changed = golden.body.replace("dress-06e7bd4x0hzh", from);
        assert_ne!(changed, golden.body, "{name}");
        read(golden.gateway, &changed).unwrap()
    };
    for (name, kind) in [
        ("stripe/intent_payment_failed", EventKind::Other),
        ("stripe/intent_canceled", EventKind::Other),
        ("stripe/session_expired", EventKind::Other),
        ("stripe/session_async_payment_failed", EventKind::Other),
        ("stripe/intent_succeeded", EventKind::Paid),
        ("stripe/session_completed_paid", EventKind::Paid),
        // it has an order at the gateway, which may be known
        ("razorpay/payment_failed", EventKind::Failed),
        ("razorpay/payment_captured", EventKind::Paid),
    ] {
        let event = without(name, "");
        assert_eq!((event.kind, event.reference), (kind, None), "{name}");
        assert!(event.gateway_order_id.is_some(), "{name}");
    }
    let body = golden("razorpay/payment_failed")
        .body
        .replace("dress-06e7bd4x0hzh", "");
    let body = body.replace("\"order_QhTdZx0kW3bN9c\"", "null");
    assert_eq!(
        webhooks::read(Gateway::Razorpay, &body).unwrap().kind,
        EventKind::Other
    );
}
