//! Changes stock by a difference.

use tokio_postgres::types::Type;

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
                (&change.shop.as_str(), Type::TEXT),
                (&change.sku.as_str(), Type::TEXT),
                (&delta.get(), Type::INT4),
                (&change.expected_version.get(), Type::INT8),
                (&"adjusted", Type::TEXT),
                (&change.actor.as_str(), Type::TEXT),
                (&change.reference(), Type::TEXT),
                (&change.note(), Type::TEXT),
                (change.movement_id.as_uuid(), Type::UUID),
            ],
        )
        .await?;
    from_row(&change.sku, "stock_adjust", &row)
}
