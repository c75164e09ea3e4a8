//! Orders, as a test places them.

use operations::ids::CheckoutId;
use operations::order::{self, Address, Create, CreateError, Created, Order};
use operations::payment::{Event, EventKind};
use serde_json::json;

use crate::{MAIN, PRICE_MINOR, TestDb, order_request, shop};

/// Sets a price in the catalogue of `main`.
pub async fn price(test: &TestDb, sku: &str, minor: i64) {
    test.sql(&format!(
        "select holdfast.sku_put('main', '{sku}', 'A dress', '{{}}', {minor})"
    ))
    .await;
}

/// The customer `c` orders, online, with a coupon.
pub fn with_coupon(id: CheckoutId, code: &str) -> Create {
    Create {
        coupon: Some(code.parse().unwrap()),
        ..order_request(id)
    }
}

/// An address in Pune.
pub fn address(recipient: &str) -> Address {
    serde_json::from_value(json!({
        "recipient": recipient, "line1": "1 Main Street", "city": "Pune",
        "postal_code": "411001", "country": "IN"
    }))
    .unwrap()
}

/// Orders.
///
/// # Errors
/// The refusal of the operation.
pub async fn create(test: &TestDb, request: &Create) -> Result<Created, CreateError> {
    order::create(&test.db, request).await
}

/// Places a new order, which must succeed.
pub async fn created(test: &TestDb, request: &Create) -> Order {
    match create(test, request).await.unwrap() {
        Created::New(order) => order,
        Created::Same(order) => panic!("not new: {order:?}"),
    }
}

/// The order of a checkout of `main`.
pub async fn read_order(test: &TestDb, id: CheckoutId) -> Order {
    order::read(&test.db, &shop(MAIN), id, None)
        .await
        .unwrap()
        .unwrap()
}

/// Makes orders of one unit of each of these skus, by the owner's session. Their payments are
/// `main-<number>`.
pub async fn numbered(test: &TestDb, numbers: std::ops::Range<usize>, skus: &str) {
    let (first, last) = (numbers.start, numbers.end - 1);
    test.sql(&format!(
        "select holdfast.checkout_begin_attempt('main', id, 'c', 1, '', null, '{{{skus}}}',
                array_fill(1, array[cardinality('{{{skus}}}'::text[])]), true),
            holdfast.order_create_attempt('main', id, 'c', '', id, 'main-' || n, 'online', null,
                null, null, false, true)
        from (select n, gen_random_uuid() as id from generate_series({first}, {last}) n) o"
    ))
    .await;
}

/// The event that pays such an order, of `skus` skus.
pub fn paid_numbered(number: usize, skus: i64) -> Event {
    Event {
        reference: Some(format!("main-{number}")),
        amount_minor: Some(skus * PRICE_MINOR),
        currency: Some("INR".to_owned()),
        gateway_payment_id: Some(format!("p-{number}")),
        ..Event::new(format!("key-{number}"), EventKind::Paid, "{}".to_owned())
    }
}
