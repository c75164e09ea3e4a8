//! The amounts that gateways take: a total outside of their bounds is refused before there is an
//! order.

use operations::money::minor_digits;
use operations::order::{CreateError, Created, PayBy};
use operations::payment::stripe::amount::stripe_from_minor;
use operations::payment::{EventKind, Gateway, Outcome};
use operations::refund::RequestError;
use tests::coupons::{TEN_PERCENT, Terms, coupon, uses};
use tests::orders::{create, price};
use tests::refund::{ask_for, part};
use tests::{MAIN, TestDb, assert_commit_refused, event, order_request};

fn at(gateway: Gateway) -> Option<PayBy> {
    Some(PayBy {
        gateway,
        ready: true,
    })
}

/// A shop `main` that sells in this currency.
async fn shop_in(currency: &str) -> TestDb {
    let test = TestDb::new().await;
    test.sql(&format!(
        "update holdfast.shops set currency = '{currency}'"
    ))
    .await;
    test.sku("A", 99).await;
    test
}

#[tokio::test]
async fn a_total_that_a_gateway_does_not_take_is_refused_before_the_order() {
    for (gateway, currency, total, fits) in [
        (Gateway::Stripe, "INR", 49, false),
        (Gateway::Stripe, "INR", 50, true),
        (Gateway::Stripe, "USD", 49, false),
        (Gateway::Stripe, "JPY", 49, false),
        (Gateway::Stripe, "HUF", 17_499, false),
        (Gateway::Stripe, "HUF", 17_500, true),
        (Gateway::Stripe, "KWD", 5_124, false),
        (Gateway::Stripe, "KWD", 5_120, true),
        (Gateway::Stripe, "BHD", 1_001, false),
        (Gateway::Stripe, "ISK", 1, true),
        (Gateway::Stripe, "UGX", 99_999_999_999, false),
        (Gateway::Stripe, "MGA", 550, false),
        (Gateway::Razorpay, "INR", 99, false),
        (Gateway::Razorpay, "INR", 100, true),
        (Gateway::Razorpay, "OMR", 5_125, false),
        (Gateway::Razorpay, "JPY", 1, true),
        (Gateway::Cashfree, "INR", 99, false),
        (Gateway::Cashfree, "INR", 100, true),
    ] {
        let test = shop_in(currency).await;
        price(&test, "A", total).await;
        let id = test.held(&[("A", 1)]).await;
        let mut request = order_request(id);
        request.pay_by = at(gateway);
        let before = test.rows().await;
        match create(&test, &request).await {
            Ok(Created::New(order)) => assert!(fits, "{gateway} {currency} {total}: {order:?}"),
            Err(CreateError::AmountNotPayable(bounds)) => {
                assert!(!fits, "{gateway} {currency} {total}: {bounds:?}");
                assert_eq!(bounds.total_minor, total);
                assert_eq!(test.rows().await, before);
                // the desk, or a gateway's order that the storefront makes itself
                request.pay_by = None;
                create(&test, &request).await.unwrap();
            }
            other => panic!("{gateway} {currency} {total}: {other:?}"),
        }
        test.assert_promises_hold().await;
    }
}

#[tokio::test]
async fn the_refusal_says_what_the_gateway_takes() {
    for (currency, total, words) in [
        (
            "INR",
            30,
            "its total is 0.30 INR, and stripe takes at least 0.50 INR.",
        ),
        (
            "KWD",
            5_125,
            "its total is 5.125 KWD, and stripe takes multiples of 0.010 KWD.",
        ),
        (
            "UGX",
            99_999_999_999,
            "and stripe takes at most 9999999999 UGX.",
        ),
    ] {
        let test = shop_in(currency).await;
        price(&test, "A", total).await;
        let mut request = order_request(test.held(&[("A", 1)]).await);
        request.pay_by = at(Gateway::Stripe);
        let refused = create(&test, &request).await.unwrap_err().to_string();
        assert!(refused.ends_with(words), "{refused}");
    }
}

/// A coupon brings the total below the minimum: its use stays free.
#[tokio::test]
async fn a_discount_below_a_gateways_minimum_is_refused_with_its_coupon_unused() {
    let test = shop_in("INR").await;
    let fixed = |value| Terms {
        kind: "fixed",
        value,
        ..TEN_PERCENT
    };
    coupon(&test, "MUCH", fixed(9_951)).await;
    coupon(&test, "ALL", fixed(10_000)).await;
    let id = test.held(&[("A", 1)]).await;
    let with = |code: &str| operations::order::Create {
        coupon: Some(code.parse().unwrap()),
        pay_by: at(Gateway::Stripe),
        ..order_request(id)
    };
    let refused = create(&test, &with("MUCH")).await;
    assert!(
        matches!(refused, Err(CreateError::AmountNotPayable(_))),
        "{refused:?}"
    );
    assert_eq!(uses(&test, "MUCH").await, (0, 0));
    // a client of the attempt commits nothing either
    let attempt = format!(
        "begin; select holdfast.order_create_attempt('main', '{id}', 'c', '\\x01',
            gen_random_uuid(), 'main-x', 'online', 'MUCH', null, null, false, true,
            'stripe'); commit"
    );
    assert_commit_refused(&test.session().await, &attempt).await;
    // nothing to pay: no gateway
    let Created::New(free) = create(&test, &with("ALL")).await.unwrap() else {
        panic!("not new")
    };
    assert_eq!(free.status, "paid");
    test.assert_promises_hold().await;
}

/// The order was made for a gateway that takes less.
#[tokio::test]
async fn a_retry_at_a_gateway_that_does_not_take_the_total_changes_nothing() {
    let test = shop_in("INR").await;
    price(&test, "A", 60).await;
    let id = test.held(&[("A", 1)]).await;
    let mut request = order_request(id);
    request.pay_by = at(Gateway::Stripe);
    create(&test, &request).await.unwrap();
    let before = test.rows().await;
    request.pay_by = at(Gateway::Razorpay);
    let refused = create(&test, &request).await;
    assert!(
        matches!(refused, Err(CreateError::AmountNotPayable(_))),
        "{refused:?}"
    );
    assert_eq!(test.rows().await, before);
}

#[tokio::test]
async fn a_percentage_is_rounded_to_what_card_networks_take() {
    for (currency, price_minor, discount) in [
        ("KWD", 9_990, 990),
        ("INR", 9_990, 999),
        ("MGA", 9_900, 900),
    ] {
        let test = shop_in(currency).await;
        coupon(&test, "TEN", TEN_PERCENT).await;
        price(&test, "A", price_minor).await;
        let request = operations::order::Create {
            coupon: Some("TEN".parse().unwrap()),
            pay_by: at(Gateway::Stripe),
            ..order_request(test.held(&[("A", 1)]).await)
        };
        let Created::New(order) = create(&test, &request).await.unwrap() else {
            panic!("not new")
        };
        assert_eq!(order.discount_minor, discount, "{currency}");
    }
}

#[tokio::test]
async fn a_refund_finer_than_its_gateway_takes_is_refused() {
    let test = shop_in("KWD").await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let paid = event(&order, EventKind::Paid, "pi_1");
    assert_eq!(test.stripe(&paid).await, Outcome::Completed);
    let before = test.rows().await;
    let refused = test.ask(order.order_id, &ask_for(Some(1_255))).await;
    assert!(
        matches!(refused, Err(RequestError::AmountNotPayable)),
        "{refused:?}"
    );
    assert_eq!(test.rows().await, before);
    test.ask(order.order_id, &ask_for(Some(1_250)))
        .await
        .unwrap();
    test.assert_promises_hold().await;
}

/// More than the total came, and its last digit can't go back alone. The caller named no amount.
#[tokio::test]
async fn a_rest_finer_than_its_gateway_takes_is_named_as_the_cause() {
    let test = shop_in("KWD").await;
    let (_, order) = test.ordered(&[("A", 1)]).await;
    let odd = part(&order, "pi_1", order.total_minor + 1);
    assert_eq!(test.stripe(&odd).await, Outcome::Review);
    test.ask(order.order_id, &ask_for(Some(1_250)))
        .await
        .unwrap();
    let refused = test.ask(order.order_id, &ask_for(None)).await;
    assert!(
        matches!(refused, Err(RequestError::RestNotPayable)),
        "{refused:?}"
    );
    test.ask(order.order_id, &ask_for(Some(order.total_minor - 1_250)))
        .await
        .unwrap();
    test.assert_promises_hold().await;
}

/// One table is in SQL, because it refuses; the other one is in Rust, because it converts.
#[tokio::test]
async fn the_database_and_the_clients_agree_on_every_currency() {
    let test = TestDb::new().await;
    let query = "select c, holdfast.currency_digits(c), b.o_minimum_minor, b.o_maximum_minor,
            b.o_step_minor
        from (select chr(65 + n / 676) || chr(65 + n / 26 % 26) || chr(65 + n % 26) as c
            from generate_series(0, 26 * 26 * 26 - 1) n) codes,
            holdfast.amount_bound('stripe', c) b";
    for row in test.owner.query(query, &[]).await.unwrap() {
        let currency: &str = row.get(0);
        let digits: i32 = row.get(1);
        assert_eq!(
            u32::try_from(digits),
            Ok(minor_digits(currency)),
            "{currency}"
        );
        let (least, most, step): (i64, i64, i64) = (row.get(2), row.get(3), row.get(4));
        for fits in [least, most, step] {
            assert!(
                stripe_from_minor(fits, currency).is_some(),
                "{currency} {fits}"
            );
        }
        let finer = stripe_from_minor(least + 1, currency);
        assert_eq!(finer.is_some(), step == 1, "{currency}");
        assert_eq!((least % step, most % step), (0, 0), "{currency}");
    }
    let unknown = test.count("select count(*) from holdfast.shops where shop <> 'main'");
    assert_eq!((unknown.await, MAIN), (0, "main"));
}
