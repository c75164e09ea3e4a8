//! Parses bodies and queries. A problem names the wrong field.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::problem::Problem;
use lambda_http::{Body, Request, RequestExt as _};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_path_to_error::{Path, Segment};

use crate::object::Object;

/// Bytes of a body. Fifty lines with the longest codes need a tenth of it.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Parses an optional field that may be omitted but must not be null. A caller that sends null lost
/// a value: an order without its coupon is not what the shopper asked for.
///
/// # Errors
/// When it is null, or no `T`.
pub fn not_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Parses a body that is one JSON object and nothing else.
///
/// # Errors
/// A problem that names the field.
pub fn json<T: DeserializeOwned>(body: &Body) -> Result<T, Problem> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Problem::body_too_large(BODY_BYTES_MAX));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed: Object<T> =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let field = field(error.path());
            Problem::invalid_request(&field, &without_position(&error.into_inner()))
        })?;
    // more text after the object is an error, too
    deserializer
        .end()
        .map_err(|error| invalid("body", &error))?;
    Ok(parsed.0)
}

/// The name of the wrong field. The parser may stop before a field has a name, as in
/// `{"lines":[{bad`. The field around it is named then.
fn field(path: &Path) -> String {
    let mut name = path.to_string();
    if matches!(path.iter().next_back(), Some(Segment::Unknown)) {
        name.truncate(name.len() - "?".len());
        name.truncate(name.trim_end_matches('.').len());
    }
    match name.as_str() {
        "" | "." => "body".to_owned(),
        _ => name,
    }
}

/// The parser's message without " at line 1 column 20": the field says where.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) if !error.is_syntax() && !error.is_eof() => text[..end].to_owned(),
        _ => text,
    }
}

/// The problem of a field that is wrong.
#[must_use]
pub fn invalid(field: &str, error: &impl std::fmt::Display) -> Problem {
    Problem::invalid_request(field, &error.to_string())
}

/// The parameters of a query string. Each is known, and occurs once.
#[derive(Debug)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Parses the query string of a request.
    ///
    /// # Errors
    /// A problem that names an unknown or repeated parameter.
    pub fn of(request: &Request, known: &[&str]) -> Result<Self, Problem> {
        let mut all = BTreeMap::new();
        for (name, value) in request.query_string_parameters().iter() {
            if !known.contains(&name) {
                let message = format!("is not one of {}", known.join(", "));
                return Err(Problem::invalid_request(name, &message));
            }
            if all.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(Problem::invalid_request(name, "must be given once"));
            }
        }
        Ok(Self(all))
    }

    /// An optional parameter.
    ///
    /// # Errors
    /// A problem that names the parameter when it is no `T`.
    pub fn get<T>(&self, name: &str) -> Result<Option<T>, Problem>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        let value = self.0.get(name).map(|text| text.parse());
        value.transpose().map_err(|error| invalid(name, &error))
    }
}
