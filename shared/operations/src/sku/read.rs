//! Reads a sku.

use tokio_postgres::types::Type;

use super::{Entry, from_json};
use crate::db::{Database, Failure};
use crate::ids::{Shop, Sku};

/// Why a sku is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("there is no such sku")]
    NotFound,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads a sku, retired or not, with its stock level. Locks nothing.
///
/// # Errors
/// [`ReadError`].
pub async fn read(db: &Database, shop: &Shop, sku: &Sku) -> Result<Entry, ReadError> {
    let row = db
        .call_one(
            "select holdfast.sku_read($1, $2)",
            &[(&shop.as_str(), Type::TEXT), (&sku.as_str(), Type::TEXT)],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    Ok(from_json(json.ok_or(ReadError::NotFound)?)?)
}
