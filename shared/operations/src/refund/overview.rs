//! The captures and refunds of an order.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Refund;
use crate::db::{Database, Failure, from_json};
use crate::ids::{Actor, OrderId, Shop};
use crate::order::{OrderStatus, SoldLine};
use crate::payment::Gateway;
use crate::quantity::Amount;
use crate::text::{Currency, Note, one_of};
use crate::utc::Utc;

// The database writes it as JSON of this shape.
/// An order's captures and refunds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = OrderMoney)]
pub struct Overview {
    #[schema(value_type = OrderId)]
    pub order_id: Uuid,
    /// The payment reference.
    pub reference: String,
    /// The order's status.
    #[schema(value_type = OrderStatus)]
    pub status: String,
    /// The order's total, in minor units of `currency`.
    #[schema(value_type = Amount)]
    pub total_minor: i64,
    #[schema(value_type = Currency)]
    pub currency: String,
    /// The order's lines, with their shares of the discount: what a returned unit has cost.
    #[schema(min_items = 1, max_items = 50)]
    pub lines: Vec<SoldLine>,
    /// How much of the captures in `currency` can still go back.
    #[schema(value_type = Amount)]
    pub refundable_minor: i64,
    /// The captured money that staff accepted as the payment, although it is not the total.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Amount>)]
    pub accepted_minor: Option<i64>,
    /// Who accepted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Actor>)]
    pub accepted_by: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Note>)]
    pub accepted_note: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Utc>,
    /// When a bank first asked for money back, of the disputes that are open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disputed_at: Option<Utc>,
    /// The disputes of its payments, oldest first.
    #[schema(max_items = 200)]
    pub disputes: Vec<Dispute>,
    /// The captures, oldest first.
    pub captures: Vec<Capture>,
    /// All refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// The database's clock at the answer.
    pub server_time: Utc,
}

one_of!(
    /// - `inquiry`: the bank asks, and takes no money yet.
    /// - `dispute`: at the gateway, before a chargeback.
    /// - `chargeback`: the bank takes the money until it decides.
    /// - `pre_arbitration`, `arbitration`: disputed again after the shop has won.
    DisputeStage, "inquiry", "dispute", "chargeback", "pre_arbitration", "arbitration"
);

one_of!(
    /// - `open`: undecided.
    /// - `won`: the shop keeps the money.
    /// - `lost`: the bank has taken the money.
    /// - `closed`: ended without a decision.
    DisputeStatus, "open", "won", "lost", "closed"
);

/// A bank asks for money back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dispute {
    #[schema(value_type = Gateway)]
    pub gateway: String,
    /// The gateway's id of it.
    pub dispute_id: String,
    /// The gateway's id of the disputed payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_payment_id: Option<String>,
    /// The disputed amount, which may be a part of the payment. Missing if it is not valid in its
    /// currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    /// ISO 4217.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    #[schema(value_type = DisputeStage)]
    pub stage: String,
    #[schema(value_type = DisputeStatus)]
    pub status: String,
    /// When the first event about it arrived.
    pub opened_at: Utc,
    /// When the event of its end arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Utc>,
}

/// One capture: a gateway took money once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Capture {
    #[schema(value_type = Gateway)]
    pub gateway: String,
    /// The gateway's id of the payment.
    pub gateway_payment_id: String,
    /// Minor units of `currency`. Missing if the amount is not valid in its currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    /// ISO 4217.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Whether it counts towards the total. If not, a person decides.
    pub counts: bool,
    /// Whether staff accepted it as a part of the payment all the same.
    pub accepted: bool,
    /// How much of it refunds give back, done or owed.
    #[schema(value_type = Amount)]
    pub refunded_minor: i64,
    /// When the first event about it arrived.
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
            &[&shop, &order_id],
        )
        .await?;
    let json: Option<Value> = row.get(0);
    json.map(from_json).transpose()
}
