//! One bounded run of the relay over all shops.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Queue, relay};
use crate::cause::causes;
use crate::db::{Database, Failure};

/// Messages of one claim. If this process dies, at most this many are sent twice.
const CLAIM_MAX: i32 = 200;
/// A run stops after this many messages. Its last claim may exceed it. The next run continues.
pub const RUN_MAX: usize = 5_000;

/// The result of one run.
#[derive(Debug, Default, Serialize)]
pub struct RelayReport {
    /// Messages that the queue accepted.
    pub sent: usize,
    /// Messages that the queue refused. They are tried again, and their groups wait.
    pub refused: usize,
    /// Whether more may wait, because the time or the number of messages was used up.
    pub more: bool,
    /// The first failure, for a person to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl RelayReport {
    /// Keeps the first failure: later ones are often its consequence.
    fn fail(&mut self, failure: String) {
        self.failure.get_or_insert(failure);
    }
}

/// Sends the waiting messages of all shops, for at most `budget`. Each round makes one claim per
/// shop, so a busy shop leaves time for the others. Without waiting messages this costs one call.
/// An unreachable queue ends the run; a failing shop does not, nor does a node of a cluster that is
/// down. Locks: as [`relay`].
///
/// # Errors
/// [`Failure`] when the database could not list the shops with waiting messages.
pub async fn run_once(
    db: &Database,
    queue: &dyn Queue,
    budget: Duration,
) -> Result<RelayReport, Failure> {
    let deadline = Instant::now() + budget;
    let db = &db.for_run().await?;
    let waiting = "select * from holdfast.outbox_waiting($1)";
    let rows = db.until(deadline).call_each(waiting).await?;
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
