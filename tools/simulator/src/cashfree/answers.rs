//! What Cashfree's API answers.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::webhook::indian_time;
use super::{error, hundredths, major};
use crate::account::Gateway;
use crate::reply::{Call, Reply};
use crate::world::orders::State;
use crate::world::{Ending, Order, Payment, Refund, RefundState, World, now};

/// How long an order can be paid if the shop says nothing: 30 days.
const LIFETIME_S: i64 = 30 * 86_400;

pub(crate) fn answer(world: &mut World, account: usize, call: &Call) -> Reply {
    if call.header("x-api-version").is_none() {
        return error(400, "version_missing", "x-api-version is missing");
    }
    let (method, path) = call.route();
    let (order, rest) = match (method, path.as_slice()) {
        ("POST", ["pg", "orders"]) => return create(world, account, call),
        (_, ["pg", "orders", id, rest @ ..]) => match world.order(account, id) {
            Some(order) => (order.clone(), rest),
            None => return error(404, "order_not_found", "Order Reference Id does not exist"),
        },
        _ => return error(404, "path_not_found", "there is no such path"),
    };
    match (method, rest) {
        ("GET", []) => Reply::ok(order_json(world, &order)),
        ("PATCH", []) => terminate(world, &order, call),
        ("GET", ["payments"]) => {
            let payments = world.payments_of(&order).into_iter().rev();
            Reply::ok(
                payments
                    .map(|payment| payment_json(&order, payment))
                    .collect(),
            )
        }
        ("POST", ["refunds"]) => refund(world, &order, call),
        ("GET", ["refunds"]) => Reply::ok(
            refunds(world, &order)
                .map(|refund| refund_json(world, refund))
                .collect(),
        ),
        ("GET", ["refunds", id]) => {
            let found = refunds(world, &order).find(|refund| refund.ours.as_deref() == Some(*id));
            match found {
                Some(refund) => Reply::ok(refund_json(world, refund)),
                None => error(404, "refund_not_found", "Refund does not exist"),
            }
        }
        _ => error(404, "path_not_found", "there is no such path"),
    }
}

fn refunds<'a>(world: &'a World, order: &Order) -> impl Iterator<Item = &'a Refund> {
    let attempts: Vec<String> = world
        .payments_of(order)
        .iter()
        .map(|payment| payment.attempt.clone())
        .collect();
    world
        .refunds
        .values()
        .filter(move |refund| attempts.contains(&refund.attempt))
}

fn create(world: &mut World, account: usize, call: &Call) -> Reply {
    let invalid = |message: &str| error(400, "request_invalid", message);
    let Some(asked) = call.json() else {
        return invalid("the body is no JSON object");
    };
    let Some(id) = asked["order_id"].as_str() else {
        return invalid("order_id is missing");
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !(3..=45).contains(&id.len()) || !id.chars().all(fits) {
        return invalid("order_id : should have 3 to 45 characters of a-z, A-Z, 0-9, _ and -");
    }
    let Some(amount) = hundredths(&asked["order_amount"]).filter(|amount| *amount >= 100) else {
        return invalid("order_amount : should be a number of at least 1 with two decimals");
    };
    let Some(currency) = asked["order_currency"].as_str() else {
        return invalid("order_currency : is missing");
    };
    let customer = &asked["customer_details"];
    let customer_fits = |id: &str| (3..=50).contains(&id.len()) && id.chars().all(fits);
    if !customer["customer_id"].as_str().is_some_and(customer_fits) {
        return invalid(
            "customer_details.customer_id : should have 3 to 50 characters of a-z, A-Z, 0-9, _ \
             and -",
        );
    }
    if !customer["customer_phone"].is_string() {
        return invalid("customer_details : needs customer_phone");
    }
    let expiry = asked["order_expiry_time"].as_str();
    let expiry = expiry.map(|text| OffsetDateTime::parse(text, &Rfc3339));
    let expires_at = match expiry {
        None => now() + LIFETIME_S,
        Some(Ok(at)) if at.unix_timestamp() > now() => at.unix_timestamp(),
        Some(_) => return invalid("order_expiry_time : should be a time in the future"),
    };
    if world.orders.contains_key(id) {
        let message = "order with same id is already present";
        return error(409, "order_already_exists", message);
    }
    let order = Order {
        account,
        gateway: Gateway::Cashfree,
        id: id.to_owned(),
        other_id: world.number(),
        reference: id.to_owned(),
        amount,
        currency: currency.to_owned(),
        data: asked.clone(),
        closed: false,
        expires_at: Some(expires_at),
        created_at: now(),
    };
    world.orders.insert(id.to_owned(), order.clone());
    Reply::ok(order_json(world, &order))
}

fn terminate(world: &mut World, order: &Order, call: &Call) -> Reply {
    if call
        .json()
        .is_none_or(|body| body["order_status"] != "TERMINATED")
    {
        return error(
            400,
            "request_invalid",
            "order_status : should be TERMINATED",
        );
    }
    // an order that is paid stays so: its status in the answer says it
    let mut order = order.clone();
    let unclosable = world.faults(Gateway::Cashfree).unclosable;
    if world.state(&order) == State::Open && !unclosable {
        order.closed = true;
        world.orders.insert(order.id.clone(), order.clone());
    }
    Reply::ok(order_json(world, &order))
}

fn refund(world: &mut World, order: &Order, call: &Call) -> Reply {
    let invalid = |message: &str| error(400, "request_invalid", message);
    let Some(asked) = call.json() else {
        return invalid("the body is no JSON object");
    };
    let Some(ours) = asked["refund_id"]
        .as_str()
        .filter(|id| (3..=40).contains(&id.len()))
    else {
        return invalid("refund_id : should have 3 to 40 characters");
    };
    let Some(amount) = hundredths(&asked["refund_amount"]).filter(|amount| *amount > 0) else {
        return invalid("refund_amount : should be a positive number with two decimals");
    };
    if refunds(world, order).any(|refund| refund.ours.as_deref() == Some(ours)) {
        return error(
            409,
            "refund_already_exists",
            "refund with same id is already present",
        );
    }
    let paid = world.payments_of(order).into_iter();
    let mut paid = paid.filter(|payment| payment.ending == Ending::Paid);
    let Some(payment) = paid
        .find(|payment| payment.amount - world.refunded(&payment.attempt) >= amount)
        .cloned()
    else {
        let message = "Refund amount is more than what is paid and not refunded";
        return error(400, "refund_post_failed", message);
    };
    let made = world.refund(&payment, amount, Some(ours.to_owned()), asked.clone());
    Reply::ok(refund_json(world, &made))
}

fn order_json(world: &World, order: &Order) -> Value {
    let asked = &order.data;
    json!({
        "cf_order_id": order.other_id,
        "created_at": indian(order.created_at),
        "customer_details": asked["customer_details"],
        "entity": "order",
        "order_amount": major(order.amount),
        "order_currency": order.currency,
        "order_expiry_time": indian(order.expires_at.unwrap_or_default()),
        "order_id": order.id,
        "order_meta": asked["order_meta"],
        "order_note": asked["order_note"],
        "order_splits": [],
        "order_status": match world.state(order) {
            State::Open => "ACTIVE",
            State::Paid => "PAID",
            State::Expired => "EXPIRED",
            State::Closed => "TERMINATED",
        },
        "order_tags": asked["order_tags"],
        "payment_session_id": format!("session_{}_{}", order.other_id, order.created_at),
    })
}

/// An attempt; `authorization` and the like are left out.
fn payment_json(order: &Order, payment: &Payment) -> Value {
    let paid = payment.ending == Ending::Paid;
    json!({
        "cf_payment_id": payment.attempt,
        "order_id": order.id,
        "entity": "payment",
        "is_captured": paid,
        "error_details": (payment.ending == Ending::Failed).then(|| json!({
            "error_code": "TRANSACTION_DECLINED", "error_source": "bank",
            "error_description": "The bank declined it", "error_reason": "bank_declined",
        })),
        "order_amount": major(order.amount),
        "order_currency": order.currency,
        "payment_group": "upi",
        "payment_currency": payment.currency,
        "payment_amount": major(payment.amount),
        "payment_time": indian(payment.created_at),
        "payment_completion_time": paid.then(|| indian(payment.created_at)),
        "payment_status": match payment.ending {
            Ending::Paid => "SUCCESS",
            Ending::Failed => "FAILED",
            Ending::Dropped => "USER_DROPPED",
            Ending::Pending => "PENDING",
        },
        "payment_message": if paid { "00::Transaction success" } else { "" },
        "bank_reference": paid.then(|| payment.attempt.clone()),
        "payment_method": { "upi": { "channel": "collect", "upi_id": "shopper@upi" } },
    })
}

pub(super) fn refund_json(world: &World, refund: &Refund) -> Value {
    let payment = world.payments.get(&refund.attempt);
    let settled = refund.state == RefundState::Settled;
    json!({
        "cf_payment_id": refund.attempt,
        "cf_refund_id": refund.id,
        "order_id": payment.map(|payment| payment.order.clone()),
        "refund_id": refund.ours,
        "entity": "refund",
        "refund_amount": major(refund.amount),
        "refund_currency": payment.map(|payment| payment.currency.clone()),
        "refund_note": refund.data["refund_note"],
        "refund_status": match refund.state {
            RefundState::Pending => "PENDING",
            RefundState::Settled => "SUCCESS",
            RefundState::Failed => "CANCELLED",
        },
        "refund_arn": settled.then(|| refund.id.clone()),
        "refund_charge": 0,
        "status_description": if settled { "Refund processed successfully" } else { "" },
        "metadata": null,
        "refund_splits": [],
        "refund_type": "MERCHANT_INITIATED",
        "refund_mode": "STANDARD",
        "created_at": indian(refund.created_at),
        "processed_at": settled.then(|| indian(refund.created_at)),
    })
}

fn indian(seconds: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds);
    indian_time(at.unwrap_or(OffsetDateTime::UNIX_EPOCH))
}
