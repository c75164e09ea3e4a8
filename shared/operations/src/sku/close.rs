//! Ends the sale of a sku.

use super::Entry;
use crate::db::{Database, Failure, from_json};
use crate::ids::{Actor, Shop, Sku};
use crate::refusal::Kind;
use crate::refusals;

const SALE_NOT_OPEN: Kind = Kind {
    status: 409,
    code: "sale_not_open",
    title: "The sale has not opened",
    detail: "The sale of this sku has not opened yet. Change its sale times instead.",
};

refusals! {
    /// Why a sale is not ended.
    pub enum CloseError {
        NotFound => Said::not_found("sku");
        NotOpen => SALE_NOT_OPEN;
    }
}

/// Sets the end of the sku's sale to now, with the actor, unless it has ended before. Its holds go
/// on. A retry changes nothing. Locks: the sku.
///
/// # Errors
/// [`CloseError`]; a refusal changes nothing.
pub async fn close(
    db: &Database,
    shop: &Shop,
    sku: &Sku,
    actor: &Actor,
) -> Result<Entry, CloseError> {
    let row = db
        .call_one(
            "select * from holdfast.sku_close($1, $2, $3)",
            &[&shop, &sku, &actor],
        )
        .await?;
    let outcome: &str = row.get("o_outcome");
    match outcome {
        "closed" | "same" => Ok(from_json(row.get("o_sku"))?),
        "not_found" => Err(CloseError::NotFound),
        "not_open" => Err(CloseError::NotOpen),
        other => Err(Failure::unknown_outcome("sku_close", other).into()),
    }
}
