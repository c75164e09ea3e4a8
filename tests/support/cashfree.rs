//! Webhooks as Cashfree sends them, signed by a second implementation of its scheme.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use time::OffsetDateTime;

use crate::http::Call;

/// `base64(HMAC-SHA256(secret, timestamp ++ body))`.
pub fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(timestamp.as_bytes());
    mac.update(body);
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Milliseconds since 1970, as the gateway writes them.
pub fn now_ms() -> String {
    (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).to_string()
}

/// A webhook for a shop, signed now.
pub fn webhook(shop: &str, secret: &str, body: impl Into<Vec<u8>>) -> Call {
    let (body, timestamp) = (body.into(), now_ms());
    let signature = signature(secret, &timestamp, &body);
    Call::new("POST", &format!("/v1/shops/{shop}/webhooks/cashfree"))
        .bytes(body)
        .header("x-webhook-signature", &signature)
        .header("x-webhook-timestamp", &timestamp)
        .header("x-webhook-version", "2025-01-01")
}

/// A payment event about one attempt; `amount` is in major units, as JSON text.
pub fn payment(kind: &str, status: &str, attempt: &str, reference: &str, amount: &str) -> String {
    let body = json!({
        "data": {
            "order": {
                "order_id": reference, "order_amount": "AMOUNT", "order_currency": "INR",
                "order_tags": null,
            },
            "payment": {
                "cf_payment_id": attempt, "payment_status": status, "payment_amount": 1,
                "payment_currency": "INR", "payment_message": "as it was",
                "payment_time": "2026-11-21T15:35:05+05:30", "bank_reference": "234928698581",
                "auth_id": null, "payment_group": "upi",
            },
            "customer_details": {
                "customer_name": "मीरा नायर", "customer_id": null,
                "customer_email": "a@example.com", "customer_phone": "9908734801",
            },
        },
        "event_time": "2026-11-21T15:35:09+05:30",
        "type": kind,
    });
    body.to_string().replace("\"AMOUNT\"", amount)
}

/// The event of the payment of an order, as the API answered the order.
pub fn success(order: &Value) -> String {
    let minor = order["total_minor"].as_i64().unwrap();
    let amount = format!("{}.{:02}", minor / 100, minor % 100);
    let reference = order["payment"]["reference"].as_str().unwrap();
    let attempt = order["order_id"].as_str().unwrap();
    payment(
        "PAYMENT_SUCCESS_WEBHOOK",
        "SUCCESS",
        attempt,
        reference,
        &amount,
    )
}
