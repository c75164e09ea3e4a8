//! Cashfree's JSON, with the members that a shop reads.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::webhook::{error_details, indian_time, major_units, payment_status};
use crate::state::{Ending, Order, OrderState, Payment, Refund, RefundState, State};

/// Hundredths as a JSON number.
pub(super) fn major(amount: i64) -> Value {
    serde_json::from_str(&major_units(amount)).unwrap_or_default()
}

/// A JSON number with at most two decimals, in hundredths.
pub(super) fn hundredths(value: &Value) -> Option<i64> {
    let text = value.as_number()?.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    if part.len() > 2 {
        return None;
    }
    format!("{whole}{part:0<2}").parse().ok()
}

fn time(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds);
    indian_time(at.unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

pub(super) fn order(state: &State, order: &Order) -> Value {
    let asked = &order.data;
    json!({
        "cf_order_id": order.other_id,
        "created_at": time(order.created_at),
        "customer_details": asked["customer_details"],
        "entity": "order",
        "order_amount": major(order.amount),
        "order_currency": order.currency,
        "order_expiry_time": time(order.expires_at.unwrap_or_default()),
        "order_id": order.id,
        "order_meta": asked["order_meta"],
        "order_note": asked["order_note"],
        "order_splits": [],
        "order_status": match state.order_state(order) {
            OrderState::Open => "ACTIVE",
            OrderState::Paid => "PAID",
            OrderState::Expired => "EXPIRED",
            OrderState::Closed => "TERMINATED",
        },
        "order_tags": asked["order_tags"],
        "payment_session_id": format!("session_{}_{}", order.other_id, order.created_at),
    })
}

pub(super) fn payment(order: &Order, payment: &Payment) -> Value {
    let paid = payment.ending == Ending::Paid;
    json!({
        "cf_payment_id": payment.attempt,
        "order_id": order.id,
        "entity": "payment",
        "is_captured": paid,
        "error_details": (payment.ending == Ending::Failed).then(error_details),
        "order_amount": major(order.amount),
        "order_currency": order.currency,
        "payment_group": "upi",
        "payment_currency": payment.currency,
        "payment_amount": major(payment.amount),
        "payment_time": time(payment.created_at),
        "payment_completion_time": paid.then(|| time(payment.created_at)),
        "payment_status": payment_status(payment.ending),
        "payment_message": if paid { "00::Transaction success" } else { "" },
        "bank_reference": paid.then_some(&payment.attempt),
        "payment_method": { "upi": { "channel": "collect", "upi_id": "shopper@upi" } },
    })
}

pub(super) fn refund(refund: &Refund, payment: &Payment) -> Value {
    let settled = refund.state == RefundState::Settled;
    json!({
        "cf_payment_id": refund.attempt,
        "cf_refund_id": refund.id,
        "order_id": payment.order,
        "refund_id": refund.reference,
        "entity": "refund",
        "refund_amount": major(refund.amount),
        "refund_currency": payment.currency,
        "refund_note": refund.data["refund_note"],
        "refund_status": match refund.state {
            RefundState::Pending => "PENDING",
            RefundState::Settled => "SUCCESS",
            RefundState::Failed => "CANCELLED",
        },
        "refund_arn": settled.then_some(&refund.id),
        "refund_charge": 0,
        "status_description": if settled { "Refund processed successfully" } else { "" },
        "metadata": null,
        "refund_splits": [],
        "refund_type": "MERCHANT_INITIATED",
        "refund_mode": "STANDARD",
        "created_at": time(refund.created_at),
        "processed_at": settled.then(|| time(refund.created_at)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_in_hundredths() {
        for (text, expected) in [("170", 17_000), ("170.5", 17_050), ("0.05", 5)] {
            let number: Value = serde_json::from_str(text).unwrap();
            assert_eq!(hundredths(&number), Some(expected), "{text}");
            assert_eq!(hundredths(&major(expected)), Some(expected), "{text}");
        }
        assert_eq!(hundredths(&json!(0.005)), None);
        assert_eq!(hundredths(&json!("170")), None);
    }
}
