//! Deletes a subscriber.

use super::Name;
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Deletes a subscriber and its waiting deliveries. `false` when there is no such subscriber.
/// Locks: the subscriber, its deliveries.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn delete(db: &Database, shop: &Shop, name: &Name) -> Result<bool, Failure> {
    let row = db
        .call_one("select holdfast.subscriber_delete($1, $2)", &[&shop, &name])
        .await?;
    match row.get(0) {
        "deleted" => Ok(true),
        "not_found" => Ok(false),
        other => Err(Failure::unknown_outcome("subscriber_delete", other)),
    }
}
