//! Refunds: money that is owed back, sent to the gateway, and finished or failed.
//!
//! A caller that sends refunds calls [`claim`], then the gateway outside any transaction, then
//! [`report`]. The gateway knows each refund by our id: sent twice, it is made once.

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
pub use report::{GatewayAnswer, Reported, report};
pub use request::{Request, RequestError, Requested, request};
pub use retry::{Retried, RetryError, retry};
pub use untried::untried;

/// One refund at a gateway, as the database writes it in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Our id, and the idempotency key at the gateway.
    pub refund_id: Uuid,
    pub order_id: Uuid,
    /// The payment reference.
    pub reference: String,
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
    /// The gateway itself called it failed, which is final.
    pub bounced: bool,
    /// It does not count any more: another refund replaced it, or nothing was owed.
    pub void: bool,
    /// The id under which staff requested it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// The bounced refund that it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<Uuid>,
    /// Times that it was sent, or may have been sent.
    pub attempts: i32,
    /// Owed: when it is sent next. Sending: when its claim ends.
    pub next_try_at: Utc,
    /// When the gateway was last asked about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looked_up_at: Option<Utc>,
    /// The gateway's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_refund_id: Option<String>,
    /// The last error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Who decided it: a clerk, the service itself, or the gateway.
    pub actor: String,
    /// The clerk's note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it became owed.
    pub created_at: Utc,
    /// When it was finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Utc>,
}
