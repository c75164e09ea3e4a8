//! `holdfast distribute`: what it checks, and what it leaves on the nodes.

use distribute::Error;
use local::postgres::{Cluster, ClusterOptions, SUPERUSER};
use tests::{CLUSTER, connect};
use tokio_postgres::Client;

/// A database on a cluster of its own, migrated, on joined nodes.
async fn migrated(name: &str) -> (Cluster, Client) {
    let options = ClusterOptions {
        citus_workers: Some(1),
        ..ClusterOptions::default()
    };
    let cluster = Cluster::start(options).unwrap();
    cluster.create_database(name, "").unwrap();
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
    let missing = async |client: &mut Client| match distribute::run(client, 4).await {
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
    let (cluster, mut client) = migrated("refused").await;
    let limit = |to| format!("alter role holdfast_owner connection limit {to}");
    cluster.workers()[0].execute("refused", &limit(0)).unwrap();
    let Err(Error::NotReady(missing)) = distribute::run(&mut client, 4).await else {
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
    let report = distribute::run(&mut client, 4).await.unwrap();
    assert!(report.tables.len() > 30, "{report:?}");
    let again = distribute::run(&mut client, 4).await.unwrap();
    assert!(again.tables.is_empty(), "{again:?}");
}

#[tokio::test]
async fn no_node_lets_public_execute_a_routine_after_distribute() {
    let (cluster, mut client) = migrated("public").await;
    let public = "select count(*) from pg_proc p
        where p.pronamespace in ('holdfast'::regnamespace, 'holdfast_read'::regnamespace)
        and has_function_privilege('public', p.oid, 'execute')";
    let worker = connect(&cluster.workers()[0].url(SUPERUSER, "public")).await;
    // The control: a worker that was just added lets everybody.
    assert!(tests::count(&worker, public).await > 0);
    distribute::run(&mut client, 4).await.unwrap();
    for node in [&client, &worker] {
        assert_eq!(tests::count(node, public).await, 0);
    }
    // A routine that no migration knows stays, and is found.
    let by_hand = "set citus.enable_ddl_propagation = off;
        create function holdfast.by_hand() returns integer language sql as 'select 1';
        grant execute on function holdfast.by_hand() to public";
    worker.batch_execute(by_hand).await.unwrap();
    let Err(Error::Nodes(wrong)) = distribute::run(&mut client, 4).await else {
        panic!("it was not found");
    };
    assert!(wrong.join("\n").contains("by_hand"), "{wrong:?}");
}
