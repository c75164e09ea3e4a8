//! The messages that transactions have left to be sent, and their way to a queue: at least once,
//! and in order within a group (an order, a checkout, a sku).
//!
//! A relay claims messages, sends them and marks them. Whatever happens in between, a message that
//! is not marked is sent again, when its lease is over: nothing is skipped, and a receiver may see
//! one twice, with the same id.

pub mod claim;
pub mod mark;
pub mod purge;
pub mod relay;
pub mod run_once;

use std::pin::Pin;

use uuid::Uuid;

use crate::cause::Cause;

pub(crate) use claim::payload;
pub use claim::{LEASE, claim};
pub use mark::{Fate, mark};
pub use purge::purge;
pub use relay::{Relayed, relay};
pub use run_once::{RUN_MAX, RelayReport, run_once};

/// Messages that a queue takes in one call at most (SQS's limit).
pub const BATCH_MAX: usize = 10;

/// One message, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same for every try: what a receiver tells repetitions by.
    pub id: String,
    /// The shop that it is of.
    pub shop: String,
    /// What happened: `order.paid`.
    pub kind: String,
    /// To what it happened; with the kind, its key in the outbox.
    pub subject: String,
    /// What stays in order: `order/018f…`, `sku/GOWN-S`.
    pub group: String,
    /// Its place in the group.
    pub number: i64,
    /// The payload, JSON of the form of Standard Webhooks: `type`, `timestamp`, `data`.
    pub payload: String,
}

/// The types of messages that there are (docs/events.md).
pub const TYPES: [&str; 12] = [
    "order.paid",
    "order.amended",
    "order.cancelled",
    "order.refund_due",
    "payment.review",
    "payment.disputed",
    "refund.settled",
    "refund.failed",
    "checkout.broken",
    "checkout.expired",
    "stock.low",
    "stock.back",
];

/// The group of an order's messages.
#[must_use]
pub fn group_of_order(order_id: Uuid) -> String {
    format!("order/{order_id}")
}

/// What a queue says of each message: none where it has it, or why it refuses this one.
pub type Answers = Vec<Option<String>>;

/// What a queue answers, or will. An error is about all of them: it could not be asked.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Answers, Cause>> + Send + 'a>>;

/// Where messages go.
pub trait Queue: Send + Sync {
    /// Sends up to [`BATCH_MAX`] messages, of as many groups.
    fn send<'a>(&'a self, messages: &'a [Message]) -> Sending<'a>;
}
