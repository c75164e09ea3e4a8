//! Schemas of values for the contract. The types of this crate know their own bounds.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

/// A text with a pattern and a longest length in characters.
pub(crate) fn text(about: &str, pattern: &str, chars_max: usize, example: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(described(about))
        .pattern(Some(pattern))
        .min_length(Some(1))
        .max_length(Some(chars_max))
        .examples([example])
        .into()
}

/// One of these words.
pub(crate) fn word(about: &str, words: &[&str]) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(described(about))
        .enum_values(Some(words.iter().copied()))
        .examples(words.first().copied())
        .into()
}

/// A whole number from `min` to `max`.
pub(crate) fn whole(about: &str, min: i64, max: i64) -> RefOr<Schema> {
    let wide = max > i64::from(i32::MAX);
    let format = wide.then_some(SchemaFormat::KnownFormat(KnownFormat::Int64));
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(format)
        .description(described(about))
        .minimum(Some(min))
        .maximum(Some(max))
        .examples([min.max(1)])
        .into()
}

/// A UUID.
pub(crate) fn uuid(about: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        .description(described(about))
        .examples(["0193f5a2-4b6e-7c33-8d10-5f2a9e61b7c4"])
        .into()
}

/// A time of RFC 3339.
pub(crate) fn time() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .examples(["2026-11-21T04:30:00Z"])
        .into()
}

/// The lines of a comment as one text.
fn described(about: &str) -> Option<String> {
    let lines: Vec<&str> = about.lines().map(str::trim).collect();
    let text = lines.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}
