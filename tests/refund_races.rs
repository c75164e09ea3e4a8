//! Refunds that several want at once.

use std::collections::BTreeSet;

use local::roles::SWEEPER;
use operations::payment::{self, EventKind, Gateway, Outcome};
use operations::refund::{self, Claimed, RequestError, Requested};
use tests::refund::{ask_for, refund_event};
use tests::{GATE, MAIN, PRICE_MINOR, TestDb, at_once, shop};
use uuid::Uuid;

/// So many refunds that are owed.
async fn owed(test: &TestDb, refunds: usize) {
    test.sku("A", 50).await;
    for n in 0..refunds {
        let order = test.paid_order("A", &format!("pi_{n}")).await;
        test.ask(&ask_for(&order, None)).await.unwrap();
    }
}

async fn ten_claims(test: &TestDb) -> Vec<Claimed> {
    let db = test.pool_of(SWEEPER, 10);
    let claims = at_once(10, |_| {
        let db = db.clone();
        async move { refund::claim(&db, &shop(MAIN), 3).await.unwrap() }
    });
    claims.await.into_iter().flatten().collect()
}

#[tokio::test]
async fn ten_workers_at_once_take_each_refund_once() {
    let test = TestDb::new().await;
    owed(&test, 20).await;
    let mut taken = ten_claims(&test).await;
    // whoever skipped what others had has taken less
    taken.extend(test.claimed().await);
    let ids: BTreeSet<Uuid> = taken.iter().map(|one| one.refund_id).collect();
    assert_eq!((taken.len(), ids.len()), (20, 20));
    assert!(test.claimed().await.is_empty());
    // whoever has died meanwhile is given up
    test.make_refunds_due().await;
    assert_eq!(test.claimed().await.len(), 20);
}

/// Negative control: who reads without locking what they take.
#[tokio::test]
async fn without_the_lock_workers_would_send_the_same_refund() {
    let test = TestDb::new().await;
    owed(&test, 3).await;
    let changes = [
        ("        for no key update skip locked", ""),
        ("    with due as (", "    with due as materialized ("),
    ];
    test.change_routine("refund_claim", &changes).await;
    // all of them have read by the time the rows can be written
    let blocker = test.block("select from holdfast.refunds for update").await;
    let opened = async {
        test.until_waiting(10).await;
        blocker.let_go().await;
    };
    let taken = tokio::join!(ten_claims(&test), opened).0;
    assert_eq!(taken.len(), 30, "each of ten takes all three");
}

/// Two clerks, each within what is left, together beyond it.
async fn two_requests(test: &TestDb, blocked: &str) -> Vec<Result<Requested, RequestError>> {
    let order = test.paid_order("A", "pi_1").await;
    let blocker = test.block(blocked).await;
    let desk = test.desk(2).0;
    let race = at_once(2, |_| {
        let (db, request) = (desk.clone(), ask_for(&order, Some(6_000)));
        async move { refund::request(&db, &request).await }
    });
    let opened = async {
        test.until_waiting(2).await;
        blocker.let_go().await;
    };
    tokio::join!(race, opened).0
}

#[tokio::test]
async fn two_requests_at_once_never_give_back_more_than_came() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let answers = two_requests(&test, "select from holdfast.checkouts for update").await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 1));
    let [Err(RequestError::TooMuch { refundable_minor })] = refused.as_slice() else {
        panic!("{refused:?}")
    };
    assert_eq!(*refundable_minor, 4_000);
    test.assert_promises_kept().await;
}

/// Negative control: without the order's lock the capture's own constraint refuses the second;
/// without that too, more goes back than came, and the check says so.
#[tokio::test]
async fn without_the_lock_two_requests_would_give_back_more_than_came() {
    for constrained in [true, false] {
        let test = TestDb::new().await;
        test.sku("A", 1).await;
        test.change_routine("order_desk_lock", &[(" for no key update", "")])
            .await;
        let then = "    v_left := coalesce(p_amount_minor, o_refundable_minor);";
        let gated = format!("    {GATE}\n{then}");
        test.change_routine("refund_request", &[(then, gated.as_str())])
            .await;
        if !constrained {
            test.sql(
                "alter table holdfast.payment_captures
                drop constraint capture_never_refunded_beyond_its_amount",
            )
            .await;
        }
        let gate = "select pg_advisory_xact_lock(1)";
        let answers = two_requests(&test, gate).await;
        let done = answers.iter().filter(|answer| answer.is_ok()).count();
        if constrained {
            assert_eq!(done, 1, "{answers:?}");
            test.assert_promises_kept().await;
        } else {
            assert_eq!(done, 2, "{answers:?}");
            let broken = test.broken_promises().await;
            assert!(broken.contains(&"refunds_never_exceed_captures".to_owned()));
        }
    }
}

/// The webhook of a refund and the answer to the call that made it, in both orders and at once.
#[tokio::test]
async fn a_webhook_and_a_report_of_one_refund_settle_it_once() {
    let test = TestDb::new().await;
    test.sku("A", 20).await;
    for n in 0..10 {
        let payment = format!("pi_{n}");
        let order = test.paid_order("A", &payment).await;
        test.ask(&ask_for(&order, None)).await.unwrap();
        let id = test.claimed().await[0].refund_id;
        let gateway_id = format!("re_{n}");
        let kind = EventKind::RefundSettled;
        let webhook = refund_event(kind, &payment, &gateway_id, Some(id), PRICE_MINOR);
        let db = test.pool_of(SWEEPER, 3);
        let verdict = tests::refund::settled(&gateway_id);
        let effects = at_once(3, |n| {
            let (db, webhook, verdict) = (db.clone(), webhook.clone(), verdict.clone());
            async move {
                if n == 2 {
                    // another worker that took it after its lease
                    refund::claim(&db, &shop(MAIN), 10).await.unwrap();
                    return 0;
                }
                let recorded = if n == 0 {
                    let report = refund::report(&db, &shop(MAIN), id, &verdict).await;
                    report.unwrap() == refund::Reported::Recorded
                } else {
                    let gateway = Gateway::Stripe;
                    let told = payment::record_event(&db, &shop(MAIN), gateway, &webhook).await;
                    told.unwrap().outcome == Outcome::Recorded
                };
                usize::from(recorded)
            }
        })
        .await;
        assert_eq!(effects.iter().sum::<usize>(), 1, "{effects:?}");
        assert_eq!(test.order_status(&order).await, "refunded");
    }
    assert_eq!(test.announced("refund.settled").await.len(), 10);
    assert!(test.claimed().await.is_empty());
    test.assert_promises_kept().await;
}
