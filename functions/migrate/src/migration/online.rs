//! Files that can't run in a transaction: an index that is built beside writers.
//!
//! The lock on migrations ends with a transaction. These files have a lock of their own, which the
//! session holds. A second run asks for it again and again, and does not wait in a statement: the
//! build waits for every statement that is under way.

use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Client;

use super::error::{MigrateError, failed};
use super::release::File;

/// How long to wait for another run that builds.
const BUILD_TIMEOUT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(200);

/// Two numbers of 32 bits, which no other advisory lock here has.
const LOCK: &str = "1215327332, 2";
const HELD: &str = "select count(*) > 0 from pg_locks where locktype = 'advisory' \
    and pid = pg_backend_pid() and (classid, objid, objsubid) = (1215327332, 2, 2)";
/// The indexes of interrupted builds: nobody builds now.
const LEFT_BEHIND: &str = "select c.oid::regclass::text from pg_index i \
    join pg_class c on c.oid = i.indexrelid \
    where c.relnamespace = 'holdfast'::regnamespace and not i.indisvalid";

/// Runs the file. It drops the unfinished index of an interrupted run first.
pub(super) async fn apply(client: &Client, file: &File) -> Result<(), MigrateError> {
    let deadline = Instant::now() + BUILD_TIMEOUT;
    let lock = format!("select pg_try_advisory_lock({LOCK})");
    while !is(client, file, &lock).await? {
        if Instant::now() >= deadline {
            return Err(MigrateError::Building(file.name.clone()));
        }
        tokio::time::sleep(PAUSE).await;
    }
    let outcome = if is(client, file, HELD).await? {
        build(client, file).await
    } else {
        Err(MigrateError::Pooled(file.name.clone()))
    };
    let unlock = format!("select pg_advisory_unlock({LOCK})");
    match is(client, file, &unlock).await {
        Ok(true) => outcome,
        Ok(false) => outcome.and(Err(MigrateError::Pooled(file.name.clone()))),
        // The first failure says why. The connection may be gone, and the lock with it.
        Err(error) => outcome.and(Err(error)),
    }
}

async fn build(client: &Client, file: &File) -> Result<(), MigrateError> {
    let step = || failed(file.name.as_str());
    for row in client.query_typed(LEFT_BEHIND, &[]).await.map_err(step())? {
        let index: String = row.get(0);
        let drop = format!("drop index concurrently if exists {index}");
        client.batch_execute(&drop).await.map_err(step())?;
    }
    client.batch_execute(&file.text).await.map_err(step())
}

/// The answer to a yes-or-no query.
async fn is(client: &Client, file: &File, question: &str) -> Result<bool, MigrateError> {
    let rows = client.query_typed(question, &[]).await;
    let rows = rows.map_err(failed(file.name.as_str()))?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}
