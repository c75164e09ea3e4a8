//! Finds skus by what a clerk types.

use serde::Serialize;
use utoipa::ToSchema;

use super::Entry;
use crate::db::{Database, Failure, from_json};
use crate::ids::Shop;
use crate::page::SCAN_MAX;
use crate::text::TypedText;

/// Skus in one answer at most.
pub const FOUND_MAX: i32 = 20;

/// The skus that fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SkusFound)]
pub struct FoundSkus {
    /// The best first.
    #[schema(max_items = 20)]
    pub skus: Vec<Entry>,
}

/// Finds skus by the beginnings of words of their code and title. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn find(db: &Database, shop: &Shop, typed: &TypedText) -> Result<FoundSkus, Failure> {
    let row = db
        .call_one(
            "select holdfast.sku_find($1, $2, $3, $4)",
            &[&shop, &typed, &FOUND_MAX, &SCAN_MAX],
        )
        .await?;
    let skus = from_json(row.get(0))?;
    Ok(FoundSkus { skus })
}
