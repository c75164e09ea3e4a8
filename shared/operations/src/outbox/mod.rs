//! Sends the messages that transactions left in the outbox to a queue: at least once, and in order
//! within a group (an order, a checkout, a sku).
//!
//! A relay claims messages, sends them and marks them. An unmarked message is sent again after its
//! lease. So none is skipped, and a receiver may see one twice, with the same id.

pub mod claim;
pub mod mark;
pub mod purge;
pub mod relay;
pub mod run_once;

use std::pin::Pin;

use uuid::Uuid;

use crate::cause::Cause;
use crate::text::one_of;

pub(crate) use claim::payload;
pub use claim::{LEASE, claim};
pub use mark::{Fate, mark};
pub use purge::{PURGE_MAX, purge};
pub use relay::{Relayed, relay};
pub use run_once::{RUN_MAX, RelayReport, run_once};

/// Messages of one call to a queue (SQS's limit).
pub const BATCH_MAX: usize = 10;

/// One message, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id, the same for every try. A receiver recognizes repetitions by it.
    pub id: String,
    pub shop: String,
    /// The kind of event: `order.paid`.
    pub kind: String,
    /// The thing that changed. With the kind, it is the message's key.
    pub subject: String,
    /// The group whose messages stay in order: `order/018f…`, `sku/GOWN-S`.
    pub group: String,
    /// Its number in the group.
    pub number: i64,
    /// The payload, JSON of the form of Standard Webhooks: `type`, `timestamp`, `data`.
    pub payload: String,
}

one_of!(
    /// A type of announcements (docs/events.md).
    Topic, "order.paid", "order.amended", "order.cancelled", "order.refund_due", "payment.review",
    "payment.disputed", "payment.dispute_ended", "refund.settled", "refund.failed",
    "checkout.broken", "checkout.revoked", "checkout.expired", "stock.low", "stock.back"
);

/// The group of an order's messages.
#[must_use]
pub fn group_of_order(order_id: Uuid) -> String {
    format!("order/{order_id}")
}

/// The queue's answer for each message: `None` if accepted, or the reason of a refusal.
pub type Answers = Vec<Option<String>>;

/// The future answer of a queue. An error means that the queue could not be reached.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Answers, Cause>> + Send + 'a>>;

/// A queue for messages.
pub trait Queue: Send + Sync {
    /// Sends up to [`BATCH_MAX`] messages, of as many groups.
    fn send<'a>(&'a self, messages: &'a [Message]) -> Sending<'a>;
}
