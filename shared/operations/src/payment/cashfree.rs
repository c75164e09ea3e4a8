//! Cashfree webhooks, versions 2025-01-01 and 2023-08-01.
//!
//! Sources: Cashfree's documentation of payment, refund, auto refund and dispute webhooks, and of
//! the verification of signatures (docs/gateways.md).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::event::DisputeStage;
use super::json::Fields;
use super::webhook::{Adapter, Forgery, Webhook, age_fits, digest_key, signed};
use super::{Account, Event, EventKind};
use crate::money;

const TIMESTAMP: &str = "x-webhook-timestamp";
const SIGNATURE: &str = "x-webhook-signature";

/// Cashfree Payments.
pub struct Cashfree;

impl Adapter for Cashfree {
    /// A day. The last retry comes 30 minutes after the event. It is not documented whether it
    /// carries a new timestamp. Replays are harmless, because one event has one effect.
    fn tolerance_s_default(&self) -> Option<u32> {
        Some(86_400)
    }

    fn tells_mode(&self) -> bool {
        false
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        &[
            TIMESTAMP,
            "x-webhook-version",
            "x-webhook-attempt",
            "x-idempotency-key",
        ]
    }

    /// `base64(HMAC-SHA256(secret, timestamp ++ raw body))`, with nothing between them.
    fn verify(&self, account: &Account, webhook: &Webhook<'_>) -> Result<(), Forgery> {
        let timestamp = (webhook.header)(TIMESTAMP).ok_or(Forgery::Missing(TIMESTAMP))?;
        let millis = timestamp
            .parse::<u64>()
            .ok()
            .filter(|_| timestamp.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or(Forgery::Unreadable(TIMESTAMP))?;
        age_fits(account, webhook, millis / 1000, true)?;
        let signature = (webhook.header)(SIGNATURE).ok_or(Forgery::Missing(SIGNATURE))?;
        let signature = STANDARD
            .decode(signature)
            .map_err(|_| Forgery::Unreadable(SIGNATURE))?;
        let parts = [timestamp.as_bytes(), webhook.raw];
        if signed(account, &parts, &[signature]) {
            Ok(())
        } else {
            Err(Forgery::Mismatch)
        }
    }

    fn event(&self, payload: String) -> Result<Event, String> {
        let body = Fields::parse(&payload)?;
        let name = body.text("type")?;
        let other = || Event::new(digest_key(&name, &payload), EventKind::Other, String::new());
        let event = match name.as_str() {
            "PAYMENT_SUCCESS_WEBHOOK"
            | "PAYMENT_FAILED_WEBHOOK"
            | "PAYMENT_USER_DROPPED_WEBHOOK" => attempt(&name, &body.object("data")?)?,
            "REFUND_STATUS_WEBHOOK" => refund(&name, &body.object("data")?.object("refund")?)?,
            // The documentation shows one sample. A webhook in another form is stored and has no
            // effect.
            "AUTO_REFUND_STATUS_WEBHOOK" => body
                .object("data")
                .and_then(|data| data.object("auto_refund"))
                .and_then(|of| refund(&name, &of))
                .unwrap_or_else(|_| other()),
            "DISPUTE_CREATED" => dispute(&name, &body.object("data")?)?,
            "DISPUTE_UPDATED" | "DISPUTE_CLOSED" => body
                .object("data")
                .and_then(|data| dispute(&name, &data))
                .unwrap_or_else(|_| other()),
            _ => other(),
        };
        Ok(Event { payload, ..event })
    }
}

/// An attempt to pay. `payment_status` decides, because a PAYMENT_SUCCESS_WEBHOOK may carry a
/// PENDING payment. The amount is `order_amount`: `payment_amount` may be lower because of the
/// gateway's own offer.
fn attempt(name: &str, data: &Fields<'_>) -> Result<Event, String> {
    let (order, payment) = (data.object("order")?, data.object("payment")?);
    let reference = order.id("order_id")?;
    // a text in these versions, a number in older ones
    let id = payment.id("cf_payment_id")?;
    // Cashfree's own id of the order, if no other gateway is behind it
    let details = data.object_if_any("payment_gateway_details");
    let details =
        details.filter(|of| of.text_if_any("gateway_name").as_deref() == Some("CASHFREE"));
    let status = payment.id("payment_status")?;
    let kind = match (name, status.as_str()) {
        ("PAYMENT_SUCCESS_WEBHOOK", "SUCCESS") => EventKind::Paid,
        ("PAYMENT_FAILED_WEBHOOK", "FAILED") => EventKind::Failed,
        ("PAYMENT_USER_DROPPED_WEBHOOK", "USER_DROPPED") => EventKind::Dropped,
        // NOT_ATTEMPTED is another: nobody has tried to pay, so it prolongs no hold.
        (_, "PENDING") => EventKind::Pending,
        _ => EventKind::Other,
    };
    let currency = order.currency("order_currency");
    // The key consists of type, attempt and status: the attempt alone would drop a SUCCESS after a
    // USER_DROPPED of the same attempt. It contains the reference, too, in case two orders share an
    // attempt. Rejected: x-idempotency-key (2025-01-01). It is not signed, so a replayed body could
    // take the key of a payment that is still to come.
    let key = format!("{name}:{id}:{status}:{reference}");
    Ok(Event {
        reference: Some(reference),
        amount_minor: minor(&order, "order_amount", currency.as_deref()),
        currency,
        gateway_payment_id: Some(id),
        gateway_order_id: details.and_then(|of| of.id_if_any("gateway_order_id")),
        ..Event::new(key, kind, String::new())
    })
}

/// A refund. `refund_id` is our id if we asked for it. Otherwise it was made in the dashboard, or
/// by Cashfree itself for an attempt that came too late or twice.
fn refund(name: &str, refund: &Fields<'_>) -> Result<Event, String> {
    let id = refund.id("cf_refund_id")?;
    let status = refund.id("refund_status")?;
    let kind = match status.as_str() {
        "SUCCESS" => EventKind::RefundSettled,
        "PENDING" | "ONHOLD" => EventKind::RefundPending,
        "CANCELLED" | "FAILED" => EventKind::RefundFailed,
        _ => EventKind::Other,
    };
    let currency = refund.currency("refund_currency");
    let ours = refund.id_if_any("refund_id");
    Ok(Event {
        reference: refund.id_if_any("order_id"),
        amount_minor: minor(refund, "refund_amount", currency.as_deref()),
        currency,
        gateway_payment_id: refund.id_if_any("cf_payment_id"),
        refund_id: ours.and_then(|id| id.parse().ok()),
        gateway_refund_id: Some(id.clone()),
        ..Event::new(format!("{name}:{id}:{status}"), kind, String::new())
    })
}

fn dispute(name: &str, data: &Fields<'_>) -> Result<Event, String> {
    let (dispute, order) = (data.object("dispute")?, data.object("order_details")?);
    let id = dispute.id("dispute_id")?;
    // stage and result in one word: CHARGEBACK_MERCHANT_WON
    let status = dispute.id_if_any("dispute_status").unwrap_or_default();
    let ends = |words: &[&str]| words.iter().any(|word| status.ends_with(word));
    let kind = if ends(&["MERCHANT_WON"]) {
        EventKind::DisputeWon
    } else if ends(&["MERCHANT_LOST", "MERCHANT_ACCEPTED"]) {
        EventKind::DisputeLost
    } else if name == "DISPUTE_CLOSED" && !ends(&["INSUFFICIENT_EVIDENCE"]) {
        EventKind::DisputeClosed
    } else {
        // also INSUFFICIENT_EVIDENCE: the shop must upload more
        EventKind::Disputed
    };
    let stage = match dispute.id_if_any("dispute_type").as_deref() {
        Some("RETRIEVAL") => DisputeStage::Inquiry,
        Some("DISPUTE") => DisputeStage::Dispute,
        Some("PRE_ARBITRATION") => DisputeStage::PreArbitration,
        Some("ARBITRATION") => DisputeStage::Arbitration,
        _ => DisputeStage::Chargeback,
    };
    // a dispute is created and closed in each stage, and updated many times
    let key = match name {
        "DISPUTE_CREATED" => format!("{name}:{id}:{}", stage.as_str()),
        _ => format!("{name}:{id}:{status}"),
    };
    // in version 2023-08-01 the dispute itself has none
    let currency = dispute
        .currency("dispute_amount_currency")
        .or_else(|| order.currency("order_currency"));
    Ok(Event {
        reference: order.id_if_any("order_id"),
        amount_minor: minor(&dispute, "dispute_amount", currency.as_deref()),
        currency,
        gateway_payment_id: order.id_if_any("cf_payment_id"),
        dispute_id: Some(id),
        dispute_stage: Some(stage),
        ..Event::new(key, kind, String::new())
    })
}

/// An amount that does not fit the currency is never the order's. Without an amount, the money goes
/// to review, and the stored body shows the amount. An error here would lose a verified payment.
fn minor(fields: &Fields<'_>, name: &str, currency: Option<&str>) -> Option<i64> {
    money::minor_from_major(&fields.number(name)?, currency?).ok()
}
