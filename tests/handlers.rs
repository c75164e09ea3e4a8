//! Every route of openapi.yaml over HTTP against the real function processes, and every problem.
//! That each answer has the form which openapi.yaml promises is checked where answers come in.

use serde_json::{Value, json};
use tests::cashfree;
use tests::contract::CONTRACT;
use tests::http::{Answer, Call};
use tests::shopper::{
    Shopper, To, guarded, send, with_useless_gateways, without_database, without_schema,
};
use tests::stack::{STACK, log_of, put_sku};
use tests::until;
use uuid::Uuid;

use crate::{dispatcher, refund_api};

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
async fn an_address_and_a_coupon_come_with_the_order() {
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
async fn the_price_is_the_catalogues_whatever_the_caller_sends() {
    let shopper = Shopper::new(5).await;
    let mut cheap = shopper.cart(1);
    cheap["lines"][0]["price_minor"] = json!(1);
    assert_names(&shopper.put(&cheap).await, "price_minor");
    let mut cheap = shopper.cart(1);
    cheap["total_minor"] = json!(1);
    assert_names(&shopper.put(&cheap).await, "total_minor");
    assert_eq!(shopper.begin(1).await["lines"][0]["price_minor"], 10_000);
    let body = json!({ "payment_method": "online", "total_minor": 1 });
    assert_names(&shopper.order(&body).await, "total_minor");
    assert_eq!(shopper.ordered().await["total_minor"], 10_000);
}

#[tokio::test]
async fn every_problem_of_the_contract_can_happen() {
    for (code, status) in CONTRACT.problems() {
        let answer = provoke(&code).await;
        answer.refused(status, &code);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

/// Brings a problem about; panics for one that it does not know: add it here.
async fn provoke(code: &str) -> Answer {
    let shopper = Shopper::new(5).await;
    match code {
        "invalid_request" => shopper.put(&json!([])).await,
        "unauthorized" => {
            let forged = cashfree::webhook("dress", "not-the-secret", "{}");
            forged.to(&STACK.webhook_url).await
        }
        "not_found" => shopper.read().await,
        "method_not_allowed" => shopper.send(Call::new("PATCH", &shopper.path(""))).await,
        "body_too_large" => {
            let call = Call::new("PUT", &shopper.path("")).bytes(vec![b' '; 64 * 1024 + 1]);
            shopper.send(call).await
        }
        "unknown_sku" => {
            let cart = json!({ "customer": "c", "lines": [{ "sku": "NONE", "quantity": 1 }] });
            shopper.put(&cart).await
        }
        "not_on_sale" => {
            let retire = "update holdfast.skus set retired_at = now() where sku = $1";
            shopper
                .owner
                .execute(retire, &[&shopper.sku])
                .await
                .unwrap();
            let answer = shopper.put(&shopper.cart(1)).await;
            assert_eq!(answer.body["skus"], json!([shopper.sku]));
            answer
        }
        "shortage" => {
            let answer = shopper.put(&shopper.cart(6)).await;
            let short = json!([{ "sku": shopper.sku, "requested": 6, "available": 5 }]);
            assert_eq!(answer.body["shortages"], short);
            answer
        }
        "too_many_checkouts" | "limit_reached" => provoke_limit(code, shopper).await,
        "below_used" => provoke_below_used(&shopper).await,
        "scope_missing"
        | "stock_stale"
        | "below_held"
        | "more_than_on_hand"
        | "movement_conflict"
        | "precondition_failed" => provoke_at_the_office(code, &shopper).await,
        "order_not_offline" | "order_ended" | "order_has_coupon" | "order_stale"
        | "return_conflict" | "order_not_sold" | "more_than_sold" => {
            dispatcher::provoke(code, &shopper).await
        }
        "nothing_captured" | "more_than_captured" | "refund_conflict" | "refund_not_failed"
        | "event_unreadable" => refund_api::provoke(code, &shopper).await,
        "import_closed" | "import_incomplete" | "import_too_large" => provoke_import(code).await,
        "internal" => send(without_schema().await, &begin_call(&shopper)).await,
        "unavailable" => send(without_database().await, &begin_call(&shopper)).await,
        of_checkout => provoke_with_checkout(of_checkout, shopper).await,
    }
}

/// Those of a file.
async fn provoke_import(code: &str) -> Answer {
    let clerk = json!({ "sub": "clerk", "shops": "dress", "scope": "holdfast:admin" });
    let path = format!("/v1/admin/shops/dress/imports/{}", Uuid::new_v4());
    let call = async |method: &str, rest: &str, kind: &str, body: String| {
        let call = Call::new(method, &format!("{path}{rest}"));
        let call = call
            .body(body)
            .header("content-type", kind)
            .claims(clerk.clone());
        send(To::Function("holdfast-admin"), &call).await
    };
    let rows = if code == "import_too_large" { 4_001 } else { 0 };
    let part = "sku\n".to_owned() + &"X\n".repeat(rows);
    for number in 1..=5 {
        let staged = call("PUT", &format!("/parts/{number}"), "text/csv", part.clone()).await;
        assert_eq!(staged.ok(200)["next_part"], number + 1);
    }
    let (parts, mode) = match code {
        "import_incomplete" => (6, "good_rows_only"),
        "import_too_large" => (5, "all_or_nothing"),
        _ => (5, "good_rows_only"),
    };
    let body = json!({ "parts": parts, "mode": mode }).to_string();
    let applied = call("POST", "/apply", "application/json", body).await;
    if code != "import_closed" {
        return applied;
    }
    assert_eq!(applied.ok(200)["status"], "done");
    call("PUT", "/parts/6", "text/csv", part).await
}

/// Those of a shop that limits what one customer may have: a shop of its own, because everybody
/// else in these tests is one customer.
async fn provoke_limit(code: &str, shopper: Shopper) -> Answer {
    let shopper = Shopper {
        shop: "limited",
        ..shopper
    };
    let shop = "insert into holdfast.shops (shop, name, currency, checkouts_per_customer_max)
        values ('limited', 'Limited', 'INR', 1) on conflict do nothing";
    shopper.owner.execute(shop, &[]).await.unwrap();
    put_sku(&shopper.owner, shopper.shop, &shopper.sku, 9).await;
    if code == "limit_reached" {
        let limit = "update holdfast.skus set limit_per_customer = 1
            where shop = 'limited' and sku = $1";
        shopper.owner.execute(limit, &[&shopper.sku]).await.unwrap();
        let answer = shopper.put(&shopper.cart(2)).await;
        let limits = json!([{ "sku": shopper.sku, "allowed": 1 }]);
        assert_eq!(answer.body["limits"], limits);
        return answer;
    }
    shopper.begin(1).await;
    let another = Shopper {
        id: Uuid::new_v4(),
        ..shopper
    };
    another.put(&another.cart(1)).await
}

/// A clerk lowers a coupon to fewer uses than orders hold.
async fn provoke_below_used(shopper: &Shopper) -> Answer {
    let code = format!("C-{}", &shopper.id.simple().to_string().to_uppercase()[4..]);
    let claims = json!({ "sub": "clerk", "shops": "dress", "scope": "holdfast:admin" });
    let put = |uses_max: i32| {
        let body = json!({ "kind": "fixed", "value": 1, "uses_max": uses_max });
        let call = Call::new("PUT", &format!("/v1/admin/shops/dress/coupons/{code}"));
        call.json(&body).claims(claims.clone())
    };
    let office = To::Function("holdfast-admin");
    send(office, &put(1)).await.ok(201);
    shopper.begin(1).await;
    let order = json!({ "payment_method": "online", "coupon": code });
    shopper.order(&order).await.ok(201);
    let answer = send(office, &put(0)).await;
    assert_eq!(
        (&answer.body["uses_held"], &answer.body["uses_consumed"]),
        (&json!(1), &json!(0))
    );
    answer
}

/// Those that only a clerk meets. The shopper's sku has the version 1, and 2 once it is held.
async fn provoke_at_the_office(code: &str, shopper: &Shopper) -> Answer {
    let receive = |delta: i32| {
        let path = format!("/v1/admin/shops/dress/stock/{}/adjust", shopper.sku);
        let scope = if code == "scope_missing" {
            ""
        } else {
            "holdfast:admin"
        };
        let claims = json!({ "sub": "clerk", "shops": "dress", "scope": scope });
        let body = json!({ "delta": delta, "note": "count", "movement_id": shopper.id });
        (Call::new("POST", &path).claims(claims), body)
    };
    let (call, mut body) = receive(-5);
    let office = To::Function("holdfast-admin");
    match code {
        "precondition_failed" => {
            let call = call.json(&body).header("if-match", "\"0\"");
            send(office, &call).await
        }
        "below_held" => {
            shopper.begin(1).await;
            body["expected_version"] = json!(2);
            send(office, &call.json(&body)).await
        }
        "more_than_on_hand" => {
            let shrink = format!("/v1/admin/shops/dress/stock/{}/shrink", shopper.sku);
            let claims = json!({ "sub": "clerk", "shops": "dress", "scope": "holdfast:admin" });
            let body = json!({ "missing": 6, "note": "count", "expected_version": 1 });
            let call = Call::new("POST", &shrink).claims(claims).json(&body);
            send(office, &call).await
        }
        "movement_conflict" => {
            body["expected_version"] = json!(1);
            send(office, &call.json(&body)).await.ok(200);
            let (call, mut other) = receive(-1);
            other["expected_version"] = json!(2);
            send(office, &call.json(&other)).await
        }
        _ => {
            body["expected_version"] = json!(0);
            send(office, &call.json(&body)).await
        }
    }
}

/// Those that need a checkout first.
async fn provoke_with_checkout(code: &str, shopper: Shopper) -> Answer {
    shopper.begin(1).await;
    match code {
        "checkout_conflict" => shopper.put(&shopper.cart(2)).await,
        "stale_revision" => {
            let mut newer = shopper.cart(2);
            newer["revision"] = json!(2);
            shopper.put(&newer).await.ok(200);
            shopper.put(&shopper.cart(1)).await
        }
        "checkout_ended" => {
            shopper.release().await.ok(200);
            shopper.put(&shopper.cart(1)).await
        }
        "checkout_too_old" => {
            shopper.age(1_900, 100).await;
            shopper.order(&json!({ "payment_method": "online" })).await
        }
        "address_unknown" => {
            let body = json!({ "payment_method": "online", "address_id": Uuid::new_v4() });
            shopper.order(&body).await
        }
        "coupon_refused" => {
            let body = json!({ "payment_method": "online", "coupon": "NO-SUCH" });
            let answer = shopper.order(&body).await;
            assert_eq!(answer.body["reason"], "unknown");
            answer
        }
        "offline_not_allowed" => {
            let body = json!({ "payment_method": "offline" });
            let call = Call::new("POST", &shopper.path("/order")).json(&body);
            send(guarded().await, &call).await
        }
        "gateway_refused" | "gateway_unavailable" => {
            let gateway = match code {
                "gateway_refused" => "stripe",
                _ => "razorpay",
            };
            let body = json!({ "payment_method": "online", "payment_gateway": gateway });
            let call = Call::new("POST", &shopper.path("/order")).json(&body);
            let answer = send(with_useless_gateways().await, &call).await;
            assert_eq!(answer.body["gateway"], gateway);
            assert_eq!(shopper.level().await.1, 1);
            answer
        }
        of_order => provoke_with_order(of_order, shopper).await,
    }
}

/// Those that need an order first.
async fn provoke_with_order(code: &str, shopper: Shopper) -> Answer {
    shopper.ordered().await;
    match code {
        "checkout_ordered" => {
            let mut newer = shopper.cart(2);
            newer["revision"] = json!(2);
            shopper.put(&newer).await
        }
        "order_conflict" => shopper.order(&json!({ "payment_method": "offline" })).await,
        "checkout_paid" => {
            let other = shopper.rival().await;
            other.begin(1).await;
            other
                .order(&json!({ "payment_method": "offline" }))
                .await
                .ok(201);
            other.release().await
        }
        unknown => panic!("openapi.yaml has the problem {unknown}, and no test provokes it"),
    }
}

/// Every reason of a refused coupon, in the order that the contract gives them.
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

#[tokio::test]
async fn a_failure_tells_the_caller_nothing_and_the_log_everything() {
    let shopper = Shopper::new(1).await;
    for (to, function, cause) in [
        (
            without_database().await,
            "checkout-without-database",
            "No such file",
        ),
        (
            without_schema().await,
            "checkout-without-schema",
            "holdfast",
        ),
    ] {
        let answer = send(to, &begin_call(&shopper)).await;
        let text = answer.body.to_string().to_lowercase();
        for word in [
            "postgres", "nowhere", "socket", "schema", "relation", "sql", "connect", "src/",
        ] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        if answer.status == 503 {
            assert_eq!(answer.headers["retry-after"], "1");
        }
        let lines = log_of(&STACK, function, answer.request_id());
        let failed = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
        assert!(
            failed["causes"].as_str().unwrap().contains(cause),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn the_request_id_of_an_answer_finds_it_in_the_log() {
    let shopper = Shopper::new(1).await;
    let answers = [
        shopper.put(&shopper.cart(1)).await,
        shopper.put(&json!({})).await,
        shopper.send(Call::new("GET", "/v1/nothing")).await,
    ];
    for answer in answers {
        let id = answer.request_id();
        until("the answer is in the log", async || {
            log_of(&STACK, "holdfast-checkout", id).iter().any(|line| {
                line["message"] == "answered"
                    && line["status"] == answer.status
                    && line["span"]["request.id"] == id
            })
        })
        .await;
    }
    let forged = cashfree::webhook("dress", "not-the-secret", "{}");
    let answer = forged.to(&STACK.webhook_url).await;
    let lines = log_of(&STACK, "holdfast-webhook", answer.request_id());
    let why = lines
        .iter()
        .find(|line| line["message"] == "webhook refused");
    let why = why.unwrap()["why"].as_str().unwrap();
    assert!(why.contains("no configured secret"), "{why}");
    let all = std::fs::read_to_string(STACK.logs.folder.join("holdfast-webhook.log")).unwrap();
    assert!(
        !all.contains(&STACK.secrets["dress"]),
        "a secret is in the log"
    );
}

/// Sends the webhook of a successful payment.
async fn pay(order: &Value) {
    let body = cashfree::success(order);
    let webhook = cashfree::webhook("dress", &STACK.secrets["dress"], body);
    webhook.to(&STACK.webhook_url).await.ok(200);
}

fn begin_call(shopper: &Shopper) -> Call {
    Call::new("PUT", &shopper.path("")).json(&shopper.cart(1))
}

/// The problem says which field is wrong.
#[track_caller]
fn assert_names(answer: &Answer, field: &str) {
    let errors = &answer.refused(400, "invalid_request").body["errors"];
    let named = errors[0]["field"].as_str().unwrap();
    assert!(named.rsplit('.').next() == Some(field), "{field}: {errors}");
}
