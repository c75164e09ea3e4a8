//! What holds on a Citus cluster, beside the rules that hold everywhere: `make test-citus` runs
//! this with `HOLDFAST_TEST_CITUS=2`. It is no part of `make test`, because it needs an
//! installation with Citus.

#![expect(
    clippy::unwrap_used,
    reason = "a test that can't set itself up has to fail"
)]

mod all_shops;
mod distributing;
mod kills;
mod moves;
mod reading;
mod refusals;
mod selling;

use local::postgres::Cluster;
use operations::checkout::{self, Begin, Begun};
use operations::db::Database;
use tests::{CLUSTER, TestDb, begin_request, new_id, shop};
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

/// The worker on which a shop lives.
async fn own_node(client: &Client, shop: &str) -> &'static Cluster {
    let port = node_of(client, shop).await;
    let is_it = |node: &&Cluster| i32::from(node.port()) == port;
    CLUSTER.workers().iter().find(is_it).unwrap()
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
