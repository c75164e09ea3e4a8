//! A person reads by SQL on the coordinator.

use local::postgres::SUPERUSER;
use local::roles::{MIGRATOR, READONLY};
use tests::{CLUSTER, TestDb, connect};

use crate::{UNITS, shops_on_two_nodes};

/// Citus reads a view with the reader's own rights on the shards.
#[tokio::test]
async fn a_person_reads_the_views_through_the_coordinator() {
    let test = TestDb::new().await;
    let shops = shops_on_two_nodes(&test).await;
    let reader = test.session_of(READONLY).await;
    let sum = "select coalesce(sum(l.on_hand), 0) from skus k join stock_levels l using (shop, sku)
        where k.title = 'A dress'";
    assert_eq!(tests::count(&reader, sum).await, i64::from(2 * UNITS));
    let one = format!("set holdfast.shop = '{}'", shops[0]);
    reader.batch_execute(&one).await.unwrap();
    assert_eq!(tests::count(&reader, sum).await, i64::from(UNITS));

    // Each view; and nothing else.
    let views = "select c.oid::regclass::text from pg_class c
        where c.relnamespace = 'holdfast_read'::regnamespace and c.relkind = 'v'";
    let views = test.owner.query(views, &[]).await.unwrap();
    assert!(views.len() >= 20, "{}", views.len());
    for view in &views {
        let query = format!("select count(*) from {}", view.get::<_, String>(0));
        tests::count(&reader, &query).await;
    }
    for refused in [
        "select from holdfast.shops",
        "select from holdfast.stock_read('main', 'DRESS')",
    ] {
        assert!(reader.batch_execute(refused).await.is_err(), "{refused}");
    }

    // The control: the view as the migration makes it, until the next distribution.
    let owner = "set role holdfast_owner; set client_min_messages = error";
    test.owner.batch_execute(owner).await.unwrap();
    let plain = "create or replace view holdfast_read.order_restocks as
        select shop, return_id, order_id, created_at from holdfast.order_restocks";
    test.owner.batch_execute(plain).await.unwrap();
    let read = "select count(*) from order_restocks";
    assert!(reader.query_one(read, &[]).await.is_err());
    let mut owner = connect(&CLUSTER.url(SUPERUSER, test.name())).await;
    distribute::run(&mut owner, Some(4)).await.unwrap();
    assert_eq!(tests::count(&reader, read).await, 0);
}

/// As on PostgreSQL alone, `holdfast_migrator` is a member of the owner. Only the owner's sessions
/// reach the other nodes.
#[tokio::test]
async fn a_person_reads_every_table_as_the_owner() {
    let test = TestDb::new().await;
    shops_on_two_nodes(&test).await;
    let person = test.session_of(MIGRATOR).await;
    let read = "select count(*) from holdfast.shops";
    assert!(person.query_one(read, &[]).await.is_err());
    person
        .batch_execute("set role holdfast_owner")
        .await
        .unwrap();
    // `main`, and one on each node
    assert!(tests::count(&person, read).await >= 3);
}
