//! Reads a subscriber.

use tokio_postgres::types::Type;

use super::{Subscriber, from_json};
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Why it is not shown, or not deleted.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("there is no such subscriber")]
    NotFound,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads a subscriber and how its deliveries stand. Locks nothing.
///
/// # Errors
/// [`ReadError`].
pub async fn read(db: &Database, shop: &Shop, name: &str) -> Result<Subscriber, ReadError> {
    let row = db
        .call_one(
            "select holdfast.subscriber_read($1, $2)",
            &[(&shop.as_str(), Type::TEXT), (&name, Type::TEXT)],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    Ok(from_json(json.ok_or(ReadError::NotFound)?)?)
}
