//! The nasty situations once for each gateway, by events that the gateway itself makes.

use holdfast_sweeper::gateway_round::{Plan, round};
use operations::lookup::Limits;
use operations::order::Order;
use operations::payment::{Gateway, Outcome};
use operations::refund::Request;
use serde_json::json;
use tests::gateways::{Sim, new_order};
use tests::refund::ask_for;
use tests::{PRICE_MINOR, TestDb, cart};
use tokio::time::{Duration, Instant};

use crate::rounds::take_in;

const PLAN: Plan = Plan {
    lookups: Limits {
        batch_max: 100,
        before_s: 0,
        after_s: 0,
        pending_s: 3_600,
        again_s: 3_600,
    },
    close_before_s: 0,
};

/// An order that somebody has the gateway take on for another sum; it is paid there.
async fn paid_as(test: &TestDb, sim: &Sim, gateway: Gateway, minor: i64, currency: &str) -> Order {
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let mut new = new_order(&order);
    new.amount_minor = minor;
    new.currency = currency.to_owned();
    let made = sim.api(gateway).create_order(&new).await.unwrap();
    sim.pay(&made.gateway_order_id).await;
    order
}

/// Scenario 10.
#[tokio::test]
async fn another_amount_or_currency_is_for_a_person_at_each_gateway() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 100).await;
    let mut held = 0;
    for gateway in Gateway::ALL {
        for (minor, currency) in [
            (PRICE_MINOR + 1, "INR"),
            (PRICE_MINOR - 1, "INR"),
            (PRICE_MINOR, "USD"),
        ] {
            let order = paid_as(&test, &sim, gateway, minor, currency).await;
            held += 1;
            let outcomes = take_in(&test, &sim).await;
            assert!(
                outcomes.contains(&Outcome::Review),
                "{gateway} {minor} {currency}: {outcomes:?}"
            );
            assert!(!outcomes.contains(&Outcome::Completed));
            assert_eq!(test.order_status(&order).await, "review", "{gateway}");
            let (on_hand, holding, _) = test.level("A").await;
            assert_eq!((on_hand, holding), (100, held), "{gateway}");
        }
    }
    test.assert_promises_kept().await;
}

/// Scenario 12: the gateway tells of a refund three times, and the goods came back with it.
#[tokio::test]
async fn goods_come_back_once_however_often_each_gateway_tells_of_their_refund() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    for gateway in Gateway::ALL {
        let tripled = json!({ "webhooks": { "duplicates": 2, "fresh_ids": true } });
        sim.faults(gateway, &tripled).await;
        let order = paid_as(&test, &sim, gateway, PRICE_MINOR, "INR").await;
        assert!(take_in(&test, &sim).await.contains(&Outcome::Completed));
        assert_eq!(test.level("A").await.0, 8, "{gateway}");
        let back = Request {
            restock: Some(cart(&[("A", 1)])),
            ..ask_for(&order, None)
        };
        for _ in 0..2 {
            test.ask(&back).await.unwrap();
        }
        let until = Instant::now() + Duration::from_secs(60);
        let sent = round(&test.sweeper, &sim.gateways, &PLAN, until).await;
        assert_eq!(sent.unwrap().refunds_sent, 1, "{gateway}");
        assert!(take_in(&test, &sim).await.len() >= 3, "{gateway}");
        assert_eq!(test.order_status(&order).await, "refunded", "{gateway}");
        assert_eq!(test.level("A").await.0, 9, "{gateway}");
        assert_eq!(sim.known("refunds", gateway).await.len(), 1, "{gateway}");
    }
    test.assert_promises_kept().await;
}
