//! A postal address, parsed at the edge.

use serde::{Deserialize, Deserializer, Serialize};

use crate::ids::{ONE_LINE, read_text};
use crate::object::not_null;

/// A postal address. Texts are stored as given; only their length is bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The recipient.
    #[schema(inline)]
    pub recipient: Text<200>,
    /// Street and number.
    #[schema(inline)]
    pub line1: Text<200>,
    /// A second address line.
    #[serde(default, deserialize_with = "not_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub line2: Option<Text<200>>,
    /// City.
    #[schema(inline)]
    pub city: Text<100>,
    /// State or region.
    #[serde(default, deserialize_with = "not_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub region: Option<Text<100>>,
    /// Postal code.
    #[schema(inline)]
    pub postal_code: Text<20>,
    /// ISO 3166-1 alpha-2.
    pub country: Country,
    /// Telephone number.
    #[serde(default, deserialize_with = "not_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub phone: Option<Text<32>>,
}

/// A text of 1 to `MAX` characters without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> utoipa::PartialSchema for Text<MAX> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        crate::schema::text("", ONE_LINE, MAX, "Kochi")
    }
}

impl<const MAX: usize> utoipa::ToSchema for Text<MAX> {}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rule = format_args!("1 to {MAX} characters without control characters");
        read_text(deserializer, rule)
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let chars = text.chars().count();
        if (1..=MAX).contains(&chars) && !text.chars().any(char::is_control) {
            Ok(Self(text))
        } else {
            Err(format!(
                "must be 1 to {MAX} characters without control characters, got {chars}"
            ))
        }
    }
}

/// A country's two letters (ISO 3166-1 alpha-2).
#[derive(utoipa::ToSchema, Debug, Clone, PartialEq, Eq, Serialize)]
#[schema(pattern = "^[A-Z]{2}$", example = "IN")]
pub struct Country(String);

/// The rule for a country's code.
const COUNTRY: &str = "the two capital letters of a country (ISO 3166-1 alpha-2)";

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, COUNTRY)
    }
}

impl TryFrom<String> for Country {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(text))
        } else {
            Err(format!("must be {COUNTRY}"))
        }
    }
}
