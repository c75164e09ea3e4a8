//! Sets stock to a counted number.

use tokio_postgres::types::Type;

use super::change::{ChangeError, Changed, change, changed};
use crate::db::Database;
use crate::ids::{Actor, Reference, Shop, Sku};
use crate::quantity::{Count, Version};
use crate::text::Note;

change! {
    /// A counted number.
    pub struct Set as StockSet {
        /// The counted units.
        pub on_hand: Count,
        pub note: Note,
    }
}

/// Sets `on_hand` to a counted number, with a movement. A retry returns the same movement and has
/// no second effect. Locks: the stock level.
///
/// # Errors
/// [`ChangeError`]; a refusal changes nothing.
pub async fn set(
    db: &Database,
    shop: &Shop,
    sku: &Sku,
    actor: &Actor,
    set: &Set,
) -> Result<Changed, ChangeError> {
    let answer = db
        .call_one(
            "select * from holdfast.stock_set($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                (&shop.as_str(), Type::TEXT),
                (&sku.as_str(), Type::TEXT),
                (&set.on_hand.get(), Type::INT4),
                (&set.expected_version.map(Version::get), Type::INT8),
                (&actor.as_str(), Type::TEXT),
                (&set.reference.as_ref().map(Reference::as_str), Type::TEXT),
                (&set.note.as_str(), Type::TEXT),
                (set.movement_id.as_uuid(), Type::UUID),
            ],
        )
        .await;
    changed(sku, "stock_set", answer)
}
