//! Reads which announcements a shop wants.

use super::Announcements;
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;

/// Reads which announcements a shop wants. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(db: &Database, shop: &Shop) -> Result<Option<Announcements>, Failure> {
    let row = db
        .call_one("select holdfast.announcement_read($1)", &[&shop])
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    json.map(from_json).transpose()
}
