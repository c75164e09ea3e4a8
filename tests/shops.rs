//! Promise 10: a shop sees only itself, also where two shops use the same sku codes and the same
//! ids.

use shared::checkout::{self, Begin, BeginError, Begun};
use shared::ids::CheckoutId;
use shared::order::{self, CouponRefusal, Create, CreateError, ShipTo};
use shared::payment::{self, EventKind, Gateway, Outcome};
use shared::stock::availability;
use tests::{TestDb, begin_request, event, new_id, order_request, shop};
use uuid::Uuid;

const OTHER: &str = "other";

/// Two shops with the same skus; `main` sells, `other` has more on hand.
async fn two_shops() -> TestDb {
    let test = TestDb::new().await;
    test.shop(OTHER).await;
    for sku in ["A", "B"] {
        test.sku(sku, 5).await;
        test.sku_of(OTHER, sku, 50).await;
    }
    test.sql("select holdfast.coupon_put('main', 'TEN', 'percent', 1000, 0, null, null, 1)")
        .await;
    test
}

fn begin_in(shop_code: &str, id: CheckoutId, lines: &[(&str, i64)]) -> Begin {
    Begin {
        shop: shop(shop_code),
        ..begin_request(id, lines)
    }
}

fn order_in(shop_code: &str, id: CheckoutId) -> Create {
    Create {
        shop: shop(shop_code),
        ..order_request(id)
    }
}

/// Scenario 29.
#[tokio::test]
async fn the_ids_of_one_shop_are_missing_in_another() {
    let test = two_shops().await;
    let (id, main_order) = test.ordered(&[("A", 1)]).await;
    let address = order::Create {
        ship_to: ShipTo::Given {
            address: serde_json::from_value(serde_json::json!({
                "recipient": "Asha", "line1": "1 Main Street", "city": "Pune",
                "postal_code": "411001", "country": "IN"
            }))
            .unwrap(),
            save: true,
        },
        ..order_request(test.held(&[("B", 1)]).await)
    };
    order::create(&test.db, &address).await.unwrap();
    let address_id: Uuid = test
        .owner
        .query_one("select address_id from holdfast.addresses", &[])
        .await
        .unwrap()
        .get(0);
    let (db, other) = (&test.db, shop(OTHER));
    let foreign = new_id();
    checkout::begin(db, &begin_in(OTHER, foreign, &[("A", 1)]))
        .await
        .unwrap();
    let before = test.rows().await;

    assert!(checkout::read(db, &other, id, None).await.is_err());
    assert!(checkout::extend(db, &other, id, None, None).await.is_err());
    assert!(checkout::release(db, &other, id, None).await.is_err());
    assert!(order::read(db, &other, id, None).await.is_err());
    let ordered = order::create(db, &order_in(OTHER, id)).await;
    assert!(matches!(ordered, Err(CreateError::NotFound)), "{ordered:?}");

    let saved = Create {
        ship_to: ShipTo::Saved(address_id),
        ..order_in(OTHER, foreign)
    };
    let refused = order::create(db, &saved).await;
    assert!(
        matches!(refused, Err(CreateError::AddressUnknown)),
        "{refused:?}"
    );
    let coupon = Create {
        coupon: Some("TEN".parse().unwrap()),
        ..order_in(OTHER, foreign)
    };
    let refused = order::create(db, &coupon).await;
    let unknown = Err(CouponRefusal::Unknown);
    let refusal = match refused {
        Err(CreateError::Coupon(refusal)) => Err(refusal),
        other => Ok(other),
    };
    assert_eq!(refusal.map(|_| ()), unknown);
    assert_eq!(test.rows().await, before);

    // A payment for main's order, sent by other's gateway account: kept, and applied to nothing.
    let paid = event(&main_order, EventKind::Paid, "pay-1");
    let recorded = payment::record_event(db, &other, Gateway::Cashfree, &paid).await;
    assert_eq!(recorded.unwrap().outcome, Outcome::Parked);
    assert_eq!(test.rows_of("main").await, {
        let mut main = before;
        for rows in main.values_mut() {
            rows.retain(|row| row["shop"] == "main");
        }
        main
    });
    test.assert_promises_kept().await;
}

/// Scenario 29: everything that a shop can do, with the other's ids, leaves the other as it was.
#[tokio::test]
async fn nothing_that_one_shop_does_changes_a_row_of_another() {
    let test = two_shops().await;
    let (id, main_order) = test.ordered(&[("A", 2)]).await;
    let due = test.held(&[("A", 3)]).await;
    test.make_due(due).await;
    let main = test.rows_of("main").await;
    let (db, other) = (&test.db, shop(OTHER));

    // the same checkout id is another checkout
    let begun = checkout::begin(db, &begin_in(OTHER, id, &[("A", 1)]))
        .await
        .unwrap();
    assert!(matches!(begun, Begun::Placed(_)));
    let replaced = Begin {
        revision: 2.try_into().unwrap(),
        ..begin_in(OTHER, id, &[("A", 1), ("B", 2)])
    };
    checkout::begin(db, &replaced).await.unwrap();
    checkout::extend(db, &other, id, None, None).await.unwrap();
    let refused = checkout::begin(db, &begin_in(OTHER, new_id(), &[("A", 51)])).await;
    assert!(
        matches!(refused, Err(BeginError::Shortage(_))),
        "{refused:?}"
    );
    order::create(db, &order_in(OTHER, id)).await.unwrap();
    let theirs = order::read(db, &other, id, None).await.unwrap();
    assert_ne!(theirs.payment.reference, main_order.payment.reference);
    // the same key of the same gateway is another event
    for kind in [EventKind::Failed, EventKind::Paid] {
        let event = event(&theirs, kind, "pay-1");
        payment::record_event(db, &other, Gateway::Cashfree, &event)
            .await
            .unwrap();
    }
    let released = new_id();
    checkout::begin(db, &begin_in(OTHER, released, &[("B", 1)]))
        .await
        .unwrap();
    checkout::release(db, &other, released, None).await.unwrap();
    checkout::read(db, &other, released, None).await.unwrap();
    for sql in [
        "select holdfast.sweep_expire('other', 100, '{}')",
        "select holdfast.checkout_reclaim('other', '{A,B}', 'TEN', 'c')",
        "select holdfast.hold_purge('other', interval '1 day', 100)",
        "select holdfast.import_purge('other', interval '1 day', 100)",
        "select holdfast.stock_adjust('other', 'A', 7, null, 'received', 'test', null)",
        "select holdfast.sku_put('other', 'A', 'Renamed', '{}', 7)",
        "select holdfast.coupon_put('other', 'TEN', 'fixed', 7, 0, null, null, 7)",
        "select holdfast.shop_put('other', 'Renamed', 'INR')",
        "select * from holdfast.payment_parked('other', 100)",
        "select holdfast.payment_event_dismiss('other', 'cashfree', 'Paid:pay-1', 'test')",
        "select * from holdfast.promises_check('other')",
    ] {
        test.sql(sql).await;
    }
    assert_eq!(test.rows_of("main").await, main);
    let shown = availability(db, &other, &["A".parse().unwrap()])
        .await
        .unwrap();
    assert_eq!(
        (shown.skus[0].price_minor, shown.skus[0].available),
        (7, 56)
    );

    // And the other way round: main's event with the same key is still to come.
    let theirs = test.rows_of(OTHER).await;
    let paid = event(&main_order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Completed);
    test.sweep().await;
    assert_eq!(test.rows_of(OTHER).await, theirs);
    test.assert_promises_kept().await;
}

/// A cart is of one shop: a sku that only another shop has is unknown, and its stock out of reach.
#[tokio::test]
async fn a_sku_of_another_shop_is_unknown() {
    let test = two_shops().await;
    test.sku_of(OTHER, "ONLY-THERE", 5).await;
    let refused = test.begin(new_id(), &[("A", 1), ("ONLY-THERE", 1)]).await;
    let Err(BeginError::UnknownSku(skus)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(skus, ["ONLY-THERE"]);
    let wanted = ["ONLY-THERE".parse().unwrap()];
    let shown = availability(&test.db, &shop("main"), &wanted)
        .await
        .unwrap();
    assert_eq!((shown.skus.len(), shown.unknown), (0, wanted.to_vec()));
    // 50 units there are none here
    assert!(test.begin(new_id(), &[("A", 6)]).await.is_err());
}

/// A routine that the functions may call and that takes a shop must stand in a test of this file.
#[tokio::test]
async fn every_routine_of_the_functions_is_tried_across_shops() {
    let test = TestDb::new().await;
    let query = "
        select p.proname::text from pg_proc p
        where p.pronamespace = 'holdfast'::regnamespace and 'p_shop' = any (p.proargnames)
            and has_function_privilege('holdfast_app', p.oid, 'execute')
            and p.proname not like '%\\_core'
        order by 1";
    let rows = test.owner.query(query, &[]).await.unwrap();
    let routines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        routines,
        [
            "checkout_begin",
            "checkout_extend",
            "checkout_read",
            "checkout_reclaim",
            "checkout_release",
            "hold_purge",
            "import_purge",
            "order_create",
            "order_read",
            "payment_parked",
            "payment_record_event",
            "promises_check",
            "stock_availability",
            "sweep_expire",
        ]
    );
}

/// Every key begins with the shop: how the schema keeps two shops apart, and can be placed on
/// several servers.
#[tokio::test]
async fn the_shop_is_the_first_column_of_every_key() {
    let test = TestDb::new().await;
    let keys = "
        select count(*) from pg_constraint c join pg_attribute a
            on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
        where c.connamespace = 'holdfast'::regnamespace and c.contype in ('p', 'u', 'f')
            and c.conrelid::regclass::text <> 'holdfast.schema_history'";
    let all = test.count(keys).await;
    let first = test.count(&format!("{keys} and a.attname = 'shop'")).await;
    assert!(all > 20, "{all}");
    assert_eq!(first, all);
}
