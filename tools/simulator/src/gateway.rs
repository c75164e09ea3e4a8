//! A payment gateway: the parts that differ between gateways, and the parts that all of them share.

use serde::Deserialize;
use serde_json::Value;

use crate::account::Gateway;
use crate::call::{Call, Reply};
use crate::faults::Refunds;
use crate::state::{Ending, Order, OrderState, Payment, Refund, RefundState, State, Webhook, now};

/// What a shopper does with an order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attempt {
    pub(crate) ending: Ending,
    /// A part of the amount, at Razorpay only. Without it, the shopper pays all that is due.
    #[serde(default)]
    pub(crate) amount: Option<i64>,
    /// The attempt began before the order ended.
    #[serde(default)]
    pub(crate) late: bool,
}

/// The events that webhooks report to a shop.
pub(crate) enum Event<'a> {
    /// An attempt to pay has a new ending.
    PaymentEnded(&'a Payment),
    /// The shop closed an order.
    OrderClosed(&'a Order),
    RefundCreated(&'a Refund, &'a Payment),
    /// A refund has a new state.
    RefundChanged(&'a Refund, &'a Payment),
}

pub(crate) type Headers = Vec<(&'static str, String)>;

/// One payment gateway.
///
/// The provided methods change the state and write the webhooks that the gateway would send.
pub(crate) trait PaymentGateway: Sync {
    /// The header with an idempotency key.
    fn idempotency_header(&self) -> &'static str;

    /// Whether a key also covers refusals, failures and calls that still run, as Stripe's do.
    /// The other gateways repeat successful answers only.
    fn keys_cover_failures(&self) -> bool {
        false
    }

    /// An error in the gateway's own shape.
    fn error(&self, status: u16, code: &str, message: &str) -> Reply;

    /// The account that the call's credentials belong to.
    fn caller(&self, state: &State, call: &Call) -> Option<usize>;

    /// Answers an API call of an account.
    fn answer(&self, state: &mut State, account: usize, call: &Call) -> Result<Value, Reply>;

    /// The webhooks that tell the shop of an event.
    fn webhooks(&self, state: &mut State, event: &Event<'_>) -> Vec<Webhook>;

    /// The headers of a webhook that leaves now. Attempts count from 1.
    fn webhook_headers(&self, secret: &str, webhook: &Webhook, attempt: u32) -> Headers;

    fn write_webhooks(&self, state: &mut State, event: &Event<'_>) {
        let webhooks = self.webhooks(state, event);
        state.webhooks.extend(webhooks);
    }

    /// A shopper tries to pay. Returns the attempt's id.
    fn pay(
        &self,
        state: &mut State,
        order: &Order,
        attempt: &Attempt,
    ) -> Result<String, &'static str> {
        if state.order_state(order) != OrderState::Open && !attempt.late {
            return Err("the order is not open; an attempt that began before needs `late`");
        }
        let amount = match attempt.amount {
            Some(_) if order.gateway != Gateway::Razorpay => {
                return Err("only Razorpay accepts a part of the amount");
            }
            Some(part) if part < 1 => return Err("the amount must be positive"),
            Some(part) => part,
            None => match order.amount - state.paid(order) {
                due if due > 0 => due,
                _ => order.amount,
            },
        };
        let id = match order.gateway {
            Gateway::Cashfree => state.new_number(),
            Gateway::Stripe => state.new_id("ch_"),
            Gateway::Razorpay => state.new_id("pay_"),
        };
        let payment = Payment {
            account: order.account,
            gateway: order.gateway,
            id: match order.gateway {
                Gateway::Stripe => order.other_id.clone(),
                Gateway::Cashfree | Gateway::Razorpay => id.clone(),
            },
            attempt: id.clone(),
            order: order.id.clone(),
            amount,
            currency: order.currency.clone(),
            ending: attempt.ending,
            created_at: now(),
        };
        self.end_payment(state, payment);
        Ok(id)
    }

    /// Stores an attempt with its ending.
    fn end_payment(&self, state: &mut State, payment: Payment) {
        let id = payment.attempt.clone();
        state.payments.insert(id, payment.clone());
        self.write_webhooks(state, &Event::PaymentEnded(&payment));
    }

    /// The shop refunds a payment. The caller has checked the amount.
    fn refund(
        &self,
        state: &mut State,
        payment: &Payment,
        amount: i64,
        reference: Option<String>,
        data: Value,
    ) -> Refund {
        let id = match payment.gateway {
            Gateway::Cashfree => state.new_number(),
            Gateway::Stripe => state.new_id("re_"),
            Gateway::Razorpay => state.new_id("rfnd_"),
        };
        let refund = Refund {
            account: payment.account,
            gateway: payment.gateway,
            id,
            reference,
            attempt: payment.attempt.clone(),
            amount,
            state: RefundState::Pending,
            data,
            created_at: now(),
        };
        state.refunds.insert(refund.id.clone(), refund.clone());
        self.write_webhooks(state, &Event::RefundCreated(&refund, payment));
        match state.faults(payment.gateway).refunds {
            Refunds::AtOnce => self.end_refund(state, refund, payment, RefundState::Settled),
            Refunds::Fail => self.end_refund(state, refund, payment, RefundState::Failed),
            Refunds::Later => refund,
        }
    }

    /// Sets the state of a refund.
    fn end_refund(
        &self,
        state: &mut State,
        mut refund: Refund,
        payment: &Payment,
        ending: RefundState,
    ) -> Refund {
        refund.state = ending;
        state.refunds.insert(refund.id.clone(), refund.clone());
        self.write_webhooks(state, &Event::RefundChanged(&refund, payment));
        refund
    }
}
