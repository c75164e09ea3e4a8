//! Cashfree's webhooks.

use serde_json::json;
use time::OffsetDateTime;

use super::objects;
use super::webhook::{self, Facts, Version, indian_time};
use crate::gateway::Event;
use crate::state::{Payment, State, Webhook};

pub(super) fn webhooks(state: &mut State, event: &Event<'_>) -> Vec<Webhook> {
    let (account, body) = match event {
        Event::PaymentEnded(payment) => (payment.account, payment_body(state, payment)),
        Event::RefundChanged(refund, payment) => {
            let body = json!({
                "data": { "refund": objects::refund(refund, payment) },
                "event_time": indian_time(OffsetDateTime::now_utc()),
                "type": "REFUND_STATUS_WEBHOOK",
            });
            (refund.account, body.to_string())
        }
        // Cashfree sends nothing for these.
        Event::RefundCreated(..) | Event::OrderClosed(_) => return Vec::new(),
    };
    vec![Webhook {
        account,
        event_id: state.new_id(""),
        body,
    }]
}

fn payment_body(state: &State, payment: &Payment) -> String {
    let order = &state.orders[&payment.order];
    let customer = order.data["customer_details"]["customer_id"].as_str();
    webhook::body(&Facts {
        kind: payment.ending,
        version: Version::V2025,
        reference: &order.reference,
        amount_minor: order.amount,
        currency: &order.currency,
        customer: customer.unwrap_or_default(),
        payment_id: payment.attempt.parse().unwrap_or_default(),
        at: OffsetDateTime::now_utc(),
    })
}
