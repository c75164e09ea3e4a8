//! Deletes a subscriber.

use tokio_postgres::types::Type;

use super::ReadError;
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Deletes a subscriber and what waits for it. Locks: the subscriber, its deliveries.
///
/// # Errors
/// [`ReadError`].
pub async fn delete(db: &Database, shop: &Shop, name: &str) -> Result<(), ReadError> {
    let row = db
        .call_one(
            "select holdfast.subscriber_delete($1, $2)",
            &[(&shop.as_str(), Type::TEXT), (&name, Type::TEXT)],
        )
        .await?;
    match row.get(0) {
        "deleted" => Ok(()),
        "not_found" => Err(ReadError::NotFound),
        other => Err(Failure::unknown_outcome("subscriber_delete", other).into()),
    }
}
