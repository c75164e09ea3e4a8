//! Reads a shop.

use tokio_postgres::types::Type;

use super::{Profile, from_json};
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Why a shop is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("there is no such shop")]
    NotFound,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads a shop and its limits. Locks nothing.
///
/// # Errors
/// [`ReadError`].
pub async fn read(db: &Database, shop: &Shop) -> Result<Profile, ReadError> {
    let row = db
        .call_one(
            "select holdfast.shop_read($1)",
            &[(&shop.as_str(), Type::TEXT)],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    Ok(from_json(json.ok_or(ReadError::NotFound)?)?)
}
