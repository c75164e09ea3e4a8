//! Shops move to other nodes while they sell.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use distribute::{Error, Wish};
use local::postgres::{Cluster, SUPERUSER};
use local::roles::CHECKOUT;
use nix::sys::signal::Signal;
use operations::checkout::{self, Begin};
use operations::db::{Database, DatabaseConfig};
use tests::kill::{signal, stop_walwriter};
use tests::{
    CLUSTER, MAIN, Routine, TestDb, begin_request, connect, new_id, pool, shop, until_within,
};
use tokio::task::JoinHandle;

use crate::kills::{database, quiet_cluster};
use crate::{node_of, shops_on_two_nodes};

const CALLERS: usize = 6;
/// A move of so many tables takes a while, and more on a busy machine.
const MOVED_WITHIN: Duration = Duration::from_secs(120);

/// A database as functions use it: the coordinator tells where a shop is.
fn routed(cluster: &Cluster, name: &str) -> Database {
    let set = "alter role holdfast_checkout password 'p'";
    cluster.execute(name, set).unwrap();
    let config = DatabaseConfig::parse("test", |variable| match variable {
        "DATABASE_URL" => Some(cluster.tcp_url("127.0.0.1", CHECKOUT, "p", name)),
        "DATABASE_TLS" => Some("off".to_owned()),
        "DATABASE_CLUSTER" => Some("citus".to_owned()),
        "DATABASE_POOL_SIZE" => Some(CALLERS.to_string()),
        _ => None,
    });
    Database::new(&config.unwrap()).unwrap()
}

/// Shoppers of some shops, who hold one dress after the other.
struct Shoppers {
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
    failed: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
}

impl Shoppers {
    fn of(db: &Database, shops: &[String]) -> Self {
        let mut all = Self {
            acknowledged: Arc::default(),
            failed: Arc::default(),
            stop: Arc::default(),
            calls: Arc::default(),
            tasks: Vec::new(),
        };
        for nth in 0..CALLERS {
            let code = shop(&shops[nth % shops.len()]);
            let db = db.clone();
            let (acknowledged, failed) = (Arc::clone(&all.acknowledged), Arc::clone(&all.failed));
            let (stop, calls) = (Arc::clone(&all.stop), Arc::clone(&all.calls));
            all.tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let id = new_id();
                    let request = Begin {
                        shop: code.clone(),
                        customer: format!("customer-{id}").parse().unwrap(),
                        ..begin_request(id, &[("HOT", 1)])
                    };
                    calls.fetch_add(1, Ordering::Relaxed);
                    match checkout::begin(&db, &request).await {
                        Ok(_) => drop(acknowledged.lock().unwrap().insert(id.to_string())),
                        Err(error) => failed.lock().unwrap().push(format!("{error:?}")),
                    }
                }
            }));
        }
        all
    }

    /// Waits until they have called so many times more.
    async fn call(&self, more: usize) {
        let wanted = self.calls.load(Ordering::Relaxed) + more;
        let called = async || self.calls.load(Ordering::Relaxed) >= wanted;
        until_within(MOVED_WITHIN, "the shoppers have called", called).await;
    }

    /// Ends them, and returns how many holds were acknowledged and how many of these are missing.
    async fn end(self, test: &TestDb) -> (usize, usize) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        let failed = self.failed.lock().unwrap();
        assert!(failed.is_empty(), "{failed:?}");
        let holds = "select checkout_id::text from holdfast.holds";
        let rows = test.owner.query(holds, &[]).await.unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        let acknowledged = self.acknowledged.lock().unwrap();
        (acknowledged.len(), acknowledged.difference(&there).count())
    }
}

/// Two shops on two nodes, with dresses for everybody, and a connection to move them with.
async fn two_shops() -> (TestDb, [String; 2], tokio_postgres::Client) {
    let test = TestDb::new().await;
    let shops = shops_on_two_nodes(&test).await;
    for code in &shops {
        test.sku_of(code, "HOT", 1_000_000).await;
    }
    let mut owner = connect(&CLUSTER.url(SUPERUSER, test.name())).await;
    distribute::run(&mut owner, Some(4)).await.unwrap();
    (test, shops, owner)
}

async fn way_of(node: &Cluster, test: &TestDb) -> String {
    let session = connect(&node.url(CHECKOUT, test.name())).await;
    let way = "select holdfast.early_release_way()";
    session.query_one(way, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_moves_while_it_sells() {
    let (test, shops, mut owner) = two_shops().await;
    let to = node_of(&test.owner, &shops[1]).await;
    let shoppers = Shoppers::of(&routed(&CLUSTER, test.name()), &shops);
    shoppers.call(200).await;
    let wish = Wish::Shop {
        shop: shops[0].clone(),
        to: format!("127.0.0.1:{to}"),
    };
    let node = &CLUSTER.workers().iter();
    let node = node
        .clone()
        .find(|one| i32::from(one.port()) == to)
        .unwrap();
    let mut told = 0;
    let moves = distribute::rebalance(&mut owner, &wish, |_| told += 1)
        .await
        .unwrap();
    assert_eq!((moves.len(), told), (1, 1));
    shoppers.call(200).await;
    let (acknowledged, missing) = shoppers.end(&test).await;
    println!("a move: {missing} of {acknowledged} lost");
    assert_eq!(missing, 0, "of {acknowledged}");
    assert_eq!(node_of(&test.owner, &shops[0]).await, to);
    test.assert_promises_hold().await;
    // early lock release is on again, and the shard has statistics
    assert_eq!(way_of(node, &test).await, "message");
    let statistics = format!(
        "select count(*) from pg_statistic s
        where s.starelid = (
            select shard_name(h.logicalrelid, h.shardid)::regclass from pg_dist_shard h
                join pg_dist_shard o on o.shardminvalue = h.shardminvalue
            where h.logicalrelid = 'holdfast.holds'::regclass and o.shardid
                = get_shard_id_for_distribution_column('holdfast.shops', '{}'))",
        shops[0]
    );
    let session = connect(&node.url(SUPERUSER, test.name())).await;
    assert!(tests::count(&session, &statistics).await > 0);
    // it is there: nothing to do
    let again = distribute::rebalance(&mut owner, &wish, |_| ()).await;
    assert_eq!(again.unwrap(), []);
}

/// The control: Citus copies what the log has on disk. Without the pause, holds that are not there
/// yet are left behind. Here nothing but a pause writes them: no call flushes.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_without_the_pause_loses_what_is_not_on_disk() {
    let cluster = quiet_cluster();
    let (test, from, to) = database(&cluster).await;
    let without = Routine::named("early_release_persist")
        .with_guard_replaced("acknowledged_survives", "true");
    test.put_routine(without).await;
    let mut owner = connect(&cluster.url(SUPERUSER, test.name())).await;
    for with_pause in [true, false] {
        // to the other node, and then back
        let (from, to) = if with_pause { (from, to) } else { (to, from) };
        let node = connect(&from.url(SUPERUSER, test.name())).await;
        let walwriter = stop_walwriter(&node).await;
        let db = pool(&from.url(CHECKOUT, test.name()), CALLERS);
        let shoppers = Shoppers::of(&db, &[MAIN.to_owned()]);
        shoppers.call(100).await;
        if with_pause {
            let wish = Wish::Shop {
                shop: MAIN.to_owned(),
                to: format!("127.0.0.1:{}", to.port()),
            };
            let moved = distribute::rebalance(&mut owner, &wish, |_| ()).await;
            assert_eq!(moved.unwrap().len(), 1);
        } else {
            let bare = "select citus_move_shard_placement(
                get_shard_id_for_distribution_column('holdfast.shops', 'main'), f.nodeid, t.nodeid)
                from pg_dist_node f, pg_dist_node t where f.nodeport = $1 and t.nodeport = $2";
            let ports = [from, to].map(|node| i32::from(node.port()));
            owner.execute(bare, &[&ports[0], &ports[1]]).await.unwrap();
        }
        signal(walwriter, Signal::SIGCONT);
        let (acknowledged, missing) = shoppers.end(&test).await;
        println!("pause {with_pause}: {missing} of {acknowledged} lost");
        assert_eq!(missing > 0, !with_pause, "of {acknowledged}");
    }
}

/// A node leaves, and comes back: its shops go to the others and return.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_leave_and_join_while_shops_sell() {
    let (test, shops, mut owner) = two_shops().await;
    let shoppers = Shoppers::of(&routed(&CLUSTER, test.name()), &shops);
    let port = node_of(&test.owner, &shops[0]).await;
    let shards = format!(
        "select count(*) from pg_dist_shard_placement p join pg_dist_shard s using (shardid)
        where s.logicalrelid = 'holdfast.shops'::regclass and p.nodeport = {port}"
    );
    let drain =
        format!("select citus_set_node_property('127.0.0.1', {port}, 'shouldhaveshards', false)");
    owner.batch_execute(&drain).await.unwrap();
    let away = distribute::rebalance(&mut owner, &Wish::Rebalance, |_| ()).await;
    assert_eq!(away.unwrap().len(), 2);
    assert_eq!(tests::count(&owner, &shards).await, 0);
    let remove = format!("select citus_remove_node('127.0.0.1', {port})");
    owner.batch_execute(&remove).await.unwrap();
    shoppers.call(200).await;

    let add = format!("select citus_add_node('127.0.0.1', {port})");
    owner.batch_execute(&add).await.unwrap();
    // a new server has none of the roles' timeouts until it is distributed to
    let mut workers = CLUSTER.workers().iter();
    let joined = workers.find(|node| i32::from(node.port()) == port).unwrap();
    let reset = "set citus.enable_ddl_propagation = off; alter role holdfast_checkout reset all";
    joined.execute(test.name(), reset).unwrap();
    let early = distribute::rebalance(&mut owner, &Wish::Rebalance, |_| ()).await;
    assert!(matches!(early, Err(Error::Nodes(_))), "{early:?}");
    distribute::run(&mut owner, None).await.unwrap();
    let back = distribute::rebalance(&mut owner, &Wish::Rebalance, |_| ()).await;
    assert_eq!(back.unwrap().len(), 2);
    assert_eq!(tests::count(&owner, &shards).await, 2);
    // Citus copies the setting of the coordinator to a new node
    let node = connect(&joined.url(CHECKOUT, test.name())).await;
    let way = "select holdfast.early_release_way()";
    let way: String = node.query_one(way, &[]).await.unwrap().get(0);
    assert_eq!(way, "message");
    shoppers.call(200).await;
    let (acknowledged, missing) = shoppers.end(&test).await;
    println!("a node that leaves and joins: {missing} of {acknowledged} lost");
    assert_eq!(missing, 0, "of {acknowledged}");
    test.assert_promises_hold().await;
}
