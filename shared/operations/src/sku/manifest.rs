//! The manifest of a sku: its sold and held units, with their customers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Attributes;
use crate::db::{Database, Failure, from_json};
use crate::ids::{Actor, CheckoutId, Customer, OrderId, Shop, Sku};
use crate::page::{self, After, Cursor};
use crate::quantity::{OnHand, PageLimit};
use crate::text::{Title, one_of};
use crate::utc::Utc;

/// A page of a sku's manifest.
// The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Manifest {
    #[schema(value_type = Sku)]
    pub sku: String,
    #[schema(value_type = Title)]
    pub title: String,
    /// Facts about the sku, such as its date, in the shop's own form.
    #[schema(value_type = Attributes)]
    pub attributes: serde_json::Value,
    /// When its sale closes. Missing if it never closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale_closes_at: Option<Utc>,
    /// When it departs. Missing if it is no departure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departs_at: Option<Utc>,
    /// Units that are not sold, including held ones.
    #[schema(value_type = OnHand)]
    pub on_hand: i32,
    /// Held units.
    #[schema(value_type = OnHand)]
    pub held: i32,
    /// `on_hand` minus `held`.
    #[schema(value_type = OnHand)]
    pub available: i32,
    /// Sold units that have not come back.
    #[schema(minimum = 0)]
    pub sold: i64,
    /// The rows, oldest first.
    #[schema(max_items = 500)]
    pub rows: Vec<Seat>,
    /// Missing on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    /// The database's clock at the answer.
    pub server_time: Utc,
}

/// The seats of one party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ManifestRow)]
pub struct Seat {
    /// Missing before the checkout is ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OrderId>)]
    pub order_id: Option<Uuid>,
    #[schema(value_type = CheckoutId)]
    pub checkout_id: Uuid,
    #[schema(value_type = Customer)]
    pub customer: String,
    /// The dispatcher who booked it. Missing if the customer ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Actor>)]
    pub placed_by: Option<String>,
    /// Units, without those that came back.
    #[schema(minimum = 1)]
    pub quantity: i32,
    #[schema(value_type = SeatStatus)]
    pub status: String,
    /// The hold ends then. Missing if it is sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Utc>,
    /// When the checkout began.
    pub created_at: Utc,
}

one_of!(
    /// The order's status, or `held` without an order. `paid`, `refund_due` and `refunded` are
    /// sold. All others are held until `expires_at`.
    SeatStatus, "paid", "refund_due", "refunded", "awaiting_payment", "review", "held"
);

/// The row that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    created_at: Utc,
    checkout_id: Uuid,
}

impl page::Position for Position {
    const LIST: &'static str = "sku_manifest";
}

/// Reads one page of the rows behind `after`, and the totals. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn manifest(
    db: &Database,
    shop: &Shop,
    sku: &Sku,
    after: Option<&After<Position>>,
    limit: PageLimit,
) -> Result<Option<Manifest>, Failure> {
    let row = db
        .call_one(
            "select holdfast.sku_manifest($1, $2, $3, $4, $5)",
            &[
                &shop,
                &sku,
                &after.map(|After(place)| place.created_at),
                &after.map(|After(place)| place.checkout_id),
                &limit,
            ],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    let Some(json) = json else { return Ok(None) };
    let mut page: Manifest = from_json(json)?;
    let rows_max = usize::try_from(limit.get()).unwrap_or(usize::MAX);
    if page.rows.len() > rows_max {
        page.rows.truncate(rows_max);
        let last = page.rows.last().map(|last| Position {
            created_at: last.created_at,
            checkout_id: last.checkout_id,
        });
        page.next = last.map(|last| Cursor::of(&last)).transpose()?;
    }
    Ok(Some(page))
}
