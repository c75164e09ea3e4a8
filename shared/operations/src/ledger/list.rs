//! One page of the ledger.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;

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
                (&shop.as_str(), Type::TEXT),
                (&filter.sku.as_ref().map(Sku::as_str), Type::TEXT),
                (
                    &filter.reference.as_ref().map(Reference::as_str),
                    Type::TEXT,
                ),
                (&filter.reason.map(Reason::as_str), Type::TEXT),
                (&filter.actor.as_ref().map(Actor::as_str), Type::TEXT),
                (&filter.from.map(Utc::get), Type::TIMESTAMPTZ),
                (&filter.until.map(Utc::get), Type::TIMESTAMPTZ),
                (
                    &after.map(|After(place)| place.created_at.get()),
                    Type::TIMESTAMPTZ,
                ),
                (&after.map(|After(place)| place.sku.as_str()), Type::TEXT),
                (&after.map(|After(place)| place.version), Type::INT8),
                (&limit.get(), Type::INT4),
                (&SCAN_MAX, Type::INT4),
            ],
        )
        .await?;
    page::from_row::<Movement, Position>(&row, "o_movements")
}
