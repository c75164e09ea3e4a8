//! Changes stock by a difference.

use tokio_postgres::types::Type;

use super::change::{ChangeError, Changed, change, changed};
use crate::db::Database;
use crate::ids::{Actor, Reference, Shop, Sku};
use crate::quantity::{Delta, Version};
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
                (&shop.as_str(), Type::TEXT),
                (&sku.as_str(), Type::TEXT),
                (&adjust.delta.get(), Type::INT4),
                (&adjust.expected_version.map(Version::get), Type::INT8),
                (&"adjusted", Type::TEXT),
                (&actor.as_str(), Type::TEXT),
                (
                    &adjust.reference.as_ref().map(Reference::as_str),
                    Type::TEXT,
                ),
                (&adjust.note.as_str(), Type::TEXT),
                (adjust.movement_id.as_uuid(), Type::UUID),
            ],
        )
        .await;
    changed(sku, "stock_adjust", answer)
}
