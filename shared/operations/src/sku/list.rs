//! One page of a shop's catalogue.

use super::Entry;
use crate::db::{Database, Failure};
use crate::ids::{Shop, Sku};
use crate::page::{self, After, Page};
use crate::quantity::PageLimit;

/// Lists skus, retired ones included, sorted by code. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    after: Option<&After<Sku>>,
    limit: PageLimit,
) -> Result<Page<Entry>, Failure> {
    let row = db
        .call_one(
            "select holdfast.sku_list($1, $2, $3)",
            &[&shop, &after.map(|After(sku)| sku), &limit],
        )
        .await?;
    page::by_code(row.get(0), limit.get(), |entry: &Entry| &entry.sku)
}
