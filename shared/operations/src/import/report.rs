//! The result of an import, row by row.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Mode, Refusal, Status};
use crate::db::{Database, Failure, from_json, sent_as};
use crate::ids::{Actor, ImportId, Shop, Sku};
use crate::page::{self, After, Cursor};
use crate::quantity::ReportLimit;
use crate::utc::Utc;

/// Bytes of one page of rows. An answer of Lambda has at most 6 MB.
const PAGE_BYTES_MAX: usize = 4_000_000;

/// The result of a row. After a dry run and in a rejected import: its result in a real run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportOutcome, example = "refused")]
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

/// Chunks of [`super::stage::CHUNK_ROWS`] rows that a page may read. The page ends there, even if
/// few rows match its filter.
const SCAN_CHUNKS_MAX: i32 = 100;

/// A filter for rows. `None` matches any row.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = ImportReportFilter)]
pub struct Filter {
    /// Only rows with this outcome.
    pub outcome: Option<RowOutcome>,
}

/// The row that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    part: i32,
    line: i32,
}

impl page::Position for Position {
    const LIST: &'static str = "import_report";
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportRow)]
pub struct ReportRow {
    /// The part of the file.
    #[schema(minimum = 1)]
    pub part: i32,
    /// The first line of the row in the file.
    #[schema(minimum = 0)]
    pub line: i32,
    /// Null if it is unreadable.
    #[schema(value_type = Option<Sku>, required = true)]
    pub sku: Option<String>,
    /// Null: not looked at yet.
    #[schema(required = true)]
    pub outcome: Option<RowOutcome>,
    /// Why it was refused.
    pub refusals: Vec<Refusal>,
    /// What it changes, or would change: the fields of a created or changed row.
    pub changes: Vec<Change>,
}

/// One field that a row changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportRowChange)]
pub struct Change {
    #[schema(example = "on_hand")]
    pub field: String,
    /// The beginning of its value before the row. Null if it had none.
    #[schema(required = true, example = "7")]
    pub before: Option<String>,
    /// The beginning of its value after the row. Null if it has none.
    #[schema(required = true, example = "10")]
    pub after: Option<String>,
}

/// An import and one page of its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportReport)]
pub struct Report {
    pub import_id: ImportId,
    pub status: Status,
    /// Null before it is applied.
    #[schema(required = true)]
    pub mode: Option<Mode>,
    /// Rows that are staged.
    #[schema(minimum = 0)]
    pub rows: i64,
    /// Parts that are staged.
    #[schema(minimum = 0)]
    pub parts: i64,
    /// The first part that is missing.
    #[schema(minimum = 1)]
    pub next_part: i32,
    /// Rows of new skus, so far.
    #[schema(minimum = 0)]
    pub created: i32,
    /// Rows of changed skus, so far.
    #[schema(minimum = 0)]
    pub changed: i32,
    /// Rows that change nothing, so far.
    #[schema(minimum = 0)]
    pub unchanged: i32,
    /// Rows that are refused, so far.
    #[schema(minimum = 0)]
    pub refused: i32,
    /// The actor who began it.
    #[schema(value_type = Actor)]
    pub actor: String,
    /// When it was begun.
    pub created_at: Utc,
    /// When it was done. Null before.
    #[schema(required = true)]
    pub ended_at: Option<Utc>,
    /// Its rows, in the order of the file.
    #[serde(default)]
    #[schema(required = true, max_items = 5000)]
    pub page: Vec<ReportRow>,
    /// Where the next page begins. Missing on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
}

/// The number of rows whose JSON fits one answer. It is 1 at least.
fn fitting(rows: &[ReportRow]) -> usize {
    let mut bytes = 0;
    let fits = rows.iter().take_while(|row| {
        let before = bytes;
        bytes += serde_json::to_string(row).map_or(0, |json| json.len());
        before == 0 || bytes <= PAGE_BYTES_MAX
    });
    fits.count()
}

/// Reads an import and one page of its rows. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn report(
    db: &Database,
    shop: &Shop,
    import_id: ImportId,
    filter: Filter,
    after: Option<&After<Position>>,
    limit: ReportLimit,
) -> Result<Option<Report>, Failure> {
    let (part, line) = after.map_or((0, 0), |After(place)| (place.part, place.line));
    let rows = db
        .call(
            "select * from holdfast.import_report($1, $2, $3, $4, $5, $6, $7)",
            &[
                &shop,
                &import_id,
                &filter.outcome,
                &part,
                &line,
                &limit,
                &SCAN_CHUNKS_MAX,
            ],
        )
        .await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let mut report: Report = from_json(row.get("o_import"))?;
    report.page = from_json(row.get("o_rows"))?;
    let all = report.page.len();
    report.page.truncate(fitting(&report.page));
    report.next = if report.page.len() < all {
        let last = report.page.last().map(|row| Position {
            part: row.part,
            line: row.line,
        });
        last.map(|last| Cursor::of(&last)).transpose()?
    } else {
        let after: Option<serde_json::Value> = row.get("o_after");
        after.as_ref().map(page::cursor::<Position>).transpose()?
    };
    Ok(Some(report))
}
