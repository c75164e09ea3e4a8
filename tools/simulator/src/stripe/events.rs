//! Stripe's webhooks.

use serde_json::{Value, json};

use super::objects;
use crate::gateway::Event;
use crate::state::{Ending, Payment, RefundState, State, Webhook, now};

/// The API version of an account that sets no other.
const API_VERSION: &str = "2026-10-28.endive";

pub(super) fn webhooks(state: &mut State, event: &Event<'_>) -> Vec<Webhook> {
    match event {
        Event::PaymentEnded(payment) => payment_webhooks(state, payment),
        Event::OrderClosed(order) => {
            let name = match objects::is_session(order) {
                true => "checkout.session.expired",
                false => "payment_intent.canceled",
            };
            let object = objects::session_or_intent(state, order);
            vec![webhook(state, order.account, name, &object)]
        }
        Event::RefundCreated(refund, payment) => {
            let object = objects::refund(refund, payment);
            vec![webhook(state, refund.account, "refund.created", &object)]
        }
        Event::RefundChanged(refund, payment) => {
            let name = match refund.state {
                RefundState::Failed => "refund.failed",
                RefundState::Pending | RefundState::Settled => "refund.updated",
            };
            let object = objects::refund(refund, payment);
            vec![webhook(state, refund.account, name, &object)]
        }
    }
}

fn payment_webhooks(state: &mut State, payment: &Payment) -> Vec<Webhook> {
    let order = state.orders[&payment.order].clone();
    let name = match payment.ending {
        Ending::Paid => "payment_intent.succeeded",
        Ending::Pending => "payment_intent.processing",
        Ending::Failed => "payment_intent.payment_failed",
        // Stripe notices a shopper who left only when the session expires.
        Ending::Dropped => return Vec::new(),
    };
    let intent = objects::intent(state, &order);
    let mut webhooks = vec![webhook(state, payment.account, name, &intent)];
    if objects::is_session(&order) && payment.ending != Ending::Failed {
        let session = objects::session(state, &order);
        let name = "checkout.session.completed";
        webhooks.push(webhook(state, payment.account, name, &session));
    }
    webhooks
}

fn webhook(state: &mut State, account: usize, name: &str, object: &Value) -> Webhook {
    let event_id = state.new_id("evt_");
    let body = json!({
        "id": event_id, "object": "event", "api_version": API_VERSION, "created": now(),
        "data": { "object": object }, "livemode": false, "pending_webhooks": 1,
        "request": { "id": null, "idempotency_key": null }, "type": name,
    });
    Webhook {
        account,
        event_id,
        body: body.to_string(),
    }
}
