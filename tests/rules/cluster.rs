//! Calls about a shop go to the node of a cluster that owns it, and work over all shops goes to
//! each node. Here one server plays coordinator and nodes, behind wires of their own, and a table
//! says where the shops are.

use std::time::{Duration, Instant};

use gateways::Gateways;
use holdfast_sweeper::gateway_round::{Plan, round};
use holdfast_sweeper::shop_sweep::ShopSweep;
use holdfast_sweeper::sweep::{self, SweepReport};
use local::roles::{CHECKOUT, SWEEPER};
use operations::checkout::{self, BeginError, Begun};
use operations::db::{Database, DatabaseConfig, Failure};
use operations::ids::CheckoutId;
use operations::order::{self, Create, Created, Order};
use operations::payment::{self, EventKind, Gateway, Outcome};
use operations::{outbox, subscriber};
use tests::outbox::Mailbox;
use tests::wire::Wire;
use tests::{
    CLUSTER, MAIN, TestDb, begin_request, event, gateways as simulated, new_id, order_request,
    shop, until,
};

const OTHER: &str = "other";
/// A port that takes no connection.
const NOBODY: u16 = 1;

/// Two shops on two nodes, and a coordinator.
struct Nodes {
    test: TestDb,
    coordinator: Wire,
    first: Wire,
    second: Wire,
    db: Database,
    sweeper: Database,
}

impl Nodes {
    async fn new() -> Self {
        let test = TestDb::new().await;
        test.shop(OTHER).await;
        for code in [MAIN, OTHER] {
            test.sku_of(code, "A", 99).await;
        }
        test.sql(
            "create table public.places (shop text primary key, port integer);
            grant select on public.places to holdfast_owner;
            create or replace function holdfast.shop_node(
                p_shop text, out o_host text, out o_port integer)
            language sql stable security definer as $$
                select '127.0.0.1', p.port from public.places p where p.shop = p_shop
            $$;
            create or replace function holdfast.shop_list()
                returns table (o_shop text, o_host text, o_port integer)
            language sql stable security definer as $$
                select c.shop, '127.0.0.1', p.port
                from holdfast.shop_codes c join public.places p on p.shop = c.shop
            $$",
        )
        .await;
        let coordinator = Wire::new(&CLUSTER).await;
        let (first, second) = (Wire::new(&CLUSTER).await, Wire::new(&CLUSTER).await);
        let pool_of = |role| {
            let config = DatabaseConfig::parse("test", |name| match name {
                "DATABASE_URL" => Some(coordinator.url(role, test.name())),
                "DATABASE_TLS" => Some("off".to_owned()),
                "DATABASE_CLUSTER" => Some("citus".to_owned()),
                _ => None,
            });
            Database::new(&config.unwrap()).unwrap()
        };
        let (db, sweeper) = (pool_of(CHECKOUT), pool_of(SWEEPER));
        let nodes = Self {
            test,
            coordinator,
            first,
            second,
            db,
            sweeper,
        };
        nodes.place(MAIN, nodes.first.port()).await;
        nodes.place(OTHER, nodes.second.port()).await;
        nodes
    }

    async fn place(&self, code: &str, port: u16) {
        self.test
            .sql(&format!(
                "insert into public.places values ('{code}', {port})
                on conflict (shop) do update set port = excluded.port"
            ))
            .await;
    }

    async fn begin_at(&self, db: &Database, code: &str) -> Result<Begun, BeginError> {
        let request = checkout::Begin {
            shop: shop(code),
            ..begin_request(new_id(), &[("A", 1)])
        };
        checkout::begin(db, &request).await
    }

    async fn begin(&self, code: &str) {
        let begun = self.begin_at(&self.db, code).await;
        assert!(matches!(begun, Ok(Begun::Placed(_))), "{begun:?}");
    }

    /// Connections that each of them has taken.
    fn opened(&self) -> [usize; 3] {
        [&self.coordinator, &self.first, &self.second].map(Wire::opened)
    }
}

#[tokio::test]
async fn calls_about_a_shop_go_to_its_node() {
    let nodes = Nodes::new().await;
    for code in [MAIN, OTHER, MAIN, OTHER] {
        nodes.begin(code).await;
        // a call like any other
        let none = order::read(&nodes.db, &shop(code), new_id(), None).await;
        assert!(matches!(none, Ok(None)), "{none:?}");
    }
    // the coordinator was only asked
    assert_eq!(nodes.opened(), [1, 1, 1]);
    // a shop that the coordinator does not know goes to the coordinator
    let unknown = nodes.begin_at(&nodes.db, "nowhere").await;
    assert!(
        matches!(unknown, Err(BeginError::UnknownShop)),
        "{unknown:?}"
    );
    assert_eq!(nodes.opened(), [1, 1, 1]);
    nodes.test.assert_promises_hold().await;
}

#[tokio::test]
async fn calls_follow_a_shop_that_moves() {
    let nodes = Nodes::new().await;
    nodes.begin(MAIN).await;
    assert_eq!(nodes.opened(), [1, 1, 0]);
    nodes.place(MAIN, nodes.second.port()).await;
    until("the calls have followed", async || {
        let none = order::read(&nodes.db, &shop(MAIN), new_id(), None).await;
        assert!(matches!(none, Ok(None)), "{none:?}");
        nodes.opened() == [1, 1, 1]
    })
    .await;
}

#[tokio::test]
async fn a_node_that_is_down_stops_its_own_shops_alone() {
    let nodes = Nodes::new().await;
    nodes.place(MAIN, NOBODY).await;
    let hasty = nodes.db.clone().with_call_timeout(Duration::from_secs(1));
    let refused = nodes.begin_at(&hasty, MAIN).await;
    assert!(
        matches!(refused, Err(BeginError::Failure(Failure::Unavailable(_)))),
        "{refused:?}"
    );
    nodes.begin(OTHER).await;
    // It comes back elsewhere. Nobody waits until the old answer is too old.
    nodes.place(MAIN, nodes.first.port()).await;
    nodes.begin(MAIN).await;
    assert_eq!(nodes.opened(), [1, 1, 1]);
    nodes.test.assert_promises_hold().await;
}

#[tokio::test]
async fn shops_sell_while_the_coordinator_is_down() {
    let nodes = Nodes::new().await;
    nodes.begin(MAIN).await;
    nodes.coordinator.close();
    // its answer becomes too old, and the coordinator does not answer the next question
    until("it is asked again", async || {
        let none = order::read(&nodes.db, &shop(MAIN), new_id(), None).await;
        assert!(matches!(none, Ok(None)), "{none:?}");
        nodes.coordinator.swallowed() > 0
    })
    .await;
    nodes.begin(MAIN).await;
    // the control: nobody knows where this one is
    let hasty = nodes.db.clone().with_call_timeout(Duration::from_secs(1));
    let lost = nodes.begin_at(&hasty, OTHER).await;
    assert!(
        matches!(lost, Err(BeginError::Failure(Failure::Unavailable(_)))),
        "{lost:?}"
    );
    nodes.test.assert_promises_hold().await;
}

/// Work of every kind in both shops: a due checkout, an announcement, a due delivery, a payment to
/// look up, and a refund that is owed.
async fn work(nodes: &Nodes) {
    for code in [MAIN, OTHER] {
        nodes.test.make_due(nodes.placed(code).await).await;
        let order = nodes.ordered(code).await;
        nodes.test.hold_ends_in(&order, 200).await;
        let order = nodes.ordered(code).await;
        let paid = event(&order, EventKind::Paid, &format!("pay-{code}"));
        let payments = &nodes.test.payments;
        let paid = payment::record_event(payments, &shop(code), Gateway::Stripe, &paid).await;
        assert_eq!(paid.unwrap().outcome, Outcome::Completed);
        let owe =
            "select holdfast.refund_request($1, $2::text::uuid, gen_random_uuid(), '', 'sam', null,
            1000, null, null, null)";
        let order_id = order.order_id.to_string();
        let owed = nodes.test.owner.execute(owe, &[&code, &order_id]).await;
        owed.unwrap();
        nodes
            .test
            .sql(&format!(
                "insert into holdfast.subscribers (shop, name, url, created_at)
                    values ('{code}', 'crm', 'https://crm.example', now());
                insert into holdfast.outbox_messages (shop, topic, subject, body, created_at)
                    values ('{code}', 'stock.low', 'A@1', '{{\"sku\": \"A\"}}', now())"
            ))
            .await;
    }
}

impl Nodes {
    /// A checkout, begun without the nodes.
    async fn placed(&self, code: &str) -> CheckoutId {
        let id = new_id();
        let request = checkout::Begin {
            shop: shop(code),
            ..begin_request(id, &[("A", 1)])
        };
        let begun = checkout::begin(&self.test.db, &request).await;
        assert!(matches!(begun, Ok(Begun::Placed(_))), "{begun:?}");
        id
    }

    /// An order that awaits its payment.
    async fn ordered(&self, code: &str) -> Order {
        let create = Create {
            shop: shop(code),
            ..order_request(self.placed(code).await)
        };
        match order::create(&self.test.db, &create).await.unwrap() {
            Created::New(order) | Created::Same(order) => order,
        }
    }

    async fn sweep(&self) -> SweepReport {
        let swept = sweep::run_once(&self.sweeper, Duration::from_secs(20)).await;
        swept.unwrap()
    }

    /// Does one run of everything. Returns the shops in which each kind of work was done.
    async fn run(&self) -> [Vec<String>; 6] {
        let report = self.sweep().await;
        let shops_where = |done: fn(&ShopSweep) -> bool| {
            let shops = report.shops.iter().filter(|shop| done(shop));
            shops.map(|shop| shop.shop.clone()).collect()
        };
        let expired = shops_where(|shop| shop.expired > 0);
        let checked = shops_where(|shop| shop.changed_s.is_some() && shop.history_s.is_some());
        let mailbox = Mailbox::default();
        let relayed = outbox::run_once(&self.sweeper, &mailbox, Duration::from_secs(20)).await;
        assert_eq!(relayed.unwrap().failure, None);
        let announced = mailbox.arrived().into_iter();
        let announced = announced.filter(|message| message.kind == "stock.low");
        let mut announced: Vec<String> = announced.map(|message| message.shop).collect();
        announced.sort();
        let mut told = subscriber::waiting(&self.sweeper).await.unwrap();
        told.sort();
        let until = tokio::time::Instant::now() + Duration::from_secs(20);
        let plan = Plan::default();
        let round = round(&self.sweeper, &both_at_one_gateway(), &plan, until).await;
        assert_eq!(round.unwrap().stopped, 0);
        let (looked_up, refunded) = (self.looked_up().await, self.refunded().await);
        [expired, announced, told, looked_up, refunded, checked]
    }

    /// The shops whose payments were looked up.
    async fn looked_up(&self) -> Vec<String> {
        let query = "select coalesce(string_agg(p.shop, ' ' order by p.shop), '')
            from holdfast.payments p where p.looked_up_at is not null";
        let shops = self.test.text(query).await;
        shops.split_whitespace().map(str::to_owned).collect()
    }

    /// The shops whose refunds were sent to the gateway, which nobody runs.
    async fn refunded(&self) -> Vec<String> {
        let query = "select coalesce(string_agg(r.shop, ' ' order by r.shop), '')
            from holdfast.refunds r where r.attempts > 0";
        let shops = self.test.text(query).await;
        shops.split_whitespace().map(str::to_owned).collect()
    }
}

/// Accounts of both shops at gateways that nobody runs.
fn both_at_one_gateway() -> Gateways {
    let of = |code| simulated::configuration(code, "http://127.0.0.1:1", "key", "secret");
    let (main, other) = (of(MAIN), of(OTHER));
    let both = format!("{},{}", &main[..main.len() - 1], &other[1..]);
    Gateways::parse(&both, simulated::limits()).unwrap()
}

#[tokio::test]
async fn work_over_all_shops_goes_on_while_a_node_is_down() {
    let nodes = Nodes::new().await;
    work(&nodes).await;
    nodes.place(MAIN, NOBODY).await;
    for done in nodes.run().await {
        assert_eq!(done, [OTHER]);
    }
    // The report names the shop that waits, and does not call it a failure.
    let report = nodes.sweep().await;
    let [waiting] = &report.waiting[..] else {
        panic!("{:?}", report.waiting);
    };
    assert_eq!(waiting.node, format!("127.0.0.1:{NOBODY}"));
    assert_eq!(
        (waiting.shops, &waiting.codes[..]),
        (1, &[MAIN.to_owned()][..])
    );
    assert!(waiting.failure.contains("refused"), "{waiting:?}");
    assert_eq!(report.failure, None);
    let swept: Vec<_> = report.shops.iter().map(|shop| &shop.shop).collect();
    assert_eq!(swept, [OTHER]);
    assert!(report.backlog.is_some() && report.holds.is_some());

    // It comes back: everything is caught up.
    nodes.place(MAIN, nodes.first.port()).await;
    let [expired, announced, told, looked_up, refunded, checked] = nodes.run().await;
    assert_eq!(
        (expired, announced),
        (vec![MAIN.to_owned()], vec![MAIN.to_owned()])
    );
    for done in [told, looked_up, refunded, checked] {
        assert_eq!(done, both());
    }
    assert_eq!(nodes.sweep().await.waiting, []);
    nodes.test.assert_promises_hold().await;
}

fn both() -> Vec<String> {
    vec![MAIN.to_owned(), OTHER.to_owned()]
}

/// The node takes no connection, and sends no refusal. It costs the run three seconds, once.
#[tokio::test]
async fn a_silent_node_does_not_use_up_the_time_of_a_sweep() {
    let nodes = Nodes::new().await;
    work(&nodes).await;
    // the pool has a connection to each node
    assert_eq!(nodes.sweep().await.waiting, []);
    work_again(&nodes).await;
    nodes.first.close();
    let since = Instant::now();
    let report = nodes.sweep().await;
    assert!(
        since.elapsed() < Duration::from_secs(15),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(report.waiting.len(), 1);
    assert_eq!(report.shops.last().map(|shop| shop.expired), Some(1));
    assert!(!report.out_of_time);
}

/// One more due checkout in each shop.
async fn work_again(nodes: &Nodes) {
    for code in [MAIN, OTHER] {
        nodes.test.make_due(nodes.placed(code).await).await;
    }
}

/// A process that has once seen the list sweeps on.
#[tokio::test]
async fn sweeps_go_on_while_the_coordinator_is_down() {
    let nodes = Nodes::new().await;
    work(&nodes).await;
    assert_eq!(nodes.sweep().await.waiting, []);
    work_again(&nodes).await;
    nodes.coordinator.close();
    let report = nodes.sweep().await;
    let expired: Vec<i32> = report.shops.iter().map(|shop| shop.expired).collect();
    assert_eq!(expired, [1, 1]);
    let [waiting] = &report.waiting[..] else {
        panic!("{:?}", report.waiting);
    };
    assert_eq!(
        (waiting.node.as_str(), waiting.shops),
        ("the coordinator", 0)
    );
}

/// A question that gets no answer takes a second, so a run with a question for each shop would end
/// after a few of them.
#[tokio::test]
async fn a_run_does_not_ask_a_silent_coordinator_about_each_shop() {
    let nodes = Nodes::new().await;
    nodes.sweeper.for_run().await.unwrap();
    nodes.coordinator.lose();
    let listed = Instant::now();
    let run = nodes.sweeper.for_run().await.unwrap();
    // each place is too old by now, so that a call outside of a run would ask
    assert!(listed.elapsed() > Duration::from_secs(5));
    let swallowed = nodes.coordinator.swallowed();
    for code in [MAIN, OTHER] {
        let expired = operations::sweep::expire(&run, code, &[]).await;
        assert!(expired.is_ok(), "{expired:?}");
    }
    assert_eq!(nodes.coordinator.swallowed(), swallowed);
}

impl Nodes {
    /// Listing the waiting announcements takes so long where the first shop is.
    async fn list_slowly(&self, seconds: f32) {
        let slow = format!(
            "create or replace function holdfast.outbox_waiting(p_shops text[] default null)
                returns setof text
            language plpgsql security definer set search_path = holdfast, pg_temp as $$ begin
                if p_shops[1] = '{MAIN}' then
                    perform pg_sleep({seconds});
                end if;
            end $$"
        );
        self.test.sql(&slow).await;
    }
}

/// The shops of a node are asked for in several statements. Together they have the time of one.
#[tokio::test]
async fn a_node_of_many_shops_has_no_more_time_than_another() {
    let nodes = Nodes::new().await;
    nodes.list_slowly(1.2).await;
    let many = format!(
        "create or replace function holdfast.shop_list()
            returns table (o_shop text, o_host text, o_port integer)
        language sql stable security definer as $$
            select '{MAIN}', '127.0.0.1', {} from generate_series(1, 1500)
        $$",
        nodes.first.port()
    );
    nodes.test.sql(&many).await;
    let call_timeout = Duration::from_secs(3);
    let run = nodes.sweeper.clone().with_call_timeout(call_timeout);
    let run = run.for_run().await.unwrap();
    let relayed = outbox::run_once(&run, &Mailbox::default(), Duration::from_secs(20)).await;
    assert!(relayed.is_err(), "{relayed:?}");
}

/// A failure of one shop ends no work of another, on one server either.
#[tokio::test]
async fn a_shop_whose_refunds_fail_stops_no_other() {
    let nodes = Nodes::new().await;
    work(&nodes).await;
    let broken = "create or replace function holdfast.refund_claim(p_shop text, p_limit integer,
            out o_refund_id uuid, out o_reference text, out o_gateway text,
            out o_gateway_payment_id text, out o_amount_minor bigint, out o_currency text,
            out o_reason text, out o_attempts integer)
        returns setof record language plpgsql security definer
        set search_path = holdfast, pg_temp as $$ begin
            if p_shop = 'main' then
                raise exception 'this shop is broken';
            end if;
        end $$";
    nodes.test.sql(broken).await;
    let until = tokio::time::Instant::now() + Duration::from_secs(20);
    let (db, plan) = (&nodes.test.sweeper, Plan::default());
    let done = round(db, &both_at_one_gateway(), &plan, until).await;
    assert_eq!(done.unwrap().stopped, 1);
    assert_eq!(nodes.looked_up().await, [OTHER]);
}

/// A batch has events of many shops: after the first one of a node that is down the others of this
/// node take no time.
#[tokio::test]
async fn a_batch_asks_a_node_that_is_down_for_a_few_seconds_once() {
    let nodes = Nodes::new().await;
    nodes.place(MAIN, NOBODY).await;
    let read = async |db: &Database, code: &str| {
        let since = Instant::now();
        let none = order::read(db, &shop(code), new_id(), None).await;
        (none.is_ok(), since.elapsed())
    };
    let batch = nodes.db.for_batch();
    let (answered, took) = read(&batch, MAIN).await;
    assert!(!answered && took < Duration::from_secs(7), "{took:?}");
    let (answered, took) = read(&batch, MAIN).await;
    assert!(!answered && took < Duration::from_secs(1), "{took:?}");
    assert!(read(&batch, OTHER).await.0);
    // the next batch asks again
    nodes.place(MAIN, nodes.first.port()).await;
    assert!(read(&nodes.db.for_batch(), MAIN).await.0);
}
