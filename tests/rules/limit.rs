//! Limits for one customer: units of a sku, checkouts at once, uses of a coupon. They are counted
//! like stock: held, consumed or given back in the same transactions, and never exceeded.

use std::sync::Arc;

use operations::checkout::{self, Begin, BeginError, LimitReached};
use operations::ids::CheckoutId;
use operations::order::{
    self, AmendError, Book, BookError, CouponRefusal, Create, CreateError, PaymentMethod,
};
use operations::payment::{EventKind, Outcome};
use operations::quantity::Revision;
use tests::desk::{book_request, booked_order, restock_request};
use tests::orders::{create, created};
use tests::{
    CALL_MAX, MAIN, Routine, TestDb, at_once, begin_request, cart, event, new_id, order_request,
    shop,
};

async fn limit(test: &TestDb, sku: &str, units: i32) {
    test.sql(&format!(
        "update holdfast.skus set limit_per_customer = {units} where sku = '{sku}'"
    ))
    .await;
}

async fn checkouts_max(test: &TestDb, checkouts: i32) {
    test.sql(&format!(
        "update holdfast.shops set checkouts_per_customer_max = {checkouts}"
    ))
    .await;
}

fn begin_as(customer: &str, lines: &[(&str, i64)]) -> Begin {
    Begin {
        customer: customer.parse().unwrap(),
        ..begin_request(new_id(), lines)
    }
}

async fn held_as(test: &TestDb, customer: &str, lines: &[(&str, i64)]) -> CheckoutId {
    let request = begin_as(customer, lines);
    checkout::begin(&test.db, &request).await.unwrap();
    request.checkout_id
}

async fn allowed(test: &TestDb, customer: &str, lines: &[(&str, i64)]) -> Vec<(String, i32)> {
    let answer = checkout::begin(&test.db, &begin_as(customer, lines)).await;
    let Err(BeginError::LimitReached(limits)) = answer else {
        panic!("{answer:?}")
    };
    limits
        .into_iter()
        .map(|LimitReached { sku, allowed }| (sku, allowed))
        .collect()
}

/// Units of a customer: (held, consumed).
async fn units(test: &TestDb, customer: &str, sku: &str) -> (i32, i32) {
    let query = "select units_held, units_consumed from holdfast.customer_units
                 where shop = 'main' and customer = $1 and sku = $2";
    let row = test
        .owner
        .query_one(query, &[&customer, &sku])
        .await
        .unwrap();
    (row.get(0), row.get(1))
}

/// Any customer may order: the checkout's id is the capability.
fn online(id: CheckoutId) -> Create {
    Create {
        customer: None,
        ..order_request(id)
    }
}

fn offline(id: CheckoutId) -> Create {
    Create {
        method: PaymentMethod::Offline,
        ..online(id)
    }
}

fn with_coupon(id: CheckoutId, code: &str) -> Create {
    Create {
        coupon: Some(code.parse().unwrap()),
        ..online(id)
    }
}

#[tokio::test]
async fn held_and_bought_units_count_against_the_limit_of_a_sku() {
    let test = TestDb::new().await;
    for sku in ["A", "B", "FREE"] {
        test.sku(sku, 99).await;
    }
    limit(&test, "A", 3).await;
    limit(&test, "B", 1).await;
    assert_eq!(allowed(&test, "asha", &[("A", 4)]).await, [("A".into(), 3)]);
    let bought = held_as(&test, "asha", &[("A", 2), ("FREE", 50)]).await;
    created(&test, &offline(bought)).await;
    assert_eq!(units(&test, "asha", "A").await, (0, 2));
    let held = held_as(&test, "asha", &[("A", 1), ("B", 1)]).await;
    assert_eq!(units(&test, "asha", "A").await, (1, 2));
    // a refusal names every sku, and nothing of the cart is held
    let before = test.rows().await;
    let refused = allowed(&test, "asha", &[("A", 1), ("B", 2), ("FREE", 1)]).await;
    assert_eq!(refused, [("A".into(), 0), ("B".into(), 0)]);
    assert_eq!(test.rows().await, before);
    // another customer has limits of their own
    held_as(&test, "meera", &[("A", 3)]).await;

    checkout::release(&test.db, &shop(MAIN), held, None)
        .await
        .unwrap();
    assert_eq!(units(&test, "asha", "A").await, (0, 2));
    held_as(&test, "asha", &[("A", 1)]).await;
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_replacement_counts_instead_of_the_old_cart() {
    let test = TestDb::new().await;
    for sku in ["A", "B"] {
        test.sku(sku, 99).await;
        limit(&test, sku, 3).await;
    }
    let request = begin_as("asha", &[("A", 3)]);
    checkout::begin(&test.db, &request).await.unwrap();
    let replaced = |revision: i64, lines: &[(&str, i64)]| Begin {
        revision: Revision::try_from(revision).unwrap(),
        cart: cart(lines),
        ..request.clone()
    };
    let larger = replaced(2, &[("A", 4), ("B", 1)]);
    let refused = checkout::begin(&test.db, &larger).await;
    assert!(matches!(refused, Err(BeginError::LimitReached(_))));
    assert_eq!(units(&test, "asha", "A").await, (3, 0));
    let carts = [
        &[("A", 2), ("B", 3)][..],
        &[("B", 3)],
        &[("A", 3), ("B", 3)],
    ];
    for (revision, lines) in (3..).zip(carts) {
        let next = replaced(revision, lines);
        checkout::begin(&test.db, &next).await.unwrap();
        test.assert_promises_hold().await;
    }
    assert_eq!(units(&test, "asha", "A").await, (3, 0));
}

#[tokio::test]
async fn due_holds_never_count_against_a_limit() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    limit(&test, "A", 2).await;
    checkouts_max(&test, 2).await;
    let first = held_as(&test, "asha", &[("A", 1)]).await;
    let second = held_as(&test, "asha", &[("A", 1)]).await;
    test.make_due(first).await;
    // one checkout is free now, not two
    assert_eq!(allowed(&test, "asha", &[("A", 2)]).await, [("A".into(), 1)]);
    held_as(&test, "asha", &[("A", 1)]).await;
    test.make_due(second).await;
    test.sweep().await;
    held_as(&test, "asha", &[("A", 1)]).await;
    test.assert_promises_hold().await;
}

/// Reclaims that free nothing end in the refusal, not in a failure or a loop.
#[tokio::test]
async fn a_due_checkout_that_cant_be_expired_still_counts_against_the_limits() {
    for checkouts_are_limited in [false, true] {
        let test = TestDb::new().await;
        for sku in ["A", "BAD"] {
            test.sku(sku, 9).await;
        }
        if checkouts_are_limited {
            checkouts_max(&test, 1).await;
        } else {
            limit(&test, "A", 2).await;
        }
        let bad = held_as(&test, "asha", &[("A", 2), ("BAD", 1)]).await;
        test.corrupt("update holdfast.stock_levels set held = 0 where sku = 'BAD'")
            .await;
        test.make_due(bad).await;
        if checkouts_are_limited {
            let answer = checkout::begin(&test.db, &begin_as("asha", &[("A", 1)])).await;
            assert!(
                matches!(answer, Err(BeginError::TooManyCheckouts)),
                "{answer:?}"
            );
        } else {
            let limits = allowed(&test, "asha", &[("A", 1)]).await;
            assert_eq!(limits, [("A".to_owned(), 0)]);
        }
        // another customer is not in its way
        held_as(&test, "ravi", &[("A", 1)]).await;
    }
}

/// Scenario 22.
#[tokio::test]
async fn a_thousand_checkouts_of_one_customer_hold_only_as_many_as_the_shop_allows() {
    let test = TestDb::new().await;
    test.sku("A", 2_000).await;
    checkouts_max(&test, 7).await;
    let db = test.pool(50).with_call_timeout(CALL_MAX);
    let answers = at_once(1_000, |_| {
        let (db, request) = (db.clone(), begin_as("asha", &[("A", 1)]));
        async move { checkout::begin(&db, &request).await }
    })
    .await;
    let too_many =
        |answer: &&Result<_, BeginError>| matches!(answer, Err(BeginError::TooManyCheckouts));
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 7);
    assert_eq!(answers.iter().filter(too_many).count(), 993);
    assert_eq!(test.level("A").await.1, 7);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn twenty_checkouts_at_once_never_exceed_the_limit() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    limit(&test, "A", 5).await;
    // the first checkout makes the row that the others wait for
    held_as(&test, "asha", &[("A", 1)]).await;
    let blocker = test
        .block("select from holdfast.customer_checkouts where shop = 'main' for update")
        .await;
    let db = test.pool(20);
    let race = at_once(20, |_| {
        let (db, request) = (db.clone(), begin_as("asha", &[("A", 1)]));
        async move { checkout::begin(&db, &request).await }
    });
    let answers = test.behind(blocker, 20, race).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 4);
    assert_eq!(units(&test, "asha", "A").await, (5, 0));
    test.assert_promises_hold().await;
}

/// Negative control of the two races: without the lock on the customer's row and without the
/// constraints, everybody gets a unit.
#[tokio::test]
async fn without_the_customers_lock_the_limit_would_be_exceeded() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    limit(&test, "A", 5).await;
    held_as(&test, "asha", &[("A", 1)]).await;
    let routine = Routine::named("limit_acquire")
        .without_guard("customer_never_over_limit")
        .gated("customer_never_over_limit")
        // all would wait for each other at the row that counts checkouts
        .with_guard_replaced("a_checkout_is_counted", "if false then");
    test.put_routine(routine).await;
    test.sql("alter table holdfast.customer_units drop constraint customer_never_over_limit")
        .await;
    let db = test.pool(20);
    let race = at_once(20, |_| {
        let (db, request) = (db.clone(), begin_as("asha", &[("A", 1)]));
        async move { checkout::begin(&db, &request).await }
    });
    let answers = test.behind_the_gate(20, race).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(units(&test, "asha", "A").await, (21, 0));
    let broken = test.broken_promises().await;
    assert!(
        broken.contains(&"a_limit_is_never_exceeded".to_owned()),
        "{broken:?}"
    );
}

#[tokio::test]
async fn the_schema_refuses_a_unit_above_the_limit() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    limit(&test, "A", 2).await;
    checkouts_max(&test, 1).await;
    held_as(&test, "asha", &[("A", 2)]).await;
    for (sql, constraint) in [
        (
            "update holdfast.customer_units set units_held = 3",
            "customer_never_over_limit",
        ),
        (
            "update holdfast.customer_checkouts set open = 2",
            "customer_never_over_checkouts",
        ),
    ] {
        assert_eq!(test.refused_by(sql).await, constraint);
    }
}

/// A late payment takes no more than the customer may have at that time: the rest is owed back.
#[tokio::test]
async fn a_late_payment_takes_stock_again_only_within_the_limit() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    limit(&test, "A", 2).await;
    for (meanwhile, expected) in [(1, Outcome::CompletedLate), (2, Outcome::RefundDue)] {
        let customer = format!("customer-{meanwhile}");
        let id = held_as(&test, &customer, &[("A", 1)]).await;
        let order = created(&test, &online(id)).await;
        test.expire(id).await;
        held_as(&test, &customer, &[("A", meanwhile)]).await;
        let paid = event(&order, EventKind::Paid, &format!("pay-{meanwhile}"));
        assert_eq!(test.record(&paid).await.unwrap(), expected);
        test.assert_promises_hold().await;
    }
    assert_eq!(units(&test, "customer-1", "A").await, (1, 1));
}

#[tokio::test]
async fn an_order_of_an_ended_hold_is_refused_at_the_limit() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    limit(&test, "A", 2).await;
    let id = held_as(&test, "asha", &[("A", 2)]).await;
    test.expire(id).await;
    held_as(&test, "asha", &[("A", 1)]).await;
    let before = test.rows().await;
    let refused = create(&test, &online(id)).await;
    let Err(CreateError::LimitReached(limits)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((limits[0].sku.as_str(), limits[0].allowed), ("A", 1));
    assert_eq!(test.rows().await, before);
    test.assert_promises_hold().await;
}

/// A limit that is set or removed while stock is held never stops that hold.
#[tokio::test]
async fn a_changed_limit_never_stops_a_placed_hold() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    let before = held_as(&test, "asha", &[("A", 9)]).await;
    limit(&test, "A", 2).await;
    checkouts_max(&test, 2).await;
    let counted = held_as(&test, "asha", &[("A", 2)]).await;
    limit(&test, "A", 1).await;
    checkouts_max(&test, 1).await;
    created(&test, &offline(before)).await;
    created(&test, &offline(counted)).await;
    assert_eq!(units(&test, "asha", "A").await, (0, 2));
    assert_eq!(allowed(&test, "asha", &[("A", 1)]).await, [("A".into(), 0)]);
    test.assert_promises_hold().await;
}

async fn coupon(test: &TestDb, code: &str, terms: &str) {
    test.sql(&format!(
        "insert into holdfast.coupons (shop, code, kind, value) values ('main', '{code}', 'percent',
            1000);
         update holdfast.coupons set {terms} where code = '{code}'"
    ))
    .await;
}

#[tokio::test]
async fn a_customer_uses_a_coupon_up_to_its_limit_and_gets_an_unused_use_back() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    coupon(&test, "TWICE", "uses_per_customer_max = 2").await;
    let mut orders = Vec::new();
    for _ in 0..2 {
        let id = held_as(&test, "asha", &[("A", 1)]).await;
        orders.push((id, created(&test, &with_coupon(id, "TWICE")).await));
    }
    let third = held_as(&test, "asha", &[("A", 1)]).await;
    let refused = create(&test, &with_coupon(third, "TWICE")).await;
    assert!(
        matches!(
            refused,
            Err(CreateError::Coupon(CouponRefusal::UsedUpByCustomer))
        ),
        "{refused:?}"
    );
    let other = held_as(&test, "meera", &[("A", 1)]).await;
    created(&test, &with_coupon(other, "TWICE")).await;
    // one order is paid, the other expires: one use is free again
    let paid = event(&orders[0].1, EventKind::Paid, "pay-1");
    test.record(&paid).await.unwrap();
    test.expire(orders[1].0).await;
    created(&test, &with_coupon(third, "TWICE")).await;
    // the late payment of the expired order finds no use
    let late = event(&orders[1].1, EventKind::Paid, "pay-2");
    assert_eq!(test.record(&late).await.unwrap(), Outcome::RefundDue);
    test.assert_promises_hold().await;
}

/// Promise 8, for coupons: a slow sweeper neither refuses a shopper nor loses a sale.
#[tokio::test]
async fn a_coupon_whose_last_use_is_held_by_a_due_order_is_free() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    for late in [false, true] {
        let code = if late { "LATE" } else { "ORDER" };
        coupon(&test, code, "uses_max = 1").await;
        let first = test.held(&[("A", 1)]).await;
        let first_order = created(&test, &with_coupon(first, code)).await;
        if late {
            test.expire(first).await;
        }
        let holder = test.held(&[("A", 1)]).await;
        if late {
            created(&test, &with_coupon(holder, code)).await;
        }
        test.make_due(if late { holder } else { first }).await;
        if late {
            let paid = event(&first_order, EventKind::Paid, "pay-late");
            let outcome = test.record(&paid).await.unwrap();
            assert_eq!(outcome, Outcome::CompletedLate);
        } else {
            created(&test, &with_coupon(holder, code)).await;
        }
        test.assert_promises_hold().await;
    }
}

#[tokio::test]
async fn a_coupon_for_some_skus_takes_off_their_lines_only() {
    let test = TestDb::new().await;
    for sku in ["A", "B", "C"] {
        test.sku(sku, 99).await; // 10,000 each
    }
    coupon(
        &test,
        "SOME",
        "skus = '{A,B}', kind = 'fixed', value = 25000",
    )
    .await;
    coupon(&test, "BIG", "skus = '{A}', minimum_minor = 20000").await;
    let of_others = test.held(&[("C", 5)]).await;
    let refused = create(&test, &with_coupon(of_others, "SOME")).await;
    assert!(
        matches!(refused, Err(CreateError::Coupon(CouponRefusal::NotForCart))),
        "{refused:?}"
    );
    let mixed = test.held(&[("A", 1), ("B", 1), ("C", 5)]).await;
    let below = create(&test, &with_coupon(mixed, "BIG")).await;
    assert!(
        matches!(below, Err(CreateError::Coupon(CouponRefusal::BelowMinimum))),
        "{below:?}"
    );
    let order = created(&test, &with_coupon(mixed, "SOME")).await;
    // never more than its own lines cost
    assert_eq!((order.discount_minor, order.total_minor), (20_000, 50_000));
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_customers_last_use_of_a_coupon_goes_to_one_of_twenty_orders() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    coupon(&test, "ONCE", "uses_per_customer_max = 1").await;
    let mut carts = Vec::new();
    for _ in 0..20 {
        carts.push(held_as(&test, "asha", &[("A", 1)]).await);
    }
    let blocker = test
        .block("select from holdfast.coupons where shop = 'main' for update")
        .await;
    let db = test.pool(20);
    let race = at_once(20, |n| {
        let (db, request) = (db.clone(), with_coupon(carts[n], "ONCE"));
        async move { order::create(&db, &request).await }
    });
    let answers = test.behind(blocker, 20, race).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    test.assert_promises_hold().await;
    let two = "update holdfast.customer_coupons set uses_held = 2";
    let constraint = "coupon_never_overused_by_customer";
    assert_eq!(test.refused_by(two).await, constraint);
}

/// The desk counts too: bookings and added seats count, removed, cancelled and returned seats count
/// back.
#[tokio::test]
async fn seats_sold_at_the_desk_count_against_a_limit_until_they_come_back() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    test.sku("B", 99).await;
    limit(&test, "A", 4).await;
    let desk = test.desk(2);
    let booked = desk.booked(&[("A", 3), ("B", 1)]).await;
    assert_eq!(units(&test, "c", "A").await, (0, 3));
    let refused = desk.book(new_id(), &book_request(&[("A", 2)])).await;
    assert!(
        matches!(refused, Err(BookError::LimitReached(_))),
        "{refused:?}"
    );
    let before = test.rows().await;
    let refused = desk.amend(&booked, &[("A", 5), ("B", 9)]).await;
    let Err(AmendError::LimitReached(limits)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((limits[0].sku.as_str(), limits[0].allowed), ("A", 1));
    assert_eq!(test.rows().await, before);
    let grown = desk.amend(&booked, &[("A", 4), ("B", 9)]).await.unwrap();
    assert_eq!(units(&test, "c", "A").await, (0, 4));
    let shrunk = desk.amend(&grown, &[("A", 3)]).await.unwrap();
    assert_eq!(units(&test, "c", "A").await, (0, 3));
    let back = restock_request(&[("A", 1)]);
    desk.restock(shrunk.order_id, &back).await.unwrap();
    assert_eq!(units(&test, "c", "A").await, (0, 2));
    desk.cancel(&shrunk).await.unwrap();
    assert_eq!(units(&test, "c", "A").await, (0, 0));

    // A booking from before the limit counts once it grows, with all of its seats.
    let free = desk.booked(&[("B", 3)]).await;
    limit(&test, "B", 4).await;
    assert!(desk.amend(&free, &[("B", 5)]).await.is_err());
    let grown = desk.amend(&free, &[("B", 4)]).await.unwrap();
    assert_eq!(units(&test, "c", "B").await, (0, 4));
    desk.cancel(&grown).await.unwrap();
    assert_eq!(units(&test, "c", "B").await, (0, 0));
    test.assert_promises_hold().await;
}

/// A limit that only a due checkout of the customer uses is free at the desk too.
#[tokio::test]
async fn due_holds_never_count_against_a_party_at_the_desk() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    limit(&test, "A", 4).await;
    let desk = test.desk(1);
    let order = desk.booked(&[("A", 1)]).await;
    let due = held_as(&test, "c", &[("A", 3)]).await;
    assert!(desk.amend(&order, &[("A", 2)]).await.is_err());
    test.make_due(due).await;
    let order = desk.amend(&order, &[("A", 2)]).await.unwrap();
    let due = held_as(&test, "c", &[("A", 2)]).await;
    test.make_due(due).await;
    desk.booked(&[("A", 2)]).await;
    desk.cancel(&order).await.unwrap();
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn twenty_parties_that_grow_at_once_never_exceed_the_limit() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    limit(&test, "A", 25).await;
    let desk = Arc::new(test.desk(20));
    let mut orders = Vec::new();
    for _ in 0..20 {
        orders.push(desk.booked(&[("A", 1)]).await);
    }
    let orders = Arc::new(orders);
    let answers = at_once(20, |n| {
        let (desk, orders) = (Arc::clone(&desk), Arc::clone(&orders));
        async move { desk.amend(&orders[n], &[("A", 2)]).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 5);
    assert_eq!(units(&test, "c", "A").await, (0, 25));
    test.assert_promises_hold().await;
}

/// Cancel, and book again: the coupon's use is free.
#[tokio::test]
async fn a_cancelled_booking_gives_back_its_use_of_a_coupon() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    coupon(&test, "ONCE", "uses_max = 1").await;
    let desk = test.desk(1);
    let book = Book {
        coupon: Some("ONCE".parse().unwrap()),
        ..book_request(&[("A", 2)])
    };
    let order = booked_order(desk.book(new_id(), &book).await.unwrap());
    let refused = desk.book(new_id(), &book).await;
    assert!(matches!(refused, Err(BookError::Coupon(_))), "{refused:?}");
    desk.cancel(&order).await.unwrap();
    desk.cancel(&order).await.unwrap();
    let again = booked_order(desk.book(new_id(), &book).await.unwrap());
    assert!(again.discount_minor > 0);
    test.assert_promises_hold().await;
}
