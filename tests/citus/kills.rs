//! A node dies while it sells: nothing acknowledged is lost, whatever node took the call.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use local::postgres::{Cluster, ClusterOptions, SUPERUSER};
use local::roles::CHECKOUT;
use nix::sys::signal::Signal;
use operations::checkout;
use tests::kill::{pid_of, signal, stop_walwriter};
use tests::{MAIN, Routine, TestDb, begin_request, connect, new_id, own_cluster, pool, until};

use crate::node_of;

const CALLERS: usize = 8;
const KILLS: usize = 2;

/// Which node takes the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Through {
    /// The one that has the shop. Only there locks are freed early.
    Owner,
    Coordinator,
    /// Another one, as after a move that the caller does not know of yet.
    Other,
}

/// Only the calls themselves write the log to disk: all processes that would also do so are off, or
/// stopped.
pub fn quiet_cluster() -> Cluster {
    let quiet = [
        ("autovacuum", "off"),
        ("bgwriter_lru_maxpages", "0"),
        ("wal_buffers", "64MB"),
    ];
    own_cluster(ClusterOptions {
        settings: quiet
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        citus_workers: Some(2),
        ..ClusterOptions::default()
    })
}

/// A database on the cluster, with a dress that nobody can buy out, and the node that has it.
pub async fn database(cluster: &Cluster) -> (TestDb, &Cluster, &Cluster) {
    let test = TestDb::on(cluster).await;
    // a copy of a database has not the settings of the database
    let mut owner = connect(&cluster.url(SUPERUSER, test.name())).await;
    distribute::run(&mut owner, Some(4)).await.unwrap();
    test.sku("HOT", 1_000_000).await;
    let port = node_of(&test.owner, MAIN).await;
    let (of_shop, others): (Vec<&Cluster>, Vec<&Cluster>) = cluster
        .workers()
        .iter()
        .partition(|node| i32::from(node.port()) == port);
    (test, of_shop[0], others[0])
}

/// Kills a session of the shop's node twice under load, and its log writer. Returns the number of
/// acknowledged holds, and how many of them are missing afterwards.
async fn acknowledged_and_missing(
    (test, of_shop, other): &(TestDb, &Cluster, &Cluster),
    cluster: &Cluster,
    through: Through,
) -> (usize, usize) {
    let (takes, sessions) = match through {
        Through::Owner => (*of_shop, CHECKOUT),
        Through::Coordinator => (cluster, "holdfast_owner"),
        Through::Other => (*other, "holdfast_owner"),
    };
    let acknowledged: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let shoppers = (0..CALLERS).map(|_| {
        let db = pool(&takes.url(CHECKOUT, test.name()), 1);
        let (acknowledged, stop) = (Arc::clone(&acknowledged), Arc::clone(&stop));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let id = new_id();
                // a failure is no answer: its effect is not promised
                let begun = checkout::begin(&db, &begin_request(id, &[("HOT", 1)])).await;
                if begun.is_ok() {
                    acknowledged.lock().unwrap().insert(id.to_string());
                }
            }
        })
    });
    let shoppers: Vec<_> = shoppers.collect();
    for _ in 0..KILLS {
        let node = connect(&of_shop.url(SUPERUSER, test.name())).await;
        let walwriter = stop_walwriter(&node).await;
        let wanted = acknowledged.lock().unwrap().len() + 300;
        until("enough was acknowledged", async || {
            acknowledged.lock().unwrap().len() >= wanted
        })
        .await;
        let backend = pid_of(&node, &format!("usename = '{sessions}'")).await;
        signal(backend, Signal::SIGKILL);
        signal(walwriter, Signal::SIGKILL);
        until("the node has noticed", async || node.is_closed()).await;
        tokio::task::block_in_place(|| of_shop.wait_until_ready()).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for shopper in shoppers {
        shopper.await.unwrap();
    }
    let owner = connect(&cluster.url(SUPERUSER, test.name())).await;
    let holds = "select checkout_id::text from holdfast.holds";
    let rows = owner.query(holds, &[]).await.unwrap();
    let there: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    test.assert_promises_hold().await;
    let acknowledged = acknowledged.lock().unwrap();
    (acknowledged.len(), acknowledged.difference(&there).count())
}

/// Chooses a way for the cluster, and makes sure that the shop's node has it.
async fn choose((test, of_shop, _): &(TestDb, &Cluster, &Cluster), way: &str) {
    test.sql(&format!("select holdfast.early_release_choose('{way}')"))
        .await;
    let node = connect(&of_shop.url(SUPERUSER, test.name())).await;
    let has = "select holdfast.early_release_way()";
    let has: String = node.query_one(has, &[]).await.unwrap().get(0);
    assert_eq!(has, way);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_shops_node_dies() {
    let cluster = quiet_cluster();
    let all = database(&cluster).await;
    for (through, way) in [
        (Through::Owner, "message"),
        (Through::Owner, "row-lock"),
        (Through::Coordinator, "message"),
        (Through::Other, "message"),
        (Through::Other, "row-lock"),
    ] {
        choose(&all, way).await;
        let (acknowledged, missing) = acknowledged_and_missing(&all, &cluster, through).await;
        println!("{through:?} with {way}: {missing} of {acknowledged} lost");
        assert_eq!(missing, 0, "of {acknowledged}: {through:?} {way}");
    }
}

/// The control: on the shop's node the flush saves them; for calls through another node, the commit
/// of the shop's node, which waits for its disk.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_flush_what_the_shops_node_acknowledged_is_lost() {
    let cluster = quiet_cluster();
    let all = database(&cluster).await;
    let without = Routine::named("early_release_persist")
        .with_guard_replaced("acknowledged_survives", "true");
    all.0.put_routine(without).await;
    let locks = "            for key share;  -- guard(acknowledged_survives)\n    else";
    let does_not = [(locks, "            limit 1;\n    else")];
    all.0.change_routine("early_release_lock", &does_not).await;
    for way in ["message", "row-lock"] {
        choose(&all, way).await;
        let (acknowledged, missing) =
            acknowledged_and_missing(&all, &cluster, Through::Owner).await;
        println!("{way} without the flush: {missing} of {acknowledged} lost");
        assert!(missing > 0, "none of {acknowledged}: {way}");
    }
    let hasty = "alter role holdfast_owner set synchronous_commit = off";
    all.1.execute(all.0.name(), hasty).unwrap();
    for through in [Through::Coordinator, Through::Other] {
        let (acknowledged, missing) = acknowledged_and_missing(&all, &cluster, through).await;
        println!("{through:?} without a synchronous commit: {missing} of {acknowledged} lost");
        assert!(missing > 0, "none of {acknowledged}: {through:?}");
    }
}
