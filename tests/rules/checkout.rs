//! Checkouts: begin, replace, read, extend, release.

use std::time::Duration;

use operations::checkout::{self, Begin, BeginError, Begun, Checkout, ExtendError, ReleaseError};
use operations::ids::{CheckoutId, Customer};
use operations::order;
use operations::quantity::{HoldSeconds, Revision};
use operations::stock::availability;
use tests::checkouts::{read, shortage, shortages};
use tests::{
    MAIN, PRICE_MINOR, TestDb, at_once, begin_request, cart, checkout_of, new_id, order_request,
    shop,
};
use time::OffsetDateTime;

/// The customer `c` replaces the cart of a checkout.
fn replace_request(id: CheckoutId, revision: i64, lines: &[(&str, i64)]) -> Begin {
    Begin {
        revision: Revision::try_from(revision).unwrap(),
        ..begin_request(id, lines)
    }
}

fn hold(seconds: i64) -> Option<HoldSeconds> {
    Some(HoldSeconds::try_from(seconds).unwrap())
}

fn customer(name: &str) -> Customer {
    name.parse().unwrap()
}

/// The answer without the time at which it was given.
fn timeless(checkout: Checkout) -> Checkout {
    Checkout {
        server_time: OffsetDateTime::UNIX_EPOCH,
        ..checkout
    }
}

async fn extend(
    test: &TestDb,
    id: CheckoutId,
    seconds: Option<HoldSeconds>,
) -> Result<Checkout, ExtendError> {
    checkout::extend(&test.db, &shop(MAIN), id, None, seconds).await
}

async fn release(test: &TestDb, id: CheckoutId) -> Result<Checkout, ReleaseError> {
    checkout::release(&test.db, &shop(MAIN), id, None).await
}

/// Moves the beginning of a checkout into the past. Its hold still ends when it did.
async fn began_earlier(test: &TestDb, id: CheckoutId, minutes: i32) {
    test.sql(&format!(
        "update holdfast.checkouts set created_at
            = (created_at at time zone 'UTC' - interval '{minutes} minutes') at time zone 'UTC' \
         where checkout_id = '{id}'"
    ))
    .await;
}

/// Scenario 7. Promise 6: a cart is all or nothing.
#[tokio::test]
async fn lines_of_one_sku_are_merged_before_anything_is_checked() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let refused = test.begin(new_id(), &[("A", 3), ("A", 3)]).await;
    assert_eq!(shortages(refused), [shortage("A", 6, 5)]);
    assert_eq!(test.level("A").await, (5, 0, 1));
    let Ok(Begun::Placed(placed)) = test.begin(new_id(), &[("A", 3), ("A", 2)]).await else {
        panic!("not placed")
    };
    assert_eq!(placed.lines.len(), 1);
    assert_eq!(placed.total_minor, 5 * PRICE_MINOR);
    test.assert_promises_hold().await;
}

async fn fifty_identical_begins(test: &TestDb) -> Vec<Begun> {
    let (db, request) = (test.pool(50), begin_request(new_id(), &[("A", 1)]));
    at_once(50, |_| {
        let (db, request) = (db.clone(), request.clone());
        async move { checkout::begin(&db, &request).await.unwrap() }
    })
    .await
}

/// Scenario 8. Promise 7: same id, same request: same answer, one effect.
#[tokio::test]
async fn fifty_identical_begins_of_the_last_unit_place_one_hold_and_get_equal_answers() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let answers = fifty_identical_begins(&test).await;
    let placed = |begun: &&Begun| matches!(begun, Begun::Placed(_));
    assert_eq!(answers.iter().filter(placed).count(), 1);
    let mut answers = answers
        .into_iter()
        .map(|begun| timeless(checkout_of(begun)));
    let first = answers.next().unwrap();
    assert!(answers.all(|answer| answer == first));
    assert_eq!(test.level("A").await, (1, 1, 2));
    assert_eq!(test.count("select count(*) from holdfast.holds").await, 1);
    test.assert_promises_hold().await;
}

/// Scenario 8, the worst case: the first request commits after its retry has read that there is no
/// checkout, and before the retry reads the stock.
#[tokio::test]
async fn a_retry_is_never_refused_for_the_unit_that_it_holds() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (first, id) = (test.held(&[("A", 1)]).await, new_id());
    // The retry is under way when the first request gets its id.
    let commit = test
        .block(&format!(
            "set local session_replication_role = replica;
            lock table holdfast.skus;
            update holdfast.checkouts set checkout_id = '{id}' where checkout_id = '{first}';
            update holdfast.holds set checkout_id = '{id}' where checkout_id = '{first}'"
        ))
        .await;
    let retry = test.begin(id, &[("A", 1)]);
    let committed = async {
        test.until_waiting(1).await;
        commit.commit().await;
    };
    let retry = tokio::join!(retry, committed).0;
    assert!(matches!(retry, Ok(Begun::Same(_))), "{retry:?}");
    test.assert_promises_hold().await;
}

/// Negative control of scenario 8: the key of the checkout makes one hold of fifty.
#[tokio::test]
async fn without_the_key_each_retry_would_place_its_own_hold() {
    for (with_key, held) in [(true, 1), (false, 50)] {
        let test = TestDb::new().await;
        test.sku("A", 99).await;
        if !with_key {
            for table in ["checkouts", "holds"] {
                test.sql(&format!(
                    "alter table holdfast.{table} drop constraint {table}_pkey cascade"
                ))
                .await;
            }
        }
        let answers = fifty_identical_begins(&test).await;
        let placed = |begun: &&Begun| matches!(begun, Begun::Placed(_));
        assert_eq!(answers.iter().filter(placed).count(), held);
        assert_eq!(usize::try_from(test.level("A").await.1), Ok(held));
    }
}

/// Scenario 9.
#[tokio::test]
async fn a_cart_grows_by_the_last_units_and_a_refusal_leaves_it_unchanged() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    test.sku("B", 1).await;
    let id = test.held(&[("A", 3), ("B", 1)]).await;
    let grown = checkout::begin(&test.db, &replace_request(id, 2, &[("A", 5)])).await;
    let Ok(Begun::Replaced(grown)) = grown else {
        panic!("{grown:?}")
    };
    assert_eq!(grown.revision, 2);
    assert_eq!(test.level("A").await, (5, 5, 3));
    assert_eq!(test.level("B").await, (1, 0, 3));

    let before = test.rows().await;
    let refused = checkout::begin(&test.db, &replace_request(id, 3, &[("A", 6), ("B", 2)])).await;
    assert_eq!(
        shortages(refused),
        [shortage("A", 6, 5), shortage("B", 2, 1)]
    );
    assert_eq!(test.rows().await, before);
    assert_eq!(timeless(read(&test, id).await), timeless(grown));
    test.assert_promises_hold().await;
}

/// Scenario 9, seen by others: the units that a smaller cart gives back are available at once.
#[tokio::test]
async fn a_smaller_cart_gives_back_the_difference() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let id = test.held(&[("A", 5)]).await;
    checkout::begin(&test.db, &replace_request(id, 2, &[("A", 2)]))
        .await
        .unwrap();
    test.held(&[("A", 3)]).await;
    assert_eq!(test.level("A").await, (5, 5, 4));
    test.assert_promises_hold().await;
}

/// Scenario 13. Promise 8: the database's clock decides.
#[tokio::test]
async fn no_caller_can_give_a_routine_the_time() {
    let test = TestDb::new().await;
    let takes_a_time = "
        select count(*) from pg_proc p cross join unnest(p.proargtypes) with ordinality a (type, n)
        where p.pronamespace = 'holdfast'::regnamespace and p.prorettype <> 'trigger'::regtype
            and exists (select from unnest('{checkout,payments,sweeper}'::text[]) r
                where has_function_privilege('holdfast_' || r, p.oid, 'execute'))
            and a.type in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
            and coalesce(p.proargmodes[a.n], 'i') = 'i'";
    assert_eq!(test.count(takes_a_time).await, 0);

    test.sku("A", 1).await;
    let before = test.clock().await;
    let request = Begin {
        hold: hold(60),
        ..begin_request(new_id(), &[("A", 1)])
    };
    let held = checkout_of(checkout::begin(&test.db, &request).await.unwrap());
    assert!(before <= held.server_time && held.server_time <= test.clock().await);
    assert_eq!(held.expires_at - held.server_time, Duration::from_secs(60));
    // Reads of the time are covered too. `no_answer_carries_the_clock_of_a_process` forbids the
    // clocks of processes.
    for (asked, known) in [("A", 1), ("NOWHERE", 0)] {
        let before = test.clock().await;
        let asked = [asked.parse().unwrap()];
        let shown = availability(&test.db, &shop(MAIN), &asked).await.unwrap();
        assert_eq!(shown.skus.len(), known);
        assert!(before <= shown.server_time && shown.server_time <= test.clock().await);
    }
}

/// Promise 8: an answer says `expired` as soon as the checkout is due, before any sweep.
#[tokio::test]
async fn a_due_checkout_reads_as_expired_before_any_sweep() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let id = test.held(&[("A", 1)]).await;
    assert_eq!(read(&test, id).await.status, "open");
    test.make_due(id).await;
    assert_eq!(read(&test, id).await.status, "expired");
    assert_eq!(test.level("A").await, (1, 1, 2));
    test.sweep().await;
    assert_eq!(read(&test, id).await.status, "expired");
    assert_eq!(test.level("A").await, (1, 0, 3));
}

/// Scenario 21. Promise 7: the same id with another request is a conflict.
#[tokio::test]
async fn an_id_with_another_cart_or_customer_is_a_conflict() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let id = test.held(&[("A", 1)]).await;
    let before = test.rows().await;
    let longer = Begin {
        hold: hold(300),
        ..begin_request(id, &[("A", 1)])
    };
    let stranger = Begin {
        customer: customer("d"),
        ..replace_request(id, 2, &[("A", 1)])
    };
    for other in [begin_request(id, &[("A", 2)]), longer, stranger] {
        let refused = checkout::begin(&test.db, &other).await;
        assert!(matches!(refused, Err(BeginError::Conflict)), "{refused:?}");
    }
    assert_eq!(test.rows().await, before);
}

/// Scenario 21. Another customer's checkout looks like a missing one.
#[tokio::test]
async fn another_customers_checkout_reads_as_missing() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let (id, _) = test.ordered(&[("A", 1)]).await;
    let before = test.rows().await;
    let (main, stranger) = (shop(MAIN), customer("d"));
    for id in [id, new_id()] {
        let stranger = Some(&stranger);
        let read = checkout::read(&test.db, &main, id, stranger).await;
        assert!(matches!(read, Ok(None)), "{read:?}");
        let extended = checkout::extend(&test.db, &main, id, stranger, None).await;
        assert!(
            matches!(extended, Err(ExtendError::NotFound)),
            "{extended:?}"
        );
        let released = checkout::release(&test.db, &main, id, stranger).await;
        assert!(
            matches!(released, Err(ReleaseError::NotFound)),
            "{released:?}"
        );
        let order = order::read(&test.db, &main, id, stranger).await;
        assert!(matches!(order, Ok(None)), "{order:?}");
        let ordered = order::Create {
            customer: stranger.cloned(),
            ..order_request(id)
        };
        let ordered = order::create(&test.db, &ordered).await;
        assert!(
            matches!(ordered, Err(order::CreateError::NotFound)),
            "{ordered:?}"
        );
    }
    assert_eq!(test.rows().await, before);
}

/// Promise 7: a late retry of an older cart never replaces a newer one.
#[tokio::test]
async fn a_late_retry_of_an_older_cart_is_stale_and_of_the_current_cart_is_the_same() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let id = test.held(&[("A", 1)]).await;
    let third = replace_request(id, 3, &[("A", 2)]);
    let replaced = checkout_of(checkout::begin(&test.db, &third).await.unwrap());
    let before = test.rows().await;

    for older in [1, 2] {
        let refused = checkout::begin(&test.db, &replace_request(id, older, &[("A", 2)])).await;
        assert!(
            matches!(refused, Err(BeginError::StaleRevision)),
            "{refused:?}"
        );
    }
    let again = checkout::begin(&test.db, &third).await.unwrap();
    assert!(matches!(again, Begun::Same(_)), "{again:?}");
    assert_eq!(timeless(checkout_of(again)), timeless(replaced));
    let other = checkout::begin(&test.db, &replace_request(id, 3, &[("A", 3)])).await;
    assert!(matches!(other, Err(BeginError::Conflict)), "{other:?}");
    assert_eq!(test.rows().await, before);
}

/// Promise 7: a retry shows the prices that the shopper was shown, whatever the catalogue says now.
#[tokio::test]
async fn a_retry_answers_with_the_prices_of_the_hold() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let id = new_id();
    let held = checkout_of(test.begin(id, &[("A", 2)]).await.unwrap());
    test.sql("select holdfast.sku_put('main', 'A', 'A dress', '{}', 99)")
        .await;
    let again = checkout_of(test.begin(id, &[("A", 2)]).await.unwrap());
    assert_eq!(timeless(again), timeless(held));
    assert_eq!(read(&test, id).await.total_minor, 2 * PRICE_MINOR);
}

#[tokio::test]
async fn a_cart_changes_only_while_its_checkout_is_open() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (ordered, _) = test.ordered(&[("A", 1)]).await;
    let released = test.held(&[("A", 1)]).await;
    release(&test, released).await.unwrap();
    let due = test.held(&[("A", 1)]).await;
    test.make_due(due).await;
    let before = test.rows().await;

    let refused = checkout::begin(&test.db, &replace_request(ordered, 2, &[("A", 2)])).await;
    assert!(matches!(refused, Err(BeginError::Ordered)), "{refused:?}");
    for ended in [released, due] {
        for revision in [1, 2] {
            let request = replace_request(ended, revision, &[("A", 1)]);
            let refused = checkout::begin(&test.db, &request).await;
            assert!(matches!(refused, Err(BeginError::Ended)), "{refused:?}");
        }
    }
    assert_eq!(test.rows().await, before);
}

/// Promise 6: a refusal names every shortage with the units available, and changes nothing.
#[tokio::test]
async fn a_refusal_names_every_shortage_with_what_is_available() {
    let test = TestDb::new().await;
    for (sku, units) in [("A", 1), ("B", 9), ("C", 3), ("D", 0)] {
        test.sku(sku, units).await;
    }
    test.held(&[("C", 1)]).await;
    let before = test.rows().await;
    let refused = test
        .begin(new_id(), &[("D", 1), ("C", 3), ("B", 9), ("A", 2)])
        .await;
    let expected = [
        shortage("A", 2, 1),
        shortage("C", 3, 2),
        shortage("D", 1, 0),
    ];
    assert_eq!(shortages(refused), expected);
    assert_eq!(test.rows().await, before);
}

#[tokio::test]
async fn a_refusal_lists_every_sku_that_is_unknown_or_not_on_sale() {
    let test = TestDb::new().await;
    for sku in ["A", "B", "C", "D"] {
        test.sku(sku, 9).await;
    }
    test.sql(
        "update holdfast.skus set sale_opens_at = now() + interval '1 hour' where sku = 'B';
         update holdfast.skus set sale_closes_at = now() where sku = 'C';
         update holdfast.skus set retired_at = now() where sku = 'D'",
    )
    .await;
    let before = test.rows().await;
    let refused = test
        .begin(new_id(), &[("A", 1), ("Y", 1), ("B", 1), ("X", 1)])
        .await;
    let Err(BeginError::UnknownSku(skus)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(skus, ["X", "Y"]);
    let refused = test
        .begin(new_id(), &[("A", 99), ("B", 1), ("C", 1), ("D", 1)])
        .await;
    let Err(BeginError::NotOnSale(skus)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(skus, ["B", "C", "D"]);
    let elsewhere = Begin {
        shop: shop("nowhere"),
        ..begin_request(new_id(), &[("A", 1)])
    };
    let refused = checkout::begin(&test.db, &elsewhere).await;
    assert!(
        matches!(refused, Err(BeginError::UnknownShop)),
        "{refused:?}"
    );
    assert_eq!(test.rows().await, before);
}

#[tokio::test]
async fn an_extension_stays_within_bounds_and_never_shortens_a_hold() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let id = new_id();
    let begun = checkout_of(test.begin(id, &[("A", 1)]).await.unwrap());
    assert_eq!(
        begun.expires_at - begun.server_time,
        Duration::from_secs(1200)
    );

    let shorter = extend(&test, id, hold(60)).await.unwrap();
    assert_eq!(shorter.expires_at, begun.expires_at);
    let longer = extend(&test, id, hold(1500)).await.unwrap();
    let (least, most) = (Duration::from_secs(1499), Duration::from_secs(1500));
    let left = longer.expires_at - longer.server_time;
    assert!(least < left && left <= most, "{left}");
    // never longer than 30 minutes after the beginning
    let last = begun.server_time + Duration::from_secs(1800);
    let longest = extend(&test, id, hold(1800)).await.unwrap();
    assert_eq!(longest.expires_at, last);
    let held_until = "select (h.expires_at = c.expires_at)::text
        from holdfast.holds h join holdfast.checkouts c using (shop, checkout_id)";
    assert_eq!(test.text(held_until).await, "true");

    began_earlier(&test, id, 29).await;
    assert_eq!(extend(&test, id, None).await.unwrap().expires_at, last);
    assert_eq!(test.level("A").await, (9, 1, 2));
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn only_an_open_checkout_is_extended() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (ordered, _) = test.ordered(&[("A", 1)]).await;
    let released = test.held(&[("A", 1)]).await;
    release(&test, released).await.unwrap();
    let due = test.held(&[("A", 1)]).await;
    test.make_due(due).await;
    let before = test.rows().await;
    let refused = extend(&test, ordered, None).await;
    assert!(matches!(refused, Err(ExtendError::Ordered)), "{refused:?}");
    for ended in [released, due] {
        let refused = extend(&test, ended, None).await;
        assert!(matches!(refused, Err(ExtendError::Ended)), "{refused:?}");
    }
    assert_eq!(test.rows().await, before);
}

#[tokio::test]
async fn a_hold_longer_than_the_shop_allows_is_refused() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    test.sku("B", 1).await;
    let asked = |seconds| Begin {
        hold: hold(seconds),
        ..begin_request(new_id(), &[("A", 1)])
    };
    let refused = checkout::begin(&test.db, &asked(1801)).await;
    assert!(
        matches!(refused, Err(BeginError::HoldTooLong)),
        "{refused:?}"
    );
    assert!(checkout::begin(&test.db, &asked(1800)).await.is_ok());
    let id = test.held(&[("B", 1)]).await;
    let before = test.rows().await;
    for seconds in [1801, 86_400] {
        let refused = extend(&test, id, hold(seconds)).await;
        assert!(
            matches!(refused, Err(ExtendError::HoldTooLong)),
            "{refused:?}"
        );
    }
    assert_eq!(test.rows().await, before);
    // Each shop has its own limit.
    test.sql("update holdfast.shops set hold_s_max = 3600")
        .await;
    assert!(extend(&test, id, hold(3600)).await.is_ok());
}

/// Promise 3: a hold resolves once, however often it is released.
#[tokio::test]
async fn a_release_gives_back_once_and_a_second_one_gets_the_same_answer() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let id = test.held(&[("A", 2)]).await;
    let db = test.pool(10);
    let answers = at_once(10, |_| {
        let db = db.clone();
        async move { checkout::release(&db, &shop(MAIN), id, None).await.unwrap() }
    })
    .await;
    let first = timeless(answers[0].clone());
    assert_eq!(first.status, "released");
    assert!(answers.into_iter().all(|answer| timeless(answer) == first));
    assert_eq!(test.level("A").await, (5, 0, 3));
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_release_cancels_an_order_but_never_a_paid_one() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    let (id, _) = test.ordered(&[("A", 2)]).await;
    assert_eq!(release(&test, id).await.unwrap().status, "released");
    let order = order::read(&test.db, &shop(MAIN), id, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(order.status, "cancelled");
    assert_eq!(test.level("A").await, (5, 0, 3));

    let paid = test.held(&[("A", 1)]).await;
    let offline = order::Create {
        method: order::PaymentMethod::Offline,
        ..order_request(paid)
    };
    order::create(&test.db, &offline).await.unwrap();
    let before = test.rows().await;
    let refused = release(&test, paid).await;
    assert!(matches!(refused, Err(ReleaseError::Paid)), "{refused:?}");
    let expired = test.held(&[("A", 1)]).await;
    test.expire(expired).await;
    assert_eq!(release(&test, expired).await.unwrap().status, "expired");
    assert_eq!(before["orders"], test.rows().await["orders"]);
    test.assert_promises_hold().await;
}

/// The caller sorts the lines, which gives the lock order. The routine refuses any other order.
#[tokio::test]
async fn unsorted_or_unmerged_lines_are_refused() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    test.sku("B", 5).await;
    for skus in ["{B,A}", "{A,A}"] {
        let call = format!(
            "call holdfast.checkout_begin('main', '{}', 'c', 1, '', null, '{skus}', '{{1,1}}')",
            new_id()
        );
        let error = test.owner.batch_execute(&call).await.unwrap_err();
        let code = error.code().unwrap();
        assert_eq!(
            code,
            &tokio_postgres::error::SqlState::INVALID_PARAMETER_VALUE
        );
    }
    let merged = cart(&[("B", 1), ("A", 1), ("B", 1)]);
    let skus: Vec<_> = merged.lines().map(|(sku, _)| sku.as_str()).collect();
    assert_eq!(skus, ["A", "B"]);
    assert_eq!(test.level("A").await, (5, 0, 1));
}
