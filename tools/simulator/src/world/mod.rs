//! What the gateways know: orders, payments, refunds, and answers under idempotency keys.

pub mod money;
pub mod orders;

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::account::{Account, Gateway};
use crate::faults::Faults;
use crate::postman::Letter;
use crate::reply::Reply;

/// All gateways' knowledge.
pub struct World {
    pub(crate) accounts: Vec<Account>,
    pub(crate) faults: BTreeMap<Gateway, Faults>,
    pub(crate) orders: BTreeMap<String, Order>,
    /// By the id of the attempt.
    pub(crate) payments: BTreeMap<String, Payment>,
    pub(crate) refunds: BTreeMap<String, Refund>,
    /// What was answered under an idempotency key, and what had been asked.
    pub(crate) replies: BTreeMap<String, (Vec<u8>, Reply)>,
    /// Idempotency keys of calls that hang.
    pub(crate) under_way: BTreeSet<String>,
    /// Webhooks that are to be sent.
    pub(crate) letters: Vec<Letter>,
    random: StdRng,
}

/// What a shopper is to pay: Cashfree's order, Stripe's session or intent, Razorpay's order.
#[derive(Debug, Clone, Serialize)]
pub struct Order {
    #[serde(skip)]
    pub(crate) account: usize,
    /// Where.
    pub gateway: Gateway,
    /// The gateway's id of it; Cashfree's is the shop's own.
    pub id: String,
    /// Another id that it has: Cashfree's number, the intent of Stripe's session.
    pub other_id: String,
    /// The shop's reference.
    pub reference: String,
    /// In the unit that the gateway counts in; Cashfree's is a hundredth.
    pub amount: i64,
    /// As the gateway writes it.
    pub currency: String,
    /// What the shop said beside: metadata, notes, customer, URLs.
    pub data: Value,
    /// Closed by the shop.
    pub closed: bool,
    /// In seconds since 1970.
    pub expires_at: Option<i64>,
    /// In seconds since 1970.
    pub created_at: i64,
}

/// How an attempt to pay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The money is there.
    Paid,
    /// The bank declined it.
    Failed,
    /// The shopper left.
    Dropped,
    /// Not decided yet.
    Pending,
}

/// An attempt to pay.
#[derive(Debug, Clone, Serialize)]
pub struct Payment {
    #[serde(skip)]
    pub(crate) account: usize,
    /// Where.
    pub gateway: Gateway,
    /// The attempt: Stripe's charge; elsewhere the payment itself.
    pub attempt: String,
    /// What the gateway calls the payment: Stripe's intent; elsewhere the attempt.
    pub id: String,
    /// The order's id.
    pub order: String,
    /// As in the order.
    pub amount: i64,
    /// As in the order.
    pub currency: String,
    /// How it ended.
    pub ending: Ending,
    /// In seconds since 1970.
    pub created_at: i64,
}

/// How a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// Taken on.
    Pending,
    /// Through.
    Settled,
    /// Failed: the shop has the money.
    Failed,
}

/// Money that goes back.
#[derive(Debug, Clone, Serialize)]
pub struct Refund {
    #[serde(skip)]
    pub(crate) account: usize,
    /// Where.
    pub gateway: Gateway,
    /// The gateway's id.
    pub id: String,
    /// The shop's id, where the gateway has a field for it.
    pub ours: Option<String>,
    /// The attempt that it gives back.
    pub attempt: String,
    /// As in the order.
    pub amount: i64,
    /// How it is.
    pub state: RefundState,
    /// Metadata, notes.
    pub data: Value,
    /// In seconds since 1970.
    pub created_at: i64,
}

impl World {
    pub(crate) fn new(accounts: Vec<Account>, seed: u64) -> Self {
        Self {
            accounts,
            faults: BTreeMap::new(),
            orders: BTreeMap::new(),
            payments: BTreeMap::new(),
            refunds: BTreeMap::new(),
            replies: BTreeMap::new(),
            under_way: BTreeSet::new(),
            letters: Vec::new(),
            random: StdRng::seed_from_u64(seed),
        }
    }

    pub(crate) fn faults(&self, gateway: Gateway) -> Faults {
        self.faults.get(&gateway).cloned().unwrap_or_default()
    }

    /// An id as Stripe and Razorpay make them.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut id = prefix.to_owned();
        for _ in 0..14 {
            let letter = LETTERS[self.random.random_range(0..LETTERS.len())];
            id.push(char::from(letter));
        }
        id
    }

    /// An id as Cashfree makes them.
    pub(crate) fn number(&mut self) -> String {
        let number: u64 = self.random.random_range(1_000_000_000..9_999_999_999);
        number.to_string()
    }

    /// The account of a gateway that these credentials are of.
    pub(crate) fn account(&self, gateway: Gateway, key_id: &str, secret: &str) -> Option<usize> {
        self.accounts.iter().position(|account| {
            account.gateway == gateway && account.key_id == key_id && account.key_secret == secret
        })
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}
