//! Says which announcements a shop wants.

use tokio_postgres::types::Type;

use super::{Announcements, ReadError, from_json};
use crate::db::{Database, Failure};
use crate::ids::Shop;

/// Says which announcements a shop wants, from now on. Locks: the shop's row of announcements.
///
/// # Errors
/// [`ReadError`]; a refusal changes nothing.
pub async fn put(
    db: &Database,
    shop: &Shop,
    wanted: Announcements,
) -> Result<Announcements, ReadError> {
    let row = db
        .call_one(
            "select * from holdfast.announcement_put($1, $2)",
            &[
                (&shop.as_str(), Type::TEXT),
                (&wanted.checkout_expired, Type::BOOL),
            ],
        )
        .await?;
    match row.get("o_outcome") {
        "put" => Ok(from_json(row.get("o_announcements"))?),
        "unknown_shop" => Err(ReadError::NotFound),
        other => Err(Failure::unknown_outcome("announcement_put", other).into()),
    }
}
