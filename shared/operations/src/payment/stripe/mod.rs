//! Stripe webhooks: payment intents and checkout sessions.
//!
//! Sources: Stripe's documentation of webhook signatures and of the types of events, and its
//! official libraries (docs/gateways.md).

pub mod amount;

use data_encoding::HEXLOWER;

use super::event::{REFERENCE_NOTE, REFUND_NOTE};
use super::json::Fields;
use super::webhook::{Adapter, Forgery, Refusal, Webhook, age_fits, digest_key, signed};
use super::{Account, Event, EventKind};

const SIGNATURE: &str = "stripe-signature";

/// Stripe.
pub struct Stripe;

impl Adapter for Stripe {
    /// As in its official libraries. A retry is signed anew.
    fn tolerance_s_default(&self) -> Option<u32> {
        Some(300)
    }

    fn tells_mode(&self) -> bool {
        true
    }

    fn kept_headers(&self) -> &'static [&'static str] {
        // its only header of interest is the signature
        &[]
    }

    /// `t=<seconds>,v1=<hex>[,v1=<hex>…]`: one of the v1 is
    /// `HMAC-SHA256(secret, t ++ "." ++ raw body)`. While a secret is rolled there are several.
    fn verify(&self, account: &Account, webhook: &Webhook<'_>) -> Result<(), Forgery> {
        let header = (webhook.header)(SIGNATURE).ok_or(Forgery::Missing(SIGNATURE))?;
        let unreadable = Forgery::Unreadable(SIGNATURE);
        let (mut times, mut signatures) = (Vec::new(), Vec::new());
        for (name, value) in header.split(',').filter_map(|part| part.split_once('=')) {
            match name {
                "t" => times.push(value),
                "v1" => signatures.extend(HEXLOWER.decode(value.as_bytes())),
                // v0 is for tests, and whatever comes later is not known
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
        // as in its official libraries, only an old time is refused
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
            Some(("charge", "dispute.created")) => dispute(&name, &object()?)?,
            // charge.refunded among them: what it says is the sum of all refunds of a charge, and
            // each of them has its own event
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

/// A payment intent. One that has succeeded is one payment, with its own id.
fn intent(name: &str, intent: &Fields<'_>) -> Result<Event, String> {
    let id = intent.id("id")?;
    let status = intent.id("status")?;
    let charge = intent.id_if_any("latest_charge").unwrap_or_default();
    let kind = match (name, status.as_str()) {
        ("payment_intent.succeeded", "succeeded") => EventKind::Paid,
        ("payment_intent.payment_failed", _) => EventKind::Failed,
        ("payment_intent.canceled", "canceled") => EventKind::Dropped,
        (
            // requires_capture: authorised, which is no money
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
    // A shopper may fail several times with one intent: each time it is another charge.
    let key = format!("{name}:{id}:{status}:{charge}");
    let kind = unless_foreign(kind, reference.as_deref());
    Ok(Event {
        reference,
        amount_minor,
        currency,
        gateway_order_id: Some(id.clone()),
        gateway_payment_id: Some(id),
        ..Event::new(key, kind, String::new())
    })
}

/// A checkout session. Its payment is its intent: the intent's own events are about the same money.
/// Completed is not paid: with a bank transfer, the money comes days later, or does not.
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
        // no_payment_required among them: nothing was paid
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

/// An attempt without a reference is another use of the account: tried again and again as one of an
/// unknown order, each declined card of it would end as an alarm. Money without a reference stays
/// money: somebody must look where it belongs.
fn unless_foreign(kind: EventKind, reference: Option<&str>) -> EventKind {
    match kind {
        EventKind::Failed | EventKind::Dropped if reference.is_none() => EventKind::Other,
        kind => kind,
    }
}

/// A refund: what its status says, whichever event brings it.
fn refund(name: &str, refund: &Fields<'_>) -> Result<Event, String> {
    let id = refund.id("id")?;
    // older versions have refunds without one: they are through
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
        refund_id: note(refund, REFUND_NOTE).and_then(|id| id.parse().ok()),
        gateway_refund_id: Some(id.clone()),
        ..Event::new(format!("{name}:{id}:{status}"), kind, String::new())
    })
}

fn dispute(name: &str, dispute: &Fields<'_>) -> Result<Event, String> {
    let id = dispute.id("id")?;
    let (amount_minor, currency) = money(dispute, "amount");
    Ok(Event {
        amount_minor,
        currency,
        gateway_payment_id: payment(dispute),
        ..Event::new(format!("{name}:{id}"), EventKind::Disputed, String::new())
    })
}

/// What a refund or a dispute is about: the intent; of an old charge without one, the charge.
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
