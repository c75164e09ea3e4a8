//! Shrinkage: units are missing, some of them held. Which holds end, which customers are told, and
//! what never happens.

use operations::db::Failure;
use operations::order::{self, Create};
use operations::stock::{Level, Shrink, ShrinkError, shrink};
use serde_json::{Value, json};
use tests::coupons::{TEN_PERCENT, coupon};
use tests::shrinkage::{
    assert_all_is_well, broken, counters, expecting, ids, missing, office, shrunk, status,
};
use tests::{MAIN, TestDb, order_request, shop};

fn dry(units: i64) -> Shrink {
    Shrink {
        dry_run: true,
        ..missing(units)
    }
}

fn level(on_hand: i32, held: i32, version: i64) -> Level {
    Level {
        sku: "A".to_owned(),
        on_hand,
        held,
        available: on_hand - held,
        version,
    }
}

const MESSAGES: &str =
    "select count(*) from holdfast.outbox_messages where topic = 'checkout.broken'";

#[tokio::test]
async fn the_newest_holds_go_first_and_just_enough_of_them() {
    let test = TestDb::new().await;
    test.sku("A", 10).await;
    let mut held = Vec::new();
    for units in [2, 3, 1, 3] {
        held.push(test.held(&[("A", units)]).await);
    }
    // one unit is free: no hold ends
    let none = shrunk(&test, &missing(1)).await.unwrap();
    assert_eq!((counters(&none), broken(&none)), ((9, 9), vec![]));

    // one unit too many is held: the newest hold ends whole, and its other units are free again
    let one = shrunk(&test, &missing(1)).await.unwrap();
    assert_eq!((counters(&one), broken(&one)), ((8, 6), ids(&held[3..])));
    let none = shrunk(&test, &missing(2)).await.unwrap();
    assert_eq!((counters(&none), broken(&none)), ((6, 6), vec![]));

    // two units too many: one unit of the newest hold is not enough
    let two = shrunk(&test, &missing(2)).await.unwrap();
    assert_eq!(counters(&two), (4, 2));
    assert_eq!(broken(&two), ids(&[held[2], held[1]]));
    assert_eq!(status(&test, held[0]).await, "open");
    assert_eq!(status(&test, held[1]).await, "released");

    // all units are missing
    let all = shrunk(&test, &missing(4)).await.unwrap();
    assert_eq!((counters(&all), broken(&all)), ((0, 0), ids(&held[..1])));
    assert_all_is_well(&test, &ids(&held)).await;
    let ledger = "select json_agg(json_build_array(delta, on_hand_after, actor, reference, note)
        order by version) from holdfast.stock_movements where reason = 'missing'";
    let note = "count of Monday";
    assert_eq!(
        test.json(ledger).await,
        json!([
            [-1, 9, "clerk", "CLAIM-7", note],
            [-1, 8, "clerk", "CLAIM-7", note],
            [-2, 6, "clerk", "CLAIM-7", note],
            [-2, 4, "clerk", "CLAIM-7", note],
            [-4, 0, "clerk", "CLAIM-7", note]
        ])
    );
}

/// Two holds of the same time: the choice is the same every time.
#[tokio::test]
async fn of_two_holds_of_the_same_time_the_greater_id_goes_first() {
    let test = TestDb::new().await;
    test.sku("A", 3).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(*test.held(&[("A", 1)]).await.as_uuid());
    }
    test.sql("update holdfast.holds set created_at = now()")
        .await;
    held.sort();
    held.reverse();
    let first = shrunk(&test, &missing(1)).await.unwrap();
    assert_eq!(broken(&first), held[..1]);
    let others = shrunk(&test, &missing(2)).await.unwrap();
    assert_eq!(broken(&others), held[1..]);
    assert_all_is_well(&test, &held).await;
}

/// A cart ends as a whole, and the shop can tell its customer.
#[tokio::test]
async fn a_broken_cart_gives_everything_back_and_is_announced() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    test.sku("B", 5).await;
    coupon(&test, "TEN", TEN_PERCENT).await;
    let id = test.held(&[("A", 2), ("B", 3)]).await;
    let request = Create {
        coupon: Some("TEN".parse().unwrap()),
        ..order_request(id)
    };
    order::create(&test.db, &request).await.unwrap();
    let order = order::read(&test.db, &shop(MAIN), id, None)
        .await
        .unwrap()
        .unwrap();

    let done = shrunk(&test, &missing(4)).await.unwrap();
    assert_eq!(counters(&done), (1, 0));
    assert_eq!(done.broken[0].order_id, Some(order.order_id));
    assert_eq!(
        (done.broken[0].customer.as_str(), done.broken[0].quantity),
        ("c", 2)
    );
    assert_eq!(test.level("B").await, (5, 0, 3));
    let uses = "select uses_held + uses_consumed from holdfast.coupons";
    let uses = format!("select ({uses})::bigint");
    assert_eq!(test.count(&uses).await, 0);
    let order_now = order::read(&test.db, &shop(MAIN), id, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(order_now.status, "cancelled");

    let message = "select json_build_array(subject, body) from holdfast.outbox_messages
        where topic = 'checkout.broken'";
    let message: Value = test.json(message).await;
    assert_eq!(
        message,
        json!([format!("{id}:1"), {
            "checkout_id": id, "customer": "c", "order_id": order.order_id,
            "reference": order.payment.reference, "sku": "A", "quantity": 2,
            "reason": "missing", "note": "count of Monday"
        }])
    );
    assert_all_is_well(&test, &ids(&[id])).await;
}

/// A due hold belongs to nobody: it ends first, as expired, and is not announced.
#[tokio::test]
async fn due_holds_go_before_all_others() {
    let test = TestDb::new().await;
    test.sku("A", 4).await;
    let due = test.held(&[("A", 2)]).await;
    let old = test.held(&[("A", 1)]).await;
    let new = test.held(&[("A", 1)]).await;
    test.make_due(due).await;
    // The shrinkage expires due holds itself: that does not make its version stale.
    let (.., version) = test.level("A").await;
    let done = shrunk(&test, &expecting(2, version)).await.unwrap();
    assert_eq!((counters(&done), broken(&done)), ((2, 2), vec![]));
    assert_eq!(done.level.version, version + 2);
    for (id, expected) in [(due, "expired"), (old, "open"), (new, "open")] {
        assert_eq!(status(&test, id).await, expected);
    }
    assert_all_is_well(&test, &[]).await;

    // More due holds than one reclaim takes.
    let test = TestDb::new().await;
    test.sku("A", 120).await;
    for _ in 0..110 {
        test.held(&[("A", 1)]).await;
    }
    let spared = test.held(&[("A", 1)]).await;
    test.make_all_due_but(spared).await;
    let (.., version) = test.level("A").await;
    let dry_run = Shrink {
        dry_run: true,
        ..expecting(119, version)
    };
    let would = shrunk(&test, &dry_run).await.unwrap();
    let done = shrunk(&test, &expecting(119, version)).await.unwrap();
    assert_eq!((counters(&done), broken(&done)), ((1, 1), vec![]));
    assert_eq!(
        (counters(&done), broken(&done)),
        (counters(&would), broken(&would))
    );
    assert_all_is_well(&test, &[]).await;
}

/// Another write in between does make it stale: the given version stays the one to compare.
#[tokio::test]
async fn an_edit_between_expiry_and_shrinkage_makes_it_stale() {
    let test = TestDb::new().await;
    test.sku("A", 4).await;
    let due = test.held(&[("A", 2)]).await;
    test.make_due(due).await;
    let reclaim = "select o_reclaimed::bigint * 100 + o_expected_version
        from holdfast.stock_shrink_reclaim('main', 'A', $1)";
    // the stock level is at version 2: a clerk who saw version 1 has missed the hold
    let row = test.owner.query_one(reclaim, &[&1_i64]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 101);
    let again = test.owner.query_one(reclaim, &[&3_i64]).await.unwrap();
    assert_eq!(again.get::<_, Option<i64>>(0), None);
    let stale = shrunk(&test, &expecting(1, 1)).await;
    let Err(ShrinkError::Stale(now)) = stale else {
        panic!("{stale:?}")
    };
    assert_eq!(now.level, level(4, 0, 3));
    assert_eq!(now.last_movement.unwrap().reason, "received");
    assert_all_is_well(&test, &[]).await;
}

#[tokio::test]
async fn a_dry_run_reports_what_the_shrinkage_does_and_changes_nothing() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sku("B", 9).await;
    let due = test.held(&[("A", 2)]).await;
    test.held(&[("A", 3)]).await;
    let (ordered, _) = test.ordered(&[("A", 1), ("B", 2)]).await;
    let newest = test.held(&[("A", 2)]).await;
    test.make_due(due).await;
    let before = test.rows().await;

    let would = shrunk(&test, &dry(5)).await.unwrap();
    assert_eq!(test.rows().await, before);
    assert_eq!(counters(&would), (4, 4));
    assert_eq!(broken(&would), ids(&[newest]));
    assert!(would.dry_run);
    let more = shrunk(&test, &dry(6)).await.unwrap();
    assert_eq!(broken(&more), ids(&[newest, ordered]));
    assert_eq!(test.rows().await, before);

    let done = shrunk(&test, &expecting(5, would.level.version))
        .await
        .unwrap();
    assert_eq!(counters(&done), counters(&would));
    assert_eq!(done.broken, would.broken);
    assert!(!done.dry_run);
    assert_all_is_well(&test, &ids(&[newest])).await;
}

#[tokio::test]
async fn a_refused_shrinkage_shows_the_counters_and_changes_nothing() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    test.held(&[("A", 3)]).await;
    let clerk = "clerk".parse().unwrap();
    let before = test.rows().await;
    for dry_run in [false, true] {
        let refused = |request| Shrink { dry_run, ..request };
        for (shop, sku) in [(shop(MAIN), "X"), (shop("other"), "A")] {
            let (office, request) = (office(&test), refused(missing(1)));
            let unknown = shrink(&office, &shop, &sku.parse().unwrap(), &clerk, &request).await;
            assert!(
                matches!(unknown, Err(ShrinkError::UnknownSku)),
                "{unknown:?}"
            );
        }
        // the hold counts as a change: version 1 is no longer current
        let now = level(5, 3, 2);
        match shrunk(&test, &refused(expecting(9, 1))).await {
            Err(ShrinkError::Stale(stale)) => assert_eq!(stale.level, now),
            other => panic!("{other:?}"),
        }
        match shrunk(&test, &refused(expecting(6, 2))).await {
            Err(ShrinkError::MoreThanOnHand(level)) => assert_eq!(level, now),
            other => panic!("{other:?}"),
        }
    }
    let session = test.session().await;
    for units in ["0", "-1", "null"] {
        let call = format!(
            "call holdfast.stock_shrink('main', 'A', {units}, null, 'me', null, null, null, false)"
        );
        let error = session.batch_execute(&call).await.unwrap_err();
        let message = error.as_db_error().unwrap().message();
        assert!(message.contains("p_missing must be 1 or more"), "{message}");
    }
    let without_actor = "call holdfast.stock_shrink(
        'main', 'A', 1, null, '', null, null, gen_random_uuid(), false)";
    assert_eq!(
        test.refused_by(without_actor).await,
        "movement_names_an_actor"
    );
    assert_eq!(test.rows().await, before);
    assert_all_is_well(&test, &[]).await;
}

/// One transaction, and one answer, would be too large.
#[tokio::test]
async fn a_shrinkage_of_more_than_ten_thousand_holds_is_refused_and_smaller_steps_are_not() {
    let test = TestDb::new().await;
    test.sku("A", 10_001).await;
    test.sql(
        "with c as (
            insert into holdfast.checkouts (shop, checkout_id, customer, revision, request_hash,
                expires_at, created_at)
            select 'main', gen_random_uuid(), 'c', 1, '\\x01', now() + interval '1 hour', now()
            from generate_series(1, 10001)
            returning *)
        insert into holdfast.holds (shop, checkout_id, generation, sku, quantity, price_minor,
            expires_at, created_at)
        select shop, checkout_id, 1, 'A', 1, 1, expires_at, created_at from c;
        update holdfast.stock_levels set held = 10001, version = version + 1",
    )
    .await;
    for request in [missing(10_001), dry(10_001)] {
        let refused = shrunk(&test, &request).await;
        assert!(
            matches!(refused, Err(ShrinkError::TooManyHolds)),
            "{refused:?}"
        );
    }
    let done = shrunk(&test, &missing(100)).await.unwrap();
    assert_eq!((counters(&done), done.broken.len()), ((9_901, 9_901), 100));
}

/// A due hold that can't be expired still counts as held, but no other hold ends because of its
/// row.
#[tokio::test]
async fn a_due_hold_that_cant_be_expired_stops_only_shrinkages_of_its_units() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sku("BAD", 9).await;
    let bad = test.held(&[("A", 2), ("BAD", 2)]).await;
    let good = test.held(&[("A", 3)]).await;
    test.corrupt("update holdfast.stock_levels set held = 1 where sku = 'BAD'")
        .await;
    test.make_due(bad).await;
    let room = shrunk(&test, &missing(2)).await.unwrap();
    assert_eq!((counters(&room), broken(&room)), ((7, 5), vec![]));
    let other = shrunk(&test, &missing(4)).await.unwrap();
    assert_eq!((counters(&other), broken(&other)), ((3, 2), ids(&[good])));
    let Err(ShrinkError::Failure(Failure::Internal(cause))) = shrunk(&test, &missing(2)).await
    else {
        panic!("there is no room for it")
    };
    let text = operations::cause::causes(cause.as_ref());
    assert!(text.contains("due and can't be expired"), "{text}");
    assert_eq!(test.level("A").await.0, 3);
    assert_eq!(test.count(MESSAGES).await, 1);
    assert_eq!(test.broken_promises().await, ["held_equals_active_holds"]);
}

/// Promise 7: a retry after a lost answer takes the units out once.
#[tokio::test]
async fn the_same_shrinkage_again_gets_the_same_answer_and_has_one_effect() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let held = test.held(&[("A", 4)]).await;
    let request = expecting(2, 2);
    let done = shrunk(&test, &request).await.unwrap();
    assert_eq!(broken(&done), ids(&[held]));
    test.sku("B", 1).await;
    // the counters are the current ones, the rest is the first answer
    test.held(&[("A", 2)]).await;
    let before = test.rows().await;
    let again = shrunk(&test, &request).await.unwrap();
    assert_eq!(again.level, level(3, 2, 4));
    assert_eq!(
        (&again.movement, &again.broken),
        (&done.movement, &done.broken)
    );
    // a newer version, read before the retry, is no other request
    let renewed = Shrink {
        expected_version: Some(4.try_into().unwrap()),
        ..request.clone()
    };
    assert_eq!(shrunk(&test, &renewed).await.unwrap(), again);
    for other in [
        Shrink {
            missing: 1.try_into().unwrap(),
            ..request.clone()
        },
        Shrink {
            note: "another note".parse().unwrap(),
            ..request.clone()
        },
        Shrink {
            reference: None,
            ..request.clone()
        },
    ] {
        let conflict = shrunk(&test, &other).await;
        assert!(
            matches!(conflict, Err(ShrinkError::MovementConflict)),
            "{conflict:?}"
        );
    }
    for (sku, actor) in [("B", "clerk"), ("A", "somebody else")] {
        let (sku, actor) = (sku.parse().unwrap(), actor.parse().unwrap());
        let conflict = shrink(&office(&test), &shop(MAIN), &sku, &actor, &request).await;
        assert!(
            matches!(conflict, Err(ShrinkError::MovementConflict)),
            "{conflict:?}"
        );
    }
    assert_eq!(test.rows().await, before);
    let history = "update holdfast.shrinkages set broken = '[]'";
    assert_eq!(test.refused_by(history).await, "shrinkage_is_history");
    assert_all_is_well(&test, &ids(&[held])).await;
}

/// Units that leave a hold and the shelf together were never available.
#[tokio::test]
async fn units_that_leave_with_their_hold_are_not_announced_as_back_in_stock() {
    let test = TestDb::new().await;
    test.sku("A", 6).await;
    for units in [2, 1, 3] {
        test.held(&[("A", units)]).await;
    }
    let crossings = "select count(*) from holdfast.outbox_messages
        where topic in ('stock.back', 'stock.low')";
    let before = test.count(crossings).await;
    // the hold of three ends whole: sold out as before
    let done = shrunk(&test, &missing(3)).await.unwrap();
    assert_eq!(counters(&done), (3, 3));
    assert_eq!(test.count(crossings).await, before);
    // the hold of one ends, and the hold of two for one unit: one unit is free now
    let done = shrunk(&test, &missing(2)).await.unwrap();
    assert_eq!(counters(&done), (1, 0));
    assert_eq!(test.count(crossings).await, before + 1);
    assert_eq!(test.count(MESSAGES).await, 3);
    test.assert_promises_hold().await;
}
