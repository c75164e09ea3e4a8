//! Who may migrate, and what belongs to whom afterwards: on an empty server, and on one that has
//! the roles.

use std::collections::BTreeMap;

use holdfast_migrate::{self as migrate, Options, Release};
use local::postgres::SUPERUSER;
use local::roles::{ADMIN, CHECKOUT, MIGRATOR};
use local::{Cluster, ClusterOptions};
use operations::cause::causes;
use tests::catalogue::{catalogue, differences};
use tests::next_release::Put as _;
use tests::rights::{documented, granted};
use tests::{CLUSTER, TestDb, connect, count, until};
use tokio_postgres::Client;

/// A server without the roles, and with a cloud's master user, who is no superuser.
async fn fresh_server() -> Cluster {
    let cluster =
        tokio::task::spawn_blocking(|| Cluster::start(ClusterOptions::default()).unwrap()).await;
    let cluster = cluster.unwrap();
    let superuser = connect(&cluster.url(SUPERUSER, "postgres")).await;
    superuser
        .batch_execute("create role master login createrole createdb")
        .await
        .unwrap();
    cluster
}

/// A database of the master's own.
async fn database(cluster: &Cluster, name: &str) -> String {
    let master = connect(&cluster.url("master", "postgres")).await;
    master
        .batch_execute(&format!("create database {name}"))
        .await
        .unwrap();
    cluster.url("master", name)
}

/// Everything in the schemas that does not belong to the owner.
async fn not_the_owners(client: &Client) -> Vec<String> {
    let query = "
        select format('%s of %s', what, owner::regrole) from (
            select nspname::text, nspowner from pg_namespace where nspname like 'holdfast%'
            union all
            select oid::regclass::text, relowner from pg_class
            where relnamespace::regnamespace::text like 'holdfast%'
            union all
            select oid::regprocedure::text, proowner from pg_proc
            where pronamespace::regnamespace::text like 'holdfast%'
            union all
            select oid::regtype::text, typowner from pg_type
            where typnamespace::regnamespace::text like 'holdfast%') things (what, owner)
        where owner <> 'holdfast_owner'::regrole";
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The settings of each role.
async fn settings(client: &Client) -> BTreeMap<String, Vec<String>> {
    // only a superuser's migration sets temp_file_limit
    let query = "select setrole::regrole::text, array(
            select s from unnest(setconfig) with ordinality u (s, n)
            where s not like 'temp_file_limit=%' order by n)
        from pg_db_role_setting
        where setdatabase = 0 and setrole::regrole::text like 'holdfast%'";
    let rows = client.query(query, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn a_master_without_superuser_rights_migrates_an_empty_server() {
    let cluster = fresh_server().await;
    let url = database(&cluster, "shop").await;
    let mut master = connect(&url).await;
    let report = migrate::run(&mut master).await.unwrap();
    assert!(report.applied.contains(&"V0001__create_roles".to_owned()));
    assert_eq!(not_the_owners(&master).await, Vec::<String>::new());
    assert_eq!(granted(&master).await, documented());
    // The session is the master's again.
    let row = master.query_one("select current_user::text", &[]).await;
    assert_eq!(row.unwrap().get::<_, String>(0), "master");

    // No role can so much as make a temporary table.
    for role in [CHECKOUT, ADMIN] {
        let session = connect(&cluster.url(role, "shop")).await;
        let shadow = "create temporary table stock_levels (a integer)";
        let error = session.batch_execute(shadow).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501");
    }

    // From now on the migrator is enough: it may create no role and owns no database.
    let before = catalogue(&master).await;
    let mut migrator = connect(&cluster.url(MIGRATOR, "shop")).await;
    migrate::run(&mut migrator).await.unwrap();
    assert!(differences(&catalogue(&master).await, &before).is_empty());
    let mut next = Release::this();
    next.version("V9003__items", "create table holdfast.items (n integer)");
    next.version(
        "V9004__index_items",
        "-- migrate: outside a transaction\n\
         create index concurrently items_idx on holdfast.items (n)",
    );
    let run = migrate::run_release(&mut migrator, &next, Options::default());
    assert_eq!(run.await.unwrap().applied.len(), 2);
    assert_eq!(not_the_owners(&master).await, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_but_the_owners_members_can_migrate() {
    let test = TestDb::new().await;
    let before = catalogue(&test.owner).await;
    for role in [CHECKOUT, ADMIN, "holdfast_readonly"] {
        let mut session = test.session_of(role).await;
        let error = migrate::run(&mut session).await.unwrap_err();
        let text = causes(&error);
        assert!(text.contains("becoming the schema's owner"), "{text}");
        assert!(
            text.contains("permission denied to set role \"holdfast_owner\""),
            "{text}"
        );
    }
    assert!(differences(&catalogue(&test.owner).await, &before).is_empty());
}

/// Two databases of one server share its roles.
#[tokio::test]
async fn databases_of_one_server_migrate_at_the_same_time() {
    let cluster = fresh_server().await;
    let mut migrating = Vec::new();
    for name in ["one", "two", "three", "four"] {
        let mut client = connect(&database(&cluster, name).await).await;
        migrating.push(tokio::spawn(async move {
            let report = migrate::run(&mut client).await.unwrap();
            assert_eq!(not_the_owners(&client).await, Vec::<String>::new());
            report
        }));
    }
    for migrated in migrating {
        assert!(!migrated.await.unwrap().applied.is_empty());
    }
    let superuser = connect(&cluster.url(SUPERUSER, "postgres")).await;
    let test = connect(&CLUSTER.url(SUPERUSER, "postgres")).await;
    assert_eq!(settings(&superuser).await, settings(&test).await);
}

/// Another database's migration has created a role, and has not committed yet.
#[tokio::test]
async fn a_migration_waits_for_the_roles_that_another_is_making() {
    let cluster = fresh_server().await;
    let mut client = connect(&database(&cluster, "one").await).await;
    let url = cluster.url(SUPERUSER, "postgres");
    let (other, naive) = (connect(&url).await, connect(&url).await);
    let make = "begin; create role holdfast_owner nologin; grant holdfast_owner to master
            with admin option;
        create role holdfast_sweeper login; alter role holdfast_sweeper set lock_timeout = '7s';
        -- from PostgreSQL 16 on, who may create roles alters only those that it may grant
        grant holdfast_sweeper to master with admin option";
    other.batch_execute(make).await.unwrap();
    let waiting = "select count(*) from pg_locks where not granted and locktype = 'transactionid'";
    let let_go = async {
        until("both wait", async || count(&other, waiting).await == 2).await;
        other.batch_execute("commit").await.unwrap();
    };
    let looked_first = "do $$ begin
        if not exists (select from pg_roles where rolname = 'holdfast_sweeper') then
            create role holdfast_sweeper login;
        end if; end $$";
    let (migrated, control, ()) = tokio::join!(
        migrate::run(&mut client),
        naive.batch_execute(looked_first),
        let_go
    );
    migrated.unwrap();
    // The control: checking before creating is not enough.
    let refused = control.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "23505", "{refused}");
    // The migration has put the settings of every role right that it may alter.
    let test = connect(&CLUSTER.url(SUPERUSER, "postgres")).await;
    assert_eq!(settings(&other).await, settings(&test).await);
}
