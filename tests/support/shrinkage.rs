//! Shrinkage of the sku `A` of `main`.

use operations::db::Database;
use operations::ids::{Actor, CheckoutId, Sku};
use operations::stock::{Shrink, ShrinkError, Shrinkage, shrink};
use serde_json::json;
use uuid::Uuid;

use crate::clerk::ADMIN;
use crate::{CLUSTER, MAIN, TestDb, pool, shop};

/// Missing units.
pub fn missing(units: i64) -> Shrink {
    Shrink {
        missing: units.try_into().unwrap(),
        movement_id: Uuid::new_v4().into(),
        expected_version: None,
        reference: Some("CLAIM-7".parse().unwrap()),
        note: "count of Monday".parse().unwrap(),
        dry_run: false,
    }
}

/// Missing units, with the version of the stock level that the clerk has seen.
pub fn expecting(units: i64, version: i64) -> Shrink {
    Shrink {
        expected_version: Some(version.try_into().unwrap()),
        ..missing(units)
    }
}

/// Ten connections of the admin function's role.
pub fn office(test: &TestDb) -> Database {
    pool(&CLUSTER.url(ADMIN, test.name()), 10)
}

/// The clerk `clerk` takes the missing units out of the sku `A`.
///
/// # Errors
/// The refusal of the operation.
pub async fn shrunk(test: &TestDb, request: &Shrink) -> Result<Shrinkage, ShrinkError> {
    shrunk_by(&office(test), request).await
}

/// [`shrunk`] with these connections.
///
/// # Errors
/// The refusal of the operation.
pub async fn shrunk_by(office: &Database, request: &Shrink) -> Result<Shrinkage, ShrinkError> {
    let (sku, clerk): (Sku, Actor) = ("A".parse().unwrap(), "clerk".parse().unwrap());
    shrink(office, &shop(MAIN), &sku, &clerk, request).await
}

/// The checkouts that a shrinkage broke, in its order.
pub fn broken(shrinkage: &Shrinkage) -> Vec<Uuid> {
    shrinkage
        .broken
        .iter()
        .map(|hold| hold.checkout_id)
        .collect()
}

/// Checkout ids as UUIDs.
pub fn ids(of: &[CheckoutId]) -> Vec<Uuid> {
    of.iter().map(|id| *id.as_uuid()).collect()
}

/// on_hand and held after a shrinkage.
pub fn counters(shrinkage: &Shrinkage) -> (i32, i32) {
    (shrinkage.level.on_hand, shrinkage.level.held)
}

/// A checkout's status, as the database has it.
pub async fn status(test: &TestDb, id: CheckoutId) -> String {
    test.text(&format!(
        "select status::text from holdfast.checkouts where checkout_id = '{id}'"
    ))
    .await
}

/// Asserts every promise, and that exactly these checkouts are announced as broken, once each.
pub async fn assert_all_is_well(test: &TestDb, expected_broken: &[Uuid]) {
    test.assert_promises_hold().await;
    let announced = "select coalesce(json_agg(body ->> 'checkout_id' order by 1), '[]')
        from (select body from holdfast.outbox_messages where topic = 'checkout.broken'
            order by body ->> 'checkout_id') announced";
    let mut expected = expected_broken.to_vec();
    expected.sort();
    assert_eq!(test.json(announced).await, json!(expected));
}
