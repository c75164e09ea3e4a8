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
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ids::{Actor, OrderId, RefundId};
use crate::payment::Gateway;
use crate::quantity::Amount;
use crate::text::{Note, one_of};
use crate::utc::Utc;

pub use backlog::{Backlog, backlog};
pub use claim::{Claimed, claim};
pub use list::{Filter, Position, list};
pub use overview::{Capture, Dispute, Overview, overview};
pub use report::{GatewayAnswer, Reported, report};
pub use request::{REFUNDS_MAX, Request, RequestError, Requested, request};
pub use retry::{Retried, RetryError, retry};
pub use untried::untried;

one_of!(
    /// - `owed`: will be sent to the gateway at `next_try_at`.
    /// - `sending`: is being sent.
    /// - `pending`: the gateway has accepted it.
    /// - `settled`: it went through.
    /// - `failed`: a person must look. `bounced` says that the gateway itself calls it failed, for
    ///   good.
    RefundStatus, "owed", "sending", "pending", "settled", "failed"
);

one_of!(
    /// - `late`: the stock was gone when the money came.
    /// - `excess`: more than the total came.
    /// - `requested`: staff decided it.
    /// - `review`: staff decided it, for money that did not count.
    /// - `gateway`: it was made at the gateway, and known from its event.
    RefundReason, "late", "excess", "requested", "review", "gateway"
);

// The database writes it as JSON of this shape.
/// One refund at a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refund {
    /// Also the idempotency key at the gateway.
    #[schema(value_type = RefundId)]
    pub refund_id: Uuid,
    #[schema(value_type = OrderId)]
    pub order_id: Uuid,
    /// The payment reference.
    pub reference: String,
    #[schema(value_type = Gateway)]
    pub gateway: String,
    /// The gateway's id of the payment.
    pub gateway_payment_id: String,
    /// Minor units of `currency`.
    #[schema(value_type = Amount)]
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    #[schema(value_type = RefundReason)]
    pub reason: String,
    #[schema(value_type = RefundStatus)]
    pub status: String,
    /// The gateway itself says that it failed, which is final.
    pub bounced: bool,
    /// It no longer counts: another refund replaced it, or nobody owed it.
    pub void: bool,
    /// The `refund_id` of the staff's request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RefundId>)]
    pub request_id: Option<Uuid>,
    /// The bounced refund that this one replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RefundId>)]
    pub retry_of: Option<Uuid>,
    /// How often it was sent, or may have been sent.
    #[schema(minimum = 0)]
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
    /// Who decided it: a clerk. `holdfast`: the service itself. `gateway`: somebody at the gateway.
    #[schema(value_type = Actor)]
    pub actor: String,
    /// The clerk's note.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Note>)]
    pub note: Option<String>,
    /// When it became owed.
    pub created_at: Utc,
    /// When it was finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Utc>,
}
