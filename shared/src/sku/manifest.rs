//! Who sits on a departure: what of one sku is sold and held, and by whom.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use time::{OffsetDateTime, UtcOffset};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::db::{Database, Failure};
use crate::ids::{Shop, Sku};
use crate::quantity::PageLimit;

/// A page of a sku's manifest. The database writes it as JSON; this type is what that JSON must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The sku's code.
    pub sku: String,
    /// Its name for people.
    pub title: String,
    /// Date, place and the like.
    pub attributes: serde_json::Value,
    /// When its sale closes.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub sale_closes_at: Option<OffsetDateTime>,
    /// Seats that are left, held ones included.
    pub on_hand: i32,
    /// Seats of them that are held.
    pub held: i32,
    /// `on_hand - held`.
    pub available: i32,
    /// Seats that are sold and have not come back.
    pub sold: i64,
    /// In the order in which they were begun.
    pub rows: Vec<Seat>,
    /// Behind the last row, when there are more.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    /// The database's clock at this answer.
    #[serde(with = "time::serde::rfc3339")]
    pub server_time: OffsetDateTime,
}

/// What one party has of a sku.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// The order, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Uuid>,
    /// The checkout: the id of the booking.
    pub checkout_id: Uuid,
    /// Whose they are.
    pub customer: String,
    /// The dispatcher who booked them; none when the customer did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_by: Option<String>,
    /// Units, without those that came back.
    pub quantity: i32,
    /// The order's status, or `held` for a hold without an order.
    pub status: String,
    /// Until when they are held; none when they are sold.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<OffsetDateTime>,
    /// When the checkout was begun.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A place in a manifest, behind one of its rows: as text, when its checkout was begun, in
/// microseconds since 1970, and the checkout's id. A caller passes it back as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    created_at: OffsetDateTime,
    checkout_id: Uuid,
}

/// Why a text is no cursor: a sentence that follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next` of an earlier page, as it was")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.created_at.unix_timestamp_nanos() / 1_000;
        write!(f, "{micros}.{}", self.checkout_id)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (micros, id) = text.split_once('.').ok_or(InvalidCursor)?;
        let micros: i64 = micros.parse().map_err(|_| InvalidCursor)?;
        let nanos = i128::from(micros) * 1_000;
        Ok(Self {
            created_at: OffsetDateTime::from_unix_timestamp_nanos(nanos)
                .map_err(|_| InvalidCursor)?,
            checkout_id: Uuid::try_parse(id).map_err(|_| InvalidCursor)?,
        })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// There is no such sku.
    #[error("there is no such sku")]
    NotFound,
    /// Could not decide.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads one page of at most `limit` rows behind `after`, and the totals.
/// Locks nothing.
///
/// # Errors
/// [`ManifestError`].
pub async fn manifest(
    db: &Database,
    shop: &Shop,
    sku: &Sku,
    after: Option<Cursor>,
    limit: PageLimit,
) -> Result<Manifest, ManifestError> {
    let rows_max = usize::try_from(limit.get()).map_err(|error| Failure::Internal(error.into()))?;
    let row = db
        .call_one(
            "select holdfast.sku_manifest($1, $2, $3, $4, $5)",
            &[
                (&shop.as_str(), Type::TEXT),
                (&sku.as_str(), Type::TEXT),
                (&after.map(|cursor| cursor.created_at), Type::TIMESTAMPTZ),
                (&after.map(|cursor| cursor.checkout_id), Type::UUID),
                (&limit.get(), Type::INT4),
            ],
        )
        .await?;
    let json: Option<serde_json::Value> = row.get(0);
    let mut page: Manifest = serde_json::from_value(json.ok_or(ManifestError::NotFound)?)
        .map_err(|error| Failure::Internal(error.into()))?;
    if page.rows.len() > rows_max {
        page.rows.truncate(rows_max);
        page.next = page.rows.last().map(|last| Cursor {
            created_at: last.created_at,
            checkout_id: last.checkout_id,
        });
    }
    in_utc(&mut page);
    Ok(page)
}

/// The routine's times are in the session's time zone.
fn in_utc(page: &mut Manifest) {
    let utc = |at: OffsetDateTime| at.to_offset(UtcOffset::UTC);
    page.server_time = utc(page.server_time);
    page.sale_closes_at = page.sale_closes_at.map(utc);
    for row in &mut page.rows {
        row.created_at = utc(row.created_at);
        row.expires_at = row.expires_at.map(utc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_nothing_else_is_one() {
        let text = "1795312345678901.0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4";
        let cursor: Cursor = text.parse().unwrap();
        assert_eq!(cursor.to_string(), text);
        for bad in [
            "",
            "1",
            ".",
            "1.x",
            "x.0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4",
        ] {
            assert_eq!(bad.parse::<Cursor>(), Err(InvalidCursor), "{bad}");
        }
        let far = format!("{}.0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4", i64::MAX);
        assert_eq!(far.parse::<Cursor>(), Err(InvalidCursor));
    }
}
