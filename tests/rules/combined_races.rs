//! Batches at the same time: no unit and no limit is taken twice. Each race has its control.

use operations::checkout::{self, Begin, BeginError, Begun};
use operations::db::{Database, Failure};
use tests::{GATE, MAIN, Routine, TestDb, at_once, begin_request, new_id, shop};

const BATCHES: usize = 4;
const CARTS: usize = 10;

type Answers = Result<Vec<Option<Result<Begun, BeginError>>>, Failure>;

/// On a busy machine, half a second is too short for all sessions to arrive at the gate.
async fn patient(test: &TestDb) {
    test.change_routine("checkout_begin_many", &[("'500ms'", "'20s'")])
        .await;
}

/// Batches of one unit of `A` for each cart, from behind the gate.
async fn race(test: &TestDb, customer: impl Fn(usize, usize) -> String) -> Vec<Answers> {
    patient(test).await;
    let db = test.pool(BATCHES);
    let batches: Vec<Vec<Begin>> = (0..BATCHES)
        .map(|batch| {
            let cart = |nth| Begin {
                customer: customer(batch, nth).parse().unwrap(),
                ..begin_request(new_id(), &[("A", 1)])
            };
            (0..CARTS).map(cart).collect()
        })
        .collect();
    let race = at_once(BATCHES, |nth| {
        let (db, batch) = (db.clone(), batches[nth].clone());
        async move { begin_many(&db, &batch).await }
    });
    test.behind_the_gate(i64::try_from(BATCHES).unwrap(), race)
        .await
}

async fn begin_many(db: &Database, batch: &[Begin]) -> Answers {
    checkout::begin_many(db, &batch.iter().collect::<Vec<_>>()).await
}

/// (held, refused for a shortage, apart, refused by the schema)
fn counted(answers: &[Answers], constraint: &str) -> (usize, usize, usize, usize) {
    let mut counts = (0, 0, 0, 0);
    for answers in answers {
        let answers = match answers {
            Ok(answers) => answers,
            Err(failure) => {
                assert_eq!(failure.constraint(), Some(constraint), "{failure:?}");
                counts.3 += CARTS;
                continue;
            }
        };
        for answer in answers {
            match answer {
                Some(Ok(Begun::Placed(_))) => counts.0 += 1,
                Some(Err(BeginError::Shortage(_))) => counts.1 += 1,
                None => counts.2 += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    counts
}

/// Promise 1. The constraint refuses without the guard. Without both, all forty get one of ten.
#[tokio::test]
async fn batches_at_once_share_the_last_units() {
    let guard = "stock_never_oversold";
    for (guarded, constrained, expected) in [
        (true, true, (10, 30, 0, 0)),
        (false, true, (10, 0, 0, 30)),
        (false, false, (40, 0, 0, 0)),
    ] {
        let test = TestDb::new().await;
        test.sku("A", 10).await;
        let mut routine = Routine::named("checkout_begin_many_attempt").gated(guard);
        if !guarded {
            routine = routine.without_guard(guard);
        }
        test.put_routine(routine).await;
        if !constrained {
            test.sql("alter table holdfast.stock_levels drop constraint stock_never_oversold")
                .await;
        }
        let answers = race(&test, |batch, nth| format!("c-{batch}-{nth}")).await;
        assert_eq!(
            counted(&answers, guard),
            expected,
            "{guarded} {constrained}"
        );
        assert_eq!(usize::try_from(test.level("A").await.1), Ok(expected.0));
        if constrained {
            test.assert_promises_hold().await;
        } else {
            assert_eq!(test.broken_promises().await, ["never_oversold"]);
        }
    }
}

/// The same ten customers in each of four batches, with a limit of one. The schema refuses without
/// the guard. Without both, each customer gets four.
#[tokio::test]
async fn batches_at_once_share_a_customers_limit() {
    for (guard, table, limit) in [
        (
            "customer_never_over_limit",
            "customer_units",
            "update holdfast.skus set limit_per_customer = 1",
        ),
        (
            "customer_never_over_checkouts",
            "customer_checkouts",
            "update holdfast.shops set checkouts_per_customer_max = 1",
        ),
    ] {
        for (guarded, constrained, expected) in [
            (true, true, (10, 0, 30, 0)),
            (false, true, (10, 0, 0, 30)),
            (false, false, (40, 0, 0, 0)),
        ] {
            let test = TestDb::new().await;
            test.sku("A", 99).await;
            test.sql(limit).await;
            let gated =
                Routine::named("checkout_begin_many_attempt").gated("customer_never_over_limit");
            test.put_routine(gated).await;
            if !guarded {
                let unguarded = Routine::named("limit_acquire_many").without_guard(guard);
                test.put_routine(unguarded).await;
            }
            if !constrained {
                test.sql(&format!(
                    "alter table holdfast.{table} drop constraint {guard}"
                ))
                .await;
            }
            let answers = race(&test, |_, nth| format!("c-{nth}")).await;
            assert_eq!(
                counted(&answers, guard),
                expected,
                "{guard} {guarded} {constrained}"
            );
            if constrained {
                test.assert_promises_hold().await;
            } else {
                let mut broken = test.broken_promises().await;
                broken.dedup();
                assert_eq!(broken, ["a_limit_is_never_exceeded"]);
            }
        }
    }
}

/// Scenario 6, for batches: of limited customers and of skus, in every order, beside single calls.
#[tokio::test]
async fn batches_with_the_same_rows_in_any_order_never_deadlock() {
    let test = TestDb::new().await;
    for sku in ["A", "B", "C"] {
        test.sku(sku, 9_000).await;
    }
    test.sql(
        "update holdfast.skus set limit_per_customer = 1000;
        update holdfast.shops set checkouts_per_customer_max = 1000",
    )
    .await;
    patient(&test).await;
    let before = test.deadlocks().await;
    let db = test.pool(9);
    at_once(9, |n| {
        let db = db.clone();
        async move {
            for round in 0..12 {
                let cart = |nth: usize| {
                    let skus = ["A", "B", "C"];
                    let turned = (n + nth + round) % 20;
                    Begin {
                        customer: format!("c-{turned}").parse().unwrap(),
                        ..begin_request(
                            new_id(),
                            &[(skus[turned % 3], 1), (skus[(turned + n) % 3], 1)],
                        )
                    }
                };
                if n == 0 {
                    for nth in 0..20 {
                        let begun = checkout::begin(&db, &cart(nth)).await.unwrap();
                        if let Begun::Placed(checkout) = begun {
                            let id = checkout.checkout_id.into();
                            let main = shop(MAIN);
                            checkout::release(&db, &main, id, None).await.unwrap();
                        }
                    }
                } else {
                    let batch: Vec<Begin> = (0..20).map(cart).collect();
                    begin_many(&db, &batch).await.unwrap();
                }
            }
        }
    })
    .await;
    drop(db);
    assert_eq!(test.deadlocks().await, before);
    assert!(test.level("A").await.1 > 0);
    test.assert_promises_hold().await;
}

/// The control: two batches of two customers, in opposite orders, stop after their first customer.
/// Without an order of their own, each has locked the customer that the other one needs.
#[tokio::test]
async fn without_an_order_of_customers_two_batches_deadlock() {
    for (ordered, deadlocks) in [(true, 0), (false, 1)] {
        let test = TestDb::new().await;
        test.sku("A", 99).await;
        test.sql(&format!(
            "update holdfast.shops set checkouts_per_customer_max = 9;
            insert into holdfast.customer_checkouts (shop, customer, open, open_max)
            values ('main', 'a', 0, 9), ('main', 'b', 0, 9);
            create function public.stop() returns trigger language plpgsql as $$
            begin
                {GATE}
                return new;
            end $$;
            create trigger stop before update on holdfast.customer_checkouts for each row
                execute function public.stop()"
        ))
        .await;
        patient(&test).await;
        if !ordered {
            let order = "order by c.customer collate \"C\"";
            test.change_routine("limit_acquire_many", &[(order, "")])
                .await;
        }
        let before = test.deadlocks().await;
        let db = test.pool(2);
        let race = at_once(2, |nth| {
            let db = db.clone();
            let customers = if nth == 0 { ["a", "b"] } else { ["b", "a"] };
            let batch = customers.map(|customer| Begin {
                customer: customer.parse().unwrap(),
                ..begin_request(new_id(), &[("A", 1)])
            });
            async move { begin_many(&db, &batch).await }
        });
        let answers = test.behind_the_gate(2, race).await;
        drop(db);
        let failed = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!(i64::try_from(failed), Ok(deadlocks), "{answers:?}");
        assert_eq!(test.deadlocks().await - before, deadlocks);
    }
}

/// Two calls at once with one id. One holds; the other hears that it must go alone, and then that
/// it is the same.
#[tokio::test]
async fn an_id_in_two_batches_at_once_is_held_once() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    let gated = Routine::named("checkout_begin_many_attempt").gated("stock_never_oversold");
    test.put_routine(gated).await;
    patient(&test).await;
    let db = test.pool(2);
    let mut batch: Vec<Begin> = (0..CARTS)
        .map(|_| begin_request(new_id(), &[("A", 1)]))
        .collect();
    let known = batch.clone();
    batch.reverse();
    let race = at_once(2, |nth| {
        let db = db.clone();
        let batch = if nth == 0 {
            known.clone()
        } else {
            batch.clone()
        };
        async move { begin_many(&db, &batch).await }
    });
    let answers = test.behind_the_gate(2, race).await;
    assert_eq!(counted(&answers, ""), (CARTS, 0, CARTS, 0));
    for request in &known {
        let again = checkout::begin(&test.db, request).await.unwrap();
        assert!(matches!(again, Begun::Same(_)), "{again:?}");
    }
    test.assert_promises_hold().await;
}

/// A batch gives up after a few attempts, and holds nothing then.
#[tokio::test]
async fn a_batch_that_is_beaten_every_time_goes_apart() {
    let test = TestDb::new().await;
    test.sku("A", 99).await;
    let beaten = Routine::named("checkout_begin_many_attempt")
        .with_guard_replaced("stock_never_oversold", "and false;");
    test.put_routine(beaten).await;
    let batch: Vec<Begin> = (0..CARTS)
        .map(|_| begin_request(new_id(), &[("A", 1)]))
        .collect();
    let before = test.rows().await;
    let answers = [begin_many(&test.db, &batch).await];
    assert_eq!(counted(&answers, ""), (0, 0, CARTS, 0));
    assert_eq!(test.rows().await, before);
}

/// A client that calls the attempt by itself and commits whatever it answers.
#[tokio::test]
async fn a_batch_that_was_beaten_cant_be_committed() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    test.sku("B", 1).await;
    let call = |skus: &str| {
        format!(
            "select o_outcome from holdfast.checkout_begin_many_attempt('main', '{{{}}}', '{{c}}',
                '{{1}}', '{{a}}', '{{null}}', '{skus}', '{{1,1}}', '{{1,2}}', '{{1,1}}')",
            new_id()
        )
    };
    let session = test.checkout_session().await;
    session.batch_execute("begin").await.unwrap();
    // It writes what a begin writes, and commits after the batch has read.
    let rival = test
        .block(&format!(
            "select from holdfast.checkout_begin_attempt(
                'main', '{}', 'rival', 1, '', null, '{{B}}', '{{1}}', true)",
            new_id()
        ))
        .await;
    let too_late = async {
        test.until_waiting(1).await;
        rival.commit().await;
    };
    let attempt = call("{A,B}");
    let (row, ()) = tokio::join!(session.query_one(&attempt, &[]), too_late);
    assert_eq!(row.unwrap().get::<_, &str>(0), "again");
    tests::assert_commit_refused(&session, "commit").await;
    // unsorted skus would be locked in another order
    let unsorted = test.checkout_session().await;
    let error = unsorted.query_one(&call("{B,A}"), &[]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "22023", "{error:?}");
    test.assert_promises_hold().await;
}
