//! Sets which announcements a shop wants.

use super::Announcements;
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;

/// Sets which announcements a shop wants from now on. `None` for an unknown shop. Locks: the shop's
/// row of announcements.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn put(
    db: &Database,
    shop: &Shop,
    wanted: &Announcements,
) -> Result<Option<Announcements>, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.announcement_put($1, $2)",
            &[&shop, &wanted.checkout_expired],
        )
        .await?;
    match row.get("o_outcome") {
        "put" => from_json(row.get("o_announcements")).map(Some),
        "unknown_shop" => Ok(None),
        other => Err(Failure::unknown_outcome("announcement_put", other)),
    }
}
