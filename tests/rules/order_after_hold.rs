//! A hold keeps its skus and prices only until it ends. Afterwards the catalogue of now decides,
//! except about money that has come already.

use operations::checkout::{self, ExtendError};
use operations::ids::CheckoutId;
use operations::order::{CreateError, PriceChange};
use operations::payment::{EventKind, Outcome};
use tests::coupons::{TEN_PERCENT, Terms, coupon, uses};
use tests::orders::{create, created, price, with_coupon};
use tests::{MAIN, PRICE_MINOR, TestDb, event, order_request, shop};

const RETIRED: &str = "update holdfast.skus set retired_at = now() where sku = 'A'";
const CLOSED: &str = "update holdfast.skus set sale_closes_at = now() where sku = 'A'";
const NOT_OPEN: &str = "update holdfast.skus set sale_opens_at = now() + interval '1 day' \
                        where sku = 'A'";

/// A cart of A and B whose hold has ended: swept, or not yet.
async fn ended(test: &TestDb, swept: bool) -> CheckoutId {
    let id = test.held(&[("A", 1), ("B", 1)]).await;
    if swept {
        test.expire(id).await;
    } else {
        test.make_due(id).await;
    }
    id
}

async fn two_skus() -> TestDb {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sku("B", 9).await;
    test
}

#[tokio::test]
async fn an_order_after_its_hold_buys_nothing_that_was_taken_off_sale() {
    for off_sale in [RETIRED, CLOSED, NOT_OPEN] {
        for swept in [true, false] {
            let test = two_skus().await;
            let id = ended(&test, swept).await;
            test.sql(off_sale).await;
            let before = test.rows().await;
            match test.order(id).await {
                Err(CreateError::NotOnSale(skus)) => assert_eq!(skus, ["A"]),
                other => panic!("{off_sale}, swept: {swept}: {other:?}"),
            }
            assert_eq!(test.rows().await, before);
            test.assert_promises_hold().await;
        }
    }
}

#[tokio::test]
async fn an_order_after_its_hold_is_refused_if_a_price_has_changed() {
    for swept in [true, false] {
        let test = two_skus().await;
        let id = ended(&test, swept).await;
        price(&test, "B", 9_900).await;
        let before = test.rows().await;
        let change = PriceChange {
            sku: "B".to_owned(),
            held_minor: PRICE_MINOR,
            price_minor: 9_900,
        };
        match test.order(id).await {
            Err(CreateError::PriceChanged(prices)) => assert_eq!(prices, [change]),
            other => panic!("swept: {swept}: {other:?}"),
        }
        assert_eq!(test.rows().await, before);
        price(&test, "B", PRICE_MINOR).await;
        test.order(id).await.unwrap();
        test.assert_promises_hold().await;
    }
}

/// While it lasts, a hold keeps what the shopper saw.
#[tokio::test]
async fn an_order_within_its_hold_keeps_its_price_although_the_sku_is_off_sale() {
    let test = two_skus().await;
    let id = test.held(&[("A", 1), ("B", 1)]).await;
    price(&test, "B", 9_900).await;
    test.sql(RETIRED).await;
    assert_eq!(test.order(id).await.unwrap().total_minor, 2 * PRICE_MINOR);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_hold_that_has_ended_is_not_extended() {
    let test = two_skus().await;
    for swept in [true, false] {
        let id = ended(&test, swept).await;
        let extended = checkout::extend(&test.db, &shop(MAIN), id, None, None).await;
        assert!(matches!(extended, Err(ExtendError::Ended)), "{extended:?}");
    }
}

/// A coupon is checked when the order is made.
#[tokio::test]
async fn an_order_after_its_hold_uses_no_coupon_that_has_expired_meanwhile() {
    let test = two_skus().await;
    coupon(&test, "TEN", TEN_PERCENT).await;
    let id = ended(&test, true).await;
    let over = Terms {
        valid_until: "now()",
        ..TEN_PERCENT
    };
    coupon(&test, "TEN", over).await;
    let refused = create(&test, &with_coupon(id, "TEN")).await;
    assert!(
        matches!(refused, Err(CreateError::Coupon(_))),
        "{refused:?}"
    );
    created(&test, &order_request(id)).await;
    assert_eq!(uses(&test, "TEN").await, (0, 0));
    test.assert_promises_hold().await;
}

/// The shopper has paid the price of the order, and its discount.
#[tokio::test]
async fn a_late_payment_keeps_the_price_and_the_discount_of_its_order() {
    let test = two_skus().await;
    coupon(&test, "TEN", TEN_PERCENT).await;
    let id = test.held(&[("A", 1)]).await;
    let order = created(&test, &with_coupon(id, "TEN")).await;
    test.expire(id).await;
    price(&test, "A", 99_900).await;
    let over = Terms {
        valid_until: "now()",
        ..TEN_PERCENT
    };
    coupon(&test, "TEN", over).await;
    let paid = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&paid).await.unwrap(), Outcome::CompletedLate);
    assert_eq!(uses(&test, "TEN").await, (0, 1));
    test.assert_promises_hold().await;
}

/// The shopper ordered in time. Only the money came after the sale.
#[tokio::test]
async fn a_late_payment_after_the_sale_completes_an_order_that_was_made_before_its_end() {
    let test = two_skus().await;
    let (id, order) = test.ordered(&[("A", 1), ("B", 1)]).await;
    test.expire(id).await;
    test.sql(CLOSED).await;
    let late = event(&order, EventKind::Paid, "pay-1");
    assert_eq!(test.record(&late).await.unwrap(), Outcome::CompletedLate);
    test.assert_promises_hold().await;
}

#[tokio::test]
async fn a_late_payment_of_a_sku_that_was_taken_off_sale_is_owed_back() {
    for off_sale in [RETIRED, NOT_OPEN] {
        let test = two_skus().await;
        let (id, order) = test.ordered(&[("A", 1), ("B", 1)]).await;
        let (in_time, other) = test.ordered(&[("A", 1)]).await;
        test.expire(id).await;
        test.sql(off_sale).await;
        let late = event(&order, EventKind::Paid, "pay-1");
        assert_eq!(test.record(&late).await.unwrap(), Outcome::RefundDue);
        assert_eq!(test.announced("order.refund_due").await.len(), 1);
        // within its hold a payment completes the order, due or not
        test.make_due(in_time).await;
        let paid = event(&other, EventKind::Paid, "pay-2");
        assert_eq!(test.record(&paid).await.unwrap(), Outcome::Completed);
        assert_eq!(test.level("A").await.0, 8);
        test.assert_promises_hold().await;
    }
}
