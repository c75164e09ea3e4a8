//! Changes stock by a difference.

use super::change::{Change, ChangeError, Changed, from_row};
use crate::db::Database;
use crate::quantity::Delta;

/// Changes `on_hand` by a difference other than 0, with a movement. A retry returns the same
/// movement and has no second effect. Locks: the stock level.
///
/// # Errors
/// [`ChangeError`]; a refusal changes nothing.
pub async fn adjust(db: &Database, change: &Change, delta: Delta) -> Result<Changed, ChangeError> {
    let row = db
        .call_one(
            "select * from holdfast.stock_adjust($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &[
                &change.shop,
                &change.sku,
                &delta,
                &change.expected_version,
                &"adjusted",
                &change.actor,
                &change.reference,
                &change.note,
                &change.movement_id,
            ],
        )
        .await?;
    from_row(&change.sku, "stock_adjust", &row)
}
