//! One page of a shop's refunds.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Refund, RefundStatus};
use crate::db::{Database, Failure};
use crate::ids::Shop;
use crate::page::{self, After, ListRow, Page, SCAN_MAX};
use crate::quantity::PageLimit;
use crate::utc::Utc;

/// A filter for refunds. `None` matches any value.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = RefundFilter)]
pub struct Filter {
    /// Only this status.
    pub status: Option<RefundStatus>,
}

impl ListRow for Refund {
    const ROWS: &'static str = "refunds";
}

/// The refund that a page begins after.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Position {
    created_at: Utc,
    refund_id: Uuid,
}

impl page::Position for Position {
    const LIST: &'static str = "refund_list";
}

/// Lists refunds, oldest first. A failed refund that was replaced is not listed as failed. Locks
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
