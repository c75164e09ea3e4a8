//! The base of all tests: one real PostgreSQL for the whole run, one database for each test, cloned
//! from a migrated template, and functions that write the rows of a test.

#![expect(
    clippy::unwrap_used,
    reason = "a test that can't set itself up has to fail"
)]

mod race;
mod routine;
mod rows;

pub mod browser;
pub mod cashfree;
pub mod catalogue;
pub mod checkouts;
pub mod clerk;
pub mod contract;
pub mod coupons;
pub mod desk;
pub mod gateways;
pub mod golden;
pub mod http;
pub mod import;
pub mod kill;
pub mod next_release;
pub mod openapi;
mod openapi_example;
mod openapi_shared;
pub mod orders;
pub mod outbox;
pub mod pages;
pub mod person;
pub mod pooler;
pub mod property;
pub mod proxy;
pub mod queueing;
pub mod refund;
pub mod refusals;
pub mod released;
pub mod rights;
pub mod shopfront;
pub mod shopper;
pub mod shrinkage;
pub mod stack;
pub mod template;
pub mod vault;
pub mod webhooks;
pub mod wire;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use holdfast_sweeper::sweep;
use local::postgres::{Cluster, ClusterOptions, SUPERUSER};
use local::roles::{CHECKOUT, PAYMENTS, SWEEPER};
use operations::checkout::{self, Begin, BeginError, Begun, Cart, Checkout, Line};
use operations::db::DatabaseConfig;
use operations::db::{Database, Failure};
use operations::ids::{CheckoutId, Shop};
use operations::order::{self, Create, CreateError, Created, Order, PaymentMethod, ShipTo};
use operations::payment::{self, Event, EventKind, Gateway, Outcome};
use operations::quantity::{HoldSeconds, Quantity, Revision};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

pub use race::{Blocker, at_once};
pub use routine::{GATE, Routine, SHUT_GATE};
pub use rows::{Rows, assert_commit_refused, refused_by};

/// The template of every test's database.
const TEMPLATE: &str = "holdfast_template";
/// The shop of every test.
pub const MAIN: &str = "main";
/// The price of every sku that [`TestDb::sku`] makes, in minor units.
pub const PRICE_MINOR: i64 = 10_000;
/// The longest wait for something that must happen soon.
const WAIT_MAX: Duration = Duration::from_secs(20);

/// Time for a call of payments in batches: a busy machine must not end it.
pub const CALL_MAX: Duration = Duration::from_secs(20);

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The server of this test run. It ends with the process, however that ends.
pub static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let settings = [("max_connections", "600"), ("deadlock_timeout", "200ms")];
    let cluster = Cluster::start(ClusterOptions {
        settings: settings
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        pooler: pooler::sessions(),
        citus_workers: citus_workers(),
        ..ClusterOptions::default()
    })
    .unwrap();
    make_template(&cluster);
    cluster
});

/// Each test copies every shard of every table.
const SHARDS: u32 = 4;

/// `HOLDFAST_TEST_CITUS`: run the tests on Citus with so many workers, or on one node with 0.
fn citus_workers() -> Option<u16> {
    let workers = std::env::var("HOLDFAST_TEST_CITUS").ok()?;
    Some(workers.parse().unwrap())
}

fn make_template(cluster: &Cluster) {
    cluster.create_database(TEMPLATE, "").unwrap();
    let migrate = async || {
        let mut client = connect(&cluster.url(SUPERUSER, TEMPLATE)).await;
        holdfast_migrate::run(&mut client).await.unwrap();
        if cluster.has_citus() {
            cluster.join_nodes(TEMPLATE).unwrap();
            distribute::run(&mut client, Some(SHARDS)).await.unwrap();
        }
    };
    // On a thread of its own, because the first test that needs it already has a runtime.
    std::thread::scope(|scope| {
        let made = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(migrate());
        });
        made.join().unwrap();
    });
}

/// One connection; it closes when the client is dropped.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// What a test's own SQL needs on Citus: it may change triggers, its `set local` counts on every
/// node, and it may change a table and its rows in one transaction. Elsewhere nobody reads it.
const CITUS: &str = "set citus.enable_unsafe_triggers = on;
    set citus.propagate_set_commands = 'local';
    set citus.multi_shard_modify_mode = 'sequential'";

/// A superuser's connection: sees and writes everything.
async fn superuser(cluster: &Cluster, database: &str) -> Client {
    let client = connect(&cluster.url(SUPERUSER, database)).await;
    client.batch_execute(CITUS).await.unwrap();
    client
}

/// Waits until `check` says yes; fails with `what` when it does not within [`WAIT_MAX`].
pub async fn until<F: Future<Output = bool>>(what: &str, check: impl FnMut() -> F) {
    until_within(WAIT_MAX, what, check).await;
}

/// As [`until`], for something that takes longer on a busy machine.
pub async fn until_within<F: Future<Output = bool>>(
    most: Duration,
    what: &str,
    mut check: impl FnMut() -> F,
) {
    let started = Instant::now();
    while !check().await {
        assert!(started.elapsed() < most, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// One number of a query without parameters.
pub async fn count(session: &Client, query: &str) -> i64 {
    session.query_one(query, &[]).await.unwrap().get(0)
}

/// The name of an empty database, for a test that migrates by itself.
pub async fn empty_database() -> String {
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let maintenance = connect(&CLUSTER.url(SUPERUSER, "postgres")).await;
    maintenance
        .batch_execute(&format!("create database {name}"))
        .await
        .unwrap();
    name
}

async fn copy_template(cluster: &Cluster, name: &str) {
    let maintenance = connect(&cluster.url(SUPERUSER, "postgres")).await;
    let create = format!("create database {name} template {TEMPLATE}");
    let started = Instant::now();
    // A session that has just left the template may still be in its list.
    while let Err(error) = maintenance.batch_execute(&create).await {
        assert!(started.elapsed() < WAIT_MAX, "{error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The database of one test.
pub struct TestDb {
    name: String,
    has_citus: bool,
    /// A superuser's connection: sees and writes everything.
    pub owner: Client,
    /// The checkout function's pool: its role, its retries. Eight connections.
    pub db: Database,
    /// The payments function's pool. Sixteen connections.
    pub payments: Database,
    /// The sweeper's pool. Eight connections.
    pub sweeper: Database,
}

impl TestDb {
    /// A fresh database with the shop `main` in it.
    pub async fn new() -> Self {
        Self::on(&CLUSTER).await
    }

    /// As [`Self::new`], on a server that [`own_cluster`] made for one test.
    pub async fn on(cluster: &Cluster) -> Self {
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        if cluster.has_citus() {
            cluster.copy_database(&name, TEMPLATE).unwrap();
        } else {
            copy_template(cluster, &name).await;
        }
        let owner = superuser(cluster, &name).await;
        owner
            .execute(&shop_put("'main', 'Main'"), &[])
            .await
            .unwrap();
        let pool_of = |role, size| pool(&cluster.url(role, &name), size);
        let db = pool_of(CHECKOUT, 8);
        let (payments, sweeper) = (pool_of(PAYMENTS, 16), pool_of(SWEEPER, 8));
        Self {
            name,
            has_citus: cluster.has_citus(),
            owner,
            db,
            payments,
            sweeper,
        }
    }

    /// This database's name, for `cluster.url(role, name)`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Another pool of the checkout function's role, as of another process.
    pub fn pool(&self, size: usize) -> Database {
        self.pool_of(CHECKOUT, size)
    }

    /// A pool of any role.
    pub fn pool_of(&self, role: &str, size: usize) -> Database {
        pool(&CLUSTER.url(role, &self.name), size)
    }

    /// One more superuser's connection.
    pub async fn session(&self) -> Client {
        superuser(&CLUSTER, &self.name).await
    }

    /// One connection of the checkout function's role.
    pub async fn checkout_session(&self) -> Client {
        self.session_of(CHECKOUT).await
    }

    /// One connection of any role.
    pub async fn session_of(&self, role: &str) -> Client {
        connect(&CLUSTER.url(role, &self.name)).await
    }

    /// A sku of `main` at [`PRICE_MINOR`] with so many units on hand.
    pub async fn sku(&self, sku: &str, units: i32) {
        self.sku_of(MAIN, sku, units).await;
    }

    /// A sku of any shop.
    pub async fn sku_of(&self, shop: &str, sku: &str, units: i32) {
        let put = "select holdfast.sku_put($1, $2, 'A dress', '{}', $3)";
        self.owner
            .execute(put, &[&shop, &sku, &PRICE_MINOR])
            .await
            .unwrap();
        if units > 0 {
            let receive =
                "select holdfast.stock_adjust($1, $2, $3, null, 'received', 'test', 'PO-1')";
            self.owner
                .execute(receive, &[&shop, &sku, &units])
                .await
                .unwrap();
        }
    }

    /// Another shop, in INR.
    pub async fn shop(&self, shop: &str) {
        self.owner
            .execute(&shop_put("$1, $1"), &[&shop])
            .await
            .unwrap();
    }

    /// The counters of a sku of `main`: on_hand, held, version.
    pub async fn level(&self, sku: &str) -> (i32, i32, i64) {
        let query = "select on_hand, held, version from holdfast.stock_levels \
                     where shop = 'main' and sku = $1";
        let row = self.owner.query_one(query, &[&sku]).await.unwrap();
        (row.get(0), row.get(1), row.get(2))
    }

    /// One number of a query without parameters.
    pub async fn count(&self, query: &str) -> i64 {
        count(&self.owner, query).await
    }

    /// The same, added up over all nodes of a cluster.
    async fn count_on_nodes(&self, query: &str) -> i64 {
        if !self.has_citus {
            return self.count(query).await;
        }
        self.count(&format!(
            "select sum(n.result::bigint)::bigint from run_command_on_all_nodes($${query}$$) n"
        ))
        .await
    }

    /// Moves the end of a checkout's hold into the past.
    pub async fn make_due(&self, id: CheckoutId) {
        // now(): Citus takes no clock_timestamp() in an update
        let due = "with checkout as (
                update holdfast.checkouts set expires_at = now() - interval '1 second'
                where checkout_id = $1 returning shop, checkout_id, expires_at)
            update holdfast.holds h set expires_at = c.expires_at from checkout c
            where h.shop = c.shop and h.checkout_id = c.checkout_id and h.status = 'active'";
        self.owner.execute(due, &[id.as_uuid()]).await.unwrap();
        self.reconsider_look_ups().await;
    }

    /// Makes a checkout due and expires it, as a sweep does.
    pub async fn expire(&self, id: CheckoutId) {
        self.make_due(id).await;
        self.sweep().await;
    }

    /// Moves the end of an order's hold to so many seconds from now.
    pub async fn hold_ends_in(&self, order: &Order, seconds: i32) {
        self.sql(&format!(
            "update holdfast.checkouts set expires_at = now() + interval '{seconds} s'
            where checkout_id = '{0}';
            update holdfast.holds h set expires_at = c.expires_at from holdfast.checkouts c
            where c.shop = h.shop and c.checkout_id = h.checkout_id and c.checkout_id = '{0}'
                and h.status = 'active'",
            order.checkout_id
        ))
        .await;
        self.reconsider_look_ups().await;
    }

    /// Moves a column with times by an interval, such as `-29 minutes`, in every row of a table.
    /// Citus runs no `column + interval` in an update: its result depends on the session's zone.
    pub async fn move_times(&self, table: &str, column: &str, by: &str) {
        self.sql(&format!(
            "update holdfast.{table} set {column}
                = ({column} at time zone 'UTC' + interval '{by}') at time zone 'UTC'"
        ))
        .await;
    }

    /// Has the next look-up consider every payment, because the test has changed times.
    pub async fn reconsider_look_ups(&self) {
        self.sql("update holdfast.payments set look_up_at = now()")
            .await;
    }

    /// One sweep.
    pub async fn sweep(&self) -> sweep::SweepReport {
        sweep::run_once(&self.sweeper, Duration::from_secs(20))
            .await
            .unwrap()
    }

    /// Asserts every promise, in every shop.
    pub async fn assert_promises_hold(&self) {
        let rows = self
            .owner
            .query(
                "select promise, violation from holdfast.promises_check(null)",
                &[],
            )
            .await
            .unwrap();
        let broken: Vec<(String, serde_json::Value)> =
            rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        assert!(broken.is_empty(), "broken promises: {broken:#?}");
    }

    /// The promises that are broken in `main`, by name.
    pub async fn broken_promises(&self) -> Vec<String> {
        let query = "select promise from holdfast.promises_check($1)";
        let rows = self.owner.query(query, &[&MAIN]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Begins a checkout of the customer `c`.
    pub async fn begin(&self, id: CheckoutId, lines: &[(&str, i64)]) -> Result<Begun, BeginError> {
        checkout::begin(&self.db, &begin_request(id, lines)).await
    }

    /// Begins a fresh checkout that must be held.
    pub async fn held(&self, lines: &[(&str, i64)]) -> CheckoutId {
        let id = new_id();
        match self.begin(id, lines).await {
            Ok(Begun::Placed(_)) => id,
            other => panic!("not placed: {other:?}"),
        }
    }

    /// Orders a checkout of the customer `c`, to be paid online.
    pub async fn order(&self, id: CheckoutId) -> Result<Order, CreateError> {
        match order::create(&self.db, &order_request(id)).await? {
            Created::New(order) | Created::Same(order) => Ok(order),
        }
    }

    /// Begins and orders: an order that awaits its payment.
    pub async fn ordered(&self, lines: &[(&str, i64)]) -> (CheckoutId, Order) {
        let id = self.held(lines).await;
        let order = self.order(id).await.unwrap();
        (id, order)
    }

    /// Records a gateway's event about `main`.
    pub async fn record(&self, event: &Event) -> Result<Outcome, Failure> {
        let recorded =
            payment::record_event(&self.payments, &shop(MAIN), Gateway::Cashfree, event).await?;
        Ok(recorded.outcome)
    }
}

/// Makes a shop in INR with room for the carts of every test. Its storefront may sell offline.
fn shop_put(names: &str) -> String {
    format!(
        "select holdfast.shop_put({names}, 'INR', p_units_per_cart_max => 1000000000,
            p_units_per_line_max => 1000000000, p_offline_allowed => true)"
    )
}

/// A pool of a function, without TLS.
pub fn pool(url: &str, size: usize) -> Database {
    direct_pool(&pooler::through(url), size)
}

/// The same, around any pooler: for tests of the server's own refusals.
pub fn direct_pool(url: &str, size: usize) -> Database {
    let config = DatabaseConfig::parse("test", |name| match name {
        "DATABASE_URL" => Some(url.to_owned()),
        "DATABASE_TLS" => Some("off".to_owned()),
        "DATABASE_POOL_SIZE" => Some(size.to_string()),
        _ => None,
    });
    let db = Database::new(&config.unwrap()).unwrap();
    // each connection stands for a process
    db.with_begin_calls_max(size)
}

/// A migrated server for one test, which may kill it or change its settings.
pub fn own_cluster(options: ClusterOptions) -> Cluster {
    let pooler = pooler::sessions();
    let cluster = Cluster::start(ClusterOptions { pooler, ..options }).unwrap();
    make_template(&cluster);
    cluster
}

/// A shop's code.
pub fn shop(code: &str) -> Shop {
    code.parse().unwrap()
}

/// A fresh checkout id.
pub fn new_id() -> CheckoutId {
    CheckoutId::from(Uuid::new_v4())
}

/// A cart of (sku, quantity).
pub fn cart(lines: &[(&str, i64)]) -> Cart {
    let line = |(sku, quantity): &(&str, i64)| Line {
        sku: sku.parse().unwrap(),
        quantity: Quantity::try_from(*quantity).unwrap(),
    };
    Cart::new(lines.iter().map(line).collect()).unwrap()
}

/// The customer `c` asks `main` for a cart, revision 1, for the default time.
pub fn begin_request(id: CheckoutId, lines: &[(&str, i64)]) -> Begin {
    Begin {
        shop: shop(MAIN),
        checkout_id: id,
        customer: "c".parse().unwrap(),
        revision: Revision::default(),
        hold: None::<HoldSeconds>,
        cart: cart(lines),
    }
}

/// The customer `c` orders, online, without coupon or address.
pub fn order_request(id: CheckoutId) -> Create {
    Create {
        shop: shop(MAIN),
        checkout_id: id,
        customer: Some("c".parse().unwrap()),
        method: PaymentMethod::Online,
        coupon: None,
        ship_to: ShipTo::Nowhere,
        pay_by: None,
    }
}

/// A gateway's event about an order, with the order's amount, for the payment `payment_id`.
pub fn event(order: &Order, kind: EventKind, payment_id: &str) -> Event {
    Event {
        reference: Some(order.payment.reference.clone()),
        amount_minor: Some(order.total_minor),
        currency: Some(order.currency.clone()),
        gateway_payment_id: Some(payment_id.to_owned()),
        ..Event::new(format!("{kind:?}:{payment_id}"), kind, "{}".to_owned())
    }
}

/// The same payment in another message: the gateway sends it again with another id.
pub fn again(paid: &Event, nth: usize) -> Event {
    Event {
        key: format!("{}:{nth}", paid.key),
        ..paid.clone()
    }
}

/// The checkout of any answer.
pub fn checkout_of(begun: Begun) -> Checkout {
    match begun {
        Begun::Placed(checkout) | Begun::Replaced(checkout) | Begun::Same(checkout) => checkout,
    }
}
