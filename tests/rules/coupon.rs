//! Coupons: the discount, the reasons of a refusal, and uses that are counted like stock.

use operations::checkout;
use operations::ids::CheckoutId;
use operations::order::{self, CouponRefusal, Create, CreateError, PaymentMethod, ShipTo};
use tests::coupons::{TEN_PERCENT, Terms, coupon, uses};
use tests::orders::{address, create, created, price, with_coupon};
use tests::{MAIN, Routine, SHUT_GATE, TestDb, at_once, shop};

#[tokio::test]
async fn a_coupon_takes_off_whole_minor_units_and_at_most_the_total() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    let percent = |value| Terms {
        value,
        ..TEN_PERCENT
    };
    let fixed = |value| Terms {
        kind: "fixed",
        value,
        ..TEN_PERCENT
    };
    for (n, (price_minor, terms, discount)) in [
        (999, percent(1_000), 99),  // 99.9 is rounded down
        (999, percent(1_250), 124), // 12.5 %: 124.875
        (1, percent(9_999), 0),
        (999, percent(10_000), 999),
        // a product that would overflow 64 bits
        (100_000_000_000, percent(9_999), 99_990_000_000),
        (999, fixed(500), 500),
        (999, fixed(1_000), 999),
    ]
    .into_iter()
    .enumerate()
    {
        let code = format!("C{n}");
        coupon(&test, &code, terms).await;
        price(&test, "A", price_minor).await;
        let id = test.held(&[("A", 1)]).await;
        let order = created(&test, &with_coupon(id, &code)).await;
        assert_eq!(order.discount_minor, discount, "{code}");
        assert_eq!(order.total_minor, price_minor - discount, "{code}");
        assert_eq!(order.coupon.as_deref(), Some(code.as_str()));
    }
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn an_unusable_coupon_refuses_the_order_and_leaves_nothing_behind() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let tomorrow = "now() + interval '1 day'";
    let terms = [
        (
            "EARLY",
            CouponRefusal::NotYetValid,
            Terms {
                valid_from: tomorrow,
                ..TEN_PERCENT
            },
        ),
        (
            "LATE",
            CouponRefusal::Expired,
            Terms {
                valid_until: "now()",
                ..TEN_PERCENT
            },
        ),
        (
            "BIG",
            CouponRefusal::BelowMinimum,
            Terms {
                minimum_minor: 10_001,
                ..TEN_PERCENT
            },
        ),
        (
            "GONE",
            CouponRefusal::UsedUp,
            Terms {
                uses_max: "0",
                ..TEN_PERCENT
            },
        ),
    ];
    let mut refusals = vec![("NONE", CouponRefusal::Unknown)];
    for (code, refusal, terms) in terms {
        coupon(&test, code, terms).await;
        refusals.push((code, refusal));
    }
    let exact = Terms {
        minimum_minor: 10_000,
        ..TEN_PERCENT
    };
    coupon(&test, "EXACT", exact).await;
    let id = test.held(&[("A", 1)]).await;
    let before = test.rows().await;
    for (code, expected) in refusals {
        // an address to save: a refusal must not keep it
        let request = Create {
            ship_to: ShipTo::Given {
                address: address("Asha"),
                save: true,
            },
            ..with_coupon(id, code)
        };
        match create(&test, &request).await {
            Err(CreateError::Coupon(refusal)) => assert_eq!(refusal, expected, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
    }
    assert_eq!(test.rows().await, before);
    // a total equal to the minimum is enough
    created(&test, &with_coupon(id, "EXACT")).await;
    test.assert_promises_hold().await;
}

/// Twenty carts, and the coupon `ONE` with one use.
async fn twenty_carts_for_one_use(test: &TestDb) -> Vec<CheckoutId> {
    test.sku("A", 20).await;
    let once = Terms {
        uses_max: "1",
        ..TEN_PERCENT
    };
    coupon(test, "ONE", once).await;
    let mut carts = Vec::new();
    for _ in 0..20 {
        carts.push(test.held(&[("A", 1)]).await);
    }
    carts
}

/// All carts order with the coupon at once. They wait for the lock of `blocked` before any of them
/// goes on.
async fn ordered_at_once(
    test: &TestDb,
    carts: &[CheckoutId],
    blocked: &str,
) -> Vec<Result<order::Created, CreateError>> {
    let blocker = test.block(blocked).await;
    let db = test.pool(20);
    let race = at_once(20, |n| {
        let (db, request) = (db.clone(), with_coupon(carts[n], "ONE"));
        async move { order::create(&db, &request).await }
    });
    test.behind(blocker, 20, race).await
}

/// Scenario 23.
#[tokio::test]
async fn the_last_use_of_a_coupon_goes_to_one_of_twenty_orders() {
    let test = TestDb::new().await;
    let carts = twenty_carts_for_one_use(&test).await;
    let locked = "select from holdfast.coupons where shop = 'main' for update";
    let answers = ordered_at_once(&test, &carts, locked).await;
    let used_up = |answer: &&Result<_, CreateError>| {
        matches!(answer, Err(CreateError::Coupon(CouponRefusal::UsedUp)))
    };
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(answers.iter().filter(used_up).count(), 19);
    assert_eq!(uses(&test, "ONE").await, (1, 0));

    // A released order gives the use back, and the next order gets it.
    let winner = answers.iter().position(Result::is_ok).unwrap();
    checkout::release(&test.db, &shop(MAIN), carts[winner], None)
        .await
        .unwrap();
    let next = carts[(winner + 1) % 20];
    created(
        &test,
        &Create {
            method: PaymentMethod::Offline,
            ..with_coupon(next, "ONE")
        },
    )
    .await;
    assert_eq!(uses(&test, "ONE").await, (0, 1));
    test.assert_promises_hold().await;
}

/// Negative control of scenario 23: without the coupon's lock, all twenty read that a use is left.
/// The constraint refuses all but one; without the constraint, each gets one.
#[tokio::test]
async fn without_the_lock_one_use_of_a_coupon_would_be_used_twenty_times() {
    let guard = "coupon_never_overused";
    for (constrained, used) in [(true, 1), (false, 20)] {
        let test = TestDb::new().await;
        let carts = twenty_carts_for_one_use(&test).await;
        let routine = Routine::named("coupon_hold").without_guard(guard);
        test.put_routine(routine.gated(guard)).await;
        if !constrained {
            test.sql("alter table holdfast.coupons drop constraint coupon_never_overused")
                .await;
        }
        let gate = SHUT_GATE;
        let answers = ordered_at_once(&test, &carts, gate).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), used);
        assert_eq!(usize::try_from(uses(&test, "ONE").await.0), Ok(used));
        if constrained {
            test.assert_promises_hold().await;
        } else {
            let broken = test.broken_promises().await;
            assert_eq!(broken, ["a_coupon_is_never_overused"]);
        }
    }

    let test = TestDb::new().await;
    coupon(
        &test,
        "ONE",
        Terms {
            uses_max: "1",
            ..TEN_PERCENT
        },
    )
    .await;
    let refused = test
        .refused_by("update holdfast.coupons set uses_held = 1, uses_consumed = 1")
        .await;
    assert_eq!(refused, "coupon_never_overused");
}
