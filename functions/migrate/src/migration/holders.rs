//! The sessions in a migration's way, for the person who must end one.

use tokio_postgres::Client;

/// Sessions of this database that have a lock on a table or an index of the schema, the longest
/// transaction first. Their statements are left out: they may contain personal data. PostgreSQL
/// hides state and time of other users' sessions from a user without `pg_read_all_stats`.
const HOLDERS: &str = "select format('pid %s of %s, application %L, in a transaction since %s, %s',
        a.pid, a.usename, a.application_name, coalesce(to_char(a.xact_start at time zone 'UTC',
            'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '?'), coalesce(a.state, 'state unknown'))
    from pg_stat_activity a
    where a.datname = current_database() and a.pid <> pg_backend_pid()
        and exists (select from pg_locks l join pg_class c on c.oid = l.relation
            where l.pid = a.pid and l.granted and l.locktype = 'relation'
                and l.database = (
                    select d.oid from pg_database d where d.datname = current_database())
                and c.relnamespace = to_regnamespace('holdfast'))
    order by a.xact_start limit 5";

/// In words. Says so if they are gone, or can't be read.
pub(super) async fn name(client: &Client) -> String {
    match client.query_typed(HOLDERS, &[]).await {
        Ok(rows) if rows.is_empty() => "it is gone by now".to_owned(),
        Ok(rows) => {
            let holders: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            holders.join("; ")
        }
        Err(error) => format!("unknown: {error}"),
    }
}
