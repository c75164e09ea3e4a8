//! Lists a shop's subscribers.

use super::Subscriber;
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;
use crate::page::Page;

/// The subscribers of a shop, sorted by name. There are 20 at most: one page has them all. Locks
/// nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(db: &Database, shop: &Shop) -> Result<Page<Subscriber>, Failure> {
    let row = db
        .call_one("select holdfast.subscriber_list($1)", &[&shop])
        .await?;
    Ok(Page {
        rows: from_json(row.get(0))?,
        next: None,
    })
}
