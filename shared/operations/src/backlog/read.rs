//! Reads the backlog of all shops.

use serde::Serialize;

use crate::db::{Database, Failure};

/// The backlog. An age is 0 without a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Backlog {
    /// How long the oldest due checkout has been due.
    pub due_s: f64,
    /// The age of the oldest unsent outbox message.
    pub unsent_s: f64,
    /// Parked `paid` events.
    pub parked: i32,
    /// The age of the oldest of them.
    pub parked_s: f64,
    /// Sessions that wait for a lock.
    pub lock_waiters: i32,
    /// The longest of these waits.
    pub lock_wait_ms: f64,
    /// What the database roles have changed by themselves.
    pub roles_changed: i32,
}

/// Reads the backlog, by the database's clock; in a cluster, of the nodes that answer. Locks
/// nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(db: &Database) -> Result<Backlog, Failure> {
    let rows = db
        .call_servers("select * from holdfast.backlog_read($1)")
        .await?;
    Ok(rows.iter().fold(Backlog::default(), |sum, row| Backlog {
        due_s: sum.due_s.max(row.get("o_due_s")),
        unsent_s: sum.unsent_s.max(row.get("o_unsent_s")),
        parked: sum.parked.saturating_add(row.get("o_parked")),
        parked_s: sum.parked_s.max(row.get("o_parked_s")),
        lock_waiters: sum.lock_waiters.saturating_add(row.get("o_lock_waiters")),
        lock_wait_ms: sum.lock_wait_ms.max(row.get("o_lock_wait_ms")),
        // each node has the same roles, and passes a change on
        roles_changed: sum.roles_changed.max(row.get("o_roles_changed")),
    }))
}
