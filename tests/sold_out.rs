//! "Sold out": at once when it is so, and never because of holds that are due.

use operations::checkout;
use tests::{TestDb, at_once, begin_request, new_id};

use crate::checkout::{read, shortage, shortages};

/// The fast path of a flash sale: everybody who comes too late.
#[tokio::test]
async fn a_sold_out_refusal_does_not_wait_for_a_locked_row() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    test.held(&[("A", 1)]).await;
    let blocker = test.block_level("A").await;

    // Negative control: whoever does need the row has to wait for it.
    let writer = test.session().await;
    let waits = "set lock_timeout = '50ms';
        update holdfast.stock_levels set version = version + 1 where sku = 'A'";
    let error = writer.batch_execute(waits).await.unwrap_err();
    let code = error.code().unwrap();
    assert_eq!(code, &tokio_postgres::error::SqlState::LOCK_NOT_AVAILABLE);

    // It answers although nobody lets the row go.
    let refused = test.begin(new_id(), &[("A", 1)]).await;
    assert_eq!(shortages(refused), [shortage("A", 1, 0)]);
    blocker.let_go().await;
}

/// Promise 8: a shopper is never told "sold out" because of holds that are due.
#[tokio::test]
async fn holds_that_are_due_never_cause_sold_out() {
    let test = TestDb::new().await;
    test.sku("A", 150).await;
    test.sku("B", 2).await;
    test.sku("C", 1).await;
    // more than one reclaim takes at a time
    at_once(150, |n| {
        let db = test.db.clone();
        let lines: &[_] = if n < 2 {
            &[("A", 1), ("B", 1)]
        } else {
            &[("A", 1)]
        };
        let request = begin_request(new_id(), lines);
        async move { checkout::begin(&db, &request).await.unwrap() }
    })
    .await;
    let alive = test.held(&[("C", 1)]).await;
    let cart = [("A", 150), ("B", 2)];
    // Negative control: as long as they are not due, they count.
    let refused = test.begin(new_id(), &cart).await;
    assert_eq!(
        shortages(refused),
        [shortage("A", 150, 0), shortage("B", 2, 0)]
    );

    test.make_all_due_but(alive).await;
    // Still refused for a sku that is held by somebody; and what is due counts as available.
    let refused = test.begin(new_id(), &[("A", 150), ("C", 1)]).await;
    assert!(shortages(refused).contains(&shortage("C", 1, 0)));
    test.held(&cart).await;
    assert_eq!(read(&test, alive).await.status, "open");
    test.assert_promises_kept().await;
}

/// Promise 8: also when others reclaim the same holds at the same time, again and again.
#[tokio::test]
async fn shoppers_who_reclaim_at_once_never_take_each_other_for_sold_out() {
    let test = TestDb::new().await;
    test.sku("A", 480).await;
    at_once(480, |_| {
        let (db, request) = (test.db.clone(), begin_request(new_id(), &[("A", 1)]));
        async move { checkout::begin(&db, &request).await.unwrap() }
    })
    .await;
    test.make_all_due_but(new_id()).await;
    // Each wants more than one reclaim brings: all wait for the same hundred, one gets them freed,
    // all come back for the next.
    let blocker = test
        .block("select from holdfast.checkouts for update")
        .await;
    let db = test.pool(12);
    let race = at_once(12, |_| {
        let (db, request) = (db.clone(), begin_request(new_id(), &[("A", 480)]));
        async move { checkout::begin(&db, &request).await }
    });
    let opened = async {
        test.until_waiting(12).await;
        blocker.let_go().await;
    };
    let (placed, refused): (Vec<_>, Vec<_>) = tokio::join!(race, opened)
        .0
        .into_iter()
        .partition(Result::is_ok);
    assert_eq!(placed.len(), 1, "{refused:?}");
    for refused in refused {
        // none before somebody had all of them
        assert_eq!(shortages(refused), [shortage("A", 480, 0)]);
    }
    test.assert_promises_kept().await;
}

/// How many times a session that met empty tables reads the hot ones whole, in a sale's first
/// moments.
async fn whole_reads(setting: &str) -> i64 {
    let test = TestDb::new().await;
    test.sku("A", 100_000).await;
    test.sku("B", 0).await;
    // what autovacuum does to a shop before its first sale
    for table in ["checkouts", "holds"] {
        let vacuum = format!("vacuum analyze holdfast.{table}");
        test.owner.batch_execute(&vacuum).await.unwrap();
    }
    let session = test.app_session().await;
    session.batch_execute(setting).await.unwrap();
    let scans = "select coalesce(sum(seq_scan), 0)::bigint from pg_stat_user_tables \
                 where relname in ('checkouts', 'holds')";
    let before = test.count(scans).await;
    for shopper in 0..60 {
        let sku = if shopper % 3 == 0 { "B" } else { "A" };
        let call = format!(
            "call holdfast.checkout_begin('main', '{}', 'c', 1, '', null, '{{{sku}}}', '{{1}}')",
            new_id()
        );
        session.batch_execute(&call).await.unwrap();
    }
    let flush = "select pg_stat_force_next_flush()";
    session.batch_execute(flush).await.unwrap();
    test.count(scans).await - before
}

#[tokio::test]
async fn a_session_that_met_empty_tables_never_reads_them_whole() {
    assert_eq!(whole_reads("select 1").await, 0);
    // the control: without the role's setting it does
    assert!(whole_reads("set enable_seqscan = on").await > 0);
}
