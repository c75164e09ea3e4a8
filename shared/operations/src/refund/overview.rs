//! All that was captured for an order, and all that goes back of it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Refund;
use crate::db::{Database, Failure, from_json};
use crate::ids::{OrderId, Shop};
use crate::utc::Utc;

/// An order's money. The database writes it as JSON; this type is what that JSON must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The order.
    pub order_id: Uuid,
    /// What the gateways know it by.
    pub reference: String,
    /// The order's status.
    pub status: String,
    /// What was to be paid, in minor units of `currency`.
    pub total_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What could still go back of the captures in `currency`.
    pub refundable_minor: i64,
    /// When a bank first asked for the money back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disputed_at: Option<Utc>,
    /// Each time that a gateway took money, oldest first.
    pub captures: Vec<Capture>,
    /// All refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// The database's clock at this answer.
    pub server_time: Utc,
}

/// Once that a gateway took money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// Who took it.
    pub gateway: String,
    /// The gateway's id of the payment.
    pub gateway_payment_id: String,
    /// Minor units of `currency`; none where what came is no amount of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    /// ISO 4217.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Whether it counts towards the total; if not, a person decides.
    pub counts: bool,
    /// What refunds give back of it, done or owed.
    pub refunded_minor: i64,
    /// When it was first told of.
    pub captured_at: Utc,
}

/// Reads an order's captures and refunds. Locks: the order FOR KEY SHARE, because an answer is an
/// acknowledgement.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn overview(
    db: &Database,
    shop: &Shop,
    order_id: OrderId,
) -> Result<Option<Overview>, Failure> {
    let row = db
        .call_one(
            "select holdfast.refund_overview($1, $2)",
            &[
                (&shop.as_str(), Type::TEXT),
                (order_id.as_uuid(), Type::UUID),
            ],
        )
        .await?;
    let json: Option<Value> = row.get(0);
    json.map(from_json).transpose()
}
