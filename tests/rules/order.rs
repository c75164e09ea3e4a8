//! Orders: their total, address and coupon, and that a failure leaves nothing behind.

use operations::checkout::{self, BeginError, ExtendError, Shortage};
use operations::ids::CheckoutId;
use operations::order::{self, Create, CreateError, Created, Order, PaymentMethod, ShipTo};
use tests::coupons::{TEN_PERCENT, Terms, coupon, uses};
use tests::orders::{address, create, created, price, read_order, with_coupon};
use tests::{
    MAIN, PRICE_MINOR, Routine, TestDb, at_once, begin_request, checkout_of, new_id, order_request,
    shop,
};
use time::OffsetDateTime;
use uuid::Uuid;

fn offline(id: CheckoutId) -> Create {
    Create {
        method: PaymentMethod::Offline,
        ..order_request(id)
    }
}

fn ship(id: CheckoutId, ship_to: ShipTo) -> Create {
    Create {
        ship_to,
        ..order_request(id)
    }
}

/// The order without the time at which it was shown.
fn timeless(order: Order) -> Order {
    Order {
        server_time: OffsetDateTime::UNIX_EPOCH,
        ..order
    }
}

#[tokio::test]
async fn an_order_has_the_prices_of_its_hold_whatever_the_catalogue_says() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sku("B", 9).await;
    price(&test, "B", 250).await;
    let id = test.held(&[("A", 2), ("B", 3)]).await;
    price(&test, "A", 1).await;
    price(&test, "B", 99_999).await;
    let order = created(&test, &order_request(id)).await;
    assert_eq!(order.subtotal_minor, 2 * PRICE_MINOR + 3 * 250);
    assert_eq!(order.discount_minor, 0);
    assert_eq!(order.total_minor, order.subtotal_minor);
    assert_eq!(order.payment.amount_minor, order.total_minor);
    assert_eq!(order.currency, "INR");
    let lines: Vec<_> = order
        .lines
        .iter()
        .map(|line| (line.sku.as_str(), line.quantity, line.price_minor))
        .collect();
    assert_eq!(lines, [("A", 2, PRICE_MINOR), ("B", 3, 250)]);
    assert_eq!(timeless(read_order(&test, id).await), timeless(order));
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn an_address_is_saved_only_on_request_and_only_for_its_customer() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let given = |save| ShipTo::Given {
        address: address("Asha"),
        save,
    };
    let id = test.held(&[("A", 1)]).await;
    let once = created(&test, &ship(id, given(false))).await;
    assert_eq!(
        (once.address, once.address_id),
        (Some(address("Asha")), None)
    );
    assert_eq!(
        test.count("select count(*) from holdfast.addresses").await,
        0
    );

    let id = test.held(&[("A", 1)]).await;
    let saved = created(&test, &ship(id, given(true))).await;
    let address_id = saved.address_id.unwrap();
    let again = create(&test, &ship(id, given(true))).await.unwrap();
    assert!(matches!(again, Created::Same(_)), "{again:?}");
    assert_eq!(
        test.count("select count(*) from holdfast.addresses").await,
        1
    );

    let id = test.held(&[("A", 1)]).await;
    let used = created(&test, &ship(id, ShipTo::Saved(address_id))).await;
    assert_eq!(used.address, Some(address("Asha")));
    assert_eq!(used.address_id, Some(address_id));
    // An order keeps the address that it was made with.
    test.sql("update holdfast.addresses set address = '{}'")
        .await;
    assert_eq!(read_order(&test, id).await.address, Some(address("Asha")));

    let foreign = new_id();
    let stranger = checkout::Begin {
        customer: "d".parse().unwrap(),
        ..begin_request(foreign, &[("A", 1)])
    };
    checkout::begin(&test.db, &stranger).await.unwrap();
    let before = test.rows().await;
    for address_id in [address_id, Uuid::new_v4()] {
        let request = Create {
            customer: None,
            ..ship(foreign, ShipTo::Saved(address_id))
        };
        let refused = create(&test, &request).await;
        assert!(
            matches!(refused, Err(CreateError::AddressUnknown)),
            "{refused:?}"
        );
    }
    assert_eq!(test.rows().await, before);
    test.assert_promises_hold().await;
}

/// A dispatcher's booking.
#[tokio::test]
async fn an_offline_order_sells_at_once_and_a_retry_sells_nothing_more() {
    let test = TestDb::new().await;
    test.sku("SEAT", 5).await;
    let id = test.held(&[("SEAT", 2)]).await;
    let order = created(&test, &offline(id)).await;
    assert_eq!(
        (order.status.as_str(), order.payment.status.as_str()),
        ("paid", "paid")
    );
    assert_eq!(order.payment.method, "offline");
    assert_eq!(test.level("SEAT").await, (3, 0, 3));
    let again = create(&test, &offline(id)).await.unwrap();
    let Created::Same(again) = again else {
        panic!("{again:?}")
    };
    assert_eq!(timeless(again), timeless(order));
    assert_eq!(test.level("SEAT").await, (3, 0, 3));
    let sold = "select count(*) from holdfast.stock_movements where reason = 'sold'";
    assert_eq!(test.count(sold).await, 1);
    let announced = "select count(*) from holdfast.outbox_messages where topic = 'order.paid'";
    assert_eq!(test.count(announced).await, 1);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn an_order_that_costs_nothing_is_complete_at_once() {
    let test = TestDb::new().await;
    test.sku("A", 5).await;
    coupon(
        &test,
        "FREE",
        Terms {
            value: 10_000,
            uses_max: "1",
            ..TEN_PERCENT
        },
    )
    .await;
    let id = test.held(&[("A", 2)]).await;
    let order = created(&test, &with_coupon(id, "FREE")).await;
    assert_eq!((order.status.as_str(), order.total_minor), ("paid", 0));
    assert_eq!(test.level("A").await, (3, 0, 3));
    assert_eq!(uses(&test, "FREE").await, (0, 1));
    test.assert_promises_hold().await;
}

async fn fifty_identical_orders(
    test: &TestDb,
    id: CheckoutId,
) -> Vec<Result<Created, CreateError>> {
    let db = test.pool(50);
    at_once(50, |_| {
        let (db, request) = (db.clone(), order_request(id));
        async move { order::create(&db, &request).await }
    })
    .await
}

/// Scenario 24. Promise 7: a checkout has one order, however often it is requested.
#[tokio::test]
async fn fifty_identical_orders_at_once_make_one_order_and_get_equal_answers() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let id = test.held(&[("A", 1)]).await;
    let answers = fifty_identical_orders(&test, id).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let new = |answer: &&Created| matches!(answer, Created::New(_));
    assert_eq!(answers.iter().filter(new).count(), 1);
    let mut orders = answers.into_iter().map(|answer| match answer {
        Created::New(order) | Created::Same(order) => timeless(order),
    });
    let first = orders.next().unwrap();
    assert!(orders.all(|order| order == first));

    let before = test.rows().await;
    let other = create(&test, &offline(id)).await;
    assert!(matches!(other, Err(CreateError::Conflict)), "{other:?}");
    assert_eq!(test.rows().await, before);
    test.assert_promises_hold().await;
}

/// Negative control of scenario 24: without the checkout's lock, all fifty read that there is no
/// order. The constraint refuses all but one; without the constraint there are fifty.
#[tokio::test]
async fn without_the_lock_one_checkout_would_become_fifty_orders() {
    let guard = "checkout_has_one_order";
    for (constrained, orders) in [(true, 1), (false, 50)] {
        let test = TestDb::new().await;
        test.sku("A", 1).await;
        let id = test.held(&[("A", 1)]).await;
        let routine = Routine::named("order_make").without_guard(guard);
        test.put_routine(routine.gated(guard)).await;
        if !constrained {
            test.sql("alter table holdfast.orders drop constraint checkout_has_one_order")
                .await;
        }
        let race = fifty_identical_orders(&test, id);
        let answers = test.behind_the_gate(50, race).await;
        assert_eq!(
            answers.iter().filter(|answer| answer.is_ok()).count(),
            orders
        );
        let payable = "select count(*) from holdfast.orders join holdfast.payments
            using (shop, order_id) where orders.status = 'awaiting_payment'";
        assert_eq!(usize::try_from(test.count(payable).await), Ok(orders));
    }

    let test = TestDb::new().await;
    test.sku("A", 1).await;
    test.ordered(&[("A", 1)]).await;
    let twin = "insert into holdfast.orders
        select o.* from holdfast.orders t,
            jsonb_populate_record(t, jsonb_build_object('order_id', gen_random_uuid())) o";
    assert_eq!(test.refused_by(twin).await, "checkout_has_one_order");
}

/// Promise 8: every answer about a due checkout says `expired`, before and after the sweep.
#[tokio::test]
async fn a_due_order_is_expired_in_every_answer() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    let (id, _) = test.ordered(&[("A", 1)]).await;
    let again = checkout_of(test.begin(id, &[("A", 1)]).await.unwrap());
    assert_eq!(again.status, "ordered");
    let main = shop(MAIN);
    let extended = checkout::extend(&test.db, &main, id, None, None).await;
    assert!(
        matches!(extended, Err(ExtendError::Ordered)),
        "{extended:?}"
    );
    test.make_due(id).await;
    for swept in [false, true] {
        if swept {
            test.sweep().await;
        }
        let before = test.rows().await;
        let read = checkout::read(&test.db, &main, id, None)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(read.status, "expired");
        assert_eq!(test.order(id).await.unwrap().status, "expired");
        for revision in [1, 2] {
            let request = checkout::Begin {
                revision: revision.try_into().unwrap(),
                ..begin_request(id, &[("A", 1)])
            };
            let begun = checkout::begin(&test.db, &request).await;
            assert!(
                matches!(begun, Err(BeginError::Ended)),
                "{swept}: {begun:?}"
            );
        }
        let extended = checkout::extend(&test.db, &main, id, None, None).await;
        assert!(
            matches!(extended, Err(ExtendError::Ended)),
            "{swept}: {extended:?}"
        );
        assert_eq!(test.rows().await, before);
    }
}

/// Scenario 24, with time between: after a second order of the same shopper, only one of them can
/// be paid.
#[tokio::test]
async fn two_orders_for_one_unit_are_not_both_payable() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let (first, _) = test.ordered(&[("A", 1)]).await;
    test.expire(first).await;
    let (second, _) = test.ordered(&[("A", 1)]).await;
    // The same request again shows the existing order, and takes nothing.
    let again = test.order(first).await.unwrap();
    assert_eq!(again.status, "expired");
    assert_eq!(read_order(&test, second).await.status, "awaiting_payment");
    assert_eq!(test.level("A").await.1, 1);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn an_order_holds_its_stock_for_fifteen_more_minutes_and_thirty_after_a_try_to_pay() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let id = test.held(&[("A", 1)]).await;
    for table in ["checkouts", "holds"] {
        test.move_times(table, "created_at", "-29 minutes").await;
    }
    test.make_due(id).await;
    let order = test.order(id).await.unwrap();
    let held_for = "
        select extract(epoch from h.expires_at - o.created_at)::bigint
        from holdfast.orders o join holdfast.holds h using (shop, checkout_id)";
    assert_eq!(test.count(held_for).await, 900);
    let failed = tests::event(&order, operations::payment::EventKind::Failed, "pay-1");
    test.record(&failed).await.unwrap();
    assert_eq!(test.count(held_for).await, 1_800);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_checkout_older_than_thirty_minutes_can_not_be_ordered() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let id = test.held(&[("A", 1)]).await;
    test.sql("update holdfast.checkouts set created_at = now() - interval '1801 s'")
        .await;
    let before = test.rows().await;
    let refused = create(&test, &order_request(id)).await;
    assert!(
        matches!(refused, Err(CreateError::CheckoutTooOld)),
        "{refused:?}"
    );
    assert_eq!(test.rows().await, before);
}

#[tokio::test]
async fn a_released_checkout_can_not_be_ordered_and_a_missing_one_is_not_found() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let id = test.held(&[("A", 1)]).await;
    checkout::release(&test.db, &shop(MAIN), id, None)
        .await
        .unwrap();
    let before = test.rows().await;
    let refused = create(&test, &order_request(id)).await;
    assert!(
        matches!(refused, Err(CreateError::CheckoutEnded)),
        "{refused:?}"
    );
    let missing = create(&test, &order_request(new_id())).await;
    assert!(matches!(missing, Err(CreateError::NotFound)), "{missing:?}");
    assert_eq!(test.rows().await, before);
}

/// A due hold is still the shopper's. An ended hold is taken again.
#[tokio::test]
async fn an_ended_hold_is_taken_again() {
    let test = TestDb::new().await;
    test.sku("A", 2).await;
    let due = test.held(&[("A", 1)]).await;
    test.make_due(due).await;
    assert_eq!(test.order(due).await.unwrap().status, "awaiting_payment");
    assert_eq!(test.level("A").await, (2, 1, 2));

    let expired = test.held(&[("A", 1)]).await;
    test.expire(expired).await;
    assert_eq!(test.level("A").await, (2, 1, 4));
    assert_eq!(test.order(expired).await.unwrap().total_minor, PRICE_MINOR);
    assert_eq!(test.level("A").await, (2, 2, 5));
    test.assert_promises_hold().await;
}

/// Promise 6: the refusal of an order whose hold had ended names every shortage, and takes none of
/// the available lines.
#[tokio::test]
async fn a_refused_order_of_gone_stock_leaves_nothing_behind() {
    let test = TestDb::new().await;
    for sku in ["A", "B", "C"] {
        test.sku(sku, 2).await;
    }
    coupon(&test, "TEN", TEN_PERCENT).await;
    let id = test.held(&[("A", 2), ("B", 2), ("C", 2)]).await;
    test.expire(id).await;
    test.held(&[("B", 1), ("C", 2)]).await;
    let before = test.rows().await;
    let request = Create {
        ship_to: ShipTo::Given {
            address: address("Asha"),
            save: true,
        },
        ..with_coupon(id, "TEN")
    };
    let refused = create(&test, &request).await;
    let Err(CreateError::Shortage(shortages)) = refused else {
        panic!("{refused:?}")
    };
    let shortage = |sku: &str, available| Shortage {
        sku: sku.to_owned(),
        requested: 2,
        available,
    };
    assert_eq!(shortages, [shortage("B", 1), shortage("C", 0)]);
    assert_eq!(test.rows().await, before);
}

/// Promise 8, for orders: due holds give way to a shopper who comes back.
#[tokio::test]
async fn an_order_takes_again_stock_that_only_due_holds_have() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let id = test.held(&[("A", 1)]).await;
    test.expire(id).await;
    let other = test.held(&[("A", 1)]).await;
    test.make_due(other).await;
    test.order(id).await.unwrap();
    let status = "select status::text from holdfast.checkouts where checkout_id = ";
    assert_eq!(test.text(&format!("{status}'{other}'")).await, "expired");
    test.assert_promises_hold().await;
}

/// The transaction undoes everything: wherever an order fails, nothing is left behind.
#[tokio::test]
async fn an_order_that_fails_in_the_middle_leaves_nothing_behind() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    coupon(&test, "TEN", TEN_PERCENT).await;
    let open = test.held(&[("A", 1)]).await;
    let expired = test.held(&[("A", 2)]).await;
    test.expire(expired).await;
    test.sql(
        "create function public.fail() returns trigger language plpgsql as
         $$ begin raise exception 'injected'; end $$",
    )
    .await;
    let before = test.rows().await;
    for step in [
        "insert on holdfast.addresses",
        "update on holdfast.coupons",
        "update on holdfast.checkouts",
        "insert on holdfast.orders",
        "insert on holdfast.order_lines",
        "insert on holdfast.payments",
        "insert on holdfast.outbox_messages",
        "update on holdfast.holds",
        "update on holdfast.stock_levels",
        "insert on holdfast.stock_movements",
    ] {
        test.sql(&format!(
            "create trigger fail after {step} execute function public.fail()"
        ))
        .await;
        for id in [open, expired] {
            let request = Create {
                method: PaymentMethod::Offline,
                ship_to: ShipTo::Given {
                    address: address("Asha"),
                    save: true,
                },
                ..with_coupon(id, "TEN")
            };
            let failed = create(&test, &request).await;
            assert!(
                matches!(failed, Err(CreateError::Failure(_))),
                "{step}: {failed:?}"
            );
        }
        let table = step.rsplit(' ').next().unwrap();
        test.sql(&format!("drop trigger fail on {table}")).await;
        assert_eq!(test.rows().await, before, "{step}");
    }
    // The same request succeeds once nothing fails.
    created(&test, &offline(open)).await;
    created(&test, &offline(expired)).await;
    test.assert_promises_hold().await;
}

/// Promise 10, and a deployment without such a shop.
#[tokio::test]
async fn an_order_in_an_unknown_shop_is_not_found() {
    let test = TestDb::new().await;
    test.sku("A", 1).await;
    let id = test.held(&[("A", 1)]).await;
    let elsewhere = Create {
        shop: shop("nowhere"),
        ..order_request(id)
    };
    let refused = create(&test, &elsewhere).await;
    assert!(matches!(refused, Err(CreateError::NotFound)), "{refused:?}");
}

/// An ordered checkout keeps the lines that were ordered.
#[tokio::test]
async fn the_lines_of_an_order_are_the_lines_of_its_last_cart() {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sku("B", 9).await;
    let id = test.held(&[("A", 5)]).await;
    let replaced = checkout::Begin {
        revision: 2.try_into().unwrap(),
        ..begin_request(id, &[("B", 1)])
    };
    let held = checkout_of(checkout::begin(&test.db, &replaced).await.unwrap());
    let order = test.order(id).await.unwrap();
    let lines: Vec<_> = order
        .lines
        .iter()
        .map(|line| (&line.sku, line.quantity, line.price_minor))
        .collect();
    let held_lines: Vec<_> = held
        .lines
        .iter()
        .map(|line| (&line.sku, line.quantity, line.price_minor))
        .collect();
    assert_eq!(lines, held_lines);
    assert_eq!(order.total_minor, held.total_minor);
    let third = checkout::Begin {
        revision: 3.try_into().unwrap(),
        ..begin_request(id, &[("A", 1)])
    };
    let frozen = checkout::begin(&test.db, &third).await;
    assert!(matches!(frozen, Err(BeginError::Ordered)), "{frozen:?}");
    test.assert_promises_hold().await;
}
