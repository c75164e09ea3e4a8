//! "Sold out": a sold-out sku is refused at once, and never because of due holds.

use operations::checkout;
use tests::checkouts::{read, shortage, shortages};
use tests::{TestDb, at_once, begin_request, new_id};

/// The fast path of a flash sale, for everybody who comes too late.
#[tokio::test]
async fn a_sold_out_refusal_does_not_wait_for_a_locked_row() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    test.held(&[("A", 1)]).await;
    let blocker = test.block_level("A").await;

    // Negative control: a begin that needs the row would wait for it.
    let writer = test.session().await;
    let would_wait = "select from holdfast.stock_levels where shop = 'main' and sku = 'A'
        for update nowait";
    let error = writer.batch_execute(would_wait).await.unwrap_err();
    let code = error.code().unwrap();
    assert_eq!(code, &tokio_postgres::error::SqlState::LOCK_NOT_AVAILABLE);

    // It answers although the row stays locked.
    let refused = test.begin(new_id(), &[("A", 1)]).await;
    assert_eq!(shortages(refused), [shortage("A", 1, 0)]);
    blocker.let_go().await;
}

/// Promise 8: a due hold never makes a shopper hear "sold out".
#[tokio::test]
async fn due_holds_never_cause_sold_out() {
    let test = TestDb::new().await;
    test.sku("A", 150).await;
    test.sku("B", 2).await;
    test.sku("C", 1).await;
    // more holds than one reclaim takes
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
    // Negative control: holds that are not due count.
    let refused = test.begin(new_id(), &cart).await;
    assert_eq!(
        shortages(refused),
        [shortage("A", 150, 0), shortage("B", 2, 0)]
    );

    test.make_all_due_but(alive).await;
    // A sku that others hold is still refused; due holds count as available.
    let refused = test.begin(new_id(), &[("A", 150), ("C", 1)]).await;
    assert!(shortages(refused).contains(&shortage("C", 1, 0)));
    test.held(&cart).await;
    assert_eq!(read(&test, alive).await.status, "open");
    test.assert_promises_hold().await;
}

/// Promise 8, while others reclaim the same holds at the same time, again and again.
#[tokio::test]
async fn shoppers_who_reclaim_at_once_never_hear_sold_out() {
    let test = TestDb::new().await;
    test.sku("A", 480).await;
    at_once(480, |_| {
        let (db, request) = (test.db.clone(), begin_request(new_id(), &[("A", 1)]));
        async move { checkout::begin(&db, &request).await.unwrap() }
    })
    .await;
    test.make_all_due_but(new_id()).await;
    // The number in a refusal may be older than the decision. So the decision itself looks whether
    // one of them has all.
    let (names, reads) = ("    v_more boolean;", "    into v_due, v_more;");
    let decides = "    return case when v_due then";
    let names_more = format!("{names} v_held boolean;");
    let reads_more = ", exists (
            select from checkouts c where c.shop = p_shop and c.expires_at > p_now)
        into v_due, v_more, v_held;";
    let looks = format!(
        "    if not (v_due or v_more or v_held) then
            raise exception 'sold out, and nobody has the units';
        end if;
        {decides}"
    );
    let changes = [
        (names, &*names_more),
        (reads, reads_more),
        (decides, &looks),
    ];
    test.change_routine("shortage_outcome", &changes).await;
    // Each wants more than one reclaim frees. All wait for the same hundred holds, one gets them
    // freed, and all come back for the next.
    let blocker = test
        .block("select from holdfast.checkouts where shop = 'main' for update")
        .await;
    let db = test.pool(12);
    let race = at_once(12, |_| {
        let (db, request) = (db.clone(), begin_request(new_id(), &[("A", 480)]));
        async move { checkout::begin(&db, &request).await }
    });
    let (placed, refused): (Vec<_>, Vec<_>) = test
        .behind(blocker, 12, race)
        .await
        .into_iter()
        .partition(Result::is_ok);
    assert_eq!(placed.len(), 1, "{refused:?}");
    for refused in refused {
        let short = shortages(refused);
        assert_eq!((&*short[0].sku, short[0].requested), ("A", 480));
    }
    test.assert_promises_hold().await;
}

/// Whole reads of the hot tables in the first seconds of a sale, by a session that met empty
/// tables.
async fn whole_reads(setting: &str) -> i64 {
    let test = TestDb::new().await;
    test.sku("A", 100_000).await;
    test.sku("B", 0).await;
    // autovacuum does this to a shop before its first sale
    for table in ["checkouts", "holds"] {
        let vacuum = format!("vacuum analyze holdfast.{table}");
        test.owner.batch_execute(&vacuum).await.unwrap();
    }
    let session = test.checkout_session().await;
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
    // the control: without the role's setting, it reads them whole
    assert!(whole_reads("set enable_seqscan = on").await > 0);
}
