//! Refunds and stored events at the admin API. Each answer is held against openapi.yaml.

use operations::payment::{Event, EventKind, Outcome};
use operations::refund::GatewayAnswer;
use serde_json::{Value, json};
use tests::clerk::Clerk;
use tests::http::Answer;
use tests::refund::{refund_event, settled};
use tests::{PRICE_MINOR, TestDb, event};
use uuid::Uuid;

async fn asked(clerk: &Clerk, order_id: Uuid, body: Value) -> Answer {
    clerk
        .post(&format!("/orders/{order_id}/refunds"), body)
        .await
}

#[tokio::test]
async fn a_clerk_refunds_money_with_its_goods_and_sees_the_status() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 5).await;
    let order = test.paid_order("A", "pi_1").await;
    let refund_id = Uuid::new_v4();
    let body = json!({ "refund_id": refund_id, "amount_minor": 4_000, "note": "torn",
        "restock": [{ "sku": "A", "quantity": 1 }] });
    let first = asked(&clerk, order.order_id, body.clone()).await;
    let refund = &first.ok(201)["refunds"][0];
    assert_eq!(refund["refund_id"], refund_id.to_string());
    assert_eq!(
        (&refund["actor"], &refund["note"]),
        (&json!("clerk"), &json!("torn"))
    );
    assert_eq!(test.level("A").await.0, 5);
    asked(&clerk, order.order_id, body).await.ok(200);
    let other = json!({ "refund_id": refund_id });
    let conflict = asked(&clerk, order.order_id, other).await;
    conflict.refused(409, "refund_conflict");
    let too_much = json!({ "refund_id": Uuid::new_v4(), "amount_minor": 6_001 });
    let refused = asked(&clerk, order.order_id, too_much).await;
    let refused = refused.refused(409, "more_than_captured");
    assert_eq!(refused.body["refundable_minor"], 6_000);
    let goods = json!({ "refund_id": Uuid::new_v4(), "amount_minor": 1,
        "restock": [{ "sku": "A", "quantity": 1 }] });
    let refused = asked(&clerk, order.order_id, goods).await;
    refused.refused(409, "more_than_sold");
    let (_, unpaid) = test.ordered(&[("A", 1)]).await;
    let nothing = json!({ "refund_id": Uuid::new_v4() });
    let refused = asked(&clerk, unpaid.order_id, nothing).await;
    refused.refused(409, "nothing_captured");
    let all = json!({ "refund_id": Uuid::new_v4(), "gateway_payment_id": "pi_1" });
    asked(&clerk, order.order_id, all).await.ok(201);
    let money = clerk
        .get(&format!("/orders/{}/refunds", order.order_id))
        .await;
    assert_eq!(money.ok(200)["status"], "refund_due");
    assert_eq!(money.body["refundable_minor"], 0);
    assert_eq!(money.body["captures"][0]["refunded_minor"], PRICE_MINOR);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_refused_refund_names_its_field() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let order = Uuid::new_v4();
    let id = Uuid::new_v4();
    for (body, field) in [
        (json!({}), "refund_id"),
        (json!({ "refund_id": "4411" }), "refund_id"),
        (
            json!({ "refund_id": id, "amount_minor": 0 }),
            "amount_minor",
        ),
        (
            json!({ "refund_id": id, "amount_minor": 1.5 }),
            "amount_minor",
        ),
        (
            json!({ "refund_id": id, "amount_minor": null }),
            "amount_minor",
        ),
        (
            json!({ "refund_id": id, "gateway_payment_id": "" }),
            "gateway_payment_id",
        ),
        (json!({ "refund_id": id, "restock": [] }), "restock"),
        (json!({ "refund_id": id, "amount": 5 }), "amount"),
    ] {
        let refused = asked(&clerk, order, body).await;
        let text = refused.refused(400, "invalid_request").body.to_string();
        assert!(text.contains(field), "{field}: {text}");
    }
    let body = json!({ "refund_id": id });
    asked(&clerk, order, body).await.refused(404, "not_found");
    clerk
        .get(&format!("/orders/{order}/refunds"))
        .await
        .refused(404, "not_found");
    clerk
        .get("/refunds?status=lost")
        .await
        .refused(400, "invalid_request");
}

/// A failed refund is listed until a clerk has sent it again.
#[tokio::test]
async fn failed_refunds_are_listed_page_by_page_and_retried() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    for n in 0..5 {
        let order = test.paid_order("A", &format!("pi_{n}")).await;
        let body = json!({ "refund_id": Uuid::new_v4() });
        asked(&clerk, order.order_id, body).await.ok(201);
    }
    for sent in test.claimed().await.into_iter().take(3) {
        let result = GatewayAnswer::Failed {
            gateway_refund_id: None,
            error: "insufficient balance".to_owned(),
        };
        test.report(sent.refund_id, &result).await;
    }
    for (query, expected) in [("?limit=2", 5), ("?status=failed&limit=2", 3)] {
        let mut seen = Vec::new();
        let mut next = String::new();
        loop {
            let page = clerk.get(&format!("/refunds{query}{next}")).await;
            let refunds = page.ok(200)["refunds"].as_array().unwrap();
            seen.extend(refunds.iter().map(|refund| refund["refund_id"].to_string()));
            match page.body["next"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => break,
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), expected, "{query}");
    }
    let page = clerk.get("/refunds?status=failed").await;
    let failed = page.ok(200)["refunds"][0].clone();
    assert_eq!(failed["last_error"], "insufficient balance");
    let retry = format!("/refunds/{}/retry", failed["refund_id"].as_str().unwrap());
    assert_eq!(
        clerk.post(&retry, json!({})).await.ok(201)["status"],
        "owed"
    );
    assert_eq!(
        clerk.post(&retry, json!({})).await.ok(200)["status"],
        "owed"
    );
    let page = clerk.get("/refunds?status=failed").await;
    assert_eq!(page.ok(200)["refunds"].as_array().unwrap().len(), 2);
    let id: Uuid = serde_json::from_value(failed["refund_id"].clone()).unwrap();
    test.report(id, &settled("re_1")).await;
    let done = clerk.post(&retry, json!({})).await;
    done.refused(409, "refund_not_failed");
    let nowhere = format!("/refunds/{}/retry", Uuid::new_v4());
    let missing = clerk.post(&nowhere, json!({})).await;
    missing.refused(404, "not_found");
    test.assert_promises_hold().await;
}

/// The history of a purchase includes its money.
#[tokio::test]
async fn a_search_shows_captures_and_refunds() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    let order = test.paid_order("A", "pi_1").await;
    let theirs = refund_event(EventKind::RefundSettled, "pi_1", "re_1", None, 100);
    assert_eq!(test.stripe(&theirs).await, Outcome::Recorded);
    let answer = clerk.get(&format!("/search?q={}", order.order_id)).await;
    let history = &answer.ok(200)["found"][0];
    assert_eq!(history["captures"][0]["refunded_minor"], 100);
    assert_eq!(history["refunds"][0]["reason"], "gateway");
    let topics = history["outbox_messages"].as_array().unwrap().iter();
    let topics: Vec<_> = topics
        .map(|message| message["topic"].as_str().unwrap())
        .collect();
    assert_eq!(topics, ["order.paid", "refund.settled"]);
}

/// An event whose type an earlier release did not know has its effect now.
#[tokio::test]
async fn a_stored_event_is_read_again_by_the_current_adapter() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let body = json!({ "type": "PAYMENT_SUCCESS_WEBHOOK", "data": {
        "order": { "order_id": order.payment.reference, "order_amount": 100.00,
            "order_currency": "INR" },
        "payment": { "cf_payment_id": "77", "payment_status": "SUCCESS" } } });
    let misread = Event::new("old-key".to_owned(), EventKind::Other, body.to_string());
    assert_eq!(test.record(&misread).await.unwrap(), Outcome::Recorded);
    let redrive = async |gateway: &str, key: &str| {
        let body = json!({ "gateway": gateway, "event_key": key });
        clerk.post("/payment-events/redrive", body).await
    };
    let answer = redrive("cashfree", "old-key").await;
    assert_eq!(
        answer.ok(200),
        &json!({ "outcome": "completed", "order_id": order.order_id,
            "contradicts": false })
    );
    assert_eq!(
        redrive("cashfree", "old-key").await.ok(200)["outcome"],
        "duplicate"
    );
    redrive("stripe", "old-key").await.refused(404, "not_found");
    redrive("paypal", "old-key")
        .await
        .refused(400, "invalid_request");
    redrive("cashfree", "")
        .await
        .refused(400, "invalid_request");
    let empty = event(&order, EventKind::Pending, "78");
    assert_eq!(test.record(&empty).await.unwrap(), Outcome::Recorded);
    let unreadable = redrive("cashfree", &empty.key).await;
    unreadable.refused(422, "event_unreadable");
    test.assert_promises_hold().await;
}
