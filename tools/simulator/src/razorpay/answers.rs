//! What Razorpay's API answers.

use serde_json::{Value, json};

use super::{entities, error};
use crate::account::Gateway;
use crate::reply::{Call, Reply};
use crate::world::{Ending, Order, Payment, Refund, World, now};

/// Characters of a receipt at most.
const RECEIPT_CHARS_MAX: usize = 40;

pub(crate) fn answer(world: &mut World, account: usize, call: &Call) -> Reply {
    let (method, path) = call.route();
    let made = match (method, path.as_slice()) {
        ("POST", ["v1", "orders"]) => create(world, account, call),
        ("GET", ["v1", "orders"]) => Ok(orders(world, account, call)),
        ("GET", ["v1", "orders", id]) => {
            order(world, account, id).map(|order| entities::order(world, order))
        }
        ("GET", ["v1", "orders", id, "payments"]) => order(world, account, id).map(|order| {
            let payments = world.payments_of(order).into_iter().rev();
            collection(payments.map(|payment| entities::payment(world, payment)))
        }),
        ("GET", ["v1", "payments", id]) => {
            payment(world, account, id).map(|payment| entities::payment(world, &payment))
        }
        ("POST", ["v1", "payments", id, "refund"]) => refund(world, account, id, call),
        ("GET", ["v1", "payments", id, "refunds"]) => {
            payment(world, account, id).map(|payment| refunds(world, &payment))
        }
        ("GET", ["v1", "refunds", id]) => refund_by_id(world, account, id),
        _ => Err(error(
            404,
            "",
            "The requested URL was not found on the server.",
        )),
    };
    made.map_or_else(|refusal| refusal, Reply::ok)
}

fn invalid(description: &str) -> Reply {
    error(400, "input_validation_failed", description)
}

fn collection(items: impl Iterator<Item = Value>) -> Value {
    let items: Vec<Value> = items.collect();
    json!({ "entity": "collection", "count": items.len(), "items": items })
}

fn order<'a>(world: &'a World, account: usize, id: &str) -> Result<&'a Order, Reply> {
    world
        .order(account, id)
        .ok_or_else(|| invalid("The id provided does not exist"))
}

fn payment(world: &World, account: usize, id: &str) -> Result<Payment, Reply> {
    let payment = world.payments.get(id);
    payment
        .filter(|payment| payment.account == account)
        .cloned()
        .ok_or_else(|| invalid("The id provided does not exist"))
}

/// It makes another order each time that it is asked: it has no idempotency keys here.
fn create(world: &mut World, account: usize, call: &Call) -> Result<Value, Reply> {
    let asked = call
        .json()
        .ok_or_else(|| invalid("The body is no JSON object"))?;
    let amount = asked["amount"].as_i64().filter(|amount| *amount >= 100);
    let amount = amount.ok_or_else(|| invalid("Order amount less than minimum amount allowed"))?;
    let currency = asked["currency"].as_str();
    let currency = currency.ok_or_else(|| invalid("The currency field is required."))?;
    let receipt = asked["receipt"].as_str().unwrap_or_default();
    if receipt.chars().count() > RECEIPT_CHARS_MAX {
        return Err(invalid(
            "The receipt may not be greater than 40 characters.",
        ));
    }
    let notes = match &asked["notes"] {
        notes @ Value::Object(_) => notes.clone(),
        _ => json!([]),
    };
    let order = Order {
        account,
        gateway: Gateway::Razorpay,
        id: world.id("order_"),
        other_id: String::new(),
        reference: receipt.to_owned(),
        amount,
        currency: currency.to_owned(),
        data: json!({ "receipt": asked["receipt"], "notes": notes }),
        closed: false,
        expires_at: None,
        created_at: now(),
    };
    world.orders.insert(order.id.clone(), order.clone());
    Ok(entities::order(world, &order))
}

fn orders(world: &World, account: usize, call: &Call) -> Value {
    let receipt = call.query.get("receipt");
    let orders = world.orders.values().filter(|order| {
        order.gateway == Gateway::Razorpay
            && order.account == account
            && receipt.is_none_or(|receipt| order.data["receipt"] == receipt.as_str())
    });
    collection(orders.map(|order| entities::order(world, order)))
}

fn refund(world: &mut World, account: usize, id: &str, call: &Call) -> Result<Value, Reply> {
    let payment = payment(world, account, id)?;
    if payment.ending != Ending::Paid {
        return Err(invalid(
            "The payment status should be captured for action to be taken",
        ));
    }
    let asked = call.json().unwrap_or_else(|| json!({}));
    let left = payment.amount - world.refunded(&payment.attempt);
    let amount = match &asked["amount"] {
        Value::Null => left,
        amount => match amount.as_i64().filter(|amount| *amount >= 100) {
            Some(amount) => amount,
            None => return Err(invalid("The amount must be atleast INR 1.00")),
        },
    };
    if left == 0 {
        return Err(invalid("The payment has been fully refunded already"));
    }
    if amount > left {
        return Err(invalid(
            "The total refund amount is greater than the refund payment amount",
        ));
    }
    let receipt = asked["receipt"].as_str().map(str::to_owned);
    let data = json!({ "notes": asked["notes"] });
    let made = world.refund(&payment, amount, receipt, data);
    Ok(entities::refund(&made, &payment))
}

fn refunds(world: &World, payment: &Payment) -> Value {
    let of_it = |refund: &&Refund| refund.attempt == payment.attempt;
    let refunds = world.refunds.values().filter(of_it);
    collection(refunds.map(|refund| entities::refund(refund, payment)))
}

fn refund_by_id(world: &World, account: usize, id: &str) -> Result<Value, Reply> {
    let refund = world
        .refunds
        .get(id)
        .filter(|refund| refund.account == account);
    let payment = refund.and_then(|refund| world.payments.get(&refund.attempt));
    match (refund, payment) {
        (Some(refund), Some(payment)) => Ok(entities::refund(refund, payment)),
        _ => Err(invalid("The id provided does not exist")),
    }
}
