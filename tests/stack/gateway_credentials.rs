//! The shops' accounts at gateways, in Secrets Manager: the real functions fetch them with the real
//! SDK, follow a rotation, and never log them.

use std::time::Duration;

use local::functions;
use local::roles::{CHECKOUT, SWEEPER};
use operations::order::Order;
use operations::payment::{self, Event, EventKind, Gateway};
use serde_json::{Value, json};
use tests::gateways::{SECRET, Sim, main_shop, new_order};
use tests::http::{Answer, Call};
use tests::stack::{STACK, add};
use tests::vault::Vault;
use tests::{CLUSTER, MAIN, TestDb, event, until};
use tokio::time::Instant;
use uuid::Uuid;

const NEW: &str = "hunter3";
/// Longer than the pause between two fetches of the accounts.
const PAUSE: Duration = Duration::from_millis(10_100);

/// A database, a gateway, and a function that reads the shop's accounts from a store.
struct Scene {
    test: TestDb,
    sim: Sim,
    vault: Vault<'static>,
    function: &'static str,
}

impl Scene {
    async fn new(function: &'static str, binary: &'static str, role: &str) -> Self {
        let (test, sim) = (TestDb::new().await, Sim::start().await);
        test.sku("A", 99).await;
        let vault = Vault::new(&STACK, &sim.settings(MAIN)).await;
        let database = CLUSTER.url(role, test.name());
        let mut environment = vault.environment("GATEWAYS_SECRET_ARN").to_vec();
        environment.extend([
            ("DATABASE_URL", database.as_str()),
            ("DATABASE_TLS", "off"),
            ("SHOPS", "*"),
            ("LOG_LEVEL", "trace"),
            ("METRICS_STACK", "local"),
        ]);
        add(&STACK, function, binary, &environment).await;
        Self {
            test,
            sim,
            vault,
            function,
        }
    }

    /// First the gateways accept only the new key; then the store has it.
    async fn rotate(&self) {
        for gateway in Gateway::ALL {
            self.sim.rotate(gateway, NEW).await;
        }
        let settings = self.sim.settings_with(MAIN, NEW);
        self.vault.put(&settings).await;
    }

    fn log(&self) -> String {
        let file = STACK.logs.folder.join(format!("{}.log", self.function));
        std::fs::read_to_string(file).unwrap()
    }

    #[track_caller]
    fn assert_no_secret_is_told(&self) {
        let log = self.log();
        assert!(log.len() > 1000, "{log}");
        for secret in [SECRET, NEW] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
    }

    /// A paid order, and a second payment of it that only the gateway knows.
    async fn paid_twice(&self) -> (Order, String) {
        let (_, order) = self.test.ordered(&[("A", 1)]).await;
        self.hears_of(&order, &format!("first of {}", order.order_id))
            .await;
        let new = new_order(&order);
        let made = self.sim.api(Gateway::Razorpay).create_order(&new).await;
        let payment = self.sim.pay(&made.unwrap().gateway_order_id).await;
        (order, payment)
    }

    /// One payment arrives. The second one is owed back.
    async fn hears_of(&self, order: &Order, payment: &str) {
        let paid = Event {
            key: format!("{payment} of {}", order.order_id),
            ..event(order, EventKind::Paid, payment)
        };
        let (db, shop) = (&self.test.payments, main_shop());
        let recorded = payment::record_event(db, &shop, Gateway::Razorpay, &paid).await;
        recorded.unwrap();
    }

    fn path(id: Uuid, rest: &str) -> String {
        format!("/v1/shops/{MAIN}/checkouts/{id}{rest}")
    }

    async fn begins(&self, id: Uuid) -> Answer {
        let body = json!({ "customer": "c", "lines": [{ "sku": "A", "quantity": 1 }] });
        let begin = Call::new("PUT", &Self::path(id, "")).json(&body);
        begin.invoke(&STACK.host, self.function).await
    }

    async fn orders(&self, id: Uuid, gateway: Option<&str>) -> Answer {
        let mut body = json!({ "payment_method": "online" });
        if let Some(gateway) = gateway {
            body["payment_gateway"] = gateway.into();
        }
        let order = Call::new("POST", &Self::path(id, "/order")).json(&body);
        order.invoke(&STACK.host, self.function).await
    }

    async fn sweeps(&self) {
        let invoked = STACK.host.invoke(self.function, b"{}".to_vec());
        invoked.await.unwrap();
    }

    /// Each round that did something: refunds sent, and calls refused.
    fn rounds(&self) -> Vec<(u64, u64)> {
        let log = self.log();
        let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
        let rounds =
            lines.filter(|line: &Value| line["message"] == "finished a round at the gateways");
        let number = |line: &Value, name: &str| line[name].as_u64().unwrap();
        rounds
            .map(|line| {
                let sent = number(&line, "round.refunds_sent");
                (sent, number(&line, "round.unauthorized"))
            })
            .collect()
    }
}

async fn pause() {
    let began = Instant::now();
    until("the store may be asked again", async || {
        began.elapsed() > PAUSE
    })
    .await;
}

#[tokio::test]
async fn a_rotation_of_a_gateways_credentials_fails_one_round_at_most() {
    let function = "sweeper-with-accounts-that-are-rotated";
    let scene = Scene::new(function, functions::SWEEPER, SWEEPER).await;
    let mut payments = Vec::new();
    for _ in 0..4 {
        payments.push(scene.paid_twice().await);
    }
    let mut payments = payments.iter();
    // Its two processes take turns: both still have the old accounts.
    for (order, payment) in payments.by_ref().take(2) {
        scene.hears_of(order, payment).await;
        scene.sweeps().await;
    }
    assert_eq!(scene.rounds(), [(1, 0), (1, 0)]);
    pause().await;
    scene.rotate().await;
    let (order, payment) = payments.next().unwrap();
    scene.hears_of(order, payment).await;
    // Each process is refused once, fetches the new accounts, and uses them the next time.
    for _ in 0..3 {
        scene.sweeps().await;
        scene.test.make_refunds_due().await;
    }
    let (order, payment) = payments.next().unwrap();
    scene.hears_of(order, payment).await;
    scene.sweeps().await;
    assert_eq!(scene.rounds()[2..], [(1, 1), (1, 1), (1, 0), (1, 0)]);
    let settled = "select count(*) from holdfast.refunds where status = 'settled'";
    assert_eq!(scene.test.count(settled).await, 4);
    let made = scene.sim.known("refunds", Gateway::Razorpay).await;
    assert_eq!(made.len(), 4, "{made:#?}");
    scene.assert_no_secret_is_told();
}

#[tokio::test]
async fn a_rotation_of_a_gateways_credentials_fails_no_order() {
    let function = "checkout-with-accounts-that-are-rotated";
    let scene = Scene::new(function, functions::CHECKOUT, CHECKOUT).await;
    for rotated in [false, true] {
        if rotated {
            pause().await;
            scene.rotate().await;
        }
        for _ in 0..4 {
            let id = Uuid::now_v7();
            scene.begins(id).await.ok(201);
            // once for each of the two processes
            for status in [201, 200] {
                let order = scene.orders(id, Some("razorpay")).await;
                assert!(order.ok(status)["gateway_order"].is_object(), "{order:?}");
            }
        }
    }
    assert_eq!(scene.sim.known("orders", Gateway::Razorpay).await.len(), 8);
    let replaced = "the gateways' accounts were replaced by newer ones";
    assert!(scene.log().contains(replaced));
    scene.assert_no_secret_is_told();
}

/// Payments elsewhere and the stock are not affected.
#[tokio::test]
async fn unusable_accounts_stop_only_the_calls_that_need_them() {
    let failure = "the gateways' accounts could not be fetched";
    let checkout = Scene::new("checkout-without-accounts", functions::CHECKOUT, CHECKOUT).await;
    checkout.vault.put(&format!("[\"{SECRET}\"]")).await;
    let id = Uuid::now_v7();
    checkout.begins(id).await.ok(201);
    let refused = checkout.orders(id, Some("stripe")).await;
    refused.refused(503, "unavailable");
    checkout.orders(id, None).await.ok(201);
    assert!(checkout.log().contains(failure));
    assert!(checkout.log().contains("\"GatewayFailures\":1"));
    checkout.assert_no_secret_is_told();

    let sweeper = Scene::new("sweeper-without-accounts", functions::SWEEPER, SWEEPER).await;
    sweeper.vault.put(SECRET).await;
    let (order, payment) = sweeper.paid_twice().await;
    sweeper.hears_of(&order, &payment).await;
    sweeper.sweeps().await;
    assert!(sweeper.log().contains(failure) && sweeper.log().contains("\"swept\""));
    let waits = "select count(*) from holdfast.refunds where status = 'owed'";
    assert_eq!(sweeper.test.count(waits).await, 1);
    sweeper.assert_no_secret_is_told();
    // The secret is repaired: the next call finds out and goes on.
    let settings = sweeper.sim.settings(MAIN);
    sweeper.vault.put(&settings).await;
    until("the refund is sent", async || {
        sweeper.sweeps().await;
        sweeper.test.count(waits).await == 0
    })
    .await;
}
