//! Changes stock by a difference.

use super::change::{ChangeError, Changed, change, changed};
use crate::db::Database;
use crate::ids::{Actor, Shop, Sku};
use crate::quantity::Delta;
use crate::text::Note;

change! {
    /// A difference.
    pub struct Adjust as StockAdjust {
        /// Units to add, or, if negative, to remove. Not 0.
        pub delta: Delta,
        pub note: Note,
    }
}

/// Changes `on_hand` by a difference, with a movement. A retry returns the same movement and has
/// no second effect. Locks: the stock level.
///
/// # Errors
/// [`ChangeError`]; a refusal changes nothing.
pub async fn adjust(
    db: &Database,
    shop: &Shop,
    sku: &Sku,
    actor: &Actor,
    adjust: &Adjust,
) -> Result<Changed, ChangeError> {
    let answer = db
        .call_one(
            "select * from holdfast.stock_adjust($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                &shop,
                &sku,
                &adjust.delta,
                &adjust.expected_version,
                &"adjusted",
                &actor,
                &adjust.reference,
                &adjust.note,
                &adjust.movement_id,
            ],
        )
        .await;
    changed(sku, "stock_adjust", answer)
}
