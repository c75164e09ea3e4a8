//! `holdfast distribute`: what it checks, and what it leaves on the nodes.

use distribute::{Error, Wish};
use local::postgres::{Cluster, ClusterOptions, SUPERUSER};
use tests::{CLUSTER, connect};
use tokio_postgres::Client;

/// A database on a cluster of its own, migrated, on joined nodes. `before`: SQL for the worker.
async fn migrated(name: &str, before: &str) -> (Cluster, Client) {
    let options = ClusterOptions {
        citus_workers: Some(1),
        ..ClusterOptions::default()
    };
    let cluster = Cluster::start(options).unwrap();
    cluster.create_database(name, "").unwrap();
    cluster.workers()[0].execute(name, before).unwrap();
    let mut client = connect(&cluster.url(SUPERUSER, name)).await;
    holdfast_migrate::run(&mut client).await.unwrap();
    cluster.join_nodes(name).unwrap();
    (cluster, client)
}

async fn distributed_tables(client: &Client) -> i64 {
    tests::count(client, "select count(*) from pg_dist_partition").await
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_changes() {
    let cluster = &*CLUSTER;
    cluster
        .execute("postgres", "create database plain")
        .unwrap();
    let mut client = connect(&cluster.url(SUPERUSER, "plain")).await;
    let missing = async |client: &mut Client| match distribute::run(client, Some(4)).await {
        Err(Error::NotReady(missing)) => missing.join("\n"),
        other => panic!("{other:?}"),
    };
    let said = missing(&mut client).await;
    assert!(said.contains("shared_preload_libraries"), "{said}");
    assert!(said.contains("holdfast migrate"), "{said}");

    client
        .batch_execute("create extension citus")
        .await
        .unwrap();
    holdfast_migrate::run(&mut client).await.unwrap();
    let remove = "select citus_remove_node(nodename, nodeport) from pg_dist_node";
    client.batch_execute(remove).await.unwrap();
    let said = missing(&mut client).await;
    assert!(said.contains("citus_set_coordinator_host"), "{said}");
    assert!(said.contains("citus_add_node"), "{said}");
    assert_eq!(distributed_tables(&client).await, 0);
}

#[tokio::test]
async fn an_owner_that_a_node_refuses_stays_without_a_login() {
    let (cluster, mut client) = migrated("refused", "").await;
    let limit = |to| format!("alter role holdfast_owner connection limit {to}");
    cluster.workers()[0].execute("refused", &limit(0)).unwrap();
    let Err(Error::NotReady(missing)) = distribute::run(&mut client, Some(4)).await else {
        panic!("the owner got in");
    };
    let said = missing.join("\n");
    assert!(
        said.contains("as holdfast_owner") && said.contains("pg_hba.conf"),
        "{said}"
    );
    let login = "select count(*) from pg_roles where rolname = 'holdfast_owner' and rolcanlogin";
    assert_eq!(tests::count(&client, login).await, 0);
    assert_eq!(distributed_tables(&client).await, 0);

    cluster.workers()[0].execute("refused", &limit(-1)).unwrap();
    let report = distribute::run(&mut client, Some(4)).await.unwrap();
    assert!(report.tables.len() > 30, "{report:?}");
    let again = distribute::run(&mut client, None).await.unwrap();
    assert!(again.tables.is_empty(), "{again:?}");
}

/// The routines that everybody may execute.
const PUBLIC: &str = "select count(*) from pg_proc p
    where p.pronamespace in ('holdfast'::regnamespace, 'holdfast_read'::regnamespace)
    and has_function_privilege('public', p.oid, 'execute')";

#[tokio::test]
async fn no_node_ever_lets_public_execute_a_routine() {
    let (cluster, mut client) = migrated("public", "").await;
    let worker = connect(&cluster.workers()[0].url(SUPERUSER, "public")).await;
    assert_eq!(tests::count(&worker, PUBLIC).await, 0, "just added");
    distribute::run(&mut client, Some(4)).await.unwrap();
    for node in [&client, &worker] {
        assert_eq!(tests::count(node, PUBLIC).await, 0);
    }
    // A routine that no migration knows stays, and is found.
    let by_hand = "set citus.enable_ddl_propagation = off;
        create function holdfast.by_hand() returns integer language sql as 'select 1';
        grant execute on function holdfast.by_hand() to public";
    worker.batch_execute(by_hand).await.unwrap();
    let Err(Error::Nodes(wrong)) = distribute::run(&mut client, None).await else {
        panic!("it was not found");
    };
    assert!(wrong.join("\n").contains("by_hand"), "{wrong:?}");
}

/// The text is the same, and the routine does another thing.
#[tokio::test]
async fn a_routine_with_other_rights_or_settings_on_a_node_is_found() {
    let (cluster, mut client) = migrated("rights", "").await;
    let worker = connect(&cluster.workers()[0].url(SUPERUSER, "rights")).await;
    let by_hand = "set citus.enable_ddl_propagation = off;
        create function holdfast.by_hand() returns integer language sql
            set search_path = holdfast as 'select 1';
        revoke execute on function holdfast.by_hand() from public;
        alter function holdfast.by_hand() owner to holdfast_owner";
    for node in [&client, &worker] {
        node.batch_execute(by_hand).await.unwrap();
    }
    client
        .batch_execute("reset citus.enable_ddl_propagation")
        .await
        .unwrap();
    distribute::run(&mut client, Some(4)).await.unwrap();
    for (change, back) in [
        ("security definer", "security invoker"),
        ("set search_path = public", "set search_path = holdfast"),
        ("owner to current_user", "owner to holdfast_owner"),
    ] {
        let alter = |to| format!("alter function holdfast.by_hand() {to}");
        worker.batch_execute(&alter(change)).await.unwrap();
        let Err(Error::Nodes(wrong)) = distribute::run(&mut client, None).await else {
            panic!("{change} was not found");
        };
        assert!(wrong.join("\n").contains("differ"), "{change}: {wrong:?}");
        worker.batch_execute(&alter(back)).await.unwrap();
    }
    distribute::run(&mut client, None).await.unwrap();
}

/// The control of `no_node_ever_lets_public_execute_a_routine`, and what mends it.
#[tokio::test]
async fn a_node_without_the_guides_default_lets_public_in_until_distribute() {
    let forgotten = "alter default privileges grant execute on functions to public";
    let (cluster, mut client) = migrated("forgotten", forgotten).await;
    let worker = connect(&cluster.workers()[0].url(SUPERUSER, "forgotten")).await;
    assert!(tests::count(&worker, PUBLIC).await > 0);
    distribute::run(&mut client, Some(4)).await.unwrap();
    assert_eq!(tests::count(&worker, PUBLIC).await, 0);
}

/// What a node needs beside the routines: the timeout of the owner, and the whole list of shops.
#[tokio::test]
async fn every_node_gets_the_owners_timeout_and_the_list_of_shops() {
    let (cluster, mut client) = migrated("whole", "").await;
    distribute::run(&mut client, Some(4)).await.unwrap();
    let put = "select holdfast.shop_put('dress', 'Dress', 'INR')";
    client.batch_execute(put).await.unwrap();
    let worker = connect(&cluster.workers()[0].url(SUPERUSER, "whole")).await;
    let timeouts = "select count(*) from pg_db_role_setting s, unnest(s.setconfig) one
        where s.setrole = 'holdfast_owner'::regrole and one like '%timeout=%'";
    let expected = tests::count(&client, timeouts).await;
    assert!(expected > 0, "the owner has no timeout");
    assert_eq!(tests::count(&worker, timeouts).await, expected);

    // As after a restore of this node to a moment before the shop.
    worker
        .batch_execute("set citus.override_table_visibility = off")
        .await
        .unwrap();
    let list = "select c.oid::regclass::text from pg_class c
        where c.relname like 'shop_codes_%' and c.relkind = 'r'";
    let list: String = worker.query_one(list, &[]).await.unwrap().get(0);
    let forget = format!(
        "set citus.enable_manual_changes_to_shards = on; set session_replication_role = replica;
        delete from {list} where shop = 'dress'"
    );
    worker.batch_execute(&forget).await.unwrap();
    let listed = format!("select count(*) from {list} where shop = 'dress'");
    assert_eq!(tests::count(&worker, &listed).await, 0);
    distribute::run(&mut client, None).await.unwrap();
    assert_eq!(tests::count(&worker, &listed).await, 1);
}

#[tokio::test]
async fn another_number_of_shards_and_an_unknown_shop_are_refused() {
    let (cluster, mut client) = migrated("shards", "").await;
    distribute::run(&mut client, Some(4)).await.unwrap();
    let Err(Error::NotReady(why)) = distribute::run(&mut client, Some(8)).await else {
        panic!("it was not refused");
    };
    assert!(why[0].starts_with("--shards is 8"), "{why:?}");
    let wish = Wish::Shop {
        shop: "nowhere".to_owned(),
        to: format!("127.0.0.1:{}", cluster.workers()[0].port()),
    };
    let Err(Error::NotReady(why)) = distribute::rebalance(&mut client, &wish, |_| ()).await else {
        panic!("it was not refused");
    };
    assert_eq!(why, ["--shop: there is no shop nowhere"]);
}
