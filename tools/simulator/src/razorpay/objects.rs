//! Razorpay's JSON, with the members that a shop reads.

use serde_json::{Value, json};

use crate::state::{Ending, Order, Payment, Refund, RefundState, State};

pub(super) fn collection(items: impl Iterator<Item = Value>) -> Value {
    let items: Vec<Value> = items.collect();
    json!({ "entity": "collection", "count": items.len(), "items": items })
}

pub(super) fn order(state: &State, order: &Order) -> Value {
    let attempts = state.payments_of(order).len();
    let paid = state.paid(order).min(order.amount);
    let status = match (paid, attempts) {
        (paid, _) if paid >= order.amount => "paid",
        (_, 0) => "created",
        _ => "attempted",
    };
    json!({
        "id": order.id, "entity": "order", "amount": order.amount, "amount_paid": paid,
        "amount_due": order.amount - paid, "currency": order.currency,
        "receipt": order.data["receipt"], "offer_id": null, "status": status,
        "attempts": attempts, "notes": order.data["notes"], "created_at": order.created_at,
    })
}

pub(super) fn payment(state: &State, payment: &Payment) -> Value {
    let refunded = state.refunded(payment);
    let paid = payment.ending == Ending::Paid;
    let failed = matches!(payment.ending, Ending::Failed | Ending::Dropped);
    json!({
        "id": payment.id, "entity": "payment", "amount": payment.amount,
        "currency": payment.currency, "order_id": payment.order, "invoice_id": null,
        "status": match payment.ending {
            Ending::Paid if refunded >= payment.amount => "refunded",
            Ending::Paid => "captured",
            Ending::Failed | Ending::Dropped => "failed",
            Ending::Pending => "authorized",
        },
        "international": false, "method": "upi", "amount_refunded": refunded,
        "refund_status": match refunded {
            0 => None,
            all if all >= payment.amount => Some("full"),
            _ => Some("partial"),
        },
        "captured": paid, "description": null, "card_id": null, "bank": null, "wallet": null,
        "vpa": "shopper@upi", "email": "shopper@example.com", "contact": "+919999999999",
        // The storefront sets them; those of the order are not copied.
        "notes": [],
        "fee": null, "tax": null,
        "error_code": failed.then_some("BAD_REQUEST_ERROR"),
        "error_description": failed.then_some("Payment was declined by the bank."),
        "error_source": failed.then_some("bank"), "error_step": null,
        "error_reason": failed.then_some("payment_failed"),
        "created_at": payment.created_at,
    })
}

pub(super) fn refund(refund: &Refund, payment: &Payment) -> Value {
    json!({
        "id": refund.id, "entity": "refund", "amount": refund.amount,
        "currency": payment.currency, "payment_id": payment.id, "notes": refund.data["notes"],
        "receipt": refund.reference, "acquirer_data": { "rrn": null },
        "created_at": refund.created_at, "batch_id": null,
        "status": match refund.state {
            RefundState::Pending => "pending",
            RefundState::Settled => "processed",
            RefundState::Failed => "failed",
        },
        "speed_processed": "normal", "speed_requested": "normal",
    })
}
