//! One page of a shop's refunds.

use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Refund;
use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::page::{self, InvalidCursor, Page, SCAN_MAX};
use crate::quantity::PageLimit;
use crate::utc::Utc;

/// Which refunds; none of a field is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// In this state.
    pub status: Option<Status>,
}

/// A state of refunds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(&'static str);

/// Every state that a refund can have.
const STATUSES: [&str; 5] = ["owed", "sending", "pending", "settled", "failed"];

/// Why a text is no state: a sentence that follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of owed, sending, pending, settled, failed")]
pub struct InvalidStatus;

impl std::str::FromStr for Status {
    type Err = InvalidStatus;

    fn from_str(text: &str) -> Result<Self, InvalidStatus> {
        let known = STATUSES.into_iter().find(|status| *status == text);
        known.map(Self).ok_or(InvalidStatus)
    }
}

/// The refund that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    created_at: Utc,
    refund_id: Uuid,
}

impl std::str::FromStr for Place {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        page::place(text)
    }
}

/// Lists refunds, oldest first. What failed and was done over is not listed as failed. Locks
/// nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    filter: Filter,
    after: Option<&Place>,
    limit: PageLimit,
) -> Result<Page<Refund>, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.refund_list($1, $2, $3, $4, $5, $6)",
            &[
                (&shop.as_str(), Type::TEXT),
                (&filter.status.map(|status| status.0), Type::TEXT),
                (
                    &after.map(|place| place.created_at.get()),
                    Type::TIMESTAMPTZ,
                ),
                (&after.map(|place| place.refund_id), Type::UUID),
                (&limit.get(), Type::INT4),
                (&SCAN_MAX, Type::INT4),
            ],
        )
        .await?;
    page::from_row::<Refund, Place>(&row, "o_refunds")
}
