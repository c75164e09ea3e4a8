//! One bounded run of the relay over all shops.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Queue, relay};
use crate::cause::causes;
use crate::db::{Database, Failure};

/// Messages that one claim takes: what is sent a second time when this process dies.
const CLAIM_MAX: i32 = 200;
/// Messages that one run sends at most, and a claim more. The next run goes on.
pub const RUN_MAX: usize = 5_000;

/// What one run did.
#[derive(Debug, Default, Serialize)]
pub struct RelayReport {
    /// Messages that the queue accepted.
    pub sent: usize,
    /// Messages that the queue refused. They are tried again, and their groups wait.
    pub refused: usize,
    /// Whether more may wait: its time or its number was up.
    pub more: bool,
    /// The first thing that could not be done, for a person to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl RelayReport {
    /// The first one stays: what fails behind it is often its consequence.
    fn fail(&mut self, failure: String) {
        self.failure.get_or_insert(failure);
    }
}

/// Sends what waits in all shops, for at most `budget`, a claim a shop and round, so that a busy
/// shop leaves time for the others. Where nothing waits it costs one call. A queue that can't be
/// asked ends the run; a shop that fails does not. Locks: as [`relay`].
///
/// # Errors
/// [`Failure`] when the database could not even say who waits.
pub async fn run_once(
    db: &Database,
    queue: &dyn Queue,
    budget: Duration,
) -> Result<RelayReport, Failure> {
    let deadline = Instant::now() + budget;
    let waiting = "select * from holdfast.outbox_waiting()";
    let rows = db.until(deadline).call(waiting, &[]).await?;
    let mut busy: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let mut report = RelayReport::default();
    while !busy.is_empty() {
        let mut still_busy = Vec::new();
        for shop in busy {
            if Instant::now() >= deadline || report.sent >= RUN_MAX {
                report.more = true;
                return Ok(report);
            }
            match relay(db, &shop, None, CLAIM_MAX, queue, deadline).await {
                Ok(relayed) => {
                    report.sent += relayed.sent;
                    report.refused += relayed.refused;
                    if let Some(failure) = relayed.failure {
                        report.fail(failure);
                        report.more = true;
                        return Ok(report);
                    }
                    if relayed.claimed > 0 {
                        still_busy.push(shop);
                    }
                }
                Err(failure) => report.fail(causes(&failure)),
            }
        }
        busy = still_busy;
    }
    Ok(report)
}
