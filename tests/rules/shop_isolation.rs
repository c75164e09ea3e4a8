//! Promise 10: a shop sees only itself, even if two shops use the same sku codes and the same ids.

mod foreign_calls;

use std::collections::BTreeMap;

use operations::checkout::{self, Begin, BeginError, Begun};
use operations::ids::CheckoutId;
use operations::order::{
    self, AmendError, CancelError, CouponRefusal, Create, CreateError, Order, RestockError, ShipTo,
};
use operations::payment::{self, Event, EventKind, Gateway, Outcome};
use operations::sku;
use operations::stock::availability;
use tests::desk::{actor, amend_request, book_request, booked_order, restock_request};
use tests::{MAIN, TestDb, begin_request, event, new_id, order_request, shop};
use uuid::Uuid;

use foreign_calls::{FOREIGN_CALLS, foreign_call};

const OTHER: &str = "other";

/// Two shops with the same skus. `main` sells; `other` has more on hand.
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

    assert_eq!(checkout::read(db, &other, id, None).await.unwrap(), None);
    assert!(checkout::extend(db, &other, id, None, None).await.is_err());
    assert!(checkout::release(db, &other, id, None).await.is_err());
    assert_eq!(order::read(db, &other, id, None).await.unwrap(), None);
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

    // A payment for main's order from other's gateway account is stored, and applied to nothing.
    let paid = event(&main_order, EventKind::Paid, "pay-1");
    let recorded = payment::record_event(&test.payments, &other, Gateway::Cashfree, &paid).await;
    assert_eq!(recorded.unwrap().outcome, Outcome::Parked);
    assert_eq!(test.rows_of("main").await, {
        let mut main = before;
        for rows in main.values_mut() {
            rows.retain(|row| row["shop"] == "main");
        }
        main
    });
    test.assert_promises_hold().await;
}

/// Scenario 29: every call of one shop with the other's ids leaves the other unchanged.
#[tokio::test]
async fn no_call_of_one_shop_changes_a_row_of_another() {
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
    let theirs = order::read(db, &other, id, None).await.unwrap().unwrap();
    assert_ne!(theirs.payment.reference, main_order.payment.reference);
    // the same key of the same gateway is another event
    for kind in [EventKind::Failed, EventKind::Paid] {
        let event = event(&theirs, kind, "pay-1");
        payment::record_event(&test.payments, &other, Gateway::Cashfree, &event)
            .await
            .unwrap();
    }
    let released = new_id();
    checkout::begin(db, &begin_in(OTHER, released, &[("B", 1)]))
        .await
        .unwrap();
    checkout::release(db, &other, released, None).await.unwrap();
    checkout::read(db, &other, released, None)
        .await
        .unwrap()
        .unwrap();
    for sql in [
        "select holdfast.sweep_expire('other', 100, '{}')",
        "select holdfast.hold_purge('other', interval '1 day', 100)",
        "select holdfast.import_purge('other', interval '1 day', 100)",
        "select holdfast.stock_adjust('other', 'A', 7, null, 'received', 'test', null)",
        "select holdfast.sku_put('other', 'A', 'Renamed', '{}', 7)",
        "select holdfast.payment_event_dismiss('other', 'cashfree', 'Paid:pay-1', 'test')",
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

    // Main's event with the same key is still to come.
    let theirs = test.rows_of(OTHER).await;
    let paid = event(&main_order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::Completed);
    test.sweep().await;
    assert_eq!(test.rows_of(OTHER).await, theirs);
    test.assert_promises_hold().await;
}

/// A cart belongs to one shop: a sku of another shop is unknown, and its stock out of reach.
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
    // other has 50 units, main has none
    assert!(test.begin(new_id(), &[("A", 6)]).await.is_err());
}

/// Scenario 29, at the desk: both shops use the same booking and return ids.
#[tokio::test]
async fn the_desk_of_one_shop_neither_sees_nor_changes_bookings_of_another() {
    let test = two_shops().await;
    let desk = test.desk(2);
    let (db, other, id) = (&desk.0, shop(OTHER), new_id());
    let order = booked_order(desk.book(id, &book_request(&[("A", 3)])).await.unwrap());
    let back = restock_request(&[("A", 1)]);
    desk.restock(order.order_id, &back).await.unwrap();
    let main = test.rows_of("main").await;
    let everything = test.rows().await;

    let d9 = actor("d-9");
    let amend = |version| amend_request(version, &[("A", 4), ("B", 1)]);
    let missing = order::amend(db, &other, id, &d9, &amend(2)).await;
    assert!(matches!(missing, Err(AmendError::NotFound)), "{missing:?}");
    let missing = order::cancel(db, &other, id, &d9, None).await;
    assert!(matches!(missing, Err(CancelError::NotFound)), "{missing:?}");
    let missing = order::restock(db, &other, order.order_id.into(), &d9, &back).await;
    assert!(
        matches!(missing, Err(RestockError::NotFound)),
        "{missing:?}"
    );
    let seats = sku::manifest(
        db,
        &other,
        &"A".parse().unwrap(),
        None,
        operations::quantity::PageLimit::USUAL,
    )
    .await;
    assert_eq!(seats.unwrap().unwrap().rows, []);
    assert_eq!(test.rows().await, everything);

    // the same ids are another booking and another return
    let book = book_request(&[("A", 2)]);
    let booked = order::book(db, &other, id, &d9, &book).await.unwrap();
    let booked = booked_order(booked).order_id.into();
    order::amend(db, &other, id, &d9, &amend(1)).await.unwrap();
    order::restock(db, &other, booked, &d9, &back)
        .await
        .unwrap();
    order::cancel(db, &other, id, &d9, None).await.unwrap();
    assert_eq!(test.rows_of("main").await, main);
    let theirs = test.rows_of(OTHER).await;
    desk.amend(&order, &[("A", 5)]).await.unwrap_err();
    desk.restock(order.order_id, &restock_request(&[("A", 2)]))
        .await
        .unwrap();
    desk.cancel(&order).await.unwrap();
    assert_eq!(test.rows_of(OTHER).await, theirs);
    test.assert_promises_hold().await;
}

/// `main` with a checkout, an order, a payment, a debt, an order at a gateway and parked money, all
/// with secret texts. Returns the first checkout and its unpaid order.
async fn a_shop_with_secrets() -> (TestDb, CheckoutId, Order) {
    let test = TestDb::new().await;
    test.shop(OTHER).await;
    test.sku("SECRET", 5).await;
    test.sql(
        "update holdfast.skus set title = 'secret title';
        select holdfast.coupon_put('main', 'SECRET', 'fixed', 77777, 0, null, null, 9);
        select holdfast.subscriber_put('main', 'secret', 'https://secret.example', null);
        update holdfast.subscribers set disabled_at = '2026-01-01 00:00:00+00',
            disabled_why = 'secret'",
    )
    .await;
    let (id, order) = test.ordered(&[("SECRET", 1)]).await;
    let (_, paid_order) = test.ordered(&[("SECRET", 1)]).await;
    let due = test.held(&[("SECRET", 2)]).await;
    test.make_due(due).await;
    test.corrupt("update holdfast.checkouts set customer = 'secret-c'")
        .await;
    for payment in ["secret-1", "secret-2"] {
        let paid = event(&paid_order, EventKind::Paid, payment);
        test.record(&paid).await.unwrap();
    }
    test.sql(&format!(
        "select holdfast.gateway_order_put('main', '{}', 'stripe', 'cs_secret',
            '{{\"secret\": 1}}', null)",
        order.payment.reference
    ))
    .await;
    let later = Event {
        reference: Some("main-secret".to_owned()),
        payload: "secret payload".to_owned(),
        ..event(&order, EventKind::Paid, "pay")
    };
    assert_eq!(test.record(&later).await.unwrap(), Outcome::Parked);
    (test, id, order)
}

/// Scenario 29, for each routine that a function may call: called for `other` with the ids and
/// codes of `main`, it neither shows nor changes anything of `main`.
#[tokio::test]
async fn every_routine_of_the_functions_is_tried_across_shops() {
    let (test, id, order) = a_shop_with_secrets().await;
    let refund = test
        .text("select refund_id::text from holdfast.refunds")
        .await;
    let movement = test
        .text(
            "select coalesce(movement_id, gen_random_uuid())::text
            from holdfast.stock_movements limit 1",
        )
        .await;

    let routines = r"
        select distinct p.proname::text, array(
            select a.name
            from unnest(p.proargnames, p.proargmodes::text[]) a(name, mode)
            where a.mode is null or a.mode in ('i', 'b'))
        from pg_proc p, unnest('{checkout,payments,sweeper,admin,console}'::text[]) r
        where p.pronamespace = 'holdfast'::regnamespace and 'p_shop' = any (p.proargnames)
            and has_function_privilege('holdfast_' || r, p.oid, 'execute')
            and p.proname not like '%\_attempt'
        order by 1";
    let rows = test.owner.query(routines, &[]).await.unwrap();
    let mut written: BTreeMap<&str, &str> = FOREIGN_CALLS.into();
    let calls: Vec<(String, String)> = rows
        .iter()
        .map(|row| {
            let (routine, parameters): (String, Vec<String>) = (row.get(0), row.get(1));
            let call = match written.remove(routine.as_str()) {
                Some(call) => call.to_owned(),
                None => foreign_call(&routine, &parameters),
            };
            (routine, call)
        })
        .collect();
    assert_eq!(written, BTreeMap::new(), "no function may call these");
    assert!(calls.len() > 60, "{}", calls.len());

    let main = test.rows_of(MAIN).await;
    for (routine, sql) in calls {
        assert!(
            sql.contains(&format!(" holdfast.{routine}('other'")),
            "{sql}"
        );
        let sql = sql
            .replace("{checkout}", &id.to_string())
            .replace("{order}", &order.order_id.to_string())
            .replace("{reference}", &order.payment.reference)
            .replace("{refund}", &refund)
            .replace("{movement}", &movement);
        // rolled back, so that the next routine finds nothing of this one; a procedure commits by
        // itself
        let function = sql.starts_with("select");
        if function {
            test.sql("begin").await;
        }
        let answer = test.owner.simple_query(&sql).await.unwrap();
        assert_eq!(test.rows_of(MAIN).await, main, "{routine}");
        if function {
            test.sql("rollback").await;
        }
        let answer = format!("{answer:?}").replace("SECRET", "");
        for secret in ["secret", "77777", &order.order_id.to_string()] {
            assert!(
                !answer.contains(secret),
                "{routine} shows {secret}: {answer}"
            );
        }
    }
    assert_eq!(test.rows_of(MAIN).await, main);
    // the control: a call for main shows the secrets
    let own = format!("select holdfast.checkout_read('main', '{id}', null)");
    let answer = test.owner.simple_query(&own).await.unwrap();
    assert!(format!("{answer:?}").contains("secret-c"), "{answer:?}");
}

/// Every key begins with the shop. This keeps two shops apart in the schema, and allows several
/// servers.
#[tokio::test]
async fn the_shop_is_the_first_column_of_every_key() {
    let test = TestDb::new().await;
    let keys = "
        select count(*) from pg_constraint c join pg_attribute a
            on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
        where c.connamespace = 'holdfast'::regnamespace and c.contype in ('p', 'u', 'f')
            and c.conrelid::regclass::text
                not in ('holdfast.schema_history', 'holdfast.schema_release',
                    'holdfast.schema_build', 'holdfast.schema_early_release')";
    let all = test.count(keys).await;
    let first = test.count(&format!("{keys} and a.attname = 'shop'")).await;
    assert!(all > 20, "{all}");
    assert_eq!(first, all);
}
