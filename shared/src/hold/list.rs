//! One page of the journal of holds.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Hold;
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop, Sku};
use crate::page::{self, InvalidCursor, Page, SCAN_MAX};
use crate::quantity::PageLimit;
use crate::utc::Utc;

/// Which holds; none of a field is any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this sku.
    pub sku: Option<Sku>,
    /// Of this checkout.
    pub checkout_id: Option<CheckoutId>,
    /// Of this customer's checkouts.
    pub customer: Option<Customer>,
    /// In this state.
    pub status: Option<Status>,
}

/// A state of holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(&'static str);

/// Every state that a hold can have.
const STATUSES: [&str; 4] = ["active", "consumed", "released", "expired"];

/// Why a text is no state: a sentence that follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of active, consumed, released, expired")]
pub struct InvalidStatus;

impl std::str::FromStr for Status {
    type Err = InvalidStatus;

    fn from_str(text: &str) -> Result<Self, InvalidStatus> {
        let known = STATUSES.into_iter().find(|status| *status == text);
        known.map(Self).ok_or(InvalidStatus)
    }
}

/// The hold that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    expires_at: Utc,
    checkout_id: Uuid,
    take: i32,
    sku: String,
}

impl std::str::FromStr for Place {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        page::place(text)
    }
}

/// Lists holds, sorted by checkout; active ones of one sku by their end. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    filter: &Filter,
    after: Option<&Place>,
    limit: PageLimit,
) -> Result<Page<Hold>, Failure> {
    let checkout_id = filter.checkout_id.as_ref().map(CheckoutId::as_uuid);
    let row = db
        .call_one(
            "select * from holdfast.hold_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            &[
                (&shop.as_str(), Type::TEXT),
                (&filter.sku.as_ref().map(Sku::as_str), Type::TEXT),
                (&checkout_id, Type::UUID),
                (&filter.customer.as_ref().map(Customer::as_str), Type::TEXT),
                (&filter.status.map(|status| status.0), Type::TEXT),
                (
                    &after.map(|place| place.expires_at.get()),
                    Type::TIMESTAMPTZ,
                ),
                (&after.map(|place| place.checkout_id), Type::UUID),
                (&after.map(|place| place.take), Type::INT4),
                (&after.map(|place| place.sku.as_str()), Type::TEXT),
                (&limit.get(), Type::INT4),
                (&SCAN_MAX, Type::INT4),
            ],
        )
        .await?;
    page::from_row::<Hold, Place>(&row, "o_holds")
}
