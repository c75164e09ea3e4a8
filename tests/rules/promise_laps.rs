//! The check of the promises within the sweeps: it looks at what has changed, and in turn at
//! everything. It misses no row, and forgets no broken promise.

use operations::promises::{self, Lap, Swept};

use tests::{Blocker, MAIN, Routine, TestDb, at_once, event};

/// A shop with one sku, and a lap that has ended.
async fn checked() -> TestDb {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    assert_eq!(test.sweep().await.violations, []);
    test
}

/// One lap through the changes: the broken promises by name.
async fn changed_lap(test: &TestDb) -> Vec<String> {
    let mut broken = Vec::new();
    loop {
        let step = promises::sweep(&test.sweeper, MAIN, Lap::Changed, 100).await;
        let Swept { violations, more } = step.unwrap();
        broken.extend(violations.into_iter().map(|it| it.promise));
        if !more {
            return broken;
        }
    }
}

/// One sweep: the broken promises by name.
async fn swept(test: &TestDb) -> Vec<String> {
    let report = test.sweep().await;
    assert_eq!(report.failure, None);
    assert_eq!(report.shops[0].failure, None);
    report.violations.into_iter().map(|it| it.promise).collect()
}

/// The alarm must not end because the laps moved on.
#[tokio::test]
async fn a_broken_promise_is_reported_once_by_every_sweep_until_it_is_mended() {
    let test = checked().await;
    test.corrupt("update holdfast.stock_levels set held = 1")
        .await;
    for _ in 0..3 {
        assert_eq!(swept(&test).await, ["held_equals_active_holds"]);
    }
    test.corrupt("update holdfast.stock_levels set held = 0")
        .await;
    assert_eq!(swept(&test).await, [""; 0]);
    assert_eq!(
        test.count("select count(*) from holdfast.promise_breaches")
            .await,
        0
    );
}

/// A sale, an hour ago by its stamp, of a transaction that is still open. Nobody paid for it. The
/// last lap began half an hour ago, when the transaction was under way.
async fn missed_by_a_lap(test: &TestDb) -> Vec<String> {
    let late = test
        .block(
            "set local session_replication_role = replica;
             update holdfast.stock_levels set on_hand = 8 where sku = 'A';
             insert into holdfast.stock_movements
                (shop, sku, version, delta, on_hand_after, reason, actor, created_at)
             values ('main', 'A', 2, -1, 8, 'sold', 'c', now() - interval '1 hour')",
        )
        .await;
    test.sql(
        "update holdfast.promise_laps
         set read_from = now() - interval '2 hours', settles_at = now() - interval '30 minutes',
            settles_with = pg_current_xact_id()
         where lap = 'changed'",
    )
    .await;
    assert_eq!(changed_lap(test).await, [""; 0]);
    late.commit().await;
    changed_lap(test).await
}

/// A lap reads again from the time for which no row can appear any more.
#[tokio::test]
async fn a_row_that_is_committed_after_a_lap_is_met_by_the_next_one() {
    let test = checked().await;
    assert_eq!(
        missed_by_a_lap(&test).await,
        ["a_payment_changes_stock_once"]
    );
    // Once all transactions of a time have ended, the laps do not read it again.
    test.sql("update holdfast.promise_laps set settles_at = now(), settles_with = '3'")
        .await;
    changed_lap(&test).await;
    let recent = "select count(*) from holdfast.promise_laps
        where lap = 'changed' and read_from between now() - interval '5 minutes' and now()";
    assert_eq!(test.count(recent).await, 1);
}

/// Negative control: a lap that relies on the clock alone never sees the row.
#[tokio::test]
async fn without_the_guard_a_late_commit_would_be_missed() {
    let test = checked().await;
    let guard = "a_late_commit_is_checked";
    let routine = Routine::named("promises_begin_lap").with_guard_replaced(guard, "or true");
    test.put_routine(routine).await;
    assert_eq!(missed_by_a_lap(&test).await, [""; 0]);
    assert_eq!(
        test.broken_promises().await,
        ["a_payment_changes_stock_once"]
    );
}

/// A routine stamps a row, may wait for a lock, and then writes: the stamp is older than the
/// transaction's number. A lap reads half a minute more, which is longer than a routine may run.
#[tokio::test]
async fn a_row_that_was_stamped_before_the_last_lap_and_written_after_it_is_met() {
    let test = checked().await;
    assert_eq!(changed_lap(&test).await, [""; 0]);
    test.corrupt(
        "update holdfast.stock_levels set on_hand = 8 where sku = 'A';
         insert into holdfast.stock_movements
            (shop, sku, version, delta, on_hand_after, reason, actor, created_at)
         select 'main', 'A', 2, -1, 8, 'sold', 'c', began_at - interval '25 seconds'
         from holdfast.promise_laps where lap = 'changed'",
    )
    .await;
    assert_eq!(changed_lap(&test).await, ["a_payment_changes_stock_once"]);
}

#[tokio::test]
async fn a_failed_check_does_not_move_the_lap() {
    let test = checked().await;
    test.corrupt("update holdfast.stock_levels set held = 1")
        .await;
    let laps = async || {
        test.text("select json_agg(l order by l.lap)::text from holdfast.promise_laps l")
            .await
    };
    let before = laps().await;
    let fails = Routine::named("promises_skus").changed("(l.is).held <> l.units", "1 / 0 = 1");
    test.put_routine(fails).await;
    let report = test.sweep().await;
    assert!(report.shops[0].failure.is_some());
    assert_eq!(laps().await, before);
    test.put_routine(Routine::named("promises_skus")).await;
    assert_eq!(swept(&test).await, ["held_equals_active_holds"]);
}

/// Of ten sweeps at once, each row is looked at by some; none waits for another.
#[tokio::test]
async fn ten_sweeps_at_once_find_a_broken_promise_once() {
    let test = checked().await;
    test.corrupt("update holdfast.stock_levels set held = 1")
        .await;
    let sweeper = test.pool_of("holdfast_sweeper", 10);
    let swept = at_once(10, |_| {
        let sweeper = sweeper.clone();
        async move { promises::sweep(&sweeper, MAIN, Lap::History, 100).await }
    })
    .await;
    let found: usize = swept
        .into_iter()
        .map(|step| step.unwrap().violations.len())
        .sum();
    assert_eq!(found, 1);

    // a lap that another sweep goes on with is left to it
    let other = test
        .block("select from holdfast.promise_laps where shop = 'main' for no key update")
        .await;
    let idle = promises::sweep(&test.sweeper, MAIN, Lap::Changed, 100).await;
    assert!(!idle.unwrap().more);
    other.let_go().await;
}

/// Each use of a coupon is counted once, by whichever sweep is first.
#[tokio::test]
async fn ten_sweeps_at_once_count_each_use_of_a_coupon_once() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sql("select holdfast.coupon_put('main', 'TEN', 'percent', 1000, 0, null, null, 50)")
        .await;
    for nth in 0..3 {
        let id = test.held(&[("A", 1)]).await;
        let request = operations::order::Create {
            coupon: Some("TEN".parse().unwrap()),
            ..tests::order_request(id)
        };
        operations::order::create(&test.db, &request).await.unwrap();
        let shop = tests::shop(MAIN);
        let order = operations::order::read(&test.db, &shop, id, None).await;
        let paid = event(
            &order.unwrap().unwrap(),
            operations::payment::EventKind::Paid,
            &format!("pay-{nth}"),
        );
        test.record(&paid).await.unwrap();
        at_once(10, |_| {
            let sweeper = test.sweeper.clone();
            async move { promises::sweep(&sweeper, MAIN, Lap::Changed, 100).await }
        })
        .await
        .into_iter()
        .for_each(|step| assert_eq!(step.unwrap().violations, []));
    }
    let counted = "select uses_counted from holdfast.promise_coupons";
    assert_eq!(test.count(counted).await, 3);
    test.assert_promises_hold().await;
}

/// Staff mends a thousand rows before the check looks for more: its report stays readable.
#[tokio::test]
async fn the_laps_stand_still_while_a_thousand_subjects_are_broken() {
    let test = checked().await;
    test.sql(
        "insert into holdfast.promise_breaches (shop, kind, a, b)
         select 'main', 'sku', 'S' || n, '' from generate_series(1, 1000) n",
    )
    .await;
    test.corrupt("update holdfast.stock_levels set held = 1")
        .await;
    for lap in [Lap::Changed, Lap::History] {
        let step = promises::sweep(&test.sweeper, MAIN, lap, 100)
            .await
            .unwrap();
        assert_eq!((step.violations.len(), step.more), (0, false));
    }
    // these skus are right: a sweep forgets them, and goes on
    assert_eq!(swept(&test).await, ["held_equals_active_holds"]);
}

/// What an alarm must know: how long ago everything that had changed was checked.
#[tokio::test]
async fn a_sweep_says_how_far_behind_its_check_is() {
    let test = checked().await;
    test.held(&[("A", 1)]).await;
    test.sql(
        "update holdfast.promise_laps set checked_at = now() - case
            when lap = 'changed' then interval '1 hour' else interval '1 day' end",
    )
    .await;
    let report = test.sweep().await;
    let shop = &report.shops[0];
    assert!(shop.changed_s.unwrap() >= 3_600.0 && shop.changed_s.unwrap() < 86_400.0);
    assert!(shop.history_s.unwrap() >= 86_400.0);
    let report = test.sweep().await;
    assert!(report.shops[0].history_s.unwrap() < 3_600.0);
}

/// Thousands of idle shops must not use up a sweep's time: nothing is open, and nothing was written
/// since the last lap. The history begins another lap after an hour.
#[tokio::test]
async fn an_idle_shop_costs_the_check_no_call() {
    let test = checked().await;
    test.sql("update holdfast.promise_laps set read_from = now()")
        .await;
    let fails = Routine::named("promises_sweep").changed("o_more := false;", "perform 1 / 0;");
    test.put_routine(fails).await;
    let report = test.sweep().await;
    let shop = &report.shops[0];
    assert_eq!((&shop.failure, shop.changed_s), (&None, Some(0.0)));
    // the control: with something to do, it is called
    for busy in [
        "update holdfast.promise_laps set read_from = now() - interval '1 day'
         where lap = 'changed'",
        "update holdfast.promise_laps set checked_at = now() - interval '2 hours'
         where lap = 'history'",
    ] {
        test.sql("update holdfast.promise_laps set read_from = now()")
            .await;
        test.sql(busy).await;
        let report = test.sweep().await;
        assert!(report.shops[0].failure.is_some(), "{busy}");
    }
}

/// If the time is not enough for all shops, the next sweep begins with the others.
#[tokio::test]
async fn a_sweep_begins_with_the_shop_that_is_furthest_behind() {
    let test = checked().await;
    test.shop("early").await;
    test.sku_of("early", "A", 9).await;
    assert_eq!(test.sweep().await.violations, []);
    test.corrupt("update holdfast.stock_levels set held = 1")
        .await;
    let forget = "delete from holdfast.promise_breaches";
    for lap in ["changed", "history"] {
        for (first, then) in [("main", "early"), ("early", "main")] {
            test.sql(forget).await;
            test.sql(&format!(
                "update holdfast.promise_laps set checked_at = now() - case
                    when shop = '{first}' then interval '9 hours' else interval '5 hours' end,
                    read_from = now() - case when lap = '{lap}' then interval '1 day'
                        else interval '0' end,
                    settles_with = null"
            ))
            .await;
            let report = test.sweep().await;
            let found: Vec<&str> = report.violations.iter().map(|it| &*it.shop).collect();
            assert_eq!(found, [first, then], "{lap}");
        }
    }
}

/// After an upgrade the alarm must not ring because a lap reads years.
#[tokio::test]
async fn the_first_lap_leaves_old_rows_to_the_history() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.corrupt(
        "update holdfast.stock_movements set created_at = now() - interval '1 day';
         update holdfast.stock_levels set held = 1",
    )
    .await;
    assert_eq!(changed_lap(&test).await, [""; 0]);
    assert_eq!(swept(&test).await, ["held_equals_active_holds"]);
}

/// A logical restore into another cluster: its transactions have smaller numbers.
#[tokio::test]
async fn a_lap_of_another_cluster_goes_on() {
    let test = checked().await;
    test.sql(
        "update holdfast.promise_laps set read_from = now() - interval '1 day',
            settles_at = now() - interval '1 day', settles_with = '9000000000'",
    )
    .await;
    let recent = "select count(*) from holdfast.promise_laps
        where lap = 'changed' and read_from > now() - interval '10 minutes'";
    // a transaction of another test on this server may keep the laps back for a while
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while test.count(recent).await == 0 {
        assert!(std::time::Instant::now() < until, "the laps stand still");
        assert_eq!(changed_lap(&test).await, [""; 0]);
    }
}

/// A known subject that is broken again, while the sweep that saw it right has locked it.
async fn seen_right(test: &TestDb) -> Blocker {
    test.corrupt(
        "update holdfast.stock_levels set held = 1;
         insert into holdfast.promise_breaches (shop, kind, a, b) values ('main', 'sku', 'A', '')",
    )
    .await;
    test.block("select from holdfast.promise_breaches where shop = 'main' for update")
        .await
}

#[tokio::test]
async fn a_subject_that_breaks_again_is_not_forgotten() {
    let test = checked().await;
    let forgets = seen_right(&test).await;
    let forgotten = async {
        test.until_waiting(1).await;
        let forgets = forgets.also("delete from holdfast.promise_breaches").await;
        forgets.commit().await;
    };
    let step = promises::sweep(&test.sweeper, MAIN, Lap::History, 100);
    let (step, ()) = tokio::join!(step, forgotten);
    assert_eq!(step.unwrap().violations.len(), 1);
}

/// Negative control: the lap does not wait, and takes the subject for a known one.
#[tokio::test]
async fn without_the_guard_a_subject_that_breaks_again_would_be_forgotten() {
    let test = checked().await;
    let sweep = Routine::named("promises_sweep").without_guard("a_breach_is_not_forgotten");
    test.put_routine(sweep).await;
    let forgets = seen_right(&test).await;
    let step = promises::sweep(&test.sweeper, MAIN, Lap::History, 100);
    assert_eq!(step.await.unwrap().violations, []);
    let forgets = forgets.also("delete from holdfast.promise_breaches").await;
    forgets.commit().await;
    assert_eq!(test.broken_promises().await, ["held_equals_active_holds"]);
}
