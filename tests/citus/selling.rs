//! Shops on different nodes sell exactly what they have.

use local::postgres::{Cluster, SUPERUSER};
use local::roles::CHECKOUT;
use tests::{CLUSTER, TestDb, connect};

use crate::{own_node, rush, shops_on_two_nodes};

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
    let node = own_node(&test.owner, &code).await;
    let direct = tests::pool(&node.url(CHECKOUT, test.name()), 16);
    assert_eq!(rush(&direct, &code).await, 100);
    test.assert_promises_hold().await;
    // A copy of a database has not the settings of the database.
    let mut owner = connect(&CLUSTER.url(SUPERUSER, test.name())).await;
    distribute::run(&mut owner, Some(4)).await.unwrap();
    let way = async |cluster: &Cluster| -> String {
        let session = connect(&cluster.url(CHECKOUT, test.name())).await;
        let way = "select holdfast.early_release_way()";
        session.query_one(way, &[]).await.unwrap().get(0)
    };
    assert_eq!(way(&CLUSTER).await, "off");
    assert_eq!(way(node).await, "message");
}
