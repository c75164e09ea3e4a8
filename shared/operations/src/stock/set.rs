//! Sets stock to a counted number.

use super::change::{ChangeError, Changed, change, changed};
use crate::db::Database;
use crate::ids::{Actor, Shop, Sku};
use crate::quantity::Count;
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
                &shop,
                &sku,
                &set.on_hand,
                &set.expected_version,
                &actor,
                &set.reference,
                &set.note,
                &set.movement_id,
            ],
        )
        .await;
    changed(sku, "stock_set", answer)
}
