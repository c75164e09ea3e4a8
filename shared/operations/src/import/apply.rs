//! Applies a staged import, or tries it, in batches with rests between them.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio_postgres::Row;

use super::{ALL_OR_NOTHING_ROWS_MAX, Mode, Status};
use crate::db::{Database, Failure};
use crate::ids::{Actor, ImportId, Shop};
use crate::quantity::Percent;

/// The longest rest between two batches, for imports with a small share of the time.
const REST_MAX: Duration = Duration::from_secs(5);

/// One call: as many batches as fit into `budget`.
#[derive(Debug, Clone)]
pub struct Apply {
    pub shop: Shop,
    pub import_id: ImportId,
    /// The number of parts of the file. A missing part is found before anything changes.
    pub parts: i32,
    /// The treatment of good rows when there are bad ones.
    pub mode: Mode,
    /// Only report what would happen.
    pub dry_run: bool,
    /// The actor of its stock movements.
    pub actor: Actor,
    /// The share of time in which the database may work for the import. After each batch the import
    /// rests in proportion to the batch's time.
    pub share: Percent,
    /// The time until the call returns. The last batch may exceed it.
    pub budget: Duration,
}

/// The progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// The import's status.
    pub status: Status,
    /// Whether this pass is complete. If not, call again.
    pub done: bool,
    /// Rows of the import.
    pub rows: i32,
    /// New skus.
    pub created: i32,
    /// Changed skus.
    pub changed: i32,
    /// Rows without a change.
    pub unchanged: i32,
    /// Refused rows.
    pub refused: i32,
}

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error("there is no such import")]
    NotFound,
    #[error("the import is closed")]
    Closed,
    #[error("part {next_part} is missing")]
    Incomplete {
        /// The first part that is not staged.
        next_part: i32,
    },
    #[error("{rows} rows are too many for all or nothing")]
    TooLarge {
        /// Rows of the import.
        rows: i32,
    },
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Applies the batches that fit into the budget. An all-or-nothing import is one batch. Locks, in
/// each batch: the import; skus that change, by sku; stock levels that change, by sku.
///
/// # Errors
/// [`ApplyError`]. Earlier batches stay applied; the same call continues after them.
pub async fn apply(db: &Database, request: &Apply) -> Result<Progress, ApplyError> {
    let deadline = Instant::now() + request.budget;
    loop {
        let started = Instant::now();
        let progress = apply_batch(db, request).await?;
        if progress.done {
            return Ok(progress);
        }
        let rest = rest_after(started.elapsed(), request.share);
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

async fn apply_batch(db: &Database, request: &Apply) -> Result<Progress, ApplyError> {
    let row = db
        .call_one(
            "select * from holdfast.import_apply($1, $2, $3, $4, $5, $6, $7)",
            &[
                &request.shop,
                &request.import_id,
                &request.parts,
                &request.mode,
                &request.dry_run,
                &request.actor,
                &ALL_OR_NOTHING_ROWS_MAX,
            ],
        )
        .await?;
    let outcome: &str = row.get("o_outcome");
    match outcome {
        "judged" => progress(&row),
        "unknown_import" => Err(ApplyError::NotFound),
        "closed" => Err(ApplyError::Closed),
        "incomplete" => Err(ApplyError::Incomplete {
            next_part: row.get("o_next_part"),
        }),
        "too_large" => Err(ApplyError::TooLarge {
            rows: row.get("o_rows"),
        }),
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
