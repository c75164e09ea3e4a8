//! Payments at simulated gateways. Every function is a real process.

use operations::payment::Gateway;
use serde_json::{Value, json};
use tests::gateways::{Control, Sim};
use tests::shopper::{Shopper, To, guarded};
use tests::stack::{STACK, add, assert_promises_hold, checkout_environment, owner};
use tests::until;
use tokio::sync::Mutex;

/// One test at a time: a gateway's faults affect the whole stack.
static PAYING: Mutex<()> = Mutex::const_new(());

/// Orders, to be paid at a gateway. Returns the id of the order there.
async fn ordered(shopper: &Shopper, gateway: Gateway) -> String {
    shopper.begin(1).await;
    let answer = shopper.order(&paid_at(gateway)).await;
    let made = &answer.ok(201)["gateway_order"];
    assert_eq!(made["gateway"], gateway.as_str());
    made["gateway_order_id"].as_str().unwrap().to_owned()
}

fn paid_at(gateway: Gateway) -> Value {
    json!({ "payment_method": "online", "payment_gateway": gateway, "phone": "9999999999" })
}

/// The data for the gateway's own page or library.
#[tokio::test]
async fn an_order_carries_its_gateways_data_and_a_retry_carries_the_same() {
    for (gateway, data) in [
        (Gateway::Cashfree, vec!["payment_session_id"]),
        (Gateway::Stripe, vec!["client_secret"]),
        (
            Gateway::Razorpay,
            vec!["amount", "currency", "key_id", "order_id"],
        ),
    ] {
        let shopper = Shopper::new(5).await;
        shopper.begin(1).await;
        let order = shopper.order(&paid_at(gateway)).await;
        let made = order.ok(201)["gateway_order"].clone();
        let members: Vec<&String> = made["data"].as_object().unwrap().keys().collect();
        assert_eq!(members, data, "{gateway}");
        // Cashfree ends it by itself; an intent and Razorpay's order stay
        assert_eq!(
            made["expires_at"].is_string(),
            gateway == Gateway::Cashfree,
            "{gateway}: {made}"
        );
        let again = shopper.order(&paid_at(gateway)).await;
        assert_eq!(again.ok(200)["gateway_order"], made);
        // the order itself has none: each request says which gateway it wants
        assert!(shopper.read_order().await.ok(200)["gateway_order"].is_null());
    }
}

#[tokio::test]
async fn a_shopper_may_change_the_gateway_and_a_paid_order_needs_none() {
    let _alone = PAYING.lock().await;
    let control = Control::of(&STACK.gateways_url);
    let shopper = Shopper::new(5).await;
    let first = ordered(&shopper, Gateway::Stripe).await;
    let other = shopper.order(&paid_at(Gateway::Razorpay)).await;
    let other = other.ok(200)["gateway_order"]["gateway_order_id"].clone();
    assert_ne!(other, first);
    control.pay(other.as_str().unwrap()).await;
    until("the webhook is applied", || is_paid(&shopper)).await;
    let paid = shopper.order(&paid_at(Gateway::Stripe)).await;
    assert_eq!(paid.ok(200)["status"], "paid");
    assert!(paid.ok(200)["gateway_order"].is_null());
}

#[tokio::test]
async fn an_order_is_made_while_its_gateway_is_down_and_paid_afterwards() {
    let sim = Sim::start().await;
    let mut environment = checkout_environment(&STACK);
    environment.push(("SHOPS", "dress".to_owned()));
    environment.push(("GATEWAYS", sim.settings("dress")));
    let environment: Vec<(&str, &str)> = environment
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let function = "checkout-with-a-gateway-down";
    add(&STACK, function, local::functions::CHECKOUT, &environment).await;
    let shopper = Shopper::at(To::Function(function), 5).await;
    shopper.begin(1).await;
    sim.faults(Gateway::Razorpay, &json!({ "api": "down" }))
        .await;
    let refused = shopper.order(&paid_at(Gateway::Razorpay)).await;
    sim.faults(Gateway::Razorpay, &json!({})).await;
    let problem = refused.refused(503, "gateway_unavailable");
    assert_eq!(problem.body["gateway"], "razorpay");
    assert_eq!(
        shopper.read_order().await.ok(200)["status"],
        "awaiting_payment"
    );
    assert_eq!(shopper.level().await, (5, 1));
    let again = shopper.order(&paid_at(Gateway::Razorpay)).await;
    assert!(again.ok(200)["gateway_order"]["data"]["order_id"].is_string());
}

/// Refused before an order exists: the cart stays as it is, and may be ordered in another way.
#[tokio::test]
async fn a_gateway_without_an_account_of_the_shop_is_refused_before_the_order() {
    let shopper = Shopper::at(guarded().await, 1).await;
    shopper.begin(1).await;
    let answer = shopper.order(&paid_at(Gateway::Stripe)).await;
    let problem = answer.refused(400, "invalid_request");
    assert_eq!(problem.body["errors"][0]["field"], "payment_gateway");
    shopper.read_order().await.refused(404, "not_found");
    shopper.ordered().await;
}

async fn is_paid(shopper: &Shopper) -> bool {
    shopper.read_order().await.ok(200)["status"] == "paid"
}

/// Scenario 2 (a webhook and a look-up report one payment) and scenario 26 (no webhook comes).
#[tokio::test]
async fn a_payment_is_found_with_or_without_its_webhooks_and_counts_once() {
    let _alone = PAYING.lock().await;
    let control = Control::of(&STACK.gateways_url);
    for gateway in Gateway::ALL {
        let tripled = json!({ "duplicates": 2, "fresh_ids": true, "shuffled": true });
        for webhooks in [tripled, json!({ "lost_percent": 100 })] {
            let lost = webhooks["lost_percent"] == 100;
            control
                .faults(gateway, &json!({ "webhooks": webhooks }))
                .await;
            let shopper = Shopper::new(5).await;
            let id = ordered(&shopper, gateway).await;
            control.pay(&id).await;
            if !lost {
                until("the webhook is applied", || is_paid(&shopper)).await;
            }
            assert_eq!(is_paid(&shopper).await, !lost, "{gateway}");
            // its hold ends in a second
            shopper.age(60, -200).await;
            STACK.sweep().await.unwrap();
            assert!(is_paid(&shopper).await, "{gateway}, lost: {lost}");
            STACK.sweep().await.unwrap();
            assert_eq!(shopper.level().await, (4, 0), "{gateway}");
        }
        control.faults(gateway, &json!({})).await;
    }
    assert_promises_hold(&owner(&STACK).await).await;
}

/// The orders of a shopper at a gateway: whether each is closed there.
async fn closed_there(control: &Control, gateway: Gateway, id: &str) -> bool {
    let orders = control.known("orders", gateway).await;
    let order = orders.iter().find(|order| order["id"] == id);
    order.unwrap()["closed"] == true
}

/// Nobody can pay what nobody holds: without a sweep.
#[tokio::test]
async fn a_release_closes_the_payments_page_at_once() {
    let _alone = PAYING.lock().await;
    let control = Control::of(&STACK.gateways_url);
    let shopper = Shopper::new(5).await;
    let session = ordered(&shopper, Gateway::Stripe).await;
    let other = shopper.order(&paid_at(Gateway::Cashfree)).await;
    let other = other.ok(200)["gateway_order"]["gateway_order_id"].clone();
    let other = other.as_str().unwrap();
    assert!(!closed_there(&control, Gateway::Stripe, &session).await);
    shopper.release().await.ok(200);
    assert!(closed_there(&control, Gateway::Stripe, &session).await);
    assert!(closed_there(&control, Gateway::Cashfree, other).await);
    let open = "select count(*) from holdfast.gateway_orders g
        join holdfast.payments p using (shop, reference) join holdfast.orders o using (order_id)
        where o.checkout_id = $1 and g.closed_at is null";
    let open: i64 = shopper
        .owner
        .query_one(open, &[&shopper.id])
        .await
        .unwrap()
        .get(0);
    assert_eq!(open, 0);
    // a second release asks no gateway
    shopper.release().await.ok(200);
}

/// The gateway does not answer: the release counts, and a sweep closes the order later.
#[tokio::test]
async fn a_release_counts_although_the_gateway_is_down_and_a_sweep_closes_its_order() {
    let _alone = PAYING.lock().await;
    let control = Control::of(&STACK.gateways_url);
    let shopper = Shopper::new(5).await;
    let session = ordered(&shopper, Gateway::Stripe).await;
    control
        .faults(Gateway::Stripe, &json!({ "api": "down" }))
        .await;
    assert_eq!(shopper.release().await.ok(200)["status"], "released");
    control.faults(Gateway::Stripe, &json!({})).await;
    assert!(!closed_there(&control, Gateway::Stripe, &session).await);
    let later = "update holdfast.gateway_orders set close_tried_at = now() - interval '2 minutes'";
    shopper.owner.batch_execute(later).await.unwrap();
    STACK.sweep().await.unwrap();
    assert!(closed_there(&control, Gateway::Stripe, &session).await);
}
