//! The sweep: bounded, safe in any number of copies, and never stopped by one bad row.

use std::time::Duration;

use holdfast_sweeper::sweep::{self, SweepReport};
use local::roles::SWEEPER;
use operations::checkout;
use operations::db::constraint;
use operations::ids::CheckoutId;
use operations::order;
use operations::payment::{EventKind, Outcome};
use tests::orders::read_order;
use tests::{
    MAIN, Routine, SHUT_GATE, TestDb, at_once, begin_request, event, new_id, order_request, shop,
    until,
};

/// So many checkouts of one unit of `sku` each.
async fn many_held(test: &TestDb, count: usize, sku: &'static str) -> Vec<CheckoutId> {
    at_once(count, |_| {
        let (db, id) = (test.db.clone(), new_id());
        async move {
            let request = begin_request(id, &[(sku, 1)]);
            checkout::begin(&db, &request).await.unwrap();
            id
        }
    })
    .await
}

fn expired(report: &SweepReport) -> i32 {
    report.shops.iter().map(|shop| shop.expired).sum()
}

async fn count_holds(test: &TestDb, status: &str) -> i64 {
    test.count(&format!(
        "select count(*) from holdfast.holds where status::text = '{status}'"
    ))
    .await
}

/// Promise 2: nothing leaks. Promise 3: a hold resolves once.
#[tokio::test]
async fn a_sweep_expires_due_checkouts_and_nothing_else() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let due = test.held(&[("A", 1)]).await;
    let (due_order, _) = test.ordered(&[("A", 2)]).await;
    let alive = test.held(&[("A", 3)]).await;
    test.make_due(due).await;
    test.make_due(due_order).await;
    let report = test.sweep().await;
    assert_eq!(expired(&report), 2);
    assert_eq!(report.violations, []);
    assert!(!report.out_of_time);
    assert_eq!(test.level("A").await.1, 3);
    assert_eq!(read_order(&test, due_order).await.status, "expired");
    let main = shop(MAIN);
    let still = checkout::read(&test.db, &main, alive, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(still.status, "open");
    let before = test.rows().await;
    assert_eq!(expired(&test.sweep().await), 0);
    assert_eq!(test.rows().await, before);
    test.assert_promises_hold().await;
}

/// A payment locks its checkout and waits for the stock; then a sweep finds the due order. Both go
/// on once the sweep has skipped the order, or waits too.
async fn swept_while_paying(test: &TestDb) -> (CheckoutId, Outcome, SweepReport) {
    test.sku("A", 9).await;
    test.held(&[("A", 5)]).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    test.make_due(id).await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    let blocker = test.block_level("A").await;
    let db = test.pool_of(SWEEPER, 1);
    let sweeping = async {
        test.until_waiting(1).await;
        let sweep =
            tokio::spawn(async move { sweep::run_once(&db, Duration::from_secs(20)).await });
        until("the sweep is over, or waits", async || {
            sweep.is_finished() || test.waiting().await == 2
        })
        .await;
        blocker.let_go().await;
        sweep.await.unwrap().unwrap()
    };
    let (outcome, report) = tokio::join!(test.record(&paid), sweeping);
    (id, outcome.unwrap(), report)
}

/// Scenario 4, the payment first: the sweep skips a locked checkout.
#[tokio::test]
async fn a_payment_with_the_lock_is_not_swept_away() {
    let test = TestDb::new().await;
    let (_, outcome, report) = swept_while_paying(&test).await;
    assert_eq!((outcome, expired(&report)), (Outcome::Completed, 0));
    assert_eq!(test.level("A").await, (8, 5, 4));
    test.assert_promises_hold().await;
}

/// Negative control of scenario 4: a sweep that does not skip, and releases the checkouts that it
/// has read as due. Triggers refuse to end a sold checkout. Without them, a unit that another order
/// holds is for sale again.
#[tokio::test]
async fn a_sweep_that_did_not_skip_locked_checkouts_would_give_back_sold_stock() {
    let guard = "hold_resolves_once";
    for guarded in [true, false] {
        let test = TestDb::new().await;
        for routine in ["sweep_expire", "checkout_end"] {
            let routine = Routine::named(routine).without_guard(guard);
            test.put_routine(routine).await;
        }
        if !guarded {
            test.sql(
                "alter table holdfast.checkouts disable trigger checkout_paid_is_final;
                 alter table holdfast.holds disable trigger hold_resolves_once",
            )
            .await;
        }
        let (id, outcome, report) = swept_while_paying(&test).await;
        assert_eq!(outcome, Outcome::Completed);
        if guarded {
            assert_eq!(report.shops[0].failed, [*id.as_uuid()]);
            assert_eq!((test.level("A").await.0, test.level("A").await.1), (8, 5));
            test.assert_promises_hold().await;
        } else {
            assert_eq!(expired(&report), 1);
            assert_eq!((test.level("A").await.0, test.level("A").await.1), (8, 4));
            assert_eq!(test.broken_promises().await, ["held_equals_active_holds"]);
        }
    }
}

/// Scenario 4, the sweep first: the payment waits for it and is then late, as in scenario 1.
#[tokio::test]
async fn a_payment_behind_the_sweep_is_late() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    test.make_due(id).await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    let blocker = test.block_level("A").await;
    let paying = async {
        test.until_waiting(1).await; // the sweep has the checkout, and waits for the stock
        tokio::join!(test.record(&paid), async {
            test.until_waiting(2).await; // the payment waits for the sweep
            blocker.let_go().await;
        })
        .0
    };
    let (report, outcome) = tokio::join!(test.sweep(), paying);
    assert_eq!(expired(&report), 1);
    assert_eq!(outcome.unwrap(), Outcome::CompletedLate);
    assert_eq!(test.level("A").await, (0, 0, 5));
    assert_eq!(count_holds(&test, "expired").await, 1);
    assert_eq!(count_holds(&test, "consumed").await, 1);
    test.assert_promises_hold().await;
}

/// An order in time is not swept away; a late order takes the stock again.
#[tokio::test]
async fn a_sweep_and_an_order_never_both_get_the_checkout() {
    let test = TestDb::new().await;
    test.sku("A", 2).await;
    test.sql("select holdfast.coupon_put('main', 'TEN', 'percent', 1000, 0, null, null, null)")
        .await;
    let with_coupon = |id| order::Create {
        coupon: Some("TEN".parse().unwrap()),
        ..order_request(id)
    };
    // The order first: it locks the checkout, and waits for the coupon.
    let first = test.held(&[("A", 1)]).await;
    test.make_due(first).await;
    let request = with_coupon(first);
    let blocker = test
        .block("select from holdfast.coupons where shop = 'main' for update")
        .await;
    let swept = async {
        test.until_waiting(1).await;
        let report = test.sweep().await;
        blocker.let_go().await;
        report
    };
    let (created, report) = tokio::join!(order::create(&test.db, &request), swept);
    assert!(created.is_ok(), "{created:?}");
    assert_eq!(expired(&report), 0);
    assert_eq!(expired(&test.sweep().await), 0);

    // The sweep first: it locks the checkout, and waits for the stock.
    let second = test.held(&[("A", 1)]).await;
    test.make_due(second).await;
    let blocker = test.block_level("A").await;
    let request = with_coupon(second);
    let ordering = async {
        test.until_waiting(1).await;
        tokio::join!(order::create(&test.db, &request), async {
            test.until_waiting(2).await;
            blocker.let_go().await;
        })
        .0
    };
    let (report, created) = tokio::join!(test.sweep(), ordering);
    assert_eq!(expired(&report), 1);
    assert!(created.is_ok(), "{created:?}");
    assert_eq!(test.level("A").await.1, 2);
    assert_eq!(count_holds(&test, "expired").await, 1);
    assert_eq!(read_order(&test, second).await.status, "awaiting_payment");
    test.assert_promises_hold().await;
}

/// Scenario 5. Promise 3: a hold resolves once, however many sweepers run.
#[tokio::test]
async fn ten_sweepers_at_once_resolve_each_hold_once() {
    let test = TestDb::new().await;
    for sku in ["A", "B", "C"] {
        test.sku(sku, 200).await;
        many_held(&test, 150, sku).await;
    }
    test.make_all_due_but(new_id()).await;
    let pools: Vec<_> = (0..10).map(|_| test.pool_of(SWEEPER, 1)).collect();
    let reports = at_once(10, |n| {
        let db = pools[n].clone();
        async move { sweep::run_once(&db, Duration::from_secs(20)).await.unwrap() }
    })
    .await;
    assert_eq!(reports.iter().map(expired).sum::<i32>(), 450);
    assert!(reports.iter().all(|report| report.violations.is_empty()));
    for sku in ["A", "B", "C"] {
        assert_eq!(test.level(sku).await.1, 0);
    }
    assert_eq!(count_holds(&test, "expired").await, 450);
    test.assert_promises_hold().await;
}

/// Negative control of scenario 5, on the real tables. Behind the routine's lock stands a trigger,
/// and behind that the check of the promises.
#[tokio::test]
async fn sweeps_without_locks_are_refused_or_give_back_stock_that_others_hold() {
    let test = TestDb::new().await;
    test.naive().await;
    test.sku("A", 99).await;
    for guarded in [true, false] {
        let shoppers = test.level("A").await.1;
        many_held(&test, 20, "A").await;
        let due = test.held(&[("A", 1)]).await;
        test.make_due(due).await;
        if !guarded {
            test.sql("alter table holdfast.holds disable trigger hold_resolves_once")
                .await;
        }
        let mut refused = 0;
        for outcome in test.all_read_then_all_try(10, "call naive.sweep()").await {
            if let Err(error) = outcome {
                let by = error.as_db_error().and_then(constraint);
                assert_eq!(by, Some("hold_resolves_once"));
                refused += 1;
            }
        }
        let held = test.level("A").await.1 - shoppers;
        if guarded {
            assert_eq!((refused, held), (9, 20));
            test.assert_promises_hold().await;
        } else {
            // nine units that others hold are for sale a second time
            assert_eq!((refused, held), (0, 11));
            assert_eq!(test.broken_promises().await, ["held_equals_active_holds"]);
        }
    }
}

/// Negative control of scenario 5: a sweep that dies half way must not have committed one half. No
/// later sweep finds the unit, and the check reports it.
#[tokio::test]
async fn a_sweep_in_two_transactions_that_dies_between_them_would_lose_its_units() {
    let test = TestDb::new().await;
    test.naive().await;
    test.sku("A", 9).await;
    let id = test.held(&[("A", 2)]).await;
    test.make_due(id).await;
    let gate = test.block(SHUT_GATE).await;
    let sweeper = test.session().await;
    let killed = async {
        test.until_waiting(1).await;
        test.sql(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'",
        )
        .await;
    };
    let (swept, ()) = tokio::join!(
        sweeper.batch_execute("call naive.sweep_in_pieces()"),
        killed
    );
    assert!(swept.is_err());
    gate.let_go().await;
    assert_eq!(expired(&test.sweep().await), 0);
    assert_eq!(test.level("A").await.1, 2);
    assert_eq!(test.broken_promises().await, ["held_equals_active_holds"]);
}

/// Promise 5: a parked event whose message has had all its tries is applied once its order exists.
/// An event that can't be applied is reported, and stops no other.
#[tokio::test]
async fn a_sweep_applies_a_parked_event_once_its_order_exists() {
    let test = TestDb::new().await;
    let mut ids = Vec::new();
    for (n, sku) in ["BAD", "A", "B"].into_iter().enumerate() {
        test.sku(sku, 1).await;
        let (id, order) = test.ordered(&[(sku, 1)]).await;
        // As if the order were not there yet.
        test.corrupt(&format!(
            "update holdfast.payments set reference = 'main-later{n}'
             where reference = '{}'",
            order.payment.reference
        ))
        .await;
        for kind in [EventKind::Failed, EventKind::Paid] {
            let event = event(&order, kind, &format!("pay-{n}"));
            assert_eq!(test.record(&event).await.unwrap(), Outcome::Parked);
        }
        ids.push((id, n, order));
    }
    let before = test.rows().await;
    let report = test.sweep().await;
    assert_eq!((report.shops[0].unparked, report.violations.len()), (0, 0));
    assert_eq!(test.rows().await, before);

    for (_, n, order) in &ids[..2] {
        test.corrupt(&format!(
            "update holdfast.payments set reference = '{}' where reference = 'main-later{n}'",
            order.payment.reference
        ))
        .await;
    }
    test.corrupt("update holdfast.stock_levels set held = 0 where sku = 'BAD'")
        .await;
    // Three of the four: the money for BAD would break its counter.
    let report = test.sweep().await;
    assert_eq!(report.shops[0].unparked, 3);
    assert!(report.shops[0].failure.is_some());
    assert_eq!(read_order(&test, ids[1].0).await.status, "paid");
    assert_eq!(read_order(&test, ids[0].0).await.payment.status, "failed");
    test.corrupt("update holdfast.stock_levels set held = 1 where sku = 'BAD'")
        .await;
    let report = test.sweep().await;
    assert_eq!(
        (report.shops[0].unparked, &report.shops[0].failure),
        (1, &None)
    );
    assert_eq!(read_order(&test, ids[0].0).await.status, "paid");
    assert_eq!(read_order(&test, ids[2].0).await.status, "awaiting_payment");
    test.assert_promises_hold().await;
}

/// A sweep at its time limit gives up a waiting call, so that it can still answer. A shop reports
/// its first failure, not the failures that follow from it.
#[tokio::test]
async fn a_sweep_ends_in_time_and_reports_the_first_failure() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let due = test.held(&[("A", 1)]).await;
    test.make_due(due).await;
    let patient = test
        .pool_of(SWEEPER, 1)
        .with_call_timeout(Duration::from_secs(20));
    let blocker = test.block_level("A").await;
    let report = sweep::run_once(&patient, Duration::from_secs(2)).await;
    let report = report.unwrap();
    assert!(
        report.out_of_time && report.shops[0].failure.is_some(),
        "{report:?}"
    );
    blocker.let_go().await;

    test.sql(
        "revoke execute on function holdfast.sweep_expire from holdfast_sweeper;
        revoke execute on function holdfast.hold_purge from holdfast_sweeper",
    )
    .await;
    let report = test.sweep().await;
    let failure = report.shops[0].failure.as_deref().unwrap();
    assert!(failure.contains("sweep_expire"), "{failure}");
}

/// One more than fits into a batch.
#[tokio::test]
async fn a_sweep_continues_after_a_full_batch() {
    let test = TestDb::new().await;
    let batch = usize::try_from(operations::sweep::BATCH_MAX).unwrap();
    test.sku("A", 1_000).await;
    many_held(&test, batch + 1, "A").await;
    test.make_all_due_but(new_id()).await;
    let one = format!(
        "select o_expired::bigint from holdfast.sweep_expire('main', {}, '{{}}')",
        operations::sweep::BATCH_MAX
    );
    assert_eq!(
        test.count(&one).await,
        i64::from(operations::sweep::BATCH_MAX)
    );
    assert_eq!(test.level("A").await.1, 1);
    many_held(&test, batch, "A").await;
    test.make_all_due_but(new_id()).await;
    assert_eq!(
        expired(&test.sweep().await),
        operations::sweep::BATCH_MAX + 1
    );
    assert_eq!(test.level("A").await.1, 0);
    test.assert_promises_hold().await;
}

/// A row that breaks a constraint is reported, again and again, and stops nothing else.
#[tokio::test]
async fn one_bad_row_never_stops_a_sweep() {
    let test = TestDb::new().await;
    for (sku, units) in [("A", 99), ("BAD", 9), ("C", 99)] {
        test.sku(sku, units).await;
    }
    many_held(&test, 10, "A").await;
    let bad = test.held(&[("A", 1), ("BAD", 2)]).await;
    many_held(&test, 10, "C").await;
    test.corrupt("update holdfast.stock_levels set held = 1 where sku = 'BAD'")
        .await;
    test.make_all_due_but(new_id()).await;
    for others in [20, 0] {
        let report = test.sweep().await;
        assert_eq!(report.shops[0].failed, [*bad.as_uuid()]);
        assert_eq!(expired(&report), others);
        let promises: Vec<_> = report
            .violations
            .iter()
            .map(|v| v.promise.as_str())
            .collect();
        assert_eq!(promises, ["held_equals_active_holds"]);
    }
    // It keeps all its units, also the line that could have been given back.
    assert_eq!(test.level("A").await.1, 1);
    assert_eq!(test.level("C").await.1, 0);
}

/// One bad checkout among two hundred, at any place, is found by halving: each failing try is
/// rolled back completely.
#[tokio::test]
async fn a_bad_row_is_found_in_a_few_tries() {
    let test = TestDb::new().await;
    test.sku("A", 999).await;
    test.sku("BAD", 9).await;
    // counts tries that are rolled back too
    test.sql(
        "create sequence holdfast.tries; alter sequence holdfast.tries owner to holdfast_owner",
    )
    .await;
    test.change_routine(
        "checkout_give_back",
        &[("\nbegin\n", "\nbegin perform nextval('tries');\n")],
    )
    .await;
    for before in [0, 199] {
        let others = usize::try_from(operations::sweep::BATCH_MAX).unwrap() - 1;
        many_held(&test, before, "A").await;
        let bad = test.held(&[("BAD", 2)]).await;
        many_held(&test, others - before, "A").await;
        test.corrupt("update holdfast.stock_levels set held = 1 where sku = 'BAD'")
            .await;
        test.make_all_due_but(new_id()).await;
        test.sql("select setval('holdfast.tries', 1)").await;
        let report = test.sweep().await;
        assert_eq!(report.shops[0].failed, [*bad.as_uuid()]);
        assert_eq!(expired(&report), operations::sweep::BATCH_MAX - 1);
        let tries = test.count("select last_value from holdfast.tries").await;
        assert!(tries < 60, "{tries}");
        // repaired, and out of the way
        test.corrupt("update holdfast.stock_levels set held = 2 where sku = 'BAD'")
            .await;
        test.sweep().await;
    }
    test.assert_promises_hold().await;
}

/// A checkout that is locked is left for the next sweep.
#[tokio::test]
async fn a_sweep_never_waits_for_a_locked_checkout() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let mine = test.held(&[("A", 1)]).await;
    test.held(&[("A", 1)]).await;
    test.make_all_due_but(new_id()).await;
    let blocker = test
        .block(&format!(
            "select from holdfast.checkouts
            where shop = 'main' and checkout_id = '{mine}' for update"
        ))
        .await;
    assert_eq!(expired(&test.sweep().await), 1);
    blocker.let_go().await;
    assert_eq!(expired(&test.sweep().await), 1);
    test.assert_promises_hold().await;
}

/// The journal is kept for 30 days; orders, the ledger and payment events for ever.
#[tokio::test]
async fn a_late_payment_finds_its_order_after_the_journal_is_purged() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (late, order) = test.ordered(&[("A", 1)]).await;
    let old = test.held(&[("A", 1)]).await;
    test.make_due(late).await;
    test.make_due(old).await;
    test.sweep().await;
    let resolved_ago = |days: i32| {
        format!(
            "update holdfast.holds set resolved_at = now() - interval '{days} days'
                where resolved_at is not null;
            update holdfast.checkouts set ended_at = now() - interval '{days} days'
                where ended_at is not null"
        )
    };
    test.corrupt(&resolved_ago(29)).await;
    let young = test.sweep().await;
    assert_eq!(young.shops[0].purged, 0);
    test.corrupt(&resolved_ago(31)).await;
    let active = test.held(&[("A", 1)]).await;
    // An active hold stays, whatever its age.
    test.sql(
        "update holdfast.holds set created_at = now() - interval '99 days'
         where resolved_at is null",
    )
    .await;
    let report = test.sweep().await;
    assert_eq!(report.shops[0].purged, 2);
    assert_eq!(test.count("select count(*) from holdfast.holds").await, 1);
    // The checkout without an order goes too; the one with an order stays.
    let left = "select count(*) from holdfast.checkouts where checkout_id = ";
    for (id, rows) in [(old, 0), (late, 1), (active, 1)] {
        assert_eq!(test.count(&format!("{left}'{id}'")).await, rows);
    }
    test.assert_promises_hold().await;

    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::CompletedLate);
    assert_eq!(read_order(&test, late).await.status, "paid");
    test.assert_promises_hold().await;
}

/// A purge of today's journal is refused.
#[tokio::test]
async fn the_journal_of_the_last_day_is_never_purged() {
    let test = TestDb::new().await;
    let purge = "select holdfast.hold_purge('main', interval '23 hours', 1)";
    assert!(test.owner.batch_execute(purge).await.is_err());
    test.sku("A", 1).await;
    test.held(&[("A", 1)]).await;
    let delete = "delete from holdfast.holds";
    assert_eq!(
        test.refused_by(delete).await,
        "hold_is_resolved_before_it_goes"
    );
}
