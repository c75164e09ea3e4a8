//! The result of an import, row by row.

use serde::{Deserialize, Serialize};

use super::{Mode, Refusal, Status};
use crate::db::{Database, Failure, from_json, sent_as};
use crate::ids::{ImportId, Shop};
use crate::utc::Utc;

/// Rows of one page at most.
pub const PAGE_ROWS_MAX: i32 = 5_000;

/// The outcome of a row. In a dry run or a rejected import: what would have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOutcome {
    /// The sku is new.
    Created,
    /// The sku changed.
    Changed,
    /// It already had these values.
    Unchanged,
    /// The row is refused.
    Refused,
}

sent_as!(RowOutcome, &str, |outcome| match outcome {
    RowOutcome::Created => "created",
    RowOutcome::Changed => "changed",
    RowOutcome::Unchanged => "unchanged",
    RowOutcome::Refused => "refused",
});

/// An import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    pub import_id: ImportId,
    pub status: Status,
    /// Its mode. `None` before it is applied.
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
    /// The actor who began it.
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
    pub part: i32,
    /// Its line in the file.
    pub line: i32,
    /// Its sku, if it could be parsed.
    pub sku: Option<String>,
    /// Its outcome. `None`: not processed yet.
    pub outcome: Option<RowOutcome>,
    /// Why it was refused.
    pub refusals: Vec<Refusal>,
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The import.
    #[serde(flatten)]
    pub import: Import,
    /// Its rows, in the order of the file.
    pub page: Vec<ReportRow>,
    /// The cursor of the next page. `None` on the last one.
    pub next: Option<String>,
}

/// The rows to show.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Only rows with this outcome.
    pub outcome: Option<RowOutcome>,
    /// Only rows after this one: its part and its line.
    pub after: (i32, i32),
    /// Rows of the page, up to [`PAGE_ROWS_MAX`]. 0 asks for the import alone.
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
                &shop,
                &import_id,
                &page.outcome,
                &page.after.0,
                &page.after.1,
                &page.limit,
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
