//! What happened to one checkout, as one list.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::search::ROWS_MAX;
use crate::db::{Database, Failure, from_json};
use crate::ids::{CheckoutId, Customer, OrderId, Shop, Sku};
use crate::quantity::Amount;
use crate::text::{Currency, one_of};
use crate::utc::Utc;

one_of!(
    /// What happened. A word keeps its meaning.
    Happened,
    "checkout_begun", "cart_replaced", "held_again", "hold_expired", "checkout_released",
    "checkout_revoked", "order_made", "order_booked", "order_paid", "money_accepted",
    "gateway_reported_paid", "gateway_reported_failed", "gateway_reported_dropped",
    "gateway_reported_pending", "gateway_reported_refund_pending",
    "gateway_reported_refund_settled", "gateway_reported_refund_failed",
    "gateway_reported_disputed", "gateway_reported_dispute_won", "gateway_reported_dispute_lost",
    "gateway_reported_dispute_closed", "gateway_reported_other", "money_captured", "refund_owed",
    "refund_settled", "refund_failed", "dispute_opened", "dispute_won", "dispute_lost",
    "dispute_closed", "stock_received", "stock_adjusted", "stock_sold", "stock_returned",
    "stock_missing", "announced"
);

/// One thing that happened. Which members an entry has depends on `happened`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TimelineEntry)]
pub struct Entry {
    pub at: Utc,
    pub happened: Happened,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Sku>)]
    pub sku: Option<String>,
    /// Units: held, or, of the ledger, the difference of the stock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i32>,
    /// In minor units of `currency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Currency>)]
    pub currency: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "cashfree")]
    pub gateway: Option<String>,
    /// The payment's reference, the gateway's id of a payment or a dispute, our id of a refund, or
    /// the type of an announcement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The outcome of a gateway's event, the status of a refund or a dispute now, whether a capture
    /// `counts`, or whether an announcement is `sent` or `waiting`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "completed")]
    pub status: Option<String>,
    /// Why a refund is owed, the stage of a dispute, or an order's coupon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "requested")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "clerk")]
    pub actor: Option<String>,
    /// A person's own words, or a gateway's error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A line of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = TimelineLine)]
pub struct Line {
    #[schema(value_type = Sku)]
    pub sku: String,
    #[schema(minimum = 1)]
    pub quantity: i32,
    /// Units that came back.
    #[schema(minimum = 0)]
    pub returned: i32,
    #[schema(value_type = Amount)]
    pub price_minor: i64,
}

/// A checkout and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    #[schema(value_type = CheckoutId)]
    pub checkout_id: Uuid,
    #[schema(value_type = Customer)]
    pub customer: String,
    /// The status of the checkout.
    #[schema(example = "paid")]
    pub status: String,
    pub expires_at: Utc,
    /// Null until the shopper orders, like all that follow.
    #[schema(value_type = Option<OrderId>, required = true)]
    pub order_id: Option<Uuid>,
    #[schema(required = true, example = "paid")]
    pub order_status: Option<String>,
    /// The number of staff changes to the order.
    #[schema(required = true, minimum = 1)]
    pub order_version: Option<i64>,
    /// The payment's reference.
    #[schema(required = true, example = "dress-06e7bd4x0hzhhaf4jj6wgy9q0c")]
    pub reference: Option<String>,
    #[schema(value_type = Option<Amount>, required = true)]
    pub total_minor: Option<i64>,
    #[schema(value_type = Currency)]
    pub currency: String,
    #[schema(max_items = 50)]
    pub lines: Vec<Line>,
    /// Oldest first. Of each kind at most the 200 newest.
    #[schema(max_items = 3000)]
    pub entries: Vec<Entry>,
    /// The database's clock at the answer.
    pub server_time: Utc,
}

/// Reads what happened to a checkout. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn timeline(
    db: &Database,
    shop: &Shop,
    checkout_id: CheckoutId,
) -> Result<Option<Timeline>, Failure> {
    let row = db
        .call_one(
            "select holdfast.history_timeline($1, $2, $3)",
            &[&shop, &checkout_id, &ROWS_MAX],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
