//! Sets stock to a counted number.

use super::change::{Change, ChangeError, Changed, from_row};
use crate::db::Database;
use crate::quantity::Count;

/// Sets `on_hand` to a counted number, with a movement. A retry returns the same movement and has
/// no second effect. Locks: the stock level.
///
/// # Errors
/// [`ChangeError`]; a refusal changes nothing.
pub async fn set(db: &Database, change: &Change, on_hand: Count) -> Result<Changed, ChangeError> {
    let row = db
        .call_one(
            "select * from holdfast.stock_set($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &change.shop,
                &change.sku,
                &on_hand,
                &change.expected_version,
                &change.actor,
                &change.reference,
                &change.note,
                &change.movement_id,
            ],
        )
        .await?;
    from_row(&change.sku, "stock_set", &row)
}
