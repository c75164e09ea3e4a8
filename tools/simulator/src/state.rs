//! The state of the gateways: orders, payments, refunds, and the answers under idempotency keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use rand::distr::{Alphanumeric, SampleString as _};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::account::{Account, Gateway};
use crate::call::Reply;
use crate::faults::Faults;

/// The state of all gateways.
pub(crate) struct State {
    pub(crate) accounts: Vec<Account>,
    pub(crate) faults: BTreeMap<Gateway, Faults>,
    pub(crate) orders: BTreeMap<String, Order>,
    /// By [`Payment::attempt`].
    pub(crate) payments: BTreeMap<String, Payment>,
    pub(crate) refunds: BTreeMap<String, Refund>,
    /// The first call under each idempotency key, as path and body, and its answer.
    pub(crate) replies: BTreeMap<String, ((String, Bytes), Reply)>,
    /// The idempotency keys of calls that hang.
    pub(crate) hanging: BTreeSet<String>,
    /// Webhooks that wait to be sent.
    pub(crate) webhooks: Vec<Webhook>,
    random: StdRng,
}

/// A request for money: Cashfree's order, Stripe's session or intent, Razorpay's order.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Order {
    #[serde(skip)]
    pub(crate) account: usize,
    pub(crate) gateway: Gateway,
    /// The gateway's id. Cashfree uses the shop's own.
    pub(crate) id: String,
    /// A second id: Cashfree's number, or the intent of a Stripe session.
    pub(crate) other_id: String,
    /// The shop's reference.
    pub(crate) reference: String,
    /// In the gateway's unit; for Cashfree in hundredths.
    pub(crate) amount: i64,
    /// As the gateway writes it.
    pub(crate) currency: String,
    /// What the shop added: metadata, notes, customer, URLs.
    pub(crate) data: Value,
    /// The shop closed it.
    pub(crate) closed: bool,
    /// In Unix seconds.
    pub(crate) expires_at: Option<i64>,
    /// In Unix seconds.
    pub(crate) created_at: i64,
}

/// The state of an order, in words that fit all gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OrderState {
    Open,
    /// All of it is paid.
    Paid,
    Expired,
    /// The shop closed it.
    Closed,
}

/// How an attempt to pay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The shopper left.
    Dropped,
    /// The bank declined it.
    Failed,
    /// The gateway has the money.
    Paid,
    /// Not decided yet.
    Pending,
}

impl Ending {
    /// The shop's status of a payment that ended like this; none if it changes nothing.
    #[must_use]
    pub fn status(self) -> Option<&'static str> {
        match self {
            Self::Paid => Some("paid"),
            Self::Failed => Some("failed"),
            Self::Dropped => Some("dropped"),
            Self::Pending => None,
        }
    }
}

/// An attempt to pay.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Payment {
    #[serde(skip)]
    pub(crate) account: usize,
    pub(crate) gateway: Gateway,
    /// The id of the attempt: Stripe's charge, or [`Self::id`].
    pub(crate) attempt: String,
    /// The id of the payment: Stripe's intent, or one of this attempt alone.
    pub(crate) id: String,
    /// The order's id.
    pub(crate) order: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) ending: Ending,
    /// In Unix seconds.
    pub(crate) created_at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundState {
    Pending,
    /// The shopper has the money.
    Settled,
    /// The shop still has the money.
    Failed,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refund {
    #[serde(skip)]
    pub(crate) account: usize,
    pub(crate) gateway: Gateway,
    /// The gateway's id.
    pub(crate) id: String,
    /// The shop's reference, if the gateway has a field for it.
    pub(crate) reference: Option<String>,
    /// The refunded attempt.
    pub(crate) attempt: String,
    pub(crate) amount: i64,
    pub(crate) state: RefundState,
    /// Metadata or notes.
    pub(crate) data: Value,
    /// In Unix seconds.
    pub(crate) created_at: i64,
}

/// A webhook that waits to be sent. It is signed when it leaves.
#[derive(Clone)]
pub(crate) struct Webhook {
    pub(crate) account: usize,
    /// Cashfree and Razorpay send it in a header, Stripe in the body.
    pub(crate) event_id: String,
    pub(crate) body: String,
}

impl State {
    pub(crate) fn new(accounts: Vec<Account>, seed: u64) -> Self {
        Self {
            accounts,
            faults: BTreeMap::new(),
            orders: BTreeMap::new(),
            payments: BTreeMap::new(),
            refunds: BTreeMap::new(),
            replies: BTreeMap::new(),
            hanging: BTreeSet::new(),
            webhooks: Vec::new(),
            random: StdRng::seed_from_u64(seed),
        }
    }

    pub(crate) fn faults(&self, gateway: Gateway) -> Faults {
        self.faults.get(&gateway).cloned().unwrap_or_default()
    }

    /// An id like Stripe's and Razorpay's.
    pub(crate) fn new_id(&mut self, prefix: &str) -> String {
        let random = Alphanumeric.sample_string(&mut self.random, 14);
        format!("{prefix}{random}")
    }

    /// An id like Cashfree's.
    pub(crate) fn new_number(&mut self) -> String {
        let number: u64 = self.random.random_range(1_000_000_000..9_999_999_999);
        number.to_string()
    }

    /// The account that has these credentials.
    pub(crate) fn account(&self, gateway: Gateway, key_id: &str, secret: &str) -> Option<usize> {
        self.accounts.iter().position(|account| {
            account.gateway == gateway && account.key_id == key_id && account.key_secret == secret
        })
    }

    pub(crate) fn order(&self, account: usize, id: &str) -> Option<&Order> {
        self.orders.get(id).filter(|order| order.account == account)
    }

    pub(crate) fn order_state(&self, order: &Order) -> OrderState {
        if self.paid(order) >= order.amount {
            OrderState::Paid
        } else if order.closed {
            OrderState::Closed
        } else if order.expires_at.is_some_and(|at| at <= now()) {
            OrderState::Expired
        } else {
            OrderState::Open
        }
    }

    /// Closes an order if it is open and the gateway's faults allow it.
    pub(crate) fn close(&mut self, order: &mut Order) -> bool {
        let unclosable = self.faults(order.gateway).unclosable;
        if unclosable || self.order_state(order) != OrderState::Open {
            return false;
        }
        order.closed = true;
        self.orders.insert(order.id.clone(), order.clone());
        true
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

    /// The paid amount of an order.
    pub(crate) fn paid(&self, order: &Order) -> i64 {
        let payments = self.payments_of(order).into_iter();
        let paid = payments.filter(|payment| payment.ending == Ending::Paid);
        paid.map(|payment| payment.amount).sum()
    }

    /// An account's refunds, with their payments.
    pub(crate) fn refunds_of(&self, account: usize) -> impl Iterator<Item = (&Refund, &Payment)> {
        let refunds = self.refunds.values();
        refunds
            .filter(move |refund| refund.account == account)
            .filter_map(|refund| Some((refund, self.payments.get(&refund.attempt)?)))
    }

    pub(crate) fn refund(&self, account: usize, id: &str) -> Option<(&Refund, &Payment)> {
        self.refunds_of(account).find(|(refund, _)| refund.id == id)
    }

    /// The refunded amount of a payment. Failed refunds do not count.
    pub(crate) fn refunded(&self, payment: &Payment) -> i64 {
        self.refunds_of(payment.account)
            .filter(|(refund, of)| {
                of.attempt == payment.attempt && refund.state != RefundState::Failed
            })
            .map(|(refund, _)| refund.amount)
            .sum()
    }
}

/// In Unix seconds.
pub(crate) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// No code panics while it holds one of the simulator's locks, so none is ever poisoned.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
