//! Webhooks as Cashfree sends them, of both versions in use, and its signature:
//! `base64(HMAC-SHA256(client secret, timestamp ++ raw body))`, with no dot between the two.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use time::macros::{format_description, offset};

use crate::signing::hmac;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The shopper left.
    Dropped,
    /// The bank declined it.
    Failed,
    /// The money is there.
    Paid,
    /// A `PAYMENT_SUCCESS_WEBHOOK` whose status is PENDING: the type alone never means paid.
    Pending,
}

impl Kind {
    fn webhook_type(self) -> &'static str {
        match self {
            Self::Paid | Self::Pending => "PAYMENT_SUCCESS_WEBHOOK",
            Self::Failed => "PAYMENT_FAILED_WEBHOOK",
            Self::Dropped => "PAYMENT_USER_DROPPED_WEBHOOK",
        }
    }

    fn payment_status(self) -> &'static str {
        match self {
            Self::Paid => "SUCCESS",
            Self::Pending => "PENDING",
            Self::Failed => "FAILED",
            Self::Dropped => "USER_DROPPED",
        }
    }

    /// The payment's status once this event counts; None when it changes nothing.
    #[must_use]
    pub fn status(self) -> Option<&'static str> {
        match self {
            Self::Paid => Some("paid"),
            Self::Failed => Some("failed"),
            Self::Dropped => Some("dropped"),
            Self::Pending => None,
        }
    }
}

/// A version of the webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `2023-08-01`: no idempotency key, payment ids are integers.
    V2023,
    /// `2025-01-01`
    V2025,
}

impl Version {
    /// As in `x-webhook-version`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V2023 => "2023-08-01",
            Self::V2025 => "2025-01-01",
        }
    }
}

/// What one event says.
pub struct Facts<'a> {
    /// What it is about.
    pub kind: Kind,
    /// Of the webhooks.
    pub version: Version,
    /// The shop's order id.
    pub reference: &'a str,
    /// In hundredths.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: &'a str,
    /// The shop's id of the customer.
    pub customer: &'a str,
    /// Cashfree's id of this attempt to pay.
    pub payment_id: u64,
    /// When it happened.
    pub at: time::OffsetDateTime,
}

#[derive(Serialize)]
struct Envelope {
    data: Data,
    event_time: String,
    r#type: &'static str,
}

#[derive(Serialize)]
struct Data {
    order: OrderPart,
    payment: PaymentPart,
    customer_details: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_gateway_details: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_offers: Option<Value>,
}

#[derive(Serialize)]
struct OrderPart {
    order_id: String,
    order_amount: Box<RawValue>,
    order_currency: String,
    order_tags: Option<Value>,
}

#[derive(Serialize)]
struct PaymentPart {
    cf_payment_id: Value,
    payment_status: &'static str,
    payment_amount: Box<RawValue>,
    payment_currency: String,
    payment_message: &'static str,
    payment_time: String,
    bank_reference: Option<String>,
    auth_id: Option<&'static str>,
    payment_method: Value,
    payment_group: &'static str,
}

/// The raw body of an event.
///
/// # Errors
/// None that is known: the amount is always JSON.
pub fn body(facts: &Facts<'_>) -> Result<String, serde_json::Error> {
    let amount = RawValue::from_string(major_units(facts.amount_minor))?;
    let at = indian_time(facts.at);
    let paid = facts.kind == Kind::Paid;
    let dropped = facts.kind == Kind::Dropped;
    let payment_id = match facts.version {
        Version::V2023 => json!(facts.payment_id),
        Version::V2025 => json!(facts.payment_id.to_string()),
    };
    let envelope = Envelope {
        data: Data {
            order: OrderPart {
                order_id: facts.reference.to_owned(),
                order_amount: amount.clone(),
                order_currency: facts.currency.to_owned(),
                order_tags: None,
            },
            payment: PaymentPart {
                cf_payment_id: payment_id,
                payment_status: facts.kind.payment_status(),
                payment_amount: amount,
                payment_currency: facts.currency.to_owned(),
                payment_message: if paid { "00::Transaction success" } else { "" },
                payment_time: at.clone(),
                bank_reference: paid.then(|| (facts.payment_id % 1_000_000_000).to_string()),
                // the gateway really sends the word
                auth_id: (!dropped).then_some("null"),
                payment_method: json!({"upi": {"channel": null, "upi_id": "shopper@upi"}}),
                payment_group: "upi",
            },
            customer_details: json!({
                "customer_name": "A Shopper", "customer_id": facts.customer,
                "customer_email": "shopper@example.com", "customer_phone": "9999999999",
            }),
            error_details: (facts.kind == Kind::Failed).then(|| {
                json!({
                    "error_code": "TRANSACTION_DECLINED", "error_source": "bank",
                    "error_description": "The bank declined it", "error_reason": "bank_declined",
                    "error_subcode_raw": "U30",
                })
            }),
            payment_gateway_details: (!dropped).then(|| {
                json!({
                    "gateway_name": "CASHFREE", "gateway_order_id": facts.payment_id.to_string(),
                    "gateway_payment_id": facts.payment_id.to_string(),
                    "gateway_status_code": null, "gateway_settlement": "CASHFREE",
                })
            }),
            payment_offers: None,
        },
        event_time: at,
        r#type: facts.kind.webhook_type(),
    };
    serde_json::to_string(&envelope)
}

/// The value of `x-webhook-signature`.
#[must_use]
pub fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    STANDARD.encode(hmac(secret, &[timestamp.as_bytes(), body]))
}

/// The value of `x-webhook-timestamp`: milliseconds, 13 digits.
#[must_use]
pub fn timestamp(at: time::OffsetDateTime) -> String {
    (at.unix_timestamp_nanos() / 1_000_000).to_string()
}

/// Hundredths as Cashfree writes amounts.
pub(crate) fn major_units(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// A time as Cashfree writes it.
pub(crate) fn indian_time(at: time::OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+05:30");
    at.to_offset(offset!(+5:30))
        .format(format)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn facts(kind: Kind, version: Version) -> Facts<'static> {
        Facts {
            kind,
            version,
            reference: "dress-abc",
            amount_minor: 17_000,
            currency: "INR",
            customer: "c-1",
            payment_id: 42,
            at: datetime!(2026-01-02 03:04:05 UTC),
        }
    }

    #[test]
    fn the_signature_covers_timestamp_and_body_without_a_dot() {
        // printf '1700000000000{"a":1}' | openssl dgst -sha256 -hmac secret -binary | base64
        let expected = "0pM2GdttJSewPFhxsH1nVKvgeUeQD/mx7t0F5acVYpI=";
        assert_eq!(
            signature("secret", "1700000000000", br#"{"a":1}"#),
            expected
        );
        assert_ne!(signature("other", "1700000000000", br#"{"a":1}"#), expected);
    }

    #[test]
    fn amounts_are_json_numbers_with_two_decimals() {
        let body = body(&facts(Kind::Paid, Version::V2025)).unwrap();
        assert!(body.contains(r#""order_amount":170.00"#), "{body}");
        assert!(body.contains(r#""cf_payment_id":"42""#), "{body}");
        assert!(
            body.contains(r#""event_time":"2026-01-02T08:34:05+05:30""#),
            "{body}"
        );
        assert_eq!(major_units(5), "0.05");
    }

    #[test]
    fn each_kind_has_the_parts_that_the_gateway_sends() {
        let json = |kind, version| -> Value {
            serde_json::from_str(&body(&facts(kind, version)).unwrap()).unwrap()
        };
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
        assert_eq!(
            timestamp(datetime!(2026-01-02 03:04:05.678 UTC)),
            "1767323045678"
        );
    }
}
