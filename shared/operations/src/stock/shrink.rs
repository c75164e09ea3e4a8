//! Takes missing units out of the stock. If too few are left for all holds, the newest holds are
//! broken.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::change::{MOVEMENT_CONFLICT, STOCK_STALE, Stale, change, level, parsed, stale};
use super::{Level, Movement};
use crate::db::{Database, Failure};
use crate::ids::{Actor, CheckoutId, Customer, OrderId, Shop, Sku};
use crate::quantity::{Quantity, Units};
use crate::refusal::Kind;
use crate::refusals;
use crate::text::Note;
use crate::utc::Utc;

change! {
    /// Missing units.
    pub struct Shrink as StockShrink {
        /// Units that are not there.
        pub missing: Units,
        // It also goes into the announcements of broken holds.
        pub note: Note,
        /// Change nothing; only say what would happen.
        #[serde(default)]
        #[schema(default = false)]
        pub dry_run: bool,
    }
}

/// A broken hold. Its whole checkout ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokenHold {
    #[schema(value_type = CheckoutId)]
    pub checkout_id: Uuid,
    #[schema(value_type = Customer)]
    pub customer: String,
    /// Units of the sku that it held.
    #[schema(value_type = Quantity)]
    pub quantity: i32,
    /// When the hold began.
    pub created_at: Utc,
    /// Its order, which is cancelled. Missing without an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OrderId>)]
    pub order_id: Option<Uuid>,
}

/// The present stock level (for a dry run: as it would be, with the present version), the
/// ledger's row, and the broken holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockShrunk)]
pub struct Shrinkage {
    pub dry_run: bool,
    #[serde(flatten)]
    pub level: Level,
    /// Missing for a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movement: Option<Movement>,
    /// Newest first.
    pub broken: Vec<BrokenHold>,
}

const MORE_THAN_ON_HAND: Kind = Kind {
    status: 409,
    code: "more_than_on_hand",
    title: "More is missing than is on hand",
    detail: "Nothing was changed: fewer units are on hand than are missing.",
};

refusals! {
    /// Why stock is not shrunk, in order of precedence.
    pub enum ShrinkError {
        UnknownSku => Said::not_found("sku");
        /// the `movement_id` belongs to another change.
        MovementConflict => MOVEMENT_CONFLICT;
        /// somebody changed the stock since the version that you have seen. The answer has the
        /// present numbers.
        Stale(all: Box<Stale>) => STOCK_STALE;
        /// fewer units are on hand than are missing. The answer has the present numbers.
        MoreThanOnHand(all: Level) => MORE_THAN_ON_HAND;
        TooManyHolds => Said::invalid(
            "missing",
            "would break more than 10,000 holds: shrink in steps",
        );
    }
}

/// Lowers `on_hand` by the missing units, with a movement. Due holds expire first. Then just enough
/// of the newest holds are broken, and each is announced. A retry has no second effect.
///
/// Locks: the broken checkouts by id, their orders, coupons, their customers' counts, stock levels
/// by sku. A dry run: none.
///
/// # Errors
/// [`ShrinkError`]; a refusal changes nothing, except that holds that were due may have expired.
pub async fn shrink(
    db: &Database,
    shop: &Shop,
    sku: &Sku,
    actor: &Actor,
    shrink: &Shrink,
) -> Result<Shrinkage, ShrinkError> {
    let row = db
        .call_one(
            "call holdfast.stock_shrink($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                &shop,
                &sku,
                &shrink.missing,
                &shrink.expected_version,
                &actor,
                &shrink.reference,
                &shrink.note,
                &shrink.movement_id,
                &shrink.dry_run,
            ],
        )
        .await?;
    match row.get("o_outcome") {
        "shrunk" | "same" | "would_shrink" => Ok(Shrinkage {
            dry_run: shrink.dry_run,
            level: level(sku, &row),
            movement: parsed(&row, "o_movement")?,
            broken: parsed(&row, "o_broken")?.unwrap_or_default(),
        }),
        "unknown_sku" => Err(ShrinkError::UnknownSku),
        "movement_conflict" => Err(ShrinkError::MovementConflict),
        "stale" => Err(ShrinkError::Stale(stale(sku, &row)?)),
        "more_than_on_hand" => Err(ShrinkError::MoreThanOnHand(level(sku, &row))),
        "too_many_holds" => Err(ShrinkError::TooManyHolds),
        other => Err(Failure::unknown_outcome("stock_shrink", other).into()),
    }
}
