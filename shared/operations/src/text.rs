//! Texts of people and gateways: bounded, on one line, and otherwise free.

use crate::ids::{ONE_LINE, text_id};

/// A parser's message without the values that it quotes, for the log: `invalid type: string "…",
/// expected a map`. A value may be a customer's address.
#[must_use]
pub fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match (text.find('"'), text.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}\"…\"{}", &text[..first], &text[last + 1..])
        }
        _ => text,
    }
}

text_id!(
    /// The title of a sku.
    Title, 200, |c| !c.is_control(),
    "1 to 200 characters without control characters",
    ONE_LINE, "Tulle veil, white"
);
text_id!(
    /// The title of a shop.
    ShopName, 100, |c| !c.is_control(),
    "1 to 100 characters without control characters",
    ONE_LINE, "Dresses"
);
text_id!(
    /// The reason, in the clerk's own words. No control characters.
    Note, 500, |c| !c.is_control(),
    "1 to 500 characters without control characters",
    ONE_LINE, "yearly count"
);
text_id!(
    /// ISO 4217.
    Currency, 3, |c| c.is_ascii_uppercase(),
    "3 characters of A-Z",
    r"^[A-Z]{3}$", "INR", where |text| text.len() == 3
);
text_id!(
    /// A time zone by its name in the IANA list.
    TimeZone, 64, |c| c.is_ascii_alphanumeric() || "_+/-".contains(c),
    "1 to 64 characters of A-Z a-z 0-9 _ + / -",
    r"^[A-Za-z0-9_+/-]{1,64}$", "Asia/Kolkata"
);
text_id!(
    /// The beginnings of words, as a person types them.
    TypedText, 100, |c| !c.is_control(),
    "1 to 100 characters without control characters",
    ONE_LINE, "lehenga red"
);
text_id!(
    /// A gateway's id of a payment.
    GatewayPaymentId, 128, |c| !c.is_control(),
    "1 to 128 characters without control characters",
    ONE_LINE, "pay_29QQoUBi66xm2f"
);
text_id!(
    /// The key of a gateway's event.
    EventKey, 512, |c| !c.is_control(),
    "1 to 512 characters without control characters",
    ONE_LINE, "evt_1Q0PsIJvEtkwdCNY"
);

impl TimeZone {
    /// Universal time: the zone of a shop that names none.
    #[must_use]
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }
}

/// Why a text is none of these words. The sentence follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {0}")]
pub struct NotOneOf(pub(crate) &'static str);

/// Defines a type whose values are a few words, as the database writes them.
macro_rules! one_of {
    ($(#[doc = $doc:literal])* $name:ident, $first:literal $(, $word:literal)*) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
        pub struct $name(&'static str);

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::schema::word(concat!($($doc, "\n"),*), Self::WORDS)
            }
        }

        impl utoipa::ToSchema for $name {}

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let rule = concat!("one of ", $first $(, ", ", $word)*);
                $crate::ids::read_text(deserializer, rule)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::text::NotOneOf;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        $crate::db::sent_as!($name, &str, |word| word.0);

        impl $name {
            /// Every word.
            pub const WORDS: &[&str] = &[$first $(, $word)*];

            /// The word.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::text::NotOneOf;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::WORDS.iter().find(|word| **word == text);
                known
                    .map(|word| Self(word))
                    .ok_or($crate::text::NotOneOf(concat!($first $(, ", ", $word)*)))
            }
        }
    };
}

pub(crate) use one_of;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parsers_message_never_quotes_what_was_sent() {
        let error = serde_json::from_str::<Vec<u8>>(r#""meera \" a@example.com""#).unwrap_err();
        assert!(error.to_string().contains("meera"), "{error}");
        let text = without_values(&error);
        assert!(
            text.starts_with("invalid type: string \"…\", expected"),
            "{text}"
        );
    }
}
