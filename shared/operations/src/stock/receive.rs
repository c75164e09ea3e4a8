//! Adds received units.

use super::change::{ChangeError, Changed, change, changed};
use crate::db::Database;
use crate::ids::{Actor, Shop, Sku};
use crate::quantity::Units;
use crate::text::Note;

change! {
    /// Received units.
    pub struct Receive as StockReceive {
        /// Units that came in.
        pub quantity: Units,
        #[serde(default, deserialize_with = "crate::object::not_null")]
        pub note: Option<Note>,
    }
}

/// Adds received units, with a movement. A retry returns the same movement and has no second
/// effect. Locks: the stock level.
///
/// # Errors
/// [`ChangeError`]; a refusal changes nothing.
pub async fn receive(
    db: &Database,
    shop: &Shop,
    sku: &Sku,
    actor: &Actor,
    receive: &Receive,
) -> Result<Changed, ChangeError> {
    let answer = db
        .call_one(
            "select * from holdfast.stock_receive($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &shop,
                &sku,
                &receive.quantity,
                &receive.expected_version,
                &actor,
                &receive.reference,
                &receive.note,
                &receive.movement_id,
            ],
        )
        .await;
    changed(sku, "stock_receive", answer)
}
