//! Money that goes back: what is owed, who sends it to the gateway, and what became of it.
//!
//! Whoever carries refunds out calls [`claim`], then the gateway, outside any transaction, then
//! [`report`]. The gateway knows each by our id of it: sent twice, it is made once.

pub mod backlog;
pub mod claim;
pub mod list;
pub mod overview;
pub mod report;
pub mod request;
pub mod retry;
pub mod untried;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::utc::Utc;

pub use backlog::{Backlog, backlog};
pub use claim::{Claimed, claim};
pub use list::{Filter, Position, Status, list};
pub use overview::{Capture, Overview, overview};
pub use report::{Reported, Verdict, report};
pub use request::{Request, RequestError, Requested, request};
pub use retry::{Retried, RetryError, retry};
pub use untried::untried;

/// One refund at a gateway. The database writes it as JSON; this type is what that JSON must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Ours, and the idempotency key at the gateway.
    pub refund_id: Uuid,
    /// The order whose money it is.
    pub order_id: Uuid,
    /// What the gateway knows the order by.
    pub reference: String,
    /// Where.
    pub gateway: String,
    /// The gateway's id of the payment.
    pub gateway_payment_id: String,
    /// Minor units of `currency`.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// `late`, `excess`, `requested`, `review` or `gateway`.
    pub reason: String,
    /// `owed`, `sending`, `pending`, `settled` or `failed`.
    pub status: String,
    /// The gateway itself says that it failed: final.
    pub bounced: bool,
    /// Counts no more: done over by another one, or nobody's debt.
    pub void: bool,
    /// The id under which staff asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// The one that bounced and that this one does over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<Uuid>,
    /// How often it was sent, or may have been.
    pub attempts: i32,
    /// Owed: when it is sent next. Sending: when its sender is given up.
    pub next_try_at: Utc,
    /// When the gateway was last asked about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looked_up_at: Option<Utc>,
    /// The gateway's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_refund_id: Option<String>,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Who decided it: a clerk, the service itself, or the gateway.
    pub actor: String,
    /// Why, in the clerk's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was owed.
    pub created_at: Utc,
    /// When it went through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Utc>,
}
