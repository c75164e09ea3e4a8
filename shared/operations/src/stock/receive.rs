//! Adds received units.

use super::change::{Change, ChangeError, Changed, from_row};
use crate::db::Database;
use crate::quantity::Units;

/// Adds received units, with a movement. A retry returns the same movement and has no second
/// effect. Locks: the stock level.
///
/// # Errors
/// [`ChangeError`]; a refusal changes nothing.
pub async fn receive(
    db: &Database,
    change: &Change,
    quantity: Units,
) -> Result<Changed, ChangeError> {
    let row = db
        .call_one(
            "select * from holdfast.stock_receive($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &change.shop,
                &change.sku,
                &quantity,
                &change.expected_version,
                &change.actor,
                &change.reference,
                &change.note,
                &change.movement_id,
            ],
        )
        .await?;
    from_row(&change.sku, "stock_receive", &row)
}
