//! The webhooks that Cashfree sends.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::answers::refund_json;
use super::major;
use super::webhook::{Facts, Kind, Version, body, indian_time};
use crate::postman::Letter;
use crate::world::{Ending, Payment, Refund, World};

pub(crate) fn payment_letters(world: &mut World, payment: &Payment) -> Vec<Letter> {
    let Some(order) = world.orders.get(&payment.order) else {
        return Vec::new();
    };
    let customer = order.data["customer_details"]["customer_id"].as_str();
    let facts = Facts {
        kind: match payment.ending {
            Ending::Paid => Kind::Paid,
            Ending::Failed => Kind::Failed,
            Ending::Dropped => Kind::Dropped,
            Ending::Pending => Kind::Pending,
        },
        version: Version::V2025,
        reference: &order.reference,
        amount_minor: order.amount,
        currency: &order.currency,
        customer: customer.unwrap_or_default(),
        payment_id: payment.attempt.parse().unwrap_or_default(),
        at: OffsetDateTime::now_utc(),
    };
    let body = body(&facts).unwrap_or_default();
    letter(world, payment.account, body)
}

pub(crate) fn refund_letters(world: &mut World, refund: &Refund) -> Vec<Letter> {
    let data = json!({ "refund": refund_json(world, refund) });
    envelope(world, refund.account, "REFUND_STATUS_WEBHOOK", &data)
}

pub(crate) fn dispute_letters(world: &mut World, payment: &Payment) -> Vec<Letter> {
    let data = json!({
        "dispute": {
            "dispute_id": world.number(), "dispute_type": "CHARGEBACK", "reason_code": "4855",
            "reason_description": "Goods or services not provided",
            "dispute_amount": major(payment.amount), "dispute_amount_currency": payment.currency,
            "dispute_status": "CHARGEBACK_CREATED", "cf_dispute_remarks": "",
        },
        "order_details": {
            "order_id": payment.order, "order_currency": payment.currency,
            "order_amount": major(payment.amount), "cf_payment_id": payment.attempt,
            "payment_currency": payment.currency, "payment_amount": major(payment.amount),
        },
    });
    envelope(world, payment.account, "DISPUTE_CREATED", &data)
}

fn envelope(world: &mut World, account: usize, kind: &str, data: &Value) -> Vec<Letter> {
    let at = indian_time(OffsetDateTime::now_utc());
    let body = json!({ "data": data, "event_time": at, "type": kind });
    letter(world, account, body.to_string())
}

fn letter(world: &mut World, account: usize, body: String) -> Vec<Letter> {
    let event_id = world.id("");
    vec![Letter {
        account,
        event_id,
        body,
    }]
}
