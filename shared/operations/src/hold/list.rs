//! One page of the journal of holds.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Hold;
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop, Sku};
use crate::page::{self, After, Page, SCAN_MAX};
use crate::quantity::PageLimit;
use crate::text::one_of;
use crate::utc::Utc;

/// A filter for holds. `None` matches any value.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub sku: Option<Sku>,
    pub checkout_id: Option<CheckoutId>,
    /// Matches the holds of this customer's checkouts.
    pub customer: Option<Customer>,
    pub status: Option<Status>,
}

one_of!(
    /// A state of holds.
    Status, "active", "consumed", "released", "expired"
);

/// The hold that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    expires_at: Utc,
    checkout_id: Uuid,
    generation: i32,
    sku: String,
}

/// Lists holds, sorted by checkout; active ones of one sku by their end. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    filter: &Filter,
    after: Option<&After<Position>>,
    limit: PageLimit,
) -> Result<Page<Hold>, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.hold_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            &[
                &shop,
                &filter.sku,
                &filter.checkout_id,
                &filter.customer,
                &filter.status,
                &after.map(|After(place)| place.expires_at),
                &after.map(|After(place)| place.checkout_id),
                &after.map(|After(place)| place.generation),
                &after.map(|After(place)| &place.sku),
                &limit,
                &SCAN_MAX,
            ],
        )
        .await?;
    page::from_row::<Hold, Position>(&row, "o_holds")
}
