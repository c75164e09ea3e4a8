//! The common parts of all stock changes by clerks.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_postgres::Row;
use utoipa::ToSchema;

use super::{Level, Movement};
use crate::db::Failure;
use crate::ids::Sku;
use crate::refusal::Kind;
use crate::refusals;

/// Defines a change: its own fields, and those that all changes have in common. Serde's `flatten`
/// would accept unknown fields.
macro_rules! change {
    (
        $(#[$about:meta])* pub struct $name:ident as $component:ident {
            $( $(#[$attribute:meta])* pub $field:ident: $type:ty, )*
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, serde::Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        #[schema(as = $component)]
        pub struct $name {
            $( $(#[$attribute])* pub $field: $type, )*
            /// The version that you have seen. Needed unless `If-Match` has it.
            // `None`: any version will do.
            #[serde(default, deserialize_with = "crate::object::not_null")]
            pub expected_version: Option<crate::quantity::Version>,
            #[serde(default, deserialize_with = "crate::object::not_null")]
            pub reference: Option<crate::ids::Reference>,
            // A request without an id gets one here. So a statement that runs again after a broken
            // connection still counts once.
            #[serde(default = "crate::ids::MovementId::fresh")]
            pub movement_id: crate::ids::MovementId,
        }
    };
}

pub(super) use change;

/// The present stock level, and the ledger's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockChanged)]
pub struct Changed {
    #[serde(flatten)]
    pub level: Level,
    /// Missing if `on_hand` was already the set number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<Movement>,
}

/// The present stock level, which is not the one that the clerk has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockStaleLevel)]
pub struct Stale {
    #[serde(flatten)]
    pub level: Level,
    /// The last row of the ledger. It shows whether the change was your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_movement: Option<Movement>,
}

/// Somebody changed the stock since the version that the clerk has seen.
pub const STOCK_STALE: Kind = Kind {
    status: 409,
    code: "stock_stale",
    title: "The stock level has changed",
    detail: "Nothing was changed: the stock level's version is not the expected one. Look at these \
             numbers. If the change is still right, send it again with this `version`.",
};
/// [`STOCK_STALE`] for a version in the header `If-Match`.
pub const PRECONDITION_FAILED: Kind = Kind {
    status: 412,
    code: "precondition_failed",
    ..STOCK_STALE
};
/// The movement id belongs to another change.
pub const MOVEMENT_CONFLICT: Kind = Kind {
    status: 409,
    code: "movement_conflict",
    title: "The movement id is in use",
    detail: "This id belongs to another change of stock. To make another change, use a new id.",
};
/// A stock level can have no more units.
pub(crate) const STOCK_FULL: Kind = Kind {
    status: 409,
    code: "stock_full",
    title: "The stock level is full",
    detail: "Nothing was changed: a sku would have too many units on hand. Staff raise them to \
             1000000000 at most, and units that come back from orders to 2000000000. Reduce the \
             sku's stock first.",
};
const BELOW_HELD: Kind = Kind {
    status: 409,
    code: "below_held",
    title: "Shoppers hold more",
    detail: "Nothing was changed: fewer units would be left than shoppers hold now.",
};

refusals! {
    /// Why stock is not changed, in order of precedence.
    pub enum ChangeError {
        UnknownSku => Said::not_found("sku");
        /// the `movement_id` belongs to another change.
        MovementConflict => MOVEMENT_CONFLICT;
        /// somebody changed the stock since the version that you have seen. The answer has the
        /// present numbers.
        Stale(all: Box<Stale>) => STOCK_STALE;
        /// fewer units would be left than shoppers hold. The answer has the present numbers.
        BelowHeld(all: Level) => BELOW_HELD;
        /// more units would be on hand than 1000000000.
        Full => STOCK_FULL;
    }
}

/// The answer of a routine, or its failure.
pub(super) fn changed(
    sku: &Sku,
    routine: &str,
    answer: Result<Row, Failure>,
) -> Result<Changed, ChangeError> {
    let row = answer.map_err(|failure| match failure.constraint() {
        Some("stock_on_hand_is_sane") => ChangeError::Full,
        _ => failure.into(),
    })?;
    match row.get("o_outcome") {
        "adjusted" | "same" | "unchanged" => Ok(Changed {
            level: level(sku, &row),
            movement: parsed(&row, "o_movement")?,
        }),
        "unknown_sku" => Err(ChangeError::UnknownSku),
        "movement_conflict" => Err(ChangeError::MovementConflict),
        "stale" => Err(ChangeError::Stale(stale(sku, &row)?)),
        "too_many" => Err(ChangeError::Full),
        "below_held" => Err(ChangeError::BelowHeld(level(sku, &row))),
        other => Err(Failure::unknown_outcome(routine, other).into()),
    }
}

/// The counters that a routine answered.
pub(super) fn level(sku: &Sku, row: &Row) -> Level {
    let (on_hand, held): (i32, i32) = (row.get("o_on_hand"), row.get("o_held"));
    Level {
        sku: sku.as_str().to_owned(),
        on_hand,
        held,
        available: on_hand - held,
        version: row.get("o_version"),
    }
}

/// The counters of the outcome `stale`, with the last movement.
pub(super) fn stale(sku: &Sku, row: &Row) -> Result<Box<Stale>, Failure> {
    Ok(Box::new(Stale {
        level: level(sku, row),
        last_movement: parsed(row, "o_movement")?,
    }))
}

/// A column of JSON that may be null.
pub(super) fn parsed<T: DeserializeOwned>(row: &Row, column: &str) -> Result<Option<T>, Failure> {
    row.get::<_, Option<Value>>(column)
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| Failure::Internal(error.into()))
}
