//! Restocks: returned goods go back on the shelf once, and never more than were sold.

use std::sync::Arc;

use operations::ids::ReturnId;
use operations::order::{DeskOrder, Excess, Order, Restock, RestockError, Restocked};
use operations::payment::EventKind;
use tests::desk::restock_request;
use tests::{TestDb, at_once, event, new_id};
use uuid::Uuid;

/// An order of the storefront, paid by a webhook.
async fn paid_online(test: &TestDb, lines: &[(&str, i64)]) -> Order {
    let (_, order) = test.ordered(lines).await;
    let paid = event(&order, EventKind::Paid, &Uuid::new_v4().to_string());
    test.record(&paid).await.unwrap();
    order
}

fn order_of(restocked: Restocked) -> DeskOrder {
    match restocked {
        Restocked::New(order) | Restocked::Same(order) => order,
    }
}

/// Scenario 12. Three events and a manual restock, in any order: the goods come back once.
#[tokio::test]
async fn three_refund_events_and_a_manual_restock_return_the_goods_once() {
    let test = TestDb::new().await;
    test.sku("A", 100).await;
    let desk = Arc::new(test.desk(8));
    for _ in 0..20 {
        let order = paid_online(&test, &[("A", 2)]).await;
        let before = test.level("A").await.0;
        let refund = restock_request(&[("A", 2)]);
        let manual = restock_request(&[("A", 2)]);
        let requests = Arc::new([refund.clone(), refund.clone(), refund, manual]);
        let answers = at_once(4, |n| {
            let (desk, requests) = (Arc::clone(&desk), Arc::clone(&requests));
            let order_id = order.order_id;
            async move { desk.restock(order_id, &requests[n]).await }
        })
        .await;
        let new = |answer: &&Result<_, _>| matches!(answer, Ok(Restocked::New(_)));
        assert_eq!(answers.iter().filter(new).count(), 1, "{answers:?}");
        for answer in answers {
            match answer {
                Ok(restocked) => assert_eq!(order_of(restocked).lines[0].returned, 2),
                Err(RestockError::TooMany(excess)) => assert_eq!(excess[0].returnable, 0),
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(test.level("A").await.0, before + 2);
    }
    test.assert_promises_hold().await;
}

/// On an oversold level, returned goods are neither refused nor lost: the order and the ledger
/// agree.
#[tokio::test]
async fn goods_come_back_to_an_oversold_sku_with_their_row_in_the_ledger() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let sold = paid_online(&test, &[("A", 2)]).await;
    let desk = test.desk(1);
    let booked = desk.booked(&[("A", 1)]).await;
    test.held(&[("A", 6)]).await;
    test.sql("alter table holdfast.stock_levels drop constraint stock_never_oversold")
        .await;
    test.corrupt(
        "update holdfast.stock_levels set on_hand = 1, version = version + 1;
         insert into holdfast.stock_movements (shop, sku, version, delta, on_hand_after, reason,
            actor, created_at)
         select shop, sku, version, -5, 1, 'missing', 'owner', now() from holdfast.stock_levels",
    )
    .await;
    let back = restock_request(&[("A", 2)]);
    desk.restock(sold.order_id, &back).await.unwrap();
    assert_eq!(test.level("A").await.0, 3);
    desk.cancel(&booked).await.unwrap();
    assert_eq!(test.level("A").await.0, 4);
    assert_eq!(test.broken_promises().await, ["never_oversold"]);
}

/// Each return has its own id. Together they never return more than was sold.
#[tokio::test]
async fn twenty_restocks_at_once_never_return_more_than_was_sold() {
    let test = TestDb::new().await;
    test.sku("A", 7).await;
    let order = paid_online(&test, &[("A", 7)]).await;
    let desk = Arc::new(test.desk(20));
    let answers = at_once(20, |_| {
        let desk = Arc::clone(&desk);
        let (order_id, request) = (order.order_id, restock_request(&[("A", 1)]));
        async move { desk.restock(order_id, &request).await }
    })
    .await;
    let back = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(back, 7);
    assert_eq!(test.level("A").await.0, 7);
    let too_much = "update holdfast.order_lines set returned = returned + 1";
    assert_eq!(
        test.refused_by(too_much).await,
        "order_line_returns_no_more_than_was_sold"
    );
    test.assert_promises_hold().await;
}

/// Negative control of the restocks.
#[tokio::test]
async fn without_the_lock_restocks_would_return_more_than_was_sold() {
    let test = TestDb::new().await;
    test.naive().await;
    test.sql("insert into naive.stock values ('A', 0, 7)").await;
    test.all_read_then_all_write(20, "call naive.restock('A')")
        .await;
    let back = "select on_hand::bigint from naive.stock";
    assert_eq!(test.count(back).await, 20);
}

#[tokio::test]
async fn a_refused_restock_names_every_excessive_line_and_returns_nothing() {
    let test = TestDb::new().await;
    for sku in ["A", "B", "C"] {
        test.sku(sku, 9).await;
    }
    let order = paid_online(&test, &[("A", 2), ("B", 3)]).await;
    let desk = test.desk(1);
    let part = desk
        .restock(order.order_id, &restock_request(&[("B", 2)]))
        .await
        .unwrap();
    assert_eq!(order_of(part).lines[1].returned, 2);
    let before = test.rows().await;
    let refused = desk
        .restock(
            order.order_id,
            &restock_request(&[("A", 1), ("B", 2), ("C", 1)]),
        )
        .await;
    let Err(RestockError::TooMany(excess)) = refused else {
        panic!("{refused:?}")
    };
    let line = |sku: &str, requested, returnable| Excess {
        sku: sku.to_owned(),
        requested,
        returnable,
    };
    assert_eq!(excess, [line("B", 2, 1), line("C", 1, 0)]);
    assert_eq!(test.rows().await, before);
    test.assert_promises_hold().await;
}

/// Promise 7, for returns.
#[tokio::test]
async fn a_return_id_in_use_for_another_request_is_a_conflict() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let one = paid_online(&test, &[("A", 2)]).await;
    let two = paid_online(&test, &[("A", 2)]).await;
    let desk = test.desk(4);
    let first = restock_request(&[("A", 1)]);
    let new = desk.restock(one.order_id, &first).await;
    assert!(matches!(new, Ok(Restocked::New(_))), "{new:?}");
    let before = test.rows().await;
    let again = desk.restock(one.order_id, &first).await;
    assert!(matches!(again, Ok(Restocked::Same(_))), "{again:?}");
    let more = Restock {
        lines: tests::cart(&[("A", 2)]),
        ..first.clone()
    };
    for (order_id, other) in [(one.order_id, more), (two.order_id, first)] {
        let refused = desk.restock(order_id, &other).await;
        assert!(
            matches!(refused, Err(RestockError::Conflict)),
            "{refused:?}"
        );
    }
    assert_eq!(test.rows().await, before);
    assert_eq!(
        test.refused_by("delete from holdfast.order_restocks").await,
        "restock_is_history"
    );
    test.assert_promises_hold().await;
}

/// One id for two orders at once: one of them gets it.
#[tokio::test]
async fn one_of_two_orders_with_one_return_id_is_restocked() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let one = paid_online(&test, &[("A", 2)]).await;
    let two = paid_online(&test, &[("A", 2)]).await;
    let desk = Arc::new(test.desk(2));
    let return_id = ReturnId::from(Uuid::new_v4());
    let answers = at_once(2, |n| {
        let desk = Arc::clone(&desk);
        let request = Restock {
            return_id,
            ..restock_request(&[("A", 2)])
        };
        let order_id = [one.order_id, two.order_id][n];
        async move { desk.restock(order_id, &request).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(test.level("A").await.0, 7);
    test.assert_promises_hold().await;
}

/// Units that were not sold can't come back.
#[tokio::test]
async fn an_unsold_order_is_not_restocked() {
    let test = TestDb::new().await;
    for sku in ["A", "GONE"] {
        test.sku(sku, 9).await;
    }
    let (_, awaiting) = test.ordered(&[("A", 1)]).await;
    let (expired, order) = test.ordered(&[("A", 1)]).await;
    test.expire(expired).await;
    let (gone, owed) = test.ordered(&[("GONE", 1)]).await;
    test.expire(gone).await;
    test.held(&[("GONE", 9)]).await;
    test.record(&event(&owed, EventKind::Paid, "late"))
        .await
        .unwrap();
    let desk = test.desk(1);
    let before = test.rows().await;
    for (order_id, sku) in [
        (awaiting.order_id, "A"),
        (order.order_id, "A"),
        (owed.order_id, "GONE"),
    ] {
        let refused = desk.restock(order_id, &restock_request(&[(sku, 1)])).await;
        assert!(matches!(refused, Err(RestockError::NotSold)), "{refused:?}");
    }
    let nobodys = *new_id().as_uuid();
    let refused = desk.restock(nobodys, &restock_request(&[("A", 1)])).await;
    assert!(
        matches!(refused, Err(RestockError::NotFound)),
        "{refused:?}"
    );
    assert_eq!(test.rows().await, before);
    test.assert_promises_hold().await;
}

/// A restock and the desk's changes agree about the units that a booking has left.
#[tokio::test]
async fn restocked_units_are_not_given_back_again_by_a_change_or_a_cancellation() {
    let test = TestDb::new().await;
    test.sku("SEAT", 10).await;
    let desk = test.desk(1);
    let order = desk.booked(&[("SEAT", 4)]).await;
    let back = restock_request(&[("SEAT", 1)]);
    let restocked = order_of(desk.restock(order.order_id, &back).await.unwrap());
    assert_eq!(restocked.version, 2);
    // a clerk who has not seen the restock gets the current order
    assert!(desk.amend(&order, &[("SEAT", 4)]).await.is_err());
    let three = desk.amend(&restocked, &[("SEAT", 3)]).await.unwrap();
    assert_eq!((three.lines[0].quantity, three.lines[0].returned), (3, 0));
    assert_eq!(three.total_minor, 3 * tests::PRICE_MINOR);
    assert_eq!(test.level("SEAT").await.0, 7);
    let back = restock_request(&[("SEAT", 2)]);
    desk.restock(order.order_id, &back).await.unwrap();
    let cancelled = desk.cancel(&order).await.unwrap();
    assert_eq!(cancelled.lines[0].returned, 3);
    assert_eq!(test.level("SEAT").await.0, 10);
    let refused = desk
        .restock(order.order_id, &restock_request(&[("SEAT", 1)]))
        .await;
    assert!(
        matches!(refused, Err(RestockError::TooMany(_))),
        "{refused:?}"
    );
    test.assert_promises_hold().await;
}

/// Restocks, changes and cancellations of the same bookings at once: every seat comes back once.
#[tokio::test]
async fn restocks_changes_and_cancellations_at_once_break_no_promise() {
    let test = TestDb::new().await;
    test.sku("A", 60).await;
    test.sku("B", 60).await;
    let desk = Arc::new(test.desk(30));
    let mut orders = Vec::new();
    for _ in 0..10 {
        orders.push(desk.booked(&[("A", 2), ("B", 2)]).await);
    }
    let orders = Arc::new(orders);
    at_once(60, |n| {
        let (desk, orders) = (Arc::clone(&desk), Arc::clone(&orders));
        async move {
            let order = &orders[n / 6];
            match n % 6 {
                0 => desk.cancel(order).await.is_ok(),
                1 => desk.amend(order, &[("A", 5)]).await.is_ok(),
                2 => desk.amend(order, &[("A", 1), ("B", 3)]).await.is_ok(),
                _ => {
                    let request = restock_request(&[("A", 1), ("B", 1)]);
                    desk.restock(order.order_id, &request).await.is_ok()
                }
            }
        }
    })
    .await;
    for order in orders.iter() {
        desk.cancel(order).await.unwrap();
    }
    assert_eq!(test.level("A").await.0, 60);
    assert_eq!(test.level("B").await.0, 60);
    test.assert_promises_hold().await;
}
