//! Lists all shops.

use crate::db::{Database, Failure};

/// The codes of all shops, sorted. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(db: &Database) -> Result<Vec<String>, Failure> {
    db.shops().await
}
