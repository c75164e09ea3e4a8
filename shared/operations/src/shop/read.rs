//! Reads a shop.

use super::Profile;
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;

/// Reads a shop and its limits. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(db: &Database, shop: &Shop) -> Result<Option<Profile>, Failure> {
    let row = db
        .call_one("select holdfast.shop_read($1)", &[&shop])
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
