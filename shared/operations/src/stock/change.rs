//! What all changes of stock by the stock office have in common.

use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;

use super::{Level, Movement};
use crate::db::Failure;
use crate::ids::{Actor, MovementId, Reference, Shop, Sku};
use crate::quantity::Version;
use crate::text::Note;

/// Who changes which stock level, and why.
#[derive(Debug, Clone)]
pub struct Change {
    /// The shop.
    pub shop: Shop,
    /// The sku.
    pub sku: Sku,
    /// The client's id of this change: sent again, it has no second effect.
    pub movement_id: MovementId,
    /// The version that the clerk has seen.
    pub expected_version: Version,
    /// Who.
    pub actor: Actor,
    /// What it refers to.
    pub reference: Option<Reference>,
    /// Why.
    pub note: Option<Note>,
}

impl Change {
    pub(super) fn reference(&self) -> Option<&str> {
        self.reference.as_ref().map(Reference::as_str)
    }

    pub(super) fn note(&self) -> Option<&str> {
        self.note.as_ref().map(Note::as_str)
    }
}

/// A change that was made, now or by an earlier sending of the same request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// The counters now.
    #[serde(flatten)]
    pub level: Level,
    /// Its row in the ledger; none when `on_hand` was already what it was set to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<Movement>,
}

/// Why stock is not changed. In order of precedence.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No such sku.
    #[error("there is no such sku")]
    UnknownSku,
    /// The id belongs to another change.
    #[error("this movement id is in use for another change")]
    MovementConflict,
    /// Somebody wrote since the version was read: the counters now, and the last movement.
    #[error("the stock level has another version")]
    Stale(Level, Option<Box<Movement>>),
    /// Active holds claim more than would be left: the counters now.
    #[error("active holds claim more than would be left")]
    BelowHeld(Level),
    /// More than a stock level may be.
    #[error("there would be too many units")]
    TooMany,
    /// Could not decide.
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
