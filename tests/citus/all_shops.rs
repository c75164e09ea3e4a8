//! Work over all shops with a real node down, and announcements of a shop that really moves.

use std::time::Duration;

use holdfast_sweeper::sweep::{self, SweepReport};
use local::postgres::{Cluster, ClusterOptions, SUPERUSER};
use local::roles::SWEEPER;
use operations::checkout::{self, Begin, Begun};
use operations::db::{Database, DatabaseConfig};
use operations::{outbox, subscriber};
use tests::outbox::Mailbox;
use tests::{CLUSTER, TestDb, begin_request, connect, new_id, own_cluster, shop};
use tokio_postgres::Client;

const PASSWORD: &str = "of-this-test";
const LONG: Duration = Duration::from_secs(20);

/// The port of the node on which a shop lives.
async fn port_of(client: &Client, shop: &str) -> u16 {
    let query = "select n.o_port from holdfast.shop_node($1) n";
    let port: i32 = client.query_one(query, &[&shop]).await.unwrap().get(0);
    port.try_into().unwrap()
}

fn worker(cluster: &Cluster, port: u16) -> &Cluster {
    let mut workers = cluster.workers().iter();
    workers.find(|worker| worker.port() == port).unwrap()
}

/// A shop on each of the two nodes, with a sku.
async fn one_on_each(test: &TestDb) -> [String; 2] {
    let mut found: Vec<(u16, String)> = Vec::new();
    for nth in 0..100 {
        let code = format!("shop{nth}");
        let port = port_of(&test.owner, &code).await;
        if found.iter().all(|(other, _)| *other != port) {
            test.shop(&code).await;
            test.sku_of(&code, "DRESS", 9).await;
            found.push((port, code));
        }
        if found.len() == 2 {
            break;
        }
    }
    let shops: Vec<String> = found.into_iter().map(|(_, code)| code).collect();
    shops.try_into().expect("the shards are on two nodes")
}

/// The sweeper's pool, which knows of the nodes.
fn sweeper(cluster: &Cluster, test: &TestDb) -> Database {
    let password = format!("alter role {SWEEPER} password '{PASSWORD}'");
    cluster.execute(test.name(), &password).unwrap();
    let url = cluster.tcp_url("127.0.0.1", SWEEPER, PASSWORD, test.name());
    let config = DatabaseConfig::parse("test", |name| match name {
        "DATABASE_URL" => Some(url.clone()),
        "DATABASE_TLS" => Some("off".to_owned()),
        "DATABASE_CLUSTER" => Some("citus".to_owned()),
        _ => None,
    });
    Database::new(&config.unwrap()).unwrap()
}

/// A due checkout, an announcement and a due delivery.
async fn work(test: &TestDb, code: &str) {
    let id = new_id();
    let request = Begin {
        shop: shop(code),
        ..begin_request(id, &[("DRESS", 1)])
    };
    let begun = checkout::begin(&test.db, &request).await;
    assert!(matches!(begun, Ok(Begun::Placed(_))), "{begun:?}");
    test.make_due(id).await;
    let subscribe = "insert into holdfast.subscribers (shop, name, url, created_at)
        values ($1, 'crm', 'https://crm.example', now()) on conflict do nothing";
    test.owner.execute(subscribe, &[&code]).await.unwrap();
    announce(&test.owner, code, "stock.low", new_id().as_uuid()).await;
}

async fn announce(node: &Client, code: &str, topic: &str, order: &uuid::Uuid) {
    let insert = "insert into holdfast.outbox_messages (shop, topic, subject, body, created_at)
        values ($1, $2, $3, jsonb_build_object('order_id', $3::text), now())";
    let subject = order.to_string();
    node.execute(insert, &[&code, &topic, &subject])
        .await
        .unwrap();
}

async fn swept(db: &Database) -> SweepReport {
    sweep::run_once(db, LONG).await.unwrap()
}

/// The shops in which checkouts expired.
fn expired(report: &SweepReport) -> Vec<&str> {
    let shops = report.shops.iter().filter(|shop| shop.expired > 0);
    shops.map(|shop| shop.shop.as_str()).collect()
}

#[tokio::test]
async fn work_over_all_shops_goes_on_while_a_worker_is_stopped() {
    let cluster = own_cluster(ClusterOptions {
        citus_workers: Some(2),
        ..ClusterOptions::default()
    });
    let test = TestDb::on(&cluster).await;
    let [down, up] = one_on_each(&test).await;
    let db = sweeper(&cluster, &test);
    for code in [&down, &up] {
        work(&test, code).await;
    }
    let port = port_of(&test.owner, &down).await;
    let worker = worker(&cluster, port);
    worker.interrupt();

    let report = swept(&db).await;
    assert_eq!(expired(&report), [up.as_str()]);
    assert_eq!(report.failure, None);
    let [waiting] = &report.waiting[..] else {
        panic!("{:?}", report.waiting);
    };
    assert_eq!(waiting.node, format!("127.0.0.1:{port}"));
    assert!(waiting.codes.contains(&down), "{waiting:?}");
    let backlog = report.backlog.unwrap();
    assert!(backlog.unsent_s > 0.0, "{backlog:?}");
    assert_eq!(backlog.roles_changed, 0);
    let mailbox = Mailbox::default();
    outbox::run_once(&db, &mailbox, LONG).await.unwrap();
    assert!(mailbox.arrived().iter().all(|message| message.shop == up));
    assert!(!mailbox.arrived().is_empty());
    assert_eq!(subscriber::waiting(&db).await.unwrap(), [up.clone()]);
    // The list of shops needs every node for a new shop alone.
    test.shop(&up).await;
    let put = "select holdfast.shop_put('another', 'Another', 'INR')";
    assert!(test.owner.execute(put, &[]).await.is_err());

    worker.start_again().unwrap();
    let report = swept(&db).await;
    assert_eq!(
        (expired(&report), &report.waiting[..]),
        (vec![down.as_str()], &[][..])
    );
    outbox::run_once(&db, &mailbox, LONG).await.unwrap();
    assert!(mailbox.arrived().iter().any(|message| message.shop == down));
    test.assert_promises_hold().await;
}

/// A shop and the two nodes between which it will move. Each node numbers announcements in a range
/// of its own, and it moves to the lower one.
async fn to_smaller_numbers(test: &TestDb) -> (String, [u16; 2], [Client; 2]) {
    let mut nodes = Vec::new();
    for code in one_on_each(test).await {
        let port = port_of(&test.owner, &code).await;
        let node = connect(&worker(&CLUSTER, port).url(SUPERUSER, test.name())).await;
        let next = "select nextval('holdfast.outbox_numbers')";
        let number: i64 = node.query_one(next, &[]).await.unwrap().get(0);
        nodes.push((number, code, port, node));
    }
    nodes.sort_by_key(|(number, ..)| *number);
    let [(_, _, to, new), (_, code, from, old)] = nodes.try_into().ok().expect("two nodes");
    (code, [from, to], [old, new])
}

/// Lets a shop announce, move, and announce again about the same order. `between`: SQL before it
/// moves. Returns the order.
async fn announce_around_a_move(test: &TestDb, between: &str) -> (String, uuid::Uuid) {
    let (code, [from, to], [old, new]) = to_smaller_numbers(test).await;
    let subscribe = "insert into holdfast.subscribers (shop, name, url, created_at)
        values ($1, 'crm', 'https://crm.example', now())";
    test.owner.execute(subscribe, &[&code]).await.unwrap();
    let order = *new_id().as_uuid();
    announce(&old, &code, "order.paid", &order).await;
    test.sql(&between.replace("{code}", &code)).await;
    test.sql(&format!(
        "select citus_move_shard_placement(
            get_shard_id_for_distribution_column('holdfast.shops', '{code}'),
            '127.0.0.1', {from}, '127.0.0.1', {to}, 'block_writes')"
    ))
    .await;
    assert_eq!(port_of(&test.owner, &code).await, to);
    announce(&new, &code, "order.cancelled", &order).await;
    (code, order)
}

#[tokio::test]
async fn announcements_stay_in_order_when_their_shop_moves() {
    let test = TestDb::new().await;
    let (_, order) = announce_around_a_move(&test, "select 1").await;
    let db = sweeper(&CLUSTER, &test);
    let mailbox = Mailbox::default();
    outbox::run_once(&db, &mailbox, LONG).await.unwrap();
    let arrived = mailbox.arrived().into_iter();
    let kinds: Vec<String> = arrived
        .filter(|message| message.group == format!("order/{order}"))
        .map(|message| message.kind)
        .collect();
    assert_eq!(kinds, ["order.paid", "order.cancelled"]);
    test.assert_promises_hold().await;
}

/// The topics of an order as a URL gets them, whose first one the queue has had before the move.
async fn delivered_around_a_move(test: &TestDb) -> Vec<String> {
    let sent = "update holdfast.outbox_messages set sent_at = now() where shop = '{code}'";
    let (code, order) = announce_around_a_move(test, sent).await;
    let db = sweeper(&CLUSTER, test);
    let claimed = subscriber::claim(&db, &code, 100)
        .await
        .unwrap()
        .into_iter();
    claimed
        .filter(|delivery| delivery.subject == order.to_string())
        .map(|delivery| delivery.topic)
        .collect()
}

#[tokio::test]
async fn deliveries_stay_in_order_when_their_shop_moves() {
    let kinds = delivered_around_a_move(&TestDb::new().await).await;
    assert_eq!(kinds, ["order.paid", "order.cancelled"]);
}

/// The control of the test above.
#[tokio::test]
async fn numbers_behind_unsent_messages_alone_mix_up_the_deliveries() {
    let test = TestDb::new().await;
    let (all, unsent) = (
        "b.group_key = p_group",
        "b.group_key = p_group and b.sent_at is null",
    );
    test.change_routine("outbox_last_number", &[(all, unsent)])
        .await;
    let kinds = delivered_around_a_move(&test).await;
    assert_eq!(kinds, ["order.cancelled", "order.paid"]);
}
