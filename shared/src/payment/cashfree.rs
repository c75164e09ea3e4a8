//! Cashfree webhooks, versions 2025-01-01 and 2023-08-01.
//!
//! Source: Cashfree's documentation of payment webhooks (payload and signature verification).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::Sha256;
use time::OffsetDateTime;

use super::{Event, EventKind};
use crate::money;
use crate::text::without_values;

/// How old a signed timestamp may be. The last retry comes 30 minutes after the event, and whether
/// it carries a new timestamp is not documented; what guards against replays is that one event has
/// one effect.
const TIMESTAMP_AGE_S_MAX: i64 = 86_400;

/// Why a signature is refused. For the log; a client is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// `x-webhook-timestamp` is missing, no number of milliseconds, or more than a day away.
    #[error("x-webhook-timestamp is missing, unreadable or more than a day away")]
    Timestamp,
    /// `x-webhook-signature` is missing or not base 64.
    #[error("x-webhook-signature is missing or not base 64")]
    Encoding,
    /// No secret gives this signature.
    #[error("no configured secret gives this signature over the raw body")]
    Mismatch,
}

/// Verifies `base64(HMAC-SHA256(secret, timestamp ++ raw body))` against each secret, in constant
/// time. Several, because after a rotation the previous one still signs events in flight.
///
/// # Errors
/// [`SignatureError`].
pub fn verify(
    secrets: &[String],
    timestamp: Option<&str>,
    signature: Option<&str>,
    raw: &[u8],
    now: OffsetDateTime,
) -> Result<(), SignatureError> {
    let timestamp = timestamp.ok_or(SignatureError::Timestamp)?;
    let millis: i64 = timestamp.parse().map_err(|_| SignatureError::Timestamp)?;
    if now.unix_timestamp().abs_diff(millis / 1000) > TIMESTAMP_AGE_S_MAX.unsigned_abs() {
        return Err(SignatureError::Timestamp);
    }
    let signature = signature
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or(SignatureError::Encoding)?;
    let signed_by = |secret: &String| {
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mac| {
            mac.chain_update(timestamp)
                .chain_update(raw)
                .verify_slice(&signature)
                .is_ok()
        })
    };
    if secrets.iter().any(signed_by) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct PaymentData<'a> {
    #[serde(borrow)]
    order: OrderData<'a>,
    #[serde(borrow)]
    payment: AttemptData<'a>,
}

#[derive(Deserialize)]
struct OrderData<'a> {
    order_id: String,
    // the text of the number: a float would not be exact
    #[serde(borrow)]
    order_amount: &'a RawValue,
    order_currency: String,
}

#[derive(Deserialize)]
struct AttemptData<'a> {
    // a string in these versions, a number in older ones
    #[serde(borrow)]
    cf_payment_id: &'a RawValue,
    payment_status: String,
}

/// Reads an event from a verified body. A type that is not about a payment attempt is `Other`:
/// recorded, without effect.
///
/// `payment_status` decides and not the type alone, which may be PAYMENT_SUCCESS_WEBHOOK with a
/// payment that is PENDING. The amount is `order_amount`, what the order is about: `payment_amount`
/// may be less by an offer of the gateway's.
pub(super) fn event(payload: String) -> Result<Event, String> {
    let envelope: Envelope<'_> =
        serde_json::from_str(&payload).map_err(|error| without_values(&error))?;
    let about_payment = envelope.kind.starts_with("PAYMENT_")
        && [
            "_SUCCESS_WEBHOOK",
            "_FAILED_WEBHOOK",
            "_USER_DROPPED_WEBHOOK",
        ]
        .iter()
        .any(|suffix| envelope.kind["PAYMENT".len()..] == **suffix);
    if !about_payment {
        return Ok(Event::other(digest_key(&envelope.kind, &payload), payload));
    }
    let data: PaymentData<'_> = serde_json::from_str(envelope.data.get())
        .map_err(|error| format!("data of {}: {}", envelope.kind, without_values(&error)))?;
    let attempt = data
        .payment
        .cf_payment_id
        .get()
        .trim_matches('"')
        .to_owned();
    if attempt.is_empty() || attempt == "null" {
        return Err(format!(
            "data.payment.cf_payment_id of {} is empty",
            envelope.kind
        ));
    }
    let status = data.payment.payment_status;
    let kind = match (envelope.kind.as_str(), status.as_str()) {
        ("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS") => EventKind::Paid,
        ("PAYMENT_FAILED_WEBHOOK", "FAILED") => EventKind::Failed,
        ("PAYMENT_USER_DROPPED_WEBHOOK", "USER_DROPPED") => EventKind::Dropped,
        (_, "PENDING" | "NOT_ATTEMPTED") => EventKind::Pending,
        _ => EventKind::Other,
    };
    let amount = data.order.order_amount.get().trim_matches('"');
    // An amount that is none of its currency is never the order's: without one, money goes to
    // review, and the body says what came. Refused, a verified payment would not even be stored.
    let amount_minor = money::minor_from_major(amount, &data.order.order_currency)
        .inspect_err(|error| tracing::warn!(%error, "data.order.order_amount can't be read"))
        .ok();
    // Type, attempt and status together: the attempt alone would swallow USER_DROPPED, then SUCCESS
    // of one attempt. The reference too: should two orders ever share an attempt, both count.
    // x-idempotency-key (2025-01-01) says the same but is not signed: trusting it would let a
    // replayed body take the key of a payment that is still to come.
    let reference = data.order.order_id;
    let key = format!("{}:{attempt}:{status}:{reference}", envelope.kind);
    Ok(Event {
        key,
        kind,
        reference: Some(reference),
        amount_minor,
        currency: Some(data.order.order_currency),
        gateway_payment_id: Some(attempt),
        payload,
    })
}

/// The key of an event whose fields are not ours to read: the same bytes are the same event.
fn digest_key(kind: &str, payload: &str) -> String {
    use sha2::Digest as _;
    let digest = Sha256::digest(payload.as_bytes());
    format!(
        "{}:{}",
        kind.chars().take(80).collect::<String>(),
        data_encoding::HEXLOWER.encode(&digest)
    )
}
