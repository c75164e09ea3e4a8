//! Takes a sku off sale for good.

use super::Entry;
use crate::db::{Database, Failure, from_json};
use crate::ids::{Shop, Sku};

/// Takes a sku off sale. Its holds, stock and ledger stay. A retry has no effect. Locks: the sku.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn retire(db: &Database, shop: &Shop, sku: &Sku) -> Result<Option<Entry>, Failure> {
    let row = db
        .call_one("select holdfast.sku_retire($1, $2)", &[&shop, &sku])
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
