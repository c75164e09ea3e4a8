//! What shoppers, banks and the shop do: payments end, refunds are made and end. Each writes the
//! webhooks that the gateway would send.

use serde::Deserialize;
use serde_json::Value;

use super::orders::State;
use super::{Ending, Payment, Refund, RefundState, World, now};
use crate::account::Gateway;
use crate::faults::Refunds;
use crate::{cashfree, razorpay, stripe};

/// What a shopper does with an order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// How it ends.
    pub ending: Ending,
    /// A part of the amount, which only Razorpay takes; all that is due if not said.
    #[serde(default)]
    pub amount: Option<i64>,
    /// Also where the order has ended: the attempt had begun before.
    #[serde(default)]
    pub late: bool,
}

impl World {
    /// A shopper tries to pay; returns the attempt's id.
    pub(crate) fn pay(&mut self, order: &str, attempt: &Attempt) -> Result<String, &'static str> {
        let order = self.orders.get(order).ok_or("there is no such order")?;
        let order = order.clone();
        if self.state(&order) != State::Open && !attempt.late {
            return Err("the order is not open: an attempt that began before is `late`");
        }
        let due = match self.paid(&order) {
            paid if paid < order.amount => order.amount - paid,
            _ => order.amount,
        };
        let amount = match attempt.amount {
            Some(_) if order.gateway != Gateway::Razorpay => {
                return Err("only Razorpay takes a part");
            }
            Some(part) if part < 1 => return Err("the amount must be positive"),
            Some(part) => part,
            None => due,
        };
        let id = match order.gateway {
            Gateway::Cashfree => self.number(),
            Gateway::Stripe => self.id("ch_"),
            Gateway::Razorpay => self.id("pay_"),
        };
        let payment = Payment {
            account: order.account,
            gateway: order.gateway,
            id: match order.gateway {
                Gateway::Stripe => order.other_id.clone(),
                _ => id.clone(),
            },
            attempt: id.clone(),
            order: order.id.clone(),
            amount,
            currency: order.currency.clone(),
            ending: attempt.ending,
            created_at: now(),
        };
        self.payments.insert(id.clone(), payment);
        self.tell_of_payment(&id);
        Ok(id)
    }

    /// A payment ends, or ends otherwise than it first seemed.
    pub(crate) fn end_payment(&mut self, id: &str, ending: Ending) -> Result<(), &'static str> {
        let payment = self
            .payments
            .get_mut(id)
            .ok_or("there is no such payment")?;
        if payment.ending == Ending::Paid {
            return Err("it is paid");
        }
        payment.ending = ending;
        self.tell_of_payment(id);
        Ok(())
    }

    fn tell_of_payment(&mut self, id: &str) {
        let Some(payment) = self.payments.get(id).cloned() else {
            return;
        };
        let letters = match payment.gateway {
            Gateway::Cashfree => cashfree::payment_letters(self, &payment),
            Gateway::Stripe => stripe::events::of_payment(self, &payment),
            Gateway::Razorpay => razorpay::events::of_payment(self, &payment),
        };
        self.letters.extend(letters);
    }

    /// A bank asks for the money back.
    pub(crate) fn dispute(&mut self, id: &str) -> Result<(), &'static str> {
        let payment = self.payments.get(id).ok_or("there is no such payment")?;
        let payment = payment.clone();
        if payment.ending != Ending::Paid {
            return Err("it is not paid");
        }
        let letters = match payment.gateway {
            Gateway::Cashfree => cashfree::dispute_letters(self, &payment),
            Gateway::Stripe => stripe::events::of_dispute(self, &payment),
            Gateway::Razorpay => razorpay::events::of_dispute(self, &payment),
        };
        self.letters.extend(letters);
        Ok(())
    }

    /// How much of a payment goes back: what has failed does not.
    pub(crate) fn refunded(&self, attempt: &str) -> i64 {
        self.refunds
            .values()
            .filter(|refund| refund.attempt == attempt && refund.state != RefundState::Failed)
            .map(|refund| refund.amount)
            .sum()
    }

    /// The shop refunds a payment. Whether that much can go back was seen before.
    pub(crate) fn refund(
        &mut self,
        payment: &Payment,
        amount: i64,
        ours: Option<String>,
        data: Value,
    ) -> Refund {
        let id = match payment.gateway {
            Gateway::Cashfree => self.number(),
            Gateway::Stripe => self.id("re_"),
            Gateway::Razorpay => self.id("rfnd_"),
        };
        let mut refund = Refund {
            account: payment.account,
            gateway: payment.gateway,
            id: id.clone(),
            ours,
            attempt: payment.attempt.clone(),
            amount,
            state: RefundState::Pending,
            data,
            created_at: now(),
        };
        self.refunds.insert(id.clone(), refund.clone());
        let state = match self.faults(payment.gateway).refunds {
            Refunds::AtOnce => RefundState::Settled,
            Refunds::Later => RefundState::Pending,
            Refunds::Fail => RefundState::Failed,
        };
        self.tell_of_refund(&refund, true);
        if state != RefundState::Pending {
            refund.state = state;
            self.refunds.insert(id, refund.clone());
            self.tell_of_refund(&refund, false);
        }
        refund
    }

    /// A refund ends.
    pub(crate) fn end_refund(&mut self, id: &str, state: RefundState) -> Result<(), &'static str> {
        let refund = self.refunds.get_mut(id).ok_or("there is no such refund")?;
        refund.state = state;
        let refund = refund.clone();
        self.tell_of_refund(&refund, false);
        Ok(())
    }

    fn tell_of_refund(&mut self, refund: &Refund, new: bool) {
        let Some(payment) = self.payments.get(&refund.attempt).cloned() else {
            return;
        };
        let letters = match refund.gateway {
            // it says how a refund ended, not that it was asked for
            Gateway::Cashfree if new => Vec::new(),
            Gateway::Cashfree => cashfree::refund_letters(self, refund),
            Gateway::Stripe => stripe::events::of_refund(self, refund, &payment, new),
            Gateway::Razorpay => razorpay::events::of_refund(self, refund, &payment, new),
        };
        self.letters.extend(letters);
    }
}
