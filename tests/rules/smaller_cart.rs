//! A held cart can always become smaller, whatever the shop has changed since: a shopper must be
//! able to take a sku out.

use operations::checkout::{self, Begin, BeginError, Begun, Checkout};
use operations::ids::CheckoutId;
use operations::order::AmendError;
use tests::orders::price;
use tests::{PRICE_MINOR, TestDb, begin_request};

/// The cart of a checkout becomes this one.
async fn replace(
    test: &TestDb,
    id: CheckoutId,
    revision: i64,
    lines: &[(&str, i64)],
) -> Result<Checkout, BeginError> {
    let request = Begin {
        revision: revision.try_into().unwrap(),
        ..begin_request(id, lines)
    };
    match checkout::begin(&test.db, &request).await? {
        Begun::Replaced(checkout) => Ok(checkout),
        other => panic!("{other:?}"),
    }
}

fn prices(checkout: &Checkout) -> Vec<(&str, i64)> {
    let lines = checkout.lines.iter();
    lines
        .map(|line| (line.sku.as_str(), line.price_minor))
        .collect()
}

/// A cart of 3 A and 1 B, and what has happened to A since.
async fn cart_since(change: &str) -> (TestDb, CheckoutId) {
    let test = TestDb::new().await;
    test.sku("A", 9).await;
    test.sku("B", 9).await;
    let id = test.held(&[("A", 3), ("B", 1)]).await;
    test.sql(change).await;
    (test, id)
}

#[tokio::test]
async fn a_sku_off_sale_leaves_a_held_cart_or_becomes_less() {
    for off_sale in [
        "update holdfast.skus set retired_at = now(), price_minor = 1 where sku = 'A'",
        "update holdfast.skus set sale_closes_at = now(), price_minor = 1 where sku = 'A'",
        "update holdfast.skus set sale_opens_at = now() + interval '1 day', price_minor = 1 \
         where sku = 'A'",
    ] {
        let (test, id) = cart_since(off_sale).await;
        price(&test, "B", 9_000).await;
        let more = replace(&test, id, 2, &[("A", 4), ("B", 1)]).await;
        assert!(
            matches!(&more, Err(BeginError::NotOnSale(skus)) if skus == &["A"]),
            "{off_sale}: {more:?}"
        );
        // A is no longer sold, so it keeps the price that it was held at; B has the price of now
        let fewer = replace(&test, id, 2, &[("A", 1), ("B", 2)]).await.unwrap();
        assert_eq!(prices(&fewer), [("A", PRICE_MINOR), ("B", 9_000)]);
        assert_eq!(test.level("A").await.1, 1);
        // what was given back does not come back
        let back = replace(&test, id, 3, &[("A", 3), ("B", 2)]).await;
        assert!(matches!(back, Err(BeginError::NotOnSale(_))), "{back:?}");
        let without = replace(&test, id, 3, &[("B", 2)]).await.unwrap();
        assert_eq!(prices(&without), [("B", 9_000)]);
        let back = replace(&test, id, 4, &[("A", 1)]).await;
        assert!(matches!(back, Err(BeginError::NotOnSale(_))), "{back:?}");
        test.assert_promises_hold().await;
    }
}

#[tokio::test]
async fn a_limit_that_was_lowered_does_not_stop_a_cart_from_becoming_smaller() {
    for (lowered, counted) in [
        (
            "update holdfast.skus set limit_per_customer = 1 where sku = 'A'",
            3,
        ),
        // counted before it was lowered
        (
            "update holdfast.skus set limit_per_customer = 1 where sku = 'A';
             insert into holdfast.customer_checkouts values ('main', 'c', 1, null);
             insert into holdfast.customer_units values ('main', 'c', 'A', 3, 0, 3);
             update holdfast.checkouts set counted_as = 'c';
             update holdfast.holds set limited = true where sku = 'A'",
            3,
        ),
    ] {
        let (test, id) = cart_since(lowered).await;
        let more = replace(&test, id, 2, &[("A", 4), ("B", 1)]).await;
        assert!(matches!(more, Err(BeginError::LimitReached(_))), "{more:?}");
        replace(&test, id, 2, &[("A", counted), ("B", 2)])
            .await
            .unwrap();
        replace(&test, id, 3, &[("A", 2), ("B", 2)]).await.unwrap();
        test.assert_promises_hold().await;
        replace(&test, id, 4, &[("B", 1)]).await.unwrap();
        // the limit counts for every new unit
        let back = replace(&test, id, 5, &[("A", 2)]).await;
        assert!(matches!(back, Err(BeginError::LimitReached(_))), "{back:?}");
        test.assert_promises_hold().await;
    }
}

/// The customer has two checkouts, and may have one now.
#[tokio::test]
async fn a_replacement_is_never_one_checkout_too_many() {
    let (test, id) = cart_since("update holdfast.shops set checkouts_per_customer_max = 3").await;
    replace(&test, id, 2, &[("A", 2)]).await.unwrap();
    test.held(&[("B", 1)]).await;
    test.sql("update holdfast.shops set checkouts_per_customer_max = 1")
        .await;
    replace(&test, id, 3, &[("A", 1)]).await.unwrap();
    let third = test.begin(tests::new_id(), &[("B", 1)]).await;
    assert!(
        matches!(third, Err(BeginError::TooManyCheckouts)),
        "{third:?}"
    );
    test.assert_promises_hold().await;
}

/// The hold ends when it was to end, although the shop allows less time now.
#[tokio::test]
async fn a_shorter_longest_hold_does_not_stop_a_cart_from_becoming_smaller() {
    let (test, id) = cart_since(
        "update holdfast.checkouts set created_at = now() - interval '10 minutes';
         update holdfast.shops set hold_s_default = 60, hold_s_max = 60",
    )
    .await;
    replace(&test, id, 2, &[("A", 1)]).await.unwrap();
    test.assert_promises_hold().await;
}

/// The party had the seats before the limit was lowered. A larger party still meets the limit.
#[tokio::test]
async fn a_party_moves_back_to_as_many_seats_as_it_had_above_a_limit_that_was_lowered() {
    for counted in [true, false] {
        let test = TestDb::new().await;
        test.sku("A", 9).await;
        test.sku("B", 9).await;
        if counted {
            test.sql("update holdfast.skus set limit_per_customer = 4 where sku = 'A'")
                .await;
        }
        let desk = test.desk(1);
        let booked = desk.booked(&[("A", 4)]).await;
        test.sql("update holdfast.skus set limit_per_customer = 2 where sku = 'A'")
            .await;
        let away = desk.amend(&booked, &[("B", 4)]).await.unwrap();
        let refused = desk.amend(&away, &[("A", 5)]).await;
        assert!(
            matches!(refused, Err(AmendError::LimitReached(_))),
            "{refused:?}"
        );
        let back = desk.amend(&away, &[("A", 4)]).await.unwrap();
        assert_eq!(back.total_minor, booked.total_minor);
        test.assert_promises_hold().await;
    }
}
