//! An order's discount, line by line, and the use of its coupon when the order is over.

use operations::order::{CancelError, DeskOrder, Order, PayBy};
use operations::payment::{EventKind, Gateway, Outcome};
use operations::refund::{self, Request, RequestError, Requested};
use rand::{Rng as _, SeedableRng as _};
use tests::coupons::{TEN_PERCENT, Terms, coupon, uses};
use tests::desk::{book_request, booked_order, restock_request};
use tests::orders::{created, price, with_coupon};
use tests::refund::{ask_for, refund_event};
use tests::{MAIN, PRICE_MINOR, TestDb, cart, event, new_id, shop};

const ALL: Terms = Terms {
    value: 10_000,
    ..TEN_PERCENT
};

async fn three_skus() -> TestDb {
    let test = TestDb::new().await;
    for sku in ["A", "B", "C"] {
        test.sku(sku, 999).await;
    }
    test
}

/// An order of `c` with this coupon.
async fn ordered(test: &TestDb, lines: &[(&str, i64)], code: &str) -> Order {
    let id = test.held(lines).await;
    created(test, &with_coupon(id, code)).await
}

async fn paid(test: &TestDb, lines: &[(&str, i64)], code: &str) -> Order {
    let order = ordered(test, lines, code).await;
    let paid = event(&order, EventKind::Paid, &order.order_id.to_string());
    assert_eq!(test.stripe(&paid).await, Outcome::Completed);
    order
}

fn shares(order: &Order) -> Vec<i64> {
    order.lines.iter().map(|line| line.discount_minor).collect()
}

#[tokio::test]
async fn the_shares_of_a_discount_add_up_to_it() {
    let test = three_skus().await;
    coupon(&test, "TEN", TEN_PERCENT).await;
    coupon(&test, "ALL", ALL).await;
    test.sql(
        "select holdfast.coupon_put('main', 'BC', 'fixed', 100, 0, null, null, null, null, '{B,C}');
         select holdfast.coupon_put('main', 'ONE', 'fixed', 1, 0, null, null, null, null, null)",
    )
    .await;
    for (sku, minor) in [("A", 333), ("B", 333), ("C", 334)] {
        price(&test, sku, minor).await;
    }
    let cart = [("A", 1), ("B", 1), ("C", 1)];
    // 33.3, 33.3 and 33.4: the odd unit goes to the largest remainder
    assert_eq!(shares(&ordered(&test, &cart, "TEN").await), [33, 33, 34]);
    // 49.93 and 50.07
    assert_eq!(shares(&ordered(&test, &cart, "BC").await), [0, 50, 50]);
    assert_eq!(shares(&ordered(&test, &cart, "ONE").await), [0, 0, 1]);
    assert_eq!(shares(&ordered(&test, &cart, "ALL").await), [333, 333, 334]);
    let seed: u64 = rand::rng().random();
    println!("prices with the seed {seed}");
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    for _ in 0..30 {
        for sku in ["A", "B", "C"] {
            price(&test, sku, random.random_range(0..1_000)).await;
        }
        let quantities: Vec<i64> = (0..3).map(|_| random.random_range(1..4)).collect();
        let cart = [
            ("A", quantities[0]),
            ("B", quantities[1]),
            ("C", quantities[2]),
        ];
        for code in ["TEN", "BC", "ONE"] {
            let order = ordered(&test, &cart, code).await;
            let sum: i64 = shares(&order).iter().sum();
            assert_eq!(sum, order.discount_minor, "{code}: {order:?}");
        }
    }
    let unfit = "update holdfast.order_lines set discount_minor = quantity * price_minor + 1";
    let refused = test.refused_by(unfit).await;
    assert_eq!(refused, "order_line_discount_is_within_its_price");
    test.assert_promises_hold().await;
}

/// Staff see the shares where they decide about money and goods.
#[tokio::test]
async fn staff_see_each_lines_share_of_the_discount() {
    let test = three_skus().await;
    coupon(&test, "TEN", TEN_PERCENT).await;
    let order = paid(&test, &[("A", 1), ("B", 2)], "TEN").await;
    let desk = test.desk(1);
    let back = desk
        .restock(order.order_id, &restock_request(&[("B", 1)]))
        .await
        .unwrap();
    let (operations::order::Restocked::New(back) | operations::order::Restocked::Same(back)) = back;
    let of = |order: &DeskOrder| -> Vec<(i32, i64)> {
        let lines = order.lines.iter();
        lines
            .map(|line| (line.returned, line.discount_minor))
            .collect()
    };
    assert_eq!(of(&back), [(0, 1_000), (1, 2_000)]);
    let money = refund::overview(&desk.0, &shop(MAIN), order.order_id.into()).await;
    assert_eq!(money.unwrap().unwrap().lines, back.lines);
}

/// Somebody who puts one of two dresses back must not give back the money of both.
#[tokio::test]
async fn a_refund_with_a_part_of_the_goods_needs_an_amount() {
    let test = three_skus().await;
    let (_, order) = test.ordered(&[("A", 2), ("B", 1)]).await;
    let paid = event(&order, EventKind::Paid, "pi_1");
    assert_eq!(test.stripe(&paid).await, Outcome::Completed);
    let back = |lines: &[(&str, i64)], amount| Request {
        restock: Some(cart(lines)),
        ..ask_for(amount)
    };
    let before = test.rows().await;
    for gateway_payment_id in [None, Some("pi_1".parse().unwrap())] {
        for part in [&[("A", 1)][..], &[("A", 2)], &[("A", 1), ("B", 1)]] {
            let request = Request {
                gateway_payment_id: gateway_payment_id.clone(),
                ..back(part, None)
            };
            let refused = test.ask(order.order_id, &request).await;
            assert!(
                matches!(refused, Err(RequestError::AmountMissing)),
                "{refused:?}"
            );
        }
    }
    assert_eq!(test.rows().await, before);
    test.ask(order.order_id, &back(&[("A", 1)], Some(PRICE_MINOR)))
        .await
        .unwrap();
    // everything that is still out comes back: the rest of the money goes with it
    let rest = back(&[("A", 1), ("B", 1)], None);
    let Requested::New(money) = test.ask(order.order_id, &rest).await.unwrap() else {
        panic!("not new")
    };
    assert_eq!(money.refundable_minor, 0);
    assert_eq!(test.order_status(&order).await, "refund_due");
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn an_order_that_is_over_gives_the_use_of_its_coupon_back_however_it_ends() {
    let test = three_skus().await;
    coupon(&test, "TEN", TEN_PERCENT).await;
    coupon(&test, "ALL", ALL).await;
    let desk = test.desk(1);
    let cart = [("A", 2)];

    // all of its money goes back
    let order = paid(&test, &cart, "TEN").await;
    test.ask(order.order_id, &ask_for(Some(1))).await.unwrap();
    assert_eq!(uses(&test, "TEN").await, (0, 1));
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    assert_eq!(uses(&test, "TEN").await, (0, 0));
    // all of its money goes back at the gateway
    let order = paid(&test, &cart, "TEN").await;
    let payment = order.order_id.to_string();
    let theirs = refund_event(
        EventKind::RefundSettled,
        &payment,
        "re_1",
        None,
        order.total_minor,
    );
    assert_eq!(test.stripe(&theirs).await, Outcome::Recorded);
    assert_eq!(uses(&test, "TEN").await, (0, 0));
    // all of its goods come back, in parts
    let order = paid(&test, &cart, "TEN").await;
    for left in [1, 0] {
        let one = restock_request(&[("A", 1)]);
        desk.restock(order.order_id, &one).await.unwrap();
        assert_eq!(uses(&test, "TEN").await, (0, left));
    }
    // the use is given back once
    test.ask(order.order_id, &ask_for(None)).await.unwrap();
    assert_eq!(uses(&test, "TEN").await, (0, 0));

    // at the desk, and for free orders of the desk and of the storefront
    for code in ["TEN", "ALL"] {
        let book = operations::order::Book {
            coupon: Some(code.parse().unwrap()),
            ..book_request(&cart)
        };
        let booked = booked_order(desk.book(new_id(), &book).await.unwrap());
        assert_eq!(uses(&test, code).await, (0, 1));
        desk.cancel(&booked).await.unwrap();
        assert_eq!(uses(&test, code).await, (0, 0));
    }
    let free = ordered(&test, &cart, "ALL").await;
    desk.restock(free.order_id, &restock_request(&cart))
        .await
        .unwrap();
    assert_eq!(uses(&test, "ALL").await, (0, 0));
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_free_order_can_be_cancelled_and_a_paid_one_needs_a_refund() {
    let test = three_skus().await;
    coupon(&test, "ALL", ALL).await;
    coupon(&test, "TEN", TEN_PERCENT).await;
    let free = ordered(&test, &[("A", 2), ("B", 1)], "ALL").await;
    assert_eq!((free.status.as_str(), free.total_minor), ("paid", 0));
    assert_eq!(uses(&test, "ALL").await, (0, 1));
    let desk = test.desk(1);
    let cancel = async |order: &Order| {
        let id = order.checkout_id.into();
        operations::order::cancel(&desk.0, &shop(MAIN), id, &tests::desk::actor("d-3"), None).await
    };
    let cancelled = cancel(&free).await.unwrap();
    assert_eq!(cancelled.status, "cancelled");
    assert_eq!(cancelled.lines[0].returned, 2);
    assert_eq!(uses(&test, "ALL").await, (0, 0));
    assert_eq!(
        (test.level("A").await.0, test.level("B").await.0),
        (999, 999)
    );
    assert_eq!(cancel(&free).await.unwrap().status, "cancelled");
    let online = paid(&test, &[("A", 1)], "TEN").await;
    let refused = cancel(&online).await;
    assert!(
        matches!(refused, Err(CancelError::NotOffline)),
        "{refused:?}"
    );
    test.assert_promises_hold().await;
}

/// Cashfree's order needs a phone. A free order needs no order there.
#[tokio::test]
async fn a_free_order_asks_for_no_phone() {
    let test = three_skus().await;
    coupon(&test, "ALL", ALL).await;
    coupon(&test, "TEN", TEN_PERCENT).await;
    let pay_by = Some(PayBy {
        gateway: Gateway::Cashfree,
        ready: false,
    });
    let id = test.held(&[("A", 1)]).await;
    let with = |code| operations::order::Create {
        pay_by,
        ..with_coupon(id, code)
    };
    let before = test.rows().await;
    let refused = operations::order::create(&test.db, &with("TEN")).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.starts_with("phone: is missing"), "{refused}");
    assert_eq!(test.rows().await, before);
    assert_eq!(created(&test, &with("ALL")).await.status, "paid");
    test.assert_promises_hold().await;
}
