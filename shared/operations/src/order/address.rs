//! A postal address, parsed at the edge.

use serde::{Deserialize, Deserializer, Serialize};

use crate::ids::{ONE_LINE, read_text, text_id};
use crate::object::not_null;

/// A postal address. Texts are stored as given; only their length is bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The recipient.
    pub recipient: Recipient,
    /// Street and number.
    pub line1: AddressLine,
    /// A second address line.
    #[serde(default, deserialize_with = "not_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<AddressLine>,
    /// City.
    pub city: Place,
    /// State or region.
    #[serde(default, deserialize_with = "not_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Place>,
    /// Postal code.
    pub postal_code: PostalCode,
    /// ISO 3166-1 alpha-2.
    pub country: Country,
    /// Telephone number.
    #[serde(default, deserialize_with = "not_null")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneText>,
}

text_id!(
    /// A person's or a company's name.
    Recipient, 200, |c| !c.is_control(),
    "1 to 200 characters without control characters",
    ONE_LINE, "Meera Nair"
);
text_id!(
    /// A line of an address.
    AddressLine, 200, |c| !c.is_control(),
    "1 to 200 characters without control characters",
    ONE_LINE, "14 Lotus Lane"
);
text_id!(
    /// A city, a state or a region.
    Place, 100, |c| !c.is_control(),
    "1 to 100 characters without control characters",
    ONE_LINE, "Kochi"
);
text_id!(
    /// A postal code.
    PostalCode, 20, |c| !c.is_control(),
    "1 to 20 characters without control characters",
    ONE_LINE, "682001"
);
text_id!(
    /// A telephone number, in any form.
    PhoneText, 32, |c| !c.is_control(),
    "1 to 32 characters without control characters",
    ONE_LINE, "+914840000000"
);

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
