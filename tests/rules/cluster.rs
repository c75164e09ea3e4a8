//! Calls about a shop go to the node of a cluster that owns it. Here one server plays coordinator
//! and nodes, behind wires of their own, and a table says where the shops are.

use std::time::Duration;

use local::roles::CHECKOUT;
use operations::checkout::{self, BeginError, Begun};
use operations::db::{Database, DatabaseConfig, Failure};
use operations::order;
use tests::wire::Wire;
use tests::{CLUSTER, MAIN, TestDb, begin_request, new_id, shop, until};

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
            $$",
        )
        .await;
        let coordinator = Wire::new(&CLUSTER).await;
        let (first, second) = (Wire::new(&CLUSTER).await, Wire::new(&CLUSTER).await);
        let config = DatabaseConfig::parse("test", |name| match name {
            "DATABASE_URL" => Some(coordinator.url(CHECKOUT, test.name())),
            "DATABASE_TLS" => Some("off".to_owned()),
            "DATABASE_CLUSTER" => Some("citus".to_owned()),
            _ => None,
        });
        let db = Database::new(&config.unwrap()).unwrap();
        let nodes = Self {
            test,
            coordinator,
            first,
            second,
            db,
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
