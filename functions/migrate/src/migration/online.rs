//! Files that can't run in a transaction: an index that is built beside writers.
//!
//! The lock on migrations ends with a transaction. So a run that builds writes down its session,
//! under that lock, in a table that only the owner can write. A second run looks again and again,
//! and does not wait in a statement: the build waits for every statement that is under way.
//! Rejected: an advisory lock, which every role of the database may take.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Transaction};

use super::error::{MigrateError, failed};
use super::release::File;

/// Another session builds as long as it lives. A user without rights on the statistics of all
/// sessions does not see when the session of another user began. Then another session may have got
/// the process id since, such as one of a function: only a member of the owner builds.
const CLEAR: &str = "delete from holdfast.schema_build b where b.pid = pg_backend_pid()
    or not exists (select from pg_stat_activity a
        where a.pid = b.pid and coalesce(a.backend_start = b.backend_start, true)
            and pg_has_role(a.usesysid, 'holdfast_owner', 'member'))";
const CLAIM: &str = "insert into holdfast.schema_build (file, pid, backend_start)
    select $1, a.pid, a.backend_start from pg_stat_activity a where a.pid = pg_backend_pid()
    on conflict do nothing
    returning pid";
/// The indexes of interrupted builds: nobody builds now.
const LEFT_BEHIND: &str = "select c.oid::regclass::text from pg_index i \
    join pg_class c on c.oid = i.indexrelid \
    where c.relnamespace = 'holdfast'::regnamespace and not i.indisvalid";

/// Writes down that this session builds the file. Returns its process; none if another session
/// builds.
pub(super) async fn claim(
    transaction: &Transaction<'_>,
    file: &File,
) -> Result<Option<i32>, MigrateError> {
    let step = || failed(file.name.as_str());
    let cleared = transaction.execute_typed(CLEAR, &[]).await;
    cleared.map_err(step())?;
    let name = [(&file.name as _, Type::TEXT)];
    let claimed = transaction.query_typed(CLAIM, &name).await;
    Ok(claimed.map_err(step())?.first().map(|row| row.get(0)))
}

/// Runs the file in the session that has claimed it. Drops the unfinished index of an interrupted
/// run first.
pub(super) async fn build(client: &Client, file: &File, pid: i32) -> Result<(), MigrateError> {
    let step = || failed(file.name.as_str());
    let own = "select pg_backend_pid() = $1";
    let rows = client.query_typed(own, &[(&pid as _, Type::INT4)]).await;
    if !rows.map_err(step())?.iter().any(|row| row.get(0)) {
        return Err(MigrateError::Pooled(file.name.clone()));
    }
    for row in client.query_typed(LEFT_BEHIND, &[]).await.map_err(step())? {
        let index: String = row.get(0);
        let drop = format!("drop index concurrently if exists {index}");
        client.batch_execute(&drop).await.map_err(step())?;
    }
    client.batch_execute(&file.text).await.map_err(step())
}

/// Writes down that nobody builds any more.
pub(super) async fn give_up(transaction: &Transaction<'_>, pid: i32) -> Result<(), MigrateError> {
    let clear = "delete from holdfast.schema_build where pid = $1";
    let cleared = transaction
        .execute_typed(clear, &[(&pid as _, Type::INT4)])
        .await;
    cleared.map_err(failed("ending a build")).map(|_| ())
}
