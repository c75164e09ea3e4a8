//! Reads a stock level.

use tokio_postgres::types::Type;

use super::Level;
use crate::db::{Database, Failure};
use crate::ids::{Shop, Sku};

/// Why a stock level is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none.
    #[error("there is no such sku")]
    NotFound,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads the counters of a sku, with the version to send back with a change. Locks nothing.
///
/// # Errors
/// [`ReadError`].
pub async fn read(db: &Database, shop: &Shop, sku: &Sku) -> Result<Level, ReadError> {
    let row = db
        .call_one(
            "select holdfast.stock_read($1, $2)",
            &[(&shop.as_str(), Type::TEXT), (&sku.as_str(), Type::TEXT)],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    let json = json.ok_or(ReadError::NotFound)?;
    serde_json::from_value(json).map_err(|error| Failure::Internal(error.into()).into())
}
