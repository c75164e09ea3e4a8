//! Stripe webhooks: payment intents and checkout sessions.
//!
//! Sources: Stripe's documentation of webhook signatures and of the types of events, and its
//! official libraries (docs/gateways.md).

pub mod amount;

use data_encoding::HEXLOWER;

use super::event::{DisputeStage, REFERENCE_NOTE, REFUND_NOTE};
use super::json::Fields;
use super::webhook::{Adapter, Forgery, Refusal, Webhook, age_fits, digest_key, signed};
use super::{Account, Event, EventKind};

const SIGNATURE: &str = "stripe-signature";

/// Stripe.
pub struct Stripe;

impl Adapter for Stripe {
    /// As in Stripe's official libraries. Stripe signs a retry anew.
    fn tolerance_s_default(&self) -> Option<u32> {
        Some(300)
    }

    fn tells_mode(&self) -> bool {
        true
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        // the signature is the only header of interest
        &[]
    }

    /// `t=<seconds>,v1=<hex>[,v1=<hex>…]`: one of the v1 is `HMAC-SHA256(secret, t ++ "." ++ raw
    /// body)`. During the rotation of a secret there are several.
    fn verify(&self, account: &Account, webhook: &Webhook<'_>) -> Result<(), Forgery> {
        let header = (webhook.header)(SIGNATURE).ok_or(Forgery::Missing(SIGNATURE))?;
        let unreadable = Forgery::Unreadable(SIGNATURE);
        let (mut times, mut signatures) = (Vec::new(), Vec::new());
        for (name, value) in header.split(',').filter_map(|part| part.split_once('=')) {
            match name {
                "t" => times.push(value),
                "v1" => signatures.extend(HEXLOWER.decode(value.as_bytes())),
                // v0 is for tests, and later versions are unknown
                _ => {}
            }
        }
        let [time] = times.as_slice() else {
            return Err(unreadable);
        };
        let seconds = time.parse::<u64>().map_err(|_| unreadable)?;
        if signatures.is_empty() || !time.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(unreadable);
        }
        // as in Stripe's official libraries, only an old time is refused
        age_fits(account, webhook, seconds, false)?;
        let parts = [time.as_bytes(), b".", webhook.raw];
        if signed(account, &parts, &signatures) {
            Ok(())
        } else {
            Err(Forgery::Mismatch)
        }
    }

    fn admit(&self, account: &Account, raw: &[u8]) -> Result<(), Refusal> {
        let refusal = |field, reason| Err(Refusal { field, reason });
        let body = std::str::from_utf8(raw).ok().map(Fields::parse);
        let Some(Ok(body)) = body else {
            return refusal("body", "is not a JSON object");
        };
        match body.text_if_any("object").as_deref() {
            Some("event") => {}
            Some("v2.core.event") => {
                return refusal(
                    "object",
                    "is a thin event, which says too little: send this endpoint snapshot events",
                );
            }
            _ => return refusal("object", "is not `event`"),
        }
        match body.flag("livemode") {
            Some(live) if live == account.live() => Ok(()),
            Some(true) => refusal(
                "livemode",
                "is true, and this deployment takes the test mode",
            ),
            Some(false) => refusal(
                "livemode",
                "is false, and this deployment takes the live mode",
            ),
            None => refusal("livemode", "is missing"),
        }
    }

    fn event(&self, payload: String) -> Result<Event, String> {
        let body = Fields::parse(&payload)?;
        let name = body.id("type")?;
        let object = || body.object("data")?.object("object");
        let event = match name.split_once('.') {
            Some(("payment_intent", _)) => intent(&name, &object()?)?,
            Some(("checkout", what)) if what.starts_with("session.") => session(&name, &object()?)?,
            // until API version 2024-10-28 a refund's changes came as charge.refund.updated
            Some(("refund", _) | ("charge", "refund.updated")) => refund(&name, &object()?)?,
            Some(("charge", what)) if what.starts_with("dispute.") => dispute(&name, &object()?)?,
            // among them charge.refunded: it carries the sum of all refunds of a charge, and each
            // refund has its own event
            _ => {
                let key = match body.id_if_any("id") {
                    Some(id) => format!("{}:{id}", name.chars().take(80).collect::<String>()),
                    None => digest_key(&name, &payload),
                };
                Event::new(key, EventKind::Other, String::new())
            }
        };
        Ok(Event { payload, ..event })
    }
}

/// A payment intent. A succeeded intent is one payment, with its own id.
fn intent(name: &str, intent: &Fields<'_>) -> Result<Event, String> {
    let id = intent.id("id")?;
    let status = intent.id("status")?;
    let charge = intent.id_if_any("latest_charge");
    let kind = match (name, status.as_str()) {
        ("payment_intent.succeeded", "succeeded") => EventKind::Paid,
        ("payment_intent.payment_failed", _) => EventKind::Failed,
        ("payment_intent.canceled", "canceled") => EventKind::Dropped,
        (
            // requires_capture: authorized, which is no money
            "payment_intent.processing"
            | "payment_intent.requires_action"
            | "payment_intent.partially_funded"
            | "payment_intent.amount_capturable_updated",
            _,
        ) => EventKind::Pending,
        _ => EventKind::Other,
    };
    let amount = match kind {
        EventKind::Paid => "amount_received",
        _ => "amount",
    };
    let (amount_minor, currency) = money(intent, amount);
    let reference = note(intent, REFERENCE_NOTE);
    // A shopper may fail several times with one intent. Each failure is another charge.
    let key = format!(
        "{name}:{id}:{status}:{}",
        charge.as_deref().unwrap_or_default()
    );
    let kind = unless_foreign(kind, reference.as_deref());
    Ok(Event {
        reference,
        amount_minor,
        currency,
        gateway_order_id: Some(id.clone()),
        gateway_payment_id: Some(id),
        other_payment_id: charge,
        ..Event::new(key, kind, String::new())
    })
}

/// A checkout session. Its payment is its intent, so the intent's own events are about the same
/// money. Completed does not mean paid: the money of a bank transfer comes days later, or never.
fn session(name: &str, session: &Fields<'_>) -> Result<Event, String> {
    let id = session.id("id")?;
    let status = session.id("payment_status")?;
    let kind = match (name, status.as_str()) {
        ("checkout.session.completed" | "checkout.session.async_payment_succeeded", "paid") => {
            EventKind::Paid
        }
        ("checkout.session.completed", "unpaid") => EventKind::Pending,
        ("checkout.session.async_payment_failed", _) => EventKind::Failed,
        ("checkout.session.expired", _) => EventKind::Dropped,
        // among them no_payment_required: nothing was paid
        _ => EventKind::Other,
    };
    let (amount_minor, currency) = money(session, "amount_total");
    let reference = session
        .id_if_any("client_reference_id")
        .or_else(|| note(session, REFERENCE_NOTE));
    let payment = session.id_if_any("payment_intent");
    let key = format!("{name}:{id}:{status}");
    let kind = unless_foreign(kind, reference.as_deref());
    Ok(Event {
        reference,
        amount_minor,
        currency,
        gateway_payment_id: Some(payment.unwrap_or_else(|| id.clone())),
        gateway_order_id: Some(id),
        ..Event::new(key, kind, String::new())
    })
}

/// A failed attempt without our reference is another use of the account. As an event of an unknown
/// order it would be retried and end in an alarm for every declined card. Money without a reference
/// stays money: a person must find its order.
fn unless_foreign(kind: EventKind, reference: Option<&str>) -> EventKind {
    match kind {
        EventKind::Failed | EventKind::Dropped if reference.is_none() => EventKind::Other,
        kind => kind,
    }
}

/// A refund. Its status decides, whichever event carries it.
fn refund(name: &str, refund: &Fields<'_>) -> Result<Event, String> {
    let id = refund.id("id")?;
    // older versions have refunds without a status: they are finished
    let status = refund.id_if_any("status");
    let status = status.as_deref().unwrap_or("succeeded");
    let kind = match status {
        "succeeded" => EventKind::RefundSettled,
        "pending" | "requires_action" => EventKind::RefundPending,
        "failed" | "canceled" => EventKind::RefundFailed,
        _ => EventKind::Other,
    };
    let (amount_minor, currency) = money(refund, "amount");
    Ok(Event {
        reference: note(refund, REFERENCE_NOTE),
        amount_minor,
        currency,
        gateway_payment_id: payment(refund),
        other_payment_id: refund.id_if_any("charge"),
        refund_id: note(refund, REFUND_NOTE).and_then(|id| id.parse().ok()),
        gateway_refund_id: Some(id.clone()),
        ..Event::new(format!("{name}:{id}:{status}"), kind, String::new())
    })
}

/// A dispute. Its status decides, whichever event carries it.
fn dispute(name: &str, dispute: &Fields<'_>) -> Result<Event, String> {
    let id = dispute.id("id")?;
    let status = dispute.id_if_any("status").unwrap_or_default();
    let kind = match status.as_str() {
        "won" => EventKind::DisputeWon,
        "lost" => EventKind::DisputeLost,
        "warning_closed" | "prevented" | "charge_refunded" => EventKind::DisputeClosed,
        _ => EventKind::Disputed,
    };
    let stage = if status.starts_with("warning_") {
        DisputeStage::Inquiry
    } else {
        DisputeStage::Chargeback
    };
    let key = match name {
        "charge.dispute.created" => format!("{name}:{id}"),
        _ => format!("{name}:{id}:{status}"),
    };
    let (amount_minor, currency) = money(dispute, "amount");
    Ok(Event {
        amount_minor,
        currency,
        gateway_payment_id: payment(dispute),
        other_payment_id: dispute.id_if_any("charge"),
        dispute_id: Some(id),
        dispute_stage: Some(stage),
        ..Event::new(key, kind, String::new())
    })
}

/// The payment of a refund or dispute: the intent, or the charge if an old charge has no intent.
fn payment(object: &Fields<'_>) -> Option<String> {
    object
        .id_if_any("payment_intent")
        .or_else(|| object.id_if_any("charge"))
}

fn note(object: &Fields<'_>, name: &str) -> Option<String> {
    object.object_if_any("metadata")?.id_if_any(name)
}

fn money(object: &Fields<'_>, amount: &str) -> (Option<i64>, Option<String>) {
    let currency = object.currency("currency");
    let minor = object
        .count(amount)
        .zip(currency.as_deref())
        .and_then(|(amount, currency)| amount::minor_from_stripe(amount, currency));
    (minor, currency)
}
