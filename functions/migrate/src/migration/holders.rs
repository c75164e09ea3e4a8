//! The sessions in a migration's way, for the person who must end one.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

/// Sessions of this database, the longest transaction first: those that have the lock on migrations
/// ($1), or those that have a lock on a table or an index of the schema, or have written something.
/// A role writes in the catalogue by a `grant` of its own, even one without effect, and keeps the
/// row locked. Their statements are left out: they may contain personal data. PostgreSQL hides
/// state and time of other users' sessions from a user without `pg_read_all_stats`.
const HOLDERS: &str = "select format('pid %s of %s, application %L, in a transaction since %s, %s',
        a.pid, a.usename, a.application_name, coalesce(to_char(a.xact_start at time zone 'UTC',
            'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '?'), coalesce(a.state, 'state unknown'))
    from pg_stat_activity a
    where a.datname = current_database() and a.pid <> pg_backend_pid()
        and exists (select from pg_locks l
                left join pg_class c on l.locktype = 'relation' and c.oid = l.relation
                    and l.database = (
                        select d.oid from pg_database d where d.datname = current_database())
            where l.pid = a.pid and l.granted
                and case when $1 then c.oid = to_regclass('holdfast.schema_release')
                        and l.mode <> 'AccessShareLock'
                    else c.relnamespace = to_regnamespace('holdfast')
                        or l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' end)
    order by a.xact_start limit 5";

/// In words. Says so if they are gone, or can't be read.
pub(super) async fn name(client: &Client, of_migrations: bool) -> String {
    let of_migrations = [(&of_migrations as _, Type::BOOL)];
    match client.query_typed(HOLDERS, &of_migrations).await {
        Ok(rows) if rows.is_empty() => "it is gone by now".to_owned(),
        Ok(rows) => {
            let holders: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            holders.join("; ")
        }
        Err(error) => format!("unknown: {error}"),
    }
}
