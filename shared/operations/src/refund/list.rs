//! One page of a shop's refunds.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Refund;
use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::page::{self, After, Page, SCAN_MAX};
use crate::quantity::PageLimit;
use crate::text::one_of;
use crate::utc::Utc;

/// A filter for refunds. `None` matches any value.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// In this state.
    pub status: Option<Status>,
}

one_of!(
    /// A state of refunds.
    Status, "owed", "sending", "pending", "settled", "failed"
);

/// The refund that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    created_at: Utc,
    refund_id: Uuid,
}

/// Lists refunds, oldest first. A failed refund that was replaced is not listed as failed. Locks
/// nothing.
///
/// # Errors
/// [`Failure`] when the database could not answer.
pub async fn list(
    db: &Database,
    shop: &Shop,
    filter: Filter,
    after: Option<&After<Position>>,
    limit: PageLimit,
) -> Result<Page<Refund>, Failure> {
    let row = db
        .call_one(
            "select * from holdfast.refund_list($1, $2, $3, $4, $5, $6)",
            &[
                &shop,
                &filter.status,
                &after.map(|After(place)| place.created_at),
                &after.map(|After(place)| place.refund_id),
                &limit,
                &SCAN_MAX,
            ],
        )
        .await?;
    page::from_row::<Refund, Position>(&row, "o_refunds")
}
