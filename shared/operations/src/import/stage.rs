//! Stages one part of a file.

use serde::Serialize;
use time::OffsetDateTime;
use tokio_postgres::types::Type;
use utoipa::ToSchema;

use super::{IMPORT_CLOSED, Refusal, Row};
use crate::db::{Database, Failure};
use crate::ids::{Actor, ImportId, Shop, Sku};
use crate::quantity::PartNumber;
use crate::refusals;
use crate::text::{Currency, Title};

/// Rows of one transaction of [`super::apply`]. More would hold the locks of changed skus longer.
/// Fewer cost more commits.
pub const CHUNK_ROWS: i32 = 500;

/// A staged part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    let skus: Vec<_> = column(rows, |row| row.sku.as_ref().map(Sku::as_str));
    let titles: Vec<_> = column(rows, |row| row.title.as_ref().map(Title::as_str));
    let currencies: Vec<_> = column(rows, |row| row.currency.as_ref().map(Currency::as_str));
    let row = db
        .call_one(
            "select * from holdfast.import_stage($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
             $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
            &[
                (&shop.as_str(), Type::TEXT),
                (import_id.as_uuid(), Type::UUID),
                (&part.get(), Type::INT4),
                (&actor.as_str(), Type::TEXT),
                (&CHUNK_ROWS, Type::INT4),
                (&column(rows, |row| row.line), Type::INT4_ARRAY),
                (&skus, Type::TEXT_ARRAY),
                (&titles, Type::TEXT_ARRAY),
                (
                    &column(rows, |row| row.attributes.as_deref()),
                    Type::TEXT_ARRAY,
                ),
                (&column(rows, |row| row.price_minor), Type::INT8_ARRAY),
                (&currencies, Type::TEXT_ARRAY),
                (
                    &times(rows, |row| row.sale_opens_at),
                    Type::TIMESTAMPTZ_ARRAY,
                ),
                (
                    &column(rows, |row| row.sale_opens_at.is_some()),
                    Type::BOOL_ARRAY,
                ),
                (
                    &times(rows, |row| row.sale_closes_at),
                    Type::TIMESTAMPTZ_ARRAY,
                ),
                (
                    &column(rows, |row| row.sale_closes_at.is_some()),
                    Type::BOOL_ARRAY,
                ),
                (
                    &column(rows, |row| row.low_stock_threshold),
                    Type::INT4_ARRAY,
                ),
                (
                    &column(rows, |row| row.limit_per_customer.flatten()),
                    Type::INT4_ARRAY,
                ),
                (
                    &column(rows, |row| row.limit_per_customer.is_some()),
                    Type::BOOL_ARRAY,
                ),
                (&column(rows, |row| row.retired), Type::BOOL_ARRAY),
                (&column(rows, |row| row.on_hand), Type::INT4_ARRAY),
                (&column(rows, |row| row.expected_version), Type::INT8_ARRAY),
                (&refusals, Type::TEXT_ARRAY),
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

fn times(
    rows: &[Row],
    field: impl Fn(&Row) -> Option<Option<OffsetDateTime>>,
) -> Vec<Option<OffsetDateTime>> {
    rows.iter().map(|row| field(row).flatten()).collect()
}

fn json(refusals: &[Refusal]) -> Option<String> {
    if refusals.is_empty() {
        return None;
    }
    serde_json::to_string(refusals).ok()
}
