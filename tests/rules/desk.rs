//! The seat desk: dispatchers who book, change and cancel parties at once.

use std::sync::Arc;

use operations::checkout::Shortage;
use operations::order::{self, AmendError, Amended, BookError, Booked, CancelError, DeskOrder};
use serde_json::json;
use tests::desk::{Desk, actor, amend_request, book_request, booked_order, restock_request};
use tests::orders::price;
use tests::{MAIN, PRICE_MINOR, TestDb, at_once, new_id, shop};
use time::OffsetDateTime;

fn lines(order: &DeskOrder) -> Vec<(&str, i32)> {
    let line = |line: &'_ operations::order::SoldLine| line.quantity;
    order
        .lines
        .iter()
        .map(|sold| (sold.sku.as_str(), line(sold)))
        .collect()
}

fn shortage(sku: &str, requested: i32, available: i32) -> Shortage {
    Shortage {
        sku: sku.to_owned(),
        requested,
        available,
    }
}

/// The order without the time at which it was shown.
fn timeless(order: DeskOrder) -> DeskOrder {
    DeskOrder {
        server_time: OffsetDateTime::UNIX_EPOCH,
        ..order
    }
}

/// Requirement Y5. Promise 1.
#[tokio::test]
async fn two_hundred_dispatchers_on_two_seats_sell_exactly_two() {
    let test = TestDb::new().await;
    test.sku("SEAT", 2).await;
    let desk = Arc::new(test.desk(50));
    let answers = at_once(200, |_| {
        let desk = Arc::clone(&desk);
        async move { desk.book(new_id(), &book_request(&[("SEAT", 1)])).await }
    })
    .await;
    let booked = answers
        .iter()
        .filter(|answer| matches!(answer, Ok(Booked::New(_))))
        .count();
    let sold_out = answers
        .iter()
        .filter(|answer| match answer {
            Err(BookError::Shortage(short)) => *short == [shortage("SEAT", 1, 0)],
            _ => false,
        })
        .count();
    assert_eq!((booked, sold_out), (2, 198));
    let (on_hand, held, _) = test.level("SEAT").await;
    assert_eq!((on_hand, held), (0, 0));
    assert_eq!(
        test.count("select count(*) from holdfast.orders").await,
        2,
        "a refusal leaves no order behind"
    );
    test.assert_promises_hold().await;
}

/// Negative control of the two seats, and the constraint behind the routine.
#[tokio::test]
async fn without_the_guard_dispatchers_would_sell_more_than_two_seats() {
    let test = TestDb::new().await;
    test.naive().await;
    test.sql("insert into naive.stock values ('SEAT', 2)").await;
    test.all_read_then_all_write(50, "call naive.book('SEAT')")
        .await;
    let left = "select on_hand::bigint from naive.stock";
    assert_eq!(test.count(left).await, -48);

    // On the real counters, below_held and then the constraint refuse the same routine: two seats
    // are sold, and their ledger rows name no order.
    test.sku("SEAT", 2).await;
    test.all_read_then_all_write(50, "call naive.book_level('SEAT')")
        .await;
    assert_eq!(test.level("SEAT").await.0, 0);
    assert_eq!(
        test.broken_promises().await,
        ["a_payment_changes_stock_once"; 2]
    );
    let by_hand = "update holdfast.stock_levels set on_hand = -1, version = version + 1";
    assert_eq!(test.refused_by(by_hand).await, "stock_never_oversold");
}

/// Promise 7.
#[tokio::test]
async fn fifty_identical_bookings_at_once_are_one_order() {
    let test = TestDb::new().await;
    test.sku("SEAT", 3).await;
    let desk = Arc::new(test.desk(25));
    let id = new_id();
    let answers = at_once(50, |_| {
        let desk = Arc::clone(&desk);
        async move { desk.book(id, &book_request(&[("SEAT", 3)])).await.unwrap() }
    })
    .await;
    let new = answers
        .iter()
        .filter(|answer| matches!(answer, Booked::New(_)))
        .count();
    assert_eq!(new, 1);
    let orders: Vec<DeskOrder> = answers
        .into_iter()
        .map(|answer| timeless(booked_order(answer)))
        .collect();
    assert!(orders.iter().all(|order| *order == orders[0]));
    let order = &orders[0];
    assert_eq!((order.status.as_str(), order.version), ("paid", 1));
    assert_eq!(order.placed_by.as_deref(), Some("d-1"));
    assert_eq!(order.total_minor, 3 * PRICE_MINOR);
    assert_eq!(test.level("SEAT").await.0, 0);
    let ledger = "select jsonb_agg(jsonb_build_array(m.reason, m.delta, m.actor, m.reference)
            order by m.version)
        from holdfast.stock_movements m where m.reason <> 'received'";
    let sold = json!([["sold", -3, "d-1", order.payment.reference]]);
    assert_eq!(test.json(ledger).await, sold);
    test.assert_promises_hold().await;
}

/// Promise 7: an id in use for anything else is a conflict, and nothing changes.
#[tokio::test]
async fn a_booking_id_in_use_for_another_request_is_a_conflict() {
    let test = TestDb::new().await;
    test.sku("SEAT", 9).await;
    let desk = test.desk(2);
    let id = new_id();
    let request = book_request(&[("SEAT", 2)]);
    desk.book(id, &request).await.unwrap();
    let storefront = test.held(&[("SEAT", 2)]).await;
    let before = test.rows().await;
    let other = order::Book {
        customer: "other".parse().unwrap(),
        ..request.clone()
    };
    for (id, dispatcher, other) in [
        (id, "d-1", &book_request(&[("SEAT", 3)])),
        (storefront, "d-1", &request),
        (id, "d-9", &request),
        (id, "d-1", &other),
    ] {
        let refused = order::book(&desk.0, &shop(MAIN), id, &actor(dispatcher), other).await;
        assert!(matches!(refused, Err(BookError::Conflict)), "{refused:?}");
    }
    assert_eq!(test.rows().await, before);
    test.assert_promises_hold().await;
}

/// Promise 6: every line or none, and every shortage by name.
#[tokio::test]
async fn a_refused_booking_names_every_shortage_and_holds_nothing() {
    let test = TestDb::new().await;
    for (sku, units) in [("A", 5), ("B", 1), ("C", 0), ("CLOSED", 5)] {
        test.sku(sku, units).await;
    }
    test.sql("update holdfast.skus set sale_closes_at = now() where sku = 'CLOSED'")
        .await;
    let desk = test.desk(1);
    let before = test.rows().await;
    let refused = desk
        .book(new_id(), &book_request(&[("C", 1), ("A", 5), ("B", 2)]))
        .await;
    let Err(BookError::Shortage(short)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(short, [shortage("B", 2, 1), shortage("C", 1, 0)]);
    let refused = desk
        .book(new_id(), &book_request(&[("A", 1), ("CLOSED", 1)]))
        .await;
    let Err(BookError::NotOnSale(skus)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(skus, ["CLOSED"]);
    let refused = desk
        .book(new_id(), &book_request(&[("A", 1), ("NONE", 1)]))
        .await;
    let Err(BookError::UnknownSku(skus)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(skus, ["NONE"]);
    assert_eq!(test.rows().await, before);
}

/// A coupon that is refused after the hold is placed takes the hold back.
#[tokio::test]
async fn a_booking_with_a_coupon_has_both_or_neither() {
    let test = TestDb::new().await;
    test.sku("SEAT", 4).await;
    test.sql("select holdfast.coupon_put('main', 'TEN', 'percent', 1000, 0, null, null, 1)")
        .await;
    let desk = test.desk(1);
    let with_coupon = order::Book {
        coupon: Some("TEN".parse().unwrap()),
        ..book_request(&[("SEAT", 2)])
    };
    let booked = desk.book(new_id(), &with_coupon).await.unwrap();
    assert_eq!(booked_order(booked).discount_minor, PRICE_MINOR / 5);
    let before = test.rows().await;
    let refused = desk.book(new_id(), &with_coupon).await;
    assert!(
        matches!(
            refused,
            Err(BookError::Coupon(order::CouponRefusal::UsedUp))
        ),
        "{refused:?}"
    );
    assert_eq!(test.rows().await, before);
    test.assert_promises_hold().await;
}

/// Promise 8, at the desk.
#[tokio::test]
async fn due_holds_never_stop_a_booking() {
    let test = TestDb::new().await;
    test.sku("SEAT", 2).await;
    let abandoned = test.held(&[("SEAT", 1)]).await;
    let desk = test.desk(1);
    let order = desk.booked(&[("SEAT", 1)]).await;
    assert!(desk.amend(&order, &[("SEAT", 2)]).await.is_err());
    test.make_due(abandoned).await;
    let order = desk.amend(&order, &[("SEAT", 2)]).await.unwrap();
    desk.cancel(&order).await.unwrap();
    let abandoned = test.held(&[("SEAT", 2)]).await;
    test.make_due(abandoned).await;
    desk.booked(&[("SEAT", 2)]).await;
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_party_grows_by_the_last_seats() {
    let test = TestDb::new().await;
    test.sku("SEAT", 6).await;
    let desk = test.desk(1);
    let order = desk.booked(&[("SEAT", 4)]).await;
    let before = test.rows().await;
    let refused = desk.amend(&order, &[("SEAT", 7)]).await;
    let Err(AmendError::Shortage(short)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(short, [shortage("SEAT", 7, 6)]);
    assert_eq!(test.rows().await, before);
    let grown = desk.amend(&order, &[("SEAT", 6)]).await.unwrap();
    assert_eq!((lines(&grown), grown.version), (vec![("SEAT", 6)], 2));
    assert_eq!(grown.total_minor, 6 * PRICE_MINOR);
    assert_eq!(grown.payment.amount_minor, 6 * PRICE_MINOR);
    assert_eq!(test.level("SEAT").await.0, 0);
    let shrunk = desk.amend(&grown, &[("SEAT", 1)]).await.unwrap();
    assert_eq!(shrunk.total_minor, PRICE_MINOR);
    assert_eq!(test.level("SEAT").await.0, 5);
    let ledger = "select jsonb_agg(jsonb_build_array(m.reason, m.delta, m.actor)
            order by m.version)
        from holdfast.stock_movements m where m.reference = '";
    let moved = json!([
        ["sold", -4, "d-1"],
        ["sold", -2, "d-2"],
        ["returned", 5, "d-2"]
    ]);
    let ledger = format!("{ledger}{}'", order.payment.reference);
    assert_eq!(test.json(&ledger).await, moved);
    test.assert_promises_hold().await;
}

/// Both departures change, or neither.
#[tokio::test]
async fn a_move_to_a_full_departure_changes_nothing() {
    let test = TestDb::new().await;
    test.sku("MAY", 5).await;
    test.sku("JUNE", 3).await;
    let desk = test.desk(1);
    let order = desk.booked(&[("MAY", 4)]).await;
    let before = test.rows().await;
    let refused = desk.amend(&order, &[("JUNE", 4)]).await;
    let Err(AmendError::Shortage(short)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(short, [shortage("JUNE", 4, 3)]);
    assert_eq!(test.rows().await, before);
    let moved = desk.amend(&order, &[("JUNE", 3)]).await.unwrap();
    assert_eq!(lines(&moved), [("JUNE", 3)]);
    assert_eq!(test.level("MAY").await.0, 5);
    assert_eq!(test.level("JUNE").await.0, 0);
    test.assert_promises_hold().await;
}

/// A seat that the party keeps has its old price; a new seat has the catalogue's.
#[tokio::test]
async fn an_old_seat_keeps_its_price_and_a_new_seat_has_the_catalogues() {
    let test = TestDb::new().await;
    test.sku("MAY", 9).await;
    test.sku("JUNE", 9).await;
    let desk = test.desk(1);
    let order = desk.booked(&[("MAY", 2)]).await;
    price(&test, "MAY", 7).await;
    price(&test, "JUNE", 5).await;
    let order = desk
        .amend(&order, &[("MAY", 3), ("JUNE", 1)])
        .await
        .unwrap();
    assert_eq!(order.total_minor, 3 * PRICE_MINOR + 5);
    assert_eq!(order.subtotal_minor, order.total_minor);
    assert_eq!(order.payment.amount_minor, order.total_minor);
    test.assert_promises_hold().await;
}

/// Moves in both directions at once. Their control is
/// `locking_in_the_order_of_the_cart_would_deadlock` in no_oversell.rs.
#[tokio::test]
async fn parties_that_swap_departures_at_once_never_deadlock() {
    let test = TestDb::new().await;
    test.sku("A", 60).await;
    test.sku("B", 60).await;
    let before = test.deadlocks().await;
    let desk = Arc::new(test.desk(40));
    let mut orders = Vec::new();
    for n in 0..80 {
        let sku = ["A", "B"][n % 2];
        orders.push(desk.booked(&[(sku, 1)]).await);
    }
    let orders = Arc::new(orders);
    let moved = at_once(80, |n| {
        let (desk, orders) = (Arc::clone(&desk), Arc::clone(&orders));
        let to = ["B", "A"][n % 2];
        async move { desk.amend(&orders[n], &[(to, 1)]).await }
    })
    .await;
    for order in moved {
        order.unwrap();
    }
    drop(desk);
    assert_eq!(test.deadlocks().await, before);
    assert_eq!(test.level("A").await.0, 20);
    assert_eq!(test.level("B").await.0, 20);
    test.assert_promises_hold().await;
}

/// Promise 9, for bookings.
#[tokio::test]
async fn one_of_twenty_changes_of_one_version_counts_and_the_others_get_the_current_order() {
    let test = TestDb::new().await;
    test.sku("SEAT", 99).await;
    let desk = Arc::new(test.desk(20));
    let order = Arc::new(desk.booked(&[("SEAT", 1)]).await);
    let answers = at_once(20, |n| {
        let (desk, order) = (Arc::clone(&desk), Arc::clone(&order));
        let seats = i64::try_from(n).unwrap() + 2;
        async move { desk.amend(&order, &[("SEAT", seats)]).await }
    })
    .await;
    let (changed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((changed.len(), refused.len()), (1, 19));
    let winner = timeless(changed.into_iter().next().unwrap().unwrap());
    for refusal in refused {
        let Err(AmendError::Stale(current)) = refusal else {
            panic!("{refusal:?}")
        };
        assert_eq!(timeless(*current), winner);
    }
    assert_eq!(winner.version, 2);
    // The retry of the successful change carries the old version. It is no conflict.
    let seats = i64::from(winner.lines[0].quantity);
    let (id, again) = (
        winner.checkout_id.into(),
        amend_request(1, &[("SEAT", seats)]),
    );
    let again = order::amend(&desk.0, &shop(MAIN), id, &actor("d-2"), &again).await;
    assert!(matches!(again, Ok(Amended::Same(_))), "{again:?}");
    test.assert_promises_hold().await;
}

/// Negative control of the order's version.
#[tokio::test]
async fn without_the_version_nineteen_changes_would_be_lost_silently() {
    let test = TestDb::new().await;
    test.naive().await;
    test.sql("insert into naive.stock values ('SEAT', 99, 1)")
        .await;
    test.all_read_then_all_write(20, "call naive.amend('SEAT')")
        .await;
    assert_eq!(test.count("select held::bigint from naive.stock").await, 2);
}

/// Each reason why an order can't be changed. The attempt changes nothing.
#[tokio::test]
async fn an_order_not_of_the_desk_or_ended_is_not_changed() {
    let test = TestDb::new().await;
    for sku in ["A", "B", "CLOSED", "RETIRED"] {
        test.sku(sku, 9).await;
    }
    test.sql("select holdfast.coupon_put('main', 'TEN', 'percent', 1000, 0, null, null, 5)")
        .await;
    let desk = test.desk(1);
    let (online, _) = test.ordered(&[("A", 1)]).await;
    let cancelled = desk.booked(&[("A", 1)]).await;
    desk.cancel(&cancelled).await.unwrap();
    let with_coupon = order::Book {
        coupon: Some("TEN".parse().unwrap()),
        ..book_request(&[("A", 1)])
    };
    let discounted = new_id();
    desk.book(discounted, &with_coupon).await.unwrap();
    let two = desk.booked(&[("CLOSED", 2), ("RETIRED", 2)]).await;
    test.sql(
        "update holdfast.skus set sale_closes_at = now() where sku = 'CLOSED';
         update holdfast.skus set retired_at = now() where sku = 'RETIRED'",
    )
    .await;
    let before = test.rows().await;
    let id = two.checkout_id.into();
    let tries: [(_, &[(&str, i64)], &str); 8] = [
        (new_id(), &[("A", 2)], "NotFound"),
        (online, &[("A", 2)], "NotOffline"),
        (cancelled.checkout_id.into(), &[("A", 2)], "Ended"),
        (discounted, &[("A", 2)], "HasCoupon"),
        (id, &[("A", 1), ("NONE", 1)], "UnknownSku([\"NONE\"])"),
        (id, &[("CLOSED", 3)], "NotOnSale([\"CLOSED\"])"),
        (id, &[("RETIRED", 3)], "NotOnSale([\"RETIRED\"])"),
        (id, &[("B", 10)], "Shortage("),
    ];
    for (id, lines, refusal) in tries {
        let amend = amend_request(1, lines);
        let refused = order::amend(&desk.0, &shop(MAIN), id, &actor("d-2"), &amend).await;
        let error = format!("{:?}", refused.unwrap_err());
        assert!(error.starts_with(refusal), "{refusal}: {error}");
    }
    for (id, refusal) in [(new_id(), "NotFound"), (online, "NotOffline")] {
        let refused = order::cancel(&desk.0, &shop(MAIN), id, &actor("d-3"), None).await;
        assert_eq!(format!("{:?}", refused.unwrap_err()), refusal);
    }
    assert_eq!(test.rows().await, before);
    // A closed sale still allows a party to give seats back, and to move away.
    let one = desk
        .amend(&two, &[("CLOSED", 1), ("RETIRED", 2)])
        .await
        .unwrap();
    let away = desk.amend(&one, &[("B", 1)]).await.unwrap();
    // and to move back, to as many seats as it had; a booking of more stays refused
    for more in [&[("CLOSED", 3)][..], &[("RETIRED", 3)]] {
        let refused = desk.amend(&away, more).await;
        assert!(
            matches!(refused, Err(AmendError::NotOnSale(_))),
            "{refused:?}"
        );
    }
    let back = desk
        .amend(&away, &[("CLOSED", 2), ("RETIRED", 2)])
        .await
        .unwrap();
    assert_eq!(back.total_minor, 4 * PRICE_MINOR);
    let returned = restock_request(&[("CLOSED", 2)]);
    desk.restock(back.order_id, &returned).await.unwrap();
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn twenty_cancellations_at_once_give_the_seats_back_once() {
    let test = TestDb::new().await;
    test.sku("SEAT", 5).await;
    let desk = Arc::new(test.desk(20));
    let order = Arc::new(desk.booked(&[("SEAT", 3)]).await);
    let answers = at_once(20, |_| {
        let (desk, order) = (Arc::clone(&desk), Arc::clone(&order));
        async move { timeless(desk.cancel(&order).await.unwrap()) }
    })
    .await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(answers[0].status, "cancelled");
    assert_eq!(answers[0].lines[0].returned, 3);
    assert_eq!(test.level("SEAT").await.0, 5);
    // The same booking id again is the same request: it gets the same, ended order.
    let again = desk
        .book(order.checkout_id.into(), &book_request(&[("SEAT", 3)]))
        .await;
    assert_eq!(booked_order(again.unwrap()).status, "cancelled");
    assert_eq!(test.level("SEAT").await.0, 5);
    test.assert_promises_hold().await;
}

/// Negative control of the cancellation.
#[tokio::test]
async fn without_the_lock_a_seat_would_be_given_back_for_each_cancellation() {
    let test = TestDb::new().await;
    test.naive().await;
    test.sql(
        "insert into naive.stock values ('SEAT', 0); insert into naive.checkouts values ('1')",
    )
    .await;
    test.all_read_then_all_write(20, "call naive.cancel('1', 'SEAT')")
        .await;
    let left = "select on_hand::bigint from naive.stock";
    assert_eq!(test.count(left).await, 20);
}

/// A change and a cancellation, in both orders: in the end the order is cancelled and every seat is
/// back.
#[tokio::test]
async fn a_change_and_a_cancellation_at_once_give_every_seat_back() {
    let test = TestDb::new().await;
    test.sku("SEAT", 100).await;
    let desk = Arc::new(test.desk(40));
    let mut orders = Vec::new();
    for _ in 0..20 {
        orders.push(desk.booked(&[("SEAT", 2)]).await);
    }
    let orders = Arc::new(orders);
    let ends = at_once(40, |n| {
        let (desk, orders) = (Arc::clone(&desk), Arc::clone(&orders));
        async move {
            if n % 2 == 0 {
                return desk.cancel(&orders[n / 2]).await.is_ok();
            }
            let amended = desk.amend(&orders[n / 2], &[("SEAT", 4)]).await;
            matches!(amended, Ok(_) | Err(AmendError::Ended))
        }
    })
    .await;
    assert!(ends.into_iter().all(|right| right));
    let cancelled = "select count(*) from holdfast.orders where status = 'cancelled'";
    assert_eq!(test.count(cancelled).await, 20);
    assert_eq!(test.level("SEAT").await.0, 100);
    test.assert_promises_hold().await;
}

async fn cancel_waits_for(test: &TestDb, desk: &Desk, order: &DeskOrder) -> DeskOrder {
    let blocker = test
        .block(&format!(
            "select o_outcome from holdfast.order_amend_attempt(
                'main', '{}', 1, 'd-2', '{{SEAT}}', '{{5}}', true)",
            order.checkout_id
        ))
        .await;
    let decided = async {
        test.until_waiting(1).await;
        blocker.commit().await;
    };
    let (cancelled, ()) = tokio::join!(desk.cancel(order), decided);
    cancelled.unwrap()
}

/// A cancellation that waits for a change gives back the seats that the change left.
#[tokio::test]
async fn a_cancellation_behind_a_change_gives_back_the_seats_it_left() {
    let test = TestDb::new().await;
    test.sku("SEAT", 5).await;
    let desk = test.desk(1);
    let order = desk.booked(&[("SEAT", 2)]).await;
    let cancelled = cancel_waits_for(&test, &desk, &order).await;
    assert_eq!(lines(&cancelled), [("SEAT", 5)]);
    assert_eq!((cancelled.version, test.level("SEAT").await.0), (3, 5));
    assert!(matches!(
        desk.amend(&cancelled, &[("SEAT", 1)]).await,
        Err(AmendError::Ended)
    ));
    let online = test.ordered(&[("SEAT", 1)]).await.1;
    let order = DeskOrder {
        checkout_id: online.checkout_id,
        ..order
    };
    assert!(matches!(
        desk.cancel(&order).await,
        Err(CancelError::NotOffline)
    ));
    test.assert_promises_hold().await;
}
