//! Access: shops, customers, tokens, offline payment (scenarios 21 and 29).

use serde_json::{Value, json};
use tests::http::{Answer, Call};
use tests::shopper::{Shopper, To, guarded, send};
use tests::stack::put_sku;
use uuid::Uuid;

/// Every call about one checkout, with valid bodies.
fn calls_about(shop: &str, id: Uuid, cart: &Value) -> Vec<Call> {
    let path = format!("/v1/shops/{shop}/checkouts/{id}");
    let mut larger = cart.clone();
    larger["revision"] = json!(2);
    vec![
        Call::new("GET", &path),
        Call::new("PUT", &path).json(&larger),
        Call::new("POST", &format!("{path}/extend")),
        Call::new("POST", &format!("{path}/order")).json(&json!({ "payment_method": "online" })),
        Call::new("GET", &format!("{path}/order")),
        Call::new("DELETE", &path),
    ]
}

/// The checkout as its own shopper sees it, without times.
async fn state(shopper: &Shopper) -> Value {
    let mut checkout = shopper.read().await.ok(200).clone();
    checkout["server_time"] = Value::Null;
    checkout
}

/// Scenario 29, ids: two shops sell a sku of the same code, and one of them has the checkout.
#[tokio::test]
async fn another_shops_checkout_does_not_exist() {
    let shopper = Shopper::new(5).await;
    put_sku(&shopper.owner, "tour", &shopper.sku, 5).await;
    shopper.begin(2).await;
    let before = state(&shopper).await;
    for call in calls_about("tour", shopper.id, &shopper.cart(1)) {
        let answer = send(To::Api, &call).await;
        // The id is free in the other shop: there it begins a checkout.
        if answer.status == 201 {
            assert_eq!(answer.body["revision"], 2);
            let path = format!("/v1/shops/tour/checkouts/{}", shopper.id);
            send(To::Api, &Call::new("DELETE", &path)).await.ok(200);
        } else if answer.status != 200 && answer.status != 409 {
            answer.refused(404, "not_found");
        }
    }
    assert_eq!(state(&shopper).await, before);
    assert_eq!(shopper.level().await, (5, 2));
    assert_eq!(
        tests::stack::level(&shopper.owner, "tour", &shopper.sku).await,
        (5, 0)
    );
}

/// Scenario 29, credentials: a deployment, or a token, for one shop only.
#[tokio::test]
async fn a_shop_out_of_the_callers_reach_does_not_exist() {
    let shopper = Shopper::new(5).await;
    put_sku(&shopper.owner, "tour", &shopper.sku, 5).await;
    let theirs = Shopper {
        shop: "tour",
        ..shopper.rival().await
    };
    theirs.begin(2).await;
    let before = state(&theirs).await;
    let claims = json!({ "sub": "c-1", "shops": "dress other" });
    let availability = format!("/v1/shops/tour/availability?skus={}", shopper.sku);
    let mut calls = calls_about("tour", theirs.id, &theirs.cart(1));
    calls.push(Call::new("GET", &availability));
    for call in calls {
        send(guarded().await, &call).await.refused(404, "not_found");
        let with_token = call.claims(claims.clone());
        let answer = send(To::Function("holdfast-checkout"), &with_token).await;
        assert_eq!(
            answer.refused(404, "not_found").body["detail"],
            "There is no such shop."
        );
    }
    // A shop that does not exist looks the same.
    let nowhere = Call::new("GET", "/v1/shops/nowhere/availability?skus=A");
    send(guarded().await, &nowhere)
        .await
        .refused(404, "not_found");
    assert_eq!(state(&theirs).await, before);
}

#[tokio::test]
async fn another_customers_checkout_looks_missing() {
    let shopper = Shopper::new(5).await;
    shopper.begin(2).await;
    let before = state(&shopper).await;
    let missing = Uuid::now_v7();
    let other = json!({ "sub": "somebody-else", "shops": "dress" });
    let cart = json!({ "customer": "c-1", "lines": [{ "sku": shopper.sku, "quantity": 1 }] });
    let theirs = calls_about("dress", shopper.id, &cart);
    let nobodys = calls_about("dress", missing, &cart);
    for (theirs, nobodys) in theirs.into_iter().zip(nobodys) {
        let ways: [&dyn Fn(Call) -> (To, Call); 2] =
            [&|call| (To::Api, call.customer("somebody-else")), &|call| {
                (
                    To::Function("holdfast-checkout"),
                    call.claims(other.clone()),
                )
            }];
        for way in ways {
            let (to, call) = way(theirs.clone());
            let foreign = send(to, &call).await;
            let (to, call) = way(nobodys.clone());
            let absent = send(to, &call).await;
            assert_eq!(without_ids(&foreign), without_ids(&absent));
            // A begin names its customer in the body too, and must not contradict the token.
            let expected = if foreign.code() == "invalid_request" {
                "invalid_request"
            } else {
                "not_found"
            };
            assert_eq!(foreign.code(), expected, "{foreign:#?}");
        }
    }
    assert_eq!(state(&shopper).await, before);
    // The customer, named in either way.
    let read = Call::new("GET", &shopper.path(""));
    send(To::Api, &read.clone().customer("c-1")).await.ok(200);
    let own = read.claims(json!({ "sub": "c-1", "shops": "dress" }));
    send(To::Function("holdfast-checkout"), &own).await.ok(200);
}

fn without_ids(answer: &Answer) -> (u16, Value) {
    let mut body = answer.body.clone();
    body["request_id"] = Value::Null;
    (answer.status, body)
}

/// Scenario 21: an id that another customer uses, or that has another cart, is a conflict. The
/// answer does not say whose it is.
#[tokio::test]
async fn a_checkout_id_in_use_is_a_conflict() {
    let shopper = Shopper::new(5).await;
    shopper.begin(2).await;
    let before = state(&shopper).await;
    let mut other = shopper.cart(2);
    other["customer"] = json!("somebody-else");
    let foreign = shopper.put(&other).await;
    let another_cart = shopper.put(&shopper.cart(1)).await;
    foreign.refused(409, "checkout_conflict");
    another_cart.refused(409, "checkout_conflict");
    assert_eq!(without_ids(&foreign), without_ids(&another_cart));
    let text = without_ids(&foreign).1.to_string();
    assert!(
        !text.contains("c-1") && !text.contains(&shopper.sku),
        "{text}"
    );
    assert_eq!(state(&shopper).await, before);
    assert_eq!(shopper.level().await, (5, 2));
}

#[tokio::test]
async fn a_token_says_who_the_customer_is() {
    let shopper = Shopper::at(To::Function("holdfast-checkout"), 5).await;
    let claims = json!({ "sub": "user-7", "shops": "[tour dress]" });
    let lines = json!([{ "sku": shopper.sku, "quantity": 1 }]);
    let put = |body: Value| {
        Call::new("PUT", &shopper.path(""))
            .json(&body)
            .claims(claims.clone())
    };
    let contradicts = json!({ "customer": "user-8", "lines": lines });
    shopper
        .send(put(contradicts))
        .await
        .refused(400, "invalid_request");
    let begun = shopper.send(put(json!({ "lines": lines }))).await;
    assert_eq!(begun.ok(201)["customer"], "user-7");
    let same = json!({ "customer": "user-7", "lines": lines });
    shopper.send(put(same)).await.ok(200);
    // A header does not override a token.
    let read = Call::new("GET", &shopper.path("")).customer("user-7");
    let stranger = read.claims(json!({ "sub": "user-8", "shops": "dress" }));
    shopper.send(stranger).await.refused(404, "not_found");
    for claims in [
        json!({ "shops": "dress" }),
        json!({ "sub": "", "shops": "dress" }),
    ] {
        let nameless = Call::new("GET", &shopper.path("")).claims(claims);
        shopper.send(nameless).await.refused(400, "invalid_request");
    }
    let shopless = Call::new("GET", &shopper.path("")).claims(json!({ "sub": "user-7" }));
    shopper.send(shopless).await.refused(404, "not_found");
}

/// A deployment without OFFLINE_PAYMENT accepts no offline order. A token needs the scope.
#[tokio::test]
async fn offline_payment_needs_permission() {
    let shopper = Shopper::at(guarded().await, 5).await;
    shopper.begin(1).await;
    let offline = json!({ "payment_method": "offline" });
    shopper
        .order(&offline)
        .await
        .refused(403, "offline_not_allowed");
    let order = Call::new("POST", &shopper.path("/order")).json(&offline);
    for scope in ["", "holdfast:offlinex", "openid"] {
        let claims = json!({ "sub": "c-1", "shops": "dress", "scope": scope });
        // The stack's own function allows it to callers without a token, but not to this token.
        let answer = send(
            To::Function("holdfast-checkout"),
            &order.clone().claims(claims),
        )
        .await;
        answer.refused(403, "offline_not_allowed");
    }
    assert_eq!(shopper.read().await.ok(200)["status"], "open");
    let claims = json!({ "sub": "c-1", "shops": "dress", "scope": "openid holdfast:offline" });
    let sold = send(guarded().await, &order.claims(claims)).await;
    assert_eq!(sold.ok(201)["status"], "paid");
    assert_eq!(shopper.level().await, (4, 0));
}
