//! Problems (RFC 9457): every problem of openapi.yaml, and what a failure shows to the caller and
//! in the log.

use operations::checkout::REPLACEMENTS_MAX;
use operations::refund::REFUNDS_MAX;
use serde_json::{Value, json};
use tests::cashfree;
use tests::contract::CONTRACT;
use tests::http::{Answer, Call};
use tests::shopper::{
    Shopper, To, behind_a_front, guarded, send, with_useless_gateways, without_database,
    without_schema,
};
use tests::stack::{STACK, log_of, put_sku};
use tests::until;
use uuid::Uuid;

#[tokio::test]
async fn every_problem_of_the_contract_can_happen() {
    for (code, status) in CONTRACT.problems() {
        let answer = provoke(&code).await;
        answer.refused(status, &code);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
}

/// Causes a problem. Add a new problem of the contract here.
#[expect(clippy::too_many_lines, reason = "one arm for each problem")]
async fn provoke(code: &str) -> Answer {
    let shopper = Shopper::new(5).await;
    match code {
        "invalid_request" => shopper.put(&json!([])).await,
        "unauthorized" => {
            let forged = cashfree::webhook("dress", "not-the-secret", "{}");
            forged.to(&STACK.webhook_url).await
        }
        "origin_refused" => {
            let around = Call::new("GET", &shopper.path(""));
            send(behind_a_front().await, &around).await
        }
        "not_found" => shopper.read().await,
        "method_not_allowed" => shopper.send(Call::new("PATCH", &shopper.path(""))).await,
        "body_too_large" => {
            let call = Call::new("PUT", &shopper.path("")).bytes(vec![b' '; 64 * 1024 + 1]);
            shopper.send(call).await
        }
        "unsupported_media_type" => {
            let call = Call::new("PUT", &shopper.path("")).body("customer=c");
            let form = "application/x-www-form-urlencoded";
            shopper.send(call.header("content-type", form)).await
        }
        "stock_full" => {
            let receive = json!({ "quantity": 1_000_000_000, "expected_version": 1 });
            ask(admin("POST", &format!("/stock/{}/receive", shopper.sku)).json(&receive)).await
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
        "too_many_units" => {
            let answer = shopper.put(&shopper.cart(21)).await;
            let numbers = ["units", "units_per_cart_max", "units_per_line_max"];
            let numbers = numbers.map(|name| answer.body[name].clone());
            assert_eq!(numbers, [json!(21), json!(100), json!(20)]);
            assert_eq!(answer.body["skus"], json!([shopper.sku]));
            answer
        }
        "too_many_checkouts" | "limit_reached" => provoke_limit(code, shopper).await,
        "below_used" => provoke_below_used(&shopper).await,
        "scope_missing"
        | "stock_stale"
        | "below_held"
        | "more_than_on_hand"
        | "movement_conflict"
        | "precondition_failed"
        | "sale_not_open"
        | "subscriber_disabled" => provoke_at_the_office(code, &shopper).await,
        "order_not_offline" | "order_ended" | "order_has_coupon" | "order_stale"
        | "return_conflict" | "order_not_sold" | "more_than_sold" | "too_many_changes" => {
            provoke_at_the_desk(code, &shopper).await
        }
        "nothing_captured" | "more_than_captured" | "refund_conflict" | "refund_not_failed"
        | "payment_disputed" | "too_many_refunds" | "event_unreadable" | "event_resolved" => {
            provoke_with_refund(code, &shopper).await
        }
        "order_not_in_review" | "nothing_to_accept" | "captured_changed" | "order_unfillable" => {
            provoke_in_review(code, &shopper).await
        }
        "import_closed" | "import_incomplete" | "import_too_large" => provoke_import(code).await,
        "internal" => send(without_schema().await, &shopper.begin_call()).await,
        "unavailable" => send(without_database().await, &shopper.begin_call()).await,
        of_checkout => provoke_with_checkout(of_checkout, shopper).await,
    }
}

/// A call of a clerk of the shop `dress`.
fn admin(method: &str, rest: &str) -> Call {
    let claims = json!({ "sub": "clerk", "shops": "dress", "scope": "holdfast:admin" });
    Call::new(method, &format!("/v1/admin/shops/dress{rest}")).claims(claims)
}

async fn ask(call: Call) -> Answer {
    send(To::Function("holdfast-admin"), &call).await
}

/// Problems of an import.
async fn provoke_import(code: &str) -> Answer {
    let path = format!("/imports/{}", Uuid::new_v4());
    let call = async |method: &str, rest: &str, kind: &str, body: String| {
        let call = admin(method, &format!("{path}{rest}"));
        ask(call.body(body).header("content-type", kind)).await
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

/// Problems of limits. They need a shop of their own, because all these tests use one customer.
async fn provoke_limit(code: &str, shopper: Shopper) -> Answer {
    let shopper = Shopper {
        shop: "limited",
        ..shopper
    };
    let shop = "select holdfast.shop_put('limited', 'Limited', 'INR',
        p_checkouts_per_customer_max => 1)";
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
    let put = |uses_max: i32| {
        let body = json!({ "kind": "fixed", "value": 1, "uses_max": uses_max });
        ask(admin("PUT", &format!("/coupons/{code}")).json(&body))
    };
    put(1).await.ok(201);
    shopper.begin(1).await;
    let order = json!({ "payment_method": "online", "coupon": code });
    shopper.order(&order).await.ok(201);
    let answer = put(0).await;
    assert_eq!(
        (&answer.body["uses_held"], &answer.body["uses_consumed"]),
        (&json!(1), &json!(0))
    );
    answer
}

/// Problems of the stock office. The shopper's sku has version 1, and version 2 once it is held.
async fn provoke_at_the_office(code: &str, shopper: &Shopper) -> Answer {
    let stock = |verb: &str| admin("POST", &format!("/stock/{}/{verb}", shopper.sku));
    let adjust = |delta: i32, version: i64| {
        ask(
            stock("adjust").json(&json!({ "delta": delta, "note": "count",
            "movement_id": shopper.id, "expected_version": version })),
        )
    };
    match code {
        "scope_missing" => {
            let no_scope = json!({ "sub": "clerk", "shops": "dress", "scope": "" });
            ask(stock("adjust").json(&json!({})).claims(no_scope)).await
        }
        "precondition_failed" => {
            let body = json!({ "delta": -5, "note": "count", "movement_id": shopper.id });
            ask(stock("adjust").json(&body).header("if-match", "\"0\"")).await
        }
        "below_held" => {
            shopper.begin(1).await;
            adjust(-5, 2).await
        }
        "more_than_on_hand" => {
            let body = json!({ "missing": 6, "note": "count", "expected_version": 1 });
            ask(stock("shrink").json(&body)).await
        }
        "movement_conflict" => {
            adjust(-5, 1).await.ok(200);
            adjust(-1, 2).await
        }
        "sale_not_open" => {
            let later = "update holdfast.skus set sale_opens_at = now() + interval '1 hour'
                where sku = $1";
            shopper.owner.execute(later, &[&shopper.sku]).await.unwrap();
            ask(admin("POST", &format!("/skus/{}/close", shopper.sku)).json(&json!({}))).await
        }
        "subscriber_disabled" => {
            let put = "select holdfast.subscriber_put('dress', 'gone', 'https://gone.example',
                array['order.paid'])";
            shopper.owner.execute(put, &[]).await.unwrap();
            let gone = "update holdfast.subscribers set disabled_at = now(),
                disabled_why = 'it answered 410 Gone' where name = 'gone'";
            shopper.owner.execute(gone, &[]).await.unwrap();
            let test = json!({ "test_id": Uuid::new_v4() });
            let answer = ask(admin("POST", "/subscribers/gone/test").json(&test)).await;
            ask(admin("DELETE", "/subscribers/gone")).await.ok(200);
            answer
        }
        _ => adjust(-5, 0).await,
    }
}

/// Problems that need a checkout.
#[expect(clippy::too_many_lines, reason = "one arm for each problem")]
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
        "too_many_replacements" => {
            for revision in 2..=REPLACEMENTS_MAX + 2 {
                let mut cart = shopper.cart(i64::from(revision % 2 + 1));
                cart["revision"] = json!(revision);
                let answer = shopper.put(&cart).await;
                if revision == REPLACEMENTS_MAX + 2 {
                    return answer;
                }
                answer.ok(200);
            }
            unreachable!()
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
        "price_changed" => {
            shopper.age(60, 1).await;
            let price = "update holdfast.skus set price_minor = 10001 where sku = $1";
            shopper.owner.execute(price, &[&shopper.sku]).await.unwrap();
            let answer = shopper.order(&json!({ "payment_method": "online" })).await;
            let change =
                json!([{ "sku": shopper.sku, "held_minor": 10_000, "price_minor": 10_001 }]);
            assert_eq!(answer.body["prices"], change);
            answer
        }
        "amount_not_payable" => {
            let price = "update holdfast.holds set price_minor = 49 where sku = $1";
            shopper.owner.execute(price, &[&shopper.sku]).await.unwrap();
            let body = json!({ "payment_method": "online", "payment_gateway": "stripe" });
            let answer = shopper.order(&body).await;
            assert_eq!(answer.body["minimum_minor"], 50);
            shopper.read_order().await.refused(404, "not_found");
            answer
        }
        "gateway_refused" => {
            // its data is refused by the gateway, not by Holdfast
            let body = json!({ "payment_method": "online", "payment_gateway": "cashfree",
                "phone": "12345678" });
            let answer = shopper.order(&body).await;
            let reason = "customer_details.customer_phone_invalid";
            assert_eq!(answer.body["reason"], reason.replace('.', ""));
            assert_eq!(shopper.level().await.1, 1);
            answer
        }
        "gateway_unusable" | "gateway_unavailable" => {
            let gateway = match code {
                "gateway_unusable" => "stripe",
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

/// Problems that need an order.
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

/// Problems of the desk. The shopper's sku has five units.
async fn provoke_at_the_desk(code: &str, shopper: &Shopper) -> Answer {
    let line = |quantity: i32| json!([{ "sku": shopper.sku, "quantity": quantity }]);
    let path = format!("/desk/orders/{}", Uuid::new_v4());
    let mut book = json!({ "customer": "c", "lines": line(2) });
    let amend = admin("PATCH", &path).json(&json!({ "expected_version": 9, "lines": line(1) }));
    let restock = |order: &Value, return_id: Uuid, quantity: i32| {
        let rest = format!("/orders/{}/restock", order["order_id"].as_str().unwrap());
        let body = json!({ "return_id": return_id, "lines": line(quantity) });
        ask(admin("POST", &rest).json(&body))
    };
    match code {
        "order_not_offline" => {
            shopper.begin(1).await;
            shopper.ordered().await;
            let own = admin("DELETE", &format!("/desk/orders/{}", shopper.id));
            return ask(own).await;
        }
        "order_not_sold" => {
            shopper.begin(1).await;
            let order = shopper.ordered().await;
            return restock(&order, Uuid::new_v4(), 1).await;
        }
        "order_has_coupon" => {
            let coupon = "select holdfast.coupon_put('dress', 'DESK', 'fixed', 1, 0, null, null,
                null)";
            shopper.owner.execute(coupon, &[]).await.unwrap();
            book["coupon"] = json!("DESK");
        }
        _ => {}
    }
    let order = ask(admin("PUT", &path).json(&book)).await.ok(201).clone();
    match code {
        "order_ended" => {
            ask(admin("DELETE", &path)).await.ok(200);
            ask(amend).await
        }
        "return_conflict" => {
            let return_id = Uuid::new_v4();
            restock(&order, return_id, 1).await.ok(201);
            restock(&order, return_id, 2).await
        }
        "more_than_sold" => restock(&order, Uuid::new_v4(), 3).await,
        "too_many_changes" => {
            let often = "update holdfast.orders set version = 1000 where order_id::text = $1";
            let id = order["order_id"].as_str().unwrap();
            shopper.owner.execute(often, &[&id]).await.unwrap();
            let refused = restock(&order, Uuid::new_v4(), 1).await;
            assert_eq!(refused.body["code"], code);
            let body = json!({ "expected_version": 1_000, "lines": line(1) });
            ask(admin("PATCH", &path).json(&body)).await
        }
        _ => ask(amend).await,
    }
}

/// Problems of a refund, or of a stored event.
async fn provoke_with_refund(code: &str, shopper: &Shopper) -> Answer {
    let post = |rest: &str, body: Value| ask(admin("POST", rest).json(&body));
    shopper.begin(1).await;
    let order = shopper.ordered().await;
    let refunds = format!("/orders/{}/refunds", order["order_id"].as_str().unwrap());
    let refund_id = Uuid::new_v4();
    let ask = |minor: i64| json!({ "refund_id": refund_id, "amount_minor": minor });
    if code == "nothing_captured" {
        return post(&refunds, ask(1)).await;
    }
    let reference = order["payment"]["reference"].as_str().unwrap();
    shopper
        .owner
        .batch_execute(&format!(
            "call holdfast.payment_record_event('dress', 'razorpay', '{refund_id}', '{reference}',
                'paid', 10000, 'INR', '{refund_id}', '{{}}', null, null, null, null)"
        ))
        .await
        .unwrap();
    match code {
        "more_than_captured" => post(&refunds, ask(10_001)).await,
        "payment_disputed" => {
            let disputed = format!(
                "call holdfast.payment_record_event('dress', 'razorpay', 'd-{refund_id}', null,
                    'disputed', 1, 'INR', '{refund_id}', '{{}}', null, null, null, null)"
            );
            shopper.owner.batch_execute(&disputed).await.unwrap();
            post(&refunds, ask(1)).await
        }
        "too_many_refunds" => {
            for _ in 0..REFUNDS_MAX {
                let one = json!({ "refund_id": Uuid::new_v4(), "amount_minor": 1 });
                post(&refunds, one).await.ok(201);
            }
            post(&refunds, ask(1)).await
        }
        "refund_conflict" => {
            post(&refunds, ask(1)).await.ok(201);
            post(&refunds, ask(2)).await
        }
        "refund_not_failed" => {
            post(&refunds, ask(1)).await.ok(201);
            let settle = "select holdfast.refund_report('dress', $1, 'settled', null, null)";
            shopper.owner.execute(settle, &[&refund_id]).await.unwrap();
            post(&format!("/refunds/{refund_id}/retry"), json!({})).await
        }
        _ => {
            let event = json!({ "gateway": "razorpay", "event_key": refund_id.to_string() });
            let verb = match code {
                "event_resolved" => "dismiss",
                _ => "redrive",
            };
            post(&format!("/payment-events/{verb}"), event).await
        }
    }
}

#[tokio::test]
async fn a_failure_shows_the_caller_nothing_and_logs_its_causes() {
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
        let answer = send(to, &shopper.begin_call()).await;
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
async fn the_request_id_of_an_answer_is_in_the_log() {
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

/// Problems of money in review.
async fn provoke_in_review(code: &str, shopper: &Shopper) -> Answer {
    shopper.begin(1).await;
    let order = shopper.ordered().await;
    let reference = order["payment"]["reference"].as_str().unwrap();
    let currency = if code == "nothing_to_accept" {
        "USD"
    } else {
        "INR"
    };
    let paid = format!(
        "call holdfast.payment_record_event('dress', 'razorpay', '{reference}', '{reference}',
            'paid', 10001, '{currency}', '{reference}', '{{}}', null, null, null, null)"
    );
    if code != "order_not_in_review" {
        shopper.owner.batch_execute(&paid).await.unwrap();
    }
    if code == "order_unfillable" {
        shopper.release().await.ok(200);
        let retire = "update holdfast.skus set retired_at = now() where sku = $1";
        shopper
            .owner
            .execute(retire, &[&shopper.sku])
            .await
            .unwrap();
    }
    let minor = if code == "captured_changed" {
        10_002
    } else {
        10_001
    };
    let body = json!({ "captured_minor": minor, "note": "one too much" });
    let path = format!("/orders/{}/accept", order["order_id"].as_str().unwrap());
    let answer = ask(admin("POST", &path).json(&body)).await;
    if code == "captured_changed" {
        assert_eq!(answer.body["captured_minor"], 10_001);
    }
    answer
}
