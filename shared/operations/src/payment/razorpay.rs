//! Razorpay webhooks.
//!
//! Sources: Razorpay's documentation of webhooks (validation, payments, orders, refunds, disputes;
//! docs/gateways.md).

use data_encoding::HEXLOWER;

use super::event::{DisputeStage, REFERENCE_NOTE, REFUND_NOTE};
use super::json::Fields;
use super::webhook::{Adapter, Forgery, Webhook, digest_key, signed};
use super::{Account, Event, EventKind};

const SIGNATURE: &str = "x-razorpay-signature";

/// Razorpay.
pub struct Razorpay;

impl Adapter for Razorpay {
    /// None: Razorpay signs no time. Replays are harmless, because one event has one effect.
    fn tolerance_s_default(&self) -> Option<u32> {
        None
    }

    fn tells_mode(&self) -> bool {
        false
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        &["x-razorpay-event-id"]
    }

    /// `hex(HMAC-SHA256(secret, raw body))`.
    fn verify(&self, account: &Account, webhook: &Webhook<'_>) -> Result<(), Forgery> {
        let signature = (webhook.header)(SIGNATURE).ok_or(Forgery::Missing(SIGNATURE))?;
        let signature = HEXLOWER
            .decode(signature.as_bytes())
            .map_err(|_| Forgery::Unreadable(SIGNATURE))?;
        if signed(account, &[webhook.raw], &[signature]) {
            Ok(())
        } else {
            Err(Forgery::Mismatch)
        }
    }

    fn event(&self, payload: String) -> Result<Event, String> {
        let body = Fields::parse(&payload)?;
        let name = body.text("event")?;
        let entity = |of: &str| body.object("payload")?.object(of)?.object("entity");
        // the account stands beside the payload
        let of_payment = || entity("payment").ok();
        let event = match name.as_str() {
            "payment.authorized" | "payment.captured" | "payment.failed" => {
                attempt(&name, &entity("payment")?, None)?
            }
            "order.paid" => attempt(&name, &entity("payment")?, Some(&entity("order")?))?,
            "refund.created" | "refund.processed" | "refund.failed" => {
                refund(&name, &entity("refund")?, of_payment().as_ref())?
            }
            "payment.dispute.created"
            | "payment.dispute.under_review"
            | "payment.dispute.action_required"
            | "payment.dispute.won"
            | "payment.dispute.lost"
            | "payment.dispute.closed" => {
                dispute(&name, &entity("dispute")?, of_payment().as_ref())?
            }
            // x-razorpay-event-id identifies events, but is not signed
            _ => Event::new(digest_key(&name, &payload), EventKind::Other, String::new()),
        };
        Ok(Event { payload, ..event })
    }
}

/// A payment. The event's name and `status` decide, not `captured`: a documented sample of
/// payment.failed has `captured: true`. The amount is the payment's and not the order's, because
/// several payments may pay one order.
fn attempt(name: &str, payment: &Fields<'_>, order: Option<&Fields<'_>>) -> Result<Event, String> {
    let id = payment.id("id")?;
    let status = payment.id("status")?;
    let gateway_order_id = payment.id_if_any("order_id");
    let receipt = order.and_then(|order| order.id_if_any("receipt"));
    let reference = receipt
        .or_else(|| note(payment, REFERENCE_NOTE))
        .or_else(|| note(order?, REFERENCE_NOTE));
    let kind = match (name, status.as_str()) {
        ("payment.captured" | "order.paid", "captured") => EventKind::Paid,
        ("payment.authorized", "authorized") => EventKind::Pending,
        // a payment without our reference: another use of the account
        ("payment.failed", "failed") if reference.is_none() && gateway_order_id.is_none() => {
            EventKind::Other
        }
        ("payment.failed", "failed") => EventKind::Failed,
        _ => EventKind::Other,
    };
    Ok(Event {
        reference,
        gateway_order_id,
        amount_minor: payment.count("amount"),
        currency: payment.currency("currency"),
        gateway_payment_id: Some(id.clone()),
        ..Event::new(format!("{name}:{id}:{status}"), kind, String::new())
    })
}

/// A refund. Only refund.processed means settled: a documented sample of refund.created has the
/// status `processed`.
fn refund(name: &str, refund: &Fields<'_>, payment: Option<&Fields<'_>>) -> Result<Event, String> {
    let id = refund.id("id")?;
    let status = refund.id("status")?;
    let kind = match (name, status.as_str()) {
        ("refund.processed", "processed") => EventKind::RefundSettled,
        ("refund.failed", "failed") => EventKind::RefundFailed,
        ("refund.created", "pending" | "processed") => EventKind::RefundPending,
        _ => EventKind::Other,
    };
    let ours = note(refund, REFUND_NOTE).or_else(|| refund.id_if_any("receipt"));
    Ok(Event {
        reference: note(refund, REFERENCE_NOTE).or_else(|| note(payment?, REFERENCE_NOTE)),
        gateway_order_id: payment.and_then(|payment| payment.id_if_any("order_id")),
        amount_minor: refund.count("amount"),
        currency: refund.currency("currency"),
        gateway_payment_id: Some(refund.id("payment_id")?),
        refund_id: ours.and_then(|id| id.parse().ok()),
        gateway_refund_id: Some(id.clone()),
        ..Event::new(format!("{name}:{id}:{status}"), kind, String::new())
    })
}

fn dispute(
    name: &str,
    dispute: &Fields<'_>,
    payment: Option<&Fields<'_>>,
) -> Result<Event, String> {
    let id = dispute.id("id")?;
    let kind = match name {
        "payment.dispute.won" => EventKind::DisputeWon,
        "payment.dispute.lost" => EventKind::DisputeLost,
        "payment.dispute.closed" => EventKind::DisputeClosed,
        _ => EventKind::Disputed,
    };
    let stage = match dispute.text_if_any("phase").as_deref() {
        Some("retrieval" | "fraud") => DisputeStage::Inquiry,
        Some("pre_arbitration") => DisputeStage::PreArbitration,
        Some("arbitration") => DisputeStage::Arbitration,
        _ => DisputeStage::Chargeback,
    };
    // each stage is told anew
    let key = format!("{name}:{id}:{}", stage.as_str());
    Ok(Event {
        reference: payment.and_then(|payment| note(payment, REFERENCE_NOTE)),
        gateway_order_id: payment.and_then(|payment| payment.id_if_any("order_id")),
        amount_minor: dispute.count("amount"),
        currency: dispute.currency("currency"),
        gateway_payment_id: Some(dispute.id("payment_id")?),
        dispute_id: Some(id.clone()),
        dispute_stage: Some(stage),
        ..Event::new(key, kind, String::new())
    })
}

/// One of the notes. `notes` is `[]` if there are none.
fn note(entity: &Fields<'_>, name: &str) -> Option<String> {
    entity.object_if_any("notes")?.id_if_any(name)
}
