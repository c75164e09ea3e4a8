//! Lists all shops.

use crate::db::{Database, Failure};

/// The codes of all shops, sorted. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(db: &Database) -> Result<Vec<String>, Failure> {
    let rows = db.call("select * from holdfast.shop_list()", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
