//! Identifiers. A value of one of these types has the form that the database's constraints require.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::sent_as;

/// Why a text is not a valid identifier. The sentence follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(String);

/// Messages repeat only the beginning of a long text.
const QUOTED_CHARS_MAX: usize = 80;

pub(crate) fn invalid(rule: &str, got: &str) -> InvalidId {
    let quoted: String = got.chars().take(QUOTED_CHARS_MAX).collect();
    let dots = if quoted.len() < got.len() { "…" } else { "" };
    InvalidId(format!("must be {rule}, got {quoted:?}{dots}"))
}

/// Parses a text that follows `rule`. A value that is no text gets the rule, too: "expected a
/// string" alone would cost the sender a second try.
pub(crate) fn read_text<'de, D, T>(deserializer: D, rule: impl fmt::Display) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<String, Error: fmt::Display>,
{
    struct Text<R, T>(R, PhantomData<T>);

    impl<R: fmt::Display, T: TryFrom<String, Error: fmt::Display>> Visitor<'_> for Text<R, T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a string, {}", self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            T::try_from(text.to_owned()).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(rule, PhantomData))
}

/// Defines a text identifier: its name, the longest length, which characters, the rule in words and
/// as a pattern, an example, and a rule for the whole text.
macro_rules! text_id {
    (
        $(#[doc = $doc:literal])* $name:ident, $max:literal, $allowed:expr, $rule:literal,
        $pattern:expr, $example:literal $(, where $whole:expr)? $(, sent with $method:item)?
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub struct $name(String);

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::ids::read_text(deserializer, $rule)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::schema::text(concat!($($doc, "\n"),*), $pattern, $max, $example)
            }
        }

        impl utoipa::ToSchema for $name {}

        impl $name {
            #[doc = concat!("Longest length in characters: ", stringify!($max), ".")]
            pub const CHARS_MAX: usize = $max;

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        $crate::db::sent_as!($name, String, |id| id.0 $(, $method)?);

        impl TryFrom<String> for $name {
            type Error = $crate::ids::InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                let allowed: fn(char) -> bool = $allowed;
                if text.is_empty() || text.chars().count() > $max || !text.chars().all(allowed)
                    $(|| !($whole as fn(&str) -> bool)(&text))?
                {
                    return Err($crate::ids::invalid($rule, &text));
                }
                Ok(Self(text))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ids::InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::try_from(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Any text without control characters.
pub(crate) const ONE_LINE: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";

pub(crate) use text_id;

text_id!(
    /// A seller on a deployment. First in every key.
    Shop, 12, |c| c.is_ascii_lowercase() || c.is_ascii_digit(),
    "1 to 12 characters of a-z 0-9",
    r"^[a-z0-9]{1,12}$", "dress",
    sent with fn as_shop(&self) -> Option<&str> {
        Some(&self.0)
    }
);
text_id!(
    /// The code of one interchangeable thing, such as a dress in one colour and size.
    // Its order is bytewise, as in the database: the lock order. Clients and servers take `.` and
    // `..` out of a path, so nobody could address such a sku.
    Sku, 64, |c| c.is_ascii_alphanumeric() || "._:-".contains(c),
    "1 to 64 characters of A-Z a-z 0-9 . _ : - other than . and ..",
    r"^(\.\.\.|\.{0,2}[A-Za-z0-9_:-])[A-Za-z0-9._:-]*$", "VEIL-WHITE",
    where |text| !matches!(text, "." | "..")
);
text_id!(
    /// The buyer, by the storefront's own name for them. No control characters.
    Customer, 64, |c| !c.is_control(),
    "1 to 64 characters without control characters",
    ONE_LINE, "c-1042"
);
text_id!(
    /// A coupon's code.
    CouponCode, 32, |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '-',
    "1 to 32 characters of A-Z 0-9 _ -",
    r"^[A-Z0-9_-]{1,32}$", "VEIL125"
);
text_id!(
    /// Who did it: from the token or the IAM identity of the call.
    Actor, 256, |c| !c.is_control(),
    "1 to 256 characters without control characters",
    ONE_LINE, "clerk"
);
text_id!(
    /// What the change refers to, such as a purchase order. No control characters.
    Reference, 128, |c| !c.is_control(),
    "1 to 128 characters without control characters",
    ONE_LINE, "PO-1041"
);

/// Defines an identifier that a caller makes: a UUID.
macro_rules! uuid_id {
    ($(#[doc = $doc:literal])* $name:ident) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Uuid);

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                crate::schema::uuid(concat!($($doc, "\n"),*))
            }
        }

        impl utoipa::ToSchema for $name {}

        impl $name {
            /// The identifier as a UUID.
            #[must_use]
            pub fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        sent_as!($name, Uuid, |id| id.0);

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // The nil UUID is refused: clients that forgot to make an id would share it. Only
                // the hyphenated form is accepted, because clients would see two spellings as two
                // ids.
                match Uuid::try_parse(text) {
                    Ok(id) if !id.is_nil() && text.len() == 36 => Ok(Self(id)),
                    _ => Err(invalid("a UUID with hyphens that is not all zeros", text)),
                }
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// A UUID that the caller makes for one checkout. It is the idempotency key.
    CheckoutId
);
uuid_id!(
    /// One order; made by the service.
    OrderId
);
uuid_id!(
    /// A saved address of a customer; made by the service.
    AddressId
);
uuid_id!(
    /// One return of goods; made by the client, and its idempotency key.
    ReturnId
);
uuid_id!(
    /// One test message to a subscriber; made by the client, and its idempotency key.
    TestId
);
uuid_id!(
    /// One refund; made by the client who asks for it, and its idempotency key, at the gateway too.
    RefundId
);
uuid_id!(
    /// A UUID that the caller makes for one change of stock. It is the idempotency key.
    MovementId
);
uuid_id!(
    /// One imported file. Made by the client. An interrupted import continues by it.
    ImportId
);

impl MovementId {
    /// A new id.
    pub(crate) fn fresh() -> Self {
        Self(Uuid::now_v7())
    }
}

/// The payment reference, under which a gateway knows an order: `<shop>-<26 characters of a-z
/// 2-7>`, at most 39 characters. A Razorpay receipt allows 40, a Cashfree order id 45.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentReference(String);

sent_as!(PaymentReference, String, |reference| reference.0);

impl PaymentReference {
    /// The reference of an order: the order's id in base 32, which keeps it short enough for every
    /// gateway.
    #[must_use]
    pub fn of_order(shop: &Shop, order_id: &Uuid) -> Self {
        let code = data_encoding::BASE32_NOPAD.encode(order_id.as_bytes());
        Self(format!("{shop}-{}", code.to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_reference_fits_every_gateway() {
        let shop: Shop = "abcdefghijkl".parse().unwrap();
        let reference = PaymentReference::of_order(&shop, &Uuid::max());
        assert_eq!(reference.0, "abcdefghijkl-77777777777777777777777774");
        assert!(reference.0.len() <= 40);
    }

    #[test]
    fn identifiers_refuse_what_the_database_would_refuse() {
        for bad in ["", "Main", "with space", "abcdefghijklm", "é"] {
            assert!(bad.parse::<Shop>().is_err(), "{bad:?}");
        }
        for bad in ["", "a b", "é", ".", "..", &"x".repeat(65)] {
            assert!(bad.parse::<Sku>().is_err(), "{bad:?}");
        }
        for good in ["...", "....", ".a", "..a", "a.", "a..", ":", "-"] {
            assert!(good.parse::<Sku>().is_ok(), "{good:?}");
        }
        for bad in [
            "",
            "no",
            "6f9619ff8b86d011b42d00cf4fc964ff",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert!(bad.parse::<CheckoutId>().is_err(), "{bad:?}");
        }
        assert!("a\nb".parse::<Customer>().is_err());
    }

    #[test]
    fn a_message_never_repeats_a_megabyte() {
        let error = "x".repeat(1_000_000).parse::<Sku>().unwrap_err();
        assert!(error.to_string().len() < 200);
    }
}
