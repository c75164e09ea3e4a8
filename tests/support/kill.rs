//! Kills processes of a server.

use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_postgres::Client;

use crate::until;

/// Sends a signal to a process.
pub fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).unwrap();
}

/// The process of a session, or of the server itself, as soon as it exists: after a recovery they
/// start one by one.
pub async fn pid_of(client: &Client, which: &str) -> i32 {
    let query = format!("select pid from pg_stat_activity where {which} limit 1");
    let found = Mutex::new(None);
    until(which, async || {
        let row = client.query_opt(&query, &[]).await.unwrap();
        *found.lock().unwrap() = row.map(|row| row.get(0));
        found.lock().unwrap().is_some()
    })
    .await;
    found.into_inner().unwrap().unwrap()
}

/// Stops the log writer between two of its turns. Within a turn it may hold a lock that every
/// writer of the log needs; then it continues, and is stopped again.
pub async fn stop_walwriter(owner: &Client) -> i32 {
    let walwriter = pid_of(owner, "backend_type = 'walwriter'").await;
    // several pages of log, flushed: this needs each of those locks
    let probe = "select pg_logical_emit_message(true, 'probe', repeat('x', 100000))";
    until("the log writer is stopped between two turns", async || {
        signal(walwriter, Signal::SIGSTOP);
        let probed = tokio::time::timeout(Duration::from_secs(1), owner.batch_execute(probe));
        let free = probed.await.is_ok_and(|answer| answer.is_ok());
        if !free {
            signal(walwriter, Signal::SIGCONT);
        }
        free
    })
    .await;
    walwriter
}
