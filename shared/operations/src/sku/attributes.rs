//! The attributes of a sku: facts in the shop's own words.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use crate::number::{is_exact, numbers, zeros_of};

/// Members at most.
pub const ATTRIBUTES_MAX: usize = 100;
/// How deep values are nested at most. Parsers of JSON give up at 128.
const LEVELS_MAX: usize = 59;
/// Characters of a number that a message repeats.
const QUOTED_CHARS_MAX: usize = 40;

/// Bytes of the whole object at most, as JSON. The database has a bound of twice as many for its
/// own writing, with spaces.
const BYTES_MAX: usize = 60_000;

/// A JSON object that the database can keep, and that every reader can show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Attributes(Map<String, Value>);

/// Why a text can't be the attributes of a sku: a sentence that follows the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAttributes {
    #[error("must be a JSON object")]
    NotAnObject,
    #[error("must have at most {ATTRIBUTES_MAX} members")]
    TooMany,
    #[error("must be at most {BYTES_MAX} bytes of JSON")]
    TooLong,
    #[error("must hold no number that a double does not keep, as {0}: send it as a text")]
    Inexact(String),
    #[error("{0}")]
    Unfit(String),
}

impl utoipa::PartialSchema for Attributes {
    fn schema() -> RefOr<Schema> {
        let about = "Colour, size, date and other facts, in the shop's own words. No text \
                     contains U+0000, and no object has a member twice. Numbers are those that a \
                     double keeps: send 12345678901234567890123 as a text.";
        ObjectBuilder::new()
            .schema_type(Type::Object)
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

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        text.get().parse().map_err(de::Error::custom)
    }
}

impl FromStr for Attributes {
    type Err = InvalidAttributes;

    fn from_str(json: &str) -> Result<Self, InvalidAttributes> {
        let raw: &RawValue =
            serde_json::from_str(json).map_err(|_| InvalidAttributes::NotAnObject)?;
        let json = raw.get();
        if !json.starts_with('{') {
            return Err(InvalidAttributes::NotAnObject);
        }
        // The database writes 1e300 with all of its zeros.
        let mut zeros = 0;
        for number in numbers(json).into_iter().map(|place| &json[place]) {
            if !is_exact(number) {
                let quoted = number.chars().take(QUOTED_CHARS_MAX).collect();
                return Err(InvalidAttributes::Inexact(quoted));
            }
            zeros += zeros_of(number);
        }
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let value = Fit { level: 0 }.deserialize(&mut deserializer);
        match value.map_err(|error| unfit(&error))? {
            Value::Object(members) if members.len() > ATTRIBUTES_MAX => {
                Err(InvalidAttributes::TooMany)
            }
            Value::Object(members) => {
                let json = serde_json::to_vec(&members).unwrap_or_default();
                if json.len() + zeros > BYTES_MAX {
                    return Err(InvalidAttributes::TooLong);
                }
                Ok(Self(members))
            }
            _ => Err(InvalidAttributes::NotAnObject),
        }
    }
}

/// The message without its place, which is that in the attributes alone.
fn unfit(error: &serde_json::Error) -> InvalidAttributes {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    let must = if error.is_data() {
        ""
    } else {
        "must be valid JSON: "
    };
    InvalidAttributes::Unfit(format!("{must}{}", &text[..end]))
}

/// Reads a value that fits into attributes. A plain map would keep the last of two members with
/// one name and say nothing.
#[derive(Clone, Copy)]
struct Fit {
    level: usize,
}

impl Fit {
    fn inner<E: de::Error>(self) -> Result<Self, E> {
        let level = self.level + 1;
        if level > LEVELS_MAX {
            let message = format!("must not be nested deeper than {LEVELS_MAX} levels");
            return Err(E::custom(message));
        }
        Ok(Self { level })
    }
}

impl<'de> DeserializeSeed<'de> for Fit {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn text<E: de::Error>(text: String) -> Result<String, E> {
    if text.contains('\0') {
        return Err(E::custom("must hold no text with the character U+0000"));
    }
    Ok(text)
}

impl<'de> Visitor<'de> for Fit {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        text(value.to_owned()).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Inner(self))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let name = text(name)?;
            if members.contains_key(&name) {
                let message = format!("must have the member {name:?} once");
                return Err(de::Error::custom(message));
            }
            let value = map.next_value_seed(Inner(self))?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

/// A value inside of another one.
struct Inner(Fit);

impl<'de> DeserializeSeed<'de> for Inner {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.inner()?.deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_an_object_that_every_reader_can_show() {
        let nested = |levels: usize| {
            format!(
                "{{\"a\":{}1{}}}",
                "[".repeat(levels - 1),
                "]".repeat(levels - 1)
            )
        };
        let many = |members: usize| {
            let members: Vec<String> = (0..members).map(|n| format!("\"{n}\":{n}")).collect();
            format!("{{{}}}", members.join(","))
        };
        for good in [
            "{}",
            r#" {"a":1.5,"b":[true,null,{"c":"x"}],"d":1e22} "#,
            &nested(LEVELS_MAX),
            &many(ATTRIBUTES_MAX),
        ] {
            assert!(good.parse::<Attributes>().is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", "object"),
            ("null", "object"),
            ("[1]", "object"),
            ("{", "object"),
            (r#"{"a":1} x"#, "object"),
            (r#"{"a":"\u0000"}"#, "U+0000"),
            (r#"{"a":[{"b\u0000":1}]}"#, "U+0000"),
            (r#"{"a":1,"a":2}"#, "once"),
            (r#"{"a":{"b":1,"c":2,"b":1}}"#, "once"),
            (r#"{"a":"\ud800"}"#, "must"),
            (r#"{"a":12345678901234567890123}"#, "as a text"),
            (r#"{"a":[1e400]}"#, "as a text"),
            (&nested(LEVELS_MAX + 1), "nested"),
            (&nested(1_000), "nested"),
            (&many(ATTRIBUTES_MAX + 1), "at most 100"),
            (&format!("{{\"a\":\"{}\"}}", "x".repeat(60_000)), "bytes"),
            (&format!("{{\"a\":[{}1]}}", "1e300,".repeat(200)), "bytes"),
        ] {
            let error = bad.parse::<Attributes>().unwrap_err().to_string();
            assert!(
                error.starts_with("must ") && error.contains(why),
                "{bad:.80}: {error}"
            );
        }
    }
}
