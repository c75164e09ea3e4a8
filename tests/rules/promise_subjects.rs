//! Which subjects the check of the promises looks at: everything that a routine has written, and
//! each expensive one once.

use operations::order::Restocked;
use operations::payment::{self, Accept, EventKind, Outcome};
use operations::promises::{self, Lap};
use operations::refund::{self, GatewayAnswer};
use tests::desk::{actor, restock_request};
use tests::orders::{created, with_coupon};
use tests::refund::{ask_for, part, pending, refund_event, settled};
use tests::{MAIN, PRICE_MINOR, TestDb, event, shop};

/// The subjects of rows that were written by transactions from number $1 on, and that a lap from
/// the time $2 on does not look at. A parked event breaks nothing for two hours.
const MISSED: &str = "
    with written (kind, a, b, xmin) as (
        select 'sku', l.sku, '', l.xmin from holdfast.stock_levels l
        union all select 'movement', sku, version::text, xmin from holdfast.stock_movements
        union all select 'checkout', checkout_id::text, '', xmin from holdfast.checkouts
        union all select 'checkout', checkout_id::text, '', xmin from holdfast.holds
        union all select 'order', order_id::text, '', xmin from holdfast.orders
        union all select 'order', order_id::text, '', xmin from holdfast.order_lines
        union all select 'order', order_id::text, '', xmin from holdfast.payments
        union all select 'order', p.order_id::text, '', c.xmin
            from holdfast.payment_captures c join holdfast.payments p using (shop, reference)
        union all select 'order', order_id::text, '', xmin from holdfast.refunds
        union all select 'event', gateway, event_key, xmin from holdfast.payment_events
            where outcome <> 'parked'
        union all select 'units', customer, sku, xmin from holdfast.customer_units
        union all select 'customer', customer, '', xmin from holdfast.customer_checkouts
        union all select 'coupon', code, '', xmin from holdfast.coupons
        union all select 'use', code, customer, xmin from holdfast.customer_coupons)
    select coalesce(string_agg(distinct concat_ws(' ', w.kind, w.a, w.b), ', '), '')
    from holdfast.promise_laps l
        cross join holdfast.promises_read_changes(
            jsonb_populate_record(l, jsonb_build_object('position', '{}'::jsonb,
                'began_at', clock_timestamp(), 'read_from', $2::text::timestamptz)), 1000) p
        join written w on w.xmin::text::bigint >= $1
    where l.lap = 'changed' and not exists (
        select from unnest(p.o_subjects) s where s.kind = w.kind and s.a = w.a and s.b = w.b)";

/// Before a call.
struct Mark {
    transaction: i64,
    at: String,
}

async fn mark(test: &TestDb) -> Mark {
    Mark {
        transaction: test
            .count("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            .await,
        at: test.text("select clock_timestamp()::text").await,
    }
}

/// Asserts that a lap looks at everything that was written since the mark.
async fn met(test: &TestDb, mark: Mark, call: &str) {
    let row = test
        .owner
        .query_one(MISSED, &[&mark.transaction, &mark.at])
        .await;
    let missed: String = row.unwrap().get(0);
    assert_eq!(missed, "", "{call}");
}

/// Runs a call, and asserts that a lap looks at everything that it wrote.
macro_rules! met {
    ($test:expr, $call:literal, $run:expr) => {{
        let mark = mark(&$test).await;
        let answer = $run.await;
        met(&$test, mark, $call).await;
        answer
    }};
}

/// A shop with coupons and limits, and a lap that has ended.
async fn limited() -> TestDb {
    let test = TestDb::new().await;
    test.sku("A", 50).await;
    test.sku("LIMITED", 50).await;
    test.sql("update holdfast.skus set limit_per_customer = 9 where sku = 'LIMITED'")
        .await;
    assert_eq!(test.sweep().await.violations, []);
    test
}

#[tokio::test]
async fn what_a_shopper_and_a_payment_change_is_looked_at() {
    let test = limited().await;
    let put = "select holdfast.coupon_put('main', 'TEN', 'percent', 1000, 0, null, null, 50)";
    met!(test, "coupon_put", test.sql(put));
    let cart = [("A", 2), ("LIMITED", 1)];
    let id = met!(test, "checkout_begin", test.held(&cart));
    let order = met!(
        test,
        "order_create",
        created(&test, &with_coupon(id, "TEN"))
    );
    let failed = event(&order, EventKind::Failed, "pay-0");
    met!(test, "a failed payment", test.record(&failed)).unwrap();
    let paid = event(&order, EventKind::Paid, "pay-1");
    let outcome = met!(test, "a payment", test.record(&paid));
    assert_eq!(outcome.unwrap(), Outcome::Completed);
    let twice = event(&order, EventKind::Paid, "pay-2");
    let outcome = met!(test, "a second payment", test.record(&twice));
    assert_eq!(outcome.unwrap(), Outcome::Excess);
    let put = "select holdfast.coupon_put('main', 'TEN', 'percent', 1000, 0, null, null, 40)";
    met!(test, "coupon_put again", test.sql(put));
    let id = test.held(&cart).await;
    // the check's own counts of coupons
    assert_eq!(test.sweep().await.violations, []);
    test.make_due(id).await;
    met!(test, "sweep_expire", test.sweep());
    let id = test.held(&cart).await;
    let release = format!("select holdfast.checkout_release('main', '{id}', null)");
    met!(test, "checkout_release", test.sql(&release));
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn what_a_refund_changes_is_looked_at() {
    let test = limited().await;
    let order = test.paid_order("A", "pi_1").await;
    let asked = ask_for(Some(1_000));
    met!(test, "refund_request", test.ask(order.order_id, &asked)).unwrap();
    let (id, ..) = test.refund().await;
    met!(test, "refund_claim", test.claimed());
    let failed = GatewayAnswer::Failed {
        gateway_refund_id: None,
        error: "refused".to_owned(),
    };
    met!(test, "refused", test.report(id, &failed));
    let desk = test.desk(1);
    let (main, meera) = (shop(MAIN), actor("meera"));
    let retry = refund::retry(&desk.0, &main, id.into(), &meera, false);
    met!(test, "refund_retry", retry).unwrap();
    test.claimed().await;
    met!(test, "pending", test.report(id, &pending("re_1")));
    met!(test, "settled", test.report(id, &settled("re_1")));
    let bounced = refund_event(EventKind::RefundFailed, "pi_1", "re_1", Some(id), 1_000);
    met!(test, "bounced", test.stripe(&bounced));
    let retry = refund::retry(&desk.0, &main, id.into(), &meera, false);
    met!(test, "refund_retry of a bounced one", retry).unwrap();
    let foreign = refund_event(EventKind::RefundSettled, "pi_1", "re_9", None, 500);
    met!(test, "made at the gateway", test.stripe(&foreign));
    let bounced = refund_event(EventKind::RefundFailed, "pi_1", "re_9", None, 500);
    met!(test, "that one bounced", test.stripe(&bounced));
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn what_a_person_accepts_is_looked_at() {
    let test = limited().await;
    let (_, order) = test.ordered(&[("A", 1), ("LIMITED", 1)]).await;
    let sum = 2 * PRICE_MINOR + 1;
    let too_much = part(&order, "pi_1", sum);
    let outcome = met!(test, "too much money", test.stripe(&too_much));
    assert_eq!(outcome, Outcome::Review);
    let accept = Accept {
        captured_minor: sum.try_into().unwrap(),
        note: "the gateway rounded up".parse().unwrap(),
        despite_dispute: None,
    };
    let (desk, main, meera) = (test.desk(1), shop(MAIN), actor("meera"));
    let accepted = payment::accept(&desk.0, &main, order.order_id.into(), &meera, &accept);
    met!(test, "payment_accept", accepted).unwrap();
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn what_the_desk_changes_is_looked_at() {
    let test = limited().await;
    let desk = test.desk(1);
    let party = met!(test, "order_book", desk.booked(&[("LIMITED", 3)]));
    let party = met!(test, "order_amend", desk.amend(&party, &[("LIMITED", 2)])).unwrap();
    let all = restock_request(&[("LIMITED", 2)]);
    let back = met!(test, "order_restock", desk.restock(party.order_id, &all)).unwrap();
    let Restocked::New(party) = back else {
        panic!("{back:?}")
    };
    // everything has come back already: no stock moves
    met!(test, "order_cancel", desk.cancel(&party)).unwrap();
    let party = desk.booked(&[("A", 3)]).await;
    let one = restock_request(&[("A", 1)]);
    let back = desk.restock(party.order_id, &one).await.unwrap();
    let Restocked::New(party) = back else {
        panic!("{back:?}")
    };
    // the party keeps the two that it has: no stock moves
    met!(test, "order_amend alone", desk.amend(&party, &[("A", 2)])).unwrap();
    let moved = desk.booked(&[("LIMITED", 2)]).await;
    met!(test, "a moved party", desk.amend(&moved, &[("A", 2)])).unwrap();
    let adjust = "select holdfast.stock_adjust('main', 'A', 1, null, 'received', 'clerk', 'PO-1')";
    met!(test, "stock_adjust", test.sql(adjust));
    test.assert_promises_hold().await;
}

/// A sale returns the same sku and coupon in every step. Their sums cost as much as the open carts.
#[tokio::test]
async fn a_lap_adds_up_each_open_sku_and_coupon_once() {
    let test = limited().await;
    test.sql("select holdfast.coupon_put('main', 'TEN', 'percent', 1000, 0, null, null, 50)")
        .await;
    let since = test.text("select clock_timestamp()::text").await;
    for _ in 0..4 {
        let id = test.held(&[("A", 1)]).await;
        created(&test, &with_coupon(id, "TEN")).await;
        let id = test.held(&[("A", 1)]).await;
        let order = created(&test, &with_coupon(id, "TEN")).await;
        test.record(&event(&order, EventKind::Paid, &format!("pay-{id}")))
            .await
            .unwrap();
    }
    let lap = "select to_jsonb(l)::text from holdfast.promise_laps l
        where l.shop = 'main' and l.lap = 'changed'";
    let lap = test.text(lap).await;
    let step = "
        select p.o_position::text, p.o_more,
            array(select s.kind from unnest(p.o_subjects) s where s.kind in ('sku', 'coupon'))
        from holdfast.promises_read_changes(
            jsonb_populate_record(null::holdfast.promise_laps,
                $3::text::jsonb || jsonb_build_object('position', $1::text::jsonb,
                    'began_at', now(), 'read_from', $2::text::timestamptz)), 1) p";
    let (mut position, mut sums, mut steps) = ("{}".to_owned(), Vec::<String>::new(), 0);
    loop {
        let row = test.owner.query_one(step, &[&position, &since, &lap]).await;
        let row = row.unwrap();
        position = row.get(0);
        sums.extend(row.get::<_, Vec<String>>(2));
        steps += 1;
        if !row.get::<_, bool>(1) {
            break;
        }
    }
    sums.sort_unstable();
    assert_eq!(sums, ["coupon", "sku"]);
    assert!(steps > 4, "{steps}");
}

/// Otherwise the lap of a shop that writes faster than it is checked would never end.
#[tokio::test]
async fn a_lap_ends_however_much_is_written_meanwhile() {
    let test = limited().await;
    test.held(&[("A", 1)]).await;
    for step in 0.. {
        let swept = promises::sweep(&test.sweeper, MAIN, Lap::Changed, 2).await;
        if !swept.unwrap().more {
            break;
        }
        assert!(step < 20, "the lap does not end");
        for _ in 0..3 {
            test.sql(
                "select holdfast.stock_adjust('main', 'A', 1, null, 'received', 'clerk', 'PO-1')",
            )
            .await;
            test.held(&[("A", 1)]).await;
            let id = test.held(&[("LIMITED", 1)]).await;
            let release = format!("select holdfast.checkout_release('main', '{id}', null)");
            test.sql(&release).await;
        }
    }
}

/// Tables without a foreign key may have rows of a shop that does not exist.
#[tokio::test]
async fn the_check_of_all_shops_meets_rows_of_no_shop() {
    let test = TestDb::new().await;
    test.corrupt(
        "insert into holdfast.holds
            (shop, checkout_id, generation, sku, quantity, price_minor, expires_at, created_at)
         values ('nowhere', gen_random_uuid(), 1, 'A', 1, 1, now(), now())",
    )
    .await;
    let query = "select string_agg(distinct shop, ',') from holdfast.promises_check(null)";
    assert_eq!(test.text(query).await, "nowhere");
}
