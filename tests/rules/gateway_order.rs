//! Orders at gateways: one for each payment, however many requests ask for it, on a real database.

use futures_util::future::join_all;
use gateways::{GatewayError, OpenError, Opening, Phone, open};
use operations::checkout;
use operations::gateway_order::{self, GatewayOrder};
use operations::ids::PaymentReference;
use operations::order::Order;
use operations::payment::Gateway;
use serde_json::json;
use tests::gateways::{Sim, main_shop};
use tests::{MAIN, TestDb, shop};

async fn opened(
    test: &TestDb,
    sim: &Sim,
    order: &Order,
    gateway: Gateway,
) -> Result<GatewayOrder, OpenError> {
    let (shop, phone) = (main_shop(), "9999999999".parse::<Phone>().unwrap());
    let opening = Opening {
        shop: &shop,
        order,
        gateway,
        phone: Some(&phone),
    };
    open(&test.db, &sim.accounts(), &opening).await
}

/// The orders at the gateway that can still be paid.
async fn open_ones(sim: &Sim, gateway: Gateway, order: &Order) -> usize {
    let known = sim.known("orders", gateway).await.into_iter();
    known
        .filter(|one| one["reference"] == order.payment.reference && one["closed"] == false)
        .count()
}

#[tokio::test]
async fn ten_requests_at_once_make_one_order_at_the_gateway() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    for (stored_before, gateway) in Gateway::ALL.into_iter().enumerate() {
        let (_, order) = test.ordered(&[("A", 1)]).await;
        let asked = (0..10).map(|_| opened(&test, &sim, &order, gateway));
        let got = join_all(asked).await;
        let got: Vec<GatewayOrder> = got.into_iter().map(Result::unwrap).collect();
        assert!(got.iter().all(|one| *one == got[0]), "{gateway}: {got:#?}");
        let stored = test
            .count("select count(*) from holdfast.gateway_orders")
            .await;
        assert_eq!(usize::try_from(stored).unwrap(), stored_before + 1);
        assert!(
            sim.known("orders", gateway)
                .await
                .iter()
                .any(|one| { one["id"] == got[0].gateway_order_id.as_str() })
        );
    }
}

/// The gateway makes the order, but its answer is lost.
#[tokio::test]
async fn an_order_made_with_a_lost_answer_is_found_by_the_next_request() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    for gateway in Gateway::ALL {
        let (_, order) = test.ordered(&[("A", 1)]).await;
        sim.faults(gateway, &json!({ "answers_lost": 100 })).await;
        // Razorpay's order is found at once: its client looks for an order before it asks for a new
        // one.
        let found = match opened(&test, &sim, &order, gateway).await {
            Err(OpenError::Gateway(GatewayError::Unavailable { .. })) => false,
            found => found.is_ok(),
        };
        assert_eq!(found, gateway == Gateway::Razorpay, "{gateway}");
        sim.faults(gateway, &json!({})).await;
        let made = opened(&test, &sim, &order, gateway).await.unwrap();
        assert_eq!(made.reference, order.payment.reference);
        assert_eq!(open_ones(&sim, gateway, &order).await, 1, "{gateway}");
    }
}

#[tokio::test]
async fn an_order_that_ends_meanwhile_is_closed_at_its_gateway() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    for gateway in [Gateway::Cashfree, Gateway::Stripe] {
        let (checkout_id, order) = test.ordered(&[("A", 1)]).await;
        let released = checkout::release(&test.db, &main_shop(), checkout_id, None).await;
        released.unwrap();
        let ended = opened(&test, &sim, &order, gateway).await;
        assert!(matches!(ended, Err(OpenError::Ended)), "{ended:?}");
        assert_eq!(open_ones(&sim, gateway, &order).await, 0, "{gateway}");
        let reference = PaymentReference::of_order(&shop(MAIN), &order.order_id);
        let stored = gateway_order::read(&test.db, &shop(MAIN), &reference, gateway).await;
        assert_eq!(stored.unwrap(), None);
    }
}

/// Shortly before the hold ends, the gateway answers with the order that it made before, which is
/// closed.
#[tokio::test]
async fn a_closed_order_is_not_handed_out_again() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    for gateway in Gateway::ALL {
        let (_, order) = test.ordered(&[("A", 1)]).await;
        let made = opened(&test, &sim, &order, gateway).await.unwrap();
        gateway_order::close(&test.db, &main_shop(), gateway, &made.gateway_order_id)
            .await
            .unwrap();
        let again = opened(&test, &sim, &order, gateway).await;
        assert!(
            matches!(again, Err(OpenError::Ended)),
            "{gateway}: {again:?}"
        );
        // Razorpay can't close orders
        let open = usize::from(gateway == Gateway::Razorpay);
        assert_eq!(open_ones(&sim, gateway, &order).await, open, "{gateway}");
    }
}

/// Stripe's sessions live at least half an hour, and a hold may end sooner. Then the session is
/// closed, and ends by itself soon after.
#[tokio::test]
async fn a_session_lives_as_long_as_stripe_demands_and_little_longer_than_the_hold() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    let (_, mut order) = test.ordered(&[("A", 1)]).await;
    order.expires_at_latest = order.server_time + std::time::Duration::from_secs(60);
    let made = opened(&test, &sim, &order, Gateway::Stripe).await.unwrap();
    assert!(made.gateway_order_id.starts_with("cs_"));
    let lives = made.expires_at.unwrap().get() - order.expires_at_latest;
    assert!((1_850..=1_870).contains(&lives.whole_seconds()), "{lives}");
}

/// Stripe's sessions live at most a day, however long the hold is. Then the shopper gets another
/// session.
#[tokio::test]
async fn a_session_of_a_long_hold_ends_within_the_day_that_stripe_allows() {
    let (test, sim) = (TestDb::new().await, Sim::start().await);
    test.sku("A", 9).await;
    for hours in [22, 23, 24, 72] {
        let (_, mut order) = test.ordered(&[("A", 1)]).await;
        order.expires_at_latest = order.server_time + std::time::Duration::from_secs(hours * 3600);
        let made = opened(&test, &sim, &order, Gateway::Stripe).await.unwrap();
        let lives = made.expires_at.unwrap().get() - order.server_time;
        assert!((21..24).contains(&lives.whole_hours()), "{hours}: {lives}");
    }
}
