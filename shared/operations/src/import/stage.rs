//! Stages one part of a file.

use serde::Serialize;

use super::{Refusal, Row};
use crate::db::{Database, Failure};
use crate::ids::{Actor, ImportId, Shop};

/// Rows of one transaction of [`super::apply`]. More would hold the locks of changed skus longer.
/// Fewer cost more commits.
pub const CHUNK_ROWS: i32 = 500;

/// A parsed part.
#[derive(Debug, Clone)]
pub struct Part {
    pub shop: Shop,
    pub import_id: ImportId,
    /// Its number, from 1 to [`super::PARTS_MAX`].
    pub part: i32,
    pub actor: Actor,
    pub rows: Vec<Row>,
}

/// A staged part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Staged {
    pub rows: usize,
    /// Rows refused already, because their form is wrong.
    pub refused: usize,
    /// The first part of the import that is missing.
    pub next_part: i32,
}

/// Why a part was not staged.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("there is no such shop")]
    UnknownShop,
    #[error("the import is closed")]
    Closed,
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Stages a part. A part with the same number is replaced. Locks: the import FOR KEY SHARE, the
/// part.
///
/// # Errors
/// [`StageError`].
pub async fn stage(db: &Database, part: &Part) -> Result<Staged, StageError> {
    let rows = &part.rows;
    let refusals: Vec<Option<String>> = rows.iter().map(|row| json(&row.refusals)).collect();
    let row = db
        .call_one(
            "select * from holdfast.import_stage($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
             $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
            &[
                &part.shop,
                &part.import_id,
                &part.part,
                &part.actor,
                &CHUNK_ROWS,
                &column(rows, |row| row.line),
                &column(rows, |row| row.sku.as_ref()),
                &column(rows, |row| row.title.as_ref()),
                &column(rows, |row| row.attributes.as_deref()),
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
