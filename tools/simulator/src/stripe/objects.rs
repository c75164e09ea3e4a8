//! Stripe's JSON, with the members that a shop reads.

use serde_json::{Value, json};

use crate::state::{Ending, Order, OrderState, Payment, Refund, RefundState, State};

pub(super) fn is_session(order: &Order) -> bool {
    order.id.starts_with("cs_")
}

/// The last attempt with this ending.
fn last<'a>(state: &'a State, order: &Order, ending: Ending) -> Option<&'a Payment> {
    let payments = state.payments_of(order).into_iter();
    payments.rev().find(|payment| payment.ending == ending)
}

/// What the order was created as.
pub(super) fn session_or_intent(state: &State, order: &Order) -> Value {
    if is_session(order) {
        session(state, order)
    } else {
        intent(state, order)
    }
}

pub(super) fn session(state: &State, order: &Order) -> Value {
    let paid = last(state, order, Ending::Paid);
    let pending = last(state, order, Ending::Pending);
    let done = paid.or(pending);
    let status = match state.order_state(order) {
        OrderState::Paid => "complete",
        _ if done.is_some() => "complete",
        OrderState::Open => "open",
        OrderState::Expired | OrderState::Closed => "expired",
    };
    json!({
        "id": order.id, "object": "checkout.session",
        "amount_subtotal": order.amount, "amount_total": order.amount,
        "cancel_url": order.data["cancel_url"], "success_url": order.data["success_url"],
        "client_reference_id": order.data["client_reference_id"], "client_secret": null,
        "created": order.created_at, "currency": order.currency,
        "expires_at": order.expires_at, "livemode": false,
        "metadata": order.data["metadata"], "mode": "payment",
        "payment_intent": done.map(|_| &order.other_id),
        "payment_method_types": ["card"],
        "payment_status": if paid.is_some() { "paid" } else { "unpaid" },
        "status": status, "ui_mode": "hosted",
        "url": (status == "open").then(|| {
            format!("https://checkout.stripe.com/c/pay/{}", order.id)
        }),
    })
}

pub(super) fn intent(state: &State, order: &Order) -> Value {
    let paid = last(state, order, Ending::Paid);
    let attempts = state.payments_of(order);
    let latest = attempts.last();
    let failed = latest.filter(|payment| payment.ending == Ending::Failed);
    let status = match state.order_state(order) {
        OrderState::Paid => "succeeded",
        OrderState::Closed => "canceled",
        _ if latest.is_some_and(|payment| payment.ending == Ending::Pending) => "processing",
        OrderState::Open | OrderState::Expired => "requires_payment_method",
    };
    json!({
        "id": order.other_id, "object": "payment_intent",
        "amount": order.amount, "amount_capturable": 0,
        "amount_received": paid.map_or(0, |payment| payment.amount),
        "canceled_at": null, "capture_method": "automatic_async",
        "client_secret": format!("{}_secret_{}", order.other_id, order.created_at),
        "created": order.created_at, "currency": order.currency,
        "last_payment_error": failed.map(|_| json!({
            "type": "card_error", "code": "card_declined", "decline_code": "generic_decline",
            "message": "Your card was declined.",
        })),
        "latest_charge": latest.map(|payment| &payment.attempt),
        "livemode": false, "metadata": order.data["metadata"],
        "payment_method_types": ["card"], "status": status,
    })
}

pub(super) fn refund(refund: &Refund, payment: &Payment) -> Value {
    json!({
        "id": refund.id, "object": "refund", "amount": refund.amount,
        "balance_transaction": null, "charge": refund.attempt, "created": refund.created_at,
        "currency": payment.currency, "metadata": refund.data["metadata"],
        "payment_intent": payment.id, "reason": refund.data["reason"], "receipt_number": null,
        "failure_reason": (refund.state == RefundState::Failed).then_some("declined"),
        "status": match refund.state {
            RefundState::Pending => "pending",
            RefundState::Settled => "succeeded",
            RefundState::Failed => "failed",
        },
    })
}
