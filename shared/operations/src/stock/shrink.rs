//! Takes missing units out of the stock. If too few are left for all holds, the newest holds are
//! broken.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Level, Movement};
use crate::db::{Database, Failure};
use crate::ids::{Actor, MovementId, Reference, Shop, Sku};
use crate::quantity::{Units, Version};
use crate::text::Note;
use crate::utc::Utc;

/// Missing units.
#[derive(Debug, Clone)]
pub struct Shrink {
    pub shop: Shop,
    pub sku: Sku,
    /// The number of missing units.
    pub missing: Units,
    /// The client's id of this change: the idempotency key. A dry run records none.
    pub movement_id: MovementId,
    /// The version that the clerk saw. `None`: any.
    pub expected_version: Option<Version>,
    pub actor: Actor,
    pub reference: Option<Reference>,
    /// The clerk's note. It also goes into the announcements of broken holds.
    pub note: Option<Note>,
    /// Only report what would happen.
    pub dry_run: bool,
}

/// A broken hold. Its whole checkout ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokenHold {
    pub checkout_id: Uuid,
    pub customer: String,
    /// Its held units of the sku.
    pub quantity: i32,
    /// The beginning.
    pub created_at: Utc,
    /// Its order, which is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Uuid>,
}

/// The result of a shrinkage, or of its dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shrinkage {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// The counters after the shrinkage. After a dry run: the expected counters with the current
    /// version.
    #[serde(flatten)]
    pub level: Level,
    /// Its movement. `None` for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<Movement>,
    /// The broken holds, newest first.
    pub broken: Vec<BrokenHold>,
}

/// Why stock is not shrunk, in order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    #[error("there is no such sku")]
    UnknownSku,
    #[error("this movement id is in use for another change")]
    MovementConflict,
    #[error("the stock level has another version")]
    Stale(Level, Option<Box<Movement>>),
    #[error("more is missing than is on hand")]
    MoreThanOnHand(Level),
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Lowers `on_hand` by the missing units, with a movement. Due holds expire first. Then just enough
/// of the newest holds are broken, and each is announced. A retry has no second effect.
///
/// Locks: the broken checkouts by id, their orders, coupons, their customers' counts, stock levels
/// by sku. A dry run: none.
///
/// # Errors
/// [`ShrinkError`]; a refusal changes nothing, except that holds that were due may have expired.
pub async fn shrink(db: &Database, request: &Shrink) -> Result<Shrinkage, ShrinkError> {
    let row = db
        .call_one(
            "call holdfast.stock_shrink($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                &request.shop,
                &request.sku,
                &request.missing,
                &request.expected_version,
                &request.actor,
                &request.reference,
                &request.note,
                &request.movement_id,
                &request.dry_run,
            ],
        )
        .await?;
    match row.get("o_outcome") {
        "shrunk" | "same" | "would_shrink" => Ok(Shrinkage {
            dry_run: request.dry_run,
            level: level(request, &row),
            movement: parsed(&row, "o_movement")?,
            broken: parsed(&row, "o_broken")?.unwrap_or_default(),
        }),
        "unknown_sku" => Err(ShrinkError::UnknownSku),
        "movement_conflict" => Err(ShrinkError::MovementConflict),
        "stale" => {
            let last = parsed(&row, "o_movement")?.map(Box::new);
            Err(ShrinkError::Stale(level(request, &row), last))
        }
        "more_than_on_hand" => Err(ShrinkError::MoreThanOnHand(level(request, &row))),
        other => Err(Failure::unknown_outcome("stock_shrink", other).into()),
    }
}

fn level(request: &Shrink, row: &Row) -> Level {
    let (on_hand, held): (i32, i32) = (row.get("o_on_hand"), row.get("o_held"));
    Level {
        sku: request.sku.as_str().to_owned(),
        on_hand,
        held,
        available: on_hand - held,
        version: row.get("o_version"),
    }
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>, Failure> {
    row.get::<_, Option<Value>>(column)
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| Failure::Internal(error.into()))
}
