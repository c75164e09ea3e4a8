//! What a session of each role can't do. Each test tries it.

use local::roles::{ADMIN, CHECKOUT, MIGRATOR, PAYMENTS, READONLY, SWEEPER};
use tests::rights::documented;
use tests::{TestDb, new_id};
use tokio_postgres::Client;

/// Every role that logs in and is not the owner.
const LOGINS: [&str; 5] = [CHECKOUT, PAYMENTS, SWEEPER, ADMIN, READONLY];

/// A session that has lifted every limit that is only a setting.
async fn session(test: &TestDb, role: &str) -> Client {
    let session = test.session_of(role).await;
    session
        .batch_execute("set default_transaction_read_only = off")
        .await
        .unwrap();
    session
}

/// The SQLSTATE of a refused statement; none after a success.
async fn code(session: &Client, statement: &str) -> Option<String> {
    let error = session.batch_execute(statement).await.err()?;
    let code = error.code().map(tokio_postgres::error::SqlState::code);
    Some(
        code.unwrap_or_else(|| panic!("{statement}: {error}"))
            .into(),
    )
}

async fn assert_denied(session: &Client, role: &str, statement: &str) {
    let code = code(session, statement).await;
    assert_eq!(code.as_deref(), Some("42501"), "{role}: {statement}");
}

/// (role, table, privilege) of every privilege on a table.
async fn rights_on_tables(test: &TestDb) -> Vec<(String, String, String)> {
    let query = "
        select r, c.oid::regclass::text, p
        from unnest($1::text[]) r
            cross join pg_class c
            cross join unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]
                || case when current_setting('server_version_num')::integer >= 170000
                    then '{MAINTAIN}' else '{}' end::text[]) p
        where c.relnamespace in ('holdfast'::regnamespace, 'holdfast_read'::regnamespace)
            and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and (has_table_privilege(r, c.oid, p)
                or (p in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
                    and has_any_column_privilege(r, c.oid, p)))
        order by 1, 2, 3";
    let rows = test.owner.query(query, &[&LOGINS.as_slice()]).await;
    let rows = rows.unwrap();
    rows.iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

#[tokio::test]
async fn no_role_has_any_right_on_a_table_and_one_reads_views() {
    let test = TestDb::new().await;
    let views = "select count(*) from pg_views where schemaname = 'holdfast_read'";
    let views = usize::try_from(test.count(views).await).unwrap();
    let before = rights_on_tables(&test).await;
    assert_eq!(before.len(), views);
    for (role, table, privilege) in &before {
        assert!(table.starts_with("holdfast_read."), "{role} on {table}");
        assert_eq!((role.as_str(), privilege.as_str()), (READONLY, "SELECT"));
    }
    // The control: one column of one table.
    test.sql("grant update (customer) on holdfast.orders to holdfast_payments")
        .await;
    let found = rights_on_tables(&test).await;
    let found: Vec<_> = found.iter().filter(|it| !before.contains(it)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, PAYMENTS);
}

#[tokio::test]
async fn no_role_can_read_write_lock_or_change_a_table() {
    let test = TestDb::new().await;
    let tables = "select c.oid::regclass::text, a.attname, c.relkind = 'v' from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
        where c.relnamespace in ('holdfast'::regnamespace, 'holdfast_read'::regnamespace)
            and c.relkind in ('r', 'p', 'v', 'm')";
    let tables = test.owner.query(tables, &[]).await.unwrap();
    assert!(tables.len() >= 35, "{}", tables.len());
    for role in LOGINS {
        let session = session(&test, role).await;
        for statement in [
            "select nextval('holdfast.outbox_numbers')",
            "select setval('holdfast.outbox_numbers', 1)",
            "alter sequence holdfast.outbox_numbers restart",
        ] {
            assert_denied(&session, role, statement).await;
        }
        for row in &tables {
            let (table, column, view): (String, String, bool) =
                (row.get(0), row.get(1), row.get(2));
            let kind = if view { "view" } else { "table" };
            let mut statements = vec![
                format!("insert into {table} default values"),
                format!("update {table} set {column} = {column}"),
                format!("delete from {table}"),
                format!("truncate {table} cascade"),
                format!("alter {kind} {table} owner to {role}"),
                format!("drop {kind} {table} cascade"),
                format!("do $$ begin lock table {table}; end $$"),
            ];
            if view {
                // a view can't be truncated at all
                statements.remove(3);
            } else {
                statements.push(format!("alter table {table} disable trigger all"));
                statements.push(format!("select from {table} for update"));
            }
            let reads = format!("select 1 from {table} limit 1");
            if view && role == READONLY {
                assert_eq!(code(&session, &reads).await, None, "{reads}");
                // the role's own right is enough for this, and it blocks nobody
                statements.retain(|statement| !statement.contains("lock table"));
            } else {
                statements.push(reads);
            }
            for statement in statements {
                assert_denied(&session, role, &statement).await;
            }
        }
    }
}

/// (name, a call with nulls) of every routine.
async fn calls(test: &TestDb) -> Vec<(String, String)> {
    let query = "
        select p.proname::text,
            case p.prokind when 'p' then 'call' else 'select' end || ' ' ||
            format('%s.%I(%s)', p.pronamespace::regnamespace, p.proname, (
                select coalesce(string_agg('null::' || format_type(a.type, null), ', '
                    order by a.n), '')
                from unnest(p.proargtypes) with ordinality a (type, n)))
        from pg_proc p where p.pronamespace = 'holdfast'::regnamespace order by 1, 2";
    let rows = test.owner.query(query, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn a_role_can_call_its_own_routines_and_no_other() {
    let test = TestDb::new().await;
    let rights = documented();
    let calls = calls(&test).await;
    assert!(calls.len() >= 80, "{}", calls.len());
    for role in LOGINS {
        let session = session(&test, role).await;
        let mut own = 0;
        for (routine, call) in &calls {
            if !rights.contains(&(routine.clone(), role.to_owned())) {
                assert_denied(&session, role, call).await;
                continue;
            }
            own += 1;
            // Most calls fail because of the nulls, but not because of a missing right.
            let code = code(&session, call).await;
            assert_ne!(code.as_deref(), Some("42501"), "{role}: {call}");
        }
        assert_eq!(own > 0, role != READONLY, "{role}");
    }
}

#[tokio::test]
async fn no_role_can_make_anything_or_become_another() {
    let test = TestDb::new().await;
    let body = "() returns integer language sql as 'select 1'";
    for role in LOGINS {
        let session = session(&test, role).await;
        let mut statements = Vec::new();
        for schema in ["holdfast", "holdfast_read", "public"] {
            for what in [
                "table {}.own (a integer)",
                "view {}.own as select 1",
                "sequence {}.own",
                "type {}.own as enum ('a')",
                &format!("function {{}}.own{body}"),
            ] {
                statements.push(format!("create {}", what.replace("{}", schema)));
            }
        }
        let others = LOGINS.iter().filter(|other| **other != role);
        for other in others.chain([&"holdfast_owner", &MIGRATOR, &"postgres"]) {
            statements.push(format!("set role {other}"));
            statements.push(format!("set session authorization {other}"));
            statements.push(format!("alter role {other} set lock_timeout = 0"));
            statements.push(format!("grant {other} to {role}"));
        }
        let more = [
            "create schema own",
            "select lo_create(0)",
            "select lo_creat(-1)",
            "select lo_from_bytea(0, 'x')",
            "create role own",
            "create database own",
            "create publication own for all tables",
            "create or replace function holdfast.early_release_chosen() returns text
                language sql as $$ select 'message' $$",
            "alter function holdfast.refuse() security definer",
            "drop function holdfast.refuse() cascade",
            "grant execute on function holdfast.stock_move to public",
            "alter default privileges for role holdfast_owner grant execute on routines to public",
            "alter system set fsync = off",
            "set session_replication_role = replica",
            "copy (select 1) to program 'true'",
            "select pg_read_file('PG_VERSION')",
        ];
        statements.extend(more.map(str::to_owned));
        let database = test.name();
        statements.push(format!("alter database {database} set lock_timeout = 0"));
        for statement in statements {
            assert_denied(&session, role, &statement).await;
        }
    }
    // The control: the roles that may.
    let migrator = test.session_of(MIGRATOR).await;
    for statement in [
        "set role holdfast_owner",
        "create table holdfast.own (a integer)",
        "drop function holdfast.refuse() cascade",
    ] {
        assert_eq!(code(&migrator, statement).await, None, "{statement}");
    }
}

/// A session with a temporary table in front of every table, where that is possible.
async fn hostile(test: &TestDb, role: &str) -> Client {
    let session = test.session_of(role).await;
    let tables = "select tablename::text from pg_tables where schemaname = 'holdfast'";
    for row in test.owner.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let shadow = format!("create temporary table {table} (shop text)");
        session.batch_execute(&shadow).await.unwrap();
    }
    session
        .batch_execute("set search_path = pg_temp, public")
        .await
        .unwrap();
    session
}

async fn text(session: &Client, query: &str) -> String {
    let row = session.query_one(query, &[]).await;
    row.unwrap_or_else(|error| panic!("{query}: {error:?}"))
        .get(0)
}

/// On a freshly migrated database nobody could make these temporary tables (ownership.rs). Here the
/// routines must not see them.
#[tokio::test]
async fn a_hostile_search_path_has_no_effect() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let id = new_id();
    let shopper = hostile(&test, CHECKOUT).await;
    let begin = format!(
        "call holdfast.checkout_begin('main', '{id}', 'c', 1, '\\x00', null, '{{A}}', '{{2}}')"
    );
    assert_eq!(text(&shopper, &begin).await, "placed");
    let order = format!(
        "call holdfast.order_create('main', '{id}', 'c', '\\x01', gen_random_uuid(), 'main-x',
            'online', null, null, null, false)"
    );
    assert_eq!(text(&shopper, &order).await, "created");
    let gateway = hostile(&test, PAYMENTS).await;
    let paid = "call holdfast.payment_record_event('main', 'cashfree', 'key-1', 'main-x', 'paid',
        20000, 'INR', 'pay-1', '{}', null, null, null, null)";
    assert_eq!(text(&gateway, paid).await, "completed");
    let sweeper = hostile(&test, SWEEPER).await;
    let sweep = "select o_expired::text from holdfast.sweep_expire('main', 100, '{}')";
    assert_eq!(text(&sweeper, sweep).await, "0");
    let check = "select o_violations::text from holdfast.promises_sweep('main', 'history', 100)";
    assert_eq!(text(&sweeper, check).await, "[]");
    let clerk = hostile(&test, ADMIN).await;
    let sku = "select holdfast.sku_read('main', 'A')->'stock'->>'on_hand'";
    assert_eq!(text(&clerk, sku).await, "3");
    assert_eq!(test.level("A").await, (3, 0, 3));

    // The control: a routine without a fixed path uses the wrong table.
    let unguarded = "create function holdfast.unguarded() returns bigint language plpgsql
            security definer as 'begin return (select count(*) from stock_levels); end';
        grant execute on function holdfast.unguarded to holdfast_admin";
    test.sql(unguarded).await;
    let fooled = "select holdfast.unguarded()::text";
    assert_eq!(text(&clerk, fooled).await, "0");
}

/// A role's settings are the defaults of its sessions, and they end a wait.
#[tokio::test]
async fn the_roles_timeout_ends_a_wait_for_a_lock() {
    let test = TestDb::new().await;
    let reader = test.session_of(READONLY).await;
    let blocker = test.session().await;
    blocker
        .batch_execute("begin; lock table holdfast_read.orders in access exclusive mode")
        .await
        .unwrap();
    let read = "select count(*) from holdfast_read.orders";
    assert_eq!(code(&reader, read).await.as_deref(), Some("55P03"));
    blocker.batch_execute("rollback").await.unwrap();
    assert_eq!(code(&reader, read).await, None);
}
