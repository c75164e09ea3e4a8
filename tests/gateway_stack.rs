//! Payments at simulated gateways, with every function a real process.

use gateway::{Gateways, NewOrder};
use local::stack::demo_secret;
use serde_json::json;
use shared::payment::Gateway;
use tests::gateways::{Control, configuration, patience};
use tests::shopper::Shopper;
use tests::stack::{STACK, assert_promises_kept, owner};
use tests::{shop, until};

/// The shopper orders, and the storefront makes the gateway's order; its id there.
async fn ordered(shopper: &Shopper, gateway: Gateway) -> String {
    shopper.begin(1).await;
    let order = shopper.ordered().await;
    let settings = configuration(
        "dress",
        &STACK.gateways_url,
        "local-dress",
        &demo_secret("dress"),
    );
    let gateways = Gateways::parse(&settings, patience()).unwrap();
    let new = NewOrder {
        reference: order["payment"]["reference"].as_str().unwrap().to_owned(),
        amount_minor: order["total_minor"].as_i64().unwrap(),
        currency: order["currency"].as_str().unwrap().to_owned(),
        customer: "c-1".to_owned(),
        phone: "9999999999".to_owned(),
        expires_at: None,
    };
    let api = gateways.of(&shop("dress"), gateway).unwrap();
    api.create_order(&new).await.unwrap().gateway_order_id
}

async fn is_paid(shopper: &Shopper) -> bool {
    shopper.read_order().await.ok(200)["status"] == "paid"
}

/// Scenario 2 (a webhook and a look-up tell of one payment) and scenario 26 (no webhook comes).
#[tokio::test]
async fn a_payment_is_known_by_its_webhooks_or_without_them_and_counts_once() {
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
            // its hold ends in a moment
            shopper.age(60, -200).await;
            STACK.sweep().await.unwrap();
            assert!(is_paid(&shopper).await, "{gateway}, lost: {lost}");
            STACK.sweep().await.unwrap();
            assert_eq!(shopper.level().await, (4, 0), "{gateway}");
        }
        control.faults(gateway, &json!({})).await;
    }
    assert_promises_kept(&owner(&STACK).await).await;
}
