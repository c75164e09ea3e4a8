//! Razorpay's webhooks.

use serde_json::{Map, Value, json};

use super::objects;
use crate::gateway::Event;
use crate::state::{Ending, OrderState, Payment, RefundState, State, Webhook, now};

pub(super) fn webhooks(state: &mut State, event: &Event<'_>) -> Vec<Webhook> {
    let (name, refund, payment) = match event {
        Event::PaymentEnded(payment) => return payment_webhooks(state, payment),
        Event::OrderClosed(_) => return Vec::new(),
        Event::RefundCreated(refund, payment) => ("refund.created", refund, payment),
        Event::RefundChanged(refund, payment) => match refund.state {
            RefundState::Settled => ("refund.processed", refund, payment),
            RefundState::Failed => ("refund.failed", refund, payment),
            RefundState::Pending => return Vec::new(),
        },
    };
    let entities = [
        ("refund", objects::refund(refund, payment)),
        ("payment", objects::payment(state, payment)),
    ];
    vec![webhook(state, refund.account, name, &entities)]
}

fn payment_webhooks(state: &mut State, payment: &Payment) -> Vec<Webhook> {
    let entity = ("payment", objects::payment(state, payment));
    let mut authorized = entity.clone();
    authorized.1["status"] = json!("authorized");
    authorized.1["captured"] = json!(false);
    let mut events = match payment.ending {
        Ending::Pending => vec![("payment.authorized", vec![authorized])],
        Ending::Failed | Ending::Dropped => vec![("payment.failed", vec![entity.clone()])],
        Ending::Paid => vec![
            ("payment.authorized", vec![authorized]),
            ("payment.captured", vec![entity.clone()]),
        ],
    };
    let order = &state.orders[&payment.order];
    if payment.ending == Ending::Paid && state.order_state(order) == OrderState::Paid {
        let order = ("order", objects::order(state, order));
        events.push(("order.paid", vec![entity, order]));
    }
    let send = |(name, entities): (&str, Vec<_>)| webhook(state, payment.account, name, &entities);
    events.into_iter().map(send).collect()
}

fn webhook(state: &mut State, account: usize, name: &str, entities: &[(&str, Value)]) -> Webhook {
    let contains: Vec<&str> = entities.iter().map(|(kind, _)| *kind).collect();
    let payload: Map<String, Value> = entities
        .iter()
        .map(|(kind, entity)| ((*kind).to_owned(), json!({ "entity": entity })))
        .collect();
    let body = json!({
        "entity": "event", "account_id": "acc_Simulated0001", "event": name,
        "contains": contains, "payload": payload, "created_at": now(),
    });
    Webhook {
        account,
        event_id: state.new_id(""),
        body: body.to_string(),
    }
}
