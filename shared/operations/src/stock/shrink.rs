//! Takes units that are not there, though they were counted, out of the stock; the newest holds go
//! where what is left is too little for all of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{Level, Movement};
use crate::db::{Database, Failure};
use crate::ids::{Actor, MovementId, Reference, Shop, Sku};
use crate::quantity::{Units, Version};
use crate::text::Note;
use crate::utc::Utc;

/// What staff found.
#[derive(Debug, Clone)]
pub struct Shrink {
    /// The shop.
    pub shop: Shop,
    /// Whose stock it is.
    pub sku: Sku,
    /// How many units are not there.
    pub missing: Units,
    /// The client's id of this change: sent again, it has no second effect. A dry run has none.
    pub movement_id: MovementId,
    /// The version that the clerk has seen; any when none.
    pub expected_version: Option<Version>,
    /// Who says so.
    pub actor: Actor,
    /// What it refers to.
    pub reference: Option<Reference>,
    /// Why, in the clerk's own words; it stands in the messages about broken holds too.
    pub note: Option<Note>,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// A hold that is broken: its whole checkout is let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrokenHold {
    /// The checkout.
    pub checkout_id: Uuid,
    /// Whose it was.
    pub customer: String,
    /// How many units of the sku it held.
    pub quantity: i32,
    /// Since when.
    pub created_at: Utc,
    /// Its order, which is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Uuid>,
}

/// What a shrinkage did, now or by an earlier sending of the same request, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shrinkage {
    /// Nothing was changed.
    pub dry_run: bool,
    /// The counters now; of a dry run as they would be, with the version of now: what to expect in
    /// earnest.
    #[serde(flatten)]
    pub level: Level,
    /// Its row in the ledger; none of a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<Movement>,
    /// The holds, newest first.
    pub broken: Vec<BrokenHold>,
}

/// Why nothing is taken out. In order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    /// No such sku.
    #[error("there is no such sku")]
    UnknownSku,
    /// The id belongs to another change.
    #[error("this movement id is in use for another change")]
    MovementConflict,
    /// Somebody wrote since the version was read: the counters now, and the last movement.
    #[error("the stock level has another version")]
    Stale(Level, Option<Box<Movement>>),
    /// More is missing than the books say is there: the counters now.
    #[error("more is missing than is on hand")]
    MoreThanOnHand(Level),
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Lowers `on_hand` by what is missing, with its row in the ledger. Holds that are due expire
/// first; then the newest holds are broken, just enough of them, and each is announced. The same
/// request again has no second effect.
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
                (&request.shop.as_str(), Type::TEXT),
                (&request.sku.as_str(), Type::TEXT),
                (&request.missing.get(), Type::INT4),
                (&request.expected_version.map(Version::get), Type::INT8),
                (&request.actor.as_str(), Type::TEXT),
                (
                    &request.reference.as_ref().map(Reference::as_str),
                    Type::TEXT,
                ),
                (&request.note.as_ref().map(Note::as_str), Type::TEXT),
                (request.movement_id.as_uuid(), Type::UUID),
                (&request.dry_run, Type::BOOL),
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
