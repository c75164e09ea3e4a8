//! Answers that are more than [`Json`](crate::Json) with status 200.

use axum::response::{IntoResponse, Response};
use lambda_http::http::{HeaderValue, StatusCode, header};
use operations::page::{Cursor, ListRow, Page};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::body::json;
use crate::problem::Refused;

/// The answer of a handler whose operation has the error `E`.
pub type Answer<T, E> = Result<T, Refused<E>>;

/// JSON with status 201 for something new, or 200 for a repeated request or a replacement.
#[derive(Debug)]
pub struct Made<T> {
    /// Whether it is new.
    pub new: bool,
    pub body: T,
}

impl<T> Made<T> {
    /// Something new.
    #[must_use]
    pub fn new(body: T) -> Self {
        Self { new: true, body }
    }

    /// Something that was there before.
    #[must_use]
    pub fn before(body: T) -> Self {
        Self { new: false, body }
    }
}

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        let status = match self.new {
            true => StatusCode::CREATED,
            false => StatusCode::OK,
        };
        json(status, &self.body)
    }
}

/// JSON with the version of the shown thing as `ETag`, for `If-Match`.
#[derive(Debug)]
pub struct Versioned<T> {
    pub version: i64,
    pub body: T,
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        let mut response = json(StatusCode::OK, &self.body);
        if let Ok(tag) = HeaderValue::try_from(format!("\"{}\"", self.version)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// One page of a list: the rows under their name, and `next`, the cursor of the next page.
#[derive(Debug)]
pub struct Listed<T>(pub Page<T>);

impl<T: ListRow> Serialize for Listed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_map(None)?;
        answer.serialize_entry(T::ROWS, &self.0.rows)?;
        if let Some(next) = &self.0.next {
            answer.serialize_entry("next", next)?;
        }
        answer.end()
    }
}

impl<T: ListRow> IntoResponse for Listed<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self)
    }
}

/// Lines of text. The header `x-holdfast-next` has the cursor of the next page.
#[derive(Debug)]
pub struct Lines {
    /// Their content type.
    pub content_type: &'static str,
    pub text: String,
    /// `None` on the last page.
    pub next: Option<Cursor>,
}

/// The header with the cursor of the next page.
pub(crate) const NEXT: &str = "x-holdfast-next";

impl IntoResponse for Lines {
    fn into_response(self) -> Response {
        let kind = HeaderValue::from_static(self.content_type);
        let mut response = ([(header::CONTENT_TYPE, kind)], self.text).into_response();
        if let Some(Ok(next)) = self.next.map(|next| HeaderValue::try_from(next.as_str())) {
            response.headers_mut().insert(NEXT, next);
        }
        response
    }
}
