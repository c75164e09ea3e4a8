//! The seat desk, for tests.

use operations::db::Database;
use operations::ids::{Actor, CheckoutId, ReturnId};
use operations::order::{
    self, Amend, AmendError, Amended, Book, BookError, Booked, CancelError, DeskOrder, Restock,
    RestockError, Restocked,
};
use uuid::Uuid;

use crate::clerk::ADMIN;
use crate::{CLUSTER, MAIN, TestDb, cart, new_id, pool, shop};

/// A booking for the customer `c`.
pub fn book_request(lines: &[(&str, i64)]) -> Book {
    Book {
        customer: "c".parse().unwrap(),
        lines: cart(lines),
        coupon: None,
    }
}

/// A booking, seen at `version`, shall have these lines.
pub fn amend_request(version: i64, lines: &[(&str, i64)]) -> Amend {
    Amend {
        expected_version: version.try_into().unwrap(),
        lines: cart(lines),
    }
}

/// These units come back, as a new return.
pub fn restock_request(lines: &[(&str, i64)]) -> Restock {
    Restock {
        return_id: ReturnId::from(Uuid::new_v4()),
        lines: cart(lines),
        note: None,
    }
}

/// A dispatcher, or a clerk.
pub fn actor(name: &str) -> Actor {
    name.parse().unwrap()
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
        match self.book(new_id(), &book_request(lines)).await {
            Ok(Booked::New(order)) => order,
            other => panic!("not booked: {other:?}"),
        }
    }

    /// Books at `main`, as the dispatcher `d-1`.
    pub async fn book(&self, id: CheckoutId, book: &Book) -> Result<Booked, BookError> {
        order::book(&self.0, &shop(MAIN), id, &actor("d-1"), book).await
    }

    /// Amends an order of `main`, from its version, as the dispatcher `d-2`.
    pub async fn amend(
        &self,
        order: &DeskOrder,
        lines: &[(&str, i64)],
    ) -> Result<DeskOrder, AmendError> {
        let amend = amend_request(order.version, lines);
        let id = order.checkout_id.into();
        match order::amend(&self.0, &shop(MAIN), id, &actor("d-2"), &amend).await? {
            Amended::Changed(order) | Amended::Same(order) => Ok(order),
        }
    }

    /// Cancels a booking of `main`, as the dispatcher `d-3`.
    pub async fn cancel(&self, order: &DeskOrder) -> Result<DeskOrder, CancelError> {
        order::cancel(
            &self.0,
            &shop(MAIN),
            order.checkout_id.into(),
            &actor("d-3"),
            None,
        )
        .await
    }

    /// Returns units of an order of `main`, as the clerk `k-1`.
    pub async fn restock(
        &self,
        order_id: Uuid,
        restock: &Restock,
    ) -> Result<Restocked, RestockError> {
        order::restock(
            &self.0,
            &shop(MAIN),
            order_id.into(),
            &actor("k-1"),
            restock,
        )
        .await
    }
}
