//! One page of a shop's catalogue.

use serde::{Deserialize, Serialize};

use super::Entry;
use crate::db::{Database, Failure};
use crate::ids::{Shop, Sku};
use crate::page::{self, After, Page};
use crate::quantity::PageLimit;

/// The sku that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    sku: Sku,
}

impl page::Position for Position {
    const LIST: &'static str = "sku_list";
}

/// Lists skus, retired ones included, sorted by code. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    after: Option<&After<Position>>,
    limit: PageLimit,
) -> Result<Page<Entry>, Failure> {
    let row = db
        .call_one(
            "select holdfast.sku_list($1, $2, $3)",
            &[&shop, &after.map(|After(place)| &place.sku), &limit],
        )
        .await?;
    page::by_code::<Entry, Position>(row.get(0), limit)
}
