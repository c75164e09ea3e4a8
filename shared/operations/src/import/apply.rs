//! Applies a staged import, or tries it, in batches with rests between them.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use utoipa::ToSchema;

use super::{ALL_OR_NOTHING_ROWS_MAX, IMPORT_CLOSED, Mode, Status};
use crate::db::{Database, Failure};
use crate::ids::{Actor, ImportId, Shop};
use crate::quantity::{PartNumber, Percent};
use crate::refusal::Kind;
use crate::refusals;

/// The longest rest between two batches, for imports with a small share of the time.
const REST_MAX: Duration = Duration::from_secs(5);

/// How an import is applied.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportApply)]
pub struct Apply {
    /// How many parts the file has. A missing part is found before anything changes.
    pub parts: PartNumber,
    #[serde(default)]
    #[schema(default = "good_rows_only")]
    pub mode: Mode,
    /// Only report what would happen.
    #[serde(default)]
    #[schema(default = false)]
    pub dry_run: bool,
    /// The share of time in which the database may work for the import. After each transaction it
    /// rests in proportion to the transaction's time.
    #[serde(default = "quarter")]
    #[schema(default = 25)]
    pub share_percent: Percent,
}

fn quarter() -> Percent {
    Percent::QUARTER
}

/// The progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ImportProgress)]
pub struct Progress {
    pub status: Status,
    /// Whether this pass is complete. If not, call again.
    pub done: bool,
    /// Rows of the import.
    #[schema(minimum = 0)]
    pub rows: i32,
    /// Rows of new skus.
    #[schema(minimum = 0)]
    pub created: i32,
    /// Rows of changed skus.
    #[schema(minimum = 0)]
    pub changed: i32,
    /// Rows without a change.
    #[schema(minimum = 0)]
    pub unchanged: i32,
    /// Refused rows.
    #[schema(minimum = 0)]
    pub refused: i32,
}

const IMPORT_INCOMPLETE: Kind = Kind {
    status: 409,
    code: "import_incomplete",
    title: "The import is not complete",
    detail: "Nothing was applied: the staged parts are not exactly the parts 1 to `parts`. \
             `next_part` is the first missing part.",
};
const IMPORT_TOO_LARGE: Kind = Kind {
    status: 422,
    code: "import_too_large",
    title: "Too many rows for all or nothing",
    detail: "All or nothing is one transaction of at most 10000 rows. Split the file, or apply \
             the good rows only.",
};
const _: () = assert!(ALL_OR_NOTHING_ROWS_MAX == 10_000, "the sentence says 10000");

refusals! {
    /// Why nothing was applied.
    pub enum ApplyError {
        NotFound => Said::not_found("import");
        /// it is being applied in the other mode, or is done.
        Closed => IMPORT_CLOSED;
        /// the staged parts are not exactly the parts 1 to `parts`. `next_part` is the first
        /// missing part.
        Incomplete(next_part: i32) => IMPORT_INCOMPLETE;
        /// more rows than all or nothing allows.
        TooLarge(rows: i32) => IMPORT_TOO_LARGE;
    }
}

/// Applies the batches that fit into `budget`; the last one may exceed it. An all-or-nothing import
/// is one batch. Locks, in each batch: the import; skus that change, by sku; stock levels that
/// change, by sku.
///
/// # Errors
/// [`ApplyError`]. Earlier batches stay applied; the same call continues after them.
pub async fn apply(
    db: &Database,
    shop: &Shop,
    import_id: ImportId,
    actor: &Actor,
    request: &Apply,
    budget: Duration,
) -> Result<Progress, ApplyError> {
    let deadline = Instant::now() + budget;
    loop {
        let started = Instant::now();
        let progress = apply_batch(db, shop, import_id, actor, request).await?;
        if progress.done {
            return Ok(progress);
        }
        let rest = rest_after(started.elapsed(), request.share_percent);
        if Instant::now() + rest >= deadline {
            // Rest before returning, too: the next call may follow at once.
            tokio::time::sleep(rest).await;
            return Ok(progress);
        }
        tokio::time::sleep(rest).await;
    }
}

fn rest_after(worked: Duration, share: Percent) -> Duration {
    let share = share.get().unsigned_abs();
    (worked * (100 - share) / share).min(REST_MAX)
}

async fn apply_batch(
    db: &Database,
    shop: &Shop,
    import_id: ImportId,
    actor: &Actor,
    request: &Apply,
) -> Result<Progress, ApplyError> {
    let row = db
        .call_one(
            "select * from holdfast.import_apply($1, $2, $3, $4, $5, $6, $7)",
            &[
                &shop,
                &import_id,
                &request.parts,
                &request.mode,
                &request.dry_run,
                &actor,
                &ALL_OR_NOTHING_ROWS_MAX,
            ],
        )
        .await?;
    let outcome: &str = row.get("o_outcome");
    match outcome {
        "judged" => progress(&row),
        "unknown_import" => Err(ApplyError::NotFound),
        "closed" => Err(ApplyError::Closed),
        "incomplete" => Err(ApplyError::Incomplete(row.get("o_next_part"))),
        "too_large" => Err(ApplyError::TooLarge(row.get("o_rows"))),
        other => Err(Failure::unknown_outcome("import_apply", other).into()),
    }
}

fn progress(row: &Row) -> Result<Progress, ApplyError> {
    let status: &str = row.get("o_status");
    let status: Status = serde_json::from_value(status.into())
        .map_err(|_| Failure::unknown_outcome("import_apply", status))?;
    Ok(Progress {
        status,
        done: status.is_complete(),
        rows: row.get("o_rows"),
        created: row.get("o_created"),
        changed: row.get("o_changed"),
        unchanged: row.get("o_unchanged"),
        refused: row.get("o_refused"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_time_is_a_rest_three_times_as_long_as_the_work() {
        let worked = Duration::from_millis(20);
        assert_eq!(
            rest_after(worked, Percent::QUARTER),
            Duration::from_millis(60)
        );
        assert_eq!(rest_after(worked, Percent::ALL), Duration::ZERO);
        assert_eq!(
            rest_after(Duration::from_secs(10), Percent::QUARTER),
            REST_MAX
        );
    }
}
