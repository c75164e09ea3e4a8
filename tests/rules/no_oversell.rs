//! Promise 1 under load: no rush holds or sells more units than there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use holdfast_sweeper::sweep;
use local::roles::{PAYMENTS, SWEEPER};
use operations::checkout::{self, BeginError, Begun};
use operations::db::Database;
use operations::ids::CheckoutId;
use operations::order::{self, Create, Created, PaymentMethod};
use operations::payment::{self, EventKind, Gateway};
use tests::{
    CLUSTER, MAIN, Routine, TestDb, at_once, begin_request, event, new_id, order_request, shop,
};
use tokio_postgres::error::SqlState;

/// Each shopper wants one unit of `sku`, all at once: (held, refused for a shortage).
async fn rush(pools: &[Database], shoppers: usize, sku: &'static str) -> (usize, usize) {
    let answers = at_once(shoppers, |n| {
        let db = pools[n % pools.len()].clone();
        async move { checkout::begin(&db, &begin_request(new_id(), &[(sku, 1)])).await }
    })
    .await;
    let held = answers
        .iter()
        .filter(|answer| matches!(answer, Ok(Begun::Placed(_))))
        .count();
    let refused = answers
        .iter()
        .filter(|answer| matches!(answer, Err(BeginError::Shortage(_))))
        .count();
    (held, refused)
}

/// Without the version: one call may hold many carts.
async fn on_hand_and_held(test: &TestDb, sku: &str) -> (i32, i32) {
    let (on_hand, held, _) = test.level(sku).await;
    (on_hand, held)
}

/// Promise 1: never oversold.
#[tokio::test]
async fn five_hundred_shoppers_get_exactly_the_hundred_units() {
    let test = TestDb::new().await;
    test.sku("A", 100).await;
    // as with many processes: 200 connections
    let pools: Vec<_> = (0..4).map(|_| test.pool(50)).collect();
    assert_eq!(rush(&pools, 500, "A").await, (100, 400));
    assert_eq!(on_hand_and_held(&test, "A").await, (100, 100));
    test.assert_promises_hold().await;
}

/// Negative control of promise 1: everybody has read before anybody takes. With the guard, the rush
/// ends as usual. Without it, the constraint refuses forty. Without both, all fifty get a unit.
#[tokio::test]
async fn without_the_guard_the_same_rush_would_oversell() {
    let guard = "stock_never_oversold";
    for (guarded, constrained, expected) in [
        (true, true, (10, 40)),
        (false, true, (10, 0)),
        (false, false, (50, 0)),
    ] {
        let test = TestDb::new().await;
        test.sku("A", 10).await;
        let mut routine = Routine::named("checkout_hold_cart").gated(guard);
        if !guarded {
            routine = routine.without_guard(guard);
        }
        test.put_routine(routine).await;
        if !constrained {
            test.sql("alter table holdfast.stock_levels drop constraint stock_never_oversold")
                .await;
        }
        let pools = [test.pool(50)];
        let ended = test.behind_the_gate(50, rush(&pools, 50, "A")).await;
        assert_eq!(ended, expected, "{guarded} {constrained}");
        assert_eq!(usize::try_from(test.level("A").await.1), Ok(expected.0));
        if constrained {
            test.assert_promises_hold().await;
        } else {
            assert_eq!(test.broken_promises().await, ["never_oversold"]);
        }
    }
    let test = TestDb::new().await;
    test.sku("A", 10).await;
    let too_much = "update holdfast.stock_levels set held = 11, version = version + 1";
    assert_eq!(test.refused_by(too_much).await, "stock_never_oversold");
}

/// Early lock release is a switch, and no part of the promise.
#[tokio::test]
async fn the_rush_ends_the_same_without_early_lock_release() {
    for way in ["message", "row-lock", "off"] {
        let test = TestDb::new().await;
        test.sku("A", 20).await;
        test.sql(&format!("select holdfast.early_release_choose('{way}')"))
            .await;
        assert_eq!(rush(&[test.pool(50)], 100, "A").await, (20, 80));
        assert_eq!(on_hand_and_held(&test, "A").await, (20, 20));
        test.assert_promises_hold().await;
    }
}

/// The seat desk: fifty dispatchers, two seats.
#[tokio::test]
async fn fifty_dispatchers_sell_the_last_two_seats_once_each() {
    let test = TestDb::new().await;
    test.sku("SEAT", 2).await;
    let db = test.pool(50);
    let booked = at_once(50, |_| {
        let (db, id) = (db.clone(), new_id());
        async move {
            checkout::begin(&db, &begin_request(id, &[("SEAT", 1)]))
                .await
                .ok()?;
            let offline = Create {
                method: PaymentMethod::Offline,
                ..order_request(id)
            };
            order::create(&db, &offline).await.ok()
        }
    })
    .await;
    assert_eq!(booked.into_iter().flatten().count(), 2);
    assert_eq!(test.level("SEAT").await.0, 0);
    let sold = "select -sum(delta) from holdfast.stock_movements where reason = 'sold'";
    assert_eq!(test.count(sold).await, 2);
    test.assert_promises_hold().await;
}

/// Scenario 6. The routines lock lines in one order, whatever the order of the cart.
#[tokio::test]
async fn carts_with_the_same_skus_in_opposite_order_never_deadlock() {
    let test = TestDb::new().await;
    test.sku("A", 600).await;
    test.sku("B", 600).await;
    let before = test.deadlocks().await;
    let db = test.pool(60);
    let answers = at_once(1_000, |n| {
        let db = db.clone();
        let lines = if n % 2 == 0 {
            [("A", 1), ("B", 1)]
        } else {
            [("B", 1), ("A", 1)]
        };
        async move { checkout::begin(&db, &begin_request(new_id(), &lines)).await }
    })
    .await;
    let held = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(held, 600);
    drop(db);
    assert_eq!(test.deadlocks().await, before);
    for sku in ["A", "B"] {
        assert_eq!(on_hand_and_held(&test, sku).await, (600, 600));
    }
    test.assert_promises_hold().await;
}

/// Negative control of scenario 6: with locks in the order of the cart, two carts deadlock.
#[tokio::test]
async fn locking_in_the_order_of_the_cart_would_deadlock() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sku("B", 9).await;
    let before = test.deadlocks().await;
    let (one, two) = (test.session().await, test.session().await);
    let take = |sku: &str| {
        format!(
            "update holdfast.stock_levels set held = held + 1, version = version + 1 \
             where shop = 'main' and sku = '{sku}'"
        )
    };
    one.batch_execute(&format!("begin; {}", take("A")))
        .await
        .unwrap();
    two.batch_execute(&format!("begin; {}", take("B")))
        .await
        .unwrap();
    let (a_then_b, b_then_a) = (take("B"), take("A"));
    let (one_ends, two_ends) = tokio::join!(
        async {
            let ends = one.batch_execute(&a_then_b).await;
            one.batch_execute("rollback").await.unwrap();
            ends
        },
        async {
            let ends = two.batch_execute(&b_then_a).await;
            two.batch_execute("rollback").await.unwrap();
            ends
        },
    );
    let killed: Vec<_> = [one_ends, two_ends]
        .into_iter()
        .filter_map(Result::err)
        .collect();
    assert_eq!(killed.len(), 1);
    assert_eq!(killed[0].code(), Some(&SqlState::T_R_DEADLOCK_DETECTED));
    drop((one, two));
    // Citus may end a deadlock before PostgreSQL sees it
    if !CLUSTER.has_citus() {
        assert_eq!(test.deadlocks().await, before + 1);
    }
}

/// What a shopper of the rush below does with a held cart.
async fn go_on(test: &TestDb, (db, payments): (&Database, &Database), id: CheckoutId, n: usize) {
    let main = shop(MAIN);
    let online = order_request(id);
    match n % 6 {
        0 => {
            let offline = Create {
                method: PaymentMethod::Offline,
                ..online
            };
            order::create(db, &offline).await.unwrap();
        }
        1 => drop(checkout::release(db, &main, id, None).await.unwrap()),
        2 | 3 => {
            let Created::New(order) = order::create(db, &online).await.unwrap() else {
                panic!("ordered before")
            };
            // half of the payments come after the hold's end, while two sweepers run
            if n % 6 == 3 {
                test.make_due(id).await;
            }
            let paid = event(&order, EventKind::Paid, &format!("pay-{n}"));
            payment::record_event(payments, &main, Gateway::Cashfree, &paid)
                .await
                .unwrap();
        }
        _ => test.make_due(id).await,
    }
}

/// Holds, orders, payments, releases, expiries and sweeps at once, on few units: the counters stay
/// true.
#[tokio::test]
async fn a_rush_of_all_calls_breaks_no_promise() {
    const SHOPPERS: usize = 240;
    /// Of [`go_on`].
    const KINDS: usize = 6;
    let test = Arc::new(TestDb::new().await);
    for sku in ["A", "B", "C"] {
        test.sku(sku, 25).await;
    }
    let (db, payments) = (test.pool(40), test.pool_of(PAYMENTS, 16));
    let sweeper = test.pool_of(SWEEPER, 2);
    let deadlocks_before = test.deadlocks().await;
    // due, and in nobody's way: only a sweep expires it
    test.sku("D", 1).await;
    test.sku("E", 100).await;
    let due = new_id();
    checkout::begin(&db, &begin_request(due, &[("D", 1)]))
        .await
        .unwrap();
    test.make_due(due).await;
    let shopping = Arc::new(AtomicUsize::new(SHOPPERS));
    let swept = at_once(SHOPPERS + 2, |n| {
        let (test, shopping) = (Arc::clone(&test), Arc::clone(&shopping));
        let (db, payments, sweeper) = (db.clone(), payments.clone(), sweeper.clone());
        async move {
            if n < SHOPPERS {
                let (skus, id) = (["A", "B", "C"], new_id());
                let lines = [(skus[n % 3], 1), (skus[(n / 7) % 3], 1)];
                // one shopper of each kind meets no shortage: each kind of end happens
                let lines = if n < KINDS { [("E", 1); 2] } else { lines };
                let begun = checkout::begin(&db, &begin_request(id, &lines)).await;
                if n < KINDS || begun.is_ok() {
                    begun.unwrap();
                    go_on(&test, (&db, &payments), id, n).await;
                }
                shopping.fetch_sub(1, Ordering::Relaxed);
                return 0;
            }
            let mut swept = 0;
            let mut last = false;
            while !last {
                last = shopping.load(Ordering::Relaxed) == 0;
                let report = sweep::run_once(&sweeper, Duration::from_secs(20))
                    .await
                    .unwrap();
                swept += report.shops[0].expired;
                assert_eq!(report.violations, []);
            }
            swept
        }
    })
    .await;
    drop((db, payments, sweeper));
    assert_eq!(test.deadlocks().await, deadlocks_before);
    for sku in ["A", "B", "C", "D", "E"] {
        assert_eq!(test.level(sku).await.1, 0);
    }
    // each of these happened
    assert!(swept.into_iter().sum::<i32>() > 0);
    for event in [
        "holdfast.orders where status = 'paid'",
        "holdfast.payment_events where outcome like 'completed%'",
        "holdfast.checkouts where status = 'expired'",
        "holdfast.checkouts where status = 'released'",
    ] {
        assert!(
            test.count(&format!("select count(*) from {event}")).await > 0,
            "{event}"
        );
    }
    test.assert_promises_hold().await;
}
