//! Inventory that a stranger holds: bounds of a cart, short holds until the shopper tries to pay,
//! an end by staff, and names that look like another customer.

use operations::checkout::{self, Begin, BeginError, Begun};
use operations::hold;
use operations::ids::CheckoutId;
use operations::order::{self, CouponRefusal, CreateError, Order};
use operations::payment::{Event, EventKind, Outcome};
use operations::quantity::Revision;
use serde_json::json;
use tests::coupons::{TEN_PERCENT, Terms, coupon, uses};
use tests::orders::{created, read_order, with_coupon};
use tests::{
    MAIN, Routine, TestDb, begin_request, checkout_of, event, new_id, order_request, shop,
};

async fn bounds(test: &TestDb, line: i32, cart: i32) {
    test.sql(&format!(
        "update holdfast.shops set units_per_line_max = {line}, units_per_cart_max = {cart}"
    ))
    .await;
}

fn revised(id: CheckoutId, revision: i64, lines: &[(&str, i64)]) -> Begin {
    Begin {
        revision: Revision::try_from(revision).unwrap(),
        ..begin_request(id, lines)
    }
}

/// (units, most of a cart, most of a line, skus) of a refusal, and its sentence.
async fn too_many(test: &TestDb, request: &Begin) -> ((i64, i32, i32, Vec<String>), String) {
    match checkout::begin(&test.db, request).await {
        Err(error) => {
            let said = error.to_string();
            let BeginError::TooManyUnits(all) = error else {
                panic!("{error:?}")
            };
            let bounds = (all.units_per_cart_max, all.units_per_line_max);
            ((all.units, bounds.0, bounds.1, all.skus), said)
        }
        Ok(begun) => panic!("{begun:?}"),
    }
}

/// Scenario 30.
#[tokio::test]
async fn a_cart_holds_at_most_the_units_that_the_shop_allows() {
    let test = TestDb::new().await;
    for sku in ["A", "B", "C"] {
        test.sku(sku, 99).await;
    }
    bounds(&test, 5, 12).await;
    let before = test.rows().await;
    let id = new_id();
    let (numbers, said) = too_many(&test, &begin_request(id, &[("A", 6), ("B", 5)])).await;
    assert_eq!(numbers, (11, 12, 5, vec!["A".to_owned()]));
    assert!(
        said.contains("11 units") && said.contains("at most 12"),
        "{said}"
    );
    let cart = [("A", 5), ("B", 5), ("C", 3)];
    let (numbers, _) = too_many(&test, &begin_request(id, &cart)).await;
    assert_eq!(numbers, (13, 12, 5, vec![]));
    assert_eq!(test.rows().await, before);
    // exactly as many
    let cart = [("A", 5), ("B", 5), ("C", 2)];
    test.begin(id, &cart).await.unwrap();
    let (numbers, _) = too_many(&test, &revised(id, 2, &[("A", 6)])).await;
    assert_eq!(numbers, (6, 12, 5, vec!["A".to_owned()]));

    // The shop allows less by now: the cart may keep what it has, and get smaller.
    bounds(&test, 2, 4).await;
    let same = checkout::begin(&test.db, &begin_request(id, &cart)).await;
    assert!(matches!(same, Ok(Begun::Same(_))), "{same:?}");
    let (numbers, _) = too_many(&test, &revised(id, 2, &[("A", 5), ("C", 3)])).await;
    assert_eq!(numbers.3, ["C"]);
    for (revision, cart) in [(2, [("A", 5), ("C", 2)]), (3, [("A", 4), ("C", 1)])] {
        let smaller = checkout::begin(&test.db, &revised(id, revision, &cart)).await;
        assert!(matches!(smaller, Ok(Begun::Replaced(_))), "{smaller:?}");
    }
    assert_eq!(test.level("A").await.1, 4);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn the_refusal_of_a_large_cart_names_its_numbers() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    bounds(&test, 5, 12).await;
    let clerk = test.clerk();
    let shop = clerk.get("").await;
    assert_eq!(shop.ok(200)["units_per_line_max"], json!(5));
    let put = clerk
        .put("", json!({ "name": "Main", "currency": "INR" }))
        .await;
    let put = put.ok(200);
    for (setting, default) in [
        ("units_per_line_max", json!(20)),
        ("units_per_cart_max", json!(100)),
        ("order_hold_s_untried", json!(900)),
        ("customers_folded", json!(true)),
        ("offline_allowed", json!(false)),
    ] {
        assert_eq!(put[setting], default, "{setting}");
    }
    let (numbers, _) = too_many(&test, &begin_request(new_id(), &[("A", 21)])).await;
    assert_eq!(numbers, (21, 100, 20, vec!["A".to_owned()]));
}

/// The seconds from an order to the end of its hold.
fn held_s(order: &Order, made: &Order) -> i64 {
    // the clock of the answer that made the order
    (order.expires_at - made.server_time).whole_seconds()
}

/// Scenario 30.
#[tokio::test]
async fn an_order_is_held_longer_only_once_its_gateway_reports_a_try_to_pay() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sql(
        "update holdfast.shops set hold_s_default = 60, order_hold_s_untried = 300,
            order_hold_s = 3000",
    )
    .await;
    for (kind, outcome, seconds) in [
        (EventKind::Dropped, Outcome::Recorded, 299),
        (EventKind::Other, Outcome::Recorded, 299),
        (EventKind::Pending, Outcome::Recorded, 2999),
        (EventKind::Failed, Outcome::Recorded, 2999),
    ] {
        let (id, made) = test.ordered(&[("A", 1)]).await;
        assert_eq!(held_s(&made, &made), 299, "{kind:?}");
        let latest = (made.expires_at_latest - made.server_time).whole_seconds();
        assert_eq!(latest, 2999);
        for nth in 0..2 {
            // a second try does not count from now on
            let tried = event(&made, kind, &format!("pay-{kind:?}-{nth}"));
            let recorded = test.record(&tried).await.unwrap();
            let expected = if nth == 1 && kind != EventKind::Other && kind != EventKind::Pending {
                Outcome::NoEffect
            } else {
                outcome
            };
            assert_eq!(recorded, expected, "{kind:?}");
        }
        let order = read_order(&test, id).await;
        assert_eq!(held_s(&order, &made), seconds, "{kind:?}");
        assert_eq!(order.expires_at_latest, made.expires_at_latest);
        test.assert_promises_hold().await;
    }
    // a part of the money
    let (id, made) = test.ordered(&[("A", 1)]).await;
    let part = Event {
        amount_minor: Some(1),
        ..event(&made, EventKind::Paid, "pay-part")
    };
    assert_eq!(test.record(&part).await.unwrap(), Outcome::Review);
    assert_eq!(held_s(&read_order(&test, id).await, &made), 2999);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_try_to_pay_that_comes_too_late_prolongs_nothing() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (id, made) = test.ordered(&[("A", 1)]).await;
    test.make_due(id).await;
    let failed = event(&made, EventKind::Failed, "pay-1");
    assert_eq!(test.record(&failed).await.unwrap(), Outcome::Recorded);
    assert_eq!(read_order(&test, id).await.status, "expired");
    // the next shopper gets the unit
    test.held(&[("A", 1)]).await;
    let unknown = Event {
        reference: Some("main-nobodys".to_owned()),
        ..event(&made, EventKind::Pending, "pay-2")
    };
    assert_eq!(test.record(&unknown).await.unwrap(), Outcome::Recorded);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn ordering_never_makes_a_hold_shorter() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    test.sql("update holdfast.shops set order_hold_s_untried = 1")
        .await;
    let id = new_id();
    let held = checkout_of(test.begin(id, &[("A", 1)]).await.unwrap());
    let order = test.order(id).await.unwrap();
    assert_eq!(order.expires_at, held.expires_at);
    test.assert_promises_hold().await;
}

/// The path of a checkout at the stock office.
fn revoke(id: CheckoutId) -> String {
    format!("/checkouts/{id}/revoke")
}

/// Scenario 30.
#[tokio::test]
async fn a_clerk_ends_a_checkout_with_a_reason() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let clerk = test.clerk();
    let note = json!({ "note": "kept from others" });
    let open = test.held(&[("A", 4)]).await;
    let (ordered, order) = test.ordered(&[("A", 3)]).await;
    assert_eq!(test.level("A").await.1, 7);
    for id in [open, ordered] {
        let ended = clerk.post(&revoke(id), note.clone()).await;
        assert_eq!(ended.ok(200)["status"], json!("released"));
        let before = test.rows().await;
        let again = clerk.post(&revoke(id), note.clone()).await;
        assert_eq!(again.ok(200)["status"], json!("released"));
        assert_eq!(test.rows().await, before);
    }
    assert_eq!(test.level("A").await.1, 0);
    assert_eq!(read_order(&test, ordered).await.status, "cancelled");
    let found = clerk.get(&format!("/search?q={open}")).await;
    let revocation = &found.ok(200)["found"][0]["revocation"];
    assert_eq!(revocation["note"], json!("kept from others"));
    assert_eq!(revocation["actor"], json!("clerk"));
    let announced = "select count(*) from holdfast.outbox_messages
        where topic = 'checkout.revoked' and body ->> 'note' = 'kept from others'";
    assert_eq!(test.count(announced).await, 2);
    // its money is a late payment: the units are still there
    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::CompletedLate);
    let sold = clerk.post(&revoke(ordered), note.clone()).await;
    sold.refused(409, "checkout_paid");
    let expired = test.held(&[("A", 1)]).await;
    test.expire(expired).await;
    let gone = clerk.post(&revoke(expired), note.clone()).await;
    gone.refused(409, "checkout_ended");
    let nobodys = clerk.post(&revoke(new_id()), note.clone()).await;
    nobodys.refused(404, "not_found");
    clerk
        .post(&revoke(open), json!({}))
        .await
        .refused(400, "invalid_request");
    let foreign = test.clerk_of("clerk", "other");
    foreign
        .post(&revoke(open), note)
        .await
        .refused(404, "not_found");
    test.assert_promises_hold().await;
}

/// A clerk and a payment want the same hold; the clerk has read it first.
async fn revoked_beside_a_payment(test: &TestDb, waiting: i64) -> (String, Outcome) {
    test.sku("A", 1).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    let clerk = test.admin_session().await;
    let revoke =
        format!("select o_outcome from holdfast.checkout_revoke('main', '{id}', 'clerk', 'x')");
    let gate = test.block(tests::SHUT_GATE).await;
    let ends = async { clerk.query_one(&revoke, &[]).await.unwrap().get(0) };
    let pays = async {
        test.until_waiting(1).await;
        let paid = event(&order, EventKind::Paid, "pay-1");
        if waiting == 1 {
            let outcome = test.record(&paid).await.unwrap();
            gate.let_go().await;
            return outcome;
        }
        test.behind(gate, waiting, test.record(&paid))
            .await
            .unwrap()
    };
    tokio::join!(ends, pays)
}

/// Scenario 31.
#[tokio::test]
async fn a_payment_waits_for_the_clerk_who_ends_its_checkout_and_comes_late() {
    let test = TestDb::new().await;
    let revoke = Routine::named("checkout_revoke").gated("hold_resolves_once");
    test.put_routine(revoke).await;
    let answers = revoked_beside_a_payment(&test, 2).await;
    assert_eq!(answers, ("revoked".to_owned(), Outcome::CompletedLate));
    assert_eq!(test.level("A").await.0, 0);
    test.assert_promises_hold().await;
}

/// Scenario 31, control: staff would be told that a sold checkout is ended.
#[tokio::test]
async fn without_the_lock_a_clerk_would_end_a_sold_checkout() {
    let test = TestDb::new().await;
    let revoke = Routine::named("checkout_revoke")
        .with_guard_replaced("hold_resolves_once", ";")
        .gated("hold_resolves_once");
    test.put_routine(revoke).await;
    let answers = revoked_beside_a_payment(&test, 1).await;
    assert_eq!(answers, ("revoked".to_owned(), Outcome::Completed));
}

/// Scenario 30.
#[tokio::test]
async fn a_sweep_measures_the_units_that_are_held_without_a_try_to_pay() {
    let test = TestDb::new().await;
    for (sku, units) in [("A", 20), ("B", 10), ("FEW", 9)] {
        test.sku(sku, units).await;
    }
    let measured = async || {
        let backlog = hold::backlog(&test.sweeper).await.unwrap();
        (backlog.units, backlog.share)
    };
    assert_eq!(measured().await, (0, 0.0));
    test.held(&[("A", 4), ("FEW", 1)]).await;
    assert_eq!(measured().await, (5, 20.0));
    // an order alone is no try
    let (_, order) = test.ordered(&[("B", 9)]).await;
    assert_eq!(measured().await, (14, 90.0));
    for kind in [EventKind::Dropped, EventKind::Other] {
        let looked = event(&order, kind, &format!("pay-{kind:?}"));
        test.record(&looked).await.unwrap();
    }
    assert_eq!(measured().await, (14, 90.0));
    test.record(&event(&order, EventKind::Failed, "pay-1"))
        .await
        .unwrap();
    assert_eq!(measured().await, (5, 20.0));
    test.held(&[("A", 8)]).await;
    assert_eq!(measured().await, (13, 60.0));
    test.record(&event(&order, EventKind::Paid, "pay-2"))
        .await
        .unwrap();
    assert_eq!(measured().await, (13, 60.0));
}

/// Scenario 30: a wedding shop has a few dresses of each size.
#[tokio::test]
async fn a_sweep_measures_the_share_of_a_shop_whose_skus_have_few_units() {
    let test = TestDb::new().await;
    for n in 1..=5 {
        test.sku(&format!("S-{n}"), 4).await;
    }
    for n in 1..=4 {
        test.held(&[(&format!("S-{n}"), 4)]).await;
    }
    let backlog = hold::backlog(&test.sweeper).await.unwrap();
    assert_eq!((backlog.units, backlog.share), (16, 80.0));
}

/// Scenario 30: the sku of the stranger comes first, whatever its code, and the rest of a sku with
/// too many holds counts like those that are read.
#[tokio::test]
async fn the_most_held_sku_is_measured_however_many_holds_others_have() {
    let test = TestDb::new().await;
    test.sku("A", 30_000).await;
    test.sku("Z", 100_000).await;
    let hold_each = |sku: &str, checkouts: i32, units: i32| {
        format!(
            "with c as (
                insert into holdfast.checkouts (shop, checkout_id, customer, revision, request_hash,
                    expires_at, created_at)
                select 'main', gen_random_uuid(), 'c', 1, '\\x01', now() + interval '1 hour', now()
                from generate_series(1, {checkouts})
                returning *)
            insert into holdfast.holds (shop, checkout_id, generation, sku, quantity, price_minor,
                expires_at, created_at)
            select shop, checkout_id, 1, '{sku}', {units}, 1, expires_at, created_at from c;
            update holdfast.stock_levels set held = {checkouts} * {units}, version = version + 1
            where sku = '{sku}'"
        )
    };
    test.sql(&hold_each("A", 21_000, 1)).await;
    test.sql(&hold_each("Z", 3_000, 30)).await;
    let backlog = hold::backlog(&test.sweeper).await.unwrap();
    assert_eq!((backlog.units, backlog.share), (111_000, 90.0));
}

/// A shopper's name is the shopper's choice.
#[tokio::test]
async fn a_shopper_with_a_clerks_name_stands_in_the_ledger_as_a_customer() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let id = begin_as(&test, "meera", &[("A", 1)]).await.unwrap();
    let mut request = order_request(id);
    request.customer = Some("meera".parse().unwrap());
    let sold = created(&test, &request).await;
    test.record(&event(&sold, EventKind::Paid, "pay-1"))
        .await
        .unwrap();
    let actor = "select actor from holdfast.stock_movements where reason = 'sold'";
    assert_eq!(test.text(actor).await, "customer:meera");
}

/// Names that count as one, in groups.
const ALIKE: [&[&str]; 7] = [
    &[
        "Asha",
        "asha",
        "ASHA",
        "Ａｓｈａ",
        " Asha ",
        "As\u{200b}ha",
        "\u{feff}ASHA\u{2060}",
        "asha\u{3000}",
        "a\u{ad}sha",
        "asha\u{e0041}",
    ],
    &["straße", "STRASSE", "STRAẞE", "strasse"],
    &["José", "Jose\u{301}", "JOSÉ", "Jose\u{200d}\u{301}"],
    &["ΟΔΟΣ", "οδος", "οδοσ"],
    &["ﬁn", "FIN", "fin"],
    &[
        "Meera Nair",
        "meera  nair",
        "MEERA\u{a0}NAIR",
        "meera\u{2003}nair",
    ],
    &["\u{200b}", "\u{3164}", " "],
];
/// Names that stay different.
const DIFFERENT: [&str; 9] = [
    "asha",
    "asha.",
    "аsha",
    "istanbul",
    "İstanbul",
    "a@x",
    "a+1@x",
    "meeranair",
    "ashá",
];

async fn key(test: &TestDb, name: &str) -> String {
    let query = "select holdfast.customer_key('main', $1)";
    test.owner.query_one(query, &[&name]).await.unwrap().get(0)
}

#[tokio::test]
async fn names_that_look_the_same_count_as_one_customer() {
    let test = TestDb::new().await;
    for group in ALIKE {
        let first = key(&test, group[0]).await;
        for name in group {
            assert_eq!(key(&test, name).await, first, "{name:?}");
            assert_eq!(key(&test, &first).await, first);
        }
    }
    let mut keys = std::collections::BTreeSet::new();
    for name in DIFFERENT {
        assert!(keys.insert(key(&test, name).await), "{name:?}");
    }
    // the longest name becomes the longest key, and fits its index
    let longest = "\u{fdfa}".repeat(64);
    test.sku("A", 9).await;
    test.sql("update holdfast.skus set limit_per_customer = 1")
        .await;
    assert!(key(&test, &longest).await.len() > 2_000);
    begin_as(&test, &longest, &[("A", 1)]).await.unwrap();
    // off
    test.sql("update holdfast.shops set customers_folded = false")
        .await;
    for name in ALIKE[0] {
        assert_eq!(&key(&test, name).await, name);
    }
}

async fn begin_as(
    test: &TestDb,
    customer: &str,
    lines: &[(&str, i64)],
) -> Result<CheckoutId, BeginError> {
    let request = Begin {
        customer: customer.parse().unwrap(),
        ..begin_request(new_id(), lines)
    };
    checkout::begin(&test.db, &request).await?;
    Ok(request.checkout_id)
}

#[tokio::test]
async fn another_spelling_gives_nobody_a_second_limit() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    let once = Terms { ..TEN_PERCENT };
    coupon(&test, "ONCE", once).await;
    test.sql(
        "update holdfast.skus set limit_per_customer = 3;
        update holdfast.shops set checkouts_per_customer_max = 2;
        update holdfast.coupons set uses_per_customer_max = 1",
    )
    .await;
    let first = begin_as(&test, "Asha", &[("A", 2)]).await.unwrap();
    let again = begin_as(&test, "ASHA\u{200b}", &[("A", 2)]).await;
    assert!(
        matches!(again, Err(BeginError::LimitReached(_))),
        "{again:?}"
    );
    let second = begin_as(&test, " asha", &[("A", 1)]).await.unwrap();
    let third = begin_as(&test, "AshA", &[("A", 1)]).await;
    assert!(
        matches!(third, Err(BeginError::TooManyCheckouts)),
        "{third:?}"
    );
    let order = |id| order::Create {
        customer: None,
        ..with_coupon(id, "ONCE")
    };
    created(&test, &order(first)).await;
    let refused = order::create(&test.db, &order(second)).await;
    let Err(CreateError::Coupon(reason)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(reason, CouponRefusal::UsedUpByCustomer);
    // the name itself stays as it was given
    let names = "select string_agg(customer, ',' order by customer) from holdfast.checkouts";
    assert_eq!(test.text(names).await, " asha,Asha");
    test.assert_promises_hold().await;
}

/// What was counted stays counted under the name of that time, and is given back there.
#[tokio::test]
async fn a_shop_that_folds_names_from_now_on_loses_no_count() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    coupon(&test, "TEN", TEN_PERCENT).await;
    test.sql("update holdfast.skus set limit_per_customer = 5")
        .await;
    let counts = "select coalesce(string_agg(format('%s %s+%s', customer, units_held,
            units_consumed), ', ' order by customer), '')
        from holdfast.customer_units where units_held + units_consumed > 0";
    for (folded, other) in [(true, false), (false, true)] {
        let fold = |folded: bool| format!("update holdfast.shops set customers_folded = {folded}");
        test.sql(&fold(folded)).await;
        let name = if folded { "asha" } else { "Asha" };
        let open = begin_as(&test, "Asha", &[("A", 1)]).await.unwrap();
        let awaits = begin_as(&test, "Asha", &[("A", 1)]).await.unwrap();
        let request = order::Create {
            customer: None,
            ..with_coupon(awaits, "TEN")
        };
        let order = created(&test, &request).await;
        let sold = begin_as(&test, "Asha", &[("A", 2)]).await.unwrap();
        let request = order::Create {
            customer: None,
            ..order_request(sold)
        };
        let paid = created(&test, &request).await;
        let event_of_it = event(&paid, EventKind::Paid, &format!("pay-{folded}"));
        test.record(&event_of_it).await.unwrap();
        assert_eq!(test.text(counts).await, format!("{name} 2+2"));
        test.sql(&fold(other)).await;
        test.assert_promises_hold().await;
        for id in [open, awaits] {
            checkout::release(&test.db, &shop(MAIN), id, None)
                .await
                .unwrap();
        }
        assert_eq!(test.text(counts).await, format!("{name} 0+2"));
        assert_eq!(uses(&test, "TEN").await, (0, 0));
        // a late payment counts under the order's own name again
        let late = event(&order, EventKind::Paid, &format!("late-{folded}"));
        assert_eq!(test.record(&late).await.unwrap(), Outcome::CompletedLate);
        assert_eq!(test.text(counts).await, format!("{name} 0+3"));
        test.assert_promises_hold().await;
        let restock = tests::desk::restock_request(&[("A", 2)]);
        let desk = test.desk(1);
        desk.restock(paid.order_id, &restock).await.unwrap();
        assert_eq!(test.text(counts).await, format!("{name} 0+1"));
        test.sql("delete from holdfast.customer_units").await;
        test.sql(
            "update holdfast.order_lines set limited = false;
            update holdfast.coupons set uses_consumed = 0; delete from holdfast.customer_coupons;
            update holdfast.orders set coupon_use = 'released' where coupon_use = 'consumed'",
        )
        .await;
    }
}
