//! Reads which announcements a shop wants.

use tokio_postgres::types::Type;

use super::{Announcements, from_json};
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Why it is not shown, or not put.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such shop.
    #[error("there is no such shop")]
    NotFound,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads which announcements a shop wants. Locks nothing.
///
/// # Errors
/// [`ReadError`].
pub async fn read(db: &Database, shop: &Shop) -> Result<Announcements, ReadError> {
    let row = db
        .call_one(
            "select holdfast.announcement_read($1)",
            &[(&shop.as_str(), Type::TEXT)],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    Ok(from_json(json.ok_or(ReadError::NotFound)?)?)
}
