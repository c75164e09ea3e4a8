//! Cashfree's API calls.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::objects::{self, hundredths};
use super::{events, webhook};
use crate::account::Gateway;
use crate::call::{Call, Reply};
use crate::gateway::{Event, Headers, PaymentGateway};
use crate::state::{Ending, Order, Payment, Refund, State, Webhook, now};

/// The life of an order if the shop sets none: 30 days.
const LIFETIME_S: i64 = 30 * 86_400;

pub(crate) struct Cashfree;

impl PaymentGateway for Cashfree {
    fn idempotency_header(&self) -> &'static str {
        "x-idempotency-key"
    }

    fn error(&self, status: u16, code: &str, message: &str) -> Reply {
        let kind = match status {
            401 => "authentication_error",
            429 => "rate_limit_error",
            409 | 400 | 404 | 422 => "invalid_request_error",
            _ => "api_error",
        };
        Reply {
            status,
            body: json!({ "message": message, "code": code, "type": kind }),
        }
    }

    fn caller(&self, state: &State, call: &Call) -> Option<usize> {
        let id = call.header("x-client-id")?;
        let secret = call.header("x-client-secret")?;
        state.account(Gateway::Cashfree, id, secret)
    }

    fn answer(&self, state: &mut State, account: usize, call: &Call) -> Result<Value, Reply> {
        if call.header("x-api-version").is_none() {
            return Err(self.error(400, "version_missing", "x-api-version is missing"));
        }
        let unknown = || self.error(404, "path_not_found", "there is no such path");
        let (method, path) = call.route();
        let (order, rest) = match (method, path.as_slice()) {
            ("POST", ["pg", "orders"]) => return create(state, account, call),
            (_, ["pg", "orders", id, rest @ ..]) => match state.order(account, id) {
                Some(order) => (order.clone(), rest),
                None => {
                    let message = "Order Reference Id does not exist";
                    return Err(self.error(404, "order_not_found", message));
                }
            },
            _ => return Err(unknown()),
        };
        match (method, rest) {
            ("GET", []) => Ok(objects::order(state, &order)),
            ("PATCH", []) => terminate(state, order, call),
            ("GET", ["payments"]) => {
                let payments = state.payments_of(&order).into_iter().rev();
                Ok(payments.map(|it| objects::payment(&order, it)).collect())
            }
            ("POST", ["refunds"]) => self.refund_order(state, &order, call),
            ("GET", ["refunds", id]) => match refund_of(state, &order, id) {
                Some((refund, payment)) => Ok(objects::refund(refund, payment)),
                None => Err(self.error(404, "refund_not_found", "Refund does not exist")),
            },
            _ => Err(unknown()),
        }
    }

    fn webhooks(&self, state: &mut State, event: &Event<'_>) -> Vec<Webhook> {
        events::webhooks(state, event)
    }

    fn webhook_headers(&self, secret: &str, webhook: &Webhook, attempt: u32) -> Headers {
        let timestamp = webhook::timestamp(OffsetDateTime::now_utc());
        let body = webhook.body.as_bytes();
        let signature = webhook::signature(secret, &timestamp, body);
        vec![
            (
                "x-webhook-version",
                webhook::Version::V2025.name().to_owned(),
            ),
            ("x-webhook-attempt", attempt.to_string()),
            ("x-idempotency-key", webhook.event_id.clone()),
            ("x-webhook-timestamp", timestamp),
            ("x-webhook-signature", signature),
        ]
    }
}

impl Cashfree {
    fn refund_order(&self, state: &mut State, order: &Order, call: &Call) -> Result<Value, Reply> {
        let asked = json_body(call)?;
        let reference = asked["refund_id"].as_str();
        let reference = reference
            .filter(|id| (3..=40).contains(&id.len()))
            .ok_or_else(|| invalid("refund_id : should have 3 to 40 characters"))?;
        let amount = hundredths(&asked["refund_amount"])
            .filter(|amount| *amount > 0)
            .ok_or_else(|| {
                invalid("refund_amount : should be a positive number with two decimals")
            })?;
        if refund_of(state, order, reference).is_some() {
            let message = "refund with same id is already present";
            return Err(self.error(409, "refund_already_exists", message));
        }
        let mut payments = state.payments_of(order).into_iter();
        let payment = payments.find(|payment| {
            payment.ending == Ending::Paid && payment.amount - state.refunded(payment) >= amount
        });
        let Some(payment) = payment.cloned() else {
            let message = "Refund amount is more than what is paid and not refunded";
            return Err(self.error(400, "refund_post_failed", message));
        };
        let reference = Some(reference.to_owned());
        let refund = self.refund(state, &payment, amount, reference, asked);
        Ok(objects::refund(&refund, &payment))
    }
}

fn invalid(message: &str) -> Reply {
    Cashfree.error(400, "request_invalid", message)
}

fn json_body(call: &Call) -> Result<Value, Reply> {
    call.json()
        .ok_or_else(|| invalid("the body is no JSON object"))
}

fn refund_of<'a>(
    state: &'a State,
    order: &Order,
    reference: &str,
) -> Option<(&'a Refund, &'a Payment)> {
    state.refunds_of(order.account).find(|(refund, payment)| {
        payment.order == order.id && refund.reference.as_deref() == Some(reference)
    })
}

fn create(state: &mut State, account: usize, call: &Call) -> Result<Value, Reply> {
    let asked = json_body(call)?;
    let text = |value: &Value, name: &str| match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(invalid(&format!("{name} : is missing"))),
    };
    let check_id = |id: &str, name: &str, chars_max: usize| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if (3..=chars_max).contains(&id.len()) && id.chars().all(fits) {
            return Ok(());
        }
        Err(invalid(&format!(
            "{name} : should have 3 to {chars_max} characters of a-z, A-Z, 0-9, _ and -"
        )))
    };
    let id = text(&asked["order_id"], "order_id")?;
    check_id(&id, "order_id", 45)?;
    let amount = hundredths(&asked["order_amount"])
        .filter(|amount| *amount >= 100)
        .ok_or_else(|| {
            invalid("order_amount : should be a number of at least 1 with two decimals")
        })?;
    let currency = text(&asked["order_currency"], "order_currency")?;
    let customer = &asked["customer_details"];
    let customer_id = text(&customer["customer_id"], "customer_details.customer_id")?;
    check_id(&customer_id, "customer_details.customer_id", 50)?;
    let phone = text(
        &customer["customer_phone"],
        "customer_details.customer_phone",
    )?;
    if phone.bytes().filter(u8::is_ascii_digit).count() < 10 {
        let (code, message) = (
            "customer_details.customer_phone_invalid",
            "customer_details.customer_phone : should have 10 digits",
        );
        return Err(Cashfree.error(400, code, message));
    }
    let expires_at = match asked["order_expiry_time"].as_str() {
        None => now() + LIFETIME_S,
        Some(text) => OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .map(OffsetDateTime::unix_timestamp)
            .filter(|at| *at > now())
            .ok_or_else(|| invalid("order_expiry_time : should be a time in the future"))?,
    };
    if state.orders.contains_key(&id) {
        let message = "order with same id is already present";
        return Err(Cashfree.error(409, "order_already_exists", message));
    }
    let order = Order {
        account,
        gateway: Gateway::Cashfree,
        id: id.clone(),
        other_id: state.new_number(),
        reference: id.clone(),
        amount,
        currency,
        data: asked,
        closed: false,
        expires_at: Some(expires_at),
        created_at: now(),
    };
    state.orders.insert(id, order.clone());
    Ok(objects::order(state, &order))
}

/// A paid order stays paid. The answer shows its status.
fn terminate(state: &mut State, mut order: Order, call: &Call) -> Result<Value, Reply> {
    if json_body(call)?["order_status"] != json!("TERMINATED") {
        return Err(invalid("order_status : should be TERMINATED"));
    }
    state.close(&mut order);
    Ok(objects::order(state, &order))
}
