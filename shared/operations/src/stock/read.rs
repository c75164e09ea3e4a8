//! Reads a stock level.

use super::Level;
use crate::db::{Database, Failure, from_json};
use crate::ids::{Shop, Sku};

/// Reads the counters of a sku, with the version to send back with a change. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(db: &Database, shop: &Shop, sku: &Sku) -> Result<Option<Level>, Failure> {
    let row = db
        .call_one("select holdfast.stock_read($1, $2)", &[&shop, &sku])
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
