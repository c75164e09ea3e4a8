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

#[tokio::test]
async fn announcements_stay_in_order_when_their_shop_moves() {
    let test = TestDb::new().await;
    let shops = one_on_each(&test).await;
    let mut ports = Vec::new();
    for code in &shops {
        ports.push(port_of(&test.owner, code).await);
    }
    // Each node numbers in a range of its own. From the higher range to the lower one.
    let next = async |port: u16| {
        let node = connect(&worker(&CLUSTER, port).url(SUPERUSER, test.name())).await;
        let next = "select nextval('holdfast.outbox_numbers')";
        let number: i64 = node.query_one(next, &[]).await.unwrap().get(0);
        (number, node)
    };
    let ((first, one), (second, other)) = (next(ports[0]).await, next(ports[1]).await);
    let (code, from, to, old, new) = match first > second {
        true => (&shops[0], ports[0], ports[1], one, other),
        false => (&shops[1], ports[1], ports[0], other, one),
    };
    let order = *new_id().as_uuid();
    announce(&old, code, "order.paid", &order).await;
    test.sql(&format!(
        "select citus_move_shard_placement(
            get_shard_id_for_distribution_column('holdfast.shops', '{code}'),
            '127.0.0.1', {from}, '127.0.0.1', {to}, 'block_writes')"
    ))
    .await;
    assert_eq!(port_of(&test.owner, code).await, to);
    announce(&new, code, "order.cancelled", &order).await;

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
