//! Stripe's API calls.

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};

use super::events;
use super::objects;
use crate::account::Gateway;
use crate::call::{Call, Form, Reply};
use crate::gateway::{Event, Headers, PaymentGateway};
use crate::signature::hmac;
use crate::state::{Ending, Order, State, Webhook, now};

/// A session lives from half an hour to a day.
const LIFETIME_S: std::ops::RangeInclusive<i64> = 1_800..=86_400;
/// The caller's clock and the network may take this much of a session's half hour.
const TOLERANCE_S: i64 = 60;

pub(crate) struct Stripe;

impl PaymentGateway for Stripe {
    fn idempotency_header(&self) -> &'static str {
        "idempotency-key"
    }

    fn keys_cover_failures(&self) -> bool {
        true
    }

    fn error(&self, status: u16, code: &str, message: &str) -> Reply {
        let kind = match (status, code) {
            (_, "idempotency_error") => code,
            (500.., _) => "api_error",
            _ => "invalid_request_error",
        };
        Reply {
            status,
            body: json!({ "error": { "type": kind, "code": code, "message": message } }),
        }
    }

    /// The secret key comes as a bearer token or as the user of basic authentication.
    fn caller(&self, state: &State, call: &Call) -> Option<usize> {
        let bearer = call.header("authorization")?.strip_prefix("Bearer ");
        let key = bearer
            .map(str::to_owned)
            .or_else(|| Some(call.basic()?.0))?;
        state.account(Gateway::Stripe, "", &key)
    }

    fn answer(&self, state: &mut State, account: usize, call: &Call) -> Result<Value, Reply> {
        let asked = call.form();
        let (method, path) = call.route();
        match (method, path.as_slice()) {
            ("POST", ["v1", "checkout", "sessions"]) => create_session(state, account, &asked),
            ("GET", ["v1", "checkout", "sessions", id]) => {
                order(state, account, id).map(|order| objects::session(state, &order))
            }
            ("POST", ["v1", "payment_intents"]) => create_intent(state, account, &asked),
            ("GET", ["v1", "payment_intents", "search"]) => search(state, account, call),
            ("GET", ["v1", "payment_intents", id]) => {
                order(state, account, id).map(|order| objects::intent(state, &order))
            }
            (
                "POST",
                ["v1", "checkout", "sessions", id, "expire"]
                | ["v1", "payment_intents", id, "cancel"],
            ) => close(state, account, id),
            ("POST", ["v1", "refunds"]) => self.create_refund(state, account, &asked),
            ("GET", ["v1", "refunds"]) => Ok(refunds(state, account, &call.query)),
            ("GET", ["v1", "refunds", id]) => match state.refund(account, id) {
                Some((refund, payment)) => Ok(objects::refund(refund, payment)),
                None => Err(missing("refund", id)),
            },
            _ => Err(self.error(404, "", "Unrecognized request URL")),
        }
    }

    fn webhooks(&self, state: &mut State, event: &Event<'_>) -> Vec<Webhook> {
        events::webhooks(state, event)
    }

    fn webhook_headers(&self, secret: &str, webhook: &Webhook, _attempt: u32) -> Headers {
        let time = now().to_string();
        let signed = [time.as_bytes(), b".", webhook.body.as_bytes()];
        let signature = HEXLOWER.encode(&hmac(secret, &signed));
        vec![("stripe-signature", format!("t={time},v1={signature}"))]
    }
}

impl Stripe {
    fn create_refund(
        &self,
        state: &mut State,
        account: usize,
        asked: &Form,
    ) -> Result<Value, Reply> {
        let id = asked.get("payment_intent").or_else(|| asked.get("charge"));
        let id = id.ok_or_else(|| invalid("One of payment_intent and charge is needed"))?;
        let mut payments = state.payments.values();
        let paid = payments.find(|payment| {
            payment.account == account
                && payment.ending == Ending::Paid
                && (payment.id == *id || payment.attempt == *id)
        });
        let Some(payment) = paid.cloned() else {
            return Err(match order(state, account, id) {
                Ok(_) => invalid("This PaymentIntent does not have a successful charge to refund."),
                Err(_) => missing("payment_intent", id),
            });
        };
        let left = payment.amount - state.refunded(&payment);
        let wanted = match asked.contains_key("amount") {
            true => amount(asked, "amount")?,
            false => left,
        };
        if left == 0 {
            let message = format!("Charge {} has already been refunded.", payment.attempt);
            return Err(self.error(400, "charge_already_refunded", &message));
        }
        if wanted > left {
            let message = "Refund amount is greater than unrefunded amount on charge";
            return Err(self.error(400, "amount_too_large", message));
        }
        let data = json!({ "metadata": metadata(asked), "reason": asked.get("reason") });
        let refund = self.refund(state, &payment, wanted, None, data);
        Ok(objects::refund(&refund, &payment))
    }
}

fn missing(what: &str, id: &str) -> Reply {
    Stripe.error(404, "resource_missing", &format!("No such {what}: '{id}'"))
}

fn invalid(message: &str) -> Reply {
    Stripe.error(400, "parameter_invalid", message)
}

/// A session by its id, or an intent by its own, even if a session made it.
fn order(state: &State, account: usize, id: &str) -> Result<Order, Reply> {
    let found = state.orders.values().find(|order| {
        let same = order.id == id || id.starts_with("pi_") && order.other_id == id;
        order.account == account && order.gateway == Gateway::Stripe && same
    });
    found.cloned().ok_or_else(|| missing("object", id))
}

fn metadata(asked: &Form) -> Map<String, Value> {
    let mut metadata = Map::new();
    for (field, value) in asked {
        let name = field.strip_prefix("metadata[");
        if let Some(name) = name.and_then(|name| name.strip_suffix(']')) {
            metadata.insert(name.to_owned(), json!(value));
        }
    }
    metadata
}

fn amount(asked: &Form, name: &str) -> Result<i64, Reply> {
    asked
        .get(name)
        .and_then(|text| text.parse().ok())
        .filter(|amount: &i64| *amount > 0)
        .ok_or_else(|| invalid(&format!("Invalid positive integer: {name}")))
}

fn currency(asked: &Form, name: &str) -> Result<String, Reply> {
    asked
        .get(name)
        .map(|code| code.to_ascii_lowercase())
        .filter(|code| code.len() == 3)
        .ok_or_else(|| invalid(&format!("Invalid currency: {name}")))
}

fn create_session(state: &mut State, account: usize, asked: &Form) -> Result<Value, Reply> {
    if asked.get("mode").map(String::as_str) != Some("payment") {
        return Err(invalid("mode must be payment here"));
    }
    if !asked.contains_key("success_url") {
        return Err(Stripe.error(400, "parameter_missing", "success_url is missing"));
    }
    let item = "line_items[0][price_data]";
    let unit = amount(asked, &format!("{item}[unit_amount]"))?;
    let quantity = amount(asked, "line_items[0][quantity]")?;
    if !asked.contains_key(&format!("{item}[product_data][name]")) {
        return Err(invalid("product_data needs a name"));
    }
    let lifetimes = LIFETIME_S.start() - TOLERANCE_S..=*LIFETIME_S.end();
    let expires_at = match asked.get("expires_at") {
        None => now() + LIFETIME_S.end(),
        Some(text) => text
            .parse()
            .ok()
            .filter(|at| lifetimes.contains(&(at - now())))
            .ok_or_else(|| {
                invalid(
                    "The `expires_at` timestamp must be at least 30 minutes and less than 24 \
                     hours from Checkout Session creation",
                )
            })?,
    };
    let reference = asked.get("client_reference_id");
    let order = Order {
        account,
        gateway: Gateway::Stripe,
        id: state.new_id("cs_test_"),
        other_id: state.new_id("pi_"),
        reference: reference.cloned().unwrap_or_default(),
        amount: unit * quantity,
        currency: currency(asked, &format!("{item}[currency]"))?,
        data: json!({
            "metadata": metadata(asked), "client_reference_id": reference,
            "success_url": asked.get("success_url"), "cancel_url": asked.get("cancel_url"),
        }),
        closed: false,
        expires_at: Some(expires_at),
        created_at: now(),
    };
    state.orders.insert(order.id.clone(), order.clone());
    Ok(objects::session(state, &order))
}

fn create_intent(state: &mut State, account: usize, asked: &Form) -> Result<Value, Reply> {
    let id = state.new_id("pi_");
    let reference = asked.get("metadata[reference]");
    let order = Order {
        account,
        gateway: Gateway::Stripe,
        id: id.clone(),
        other_id: id,
        reference: reference.cloned().unwrap_or_default(),
        amount: amount(asked, "amount")?,
        currency: currency(asked, "currency")?,
        data: json!({ "metadata": metadata(asked) }),
        closed: false,
        expires_at: None,
        created_at: now(),
    };
    state.orders.insert(order.id.clone(), order.clone());
    Ok(objects::intent(state, &order))
}

/// Expires a session or cancels an intent.
fn close(state: &mut State, account: usize, id: &str) -> Result<Value, Reply> {
    let mut order = order(state, account, id)?;
    if !state.close(&mut order) {
        let (code, message) = if objects::is_session(&order) {
            let message = r#"Only Checkout Sessions with a status in ["open"] can be expired"#;
            ("", message)
        } else {
            let message = "You cannot cancel this PaymentIntent";
            ("payment_intent_unexpected_state", message)
        };
        return Err(Stripe.error(400, code, message));
    }
    Stripe.write_webhooks(state, &Event::OrderClosed(&order));
    Ok(objects::session_or_intent(state, &order))
}

/// Knows one query: `metadata['reference']:'…'`.
fn search(state: &State, account: usize, call: &Call) -> Result<Value, Reply> {
    let query = call.query.get("query").map(String::as_str);
    let reference = query
        .and_then(|query| query.strip_prefix("metadata['reference']:'"))
        .and_then(|query| query.strip_suffix('\''))
        .ok_or_else(|| invalid("this search knows metadata['reference']:'…' only"))?;
    let found = state.orders.values().filter(|order| {
        let has_intent = !objects::is_session(order) || state.paid(order) > 0;
        order.account == account && order.data["metadata"]["reference"] == reference && has_intent
    });
    let data: Vec<Value> = found.map(|order| objects::intent(state, order)).collect();
    Ok(json!({
        "object": "search_result", "data": data, "has_more": false, "next_page": null,
        "url": "/v1/payment_intents/search",
    }))
}

fn refunds(state: &State, account: usize, query: &Form) -> Value {
    let id = query.get("payment_intent").or_else(|| query.get("charge"));
    let data: Vec<Value> = state
        .refunds_of(account)
        .filter(|(_, of)| id.is_none_or(|id| of.id == *id || of.attempt == *id))
        .map(|(refund, payment)| objects::refund(refund, payment))
        .collect();
    json!({ "object": "list", "data": data, "has_more": false, "url": "/v1/refunds" })
}
