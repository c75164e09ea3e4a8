//! A purchase over HTTP, against the real function processes. Each answer is held against
//! openapi.yaml as it comes in (tests/support/http.rs).

use serde_json::{Value, json};
use tests::cashfree;
use tests::http::Call;
use tests::shopper::Shopper;
use tests::stack::STACK;
use tests::until;
use uuid::Uuid;

#[tokio::test]
async fn a_purchase_goes_through_every_route() {
    let shopper = Shopper::new(10).await;
    let begun = shopper.begin(2).await;
    assert_eq!(begun["total_minor"], 20_000);
    assert_eq!(
        shopper.put(&shopper.cart(2)).await.ok(200)["expires_at"],
        begun["expires_at"]
    );
    assert_eq!(shopper.read().await.ok(200)["lines"], begun["lines"]);

    let mut larger = shopper.cart(3);
    larger["revision"] = json!(2);
    assert_eq!(shopper.put(&larger).await.ok(200)["total_minor"], 30_000);
    let extend = Call::new("POST", &shopper.path("/extend"));
    let extended = shopper
        .send(extend.clone().json(&json!({ "hold_s": 1500 })))
        .await;
    assert!(extended.ok(200)["expires_at"].as_str() > begun["expires_at"].as_str());
    assert_eq!(
        shopper.send(extend).await.ok(200)["expires_at"],
        extended.body["expires_at"]
    );

    let path = format!("/v1/shops/dress/availability?skus={},NONE", shopper.sku);
    let available = shopper.send(Call::new("GET", &path)).await;
    assert_eq!(available.ok(200)["skus"][0]["available"], 7);
    assert_eq!(available.body["unknown"], json!(["NONE"]));

    let order = shopper.ordered().await;
    assert_eq!(order["total_minor"], 30_000);
    let again = shopper.order(&json!({ "payment_method": "online" })).await;
    assert_eq!(again.ok(200)["order_id"], order["order_id"]);
    assert_eq!(
        shopper.read_order().await.ok(200)["payment"],
        order["payment"]
    );

    pay(&order).await;
    until("the order is paid", async || {
        shopper.read_order().await.ok(200)["status"] == "paid"
    })
    .await;
    assert_eq!(shopper.read().await.ok(200)["status"], "paid");
    assert_eq!(shopper.level().await, (7, 0));
}

#[tokio::test]
async fn a_released_checkout_gives_its_stock_back_once() {
    let shopper = Shopper::new(2).await;
    shopper.begin(2).await;
    shopper.ordered().await;
    for _ in 0..2 {
        assert_eq!(shopper.release().await.ok(200)["status"], "released");
        assert_eq!(shopper.level().await, (2, 0));
    }
    assert_eq!(shopper.read_order().await.ok(200)["status"], "cancelled");
}

#[tokio::test]
async fn an_order_carries_its_address_and_coupon() {
    let shopper = Shopper::new(9).await;
    shopper.begin(5).await;
    let address = json!({
        "recipient": "Meera Nair", "line1": "14 Lotus Lane", "city": "Kochi",
        "postal_code": "682001", "country": "IN",
    });
    let body = json!({
        "payment_method": "online", "coupon": "FIRST500", "address": address, "save_address": true,
    });
    // FIRST500 takes 500.00 off carts of 4000.00 or more.
    shopper.order(&body).await.refused(422, "coupon_refused");
    let mut dear = Shopper::new(1).await;
    let price = "update holdfast.skus set price_minor = 500000 where sku = $1";
    dear.owner.execute(price, &[&dear.sku]).await.unwrap();
    dear.begin(1).await;
    let order = dear.order(&body).await.ok(201).clone();
    assert_eq!(
        (&order["total_minor"], &order["address"]),
        (&json!(450_000), &address)
    );

    dear.sku = shopper.sku.clone();
    dear.id = Uuid::now_v7();
    dear.begin(1).await;
    let saved = json!({ "payment_method": "online", "address_id": order["address_id"] });
    assert_eq!(dear.order(&saved).await.ok(201)["address"], address);
}

#[tokio::test]
async fn the_price_comes_from_the_catalogue_whatever_the_caller_sends() {
    let shopper = Shopper::new(5).await;
    let mut cheap = shopper.cart(1);
    cheap["lines"][0]["price_minor"] = json!(1);
    shopper.put(&cheap).await.names("lines[0].price_minor");
    let mut cheap = shopper.cart(1);
    cheap["total_minor"] = json!(1);
    shopper.put(&cheap).await.names("total_minor");
    assert_eq!(shopper.begin(1).await["lines"][0]["price_minor"], 10_000);
    let body = json!({ "payment_method": "online", "total_minor": 1 });
    shopper.order(&body).await.names("total_minor");
    assert_eq!(shopper.ordered().await["total_minor"], 10_000);
}

/// Every reason for a refused coupon, in the order of the contract.
#[tokio::test]
async fn a_coupon_is_refused_for_each_reason() {
    let shopper = Shopper::new(5).await;
    shopper.begin(1).await;
    let now = "now()";
    for (reason, minimum, from, until, uses_max) in [
        (
            "not_yet_valid",
            "0",
            "now() + interval '1 hour'",
            "null",
            "null",
        ),
        ("expired", "0", "null", now, "0"),
        ("below_minimum", "10001", "null", "null", "0"),
        ("used_up", "10000", "null", "null", "0"),
    ] {
        let code = format!(
            "C-{}",
            &Uuid::new_v4().simple().to_string()[..20].to_uppercase()
        );
        let put = format!(
            "select holdfast.coupon_put('dress', '{code}', 'fixed', 1, {minimum}, {from}, {until}, \
             {uses_max})"
        );
        shopper.owner.batch_execute(&put).await.unwrap();
        let body = json!({ "payment_method": "online", "coupon": code });
        let answer = shopper.order(&body).await;
        assert_eq!(answer.refused(422, "coupon_refused").body["reason"], reason);
    }
    assert_eq!(shopper.read().await.ok(200)["status"], "open");
}

/// Sends the webhook of a successful payment.
async fn pay(order: &Value) {
    let body = cashfree::success(order);
    let webhook = cashfree::webhook("dress", &STACK.secrets["dress"], body);
    webhook.to(&STACK.webhook_url).await.ok(200);
}
