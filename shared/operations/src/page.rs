//! Pages of long lists. A page is bounded by the rows that it shows and by the rows that it reads.
//! A cursor says where the next page begins.

use std::str::FromStr;

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::Row;

use crate::db::Failure;
use crate::ids::read_text;
use crate::quantity::PageLimit;

/// Rows that a page may read. The page ends there, even if few rows match its filter. If too low,
/// finding a rare row takes many calls. If too high, one call reads for seconds.
pub(crate) const SCAN_MAX: i32 = 5_000;

/// Characters of a cursor at most. The longest has a customer's name of 64 characters.
const CURSOR_CHARS_MAX: usize = 500;

/// One page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Where the next page begins. `None` after the last one. Even a page without rows can have a
    /// next one, because it read its bound of rows.
    pub next: Option<Cursor>,
}

/// A row of a list.
pub trait ListRow: Serialize {
    /// The name of the rows in an answer, such as `movements`.
    const ROWS: &'static str;
    /// Rows of one page at most.
    const ROWS_MAX: i32 = PageLimit::MAX;
}

/// Where a page begins. It is opaque: callers send back the text of an earlier answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(String);

/// Why a text is no cursor. The sentence follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be `next` of the previous page of the same list")]
pub struct InvalidCursor;

impl utoipa::PartialSchema for Cursor {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let about = "Where a page begins: `next` of the previous page of the same list.";
        crate::schema::text(
            about,
            "^[A-Za-z0-9_-]+$",
            CURSOR_CHARS_MAX,
            "eyJjcmVhdGVkX2F0Ijo",
        )
    }
}

impl utoipa::ToSchema for Cursor {}

impl Cursor {
    /// The text for the caller.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cursor of a position in a list.
    pub(crate) fn of(place: &impl Serialize) -> Result<Self, Failure> {
        let json = serde_json::to_vec(place).map_err(|error| Failure::Internal(error.into()))?;
        Ok(Self(data_encoding::BASE64URL_NOPAD.encode(&json)))
    }
}

/// The position after which a page begins, as written by [`Cursor::of`].
#[derive(Debug, Clone)]
pub struct After<P>(pub(crate) P);

impl<P: DeserializeOwned> FromStr for After<P> {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let json = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes());
        let place = serde_json::from_slice(&json.map_err(|_| InvalidCursor)?);
        place.map(Self).map_err(|_| InvalidCursor)
    }
}

impl<P: DeserializeOwned> TryFrom<String> for After<P> {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, InvalidCursor> {
        text.parse()
    }
}

impl<'de, P: DeserializeOwned> Deserialize<'de> for After<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "`next` of the previous page of the same list")
    }
}

/// Reads a page from its routine's columns: an array of rows, and the last row read if there may be
/// more.
pub(crate) fn from_row<T, P>(row: &Row, rows: &str) -> Result<Page<T>, Failure>
where
    T: DeserializeOwned,
    P: DeserializeOwned + Serialize,
{
    let broken = |error: serde_json::Error| Failure::Internal(error.into());
    let last: Option<Value> = row.get("o_after");
    let next = match last {
        None => None,
        Some(last) => {
            let place: P = serde_json::from_value(last).map_err(broken)?;
            Some(Cursor::of(&place)?)
        }
    };
    Ok(Page {
        rows: serde_json::from_value(row.get(rows)).map_err(broken)?,
        next,
    })
}

/// The page of a list that is sorted by a code. The next page begins after its last row.
pub(crate) fn by_code<T>(
    rows: Value,
    limit: i32,
    code: impl Fn(&T) -> &str,
) -> Result<Page<T>, Failure>
where
    T: DeserializeOwned,
{
    let rows: Vec<T> =
        serde_json::from_value(rows).map_err(|error| Failure::Internal(error.into()))?;
    let full = usize::try_from(limit).is_ok_and(|limit| rows.len() >= limit);
    let last = rows.last().filter(|_| full);
    let next = last.map(|row| Cursor::of(&code(row))).transpose()?;
    Ok(Page { rows, next })
}
