//! The schema's way from nothing to now, and what the functions' role may do in it.

use std::collections::BTreeSet;

use local::postgres::SUPERUSER;
use shared::migrate;
use tests::clerk::ADMIN;
use tests::stack::root;
use tests::{APP, CLUSTER, TestDb, connect, until};
use tokio_postgres::Client;

/// What callers may execute, by the routines' names: what the crates call, and the core functions
/// that an entry procedure calls in its caller's name.
const ENTRIES: [&str; 20] = [
    "backlog_read",
    "checkout_begin",
    "checkout_begin_core",
    "checkout_extend",
    "checkout_read",
    "checkout_reclaim",
    "checkout_release",
    "early_release_allowed",
    "hold_purge",
    "import_purge",
    "order_create",
    "order_create_core",
    "order_read",
    "payment_parked",
    "payment_record_event",
    "payment_record_event_core",
    "promises_check",
    "shop_list",
    "stock_availability",
    "sweep_expire",
];

/// What the admin function may execute; the routines under these call others with their own rights.
const ADMIN_ENTRIES: [&str; 33] = [
    "checkout_reclaim",
    "coupon_list",
    "coupon_put",
    "coupon_read",
    "early_release_allowed",
    "history_search",
    "hold_list",
    "import_apply",
    "import_report",
    "import_stage",
    "ledger_list",
    "order_amend",
    "order_amend_core",
    "order_book",
    "order_book_core",
    "order_cancel",
    "order_restock",
    "promises_check",
    "shop_put",
    "shop_read",
    "sku_export",
    "sku_list",
    "sku_manifest",
    "sku_put",
    "sku_read",
    "sku_retire",
    "stock_adjust",
    "stock_read",
    "stock_receive",
    "stock_set",
    "stock_shrink",
    "stock_shrink_core",
    "stock_shrink_reclaim",
];

async fn empty_database(name: &str) -> String {
    let maintenance = connect(&CLUSTER.url(SUPERUSER, "postgres")).await;
    maintenance
        .batch_execute(&format!("create database {name}"))
        .await
        .unwrap();
    CLUSTER.url(SUPERUSER, name)
}

/// Everything that the catalogue knows of the schema, as text.
async fn catalogue(client: &Client) -> String {
    let query = "
        select string_agg(line, E'\\n' order by line) from (
            select format('%s.%s %s %s', table_name, column_name, data_type, column_default)
            from information_schema.columns where table_schema = 'holdfast'
            union all
            select format('%s: %s', conname, pg_get_constraintdef(oid)) from pg_constraint
            where connamespace = 'holdfast'::regnamespace
            union all
            select indexdef from pg_indexes where schemaname = 'holdfast'
            union all
            select pg_get_functiondef(oid) || coalesce(proacl::text, '') from pg_proc
            where pronamespace = 'holdfast'::regnamespace) lines (line)";
    client.query_one(query, &[]).await.unwrap().get(0)
}

fn versions() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root().join("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn from_empty_every_file_is_applied_once_and_a_second_run_changes_nothing() {
    let url = empty_database("migrated_twice").await;
    let mut client = connect(&url).await;
    let first = migrate::run(&mut client).await.unwrap();
    assert_eq!(first.applied, versions());
    let routines = std::fs::read_dir(root().join("migrations/routines"))
        .unwrap()
        .count();
    assert_eq!(first.routines, routines);
    let before = catalogue(&client).await;
    let second = migrate::run(&mut client).await.unwrap();
    assert_eq!(second.applied, Vec::<String>::new());
    assert_eq!(second.routines, routines);
    assert_eq!(catalogue(&client).await, before);
}

#[tokio::test]
async fn of_two_at_once_one_waits_and_both_succeed() {
    let url = empty_database("migrated_at_once").await;
    let blocker = connect(&url).await;
    let (mut a, mut b) = (connect(&url).await, connect(&url).await);
    // "Holdfast" in ASCII, as shared::migrate spells it.
    let lock = i64::from_be_bytes(*b"Holdfast");
    blocker
        .execute("select pg_advisory_lock($1)", &[&lock])
        .await
        .unwrap();
    let release = async {
        let waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted
            and database = (select oid from pg_database where datname = current_database())";
        until("both wait", async || {
            blocker
                .query_one(waiting, &[])
                .await
                .unwrap()
                .get::<_, i64>(0)
                == 2
        })
        .await;
        blocker
            .execute("select pg_advisory_unlock($1)", &[&lock])
            .await
            .unwrap();
    };
    let (a, b, ()) = tokio::join!(migrate::run(&mut a), migrate::run(&mut b), release);
    let mut applied = [a.unwrap().applied, b.unwrap().applied];
    applied.sort();
    assert_eq!(applied, [Vec::new(), versions()]);
}

#[tokio::test]
async fn an_applied_file_that_has_changed_since_is_refused() {
    let url = empty_database("migrated_and_changed").await;
    let mut client = connect(&url).await;
    migrate::run(&mut client).await.unwrap();
    let before = catalogue(&client).await;
    let change = "update holdfast.schema_history set checksum = '1' where version = 2";
    assert_eq!(client.execute(change, &[]).await.unwrap(), 1);
    let error = migrate::run(&mut client).await.unwrap_err();
    let text = shared::db::causes(&error);
    assert!(text.contains("create_checkouts_and_holds"), "{text}");
    assert_eq!(catalogue(&client).await, before);
}

/// A newer release was here: an older one must not write its routines over the newer ones.
#[tokio::test]
async fn a_schema_of_a_newer_release_is_refused() {
    let url = empty_database("migrated_by_a_newer_release").await;
    let mut client = connect(&url).await;
    migrate::run(&mut client).await.unwrap();
    let newer = "insert into holdfast.schema_history
        select 99, 'newer', applied_on, '1' from holdfast.schema_history where version = 1";
    client.execute(newer, &[]).await.unwrap();
    assert!(migrate::run(&mut client).await.is_err());
}

#[tokio::test]
async fn a_failed_migration_leaves_nothing_of_its_file_and_frees_the_lock() {
    let url = empty_database("migrated_in_vain").await;
    let mut client = connect(&url).await;
    // Something of the same name is in the way of V0003.
    client
        .batch_execute("create schema holdfast; create table holdfast.coupons ()")
        .await
        .unwrap();
    migrate::run(&mut client).await.unwrap_err();
    let mut another = connect(&url).await;
    another
        .batch_execute("drop table holdfast.coupons")
        .await
        .unwrap();
    let report = migrate::run(&mut another).await.unwrap();
    assert!(
        report
            .applied
            .contains(&"V0003__create_coupons_and_addresses".to_owned())
    );
}

/// A role that owns the database and may create roles, as a cloud's master user: no superuser.
#[tokio::test]
async fn an_owner_without_superuser_rights_can_migrate() {
    let maintenance = connect(&CLUSTER.url(SUPERUSER, "postgres")).await;
    maintenance
        .batch_execute("create role mere_owner login createrole")
        .await
        .unwrap();
    maintenance
        .batch_execute("create database of_mere_owner owner mere_owner")
        .await
        .unwrap();
    // On this server the role is there already, and PostgreSQL 16 asks for the right to change it.
    maintenance
        .batch_execute("grant holdfast_app, holdfast_admin to mere_owner with admin option")
        .await
        .unwrap();
    let mut client = connect(&CLUSTER.url("mere_owner", "of_mere_owner")).await;
    assert_eq!(migrate::run(&mut client).await.unwrap().applied, versions());
}

/// The names that each routine's own file grants to a role.
fn granted_in_files(role: &str) -> BTreeSet<String> {
    let mut granted = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("migrations/routines")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for statement in text.split("grant execute on ").skip(1) {
            let name = statement.split("holdfast.").nth(1).unwrap();
            let roles = statement.split(';').next().unwrap();
            let mut roles = roles.rsplit_once(" to ").unwrap().1.split(", ");
            if roles.any(|granted_to| granted_to == role) {
                granted.insert(name.split('(').next().unwrap().to_owned());
            }
        }
    }
    granted
}

#[tokio::test]
async fn a_functions_role_may_execute_its_entry_routines_and_no_other() {
    let test = TestDb::new().await;
    for (role, entries) in [(APP, ENTRIES.as_slice()), (ADMIN, &ADMIN_ENTRIES)] {
        let expected: BTreeSet<String> = entries.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(executable_by(&test, role).await, expected, "{role}");
        assert_eq!(granted_in_files(role), expected, "{role}");
    }
}

async fn executable_by(test: &TestDb, role: &str) -> BTreeSet<String> {
    let query = "select p.proname, has_function_privilege($1, p.oid, 'execute'),
            exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                where a.grantee = 0)
        from pg_proc p where p.pronamespace = 'holdfast'::regnamespace";
    let rows = test.owner.query(query, &[&role]).await.unwrap();
    let mut executable = BTreeSet::new();
    for row in &rows {
        let (name, may, public): (String, bool, bool) = (row.get(0), row.get(1), row.get(2));
        assert!(!public, "everybody may execute {name}");
        if may {
            executable.insert(name);
        }
    }
    executable
}

async fn assert_denied(client: &Client, statement: &str) {
    let error = client.batch_execute(statement).await.unwrap_err();
    let code = error.code().map(tokio_postgres::error::SqlState::code);
    assert_eq!(code, Some("42501"), "{statement}: {error}");
}

#[tokio::test]
async fn a_functions_role_can_neither_read_nor_write_a_table() {
    let test = TestDb::new().await;
    let (app, admin) = (test.app_session().await, test.admin_session().await);
    let tables = "select c.relname, a.attname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')";
    let tables = test.owner.query(tables, &[]).await.unwrap();
    assert!(tables.len() >= 12, "{}", tables.len());
    for row in tables {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        for statement in [
            format!("select 1 from holdfast.{table}"),
            format!("select from holdfast.{table} for update"),
            format!("insert into holdfast.{table} default values"),
            format!("update holdfast.{table} set {column} = {column}"),
            format!("delete from holdfast.{table}"),
            format!("truncate holdfast.{table} cascade"),
            format!("alter table holdfast.{table} disable trigger all"),
            format!("drop table holdfast.{table} cascade"),
            format!("do $$ begin lock table holdfast.{table}; end $$"),
        ] {
            assert_denied(&app, &statement).await;
            assert_denied(&admin, &statement).await;
        }
    }
    for statement in [
        "create table holdfast.own (a int)",
        "create function holdfast.own() returns int language sql as 'select 1'",
        "create schema own",
        "select holdfast.stock_move('main', 'A', 1, null, null, 'sold', 'a', null, null, null)",
        "select holdfast.order_complete('main', gen_random_uuid())",
        "select holdfast.checkout_let_go('main', '{}', 'released')",
        "select holdfast.checkout_describe('main', gen_random_uuid(), null)",
    ] {
        assert_denied(&app, statement).await;
        assert_denied(&admin, statement).await;
    }
    for statement in [
        "select holdfast.stock_adjust('main', 'A', 1, null, 'received', 'app', null)",
        "select holdfast.sku_put('main', 'A', 'A', '{}', 1)",
        "select holdfast.shop_put('main', 'A', 'INR')",
    ] {
        assert_denied(&app, statement).await;
    }
    for statement in [
        "call holdfast.checkout_begin('main', gen_random_uuid(), 'c', 1, '', null, '{A}', '{1}')",
        "call holdfast.order_create('main', gen_random_uuid(), 'c', '', gen_random_uuid(), 'r',
            'offline', null, null, null, false)",
        "select holdfast.checkout_release('main', gen_random_uuid(), null)",
        "select holdfast.sweep_expire('main', 100, '{}')",
        "select holdfast.hold_purge('main', interval '1 day', 100)",
    ] {
        assert_denied(&admin, statement).await;
    }
}

#[tokio::test]
async fn what_runs_with_the_owners_rights_has_a_fixed_search_path() {
    let test = TestDb::new().await;
    let query = "select p.proname, p.prosecdef, coalesce(array_to_string(p.proconfig, ';'), '')
        from pg_proc p where p.pronamespace = 'holdfast'::regnamespace";
    let mut definers = 0;
    for row in test.owner.query(query, &[]).await.unwrap() {
        let (name, definer, config): (String, bool, String) = (row.get(0), row.get(1), row.get(2));
        if definer {
            definers += 1;
            // the check reads whole tables, which the role is set to avoid: it alone sets more
            let more = if name == "promises_check" {
                ";enable_seqscan=on"
            } else {
                ""
            };
            assert_eq!(
                config,
                format!("search_path=holdfast, pg_temp{more}"),
                "{name}"
            );
        }
    }
    assert!(definers >= 10, "{definers}");
}

#[tokio::test]
async fn the_timeouts_are_on_the_role() {
    let test = TestDb::new().await;
    let (app, admin) = (test.app_session().await, test.admin_session().await);
    assert_settings(&app, APP, "V0006__create_role.sql").await;
    assert_settings(&admin, ADMIN, "V0008__create_admin_role.sql").await;
}

async fn assert_settings(session: &Client, role: &str, file: &str) {
    let text = std::fs::read_to_string(root().join("migrations").join(file)).unwrap();
    let mut set = BTreeSet::new();
    for statement in text.split(&format!("alter role {role} set ")).skip(1) {
        let (name, value) = statement
            .split(';')
            .next()
            .unwrap()
            .split_once(" = ")
            .unwrap();
        let row = session
            .query_one("select current_setting($1)", &[&name])
            .await
            .unwrap();
        assert_eq!(row.get::<_, String>(0), value.trim_matches('\''), "{name}");
        set.insert(name);
    }
    let expected = [
        "enable_seqscan",
        "idle_in_transaction_session_timeout",
        "lock_timeout",
        "statement_timeout",
    ];
    assert!(set.is_superset(&BTreeSet::from(expected)), "{set:?}");
}

#[test]
fn the_optional_file_distributes_every_table() {
    let mut tables = BTreeSet::new();
    for version in versions() {
        let text =
            std::fs::read_to_string(root().join(format!("migrations/{version}.sql"))).unwrap();
        let text = text.replace("create unlogged table", "create table");
        for rest in text.split("create table holdfast.").skip(1) {
            tables.insert(rest.split([' ', '(']).next().unwrap().to_owned());
        }
    }
    assert!(tables.len() >= 11, "{tables:?}");
    let file = root().join("migrations/optional/distribute.sql");
    let distribute = std::fs::read_to_string(file).unwrap();
    for table in tables {
        assert!(
            distribute.contains(&format!("holdfast.{table}")),
            "{table} is not distributed"
        );
    }
}
