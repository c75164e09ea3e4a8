//! What Stripe's API answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{error, events, objects};
use crate::account::Gateway;
use crate::reply::{Call, Reply, form};
use crate::world::orders::State;
use crate::world::{Ending, Order, Payment, World, now};

/// A session lives from half an hour to a day.
const LIFETIME_S: std::ops::RangeInclusive<i64> = 1_800..=86_400;
/// A caller's clock and the network may take this much of a session's half hour.
const LENIENCE_S: i64 = 60;

type Form = BTreeMap<String, String>;

pub(crate) fn answer(world: &mut World, account: usize, call: &Call) -> Reply {
    let asked = form(&String::from_utf8_lossy(&call.body));
    let (method, path) = call.route();
    let made = match (method, path.as_slice()) {
        ("POST", ["v1", "checkout", "sessions"]) => create_session(world, account, &asked),
        ("GET", ["v1", "checkout", "sessions", id]) => {
            found(world, account, id).map(|order| objects::session(world, &order))
        }
        ("POST", ["v1", "checkout", "sessions", id, "expire"]) => close(world, account, id),
        ("POST", ["v1", "payment_intents"]) => create_intent(world, account, &asked),
        ("GET", ["v1", "payment_intents", "search"]) => search(world, account, call),
        ("GET", ["v1", "payment_intents", id]) => {
            found(world, account, id).map(|order| objects::intent(world, &order))
        }
        ("POST", ["v1", "payment_intents", id, "cancel"]) => close(world, account, id),
        ("POST", ["v1", "refunds"]) => refund(world, account, &asked),
        ("GET", ["v1", "refunds"]) => refunds(world, account, call),
        ("GET", ["v1", "refunds", id]) => refund_by_id(world, account, id),
        _ => Err(error(404, "", "Unrecognized request URL")),
    };
    made.map_or_else(|refusal| refusal, Reply::ok)
}

fn missing(what: &str, id: &str) -> Reply {
    error(404, "resource_missing", &format!("No such {what}: '{id}'"))
}

fn invalid(message: &str) -> Reply {
    error(400, "parameter_invalid", message)
}

/// A session by its id; an intent by its own, also where a session made it.
fn found(world: &World, account: usize, id: &str) -> Result<Order, Reply> {
    let mut orders = world.orders.values();
    orders
        .find(|order| {
            let is_it = order.id == id || id.starts_with("pi_") && order.other_id == id;
            order.account == account && order.gateway == Gateway::Stripe && is_it
        })
        .cloned()
        .ok_or_else(|| missing("object", id))
}

fn metadata(asked: &Form) -> Value {
    let mut metadata = Map::new();
    for (name, value) in asked {
        let name = name
            .strip_prefix("metadata[")
            .and_then(|name| name.strip_suffix(']'));
        if let Some(name) = name {
            metadata.insert(name.to_owned(), json!(value));
        }
    }
    Value::from(metadata)
}

fn amount(asked: &Form, name: &str) -> Result<i64, Reply> {
    let amount = asked.get(name).and_then(|text| text.parse().ok());
    amount
        .filter(|amount: &i64| *amount > 0)
        .ok_or_else(|| invalid(&format!("Invalid positive integer: {name}")))
}

fn currency(asked: &Form, name: &str) -> Result<String, Reply> {
    let currency = asked.get(name).map(|code| code.to_ascii_lowercase());
    currency
        .filter(|code| code.len() == 3)
        .ok_or_else(|| invalid(&format!("Invalid currency: {name}")))
}

fn create_session(world: &mut World, account: usize, asked: &Form) -> Result<Value, Reply> {
    if asked.get("mode").map(String::as_str) != Some("payment") {
        return Err(invalid("mode must be payment here"));
    }
    if !asked.contains_key("success_url") {
        return Err(error(400, "parameter_missing", "success_url is missing"));
    }
    let item = "line_items[0][price_data]";
    let unit = amount(asked, &format!("{item}[unit_amount]"))?;
    let quantity = amount(asked, "line_items[0][quantity]")?;
    if !asked.contains_key(&format!("{item}[product_data][name]")) {
        return Err(invalid("product_data needs a name"));
    }
    let expires_at = match asked.get("expires_at").map(|text| text.parse::<i64>()) {
        None => now() + LIFETIME_S.end(),
        Some(Ok(at))
            if (LIFETIME_S.start() - LENIENCE_S..=*LIFETIME_S.end()).contains(&(at - now())) =>
        {
            at
        }
        Some(_) => {
            return Err(invalid(
                "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours \
                 from Checkout Session creation",
            ));
        }
    };
    let text = |name: &str| asked.get(name).cloned();
    let order = Order {
        account,
        gateway: Gateway::Stripe,
        id: world.id("cs_test_"),
        other_id: world.id("pi_"),
        reference: text("client_reference_id").unwrap_or_default(),
        amount: unit * quantity,
        currency: currency(asked, &format!("{item}[currency]"))?,
        data: json!({
            "metadata": metadata(asked), "client_reference_id": text("client_reference_id"),
            "success_url": text("success_url"), "cancel_url": text("cancel_url"),
        }),
        closed: false,
        expires_at: Some(expires_at),
        created_at: now(),
    };
    world.orders.insert(order.id.clone(), order.clone());
    Ok(objects::session(world, &order))
}

fn create_intent(world: &mut World, account: usize, asked: &Form) -> Result<Value, Reply> {
    let id = world.id("pi_");
    let metadata = metadata(asked);
    let order = Order {
        account,
        gateway: Gateway::Stripe,
        id: id.clone(),
        other_id: id,
        reference: metadata["reference"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        amount: amount(asked, "amount")?,
        currency: currency(asked, "currency")?,
        data: json!({ "metadata": metadata }),
        closed: false,
        expires_at: None,
        created_at: now(),
    };
    world.orders.insert(order.id.clone(), order.clone());
    Ok(objects::intent(world, &order))
}

/// Expires a session, cancels an intent.
fn close(world: &mut World, account: usize, id: &str) -> Result<Value, Reply> {
    let mut order = found(world, account, id)?;
    let session = objects::is_session(&order);
    if world.faults(Gateway::Stripe).unclosable || world.state(&order) != State::Open {
        let (code, message) = if session {
            (
                "",
                "Only Checkout Sessions with a status in [\"open\"] can be expired",
            )
        } else {
            (
                "payment_intent_unexpected_state",
                "You cannot cancel this PaymentIntent",
            )
        };
        return Err(error(400, code, message));
    }
    order.closed = true;
    world.orders.insert(order.id.clone(), order.clone());
    let letter = events::of_closing(world, &order);
    world.letters.push(letter);
    Ok(if session {
        objects::session(world, &order)
    } else {
        objects::intent(world, &order)
    })
}

/// `query=metadata['reference']:'…'` and no other.
fn search(world: &World, account: usize, call: &Call) -> Result<Value, Reply> {
    let query = call.query.get("query").map(String::as_str);
    let reference = query
        .and_then(|query| query.strip_prefix("metadata['reference']:'"))
        .and_then(|query| query.strip_suffix('\''))
        .ok_or_else(|| invalid("this search knows metadata['reference']:'…' only"))?;
    let found = world.orders.values().filter(|order| {
        let intent = !objects::is_session(order) || world.paid(order) > 0;
        order.account == account && order.data["metadata"]["reference"] == reference && intent
    });
    let data: Vec<Value> = found.map(|order| objects::intent(world, order)).collect();
    Ok(json!({
        "object": "search_result", "data": data, "has_more": false, "next_page": null,
        "url": "/v1/payment_intents/search",
    }))
}

fn refund(world: &mut World, account: usize, asked: &Form) -> Result<Value, Reply> {
    let id = asked.get("payment_intent").or_else(|| asked.get("charge"));
    let id = id.ok_or_else(|| invalid("One of payment_intent and charge is needed"))?;
    let payment = paid(world, account, id).ok_or_else(|| {
        let known = found(world, account, id).is_ok();
        match known {
            true => invalid("This PaymentIntent does not have a successful charge to refund."),
            false => missing("payment_intent", id),
        }
    })?;
    let left = payment.amount - world.refunded(&payment.attempt);
    let wanted = match asked.contains_key("amount") {
        true => amount(asked, "amount")?,
        false => left,
    };
    if left == 0 {
        let message = format!("Charge {} has already been refunded.", payment.attempt);
        return Err(error(400, "charge_already_refunded", &message));
    }
    if wanted > left {
        return Err(error(
            400,
            "amount_too_large",
            "Refund amount is greater than unrefunded amount on charge",
        ));
    }
    let data = json!({ "metadata": metadata(asked), "reason": asked.get("reason") });
    let made = world.refund(&payment, wanted, None, data);
    Ok(objects::refund(&made, &payment))
}

fn paid(world: &World, account: usize, id: &str) -> Option<Payment> {
    let mut payments = world.payments.values();
    let is_it = |payment: &&Payment| {
        payment.account == account
            && payment.ending == Ending::Paid
            && (payment.id == id || payment.attempt == id)
    };
    payments.find(is_it).cloned()
}

fn refunds(world: &World, account: usize, call: &Call) -> Result<Value, Reply> {
    let of = call
        .query
        .get("payment_intent")
        .or_else(|| call.query.get("charge"));
    let mut data = Vec::new();
    for refund in world
        .refunds
        .values()
        .filter(|refund| refund.account == account)
    {
        let Some(payment) = world.payments.get(&refund.attempt) else {
            continue;
        };
        if of.is_none_or(|id| payment.id == *id || payment.attempt == *id) {
            data.push(objects::refund(refund, payment));
        }
    }
    Ok(json!({ "object": "list", "data": data, "has_more": false, "url": "/v1/refunds" }))
}

fn refund_by_id(world: &World, account: usize, id: &str) -> Result<Value, Reply> {
    let refund = world
        .refunds
        .get(id)
        .filter(|refund| refund.account == account);
    let payment = refund.and_then(|refund| world.payments.get(&refund.attempt));
    match (refund, payment) {
        (Some(refund), Some(payment)) => Ok(objects::refund(refund, payment)),
        _ => Err(missing("refund", id)),
    }
}
