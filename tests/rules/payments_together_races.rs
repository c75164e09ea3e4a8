//! Batches of events at the same time: no payment counts twice. Each race has its control.

use local::roles;
use operations::db::Failure;
use operations::payment::{self, Event, Gateway, Outcome, Recorded};
use tests::orders::{self, paid_numbered};
use tests::{CALL_MAX, MAIN, Routine, TestDb, again, at_once, new_id, shop};

const BATCHES: usize = 4;
const EVENTS: usize = 5;
const GUARD: &str = "a_payment_changes_stock_once";

type Answers = Result<Vec<Option<Recorded>>, Failure>;

/// On a busy machine, half a second is too short for all sessions to arrive at the gate.
async fn patient(test: &TestDb) {
    test.change_routine("payment_record_events", &[("'500ms'", "'20s'")])
        .await;
}

/// Each batch has another payment of the same orders: as from shoppers who pay twice. Every other
/// batch has them in another order.
async fn race(test: &TestDb) -> (Vec<Vec<Event>>, Vec<Answers>) {
    patient(test).await;
    let db = test.pool_of(roles::PAYMENTS, BATCHES);
    let batches: Vec<Vec<Event>> = (0..BATCHES)
        .map(|batch| {
            let paid = |nth| Event {
                gateway_payment_id: Some(format!("p-{nth}-{batch}")),
                ..again(&paid_numbered(nth, 1), batch)
            };
            let mut events: Vec<Event> = (0..EVENTS).map(paid).collect();
            if batch % 2 == 1 {
                events.reverse();
            }
            events
        })
        .collect();
    let race = at_once(BATCHES, |nth| {
        let (db, events) = (db.clone(), batches[nth].clone());
        let main = shop(MAIN);
        async move { payment::record_events(&db, &main, &of_cashfree(&events), CALL_MAX).await }
    });
    let sessions = i64::try_from(BATCHES).unwrap();
    let answers = test.behind_the_gate(sessions, race).await;
    (batches, answers)
}

fn of_cashfree(events: &[Event]) -> Vec<(Gateway, &Event)> {
    events.iter().map(|one| (Gateway::Cashfree, one)).collect()
}

/// (completed, apart, refused by the schema)
fn counted(answers: &[Answers]) -> (usize, usize, usize) {
    let mut counts = (0, 0, 0);
    for answers in answers {
        match answers {
            Ok(answers) => {
                for answer in answers {
                    match answer {
                        Some(recorded) => {
                            assert_eq!(recorded.outcome, Outcome::Completed);
                            counts.0 += 1;
                        }
                        None => counts.1 += 1,
                    }
                }
            }
            Err(failure) => {
                assert!(failure.constraint().is_some(), "{failure:?}");
                counts.2 += EVENTS;
            }
        }
    }
    counts
}

async fn sold(test: &TestDb) -> i64 {
    test.count("select count(*) from holdfast.stock_movements where reason = 'sold'")
        .await
}

/// Scenario 11, for batches. Promises 4 and 10. All of them have read unpaid payments before any of
/// them writes.
#[tokio::test]
async fn one_of_four_batches_that_pay_the_same_orders_completes_them() {
    let test = TestDb::new().await;
    test.sku("A", 50).await;
    orders::numbered(&test, 0..EVENTS, "A").await;
    let gated = Routine::named("payment_record_events_attempt").gated(GUARD);
    test.put_routine(gated).await;
    let (batches, answers) = race(&test).await;
    let others = (BATCHES - 1) * EVENTS;
    assert_eq!(counted(&answers), (EVENTS, others, 0));
    assert_eq!(sold(&test).await, 5);
    for (events, answers) in batches.iter().zip(answers) {
        for (event, answer) in events.iter().zip(answers.unwrap()) {
            if answer.is_none() {
                assert_eq!(test.record(event).await.unwrap(), Outcome::Excess);
            }
        }
    }
    assert_eq!(test.level("A").await.0, 45);
    test.assert_promises_hold().await;
}

/// The control: without the comparisons, the key of the announcement still refuses the others.
/// Without that key too, each batch says that it has completed the orders, and nobody gets the
/// money of the second payments back.
#[tokio::test]
async fn without_the_comparisons_a_second_payment_would_be_kept() {
    let others = (BATCHES - 1) * EVENTS;
    for (constrained, expected) in [
        (true, (EVENTS, 0, others)),
        (false, (EVENTS + others, 0, 0)),
    ] {
        let test = TestDb::new().await;
        test.sku("A", 50).await;
        orders::numbered(&test, 0..EVENTS, "A").await;
        let routine = Routine::named("payment_record_events_attempt").gated(GUARD);
        test.put_routine(routine.with_guard_replaced(GUARD, "null;"))
            .await;
        if !constrained {
            test.sql("alter table holdfast.outbox_messages drop constraint outbox_messages_pkey")
                .await;
        }
        let (_, answers) = race(&test).await;
        assert_eq!(counted(&answers), expected, "{constrained}");
        // the end of the holds is one more guard: the stock changes once
        assert_eq!(sold(&test).await, 5);
        if constrained {
            test.assert_promises_hold().await;
        } else {
            assert!(!test.broken_promises().await.is_empty());
        }
    }
}

/// Scenario 6, for batches: of the same payments and skus in every order, beside single calls.
#[tokio::test]
async fn batches_of_events_in_any_order_never_deadlock() {
    let test = TestDb::new().await;
    for sku in ["A", "B", "C"] {
        test.sku(sku, 900).await;
    }
    test.sql("update holdfast.skus set limit_per_customer = 1000")
        .await;
    for (nth, skus) in ["A,B", "B,C", "A,C"].into_iter().enumerate() {
        orders::numbered(&test, nth * 20..nth * 20 + 20, skus).await;
    }
    patient(&test).await;
    let before = test.deadlocks().await;
    let db = test.pool_of(roles::PAYMENTS, 6);
    at_once(6, |n| {
        let db = db.clone();
        async move {
            for round in 0..12 {
                // each payment comes in several batches, and each batch has another order
                let events: Vec<Event> = (0..10)
                    .map(|nth| {
                        let which = (round * 5 + nth * (2 * n + 1)) % 60;
                        again(&paid_numbered(which, 2), usize::from(n > 2))
                    })
                    .collect();
                let all = of_cashfree(&events);
                let main = shop(MAIN);
                let recorded = match n {
                    0 => vec![None; all.len()],
                    _ => payment::record_events(&db, &main, &all, CALL_MAX)
                        .await
                        .unwrap(),
                };
                for ((gateway, event), recorded) in all.iter().zip(recorded) {
                    if recorded.is_none() {
                        let alone = payment::record_event(&db, &main, *gateway, event).await;
                        alone.unwrap();
                    }
                }
            }
        }
    })
    .await;
    drop(db);
    assert_eq!(test.deadlocks().await, before);
    assert!(sold(&test).await > 60);
    test.assert_promises_hold().await;
}

/// A client that calls the attempt by itself and commits whatever it answers.
#[tokio::test]
async fn a_batch_of_events_that_was_beaten_cant_be_committed() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let reference = &order.payment.reference;
    let session = test.session_of(roles::PAYMENTS).await;
    session.batch_execute("begin").await.unwrap();
    // It ends the order after the batch has read.
    let rival = test
        .block(&format!(
            "update holdfast.orders set status = 'review' where order_id = '{}'",
            order.order_id
        ))
        .await;
    let too_late = async {
        test.until_waiting(1).await;
        rival.commit().await;
    };
    let attempt = format!(
        "select o_outcome from holdfast.payment_record_events_attempt('main',
            jsonb_build_array(jsonb_build_object('gateway', 'cashfree', 'event_key', '{}',
                'reference', '{reference}', 'kind', 'paid', 'currency', 'INR',
                'amount_minor', {}, 'gateway_payment_id', 'pay', 'payload', '')))",
        new_id(),
        order.total_minor
    );
    let (row, ()) = tokio::join!(session.query_one(&attempt, &[]), too_late);
    assert_eq!(row.unwrap().get::<_, &str>(0), "again");
    tests::assert_commit_refused(&session, "commit").await;
    assert_eq!(test.level("A").await.1, 1);
}
