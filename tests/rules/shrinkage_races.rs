//! Shrinkage against holds, payments and itself: in both orders, in a crowd, and without the locks.

use operations::checkout::{self, BeginError, Begun};
use operations::ids::CheckoutId;
use operations::order;
use operations::payment::{EventKind, Outcome};
use operations::stock::{Shrink, ShrinkError};
use tests::shrinkage::{
    assert_all_is_well, broken, counters, expecting, ids, missing, office, shrunk, shrunk_by,
    status,
};
use tests::{MAIN, TestDb, assert_commit_refused, at_once, begin_request, event, new_id, shop};

/// A call of the attempt, for a session whose transaction is still open.
fn shrink_attempt(units: i32) -> String {
    format!(
        "select o_outcome from holdfast.stock_shrink_attempt(
            'main', 'A', {units}, null, 'clerk', null, null, gen_random_uuid(), false, true)"
    )
}

/// A hold in a transaction that is still open.
fn begin_attempt(id: CheckoutId, units: i32) -> String {
    format!(
        "select holdfast.checkout_begin_attempt(
            'main', '{id}', 'c', 1, '', null, '{{A}}', '{{{units}}}', true)"
    )
}

/// Against a hold, the hold first: the shrinkage chose before the hold was placed. It chooses
/// again, and the new hold is the first to end.
#[tokio::test]
async fn a_shrinkage_chooses_again_after_a_hold_overtakes_it() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let old = test.held(&[("A", 1)]).await;
    let newer = test.held(&[("A", 2)]).await;
    let newcomer = new_id();
    let hold = test.block(&begin_attempt(newcomer, 2)).await;
    let ahead = async {
        test.until_waiting(1).await; // it has chosen `newer`, and waits for the stock
        hold.commit().await;
    };
    let request = missing(3);
    let (done, ()) = tokio::join!(shrunk(&test, &request), ahead);
    let done = done.unwrap();
    assert_eq!(counters(&done), (2, 1));
    assert_eq!(broken(&done), ids(&[newcomer, newer]));
    assert_eq!(status(&test, old).await, "open");
    assert_all_is_well(&test, &broken(&done)).await;
}

/// The same race, with a caller who commits after `again`: nothing of it can be committed.
#[tokio::test]
async fn half_a_shrinkage_is_never_committed() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    test.held(&[("A", 1)]).await;
    test.held(&[("A", 2)]).await;
    let hold = test.block(&begin_attempt(new_id(), 2)).await;
    let session = test.session().await;
    session.batch_execute("begin").await.unwrap();
    let call = shrink_attempt(3);
    let ahead = async {
        test.until_waiting(1).await;
        hold.commit().await;
    };
    let (row, ()) = tokio::join!(session.query_one(&call, &[]), ahead);
    let outcome: String = row.unwrap().get(0);
    // its last update found no row, after it had broken a hold
    assert_eq!(outcome, "again");
    assert_commit_refused(&session, "commit").await;
    assert_eq!(test.level("A").await, (5, 5, 4));
    assert_all_is_well(&test, &[]).await;
}

/// Against a hold, the shrinkage first.
#[tokio::test]
async fn a_hold_behind_a_shrinkage_gets_what_is_left() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let held = test.held(&[("A", 3)]).await;
    let shrinkage = test.block(&shrink_attempt(3)).await;
    let ended = async {
        test.until_waiting(1).await; // it has seen two free units, and waits for the stock
        shrinkage.commit().await;
    };
    let request = begin_request(new_id(), &[("A", 3)]);
    let fits = begin_request(new_id(), &[("A", 2)]);
    let (begun, ()) = tokio::join!(checkout::begin(&test.db, &fits), ended);
    assert!(matches!(begun, Ok(Begun::Placed(_))), "{begun:?}");
    let refused = checkout::begin(&test.db, &request).await;
    assert!(
        matches!(refused, Err(BeginError::Shortage(_))),
        "{refused:?}"
    );
    assert_eq!(test.level("A").await.0, 2);
    assert_all_is_well(&test, &ids(&[held])).await;
}

/// Against a crowd of holds: in any order, all units that are left are held, and not one more.
#[tokio::test]
async fn a_shrinkage_in_a_rush_of_fifty_holds_leaves_every_unit_held_once() {
    let test = TestDb::new().await;
    test.sku("A", 60).await;
    for _ in 0..20 {
        test.held(&[("A", 1)]).await;
    }
    let (shoppers, office) = (test.pool(50), office(&test));
    let blocker = test.block_level("A").await;
    let race = at_once(51, |n| {
        let (shoppers, office) = (shoppers.clone(), office.clone());
        async move {
            if n == 25 {
                return Some(shrunk_by(&office, &missing(30)).await.unwrap());
            }
            let begun = checkout::begin(&shoppers, &begin_request(new_id(), &[("A", 1)])).await;
            match begun {
                Ok(Begun::Placed(_)) | Err(BeginError::Shortage(_)) => None,
                other => panic!("{other:?}"),
            }
        }
    });
    let answers = test.behind(blocker, 51, race).await;
    let done = answers.into_iter().flatten().next().unwrap();
    let (on_hand, held, _) = test.level("A").await;
    assert_eq!((on_hand, held), (30, 30));
    assert_all_is_well(&test, &broken(&done)).await;
}

/// Negative control of the races with holds.
#[tokio::test]
async fn without_the_guard_a_shrinkage_would_leave_more_held_than_on_hand() {
    let test = TestDb::new().await;
    test.naive().await;
    test.sql("insert into naive.stock values ('A', 5, 3)").await;
    let race = "do $$ begin
        if pg_try_advisory_lock(2) then call naive.hold('A');
        else call naive.shrink('A', 2); end if; end $$";
    test.all_read_then_all_write(2, race).await;
    let oversold = "select count(*) from naive.stock where held > on_hand";
    assert_eq!(test.count(oversold).await, 1);
}

/// Against a payment, the payment first: its goods are sold, and the newest of the other holds
/// ends.
#[tokio::test]
async fn a_payment_that_has_the_lock_keeps_its_goods() {
    let test = TestDb::new().await;
    test.sku("A", 2).await;
    let old = test.held(&[("A", 1)]).await;
    let (paid_for, order) = test.ordered(&[("A", 1)]).await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    let blocker = test.block_level("A").await;
    let request = missing(1);
    let shrinking = async {
        test.until_waiting(1).await; // the payment has its checkout, and waits for the stock
        tokio::join!(shrunk(&test, &request), async {
            test.until_waiting(2).await; // the shrinkage has chosen it, and waits for the checkout
            blocker.let_go().await;
        })
        .0
    };
    let (outcome, done) = tokio::join!(test.record(&paid), shrinking);
    assert_eq!(outcome.unwrap(), Outcome::Completed);
    let done = done.unwrap();
    assert_eq!((counters(&done), broken(&done)), ((0, 0), ids(&[old])));
    assert_eq!(status(&test, paid_for).await, "paid");
    assert_all_is_well(&test, &ids(&[old])).await;
}

/// Against a payment, the shrinkage first: the payment is late, and owed back.
#[tokio::test]
async fn a_payment_behind_a_shrinkage_is_late() {
    let test = TestDb::new().await;
    test.sku("A", 2).await;
    let old = test.held(&[("A", 1)]).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    let blocker = test.block_level("A").await;
    let request = missing(1);
    let paying = async {
        test.until_waiting(1).await; // the shrinkage has the checkout, and waits for the stock
        tokio::join!(test.record(&paid), async {
            test.until_waiting(2).await;
            blocker.let_go().await;
        })
        .0
    };
    let (done, outcome) = tokio::join!(shrunk(&test, &request), paying);
    assert_eq!(broken(&done.unwrap()), ids(&[id]));
    assert_eq!(outcome.unwrap(), Outcome::RefundDue);
    assert_eq!(status(&test, old).await, "open");
    let order = order::read(&test.db, &shop(MAIN), id, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(order.status, "refund_due");
    assert_all_is_well(&test, &ids(&[id])).await;
}

/// A payment for a broken order takes the goods again, if they were found.
#[tokio::test]
async fn a_late_payment_of_a_broken_order_takes_available_stock_again() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (id, order) = test.ordered(&[("A", 1)]).await;
    shrunk(&test, &missing(1)).await.unwrap();
    test.sql("select holdfast.stock_adjust('main', 'A', 1, null, 'adjusted', 'clerk', 'found')")
        .await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::CompletedLate);
    assert_eq!(status(&test, id).await, "paid");
    assert_eq!(test.level("A").await.0, 0);
    assert_all_is_well(&test, &ids(&[id])).await;
}

/// Against a crowd of payments: each order is sold or owed back, never both.
#[tokio::test]
async fn a_shrinkage_among_fifteen_payments_sells_or_breaks_each_order_once() {
    let test = TestDb::new().await;
    test.sku("A", 30).await;
    for _ in 0..15 {
        test.held(&[("A", 1)]).await;
    }
    let mut events = Vec::new();
    for n in 0..15 {
        let (_, order) = test.ordered(&[("A", 1)]).await;
        events.push(event(&order, EventKind::Paid, &format!("pay-{n}")));
    }
    let (gateway, office) = (test.payments.clone(), office(&test));
    let race = at_once(16, |n| {
        let (gateway, office) = (gateway.clone(), office.clone());
        let event = events.get(n).cloned();
        async move {
            let Some(event) = event else {
                return Err(shrunk_by(&office, &missing(10)).await.unwrap());
            };
            let cashfree = operations::payment::Gateway::Cashfree;
            let recorded =
                operations::payment::record_event(&gateway, &shop(MAIN), cashfree, &event).await;
            Ok(recorded.unwrap().outcome)
        }
    });
    let (mut sold, mut owed, mut broke) = (0, 0, Vec::new());
    for answer in race.await {
        match answer {
            Ok(Outcome::Completed) => sold += 1,
            Ok(Outcome::RefundDue) => owed += 1,
            Err(shrinkage) => broke = broken(&shrinkage),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((sold + owed, broke.len()), (15, 10));
    let (on_hand, held, _) = test.level("A").await;
    assert_eq!((on_hand, held), (20 - sold, 20 - sold));
    assert_all_is_well(&test, &broke).await;
}

/// Negative control of the races with payments: a unit is sold, and given back too.
#[tokio::test]
async fn without_the_lock_a_unit_would_be_both_sold_and_given_back() {
    let test = TestDb::new().await;
    test.naive().await;
    test.sql(
        "insert into naive.stock values ('A', 2, 2);
         insert into naive.checkouts values ('old'), ('older')",
    )
    .await;
    let race = "do $$ begin
        if pg_try_advisory_lock(2) then call naive.end_newest('A', 'consumed');
        else call naive.end_newest('A', 'released'); end if; end $$";
    test.all_read_then_all_write(2, race).await;
    let left = "select (select held from naive.stock)
        - (select count(*) from naive.checkouts where status = 'active')";
    assert_eq!(test.count(left).await, -1);
}

/// Two shrinkages choose the same hold: it is broken once, and the second shrinkage breaks the next
/// one.
#[tokio::test]
async fn two_shrinkages_at_once_break_two_holds() {
    let test = TestDb::new().await;
    test.sku("A", 4).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(test.held(&[("A", 1)]).await);
    }
    let blocker = test.block_level("A").await;
    let (request, another) = (missing(1), missing(1));
    let second = async {
        test.until_waiting(1).await;
        tokio::join!(shrunk(&test, &another), async {
            test.until_waiting(2).await; // both have chosen the newest
            blocker.let_go().await;
        })
        .0
    };
    let (first, second) = tokio::join!(shrunk(&test, &request), second);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(
        (counters(&first), broken(&first)),
        ((3, 3), ids(&held[3..]))
    );
    assert_eq!(
        (counters(&second), broken(&second)),
        ((2, 2), ids(&held[2..3]))
    );
    assert_all_is_well(&test, &ids(&held[2..])).await;
}

/// Ten clerks report the same loss: one report counts, the others are stale.
#[tokio::test]
async fn one_of_ten_shrinkages_of_one_version_counts() {
    let test = TestDb::new().await;
    test.sku("A", 4).await;
    for _ in 0..4 {
        test.held(&[("A", 1)]).await;
    }
    let (.., version) = test.level("A").await;
    let office = office(&test);
    let answers = at_once(10, |_| {
        let office = office.clone();
        async move { shrunk_by(&office, &expecting(1, version)).await }
    })
    .await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    for refusal in refused {
        assert!(
            matches!(refusal, Err(ShrinkError::Stale(..))),
            "{refusal:?}"
        );
    }
    assert_eq!(test.level("A").await, (3, 3, version + 1));
    assert_all_is_well(&test, &broken(done[0].as_ref().unwrap())).await;
}

/// Promise 7, as a race: one report that is sent ten times is one loss.
#[tokio::test]
async fn ten_identical_shrinkages_at_once_have_one_effect_and_equal_answers() {
    for careful in [false, true] {
        let test = TestDb::new().await;
        test.sku("A", 4).await;
        for _ in 0..4 {
            test.held(&[("A", 1)]).await;
        }
        let office = office(&test);
        let (.., version) = test.level("A").await;
        let request = Shrink {
            expected_version: careful.then(|| version.try_into().unwrap()),
            ..missing(2)
        };
        let blocker = test.block_level("A").await;
        let race = at_once(10, |_| {
            let (office, request) = (office.clone(), request.clone());
            async move { shrunk_by(&office, &request).await.unwrap() }
        });
        let answers = test.behind(blocker, 10, race).await;
        for answer in &answers {
            assert_eq!(answer, &answers[0]);
        }
        assert_eq!(counters(&answers[0]), (2, 2));
        assert_eq!(test.level("A").await.0, 2);
        assert_all_is_well(&test, &broken(&answers[0])).await;
    }
}

/// Negative control of two shrinkages at once: both break the hold that both chose.
#[tokio::test]
async fn without_the_lock_two_shrinkages_would_give_one_unit_back_twice() {
    let test = TestDb::new().await;
    test.naive().await;
    test.sql(
        "insert into naive.stock values ('A', 2, 2);
         insert into naive.checkouts values ('old'), ('older')",
    )
    .await;
    test.all_read_then_all_write(2, "call naive.end_newest('A', 'released')")
        .await;
    let left = "select (select held from naive.stock)
        - (select count(*) from naive.checkouts where status = 'active')";
    assert_eq!(test.count(left).await, -1);
}
