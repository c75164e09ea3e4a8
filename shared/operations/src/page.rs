//! Pages of long lists. A page is bounded by the rows that it shows and by the rows that it reads.
//! A cursor says where the next page begins.

use std::str::FromStr;

use serde::de::{DeserializeOwned, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::Row;

use crate::db::{Failure, from_json};
use crate::ids::read_text;
use crate::quantity::PageLimit;

/// Rows that a page may read. The page ends there, even if few rows match its filter. If too low,
/// finding a rare row takes many calls. If too high, one call reads for seconds.
pub(crate) const SCAN_MAX: i32 = 5_000;

/// Characters of a cursor at most. The longest has a customer's key of 1,200 characters, of up to
/// four bytes each, and a sku. A gateway takes 10,240 bytes of a request line and its headers.
const CURSOR_CHARS_MAX: usize = 8_000;

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
}

/// The position of a row in a list.
pub trait Position: Serialize + DeserializeOwned {
    /// The operation that lists these rows. A cursor names it, so that no other list takes it.
    const LIST: &'static str;
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
            "WyJza3VfbGlzdCIseyJza3UiOiJWRUlMLVdISVRFIn1d",
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
    pub(crate) fn of<P: Position>(position: &P) -> Result<Self, Failure> {
        let json = serde_json::to_vec(&(P::LIST, position))
            .map_err(|error| Failure::Internal(error.into()))?;
        Ok(Self(data_encoding::BASE64URL_NOPAD.encode(&json)))
    }
}

/// The position after which a page begins, as written by [`Cursor::of`].
#[derive(Debug, Clone)]
pub struct After<P>(pub(crate) P);

impl<P: Position> FromStr for After<P> {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let json = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes());
        let parsed = serde_json::from_slice(&json.map_err(|_| InvalidCursor)?);
        let (list, position): (String, P) = parsed.map_err(|_| InvalidCursor)?;
        if list == P::LIST {
            Ok(Self(position))
        } else {
            Err(InvalidCursor)
        }
    }
}

impl<P: Position> TryFrom<String> for After<P> {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, InvalidCursor> {
        text.parse()
    }
}

impl<'de, P: Position> Deserialize<'de> for After<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "`next` of the previous page of the same list")
    }
}

/// Reads a page from its routine's columns: an array of rows, and the last row read if there may be
/// more.
pub(crate) fn from_row<T, P>(row: &Row, rows: &str) -> Result<Page<T>, Failure>
where
    T: DeserializeOwned,
    P: Position,
{
    let last: Option<Value> = row.get("o_after");
    Ok(Page {
        rows: from_json(row.get(rows))?,
        next: last.as_ref().map(cursor::<P>).transpose()?,
    })
}

/// The page of a list that is sorted by a code. The next page begins after its last row.
pub(crate) fn by_code<T, P>(rows: Value, limit: PageLimit) -> Result<Page<T>, Failure>
where
    T: DeserializeOwned,
    P: Position,
{
    let all = rows.as_array().map_or(&[][..], Vec::as_slice);
    let full = usize::try_from(limit.get()).is_ok_and(|limit| all.len() >= limit);
    let next = all.last().filter(|_| full).map(cursor::<P>).transpose()?;
    Ok(Page {
        rows: from_json(rows)?,
        next,
    })
}

/// The cursor after this row.
pub(crate) fn cursor<P: Position>(row: &Value) -> Result<Cursor, Failure> {
    Cursor::of(&P::deserialize(row).map_err(|error| Failure::Internal(error.into()))?)
}
