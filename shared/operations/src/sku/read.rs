//! Reads a sku.

use super::Entry;
use crate::db::{Database, Failure, from_json};
use crate::ids::{Shop, Sku};

/// Reads a sku, retired or not, with its stock level. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(db: &Database, shop: &Shop, sku: &Sku) -> Result<Option<Entry>, Failure> {
    let row = db
        .call_one("select holdfast.sku_read($1, $2)", &[&shop, &sku])
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
