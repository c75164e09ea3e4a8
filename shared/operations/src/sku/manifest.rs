//! The manifest of a sku: its sold and held units, with their customers.

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

use crate::db::{Database, Failure, from_json};
use crate::ids::{Shop, Sku};
use crate::page::{After, Cursor};
use crate::quantity::PageLimit;

/// A page of a sku's manifest. The database writes it as JSON of this shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub sku: String,
    pub title: String,
    /// Date, place and the like.
    pub attributes: serde_json::Value,
    /// When its sale closes.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub sale_closes_at: Option<OffsetDateTime>,
    /// Unsold seats, held ones included.
    pub on_hand: i32,
    /// Held seats.
    pub held: i32,
    /// `on_hand - held`.
    pub available: i32,
    /// Sold seats, without returned ones.
    pub sold: i64,
    /// The rows, oldest first.
    pub rows: Vec<Seat>,
    /// The cursor of the next page, if there is one.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    /// The database's clock at the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub server_time: OffsetDateTime,
}

/// The seats of one party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The order, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Uuid>,
    /// The checkout: the id of the booking.
    pub checkout_id: Uuid,
    pub customer: String,
    /// The dispatcher who booked them. `None` for an online order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_by: Option<String>,
    /// Units, without returned ones.
    pub quantity: i32,
    /// The order's status, or `held` for a hold without an order.
    pub status: String,
    /// The end of the hold. `None` if they are sold.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<OffsetDateTime>,
    /// When the checkout was begun.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// The row that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    checkout_id: Uuid,
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
    in_utc(&mut page);
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

/// The routine's times are in the session's time zone.
fn in_utc(page: &mut Manifest) {
    let utc = |at: OffsetDateTime| at.to_offset(UtcOffset::UTC);
    page.server_time = utc(page.server_time);
    page.sale_closes_at = page.sale_closes_at.map(utc);
    for row in &mut page.rows {
        row.created_at = utc(row.created_at);
        row.expires_at = row.expires_at.map(utc);
    }
}
