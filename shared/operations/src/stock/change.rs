//! The common parts of all stock changes by clerks.

use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;

use super::{Level, Movement};
use crate::db::Failure;
use crate::ids::{Actor, MovementId, Reference, Shop, Sku};
use crate::quantity::Version;
use crate::text::Note;

/// A change of a stock level.
#[derive(Debug, Clone)]
pub struct Change {
    pub shop: Shop,
    pub sku: Sku,
    /// The client's id of this change: the idempotency key.
    pub movement_id: MovementId,
    /// The version that the clerk saw.
    pub expected_version: Version,
    pub actor: Actor,
    pub reference: Option<Reference>,
    pub note: Option<Note>,
}

/// A recorded change, made by this call or by an earlier one with the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The current counters.
    #[serde(flatten)]
    pub level: Level,
    /// Its movement. `None` when `on_hand` already had this value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<Movement>,
}

/// Why stock is not changed, in order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("there is no such sku")]
    UnknownSku,
    #[error("this movement id is in use for another change")]
    MovementConflict,
    #[error("the stock level has another version")]
    Stale(Level, Option<Box<Movement>>),
    #[error("active holds claim more than would be left")]
    BelowHeld(Level),
    #[error("there would be too many units")]
    TooMany,
    #[error(transparent)]
    Failure(Failure),
}

impl From<Failure> for ChangeError {
    fn from(failure: Failure) -> Self {
        match failure.constraint() {
            Some("stock_on_hand_is_sane") => Self::TooMany,
            _ => Self::Failure(failure),
        }
    }
}

/// Reads the columns that the routines of all changes have in common.
pub(super) fn from_row(sku: &Sku, routine: &str, row: &Row) -> Result<Changed, ChangeError> {
    let movement = row
        .get::<_, Option<Value>>("o_movement")
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| Failure::Internal(error.into()))?;
    let level = || {
        let (on_hand, held): (i32, i32) = (row.get("o_on_hand"), row.get("o_held"));
        Level {
            sku: sku.as_str().to_owned(),
            on_hand,
            held,
            available: on_hand - held,
            version: row.get("o_version"),
        }
    };
    match row.get("o_outcome") {
        "adjusted" | "same" | "unchanged" => Ok(Changed {
            level: level(),
            movement,
        }),
        "unknown_sku" => Err(ChangeError::UnknownSku),
        "movement_conflict" => Err(ChangeError::MovementConflict),
        "stale" => Err(ChangeError::Stale(level(), movement.map(Box::new))),
        "below_held" => Err(ChangeError::BelowHeld(level())),
        other => Err(Failure::unknown_outcome(routine, other).into()),
    }
}
