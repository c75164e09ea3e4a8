//! One page of the journal of holds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Hold;
use crate::db::{Database, Failure};
use crate::ids::{CheckoutId, Customer, Shop, Sku};
use crate::page::{self, After, ListRow, Page, SCAN_MAX};
use crate::quantity::PageLimit;
use crate::text::one_of;

/// A filter for holds. `None` matches any value.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = HoldFilter)]
pub struct Filter {
    /// Only this sku.
    pub sku: Option<Sku>,
    /// Only this checkout.
    pub checkout_id: Option<CheckoutId>,
    /// Only checkouts of this customer.
    pub customer: Option<Customer>,
    /// Only this status.
    pub status: Option<HoldStatus>,
}

one_of!(
    /// A state of holds.
    HoldStatus, "active", "consumed", "released", "expired"
);

impl ListRow for Hold {
    const ROWS: &'static str = "holds";
}

/// The hold that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    checkout_id: Uuid,
    generation: i32,
    sku: Sku,
}

impl page::Position for Position {
    const LIST: &'static str = "hold_list";
}

/// Lists holds, sorted by checkout. Locks nothing.
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
    let checkout_id = filter.checkout_id.as_ref().map(CheckoutId::as_uuid);
    let row = db
        .call_one(
            "select * from holdfast.hold_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &[
                &shop,
                &filter.sku,
                &checkout_id,
                &filter.customer,
                &filter.status,
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
