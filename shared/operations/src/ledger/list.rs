//! One page of the ledger.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db::{Database, Failure};
use crate::ids::{Actor, Reference, Shop, Sku};
use crate::page::{self, After, ListRow, Page, SCAN_MAX};
use crate::quantity::PageLimit;
use crate::stock::{Movement, MovementReason};
use crate::utc::Utc;

/// A filter for movements. `None` matches any value.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = LedgerFilter)]
pub struct Filter {
    /// Only this sku.
    pub sku: Option<Sku>,
    /// Only this reference, such as a purchase order or a payment.
    pub reference: Option<Reference>,
    /// Only this reason.
    pub reason: Option<MovementReason>,
    /// Only this actor.
    pub actor: Option<Actor>,
    /// Only from this time on.
    pub from: Option<Utc>,
    /// Only before this time.
    pub until: Option<Utc>,
}

impl ListRow for Movement {
    const ROWS: &'static str = "movements";
}

/// The movement that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    created_at: Utc,
    sku: Sku,
    version: i64,
}

impl page::Position for Position {
    const LIST: &'static str = "ledger_list";
}

/// Lists movements, newest first. Rows that are added meanwhile do not appear on later pages. Locks
/// nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    filter: &Filter,
    after: Option<&After<Position>>,
    limit: PageLimit,
) -> Result<Page<Movement>, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.ledger_list(\
                 $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            &[
                &shop,
                &filter.sku,
                &filter.reference,
                &filter.reason,
                &filter.actor,
                &filter.from,
                &filter.until,
                &after.map(|After(place)| place.created_at),
                &after.map(|After(place)| &place.sku),
                &after.map(|After(place)| place.version),
                &limit,
                &SCAN_MAX,
            ],
        )
        .await?;
    page::from_row::<Movement, Position>(&row, "o_movements")
}
