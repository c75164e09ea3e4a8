//! The attributes of a sku: free in form, bounded in number.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder};
use utoipa::openapi::{RefOr, Schema};

/// Members at most.
pub const ATTRIBUTES_MAX: usize = 100;

/// Bytes of the whole object at most, as JSON. The database has a bound of twice as many for its
/// own writing, with spaces.
const BYTES_MAX: usize = 60_000;

/// A JSON object that the database can keep.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Attributes(Map<String, Value>);

/// Why an object can't be the attributes of a sku: a sentence that follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttributes {
    #[error("must have at most {ATTRIBUTES_MAX} members")]
    TooMany,
    #[error("must be at most {BYTES_MAX} bytes of JSON")]
    TooLong,
    #[error("must hold no text with the character U+0000")]
    HoldsNul,
}

impl utoipa::PartialSchema for Attributes {
    fn schema() -> RefOr<Schema> {
        let about = "Colour, size, date and other facts, in the shop's own words. No text \
                     contains U+0000.";
        ObjectBuilder::new()
            .description(Some(about))
            .max_properties(Some(ATTRIBUTES_MAX))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .into()
    }
}

impl utoipa::ToSchema for Attributes {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("SkuAttributes")
    }
}

impl Attributes {
    /// As a parameter of a statement.
    #[must_use]
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

impl TryFrom<Map<String, Value>> for Attributes {
    type Error = InvalidAttributes;

    fn try_from(members: Map<String, Value>) -> Result<Self, InvalidAttributes> {
        if members.len() > ATTRIBUTES_MAX {
            return Err(InvalidAttributes::TooMany);
        }
        if serde_json::to_vec(&members).is_ok_and(|json| json.len() > BYTES_MAX) {
            return Err(InvalidAttributes::TooLong);
        }
        if members
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value))
        {
            return Err(InvalidAttributes::HoldsNul);
        }
        Ok(Self(members))
    }
}

/// As deep as the parser goes: 128.
fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
