//! The events that Stripe sends.

use serde_json::{Value, json};

use super::objects;
use crate::postman::Letter;
use crate::world::{Ending, Order, Payment, Refund, RefundState, World, now};

/// As of an account that has no other version.
const API_VERSION: &str = "2026-10-28.endive";

pub(crate) fn of_payment(world: &mut World, payment: &Payment) -> Vec<Letter> {
    let Some(order) = world.orders.get(&payment.order).cloned() else {
        return Vec::new();
    };
    let (of_intent, of_session) = match payment.ending {
        Ending::Paid => ("payment_intent.succeeded", "checkout.session.completed"),
        Ending::Pending => ("payment_intent.processing", "checkout.session.completed"),
        Ending::Failed => ("payment_intent.payment_failed", ""),
        // it learns of that when the session's time is over
        Ending::Dropped => return Vec::new(),
    };
    let intent = objects::intent(world, &order);
    let mut letters = vec![event(world, payment.account, of_intent, &intent)];
    if objects::is_session(&order) && !of_session.is_empty() {
        let session = objects::session(world, &order);
        letters.push(event(world, payment.account, of_session, &session));
    }
    letters
}

/// What was expired or cancelled.
pub(super) fn of_closing(world: &mut World, order: &Order) -> Letter {
    let (name, object) = if objects::is_session(order) {
        ("checkout.session.expired", objects::session(world, order))
    } else {
        ("payment_intent.canceled", objects::intent(world, order))
    };
    event(world, order.account, name, &object)
}

pub(crate) fn of_refund(
    world: &mut World,
    refund: &Refund,
    payment: &Payment,
    new: bool,
) -> Vec<Letter> {
    let name = match refund.state {
        _ if new => "refund.created",
        RefundState::Failed => "refund.failed",
        RefundState::Pending | RefundState::Settled => "refund.updated",
    };
    let object = objects::refund(refund, payment);
    vec![event(world, refund.account, name, &object)]
}

pub(crate) fn of_dispute(world: &mut World, payment: &Payment) -> Vec<Letter> {
    let object = json!({
        "id": world.id("du_"), "object": "dispute", "amount": payment.amount,
        "charge": payment.attempt, "created": now(), "currency": payment.currency,
        "livemode": false, "metadata": {}, "payment_intent": payment.id,
        "reason": "fraudulent", "status": "needs_response",
    });
    vec![event(
        world,
        payment.account,
        "charge.dispute.created",
        &object,
    )]
}

fn event(world: &mut World, account: usize, name: &str, object: &Value) -> Letter {
    let event_id = world.id("evt_");
    let body = json!({
        "id": event_id, "object": "event", "api_version": API_VERSION, "created": now(),
        "data": { "object": object }, "livemode": false, "pending_webhooks": 1,
        "request": { "id": null, "idempotency_key": null }, "type": name,
    });
    Letter {
        account,
        event_id,
        body: body.to_string(),
    }
}
