//! Orders, as a test places them.

use operations::ids::CheckoutId;
use operations::order::{self, Address, Create, CreateError, Created, Order};
use serde_json::json;

use crate::{MAIN, TestDb, order_request, shop};

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
