//! What readers cannot show is not stored, by any door: a constraint refuses it.

use operations::order::{AmendError, CancelError, RestockError};
use operations::stock::{ChangeError, Receive};
use serde_json::json;
use tests::desk::{actor, restock_request};
use tests::{MAIN, TestDb, new_id, refused_by, shop};

/// Every column with times that no constraint bounds. The migration's own tables are written by
/// the clock alone, and made before the first migration. `checkouts` and `holds` are written for
/// each hold of a flash sale, and checks of their times made a hold 6 to 13 % dearer. Their times
/// are the clock's, plus hold_s_max at most (`no_hold_ends_later_than_a_shop_allows`).
const UNBOUNDED: &str = "
    select c.relname || '.' || a.attname
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p')
    where c.relnamespace = 'holdfast'::regnamespace and a.attnum > 0 and not a.attisdropped
        and a.atttypid in ('timestamptz'::regtype, 'timestamptz[]'::regtype)
        and c.relname not in ('schema_history', 'schema_release', 'schema_build', 'checkouts',
            'holds')
        and not exists (
            select from pg_constraint k
            where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey)
                and k.conname ~ '_times_can_be_shown$')
    order by 1";

#[tokio::test]
async fn every_column_with_times_has_bounds() {
    let test = TestDb::new().await;
    let owner = &test.owner;
    let found = async || {
        let rows = owner.query(UNBOUNDED, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    assert_eq!(found().await, Vec::<String>::new());

    // the query sees a column that has none
    let add = "alter table holdfast.orders add column packed_at timestamptz";
    owner.batch_execute(add).await.unwrap();
    assert_eq!(found().await, ["orders.packed_at"]);
}

/// Times without a form in RFC 3339.
const UNSHOWN: [&str; 6] = [
    "infinity",
    "-infinity",
    "0001-01-01 00:00:00+05:30",
    "0001-12-31 00:00:00+00 BC",
    "9999-12-31 23:59:59-00:01",
    "10000-01-01 00:00:00+00",
];

/// The routines that take a time from outside, with the role of their function.
#[tokio::test]
async fn a_time_that_nobody_can_show_is_stored_by_no_routine() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let before = test.rows().await;
    let admin = test.admin_session().await;
    for time in UNSHOWN {
        for (sql, refusal) in [
            (
                format!("select holdfast.sku_put('main', 'B', 'B', '{{}}', 1, 0, '{time}')"),
                "sku_times_can_be_shown",
            ),
            (
                format!("select holdfast.sku_put('main', 'A', 'B', '{{}}', 1, 0, null, '{time}')"),
                "sku_times_can_be_shown",
            ),
            (
                format!(
                    "select holdfast.coupon_put('main', 'C', 'fixed', 1, 0, null, '{time}', null)"
                ),
                "coupon_times_can_be_shown",
            ),
            (
                format!(
                    "select holdfast.import_stage('main', '{}', 1, 'c', 500, '{{2}}', '{{B}}',
                        '{{B}}', '{{null}}', '{{null}}', '{{1}}', '{{null}}', '{{\"{time}\"}}',
                        '{{t}}', '{{null}}', '{{f}}', '{{null}}', '{{null}}', '{{f}}', '{{null}}',
                        '{{null}}', '{{null}}', '{{null}}')",
                    new_id()
                ),
                "import_chunk_times_can_be_shown",
            ),
        ] {
            assert_eq!(refused_by(&admin, &sql).await, refusal, "{sql}");
        }
    }
    assert_eq!(test.rows().await, before);
}

/// Numbers that a double does not keep, and values that parsers give up on.
#[tokio::test]
async fn attributes_that_readers_would_change_are_stored_by_no_routine() {
    let test = TestDb::new().await;
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let put = |value: &str| {
        format!("select holdfast.sku_put('main', 'A', 'A', '{{\"a\": [{value}]}}', 1)")
    };
    let admin = test.admin_session().await;
    for value in [
        "1.10",
        "-0",
        "1e22",
        "0.30000000000000004",
        "1e300",
        &nested(57),
    ] {
        admin.batch_execute(&put(value)).await.unwrap();
    }
    for value in [
        "12345678901234567890123",
        "9007199254740993",
        "3.14159265358979323846",
        "1e301",
        "1e-301",
        "1e400",
        &nested(58),
    ] {
        let refused = refused_by(&admin, &put(value)).await;
        assert_eq!(refused, "sku_attributes_can_be_shown", "{value}");
    }
    let many: Vec<String> = (0..101).map(|n| format!("\"{n}\": 1")).collect();
    let many = many.join(",");
    let put = format!("select holdfast.sku_put('main', 'A', 'A', '{{{many}}}', 1)");
    assert_eq!(
        refused_by(&admin, &put).await,
        "sku_attributes_can_be_shown"
    );
}

/// Staff stop at 1,000,000,000 units. Units of orders come back beyond that, so that a full level
/// never holds up a return.
#[tokio::test]
async fn a_full_stock_level_takes_its_own_units_back() {
    let test = TestDb::new().await;
    test.sku("A", 100_000).await;
    let desk = test.desk(1);
    let booked = desk.booked(&[("A", 50_000)]).await;
    let other = desk.booked(&[("A", 50_000)]).await;
    let clerk = test.clerk();
    let level = async || {
        let level = clerk.get("/stock/A").await;
        (level.body["on_hand"].clone(), level.body["version"].clone())
    };
    let change = async |verb: &str, mut body: serde_json::Value| {
        body["expected_version"] = level().await.1;
        body["note"] = json!("count");
        clerk.post(&format!("/stock/A/{verb}"), body).await
    };
    change("receive", json!({ "quantity": 1_000_000_000 }))
        .await
        .ok(200);
    let one_more = [
        ("receive", json!({ "quantity": 1 })),
        ("adjust", json!({ "delta": 2_000_000_000 })),
        ("adjust", json!({ "delta": 1 })),
    ];
    for (verb, body) in one_more.clone() {
        change(verb, body).await.refused(409, "stock_full");
    }

    desk.amend(&booked, &[("A", 20_000)]).await.unwrap();
    assert_eq!(level().await.0, 1_000_030_000);
    desk.restock(booked.order_id, &restock_request(&[("A", 20_000)]))
        .await
        .unwrap();
    desk.cancel(&other).await.unwrap();
    assert_eq!(level().await.0, 1_000_100_000);
    // what is there may be counted, exported and imported, but not raised
    let count = json!({ "on_hand": 1_000_000_000 });
    let row = clerk.get("/export?format=csv").await;
    assert!(
        row.body.as_str().unwrap().contains(",1000100000,"),
        "{row:?}"
    );
    for (verb, body) in one_more {
        change(verb, body).await.refused(409, "stock_full");
    }
    change("set", count).await.ok(200);
    test.assert_promises_hold().await;
}

/// At its last bound a level refuses a return in words. Less stock mends that.
#[tokio::test]
async fn a_return_that_no_longer_fits_is_refused_and_fits_again_later() {
    let test = TestDb::new().await;
    test.sku("A", 30).await;
    let desk = test.desk(1);
    let booked = desk.booked(&[("A", 10)]).await;
    test.fill_level("A", 1_999_999_995).await;
    let error = desk.amend(&booked, &[("A", 1)]).await.unwrap_err();
    assert!(matches!(error, AmendError::StockFull), "{error:?}");
    let restock = restock_request(&[("A", 10)]);
    let error = desk.restock(booked.order_id, &restock).await.unwrap_err();
    assert!(matches!(error, RestockError::StockFull), "{error:?}");
    let error = desk.cancel(&booked).await.unwrap_err();
    assert!(matches!(error, CancelError::StockFull), "{error:?}");
    let receive: Receive = serde_json::from_value(json!({ "quantity": 1_000_000_000 })).unwrap();
    let sku = "A".parse().unwrap();
    let error =
        operations::stock::receive(&desk.0, &shop(MAIN), &sku, &actor("me"), &receive).await;
    assert!(matches!(error, Err(ChangeError::Full)), "{error:?}");

    desk.restock(booked.order_id, &restock_request(&[("A", 5)]))
        .await
        .unwrap();
    test.fill_level("A", 1_000_000_000).await;
    desk.cancel(&booked).await.unwrap();
    assert_eq!(test.level("A").await.0, 1_000_000_005);
    test.assert_promises_hold().await;
}

/// A function reads times in UTC, whatever zone its server has.
#[tokio::test]
async fn the_first_and_the_last_time_are_shown_on_a_server_of_any_zone() {
    let test = TestDb::new().await;
    for zone in ["Asia/Kolkata", "America/New_York", "Africa/Monrovia"] {
        test.sql(&format!(
            "alter database {} set timezone = '{zone}'",
            test.name()
        ))
        .await;
        let clerk = test.clerk();
        let sku = json!({
            "title": "T", "price_minor": 1, "sale_opens_at": "0001-01-01T00:00:00Z",
            "sale_closes_at": "9999-12-31T23:59:59.999999Z",
        });
        let put = clerk.put("/skus/A", sku.clone()).await;
        let list = clerk.get("/skus").await;
        for shown in [&put.body, &list.ok(200)["skus"][0]] {
            for time in ["sale_opens_at", "sale_closes_at"] {
                assert_eq!(shown[time], sku[time], "{zone}");
            }
        }
        let admin = test.admin_session().await;
        let shown = admin.query_one("show timezone", &[]).await.unwrap();
        assert_eq!(shown.get::<_, String>(0), "UTC", "{zone}");
    }
}

/// The times of `checkouts` and `holds` have no check of their own. By each door: a first cart,
/// another cart, many carts in one call, and more time for a cart.
#[tokio::test]
async fn no_hold_ends_later_than_a_shop_allows() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let held = test.held(&[("A", 1)]).await;
    let session = test.checkout_session().await;
    let (longest, customer) = (i32::MAX, "'c'");
    for id in [held, new_id()] {
        for call in [
            format!(
                "call holdfast.checkout_begin('main', '{id}', {customer}, 2, '\\x01', {longest},
                    '{{A}}', '{{1}}')"
            ),
            format!(
                "call holdfast.checkout_begin_many('main', array['{id}'::uuid], array[{customer}],
                    '{{2}}', array['\\x01'::bytea], '{{{longest}}}', '{{A}}', '{{1}}', '{{1}}',
                    '{{1}}')"
            ),
            format!("select * from holdfast.checkout_extend('main', '{id}', null, {longest})"),
        ] {
            session.batch_execute(&call).await.unwrap();
        }
    }
    let late = "select (select count(*) from holdfast.checkouts c
            where c.expires_at > now() + interval '1800 seconds')
        + (select count(*) from holdfast.holds h
            where h.expires_at > now() + interval '1800 seconds')";
    assert_eq!(test.count(late).await, 0);
    let holds = "select count(*) from holdfast.holds";
    assert_eq!(test.count(holds).await, 1);
}
