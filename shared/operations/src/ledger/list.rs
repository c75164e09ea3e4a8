//! One page of the ledger.

use serde::{Deserialize, Serialize};

use crate::db::{Database, Failure};
use crate::ids::{Actor, Reference, Shop, Sku};
use crate::page::{self, After, Page, SCAN_MAX};
use crate::quantity::PageLimit;
use crate::stock::Movement;
use crate::text::one_of;
use crate::utc::Utc;

/// A filter for movements. `None` matches any value.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub sku: Option<Sku>,
    pub reference: Option<Reference>,
    pub reason: Option<Reason>,
    pub actor: Option<Actor>,
    /// At or after this time.
    pub from: Option<Utc>,
    /// Before this time.
    pub until: Option<Utc>,
}

one_of!(
    /// The reason of a stock change.
    Reason, "received", "adjusted", "sold", "returned", "missing"
);

/// The movement that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    created_at: Utc,
    sku: String,
    version: i64,
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
