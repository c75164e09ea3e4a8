//! The stock level and its ledger: what the schema refuses for every writer, and what a storefront
//! sees.

use operations::checkout::{self, BeginError, Begun};
use operations::quantity::Amount;
use operations::stock::availability;
use tests::{
    MAIN, PRICE_MINOR, Routine, SHUT_GATE, TestDb, at_once, begin_request, new_id, shop, until,
};

/// Outcome, on_hand, held and version of a change.
type Adjusted = (String, i32, i32, i64);

/// `expected` is SQL: a version, or `null`.
async fn adjust(test: &TestDb, delta: i32, expected: &str) -> Adjusted {
    let query = format!(
        "select o_outcome::text, o_on_hand, o_held, o_version from holdfast.stock_adjust(
            'main', 'A', {delta}, {expected}, 'adjusted', 'staff', 'count')"
    );
    let row = test.owner.query_one(&query, &[]).await.unwrap();
    (row.get(0), row.get(1), row.get(2), row.get(3))
}

fn answer(outcome: &str, on_hand: i32, held: i32, version: i64) -> Adjusted {
    (outcome.to_owned(), on_hand, held, version)
}

/// Scenario 16: the refusal has the numbers, and nothing changes.
#[tokio::test]
async fn on_hand_is_never_lowered_below_what_is_held() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    test.held(&[("A", 3)]).await;
    let before = test.rows().await;
    assert_eq!(
        adjust(&test, -3, "null").await,
        answer("below_held", 5, 3, 2)
    );
    assert_eq!(test.rows().await, before);
    assert_eq!(adjust(&test, -2, "null").await, answer("adjusted", 3, 3, 3));
    let by_hand = "update holdfast.stock_levels set on_hand = 2, version = version + 1";
    assert_eq!(test.refused_by(by_hand).await, "stock_never_oversold");
    test.assert_promises_hold().await;
}

/// Scenario 16: a hold that waits for the change decides on the units that are left.
#[tokio::test]
async fn a_hold_behind_a_change_of_stock_sees_what_is_left() {
    let lowering = "select holdfast.stock_adjust('main', 'A', -3, 1, 'adjusted', 'staff', null)";
    for committed in [true, false] {
        let test = TestDb::new().await;
        test.sku("A", 5).await;
        let blocker = test.block(lowering).await;
        let request = begin_request(new_id(), &[("A", 3)]);
        let begin = checkout::begin(&test.db, &request);
        let decided = async {
            test.until_waiting(1).await;
            if committed {
                blocker.commit().await;
            } else {
                blocker.let_go().await;
            }
        };
        let (begun, ()) = tokio::join!(begin, decided);
        if committed {
            let Err(BeginError::Shortage(shortages)) = begun else {
                panic!("{begun:?}")
            };
            assert_eq!(shortages[0].available, 2);
        } else {
            assert!(matches!(begun, Ok(Begun::Placed(_))), "{begun:?}");
        }
        test.assert_promises_hold().await;
    }
}

/// Fifty shoppers want a unit, and fifty clerks take one away. Returns how many of them succeeded.
async fn fifty_holds_and_fifty_changes(test: &TestDb) -> usize {
    let db = test.pool(25);
    let mut staff = Vec::new();
    for _ in 0..50 {
        staff.push(std::sync::Arc::new(test.session().await));
    }
    let done = at_once(100, |n| {
        let (db, staff) = (db.clone(), staff[n / 2].clone());
        async move {
            if n % 2 == 0 {
                let request = begin_request(new_id(), &[("A", 1)]);
                return checkout::begin(&db, &request).await.is_ok();
            }
            let lower = "select o_outcome::text from holdfast.stock_adjust(
                'main', 'A', -1, null, 'adjusted', 'staff', null)";
            let lowered = staff.query_one(lower, &[]).await;
            lowered.is_ok_and(|row| row.get::<_, &str>(0) == "adjusted")
        }
    })
    .await;
    done.into_iter().filter(|done| *done).count()
}

/// Scenario 16, as a race.
#[tokio::test]
async fn fifty_holds_and_fifty_changes_at_once_share_fifty_units() {
    let test = TestDb::new().await;
    test.sku("A", 50).await;
    assert_eq!(fifty_holds_and_fifty_changes(&test).await, 50);
    let (on_hand, held, _) = test.level("A").await;
    assert_eq!(on_hand, held);
    test.assert_promises_hold().await;
}

/// Negative control of scenario 16: without the lock, each clerk reads that nothing is held, and
/// then everything is. Behind the routine stands the constraint, and behind that the ledger, whose
/// movement has another version. Without all of them, a held unit is taken away.
#[tokio::test]
async fn without_the_lock_on_hand_would_be_lowered_below_what_is_held() {
    let guard = "stock_never_oversold";
    for (guards, done, on_hand) in [
        ("select", 50, 50),
        (
            "alter table holdfast.stock_levels drop constraint stock_never_oversold",
            50,
            50,
        ),
        (
            "alter table holdfast.stock_levels drop constraint stock_never_oversold;
             alter table holdfast.stock_levels
                disable trigger stock_change_is_in_the_ledger_on_update",
            51,
            49,
        ),
    ] {
        let test = TestDb::new().await;
        test.sku("A", 50).await;
        let routine = Routine::named("stock_move").without_guard(guard);
        test.put_routine(routine.gated(guard)).await;
        test.sql(guards).await;
        let gate = test.block(SHUT_GATE).await;
        let shut = test
            .block("lock table holdfast.checkouts in exclusive mode")
            .await;
        let in_order = async {
            test.until_waiting(75).await; // fifty have read; as many hold as there are connections
            shut.let_go().await;
            until("everything is held", async || test.level("A").await.1 == 50).await;
            gate.let_go().await;
        };
        let (race, ()) = tokio::join!(fifty_holds_and_fifty_changes(&test), in_order);
        let level = test.level("A").await;
        assert_eq!((race, level.0, level.1), (done, on_hand, 50), "{guards}");
        if on_hand == 50 {
            test.assert_promises_hold().await;
        } else {
            assert_eq!(test.broken_promises().await, ["never_oversold"]);
        }
    }
}

/// Scenario 25. Promise 9: a stale edit is refused.
#[tokio::test]
async fn a_stale_edit_is_refused() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    assert_eq!(adjust(&test, 2, "1").await, answer("adjusted", 7, 0, 2));
    let before = test.rows().await;
    assert_eq!(adjust(&test, 2, "1").await, answer("stale", 7, 0, 2));
    assert_eq!(test.rows().await, before);
    // A hold counts as a change too: the numbers that the edit was based on are no longer true.
    test.held(&[("A", 1)]).await;
    assert_eq!(adjust(&test, 2, "2").await.0, "stale");
    test.assert_promises_hold().await;
}

/// Scenario 25, as a race: all have read the same version, and one edit counts.
#[tokio::test]
async fn one_of_twenty_edits_of_one_version_counts() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(std::sync::Arc::new(test.session().await));
    }
    let outcomes = at_once(20, |n| {
        let session = sessions[n].clone();
        async move {
            let edit = "select o_outcome::text from holdfast.stock_adjust(
                'main', 'A', 1, 1, 'adjusted', 'staff', null)";
            let outcome: String = session.query_one(edit, &[]).await.unwrap().get(0);
            outcome
        }
    })
    .await;
    let counted = outcomes
        .iter()
        .filter(|outcome| *outcome == "adjusted")
        .count();
    assert_eq!(counted, 1, "{outcomes:?}");
    assert_eq!(test.level("A").await, (6, 0, 2));
    test.assert_promises_hold().await;
}

/// Scenario 25: SQL written by hand, with a stale version, without a version, and without a
/// movement.
#[tokio::test]
async fn a_hand_written_update_needs_the_version_and_a_movement() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    adjust(&test, 1, "null").await;
    let before = test.rows().await;
    for (update, refusal) in [
        ("set on_hand = 9", "stock_version_rises"),
        ("set held = 0", "stock_version_rises"),
        ("set on_hand = 9, version = 2", "stock_version_rises"),
        ("set on_hand = 9, version = 1", "stock_version_rises"),
        ("set on_hand = 9, version = 4", "stock_version_rises"),
        (
            "set on_hand = 9, version = 3",
            "stock_change_is_in_the_ledger_on_update",
        ),
    ] {
        let update = format!("update holdfast.stock_levels {update} where sku = 'A'");
        assert_eq!(test.refused_by(&update).await, refusal, "{update}");
    }
    // a movement of another size does not count
    let mismatch = "
        update holdfast.stock_levels set on_hand = 9, version = version + 1;
        insert into holdfast.stock_movements
            (shop, sku, version, delta, on_hand_after, reason, actor)
        values ('main', 'A', 3, 2, 9, 'adjusted', 'me')";
    assert_eq!(
        test.refused_by(mismatch).await,
        "stock_change_is_in_the_ledger_on_update"
    );
    // stock comes back a second time with the version of the first, which was announced
    let back_again = "
        update holdfast.stock_levels set held = on_hand, version = version + 1 where sku = 'A';
        update holdfast.stock_levels set held = 0, version = version + 1 where sku = 'A';
        update holdfast.stock_levels set held = on_hand, version = version + 1 where sku = 'A';
        update holdfast.stock_levels set held = 0, version = version - 1 where sku = 'A'";
    assert_eq!(test.refused_by(back_again).await, "stock_version_rises");
    let new_level = "insert into holdfast.skus (shop, sku, title, price_minor)
        values ('main', 'NEW', 'New', 1);
        insert into holdfast.stock_levels (shop, sku, on_hand) values ('main', 'NEW', 5)";
    assert_eq!(
        test.refused_by(new_level).await,
        "stock_change_is_in_the_ledger_on_insert"
    );
    assert_eq!(test.rows().await, before);

    // with both, SQL by hand is accepted like the routine
    let matching = mismatch.replace("3, 2, 9", "3, 3, 9");
    test.sql(&format!("begin; {matching}; commit")).await;
    assert_eq!(test.level("A").await, (9, 0, 3));
    test.assert_promises_hold().await;
}

/// Promise 2: the counters must agree with the ledger, so nobody may rewrite it.
#[tokio::test]
async fn the_ledger_is_append_only() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    for (sql, refusal) in [
        (
            "update holdfast.stock_movements set delta = 6",
            "ledger_is_append_only",
        ),
        (
            "delete from holdfast.stock_movements",
            "ledger_is_append_only",
        ),
        (
            "truncate holdfast.stock_movements cascade",
            "ledger_is_never_truncated",
        ),
        (
            "delete from holdfast.stock_levels",
            "stock_level_is_never_deleted",
        ),
    ] {
        assert_eq!(test.refused_by(sql).await, refusal);
    }
    let reason = "select holdfast.stock_adjust('main', 'A', 1, null, 'because', 'me', null)";
    assert_eq!(test.refused_by(reason).await, "movement_reason_is_known");
    let without_actor = "select holdfast.stock_adjust('main', 'A', 1, null, 'adjusted', '', null)";
    assert_eq!(
        test.refused_by(without_actor).await,
        "movement_names_an_actor"
    );
    let nothing = "select holdfast.stock_adjust('main', 'A', 0, null, 'adjusted', 'me', null)";
    assert_eq!(test.refused_by(nothing).await, "movement_moves_something");
    assert_eq!(test.level("A").await, (5, 0, 1));
}

/// Scenario 17, behind the parser: the schema refuses the same values.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
async fn quantities_and_prices_out_of_bounds_are_refused_by_name() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    test.held(&[("A", 1)]).await;
    let begin = |quantity: &str| {
        format!(
            "call holdfast.checkout_begin(
                'main', '{}', 'c', 1, '', null, '{{A}}', '{{{quantity}}}')",
            new_id()
        )
    };
    for (sql, refusal) in [
        (begin("0"), "hold_quantity_is_positive"),
        (begin("-1"), "hold_quantity_is_positive"),
        (
            "select holdfast.sku_put('main', 'B', 'B', '{}', -1)".into(),
            "price_is_sane",
        ),
        (
            "select holdfast.sku_put('main', 'B', 'B', '{}', 100000000001)".into(),
            "price_is_sane",
        ),
        (
            "select holdfast.sku_put('main', 'a b', 'B', '{}', 1)".into(),
            "sku_code_is_plain",
        ),
        (
            "select holdfast.sku_put('main', 'B', 'B', '[]', 1)".into(),
            "sku_attributes_are_an_object",
        ),
        (
            "select holdfast.sku_put('main', '..', 'B', '{}', 1)".into(),
            "sku_code_is_plain",
        ),
        (
            "update holdfast.stock_levels set on_hand = 2000000001, version = version + 1".into(),
            "stock_on_hand_is_sane",
        ),
        (
            "select holdfast.shop_put('Main', 'Main', 'INR')".into(),
            "shop_code_is_short_and_plain",
        ),
        (
            "select holdfast.shop_put('x', 'X', 'inr')".into(),
            "currency_is_iso_4217",
        ),
        (
            "select holdfast.coupon_put('main', 'X', 'percent', 10001, 0, null, null, null)".into(),
            "coupon_value_is_sane",
        ),
        (
            "select holdfast.coupon_put('main', 'X', 'fixed', 0, 0, null, null, null)".into(),
            "coupon_value_is_sane",
        ),
        (
            "update holdfast.shops set hold_s_default = 0".into(),
            "hold_times_are_bounded",
        ),
    ] {
        assert_eq!(test.refused_by(&sql).await, refusal, "{sql}");
    }
    // more than the type can hold
    let session = test.session().await;
    let error = session
        .batch_execute(&begin("2147483648"))
        .await
        .unwrap_err();
    let code = error.code().unwrap();
    assert_eq!(
        code,
        &tokio_postgres::error::SqlState::NUMERIC_VALUE_OUT_OF_RANGE
    );
    assert_eq!(test.level("A").await, (5, 1, 2));
    test.assert_promises_hold().await;
}

/// The largest cart within the bounds is far from any overflow.
#[tokio::test]
async fn the_most_expensive_cart_has_a_total() {
    let test = TestDb::new().await;
    let skus: Vec<String> = (0..50).map(|n| format!("S{n}")).collect();
    for sku in &skus {
        test.sku(sku, 100_000).await;
    }
    test.sql("update holdfast.skus set price_minor = 100000000000")
        .await;
    let lines: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 100_000)).collect();
    let (_, order) = test.ordered(&lines).await;
    assert_eq!(order.total_minor, 50 * 100_000 * 100_000_000_000);
    assert_eq!(order.total_minor, Amount::MAX);
    test.assert_promises_hold().await;
}

/// What a storefront shows: many skus at once.
#[tokio::test]
async fn availability_shows_many_skus_at_once_and_names_the_unknown() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    test.sku("B", 1).await;
    test.sku("SHUT", 1).await;
    test.sql(
        "update holdfast.stock_levels set low_stock_threshold = 2, version = version + 1;
         update holdfast.skus set sale_closes_at = now() where sku = 'SHUT'",
    )
    .await;
    test.held(&[("A", 2)]).await;
    let wanted = ["SHUT", "X", "A", "B"].map(|sku| sku.parse().unwrap());
    let shown = availability(&test.db, &shop(MAIN), &wanted).await.unwrap();
    let rows: Vec<_> = shown
        .skus
        .iter()
        .map(|sku| (sku.sku.as_str(), sku.available, sku.low_stock, sku.on_sale))
        .collect();
    let expected = [
        ("A", 3, false, true),
        ("B", 1, true, true),
        ("SHUT", 1, true, false),
    ];
    assert_eq!(rows, expected);
    assert_eq!(shown.unknown, ["X".parse().unwrap()]);
    assert_eq!(shown.skus[0].price_minor, PRICE_MINOR);
    assert_eq!(shown.skus[0].currency, "INR");
}
