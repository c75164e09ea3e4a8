//! The seat desk over HTTP: a dispatcher's day, what is refused, and the recorded actor.

use serde_json::{Value, json};
use tests::clerk::Clerk;
use tests::{PRICE_MINOR, TestDb};
use uuid::Uuid;

fn booking() -> String {
    format!("/desk/orders/{}", Uuid::new_v4())
}

fn party(seats: i64) -> Value {
    json!({ "customer": "Kulkarni", "lines": [{ "sku": "MAY", "quantity": seats }] })
}

fn to(version: i64, sku: &str, seats: i64) -> Value {
    json!({ "expected_version": version, "lines": [{ "sku": sku, "quantity": seats }] })
}

async fn departures() -> (TestDb, Clerk) {
    let test = TestDb::new().await;
    test.sku("MAY", 6).await;
    test.sku("JUNE", 6).await;
    let dispatcher = test.clerk_of("dispatcher-2", "main");
    (test, dispatcher)
}

#[tokio::test]
async fn a_dispatchers_day_goes_through_every_route() {
    let (test, desk) = departures().await;
    let path = booking();
    let booked = desk.put(&path, party(4)).await;
    let order = booked.ok(201).clone();
    assert_eq!(order["placed_by"], "dispatcher-2");
    assert_eq!(order["total_minor"], 4 * PRICE_MINOR);
    let again = desk.put(&path, party(4)).await;
    assert_eq!(again.ok(200)["order_id"], order["order_id"]);

    let refused = desk.patch(&path, to(1, "MAY", 7)).await;
    let short = json!([{ "sku": "MAY", "requested": 7, "available": 6 }]);
    assert_eq!(refused.refused(409, "shortage").body["shortages"], short);
    let six = desk.patch(&path, to(1, "MAY", 6)).await;
    assert_eq!(six.ok(200)["version"], 2);
    let moved = desk.patch(&path, to(2, "JUNE", 6)).await;
    assert_eq!(moved.ok(200)["lines"][0]["sku"], "JUNE");
    let stale = desk.patch(&path, to(2, "MAY", 1)).await;
    assert_eq!(
        stale.refused(409, "order_stale").body["order"]["version"],
        3
    );

    let page = desk.get("/skus/JUNE/manifest").await;
    let page = page.ok(200);
    assert_eq!((&page["sold"], &page["available"]), (&json!(6), &json!(0)));
    assert_eq!(page["rows"][0]["customer"], "Kulkarni");
    assert_eq!(page["rows"][0]["placed_by"], "dispatcher-2");

    let restock = format!("/orders/{}/restock", order["order_id"].as_str().unwrap());
    let lines = json!([{ "sku": "JUNE", "quantity": 1 }]);
    let back = json!({ "return_id": Uuid::new_v4(), "lines": lines, "note": "fell ill" });
    let returned = desk.post(&restock, back.clone()).await;
    assert_eq!(returned.ok(201)["lines"][0]["returned"], 1);
    desk.post(&restock, back.clone()).await.ok(200);
    let mut other_words = back;
    other_words["note"] = json!("moved away");
    desk.post(&restock, other_words)
        .await
        .refused(409, "return_conflict");

    let cancelled = desk.delete(&path).await;
    assert_eq!(cancelled.ok(200)["status"], "cancelled");
    desk.delete(&path).await.ok(200);
    desk.patch(&path, to(5, "MAY", 1))
        .await
        .refused(409, "order_ended");
    assert_eq!(test.level("MAY").await.0, 6);
    assert_eq!(test.level("JUNE").await.0, 6);
    let words = "select jsonb_agg(distinct jsonb_build_array(actor, note))
        from holdfast.stock_movements where reason in ('sold', 'returned')";
    assert_eq!(
        test.json(words).await,
        json!([["dispatcher-2", null], ["dispatcher-2", "fell ill"]])
    );
    test.assert_promises_hold().await;
}

/// A wrong body is refused with the name of its field, and nothing changes.
#[tokio::test]
async fn a_wrong_field_is_named() {
    let (test, desk) = departures().await;
    let path = booking();
    desk.put(&path, party(1)).await.ok(201);
    let before = test.rows().await;
    let line = json!([{ "sku": "MAY", "quantity": 1 }]);
    let many: Vec<Value> = (0..51)
        .map(|n| json!({ "sku": format!("S{n}"), "quantity": 1 }))
        .collect();
    let wrong = [
        ("PUT", json!({ "lines": line }), "customer"),
        ("PUT", json!({ "customer": "", "lines": line }), "customer"),
        ("PUT", json!({ "customer": "c", "lines": [] }), "lines"),
        ("PUT", json!({ "customer": "c", "lines": many }), "lines"),
        (
            "PUT",
            json!({ "customer": "c", "lines": [{ "sku": "MAY", "quantity": 0 }] }),
            "lines[0].quantity",
        ),
        (
            "PUT",
            json!({ "customer": "c", "lines": line, "coupon": null }),
            "coupon",
        ),
        (
            "PUT",
            json!({ "customer": "c", "lines": line, "actor": "me" }),
            "actor",
        ),
        ("PATCH", json!({ "lines": line }), "expected_version"),
        (
            "PATCH",
            json!({ "expected_version": "1", "lines": line }),
            "expected_version",
        ),
        (
            "PATCH",
            json!({ "expected_version": 1, "lines": [] }),
            "lines",
        ),
    ];
    for (method, body, field) in wrong {
        let answer = match method {
            "PUT" => desk.put(&booking(), body.clone()).await,
            _ => desk.patch(&path, body.clone()).await,
        };
        let refused = answer.refused(400, "invalid_request");
        let error = refused.body["errors"][0].to_string();
        assert!(error.contains(field), "{body}: {error}");
    }
    for (path, field) in [
        ("/desk/orders/1", "checkout_id"),
        ("/orders/1/restock", "order_id"),
        ("/skus/a%20b/manifest", "sku"),
        ("/skus/MAY/manifest?limit=0", "limit"),
        ("/skus/MAY/manifest?limit=501", "limit"),
        ("/skus/MAY/manifest?cursor=1", "cursor"),
    ] {
        let answer = match field {
            "checkout_id" => desk.put(path, party(1)).await,
            "order_id" => desk.post(path, json!({})).await,
            _ => desk.get(path).await,
        };
        let refused = answer.refused(400, "invalid_request");
        assert_eq!(refused.body["errors"][0]["field"], field);
    }
    assert_eq!(test.rows().await, before);
}

/// `next` leads through all pages, and is missing on the last one.
#[tokio::test]
async fn a_manifest_is_read_page_by_page() {
    let (_, desk) = departures().await;
    for _ in 0..5 {
        desk.put(&booking(), party(1)).await.ok(201);
    }
    let mut after = String::new();
    let mut sizes = Vec::new();
    loop {
        let page = desk
            .get(&format!("/skus/MAY/manifest?limit=2{after}"))
            .await;
        let page = page.ok(200);
        sizes.push(page["rows"].as_array().unwrap().len());
        match page["next"].as_str() {
            Some(next) => after = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    desk.get("/skus/NONE/manifest")
        .await
        .refused(404, "not_found");
}

/// An unknown id is not found, whatever the call.
#[tokio::test]
async fn an_unknown_booking_or_order_is_not_found() {
    let (_, desk) = departures().await;
    let lines = json!([{ "sku": "MAY", "quantity": 1 }]);
    let back = json!({ "return_id": Uuid::new_v4(), "lines": lines });
    let answers = [
        desk.patch(&booking(), to(1, "MAY", 1)).await,
        desk.delete(&booking()).await,
        desk.post(&format!("/orders/{}/restock", Uuid::new_v4()), back)
            .await,
        desk.get("/desk/orders").await,
        desk.get("/orders").await,
    ];
    for answer in answers {
        answer.refused(404, "not_found");
    }
}
