//! Cashfree's payment webhooks, of both versions in use, and their signature:
//! `base64(HMAC-SHA256(client secret, timestamp ++ raw body))`, without a dot between the two.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::{format_description, offset};

use crate::signature::hmac;
pub use crate::state::Ending as Kind;

/// A version of the webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `2023-08-01`: no idempotency key, and payment ids are integers.
    V2023,
    /// `2025-01-01`
    V2025,
}

impl Version {
    /// The value of `x-webhook-version`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V2023 => "2023-08-01",
            Self::V2025 => "2025-01-01",
        }
    }
}

/// The content of one webhook.
pub struct Facts<'a> {
    /// How the payment ended.
    pub kind: Kind,
    /// Version of the webhook.
    pub version: Version,
    /// The shop's order id.
    pub reference: &'a str,
    /// In hundredths.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// The shop's id of the customer.
    pub customer: &'a str,
    /// Cashfree's id of the attempt to pay.
    pub payment_id: u64,
    /// When it happened.
    pub at: OffsetDateTime,
}

/// Replaced by the amount: Cashfree writes `170.00`, and `serde_json` would write `170.0`.
const AMOUNT: &str = "<amount>";

/// The raw body of a webhook.
#[must_use]
pub fn body(facts: &Facts<'_>) -> String {
    let at = indian_time(facts.at);
    let paid = facts.kind == Kind::Paid;
    let dropped = facts.kind == Kind::Dropped;
    let payment_id = facts.payment_id.to_string();
    let mut data = json!({
        "order": {
            "order_id": facts.reference, "order_amount": AMOUNT,
            "order_currency": facts.currency, "order_tags": null,
        },
        "payment": {
            "cf_payment_id": match facts.version {
                Version::V2023 => json!(facts.payment_id),
                Version::V2025 => json!(payment_id),
            },
            "payment_status": payment_status(facts.kind),
            "payment_amount": AMOUNT, "payment_currency": facts.currency,
            "payment_message": if paid { "00::Transaction success" } else { "" },
            "payment_time": at,
            "bank_reference": paid.then(|| (facts.payment_id % 1_000_000_000).to_string()),
            // Cashfree really sends the word.
            "auth_id": (!dropped).then_some("null"),
            "payment_method": { "upi": { "channel": null, "upi_id": "shopper@upi" } },
            "payment_group": "upi",
        },
        "customer_details": {
            "customer_name": "A Shopper", "customer_id": facts.customer,
            "customer_email": "shopper@example.com", "customer_phone": "9999999999",
        },
    });
    if facts.kind == Kind::Failed {
        data["error_details"] = error_details();
    }
    if !dropped {
        data["payment_gateway_details"] = json!({
            "gateway_name": "CASHFREE", "gateway_order_id": payment_id,
            "gateway_payment_id": payment_id, "gateway_status_code": null,
            "gateway_settlement": "CASHFREE",
        });
    }
    let body = json!({ "data": data, "event_time": at, "type": webhook_type(facts.kind) });
    let amount = major_units(facts.amount_minor);
    body.to_string().replace(&format!("\"{AMOUNT}\""), &amount)
}

fn webhook_type(kind: Kind) -> &'static str {
    match kind {
        // A pending payment comes as a success: the type alone never means paid.
        Kind::Paid | Kind::Pending => "PAYMENT_SUCCESS_WEBHOOK",
        Kind::Failed => "PAYMENT_FAILED_WEBHOOK",
        Kind::Dropped => "PAYMENT_USER_DROPPED_WEBHOOK",
    }
}

pub(super) fn payment_status(kind: Kind) -> &'static str {
    match kind {
        Kind::Paid => "SUCCESS",
        Kind::Pending => "PENDING",
        Kind::Failed => "FAILED",
        Kind::Dropped => "USER_DROPPED",
    }
}

pub(super) fn error_details() -> Value {
    json!({
        "error_code": "TRANSACTION_DECLINED", "error_source": "bank",
        "error_description": "The bank declined it", "error_reason": "bank_declined",
        "error_subcode_raw": "U30",
    })
}

/// The value of `x-webhook-signature`.
#[must_use]
pub fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    STANDARD.encode(hmac(secret, &[timestamp.as_bytes(), body]))
}

/// The value of `x-webhook-timestamp`: milliseconds, 13 digits.
#[must_use]
pub fn timestamp(at: OffsetDateTime) -> String {
    (at.unix_timestamp_nanos() / 1_000_000).to_string()
}

/// Hundredths as Cashfree writes amounts.
pub(super) fn major_units(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// A time as Cashfree writes it.
pub(super) fn indian_time(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+05:30");
    let time = at.to_offset(offset!(+5:30)).format(format);
    time.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn body_of(kind: Kind, version: Version) -> String {
        body(&Facts {
            kind,
            version,
            reference: "dress-abc",
            amount_minor: 17_000,
            currency: "INR",
            customer: "c-1",
            payment_id: 42,
            at: datetime!(2026-01-02 03:04:05 UTC),
        })
    }

    #[test]
    fn the_signature_covers_timestamp_and_body_without_a_dot() {
        // printf '1700000000000{"a":1}' | openssl dgst -sha256 -hmac secret -binary | base64
        let expected = "0pM2GdttJSewPFhxsH1nVKvgeUeQD/mx7t0F5acVYpI=";
        let signed = |secret| signature(secret, "1700000000000", br#"{"a":1}"#);
        assert_eq!(signed("secret"), expected);
        assert_ne!(signed("other"), expected);
    }

    #[test]
    fn amounts_are_json_numbers_with_two_decimals() {
        let body = body_of(Kind::Paid, Version::V2025);
        for part in [
            r#""order_amount":170.00"#,
            r#""payment_amount":170.00"#,
            r#""cf_payment_id":"42""#,
            r#""event_time":"2026-01-02T08:34:05+05:30""#,
        ] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert_eq!(major_units(5), "0.05");
    }

    #[test]
    fn each_kind_has_the_parts_that_the_gateway_sends() {
        let json = |kind, version| -> Value { body_of(kind, version).parse().unwrap() };
        let failed = json(Kind::Failed, Version::V2023);
        assert!(failed["data"]["error_details"].is_object());
        assert!(failed["data"]["payment"]["cf_payment_id"].is_u64());
        let dropped = json(Kind::Dropped, Version::V2025);
        assert!(dropped["data"].get("payment_gateway_details").is_none());
        let pending = json(Kind::Pending, Version::V2025);
        assert_eq!(pending["type"], "PAYMENT_SUCCESS_WEBHOOK");
        assert_eq!(pending["data"]["payment"]["payment_status"], "PENDING");
    }

    #[test]
    fn the_timestamp_has_thirteen_digits() {
        let at = datetime!(2026-01-02 03:04:05.678 UTC);
        assert_eq!(timestamp(at), "1767323045678");
    }
}
