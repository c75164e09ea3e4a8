//! The seat desk, for tests.

use operations::db::Database;
use operations::ids::{CheckoutId, ReturnId};
use operations::order::{
    self, Amend, AmendError, Amended, Book, BookError, Booked, CancelError, DeskOrder, Restock,
    RestockError, Restocked,
};
use uuid::Uuid;

use crate::clerk::ADMIN;
use crate::{CLUSTER, MAIN, TestDb, cart, new_id, pool, shop};

/// The dispatcher `d-1` books for the customer `c`.
pub fn book_request(id: CheckoutId, lines: &[(&str, i64)]) -> Book {
    Book {
        shop: shop(MAIN),
        checkout_id: id,
        customer: "c".parse().unwrap(),
        actor: "d-1".parse().unwrap(),
        cart: cart(lines),
        coupon: None,
    }
}

/// The dispatcher `d-2` sets a booking, seen at `version`, to these lines.
pub fn amend_request(id: CheckoutId, version: i64, lines: &[(&str, i64)]) -> Amend {
    Amend {
        shop: shop(MAIN),
        checkout_id: id,
        expected_version: version,
        actor: "d-2".parse().unwrap(),
        cart: cart(lines),
    }
}

/// The clerk `k-1` returns units of an order, as a new return.
pub fn restock_request(order_id: Uuid, lines: &[(&str, i64)]) -> Restock {
    Restock {
        shop: shop(MAIN),
        order_id: order_id.into(),
        return_id: ReturnId::from(Uuid::new_v4()),
        actor: "k-1".parse().unwrap(),
        note: None,
        cart: cart(lines),
    }
}

/// The order of either answer.
pub fn booked_order(booked: Booked) -> DeskOrder {
    match booked {
        Booked::New(order) | Booked::Same(order) => order,
    }
}

/// The desk of a test: the admin function's role.
pub struct Desk(pub Database);

impl TestDb {
    /// A desk with so many connections.
    pub fn desk(&self, connections: usize) -> Desk {
        Desk(pool(&CLUSTER.url(ADMIN, self.name()), connections))
    }
}

impl Desk {
    /// Books under a fresh id, which must succeed.
    pub async fn booked(&self, lines: &[(&str, i64)]) -> DeskOrder {
        match self.book(&book_request(new_id(), lines)).await {
            Ok(Booked::New(order)) => order,
            other => panic!("not booked: {other:?}"),
        }
    }

    /// Books.
    pub async fn book(&self, request: &Book) -> Result<Booked, BookError> {
        order::book(&self.0, request).await
    }

    /// Amends an order, from its version.
    pub async fn amend(
        &self,
        order: &DeskOrder,
        lines: &[(&str, i64)],
    ) -> Result<DeskOrder, AmendError> {
        let request = amend_request(order.checkout_id.into(), order.version, lines);
        match order::amend(&self.0, &request).await? {
            Amended::Changed(order) | Amended::Same(order) => Ok(order),
        }
    }

    /// Cancels a booking of `main`, as the dispatcher `d-3`.
    pub async fn cancel(&self, order: &DeskOrder) -> Result<DeskOrder, CancelError> {
        let actor = "d-3".parse().unwrap();
        order::cancel(&self.0, &shop(MAIN), order.checkout_id.into(), &actor).await
    }

    /// Returns units.
    pub async fn restock(&self, request: &Restock) -> Result<Restocked, RestockError> {
        order::restock(&self.0, request).await
    }
}
