//! What became of an import, row by row.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;

use super::{Mode, Refusal, Status};
use crate::db::{Database, Failure, from_json};
use crate::ids::{ImportId, Shop};
use crate::utc::Utc;

/// Rows of one page at most.
pub const PAGE_ROWS_MAX: i32 = 5_000;

/// What happened to a row; in a dry run, or when all or nothing was nothing: what would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOutcome {
    /// The sku is new.
    Created,
    /// Something of it changed.
    Changed,
    /// It was so already.
    Unchanged,
    /// Something is wrong with the row.
    Refused,
}

impl RowOutcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

/// An import on the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// Its id.
    pub import_id: ImportId,
    /// Where it is.
    pub status: Status,
    /// How it is applied; none before it is.
    pub mode: Option<Mode>,
    /// Rows that are staged.
    pub rows: i64,
    /// Parts that are staged.
    pub parts: i64,
    /// The first part that is missing.
    pub next_part: i32,
    /// Skus that are new, so far.
    pub created: i32,
    /// Skus that are changed, so far.
    pub changed: i32,
    /// Rows that change nothing, so far.
    pub unchanged: i32,
    /// Rows that are refused, so far.
    pub refused: i32,
    /// Who began it.
    pub actor: String,
    /// When it was begun.
    pub created_at: Utc,
    /// When it was done.
    pub ended_at: Option<Utc>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportRow {
    /// Its part.
    pub part: i32,
    /// Its line in the file.
    pub line: i32,
    /// Its sku, where that is legible.
    pub sku: Option<String>,
    /// What happened to it; none: not looked at yet.
    pub outcome: Option<RowOutcome>,
    /// Why it was refused.
    pub refusals: Vec<Refusal>,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The import on the whole.
    #[serde(flatten)]
    pub import: Import,
    /// Its rows, in the order of the file.
    pub page: Vec<ReportRow>,
    /// What to ask for next; none at the end.
    pub next: Option<String>,
}

/// Which rows.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Only rows with this outcome.
    pub outcome: Option<RowOutcome>,
    /// Behind this row: its part and its line.
    pub after: (i32, i32),
    /// So many at most, up to [`PAGE_ROWS_MAX`]; none is a question for the import alone.
    pub limit: i32,
}

/// Reads an import and one page of its rows. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn report(
    db: &Database,
    shop: &Shop,
    import_id: ImportId,
    page: &Page,
) -> Result<Option<Report>, Failure> {
    let rows = db
        .call(
            "select * from holdfast.import_report($1, $2, $3, $4, $5, $6)",
            &[
                (&shop.as_str(), Type::TEXT),
                (import_id.as_uuid(), Type::UUID),
                (&page.outcome.map(RowOutcome::as_str), Type::TEXT),
                (&page.after.0, Type::INT4),
                (&page.after.1, Type::INT4),
                (&page.limit, Type::INT4),
            ],
        )
        .await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let import: Import = from_json(row.get("o_import"))?;
    let shown: Vec<ReportRow> = from_json(row.get("o_rows"))?;
    let full = i32::try_from(shown.len()).is_ok_and(|rows| rows == page.limit);
    let next = shown
        .last()
        .filter(|_| full)
        .map(|row| format!("{}.{}", row.part, row.line));
    Ok(Some(Report {
        import,
        page: shown,
        next,
    }))
}
