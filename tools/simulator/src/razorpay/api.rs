//! Razorpay's API calls.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::events;
use super::objects::{self, collection};
use crate::account::Gateway;
use crate::call::{Call, Reply};
use crate::gateway::{Event, Headers, PaymentGateway};
use crate::signature::hmac;
use crate::state::{Ending, Order, Payment, State, Webhook, now};

const RECEIPT_CHARS_MAX: usize = 40;

pub(crate) struct Razorpay;

impl PaymentGateway for Razorpay {
    fn idempotency_header(&self) -> &'static str {
        "x-refund-idempotency"
    }

    /// Razorpay has few codes. The description says what is wrong.
    fn error(&self, status: u16, reason: &str, description: &str) -> Reply {
        let code = match status {
            500.. => "SERVER_ERROR",
            _ => "BAD_REQUEST_ERROR",
        };
        let error = json!({
            "code": code, "description": description, "source": "business",
            "step": "payment_initiation", "reason": reason, "metadata": {},
        });
        Reply {
            status,
            body: json!({ "error": error }),
        }
    }

    fn caller(&self, state: &State, call: &Call) -> Option<usize> {
        let (key_id, secret) = call.basic()?;
        state.account(Gateway::Razorpay, &key_id, &secret)
    }

    fn answer(&self, state: &mut State, account: usize, call: &Call) -> Result<Value, Reply> {
        let (method, path) = call.route();
        match (method, path.as_slice()) {
            ("POST", ["v1", "orders"]) => create(state, account, call),
            ("GET", ["v1", "orders"]) => Ok(orders(state, account, call)),
            ("GET", ["v1", "orders", id]) => {
                order(state, account, id).map(|order| objects::order(state, order))
            }
            ("GET", ["v1", "orders", id, "payments"]) => order(state, account, id).map(|order| {
                let payments = state.payments_of(order).into_iter().rev();
                collection(payments.map(|payment| objects::payment(state, payment)))
            }),
            ("GET", ["v1", "payments", id]) => {
                payment(state, account, id).map(|payment| objects::payment(state, payment))
            }
            ("POST", ["v1", "payments", id, "refund"]) => {
                self.refund_payment(state, account, id, call)
            }
            ("GET", ["v1", "payments", id, "refunds"]) => {
                payment(state, account, id).map(|payment| {
                    let refunds = state.refunds_of(account);
                    let refunds = refunds.filter(|(_, of)| of.attempt == payment.attempt);
                    collection(refunds.map(|(refund, of)| objects::refund(refund, of)))
                })
            }
            ("GET", ["v1", "refunds", id]) => match state.refund(account, id) {
                Some((refund, payment)) => Ok(objects::refund(refund, payment)),
                None => Err(unknown_id()),
            },
            _ => {
                let message = "The requested URL was not found on the server.";
                Err(self.error(404, "", message))
            }
        }
    }

    fn webhooks(&self, state: &mut State, event: &Event<'_>) -> Vec<Webhook> {
        events::webhooks(state, event)
    }

    fn webhook_headers(&self, secret: &str, webhook: &Webhook, _attempt: u32) -> Headers {
        let signature = hmac(secret, &[webhook.body.as_bytes()]);
        vec![
            ("x-razorpay-signature", HEXLOWER.encode(&signature)),
            ("x-razorpay-event-id", webhook.event_id.clone()),
        ]
    }
}

impl Razorpay {
    fn refund_payment(
        &self,
        state: &mut State,
        account: usize,
        id: &str,
        call: &Call,
    ) -> Result<Value, Reply> {
        let payment = payment(state, account, id)?.clone();
        if payment.ending != Ending::Paid {
            let message = "The payment status should be captured for action to be taken";
            return Err(invalid(message));
        }
        let asked = call.json().unwrap_or_else(|| json!({}));
        let left = payment.amount - state.refunded(&payment);
        let amount = match &asked["amount"] {
            Value::Null => left,
            amount => amount
                .as_i64()
                .filter(|amount| *amount >= 100)
                .ok_or_else(|| invalid("The amount must be atleast INR 1.00"))?,
        };
        if left == 0 {
            return Err(invalid("The payment has been fully refunded already"));
        }
        if amount > left {
            let message = "The total refund amount is greater than the refund payment amount";
            return Err(invalid(message));
        }
        let receipt = asked["receipt"].as_str().map(str::to_owned);
        let data = json!({ "notes": asked["notes"] });
        let refund = self.refund(state, &payment, amount, receipt, data);
        Ok(objects::refund(&refund, &payment))
    }
}

fn invalid(description: &str) -> Reply {
    Razorpay.error(400, "input_validation_failed", description)
}

fn unknown_id() -> Reply {
    invalid("The id provided does not exist")
}

fn order<'a>(state: &'a State, account: usize, id: &str) -> Result<&'a Order, Reply> {
    state.order(account, id).ok_or_else(unknown_id)
}

fn payment<'a>(state: &'a State, account: usize, id: &str) -> Result<&'a Payment, Reply> {
    let payment = state.payments.get(id);
    payment
        .filter(|payment| payment.account == account)
        .ok_or_else(unknown_id)
}

/// Razorpay has no idempotency keys for orders: each call creates another one.
fn create(state: &mut State, account: usize, call: &Call) -> Result<Value, Reply> {
    let asked = call
        .json()
        .ok_or_else(|| invalid("The body is no JSON object"))?;
    let amount = asked["amount"].as_i64().filter(|amount| *amount >= 100);
    let amount = amount.ok_or_else(|| invalid("Order amount less than minimum amount allowed"))?;
    let currency = asked["currency"].as_str();
    let currency = currency.ok_or_else(|| invalid("The currency field is required."))?;
    let receipt = asked["receipt"].as_str().unwrap_or_default();
    if receipt.chars().count() > RECEIPT_CHARS_MAX {
        let message = "The receipt may not be greater than 40 characters.";
        return Err(invalid(message));
    }
    let notes = match &asked["notes"] {
        notes @ Value::Object(_) => notes.clone(),
        _ => json!([]),
    };
    let order = Order {
        account,
        gateway: Gateway::Razorpay,
        id: state.new_id("order_"),
        other_id: String::new(),
        reference: receipt.to_owned(),
        amount,
        currency: currency.to_owned(),
        data: json!({ "receipt": asked["receipt"], "notes": notes }),
        closed: false,
        expires_at: None,
        created_at: now(),
    };
    state.orders.insert(order.id.clone(), order.clone());
    Ok(objects::order(state, &order))
}

fn orders(state: &State, account: usize, call: &Call) -> Value {
    let receipt = call.query.get("receipt");
    let orders = state.orders.values().filter(|order| {
        order.account == account
            && receipt.is_none_or(|receipt| order.data["receipt"] == receipt.as_str())
    });
    collection(orders.map(|order| objects::order(state, order)))
}
