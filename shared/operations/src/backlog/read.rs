//! Reads the backlog of all shops.

use serde::Serialize;

use crate::db::{Database, Failure};

/// The backlog. An age is 0 without a row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
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

/// Reads the backlog, by the database's clock. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn read(db: &Database) -> Result<Backlog, Failure> {
    let row = db
        .call_one("select * from holdfast.backlog_read()", &[])
        .await?;
    Ok(Backlog {
        due_s: row.get("o_due_s"),
        unsent_s: row.get("o_unsent_s"),
        parked: row.get("o_parked"),
        parked_s: row.get("o_parked_s"),
        lock_waiters: row.get("o_lock_waiters"),
        lock_wait_ms: row.get("o_lock_wait_ms"),
        roles_changed: row.get("o_roles_changed"),
    })
}
