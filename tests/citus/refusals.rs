//! Every node answers a refusal of the schema alike.

use local::postgres::{Cluster, SUPERUSER};
use local::roles::ADMIN;
use operations::db::constraint;
use tests::{CLUSTER, MAIN, TestDb, connect};

use crate::own_node;

/// The name of a constraint comes with the shard's number from the node of the shop, and in the
/// message alone through another node.
#[tokio::test]
async fn every_node_answers_the_refusals_of_the_schema() {
    let test = TestDb::new().await;
    let refusals = test.refusals().await;
    let own = own_node(&test.owner, MAIN).await;
    for node in CLUSTER.workers().iter().chain([&*CLUSTER]) {
        let admin = tests::pool(&node.url(ADMIN, test.name()), 1);
        refusals.assert_known_to(&admin).await;
    }
    // The control: these are the two ways.
    let oversell = "update holdfast.stock_levels set held = on_hand + 1, version = version + 1
        where shop = 'main' and sku = 'FULL'";
    let field = async |node: &Cluster| {
        let session = connect(&node.url(SUPERUSER, test.name())).await;
        let error = session.batch_execute(oversell).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(constraint(error), Some("stock_never_oversold"));
        error.constraint().map(str::to_owned)
    };
    assert!(field(own).await.is_some());
    assert_eq!(field(&CLUSTER).await, None);
    test.assert_promises_hold().await;
}
