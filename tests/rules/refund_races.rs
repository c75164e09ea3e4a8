//! Refunds that several workers or clerks want at once.

use std::collections::BTreeSet;

use local::roles::SWEEPER;
use operations::payment::{self, EventKind, Gateway, Outcome};
use operations::refund::{self, Claimed, RequestError, Requested};
use tests::desk::actor;
use tests::refund::{ask_for, refund_event};
use tests::{MAIN, PRICE_MINOR, Routine, SHUT_GATE, TestDb, at_once, shop};
use uuid::Uuid;

/// So many owed refunds.
async fn owed(test: &TestDb, refunds: usize) {
    test.sku("A", 50).await;
    for n in 0..refunds {
        let order = test.paid_order("A", &format!("pi_{n}")).await;
        test.ask(order.order_id, &ask_for(None)).await.unwrap();
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
async fn ten_workers_at_once_claim_each_refund_once() {
    let test = TestDb::new().await;
    owed(&test, 20).await;
    let mut taken = ten_claims(&test).await;
    // a worker that skipped locked rows has taken fewer
    taken.extend(test.claimed().await);
    let ids: BTreeSet<Uuid> = taken.iter().map(|one| one.refund_id).collect();
    assert_eq!((taken.len(), ids.len()), (20, 20));
    assert!(test.claimed().await.is_empty());
    // the claims of dead workers are given up
    test.make_refunds_due().await;
    assert_eq!(test.claimed().await.len(), 20);
}

/// Negative control: workers that read without a lock.
#[tokio::test]
async fn without_the_lock_workers_would_send_the_same_refund() {
    let test = TestDb::new().await;
    owed(&test, 3).await;
    let routine = Routine::named("refund_claim").without_guard("a_refund_is_sent_once");
    test.put_routine(routine).await;
    // all of them have read before the rows can be written
    let blocker = test
        .block("select from holdfast.refunds where shop = 'main' for update")
        .await;
    let taken = test.behind(blocker, 10, ten_claims(&test)).await;
    assert_eq!(taken.len(), 30, "each of ten takes all three");
}

/// Two clerks ask for money: each request is within what is left, both together exceed it.
async fn two_requests(test: &TestDb, blocked: &str) -> Vec<Result<Requested, RequestError>> {
    let order = test.paid_order("A", "pi_1").await;
    let blocker = test.block(blocked).await;
    let desk = test.desk(2).0;
    let race = at_once(2, |_| {
        let (db, request) = (desk.clone(), ask_for(Some(6_000)));
        let order_id = order.order_id.into();
        async move { refund::request(&db, &shop(MAIN), order_id, &actor("meera"), &request).await }
    });
    test.behind(blocker, 2, race).await
}

#[tokio::test]
async fn two_requests_at_once_never_refund_more_than_was_captured() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let locked = "select from holdfast.checkouts where shop = 'main' for update";
    let answers = two_requests(&test, locked).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 1));
    let [Err(RequestError::TooMuch(left))] = refused.as_slice() else {
        panic!("{refused:?}")
    };
    assert_eq!(left.refundable_minor, 4_000);
    test.assert_promises_hold().await;
}

/// Negative control: without the order's lock, the capture's constraint refuses the second request.
/// Without the constraint too, more goes back than was captured, and the check reports it.
#[tokio::test]
async fn without_the_lock_two_requests_would_refund_more_than_was_captured() {
    for constrained in [true, false] {
        let test = TestDb::new().await;
        test.sku("A", 1).await;
        let guard = "capture_never_refunded_beyond_its_amount";
        test.put_routine(Routine::named("order_desk_lock").without_guard(guard))
            .await;
        test.put_routine(Routine::named("refund_request").gated(guard))
            .await;
        if !constrained {
            test.sql(
                "alter table holdfast.payment_captures
                drop constraint capture_never_refunded_beyond_its_amount",
            )
            .await;
        }
        let gate = SHUT_GATE;
        let answers = two_requests(&test, gate).await;
        let done = answers.iter().filter(|answer| answer.is_ok()).count();
        if constrained {
            assert_eq!(done, 1, "{answers:?}");
            test.assert_promises_hold().await;
        } else {
            assert_eq!(done, 2, "{answers:?}");
            let broken = test.broken_promises().await;
            assert!(broken.contains(&"refunds_never_exceed_captures".to_owned()));
        }
    }
}

/// The webhook of a refund and the answer to our call, in both orders and at once.
#[tokio::test]
async fn a_webhook_and_a_report_of_one_refund_settle_it_once() {
    let test = TestDb::new().await;
    test.sku("A", 20).await;
    for n in 0..10 {
        let payment = format!("pi_{n}");
        let order = test.paid_order("A", &payment).await;
        test.ask(order.order_id, &ask_for(None)).await.unwrap();
        let id = test.claimed().await[0].refund_id;
        let gateway_id = format!("re_{n}");
        let kind = EventKind::RefundSettled;
        let webhook = refund_event(kind, &payment, &gateway_id, Some(id), PRICE_MINOR);
        let db = test.pool_of(SWEEPER, 3);
        let result = tests::refund::settled(&gateway_id);
        let effects = at_once(3, |n| {
            let (db, webhook, result) = (db.clone(), webhook.clone(), result.clone());
            async move {
                if n == 2 {
                    // another worker that claimed it after the lease
                    refund::claim(&db, &shop(MAIN), 10).await.unwrap();
                    return 0;
                }
                let recorded = if n == 0 {
                    let report = refund::report(&db, &shop(MAIN), id, &result).await;
                    report.unwrap() == refund::Reported::Recorded
                } else {
                    let gateway = Gateway::Stripe;
                    let recorded = payment::record_event(&db, &shop(MAIN), gateway, &webhook).await;
                    recorded.unwrap().outcome == Outcome::Recorded
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
    test.assert_promises_hold().await;
}
