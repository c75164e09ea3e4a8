//! Parameters of a query string. Each is known, and occurs once. A problem names the wrong one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
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
        parse(pairs(parts)?).map(Self)
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
        let Paging { cursor, limit } = parse(paging)?;
        Ok(Self {
            filter: parse(filter)?,
            after: cursor,
            limit: limit.unwrap_or_default(),
        })
    }
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

fn parse<T: DeserializeOwned>(pairs: BTreeMap<String, String>) -> Result<T, Problem> {
    let pairs = pairs.into_iter().map(|(name, value)| (name, Text(value)));
    let deserializer = MapDeserializer::new(pairs);
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error: value::Error = error.into_inner();
        named(&path, &error.to_string())
    })
}

/// Serde names an unknown or a missing parameter in its message only: "unknown field `x`, expected
/// …".
fn named(path: &str, message: &str) -> Problem {
    let quoted = message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("missing field") {
        Problem::invalid(quoted, "is missing")
    } else {
        Problem::invalid(if path == "." { quoted } else { path }, message)
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
        match self.0.parse() {
            Ok(number) => visitor.visit_i64(number),
            Err(_) => visitor.visit_string(self.0),
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
