//! The check of all promises reports each corruption under its promise, with its rows, and nothing
//! else.

use operations::payment::{Event, EventKind};
use tests::TestDb;
use tests::desk::restock_request;
use tests::event;

/// Every kind of row that the check reads: active and resolved holds; orders that are open, paid
/// (with a coupon), in review, owed back; returned goods; bookings that were changed, moved and
/// cancelled.
async fn lively() -> TestDb {
    let test = TestDb::new().await;
    for sku in ["A", "B", "SOLD", "WRONG", "GONE", "BACK", "SEAT", "NEXT"] {
        test.sku(sku, 9).await;
    }
    test.sql("select holdfast.coupon_put('main', 'TEN', 'percent', 1000, 0, null, null, 5)")
        .await;
    test.held(&[("A", 2)]).await;
    test.sku("LIMITED", 9).await;
    test.sql("update holdfast.skus set limit_per_customer = 2 where sku = 'LIMITED'")
        .await;
    test.held(&[("LIMITED", 1)]).await;
    let released = test.held(&[("A", 1)]).await;
    test.expire(released).await;
    let open = test.held(&[("B", 2)]).await;
    order_with_coupon(&test, open).await;
    let sold = test.held(&[("SOLD", 3)]).await;
    order_with_coupon(&test, sold).await;
    let order = operations::order::read(&test.db, &tests::shop(tests::MAIN), sold, None)
        .await
        .unwrap()
        .unwrap();
    test.record(&event(&order, EventKind::Paid, "pay-1"))
        .await
        .unwrap();
    test.record(&event(&order, EventKind::Paid, "pay-2"))
        .await
        .unwrap();
    let (_, order) = test.ordered(&[("WRONG", 1)]).await;
    let wrong = Event {
        amount_minor: Some(1),
        ..event(&order, EventKind::Paid, "pay-3")
    };
    test.record(&wrong).await.unwrap();
    let foreign = Event {
        currency: Some("USD".to_owned()),
        ..event(&order, EventKind::Paid, "pay-6")
    };
    test.record(&foreign).await.unwrap();
    let (gone, order) = test.ordered(&[("GONE", 1)]).await;
    test.expire(gone).await;
    test.held(&[("GONE", 9)]).await;
    test.record(&event(&order, EventKind::Paid, "pay-4"))
        .await
        .unwrap();
    goods_that_came_back(&test).await;
    test
}

/// BACK: three sold online, one returned. SEAT: a party of two that grew to three; another that
/// moved to NEXT; a third that was cancelled. Units that a clerk returned without an order.
async fn goods_that_came_back(test: &TestDb) {
    let desk = test.desk(1);
    let (_, order) = test.ordered(&[("BACK", 3)]).await;
    test.record(&event(&order, EventKind::Paid, "pay-5"))
        .await
        .unwrap();
    let back = restock_request(&[("BACK", 1)]);
    desk.restock(order.order_id, &back).await.unwrap();
    let party = desk.booked(&[("SEAT", 2)]).await;
    desk.amend(&party, &[("SEAT", 3)]).await.unwrap();
    let moved = desk.booked(&[("SEAT", 2)]).await;
    desk.amend(&moved, &[("NEXT", 2)]).await.unwrap();
    let cancelled = desk.booked(&[("SEAT", 2)]).await;
    desk.cancel(&cancelled).await.unwrap();
    test.sql("select holdfast.stock_adjust('main', 'NEXT', 1, null, 'returned', 'clerk', 'RMA-1')")
        .await;
}

async fn order_with_coupon(test: &TestDb, id: operations::ids::CheckoutId) {
    let request = operations::order::Create {
        coupon: Some("TEN".parse().unwrap()),
        ..tests::order_request(id)
    };
    operations::order::create(&test.db, &request).await.unwrap();
}

/// (the promise, the corruption, a text that the reported rows must contain)
const CORRUPTIONS: [(&str, &str, &str); 54] = [
    // Promise 1
    (
        "never_oversold",
        "update holdfast.stock_levels set on_hand = 1 where sku = 'A';
         update holdfast.stock_movements set delta = 1, on_hand_after = 1 where sku = 'A'",
        r#""held": 2"#,
    ),
    // Promise 2
    (
        "held_equals_active_holds",
        "update holdfast.stock_levels set held = 1 where sku = 'A'",
        r#""active_holds": 2"#,
    ),
    (
        "held_equals_active_holds",
        "update holdfast.holds set sku = 'NOWHERE' where sku = 'A' and status = 'active';
         update holdfast.stock_levels set held = 0 where sku = 'A'",
        r#""sku": "NOWHERE""#,
    ),
    (
        "on_hand_equals_movements",
        "update holdfast.stock_levels set on_hand = 8 where sku = 'A'",
        r#""movements": 9"#,
    ),
    (
        "on_hand_equals_movements",
        "delete from holdfast.stock_movements where sku = 'A'",
        r#""on_hand": 9"#,
    ),
    (
        "on_hand_equals_movements",
        // a wrong movement in the middle of the ledger, and the right end
        "update holdfast.stock_movements set on_hand_after = on_hand_after + 1
         where sku = 'SEAT' and version = (
            select min(version) from holdfast.stock_movements
            where sku = 'SEAT' and reason = 'sold')",
        r#""on_hand_before": 9"#,
    ),
    (
        "on_hand_equals_movements",
        // a sum beyond an integer
        "update holdfast.stock_movements set on_hand_after = 2147483647
         where sku = 'BACK' and reason = 'sold'",
        r#""on_hand_before": 2147483647"#,
    ),
    (
        "on_hand_equals_movements",
        "delete from holdfast.stock_levels where sku = 'NEXT'",
        r#""sku": "NEXT""#,
    ),
    // Promise 3
    (
        "a_hold_resolves_once",
        "update holdfast.checkouts c set expires_at
            = (c.expires_at at time zone 'UTC' + interval '1 hour') at time zone 'UTC'
         from holdfast.holds h
         where c.shop = h.shop and c.checkout_id = h.checkout_id
            and h.sku = 'A' and h.status = 'active'",
        r#""sku": "A""#,
    ),
    (
        "a_hold_resolves_once",
        "update holdfast.holds set status = 'consumed'
         where sku = 'A' and status = 'expired'",
        r#""status": "consumed""#,
    ),
    (
        "a_hold_resolves_once",
        "update holdfast.checkouts set status = 'released', ended_at = now()
         where checkout_id = (select checkout_id from holdfast.holds
            where sku = 'A' and status = 'active')",
        r#""checkout_status": "released""#,
    ),
    (
        "a_hold_resolves_once",
        "delete from holdfast.checkouts where status = 'expired'
            and checkout_id not in (select checkout_id from holdfast.orders)",
        r#""checkout_status": null"#,
    ),
    // Promise 4
    (
        "a_payment_changes_stock_once",
        "insert into holdfast.stock_movements
            select (jsonb_populate_record(m, '{\"version\": 99, \"on_hand_after\": 3}')).*
            from holdfast.stock_movements m where m.reason = 'sold' and m.sku = 'SOLD';
         update holdfast.stock_levels set on_hand = on_hand - 3 where sku = 'SOLD'",
        r#""times": 2"#,
    ),
    (
        "a_payment_changes_stock_once",
        "delete from holdfast.stock_movements where reason = 'sold' and sku = 'SOLD';
         update holdfast.stock_levels set on_hand = 9 where sku = 'SOLD'",
        r#""sold": null"#,
    ),
    (
        "a_payment_changes_stock_once",
        "update holdfast.order_lines set quantity = 2 where sku = 'SOLD'",
        r#""ordered": 2"#,
    ),
    (
        "a_payment_changes_stock_once",
        "update holdfast.stock_movements set reference = 'main-nobody'
         where reason = 'sold' and sku = 'SOLD'",
        r#""reference": "main-nobody""#,
    ),
    (
        "a_payment_changes_stock_once",
        "insert into holdfast.stock_movements
            (shop, sku, version, delta, on_hand_after, reason, actor, reference)
         select 'main', 'B', 99, -2, 7, 'sold', 'c', p.reference
         from holdfast.payments p join holdfast.order_lines using (shop, order_id)
         where sku = 'B';
         update holdfast.stock_levels set on_hand = 7 where sku = 'B'",
        r#""order_status": "awaiting_payment""#,
    ),
    (
        "a_payment_changes_stock_once",
        // a unit put back twice
        "insert into holdfast.stock_movements
            select (jsonb_populate_record(m, '{\"version\": 99, \"on_hand_after\": 8}')).*
            from holdfast.stock_movements m where m.reason = 'returned' and m.sku = 'BACK';
         update holdfast.stock_levels set on_hand = on_hand + 1 where sku = 'BACK'",
        r#""net": 1"#,
    ),
    (
        "a_payment_changes_stock_once",
        // a unit counted as returned, without its movement
        "update holdfast.order_lines set returned = 2 where sku = 'BACK'",
        r#""returned": 2"#,
    ),
    (
        "a_payment_changes_stock_once",
        // sold twice, with one of the two returned to hide it
        "insert into holdfast.stock_movements
            select (jsonb_populate_record(m, jsonb_build_object('version', 98 + n,
                'delta', case n when 0 then -3 else 3 end,
                'on_hand_after', case n when 0 then 3 else 6 end,
                'reason', case n when 0 then 'sold' else 'returned' end))).*
            from holdfast.stock_movements m, generate_series(0, 1) n
            where m.reason = 'sold' and m.sku = 'SOLD'",
        r#""times": 2"#,
    ),
    (
        "a_payment_changes_stock_once",
        // the same for a booking that has changed once
        "insert into holdfast.stock_movements
            select (jsonb_populate_record(m, jsonb_build_object('version', 98 + n,
                'delta', case n when 0 then -1 else 1 end,
                'on_hand_after', case n when 0 then 5 else 6 end,
                'reason', case n when 0 then 'sold' else 'returned' end))).*
            from holdfast.stock_movements m, generate_series(0, 1) n
            where m.reason = 'sold' and m.sku = 'SEAT' and m.delta = -1",
        r#""times": 3"#,
    ),
    (
        "a_payment_changes_stock_once",
        // a seat of a cancelled booking that did not come back
        "delete from holdfast.stock_movements m using holdfast.orders o, holdfast.payments p
         where o.status = 'cancelled' and p.shop = o.shop and p.order_id = o.order_id
            and m.shop = p.shop and m.reference = p.reference and m.reason = 'returned';
         update holdfast.stock_levels set on_hand = on_hand - 2 where sku = 'SEAT'",
        r#""order_status": "cancelled""#,
    ),
    (
        "a_payment_changes_stock_once",
        // the departure that a party left still counts its seats as sold
        "with gone as (
            delete from holdfast.stock_movements m using holdfast.order_lines l, holdfast.payments p
            where l.sku = 'NEXT' and p.shop = l.shop and p.order_id = l.order_id
                and m.shop = p.shop and m.reference = p.reference and m.reason = 'returned'
            returning m.shop, m.version)
         update holdfast.stock_movements m set on_hand_after = on_hand_after - 2 from gone
         where m.shop = gone.shop and m.sku = 'SEAT' and m.version > gone.version;
         update holdfast.stock_levels set on_hand = on_hand - 2 where sku = 'SEAT'",
        r#""ordered": null"#,
    ),
    // Promise 5
    (
        "no_payment_is_lost",
        // only an order that was paid at the desk may be cancelled after its payment
        "update holdfast.orders set status = 'cancelled' where status = 'refund_due'",
        r#""status": "cancelled""#,
    ),
    (
        "no_payment_is_lost",
        "delete from holdfast.payments p using holdfast.order_lines l
         where l.shop = p.shop and l.order_id = p.order_id and l.sku = 'B'",
        r#""reference": null"#,
    ),
    (
        "no_payment_is_lost",
        "update holdfast.payments set amount_minor = 1 where status = 'unpaid'",
        r#""amount_minor": 1"#,
    ),
    (
        "no_payment_is_lost",
        "update holdfast.payments p set status = 'paid', paid_at = now()
         from holdfast.order_lines l
         where l.shop = p.shop and l.order_id = p.order_id and l.sku = 'B'",
        r#""status": "awaiting_payment""#,
    ),
    (
        "no_payment_is_lost",
        "update holdfast.orders set status = 'expired', paid_at = null
         where status = 'refund_due'",
        r#""payment_status": "paid""#,
    ),
    (
        "no_payment_is_lost",
        "delete from holdfast.outbox_messages where topic = 'order.paid'",
        r#""status": "paid""#,
    ),
    (
        "no_payment_is_lost",
        "delete from holdfast.outbox_messages where subject = 'cashfree:pay-2'",
        r#""outcome": "excess""#,
    ),
    (
        "no_payment_is_lost",
        "delete from holdfast.outbox_messages where topic = 'payment.review'",
        r#""outcome": "review""#,
    ),
    (
        "no_payment_is_lost",
        "delete from holdfast.outbox_messages where subject = 'cashfree:pay-4'",
        r#""outcome": "refund_due""#,
    ),
    (
        "no_payment_is_lost",
        "insert into holdfast.payment_events
            (shop, gateway, event_key, reference, kind, payload, received_at)
         select 'main', 'cashfree', kind, 'main-nobody', kind, '', now() - interval '3 hours'
         from unnest('{paid,failed,dropped}'::text[]) kind",
        r#""outcome": "parked""#,
    ),
    (
        "no_payment_is_lost",
        // a payment without its announcement
        "delete from holdfast.payment_captures where gateway_payment_id = 'pay-1'",
        r#""outcome": "completed""#,
    ),
    (
        "no_payment_is_lost",
        // paid twice, and nothing goes back
        "update holdfast.refunds set void = true where gateway_payment_id = 'pay-2';
         update holdfast.payment_captures set refunded_minor = 0
         where gateway_payment_id = 'pay-2'",
        r#""left_minor": 54000"#,
    ),
    (
        "no_payment_is_lost",
        // marked as refunded, with its money still captured
        "update holdfast.orders set status = 'refunded' where status = 'refund_due'",
        r#""under_way": true"#,
    ),
    (
        "no_payment_is_lost",
        // a part of the total, and no alarm
        "update holdfast.orders set status = 'awaiting_payment' where status = 'review'",
        r#""left_minor": 1,"#,
    ),
    (
        "no_payment_is_lost",
        // money in another currency, without its announcement
        "delete from holdfast.outbox_messages where subject = 'cashfree:pay-6'",
        r#""counts": false"#,
    ),
    (
        "refunds_never_exceed_captures",
        "update holdfast.payment_captures set refunded_minor = 1
         where gateway_payment_id = 'pay-1'",
        r#""refunds_minor": null"#,
    ),
    (
        "refunds_never_exceed_captures",
        "update holdfast.refunds set currency = 'USD' where gateway_payment_id = 'pay-2'",
        r#""currency": "USD""#,
    ),
    // Promise 6
    (
        "a_cart_is_all_or_nothing",
        "delete from holdfast.holds where sku = 'A' and status = 'active';
         update holdfast.stock_levels set held = 0 where sku = 'A'",
        r#""status": "open""#,
    ),
    (
        "a_cart_is_all_or_nothing",
        "update holdfast.holds set quantity = 1 where sku = 'B';
         update holdfast.stock_levels set held = 1 where sku = 'B'",
        r#""sku": "B""#,
    ),
    (
        "a_cart_is_all_or_nothing",
        // a hold that the order does not have
        "insert into holdfast.holds
            select (jsonb_populate_record(h, '{\"sku\": \"A\"}')).*
            from holdfast.holds h where h.sku = 'B' and h.status = 'active';
         update holdfast.stock_levels set held = held + 2 where sku = 'A'",
        r#""ordered": 0"#,
    ),
    // Coupons are counted like stock
    (
        "a_coupon_is_never_overused",
        "update holdfast.coupons set uses_max = 1",
        r#""uses_max": 1"#,
    ),
    (
        "a_coupon_is_never_overused",
        "update holdfast.coupons set uses_held = 0, uses_consumed = 2",
        r#""uses_consumed": 2"#,
    ),
    (
        "a_coupon_is_never_overused",
        "update holdfast.customer_coupons set uses_held = 0, uses_consumed = 2",
        r#""orders_holding": 1"#,
    ),
    (
        "a_coupon_is_never_overused",
        "delete from holdfast.customer_coupons",
        r#""coupon_use": "consumed""#,
    ),
    (
        "a_coupon_is_never_overused",
        // what the check has counted itself
        "update holdfast.promise_coupons set uses_counted = 0",
        r#""uses_of_customers": 0"#,
    ),
    // Limits for one customer
    (
        "a_limit_is_never_exceeded",
        "update holdfast.customer_units set units_held = 2",
        r#""active_holds": 1"#,
    ),
    (
        "a_limit_is_never_exceeded",
        "update holdfast.customer_checkouts set open = 0",
        r#""checkouts": 1"#,
    ),
    (
        "a_limit_is_never_exceeded",
        "delete from holdfast.customer_units",
        r#""units_held": null"#,
    ),
    (
        "a_limit_is_never_exceeded",
        "delete from holdfast.customer_checkouts",
        r#""open": null"#,
    ),
    (
        "a_limit_is_never_exceeded",
        // a limited hold that no count has
        "update holdfast.checkouts set counted_as = null;
         update holdfast.customer_checkouts set open = 0;
         update holdfast.customer_units set units_held = 0",
        r#""units_held": null"#,
    ),
    (
        "a_limit_is_never_exceeded",
        // a checkout that has ended, and counts for a customer who has no count
        "update holdfast.checkouts set counted_as = 'x' where status = 'expired'",
        r#""customer": "x""#,
    ),
];

/// The ways to check, each with a query that answers (whether there is more, where to go on, the
/// promise, the rows). The last two remember where to go on. Their steps are small here, so that
/// the corrupted row is met by a later one.
const WAYS: [(&str, &str); 4] = [
    (
        "at once",
        "select false, null, v.promise, v.violation::text
         from (select $1::text) unused left join holdfast.promises_check('main') v on true",
    ),
    (
        "page by page",
        "select p.o_after is not null, p.o_after::text, v ->> 'promise', (v -> 'detail')::text
         from jsonb_populate_record(null::holdfast.promise_subject, $1::text::jsonb) s
            cross join holdfast.promises_list('main', s.kind, s.a, s.b, 1, 7) p
            left join jsonb_array_elements(p.o_violations) v on true",
    ),
    (
        "what changed",
        "select s.o_more, null, v ->> 'promise', (v -> 'detail')::text
         from (select $1::text) unused
            cross join holdfast.promises_sweep('main', 'changed', 4) s
            left join jsonb_array_elements(s.o_violations) v on true",
    ),
    (
        "the history",
        "select s.o_more, null, v ->> 'promise', (v -> 'detail')::text
         from (select $1::text) unused
            cross join holdfast.promises_sweep('main', 'history', 7) s
            left join jsonb_array_elements(s.o_violations) v on true",
    ),
];

/// The broken promises and their rows, by one of [`WAYS`]; and how many calls it took.
async fn found(test: &TestDb, query: &str) -> (Vec<(String, String)>, usize) {
    let (mut found, mut calls) = (Vec::new(), 0);
    let mut after = None::<String>;
    loop {
        let rows = test.owner.query(query, &[&after]).await.unwrap();
        calls += 1;
        let broken = rows
            .iter()
            .filter_map(|row| Some((row.get::<_, Option<_>>(2)?, row.get(3))));
        found.extend(broken);
        if !rows[0].get::<_, bool>(0) {
            return (found, calls);
        }
        after = rows[0].get(1);
    }
}

/// Promises 1 to 6, each by name. Each corruption is of rows that were just written, so the check
/// of what changed meets it; and a lap through the history meets every row.
#[tokio::test]
async fn every_way_to_check_reports_each_broken_promise_with_its_rows_and_no_other() {
    let test = lively().await;
    test.assert_promises_hold().await;
    // uses of coupons are counted, and the laps are at their beginning
    assert_eq!(test.sweep().await.violations, []);
    test.sql(
        "update holdfast.promise_laps set position = null, read_from = now() - interval '2 hours',
            settles_with = null, settles_at = null",
    )
    .await;
    for (table, constraint) in [
        ("stock_levels", "stock_never_oversold"),
        ("coupons", "coupon_never_overused"),
    ] {
        test.sql(&format!(
            "alter table holdfast.{table} drop constraint {constraint}"
        ))
        .await;
    }
    for (promise, corruption, shown) in CORRUPTIONS {
        for (way, query) in WAYS {
            // rolled back at the end, so that each corruption is alone
            let begin =
                format!("begin; set local session_replication_role = replica; {corruption}");
            test.sql(&begin).await;
            let (found, calls) = found(&test, query).await;
            test.sql("rollback").await;
            let only_it = found.iter().all(|(name, _)| name == promise);
            let with_its_rows = found.iter().any(|(_, violation)| violation.contains(shown));
            assert!(
                only_it && with_its_rows,
                "{promise}, {way}: {corruption}: {found:#?}"
            );
            assert!(way == "at once" || calls > 3, "{way}: {calls}");
        }
    }
    test.assert_promises_hold().await;
}

/// Every promise of the check must be corrupted above.
#[tokio::test]
async fn every_promise_of_the_check_is_corrupted_here() {
    let test = TestDb::new().await;
    let sources = test
        .text(
            "select string_agg(prosrc, ' ') from pg_proc
            where proname like 'promises\\_%' and 'violation' = any (proargnames)",
        )
        .await;
    // `select 'kind', key, key, 'promise', …`: the beginning of each rule
    let mut named: Vec<&str> = sources
        .split("select '")
        .skip(1)
        .filter_map(|rule| {
            let quoted = rule.split('\'').step_by(2).skip(1);
            quoted.into_iter().find(|word| !word.is_empty())
        })
        .collect();
    named.sort_unstable();
    named.dedup();
    let mut corrupted: Vec<&str> = CORRUPTIONS.iter().map(|(promise, _, _)| *promise).collect();
    corrupted.sort_unstable();
    corrupted.dedup();
    assert_eq!(named, corrupted);
}

/// Promise 10, for the check: a shop sees its own rows only.
#[tokio::test]
async fn a_shop_does_not_see_the_broken_promises_of_another() {
    let test = lively().await;
    test.shop("other").await;
    test.corrupt("update holdfast.stock_levels set held = 1 where sku = 'A'")
        .await;
    assert_eq!(test.broken_promises().await, ["held_equals_active_holds"]);
    let query = "select promise from holdfast.promises_check('other')";
    assert!(test.owner.query(query, &[]).await.unwrap().is_empty());
    let swept = test.sweep().await;
    let broken: Vec<&str> = swept.violations.iter().map(|it| it.shop.as_str()).collect();
    assert_eq!(broken, ["main"]);
}
