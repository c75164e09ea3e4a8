//! What holds on a Citus cluster, beside the rules that hold everywhere: `make test-citus` runs
//! this with `HOLDFAST_TEST_CITUS=2`. It is no part of `make test`, because it needs an
//! installation with Citus.

#![expect(
    clippy::unwrap_used,
    reason = "a test that can't set itself up has to fail"
)]

use distribute::Error;
use local::postgres::{Cluster, ClusterOptions, SUPERUSER};
use local::roles::CHECKOUT;
use operations::checkout::{self, Begin, Begun};
use operations::db::Database;
use tests::{CLUSTER, TestDb, begin_request, connect, new_id, shop};
use tokio_postgres::Client;

const BUYERS: usize = 250;
const UNITS: i32 = 100;

/// The port of the node on which a shop lives.
async fn node_of(client: &Client, shop: &str) -> i32 {
    let query = "select n.nodeport from pg_dist_shard_placement p
            join pg_dist_node n on n.nodename = p.nodename and n.nodeport = p.nodeport
        where p.shardid = get_shard_id_for_distribution_column('holdfast.shops', $1::text)";
    client.query_one(query, &[&shop]).await.unwrap().get(0)
}

/// Two shops with a dress each, on two nodes.
async fn shops_on_two_nodes(test: &TestDb) -> [String; 2] {
    let mut found: Vec<(i32, String)> = Vec::new();
    for nth in 0..100 {
        let shop = format!("shop{nth}");
        let node = node_of(&test.owner, &shop).await;
        if found.iter().all(|(other, _)| *other != node) {
            test.shop(&shop).await;
            test.sku_of(&shop, "DRESS", UNITS).await;
            found.push((node, shop));
        }
        if found.len() == 2 {
            break;
        }
    }
    let shops: Vec<String> = found.into_iter().map(|(_, shop)| shop).collect();
    shops.try_into().expect("the shards are on two nodes")
}

/// How many of the buyers get the dress.
async fn rush(db: &Database, code: &str) -> usize {
    let buyer = |nth: usize| {
        let request = Begin {
            shop: shop(code),
            customer: format!("customer-{nth}").parse().unwrap(),
            ..begin_request(new_id(), &[("DRESS", 1)])
        };
        let db = db.clone();
        async move { checkout::begin(&db, &request).await }
    };
    let answers = tests::at_once(BUYERS, buyer).await;
    let placed = |answer: &Result<Begun, _>| matches!(answer, Ok(Begun::Placed(_)));
    answers.iter().filter(|answer| placed(answer)).count()
}

#[tokio::test]
async fn two_shops_on_two_nodes_sell_exactly_what_they_have() {
    let test = TestDb::new().await;
    let [one, other] = shops_on_two_nodes(&test).await;
    let (first, second) = tokio::join!(rush(&test.db, &one), rush(&test.db, &other));
    assert_eq!((first, second), (100, 100));
    test.assert_promises_hold().await;
}

/// The shop's own node frees the row early. The coordinator does not.
#[tokio::test]
async fn a_shop_sells_on_its_own_node_too() {
    let test = TestDb::new().await;
    let [code, _] = shops_on_two_nodes(&test).await;
    let port = node_of(&test.owner, &code).await;
    let workers = CLUSTER.workers();
    let node = workers
        .iter()
        .find(|node| i32::from(node.port()) == port)
        .unwrap();
    let direct = tests::pool(&node.url(CHECKOUT, test.name()), 16);
    assert_eq!(rush(&direct, &code).await, 100);
    test.assert_promises_hold().await;
    // A copy of a database has not the settings of the database.
    let mut owner = connect(&CLUSTER.url(SUPERUSER, test.name())).await;
    distribute::run(&mut owner, 4).await.unwrap();
    let way = async |cluster: &Cluster| -> String {
        let session = connect(&cluster.url(CHECKOUT, test.name())).await;
        let way = "select holdfast.early_release_way()";
        session.query_one(way, &[]).await.unwrap().get(0)
    };
    assert_eq!(way(&CLUSTER).await, "off");
    assert_eq!(way(node).await, "message");
}

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
    let public = "select count(*) from pg_proc p where p.pronamespace = 'holdfast'::regnamespace
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
