//! Stages one part of a file.

use serde::Serialize;
use utoipa::ToSchema;

use super::{IMPORT_CLOSED, Refusal, Row};
use crate::db::{Database, Failure};
use crate::ids::{Actor, ImportId, Shop};
use crate::quantity::PartNumber;
use crate::refusals;

/// Rows of one transaction of [`super::apply`]. More would hold the locks of changed skus longer.
/// Fewer cost more commits.
pub const CHUNK_ROWS: i32 = 500;

/// A staged part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportPart)]
pub struct Staged {
    /// Rows of the part.
    pub rows: usize,
    /// Malformed rows: they are refused already.
    pub refused: usize,
    /// The first missing part of the import.
    #[schema(minimum = 1)]
    pub next_part: i32,
}

refusals! {
    /// Why a part was not staged.
    pub enum StageError {
        UnknownShop => Said::not_found("shop");
        /// it is being applied or is done. Its rows and its mode are final.
        Closed => IMPORT_CLOSED;
    }
}

/// Stages the rows of a part. A part with the same number is replaced. Locks: the import FOR KEY
/// SHARE, the part.
///
/// # Errors
/// [`StageError`].
pub async fn stage(
    db: &Database,
    shop: &Shop,
    import_id: ImportId,
    part: PartNumber,
    actor: &Actor,
    rows: &[Row],
) -> Result<Staged, StageError> {
    let refusals: Vec<Option<String>> = rows.iter().map(|row| json(&row.refusals)).collect();
    let row = db
        .call_one(
            "select * from holdfast.import_stage($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
             $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)",
            &[
                &shop,
                &import_id,
                &part,
                &actor,
                &CHUNK_ROWS,
                &column(rows, |row| row.line),
                &column(rows, |row| row.sku.as_ref()),
                &column(rows, |row| row.title.as_ref()),
                &column(rows, |row| row.attributes.as_deref()),
                &column(rows, |row| row.attribute_changes.as_deref()),
                &column(rows, |row| row.price_minor),
                &column(rows, |row| row.currency.as_ref()),
                &column(rows, |row| row.sale_opens_at.flatten()),
                &column(rows, |row| row.sale_opens_at.is_some()),
                &column(rows, |row| row.sale_closes_at.flatten()),
                &column(rows, |row| row.sale_closes_at.is_some()),
                &column(rows, |row| row.low_stock_threshold),
                &column(rows, |row| row.limit_per_customer.flatten()),
                &column(rows, |row| row.limit_per_customer.is_some()),
                &column(rows, |row| row.retired),
                &column(rows, |row| row.on_hand),
                &column(rows, |row| row.expected_version),
                &refusals,
                &column(rows, |row| row.departs_at.flatten()),
                &column(rows, |row| row.departs_at.is_some()),
            ],
        )
        .await?;
    staged(&row, rows.len(), refusals.iter().flatten().count())
}

fn staged(answer: &tokio_postgres::Row, rows: usize, refused: usize) -> Result<Staged, StageError> {
    let outcome: &str = answer.get("o_outcome");
    match outcome {
        "staged" => Ok(Staged {
            rows,
            refused,
            next_part: answer.get("o_next_part"),
        }),
        "unknown_shop" => Err(StageError::UnknownShop),
        "closed" => Err(StageError::Closed),
        other => Err(Failure::unknown_outcome("import_stage", other).into()),
    }
}

fn column<'a, T>(rows: &'a [Row], field: impl Fn(&'a Row) -> T) -> Vec<T> {
    rows.iter().map(field).collect()
}

fn json(refusals: &[Refusal]) -> Option<String> {
    if refusals.is_empty() {
        return None;
    }
    serde_json::to_string(refusals).ok()
}
