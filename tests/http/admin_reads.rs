//! Reads by the stock office: catalogue, coupons, the ledger and the journal page by page, and the
//! history of a purchase.

use std::cell::Cell;
use std::collections::BTreeSet;

use operations::checkout;
use operations::payment::EventKind;
use serde_json::{Value, json};
use tests::clerk::{Clerk, path};
use tests::contract::CONTRACT;
use tests::http::Call;
use tests::pages::{all_pages, page};
use tests::{MAIN, TestDb, begin_request, event, new_id, shop};

async fn nothing() {}

#[track_caller]
fn assert_each_once(rows: &[Value], key: impl Fn(&Value) -> String, expected: usize) {
    let keys: BTreeSet<String> = rows.iter().map(key).collect();
    assert_eq!((keys.len(), rows.len()), (expected, expected));
}

#[tokio::test]
async fn a_catalogue_is_listed_page_by_page_with_what_is_retired() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    for sku in ["b", "A", "C", "a:1", "D"] {
        test.sku(sku, 1).await;
    }
    clerk.delete("/skus/C").await.ok(200);
    test.shop("other").await;
    test.sku_of("other", "B", 1).await;
    let skus = all_pages(&clerk, "/skus", 2, nothing).await;
    let codes: Vec<_> = skus
        .iter()
        .map(|sku| sku["sku"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["A", "C", "D", "a:1", "b"]);
    assert!(skus[1]["retired_at"].is_string());
    assert_eq!(skus[0]["stock"]["on_hand"], 1);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("cursor=a%20b", "cursor"),
        ("cursor=QQ", "cursor"),
        ("after=A", "after"),
        ("sort=title", "sort"),
    ] {
        clerk.get(&format!("/skus?{query}")).await.names(field);
    }
}

#[tokio::test]
async fn a_coupon_is_put_counted_and_never_lowered_below_its_uses() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 5).await;
    let terms = json!({
        "kind": "percent", "value": 1250, "minimum_minor": 100, "uses_max": 2,
        "uses_per_customer_max": 2, "skus": ["B", "A", "A"], "valid_from": "2026-01-01T00:00:00Z",
    });
    let put = clerk
        .put("/coupons/TEN", terms.clone())
        .await
        .ok(201)
        .clone();
    assert_eq!(put["skus"], json!(["A", "B"]));
    assert_eq!(clerk.put("/coupons/TEN", terms.clone()).await.ok(200), &put);
    let mut request = tests::order_request(test.held(&[("A", 1)]).await);
    request.coupon = Some("TEN".parse().unwrap());
    operations::order::create(&test.db, &request).await.unwrap();
    let read = clerk.get("/coupons/TEN").await.ok(200).clone();
    assert_eq!(
        (&read["uses_held"], &read["uses_consumed"]),
        (&json!(1), &json!(0))
    );
    let before = test.rows().await;
    let mut fewer = terms.clone();
    fewer["uses_max"] = json!(0);
    let refused = clerk.put("/coupons/TEN", fewer).await;
    assert_eq!(refused.refused(409, "below_used").body["uses_held"], 1);
    assert_eq!(test.rows().await, before);
    clerk.get("/coupons/NONE").await.refused(404, "not_found");
    for code in ["A", "B", "C"] {
        let fixed = json!({ "kind": "fixed", "value": 1 });
        clerk.put(&format!("/coupons/{code}"), fixed).await.ok(201);
    }
    let coupons = all_pages(&clerk, "/coupons", 2, nothing).await;
    let codes: Vec<_> = coupons
        .iter()
        .map(|coupon| coupon["code"].clone())
        .collect();
    assert_eq!(codes, ["A", "B", "C", "TEN"]);
    for (field, value) in [
        ("kind", json!("free")),
        ("value", json!(10_001)),
        ("value", json!(0)),
        ("minimum_minor", json!(-1)),
        ("valid_until", json!("2025-12-31T00:00:00Z")),
        ("uses_max", json!(-1)),
        ("uses_per_customer_max", json!(0)),
        ("skus", json!([])),
        (
            "skus",
            json!((0..501).map(|n| n.to_string()).collect::<Vec<_>>()),
        ),
        ("uses_held", json!(0)),
    ] {
        let mut wrong = terms.clone();
        wrong[field] = value;
        // A schema can't compare two fields.
        let allowed = CONTRACT.allows_request("coupon_put", &wrong);
        assert_eq!(allowed, field == "valid_until", "{wrong}");
        clerk.put("/coupons/TEN", wrong).await.names(field);
    }
    let lower = clerk.put("/coupons/ten", terms).await;
    lower.names("code");
    test.assert_promises_hold().await;
}

/// Three skus with seven movements each.
async fn ledger() -> (TestDb, Clerk) {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    for sku in ["A", "B", "C"] {
        test.sku(sku, 10).await;
    }
    for version in 1..7 {
        for sku in ["A", "B", "C"] {
            let body = json!({
                "quantity": version, "expected_version": version, "reference": format!("PO-{sku}"),
            });
            clerk
                .post(&format!("/stock/{sku}/receive"), body)
                .await
                .ok(200);
        }
    }
    (test, clerk)
}

fn movement(row: &Value) -> String {
    format!("{} {}", row["sku"], row["version"])
}

/// Every row that existed at the first page comes once, whatever is added meanwhile.
#[tokio::test]
async fn the_ledger_shows_each_movement_once_while_others_are_added() {
    for (list, expected) in [
        ("/ledger", 21),
        ("/ledger?sku=B", 7),
        ("/ledger?reference=PO-B", 6),
        ("/ledger?reason=received&actor=clerk", 18),
    ] {
        for limit in [1, 4, 7, 500] {
            let (test, clerk) = ledger().await;
            let add = async || {
                for sku in ["A", "B", "C"] {
                    let (_, _, version) = test.level(sku).await;
                    let body = json!({
                        "quantity": 1, "expected_version": version, "reference": "PO-B",
                    });
                    let path = format!("/stock/{sku}/receive");
                    clerk.post(&path, body).await.ok(200);
                }
            };
            let rows = all_pages(&clerk, list, limit, add).await;
            assert_each_once(&rows, movement, expected);
            let times: Vec<_> = rows
                .iter()
                .map(|row| row["created_at"].to_string())
                .collect();
            assert!(
                times.is_sorted_by(|newer, older| newer >= older),
                "{list}: {times:?}"
            );
            test.assert_promises_hold().await;
        }
    }
}

#[tokio::test]
async fn the_ledger_is_filtered_by_time_reason_and_actor() {
    let (test, clerk) = ledger().await;
    let middle = test
        .text(
            "select to_char(created_at at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')
             from holdfast.stock_movements where sku = 'B' and version = 4",
        )
        .await;
    let count = async |query: &str| page(&clerk, &format!("/ledger?{query}")).await.0.len();
    // 21 movements in time: 3 of the test, A2 B2 C2 A3 B3 C3 A4 and then B4
    assert_eq!(count(&format!("until={middle}")).await, 10);
    assert_eq!(count(&format!("from={middle}")).await, 11);
    assert_eq!(count(&format!("from={middle}&sku=A")).await, 3);
    assert_eq!(count(&format!("until={middle}&reference=PO-C")).await, 2);
    assert_eq!(count(&format!("from={middle}&until={middle}")).await, 0);
    assert_eq!(count("actor=test").await, 3);
    assert_eq!(count("reason=sold").await, 0);
    assert_eq!(count("reference=PO-A&sku=B").await, 0);
    let (_, next) = page(&clerk, "/holds?limit=1").await;
    assert_eq!(next, None);
    for (query, field) in [
        ("reason=lost", "reason"),
        ("from=yesterday", "from"),
        ("until=2026-01-01", "until"),
        ("cursor=abc", "cursor"),
        ("cursor=*", "cursor"),
        ("sku=", "sku"),
        ("shop=other", "shop"),
    ] {
        clerk.get(&format!("/ledger?{query}")).await.names(field);
    }
}

/// A page reads a bounded part of the ledger, however rare the matching rows are.
#[tokio::test]
async fn a_page_reads_a_bounded_number_of_rows_and_says_where_it_stopped() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 0).await;
    test.sql(
        "do $$ begin
            for n in 1..5200 loop
                perform holdfast.stock_adjust('main', 'A', 1, null, 'received',
                    case n when 1 then 'rare' else 'test' end, null);
            end loop;
        end $$",
    )
    .await;
    for list in ["/ledger?actor=rare", "/ledger?actor=rare&sku=A"] {
        let (first, next) = page(&clerk, list).await;
        assert_eq!(first.len(), 0);
        let list = format!("{list}&cursor={}", next.unwrap());
        let (second, next) = page(&clerk, &list).await;
        assert_eq!((second[0]["version"].clone(), next), (json!(1), None));
    }
    test.assert_promises_hold().await;
}

fn hold(row: &Value) -> String {
    format!(
        "{} {} {}",
        row["checkout_id"], row["generation"], row["sku"]
    )
}

#[tokio::test]
async fn the_journal_shows_each_hold_once_while_others_are_added() {
    for (list, expected) in [
        ("/holds", 20),
        ("/holds?sku=A", 10),
        ("/holds?sku=A&status=active", 8),
        ("/holds?status=released", 4),
        ("/holds?customer=c", 20),
        ("/holds?customer=nobody", 0),
    ] {
        for limit in [1, 3, 500] {
            let test = TestDb::new().await;
            let clerk = test.clerk();
            test.sku("A", 90).await;
            test.sku("B", 90).await;
            let mut before = BTreeSet::new();
            for n in 0..10 {
                let id = test.held(&[("A", 1), ("B", 1)]).await;
                before.insert(id.to_string());
                if n < 2 {
                    checkout::release(&test.db, &shop(MAIN), id, None)
                        .await
                        .unwrap();
                }
            }
            // as many as there were: with endless new holds, a clerk would never reach the end
            let added = Cell::new(0);
            let add = async || {
                if added.replace(added.get() + 1) < 10 {
                    test.held(&[("A", 1), ("B", 1)]).await;
                }
            };
            let rows = all_pages(&clerk, list, limit, add).await;
            let known = |row: &&Value| before.contains(row["checkout_id"].as_str().unwrap());
            let old: Vec<Value> = rows.iter().filter(known).cloned().collect();
            assert_each_once(&old, hold, expected);
            assert_each_once(&rows, hold, rows.len());
            test.assert_promises_hold().await;
        }
    }
}

#[tokio::test]
async fn the_journal_is_filtered_by_checkout() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    let id = test.held(&[("A", 1)]).await;
    test.held(&[("A", 2)]).await;
    let (rows, _) = page(&clerk, &format!("/holds?checkout_id={id}")).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["customer"], &rows[0]["status"]),
        (&json!("c"), &json!("active"))
    );
    for (query, field) in [
        ("checkout_id=1", "checkout_id"),
        ("status=held", "status"),
        ("cursor=e30", "cursor"),
        ("customer=", "customer"),
    ] {
        clerk.get(&format!("/holds?{query}")).await.names(field);
    }
}

#[tokio::test]
async fn a_search_finds_the_whole_history_by_each_of_its_keys() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    test.sku("B", 9).await;
    test.held(&[("B", 1)]).await;
    let id = new_id();
    let mut request = begin_request(id, &[("A", 2)]);
    request.customer = "asha k.".parse().unwrap();
    checkout::begin(&test.db, &request).await.unwrap();
    let mut order = tests::order_request(id);
    order.customer = Some(request.customer.clone());
    operations::order::create(&test.db, &order).await.unwrap();
    let order = operations::order::read(&test.db, &shop(MAIN), id, None)
        .await
        .unwrap()
        .unwrap();
    let failed = event(&order, EventKind::Failed, "try-1");
    test.record(&failed).await.unwrap();
    test.record(&event(&order, EventKind::Paid, "pay-1"))
        .await
        .unwrap();
    let (id, order_id) = (id.to_string(), order.order_id.to_string());
    for key in [
        id.as_str(),
        &id.to_uppercase(),
        &order_id,
        &order.payment.reference,
        "pay-1",
        "try-1",
        "asha%20k.",
    ] {
        let answer = clerk.get(&format!("/search?q={key}")).await;
        let found = answer.ok(200)["found"].as_array().unwrap().clone();
        assert_eq!(found.len(), 1, "{key}: {answer:#?}");
        let history = &found[0];
        assert_eq!(history["checkout"]["checkout_id"], json!(id));
        assert_eq!(history["checkout"]["status"], "paid");
        assert_eq!(history["holds"][0]["status"], "consumed");
        assert_eq!(history["order"]["order_id"], json!(order_id));
        assert_eq!(history["lines"][0]["quantity"], 2);
        assert_eq!(
            history["payment"]["reference"],
            json!(order.payment.reference)
        );
        assert_eq!(history["payment_events"].as_array().unwrap().len(), 2);
        assert_eq!(history["stock_movements"][0]["delta"], -2);
        assert_eq!(history["outbox_messages"][0]["topic"], "order.paid");
        let text = history.to_string();
        assert!(
            !text.contains("payload") && !text.contains("request_hash"),
            "{text}"
        );
    }
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_search_finds_checkouts_without_an_order_and_money_without_a_checkout() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    let open = test.held(&[("A", 1)]).await;
    let released = test.held(&[("A", 1)]).await;
    checkout::release(&test.db, &shop(MAIN), released, None)
        .await
        .unwrap();
    let answer = clerk.get("/search?q=c").await;
    let found = answer.ok(200)["found"].as_array().unwrap().clone();
    let ids: Vec<_> = found
        .iter()
        .map(|one| one["checkout"]["checkout_id"].clone())
        .collect();
    assert_eq!(ids, [json!(released.to_string()), json!(open.to_string())]);
    assert_eq!(
        (&found[0]["order"], &found[0]["payment"]),
        (&Value::Null, &Value::Null)
    );
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let mut stray = event(&order, EventKind::Paid, "stray-1");
    stray.reference = Some("main-aaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned());
    test.record(&stray).await.unwrap();
    for key in ["stray-1", "main-aaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let answer = clerk.get(&format!("/search?q={key}")).await;
        assert_eq!(answer.ok(200)["found"], json!([]));
        assert_eq!(answer.body["unmatched_events"][0]["outcome"], "parked");
    }
    test.assert_promises_hold().await;
}

/// Each change that the desk made to a booking.
#[tokio::test]
async fn a_search_finds_every_change_of_a_booking() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 9).await;
    let desk = test.desk(2);
    let mut booked = desk.booked(&[("A", 2)]).await;
    for seats in [3, 4] {
        booked = desk.amend(&booked, &[("A", seats)]).await.unwrap();
    }
    desk.cancel(&booked).await.unwrap();
    let answer = clerk.get(&format!("/search?q={}", booked.order_id)).await;
    let history = &answer.ok(200)["found"][0];
    let topics: Vec<_> = history["outbox_messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["topic"].as_str().unwrap())
        .collect();
    let expected = [
        "order.paid",
        "order.amended",
        "order.amended",
        "order.cancelled",
    ];
    assert_eq!(topics, expected);
    assert_eq!(history["lines"][0]["returned"], 4);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_search_shows_twenty_checkouts_and_says_if_there_are_more() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 99).await;
    for orders in 1..=21 {
        test.ordered(&[("A", 1)]).await;
        if orders < 20 {
            continue;
        }
        let answer = clerk.get("/search?q=c").await;
        assert_eq!(answer.ok(200)["found"].as_array().unwrap().len(), 20);
        assert_eq!(answer.body["truncated"], orders > 20);
    }
    clerk.get("/search").await.names("q");
    clerk.get("/search?q=").await.names("q");
    clerk
        .get(&format!("/search?q={}", "x".repeat(129)))
        .await
        .names("q");
    let nothing = clerk.get("/search?q=nobody").await;
    assert_eq!(
        nothing.ok(200),
        &json!({ "found": [], "unmatched_events": [], "truncated": false })
    );
}

/// A clerk reads only their own shop, even if another shop has the same keys.
#[tokio::test]
async fn a_clerk_reads_only_their_own_shop() {
    let test = TestDb::new().await;
    test.shop("other").await;
    test.sku_of("other", "A", 5).await;
    test.sku("A", 5).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    test.sql("select holdfast.coupon_put('main', 'TEN', 'fixed', 1, 0, null, null, null)")
        .await;
    let stranger = test.clerk_of("stranger", "other");
    let get = async |rest: &str| {
        let call = Call::new("GET", &format!("/v1/admin/shops/other{rest}"));
        stranger.send(call).await.ok(200).clone()
    };
    assert_eq!(get("/skus").await["skus"].as_array().unwrap().len(), 1);
    assert_eq!(get("/coupons").await["coupons"], json!([]));
    assert_eq!(
        get("/ledger").await["movements"].as_array().unwrap().len(),
        1
    );
    assert_eq!(get("/holds").await["holds"], json!([]));
    for key in [
        id.to_string(),
        order.order_id.to_string(),
        order.payment.reference,
        "c".into(),
    ] {
        assert_eq!(get(&format!("/search?q={key}")).await["found"], json!([]));
    }
    let coupon = Call::new("GET", "/v1/admin/shops/other/coupons/TEN");
    stranger.send(coupon).await.refused(404, "not_found");
}

#[tokio::test]
async fn the_check_of_the_promises_lists_the_broken_ones() {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    test.sku("A", 5).await;
    let healthy = clerk.get("/promises").await;
    assert_eq!(healthy.ok(200), &json!({ "violations": [] }));
    test.corrupt("update holdfast.stock_levels set held = 1, version = version + 1")
        .await;
    let broken = clerk.get("/promises").await;
    let violation = &broken.ok(200)["violations"][0];
    assert_eq!(violation["promise"], "held_equals_active_holds");
    assert_eq!(violation["detail"]["sku"], "A");

    // page by page: a page ends before the next violation, or after 2,000 subjects
    test.corrupt(
        "insert into holdfast.skus (shop, sku, title, price_minor)
         select 'main', 'B' || n, 't', 1 from generate_series(1, 2000) n;
         insert into holdfast.stock_levels (shop, sku, on_hand, held)
         select 'main', 'B' || n, (n = 1)::int, (n = 1)::int from generate_series(1, 2000) n",
    )
    .await;
    let (mut found, mut next) = (Vec::<Vec<String>>::new(), String::new());
    loop {
        let page = clerk.get(&format!("/promises?limit=1{next}")).await;
        let violations = page.ok(200)["violations"].as_array().unwrap();
        let skus = violations.iter().map(|it| it["detail"]["sku"].as_str());
        found.push(skus.map(|sku| sku.unwrap().to_owned()).collect());
        let Some(cursor) = page.ok(200)["next"].as_str() else {
            break;
        };
        next = format!("&cursor={cursor}");
    }
    // B1 breaks two promises, and is alone on its page: that shows one of them
    assert_eq!(found, [vec!["A"], vec!["B1"], vec![]]);
    for position in [
        json!({"kind": "order", "a": "x", "b": ""}),
        json!({"kind": "movement", "a": "A", "b": "x"}),
        json!({"kind": "movement", "a": "A", "b": "1 "}),
        json!({"kind": "sku", "a": "\0", "b": ""}),
        json!({"kind": "none", "a": "", "b": ""}),
    ] {
        let cursor = serde_json::to_vec(&("promises_list", position)).unwrap();
        let cursor = data_encoding::BASE64URL_NOPAD.encode(&cursor);
        let page = clerk.get(&format!("/promises?cursor={cursor}")).await;
        page.refused(400, "invalid_request");
    }
    // spellings that Rust takes and PostgreSQL does not
    for position in [
        json!({"kind": "order", "a": format!("urn:uuid:{}", uuid::Uuid::nil()), "b": ""}),
        json!({"kind": "checkout", "a": format!("{{{}}}", uuid::Uuid::nil()), "b": ""}),
        json!({"kind": "movement", "a": "A", "b": "+1"}),
        json!({"kind": "event", "a": "stripe", "b": "k".repeat(1_024)}),
    ] {
        let cursor = serde_json::to_vec(&("promises_list", position)).unwrap();
        let cursor = data_encoding::BASE64URL_NOPAD.encode(&cursor);
        clerk
            .get(&format!("/promises?cursor={cursor}"))
            .await
            .ok(200);
    }
    let with_query = Call::new("POST", &path("/promises"));
    clerk
        .send(with_query)
        .await
        .refused(405, "method_not_allowed");
}
