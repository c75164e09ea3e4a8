//! The answer of a list.

use holdfast_http::problem::Problem;
use holdfast_http::{Reply, refused};
use operations::page::Page;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// One page. The field `rows` is its name in the JSON.
struct Listed<T> {
    rows: &'static str,
    page: Page<T>,
}

impl<T: Serialize> Serialize for Listed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_map(None)?;
        answer.serialize_entry(self.rows, &self.page.rows)?;
        if let Some(next) = &self.page.next {
            answer.serialize_entry("next", next)?;
        }
        answer.end()
    }
}

/// Answers a page under the name `rows`, or the problem of its error.
pub(crate) fn listed<T, E>(rows: &'static str, page: Result<Page<T>, E>) -> Result<Reply, Problem>
where
    T: Serialize,
    E: std::error::Error + 'static,
    for<'a> Problem: From<&'a E>,
{
    match page {
        Ok(page) => Reply::json(200, &Listed { rows, page }),
        Err(error) => Err(refused(&error)),
    }
}
