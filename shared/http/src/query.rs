//! Parameters of a query string. Each is known, and occurs once. A problem names the wrong one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::RequestExt as _;
use lambda_http::http::request::Parts;
use operations::page::{After, Position};
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor, value};
use serde::forward_to_deserialize_any;
use utoipa::ToSchema;

use crate::problem::Problem;

/// The parameters of a query string, as the fields of a struct that denies unknown fields.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(pairs(parts)?, &[]).map(Self)
    }
}

/// What a list is asked for: its filter, where the page begins, and how many rows it has. All lists
/// have the same words for it: `cursor`, `limit`, and `next` in the answer.
#[derive(Debug)]
pub struct List<F, P, L> {
    pub filter: F,
    pub after: Option<After<P>>,
    pub limit: L,
}

/// A list without a filter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// Characters of a wrong value that a message repeats.
const GOT_CHARS_MAX: usize = 40;

/// The words of paging.
#[derive(Deserialize)]
#[serde(bound(deserialize = "P: Position, L: DeserializeOwned"))]
struct Paging<P, L> {
    cursor: Option<After<P>>,
    limit: Option<L>,
}

impl<F, P, L, S> FromRequestParts<S> for List<F, P, L>
where
    F: DeserializeOwned,
    P: Position,
    L: DeserializeOwned + Default,
    S: Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (paging, filter) = pairs(parts)?
            .into_iter()
            .partition(|(name, _)| name == "cursor" || name == "limit");
        let Paging { cursor, limit } = parse(paging, &[])?;
        Ok(Self {
            filter: parse(filter, &["cursor", "limit"])?,
            after: cursor,
            limit: limit.unwrap_or_default(),
        })
    }
}

/// Refuses a request with a parameter to a route that has none. A caller who sends one expects an
/// effect.
pub(crate) async fn without_query(request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    parse::<NoFilter>(pairs(&parts)?, &[])?;
    Ok(next.run(Request::from_parts(parts, body)).await)
}

fn pairs(parts: &Parts) -> Result<BTreeMap<String, String>, Problem> {
    let mut pairs = BTreeMap::new();
    for (name, value) in parts.query_string_parameters().iter() {
        if pairs.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Problem::invalid(name, "must be given once"));
        }
    }
    Ok(pairs)
}

/// Parses the fields of a form, as the fields of a struct that denies unknown fields.
///
/// # Errors
/// The problem names the wrong field.
pub fn fields<T: DeserializeOwned>(fields: BTreeMap<String, String>) -> Result<T, Problem> {
    parse(fields, &[])
}

/// Parses the parameters. `others` are those that the caller parses apart.
fn parse<T: DeserializeOwned>(
    pairs: BTreeMap<String, String>,
    others: &[&str],
) -> Result<T, Problem> {
    let pairs = pairs.into_iter().map(|(name, value)| (name, Text(value)));
    let deserializer = MapDeserializer::new(pairs);
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error: value::Error = error.into_inner();
        named(&path, &error.to_string(), others)
    })
}

/// The problem of serde's message. An unknown or a missing parameter has its name in the message
/// only: "unknown field `x`, expected …".
fn named(path: &str, message: &str, others: &[&str]) -> Problem {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("missing field") {
        return Problem::invalid(quoted.next().unwrap_or_default(), "is missing");
    }
    if message.starts_with("unknown field") {
        let unknown = quoted.next().unwrap_or_default();
        let known: Vec<&str> = quoted.chain(others.iter().copied()).collect();
        let message = match known.as_slice() {
            [] => "is not known: there are no parameters here".to_owned(),
            known => format!("is not one of {}", known.join(", ")),
        };
        return Problem::invalid(unknown, message);
    }
    let not_a_number = message.strip_prefix("invalid type: string ");
    match not_a_number.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((got, rule)) => {
            let got: String = got.chars().take(GOT_CHARS_MAX).collect();
            Problem::invalid(path, format!("must be {rule}, got {got}"))
        }
        None => Problem::invalid(path, message),
    }
}

/// The text of one parameter. A type that is a number gets a number.
struct Text(String);

impl<'de> Deserializer<'de> for Text {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        // Rust also parses `+5`, which is no number in JSON.
        match self.0.parse() {
            Ok(number) if !self.0.starts_with('+') => visitor.visit_i64(number),
            _ => visitor.visit_string(self.0),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        visitor.visit_enum(Cow::<str>::Owned(self.0).into_deserializer())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
