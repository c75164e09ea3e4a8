//! Orders: found, and what state they are in.

use super::{Ending, Order, Payment, World, now};

/// The state of an order, in words that all gateways have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be paid.
    Open,
    /// All of it is paid.
    Paid,
    /// Its time ran out.
    Expired,
    /// The shop closed it.
    Closed,
}

impl World {
    /// One of an account's orders.
    pub(crate) fn order(&self, account: usize, id: &str) -> Option<&Order> {
        self.orders.get(id).filter(|order| order.account == account)
    }

    /// The attempts to pay an order, oldest first.
    pub(crate) fn payments_of(&self, order: &Order) -> Vec<&Payment> {
        let mut payments: Vec<&Payment> = self
            .payments
            .values()
            .filter(|payment| payment.order == order.id && payment.account == order.account)
            .collect();
        payments.sort_by_key(|payment| payment.created_at);
        payments
    }

    /// How much of it is paid.
    pub(crate) fn paid(&self, order: &Order) -> i64 {
        self.payments_of(order)
            .iter()
            .filter(|payment| payment.ending == Ending::Paid)
            .map(|payment| payment.amount)
            .sum()
    }

    pub(crate) fn state(&self, order: &Order) -> State {
        if self.paid(order) >= order.amount {
            State::Paid
        } else if order.closed {
            State::Closed
        } else if order.expires_at.is_some_and(|at| at <= now()) {
            State::Expired
        } else {
            State::Open
        }
    }
}
