//! One page of the ledger.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;

use crate::db::{Database, Failure};
use crate::ids::{Actor, Reference, Shop, Sku};
use crate::page::{self, InvalidCursor, Page, SCAN_MAX};
use crate::quantity::PageLimit;
use crate::stock::Movement;
use crate::utc::Utc;

/// Which movements; none of a field is any.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this sku.
    pub sku: Option<Sku>,
    /// With this reference.
    pub reference: Option<Reference>,
    /// With this reason.
    pub reason: Option<Reason>,
    /// Of this actor.
    pub actor: Option<Actor>,
    /// From this moment on.
    pub from: Option<Utc>,
    /// Before this moment.
    pub until: Option<Utc>,
}

/// Why stock changed, in the ledger's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason(&'static str);

/// Every reason that the ledger knows.
const REASONS: [&str; 5] = ["received", "adjusted", "sold", "returned", "missing"];

/// Why a text is no reason: a sentence that follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of received, adjusted, sold, returned, missing")]
pub struct InvalidReason;

impl std::str::FromStr for Reason {
    type Err = InvalidReason;

    fn from_str(text: &str) -> Result<Self, InvalidReason> {
        let known = REASONS.into_iter().find(|reason| *reason == text);
        known.map(Self).ok_or(InvalidReason)
    }
}

/// The movement that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    created_at: Utc,
    sku: String,
    version: i64,
}

impl std::str::FromStr for Place {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        page::place(text)
    }
}

/// Lists movements, newest first. Rows that are added meanwhile are newer than every page that is
/// still to come. Locks nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    filter: &Filter,
    after: Option<&Place>,
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
                (&filter.reason.map(|reason| reason.0), Type::TEXT),
                (&filter.actor.as_ref().map(Actor::as_str), Type::TEXT),
                (&filter.from.map(Utc::get), Type::TIMESTAMPTZ),
                (&filter.until.map(Utc::get), Type::TIMESTAMPTZ),
                (
                    &after.map(|place| place.created_at.get()),
                    Type::TIMESTAMPTZ,
                ),
                (&after.map(|place| place.sku.as_str()), Type::TEXT),
                (&after.map(|place| place.version), Type::INT8),
                (&limit.get(), Type::INT4),
                (&SCAN_MAX, Type::INT4),
            ],
        )
        .await?;
    page::from_row::<Movement, Place>(&row, "o_movements")
}
