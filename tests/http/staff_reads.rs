//! What the pages of support, of the owner and of the person on call read.

use operations::order::ShipTo;
use operations::payment::{Event, EventKind, Outcome};
use operations::subscriber::{self, DeliveryResult};
use serde_json::{Value, json};
use tests::clerk::Clerk;
use tests::orders::{address, created};
use tests::pages::all_pages;
use tests::refund::ask_for;
use tests::{MAIN, TestDb, event, new_id, order_request};
use uuid::Uuid;

async fn nothing() {}

fn words(timeline: &Value) -> Vec<&str> {
    let entries = timeline["entries"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["happened"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_timeline_has_everything_in_the_order_in_which_it_happened() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    let path = format!("/checkouts/{}/timeline", order.checkout_id);
    let timeline = clerk.get(&path).await.ok(200).clone();
    assert_eq!(
        words(&timeline),
        [
            "checkout_begun",
            "order_made",
            "gateway_reported_paid",
            "money_captured",
            "order_paid",
            "stock_sold",
            "announced",
            "refund_owed",
            "announced",
        ]
    );
    let entries = timeline["entries"].as_array().unwrap();
    let times: Vec<&str> = entries.iter().map(|e| e["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(entries[2]["status"], "completed");
    assert_eq!(entries[3]["amount_minor"], order.total_minor);
    assert_eq!(entries[5]["quantity"], -1);
    assert_eq!(entries[6]["id"], "order.paid");
    assert_eq!(timeline["order_id"], order.order_id.to_string());
    assert_eq!(timeline["reference"], order.payment.reference);

    // a cart that is replaced, expires and is held again by its late payment
    let (id, late) = test.ordered(&[("A", 2)]).await;
    test.expire(id).await;
    assert_eq!(
        test.stripe(&event(&late, EventKind::Paid, "pi_2")).await,
        Outcome::CompletedLate
    );
    let timeline = clerk.get(&format!("/checkouts/{id}/timeline")).await;
    let timeline = timeline.ok(200);
    let begins = ["checkout_begun", "order_made", "hold_expired"];
    assert_eq!(words(timeline)[..3], begins);
    assert_eq!(timeline["entries"][3]["status"], "completed_late");
    assert!(words(timeline).contains(&"held_again"), "{timeline}");

    // staff end one
    let revoked = test.held(&[("A", 1)]).await;
    let note = json!({ "note": "a robot" });
    let revoke = format!("/checkouts/{revoked}/revoke");
    clerk.post(&revoke, note).await.ok(200);
    let timeline = clerk.get(&format!("/checkouts/{revoked}/timeline")).await;
    let last = &timeline.ok(200)["entries"][1];
    assert_eq!(
        (&last["happened"], &last["actor"], &last["note"]),
        (
            &json!("checkout_revoked"),
            &json!("clerk"),
            &json!("a robot")
        )
    );
    assert_eq!(timeline.ok(200)["order_id"], Value::Null);
    clerk
        .get(&format!("/checkouts/{}/timeline", new_id()))
        .await
        .refused(404, "not_found");
}

async fn found(clerk: &Clerk, typed: &str) -> Vec<String> {
    let query: String = typed.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answer = clerk.get(&format!("/search?q={query}")).await;
    let found = answer.ok(200)["found"].as_array().unwrap().clone();
    let id = |one: &Value| one["order"]["order_id"].as_str().unwrap().to_owned();
    found.iter().map(id).collect()
}

#[tokio::test]
async fn a_purchase_is_found_by_telephone_number_and_name() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    let mut ship_to = address("Meera Nair");
    ship_to.phone = Some("+91 484 000-1234".parse().unwrap());
    let mut request = order_request(test.held(&[("A", 1)]).await);
    request.ship_to = ShipTo::Given {
        address: ship_to,
        save: false,
    };
    let sent = created(&test, &request).await.order_id.to_string();
    let party = json!({
        "customer": "Kulkarni, 98220 55512", "lines": [{ "sku": "A", "quantity": 2 }],
    });
    let booked = clerk
        .put(&format!("/desk/orders/{}", new_id()), party)
        .await;
    let booked = booked.ok(201)["order_id"].as_str().unwrap().to_owned();
    // a storefront's customer is an id, and no name
    test.ordered(&[("A", 1)]).await;

    for typed in ["+914840001234", "0484 000 1234", "meera", "Meera Nair"] {
        let expected = std::slice::from_ref(&sent);
        assert_eq!(found(&clerk, typed).await, expected, "{typed}");
    }
    for typed in [
        "9822055512",
        "+91 98220-55512",
        "kulk",
        "KULKARNI, 98220 55512",
    ] {
        let expected = std::slice::from_ref(&booked);
        assert_eq!(found(&clerk, typed).await, expected, "{typed}");
    }
    for nobody in ["55512", "ku", "nair", "9822055513", "%", "kulkarni_", "c"] {
        let own = nobody == "c";
        assert_eq!(found(&clerk, nobody).await.is_empty(), !own, "{nobody}");
    }
}

#[tokio::test]
async fn parked_money_is_listed_until_somebody_dismisses_it() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    for n in 0..3 {
        let elsewhere = Event {
            key: format!("Paid:{n}"),
            reference: Some(format!("main-elsewhere{n}")),
            ..event(&order, EventKind::Paid, &format!("pi_{n}"))
        };
        assert_eq!(test.stripe(&elsewhere).await, Outcome::Parked);
    }
    let list = "/payment-events/parked";
    let rows = all_pages(&clerk, list, 2, nothing).await;
    let keys: Vec<&Value> = rows.iter().map(|row| &row["event_key"]).collect();
    assert_eq!(keys, ["Paid:0", "Paid:1", "Paid:2"]);
    assert_eq!(rows[0]["amount_minor"], order.total_minor);

    let dismiss = async |key: &str| {
        let body = json!({ "gateway": "stripe", "event_key": key });
        clerk.post("/payment-events/dismiss", body).await
    };
    dismiss("Paid:1").await.ok(200);
    dismiss("Paid:1").await.ok(200);
    dismiss("Paid:9").await.refused(404, "not_found");
    let actor = "select actor from holdfast.payment_events where outcome = 'dismissed'";
    assert_eq!(test.text(actor).await, "clerk");
    assert_eq!(all_pages(&clerk, list, 2, nothing).await.len(), 2);
    let known = event(&order, EventKind::Paid, "pi_9");
    assert_eq!(test.stripe(&known).await, Outcome::Completed);
    dismiss(&known.key).await.refused(409, "event_resolved");
    let health = clerk.get("/health").await;
    assert_eq!(health.ok(200)["parked"], 2);
    test.assert_promises_hold().await;
}

/// The sum of one number over the minutes of a sale.
fn sum(sale: &Value, number: &str) -> i64 {
    let minutes = sale["minutes"].as_array().unwrap().iter();
    minutes.map(|minute| minute[number].as_i64().unwrap()).sum()
}

#[tokio::test]
async fn a_sale_shows_what_is_sold_held_and_left_and_what_ends_next() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    for sku in ["A", "B", "QUIET"] {
        test.sku(sku, 20).await;
    }
    test.paid_order("A", "pi_1").await;
    let (late, order) = test.ordered(&[("A", 3)]).await;
    test.expire(late).await;
    test.stripe(&event(&order, EventKind::Paid, "pi_2")).await;
    test.desk(1).booked(&[("B", 2)]).await;
    let first = test.held(&[("A", 4), ("B", 1)]).await;
    test.held(&[("B", 5)]).await;
    test.sql(&format!(
        "update holdfast.checkouts set expires_at = now() + interval '1 minute'
        where checkout_id = '{first}'"
    ))
    .await;

    let sale = clerk.get("/sale").await.ok(200).clone();
    let row = |sku: &Value| {
        let number = |name: &str| sku[name].as_i64().unwrap();
        let numbers = ["sold", "held", "available", "sold_lately"].map(number);
        (sku["sku"].as_str().unwrap().to_owned(), numbers)
    };
    let skus: Vec<_> = sale["skus"].as_array().unwrap().iter().map(row).collect();
    assert_eq!(
        skus,
        [
            ("A".to_owned(), [4, 4, 12, 4]),
            ("B".to_owned(), [2, 6, 12, 2])
        ]
    );
    let totals = json!({ "sold": 6, "held": 10, "available": 44 });
    assert_eq!(sale["totals"], totals);
    let minutes = ["grants", "sold", "payments", "late_payments"].map(|name| sum(&sale, name));
    // the desk's sale is no grant of a hold that waits for a payment, but it is a checkout
    assert_eq!(minutes, [5, 6, 2, 1]);
    assert_eq!(sale["minutes"].as_array().unwrap().len(), 30);
    assert_eq!(sale["ending_next"][0]["checkout_id"], first.to_string());
    assert_eq!(sale["ending_next"][0]["units"], 5);
    assert_eq!(sale["ending_next"].as_array().unwrap().len(), 2);
    assert!(sale["complete_from"].as_str() <= sale["minutes"][0]["at"].as_str());

    let one = clerk.get("/sale?skus=QUIET,NONE&minutes=1").await;
    let one = one.ok(200);
    assert_eq!(one["skus"].as_array().unwrap().len(), 1);
    assert_eq!(one["minutes"].as_array().unwrap().len(), 1);
    for (query, field) in [
        ("minutes=0", "minutes"),
        ("minutes=61", "minutes"),
        ("skus=", "skus"),
        ("skus=A,,B", "skus"),
    ] {
        clerk.get(&format!("/sale?{query}")).await.names(field);
    }
}

/// A page that is read every two seconds reads no more than its bound, and says since when its
/// numbers are whole.
#[tokio::test]
async fn a_sale_says_where_its_numbers_begin_to_be_whole() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    for n in 0..3 {
        test.paid_order("A", &format!("pi_{n}")).await;
    }
    test.corrupt(
        "update holdfast.stock_movements set created_at = now() - interval '5 minutes'
        where version = (select min(version) from holdfast.stock_movements where reason = 'sold')",
    )
    .await;
    let whole = async |scan: u32| {
        test.count(&format!(
            "select extract(epoch from (s ->> 'complete_from')::timestamptz
                - (s #>> '{{minutes,0,at}}')::timestamptz)::bigint / 60
            from holdfast.sale_read('main', null, 10, {scan}) s"
        ))
        .await
    };
    assert_eq!(whole(100).await, 0);
    assert!(whole(2).await >= 9);
}

#[tokio::test]
async fn a_known_breach_is_shown_with_its_rows() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    test.held(&[("A", 2)]).await;
    test.sweep().await;
    let light = clerk.get("/promises/breached").await.ok(200).clone();
    assert_eq!(
        (&light["breaches"], &light["violations"]),
        (&json!(0), &json!([]))
    );
    test.corrupt("update holdfast.stock_levels set held = 1, version = version + 1")
        .await;
    test.sql(
        "insert into holdfast.promise_breaches (shop, kind, a, b) values ('main', 'sku', 'A', '')",
    )
    .await;
    let light = clerk.get("/promises/breached").await.ok(200).clone();
    assert_eq!(light["breaches"], 1);
    assert_eq!(
        light["violations"][0]["promise"],
        "held_equals_active_holds"
    );
    assert_eq!(light["violations"][0]["detail"]["sku"], "A");
    assert_eq!(clerk.get("/health").await.ok(200)["breaches"], 1);
}

#[tokio::test]
async fn health_shows_what_waits_and_since_when() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    let quiet = clerk.get("/health").await.ok(200).clone();
    for (name, value) in quiet.as_object().unwrap() {
        let known = ["checked_at", "server_time", "unsent_s"].contains(&name.as_str());
        assert!(known || value == 0, "{name}: {value}");
    }
    let due = test.held(&[("A", 1)]).await;
    test.make_due(due).await;
    let order = test.paid_order("A", "pi_1").await;
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    test.sql(
        "select holdfast.subscriber_put('main', 'crm', 'https://crm.example', null);
        update holdfast.subscribers set disabled_at = now(), disabled_why = 'it answered 410 Gone';
        update holdfast.checkouts set expires_at = now() - interval '90 seconds'
        where ended_at is null;
        update holdfast.outbox_messages set created_at = now() - interval '90 seconds';
        update holdfast.refunds set status = 'failed', last_error = 'no money'",
    )
    .await;
    let health = clerk.get("/health").await.ok(200).clone();
    assert!(health["due_s"].as_i64().unwrap() >= 90, "{health}");
    assert!(health["unsent_s"].as_i64().unwrap() >= 90, "{health}");
    assert_eq!(health["refunds_failed"], 1);
    assert_eq!(health["subscribers_disabled"], 1);
}

/// Two subscribers, and what the sweeper sends to the first one.
async fn subscribers() -> (TestDb, Clerk) {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    let url = json!({ "url": "https://crm.example/in", "types": ["order.paid"] });
    clerk.put("/subscribers/crm", url).await.ok(201);
    let url = json!({ "url": "https://books.example/in" });
    clerk.put("/subscribers/books", url).await.ok(201);
    (test, clerk)
}

/// Sends what is due to `crm`, with this result; returns the bodies.
async fn send(test: &TestDb, result: DeliveryResult) -> Vec<Value> {
    let claimed = subscriber::claim(&test.sweeper, MAIN, 10).await.unwrap();
    let mine = claimed.into_iter().filter(|one| one.name == "crm");
    let marks: Vec<_> = mine.map(|one| (one, result.clone())).collect();
    subscriber::mark(&test.sweeper, MAIN, "crm", &marks)
        .await
        .unwrap();
    let body = |(one, _): &(subscriber::Delivery, DeliveryResult)| {
        serde_json::from_str(&one.payload).unwrap()
    };
    marks.iter().map(body).collect()
}

const LOG: &str = "/subscribers/crm/deliveries";
const RESEND: &str = "/subscribers/crm/deliveries/resend";

#[tokio::test]
async fn the_log_of_a_subscriber_shows_answers_and_sends_again() {
    let (test, clerk) = subscribers().await;
    test.sku("A", 9).await;
    let order = test.paid_order("A", "pi_1").await;
    let newest = async || clerk.get(LOG).await.ok(200)["deliveries"][0].clone();
    let failed = DeliveryResult::Failed("it answered 500".to_owned());
    assert_eq!(send(&test, failed).await.len(), 1);
    let failed = newest().await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["last_error"], "it answered 500");
    assert_eq!(failed["data"]["order_id"], order.order_id.to_string());
    test.sql("update holdfast.subscriber_deliveries set next_try_at = now()")
        .await;
    send(&test, DeliveryResult::Delivered).await;
    assert_eq!(newest().await["status"], "delivered");

    let again = json!({ "type": "order.paid", "subject": failed["subject"] });
    clerk.post(RESEND, again.clone()).await.ok(200);
    clerk.post(RESEND, again.clone()).await.ok(200);
    assert_eq!(newest().await["status"], "waiting");
    assert_eq!(send(&test, DeliveryResult::Delivered).await.len(), 1);
    // as the log showed it before: it was sent again since
    let mut late = again.clone();
    late["created_at"] = failed["created_at"].clone();
    clerk.post(RESEND, late.clone()).await.ok(200);
    let delivered = newest().await;
    assert_eq!(delivered["status"], "delivered");
    late["created_at"] = delivered["created_at"].clone();
    clerk.post(RESEND, late).await.ok(200);
    assert_eq!(newest().await["status"], "waiting");
    assert_eq!(send(&test, DeliveryResult::Delivered).await.len(), 1);
    let unknown = json!({ "type": "order.paid", "subject": "none" });
    clerk.post(RESEND, unknown).await.refused(404, "not_found");

    clerk.post(RESEND, again.clone()).await.ok(200);
    send(&test, DeliveryResult::Gone).await;
    let disabled = clerk.post(RESEND, again.clone()).await;
    disabled.refused(409, "subscriber_disabled");
    let gone = clerk.get("/subscribers/crm").await;
    let enable = json!({ "disabled_at": gone.ok(200)["disabled_at"] });
    let enabled = clerk.post("/subscribers/crm/enable", enable.clone()).await;
    assert_eq!(enabled.ok(200)["disabled_at"], Value::Null);
    // what was given up waits again, and is delivered
    clerk.post(RESEND, again.clone()).await.ok(200);
    assert_eq!(send(&test, DeliveryResult::Delivered).await.len(), 1);
    let nobody = clerk.post("/subscribers/nobody/enable", enable).await;
    nobody.refused(404, "not_found");
    let nobody = "/subscribers/nobody/deliveries";
    clerk.get(nobody).await.refused(404, "not_found");
    let resend = format!("{nobody}/resend");
    clerk.post(&resend, again).await.refused(404, "not_found");
}

/// Once, and for this subscriber alone, although it does not want the type.
#[tokio::test]
async fn a_test_message_reaches_one_subscriber_once() {
    let (test, clerk) = subscribers().await;
    let (path, body) = (
        "/subscribers/crm/test",
        json!({ "test_id": Uuid::new_v4() }),
    );
    clerk.post(path, body.clone()).await.ok(200);
    clerk.post(path, body.clone()).await.ok(200);
    let sent = send(&test, DeliveryResult::Delivered).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["type"], "subscriber.test");
    assert_eq!(sent[0]["data"]["sent_by"], "clerk");
    let of_books = "select count(*) from holdfast.subscriber_deliveries where name = 'books'";
    assert_eq!(test.count(of_books).await, 0);
    let unsent = "select count(*) from holdfast.outbox_messages where sent_at is null";
    assert_eq!(test.count(unsent).await, 0);
    test.sku("A", 9).await;
    test.paid_order("A", "pi_1").await;
    let rows = all_pages(&clerk, LOG, 1, nothing).await;
    let kinds: Vec<&Value> = rows.iter().map(|row| &row["type"]).collect();
    assert_eq!(kinds, ["order.paid", "subscriber.test"]);

    test.sql("update holdfast.subscribers set disabled_at = now(), disabled_why = '410'")
        .await;
    clerk
        .post(path, body.clone())
        .await
        .refused(409, "subscriber_disabled");
    let nobody = clerk.post("/subscribers/nobody/test", body).await;
    nobody.refused(404, "not_found");
}
