//! Checkouts, as a test reads them.

use operations::checkout::{self, BeginError, Begun, Checkout, Shortage};
use operations::ids::CheckoutId;

use crate::{MAIN, TestDb, shop};

/// One line of a shortage.
pub fn shortage(sku: &str, requested: i32, available: i32) -> Shortage {
    Shortage {
        sku: sku.to_owned(),
        requested,
        available,
    }
}

/// The shortages of a checkout that must be refused for them.
pub fn shortages(refused: Result<Begun, BeginError>) -> Vec<Shortage> {
    match refused {
        Err(BeginError::Shortage(shortages)) => shortages,
        other => panic!("not refused for a shortage: {other:?}"),
    }
}

/// The checkout, as the service reads it.
pub async fn read(test: &TestDb, id: CheckoutId) -> Checkout {
    checkout::read(&test.db, &shop(MAIN), id, None)
        .await
        .unwrap()
        .unwrap()
}
