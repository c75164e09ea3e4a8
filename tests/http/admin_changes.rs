//! Changes by the stock office: what a clerk may change, what is refused, and that no change counts
//! twice.

use holdfast_admin::Callers;
use holdfast_http::caller::Shops;
use serde_json::{Value, json};
use tests::clerk::{Clerk, path};
use tests::contract::CONTRACT;
use tests::http::Call;
use tests::stack::STACK;
use tests::{TestDb, at_once};
use uuid::Uuid;

const SKU: &str = "/skus/VEIL-WHITE";
const STOCK: &str = "/stock/VEIL-WHITE";

/// A catalogue with one sku without stock, and its clerk.
async fn office() -> (TestDb, Clerk) {
    let test = TestDb::new().await;
    let clerk = test.clerk();
    clerk.put(SKU, veil()).await.ok(201);
    (test, clerk)
}

fn veil() -> Value {
    json!({ "title": "Tulle veil, white", "price_minor": 349_900 })
}

/// The same change again, while the first call runs or after its answer is lost: the second call
/// waits for the row, and finds the change made.
#[tokio::test]
async fn a_change_sent_again_while_the_first_runs_counts_once() {
    let (test, _) = office().await;
    let clerks = [(); 8].map(|()| std::sync::Arc::new(test.clerk()));
    let body = json!({ "quantity": 7, "expected_version": 0, "movement_id": Uuid::now_v7() });
    let blocker = test.block_level("VEIL-WHITE").await;
    let race = at_once(8, |n| {
        let (clerk, body) = (std::sync::Arc::clone(&clerks[n]), body.clone());
        async move {
            let answer = clerk.post(&format!("{STOCK}/receive"), body).await;
            answer.ok(200)["movement"].clone()
        }
    });
    let opened = async {
        test.until_waiting(8).await;
        blocker.let_go().await;
    };
    let (movements, ()) = tokio::join!(race, opened);
    assert!(movements.iter().all(|movement| *movement == movements[0]));
    assert_eq!(test.level("VEIL-WHITE").await, (7, 0, 1));
    test.assert_promises_hold().await;
}

/// Every admin operation of the contract, with its path filled in.
fn operations() -> Vec<(String, String)> {
    let routes = CONTRACT.routes().into_iter();
    routes
        .filter(|(path, _)| path.starts_with("/v1/admin/"))
        .flat_map(|(path, methods)| {
            let path = path
                .replace("{shop}", "main")
                .replace("{sku}", "VEIL-WHITE")
                .replace("{code}", "TEN")
                .replace("{checkout_id}", "0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4")
                .replace("{order_id}", "0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4")
                .replace("{import_id}", &Uuid::nil().to_string())
                .replace("{part}", "1");
            methods
                .into_iter()
                .map(move |method| (method, path.clone()))
        })
        .collect()
}

#[tokio::test]
async fn nobody_calls_the_stock_office_without_a_token() {
    let (test, clerk) = office().await;
    let before = test.rows().await;
    let operations = operations();
    assert!(operations.len() >= 17, "{operations:?}");
    for (method, path) in operations {
        let call = Call::new(&method, &path).json(&json!({}));
        let nameless = json!({ "shops": "main", "scope": "holdfast:admin" });
        for anonymous in [call.clone(), call.clone().claims(nameless)] {
            clerk
                .send_as_it_is(anonymous)
                .await
                .refused(401, "unauthorized");
        }
        // The local stack's authorizer refuses before any function runs.
        let token = format!("Bearer {}x", STACK.admin_token);
        for call in [call.clone(), call.header("authorization", &token)] {
            let answer = call.to(&STACK.api_url).await;
            assert_eq!(answer.ok(401), &json!({ "message": "Unauthorized" }));
        }
    }
    assert_eq!(test.rows().await, before);
}

#[tokio::test]
async fn a_token_without_the_scope_may_do_nothing() {
    let (test, clerk) = office().await;
    let before = test.rows().await;
    for (method, path) in operations() {
        for scope in ["", "holdfast:offline", "holdfast:admins", "holdfast"] {
            let claims = json!({ "sub": "clerk", "shops": "main", "scope": scope });
            let call = Call::new(&method, &path).json(&json!({})).claims(claims);
            clerk
                .send_as_it_is(call)
                .await
                .refused(403, "scope_missing");
        }
    }
    assert_eq!(test.rows().await, before);
}

/// Amazon Cognito names a scope `server/name`.
#[tokio::test]
async fn a_deployment_may_name_another_scope() {
    let (test, _) = office().await;
    let clerk = test.clerk_by_scope("holdfast/admin");
    for (scope, status) in [
        ("openid holdfast/admin", 200),
        ("holdfast:admin", 403),
        ("holdfast/admins", 403),
    ] {
        let claims = json!({ "sub": "clerk", "shops": "main", "scope": scope });
        let call = Call::new("GET", &path("/stock/VEIL-WHITE")).claims(claims);
        let answer = clerk.send_as_it_is(call).await;
        assert_eq!(answer.status, status, "{scope}");
    }
    for no_scope in ["", "two scopes", "a,b", "[a]"] {
        let callers = Callers::new(Shops::of_list("main"));
        let error = callers.with_scope(no_scope).unwrap_err().to_string();
        assert!(error.contains("ADMIN_SCOPE"), "{error}");
    }
}

#[tokio::test]
async fn another_shop_does_not_exist_for_a_clerk() {
    let (test, _) = office().await;
    let before = test.rows().await;
    for shops in ["", "other", "mai", "*", "other maine"] {
        let stranger = test.clerk_of("stranger", shops);
        for (method, path) in operations() {
            let call = Call::new(&method, &path).json(&veil());
            let answer = stranger.send(call).await;
            assert_eq!(
                answer.refused(404, "not_found").body["detail"],
                "There is no such shop."
            );
        }
    }
    assert_eq!(test.rows().await, before);
}

#[tokio::test]
async fn an_iam_identity_acts_for_the_shops_of_the_deployment() {
    let (test, clerk) = office().await;
    let arn = "arn:aws:sts::000000000000:assumed-role/office/meera";
    let body = json!({ "quantity": 1, "expected_version": 0 });
    let receive = Call::new("POST", &path("/stock/VEIL-WHITE/receive")).json(&body);
    let answer = clerk.send_as_it_is(receive.iam(arn)).await;
    assert_eq!(answer.ok(200)["movement"]["actor"], arn);
    let elsewhere = Call::new("GET", "/v1/admin/shops/other").iam(arn);
    clerk
        .send_as_it_is(elsewhere)
        .await
        .refused(404, "not_found");
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_shops_currency_is_final() {
    let test = TestDb::new().await;
    let clerk = test.clerk_of("clerk", "main fresh");
    let fresh = |body: Value| Call::new("PUT", "/v1/admin/shops/fresh").json(&body);
    let mut shop = json!({ "name": "Fresh", "currency": "EUR", "checkouts_per_customer_max": 3 });
    let created = clerk.send(fresh(shop.clone())).await.ok(201).clone();
    assert_eq!(created["hold_s_default"], 1200);
    assert_eq!(created["checkouts_per_customer_max"], 3);
    assert_eq!(clerk.send(fresh(shop.clone())).await.ok(200), &created);
    shop = json!({ "name": "Fresher", "currency": "EUR", "hold_s_default": 60 });
    let changed = clerk.send(fresh(shop.clone())).await.ok(200).clone();
    assert_eq!(
        (&changed["name"], &changed["hold_s_default"]),
        (&json!("Fresher"), &json!(60))
    );
    assert!(
        changed.get("checkouts_per_customer_max").is_none(),
        "{changed}"
    );
    let read = clerk.send(Call::new("GET", "/v1/admin/shops/fresh")).await;
    assert_eq!(read.ok(200), &changed);
    shop["currency"] = json!("INR");
    clerk.send(fresh(shop)).await.names("currency");
    let read = clerk.send(Call::new("GET", "/v1/admin/shops/fresh")).await;
    assert_eq!(read.ok(200), &changed);
}

#[tokio::test]
async fn a_sku_is_put_changed_retired_and_put_back_on_sale() {
    let (test, clerk) = office().await;
    let body = json!({
        "title": "Tulle veil", "attributes": { "colour": "white" }, "price_minor": 1, "currency":
        "INR", "sale_opens_at": "2026-01-01T00:00:00+05:30", "low_stock_threshold": 3,
        "limit_per_customer": 2,
    });
    let changed = clerk.put(SKU, body.clone()).await.ok(200).clone();
    assert_eq!(changed["sale_opens_at"], "2025-12-31T18:30:00Z");
    assert_eq!(
        (
            &changed["low_stock_threshold"],
            &changed["stock"]["version"]
        ),
        (&json!(3), &json!(1))
    );
    // Again, and with another title: the stock level is not written, so no version becomes stale.
    assert_eq!(clerk.put(SKU, body).await.ok(200), &changed);
    let retired = clerk.delete(SKU).await.ok(200).clone();
    assert!(retired["retired_at"].is_string(), "{retired}");
    assert_eq!(clerk.delete(SKU).await.ok(200), &retired);
    let mut again = veil();
    again["low_stock_threshold"] = json!(3);
    let still = clerk.put(SKU, again.clone()).await.ok(200).clone();
    assert_eq!(still["retired_at"], retired["retired_at"]);
    again["retired"] = json!(false);
    let back = clerk.put(SKU, again).await.ok(200).clone();
    assert!(back.get("retired_at").is_none(), "{back}");
    assert!(back.get("limit_per_customer").is_none(), "{back}");
    assert_eq!(clerk.get(SKU).await.ok(200), &back);
    clerk.get("/skus/NONE").await.refused(404, "not_found");
    clerk.delete("/skus/NONE").await.refused(404, "not_found");
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn received_adjusted_and_set_stock_is_in_the_ledger() {
    let (test, clerk) = office().await;
    let receive = json!({ "quantity": 20, "expected_version": 0, "reference": "PO-1041" });
    let received = clerk.post(&format!("{STOCK}/receive"), receive).await;
    assert_eq!(received.ok(200)["movement"]["reason"], "received");
    assert_eq!(received.headers["etag"], "\"1\"");
    let adjust = json!({ "delta": -1, "expected_version": 1, "note": "torn at the hem" });
    let adjusted = clerk.post(&format!("{STOCK}/adjust"), adjust).await;
    assert_eq!(adjusted.ok(200)["movement"]["note"], "torn at the hem");
    let set = json!({ "on_hand": 18, "expected_version": 2, "note": "yearly count" });
    let changed = clerk.post(&format!("{STOCK}/set"), set).await;
    let movement = &changed.ok(200)["movement"];
    assert_eq!(
        (&movement["delta"], &movement["actor"]),
        (&json!(-1), &json!("clerk"))
    );
    let same = json!({ "on_hand": 18, "expected_version": 3, "note": "counted again" });
    let unchanged = clerk.post(&format!("{STOCK}/set"), same).await;
    assert!(
        unchanged.ok(200).get("movement").is_none(),
        "{unchanged:#?}"
    );
    let level = clerk.get(STOCK).await;
    assert_eq!(
        (&level.ok(200)["on_hand"], &level.body["version"]),
        (&json!(18), &json!(3))
    );
    assert_eq!(level.headers["etag"], "\"3\"");
    test.assert_promises_hold().await;
}

/// Promise 9 over HTTP: the answer has the current numbers.
#[tokio::test]
async fn a_stale_change_of_stock_is_refused_with_the_current_numbers() {
    let (test, clerk) = office().await;
    let receive = json!({ "quantity": 5, "expected_version": 0 });
    clerk
        .post(&format!("{STOCK}/receive"), receive)
        .await
        .ok(200);
    test.held(&[("VEIL-WHITE", 2)]).await;
    let before = test.rows().await;
    for (verb, mut body) in [
        ("receive", json!({ "quantity": 1 })),
        ("adjust", json!({ "delta": 1, "note": "n" })),
        ("set", json!({ "on_hand": 9, "note": "n" })),
    ] {
        let path_ = format!("{STOCK}/{verb}");
        let by_header = Call::new("POST", &path(&path_))
            .json(&body)
            .header("if-match", "\"1\"");
        let refused = clerk.send(by_header).await;
        refused.refused(412, "precondition_failed");
        body["expected_version"] = json!(1);
        let stale = clerk.post(&path_, body).await;
        let now = &stale.refused(409, "stock_stale").body;
        for answer in [now, &refused.body] {
            assert_eq!(answer["version"], 2);
            assert_eq!(
                (&answer["on_hand"], &answer["held"]),
                (&json!(5), &json!(2))
            );
            assert_eq!(answer["last_movement"]["delta"], 5);
        }
    }
    assert_eq!(test.rows().await, before);
}

#[tokio::test]
async fn stock_is_never_lowered_below_the_held_units() {
    let (test, clerk) = office().await;
    let receive = json!({ "quantity": 5, "expected_version": 0 });
    clerk
        .post(&format!("{STOCK}/receive"), receive)
        .await
        .ok(200);
    test.held(&[("VEIL-WHITE", 3)]).await;
    let before = test.rows().await;
    let version = json!(2);
    for (verb, body) in [
        (
            "adjust",
            json!({ "delta": -3, "expected_version": version, "note": "n" }),
        ),
        (
            "adjust",
            json!({ "delta": -6, "expected_version": version, "note": "n" }),
        ),
        (
            "set",
            json!({ "on_hand": 2, "expected_version": version, "note": "n" }),
        ),
    ] {
        let refused = clerk.post(&format!("{STOCK}/{verb}"), body).await;
        let numbers = &refused.refused(409, "below_held").body;
        assert_eq!(
            (&numbers["on_hand"], &numbers["held"]),
            (&json!(5), &json!(3))
        );
    }
    assert_eq!(test.rows().await, before);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_change_counts_once_however_often_it_is_sent() {
    let (test, clerk) = office().await;
    let id = Uuid::now_v7();
    let mut body = json!({ "quantity": 7, "expected_version": 0, "movement_id": id });
    let path_ = format!("{STOCK}/receive");
    let first = clerk.post(&path_, body.clone()).await.ok(200).clone();
    assert_eq!(clerk.post(&path_, body.clone()).await.ok(200), &first);
    // Others have written meanwhile, and the clerk has even read the new version.
    test.held(&[("VEIL-WHITE", 1)]).await;
    body["expected_version"] = json!(2);
    let again = clerk.post(&path_, body.clone()).await.ok(200).clone();
    assert_eq!(again["movement"], first["movement"]);
    assert_eq!((&again["on_hand"], &again["held"]), (&json!(7), &json!(1)));
    body["quantity"] = json!(8);
    clerk
        .post(&path_, body.clone())
        .await
        .refused(409, "movement_conflict");
    let adjust = json!({ "delta": 7, "expected_version": 2, "movement_id": id, "note": "n" });
    let other = clerk.post(&format!("{STOCK}/adjust"), adjust).await;
    other.refused(409, "movement_conflict");
    // Without an id of the caller, the version stops the second call.
    let nameless = json!({ "quantity": 7, "expected_version": 2 });
    clerk.post(&path_, nameless.clone()).await.ok(200);
    clerk
        .post(&path_, nameless)
        .await
        .refused(409, "stock_stale");
    assert_eq!(test.level("VEIL-WHITE").await, (14, 1, 3));
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn one_of_twenty_clerks_with_one_version_changes_the_stock() {
    let (test, _) = office().await;
    let clerks: Vec<_> = (0..20).map(|_| std::sync::Arc::new(test.clerk())).collect();
    let answers = at_once(20, |n| {
        let clerk = std::sync::Arc::clone(&clerks[n]);
        async move {
            let body = json!({ "quantity": 3, "expected_version": 0 });
            clerk.post(&format!("{STOCK}/receive"), body).await.status
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|status| **status == 409).count(), 19);
    assert_eq!(test.level("VEIL-WHITE").await, (3, 0, 1));
    test.assert_promises_hold().await;
}

/// The control: twenty deliveries of three units, nineteen of them lost.
#[tokio::test]
async fn without_a_version_twenty_clerks_would_overwrite_each_other() {
    let test = TestDb::new().await;
    test.naive().await;
    test.sql("insert into naive.stock (sku, on_hand) values ('A', 0)")
        .await;
    test.all_read_then_all_write(20, "call naive.receive('A', 3)")
        .await;
    assert_eq!(
        test.count("select on_hand::bigint from naive.stock").await,
        3
    );
}

/// The control: neither an id nor a version, which only the owner may do.
#[tokio::test]
async fn without_id_and_version_a_change_sent_twice_would_count_twice() {
    let (test, _) = office().await;
    for _ in 0..2 {
        test.sql(
            "select holdfast.stock_adjust('main', 'VEIL-WHITE', 7, null, 'received', 'me', null)",
        )
        .await;
    }
    assert_eq!(test.level("VEIL-WHITE").await, (14, 0, 2));
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let (test, clerk) = office().await;
    let before = test.rows().await;
    let long = "x".repeat(501);
    let many: serde_json::Map<String, Value> =
        (0..101).map(|n| (n.to_string(), json!(1))).collect();
    let of_sku = [
        ("title", json!("")),
        ("title", json!("a\nb")),
        ("title", json!("x".repeat(201))),
        ("price_minor", json!(-1)),
        ("price_minor", json!(1.5)),
        ("price_minor", json!(100_000_000_001_i64)),
        ("currency", json!("EUR")),
        ("currency", json!(null)),
        ("attributes", json!([])),
        ("attributes", json!({ "a": { "b": ["\u{0}"] } })),
        ("attributes", json!(many)),
        // short as JSON, long as the database writes it
        ("attributes", json!({ "a": vec![1e308; 450] })),
        ("sale_opens_at", json!("2027-01-31")),
        ("sale_closes_at", json!(1)),
        ("low_stock_threshold", json!(-1)),
        ("limit_per_customer", json!(0)),
        ("retired", json!("no")),
        ("stock", json!(7)),
    ];
    for (field, value) in of_sku {
        let mut body = veil();
        body[field] = value;
        clerk.put(SKU, body).await.names(field);
    }
    let mut closed = veil();
    closed["sale_opens_at"] = json!("2027-01-01T00:00:00Z");
    closed["sale_closes_at"] = json!("2027-01-01T01:00:00+01:00");
    clerk.put(SKU, closed).await.names("sale_closes_at");
    let of_stock = [
        ("receive", "quantity", json!(0)),
        ("receive", "quantity", json!(1_000_000_001)),
        ("receive", "reference", json!("")),
        ("receive", "movement_id", json!("1")),
        ("receive", "expected_version", json!(-1)),
        ("receive", "actor", json!("somebody else")),
        ("adjust", "delta", json!(0)),
        ("adjust", "note", json!(long)),
        ("set", "on_hand", json!(-1)),
    ];
    for (verb, field, value) in of_stock {
        let mut body = match verb {
            "receive" => json!({ "quantity": 1, "expected_version": 0 }),
            "adjust" => json!({ "delta": 1, "note": "n", "expected_version": 0 }),
            _ => json!({ "on_hand": 1, "note": "n", "expected_version": 0 }),
        };
        body[field] = value;
        clerk
            .post(&format!("{STOCK}/{verb}"), body)
            .await
            .names(field);
    }
    clerk.get("/stock/a%20b").await.names("sku");
    assert_eq!(test.rows().await, before);
}

#[tokio::test]
async fn a_change_of_stock_carries_exactly_one_version() {
    let (test, clerk) = office().await;
    let call = |body: Value| Call::new("POST", &path("/stock/VEIL-WHITE/receive")).json(&body);
    let none = clerk.send(call(json!({ "quantity": 1 }))).await;
    none.names("expected_version");
    let both = json!({ "quantity": 1, "expected_version": 1 });
    let both = call(both).header("if-match", "\"0\"");
    clerk.send(both).await.names("expected_version");
    for header in [
        "*",
        "0",
        "W/\"0\"",
        "\"0\", \"1\"",
        "\"-1\"",
        "\"+1\"",
        "\"\"",
        "\"x\"",
    ] {
        let wrong = call(json!({ "quantity": 1 })).header("if-match", header);
        clerk.send(wrong).await.names("if-match");
    }
    let agreed = json!({ "quantity": 1, "expected_version": 0 });
    let agreed = clerk.send(call(agreed).header("if-match", "\"0\"")).await;
    assert_eq!(agreed.ok(200)["on_hand"], 1);
    let most = json!({ "quantity": 1_000_000_000, "expected_version": 1 });
    clerk.send(call(most)).await.refused(409, "stock_full");
    assert_eq!(test.level("VEIL-WHITE").await, (1, 0, 1));
}

/// Through the local stack's HTTP API with its token, as in the README.
#[tokio::test]
async fn the_local_stacks_token_lets_its_clerk_in() {
    let token = format!("Bearer {}", STACK.admin_token);
    for shop in ["dress", "tour"] {
        let call = Call::new("GET", &format!("/v1/admin/shops/{shop}"));
        let answer = call
            .header("authorization", &token)
            .to(&STACK.api_url)
            .await;
        assert_eq!(answer.ok(200)["shop"], shop);
    }
    let elsewhere = Call::new("GET", "/v1/admin/shops/main").header("authorization", &token);
    elsewhere.to(&STACK.api_url).await.refused(404, "not_found");
}

/// Missing stock: first a dry run, then the change, with the version in the body or in the header.
#[tokio::test]
async fn missing_stock_is_previewed_and_then_taken_out_once() {
    let (test, clerk) = office().await;
    let path_ = format!("{STOCK}/shrink");
    let receive = json!({ "quantity": 5, "expected_version": 0 });
    clerk
        .post(&format!("{STOCK}/receive"), receive)
        .await
        .ok(200);
    let held = test.held(&[("VEIL-WHITE", 2)]).await;
    let (broken, order) = test.ordered(&[("VEIL-WHITE", 2)]).await;
    let version = test.level("VEIL-WHITE").await.2;
    let before = test.rows().await;

    let mut body = json!({
        "missing": 2, "note": "water damage", "dry_run": true, "expected_version": version,
    });
    let would = clerk.post(&path_, body.clone()).await.ok(200).clone();
    assert_eq!(test.rows().await, before);
    assert_eq!(
        (&would["on_hand"], &would["held"], &would["version"]),
        (&json!(3), &json!(2), &json!(version))
    );
    assert_eq!(would["broken"][0]["checkout_id"], json!(broken));
    assert_eq!(would["broken"][0]["order_id"], json!(order.order_id));
    assert!(would.get("movement").is_none(), "{would}");

    body["dry_run"] = json!(false);
    body["movement_id"] = json!(Uuid::now_v7());
    let done = clerk.post(&path_, body.clone()).await.ok(200).clone();
    assert_eq!(done["broken"], would["broken"]);
    assert_eq!(done["movement"]["reason"], "missing");
    assert_eq!(done["movement"]["actor"], "clerk");
    assert_eq!(clerk.post(&path_, body.clone()).await.ok(200), &done);

    let before = test.rows().await;
    body["missing"] = json!(1);
    let conflict = clerk.post(&path_, body.clone()).await;
    conflict.refused(409, "movement_conflict");
    body["movement_id"] = json!(Uuid::now_v7());
    let stale = clerk.post(&path_, body.clone()).await;
    let stale = &stale.refused(409, "stock_stale").body;
    assert_eq!(stale["last_movement"]["reason"], "missing");
    let by_header = json!({ "missing": 1, "note": "n" });
    let call = Call::new("POST", &path(&path_)).json(&by_header);
    let call = call.header("if-match", &format!("\"{version}\""));
    clerk.send(call).await.refused(412, "precondition_failed");
    for (field, wrong) in [
        (
            "missing",
            json!({ "missing": 0, "note": "n", "expected_version": 9 }),
        ),
        ("body", json!({ "missing": 1, "expected_version": 9 })),
        ("expected_version", json!({ "missing": 1, "note": "n" })),
        (
            "dry_run",
            json!({ "missing": 1, "note": "n", "expected_version": 9, "dry_run": "yes" }),
        ),
    ] {
        clerk.post(&path_, wrong).await.names(field);
    }
    assert_eq!(test.rows().await, before);
    assert!(test.begin(held, &[("VEIL-WHITE", 2)]).await.is_ok());
    test.assert_promises_hold().await;
}
